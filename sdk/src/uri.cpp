// Parsing endpoint URIs and option values.
#include <trestle/sdk/uri.hpp>
