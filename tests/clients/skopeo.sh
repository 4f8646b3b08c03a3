#!/usr/bin/env bash
# skopeo pushes a real image of this machine's files; the key goes, the image goes.
. "$(dirname "$0")/common.sh"
if ! command -v skopeo >/dev/null; then
  { apt-get update -qq && apt-get install -y -qq skopeo; } >/dev/null 2>&1 || { echo "SKIPPED: there is no skopeo here and none can be installed."; exit 0; }
fi
start_emulator --data-dir="$work/state"
eval "$("$cmek" emulator env-init --host-port="$address")"
cd "$work"

# An image layout of three layers: files of the system, packed and hashed as any builder does.
python3 - <<'P'
import gzip, hashlib, io, json, os, tarfile
os.makedirs('image/blobs/sha256')
def put(data):
    name = hashlib.sha256(data).hexdigest()
    open(f'image/blobs/sha256/{name}', 'wb').write(data)
    return {'digest': f'sha256:{name}', 'size': len(data)}
layers, diffs = [], []
for paths in (['/etc/passwd', '/etc/os-release'], ['/bin/ls', '/bin/cat'], ['/usr/bin/env', '/bin/bash']):
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode='w') as tar:
        for path in paths:
            tar.add(os.path.realpath(path), arcname=path.lstrip('/'))
    diffs.append('sha256:' + hashlib.sha256(raw.getvalue()).hexdigest())
    layers.append({'mediaType': 'application/vnd.oci.image.layer.v1.tar+gzip', **put(gzip.compress(raw.getvalue(), mtime=0))})
config = put(json.dumps({'architecture': 'amd64', 'os': 'linux', 'config': {}, 'rootfs': {'type': 'layers', 'diff_ids': diffs}}).encode())
manifest = put(json.dumps({'schemaVersion': 2, 'mediaType': 'application/vnd.oci.image.manifest.v1+json',
    'config': {'mediaType': 'application/vnd.oci.image.config.v1+json', **config}, 'layers': layers}).encode())
json.dump({'imageLayoutVersion': '1.0.0'}, open('image/oci-layout', 'w'))
json.dump({'schemaVersion': 2, 'manifests': [{'mediaType': 'application/vnd.oci.image.manifest.v1+json',
    'annotations': {'org.opencontainers.image.ref.name': 'v1'}, **manifest}]}, open('image/index.json', 'w'))
P
image=docker://$address/my-project/web:v1
pull() { rm -rf back && skopeo copy --src-tls-verify=false "$image" dir:back; }
same() { # the blobs that came are the blobs that went
  for blob in back/*; do
    case $(basename "$blob") in version | manifest.json) continue ;; esac
    cmp "$blob" "image/blobs/sha256/$(basename "$blob")"
  done
}
works "push" skopeo copy --dest-tls-verify=false oci:image:v1 "$image"
works "push again, with nothing new" skopeo copy --dest-tls-verify=false oci:image:v1 "$image"
works "push to eu.gcr.io" skopeo copy --dest-tls-verify=false oci:image:v1 "docker://$address/eu.gcr.io/my-project/web:v1"
works "inspect" skopeo inspect --tls-verify=false "$image"
works "pull" pull
works "bit by bit the same" same

key=(--kms-key=images --keyring=registry --location=us --project=my-project)
export CLOUDSDK_CORE_PROJECT=my-project
works "cmek configure" "$cmek" configure gcr.io "${key[@]}" --create-key --topic --rewrite-existing --quiet
"$cmek" configure gcr.io "${key[@]}" --topic --rewrite-existing --quiet 2>&1 | grep "Nothing to do" >/dev/null || fail "a second run has nothing to do"; ok "a second run has nothing to do"
"$cmek" hosts list --project=my-project --format='value(host,encryption)' | grep -P "^gcr.io\tCUSTOMER$" >/dev/null || fail "gcr.io is under the customer's key"; ok "gcr.io is under the customer's key"
works "pull under the key" pull
works "bit by bit the same" same

version=(images/1 --keyring=registry --location=us --project=my-project)
"$cmek" keys impact "${version[@]}" | grep "web:v1" >/dev/null || fail "impact names the image"; ok "impact names the image"
works "disable the version" "$cmek" keys disable "${version[@]}" --yes
refused "pull while it is disabled" "Cloud KMS key is disabled, destroyed, or scheduled to be destroyed." pull
works "enable it" "$cmek" keys enable "${version[@]}"
works "pull again" pull
works "bit by bit the same" same
works "destroy it" "$cmek" keys destroy "${version[@]}" --yes
refused "pull while destruction is scheduled" "Cloud KMS key is disabled" pull
works "30 days pass" "$cmek" emulator clock advance 30d --host-port="$address"
refused "pull for good" "Cloud KMS key is disabled, destroyed, or scheduled to be destroyed." pull
refused "restore too late" "has value DESTROYED" "$cmek" keys restore "${version[@]}"
works "the other host never had the key" skopeo inspect --tls-verify=false "docker://$address/eu.gcr.io/my-project/web:v1"
finish
