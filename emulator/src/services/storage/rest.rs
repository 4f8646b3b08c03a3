//! REST that the route table cannot describe.

use std::sync::Arc;

use crate::kernel::Kernel;
use crate::rest::{Answer, Request};

pub fn claims(request: &Request) -> bool {
    let _ = request;
    false
}

pub async fn handle(kernel: &Arc<Kernel>, request: Request) -> Answer {
    let _ = (kernel, request);
    unreachable!("claims nothing")
}
