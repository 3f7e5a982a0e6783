//! The kit against its attackers. Each test names the case of the attack catalogue it
//! covers (A archive, Z zstd, S signatures, M metadata state, T time).

mod archive;
mod codes;
mod delegations;
mod exhaustive;
mod frames;
mod metadata;
mod robust;
mod roots;
mod roundtrip;
mod seal;
mod signatures;
mod site;
mod site_travel;
mod tools;
mod volume;
