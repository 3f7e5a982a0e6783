//! An import in the test's own process, which can be held at each of its steps and given limits of its own.

use std::fs::File;

use domain::clock::Reading;
use domain::digest::Digest;
use importer::work::InProcess;
use importer::{ImportError, Means, Progress, Request, SealPolicy};
use ouk::limits::Limits;
use ouk::verify::Gates;
use store::Store;
use tests::Site;

/// Imports a kit of this site into its state directory of this name, which has data already.
pub(crate) fn import(
    site: &Site,
    state: &str,
    kit: &str,
    limits: &Limits,
    progress: &(dyn Fn(Progress) + Sync),
) -> Result<(), ImportError> {
    let store = Store::open(site.path(state)).expect("a state directory");
    let identity = store.site(&mut |_| unreachable!("it has its keys")).expect("a site");
    let wall = store.generations().expect("readable").first().expect("the base").imported_at;
    let request = Request {
        kit: File::open(site.path(kit)).expect("a kit"),
        given_as: kit.to_owned(),
        trust_root: None,
        site_root: None,
        seal: None,
        seal_key: None,
        seal_policy: SealPolicy::Optional,
        expected: None,
        gates: Gates { schema_max: feeds::dataset::DELTA_SCHEMA, ..forge::gates() },
        operator: "a test".to_owned(),
        engine: "tests".to_owned(),
    };
    let means = Means {
        site: &identity,
        worker: &InProcess,
        reading: &Reading { wall, since_boot_seconds: 1000, boot_id: "one".to_owned() },
        limits,
        nonce: Digest::of(b"nonce"),
        progress,
    };
    importer::import(&store, &request, &means).map(drop)
}
