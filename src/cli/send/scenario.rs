//! `kdp send --scenario`: calls one after the other, each with what must come of it, reported as a test runner does.

mod expect;
mod file;
mod junit;
mod report;
mod sandbox;
mod value;

use super::sender::{client, url};
use super::{Args, Call};
use crate::cli::{Exit, Failure, Progress, Result, argument};
use file::{Action, Scenario, Sending, stand_in};
use report::{End, Report, Told};
use sandbox::Sandbox;
use std::path::Path;
use std::time::Duration;
use value::Values;

/// Runs the scenario of a file and tells what became of each step.
///
/// Exit 0: every step passed; 1: one did not; 2: the scenario is wrong, or a step could not be tried.
pub async fn run(args: &Args, path: &Path) -> Result {
    let wrong = |why: String| Failure::unusable(format!("{}: {why}", path.display()));
    let mut scenario = Scenario::parse(&argument::text_file(path)?).map_err(wrong)?;
    for pair in &args.value {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let known = scenario.values.get_mut(name);
        let known =
            known.ok_or_else(|| Failure::unusable(format!("--value: the scenario has no value {name}")))?;
        value.clone_into(known);
    }
    if let Some(path) = &args.junit {
        // What cannot be written is told before anything is sent.
        junit::write(path, "")?;
    }
    let values = Values::new(scenario.values.clone());
    let written = scenario.url.as_deref().filter(|_| args.url.is_none());
    let place = match written {
        Some(url) => values.fill(url)?.parse().map_err(|_| wrong(format!("{url} is no address")))?,
        None => url(args),
    };
    let mut stage = Stage {
        base: args,
        folder: path.parent().unwrap_or(Path::new("")),
        sandbox: Sandbox::new(client(args)?, place),
        values,
        asked: 0,
    };
    let mut report = Report::new(&scenario.title);
    let mut progress = Progress::default();
    for step in &scenario.steps {
        let (told, seconds) = timed(Box::pin(stage.perform(&step.action))).await;
        progress.step("steps");
        let name = step.name.replace(char::is_control, " ");
        report.add(Told { name, seconds, ..told });
    }
    drop(progress);
    if let Some(path) = &args.junit {
        junit::write(path, &junit::document(&report)?)?;
    }
    Ok(report.outcome(args.json))
}

async fn timed<T>(work: impl Future<Output = T>) -> (T, Duration) {
    #[expect(clippy::disallowed_methods, reason = "a stopwatch, not a date")]
    let started = std::time::Instant::now();
    (work.await, started.elapsed())
}

/// Where a scenario has come to.
struct Stage<'a> {
    /// What the command line says.
    base: &'a Args,
    /// Where its files stand.
    folder: &'a Path,
    sandbox: Sandbox,
    values: Values,
    /// When the last call was made, by the clock of the sandbox, Unix milliseconds.
    asked: i64,
}

impl Stage<'_> {
    async fn perform(&mut self, action: &Action) -> Told {
        // Of a scenario that is run twice, or a name that is kept twice, no old value may pass for a new one.
        let keeps: Vec<String> = action.keeps().map(str::to_owned).collect();
        let filled = action.filled(&self.values);
        for name in &keeps {
            self.values.lose(name);
        }
        let done = match filled {
            Err(absent) => return Told::of(End::Skipped(absent.to_string())),
            Ok(Action::Send(sending)) => return self.send(&sending).await,
            Ok(Action::Sms(sms)) => {
                let read = self.sandbox.read(&sms, self.asked).await;
                read.map(|word| self.values.keep(&sms.keep, word))
            }
            Ok(Action::Reply(reply)) => self.sandbox.reply(&reply).await,
            Ok(Action::Clock(moved)) => self.sandbox.clock(&moved).await,
        };
        Told::of(done.map_or_else(End::from, |()| End::Passed))
    }

    async fn send(&mut self, sending: &Sending) -> Told {
        let (call, answer) = match self.call(sending).await {
            Ok(both) => both,
            Err(failure) => return Told::of(failure.into()),
        };
        let mut lines = match &sending.expect {
            Some(expect) => expect.differences(&answer),
            None if answer.is_wanted(call.asked) => Vec::new(),
            None => vec![answer.summary()],
        };
        for (name, element) in &sending.keep {
            match answer.data(element) {
                Some(value) => self.values.keep(name, value.to_owned()),
                None => lines.push(format!("{element}: none, to be kept as {name}")),
            }
        }
        let end = if lines.is_empty() { End::Passed } else { End::Failed(lines) };
        Told { decision: answer.decision().map(str::to_owned), ..Told::of(end) }
    }

    async fn call(&mut self, sending: &Sending) -> Result<(Call, super::Answer)> {
        let mut args = sending.args().map_err(Failure::unusable)?;
        stand_in(&mut args, self.folder);
        overrule(&mut args, self.base);
        let call = Call::prepare(&args).await?;
        self.asked = call.sender.now();
        let answer = call.answer().await?;
        Ok((call, answer))
    }
}

/// What the command line says of all calls wins over what the scenario says of one.
fn overrule(args: &mut Args, base: &Args) {
    let Args { url, via, crypto, key_info, trust, tls_ca, save, .. } = base;
    args.url = url.clone().or(args.url.take());
    args.via = via.clone().or(args.via.take());
    args.crypto = crypto.or(args.crypto);
    args.key_info = key_info.or(args.key_info);
    args.tls_ca = tls_ca.clone().or(args.tls_ca.take());
    if !trust.is_empty() {
        args.trust.clone_from(trust);
    }
    args.save.clone_from(save);
}

impl From<Failure> for End {
    fn from(failure: Failure) -> Self {
        match failure.exit {
            Exit::Refused => Self::Failed(vec![failure.text]),
            Exit::Accepted | Exit::Unusable | Exit::Undecided => Self::Impossible(failure.text),
        }
    }
}
