//! Listing objects: prefixes, delimiters, pages. A group behind a delimiter is stepped over, not walked through.

use std::ops::ControlFlow;

use super::glob::Glob;
use super::rows::{ARCHIVE, BURIED, OBJECTS, ObjectRow, bucket};
use crate::kernel::{Call, Code, Error, Result, Table, paging};
use crate::rest::Query;

#[derive(Debug, Default)]
pub struct Listing {
    pub items: Vec<ObjectRow>,
    pub prefixes: Vec<String>,
    pub next: String,
}

const MAX: usize = 1000;

/// An object or a group, at its place in the list: `NAME\0GENERATION` or the group's prefix. A page token is the
/// place of what comes next.
struct Entry {
    place: String,
    row: Option<ObjectRow>,
}

/// What a list is cut by.
struct Cut<'a> {
    base: String,
    prefix: &'a str,
    delimiter: &'a str,
    start: &'a str,
    end: Option<&'a str>,
    trailing: bool,
    glob: Option<Glob>,
    token: String,
    max: usize,
    now: i64,
}

pub fn list(call: &Call, bucket_name: &str, query: &Query) -> Result<Listing> {
    bucket(call, bucket_name)?;
    let token = query.get("pageToken").unwrap_or_default();
    let cut = Cut {
        base: format!("{bucket_name}\0"),
        prefix: query.get("prefix").unwrap_or_default(),
        delimiter: query.get("delimiter").unwrap_or_default(),
        start: query.get("startOffset").unwrap_or_default(),
        end: query.get("endOffset").filter(|end| !end.is_empty()),
        trailing: query.flag("includeTrailingDelimiter"),
        glob: query.get("matchGlob").filter(|glob| !glob.is_empty()).map(Glob::parse).transpose()?,
        token: paging::parse_token(token).map_err(|error| bad_token(error, token))?,
        max: page_size(query)?,
        now: call.now.0,
    };
    let soft = query.flag("softDeleted");
    let mut entries = cut.walk(call, if soft { &BURIED } else { &OBJECTS })?;
    if query.flag("versions") && !soft {
        entries.extend(cut.walk(call, &ARCHIVE)?);
        entries.sort_by(|a, b| a.place.cmp(&b.place));
        entries.dedup_by(|a, b| a.place == b.place);
    }
    let mut listing = Listing::default();
    for (at, entry) in entries.into_iter().enumerate() {
        if at == cut.max {
            listing.next = paging::token(&entry.place);
            break;
        }
        match entry.row {
            Some(row) => listing.items.push(row),
            None => listing.prefixes.push(entry.place),
        }
    }
    Ok(listing)
}

/// What cannot be read as a token is named; other failures stay what they are.
pub fn bad_token(error: Error, token: &str) -> Error {
    if error.code() != Code::InvalidArgument {
        return error;
    }
    Error::invalid_argument(format!("Invalid value for parameter pageToken: '{token}'.")).with_reason("invalid")
}

pub fn page_size(query: &Query) -> Result<usize> {
    match query.number::<i64>("maxResults")? {
        Some(asked) if asked <= 0 => {
            Err(Error::invalid_argument(format!("Invalid value for parameter maxResults: '{asked}'."))
                .with_reason("invalid"))
        }
        Some(asked) => Ok((asked as usize).min(MAX)),
        None => Ok(MAX),
    }
}

fn place(row: &ObjectRow) -> String {
    format!("{}\0{:020}", row.name, row.generation)
}

impl Cut<'_> {
    /// At most one entry more than a page holds, in order.
    fn walk(&self, call: &Call, table: &Table<ObjectRow>) -> Result<Vec<Entry>> {
        let reached = self.token.split('\0').next().unwrap_or_default();
        let mut from = reached.max(self.start).max(self.prefix).to_owned();
        let mut entries: Vec<Entry> = Vec::new();
        loop {
            let mut jump = None;
            call.txn.each(table, &self.base, &format!("{}{from}", self.base), |_, row: ObjectRow| {
                let name = row.name.as_str();
                if !name.starts_with(self.prefix) || self.end.is_some_and(|end| name >= end) || entries.len() > self.max
                {
                    return Ok(ControlFlow::Break(()));
                }
                if row.hard_delete > 0 && row.hard_delete <= self.now {
                    return Ok(ControlFlow::Continue(()));
                }
                let Some(group) = self.group(name) else {
                    if self.matches(name) {
                        self.push(&mut entries, row);
                    }
                    return Ok(ControlFlow::Continue(()));
                };
                // A token behind the group's own place has its prefix on an earlier page.
                let shown = self.token.strip_prefix(group).is_some_and(|rest| rest.starts_with('\0'));
                if !shown && self.matches(group) && entries.last().is_none_or(|last| !last.place.starts_with(group)) {
                    entries.push(Entry { place: group.to_owned(), row: None });
                }
                if self.trailing && name == group {
                    if self.matches(name) {
                        self.push(&mut entries, row);
                    }
                    return Ok(ControlFlow::Continue(()));
                }
                jump = Some(after(group));
                Ok(ControlFlow::Break(()))
            })?;
            match jump.flatten() {
                Some(next) => from = next,
                None => return Ok(entries),
            }
        }
    }

    /// The part of a name up to and with the first delimiter behind the prefix.
    fn group<'n>(&self, name: &'n str) -> Option<&'n str> {
        if self.delimiter.is_empty() {
            return None;
        }
        let at = name[self.prefix.len()..].find(self.delimiter)?;
        Some(&name[..self.prefix.len() + at + self.delimiter.len()])
    }

    fn matches(&self, name: &str) -> bool {
        self.glob.as_ref().is_none_or(|glob| glob.matches(name))
    }

    fn push(&self, entries: &mut Vec<Entry>, row: ObjectRow) {
        let place = place(&row);
        if place >= self.token {
            entries.push(Entry { place, row: Some(row) });
        }
    }
}

/// The first text after everything that starts with `head`; `None` when there is none.
fn after(head: &str) -> Option<String> {
    let mut chars: Vec<char> = head.chars().collect();
    while let Some(last) = chars.pop() {
        // The numbers between U+D7FF and U+E000 are no characters.
        let next = if last == '\u{d7ff}' { Some('\u{e000}') } else { char::from_u32(last as u32 + 1) };
        if let Some(next) = next {
            chars.push(next);
            return Some(chars.into_iter().collect());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::after;

    #[test]
    fn what_comes_after_a_group_comes_after_all_of_it() {
        for (head, next) in [("d/", "d0"), ("a\u{d7ff}", "a\u{e000}"), ("a\u{10ffff}", "b"), ("ü", "ý")] {
            assert_eq!(after(head).as_deref(), Some(next));
            assert!(format!("{head}\u{10ffff}\u{10ffff}").as_str() < next);
        }
        assert_eq!(after("\u{10ffff}\u{10ffff}"), None);
    }
}
