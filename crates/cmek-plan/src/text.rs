//! Names as text in JSON: the vocabulary crate knows nothing of serde.

use std::fmt::Display;

use serde::{Deserialize as _, Deserializer, Serializer};

fn write<S: Serializer>(name: impl Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&name)
}

fn read<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    parse: impl Fn(&str) -> Result<T, gcp_names::NameError>,
) -> Result<T, D::Error> {
    parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
}

pub mod key {
    use gcp_names::KeyName;
    use serde::{Deserializer, Serializer};

    pub fn serialize<S: Serializer>(key: &KeyName, serializer: S) -> Result<S::Ok, S::Error> {
        super::write(key, serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<KeyName, D::Error> {
        super::read(deserializer, KeyName::parse)
    }
}

pub mod ring {
    use gcp_names::KeyRingName;
    use serde::{Deserializer, Serializer};

    pub fn serialize<S: Serializer>(ring: &KeyRingName, serializer: S) -> Result<S::Ok, S::Error> {
        super::write(ring, serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<KeyRingName, D::Error> {
        super::read(deserializer, KeyRingName::parse)
    }
}

pub mod host {
    use gcp_names::RegistryHost;
    use serde::{Deserializer, Serializer};

    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
    pub fn serialize<S: Serializer>(host: &RegistryHost, serializer: S) -> Result<S::Ok, S::Error> {
        super::write(host, serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<RegistryHost, D::Error> {
        super::read(deserializer, RegistryHost::parse)
    }
}

pub mod hosts {
    use gcp_names::RegistryHost;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(hosts: &[RegistryHost], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(hosts.iter().map(|host| host.host()))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<RegistryHost>, D::Error> {
        Vec::<String>::deserialize(deserializer)?
            .iter()
            .map(|host| RegistryHost::parse(host).map_err(serde::de::Error::custom))
            .collect()
    }
}
