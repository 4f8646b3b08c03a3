//! What to do about a failed call, where that is known.

use crate::error::{Error, Stage};
use crate::{Code, credentials::LOGIN};

impl Error {
    /// A sentence or a command, apart from the message.
    pub fn hint(&self) -> Option<String> {
        match self.stage() {
            Stage::Unsent if self.code() == Code::Unauthenticated => {
                return Some(
                    "tokens are fetched by HTTPS_PROXY and the system's certificates (SSL_CERT_FILE), whatever proxy/* and \
                     core/custom_ca_certs_file say"
                        .to_owned(),
                );
            }
            // Only of this machine is a refusal taken for an answer.
            Stage::Unreachable if self.message().contains("onnection refused") => {
                return Some("nobody listens there; an emulator: cmek emulator start".to_owned());
            }
            Stage::Unsent | Stage::Unreachable | Stage::Lost => {
                return Some(
                    "this may be the network: look at the connection, the proxy (proxy/* or HTTPS_PROXY) and the \
                     certificates (core/custom_ca_certs_file)"
                        .to_owned(),
                );
            }
            Stage::Answer | Stage::Local => {}
        }
        if let Some((reason, metadata)) = self.info() {
            let known = |name: &str| metadata.get(name).map(String::as_str).filter(|value| !value.is_empty());
            let consumer = known("consumer").and_then(|name| name.strip_prefix("projects/"));
            match reason {
                "SERVICE_DISABLED" => {
                    let project = consumer.map(|id| format!(" --project={id}")).unwrap_or_default();
                    return Some(format!("gcloud services enable {}{project}", known("service")?));
                }
                "USER_PROJECT_DENIED" => {
                    let project = consumer.unwrap_or("the quota project");
                    return Some(format!(
                        "calls are charged to {project}, where roles/serviceusage.serviceUsageConsumer is missing: \
                         have it granted, or choose another with --billing-project"
                    ));
                }
                "ACCESS_TOKEN_SCOPE_INSUFFICIENT" => {
                    return Some(format!(
                        "the token lacks the scope https://www.googleapis.com/auth/cloud-platform: {LOGIN}"
                    ));
                }
                "ACCESS_TOKEN_EXPIRED" => {
                    return Some(format!("the access token has expired; take a new one, or {LOGIN}"));
                }
                _ => {}
            }
        }
        match self.code() {
            Code::Unauthenticated => Some(LOGIN.to_owned()),
            Code::PermissionDenied if self.message().contains("requires a quota project") => Some(
                "gcloud auth application-default set-quota-project PROJECT, or --billing-project=PROJECT".to_owned(),
            ),
            Code::ResourceExhausted | Code::Unavailable => {
                self.retry_after().map(|pause| format!("try again in {} s", pause.as_secs().max(1)))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use crate::error::from_answer;
    use crate::{Code, Error, Stage};

    fn hint(status: u16, reason: &str, metadata: &str) -> String {
        let body = format!(
            r#"{{"error":{{"message":"no","details":[{{"@type":"type.googleapis.com/google.rpc.ErrorInfo",
            "reason":"{reason}","domain":"googleapis.com","metadata":{metadata}}}]}}}}"#
        );
        from_answer(status, &HeaderMap::new(), body.as_bytes()).hint().unwrap_or_default()
    }

    #[test]
    fn a_refusal_that_a_command_heals_names_the_command() {
        assert_eq!(
            hint(403, "SERVICE_DISABLED", r#"{"service":"cloudkms.googleapis.com","consumer":"projects/123"}"#),
            "gcloud services enable cloudkms.googleapis.com --project=123"
        );
        assert!(hint(403, "USER_PROJECT_DENIED", r#"{"consumer":"projects/p"}"#).contains("charged to p,"));
        assert!(hint(401, "ACCESS_TOKEN_EXPIRED", "{}").contains("gcloud auth application-default login"));
        assert!(hint(403, "ACCESS_TOKEN_SCOPE_INSUFFICIENT", "{}").contains("cloud-platform"));
        assert_eq!(hint(401, "", "{}"), crate::credentials::LOGIN);
        assert_eq!(hint(403, "IAM_PERMISSION_DENIED", "{}"), "");
        assert!(Error::new(Code::Unavailable, "x").at(Stage::Lost).hint().unwrap().contains("proxy/* or HTTPS_PROXY"));
        assert!(Error::new(Code::Unauthenticated, "x").at(Stage::Unsent).hint().unwrap().contains("SSL_CERT_FILE"));
        let busy =
            Error::new(Code::Unavailable, "x").with_http(503).with_retry_after(Some(std::time::Duration::from_mins(5)));
        assert_eq!(busy.hint().as_deref(), Some("try again in 300 s"));
    }
}
