//! A resource as a search shows it, its fields by name, and masks over them.

use gcp_schema::cloudasset::ResourceSearchResult as Resource;
use prost_types::{FieldMask, Struct, Value, value};

use crate::kernel::assets::{self, Asset, Lineage};
use crate::kernel::{Error, Result, mask};

const MESSAGE: &str = "google.cloud.asset.v1.ResourceSearchResult";

/// What is shown when no mask says otherwise.
const SHOWN: [&str; 19] = [
    "name",
    "asset_type",
    "project",
    "folders",
    "organization",
    "display_name",
    "description",
    "location",
    "labels",
    "tags",
    "effective_tags",
    "network_tags",
    "kms_keys",
    "create_time",
    "update_time",
    "state",
    "additional_attributes",
    "parent_full_resource_name",
    "parent_asset_type",
];

/// Fields that a query may name though no resource here has them.
const EMPTY: [&str; 11] = [
    "description",
    "network_tags",
    "tag_keys",
    "tag_key_ids",
    "tag_values",
    "tag_value_ids",
    "effective_tag_keys",
    "effective_tag_key_ids",
    "effective_tag_values",
    "effective_tag_value_ids",
    "relationships",
];

#[expect(deprecated, reason = "the field of old is set for those who ask for it")]
pub fn resource(asset: Asset, lineage: &Lineage) -> Resource {
    let own = format!("//cloudresourcemanager.googleapis.com/{}", asset.place);
    let is_above_projects = asset.project.is_empty() && own == asset.name;
    let attributes = asset.attributes.into_iter().map(|(name, text)| {
        let kind = Some(value::Kind::StringValue(text));
        (name, Value { kind })
    });
    let fields: std::collections::BTreeMap<_, _> = attributes.collect();
    Resource {
        name: asset.name,
        asset_type: asset.kind.to_owned(),
        project: if asset.project.is_empty() { String::new() } else { format!("projects/{}", lineage.number) },
        folders: lineage.folders.iter().filter(|name| !(is_above_projects && **name == asset.place)).cloned().collect(),
        organization: lineage.organization.clone(),
        display_name: asset.display_name,
        location: asset.location,
        labels: asset.labels,
        kms_key: asset.keys.first().cloned().unwrap_or_default(),
        kms_keys: asset.keys,
        create_time: assets::whole_seconds(asset.created),
        update_time: assets::whole_seconds(asset.updated),
        state: asset.state,
        additional_attributes: (!fields.is_empty()).then_some(Struct { fields }),
        parent_full_resource_name: asset.parent,
        parent_asset_type: asset.parent_kind.to_owned(),
        ..Resource::default()
    }
}

/// Whether a query may name the field: `labels`, or one of them as `labels.env`.
pub fn is_field(field: &str) -> bool {
    const KNOWN: [&str; 13] = [
        "name",
        "asset_type",
        "project",
        "folders",
        "organization",
        "display_name",
        "location",
        "labels",
        "kms_key",
        "kms_keys",
        "state",
        "parent_full_resource_name",
        "parent_asset_type",
    ];
    let in_map = ["labels.", "scc_security_marks.", "relationships."]
        .iter()
        .any(|map| field.strip_prefix(map).is_some_and(|key| !key.is_empty()));
    in_map || KNOWN.contains(&field) || EMPTY.contains(&field)
}

/// The texts of a field; none when it is not set. Of all labels both keys and values.
#[expect(deprecated, reason = "queries may name the field of old")]
pub fn texts<'a>(resource: &'a Resource, field: &str) -> Vec<&'a str> {
    let text = match field {
        "name" => &resource.name,
        "asset_type" => &resource.asset_type,
        "project" => &resource.project,
        "organization" => &resource.organization,
        "display_name" => &resource.display_name,
        "location" => &resource.location,
        "kms_key" => &resource.kms_key,
        "state" => &resource.state,
        "parent_full_resource_name" => &resource.parent_full_resource_name,
        "parent_asset_type" => &resource.parent_asset_type,
        "folders" => return resource.folders.iter().map(String::as_str).collect(),
        "kms_keys" => return resource.kms_keys.iter().map(String::as_str).collect(),
        "labels" => {
            return resource.labels.iter().flat_map(|(key, value)| [key.as_str(), value.as_str()]).collect();
        }
        other => {
            let label = other.strip_prefix("labels.").and_then(|key| resource.labels.get(key));
            return label.map(String::as_str).into_iter().collect();
        }
    };
    Some(text.as_str()).filter(|text| !text.is_empty()).into_iter().collect()
}

/// Everything that a query without a field looks at.
pub fn searchable(resource: &Resource) -> Vec<&str> {
    let mut found: Vec<&str> = [
        &resource.name,
        &resource.asset_type,
        &resource.project,
        &resource.organization,
        &resource.display_name,
        &resource.location,
        &resource.state,
        &resource.parent_full_resource_name,
        &resource.parent_asset_type,
    ]
    .into_iter()
    .chain(&resource.folders)
    .chain(&resource.kms_keys)
    .map(String::as_str)
    .collect();
    found.extend(resource.labels.iter().flat_map(|(key, value)| [key.as_str(), value.as_str()]));
    for attribute in resource.additional_attributes.iter().flat_map(|attributes| attributes.fields.values()) {
        if let Some(value::Kind::StringValue(text)) = &attribute.kind {
            found.push(text);
        }
    }
    found
}

/// The fields that an answer shows. A path that goes deeper shows the whole field.
pub struct Shown(Vec<String>);

impl Shown {
    pub fn parse(given: Option<&FieldMask>) -> Result<Self> {
        let paths = mask::paths(given);
        if paths.is_empty() {
            return Ok(Self(SHOWN.map(str::to_owned).to_vec()));
        }
        let message =
            gcp_schema::message(MESSAGE).ok_or_else(|| Error::internal(format!("no descriptor of {MESSAGE}")))?;
        if paths == ["*"] {
            return Ok(Self(message.fields().map(|field| field.name().to_owned()).collect()));
        }
        let mut fields = Vec::new();
        for path in paths {
            let first = path.split('.').next().unwrap_or_default();
            let Some(field) = message.get_field_by_name(first) else {
                return Err(Error::invalid_argument(format!("Invalid read_mask: there is no field '{path}'.")));
            };
            fields.push(field.name().to_owned());
        }
        Ok(Self(fields))
    }

    fn has(&self, field: &str) -> bool {
        self.0.iter().any(|shown| shown == field)
    }

    #[expect(deprecated, reason = "the field of old can be asked for")]
    pub fn cut(&self, resource: Resource) -> Resource {
        let text = |field: &str, text: String| if self.has(field) { text } else { String::new() };
        let list = |field: &str, list: Vec<String>| if self.has(field) { list } else { Vec::new() };
        Resource {
            name: text("name", resource.name),
            asset_type: text("asset_type", resource.asset_type),
            project: text("project", resource.project),
            folders: list("folders", resource.folders),
            organization: text("organization", resource.organization),
            display_name: text("display_name", resource.display_name),
            location: text("location", resource.location),
            labels: if self.has("labels") { resource.labels } else { Default::default() },
            kms_key: text("kms_key", resource.kms_key),
            kms_keys: list("kms_keys", resource.kms_keys),
            create_time: resource.create_time.filter(|_| self.has("create_time")),
            update_time: resource.update_time.filter(|_| self.has("update_time")),
            state: text("state", resource.state),
            additional_attributes: resource.additional_attributes.filter(|_| self.has("additional_attributes")),
            parent_full_resource_name: text("parent_full_resource_name", resource.parent_full_resource_name),
            parent_asset_type: text("parent_asset_type", resource.parent_asset_type),
            ..Resource::default()
        }
    }
}
