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

/// A token says where the next page starts.
pub fn token(next: &str) -> String {
    URL_SAFE_NO_PAD.encode(next)
}

pub fn parse_token(token: &str) -> Result<String> {
    URL_SAFE_NO_PAD
        .decode(token)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| Error::invalid_argument("Invalid page_token: it is not one that this service gave out."))
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
    let from = parse_token(page_token)?;
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
