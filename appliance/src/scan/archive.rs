//! Keeping scan reports: a thread that commits whatever has gathered since its last commit.
//!
//! One durable commit per scan would cap the rate at that of the disk's sync; a commit per
//! batch costs the same and serves all that wait for it. A caller is answered only after
//! its own report is on disk.

use std::sync::Arc;
use std::thread;

use store::{Store, StoreError};
use tokio::sync::{mpsc, oneshot};

/// Reports that may wait. More makes callers wait before they hand theirs over.
const WAITING_MAX: usize = 256;

struct Entry {
    id: String,
    report: Vec<u8>,
    done: oneshot::Sender<Result<(), String>>,
}

/// The sending side.
#[derive(Clone)]
pub(crate) struct Archive {
    sender: mpsc::Sender<Entry>,
}

impl Archive {
    /// Starts the thread. It ends when every sender is gone.
    pub(crate) fn start(store: Arc<Store>) -> Result<Self, std::io::Error> {
        let (sender, receiver) = mpsc::channel(WAITING_MAX);
        thread::Builder::new().name("archive".to_owned()).spawn(move || run(&store, receiver))?;
        Ok(Self { sender })
    }

    /// Keeps a report; returns once it is durable.
    pub(crate) async fn keep(&self, id: String, report: Vec<u8>) -> Result<(), String> {
        let (done, waiting) = oneshot::channel();
        let gone = |_| "the archive has stopped".to_owned();
        self.sender.send(Entry { id, report, done }).await.map_err(|_| gone(()))?;
        waiting.await.map_err(|_| gone(()))?
    }
}

fn run(store: &Store, mut receiver: mpsc::Receiver<Entry>) {
    while let Some(first) = receiver.blocking_recv() {
        let mut batch = vec![first];
        while let Ok(next) = receiver.try_recv() {
            batch.push(next);
        }
        let result = commit(store, &batch).map_err(|error| error.to_string());
        for entry in batch {
            // A caller that went away does not need the answer.
            let _ = entry.done.send(result.clone());
        }
    }
}

fn commit(store: &Store, batch: &[Entry]) -> Result<(), StoreError> {
    store.save_scans(batch.iter().map(|entry| (entry.id.as_str(), entry.report.as_slice())))
}
