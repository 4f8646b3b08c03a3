//! Service agents: the accounts as which Google's services use a customer's key.

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ServiceAgent {
    Storage,
    PubSub,
    ArtifactRegistry,
    ContainerRegistry,
    CloudKms,
}

const DOMAIN: &str = ".iam.gserviceaccount.com";

impl ServiceAgent {
    pub const ALL: [Self; 5] =
        [Self::Storage, Self::PubSub, Self::ArtifactRegistry, Self::ContainerRegistry, Self::CloudKms];

    fn host(self) -> &'static str {
        match self {
            Self::Storage => "gs-project-accounts",
            Self::PubSub => "gcp-sa-pubsub",
            Self::ArtifactRegistry => "gcp-sa-artifactregistry",
            Self::ContainerRegistry => "containerregistry",
            Self::CloudKms => "gcp-sa-cloudkms",
        }
    }

    pub fn service(self) -> &'static str {
        match self {
            Self::Storage => "storage.googleapis.com",
            Self::PubSub => "pubsub.googleapis.com",
            Self::ArtifactRegistry => "artifactregistry.googleapis.com",
            Self::ContainerRegistry => "containerregistry.googleapis.com",
            Self::CloudKms => "cloudkms.googleapis.com",
        }
    }

    pub fn of_service(service: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|agent| agent.service() == service)
    }

    pub fn email(self, project_number: u64) -> String {
        format!("service-{project_number}@{}{DOMAIN}", self.host())
    }

    /// As IAM writes it.
    pub fn member(self, project_number: u64) -> String {
        format!("serviceAccount:{}", self.email(project_number))
    }

    /// The agent and project number of an address, if it is an agent's.
    pub fn parse(email: &str) -> Option<(Self, u64)> {
        let (local, host) = email.split_once('@')?;
        let number = local.strip_prefix("service-").filter(|text| !text.starts_with(['0', '+']))?.parse().ok()?;
        let host = host.strip_suffix(DOMAIN)?;
        Self::ALL.into_iter().find(|agent| agent.host() == host).map(|agent| (agent, number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_read_back() {
        for agent in ServiceAgent::ALL {
            assert_eq!(ServiceAgent::parse(&agent.email(123)), Some((agent, 123)));
            assert_eq!(ServiceAgent::of_service(agent.service()), Some(agent));
        }
        assert_eq!(ServiceAgent::Storage.email(7), "service-7@gs-project-accounts.iam.gserviceaccount.com");
        for odd in ["+7", "07", "", "x"] {
            let email = format!("service-{odd}@gs-project-accounts.iam.gserviceaccount.com");
            assert_eq!(ServiceAgent::parse(&email), None, "{email}");
        }
        assert_eq!(ServiceAgent::parse("ci@my-project.iam.gserviceaccount.com"), None);
    }
}
