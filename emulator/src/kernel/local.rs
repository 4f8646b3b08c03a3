//! What a service keeps in memory for one emulator and would not survive a restart: upload sessions, streams.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// One value of each type.
#[derive(Default)]
pub struct Local(Mutex<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>);

impl Local {
    pub fn get<T: Default + Send + Sync + 'static>(&self) -> Arc<T> {
        let mut map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = map.entry(TypeId::of::<T>()).or_insert_with(|| Arc::new(T::default()));
        Arc::clone(slot).downcast::<T>().unwrap_or_default()
    }
}
