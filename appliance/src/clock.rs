//! The one place that reads a clock. Everything else gets the time as an argument.

use std::fs::File;
use std::io::Read;

use domain::clock::Reading;
use domain::time::Timestamp;

/// What the wall clock of this machine says.
#[expect(clippy::disallowed_methods, reason = "this is the clock")]
pub(crate) fn now() -> Timestamp {
    Timestamp::from_unix(jiff::Timestamp::now().as_second())
}

/// What all clocks of this machine say.
pub(crate) fn reading() -> Reading {
    let since_boot = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    Reading { wall: now(), since_boot_seconds: since_boot.tv_sec, boot_id: boot_id() }
}

/// Another word at every start of the machine. Without one the clock since boot proves nothing: each
/// reading then counts as one of a boot of its own.
#[expect(clippy::disallowed_methods, reason = "the kernel's name for this boot is part of its clock")]
fn boot_id() -> String {
    let mut id = String::new();
    let read = File::open("/proc/sys/kernel/random/boot_id").and_then(|file| file.take(64).read_to_string(&mut id));
    match read {
        Ok(_) => id.trim().to_owned(),
        Err(_) => now().to_string(),
    }
}

/// A point on the monotonic clock, for durations.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopwatch(std::time::Instant);

impl Stopwatch {
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    pub(crate) fn start() -> Self {
        Self(std::time::Instant::now())
    }

    pub(crate) fn seconds(self) -> f64 {
        self.0.elapsed().as_secs_f64()
    }
}
