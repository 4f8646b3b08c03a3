//! Many small worlds: every plan is sound, does what it says, and leaves nothing to plan.

use std::collections::BTreeMap;

use gcp_names::{KeyName, RegistryHost, ServiceAgent, location};

use crate::desired::Desired;
use crate::finding::{Code, Finding, Severity};
use crate::lint::lint;
use crate::observed::{
    AgentFact, AgentFacts, ConstraintFacts, DeniedService, Found, HostFacts, KeyDetails, KeyFacts, KeyPolicy,
    KeyProjects, ObjectCounts, Observed, ProjectFacts, Tally, TopicFacts, VersionFacts,
};
use crate::plan::{Plan, plan};
use crate::step::Step;

const PROJECT: &str = "my-project";
const NUMBER: u64 = 105_512_345_678;

fn key() -> KeyName {
    KeyName::parse("projects/sec/locations/us/keyRings/registry/cryptoKeys/images").unwrap()
}

fn agent(agent: ServiceAgent, exists: bool) -> AgentFact {
    AgentFact { email: agent.email(NUMBER), exists }
}

fn version(number: u64, state: &str) -> VersionFacts {
    VersionFacts { number, state: state.into() }
}

fn details() -> KeyDetails {
    KeyDetails {
        purpose: "ENCRYPT_DECRYPT".into(),
        primary: Some(version(2, "ENABLED")),
        versions: vec![version(1, "ENABLED"), version(2, "ENABLED"), version(3, "DESTROYED")],
        rotation_seconds: Some(7_776_000),
        policy: Some(KeyPolicy { etag: "BwXhqDg=".into(), users: Vec::new() }),
    }
}

fn tally(objects: u64) -> Tally {
    Tally { objects, bytes: objects * 1000 }
}

fn mixed() -> ObjectCounts {
    let by_version = [
        (key().version(1).to_string(), tally(9)),
        (key().version(2).to_string(), tally(5)),
        (key().version(3).to_string(), tally(2)),
        ("projects/x/locations/us/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1".to_owned(), tally(4)),
    ];
    ObjectCounts { google_managed: tally(17), customer_supplied: tally(1), by_version: BTreeMap::from(by_version) }
}

fn bucket(host: RegistryHost) -> HostFacts {
    HostFacts {
        exists: true,
        location: host.location().to_owned(),
        metageneration: 1,
        objects: ObjectCounts { google_managed: tally(31), ..ObjectCounts::default() },
        ..HostFacts::absent(host, PROJECT)
    }
}

/// A project as it is before anybody thinks of keys.
fn observed() -> Observed {
    Observed {
        project: ProjectFacts { id: PROJECT.into(), number: NUMBER, ancestors: vec!["organizations/123456".into()] },
        key: KeyFacts {
            name: key(),
            project_ancestors: vec!["folders/51".into(), "organizations/123456".into()],
            found: Found::Key(details()),
        },
        hosts: vec![bucket(RegistryHost::Gcr)],
        topic: Some(TopicFacts { name: format!("projects/{PROJECT}/topics/gcr"), exists: false, kms_key: None }),
        agents: AgentFacts { storage: agent(ServiceAgent::Storage, true), pubsub: agent(ServiceAgent::PubSub, true) },
        constraints: ConstraintFacts::default(),
    }
}

fn desired() -> Desired {
    Desired {
        project: PROJECT.into(),
        hosts: vec![RegistryHost::Gcr],
        key: key(),
        create_key: false,
        rewrite_existing: true,
        topic: true,
    }
}

/// The cloud, as far as a plan touches it. What it would refuse fails the test.
fn apply(world: &mut Observed, step: &Step) {
    match step {
        Step::CreateKeyRing { .. } => world.key.found = Found::NoKey,
        Step::CreateKey { .. } => {
            let first = version(1, "ENABLED");
            world.key.found =
                Found::Key(KeyDetails { primary: Some(first.clone()), versions: vec![first], ..details() });
        }
        Step::CreateAgent { email, .. } => {
            let agents = &mut world.agents;
            let fact = [&mut agents.storage, &mut agents.pubsub].into_iter().find(|fact| fact.email == *email);
            fact.expect("an agent of this project").exists = true;
        }
        Step::Grant { member, etag, .. } => {
            let Found::Key(details) = &mut world.key.found else { panic!("no key to grant on") };
            let policy = details.policy.as_mut().expect("a policy that can be read");
            assert!(etag.as_ref().is_none_or(|etag| *etag == policy.etag), "stale etag");
            policy.etag.push('+');
            policy.users.push(member.clone());
        }
        Step::SetDefaultKey { bucket, key, metageneration } => {
            may_use(world, &world.agents.storage.member());
            let facts = world.hosts.iter_mut().find(|facts| facts.exists && facts.bucket == *bucket).expect("a bucket");
            assert_eq!(facts.metageneration, *metageneration);
            assert!(location::key_fits_bucket(&key.location, &facts.location));
            facts.default_key = Some(key.to_string());
            facts.metageneration += 1;
        }
        Step::CreateTopic { key, .. } | Step::UpdateTopic { key, .. } => {
            may_use(world, &world.agents.pubsub.member());
            let topic = world.topic.as_mut().expect("looked at");
            assert_eq!(topic.exists, matches!(step, Step::UpdateTopic { .. }));
            (topic.exists, topic.kms_key) = (true, Some(key.to_string()));
        }
        Step::Rewrite { bucket, key, objects, bytes } => {
            rewrite(world, bucket, key, Tally { objects: *objects, bytes: *bytes });
        }
    }
}

fn may_use(world: &Observed, member: &str) {
    let Found::Key(details) = &world.key.found else { panic!("the key is used before it exists") };
    assert!(details.primary.as_ref().is_some_and(VersionFacts::is_enabled));
    if let Some(policy) = &details.policy {
        assert!(policy.users.iter().any(|user| user == member), "{member} may not use the key");
    }
}

fn rewrite(world: &mut Observed, bucket: &str, key: &KeyName, planned: Tally) {
    may_use(world, &world.agents.storage.member());
    let Found::Key(details) = &world.key.found else { panic!("no key") };
    let primary = key.version(details.primary.as_ref().expect("a primary").number).to_string();
    let dead: Vec<String> = (1..=9)
        .filter(|n| !details.versions.iter().any(|version| version.number == *n && version.is_enabled()))
        .map(|n| key.version(n).to_string())
        .collect();
    let facts = world.hosts.iter_mut().find(|facts| facts.exists && facts.bucket == bucket).expect("a bucket");
    let objects = &mut facts.objects;
    let mut moved = std::mem::take(&mut objects.google_managed);
    for (name, tally) in &mut objects.by_version {
        if *name != primary && !dead.contains(name) {
            moved += std::mem::take(tally);
        }
    }
    assert_eq!(moved, planned, "the plan counts what is rewritten");
    *objects.by_version.entry(primary).or_default() += moved;
}

/// A sound plan, carried out, leaves nothing; a blocked one touches nothing.
fn carry_out(desired: &Desired, mut world: Observed) -> (Plan, Observed) {
    let first = plan(desired, &world);
    assert_eq!(lint(&first, &world), Vec::<String>::new(), "{first:?}");
    if first.is_blocked() {
        return (first, world);
    }
    for step in &first.steps {
        apply(&mut world, step);
    }
    let second = plan(desired, &world);
    assert!(second.is_done(), "{desired:?}\n{first:?}\n{second:?}");
    (first, world)
}

fn found_variants() -> Vec<Found> {
    let mut all = vec![Found::NoRing, Found::NoKey];
    let storage = ServiceAgent::Storage.member(NUMBER);
    let pubsub = ServiceAgent::PubSub.member(NUMBER);
    for users in [None, Some(vec![]), Some(vec![storage.clone()]), Some(vec![storage, pubsub])] {
        for primary in [Some(version(2, "ENABLED")), Some(version(2, "DISABLED")), None] {
            let policy = users.clone().map(|users| KeyPolicy { etag: "e".into(), users });
            all.push(Found::Key(KeyDetails { primary, policy, ..details() }));
        }
    }
    all.push(Found::Key(KeyDetails { purpose: "MAC".into(), primary: None, ..details() }));
    all
}

fn host_variants() -> Vec<HostFacts> {
    let mut all = vec![HostFacts::absent(RegistryHost::Gcr, PROJECT)];
    for default_key in [None, Some(key().to_string()), Some("projects/o/locations/us/keyRings/r/cryptoKeys/k".into())] {
        for objects in [ObjectCounts::default(), mixed()] {
            all.push(HostFacts { default_key: default_key.clone(), objects, ..bucket(RegistryHost::Gcr) });
        }
    }
    all
}

fn topic_variants() -> Vec<Option<TopicFacts>> {
    let topic = |exists, kms_key| Some(TopicFacts { name: format!("projects/{PROJECT}/topics/gcr"), exists, kms_key });
    vec![
        None,
        topic(false, None),
        topic(true, None),
        topic(true, Some(key().to_string())),
        topic(true, Some("projects/o/locations/global/keyRings/r/cryptoKeys/k".into())),
    ]
}

fn constraint_variants() -> Vec<ConstraintFacts> {
    let denied = |service: &str| DeniedService { service: service.into(), where_set: "organizations/123456".into() };
    let projects = |value: &str| Some(KeyProjects { allowed: vec![value.into()], where_set: "folders/77".into() });
    vec![
        ConstraintFacts::default(),
        ConstraintFacts {
            non_cmek_denied: vec![denied("storage.googleapis.com"), denied("pubsub.googleapis.com")],
            key_projects: projects("under:folders/51"),
        },
        ConstraintFacts { non_cmek_denied: Vec::new(), key_projects: projects("under:folders/42") },
    ]
}

#[test]
fn every_plan_is_sound_and_its_end_is_a_world_without_one() {
    let hosts_wanted =
        [vec![], vec![RegistryHost::Gcr], vec![RegistryHost::Gcr, RegistryHost::UsGcr], vec![RegistryHost::EuGcr]];
    let (mut applied, mut blocked) = (0, 0);
    for found in found_variants() {
        for gcr in host_variants() {
            for topic in topic_variants() {
                for constraints in constraint_variants() {
                    for flags in 0..16 {
                        let flag = |bit: i32| flags >> bit & 1 == 1;
                        let mut world = observed();
                        world.key.found = found.clone();
                        world.hosts = vec![gcr.clone(), bucket(RegistryHost::UsGcr), bucket(RegistryHost::EuGcr)];
                        world.topic = topic.clone();
                        world.constraints = constraints.clone();
                        world.agents.storage.exists = flag(3);
                        world.agents.pubsub.exists = flag(3);
                        for hosts in &hosts_wanted {
                            let desired = Desired {
                                hosts: hosts.clone(),
                                create_key: flag(0),
                                rewrite_existing: flag(1),
                                topic: flag(2),
                                ..desired()
                            };
                            let (plan, _) = carry_out(&desired, world.clone());
                            *if plan.is_blocked() { &mut blocked } else { &mut applied } += 1;
                        }
                    }
                }
            }
        }
    }
    // Both kinds must be plenty, or the worlds show nothing.
    assert!(applied > 5_000 && blocked > 5_000, "{applied} applied, {blocked} blocked");
}

#[test]
fn a_first_configuration_grants_sets_creates_and_rewrites_in_this_order() {
    let (plan, after) = carry_out(&desired(), observed());
    let kinds: Vec<_> = plan.steps.iter().map(Step::kind).collect();
    assert_eq!(kinds, ["GRANT", "GRANT", "SET_DEFAULT_KEY", "CREATE_TOPIC", "REWRITE"]);
    assert_eq!(plan.findings, []);
    assert_eq!(after.hosts[0].objects.by_version[&key().version(2).to_string()], tally(31));
    let etags: Vec<_> = plan
        .steps
        .iter()
        .filter_map(|step| match step {
            Step::Grant { etag, .. } => Some(etag.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(etags, [Some("BwXhqDg=".to_owned()), None]);
}

#[test]
fn everything_that_cannot_work_is_said_at_once_and_nothing_is_done() {
    let mut world = observed();
    world.hosts.push(bucket(RegistryHost::EuGcr));
    world.constraints.key_projects =
        Some(KeyProjects { allowed: vec!["under:folders/42".into()], where_set: "folders/77".into() });
    let desired = Desired { hosts: vec![RegistryHost::Gcr, RegistryHost::EuGcr], ..desired() };
    let plan = plan(&desired, &world);
    assert_eq!(plan.steps, []);
    let [place, project] = &plan.findings[..] else { panic!("{:?}", plan.findings) };
    assert_eq!(
        place.what,
        "The key is in us; the bucket eu.artifacts.my-project.appspot.com is in EU and takes keys in europe."
    );
    assert_eq!(
        place.mend.as_deref(),
        Some("cmek keys create images --keyring=registry --location=europe --project=sec")
    );
    assert_eq!(
        project.what,
        "constraints/gcp.restrictCmekCryptoKeyProjects (folders/77) allows keys of folders/42 only; sec is in folders/51."
    );
    assert_eq!(
        project.mend.as_deref(),
        Some("take a key of a project under folders/42, or ask an administrator of folders/77")
    );
    assert_eq!(project.where_set.as_deref(), Some("folders/77"));
}

fn codes(plan: &Plan) -> Vec<(Severity, Code)> {
    plan.findings.iter().map(|finding: &Finding| (finding.severity, finding.code)).collect()
}

#[test]
fn without_rewriting_the_rest_is_named() {
    let mut world = observed();
    world.hosts[0].objects = mixed();
    let desired = Desired { rewrite_existing: false, topic: false, ..desired() };
    let plan = plan(&desired, &world);
    assert_eq!(
        codes(&plan),
        [
            (Severity::Warning, Code::ObjectsNotRewritten),
            (Severity::Warning, Code::ObjectsNotRewritten),
            (Severity::Warning, Code::ObjectsUnreadable),
            (Severity::Warning, Code::ObjectsCustomerSupplied),
            (Severity::Note, Code::ObjectsNotRewritten),
        ]
    );
    assert_eq!(plan.findings[0].what, "17 objects are still under the Google-managed key.");
    assert_eq!(plan.findings[0].mend.as_deref(), Some("cmek rewrite gcr.io"));
    assert!(plan.findings[3].what.starts_with("1 object is under keys that callers supply"));
}

#[test]
fn a_host_without_a_bucket_waits_for_its_first_push() {
    let mut world = observed();
    world.hosts = vec![HostFacts::absent(RegistryHost::Gcr, PROJECT)];
    let free = plan(&desired(), &world);
    assert_eq!(codes(&free), [(Severity::Blocker, Code::BucketAbsent)]);
    assert_eq!(free.findings[0].mend.as_deref(), Some("docker push gcr.io/my-project/IMAGE, then configure again"));
    world.constraints.non_cmek_denied =
        vec![DeniedService { service: "storage.googleapis.com".into(), where_set: "organizations/123456".into() }];
    let ruled = plan(&desired(), &world);
    assert_eq!(ruled.findings[0].where_set.as_deref(), Some("organizations/123456"));
    assert!(ruled.findings[0].mend.as_ref().is_some_and(|mend| mend.starts_with("cmek repositories create gcr.io")));
}

#[test]
fn a_key_that_cannot_be_used_names_the_command_that_mends_it() {
    let rows = [
        ("DISABLED", "cmek keys enable images/2 --keyring=registry --location=us --project=sec"),
        (
            "DESTROY_SCHEDULED",
            "cmek keys restore images/2 --keyring=registry --location=us --project=sec && cmek keys enable images/2 \
             --keyring=registry --location=us --project=sec",
        ),
        ("DESTROYED", "cmek keys rotate images --keyring=registry --location=us --project=sec"),
    ];
    for (state, mend) in rows {
        let mut world = observed();
        world.key.found = Found::Key(KeyDetails { primary: Some(version(2, state)), ..details() });
        let plan = plan(&desired(), &world);
        assert_eq!(codes(&plan), [(Severity::Blocker, Code::KeyNotEnabled)], "{state}");
        assert_eq!(plan.findings[0].mend.as_deref(), Some(mend));
    }
    let mut world = observed();
    world.key.found = Found::NoRing;
    assert_eq!(codes(&plan(&desired(), &world)), [(Severity::Blocker, Code::KeyMissing)]);
    world.key.found = Found::Key(KeyDetails { purpose: "ASYMMETRIC_SIGN".into(), primary: None, ..details() });
    assert_eq!(codes(&plan(&desired(), &world)), [(Severity::Blocker, Code::KeyWrongPurpose)]);
}

#[test]
fn a_linter_that_is_asked_about_a_shuffled_plan_says_so() {
    let world = observed();
    let mut shuffled = plan(&desired(), &world);
    shuffled.steps.reverse();
    let wrong = lint(&shuffled, &world);
    assert!(
        wrong.iter().any(|line| line.starts_with("REWRITE gs://") && line.ends_with("before the bucket has the key"))
    );
    assert!(wrong.iter().any(|line| line.starts_with("CREATE_TOPIC ")), "{wrong:?}");
    assert!(wrong.iter().any(|line| line.contains("a policy that is not the one it meets")), "{wrong:?}");
    let mut twice = plan(&desired(), &world);
    twice.steps.push(twice.steps[2].clone());
    assert!(lint(&twice, &world).iter().any(|line| line.ends_with("stands twice")));
}

#[test]
fn plans_and_observations_survive_json() {
    let (desired, world) = (desired(), observed());
    let plan = plan(&desired, &world);
    let text = serde_json::to_string(&plan).unwrap();
    assert_eq!(serde_json::from_str::<Plan>(&text).unwrap(), plan);
    assert_eq!(serde_json::from_str::<Observed>(&serde_json::to_string(&world).unwrap()).unwrap(), world);
    assert_eq!(serde_json::from_str::<Desired>(&serde_json::to_string(&desired).unwrap()).unwrap(), desired);
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["schema"], "cmek.plan/v1");
    assert_eq!(json["steps"][2]["kind"], "SET_DEFAULT_KEY");
    assert_eq!(json["steps"][2]["key"], key().to_string());
    assert_eq!(json["steps"][2]["metageneration"], 1);
    let mut absent = world;
    absent.key.found = Found::NoRing;
    assert_eq!(serde_json::from_str::<Observed>(&serde_json::to_string(&absent).unwrap()).unwrap(), absent);
}

#[test]
fn policies_allow_keys_by_project_or_by_what_is_above_it() {
    let rows = [
        ("projects/sec", true),
        ("is:projects/sec", true),
        ("under:projects/sec", true),
        ("under:folders/51", true),
        ("under:organizations/123456", true),
        ("folders/51", false),
        ("under:folders/42", false),
        ("projects/other", false),
    ];
    let ancestors = ["folders/51".to_owned(), "organizations/123456".to_owned()];
    for (value, allowed) in rows {
        let rule = KeyProjects { allowed: vec![value.into()], where_set: String::new() };
        assert_eq!(rule.allows("sec", &ancestors), allowed, "{value}");
    }
}
