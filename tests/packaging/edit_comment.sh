#!/bin/sh
# Usage: edit_comment.sh LAUNCHER... COMPILER
# After an edit of a comment alone, what includes a precompiled header still compiles.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export CCACHE_DIR="$work/cache"

for comment in before after; do
  printf '#pragma once\n// %s\nenum class Once { yes };\n' "$comment" > once.hpp
  echo '#include "once.hpp"' > all.hpp
  printf '#include "once.hpp"\nint %s;\n' "$comment" > main.cpp
  "$@" -x c++-header -c all.hpp -o all.hpp.gch
  "$@" -Winvalid-pch -include all.hpp -c main.cpp -o main.o
done
