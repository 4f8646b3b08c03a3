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
    token_of("", next)
}

pub fn parse_token(token: &str) -> Result<String> {
    parse_token_of("", token)
}

/// As `token`, of one list only: another list's is none of this one's.
pub fn token_of(list: &str, next: &str) -> String {
    let mut bytes = checksum(list, next.as_bytes()).to_vec();
    bytes.extend_from_slice(next.as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

pub fn parse_token_of(list: &str, token: &str) -> Result<String> {
    if token.is_empty() {
        return Ok(String::new());
    }
    let bytes = URL_SAFE_NO_PAD.decode(token).unwrap_or_default();
    let ours = bytes.split_first_chunk().filter(|(sum, next)| **sum == checksum(list, next));
    ours.and_then(|(_, next)| std::str::from_utf8(next).ok()).map(str::to_owned).ok_or_else(strange)
}

fn checksum(list: &str, next: &[u8]) -> [u8; 4] {
    envelope::crc32c(&[list.as_bytes(), &[0], next].concat()).to_be_bytes()
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
    let from = parse_token_of(prefix, page_token)?;
    let mut page = Page { items: Vec::new(), next_token: String::new() };
    txn.each(table, prefix, &from, |name, row| {
        if let Some(item) = pick(name, row)? {
            if page.items.len() == size {
                page.next_token = token_of(prefix, name);
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
        let topics = token_of("projects/p/topics/", "projects/p/topics/t");
        assert_eq!(parse_token_of("projects/p/topics/", &topics).as_deref(), Ok("projects/p/topics/t"));
        assert!(parse_token_of("projects/p/", &topics).is_err(), "another list's");
        for other in ["!", "YQ", "AAAA", "AAAAAA", &given[1..], &given[..given.len() - 2]] {
            assert!(parse_token(other).is_err(), "{other}");
        }
    }
}
