//! The gate that holds a kit with suspiciously less in it than before.
//!
//! What a kit lacks reads as "no longer vulnerable", and a signature says nothing against a feed that came in
//! half. So a kit that trips [`crate::impact::sanity`] never becomes active by an import: it waits,
//! and somebody must say that the loss is accepted, and why. Where others approve kits anyway, they approve
//! the loss with it; what they sign names it.

use store::{GenerationRow, Store, StoreError};

use crate::impact::against_active;

/// As many as an approver reads, and as fit into what an approver signs.
const NAMED_MAX: usize = 20;
/// Names of sources and ecosystems come from feeds.
const WORDS_CHARS_MAX: usize = 200;

/// What speaks against making `new` active, compared with the generation that is active now. A first kit has
/// nothing to be compared with.
pub(crate) fn concerns(store: &Store, new: &GenerationRow) -> Result<Vec<String>, StoreError> {
    let found = against_active(store, new)?;
    let words = |text: String| -> String {
        let escape = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
        text.chars().take(WORDS_CHARS_MAX).map(escape).collect()
    };
    let mut named: Vec<String> = found.iter().take(NAMED_MAX).map(|concern| words(concern.to_string())).collect();
    if found.len() > NAMED_MAX {
        named.push(format!("and {} more", found.len() - NAMED_MAX));
    }
    Ok(named)
}

/// The concerns as one reason; None when there are none.
pub(crate) fn summary(concerns: &[String]) -> Option<String> {
    let first = concerns.first()?;
    let more = match concerns.len() - 1 {
        0 => String::new(),
        more => format!("; {more} more of that kind"),
    };
    Some(format!("the data have suspiciously less than before: {first}{more}"))
}
