//! The calls that the commands make, one function each, by the cloud's own names.

use gcp_client::{Client, Code, Error};
use gcp_names::{KeyName, KeyRingName, KeyVersionName, ServiceAgent};
use gcp_schema::iam::{Binding, GetIamPolicyRequest, GetPolicyOptions, Policy, SetIamPolicyRequest};
use gcp_schema::kms::{
    CreateCryptoKeyRequest, CreateCryptoKeyVersionRequest, CreateKeyRingRequest, CryptoKey, CryptoKeyVersion,
    DestroyCryptoKeyVersionRequest, GetCryptoKeyRequest, GetKeyRingRequest, KeyRing, ListCryptoKeyVersionsRequest,
    ListCryptoKeyVersionsResponse, ListCryptoKeysRequest, ListCryptoKeysResponse, RestoreCryptoKeyVersionRequest,
    UpdateCryptoKeyPrimaryVersionRequest, UpdateCryptoKeyVersionRequest, crypto_key::CryptoKeyPurpose,
};
use gcp_schema::orgpolicy::{GetEffectivePolicyRequest, Policy as OrgPolicy};
use gcp_schema::pubsub::{GetTopicRequest, Topic, UpdateTopicRequest};
use gcp_schema::resourcemanager::{Folder, GetFolderRequest, GetProjectRequest, Project};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use prost_types::FieldMask;
use serde_json::{Value, json};

pub const ROLE: &str = "roles/cloudkms.cryptoKeyEncrypterDecrypter";
const STORAGE: &str = "storage.googleapis.com";
const NAME: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

#[derive(Clone)]
pub struct Cloud {
    pub client: Client,
}

/// What is not there is `None`.
fn present<T>(outcome: Result<T, Error>) -> Result<Option<T>, Error> {
    match outcome {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

pub fn escape(name: &str) -> String {
    utf8_percent_encode(name, NAME).to_string()
}

macro_rules! kms {
    ($method:literal) => {
        concat!("/google.cloud.kms.v1.KeyManagementService/", $method)
    };
}

impl Cloud {
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    pub async fn ring(&self, name: &KeyRingName) -> Result<Option<KeyRing>, Error> {
        present(self.client.call(kms!("GetKeyRing"), &GetKeyRingRequest { name: name.to_string() }).await)
    }

    pub async fn create_ring(&self, name: &KeyRingName) -> Result<KeyRing, Error> {
        let request = CreateKeyRingRequest {
            parent: format!("projects/{}/locations/{}", name.project, name.location),
            key_ring_id: name.ring.clone(),
            key_ring: Some(KeyRing::default()),
        };
        self.client.call(kms!("CreateKeyRing"), &request).await
    }

    pub async fn key(&self, name: &KeyName) -> Result<Option<CryptoKey>, Error> {
        present(self.client.call(kms!("GetCryptoKey"), &GetCryptoKeyRequest { name: name.to_string() }).await)
    }

    pub async fn keys(&self, ring: &KeyRingName) -> Result<Vec<CryptoKey>, Error> {
        let mut found = Vec::new();
        let mut token = String::new();
        loop {
            let request = ListCryptoKeysRequest {
                parent: ring.to_string(),
                page_size: 100,
                page_token: token,
                ..Default::default()
            };
            let page: ListCryptoKeysResponse = self.client.call(kms!("ListCryptoKeys"), &request).await?;
            found.extend(page.crypto_keys);
            if page.next_page_token.is_empty() {
                return Ok(found);
            }
            token = page.next_page_token;
        }
    }

    pub async fn versions(&self, key: &KeyName) -> Result<Vec<CryptoKeyVersion>, Error> {
        let mut found = Vec::new();
        let mut token = String::new();
        loop {
            let request = ListCryptoKeyVersionsRequest {
                parent: key.to_string(),
                page_size: 100,
                page_token: token,
                ..Default::default()
            };
            let page: ListCryptoKeyVersionsResponse = self.client.call(kms!("ListCryptoKeyVersions"), &request).await?;
            found.extend(page.crypto_key_versions);
            if page.next_page_token.is_empty() {
                return Ok(found);
            }
            token = page.next_page_token;
        }
    }

    pub async fn create_key(&self, name: &KeyName) -> Result<CryptoKey, Error> {
        let key = CryptoKey { purpose: CryptoKeyPurpose::EncryptDecrypt as i32, ..CryptoKey::default() };
        let request = CreateCryptoKeyRequest {
            parent: name.ring_name().to_string(),
            crypto_key_id: name.key.clone(),
            crypto_key: Some(key),
            skip_initial_version_creation: false,
        };
        self.client.call(kms!("CreateCryptoKey"), &request).await
    }

    /// A new version, made primary.
    pub async fn rotate(&self, name: &KeyName) -> Result<CryptoKey, Error> {
        let request = CreateCryptoKeyVersionRequest {
            parent: name.to_string(),
            crypto_key_version: Some(CryptoKeyVersion::default()),
        };
        let made: CryptoKeyVersion = self.client.call(kms!("CreateCryptoKeyVersion"), &request).await?;
        let id = made.name.rsplit('/').next().unwrap_or_default().to_owned();
        let request = UpdateCryptoKeyPrimaryVersionRequest { name: name.to_string(), crypto_key_version_id: id };
        self.client.call(kms!("UpdateCryptoKeyPrimaryVersion"), &request).await
    }

    pub async fn set_state(
        &self,
        name: &KeyVersionName,
        state: gcp_schema::kms::crypto_key_version::CryptoKeyVersionState,
    ) -> Result<CryptoKeyVersion, Error> {
        let request = UpdateCryptoKeyVersionRequest {
            crypto_key_version: Some(CryptoKeyVersion {
                name: name.to_string(),
                state: state as i32,
                ..Default::default()
            }),
            update_mask: Some(FieldMask { paths: vec!["state".to_owned()] }),
        };
        self.client.call(kms!("UpdateCryptoKeyVersion"), &request).await
    }

    pub async fn destroy(&self, name: &KeyVersionName) -> Result<CryptoKeyVersion, Error> {
        self.client
            .call(kms!("DestroyCryptoKeyVersion"), &DestroyCryptoKeyVersionRequest { name: name.to_string() })
            .await
    }

    pub async fn restore(&self, name: &KeyVersionName) -> Result<CryptoKeyVersion, Error> {
        self.client
            .call(kms!("RestoreCryptoKeyVersion"), &RestoreCryptoKeyVersionRequest { name: name.to_string() })
            .await
    }

    pub async fn policy(&self, resource: &str) -> Result<Policy, Error> {
        let options = GetPolicyOptions { requested_policy_version: 3 };
        let request = GetIamPolicyRequest { resource: resource.to_owned(), options: Some(options) };
        self.client.call("/google.iam.v1.IAMPolicy/GetIamPolicy", &request).await
    }

    /// Adds a member to the role on a key; again when somebody else changed the policy meanwhile.
    pub async fn grant(&self, key: &KeyName, member: &str) -> Result<(), Error> {
        for _ in 0..5 {
            let mut policy = self.policy(&key.to_string()).await?;
            match policy.bindings.iter_mut().find(|binding| binding.role == ROLE && binding.condition.is_none()) {
                Some(binding) if binding.members.iter().any(|known| known == member) => return Ok(()),
                Some(binding) => binding.members.push(member.to_owned()),
                None => policy.bindings.push(Binding {
                    role: ROLE.to_owned(),
                    members: vec![member.to_owned()],
                    ..Binding::default()
                }),
            }
            if policy.version == 0 {
                policy.version = 1;
            }
            let request = SetIamPolicyRequest {
                resource: key.to_string(),
                policy: Some(policy),
                ..SetIamPolicyRequest::default()
            };
            match self.client.call::<_, Policy>("/google.iam.v1.IAMPolicy/SetIamPolicy", &request).await {
                Err(error) if error.code() == Code::Aborted || error.http_status() == 409 => {}
                outcome => return outcome.map(|_| ()),
            }
        }
        Err(Error::aborted("The key's policy kept changing; nothing was granted."))
    }

    pub async fn project(&self, id: &str) -> Result<Project, Error> {
        self.client
            .call(
                "/google.cloud.resourcemanager.v3.Projects/GetProject",
                &GetProjectRequest { name: format!("projects/{id}") },
            )
            .await
    }

    /// The project and all above it that we may see.
    pub async fn ancestry(&self, id: &str) -> Result<Vec<String>, Error> {
        let mut chain = vec![format!("projects/{id}")];
        let mut parent = self.project(id).await?.parent;
        while parent.starts_with("folders/") {
            let request = GetFolderRequest { name: parent.clone() };
            let above =
                self.client.call::<_, Folder>("/google.cloud.resourcemanager.v3.Folders/GetFolder", &request).await;
            chain.push(parent);
            match above {
                Ok(folder) => parent = folder.parent,
                Err(_) => return Ok(chain),
            }
        }
        if !parent.is_empty() {
            chain.push(parent);
        }
        Ok(chain)
    }

    pub async fn effective_policy(&self, project: &str, constraint: &str) -> Result<OrgPolicy, Error> {
        let request = GetEffectivePolicyRequest { name: format!("projects/{project}/policies/{constraint}") };
        self.client.call("/google.cloud.orgpolicy.v2.OrgPolicy/GetEffectivePolicy", &request).await
    }

    pub async fn bucket(&self, name: &str) -> Result<Option<Value>, Error> {
        present(
            self.client.json(STORAGE, "GET", &format!("/storage/v1/b/{}?projection=noAcl", escape(name)), None).await,
        )
    }

    /// Sets the default key if nobody changed the bucket since it was looked at.
    pub async fn set_default_key(&self, bucket: &str, key: &str, metageneration: &str) -> Result<Value, Error> {
        let path = format!("/storage/v1/b/{}?ifMetagenerationMatch={metageneration}&projection=noAcl", escape(bucket));
        let body = json!({"encryption": {"defaultKmsKeyName": key}});
        self.client.json(STORAGE, "PATCH", &path, Some(&body)).await
    }

    /// Name, size and key version of every object.
    pub async fn objects(&self, bucket: &str) -> Result<Vec<cmek_plan::StoredObject>, Error> {
        let mut found = Vec::new();
        let mut token = String::new();
        loop {
            let path = format!(
                "/storage/v1/b/{}/o?maxResults=1000&projection=noAcl&prettyPrint=false&fields=items(name,size,kmsKeyName),nextPageToken&pageToken={}",
                escape(bucket),
                escape(&token)
            );
            let page = self.client.json(STORAGE, "GET", &path, None).await?;
            for item in page.get("items").and_then(Value::as_array).into_iter().flatten() {
                let text = |name: &str| item.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
                found.push(cmek_plan::StoredObject {
                    name: text("name"),
                    size: text("size").parse().unwrap_or_default(),
                    key_version: text("kmsKeyName"),
                });
            }
            match page.get("nextPageToken").and_then(Value::as_str) {
                Some(next) if !next.is_empty() => next.clone_into(&mut token),
                _ => return Ok(found),
            }
        }
    }

    /// Re-encrypts an object in place, in as many calls as the service wants.
    pub async fn rewrite(&self, bucket: &str, object: &str, key: &str) -> Result<(), Error> {
        let mut token = String::new();
        loop {
            let (bucket, object) = (escape(bucket), escape(object));
            let mut path = format!(
                "/storage/v1/b/{bucket}/o/{object}/rewriteTo/b/{bucket}/o/{object}?destinationKmsKeyName={}",
                escape(key)
            );
            if !token.is_empty() {
                path = format!("{path}&rewriteToken={}", escape(&token));
            }
            let answer = self.client.json(STORAGE, "POST", &path, Some(&json!({}))).await?;
            if answer.get("done").and_then(Value::as_bool) == Some(true) {
                return Ok(());
            }
            answer.get("rewriteToken").and_then(Value::as_str).unwrap_or_default().clone_into(&mut token);
            if token.is_empty() {
                return Err(Error::internal("a rewrite that is not done gave no token"));
            }
        }
    }

    pub async fn read_object(&self, bucket: &str, object: &str) -> Result<bytes::Bytes, Error> {
        let url = format!(
            "{}/storage/v1/b/{}/o/{}?alt=media",
            self.client.endpoints().of(STORAGE),
            escape(bucket),
            escape(object)
        );
        self.client.send("GET", &url, http::HeaderMap::new(), bytes::Bytes::new()).await.map(|(_, body)| body)
    }

    /// Makes the agent if it is not there, and gives its address.
    pub async fn storage_agent(&self, project: &str) -> Result<String, Error> {
        let answer = self
            .client
            .json(STORAGE, "GET", &format!("/storage/v1/projects/{}/serviceAccount", escape(project)), None)
            .await?;
        Ok(answer.get("email_address").and_then(Value::as_str).unwrap_or_default().to_owned())
    }

    pub async fn make_agent(&self, project: &str, agent: ServiceAgent) -> Result<(), Error> {
        if agent == ServiceAgent::Storage {
            return self.storage_agent(project).await.map(|_| ());
        }
        let path =
            format!("/v1beta1/projects/{}/services/{}:generateServiceIdentity", escape(project), agent.service());
        self.client.json("serviceusage.googleapis.com", "POST", &path, None).await.map(|_| ())
    }

    pub async fn topic(&self, name: &str) -> Result<Option<Topic>, Error> {
        present(
            self.client.call("/google.pubsub.v1.Publisher/GetTopic", &GetTopicRequest { topic: name.to_owned() }).await,
        )
    }

    pub async fn create_topic(&self, name: &str, key: &str) -> Result<Topic, Error> {
        let topic = Topic { name: name.to_owned(), kms_key_name: key.to_owned(), ..Topic::default() };
        self.client.call("/google.pubsub.v1.Publisher/CreateTopic", &topic).await
    }

    pub async fn set_topic_key(&self, name: &str, key: &str) -> Result<Topic, Error> {
        let request = UpdateTopicRequest {
            topic: Some(Topic { name: name.to_owned(), kms_key_name: key.to_owned(), ..Topic::default() }),
            update_mask: Some(FieldMask { paths: vec!["kms_key_name".to_owned()] }),
        };
        self.client.call("/google.pubsub.v1.Publisher/UpdateTopic", &request).await
    }

    /// A call of the Docker Registry protocol: path after `/v2/HOST-OR-NOTHING/`.
    pub async fn registry(
        &self,
        host: &str,
        verb: &str,
        path: &str,
        content_type: &str,
        body: bytes::Bytes,
    ) -> Result<(http::HeaderMap, bytes::Bytes), Error> {
        let (base, prefix) = self.client.endpoints().registry(host);
        let mut headers = http::HeaderMap::new();
        if let (false, Ok(value)) = (content_type.is_empty(), content_type.parse()) {
            headers.insert(http::header::CONTENT_TYPE, value);
        }
        // An upload's Location is already a whole path.
        let url = if path.starts_with("/v2/") { format!("{base}{path}") } else { format!("{base}/v2/{prefix}{path}") };
        self.client.send(verb, &url, headers, body).await
    }
}
