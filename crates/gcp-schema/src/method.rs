//! What is known of each method: its wire path, its messages, its HTTP rules, the permission it asks for.

/// One method of one service, as the descriptors and the route table tell it.
#[derive(Debug)]
pub struct Method {
    /// `/google.cloud.kms.v1.KeyManagementService/Encrypt`
    pub path: &'static str,
    /// `google.cloud.kms.v1.KeyManagementService`
    pub service: &'static str,
    /// `Encrypt`
    pub name: &'static str,
    /// Full name of the request message, without a leading dot.
    pub input: &'static str,
    pub output: &'static str,
    pub client_streaming: bool,
    pub server_streaming: bool,
    /// The API that must be enabled: `cloudkms.googleapis.com`. Mix-ins (IAM, locations, operations) are listed once
    /// a method path; their API follows from the address or the resource's shape, so theirs is empty.
    pub api: &'static str,
    /// HTTP rules in order of preference; empty for methods that are gRPC only.
    pub http: &'static [Rule],
    /// Empty where no permission is asked for.
    pub permission: &'static str,
    /// Field numbers that lead to the resource name in the encoded request: `[1]` for `name = 1`, `[2, 1]` for `topic.name`.
    /// Empty when the request names no resource.
    pub resource: &'static [u32],
    /// True when the method can run in a read transaction.
    pub read_only: bool,
}

/// One HTTP form of a method.
#[derive(Debug)]
pub struct Rule {
    /// The API whose host serves this rule: `cloudkms.googleapis.com`. Rules of mix-ins repeat for each API.
    pub api: &'static str,
    pub verb: Verb,
    /// `/v1/{name=projects/*/locations/*/keyRings/*/cryptoKeys/**}:encrypt`
    pub template: &'static str,
    pub body: Body,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verb {
    Get,
    Put,
    Post,
    Patch,
    Delete,
}

impl Verb {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Put => "PUT",
            Self::Post => "POST",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// Where the HTTP body goes in the request message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    None,
    /// `body: "*"`: every field that the path does not bind.
    Whole,
    /// `body: "crypto_key"`: that one field (its proto name).
    Field(&'static str),
}
