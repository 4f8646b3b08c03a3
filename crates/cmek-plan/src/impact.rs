//! What becomes unreadable when key versions are lost.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

/// An object of a registry bucket.
#[derive(Clone, Debug)]
pub struct StoredObject {
    pub name: String,
    pub size: u64,
    /// Empty: Google-managed.
    pub key_version: String,
}

/// An image: its manifest, its tags, and the objects it needs.
#[derive(Clone, Debug)]
pub struct Image {
    pub name: String,
    pub digest: String,
    pub tags: Vec<String>,
    pub needs: Vec<String>,
}

/// What one host loses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Affected {
    pub place: String,
    pub images: u64,
    pub tags: Vec<String>,
    pub objects: u64,
    pub bytes: u64,
    /// Tags of images that lie under another version themselves and share a layer that is lost.
    pub shared: Vec<String>,
}

/// A bucket whose objects are told by their number only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OtherBucket {
    pub bucket: String,
    pub objects: u64,
    pub bytes: u64,
}

/// Noncurrent generations and soft-deleted copies: nobody reads them now, and they could be brought back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Copies {
    pub objects: u64,
    pub bytes: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Impact {
    pub versions: Vec<String>,
    pub hosts: Vec<Affected>,
    /// Buckets of no registry, or of another project's.
    pub others: Vec<OtherBucket>,
    pub topics: Vec<String>,
    /// Topics under the key whose messages lie under another version by now; older ones may still lie under this.
    pub older_topics: Vec<String>,
    /// Buckets that take the key for what is written next.
    pub buckets: Vec<String>,
    /// Of the project's registries.
    pub copies: Copies,
    /// What could not be looked at, in words.
    pub unread: Vec<String>,
    /// Whether the objects of every bucket of the project were looked at.
    pub looked_everywhere: bool,
}

impl Impact {
    /// Whether nothing that is live needs it; copies alone do not make a key one that is in use.
    pub fn is_empty(&self) -> bool {
        self.hosts.is_empty() && self.others.is_empty() && self.topics.is_empty()
    }
}

/// What a place loses with these versions; `None` when it loses nothing.
pub fn impact(place: &str, lost: &BTreeSet<String>, objects: &[StoredObject], images: &[Image]) -> Option<Affected> {
    let by_name: BTreeMap<&str, &StoredObject> = objects.iter().map(|object| (object.name.as_str(), object)).collect();
    let dead: Vec<_> = objects.iter().filter(|object| lost.contains(&object.key_version)).collect();
    if dead.is_empty() {
        return None;
    }
    let is_dead = |name: &str| by_name.get(name).is_some_and(|object| lost.contains(&object.key_version));
    let mut affected = Affected {
        place: place.to_owned(),
        images: 0,
        tags: Vec::new(),
        objects: dead.len() as u64,
        bytes: dead.iter().map(|object| object.size).sum(),
        shared: Vec::new(),
    };
    for image in images {
        let manifest = gcp_names::registry::manifest_object(&image.name, &image.digest);
        if !is_dead(&manifest) && !image.needs.iter().any(|name| is_dead(name)) {
            continue;
        }
        affected.images += 1;
        for tag in &image.tags {
            let full = format!("{}:{tag}", image.name);
            if !is_dead(&manifest) {
                affected.shared.push(full.clone());
            }
            affected.tags.push(full);
        }
    }
    affected.tags.sort();
    affected.shared.sort();
    Some(affected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_of_a_living_version_dies_with_a_layer_it_shares() {
        let object =
            |name: &str, version: &str| StoredObject { name: name.into(), size: 10, key_version: version.into() };
        let image = |tag: &str, digest: &str, layer: &str| Image {
            name: "web".into(),
            digest: digest.into(),
            tags: vec![tag.into()],
            needs: vec![layer.into()],
        };
        let manifest = |digest: &str| gcp_names::registry::manifest_object("web", digest);
        let objects = [
            object("layer1", "v1"),
            object("layer2", "v2"),
            object(&manifest("d1"), "v1"),
            object(&manifest("d2"), "v2"),
            object(&manifest("d3"), "v2"),
        ];
        let images = [image("one", "d1", "layer1"), image("two", "d2", "layer1"), image("three", "d3", "layer2")];
        let lost = BTreeSet::from(["v1".to_owned()]);
        let found = impact("gcr.io/p", &lost, &objects, &images).unwrap();
        assert_eq!((found.images, found.objects, found.bytes), (2, 2, 20));
        assert_eq!(found.tags, ["web:one", "web:two"]);
        assert_eq!(found.shared, ["web:two"]);
        assert_eq!(impact("x", &BTreeSet::from(["v9".to_owned()]), &objects, &images), None);
    }
}
