//! A long list in the formats that programs read.

use divan::Bencher;
use divan::counter::ItemsCount;
use gcp_format::{Options, list};
use serde_json::{Value, json};

fn main() {
    divan::main();
}

const COUNT: usize = 100_000;

fn records() -> Vec<Value> {
    (0..COUNT)
        .map(|number| {
            json!({
                "name": format!("projects/p1/locations/us/keyRings/r1/cryptoKeys/key-{number}"),
                "purpose": "ENCRYPT_DECRYPT",
                "createTime": "2026-01-05T09:00:00.123456Z",
                "labels": {"env": "prod", "team": format!("team-{}", number % 7)},
                "primary": {"name": format!("cryptoKeyVersions/{number}"), "state": "ENABLED", "algorithm": "HSM"},
                "size": number,
            })
        })
        .collect()
}

const DEFAULT: &str = "table(name, purpose, labels.list(), primary.state:label=STATE)";

#[divan::bench(args = [
    "value(name.basename(),STATE,labels)",
    "csv(name,purpose,createTime,size)",
    "json",
    "json(name,primary.state)",
    "yaml",
    "table(name,STATE,labels)",
], sample_count = 10)]
fn format(bencher: Bencher, format: &str) {
    let records = records();
    let mut options = Options::new(DEFAULT, "2026-01-05T09:00:00[UTC]".parse().expect("a time"));
    options.format = Some(format);
    bencher.counter(ItemsCount::new(COUNT)).bench(|| list(&records, &options).expect("a list"));
}

#[divan::bench(args = [
    "labels.team=team-3 AND size>1000",
    "name:key-99 createTime>-P2W",
    "name~'key-[0-9]{3}$'",
    "prod",
], sample_count = 10)]
fn filter(bencher: Bencher, filter: &str) {
    let records = records();
    let mut options = Options::new("value(name)", "2026-01-05T09:00:00[UTC]".parse().expect("a time"));
    options.filter = Some(filter);
    bencher.counter(ItemsCount::new(COUNT)).bench(|| list(&records, &options).expect("a list"));
}

#[divan::bench(sample_count = 10)]
fn sort(bencher: Bencher) {
    let records = records();
    let mut options = Options::new("value(name)", "2026-01-05T09:00:00[UTC]".parse().expect("a time"));
    options.sort_by = Some("~labels.team,name");
    bencher.counter(ItemsCount::new(COUNT)).bench(|| list(&records, &options).expect("a list"));
}
