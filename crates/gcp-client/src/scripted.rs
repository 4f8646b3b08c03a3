//! For tests: a transport that answers from a list and keeps what it was asked.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};

use crate::transport::Sending;
use crate::{Client, Credentials, Endpoints, ManualTimer, Stage, Timer, Transport, TransportError};

pub enum Answer {
    Said(u16, HeaderMap, String),
    Broken(Stage),
}

#[derive(Default)]
pub struct Script {
    answers: Mutex<VecDeque<Answer>>,
    requests: Mutex<Vec<Request<Bytes>>>,
    timer: Arc<ManualTimer>,
}

impl Script {
    pub fn of(answers: impl IntoIterator<Item = Answer>) -> Arc<Self> {
        Arc::new(Self { answers: Mutex::new(answers.into_iter().collect()), ..Self::default() })
    }

    /// Verbs and addresses.
    pub fn asked(&self) -> Vec<String> {
        self.requests.lock().unwrap().iter().map(|request| format!("{} {}", request.method(), request.uri())).collect()
    }

    /// How long the client waited, one time after the other.
    pub fn waits(&self) -> Vec<Duration> {
        self.timer.waits()
    }

    pub fn header(&self, index: usize, name: &str) -> Option<String> {
        let requests = self.requests.lock().unwrap();
        requests[index].headers().get(name).map(|value| value.to_str().unwrap().to_owned())
    }

    pub fn body(&self, index: usize) -> String {
        String::from_utf8(self.requests.lock().unwrap()[index].body().to_vec()).unwrap()
    }
}

impl Transport for Script {
    fn send(&self, request: Request<Bytes>) -> Sending<'_> {
        self.requests.lock().unwrap().push(request);
        let answer = self.answers.lock().unwrap().pop_front().expect("the script has no more answers");
        Box::pin(std::future::ready(match answer {
            Answer::Said(status, headers, body) => {
                let mut response = Response::new(Bytes::from(body));
                *response.status_mut() = status.try_into().unwrap();
                *response.headers_mut() = headers;
                Ok(response)
            }
            Answer::Broken(stage) => Err(TransportError::at(stage, "broken")),
        }))
    }
}

/// Waits for nothing.
pub fn client_of(script: &Arc<Script>, credentials: Credentials) -> Client {
    let transport: Arc<dyn Transport> = Arc::clone(script) as Arc<dyn Transport>;
    Client::new(transport, Endpoints::google(), credentials).with_timer(Arc::clone(&script.timer) as Arc<dyn Timer>)
}

pub fn client(answers: &[(u16, &str)]) -> (Client, Arc<Script>) {
    let said = |(status, body): &(u16, &str)| Answer::Said(*status, HeaderMap::new(), (*body).to_owned());
    let script = Script::of(answers.iter().map(said));
    (client_of(&script, Credentials::None), script)
}

/// Headers from pairs.
pub fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    pairs
        .iter()
        .map(|(name, value)| (name.parse::<http::HeaderName>().unwrap(), value.parse::<http::HeaderValue>().unwrap()))
        .collect()
}
