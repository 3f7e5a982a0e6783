//! One thread walks the input, another has its documents parsed on all cores.
//!
//! Between them is a channel of one batch, so at most three batches are in memory: one being
//! filled, one waiting, one being parsed. Batches are parsed in order and their documents'
//! results are put together in order.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use rayon::iter::{IntoParallelIterator, ParallelIterator};

use super::Ingested;
use crate::error::FeedError;

const BATCH_BYTES: usize = 4 << 20;
const BATCH_DOCUMENTS: usize = 4096;

/// A function from a whole document to what is in it.
pub(crate) type Parse = fn(&str, &[u8], &mut Ingested);

/// A document in memory and its parser.
pub(crate) struct Job {
    pub(crate) document: String,
    pub(crate) bytes: Vec<u8>,
    pub(crate) parse: Parse,
}

enum Work {
    Parse(Vec<Job>),
    Done(Box<Ingested>),
}

/// Where the walk puts what it finds.
pub(crate) struct Feed {
    batch: Vec<Job>,
    bytes: usize,
    /// Counts of documents that need no parsing.
    aside: Ingested,
    sender: SyncSender<Work>,
}

impl Feed {
    /// Queues a document for parsing.
    pub(crate) fn parse(&mut self, job: Job) {
        self.bytes += job.bytes.len();
        self.batch.push(job);
        if self.bytes >= BATCH_BYTES || self.batch.len() >= BATCH_DOCUMENTS {
            self.flush();
        }
    }

    /// Adds a result that the walk made itself, after everything queued so far.
    pub(crate) fn done(&mut self, ingested: Ingested) {
        self.flush();
        self.send(Work::Done(Box::new(ingested)));
    }

    /// The counts of documents that need no parsing; they come last.
    pub(crate) fn aside(&mut self) -> &mut Ingested {
        &mut self.aside
    }

    fn finish(mut self) {
        let aside = std::mem::take(&mut self.aside);
        self.done(aside);
    }

    fn flush(&mut self) {
        self.bytes = 0;
        if !self.batch.is_empty() {
            let batch = std::mem::take(&mut self.batch);
            self.send(Work::Parse(batch));
        }
    }

    fn send(&self, work: Work) {
        // The receiver is gone only when it panicked, and then `run` passes the panic on.
        let _ = self.sender.send(work);
    }
}

/// Runs `walk` and collects what it feeds.
pub(crate) fn run(into: &mut Ingested, walk: impl FnOnce(&mut Feed) -> Result<(), FeedError>) -> Result<(), FeedError> {
    let (sender, receiver) = sync_channel(1);
    thread::scope(|scope| {
        let collector = scope.spawn(move || collect(&receiver, into));
        let mut feed = Feed { batch: Vec::new(), bytes: 0, aside: Ingested::new(), sender };
        let walked = walk(&mut feed);
        feed.finish();
        match collector.join() {
            Ok(()) => walked,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

fn collect(receiver: &Receiver<Work>, into: &mut Ingested) {
    for work in receiver {
        match work {
            Work::Done(ingested) => into.absorb(*ingested),
            Work::Parse(batch) => {
                let parsed: Vec<Ingested> = batch.into_par_iter().map(|job| parse(&job)).collect();
                parsed.into_iter().for_each(|ingested| into.absorb(ingested));
            }
        }
    }
}

fn parse(job: &Job) -> Ingested {
    let mut ingested = Ingested::new();
    (job.parse)(&job.document, &job.bytes, &mut ingested);
    ingested.expect_something(&job.document);
    ingested
}
