//! What a new job may say, and what its transformation means for an object.

use gcp_names::KeyName;
use gcp_schema::storagebatchoperations::bucket_list::bucket::ObjectConfiguration;
use gcp_schema::storagebatchoperations::job::{Source, Transformation};
use gcp_schema::storagebatchoperations::logging_config::{LoggableAction, LoggableActionState};
use gcp_schema::storagebatchoperations::put_object_hold::HoldStatus;
use gcp_schema::storagebatchoperations::{Counters, Job, LoggingConfig, PutMetadata, PutObjectHold};
use serde_json::{Map, Value, json};

use super::source;
use crate::doors::{self, Change};
use crate::kernel::{Call, Code, Error, Result, Time};

fn invalid(field: &str, why: impl std::fmt::Display) -> Error {
    Error::invalid_argument(format!("Invalid {field}: {why}."))
}

fn not_served(what: &str) -> Error {
    Error::new(Code::Unimplemented, format!("{what} cannot be changed: the emulator's objects have none."))
}

/// 1 to 128 characters as in a name of the DNS.
pub fn id(id: &str) -> Result<()> {
    let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    let fits = id.len() <= 128
        && ends(id.chars().next())
        && ends(id.chars().next_back())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.');
    if fits {
        return Ok(());
    }
    Err(invalid(
        "job_id",
        format!(
            "'{id}' must have 1 to 128 letters, digits, hyphens and dots, and start and end with a letter or digit"
        ),
    ))
}

/// A UUID other than zero.
pub fn request_id(id: &str) -> Result<()> {
    let lengths = id.split('-').map(str::len);
    let is_uuid = lengths.eq([8, 4, 4, 4, 12]) && id.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    if is_uuid && id.bytes().any(|byte| byte != b'0' && byte != b'-') {
        return Ok(());
    }
    Err(invalid("request_id", format!("'{id}' must be a UUID other than zero")))
}

/// The job as it begins: what only the service sets is cleared, the key has its project's id.
pub fn new_job(call: &mut Call, given: Option<Job>) -> Result<Job> {
    let given = given.ok_or_else(|| invalid("job", "it must be set"))?;
    if given.description.len() > 1024 {
        return Err(invalid("job.description", "it must not be longer than 1024 bytes"));
    }
    let Some(Source::BucketList(list)) = &given.source else {
        return Err(invalid("job.bucket_list", "it must be set"));
    };
    let [bucket] = &list.buckets[..] else {
        let found = list.buckets.len();
        return Err(invalid("job.bucket_list.buckets", format!("exactly one bucket is supported, not {found}")));
    };
    let total_bytes_found = match &bucket.object_configuration {
        Some(ObjectConfiguration::PrefixList(_)) => Some(0),
        Some(ObjectConfiguration::Manifest(manifest)) => {
            if source::location(&manifest.manifest_location).is_none() {
                return Err(invalid(
                    "job.bucket_list.buckets[0].manifest.manifest_location",
                    format!(
                        "'{}' must be gs://BUCKET/OBJECT, with no more than one * in the name of the file",
                        manifest.manifest_location
                    ),
                ));
            }
            None
        }
        None => {
            return Err(invalid("job.bucket_list.buckets[0]", "one of prefix_list and manifest must be set"));
        }
    };
    if let Some(config) = &given.logging_config {
        logging(config)?;
    }
    let transformation = transformation(call, given.transformation)?;
    if !doors::bucket_exists(call, &bucket.bucket)? {
        return Err(Error::not_found(format!("The bucket {} does not exist.", bucket.bucket)));
    }
    Ok(Job {
        description: given.description,
        logging_config: given.logging_config,
        dry_run: given.dry_run,
        source: given.source,
        transformation: Some(transformation),
        counters: Some(Counters { total_bytes_found, ..Counters::default() }),
        ..Job::default()
    })
}

fn logging(config: &LoggingConfig) -> Result<()> {
    let known = |number: i32| LoggableAction::try_from(number).is_ok_and(|it| it != LoggableAction::Unspecified);
    if config.log_actions.is_empty() || !config.log_actions.iter().all(|number| known(*number)) {
        return Err(invalid("job.logging_config.log_actions", "it must name actions"));
    }
    let known =
        |number: i32| LoggableActionState::try_from(number).is_ok_and(|it| it != LoggableActionState::Unspecified);
    if config.log_action_states.is_empty() || !config.log_action_states.iter().all(|number| known(*number)) {
        return Err(invalid("job.logging_config.log_action_states", "it must name states"));
    }
    Ok(())
}

fn transformation(call: &mut Call, given: Option<Transformation>) -> Result<Transformation> {
    let given = given.ok_or_else(|| invalid("job", "a transformation must be set"))?;
    match given {
        Transformation::RewriteObject(mut rewrite) => {
            let key = rewrite.kms_key.filter(|key| !key.is_empty());
            let key = key.ok_or_else(|| invalid("job.rewrite_object.kms_key", "it must be set"))?;
            let canonical = doors::canonical(call, &key)?;
            let name = KeyName::parse(&canonical)
                .map_err(|error| invalid("job.rewrite_object.kms_key", format!("{error}, without a version")))?;
            rewrite.kms_key = Some(name.to_string());
            Ok(Transformation::RewriteObject(rewrite))
        }
        Transformation::PutObjectHold(hold) => {
            if hold.temporary_hold() == HoldStatus::Unspecified && hold.event_based_hold() == HoldStatus::Unspecified {
                return Err(invalid("job.put_object_hold", "one of its holds must be SET or UNSET"));
            }
            Ok(Transformation::PutObjectHold(hold))
        }
        Transformation::PutMetadata(metadata) => {
            if metadata.object_retention.is_some() {
                return Err(not_served("Retention"));
            }
            if metadata == PutMetadata::default() {
                return Err(invalid("job.put_metadata", "it must set something"));
            }
            if let Some(time) = metadata.custom_time.as_deref().filter(|time| !time.is_empty())
                && Time::parse(time).is_none()
            {
                return Err(invalid("job.put_metadata.custom_time", format!("'{time}' is no time")));
            }
            Ok(Transformation::PutMetadata(metadata))
        }
        Transformation::DeleteObject(delete) => Ok(Transformation::DeleteObject(delete)),
        Transformation::UpdateObjectCustomContext(_) => Err(not_served("Custom contexts")),
    }
}

/// What is done to each object.
pub fn change(job: &Job) -> Result<Change> {
    match &job.transformation {
        Some(Transformation::RewriteObject(rewrite)) => {
            Ok(Change::Rewrite { key: rewrite.kms_key.clone().unwrap_or_default() })
        }
        Some(Transformation::PutObjectHold(hold)) => Ok(Change::Patch(holds(*hold))),
        Some(Transformation::PutMetadata(metadata)) => Ok(Change::Patch(patch(metadata))),
        Some(Transformation::DeleteObject(delete)) => {
            Ok(Change::Delete { for_good: delete.permanent_object_deletion_enabled })
        }
        _ => Err(Error::internal(format!("{} does nothing", job.name))),
    }
}

fn holds(hold: PutObjectHold) -> Value {
    let mut patch = Map::new();
    for (name, status) in [("temporaryHold", hold.temporary_hold()), ("eventBasedHold", hold.event_based_hold())] {
        match status {
            HoldStatus::Set => patch.insert(name.to_owned(), json!(true)),
            HoldStatus::Unset => patch.insert(name.to_owned(), json!(false)),
            HoldStatus::Unspecified => None,
        };
    }
    Value::Object(patch)
}

fn patch(metadata: &PutMetadata) -> Value {
    let mut patch = Map::new();
    for (name, value) in [
        ("contentDisposition", &metadata.content_disposition),
        ("contentEncoding", &metadata.content_encoding),
        ("contentLanguage", &metadata.content_language),
        ("contentType", &metadata.content_type),
        ("cacheControl", &metadata.cache_control),
        ("customTime", &metadata.custom_time),
    ] {
        if let Some(value) = value {
            patch.insert(name.to_owned(), json!(value));
        }
    }
    if !metadata.custom_metadata.is_empty() {
        let custom = metadata.custom_metadata.iter().map(|(key, value)| {
            let value = if value.is_empty() { Value::Null } else { json!(value) };
            (key.clone(), value)
        });
        patch.insert("metadata".to_owned(), Value::Object(custom.collect()));
    }
    Value::Object(patch)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_names_of_the_dns_and_requests_are_uuids() {
        for good in ["job1", "a", "My.job-7", &"x".repeat(128)] {
            assert!(id(good).is_ok(), "{good}");
        }
        for bad in ["", "-a", "a.", "a_b", "ä", "a/b", &"x".repeat(129)] {
            assert!(id(bad).is_err(), "{bad}");
        }
        assert!(request_id("0d7b1b5e-6d4f-4f3a-9b1e-4a6a5d3c2b1a").is_ok());
        for bad in ["00000000-0000-0000-0000-000000000000", "again", "0d7b1b5e6d4f4f3a9b1e4a6a5d3c2b1a", ""] {
            assert!(request_id(bad).is_err(), "{bad}");
        }
    }
}
