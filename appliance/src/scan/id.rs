//! Ids of scans: 128 random bits, because they are handed out in URLs.

/// A fresh id, 32 hexadecimal digits.
pub(crate) fn scan_id() -> Result<String, getrandom::Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
