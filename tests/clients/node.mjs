// Google's Node storage client through STORAGE_EMULATOR_HOST: node node.mjs
import {createRequire} from 'node:module';
import {randomBytes} from 'node:crypto';
const {Storage} = createRequire(process.cwd() + '/')('@google-cloud/storage');

let passed = 0;
const ok = (what, truth) => {
  if (!truth) { console.log(`FAIL  ${what}`); process.exit(1); }
  passed += 1;
  console.log(`ok    ${what}`);
};
const storage = new Storage({projectId: 'node-project'});
const [bucket] = await storage.createBucket('node-data', {location: 'us'});
await bucket.file('two').save('hi');
ok('resumable upload of two bytes, length unknown', (await bucket.file('two').download())[0].toString() === 'hi');
const data = randomBytes(3_000_000);
await bucket.file('dir/simple').save(data, {resumable: false, validation: 'crc32c'});
ok('multipart upload', (await bucket.file('dir/simple').download())[0].equals(data));
await bucket.file('empty').save('');
ok('an empty object', (await bucket.file('empty').download())[0].length === 0);
const [files] = await bucket.getFiles({prefix: 'dir/'});
ok('a list', files.length === 1 && files[0].name === 'dir/simple');
await bucket.file('two').setMetadata({metadata: {a: 'b'}});
ok('metadata', (await bucket.file('two').getMetadata())[0].metadata.a === 'b');
await bucket.setMetadata({encryption: null});
ok('null clears', (await bucket.getMetadata())[0].encryption === undefined);
await bucket.file('two').copy(bucket.file('three'));
ok('a copy', (await bucket.file('three').download())[0].toString() === 'hi');
let refused = '';
await bucket.file('none').download().catch(error => { refused = String(error.code); });
ok('what is not there is 404', refused === '404');
await bucket.deleteFiles();
await bucket.delete();
ok('deleted', !(await bucket.exists())[0]);
console.log(`${passed} passed, 0 failed`);
