#!/usr/bin/env python3
"""Google's Python clients against a standing emulator: python.py HOST:PORT"""
import os
import sys
import threading

import grpc
from google.api_core import exceptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import asset_v1, kms, kms_inventory_v1, pubsub_v1, storage, storagebatchoperations_v1
from google.cloud.kms_v1.services.key_management_service.transports import KeyManagementServiceGrpcTransport
from google.cloud.kms_v1.services.key_management_service.transports import KeyManagementServiceRestTransport

address = sys.argv[1]
passed = 0
PARENT = 'projects/py-project/locations/us'


def ok(what, truth=True):
    global passed
    if not truth:
        sys.exit(f'FAIL  {what}')
    passed += 1
    print(f'ok    {what}')


def refused(what, kind, words, call):
    try:
        call()
    except kind as error:
        ok(what, words in str(error))
        return
    sys.exit(f'FAIL  {what}: it was allowed')


# Cloud KMS, both wires
wires = {
    'gRPC': kms.KeyManagementServiceClient(
        transport=KeyManagementServiceGrpcTransport(channel=grpc.insecure_channel(address))),
    'REST': kms.KeyManagementServiceClient(
        transport=KeyManagementServiceRestTransport(host=address, url_scheme='http', credentials=AnonymousCredentials())),
}
for wire, client in wires.items():
    ring = client.create_key_ring(parent=PARENT, key_ring_id=f'ring-{wire}', key_ring={})
    key = client.create_crypto_key(parent=ring.name, crypto_key_id='key', crypto_key={
        'purpose': kms.CryptoKey.CryptoKeyPurpose.ENCRYPT_DECRYPT, 'labels': {'a': 'b'}})
    ok(f'{wire}: a key with its primary', key.primary.state == kms.CryptoKeyVersion.CryptoKeyVersionState.ENABLED)
    text = b'\xfb\xff secret'
    sealed = client.encrypt(name=key.name, plaintext=text).ciphertext
    ok(f'{wire}: encrypt and decrypt', client.decrypt(name=key.name, ciphertext=sealed).plaintext == text)
    refused(f'{wire}: the same key twice', exceptions.Conflict, 'already exists',
            lambda: client.create_crypto_key(parent=ring.name, crypto_key_id='key', crypto_key={'purpose': 1}))
    refused(f'{wire}: a key that is not there', exceptions.NotFound, 'not found',
            lambda: client.get_crypto_key(name=ring.name + '/cryptoKeys/none'))
    version = client.update_crypto_key_version(
        crypto_key_version={'name': key.primary.name, 'state': kms.CryptoKeyVersion.CryptoKeyVersionState.DISABLED},
        update_mask={'paths': ['state']})
    ok(f'{wire}: disabled', version.state == kms.CryptoKeyVersion.CryptoKeyVersionState.DISABLED)
    refused(f'{wire}: decrypt while it is disabled', exceptions.GoogleAPICallError, 'is not enabled, current state is: DISABLED.',
            lambda: client.decrypt(name=key.name, ciphertext=sealed))
    client.update_crypto_key_version(
        crypto_key_version={'name': key.primary.name, 'state': kms.CryptoKeyVersion.CryptoKeyVersionState.ENABLED},
        update_mask={'paths': ['state']})
    policy = client.get_iam_policy(request={'resource': key.name})
    policy.bindings.add(role='roles/cloudkms.viewer', members=['user:ann@example.com'])
    ok(f'{wire}: a policy', client.set_iam_policy(request={'resource': key.name, 'policy': policy}).bindings[0].role == 'roles/cloudkms.viewer')
    names = [found.name for found in client.list_crypto_keys(parent=ring.name)]
    ok(f'{wire}: a list', names == [key.name])

# Cloud Storage
bucket_client = storage.Client(project='py-project', credentials=AnonymousCredentials(),
                               client_options={'api_endpoint': f'http://{address}'})
key_name = f'{PARENT}/keyRings/ring-gRPC/cryptoKeys/key'
bucket = bucket_client.bucket('py-data')
bucket.create(location='us')
bucket.default_kms_key_name = key_name
refused('storage: a default key that the agent may not use', exceptions.Forbidden, 'Permission denied on Cloud KMS key', bucket.patch)
agent = bucket_client.get_service_account_email()
client = wires['gRPC']
policy = client.get_iam_policy(request={'resource': key_name})
policy.bindings.add(role='roles/cloudkms.cryptoKeyEncrypterDecrypter', members=[f'serviceAccount:{agent}'])
client.set_iam_policy(request={'resource': key_name, 'policy': policy})
bucket.default_kms_key_name = key_name
bucket.patch()
blob = bucket.blob('dir/small.txt')
blob.upload_from_string('hello\n', checksum='crc32c')
ok('storage: multipart upload under the key', blob.kms_key_name == key_name + '/cryptoKeyVersions/1')
ok('storage: download', bucket.blob('dir/small.txt').download_as_bytes() == b'hello\n')
data = os.urandom(9 * 1024 * 1024 + 17)
large = bucket.blob('large', chunk_size=1024 * 1024)
large.upload_from_string(data)
ok('storage: resumable upload in chunks', bucket.blob('large').download_as_bytes(checksum='md5') == data)
ok('storage: a range', bucket.blob('large').download_as_bytes(start=70000, end=200000) == data[70000:200001])
ok('storage: a list with a delimiter', list(bucket_client.list_blobs('py-data', delimiter='/')) != [])
token, total, size = None, 0, 1
while True:
    token, total, size = bucket.blob('large').rewrite(bucket.blob('large'), token=token)
    if token is None:
        break
ok('storage: rewrite', total == size == len(data))
for index in range(3):
    bucket.blob(f'batch-{index}').upload_from_string(str(index))
with bucket_client.batch():
    for index in range(3):
        bucket.blob(f'batch-{index}').delete()
ok('storage: a batch of deletes', not [one for one in bucket_client.list_blobs('py-data', prefix='batch-')])
refused('storage: a precondition', exceptions.PreconditionFailed, 'conditions', lambda: blob.upload_from_string('x', if_generation_match=0))
# Batch operations, the inventories: each on both wires
channel = grpc.insecure_channel(address)
for wire in ['gRPC', 'REST']:
    def client_of(kind):
        transport = kind.get_transport_class('grpc' if wire == 'gRPC' else 'rest')
        if wire == 'gRPC':
            return kind(transport=transport(channel=channel))
        return kind(transport=transport(host=address, url_scheme='http', credentials=AnonymousCredentials()))

    batch = client_of(storagebatchoperations_v1.StorageBatchOperationsClient)
    place = 'projects/py-project/locations/global'
    chosen = storagebatchoperations_v1.BucketList(buckets=[{'bucket': 'py-data', 'prefix_list': {}}])
    work = {'bucket_list': chosen, 'rewrite_object': {'kms_key': key_name}}
    job = batch.create_job(parent=place, job_id=f'job-{wire}', job=work).result(timeout=30)
    ok(f'{wire}: a batch job is waited for', job.state.name == 'SUCCEEDED' and job.counters.succeeded_object_count == 2)
    ok(f'{wire}: jobs are listed', f'{place}/jobs/job-{wire}' in [one.name for one in batch.list_jobs(parent=place)])
    ok(f'{wire}: a job of one bucket', [one.bucket_name for one in batch.list_bucket_operations(parent=job.name)] == ['py-data'])
    refused(f'{wire}: the same job twice', exceptions.Conflict, 'already exists',
            lambda: batch.create_job(parent=place, job_id=f'job-{wire}', job=work))
    assets = client_of(asset_v1.AssetServiceClient)
    found = assets.search_all_resources(scope='projects/py-project', query=f'kmsKeys={key_name}', asset_types=['.*Bucket'])
    ok(f'{wire}: a bucket is found by its key', [one.display_name for one in found] == ['py-data'])
    tracking = client_of(kms_inventory_v1.KeyTrackingServiceClient)
    summary = tracking.get_protected_resources_summary(name=key_name)
    ok(f'{wire}: what a key protects is counted', dict(summary.resource_types) == {'storage.googleapis.com/Bucket': 1})
    found = tracking.search_protected_resources(scope='organizations/123456789012', crypto_key=key_name)
    ok(f'{wire}: and shown', [one.name for one in found] == ['//storage.googleapis.com/py-data'])
    dashboard = client_of(kms_inventory_v1.KeyDashboardServiceClient)
    ok(f'{wire}: keys of all locations', key_name in [one.name for one in dashboard.list_crypto_keys(parent='projects/py-project')])
bucket.default_kms_key_name = None
bucket.patch()
ok('storage: null clears the default key', bucket_client.get_bucket('py-data').default_kms_key_name is None)

# Pub/Sub over gRPC
os.environ['PUBSUB_EMULATOR_HOST'] = address
publisher, subscriber = pubsub_v1.PublisherClient(), pubsub_v1.SubscriberClient()
topic = publisher.create_topic(name='projects/py-project/topics/gcr')
subscription = subscriber.create_subscription(name='projects/py-project/subscriptions/all', topic=topic.name)
came, seen = [], threading.Event()


def receive(message):
    came.append(message.data)
    message.ack()
    if len(came) == 20:
        seen.set()


stream = subscriber.subscribe(subscription.name, callback=receive)
for index in range(20):
    publisher.publish(topic.name, f'message {index}'.encode()).result(timeout=10)
ok('pubsub: streaming pull brings every message', seen.wait(15) and sorted(came) == sorted(f'message {i}'.encode() for i in range(20)))
stream.cancel()
publisher.publish(topic.name, b'later').result(timeout=10)
pulled = subscriber.pull(subscription=subscription.name, max_messages=10).received_messages
ok('pubsub: unary pull', b'later' in [one.message.data for one in pulled])
subscriber.acknowledge(subscription=subscription.name, ack_ids=[one.ack_id for one in pulled])
refused('pubsub: a topic that is not there', exceptions.NotFound, 'Resource not found (resource=none).',
        lambda: publisher.get_topic(topic='projects/py-project/topics/none'))
refused('pubsub: a key that the agent may not use', exceptions.FailedPrecondition, 'necessary permissions',
        lambda: publisher.create_topic(request={'name': 'projects/py-project/topics/keyed', 'kms_key_name': key_name}))
print(f'{passed} passed, 0 failed')
