//! What other services ask of Pub/Sub.

use crate::doors::Project;
use crate::kernel::due::Due;
use crate::kernel::{Call, Result};

pub fn create_topic(call: &mut Call, project: &Project, topic: &str) -> Result<()> {
    let _ = (call, project, topic);
    Ok(())
}

pub fn announce(call: &mut Call, project: &Project, topic: &str, data: Vec<u8>) -> Result<()> {
    let _ = (call, project, topic, data);
    Ok(())
}

pub fn settle(call: &mut Call, due: &Due) -> Result<()> {
    let _ = (call, due);
    Ok(())
}

pub fn require_exists(call: &mut Call, resource: &str) -> Result<()> {
    let _ = (call, resource);
    Ok(())
}
