//! How requests travel: over the network, or by whatever the caller hands in.

use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};

use crate::error::Stage;

pub type Sending<'a> = Pin<Box<dyn Future<Output = Result<Response<Bytes>, TransportError>> + Send + 'a>>;

/// An extension of a request: what is left of its call's time.
#[derive(Clone, Copy, Debug)]
pub struct TimeLeft(pub Duration);

pub trait Transport: Send + Sync {
    fn send(&self, request: Request<Bytes>) -> Sending<'_>;
}

/// The request did not get an answer.
#[derive(Clone, Debug)]
pub struct TransportError {
    pub text: String,
    /// What a repetition could mean.
    pub stage: Stage,
}

impl TransportError {
    pub fn at(stage: Stage, text: impl Into<String>) -> Self {
        Self { text: text.into(), stage }
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for TransportError {}

/// An error with all that caused it, in one line.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let said = inner.to_string();
        // Wrappers often repeat what they wrap.
        if !text.ends_with(&said) {
            text = format!("{text}: {said}");
        }
        source = inner.source();
    }
    text
}
