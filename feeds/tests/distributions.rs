//! The feeds of distributions, from the bytes that a vendor publishes to what a scan says of a
//! package of that distribution. Expectations are read off the documents by hand.

#[path = "distributions/cve_list.rs"]
mod cve_list;
#[path = "documents/mod.rs"]
mod documents;
#[path = "distributions/index.rs"]
mod index;
#[path = "distributions/laws.rs"]
mod laws;
#[path = "distributions/lists.rs"]
mod lists;
#[path = "distributions/nvd_names.rs"]
mod nvd_names;
#[path = "distributions/oval.rs"]
mod oval;
#[path = "distributions/redhat.rs"]
mod redhat;
#[path = "distributions/suse.rs"]
mod suse;
#[path = "distributions/ubuntu.rs"]
mod ubuntu;
#[path = "distributions/unpackaged.rs"]
mod unpackaged;
#[path = "distributions/updateinfo.rs"]
mod updateinfo;
