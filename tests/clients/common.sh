# Shared by the client suites: an emulator of their own, and words for what they see.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
cmek=${CMEK:-${CARGO_TARGET_DIR:-$root/target}/release/cmek}
work=$(mktemp -d)
emulator=
cleanup() {
  [ -n "$emulator" ] && kill "$emulator" 2>/dev/null && wait "$emulator" 2>/dev/null
  rm -rf "$work"
}
trap cleanup EXIT

[ -x "$cmek" ] || { echo "no $cmek: cargo build --release first"; exit 1; }

# start_emulator [FLAG…]: sets $address.
start_emulator() {
  "$cmek" emulator start --port=0 --seed=7 "$@" 2>"$work/emulator.log" &
  emulator=$!
  for _ in $(seq 200); do
    address=$(sed -n 's/.* on http:\/\/\([0-9.:]*\).*/\1/p' "$work/emulator.log")
    [ -n "$address" ] && return
    sleep 0.05
  done
  cat "$work/emulator.log"
  echo "the emulator did not start"
  exit 1
}

passed=0
ok() { passed=$((passed + 1)); echo "ok    $*"; }
fail() { echo "FAIL  $*"; exit 1; }

# works WHAT COMMAND…
works() {
  local what=$1
  shift
  if "$@" >"$work/out" 2>&1; then ok "$what"; else cat "$work/out"; fail "$what"; fi
}

# refused WHAT WORDS COMMAND…: must fail, and say so in these words.
refused() {
  local what=$1 words=$2
  shift 2
  if "$@" >"$work/out" 2>&1; then cat "$work/out"; fail "$what: it was allowed"; fi
  grep -qF -- "$words" "$work/out" || { cat "$work/out"; fail "$what: it did not say: $words"; }
  ok "$what"
}

finish() { echo "$passed passed, 0 failed"; }
