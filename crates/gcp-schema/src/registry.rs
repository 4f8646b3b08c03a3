//! Implementations by path: what turns "these bytes, that method" into a typed call.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use prost::Message;

use crate::error::Error;

type Unary<C> = Box<dyn Fn(&mut C, Bytes) -> Result<Bytes, Error> + Send + Sync>;

/// Unary handlers by method path. `C` is the context that the server hands to each call.
pub struct Registry<C> {
    unary: HashMap<&'static str, Unary<C>>,
}

impl<C> Default for Registry<C> {
    fn default() -> Self {
        Self { unary: HashMap::new() }
    }
}

impl<C> Registry<C> {
    /// Called by the generated `register_…` functions.
    pub fn unary<S, Req, Res>(
        &mut self,
        path: &'static str,
        service: &Arc<S>,
        handler: fn(&S, &mut C, Req) -> Result<Res, Error>,
    ) where
        S: Send + Sync + 'static,
        Req: Message + Default + 'static,
        Res: Message + 'static,
        C: 'static,
    {
        let service = Arc::clone(service);
        self.unary.insert(
            path,
            Box::new(move |context, bytes| {
                let request = Req::decode(bytes).map_err(|error| {
                    Error::invalid_argument("Request could not be decoded.").with_log(error.to_string())
                })?;
                handler(&service, context, request).map(|response| Bytes::from(response.encode_to_vec()))
            }),
        );
    }

    pub fn call(&self, path: &str, context: &mut C, request: Bytes) -> Result<Bytes, Error> {
        match self.unary.get(path) {
            Some(handler) => handler(context, request),
            None => Err(Error::unimplemented(path)),
        }
    }

    pub fn contains(&self, path: &str) -> bool {
        self.unary.contains_key(path)
    }
}
