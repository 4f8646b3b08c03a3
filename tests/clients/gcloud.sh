#!/usr/bin/env bash
# The real gcloud against a standing emulator: the documented workflow, and each refusal as a person would see it.
. "$(dirname "$0")/common.sh"
if ! command -v gcloud >/dev/null; then
  echo "SKIPPED: there is no gcloud on this machine, so nothing here was proved with it."
  exit 0
fi
start_emulator
eval "$("$cmek" emulator env-init --host-port="$address")"
export CLOUDSDK_CONFIG=$work/gcloud CLOUDSDK_CORE_PROJECT=my-project CLOUDSDK_CORE_DISABLE_PROMPTS=1
export CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK=1 CLOUDSDK_CORE_DISABLE_USAGE_REPORTING=1
cd "$work"
ring=(--keyring=r1 --location=us)
key=projects/my-project/locations/us/keyRings/r1/cryptoKeys/k1

works "create a ring" gcloud kms keyrings create r1 --location=us
works "create a key" gcloud kms keys create k1 "${ring[@]}" --purpose=encryption
refused "create it twice" "already exists" gcloud kms keys create k1 "${ring[@]}" --purpose=encryption
refused "a ring nowhere" "mars" gcloud kms keyrings create r1 --location=mars
head -c 3000 /dev/urandom >plain
works "encrypt" gcloud kms encrypt --key=k1 "${ring[@]}" --plaintext-file=plain --ciphertext-file=cipher
works "decrypt" gcloud kms decrypt --key=k1 "${ring[@]}" --ciphertext-file=cipher --plaintext-file=back
cmp plain back || fail "what was encrypted comes back"; ok "what was encrypted comes back"
refused "decrypt what was never encrypted" "Decryption failed" \
  gcloud kms decrypt --key=k1 "${ring[@]}" --ciphertext-file=plain --plaintext-file=back

works "create a bucket" gcloud storage buckets create gs://my-data --location=us
works "set its default key: 403, grant, again" gcloud storage buckets update gs://my-data --default-encryption-key=$key
gcloud kms keys get-iam-policy k1 "${ring[@]}" --format=json | grep gs-project-accounts >/dev/null || fail "gcloud granted Storage's agent"; ok "gcloud granted Storage's agent"
works "cp up" gcloud storage cp plain gs://my-data/dir/plain
works "cp down" gcloud storage cp gs://my-data/dir/plain back
cmp plain back || fail "what was uploaded comes back"; ok "what was uploaded comes back"
gcloud storage objects describe gs://my-data/dir/plain --format='value(kms_key)' | grep "$key/cryptoKeyVersions/1" >/dev/null || fail "it lies under version 1"; ok "it lies under version 1"
head -c 20000000 /dev/urandom >large
works "cp up, resumable" gcloud storage cp large gs://my-data/large
works "cp down, in ranges" gcloud storage cp gs://my-data/large back
cmp large back || fail "20 MB come back"; ok "20 MB come back"
works "ls" gcloud storage ls -L gs://my-data/dir/
works "rotate by hand" gcloud kms keys versions create --key=k1 "${ring[@]}" --primary
works "re-encrypt an object" gcloud storage objects update gs://my-data/dir/plain --encryption-key=$key
gcloud storage objects describe gs://my-data/dir/plain --format='value(kms_key)' | grep "cryptoKeyVersions/2" >/dev/null || fail "it lies under version 2"; ok "it lies under version 2"
works "upload what a job will rewrite" gcloud storage cp plain gs://my-data/batch/one
works "and another" gcloud storage cp plain gs://my-data/batch/two
works "create another key" gcloud kms keys create k2 "${ring[@]}" --purpose=encryption
other=${key%k1}k2
works "let Storage use it" gcloud storage service-agent --authorize-cmek=$other
jobs=(gcloud storage batch-operations jobs)
works "create a batch job" "${jobs[@]}" create job1 --bucket=my-data --included-object-prefixes=batch/ --rewrite-object=kms-key=$other \
  --description=rewritten --log-actions=transform --log-action-states=succeeded,failed
works "describe it until it has ended" timeout 60 bash -c 'until "$@" | grep -q SUCCEEDED; do :; done' - "${jobs[@]}" describe job1 --format='value(state)'
works "it counted both" grep -qx 2 <("${jobs[@]}" describe job1 --format='value(counters.succeededObjectCount)')
works "both lie under it" grep -q "$other/cryptoKeyVersions/1" <(gcloud storage objects describe gs://my-data/batch/two --format='value(kms_key)')
echo "my-data,batch/one" >manifest.csv
works "upload a manifest" gcloud storage cp manifest.csv gs://my-data/manifest.csv
works "create a job that holds what it lists" "${jobs[@]}" create job2 --bucket=my-data --manifest-location=gs://my-data/manifest.csv --put-object-temporary-hold
works "list the jobs" test "$("${jobs[@]}" list --format='value(name)' | sort | xargs)" = "job1 job2"
refused "create one twice" "already exists" "${jobs[@]}" create job1 --bucket=my-data --included-object-prefixes= --rewrite-object=kms-key=$key
works "cancel the job" "${jobs[@]}" cancel job2
works "delete a job" "${jobs[@]}" delete job1
refused "describe what is deleted" "was not found" "${jobs[@]}" describe job1
works "a bucket is found by its key" grep -qx "//storage.googleapis.com/my-data" \
  <(gcloud asset search-all-resources --scope=projects/my-project --query="kmsKeys:k1" --asset-types='storage.googleapis.com.*' --format='value(name)')
works "keys are found in order" grep -q "cryptoKeys/k2$" \
  <(gcloud asset search-all-resources --scope=organizations/123456789012 --order-by='createTime DESC' --read-mask=name --page-size=2 --format='value(name)')
refused "search for a field that there is not" "cannot be searched" gcloud asset search-all-resources --scope=projects/my-project --query="colour:red"

refused "a key of the wrong place" "Cloud KMS region 'global' not available for use with GCS region 'US'." \
  gcloud storage buckets update gs://my-data --default-encryption-key=projects/my-project/locations/global/keyRings/r1/cryptoKeys/k1
refused "a registry's bucket by hand" "domain name owned by another user" gcloud storage buckets create gs://artifacts.my-project.appspot.com

refused "a topic whose agent has no grant" "Cloud Pub/Sub did not have the necessary permissions" \
  gcloud pubsub topics create gcr --topic-encryption-key=$key
works "make Pub/Sub's agent" gcloud beta services identity create --service=pubsub.googleapis.com
number=$(gcloud projects describe my-project --format='value(projectNumber)')
works "grant it" gcloud kms keys add-iam-policy-binding k1 "${ring[@]}" --role=roles/cloudkms.cryptoKeyEncrypterDecrypter \
  --member="serviceAccount:service-$number@gcp-sa-pubsub.iam.gserviceaccount.com"
works "create topic gcr with the key" gcloud pubsub topics create gcr --topic-encryption-key=$key
works "subscribe" gcloud pubsub subscriptions create sub1 --topic=gcr
works "publish" gcloud pubsub topics publish gcr --message=hello
gcloud pubsub subscriptions pull sub1 --auto-ack --format='value(message.data.decode(base64))' | grep hello >/dev/null || fail "pull"; ok "pull"

cat >policy.json <<P
{"name": "projects/my-project/policies/gcp.restrictNonCmekServices",
 "spec": {"rules": [{"values": {"deniedValues": ["storage.googleapis.com", "pubsub.googleapis.com"]}}]}}
P
works "set a policy" gcloud org-policies set-policy policy.json
refused "a bucket without a key" "Request violates constraint 'constraints/gcp.restrictNonCmekServices'" \
  gcloud storage buckets create gs://no-key --location=us
refused "taking the key off a bucket" "Request violates constraint" gcloud storage buckets update gs://my-data --clear-default-encryption-key
refused "a topic without a key" "Constraint 'constraints/gcp.restrictNonCmekServices' violated" gcloud pubsub topics create bare
sed -i 's/deniedValues/allowedValues/' policy.json
refused "a policy that the constraint does not take" "deniedValues only" gcloud org-policies set-policy policy.json

works "disable version 2" gcloud kms keys versions disable 2 --key=k1 "${ring[@]}"
refused "read under a disabled version" "Cloud KMS key is disabled, destroyed, or scheduled to be destroyed." \
  gcloud storage objects describe gs://my-data/dir/plain
refused "write under a disabled primary" "Cloud KMS key is disabled, destroyed, or scheduled to be destroyed." \
  gcloud storage cp plain gs://my-data/new
refused "encrypt under it" "is not enabled, current state is: DISABLED." \
  gcloud kms encrypt --key=k1 "${ring[@]}" --plaintext-file=plain --ciphertext-file=cipher
works "enable it" gcloud kms keys versions enable 2 --key=k1 "${ring[@]}"
works "read again" gcloud storage cp gs://my-data/dir/plain back
works "destroy it" gcloud kms keys versions destroy 2 --key=k1 "${ring[@]}"
"$cmek" emulator clock advance 30d --host-port="$address" >/dev/null
gcloud kms keys versions describe 2 --key=k1 "${ring[@]}" --format='value(state)' | grep '^DESTROYED' >/dev/null || fail "30 days later it is DESTROYED"; ok "30 days later it is DESTROYED"
refused "restore too late" "has value DESTROYED" gcloud kms keys versions restore 2 --key=k1 "${ring[@]}"
finish
