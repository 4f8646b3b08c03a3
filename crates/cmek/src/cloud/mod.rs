//! The calls that the commands make, one function each, by the cloud's own names; a file for each service.

mod asset;
mod batch;
mod iam;
mod kms;
mod org_policy;
mod projects;
mod pubsub;
mod registry;
mod storage;

use gcp_client::{Client, Error};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

pub use iam::{ROLE, text_of};
pub use projects::Container;
pub use storage::Stored;

const NAME: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

#[derive(Clone)]
pub struct Cloud {
    pub client: Client,
    /// How many records a page of a list has, where the user says so.
    page_size: Option<i32>,
}

impl Cloud {
    pub fn new(client: Client) -> Self {
        Self { client, page_size: None }
    }

    /// The same, asking for pages of another size.
    #[must_use]
    pub fn paged(self, size: Option<usize>) -> Self {
        Self { page_size: size.and_then(|size| size.try_into().ok()), ..self }
    }

    fn page_of(&self, own: i32) -> i32 {
        self.page_size.unwrap_or(own)
    }
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
