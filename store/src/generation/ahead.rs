//! Making rows on one thread while another one writes those before them.

use std::sync::mpsc::sync_channel;
use std::thread;

use crate::error::StoreError;

/// What is handed over at a time. Of such batches there are at most three: one is made, one waits, one is taken.
const BATCH_BYTES: usize = 256 << 10;

/// Takes all items in their order. They are made on another thread, and not further ahead than memory allows.
pub(super) fn ahead<T: Send>(
    mut items: impl Iterator<Item = Result<T, StoreError>> + Send,
    bytes: fn(&T) -> usize,
    mut take: impl FnMut(T) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    thread::scope(|scope| {
        let (sender, receiver) = sync_channel(1);
        scope.spawn(move || {
            // Whoever takes has stopped when nobody receives, and says why.
            while let Some(batch) = next_batch(&mut items, bytes)
                && sender.send(batch).is_ok()
            {}
        });
        receiver.into_iter().flatten().try_for_each(|item| take(item?))
    })
}

/// Some items; None when there are no more.
fn next_batch<T>(
    items: &mut impl Iterator<Item = Result<T, StoreError>>,
    bytes: fn(&T) -> usize,
) -> Option<Vec<Result<T, StoreError>>> {
    let (mut batch, mut taken) = (Vec::new(), 0);
    while taken < BATCH_BYTES {
        let Some(item) = items.next() else { break };
        taken += item.as_ref().map_or(0, bytes);
        batch.push(item);
    }
    (!batch.is_empty()).then_some(batch)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::{BATCH_BYTES, ahead};
    use crate::error::StoreError;

    /// Four of them are a batch.
    const ITEM_BYTES: usize = BATCH_BYTES / 4;

    #[test]
    fn items_come_in_their_order_and_few_are_made_ahead() {
        let (made, taken) = (AtomicUsize::new(0), RefCell::new(Vec::new()));
        let items = (0..1000_usize).map(|at| {
            made.fetch_add(1, Ordering::Relaxed);
            Ok(at)
        });
        let take = |at| {
            // One batch here, one that waits, and one that is being made.
            assert!(made.load(Ordering::Relaxed) <= at + 12);
            taken.borrow_mut().push(at);
            Ok(())
        };
        ahead(items, |_| ITEM_BYTES, take).expect("all are good");
        assert_eq!(taken.into_inner(), (0..1000).collect::<Vec<_>>());
    }

    #[test]
    fn the_first_error_ends_it_on_either_side() {
        let bad = || StoreError::damaged("a row");
        let items = (0..1000).map(|at| if at == 7 { Err(bad()) } else { Ok(at) });
        let mut taken = 0;
        let error = ahead(
            items,
            |_| ITEM_BYTES,
            |_| {
                taken += 1;
                Ok(())
            },
        );
        assert!(matches!(error, Err(StoreError::Damaged { .. })), "{error:?}");
        assert_eq!(taken, 7);
        let error = ahead((0..1000).map(Ok), |_| ITEM_BYTES, |at| if at == 5 { Err(bad()) } else { Ok(()) });
        assert!(matches!(error, Err(StoreError::Damaged { .. })), "{error:?}");
    }
}
