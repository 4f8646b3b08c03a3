//! Stored policies: where they hang, their etags, what they come to along the tree.

use gcp_names::constraint::{self, Constraint};
use gcp_schema::orgpolicy::{Policy, PolicySpec};
use prost::Message;

use super::{evaluate, validate};
use crate::doors;
use crate::kernel::table::ids;
use crate::kernel::{Call, Error, Result, Table, Time, etag, paging};

/// The sequence that every policy takes a number of when it is set.
const REVISIONS: &str = "orgpolicy";

/// By `projects/ID/policies/CONSTRAINT` (or folders, organizations).
static POLICIES: Table<PolicyRow> = Table::new(ids::ORG_POLICY);

#[derive(Clone, PartialEq, Message)]
pub struct PolicyRow {
    #[prost(message, optional, tag = "1")]
    pub spec: Option<PolicySpec>,
    #[prost(message, optional, tag = "2")]
    pub dry_run_spec: Option<PolicySpec>,
    #[prost(uint64, tag = "3")]
    pub revision: u64,
    #[prost(int64, tag = "4")]
    pub updated: i64,
}

/// What policies hang on: `projects/my-project` in rows, `projects/123` in answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    pub key: String,
    pub shown: String,
}

/// A constraint on a resource: one place for a policy.
#[derive(Clone, Debug)]
pub struct Place {
    pub resource: Resource,
    pub constraint: &'static Constraint,
}

pub fn missing() -> Error {
    Error::not_found("Requested entity was not found.")
}

pub fn resource(call: &mut Call, name: &str) -> Result<Resource> {
    match name.split_once('/') {
        Some(("projects", id)) if !id.is_empty() && !id.contains('/') => {
            let project = doors::project(call, id)?;
            Ok(Resource { key: format!("projects/{}", project.id), shown: format!("projects/{}", project.number) })
        }
        Some(("folders" | "organizations", number)) if gcp_names::is_project_number(number) => {
            if doors::container_exists(call, name)? {
                Ok(Resource { key: name.to_owned(), shown: name.to_owned() })
            } else {
                Err(Error::permission_denied("The caller does not have permission"))
            }
        }
        _ => Err(Error::invalid_argument(format!(
            "'{name}' is not the name of a resource with policies: write projects/ID, folders/NUMBER or organizations/NUMBER."
        ))),
    }
}

pub fn constraint(name: &str) -> Result<&'static Constraint> {
    constraint::find(name).ok_or_else(|| {
        Error::not_found(format!("Constraint constraints/{} was not found.", name.trim_start_matches("constraints/")))
    })
}

/// The place that `R/policies/CONSTRAINT` names.
pub fn place(call: &mut Call, name: &str) -> Result<Place> {
    let (parent, constraint_name) = name
        .split_once("/policies/")
        .filter(|(_, constraint)| !constraint.is_empty() && !constraint.contains('/'))
        .ok_or_else(|| {
            Error::invalid_argument(format!(
                "'{name}' is not the name of a policy: write RESOURCE/policies/CONSTRAINT."
            ))
        })?;
    Ok(Place { resource: resource(call, parent)?, constraint: constraint(constraint_name)? })
}

impl Place {
    fn key(&self) -> String {
        format!("{}/policies/{}", self.resource.key, self.constraint.name)
    }

    pub fn name(&self) -> String {
        format!("{}/policies/{}", self.resource.shown, self.constraint.name)
    }

    pub fn get(&self, call: &Call) -> Result<Option<PolicyRow>> {
        call.txn.get(&POLICIES, &self.key())
    }

    /// The tag of what is there; a place without a policy has one too (v1 shows it).
    pub fn etag(&self, call: &Call, row: Option<&PolicyRow>) -> String {
        etag::of(&call.kernel.entropy, &self.key(), row.map_or(0, |row| row.revision))
    }

    /// Refuses a caller who read something else than what is there. No tag: no question.
    pub fn check_etag(&self, call: &Call, row: Option<&PolicyRow>, etag: &str) -> Result<()> {
        if etag.is_empty() || etag == self.etag(call, row) {
            return Ok(());
        }
        Err(Error::aborted(format!(
            "The etag of {} does not match: the policy was changed by another caller. Read it again and retry.",
            self.name()
        )))
    }

    /// Checks and stores a policy.
    pub fn put(
        &self,
        call: &mut Call,
        spec: Option<PolicySpec>,
        dry_run_spec: Option<PolicySpec>,
    ) -> Result<PolicyRow> {
        for spec in spec.iter().chain(&dry_run_spec) {
            validate::spec(self.constraint, spec)?;
        }
        if spec.is_none() && dry_run_spec.is_none() {
            return Err(Error::invalid_argument(format!(
                "Invalid policy {}: it has neither spec nor dryRunSpec.",
                self.name()
            )));
        }
        // Output fields are made when a policy is read.
        let bare = |spec: PolicySpec| PolicySpec { etag: String::new(), update_time: None, ..spec };
        let row = PolicyRow {
            spec: spec.map(bare),
            dry_run_spec: dry_run_spec.map(bare),
            revision: call.count(REVISIONS)?,
            updated: call.now.0,
        };
        call.txn.put(&POLICIES, &self.key(), &row)?;
        Ok(row)
    }

    pub fn delete(&self, call: &mut Call) -> Result<()> {
        call.txn.delete(&POLICIES, &self.key())
    }

    pub fn render(&self, call: &Call, row: &PolicyRow) -> Policy {
        let etag = self.etag(call, Some(row));
        let dress = |spec: &PolicySpec| PolicySpec {
            etag: etag.clone(),
            update_time: Some(Time(row.updated).to_proto()),
            ..spec.clone()
        };
        Policy {
            name: self.name(),
            spec: row.spec.as_ref().map(dress),
            dry_run_spec: row.dry_run_spec.as_ref().map(dress),
            etag: etag.clone(),
            ..Policy::default()
        }
    }

    /// What holds here: no etag, no conditions.
    pub fn effective(&self, call: &mut Call) -> Result<PolicySpec> {
        let levels = levels(call, &self.resource.key, self.constraint)?;
        let rule = if self.constraint.is_list {
            evaluate::list(self.constraint, &levels).rule()
        } else {
            use gcp_schema::orgpolicy::policy_spec::{PolicyRule, policy_rule::Kind};
            PolicyRule { kind: Some(Kind::Enforce(evaluate::enforced(&levels))), ..PolicyRule::default() }
        };
        Ok(PolicySpec { rules: vec![rule], ..PolicySpec::default() })
    }
}

/// The policies of a resource and of everything above it, nearest first. Where nobody ever set one, none.
pub fn levels(call: &mut Call, resource: &str, constraint: &Constraint) -> Result<Vec<Option<PolicySpec>>> {
    if call.counted(REVISIONS)? == 0 {
        return Ok(Vec::new());
    }
    doors::ancestry(call, resource)?
        .iter()
        .map(|name| {
            let row = call.txn.get(&POLICIES, &format!("{name}/policies/{}", constraint.name))?;
            Ok(row.and_then(|row| row.spec))
        })
        .collect()
}

/// A page of what is set on one resource.
pub fn list(call: &Call, resource: &Resource, size: i32, token: &str) -> Result<paging::Page<(Place, PolicyRow)>> {
    let size = paging::size(size, 100, 1000)?;
    let prefix = format!("{}/policies/", resource.key);
    paging::page(&call.txn, &POLICIES, &prefix, size, token, |name, row| {
        let constraint = constraint::find(&name[prefix.len()..]);
        Ok(constraint.map(|constraint| (Place { resource: resource.clone(), constraint }, row)))
    })
}
