#!/usr/bin/env bash
# Google's Python clients, and the descriptors inside them.
. "$(dirname "$0")/common.sh"
venv=${PYTHON_VENV:-$work/venv}
if [ ! -x "$venv/bin/python" ]; then
  python3 -m venv "$venv"
fi
"$venv/bin/pip" install --quiet --disable-pip-version-check google-cloud-kms google-cloud-pubsub google-cloud-storage \
  google-cloud-org-policy google-cloud-resource-manager google-cloud-service-usage google-cloud-asset \
  google-cloud-kms-inventory google-cloud-storagebatchoperations
(cd "$root" && cargo run --quiet --release -p gcp-schema --example descriptors) >"$work/descriptors"
"$venv/bin/python" "$here/descriptors.py" "$work/descriptors"
start_emulator
"$venv/bin/python" "$here/python.py" "$address"
