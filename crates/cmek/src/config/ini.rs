//! Properties files as gcloud writes them, which is as Python's `configparser` does.

use std::collections::BTreeMap;

/// Values by section and name.
pub type Sections = BTreeMap<String, BTreeMap<String, String>>;

/// What is wrong, and in which line.
#[derive(Debug, PartialEq, Eq)]
pub struct Wrong {
    pub line: usize,
    pub what: String,
}

/// A section whose values all others inherit; it is none itself.
const DEFAULT: &str = "DEFAULT";

pub fn parse(text: &str) -> Result<Sections, Wrong> {
    let mut sections = Sections::new();
    let mut section: Option<String> = None;
    // The value that a deeper line goes on with, and how deep it began.
    let mut open: Option<(String, usize)> = None;
    for (index, raw) in text.lines().enumerate() {
        let line = raw.trim();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        let wrong = |what: String| Wrong { line: index + 1, what };
        let depth = raw.len() - raw.trim_start().len();
        if let (Some(section), Some((name, begun))) = (&section, &open)
            && depth > *begun
        {
            let value = sections.get_mut(section).and_then(|values| values.get_mut(name));
            if let Some(value) = value {
                value.push('\n');
                value.push_str(line);
            }
            continue;
        }
        open = None;
        if let Some(header) = line.strip_prefix('[').and_then(|rest| rest.split_once(']')).map(|(header, _)| header) {
            if sections.contains_key(header) {
                return Err(wrong(format!("section [{header}] stands there twice")));
            }
            sections.insert(header.to_owned(), BTreeMap::new());
            section = Some(header.to_owned());
            continue;
        }
        let Some(current) = section.as_ref() else {
            return Err(wrong(format!("'{line}' stands before any section")));
        };
        let (name, value) = line
            .split_once(['=', ':'])
            .filter(|(name, _)| !name.trim().is_empty())
            .ok_or_else(|| wrong(format!("'{line}' is neither a section nor a property")))?;
        let name = name.trim().to_lowercase();
        let values = sections.entry(current.clone()).or_default();
        if values.insert(name.clone(), value.trim().to_owned()).is_some() {
            return Err(wrong(format!("property [{current}/{name}] stands there twice")));
        }
        open = Some((name, depth));
    }
    finish(sections, text)
}

/// Inherits, and takes `%%` for `%`.
fn finish(mut sections: Sections, text: &str) -> Result<Sections, Wrong> {
    let inherited = sections.remove(DEFAULT).unwrap_or_default();
    for values in sections.values_mut() {
        for (name, value) in &inherited {
            values.entry(name.clone()).or_insert_with(|| value.clone());
        }
        for (name, value) in values.iter_mut() {
            let plain = value.replace("%%", "\0");
            if plain.contains('%') {
                let line = text.lines().position(|line| line.trim_start().to_lowercase().starts_with(name.as_str()));
                let what = format!("'{value}' holds a single %, which is written %%");
                return Err(Wrong { line: line.map_or(0, |line| line + 1), what });
            }
            *value = plain.replace('\0', "%");
        }
    }
    Ok(sections)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_gcloud_writes_is_read() {
        let text = "# a comment\n[core]\nproject = my-project\naccount=a@example.com\n\n[proxy]\n  ; another\n\
                    password: a%%b ; not a comment\nAddress =\n    one\n    two\n[empty]\n";
        let read = parse(text).unwrap();
        assert_eq!(read["core"]["project"], "my-project");
        assert_eq!(read["core"]["account"], "a@example.com");
        assert_eq!(read["proxy"]["password"], "a%b ; not a comment");
        assert_eq!(read["proxy"]["address"], "\none\ntwo");
        assert!(read["empty"].is_empty());
    }

    #[test]
    fn defaults_are_inherited_and_are_no_section() {
        let read = parse("[DEFAULT]\nproject = d\n[core]\n[other]\nproject = o\n").unwrap();
        assert_eq!((read["core"]["project"].as_str(), read["other"]["project"].as_str()), ("d", "o"));
        assert!(!read.contains_key("DEFAULT"));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        for (text, line, words) in [
            ("project = 1\n", 1, "stands before any section"),
            ("[core]\nproject\n", 2, "'project' is neither"),
            ("[core]\n= x\n", 2, "'= x' is neither"),
            ("[core]\nproject = a\nproject = b\n", 3, "[core/project] stands there twice"),
            ("[core]\n[core]\n", 2, "[core] stands there twice"),
            ("[core]\n\nproject = 50%\n", 3, "single %"),
            ("[core]\nproject = %(account)s\n", 2, "single %"),
        ] {
            let wrong = parse(text).unwrap_err();
            assert_eq!(wrong.line, line, "{text:?}: {wrong:?}");
            assert!(wrong.what.contains(words), "{text:?}: {wrong:?}");
        }
    }
}
