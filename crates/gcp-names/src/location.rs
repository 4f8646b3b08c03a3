//! Locations of buckets and of keys, and which fit each other.

/// What a bucket's `locationType` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LocationType {
    Region,
    DualRegion,
    MultiRegion,
}

impl LocationType {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Region => "region",
            Self::DualRegion => "dual-region",
            Self::MultiRegion => "multi-region",
        }
    }
}

const REGIONS: &[&str] = &[
    "africa-south1",
    "asia-east1",
    "asia-east2",
    "asia-northeast1",
    "asia-northeast2",
    "asia-northeast3",
    "asia-south1",
    "asia-south2",
    "asia-southeast1",
    "asia-southeast2",
    "australia-southeast1",
    "australia-southeast2",
    "europe-central2",
    "europe-north1",
    "europe-north2",
    "europe-southwest1",
    "europe-west1",
    "europe-west2",
    "europe-west3",
    "europe-west4",
    "europe-west6",
    "europe-west8",
    "europe-west9",
    "europe-west10",
    "europe-west12",
    "me-central1",
    "me-central2",
    "me-west1",
    "northamerica-northeast1",
    "northamerica-northeast2",
    "northamerica-south1",
    "southamerica-east1",
    "southamerica-west1",
    "us-central1",
    "us-east1",
    "us-east4",
    "us-east5",
    "us-south1",
    "us-west1",
    "us-west2",
    "us-west3",
    "us-west4",
];

/// Places of keys that are no regions.
const KEY_MULTI: &[&str] = &[
    "global",
    "us",
    "europe",
    "asia",
    "ca",
    "in",
    "nam3",
    "nam4",
    "nam6",
    "nam7",
    "nam8",
    "nam9",
    "nam10",
    "nam11",
    "nam12",
    "eur3",
    "eur4",
    "eur5",
    "eur6",
    "asia1",
    "nam-eur-asia1",
];

const BUCKET_DUAL: &[&str] = &["asia1", "eur4", "eur5", "eur7", "eur8", "nam4"];
const BUCKET_MULTI: &[&str] = &["us", "eu", "asia"];

/// Every region.
pub fn regions() -> &'static [&'static str] {
    REGIONS
}

pub fn is_key_location(location: &str) -> bool {
    REGIONS.contains(&location) || KEY_MULTI.contains(&location)
}

/// All places of keys, sorted.
pub fn key_locations() -> Vec<&'static str> {
    let mut all: Vec<_> = REGIONS.iter().chain(KEY_MULTI).copied().collect();
    all.sort_unstable();
    all
}

/// The type of a bucket's location in any case; `None` when there is no such place.
pub fn bucket_location(location: &str) -> Option<LocationType> {
    let location = location.to_ascii_lowercase();
    let location = location.as_str();
    if BUCKET_MULTI.contains(&location) {
        Some(LocationType::MultiRegion)
    } else if BUCKET_DUAL.contains(&location) {
        Some(LocationType::DualRegion)
    } else if REGIONS.contains(&location) {
        Some(LocationType::Region)
    } else {
        None
    }
}

/// Where a key must be for a bucket there. A pair of regions (`US-EAST1+US-WEST1`) takes keys of the multi-region
/// around both.
pub fn key_location_for_bucket(bucket_location: &str) -> String {
    let place = bucket_location.to_ascii_lowercase();
    if place == "eu" {
        return "europe".to_owned();
    }
    let Some((one, other)) = place.split_once('+') else { return place };
    let around = ["us", "europe", "asia"].into_iter().find(|multi| {
        [one, other].iter().all(|region| {
            REGIONS.contains(region) && region.strip_prefix(multi).is_some_and(|rest| rest.starts_with('-'))
        })
    });
    around.map_or_else(|| place.clone(), str::to_owned)
}

pub fn key_fits_bucket(key_location: &str, bucket_location: &str) -> bool {
    key_location == key_location_for_bucket(bucket_location)
}

/// Storage's sentence about a key in the wrong place.
pub fn mismatch(key_location: &str, bucket_location: &str) -> String {
    let bucket = bucket_location.to_ascii_uppercase().replace('-', "_");
    format!("Cloud KMS region '{key_location}' not available for use with GCS region '{bucket}'.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_fit_the_bucket_of_their_place_only() {
        assert!(key_fits_bucket("us", "US"));
        assert!(key_fits_bucket("europe", "EU"));
        assert!(key_fits_bucket("us-east1", "US-EAST1"));
        assert!(key_fits_bucket("nam4", "NAM4"));
        assert!(key_fits_bucket("us", "US-EAST1+US-WEST1"));
        assert!(key_fits_bucket("europe", "europe-west1+europe-west4"));
        assert!(!key_fits_bucket("us-east1", "US-EAST1+US-WEST1"));
        assert!(!key_fits_bucket("us", "US-EAST1+EUROPE-WEST1"));
        assert!(!key_fits_bucket("global", "US"));
        assert!(!key_fits_bucket("us", "EU"));
        assert_eq!(
            mismatch("us", "asia-south1"),
            "Cloud KMS region 'us' not available for use with GCS region 'ASIA_SOUTH1'."
        );
        assert_eq!(bucket_location("eu"), Some(LocationType::MultiRegion));
        assert_eq!(bucket_location("mars"), None);
        assert!(is_key_location("global") && !is_key_location("eu"));
    }
}
