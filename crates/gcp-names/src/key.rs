//! Names of Cloud KMS: rings, keys, versions.

use std::fmt;

use crate::NameError;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyRingName {
    pub project: String,
    pub location: String,
    pub ring: String,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyName {
    pub project: String,
    pub location: String,
    pub ring: String,
    pub key: String,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyVersionName {
    pub key: KeyName,
    pub version: u64,
}

/// Ids of rings, keys and import jobs: 1 to 63 letters, digits, `_`, `-`.
pub fn is_id(id: &str) -> bool {
    (1..=63).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

fn parts<const N: usize>(name: &str, words: [&str; N], what: &'static str) -> Result<[String; N], NameError> {
    let fail = || NameError { what, name: name.to_owned() };
    let segments: Vec<_> = name.split('/').collect();
    if segments.len() != 2 * N {
        return Err(fail());
    }
    let mut values = std::array::from_fn(|_| String::new());
    for (i, word) in words.iter().enumerate() {
        let value = segments[2 * i + 1];
        // A project may be anything without a slash; the rest are ids.
        let fits = if i == 0 { !value.is_empty() && !value.contains(char::is_whitespace) } else { is_id(value) };
        if segments[2 * i] != *word || !fits {
            return Err(fail());
        }
        value.clone_into(&mut values[i]);
    }
    Ok(values)
}

impl KeyRingName {
    pub fn parse(name: &str) -> Result<Self, NameError> {
        let [project, location, ring] = parts(name, ["projects", "locations", "keyRings"], "a key ring")?;
        Ok(Self { project, location, ring })
    }

    pub fn key(&self, key: &str) -> KeyName {
        KeyName {
            project: self.project.clone(),
            location: self.location.clone(),
            ring: self.ring.clone(),
            key: key.to_owned(),
        }
    }
}

impl KeyName {
    pub fn parse(name: &str) -> Result<Self, NameError> {
        let [project, location, ring, key] = parts(name, ["projects", "locations", "keyRings", "cryptoKeys"], "a key")?;
        Ok(Self { project, location, ring, key })
    }

    /// A key as people give it in a flag; the refusals are gcloud's words.
    pub fn parse_flag(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("Key is empty.".to_owned());
        }
        if text.starts_with('/') {
            return Err(format!("KMS key should not start with leading slash (/): {text}"));
        }
        Self::parse(text).map_err(|_| format!("Invalid KMS key name: {text}."))
    }

    pub fn ring_name(&self) -> KeyRingName {
        KeyRingName { project: self.project.clone(), location: self.location.clone(), ring: self.ring.clone() }
    }

    pub fn version(&self, version: u64) -> KeyVersionName {
        KeyVersionName { key: self.clone(), version }
    }

    /// `sec/us/registry/images`, as people read it.
    pub fn short(&self) -> String {
        format!("{}/{}/{}/{}", self.project, self.location, self.ring, self.key)
    }
}

impl KeyVersionName {
    pub fn parse(name: &str) -> Result<Self, NameError> {
        let fail = || NameError { what: "a key version", name: name.to_owned() };
        let (key, version) = name.rsplit_once("/cryptoKeyVersions/").ok_or_else(fail)?;
        let version =
            version.parse().ok().filter(|number| *number > 0 && !version.starts_with(['0', '+'])).ok_or_else(fail)?;
        Ok(Self { key: KeyName::parse(key).map_err(|_| fail())?, version })
    }
}

impl fmt::Display for KeyRingName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // In one piece: names are made many times in every call.
        f.write_str(&["projects/", &self.project, "/locations/", &self.location, "/keyRings/", &self.ring].concat())
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { project, location, ring, key } = self;
        f.write_str(&["projects/", project, "/locations/", location, "/keyRings/", ring, "/cryptoKeys/", key].concat())
    }
}

impl fmt::Display for KeyVersionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/cryptoKeyVersions/{}", self.key, self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back_and_near_misses_do_not() {
        let key = KeyName::parse("projects/sec/locations/us/keyRings/r/cryptoKeys/k").unwrap();
        assert_eq!(key.short(), "sec/us/r/k");
        assert_eq!(KeyVersionName::parse(&key.version(12).to_string()).unwrap().version, 12);
        assert_eq!(KeyRingName::parse(&key.ring_name().to_string()).unwrap().key("k"), key);
        for bad in [
            "projects/sec/locations/us/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1",
            "/projects/sec/locations/us/keyRings/r/cryptoKeys/k",
            "projects/sec/locations/us/keyRings/r/cryptoKeys/",
            "projects/sec/locations/us/keyRings/r/cryptoKeys/k!",
            "garbage",
            "",
        ] {
            assert!(KeyName::parse(bad).is_err(), "{bad}");
        }
        assert_eq!(KeyName::parse_flag(&key.to_string()), Ok(key.clone()));
        for (bad, text) in [
            ("", "Key is empty."),
            ("/projects/p", "KMS key should not start with leading slash (/): /projects/p"),
            ("images", "Invalid KMS key name: images."),
        ] {
            assert_eq!(KeyName::parse_flag(bad), Err(text.to_owned()));
        }
        for bad in ["0", "01", "+1", "x", ""] {
            assert!(KeyVersionName::parse(&format!("{key}/cryptoKeyVersions/{bad}")).is_err(), "{bad}");
        }
    }
}
