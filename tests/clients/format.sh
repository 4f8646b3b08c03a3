#!/usr/bin/env bash
# Our output formats beside those of the gcloud on this machine, byte by byte. A word shows the cases that hold it.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
gcloud=$(command -v gcloud || true)
sdk=$(dirname "$(dirname "$(readlink -f "${gcloud:-/}")")")
if [ ! -d "$sdk/lib/googlecloudsdk/core/resource" ]; then
  echo "SKIPPED: there is no gcloud with its sources on this machine, so nothing here was compared with it."
  exit 0
fi
(cd "$root" && cargo build --quiet -p gcp-format --example render)
exec "${CLOUDSDK_PYTHON:-python3}" "$here/format.py" "$sdk" "${CARGO_TARGET_DIR:-$root/target}/debug/examples/render" "$@"
