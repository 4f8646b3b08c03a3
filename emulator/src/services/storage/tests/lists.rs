//! Reference 1.2 and 1.3: lists of objects.

use serde_json::{Value, json};

use super::World;

async fn filled(names: &[&str]) -> World {
    let world = World::new().await;
    world.bucket("images").await;
    for name in names {
        let escaped = super::super::resource::escape(name);
        world.put("images", &escaped, "", "x").await.ok();
    }
    world
}

/// Every page of a list: items, prefixes, and how many pages it took.
async fn walk(world: &World, query: &str) -> (Vec<String>, Vec<String>, usize) {
    let (mut items, mut prefixes, mut token, mut pages) = (Vec::new(), Vec::new(), String::new(), 0);
    loop {
        let page = world.get(&format!("/storage/v1/b/images/o?{query}&pageToken={token}")).await.ok();
        let texts = |value: &Value| value.as_array().cloned().unwrap_or_default();
        items.extend(texts(&page["items"]).iter().map(|item| item["name"].as_str().unwrap_or_default().to_owned()));
        prefixes.extend(texts(&page["prefixes"]).iter().map(|prefix| prefix.as_str().unwrap_or_default().to_owned()));
        pages += 1;
        assert!(pages < 100, "the list does not end");
        match page["nextPageToken"].as_str() {
            Some(next) => next.clone_into(&mut token),
            None => return (items, prefixes, pages),
        }
    }
}

#[tokio::test]
async fn prefixes_delimiters_and_offsets_cut_a_list() {
    let world = filled(&["a", "d/", "d/e/1", "d/e/2", "d/x", "d/y/3", "z"]).await;
    let rows: &[(&str, &[&str], &[&str])] = &[
        ("", &["a", "d/", "d/e/1", "d/e/2", "d/x", "d/y/3", "z"], &[]),
        ("delimiter=/", &["a", "z"], &["d/"]),
        ("delimiter=/&prefix=d/", &["d/", "d/x"], &["d/e/", "d/y/"]),
        ("delimiter=/&prefix=d", &[], &["d/"]),
        ("delimiter=/&prefix=d&includeTrailingDelimiter=True", &["d/"], &["d/"]),
        ("prefix=d/e", &["d/e/1", "d/e/2"], &[]),
        ("startOffset=d/e/2&endOffset=z", &["d/e/2", "d/x", "d/y/3"], &[]),
        ("startOffset=d/e/2&delimiter=/", &["z"], &["d/"]),
        ("delimiter=e/", &["a", "d/", "d/x", "d/y/3", "z"], &["d/e/"]),
        ("matchGlob=d/*", &["d/", "d/x"], &[]),
        ("matchGlob=d/**", &["d/", "d/e/1", "d/e/2", "d/x", "d/y/3"], &[]),
        ("matchGlob=**/%5B12%5D", &["d/e/1", "d/e/2"], &[]),
        ("matchGlob=%7Ba,z%7D", &["a", "z"], &[]),
        ("matchGlob=d/e/?", &["d/e/1", "d/e/2"], &[]),
        ("softDeleted=true", &[], &[]),
        ("prefix=nothing", &[], &[]),
    ];
    for (query, items, prefixes) in rows {
        for size in ["", "&maxResults=1", "&maxResults=2"] {
            let (found, groups, _) = walk(&world, &format!("{query}{size}")).await;
            assert_eq!((&found[..], &groups[..]), (&owned(items)[..], &owned(prefixes)[..]), "{query}{size}");
        }
    }
    assert_eq!(world.get("/storage/v1/b/images/o?maxResults=0").await.refusal().1, "invalid");
    assert_eq!(world.get("/storage/v1/b/nope/o").await.refusal().2, "The specified bucket does not exist.");
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// The last character there is, behind a delimiter: a list steps over the group and ends.
#[tokio::test]
async fn a_group_ends_whatever_its_names_hold() {
    let world = filled(&["d/\u{10ffff}", "d/\u{10ffff}\u{10ffff}", "d/a", "d0", "e"]).await;
    assert_eq!(walk(&world, "delimiter=/&maxResults=1").await, (owned(&["d0", "e"]), owned(&["d/"]), 3));
    let world = filled(&["a\u{10ffff}b", "a\u{10ffff}c", "b"]).await;
    assert_eq!(walk(&world, "delimiter=%F4%8F%BF%BF").await, (owned(&["b"]), owned(&["a\u{10ffff}"]), 1));
}

#[tokio::test]
async fn versions_come_in_pages_in_order_of_name_and_generation() {
    let world = World::new().await;
    world.create_bucket(json!({"name": "images", "versioning": {"enabled": true}})).await.ok();
    for name in ["a", "b", "a", "d/x", "b", "a", "d/x"] {
        world.put("images", name, "", "x").await.ok();
    }
    world.call("DELETE", "/storage/v1/b/images/o/b", Value::Null).await;
    world.call("DELETE", "/storage/v1/b/images/o/d%2Fx", Value::Null).await;
    let all = owned(&["a", "a", "a", "b", "b", "d/x", "d/x"]);
    for (size, pages) in [(1, 7), (2, 4), (3, 3), (7, 1), (1000, 1)] {
        let found = walk(&world, &format!("versions=true&maxResults={size}")).await;
        assert_eq!(found, (all.clone(), Vec::new(), pages), "{size}");
    }
    // A group of which nothing is live is shown among versions only.
    assert_eq!(walk(&world, "versions=true&delimiter=/&maxResults=2").await.1, ["d/"]);
    assert_eq!(walk(&world, "delimiter=/").await, (owned(&["a"]), Vec::new(), 1));
    let page = world.get("/storage/v1/b/images/o?versions=true&prefix=a").await.ok();
    let generations: Vec<i64> = page["items"]
        .as_array()
        .expect("items")
        .iter()
        .filter_map(|item| item["generation"].as_str()?.parse().ok())
        .collect();
    assert!(generations.is_sorted() && generations.len() == 3);
}

/// `fields` is honoured; an empty list has no `items`.
#[tokio::test]
async fn a_list_is_cut_to_its_fields() {
    let world = filled(&["a"]).await;
    assert_eq!(world.get("/storage/v1/b/images/o?fields=items/name").await.ok(), json!({"items": [{"name": "a"}]}));
    assert_eq!(world.get("/storage/v1/b/images/o?prefix=z").await.ok(), json!({"kind": "storage#objects"}));
}
