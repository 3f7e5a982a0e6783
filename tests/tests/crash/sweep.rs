//! Fails the n-th operation of a workload, for every n and in every way.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use store::Store;
use tests::simulation::{Fault, FaultKind, Image, Power, SimDisk};

use crate::bench::open;
use crate::explore::Workload;
use crate::state::{State, boot, check_legal};

/// How many operations were failed.
pub(crate) type Tally = BTreeMap<(FaultKind, bool), usize>;

impl Workload {
    /// Fails every `stride`-th operation, beginning with `first`: once, and from there on.
    pub(crate) fn sweep(&self, only: Option<FaultKind>, first: usize, stride: usize) -> Tally {
        let start = self.start();
        let (disk, before, after) = self.record(&start);
        let goal = self.converge(&SimDisk::new(&disk.image()), &after, None).expect("it converges");
        let mut tally = Tally::new();
        let kinds = FaultKind::once_and_for_good().filter(|(kind, _)| only.is_none_or(|only| *kind == only));
        for (kind, persistent) in kinds {
            for at in (first as u64..).step_by(stride) {
                let fault = Fault { kind, at, persistent };
                match self.fail_once(&start, fault, (&before, &after, &goal)) {
                    Ok(true) => *tally.entry((kind, persistent)).or_default() += 1,
                    Ok(false) => break,
                    Err(error) => panic!("{}: {fault:?}: {error}", self.name),
                }
            }
        }
        tally
    }

    /// False when the workload has fewer operations than that.
    fn fail_once(
        &self,
        start: &Image,
        fault: Fault,
        (before, after, goal): (&State, &State, &State),
    ) -> Result<bool, String> {
        let disk = SimDisk::new(start);
        // A new site has no server yet.
        let server = before.current.map(|_| open(&disk).expect("a state"));
        disk.arm(Some(fault));
        let result =
            catch_unwind(AssertUnwindSafe(|| self.act.run(&disk))).map_err(|_| "the program panicked".to_owned())?;
        let struck = disk.hits() > 0;
        let transparent = matches!(fault.kind, FaultKind::Short | FaultKind::Interrupted);
        if transparent && result.is_ok() != self.act.must_succeed() {
            return Err(format!("what is no fault changed the result: {result:?}"));
        }
        if let (FaultKind::ReadOnly, Err(error)) = (fault.kind, &result)
            && self.act.must_succeed()
            && error.code() != "E-ROFS"
        {
            return Err(format!("a read-only file system is not told as such: {} {error}", error.code()));
        }
        if !fault.persistent {
            disk.arm(None);
        }
        if let Some(server) = &server {
            // What cannot be read cannot be served while that lasts; all else can. The server may fail to
            // keep a report meanwhile, and must not be the worse for it.
            let served = serve(server);
            served
                .or_else(|error| if fault.kind == FaultKind::Read && fault.persistent { Ok(()) } else { Err(error) })
                .map_err(|error| format!("serving stopped: {error}"))?;
            let _ = server.save_scans([("scan", b"report".as_slice())].into_iter());
            disk.arm(None);
            serve(server).map_err(|error| format!("serving did not come back: {error}"))?;
            server
                .save_scans([("scan", b"report".as_slice())].into_iter())
                .map_err(|error| format!("reports cannot be kept any more: {error}"))?;
        }
        disk.arm(None);
        drop(server);
        self.cut_now(start, &disk).map_err(|error| format!("and a power cut: {error}"))?;
        let state = boot(&disk)?;
        // A fault may keep the receipt of a refusal or of a failure from being written, and what failed leaves one of
        // its own.
        let told = result.is_ok() && self.act.must_succeed();
        check_legal(&state, before, after, told).or_else(|error| match state.receipts.split_last() {
            Some((last, older)) if !told && ["failed", "rejected"].contains(&last.result.as_str()) => {
                let failed = State { receipts: older.to_vec(), ..state.clone() };
                check_legal(&failed, before, before, false)
            }
            _ => Err(error),
        })?;
        // The fault is over: the next import ends well, and its result outlasts a power cut.
        self.converge(&disk, &state, Some(goal)).map_err(|error| format!("afterwards: {error}"))?;
        let mut power = Power::new(start, &disk);
        while power.advance() {}
        let lasting = boot(&SimDisk::new(&power.image(&power.nothing_pending())));
        let lasting = lasting.map_err(|error| format!("afterwards, and after a power cut: {error}"))?;
        let active = |state: &State| state.active().map(|row| (row.kit_version, row.content_root));
        if active(&lasting) != active(goal) {
            return Err("afterwards, and after a power cut: the new generation is gone".to_owned());
        }
        Ok(struck)
    }
}

impl Workload {
    /// The power goes just after the fault: the state boots, whether what is pending was written or not.
    fn cut_now(&self, start: &Image, disk: &SimDisk) -> Result<(), String> {
        let mut power = Power::new(start, disk);
        while power.advance() {}
        boot(&SimDisk::new(&disk.image()))?;
        boot(&SimDisk::new(&power.image(&power.nothing_pending()))).map(drop)
    }
}

/// What a scan needs of the state.
fn serve(server: &Store) -> Result<(), String> {
    let generation = server.open_current().map_err(|error| error.to_string())?;
    let view = generation.view().map_err(|error| error.to_string())?;
    let some = view.search_ids("", 1).map_err(|error| error.to_string())?;
    let (_, id) = some.first().ok_or("there are no advisories")?;
    let advisory = view.advisory(id, server.blobs()).map_err(|error| error.to_string())?;
    advisory.map(drop).ok_or_else(|| "an advisory is missing".to_owned())
}
