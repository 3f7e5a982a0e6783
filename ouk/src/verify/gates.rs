//! Is this sound kit meant for this site?

use serde::{Deserialize, Serialize};

use super::targets::AllTargets;
use crate::error::KitError;
use crate::schema::ApplianceVersion;

/// What this site takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gates {
    pub product: String,
    pub channels: Vec<String>,
    /// The version of the appliance, as in 1.2.3.
    pub appliance_version: String,
    /// The newest schema of targets that the appliance reads.
    pub schema_max: u32,
}

pub(crate) fn check(gates: &Gates, targets: &AllTargets) -> Result<(), KitError> {
    let info = &targets.info;
    if info.product != gates.product {
        return Err(KitError::GateProduct { found: info.product.clone(), expected: gates.product.clone() });
    }
    if !gates.channels.contains(&info.channel) {
        let expected = gates.channels.join(", ");
        return Err(KitError::GateChannel { found: info.channel.clone(), expected });
    }
    let present = ApplianceVersion::parse(&gates.appliance_version)
        .ok_or(KitError::Caller("the appliance's version is not of the form 1.2.3"))?;
    match ApplianceVersion::parse(&info.min_appliance_version) {
        Some(needed) if needed > present => {
            return Err(KitError::GateVersion { needed: needed.to_string(), present: present.to_string() });
        }
        _ => {}
    }
    match targets.targets.values().find(|target| target.schema > gates.schema_max) {
        Some(target) => {
            Err(KitError::GateSchema { path: target.path.clone(), found: target.schema, max: gates.schema_max })
        }
        None => Ok(()),
    }
}
