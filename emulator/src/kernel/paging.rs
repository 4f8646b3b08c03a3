//! Pages of a list: opaque tokens, sizes within the service's bounds.

use std::ops::ControlFlow;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use prost::Message;

use super::table::Table;
use super::txn::Txn;
use super::{Error, Result};

/// One page of rows and the token of the next.
#[derive(Debug)]
pub struct Page<T> {
    pub items: Vec<T>,
    pub next_token: String,
}

/// The size to use for what the caller asked: negative is refused, zero is the default.
pub fn size(asked: i32, default: usize, max: usize) -> Result<usize> {
    match asked {
        0 => Ok(default),
        1.. => Ok((asked as usize).min(max)),
        _ => Err(Error::invalid_argument(format!("Invalid page_size: {asked}. It must not be negative."))),
    }
}

/// A token says where the next page starts. Its checksum tells it from any other text.
pub fn token(next: &str) -> String {
    let mut bytes = envelope::crc32c(next.as_bytes()).to_be_bytes().to_vec();
    bytes.extend_from_slice(next.as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

pub fn parse_token(token: &str) -> Result<String> {
    if token.is_empty() {
        return Ok(String::new());
    }
    let bytes = URL_SAFE_NO_PAD.decode(token).unwrap_or_default();
    let ours = bytes.split_first_chunk().filter(|(sum, next)| **sum == envelope::crc32c(next).to_be_bytes());
    ours.and_then(|(_, next)| std::str::from_utf8(next).ok()).map(str::to_owned).ok_or_else(strange)
}

/// As `parse_token`, of a list whose rows all begin with `prefix`: a token of another list is none of this one's.
pub fn parse_token_under(token: &str, prefix: &str) -> Result<String> {
    parse_token(token).and_then(|from| if from.is_empty() || from.starts_with(prefix) { Ok(from) } else { Err(strange()) })
}

fn strange() -> Error {
    Error::invalid_argument("Invalid page_token: it is not one that this service gave out.")
}

/// Walks the rows under `prefix` and keeps those that `pick` turns into an item.
pub fn page<M: Message + Default, T>(
    txn: &Txn,
    table: &Table<M>,
    prefix: &str,
    size: usize,
    page_token: &str,
    mut pick: impl FnMut(&str, M) -> Result<Option<T>>,
) -> Result<Page<T>> {
    let from = parse_token_under(page_token, prefix)?;
    let mut page = Page { items: Vec::new(), next_token: String::new() };
    txn.each(table, prefix, &from, |name, row| {
        if let Some(item) = pick(name, row)? {
            if page.items.len() == size {
                page.next_token = token(name);
                return Ok(ControlFlow::Break(()));
            }
            page.items.push(item);
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_given_out_is_a_token() {
        assert_eq!(parse_token("").as_deref(), Ok(""));
        let given = token("projects/p/topics/t");
        assert_eq!(parse_token(&given).as_deref(), Ok("projects/p/topics/t"));
        assert!(parse_token_under(&given, "projects/p/topics/").is_ok());
        assert!(parse_token_under(&given, "projects/q/topics/").is_err(), "another list's");
        for other in ["!", "YQ", "AAAA", "AAAAAA", &given[1..], &given[..given.len() - 2]] {
            assert!(parse_token(other).is_err(), "{other}");
        }
    }
}
