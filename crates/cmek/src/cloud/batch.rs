//! Operations that take their time, and Storage Batch Operations: rewriting by Google's own engine.

use std::time::Duration;

use gcp_client::{Code, Error};
use serde_json::{Value, json};

use super::{Cloud, escape};

const BATCH: &str = "storagebatchoperations.googleapis.com";
/// How long an operation is asked about before we give up on it.
const PATIENCE: Duration = Duration::from_mins(10);

/// A job as it is now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Job {
    pub name: String,
    /// `RUNNING`, `SUCCEEDED`, `CANCELED`, `FAILED`.
    pub state: String,
    pub total: u64,
    pub succeeded: u64,
    pub failed: u64,
    /// Code, count and an example of each kind of failure.
    pub errors: Vec<(String, u64, String)>,
}

impl Job {
    pub fn is_over(&self) -> bool {
        matches!(self.state.as_str(), "SUCCEEDED" | "CANCELED" | "FAILED")
    }

    fn read(value: &Value) -> Self {
        let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let count = |pointer: &str| text(pointer).parse().unwrap_or_default();
        let errors = value.get("errorSummaries").and_then(Value::as_array).into_iter().flatten().map(|summary| {
            let text = |pointer: &str| summary.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
            let example =
                format!("{}: {}", text("/errorLogEntries/0/objectUri"), text("/errorLogEntries/0/errorDetails/0"));
            (text("/errorCode"), text("/errorCount").parse().unwrap_or_default(), example)
        });
        Self {
            name: text("/name"),
            state: text("/state"),
            total: count("/counters/totalObjectCount"),
            succeeded: count("/counters/succeededObjectCount"),
            failed: count("/counters/failedObjectCount"),
            errors: errors.collect(),
        }
    }
}

impl Cloud {
    /// Waits for an operation; its error becomes ours.
    pub(super) async fn settled(&self, api: &str, mut operation: Value) -> Result<Value, Error> {
        let mut pause = Duration::from_millis(50);
        let mut waited = Duration::ZERO;
        loop {
            if let Some(error) = operation.get("error") {
                let code = error.get("code").and_then(Value::as_i64).unwrap_or(2);
                let message = error.get("message").and_then(Value::as_str).unwrap_or("the operation failed");
                return Err(Error::new(Code::from_i32(code as i32), message));
            }
            if operation.get("done").and_then(Value::as_bool) == Some(true) {
                return Ok(operation);
            }
            let name = operation.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
            if waited > PATIENCE {
                return Err(Error::new(Code::DeadlineExceeded, format!("operation {name} is not done yet")));
            }
            self.client.timer().sleep(pause).await;
            waited += pause;
            pause = (pause * 2).min(Duration::from_secs(5));
            operation = self.client.json(api, "GET", &format!("/v1/{name}"), None).await?;
        }
    }

    /// Starts the rewrite of everything under the prefixes.
    pub async fn start_batch(
        &self,
        project: &str,
        id: &str,
        bucket: &str,
        prefixes: &[String],
        key: &str,
    ) -> Result<(), Error> {
        let path = format!("/v1/projects/{}/locations/global/jobs?jobId={}", escape(project), escape(id));
        let list = json!({"bucket": bucket, "prefixList": {"includedObjectPrefixes": prefixes}});
        let body =
            json!({"description": "cmek rewrite", "bucketList": {"buckets": [list]}, "rewriteObject": {"kmsKey": key}});
        match self.client.json(BATCH, "POST", &path, Some(&body)).await {
            // Said twice because the first answer was lost.
            Err(error) if error.code() == Code::AlreadyExists => Ok(()),
            outcome => outcome.map(|_| ()),
        }
    }

    pub async fn batch(&self, project: &str, id: &str) -> Result<Job, Error> {
        let path = format!("/v1/projects/{}/locations/global/jobs/{}", escape(project), escape(id));
        Ok(Job::read(&self.client.json(BATCH, "GET", &path, None).await?))
    }
}
