#!/usr/bin/env bash
# shellcheck disable=SC2317  # the steps are called by name
# Everything that can be judged without running the code. Prints each fault; fails if there is one.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit
failed=0

step() {
  local name=$1
  shift
  local started=$SECONDS
  if "$@"; then
    printf 'ok      %s (%d s)\n' "$name" $((SECONDS - started))
  else
    printf 'FAILED  %s\n' "$name"
    failed=1
  fi
}

sources() { git ls-files '*.c' '*.h' | grep -v '^src/scene/weights\.h$'; }

formatted() { sources | xargs clang-format --dry-run -Werror; }

# clang builds everything with warnings as errors, into a directory of its own.
clang_build() {
  [ -f build-clang/build.ninja ] || CC=clang meson setup build-clang >/dev/null || return 1
  ninja -C build-clang --quiet
}

# One file a run: clang-tidy 14 carries va_list's state from one file to the next. What is not in
# build-clang, as it is for another CPU, comes after.
tidy() {
  git ls-files 'src/*.c' | grep -v '/neon\.c$' |
    xargs -P "$(nproc)" -n 1 clang-tidy -p build-clang --quiet 2>/dev/null &&
    clang-tidy --quiet src/core/kernels/neon.c -- --target=aarch64-linux-gnu -std=gnu17 \
      -I. -Isrc -Iinclude -Wall -Wextra -Wconversion -Wshadow -Wcast-qual 2>/dev/null
}

# The unit parses, and its exposure (systemd's estimate, 0 to 10) is at most 2.0.
unit() {
  local place
  place=$(mktemp -d) || return 1
  sed "s|^ExecStart=.*|ExecStart=$PWD/build/src/daemon/labelcald|" systemd/labelcald.service \
    >"$place/labelcald.service"
  systemd-analyze verify "$place/labelcald.service" &&
    systemd-analyze security --offline=true --threshold=20 --no-pager "$place/labelcald.service" \
      >/dev/null
  local result=$?
  rm -r "$place"
  return "$result"
}

shell() { shellcheck run .ci/run tests/*.sh tests/*/*.sh; }

step 'text: tabs, blanks at line ends, final newlines, ASCII in code' /usr/bin/python3 tests/lint/text.py
step 'rooms: includes only from rooms above' /usr/bin/python3 tests/lint/rooms.py
step 'docstrings: every public function has one' /usr/bin/python3 tests/lint/docstrings.py
step 'defects: each still applies' /usr/bin/python3 tests/defects/run.py --check
step 'shellcheck' shell
step 'systemd unit: valid and confined' unit
step 'clang-format' formatted
step 'clang: no warning' clang_build
step 'clang-tidy' tidy
exit $failed
