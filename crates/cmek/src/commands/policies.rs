//! `cmek policies`.

use clap::{Args, Subcommand};
use gcp_names::constraint::{self, RESTRICT_KEY_PROJECTS, RESTRICT_NON_CMEK};
use gcp_schema::orgpolicy::policy_spec::PolicyRule;
use gcp_schema::orgpolicy::policy_spec::policy_rule::{Kind, StringValues};
use gcp_schema::orgpolicy::{Policy, PolicySpec};
use serde_json::{Value, json};

use crate::cli::{KeyPlace, ListFlags, Scope};
use crate::failure::{Failure, Outcome};
use crate::observe;
use crate::session::Session;

#[derive(Debug, Subcommand)]
pub enum Policies {
    /// List the policies that a project, folder or organization sets itself
    #[command(after_help = "$ cmek policies list --organization=123456789012")]
    List(List),
    /// Show what a constraint says, and where it is set
    #[command(after_help = "\
$ cmek policies describe gcp.restrictNonCmekServices
$ cmek policies describe gcp.restrictCmekCryptoKeyProjects --folder=77 --effective")]
    Describe(Describe),
    /// Check whether policy lets a project go without keys, and use a key
    #[command(after_help = "\
$ cmek policies check --kms-key=projects/sec/locations/us/keyRings/registry/cryptoKeys/images
    exit code 3 when policy refuses")]
    Check(Check),
    /// Set, reset or unset a constraint
    #[command(after_help = "\
$ cmek policies set gcp.restrictNonCmekServices --deny=storage.googleapis.com,pubsub.googleapis.com
$ cmek policies set gcp.restrictCmekCryptoKeyProjects --allow=under:folders/42 --organization=123456789012
$ cmek policies set gcp.restrictNonCmekServices --unset")]
    Set(Set),
}

#[derive(Debug, Args)]
pub struct List {
    #[command(flatten)]
    pub scope: Scope,
    #[command(flatten)]
    pub list: ListFlags,
}

#[derive(Debug, Args)]
pub struct Describe {
    /// Constraint, with or without constraints/
    #[arg(value_name = "CONSTRAINT")]
    pub constraint: String,
    #[command(flatten)]
    pub scope: Scope,
    /// What is in force, with what is inherited
    #[arg(long)]
    pub effective: bool,
}

#[derive(Debug, Args)]
pub struct Check {
    /// A key that is to be used
    #[arg(long, value_name = "KEY")]
    pub kms_key: Option<String>,
    #[command(flatten)]
    pub place: KeyPlace,
    #[command(flatten)]
    pub list: ListFlags,
}

#[derive(Debug, Args)]
pub struct Set {
    /// Constraint, with or without constraints/
    #[arg(value_name = "CONSTRAINT")]
    pub constraint: String,
    #[command(flatten)]
    pub scope: Scope,
    /// Values to deny
    #[arg(long, value_name = "VALUE[,VALUE…]", value_delimiter = ',', conflicts_with_all = ["allow", "reset", "unset", "enforce"])]
    pub deny: Vec<String>,
    /// Values to allow
    #[arg(long, value_name = "VALUE[,VALUE…]", value_delimiter = ',', conflicts_with_all = ["reset", "unset", "enforce"])]
    pub allow: Vec<String>,
    /// Enforce a constraint that has no values
    #[arg(long, conflicts_with_all = ["reset", "unset"])]
    pub enforce: bool,
    /// Merge with what is inherited instead of replacing it
    #[arg(long)]
    pub inherit: bool,
    /// Back to the constraint's default, whatever is inherited
    #[arg(long, conflicts_with = "unset")]
    pub reset: bool,
    /// Take the policy away: what is inherited is in force again
    #[arg(long)]
    pub unset: bool,
}

const READ: &[&str] = &["orgpolicy.policy.get", "orgpolicy.policies.list"];
const WRITE: &[&str] =
    &["orgpolicy.policy.get", "orgpolicy.policies.create", "orgpolicy.policies.update", "orgpolicy.policies.delete"];

pub async fn run(session: &mut Session, command: Policies) -> Outcome<()> {
    match command {
        Policies::List(args) => list(session, args).await,
        Policies::Describe(args) => describe(session, args).await,
        Policies::Check(args) => check(session, args).await,
        Policies::Set(args) => set(session, args).await,
    }
}

fn bare(name: &str) -> String {
    name.strip_prefix("constraints/").unwrap_or(name).to_owned()
}

fn value_of(policy: &Policy) -> Value {
    let spec = policy.spec.clone().unwrap_or_default();
    let rules: Vec<Value> = spec
        .rules
        .iter()
        .map(|rule| match &rule.kind {
            Some(Kind::Values(values)) => {
                let mut value = json!({});
                if !values.allowed_values.is_empty() {
                    value["allowedValues"] = json!(values.allowed_values);
                }
                if !values.denied_values.is_empty() {
                    value["deniedValues"] = json!(values.denied_values);
                }
                json!({"values": value})
            }
            Some(Kind::AllowAll(all)) => json!({"allowAll": all}),
            Some(Kind::DenyAll(all)) => json!({"denyAll": all}),
            Some(Kind::Enforce(on)) => json!({"enforce": on}),
            None => json!({}),
        })
        .collect();
    let mut value = json!({"name": policy.name, "spec": {"rules": rules}});
    if !spec.etag.is_empty() {
        value["spec"]["etag"] = json!(spec.etag);
    }
    for (name, on) in [("inheritFromParent", spec.inherit_from_parent), ("reset", spec.reset)] {
        if on {
            value["spec"][name] = json!(true);
        }
    }
    value
}

async fn list(session: &mut Session, args: List) -> Outcome<()> {
    if session.explains(READ)? {
        return Ok(());
    }
    let resource = session.container(&args.scope)?.0;
    let cloud = session.cloud().await?.paged(args.list.page_size);
    let rows: Vec<_> = cloud
        .org_policies(&resource)
        .await?
        .iter()
        .map(|policy| {
            let enforced = |rule: &PolicyRule| matches!(rule.kind, Some(Kind::Enforce(_)));
            let is_boolean = policy.spec.iter().flat_map(|spec| &spec.rules).any(enforced);
            let mut row = value_of(policy);
            row["kind"] = json!(if is_boolean { "BOOLEAN" } else { "LIST" });
            row
        })
        .collect();
    session.print_list(&rows, "table(name.basename():label=CONSTRAINT, kind)", &args.list)
}

async fn describe(session: &mut Session, args: Describe) -> Outcome<()> {
    if session.explains(READ)? {
        return Ok(());
    }
    let resource = session.container(&args.scope)?.0;
    let name = bare(&args.constraint);
    let cloud = session.cloud().await?;
    if args.effective {
        let found = cloud.effective_policy(&resource, &name).await?;
        return session.print_one(&value_of(&found), "yaml");
    }
    if let Some(found) = cloud.org_policy(&resource, &name).await? {
        return session.print_one(&value_of(&found), "yaml");
    }
    Err(Failure::new(format!("NOT_FOUND: {resource} sets no policy for {name}."))
        .hint(format!("cmek policies describe {name} --effective shows what is in force")))
}

async fn check(session: &mut Session, args: Check) -> Outcome<()> {
    if session.explains(READ)? {
        return Ok(());
    }
    let project = session.project()?;
    let key = args.kms_key.as_deref().map(|key| session.key(key, &args.place)).transpose()?;
    let cloud = session.cloud().await?;
    let any = gcp_names::KeyName {
        project: project.clone(),
        location: "us".to_owned(),
        ring: "none".to_owned(),
        key: "none".to_owned(),
    };
    let facts = observe::policy(&cloud, &project, key.as_ref().unwrap_or(&any)).await?;
    let mut rows = Vec::new();
    let mut refused = 0;
    for service in ["storage.googleapis.com", "pubsub.googleapis.com", "artifactregistry.googleapis.com"] {
        let rule = facts.denies(service);
        rows.push(json!({
            "constraint": RESTRICT_NON_CMEK, "subject": service,
            "verdict": if rule.is_some() { "KEY_REQUIRED" } else { "FREE" },
            "setAt": rule.map_or("", |rule| rule.set_at.as_str()),
        }));
    }
    if let Some(key) = &key {
        let allowed = facts.allows_key_of(&key.project);
        refused += usize::from(!allowed);
        rows.push(json!({
            "constraint": RESTRICT_KEY_PROJECTS, "subject": key.to_string(),
            "verdict": if allowed { "ALLOWED" } else { "REFUSED" },
            "setAt": facts.allowed_keys.first().map_or("", |rule| rule.set_at.as_str()),
        }));
    } else {
        refused += rows.iter().filter(|row| row["verdict"] == "KEY_REQUIRED").count();
    }
    session.print_list(&rows, "table(constraint, subject, verdict, setAt)", &args.list)?;
    if refused == 0 {
        return Ok(());
    }
    let what = if key.is_some() { "Policy refuses the key." } else { "Policy asks for keys." };
    Err(Failure { code: 3, ..Failure::new(what) })
}

async fn set(session: &mut Session, args: Set) -> Outcome<()> {
    if session.explains(WRITE)? {
        return Ok(());
    }
    if args.deny.is_empty() && args.allow.is_empty() && !args.enforce && !args.reset && !args.unset {
        return Err(Failure {
            code: 2,
            ..Failure::new("Exactly one of (--allow | --deny | --enforce | --reset | --unset) must be specified.")
        });
    }
    let resource = session.container(&args.scope)?.0;
    let name = bare(&args.constraint);
    if name == RESTRICT_NON_CMEK {
        if !args.allow.is_empty() {
            return Err(Failure::new(format!("constraints/{name} takes deniedValues only.")).hint("--deny=SERVICE,…"));
        }
        if let Some(service) = args.deny.iter().find(|service| !constraint::is_non_cmek_service(service)) {
            return Err(Failure::new(format!("constraints/{name} does not govern '{service}'."))
                .hint("storage.googleapis.com and pubsub.googleapis.com are the registry's"));
        }
    }
    if name == RESTRICT_KEY_PROJECTS && !args.deny.is_empty() {
        return Err(Failure::new(format!("constraints/{name} takes allowedValues only."))
            .hint("--allow=projects/P or --allow=under:folders/N"));
    }
    let cloud = session.cloud().await?;
    let known = cloud.org_policy(&resource, &name).await?;
    if args.unset {
        let Some(_) = known else {
            session.ui.say(&format!("Nothing to do: {resource} sets no policy for {name}."));
            return Ok(());
        };
        if !agreed(session, &format!("Take the policy for {name} off {resource}."))? {
            return Ok(());
        }
        cloud.delete_org_policy(&resource, &name).await?;
        session.ui.say(&format!("Deleted policy [{resource}/policies/{name}]."));
        return Ok(());
    }
    let rules = if args.reset {
        Vec::new()
    } else if args.enforce {
        vec![PolicyRule { kind: Some(Kind::Enforce(true)), ..PolicyRule::default() }]
    } else {
        let values = StringValues { allowed_values: args.allow.clone(), denied_values: args.deny.clone() };
        vec![PolicyRule { kind: Some(Kind::Values(values)), ..PolicyRule::default() }]
    };
    let old = known.as_ref().and_then(|policy| policy.spec.clone()).unwrap_or_default();
    if known.is_some() && old.rules == rules && old.inherit_from_parent == args.inherit && old.reset == args.reset {
        session.ui.say(&format!("Nothing to do: the policy for {name} of {resource} says so already."));
        return Ok(());
    }
    let what = if args.reset {
        format!("Reset {name} of {resource} to its default.")
    } else if args.enforce {
        format!("Enforce {name} on {resource}.")
    } else {
        let (verb, values) = if args.deny.is_empty() { ("allow", &args.allow) } else { ("deny", &args.deny) };
        format!("Set {name} on {resource}: {verb} {}.", values.join(", "))
    };
    if !agreed(session, &what)? {
        return Ok(());
    }
    let spec = PolicySpec {
        etag: old.etag,
        rules,
        inherit_from_parent: args.inherit,
        reset: args.reset,
        ..PolicySpec::default()
    };
    let policy = Policy { name: format!("{resource}/policies/{name}"), spec: Some(spec), ..Policy::default() };
    let set = cloud.set_org_policy(&resource, policy, known.is_some()).await?;
    let verb = if known.is_some() { "Updated" } else { "Created" };
    session.ui.say(&format!("{verb} policy [{}].", set.name));
    session.print_one(&value_of(&set), "yaml")
}

/// Shows what will be done and asks; `false`: it was only a rehearsal.
fn agreed(session: &mut Session, what: &str) -> Outcome<bool> {
    session.ui.say(what);
    if session.global.dry_run {
        session.ui.say("Nothing was changed (--dry-run).");
        return Ok(false);
    }
    session.ui.confirm(true)?;
    Ok(true)
}
