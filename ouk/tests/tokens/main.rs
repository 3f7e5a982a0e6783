//! Tokens against their forgers. Each test names the case of the attack catalogue it covers
//! (J tokens, M14 revocations) and the code that must be the answer.

mod codes;
mod forged;
mod kit;
mod mint;
mod peers;
mod revoked;
mod support;
