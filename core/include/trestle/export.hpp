// Which symbols libtrestle exports.
#pragma once

#define TRESTLE_EXPORT __attribute__((visibility("default")))
