//! Reading all of what is served, in the background.
//!
//! A scan checks the blocks of the index that it reads, and fails where one is damaged. This thread finds damage before
//! a scan does, so that whoever watches `/readyz` hears of it.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use store::{GenerationRow, Store};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// What was found of the generations that were opened.
#[derive(Clone, Default)]
pub(crate) struct Integrity {
    damage: Arc<Mutex<Option<(u64, String)>>>,
}

impl Integrity {
    /// Starts the thread. It reads each generation that is sent to it, and ends when the sender is gone.
    pub(crate) fn start(store: Arc<Store>) -> Result<(Self, UnboundedSender<GenerationRow>), std::io::Error> {
        let (sender, receiver) = unbounded_channel();
        let integrity = Self::default();
        let found = integrity.clone();
        thread::Builder::new().name("integrity".to_owned()).spawn(move || found.run(&store, receiver))?;
        Ok((integrity, sender))
    }

    /// What is wrong with this generation, as far as it has been read.
    pub(crate) fn damage(&self, generation: u64) -> Option<String> {
        let damage = self.damage.lock().unwrap_or_else(PoisonError::into_inner);
        damage.as_ref().filter(|(number, _)| *number == generation).map(|(_, damage)| damage.clone())
    }

    fn run(&self, store: &Store, mut opened: UnboundedReceiver<GenerationRow>) {
        while let Some(row) = opened.blocking_recv() {
            let found = match store.check_intact(&row) {
                Ok(()) => {
                    tracing::info!(generation = row.number, "every byte of the data is what was imported");
                    None
                }
                Err(error) => {
                    tracing::error!(generation = row.number, "the data are damaged: {error}");
                    Some((row.number, error.to_string()))
                }
            };
            *self.damage.lock().unwrap_or_else(PoisonError::into_inner) = found;
        }
    }
}
