//! `cmek service-agents`.

use clap::{Args, Subcommand};
use cmek_plan::KeyFacts;
use gcp_names::ServiceAgent;
use serde_json::{Value, json};

use crate::cli::{KeyPlace, ListFlags};
use crate::failure::Outcome;
use crate::session::Session;
use crate::{impact, observe};

#[derive(Debug, Subcommand)]
pub enum ServiceAgents {
    /// List the agents that use keys for the project, and whether they may use a key
    #[command(after_help = "\
$ cmek service-agents list
$ cmek service-agents list --kms-key=images --keyring=registry --location=us")]
    List(List),
    /// Grant agents the use of a key, and of that key only
    #[command(
        after_help = "$ cmek service-agents authorize --kms-key=images --keyring=registry --location=us --service=storage"
    )]
    Authorize(Change),
    /// Take the use of a key away from agents
    #[command(
        after_help = "$ cmek service-agents revoke --kms-key=images --keyring=registry --location=us --service=pubsub"
    )]
    Revoke(Change),
}

#[derive(Debug, Args)]
pub struct List {
    /// The key: full name, or its id with --keyring and --location
    #[arg(long, value_name = "KEY")]
    pub kms_key: Option<String>,
    #[command(flatten)]
    pub place: KeyPlace,
    #[command(flatten)]
    pub list: ListFlags,
}

#[derive(Debug, Args)]
pub struct Change {
    /// The key: full name, or its id with --keyring and --location
    #[arg(long, value_name = "KEY")]
    pub kms_key: String,
    #[command(flatten)]
    pub place: KeyPlace,
    /// Whose agent: storage, pubsub or artifactregistry; storage and pubsub if it is not given
    #[arg(long, value_name = "SERVICE[,SERVICE…]", value_delimiter = ',', value_parser = ["storage", "pubsub", "artifactregistry"], hide_possible_values = true)]
    pub service: Vec<String>,
    /// Do it without asking
    #[arg(long)]
    pub yes: bool,
}

const READ: &[&str] = &["resourcemanager.projects.get", "cloudkms.cryptoKeys.get", "cloudkms.cryptoKeys.getIamPolicy"];
const CHANGE: &[&str] = &[
    "resourcemanager.projects.get",
    "serviceusage.services.enable",
    "cloudkms.cryptoKeys.getIamPolicy",
    "cloudkms.cryptoKeys.setIamPolicy",
];
const USERS: [ServiceAgent; 3] = [ServiceAgent::Storage, ServiceAgent::PubSub, ServiceAgent::ArtifactRegistry];

pub async fn run(session: &mut Session, command: ServiceAgents) -> Outcome<()> {
    match command {
        ServiceAgents::List(args) => list(session, args).await,
        ServiceAgents::Authorize(args) => authorize(session, args).await,
        ServiceAgents::Revoke(args) => revoke(session, args).await,
    }
}

fn chosen(services: &[String]) -> Vec<ServiceAgent> {
    if services.is_empty() {
        return vec![ServiceAgent::Storage, ServiceAgent::PubSub];
    }
    services.iter().filter_map(|service| ServiceAgent::of_service(&format!("{service}.googleapis.com"))).collect()
}

async fn list(session: &mut Session, args: List) -> Outcome<()> {
    if session.explains(READ)? {
        return Ok(());
    }
    let project = session.project()?;
    let key = args.kms_key.as_deref().map(|key| session.key(key, &args.place)).transpose()?;
    let cloud = session.cloud().await?;
    let number = observe::number(&cloud, &project).await?;
    let facts = match &key {
        Some(key) => Some(observe::key(&cloud, key).await?),
        None => None,
    };
    let rows = rows(&USERS, number, facts.as_ref());
    let own = if facts.is_some() {
        "table(service, email, mayUseKey.yesno(yes=yes, no=no):label=MAY_USE_KEY, grants[0].resource:label=GRANTED_ON)"
    } else {
        "table(service, email)"
    };
    session.print_list(&rows, own, &args.list)
}

fn rows(agents: &[ServiceAgent], number: u64, facts: Option<&KeyFacts>) -> Vec<Value> {
    let row = |agent: &ServiceAgent| {
        let mut row = json!({"service": agent.service(), "email": agent.email(number)});
        if let Some(facts) = facts {
            let grants = facts.users.get(&agent.member(number));
            row["mayUseKey"] = json!(grants.is_some());
            row["grants"] = grants
                .into_iter()
                .flatten()
                .map(|grant| json!({"role": grant.role, "resource": grant.resource}))
                .collect();
        }
        row
    };
    agents.iter().map(row).collect()
}

async fn authorize(session: &mut Session, args: Change) -> Outcome<()> {
    if session.explains(CHANGE)? {
        return Ok(());
    }
    let project = session.project()?;
    let key = session.key(&args.kms_key, &args.place)?;
    let cloud = session.cloud().await?;
    let number = observe::number(&cloud, &project).await?;
    let own = cloud.policy(&key.to_string()).await?;
    for agent in chosen(&args.service) {
        let member = agent.member(number);
        let granted = own.bindings.iter().any(|binding| {
            binding.role == crate::cloud::ROLE && binding.condition.is_none() && binding.members.contains(&member)
        });
        if granted {
            session.ui.say(&format!("Nothing to do: {} may use {}.", agent.email(number), key.short()));
        } else if session.global.dry_run {
            session.ui.say(&format!(
                "Would grant {} the use of {}. Nothing was changed (--dry-run).",
                agent.email(number),
                key.short()
            ));
        } else {
            cloud.make_agent(&project, agent).await?;
            cloud.grant(&key, &member).await?;
            session.ui.say(&format!("Authorized [{}] to use {}.", agent.email(number), key.short()));
        }
    }
    if session.has_format()? {
        let facts = observe::key(&cloud, &key).await?;
        session.print_records(&rows(&chosen(&args.service), number, Some(&facts)), "yaml")?;
    }
    Ok(())
}

async fn revoke(session: &mut Session, args: Change) -> Outcome<()> {
    if session.explains(CHANGE)? {
        return Ok(());
    }
    let project = session.project()?;
    let key = session.key(&args.kms_key, &args.place)?;
    let cloud = session.cloud().await?;
    let number = observe::number(&cloud, &project).await?;
    let agents = chosen(&args.service);
    let names: Vec<_> = agents.iter().map(|agent| agent.email(number)).collect();
    let range = impact::Range { project: project.clone(), wide: None, all_buckets: false };
    let found = impact::of(&cloud, &range, &key, None).await?;
    impact::show(&mut session.ui, &found);
    session.ui.say(&format!(
        "Without the grant {} cannot read or write it, until: cmek service-agents authorize --kms-key={key}",
        names.join(" and ")
    ));
    if session.global.dry_run {
        session.ui.say("Nothing was changed (--dry-run).");
        return Ok(());
    }
    if !args.yes {
        session.ui.confirm(false)?;
    }
    for agent in &agents {
        if cloud.revoke(&key, &agent.member(number)).await? {
            session.ui.say(&format!("Revoked [{}]'s use of {}.", agent.email(number), key.short()));
        } else {
            session.ui.say(&format!("Nothing to do: {} has no such role on {}.", agent.email(number), key.short()));
        }
    }
    let left = observe::key(&cloud, &key).await?;
    for (agent, grants) in agents.iter().filter_map(|agent| Some((agent, left.users.get(&agent.member(number))?))) {
        for grant in grants {
            session.ui.warn(&format!("{} still has {} on {}.", agent.email(number), grant.role, grant.resource));
        }
    }
    if session.has_format()? {
        session.print_records(&rows(&agents, number, Some(&left)), "yaml")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_registry_needs_storage_and_pubsub() {
        assert_eq!(chosen(&[]), [ServiceAgent::Storage, ServiceAgent::PubSub]);
        assert_eq!(chosen(&["artifactregistry".to_owned()]), [ServiceAgent::ArtifactRegistry]);
    }
}
