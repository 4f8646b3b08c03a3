//! The route table, `routes/*.txt`.
//!
//! `api NAME` and `service NAME` hold until the next of their kind; every other line is one rule:
//! `VERB TEMPLATE BODY METHOD PERMISSION[@FIELD] r|w`. The resource that the permission is asked on is what the
//! template's first variable names; `@FIELD` says so where the template has none. `-` is "none" in every column.
//! Further lines of a method are its additional bindings, and must agree on permission and mode.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

const VERBS: [&str; 5] = ["GET", "PUT", "POST", "PATCH", "DELETE"];

pub struct Route {
    /// `cloudkms.txt:12`, for whoever must mend it.
    pub at: String,
    pub api: String,
    pub verb: String,
    pub template: String,
    pub body: String,
    pub permission: String,
    pub resource: Option<String>,
    pub read_only: bool,
}

impl Route {
    /// Field paths that the template binds.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.template.split('{').skip(1).filter_map(|rest| rest.split(['=', '}']).next())
    }
}

/// Method path -> its routes, in the order of the files.
pub fn read(folder: &Path) -> BTreeMap<String, Vec<Route>> {
    let mut routes: BTreeMap<String, Vec<Route>> = BTreeMap::new();
    let mut files: Vec<_> = fs::read_dir(folder).expect("routes/").map(|entry| entry.expect("a file").path()).collect();
    files.sort();
    for file in files {
        let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let (mut api, mut service) = ("", "");
        for (number, line) in text.lines().enumerate() {
            let at = format!("routes/{name}:{}", number + 1);
            match line.split_whitespace().collect::<Vec<_>>()[..] {
                [] => {}
                [first, ..] if first.starts_with('#') => {}
                ["api", name] => api = name,
                ["service", name] => service = name,
                [verb, template, body, method, permission, mode @ ("r" | "w")] => {
                    assert!(VERBS.contains(&verb), "{at}: {verb} is not a verb");
                    assert!(!api.is_empty() && !service.is_empty(), "{at}: which api, which service?");
                    let (permission, resource) = match permission.split_once('@') {
                        Some((permission, field)) => (permission, Some(field.to_owned())),
                        None => (permission, None),
                    };
                    let route = Route {
                        at,
                        api: api.to_owned(),
                        verb: verb.to_owned(),
                        template: template.to_owned(),
                        body: body.to_owned(),
                        permission: permission.strip_prefix('-').unwrap_or(permission).to_owned(),
                        resource,
                        read_only: mode == "r",
                    };
                    let known = routes.entry(format!("/{service}/{method}")).or_default();
                    if let Some(first) = known.first() {
                        assert!(
                            (&first.permission, first.read_only) == (&route.permission, route.read_only),
                            "{}: {} says otherwise of the same method's permission or mode",
                            route.at,
                            first.at
                        );
                    }
                    known.push(route);
                }
                _ => panic!("{at}: not a route: {line}"),
            }
        }
    }
    routes
}
