//! What an upload, a copy or a composition is about to write: everything beside the bytes.

use std::sync::Arc;

use bytes::Bytes;
use envelope::Key;

use super::objects::{self, Metadata};
use super::preconditions::Preconditions;
use super::rows::{BucketRow, OBJECTS, ObjectRow, bucket, object_key};
use super::supplied::SuppliedKey;
use super::{API, keys};
use crate::doors;
use crate::kernel::body::{DataKey, Writer, seal_small};
use crate::kernel::{Call, Kernel, Result, Spec};

#[derive(Clone, Debug, Default)]
pub struct Draft {
    pub bucket: String,
    pub metadata: Metadata,
    pub conditions: Preconditions,
    /// As the request names it; the bucket's default applies where it names none.
    pub kms_key: Option<String>,
    pub supplied: Option<SuppliedKey>,
    /// How many objects a composition is made of; zero otherwise.
    pub components: u32,
}

impl Draft {
    /// The first half of a write: what can be refused is refused before any byte is taken.
    pub fn begin(&self, call: &mut Call) -> Result<(BucketRow, DataKey)> {
        self.admit(call, doors::fresh_data_key()?)
    }

    /// Whether this may be written now, and the data key as it is to be kept.
    fn admit(&self, call: &mut Call, data_key: Key) -> Result<(BucketRow, DataKey)> {
        let row = bucket(call, &self.bucket)?;
        let name = &self.metadata.name;
        let before = call.txn.get(&OBJECTS, &object_key(&self.bucket, name))?;
        self.conditions.check(before.as_ref(), false)?;
        if before.is_some() {
            // Overwriting is deleting.
            doors::require_permission(
                call,
                "storage.objects.delete",
                &format!("buckets/{}/objects/{name}", self.bucket),
                API,
            )?;
        }
        let data_key = keys::for_object(call, &row, self.kms_key.as_deref(), self.supplied.as_ref(), data_key)?;
        Ok((row, data_key))
    }

    fn described(self) -> Metadata {
        let customer_key_sha256 = self.supplied.map(|key| key.sha256).unwrap_or_default();
        Metadata { customer_key_sha256, ..self.metadata }
    }

    /// Everything in one call, for bodies of at most a chunk: checks, sealing, the row.
    /// They are sealed before it, while others write.
    pub async fn store_small(self, kernel: &Arc<Kernel>, spec: Spec, bytes: &Bytes) -> Result<ObjectRow> {
        let data_key = doors::fresh_data_key()?;
        let finished = seal_small(kernel, &data_key, bytes, false)?;
        kernel
            .run(spec, |call| {
                let (row, data_key) = self.admit(call, data_key)?;
                let components = self.components;
                objects::place(call, &row, self.described(), finished, &data_key, components)
            })
            .await
    }

    /// The second half of a streamed write. Everything is asked again: a key may have died while the bytes came.
    pub async fn commit(self, kernel: &Arc<Kernel>, spec: Spec, writer: Writer, keep_md5: bool) -> Result<ObjectRow> {
        let sealed_with = writer.key().clone();
        let mut finished = writer.finish().await?;
        if !keep_md5 {
            finished.md5 = None;
        }
        kernel
            .run(spec, |call| {
                let (row, data_key) = self.admit(call, sealed_with)?;
                let components = self.components;
                objects::place(call, &row, self.described(), finished, &data_key, components)
            })
            .await
    }
}
