//! One page of what lies directly under a parent, in order of name, filtered as the caller asks.

use prost::Message;

use crate::kernel::filter::Filter;
use crate::kernel::{Call, Error, Result, Table, paging};

/// What a caller says about a list.
pub struct Query<'a> {
    pub size: i32,
    pub token: &'a str,
    pub filter: &'a str,
    pub order: &'a str,
}

pub struct Listing<T> {
    pub items: Vec<T>,
    pub next: String,
    /// Zero, which is to say absent, when a filter is given.
    pub total: usize,
}

/// `kind` is the full name of the message that `show` makes of a row; the filter is judged on it.
pub fn list<M: Message + Default, T: Message>(
    call: &Call,
    table: &Table<M>,
    prefix: &str,
    query: &Query,
    kind: &str,
    show: impl Fn(&str, M) -> Result<T>,
) -> Result<Listing<T>> {
    let size = paging::size(query.size, 100, 1000)?;
    let from = paging::parse_token_of(prefix, query.token)?;
    let descending = match query.order.split_whitespace().collect::<Vec<_>>()[..] {
        [] | ["name"] | ["name", "asc"] => false,
        ["name", "desc"] => true,
        _ => {
            return Err(Error::invalid_argument(format!(
                "Invalid order_by '{}': only 'name' and 'name desc' are supported.",
                query.order
            )));
        }
    };
    let filter = match query.filter.trim() {
        "" => None,
        text => Some(Filter::parse(text, kind)?),
    };
    let mut rows = call.txn.list(table, prefix)?;
    if descending {
        rows.reverse();
    }
    let mut listing =
        Listing { items: Vec::new(), next: String::new(), total: if filter.is_some() { 0 } else { rows.len() } };
    // A token names the row that is next; should that be gone by now, the one after it is.
    let seen = |name: &str| !from.is_empty() && if descending { name > from.as_str() } else { name < from.as_str() };
    for (name, row) in rows.into_iter().skip_while(|(name, _)| seen(name)) {
        let full = listing.items.len() == size;
        if full && filter.is_none() {
            listing.next = paging::token_of(prefix, &name);
            break;
        }
        let item = show(&name, row)?;
        if let Some(filter) = &filter
            && !filter.matches(&crate::rest::to_json(kind, &item)?)
        {
            continue;
        }
        if full {
            listing.next = paging::token_of(prefix, &name);
            break;
        }
        listing.items.push(item);
    }
    Ok(listing)
}
