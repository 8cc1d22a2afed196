//! Sealing anew in the background, after the sealing key changed: slowly, beside everything else.

use crate::app::App;
use crate::store::Record;
use crate::store::reseal::Resealing;
use std::sync::Arc;
use std::time::Duration;

/// Values of one piece: some milliseconds of the writing thread.
const PIECE: u32 = 100;
/// From one piece to the next: the writing thread is left to others most of the time.
const PACE: Duration = Duration::from_millis(25);
/// From one look at the keys to the next, when nothing is to be done.
const IDLE: Duration = Duration::from_secs(1);
/// How many of these lie between two looks into the database.
const REST: u32 = 10;

/// Seals anew whatever the present key did not seal, and counts what it seals. A key that comes in is noticed at once.
pub async fn keep(app: Arc<App>) {
    let (mut busy, mut idle) = (tokio::time::interval(PACE), tokio::time::interval(IDLE));
    for tick in [&mut busy, &mut idle] {
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    }
    let (mut done, mut rest, mut failing) = (None, 0, false);
    loop {
        if failing || app.seal.number() == done {
            idle.tick().await;
            rest += 1;
            if rest < REST && (failing || app.seal.number() == done) {
                continue;
            }
        } else {
            busy.tick().await;
        }
        rest = 0;
        let number = app.seal.number();
        let record = Record { at: app.clock.now(), kind: "sealing", ..Record::default() };
        let outcome = app.store.reseal(PIECE, record).await;
        if let Err(error) = &outcome
            && !failing
        {
            tracing::warn!(%error, "sealing anew was broken off and is tried again");
        }
        failing = outcome.is_err();
        let left = match outcome {
            Ok(Resealing::Left(left)) => left,
            Ok(Resealing::Done) => {
                done = number;
                0
            }
            Err(_) => continue,
        };
        app.metrics.store.reseal_left.set(i64::try_from(left).unwrap_or(i64::MAX));
    }
}
