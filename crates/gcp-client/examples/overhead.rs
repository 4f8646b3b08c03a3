//! What the client itself costs a call: a typed read, a typed write and plain JSON, answered at once.
//!
//! `CARGO_PROFILE_DEV_OPT_LEVEL=3 cargo run -p gcp-client --example overhead`

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use gcp_client::{Client, Credentials, Endpoints, Sending, Transport};
use gcp_schema::kms::{CryptoKey, EncryptRequest, EncryptResponse, GetCryptoKeyRequest};
use http::{Request, Response};

const CALLS: u32 = 50_000;
const KEY: &str = "projects/p/locations/us/keyRings/r/cryptoKeys/k";
const SERVICE: &str = "/google.cloud.kms.v1.KeyManagementService";

struct AtOnce(Bytes);

impl Transport for AtOnce {
    fn send(&self, _: Request<Bytes>) -> Sending<'_> {
        Box::pin(std::future::ready(Ok(Response::new(self.0.clone()))))
    }
}

fn client(answer: &'static str) -> Client {
    let transport = Arc::new(AtOnce(Bytes::from_static(answer.as_bytes())));
    Client::new(transport, Endpoints::google(), Credentials::Token("ya29".to_owned()))
}

fn report(name: &str, begun: Instant) {
    println!("{name:8} {:6.2} us a call", begun.elapsed().as_secs_f64() * 1e6 / f64::from(CALLS));
}

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::disallowed_methods, reason = "it measures")]
async fn main() -> Result<(), gcp_client::Error> {
    let key = client(
        r#"{"name": "projects/p/locations/us/keyRings/r/cryptoKeys/k", "purpose": "ENCRYPT_DECRYPT",
            "primary": {"name": "projects/p/locations/us/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1", "state": "ENABLED"},
            "createTime": "2026-01-05T09:00:00Z", "labels": {"env": "prod"}}"#,
    );
    let get = GetCryptoKeyRequest { name: KEY.to_owned() };
    // Descriptors are built at the first use.
    let _: CryptoKey = key.call(&format!("{SERVICE}/GetCryptoKey"), &get).await?;
    let begun = Instant::now();
    for _ in 0..CALLS {
        let _: CryptoKey = key.call(&format!("{SERVICE}/GetCryptoKey"), &get).await?;
    }
    report("read", begun);

    let sealed = client(r#"{"name": "k", "ciphertext": "c2VjcmV0"}"#);
    let encrypt = EncryptRequest { name: KEY.to_owned(), plaintext: vec![7; 1024].into(), ..EncryptRequest::default() };
    let begun = Instant::now();
    for _ in 0..CALLS {
        let _: EncryptResponse = sealed.call(&format!("{SERVICE}/Encrypt"), &encrypt).await?;
    }
    report("write", begun);

    let json = client(r#"{"kind": "storage#object", "name": "o", "size": "7", "kmsKeyName": "k"}"#);
    let begun = Instant::now();
    for _ in 0..CALLS {
        json.json("storage.googleapis.com", "GET", "/storage/v1/b/b/o/o?projection=noAcl", None).await?;
    }
    report("json", begun);
    Ok(())
}
