//! `google.api.http` templates: `*`, `**`, `{a.b=…}`, `:verb`, matched on the raw path.

use std::collections::HashMap;

use gcp_schema::{Method, Rule, Verb};
use percent_encoding::percent_decode_str;

#[derive(Debug, PartialEq)]
enum Segment {
    Literal(&'static str),
    One,
    Rest,
}

struct Variable {
    field: &'static str,
    from: usize,
    /// Of a variable that holds `**`: everything up to what follows it.
    to: usize,
}

struct Route {
    method: &'static Method,
    rule: &'static Rule,
    segments: Vec<Segment>,
    /// How many segments follow `**`.
    tail: usize,
    variables: Vec<Variable>,
}

/// A match: the method, the rule, and the values of the template's variables.
pub struct Matched {
    pub method: &'static Method,
    pub rule: &'static Rule,
    pub variables: Vec<(&'static str, String)>,
}

/// Rules by HTTP verb and custom verb, the most literal first.
pub struct Matcher {
    routes: HashMap<(Verb, &'static str), Vec<Route>>,
}

/// Where shapes collide and the address names no service, the first of these wins.
const PREFERENCE: [&str; 5] = [
    "cloudkms.googleapis.com",
    "pubsub.googleapis.com",
    "serviceusage.googleapis.com",
    "orgpolicy.googleapis.com",
    "cloudresourcemanager.googleapis.com",
];

impl Matcher {
    pub fn new(methods: &'static [Method]) -> Self {
        let mut routes: HashMap<(Verb, &'static str), Vec<Route>> = HashMap::new();
        for method in methods {
            for rule in method.http {
                let (custom, route) = compile(method, rule);
                routes.entry((rule.verb, custom)).or_default().push(route);
            }
        }
        for bucket in routes.values_mut() {
            bucket.sort_by_key(|route| {
                let literals = route.segments.iter().filter(|segment| matches!(segment, Segment::Literal(_))).count();
                let open = route.segments.contains(&Segment::Rest);
                let place = PREFERENCE.iter().position(|api| *api == route.rule.api).unwrap_or(PREFERENCE.len());
                (open, usize::MAX - literals, place)
            });
        }
        Self { routes }
    }

    /// `path` is raw: still percent-encoded.
    pub fn find(&self, verb: Verb, path: &str, api: Option<&str>) -> Option<Matched> {
        let path = path.strip_prefix('/')?;
        let segments: Vec<&str> = path.split('/').collect();
        if let Some((head, custom)) = segments.last().and_then(|last| last.rsplit_once(':'))
            && let Some(((_, known), bucket)) = self.routes.get_key_value(&(verb, custom))
            && !known.is_empty()
        {
            let mut cut = segments.clone();
            if let Some(last) = cut.last_mut() {
                *last = head;
            }
            if let Some(found) = first(bucket, &cut, api) {
                return Some(found);
            }
        }
        first(self.routes.get(&(verb, ""))?, &segments, api)
    }
}

fn first(bucket: &[Route], segments: &[&str], api: Option<&str>) -> Option<Matched> {
    bucket
        .iter()
        .filter(|route| api.is_none_or(|api| api == route.rule.api))
        .find(|route| fits(&route.segments, segments))
        .map(|route| Matched {
            method: route.method,
            rule: route.rule,
            variables: route
                .variables
                .iter()
                .map(|variable| {
                    let to = if variable.to == usize::MAX { segments.len() - route.tail } else { variable.to };
                    let decoded: Vec<_> = segments[variable.from..to]
                        .iter()
                        .map(|segment| percent_decode_str(segment).decode_utf8_lossy())
                        .collect();
                    (variable.field, decoded.join("/"))
                })
                .collect(),
        })
}

fn fits(template: &[Segment], path: &[&str]) -> bool {
    let one = |(segment, given): (&Segment, &&str)| match segment {
        Segment::Literal(text) => text == given,
        Segment::One => !given.is_empty(),
        Segment::Rest => false,
    };
    let Some(at) = template.iter().position(|segment| *segment == Segment::Rest) else {
        return template.len() == path.len() && template.iter().zip(path).all(one);
    };
    let (head, tail) = (&template[..at], &template[at + 1..]);
    if path.len() <= head.len() + tail.len() {
        return false;
    }
    let (start, end) = path.split_at(path.len() - tail.len());
    head.iter().zip(start).all(one)
        && tail.iter().zip(end).all(one)
        && start[at..].iter().all(|given| !given.is_empty())
}

fn compile(method: &'static Method, rule: &'static Rule) -> (&'static str, Route) {
    let template = rule.template.trim_start_matches('/');
    // A custom verb follows the last closing brace or the last slash.
    let tail = template.rfind(['}', '/']).unwrap_or(0);
    let (template, custom) = match template[tail..].find(':') {
        Some(colon) => (&template[..tail + colon], &template[tail + colon + 1..]),
        None => (template, ""),
    };
    let mut route = Route { method, rule, segments: Vec::new(), tail: 0, variables: Vec::new() };
    let mut rest = template;
    while !rest.is_empty() {
        if let Some(inside) = rest.strip_prefix('{') {
            let (variable, after) = inside.split_once('}').unwrap_or((inside, ""));
            let (field, pattern) = variable.split_once('=').unwrap_or((variable, "*"));
            let from = route.segments.len();
            route.segments.extend(pattern.split('/').map(segment));
            let to = if route.segments.last() == Some(&Segment::Rest) { usize::MAX } else { route.segments.len() };
            route.variables.push(Variable { field, from, to });
            rest = after.strip_prefix('/').unwrap_or(after);
        } else {
            let (word, after) = rest.split_once('/').unwrap_or((rest, ""));
            route.segments.push(segment(word));
            rest = after;
        }
    }
    let rest = route.segments.iter().position(|segment| *segment == Segment::Rest);
    route.tail = rest.map_or(0, |at| route.segments.len() - at - 1);
    (custom, route)
}

fn segment(word: &'static str) -> Segment {
    match word {
        "*" => Segment::One,
        "**" => Segment::Rest,
        text => Segment::Literal(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(verb: Verb, path: &str) -> Option<(&'static str, Vec<(&'static str, String)>)> {
        Matcher::new(gcp_schema::methods()).find(verb, path, None).map(|found| (found.method.name, found.variables))
    }

    #[test]
    fn names_verbs_and_the_rest_of_a_path_are_told_apart() {
        let key = "projects/p/locations/us/keyRings/r/cryptoKeys/k";
        let one = |name: &'static str, field: &'static str, value: &str| Some((name, vec![(field, value.to_owned())]));
        assert_eq!(found(Verb::Get, &format!("/v1/{key}")), one("GetCryptoKey", "name", key));
        assert_eq!(found(Verb::Post, &format!("/v1/{key}:encrypt")), one("Encrypt", "name", key));
        let version = format!("{key}/cryptoKeyVersions/1");
        assert_eq!(found(Verb::Post, &format!("/v1/{version}:encrypt")), one("Encrypt", "name", &version));
        let summary = |name: &str| found(Verb::Get, &format!("/v1/{name}/protectedResourcesSummary"));
        assert_eq!(summary(key), one("GetProtectedResourcesSummary", "name", key));
        assert_eq!(summary(&version), one("GetProtectedResourcesSummary", "name", &version));
        assert_eq!(found(Verb::Get, "/v3/projects:search"), Some(("SearchProjects", vec![])));
        assert_eq!(
            found(Verb::Put, "/v1/projects/p/topics/a%2Bb"),
            one("CreateTopic", "name", "projects/p/topics/a+b")
        );
        assert_eq!(
            found(Verb::Patch, "/v1/projects/example.com:p/topics/gcr"),
            one("UpdateTopic", "topic.name", "projects/example.com:p/topics/gcr")
        );
        assert_eq!(found(Verb::Get, "/v1/projects/p/locations").map(|found| found.0), Some("ListLocations"));
        assert_eq!(found(Verb::Get, "/v1/projects//topics/gcr"), None);
        assert_eq!(found(Verb::Get, "/nothing"), None);
        assert_eq!(found(Verb::Delete, &format!("/v1/{key}:encrypt")).map(|found| found.0), Some("DeleteCryptoKey"));
    }

    #[test]
    fn an_api_that_is_named_narrows_the_choice() {
        let matcher = Matcher::new(gcp_schema::methods());
        let path = "/v1/projects/p/topics/gcr:getIamPolicy";
        assert!(matcher.find(Verb::Get, path, Some("pubsub.googleapis.com")).is_some());
        assert!(matcher.find(Verb::Get, path, Some("cloudkms.googleapis.com")).is_none());
    }

    /// Every rule leads to its own method: none hides another within its API.
    #[test]
    fn no_rule_hides_another() {
        let matcher = Matcher::new(gcp_schema::methods());
        for method in gcp_schema::methods() {
            for rule in method.http {
                let path = rule.template.replace("**", "rest").replace('*', "x");
                let path: String = {
                    let mut out = String::new();
                    let mut rest = path.as_str();
                    while let Some((before, after)) = rest.split_once('{') {
                        out.push_str(before);
                        let (variable, tail) = after.split_once('}').unwrap();
                        out.push_str(variable.split_once('=').map_or("x", |(_, pattern)| pattern));
                        rest = tail;
                    }
                    out + rest
                };
                let found = matcher.find(rule.verb, &path, Some(rule.api)).unwrap_or_else(|| panic!("{path}"));
                assert_eq!(found.method.path, method.path, "{path}");
            }
        }
    }
}
