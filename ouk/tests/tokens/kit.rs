//! The three files in a kit: who signs them is decided by their paths.

use ouk::keys::Role;
use ouk::tokens::{JWKS_PATH, REVOCATIONS_PATH, TOKENS_PATH};

#[test]
fn entitlements_sign_tokens_and_targets_sign_revocations() {
    assert_eq!(Role::of_path(JWKS_PATH), Role::Entitlements);
    assert_eq!(Role::of_path(TOKENS_PATH), Role::Entitlements);
    // Who issues tokens must not be able to bring withdrawn ones back.
    assert_eq!(Role::of_path(REVOCATIONS_PATH), Role::Targets);
}
