//! Printing data: the format asked for, or the command's own.

use gcp_format::{Filter, Flatten, FormatError, Options, Order};
use serde_json::Value;

use crate::cli::ListFlags;
use crate::failure::{Failure, Outcome};
use crate::session::Session;

impl From<FormatError> for Failure {
    fn from(error: FormatError) -> Self {
        Self::new(error.to_string())
    }
}

impl Session {
    /// The format as the user wrote it, by flag or for all commands.
    pub fn format_text(&self) -> Outcome<Option<String>> {
        match &self.global.format {
            Some(format) => Ok(Some(format.clone())),
            None => Ok(self.properties.formats()?.0),
        }
    }

    pub fn has_format(&self) -> Outcome<bool> {
        Ok(self.format_text()?.is_some())
    }

    fn options<'a>(&'a self, own: &'a str, format: Option<&'a str>) -> Options<'a> {
        Options {
            format,
            flatten: self.global.flatten.as_deref(),
            width: self.width,
            ..Options::new(own, (self.now)())
        }
    }

    fn with_flags<'a>(&'a self, own: &'a str, format: Option<&'a str>, flags: &'a ListFlags) -> Options<'a> {
        Options {
            filter: flags.filter.as_deref(),
            sort_by: flags.sort_by.as_deref(),
            limit: flags.limit,
            uri: flags.uri,
            locate: flags.uri.then(|| std::sync::Arc::new(address) as gcp_format::Locate),
            ..self.options(own, format)
        }
    }

    fn put(&mut self, output: gcp_format::Output) -> Outcome<bool> {
        for warning in &output.warnings {
            self.ui.warn(warning);
        }
        self.ui.data(&output.text)?;
        Ok(output.printed)
    }

    /// The format of a command that has none of its own but YAML, unless a property says another.
    fn describing(&self, own: &str) -> Outcome<String> {
        let default = if own == "yaml" { self.properties.formats()?.1 } else { None };
        Ok(default.unwrap_or_else(|| own.to_owned()))
    }

    /// One resource.
    pub fn print_one(&mut self, value: &Value, own: &str) -> Outcome<()> {
        let (format, own) = (self.format_text()?, self.describing(own)?);
        let output = gcp_format::one(value, &self.options(&own, format.as_deref()))?;
        self.put(output).map(|_| ())
    }

    /// A single word: bare for people and scripts, under its name for a format.
    pub fn print_word(&mut self, name: &str, word: &str) -> Outcome<()> {
        if self.has_format()? {
            return self.print_one(&serde_json::json!({name: word}), "yaml");
        }
        self.ui.data(&format!("{word}\n"))
    }

    /// What a change has made of a resource, for programs that ask with `--format`. People have read it already.
    pub fn print_changed(&mut self, value: &Value) -> Outcome<()> {
        if self.has_format()? { self.print_one(value, "yaml") } else { Ok(()) }
    }

    /// Several resources that no flags choose from.
    pub fn print_records(&mut self, rows: &[Value], own: &str) -> Outcome<()> {
        let (format, own) = (self.format_text()?, self.describing(own)?);
        let output = gcp_format::list(rows, &self.options(&own, format.as_deref()))?;
        self.put(output).map(|_| ())
    }

    /// A list: filtered, sorted and cut off by its flags.
    pub fn print_list(&mut self, rows: &[Value], own: &str, flags: &ListFlags) -> Outcome<()> {
        let format = self.format_text()?;
        let output = gcp_format::list(rows, &self.with_flags(own, format.as_deref(), flags))?;
        let printed = self.put(output)?;
        if !printed && format.is_none() {
            self.ui.say("Listed 0 items.");
        }
        Ok(())
    }

    /// A list in a format that the command chooses.
    pub fn print_as(&mut self, rows: &[Value], format: &str, flags: &ListFlags) -> Outcome<()> {
        let output = gcp_format::list(rows, &self.with_flags("", Some(format), flags))?;
        self.put(output).map(|_| ())
    }

    /// A list whose own form no format has; the flags choose all the same.
    pub fn print_drawn(
        &mut self,
        rows: &[Value],
        own: impl FnOnce(&[Value]) -> String,
        flags: &ListFlags,
    ) -> Outcome<()> {
        if self.has_format()? || flags.uri {
            return self.print_list(rows, "yaml", flags);
        }
        let chosen = self.chosen(rows, flags)?;
        if chosen.is_empty() {
            self.ui.say("Listed 0 items.");
            return Ok(());
        }
        self.ui.data(&own(&chosen))
    }

    fn chosen(&self, rows: &[Value], flags: &ListFlags) -> Outcome<Vec<Value>> {
        let mut rows: Vec<_> = rows.iter().map(std::borrow::Cow::Borrowed).collect();
        if let Some(keys) = &self.global.flatten {
            rows = Flatten::parse(keys)?.apply(rows)?;
        }
        if let Some(filter) = &flags.filter {
            let filter = Filter::parse(filter, (self.now)())?;
            let mut kept = Vec::new();
            for row in rows {
                if filter.matches(&row)? {
                    kept.push(row);
                }
            }
            rows = kept;
        }
        if let Some(keys) = &flags.sort_by {
            Order::parse(keys)?.sort(&mut rows);
        }
        rows.truncate(flags.limit.unwrap_or(usize::MAX));
        Ok(rows.into_iter().map(std::borrow::Cow::into_owned).collect())
    }
}

/// `--uri`: the address of a resource by its name.
fn address(row: &Value) -> Option<String> {
    let name = row.get("name").or_else(|| row.get("resource"))?.as_str()?;
    if let Some(full) = name.strip_prefix("//") {
        return Some(match full.strip_prefix("storage.googleapis.com/") {
            Some(bucket) => format!("https://storage.googleapis.com/storage/v1/b/{bucket}"),
            None => format!("https://{}", full.replacen('/', "/v1/", 1)),
        });
    }
    let api = match name.split('/').collect::<Vec<_>>().as_slice() {
        [_, _, "topics", ..] => "pubsub.googleapis.com/v1",
        [_, _, "policies", ..] => "orgpolicy.googleapis.com/v2",
        [_, _, "locations", ..] => "cloudkms.googleapis.com/v1",
        _ => return None,
    };
    Some(format!("https://{api}/{name}"))
}
