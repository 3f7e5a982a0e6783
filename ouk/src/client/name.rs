//! Names of roles and targets as parts of a URL or a file name.

/// Percent-encodes every byte outside of the unreserved set of RFC 3986, the slash too, so
/// that a name from outside is one part of a path and never a way up.
pub fn quote(name: &str) -> String {
    encode(name, |byte| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte))
}

/// A target path as a URL: its slashes stay, all else is quoted.
pub(super) fn quote_path(path: &str) -> String {
    encode(path, |byte| byte.is_ascii_alphanumeric() || b"-_.~/".contains(&byte))
}

/// Under consistent snapshots a digest stands before the last part of a target's path.
pub(crate) fn consistent_path(path: &str, digest: &str) -> String {
    match path.rsplit_once('/') {
        Some((folder, file)) => format!("{folder}/{digest}.{file}"),
        None => format!("{digest}.{path}"),
    }
}

/// The name under which a role's accepted metadata is kept.
pub(super) fn file(role: &str) -> String {
    format!("{}.json", quote(role))
}

fn encode(text: &str, plain: impl Fn(u8) -> bool) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if plain(byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_from_outside_is_one_part_of_a_path() {
        assert_eq!(quote("a/../b c?é"), "a%2F..%2Fb%20c%3F%C3%A9");
        assert_eq!(file("../root"), "..%2Froot.json");
        assert_eq!(quote_path("a b/c#d"), "a%20b/c%23d");
    }
}
