//! What falls due: numbers to find, SMS to hand over, answers to send, spans that end. A job is deleted by the transaction that
//! writes its effect, so a crash between the two repeats it and loses nothing.
//!
//! When the host's clock was set: for a while after it jumped, nothing is written down that time alone decides
//! ([`Task::is_by_time`]), since the jump may be taken back; and parties are asked at the time that was meant, though the
//! clock that it was planned by was set back since.

use crate::app::App;
use crate::consent::method::Method;
use crate::consent::sms::Ask;
use crate::consent::{Consent, Event};
use crate::gateway::fault::PartyFault;
use crate::gateway::{BMG, SMS, Sms, SmsError};
use crate::guard::guarded;
use crate::service::asynchronous;
use crate::store::seal::one_time_code;
use crate::store::{AccessRequest, Change, Job, Lane, Record, StoreError, Task};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::task::{JoinError, JoinSet};

/// Jobs that are worked on at the same time.
const AT_ONCE: usize = 32;
/// Most jobs taken from the database at a time.
const BATCH: u32 = 256;
/// The same while some are left where they are.
const BATCH_AFTER_A_STEP: u32 = 16_384;
/// How long the worker sleeps at most, so that it sees a clock that was moved.
const NAP: Duration = Duration::from_millis(500);

/// Held while the due jobs of a lane are worked on.
#[derive(Default)]
pub struct Lanes {
    consent: Mutex<()>,
    answers: Mutex<()>,
}

impl Lanes {
    fn lane(&self, lane: Lane) -> &Mutex<()> {
        match lane {
            Lane::Consent => &self.consent,
            Lane::Answers => &self.answers,
        }
    }
}

/// Works until the task is dropped.
pub async fn work(app: Arc<App>) {
    // Ends with this task.
    let mut answers = JoinSet::new();
    loop {
        if answers.is_empty() || answers.try_join_next().is_some() {
            answers.spawn(answer_due(app.clone()));
        }
        match run_lane(&app, Lane::Consent).await {
            Ok(0) | Err(StoreError::Unusable(_)) => {}
            Ok(_) => continue,
            Err(error) => tracing::warn!(%error, "due jobs could not be read"),
        }
        let nap = match app.store.next_due().await {
            Ok(Some(due)) if due > app.clock.now() => {
                let wait = due.saturating_sub(app.clock.now()).max(1);
                Duration::from_millis(u64::try_from(wait).unwrap_or(1)).min(NAP)
            }
            _ => NAP,
        };
        let _ = tokio::time::timeout(nap, app.wake.notified()).await;
    }
}

/// Answers what came by `AsyncChannel` and is due now; rings when there may be more.
async fn answer_due(app: Arc<App>) {
    match run_lane(&app, Lane::Answers).await {
        Ok(0) | Err(StoreError::Unusable(_)) => {}
        Ok(_) => app.wake.notify_one(),
        Err(error) => tracing::warn!(%error, "due answers could not be read"),
    }
}

/// Does what is due now; answers with how much of it is not due any more. Nothing is begun while the database cannot be
/// written: parties would be asked the same again and again.
///
/// # Errors
/// [`StoreError`] when the jobs cannot be read, or what they come to cannot be written.
pub async fn run_due(app: &Arc<App>) -> Result<usize, StoreError> {
    Ok(run_lane(app, Lane::Consent).await? + run_lane(app, Lane::Answers).await?)
}

async fn run_lane(app: &Arc<App>, lane: Lane) -> Result<usize, StoreError> {
    let _alone = app.jobs.lane(lane).lock().await;
    let jobs = due(app, lane).await?;
    if !jobs.is_empty() {
        app.store.check().await?;
    }
    let mut count = 0;
    let mut running = JoinSet::new();
    for job in jobs {
        if running.len() >= AT_ONCE {
            count += ended(running.join_next().await);
        }
        let app = app.clone();
        running.spawn(async move { perform(&app, &job).await });
    }
    while let Some(one) = running.join_next().await {
        count += ended(Some(one));
    }
    Ok(count)
}

fn ended(job: Option<Result<bool, JoinError>>) -> usize {
    usize::from(job.is_some_and(Result::unwrap_or_default))
}

/// What is due now, earliest first.
async fn due(app: &App, lane: Lane) -> Result<Vec<Job>, StoreError> {
    let now = app.careful_now();
    let (set_back, doubtful) = (app.steps.set_back(), app.steps.is_doubtful());
    if set_back == 0 && !doubtful {
        return app.store.due(lane, now, BATCH).await;
    }
    let latest_try = now + LONGEST_BACKOFF;
    let mut jobs = app.store.due(lane, latest_try.saturating_add(set_back), BATCH_AFTER_A_STEP).await?;
    jobs.retain(|job| {
        if job.task.is_by_time() {
            job.due <= now && !doubtful
        } else {
            // No try is put off that long: it was planned before the clock was set back.
            job.due <= now || job.due > latest_try
        }
    });
    Ok(jobs)
}

/// Does the jobs due at this moment one by one, in due order (the sandbox's clock).
///
/// # Errors
/// [`StoreError`] when the jobs cannot be read.
pub async fn run_in_order(app: &Arc<App>) -> Result<usize, StoreError> {
    let (_alone, _with_answers) =
        (app.jobs.lane(Lane::Consent).lock().await, app.jobs.lane(Lane::Answers).lock().await);
    let now = app.clock.now();
    let mut jobs = app.store.due(Lane::Consent, now, BATCH).await?;
    jobs.extend(app.store.due(Lane::Answers, now, BATCH).await?);
    jobs.sort_by_key(|job| (job.due, job.id));
    for job in &jobs {
        perform(app, job).await;
    }
    Ok(jobs.len())
}

/// Does one job, or puts it off; one that panics is put off like one that fails. `false`: it is due as before.
async fn perform(app: &App, job: &Job) -> bool {
    if let Ok(moved) = guarded(&app.metrics, perform_once(app, job)).await {
        return moved;
    }
    app.metrics.jobs_failed.inc();
    tracing::error!(request = %job.request, task = ?job.task, "a due job panicked");
    let postponed = async { app.store.postpone(job.id, app.clock.now() + backoff(job.tries)).await.is_ok() };
    guarded(&app.metrics, postponed).await == Ok(true)
}

async fn perform_once(app: &App, job: &Job) -> bool {
    let at = app.careful_now();
    if job.task.is_by_time() && app.steps.is_doubtful() {
        return false;
    }
    let event =
        |outcome: &str| Record { at, kind: "event", outcome: outcome.to_owned(), ..Record::default() };
    let outcome = match job.task {
        Task::Review => app.store.review(job.request, event("review")).await.map(|()| true),
        Task::Overdue => {
            tracing::warn!(about = %job.request, "a term of an integration application or incident has ended");
            let record = Record { request: Some(job.request), ..event("overdue") };
            app.store.overdue(job.id, record).await.map(|()| true)
        }
        Task::Sweep => sweep(app, job, event("sweep")).await,
        Task::Answer => asynchronous::answer(app, job, at).await,
        Task::FindNumber | Task::SendAsk | Task::SendHelp | Task::SendReference | Task::Expire => {
            match app.store.request(job.request).await {
                Ok(Some(request)) => attempt(app, job, &request, at).await,
                Ok(None) => app.store.done(job.id).await.map(|()| true),
                Err(error) => Err(error),
            }
        }
    };
    match outcome {
        Ok(true) => {
            app.metrics.jobs_done.inc();
        }
        Ok(false) => {
            app.metrics.jobs_failed.inc();
        }
        Err(error) => {
            app.metrics.jobs_failed.inc();
            if !matches!(error, StoreError::Unusable(_)) {
                tracing::warn!(request = %job.request, task = ?job.task, %error, "a due job failed");
            }
            return app.store.postpone(job.id, at + backoff(job.tries)).await.is_ok();
        }
    }
    true
}

/// The daily sweep: in bounded pieces, then it is put off to the next night.
async fn sweep(app: &App, job: &Job, record: Record) -> Result<bool, StoreError> {
    let at = record.at;
    // A piece at a time: what else is due goes on in between.
    let more = app.store.sweep(app.config.sweeping(at), record).await?;
    app.store.postpone(job.id, if more { at } else { next_night(at) }).await.map(|()| true)
}

/// 03:00 of the next day in Astana, Unix milliseconds.
fn next_night(at: i64) -> i64 {
    let offset = i64::from(crate::clock::ASTANA.whole_seconds()) * 1000;
    let day = (at + offset).div_euclid(86_400_000) + 1;
    day * 86_400_000 + 3 * 3_600_000 - offset
}

/// Tries the job once; `false`: the party was not available, and the job was put off.
async fn attempt(app: &App, job: &Job, request: &AccessRequest, at: i64) -> Result<bool, StoreError> {
    let consent = request.consent.clone().at(at);
    let event = match (job.task, &consent) {
        (Task::FindNumber, Consent::Seeking { .. }) => match app.citizen.numbers(&request.iin).await {
            Ok(numbers) => numbers.into_iter().next().map_or(Event::NumberAbsent, Event::NumberFound),
            Err(fault) => return put_off(app, job, &consent, (BMG, fault), at).await,
        },
        (Task::SendAsk, Consent::Sending { .. }) => match send(app, request, "ask", &ask(app, request)).await
        {
            Ok(()) => Event::SmsAccepted,
            Err(SmsError::Refused) => Event::SmsRefused,
            Err(SmsError::Fault(fault)) => return put_off(app, job, &consent, (SMS, fault), at).await,
        },
        (Task::SendHelp, Consent::Sending { .. } | Consent::Waiting { .. }) => {
            let text = app.templates.help(&request.reference, request.method == Method::Code);
            return tell(app, job, request, &consent, "help", &text, at).await;
        }
        (Task::SendReference, Consent::Sending { .. } | Consent::Waiting { .. }) => {
            return tell(app, job, request, &consent, "reference", app.templates.add_reference(), at).await;
        }
        // The request has ended meanwhile: there is nothing to explain any more.
        (Task::SendHelp | Task::SendReference, _) => {
            app.store.done(job.id).await?;
            return Ok(true);
        }
        // Its span has ended, unless the clock is wrong.
        (Task::FindNumber | Task::SendAsk | Task::Expire, _) if app.steps.is_doubtful() => {
            return app.store.postpone(job.id, at + backoff(job.tries)).await.map(|()| false);
        }
        (Task::FindNumber | Task::SendAsk | Task::Expire, _) => Event::Due,
        (Task::Review | Task::Overdue | Task::Sweep | Task::Answer, _) => return Ok(true),
    };
    let outcome = match &event {
        Event::NumberFound(_) => "number found",
        Event::NumberAbsent => "no number",
        Event::SmsAccepted => "sms accepted",
        Event::SmsRefused => "sms refused",
        _ => "time",
    };
    // The clock is read again: the party took its time, and a span counts from its answer.
    let record =
        Record { at: app.clock.now(), kind: "event", outcome: outcome.to_owned(), ..Record::default() };
    app.store.change(request.id, Change::Event(event), record).await?;
    app.wake.notify_one();
    Ok(true)
}

/// An explanation to the subject: sent at most once where the gateway is idempotent.
async fn tell(
    app: &App,
    job: &Job,
    request: &AccessRequest,
    consent: &Consent,
    kind: &str,
    text: &str,
    at: i64,
) -> Result<bool, StoreError> {
    match send(app, request, kind, text).await {
        Ok(()) | Err(SmsError::Refused) => app.store.done(job.id).await.map(|()| true),
        Err(SmsError::Fault(fault)) => put_off(app, job, consent, (SMS, fault), at).await,
    }
}

async fn send(app: &App, request: &AccessRequest, kind: &str, text: &str) -> Result<(), SmsError> {
    let to = request.msisdn.as_ref().ok_or(SmsError::Refused)?;
    let id = format!("{}-{kind}", request.id);
    let span = if request.method == Method::Code { app.spans.code } else { app.spans.answer };
    let valid_until = app.clock.now().saturating_add(span.saturating_mul(1000));
    app.sms.send(Sms { id: &id, to, text, valid_until }).await
}

/// What the subject is asked; the code of method 5 exists only here and where a try is judged.
fn ask(app: &App, request: &AccessRequest) -> String {
    let code = (request.method == Method::Code).then(|| one_time_code(&*app.seal, request));
    crate::consent::sms::render(
        &app.templates,
        &Ask {
            initiator: &request.company,
            data: &request.data,
            term: Duration::from_secs(request.term_seconds),
            reference: &request.reference,
            code: code.as_deref(),
        },
    )
}

/// Tries again later, but not after the state's own span has ended; what the party did wrong is journalled.
async fn put_off(
    app: &App,
    job: &Job,
    consent: &Consent,
    (party, fault): (&'static str, PartyFault),
    at: i64,
) -> Result<bool, StoreError> {
    note_fault(app, party, fault, Record { at, request: Some(job.request), ..Record::default() }).await?;
    let next = at + backoff(job.tries);
    let due = consent.until().map_or(next, |until| next.min(until));
    app.store.postpone(job.id, due).await.map(|()| false)
}

/// Journals what a party outside did wrong, in a record about whom or what it met.
///
/// # Errors
/// [`StoreError`].
pub async fn note_fault(
    app: &App,
    party: &'static str,
    fault: PartyFault,
    record: Record,
) -> Result<(), StoreError> {
    if !fault.is_its_own() {
        return Ok(());
    }
    let outcome = format!("{party}: {}", fault.code());
    app.store.note(Record { kind: "party", outcome, ..record }).await
}

/// 2, 4, 8, 16, 32, then every 60 seconds; milliseconds.
#[must_use]
pub fn backoff(tries: u32) -> i64 {
    if tries < 5 { 2000 << tries } else { LONGEST_BACKOFF }
}

/// Milliseconds.
const LONGEST_BACKOFF: i64 = 60_000;

impl Task {
    /// Whether it writes down what time has decided; else a party is asked or told something.
    #[must_use]
    pub fn is_by_time(self) -> bool {
        match self {
            Self::FindNumber | Self::SendAsk | Self::SendHelp | Self::SendReference | Self::Answer => false,
            Self::Expire | Self::Review | Self::Overdue | Self::Sweep => true,
        }
    }
}
