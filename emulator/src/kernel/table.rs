//! Typed tables over the one key space of the store. A row is a protobuf message, a key is a name.

use std::marker::PhantomData;

use prost::Message;

/// A table: a prefix byte and the message type of its rows.
#[derive(Debug)]
pub struct Table<M> {
    pub(super) id: u8,
    row: PhantomData<fn() -> M>,
}

impl<M: Message + Default> Table<M> {
    /// Ids are given out in `ids` below, so that no two tables share one.
    pub const fn new(id: u8) -> Self {
        Self { id, row: PhantomData }
    }

    pub(super) fn key(&self, name: &str) -> Vec<u8> {
        let mut key = Vec::with_capacity(1 + name.len());
        key.push(self.id);
        key.extend_from_slice(name.as_bytes());
        key
    }
}

/// Every table's id. A service takes new ones from its own decade.
pub mod ids {
    pub const META: u8 = 1;
    pub const COUNTERS: u8 = 2;
    pub const DUE: u8 = 3;
    pub const OPERATIONS: u8 = 4;
    pub const SEGMENTS: u8 = 5;
    pub const BODIES: u8 = 6;
    pub const RESOURCE_MANAGER: u8 = 10;
    pub const SERVICE_USAGE: u8 = 20;
    pub const IAM: u8 = 30;
    pub const ORG_POLICY: u8 = 40;
    pub const KMS: u8 = 50;
    pub const STORAGE: u8 = 60;
    pub const PUBSUB: u8 = 80;
    pub const STORAGE_BATCH_OPERATIONS: u8 = 110;
}

/// A row that is only a text.
#[derive(Clone, PartialEq, Message)]
pub struct TextRow {
    #[prost(string, tag = "1")]
    pub text: String,
}

/// A row that is only a number.
#[derive(Clone, PartialEq, Message)]
pub struct NumberRow {
    #[prost(uint64, tag = "1")]
    pub number: u64,
}

/// A row that is only bytes (sealed, as everything that a caller gave us to keep).
#[derive(Clone, PartialEq, Message)]
pub struct BytesRow {
    #[prost(bytes = "bytes", tag = "1")]
    pub bytes: bytes::Bytes,
}
