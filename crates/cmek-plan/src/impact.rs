//! What becomes unreadable with a key version: objects, the images that need them, the topics under the key.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::observed::Tally;

/// All that is known of what may depend on keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Dependents {
    pub objects: Vec<ObjectFacts>,
    pub manifests: Vec<ManifestFacts>,
    pub topics: Vec<TopicUse>,
    /// Full names of versions that are their key's primary.
    pub primaries: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ObjectFacts {
    pub bucket: String,
    pub name: String,
    pub size: u64,
    /// Full name of the key version; `None` when no customer key is in play.
    pub key_version: Option<String>,
}

/// An image's manifest (or an index of them) and the objects that it needs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ManifestFacts {
    /// `gcr.io/my-project`
    pub registry: String,
    /// `web`
    pub image: String,
    pub digest: String,
    pub tags: Vec<String>,
    pub bucket: String,
    /// Object of the manifest itself; empty where the bucket does not hold it.
    pub object: String,
    /// Layers and configuration: digest and object.
    pub blobs: Vec<BlobFacts>,
    /// Digests of the manifests that an index lists.
    pub children: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct BlobFacts {
    pub digest: String,
    pub object: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TopicUse {
    pub topic: String,
    /// Without a version.
    pub kms_key: String,
    pub undelivered: Option<u64>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Impact {
    /// The versions asked about.
    pub versions: Vec<String>,
    pub places: Vec<PlaceImpact>,
    pub topics: Vec<TopicImpact>,
}

impl Impact {
    pub fn is_empty(&self) -> bool {
        self.places.is_empty() && self.topics.is_empty()
    }

    pub fn total(&self) -> Tally {
        let mut total = Tally::default();
        for place in &self.places {
            total += place.objects;
        }
        total
    }
}

/// One bucket, and the registry in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PlaceImpact {
    /// `gcr.io/my-project`; the bucket where no image is known in it.
    pub place: String,
    pub bucket: String,
    pub images: Vec<ImageImpact>,
    /// Lost, whatever they belong to.
    pub objects: Tally,
    /// Lost objects that belong to no known image.
    pub loose: Tally,
}

impl PlaceImpact {
    /// `web:v1`, for the column.
    pub fn tags(&self) -> Vec<String> {
        self.images.iter().flat_map(ImageImpact::names).collect()
    }
}

/// An image that cannot be pulled any more.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ImageImpact {
    pub image: String,
    pub digest: String,
    pub tags: Vec<String>,
    /// The objects that it loses.
    pub lost: Vec<String>,
    /// Set when the image was pushed under another version and dies of a layer that it shares.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shared: Option<SharedLayer>,
}

impl ImageImpact {
    /// `web:v1`, `web:v2`; the digest where there is no tag.
    pub fn names(&self) -> Vec<String> {
        if self.tags.is_empty() {
            return vec![format!("{}@{}", self.image, self.digest)];
        }
        self.tags.iter().map(|tag| format!("{}:{tag}", self.image)).collect()
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SharedLayer {
    /// Of the layer.
    pub digest: String,
    /// An image that the layer came with: `web:v1`.
    pub with: String,
    /// The version under which this image's own manifest lies; `None`: no customer key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pushed_under: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TopicImpact {
    pub topic: String,
    /// Messages that may never be delivered; `None`: not counted.
    pub undelivered: Option<u64>,
    /// The primary goes, so publishing stops too.
    pub stops_publishing: bool,
}

/// What nobody can read once these versions (full names) are gone.
pub fn impact(world: &Dependents, versions: &[String]) -> Impact {
    let dying: BTreeSet<&str> = versions.iter().map(String::as_str).collect();
    let lost: BTreeMap<(&str, &str), &ObjectFacts> = world
        .objects
        .iter()
        .filter(|object| object.key_version.as_deref().is_some_and(|version| dying.contains(version)))
        .map(|object| ((object.bucket.as_str(), object.name.as_str()), object))
        .collect();
    let dead = dead_manifests(world, &lost);
    let mut places: BTreeMap<&str, PlaceImpact> = BTreeMap::new();
    let mut owned: BTreeSet<(&str, &str)> = BTreeSet::new();
    for manifest in &world.manifests {
        let lost_here = lost_objects(manifest, &lost);
        owned.extend(lost_here.iter().map(|object| (manifest.bucket.as_str(), *object)));
        if !dead.contains(&(manifest.registry.as_str(), manifest.digest.as_str())) {
            continue;
        }
        let place = places.entry(&manifest.bucket).or_default();
        manifest.registry.clone_into(&mut place.place);
        place.images.push(ImageImpact {
            image: manifest.image.clone(),
            digest: manifest.digest.clone(),
            tags: manifest.tags.clone(),
            lost: lost_here.into_iter().map(str::to_owned).collect(),
            shared: shared_layer(world, manifest, &lost),
        });
    }
    for ((bucket, name), object) in &lost {
        let place = places.entry(bucket).or_default();
        place.objects.add(object.size);
        if !owned.contains(&(*bucket, *name)) && !is_tag(name) {
            place.loose.add(object.size);
        }
    }
    for (bucket, place) in &mut places {
        (*bucket).clone_into(&mut place.bucket);
        if place.place.is_empty() {
            place.place = format!("gs://{bucket}");
        }
        place.images.sort_by(|a, b| (&a.image, &a.tags, &a.digest).cmp(&(&b.image, &b.tags, &b.digest)));
    }
    Impact { versions: versions.to_vec(), places: places.into_values().collect(), topics: topics(world, &dying) }
}

type Lost<'a> = BTreeMap<(&'a str, &'a str), &'a ObjectFacts>;

/// A pointer that any push writes anew; it belongs to its image though no manifest lists it.
fn is_tag(object: &str) -> bool {
    object.rsplit('/').next().is_some_and(|leaf| leaf.starts_with("tag_"))
}

fn lost_objects<'a>(manifest: &'a ManifestFacts, lost: &Lost) -> Vec<&'a str> {
    let mut seen = BTreeSet::new();
    std::iter::once(manifest.object.as_str())
        .chain(manifest.blobs.iter().map(|blob| blob.object.as_str()))
        .filter(|object| lost.contains_key(&(manifest.bucket.as_str(), *object)) && seen.insert(*object))
        .collect()
}

/// Manifests that lose an object, and the indexes that list one of them, however deep.
fn dead_manifests<'a>(world: &'a Dependents, lost: &Lost) -> BTreeSet<(&'a str, &'a str)> {
    let mut dead: BTreeSet<(&str, &str)> = world
        .manifests
        .iter()
        .filter(|manifest| !lost_objects(manifest, lost).is_empty())
        .map(|manifest| (manifest.registry.as_str(), manifest.digest.as_str()))
        .collect();
    loop {
        let before = dead.len();
        for manifest in &world.manifests {
            let registry = manifest.registry.as_str();
            if manifest.children.iter().any(|child| dead.contains(&(registry, child.as_str()))) {
                dead.insert((registry, &manifest.digest));
            }
        }
        if dead.len() == before {
            return dead;
        }
    }
}

/// Says why an image dies whose own manifest stays readable.
fn shared_layer(world: &Dependents, manifest: &ManifestFacts, lost: &Lost) -> Option<SharedLayer> {
    let is_lost = |bucket: &str, object: &str| lost.contains_key(&(bucket, object));
    if manifest.object.is_empty() || is_lost(&manifest.bucket, &manifest.object) {
        return None;
    }
    let pushed_under = world
        .objects
        .iter()
        .find(|object| object.bucket == manifest.bucket && object.name == manifest.object)?
        .key_version
        .clone();
    manifest.blobs.iter().filter(|blob| is_lost(&manifest.bucket, &blob.object)).find_map(|blob| {
        let with = world.manifests.iter().find(|other| {
            other.bucket == manifest.bucket
                && is_lost(&other.bucket, &other.object)
                && other.blobs.iter().any(|theirs| theirs.object == blob.object)
        })?;
        let with = with
            .tags
            .first()
            .map_or_else(|| format!("{}@{}", with.image, with.digest), |tag| format!("{}:{tag}", with.image));
        Some(SharedLayer { digest: blob.digest.clone(), with, pushed_under: pushed_under.clone() })
    })
}

fn topics(world: &Dependents, dying: &BTreeSet<&str>) -> Vec<TopicImpact> {
    let key_of = |version: &str| version.split_once("/cryptoKeyVersions/").map(|(key, _)| key.to_owned());
    let keys: BTreeSet<String> = dying.iter().filter_map(|version| key_of(version)).collect();
    let stopped: BTreeSet<String> = world
        .primaries
        .iter()
        .filter(|primary| dying.contains(primary.as_str()))
        .filter_map(|primary| key_of(primary))
        .collect();
    world
        .topics
        .iter()
        .filter(|topic| keys.contains(&topic.kms_key))
        .map(|topic| TopicImpact {
            topic: topic.topic.clone(),
            undelivered: topic.undelivered,
            stops_publishing: stopped.contains(&topic.kms_key),
        })
        .filter(|topic| topic.stops_publishing || topic.undelivered != Some(0))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "projects/sec/locations/us/keyRings/registry/cryptoKeys/images";
    const BUCKET: &str = "artifacts.my-project.appspot.com";

    fn version(number: u64) -> String {
        format!("{KEY}/cryptoKeyVersions/{number}")
    }

    fn object(name: &str, size: u64, number: u64) -> ObjectFacts {
        ObjectFacts {
            bucket: BUCKET.into(),
            name: name.into(),
            size,
            key_version: (number > 0).then(|| version(number)),
        }
    }

    fn manifest(image: &str, tag: &str, blobs: &[&str]) -> ManifestFacts {
        ManifestFacts {
            registry: "gcr.io/my-project".into(),
            image: image.into(),
            digest: format!("sha256:{image}-{tag}"),
            tags: vec![tag.into()],
            bucket: BUCKET.into(),
            object: format!("manifest_{image}-{tag}"),
            blobs: blobs
                .iter()
                .map(|blob| BlobFacts { digest: format!("sha256:{blob}"), object: (*blob).into() })
                .collect(),
            children: Vec::new(),
        }
    }

    /// web:v1 was pushed under version 1; web:v2 under version 2, but its base layer was there already.
    fn world() -> Dependents {
        Dependents {
            objects: vec![
                object("base", 50, 1),
                object("app1", 10, 1),
                object("manifest_web-v1", 1, 1),
                object("tag_v1", 1, 1),
                object("app2", 10, 2),
                object("manifest_web-v2", 1, 2),
                object("old", 7, 0),
                object("manifest_tool-v1", 1, 0),
                object("stray", 3, 1),
            ],
            manifests: vec![
                manifest("web", "v2", &["base", "app2"]),
                manifest("web", "v1", &["base", "app1"]),
                manifest("tool", "v1", &["old"]),
            ],
            topics: vec![TopicUse { topic: "gcr".into(), kms_key: KEY.into(), undelivered: Some(12) }],
            primaries: vec![version(2)],
        }
    }

    #[test]
    fn an_image_dies_of_a_layer_that_it_shares() {
        let impact = impact(&world(), &[version(1)]);
        let [place] = &impact.places[..] else { panic!("one bucket: {impact:?}") };
        assert_eq!((place.place.as_str(), place.tags()), ("gcr.io/my-project", vec!["web:v1".into(), "web:v2".into()]));
        assert_eq!(place.objects, Tally { objects: 5, bytes: 65 });
        assert_eq!(place.loose, Tally { objects: 1, bytes: 3 });
        assert_eq!(place.images[0].shared, None);
        assert_eq!(
            place.images[1].shared,
            Some(SharedLayer { digest: "sha256:base".into(), with: "web:v1".into(), pushed_under: Some(version(2)) })
        );
        assert_eq!(
            impact.topics,
            [TopicImpact { topic: "gcr".into(), undelivered: Some(12), stops_publishing: false }]
        );
    }

    #[test]
    fn the_primary_takes_publishing_with_it_and_leaves_older_images_alone() {
        let impact = impact(&world(), &[version(2)]);
        assert_eq!(impact.places[0].tags(), ["web:v2"]);
        assert_eq!(impact.total(), Tally { objects: 2, bytes: 11 });
        assert!(impact.topics[0].stops_publishing);
    }

    #[test]
    fn an_index_dies_with_any_of_its_images() {
        let mut world = world();
        let mut index = manifest("web", "all", &[]);
        index.children = vec!["sha256:tool-v1".into(), "sha256:web-v1".into()];
        let mut outer = manifest("web", "outer", &[]);
        outer.children = vec![index.digest.clone()];
        world.manifests.splice(0..0, [outer, index]);
        let tags = impact(&world, &[version(1)]).places[0].tags();
        assert_eq!(tags, ["web:all", "web:outer", "web:v1", "web:v2"]);
    }

    #[test]
    fn a_version_that_nothing_uses_takes_nothing() {
        let mut world = world();
        world.topics[0].undelivered = Some(0);
        assert!(impact(&world, &[version(3)]).is_empty());
        assert!(impact(&world, &[]).is_empty());
    }

    #[test]
    fn buckets_without_known_images_are_named_by_themselves() {
        let world = Dependents { objects: vec![object("x", 4, 1)], ..Dependents::default() };
        let impact = impact(&world, &[version(1)]);
        assert_eq!(impact.places[0].place, format!("gs://{BUCKET}"));
        assert_eq!(impact.places[0].loose, Tally { objects: 1, bytes: 4 });
    }
}
