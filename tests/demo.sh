#!/usr/bin/env bash
# ./run demo: a private labelcald, the embedded camera from day into dusk, a restart that resumes.
# Everything lives in one temporary folder, which goes with the script.
set -euo pipefail
cd "$(dirname "$0")/.."

labelcald=build/src/daemon/labelcald
labelcal=build/src/cli/labelcal
place=$(mktemp -d "${TMPDIR:-/tmp}/labelcal-demo.XXXXXX")
mkdir "$place/rt" "$place/st"
daemon=

stop() {
  [ -n "$daemon" ] || return 0
  kill -TERM "$daemon" 2>/dev/null || true
  wait "$daemon" || true
  daemon=
}

finish() {
  stop
  rm -rf "$place"
}
trap finish EXIT
trap 'exit 130' INT TERM

start() {
  "$labelcald" --config "$place/labelcald.yaml" --runtime-dir "$place/rt" \
    --state-dir "$place/st" --http off 2>>"$place/log" &
  daemon=$!
  for _ in $(seq 100); do
    "$labelcal" --runtime-dir "$place/rt" status >/dev/null 2>&1 && return
    kill -0 "$daemon" 2>/dev/null || break
    sleep 0.1
  done
  echo "labelcald did not start:" >&2
  cat "$place/log" >&2
  exit 1
}

here() { "$labelcal" --runtime-dir "$place/rt" "$@"; }

title() { printf '\n\033[1m%s\033[0m\n' "$1" | if [ -t 1 ]; then cat; else sed 's/\x1b\[[0-9]*m//g'; fi; }

# A bank that forgets with a half-life of 100 frames: a demo drives minutes, not months.
cat >"$place/labelcald.yaml" <<'EOF'
banks:
  default:
    adaptation: {forgetting: ema, half_life: 100}
EOF

title "1. labelcald starts (in $place), with nothing learnt"
start
here status

title "2. A street camera drives from day into dusk: 40 frames of drift, then 60 of dusk"
here camera --drift day:dusk:40 --frames 100 --lock-step

title "3. What it learnt is written down: labelcald is stopped and started again"
here streams
stop
start
grep -o 'bank default: .*' "$place/log" | tail -1
here status

title "4. It goes on with what it knew: 30 more frames of dusk"
here camera --condition dusk --frames 30 --lock-step --seed 2

title "Your own camera"
cat <<'EOF'
mIoU may rise while pixel accuracy falls, there can be a gain without any shift, and none or a
loss under some: look at both numbers, on your own frames.

  ./run build && sudo meson install -C build
  labelcald                      # with model.classes set to your network's (docs/config.md)
  labelcal shadow                # publish the argmax, calibrate beside it
  then send frames: the 20 lines of Python or 10 of C in README.md, or
  labelcal replay RECORDING      # a folder with probs.npy, meta.json and, to be scored, labels.npy
EOF
