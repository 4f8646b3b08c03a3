//! Cloud Storage, JSON API.
//!
//! Faithful: buckets and objects with preconditions, versions and holds; media, multipart and resumable uploads in every
//! form that Google's clients send; ranges; lists with prefix and delimiter; rewrite, copy, compose, move; batch; bucket IAM;
//! customer-managed keys with every check in production's order and its texts; both CMEK constraints, judged for the bucket
//! and for each object. Bodies are always sealed. Hashes of CMEK objects are left out of lists.
//!
//! Missing, answers 501: notification configurations (an empty list is answered), ACL changes (fixed lists are shown),
//! customer-supplied keys, soft delete and restore, retention locks, HMAC keys, XML API; all of gRPC (`GAPS`).
//!
//! Our choices: rewrites finish in one call. Upload sessions do not survive a restart. Multipart bodies are taken up to
//! 128 MiB. Enforcement configurations are kept and not enforced. Names under `appspot.com` are Google's: only the
//! registry makes such buckets.

mod batch;
mod buckets;
pub mod door;
mod download;
mod keys;
mod lists;
mod objects;
mod preconditions;
mod resource;
pub mod rest;
mod rewrite;
mod rows;
mod upload;

pub const GAPS: &[&str] = &["/google.storage.v2.Storage/"];
