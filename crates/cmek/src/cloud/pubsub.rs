//! Pub/Sub: topics.

use gcp_client::Error;
use gcp_schema::pubsub::{GetTopicRequest, ListTopicsRequest, Topic, UpdateTopicRequest};
use prost_types::FieldMask;

use super::{Cloud, present};

impl Cloud {
    pub async fn topic(&self, name: &str) -> Result<Option<Topic>, Error> {
        present(
            self.client.call("/google.pubsub.v1.Publisher/GetTopic", &GetTopicRequest { topic: name.to_owned() }).await,
        )
    }

    pub async fn create_topic(&self, name: &str, key: &str) -> Result<Topic, Error> {
        let topic = Topic { name: name.to_owned(), kms_key_name: key.to_owned(), ..Topic::default() };
        self.client.call("/google.pubsub.v1.Publisher/CreateTopic", &topic).await
    }

    pub async fn topics(&self, project: &str) -> Result<Vec<Topic>, Error> {
        let page_size = self.page_of(1000);
        let request = ListTopicsRequest { project: format!("projects/{project}"), page_size, ..Default::default() };
        self.client.pages(request).all().await
    }

    /// An empty key takes the key away.
    pub async fn set_topic_key(&self, name: &str, key: &str) -> Result<Topic, Error> {
        let request = UpdateTopicRequest {
            topic: Some(Topic { name: name.to_owned(), kms_key_name: key.to_owned(), ..Topic::default() }),
            update_mask: Some(FieldMask { paths: vec!["kms_key_name".to_owned()] }),
        };
        self.client.call("/google.pubsub.v1.Publisher/UpdateTopic", &request).await
    }
}
