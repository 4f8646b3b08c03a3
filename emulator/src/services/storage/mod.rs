//! Cloud Storage, JSON API, and of the XML API what reads, writes or deletes one object.
//!
//! Faithful: buckets and objects with preconditions, versions and holds; media, multipart and resumable uploads in every
//! form that Google's clients send; ranges; lists with prefix, delimiter, offsets, glob and versions, in pages; rewrite with
//! its tokens, copy, compose, move; soft delete and restore; batch; bucket IAM; customer-managed keys with every check in
//! production's order and its texts, at the start of a write and again at its end; both CMEK constraints, judged for the
//! bucket and for each object; those on locations and uniform access, judged for a bucket; enforcement configurations; keys that customers supply with each request. Bodies are always
//! sealed. Hashes of CMEK objects are left out of lists.
//!
//! Missing, answers 501: notification configurations (an empty list is answered), ACL changes (fixed lists are shown), IAM
//! of objects, bulk restore, restore of buckets (one that is deleted is gone, with all that was soft-deleted in it),
//! relocation, bucket operations, retention locks, folders, HMAC keys, channels; the rest of the XML API, in XML; all of
//! gRPC (`GAPS`). Managed folders and caches: there are none, so their lists are empty and `includeFoldersAsPrefixes`
//! changes nothing.
//!
//! Missing without a word: lifecycle rules, retention policies, default event-based holds, requester pays, CORS, websites,
//! logging, autoclass, hierarchical namespaces and a bucket's ACLs are kept and shown and have no effect; public access
//! prevention and `rpo` of a bucket, ACLs, retention, contexts and a patched storage class of objects are dropped;
//! `If-Match` and `If-None-Match` of the JSON API are not looked at; what is stored gzipped is served gzipped;
//! `uploadType=resumable` takes chunks of any length, not of 256 KiB only; a signed URL is a call without credentials,
//! whatever its signature; a copy always ends in one call, so nobody is told to rewrite instead.
//!
//! Our choices: a rewrite that changes place, class or key honours `maxBytesRewrittenPerCall`, any other finishes in one
//! call. Upload sessions and rewrite tokens do not survive a restart; a session is given up after a week. What a refused end
//! of an upload leaves must be started again. Multipart bodies are taken up to 128 MiB. Changes of keys, grants and policies
//! act at once. A whole bucket sent back with the key that it has is no change of its key; null for an object's key is
//! one. A key without a primary version is a bad key. What an enforcement
//! configuration forbids is 412 in words of our own. A move leaves nothing of its source, soft-deleted or noncurrent; what
//! it overwrites is kept as at any overwriting. Names under `appspot.com` are
//! Google's: only the registry makes such buckets, and it makes them
//! whether or not uniform access is enforced. Links in answers lead to the host that was called.

mod batch;
mod bucket_calls;
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
mod refusal;
mod resource;
pub mod rest;
mod rewrite;
mod rows;
mod sessions;
mod soft_delete;
mod supplied;
#[cfg(test)]
mod tests;
mod upload;
mod xml;

/// The API's name, in every call of this service.
const API: &str = "storage.googleapis.com";

pub const GAPS: &[&str] = &["/google.storage.v2.Storage/"];
