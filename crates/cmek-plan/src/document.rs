//! A plan as a document: what is wanted, what is to be done, what stands in the way. Its form has a name; see
//! `docs/plan.v1.schema.json`.

use gcp_names::{KeyName, RegistryHost};
use serde::{Deserialize, Serialize};

use crate::facts::Desired;
use crate::finding::Finding;
use crate::planner::{Plan, SCHEMA};
use crate::step::Step;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Document {
    pub schema: String,
    pub desired: Wish,
    pub steps: Vec<Step>,
    pub findings: Vec<Finding>,
}

/// `Desired` as the document says it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Wish {
    pub project: String,
    pub hosts: Vec<String>,
    pub key: String,
    pub create_key: bool,
    pub rewrite_existing: bool,
    pub topic: bool,
}

impl Document {
    pub fn new(desired: &Desired, plan: &Plan) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            desired: Wish {
                project: desired.project.clone(),
                hosts: desired.hosts.iter().map(ToString::to_string).collect(),
                key: desired.key.to_string(),
                create_key: desired.create_key,
                rewrite_existing: desired.rewrite_existing,
                topic: desired.topic,
            },
            steps: plan.steps.clone(),
            findings: plan.findings.clone(),
        }
    }

    /// Whether we know this form.
    pub fn check(&self) -> Result<(), String> {
        if self.schema != SCHEMA {
            return Err(format!("its schema is '{}', and this cmek knows {SCHEMA}", self.schema));
        }
        self.desired().map(|_| ())
    }

    pub fn desired(&self) -> Result<Desired, String> {
        let wish = &self.desired;
        let hosts: Result<Vec<_>, _> = wish.hosts.iter().map(|host| RegistryHost::parse(host)).collect();
        Ok(Desired {
            project: wish.project.clone(),
            hosts: hosts.map_err(|error| error.to_string())?,
            key: KeyName::parse(&wish.key).map_err(|error| error.to_string())?,
            create_key: wish.create_key,
            rewrite_existing: wish.rewrite_existing,
            topic: wish.topic,
        })
    }

    /// A plan made now must do nothing that this one does not do, and from the same state of each resource: what was
    /// carried out already may be missing.
    pub fn still_holds(&self, now: &Plan) -> Result<(), String> {
        for step in &now.steps {
            if self.steps.contains(step) {
                continue;
            }
            let (verb, what) = step.subject();
            let was_planned = self.steps.iter().any(|planned| planned.subject() == step.subject());
            return Err(if was_planned {
                format!("{what} was changed since it was made ({verb})")
            } else {
                format!("there is more to do now: {verb} {what}")
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document() -> Document {
        Document {
            schema: SCHEMA.into(),
            desired: Wish {
                project: "my-project".into(),
                hosts: vec!["gcr.io".into()],
                key: "projects/p/locations/us/keyRings/r/cryptoKeys/k".into(),
                create_key: false,
                rewrite_existing: false,
                topic: true,
            },
            steps: vec![default_key("1"), topic()],
            findings: Vec::new(),
        }
    }

    fn default_key(metageneration: &str) -> Step {
        Step::SetDefaultKey { bucket: "b".into(), key: "k".into(), metageneration: metageneration.into() }
    }

    fn topic() -> Step {
        Step::CreateTopic { topic: "t".into(), key: "k".into() }
    }

    #[test]
    fn a_plan_holds_while_nobody_touched_its_resources() {
        let plan = |steps| Plan { steps, findings: Vec::new() };
        let made = document();
        assert!(made.check().is_ok());
        assert!(made.still_holds(&plan(vec![default_key("1"), topic()])).is_ok());
        assert!(made.still_holds(&plan(vec![topic()])).is_ok(), "the first step is done");
        let stale = made.still_holds(&plan(vec![default_key("2"), topic()])).unwrap_err();
        assert_eq!(stale, "b was changed since it was made (default key)");
        let more = Step::CreateKeyRing { ring: "r".into() };
        assert!(made.still_holds(&plan(vec![more])).unwrap_err().contains("more to do"));
        let other = Document { schema: "cmek.plan/v9".into(), ..document() };
        assert!(other.check().unwrap_err().contains("cmek.plan/v9"));
    }
}
