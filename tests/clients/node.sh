#!/usr/bin/env bash
# Google's Node storage client.
. "$(dirname "$0")/common.sh"
command -v npm >/dev/null || { echo "SKIPPED: there is no npm on this machine."; exit 0; }
modules=${NODE_MODULES_DIR:-$work/node}
mkdir -p "$modules"
(cd "$modules" && [ -d node_modules/@google-cloud/storage ] || (cd "$modules" && npm install --silent --no-fund --no-audit @google-cloud/storage@7 >/dev/null))
start_emulator
cd "$modules"
STORAGE_EMULATOR_HOST=http://$address node "$here/node.mjs"
