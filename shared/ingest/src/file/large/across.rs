//! Repeated keys across the parts of a file.

use carelake_contracts::Contract;
use carelake_lake::{ErrorKind, LakeError};

use super::files::{PartDone, Plan};
use crate::context::Context;
use crate::error::StepError;
use crate::file::keys::{Repeats, Seeing, journalled};

/// The repeated keys of each part, as one pass over the file finds them. `None` when the contract has no key.
pub async fn across(
    context: &Context,
    plan: &Plan,
    contract: &Contract,
    done: &[PartDone],
) -> Result<Option<Vec<Repeats>>, StepError> {
    if contract.key.is_empty() {
        return Ok(None);
    }
    let mut seeing = Seeing::new(&context.lake, contract.duplicates);
    for (index, part) in done.iter().enumerate() {
        if part.good > 0 {
            let path = plan.keys(index);
            let missing =
                || LakeError::new(ErrorKind::Transient, format!("reading {path}")).caused_by("it is not there");
            let hashes = context.lake.get_bytes(&path).await?.ok_or_else(missing)?;
            for hash in journalled(&hashes) {
                seeing.add(hash)?;
            }
        }
    }
    let (_, repeats) = seeing.finish()?;
    let mut before = 0;
    let mut of_parts = Vec::with_capacity(done.len());
    for part in done {
        of_parts.push(repeats.of(before, part.good));
        before += part.good;
    }
    Ok(Some(of_parts))
}
