#!/usr/bin/env bash
# What a release is made of, in dist/: the binary, man pages, completions. Fails when the binary is too large or leans on
# more than the C library.
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-dist}
cargo build --quiet --release --locked -p cmek
binary=${CARGO_TARGET_DIR:-target}/release/cmek
mkdir -p "$out/man" "$out/completions"
install -m 755 "$binary" "$out/cmek"
cp docs/man/*.1 "$out/man/"
for shell in bash zsh fish elvish powershell; do
  "$binary" completion "$shell" >"$out/completions/cmek.$shell"
done
cp LICENSE README.md "$out/"
size=$(stat -c %s "$out/cmek")
echo "cmek: $((size / 1024 / 1024)) MiB"
[ "$size" -lt $((25 * 1000 * 1000)) ] || { echo "the binary is larger than 25 MB"; exit 1; }
if command -v ldd >/dev/null; then
  foreign=$(ldd "$out/cmek" | awk '{print $1}' | grep -vE '^(linux-vdso|libc\.|libm\.|libgcc_s\.|libpthread\.|libdl\.|librt\.|/lib.*ld-)' || true)
  [ -z "$foreign" ] || { echo "it leans on: $foreign"; exit 1; }
fi
(cd "$out" && for shell in bash; do command -v "$shell" >/dev/null && "$shell" -n "completions/cmek.$shell"; done)
