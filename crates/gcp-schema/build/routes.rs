//! The route table, `routes/*.txt`: `api NAME`, `service NAME`, then `VERB TEMPLATE BODY METHOD PERMISSION r|w`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

pub struct Route {
    pub api: String,
    pub verb: String,
    pub template: String,
    pub body: String,
    pub permission: String,
    pub read_only: bool,
}

/// Method path -> its routes, in the order of the files.
pub fn read(folder: &Path) -> BTreeMap<String, Vec<Route>> {
    let mut routes: BTreeMap<String, Vec<Route>> = BTreeMap::new();
    let mut files: Vec<_> = fs::read_dir(folder).expect("routes/").map(|entry| entry.expect("a file").path()).collect();
    files.sort();
    for file in files {
        let text = fs::read_to_string(&file).expect("a readable file");
        let (mut api, mut service) = (String::new(), String::new());
        for (number, line) in text.lines().enumerate() {
            let words: Vec<_> = line.split_whitespace().collect();
            match words[..] {
                [] => {}
                [first, ..] if first.starts_with('#') => {}
                ["api", name] => name.clone_into(&mut api),
                ["service", name] => name.clone_into(&mut service),
                [verb, template, body, method, permission, mode @ ("r" | "w")] => {
                    routes.entry(format!("/{service}/{method}")).or_default().push(Route {
                        api: api.clone(),
                        verb: verb.to_owned(),
                        template: template.to_owned(),
                        body: body.to_owned(),
                        permission: if permission == "-" { String::new() } else { permission.to_owned() },
                        read_only: mode == "r",
                    });
                }
                _ => panic!("{}:{}: not a route: {line}", file.display(), number + 1),
            }
        }
    }
    routes
}
