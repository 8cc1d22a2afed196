//! Hands each record to a target after its commit, at least once: where it is, is remembered in the database and moves on
//! only when the target has the records, as far as can be known. Nothing is skipped while a target is away.

use super::metric::TargetLabels;
use super::sink::Sink;
use super::syslog::Origin;
use super::target::Target;
use crate::app::App;
use crate::store::StoreError;
use std::collections::VecDeque;
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// Most records handed over at once.
const BATCH: u32 = 500;
/// Time between two looks for new records.
const PACE: Duration = Duration::from_millis(200);
/// Time between two tries of a target that is away.
const RETRY: Duration = Duration::from_secs(1);
/// How long what came last may take at the end of the service.
const LAST: Duration = Duration::from_secs(5);

/// Hands records on until `stop` turns true, then those that came last. While the oldest that waits is older than
/// `most_behind` seconds, exchanges are refused; 0: never.
pub async fn forward(app: Arc<App>, target: Target, most_behind: u32, mut stop: watch::Receiver<bool>) {
    let labels = TargetLabels { target: target.label() };
    let origin = Origin::here(&app.config.token.issuer);
    let mut way = Way {
        app,
        labels: labels.clone(),
        origin,
        target,
        most_behind: i64::from(most_behind),
        sink: None,
        sent: 0,
        kept: None,
        unsure: VecDeque::new(),
        failing: false,
        refusing: false,
    };
    let mut ending = stop.clone();
    let ended = async {
        let _ = ending.wait_for(|stop| *stop).await;
        tokio::time::sleep(LAST).await;
    };
    tokio::select! {
        () = way.go(&mut stop) => {}
        () = ended => tracing::warn!(to = labels.target, "records of the journal are left for the next start"),
    }
    way.refuse(false);
}

/// Why a step did not come off.
enum Stopped {
    /// The database.
    Store(StoreError),
    /// The target.
    Target(ErrorKind),
}

/// The way of the records to one target.
struct Way {
    app: Arc<App>,
    labels: TargetLabels,
    origin: Origin,
    target: Target,
    most_behind: i64,
    sink: Option<Sink>,
    /// The last record that was sent.
    sent: i64,
    /// The last one that the target has, as the database remembers it; `None`: that was not read yet.
    kept: Option<i64>,
    /// What was sent when, and may yet turn out to be lost.
    unsure: VecDeque<(Instant, i64)>,
    failing: bool,
    refusing: bool,
}

impl Way {
    /// Goes on until `stop` turns true and the target has everything. It may be broken off at any time: what was on its
    /// way is sent again.
    async fn go(&mut self, stop: &mut watch::Receiver<bool>) {
        loop {
            let is_ending = *stop.borrow();
            let outcome = self.step().await;
            let pause = if outcome.is_ok() { PACE } else { RETRY };
            match outcome {
                Ok(true) if is_ending => return,
                Ok(true) => self.mended(),
                Ok(false) => {}
                Err(stopped) => self.failed(&stopped),
            }
            self.measure().await;
            if is_ending {
                tokio::time::sleep(pause).await;
            } else {
                let _ = tokio::time::timeout(pause, stop.wait_for(|stop| *stop)).await;
            }
        }
    }

    /// Sends what is new; `true`: the target has all of it.
    async fn step(&mut self) -> Result<bool, Stopped> {
        let kept = match self.kept {
            Some(kept) => kept,
            None => self.app.store.forwarded(self.target.counter()).await.map_err(Stopped::Store)?,
        };
        if self.kept.is_none() {
            (self.kept, self.sent) = (Some(kept), kept);
        }
        let away = |error: std::io::Error| Stopped::Target(error.kind());
        let mut sink = match self.sink.take() {
            Some(sink) => sink,
            None => Sink::open(&self.target).await.map_err(away)?,
        };
        sink.check().map_err(away)?;
        loop {
            let batch = self.app.store.journal(self.sent, BATCH).await.map_err(Stopped::Store)?;
            let Some(last) = batch.last() else { break };
            sink.send(&batch, &self.origin).await.map_err(away)?;
            sink.check().map_err(away)?;
            self.sent = last.entry.seq;
            self.unsure.push_back((Instant::now(), self.sent));
            self.confirm(sink.doubt()).await?;
            // A target that is slower than the service is never done: how far behind it is, is told all the same.
            self.measure().await;
        }
        self.confirm(sink.doubt()).await?;
        self.sink = Some(sink);
        Ok(self.kept == Some(self.sent))
    }

    /// Remembers what has stood long enough without an error.
    async fn confirm(&mut self, doubt: Duration) -> Result<(), Stopped> {
        let mut sure = None;
        while let Some((_, seq)) = self.unsure.pop_front_if(|(at, _)| at.elapsed() >= doubt) {
            sure = Some(seq);
        }
        if let Some(seq) = sure {
            self.app.store.keep_forwarded(self.target.counter(), seq).await.map_err(Stopped::Store)?;
            self.kept = Some(seq);
            self.mended();
        }
        Ok(())
    }

    /// What was sent and is not sure is sent again.
    fn failed(&mut self, stopped: &Stopped) {
        self.sink = None;
        self.unsure.clear();
        self.sent = self.kept.unwrap_or(0);
        self.app.metrics.journal.target_errors.get_or_create(&self.labels).inc();
        if !self.failing {
            let cause = match stopped {
                Stopped::Store(error) => error.to_string(),
                Stopped::Target(kind) => kind.to_string(),
            };
            let to = self.labels.target;
            tracing::error!(to, cause, "records of the journal cannot be handed on; they wait");
        }
        self.failing = true;
    }

    fn mended(&mut self) {
        if self.failing {
            tracing::warn!(to = self.labels.target, "records of the journal are handed on again");
        }
        self.failing = false;
    }

    /// Tells how far behind the target is, and whether that is too far.
    async fn measure(&mut self) {
        let Some(kept) = self.kept else { return };
        let (Ok(end), Ok(next)) = (self.app.store.journal_end().await, self.app.store.journal(kept, 1).await)
        else {
            return;
        };
        let age = next.first().map_or(0, |next| (self.app.clock.now() - next.entry.at).max(0) / 1000);
        let metrics = &self.app.metrics.journal;
        metrics.backlog_records.get_or_create(&self.labels).set(end.seq.saturating_sub(kept));
        metrics.backlog_seconds.get_or_create(&self.labels).set(age);
        self.refuse(self.most_behind > 0 && age > self.most_behind);
    }

    fn refuse(&mut self, refuse: bool) {
        if self.refusing == refuse {
            return;
        }
        self.refusing = refuse;
        let to = self.labels.target;
        if refuse {
            self.app.metrics.journal.refusing.inc();
            tracing::error!(to, "the journal is too far behind: exchanges are refused");
        } else {
            self.app.metrics.journal.refusing.dec();
            tracing::warn!(to, "the journal is not too far behind any more");
        }
    }
}
