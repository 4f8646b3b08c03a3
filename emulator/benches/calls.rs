//! What a call costs inside the process: REST in, REST out, no socket. `cargo bench -p cmek-emulator`.

use bytes::Bytes;
use cmek_emulator::Emulator;
use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};

const KEY: &str = "projects/my-project/locations/us/keyRings/r/cryptoKeys/k";

fn main() {
    divan::main();
}

/// An emulator with a key, a bucket under it and one object; and the runtime that it lives on.
fn world() -> (tokio::runtime::Runtime, Emulator) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let emulator = runtime.block_on(async {
        let emulator = Emulator::builder().seed(7).frozen_at("2026-01-05T09:00:00Z").build().await.expect("in memory");
        let ring = "/v1/projects/my-project/locations/us/keyRings";
        call(&emulator, "POST", &format!("{ring}?keyRingId=r"), "{}").await;
        call(&emulator, "POST", &format!("{ring}/r/cryptoKeys?cryptoKeyId=k"), r#"{"purpose":"ENCRYPT_DECRYPT"}"#).await;
        let agent = call(&emulator, "GET", "/storage/v1/projects/my-project/serviceAccount", "").await;
        let agent = String::from_utf8_lossy(&agent).split('"').find(|word| word.contains('@')).expect("an address").to_owned();
        let policy = format!(r#"{{"policy":{{"bindings":[{{"role":"roles/cloudkms.cryptoKeyEncrypterDecrypter","members":["serviceAccount:{agent}"]}}]}}}}"#);
        call(&emulator, "POST", &format!("/v1/{KEY}:setIamPolicy"), policy).await;
        let bucket = format!(r#"{{"name":"my-data","location":"US","encryption":{{"defaultKmsKeyName":"{KEY}"}}}}"#);
        call(&emulator, "POST", "/storage/v1/b?project=my-project", bucket).await;
        call(&emulator, "POST", "/upload/storage/v1/b/my-data/o?uploadType=media&name=o", vec![7; 1024]).await;
        emulator
    });
    (runtime, emulator)
}

async fn call(emulator: &Emulator, verb: &str, path: &str, body: impl Into<Bytes>) -> Bytes {
    let body = body.into();
    let request = http::Request::builder()
        .method(verb)
        .uri(path)
        .header("host", "127.0.0.1")
        .header("content-length", body.len());
    let answer = emulator.send(request.body(body).expect("a request")).await;
    assert!(answer.status().is_success(), "{verb} {path}: {:?}", answer.body());
    answer.into_body()
}

#[divan::bench]
fn encrypt_1_kib(bencher: Bencher) {
    let (runtime, emulator) = world();
    let body = Bytes::from(format!(r#"{{"plaintext":"{}"}}"#, "QUJD".repeat(341)));
    let path = format!("/v1/{KEY}:encrypt?prettyPrint=false");
    bencher
        .counter(ItemsCount::new(1_u32))
        .bench_local(|| runtime.block_on(call(&emulator, "POST", &path, body.clone())));
}

#[divan::bench]
fn put_1_kib_under_a_key(bencher: Bencher) {
    let (runtime, emulator) = world();
    let body = Bytes::from(vec![7; 1024]);
    let mut number = 0_u32;
    bencher.counter(ItemsCount::new(1_u32)).bench_local(|| {
        number += 1;
        let path = format!("/upload/storage/v1/b/my-data/o?uploadType=media&name=o-{number}");
        runtime.block_on(call(&emulator, "POST", &path, body.clone()))
    });
}

/// A batch job over a thousand objects, from its creation to its end.
#[divan::bench(sample_count = 10)]
fn rewrite_1000_objects_in_a_job(bencher: Bencher) {
    let (runtime, emulator) = world();
    let jobs = "/v1/projects/my-project/locations/global/jobs";
    let job = format!(
        r#"{{"bucketList":{{"buckets":[{{"bucket":"my-data","prefixList":{{}}}}]}},"rewriteObject":{{"kmsKey":"{KEY}"}}}}"#
    );
    runtime.block_on(async {
        for number in 1..1000 {
            let path = format!("/upload/storage/v1/b/my-data/o?uploadType=media&name=o-{number}");
            call(&emulator, "POST", &path, vec![7; 1024]).await;
        }
    });
    let mut number = 0_u32;
    bencher.counter(ItemsCount::new(1000_u32)).bench_local(|| {
        number += 1;
        runtime.block_on(async {
            call(&emulator, "POST", &format!("{jobs}?jobId=job-{number}"), job.clone()).await;
            let path = format!("{jobs}/job-{number}");
            while !String::from_utf8_lossy(&call(&emulator, "GET", &path, "").await).contains("SUCCEEDED") {}
        });
    });
}

#[divan::bench]
fn search_500_of_10_000_buckets(bencher: Bencher) {
    let (runtime, emulator) = world();
    runtime.block_on(async {
        for number in 0..10_000 {
            let bucket = format!(r#"{{"name":"bucket-{number}"}}"#);
            call(&emulator, "POST", "/storage/v1/b?project=my-project", bucket).await;
        }
    });
    let path = "/v1/projects/my-project:searchAllResources?pageSize=500&assetTypes=.*Bucket&prettyPrint=false";
    bencher.counter(ItemsCount::new(500_u32)).bench_local(|| runtime.block_on(call(&emulator, "GET", path, "")));
}

#[divan::bench]
fn get_1_kib_under_a_key(bencher: Bencher) {
    let (runtime, emulator) = world();
    bencher
        .counter(ItemsCount::new(1_u32))
        .bench_local(|| runtime.block_on(call(&emulator, "GET", "/storage/v1/b/my-data/o/o?alt=media", "")));
}

const LARGE: usize = 64 << 20;

#[divan::bench(sample_count = 10)]
fn put_64_mib_under_a_key(bencher: Bencher) {
    let (runtime, emulator) = world();
    let body = Bytes::from(vec![7; LARGE]);
    let path = "/upload/storage/v1/b/my-data/o?uploadType=media&name=large";
    bencher
        .counter(BytesCount::new(LARGE))
        .bench_local(|| runtime.block_on(call(&emulator, "POST", path, body.clone())));
}

#[divan::bench(sample_count = 10)]
fn get_64_mib_under_a_key(bencher: Bencher) {
    let (runtime, emulator) = world();
    let path = "/upload/storage/v1/b/my-data/o?uploadType=media&name=large";
    runtime.block_on(call(&emulator, "POST", path, vec![7; LARGE]));
    let path = "/storage/v1/b/my-data/o/large?alt=media";
    bencher
        .counter(BytesCount::new(LARGE))
        .bench_local(|| assert_eq!(runtime.block_on(call(&emulator, "GET", path, "")).len(), LARGE));
}
