//! Cloud Storage, JSON API.
//!
//! Faithful: buckets and objects with preconditions, versions and holds; media, multipart and resumable uploads in every
//! form that Google's clients send; ranges; lists with prefix, delimiter, offsets, glob and versions, in pages; rewrite with
//! its tokens, copy, compose, move; batch; bucket IAM; customer-managed keys with every check in production's order and
//! its texts; both CMEK constraints, judged for the bucket and for each object; enforcement configurations; keys that
//! customers supply with each request. Bodies are always sealed. Hashes of CMEK objects are left out of lists.
//!
//! Missing, answers 501: notification configurations (an empty list is answered), ACL changes (fixed lists are shown),
//! soft delete and restore, retention locks, HMAC keys, channels; the XML API but for reading an object; all of gRPC
//! (`GAPS`). Folders and managed folders: there are none, so `includeFoldersAsPrefixes` changes nothing.
//!
//! Our choices: a rewrite that changes place, class or key honours `maxBytesRewrittenPerCall`, any other finishes in one
//! call. Upload sessions and rewrite tokens do not survive a restart; a session is given up after a week. Multipart bodies
//! are taken up to 128 MiB. A whole bucket sent back with the key that it has is no change of its key. What an enforcement
//! configuration forbids is 412 in words of our own. Names under `appspot.com` are Google's: only the registry makes such
//! buckets. Links in answers lead to the host that was called.

mod batch;
mod buckets;
mod bulk;
mod compose;
pub mod door;
mod download;
mod draft;
mod glob;
mod keys;
mod lists;
mod multipart;
mod objects;
mod preconditions;
mod resource;
pub mod rest;
mod rewrite;
mod rows;
mod sessions;
mod supplied;
#[cfg(test)]
mod tests;
mod upload;
mod xml;

/// The API's name, in every call of this service.
const API: &str = "storage.googleapis.com";

pub const GAPS: &[&str] = &["/google.storage.v2.Storage/"];
