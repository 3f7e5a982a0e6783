//! Progress on stderr: a bar for people, one line per step where there is no terminal.

use std::io::IsTerminal;
use std::sync::Mutex;

use indicatif::{ProgressBar, ProgressStyle};

use super::Global;

/// Shows how far long work is.
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    step: Mutex<String>,
    lines: bool,
}

impl Progress {
    pub(crate) fn new(global: &Global) -> Self {
        let shown = !global.quiet && !global.no_progress;
        let terminal = std::io::stderr().is_terminal();
        let bar = (shown && terminal).then(ProgressBar::new_spinner);
        Self { bar, step: Mutex::default(), lines: shown && !terminal }
    }

    /// Begins a step. `total` is in bytes where it is known.
    pub(crate) fn step(&self, name: &str, total: Option<u64>) {
        let template = match total {
            Some(_) => "{msg:<28} [{bar:30}] {bytes}/{total_bytes} {bytes_per_sec}",
            None => "{msg:<28} {spinner} {bytes} {elapsed}",
        };
        self.begin(name, total.unwrap_or_default(), template);
    }

    /// Begins a step that counts things.
    pub(crate) fn count(&self, name: &str, total: u64) {
        self.begin(name, total, "{msg:<28} [{bar:30}] {human_pos}/{human_len} {per_sec}");
    }

    fn begin(&self, name: &str, total: u64, template: &str) {
        let Ok(mut step) = self.step.lock() else { return };
        if *step == name {
            return;
        }
        name.clone_into(&mut step);
        if self.lines {
            #[expect(clippy::print_stderr, reason = "progress for logs")]
            {
                eprintln!("{name}");
            }
        }
        if let Some(bar) = &self.bar {
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style.progress_chars("=> "));
            }
            bar.set_message(name.to_owned());
            bar.set_length(total);
            bar.set_position(0);
        }
    }

    pub(crate) fn at(&self, bytes: u64) {
        if let Some(bar) = &self.bar {
            bar.set_position(bytes);
        }
    }

    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
