#!/bin/sh
# A public header compiles alone, as C17 and as C++17: header.sh INCLUDE HEADER
set -eu
for compiler in "cc -x c -std=c17" "c++ -x c++ -std=c++17"; do
  # shellcheck disable=SC2086  # the compiler and its options are words
  printf '#include <labelcal/%s>\n' "$2" |
    $compiler -Wall -Wextra -Wpedantic -Werror -fsyntax-only -I"$1" -
done
