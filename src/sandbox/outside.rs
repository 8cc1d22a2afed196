//! БМГ, 1414 and the subjects' phones, simulated behind the traits of the real ones. What phones received is kept in
//! an append-only file, because it happened outside: it survives whatever happens to the service.

use super::ear::{Ear, Incoming, What};
use super::world::{Bmg, SmsWord, World};
use crate::clock::Clock;
use crate::consent::identity::{Iin, Msisdn};
use crate::gateway::fault::PartyFault;
use crate::gateway::{Answer, CitizenDirectory, Sms, SmsError, SmsGateway};
use crate::serve::StartError;
use crate::store::StoreError;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;
use tokio::task::JoinSet;

/// How long after 1414 took an SMS over its fate is known, milliseconds.
const REPORT_AFTER: i64 = 200;
/// The first pause before something is brought again, and the longest, milliseconds.
const PAUSES: (i64, i64) = (500, 30_000);

/// An SMS that 1414 took over.
#[derive(Clone, Serialize, Deserialize)]
pub struct Received {
    /// Id of the sender's.
    id: String,
    to: String,
    /// Unix milliseconds.
    pub at: i64,
    /// What it says.
    pub text: String,
    #[serde(default)]
    fate: Fate,
}

/// What became of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// The phone has it.
    #[default]
    Delivered,
    /// The phone never gets it.
    Undelivered,
    /// Nor here: its time was up.
    Expired,
}

impl Fate {
    /// The state in a delivery report.
    #[must_use]
    pub fn state(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Undelivered => "undelivered",
            Self::Expired => "expired",
        }
    }
}

/// A line of the file.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Happened {
    Received(Received),
    /// A subject sent an SMS by hand.
    Said(Incoming),
    /// What has this id was handed to the service.
    Replied(String),
}

struct State {
    file: File,
    received: Vec<Received>,
    ids: HashSet<String>,
    replied: HashSet<String>,
    /// By due time and a running number; with how often it was tried.
    planned: BTreeMap<(i64, u64), (Incoming, u32)>,
    next: u64,
}

/// Everything outside.
pub struct Outside {
    world: World,
    clock: Arc<dyn Clock>,
    /// Whether senders of SMS get delivery reports.
    reports: bool,
    /// How long subjects take, milliseconds.
    delay: AtomicI64,
    state: Mutex<State>,
    /// Rings when a reply was planned.
    pub wake: Notify,
}

impl Outside {
    /// Opens the file of what happened; `reports`: delivery reports are sent.
    ///
    /// # Errors
    /// [`StartError::File`].
    pub fn open(path: &Path, world: World, clock: Arc<dyn Clock>, reports: bool) -> Result<Self, StartError> {
        let failed = |e: std::io::Error| StartError::File(path.to_owned(), e.kind());
        let file = std::fs::OpenOptions::new().create(true).append(true).open(path).map_err(failed)?;
        let before = std::fs::read_to_string(path).map_err(failed)?;
        let state = State {
            file,
            received: Vec::new(),
            ids: HashSet::new(),
            replied: HashSet::new(),
            planned: BTreeMap::new(),
            next: 0,
        };
        let delay = AtomicI64::new(1000);
        let outside = Self { world, clock, reports, delay, state: Mutex::new(state), wake: Notify::new() };
        {
            let mut state = outside.state();
            let mut said = Vec::new();
            // A last line that was cut off by a crash was never confirmed.
            for happened in before.lines().filter_map(|line| serde_json::from_str(line).ok()) {
                match happened {
                    Happened::Received(sms) => state.remember(sms),
                    Happened::Said(incoming) => said.push(incoming),
                    Happened::Replied(id) => {
                        state.replied.insert(id);
                    }
                }
            }
            for sms in state.received.clone() {
                outside.plan(&mut state, &sms);
            }
            for incoming in said {
                state.plan(incoming.at, incoming);
            }
        }
        Ok(outside)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The time outside, Unix milliseconds.
    #[must_use]
    pub fn now(&self) -> i64 {
        self.clock.now()
    }

    /// How long subjects take before they reply, milliseconds.
    #[must_use]
    pub fn delay(&self) -> i64 {
        self.delay.load(Ordering::Relaxed)
    }

    /// Sets it, for replies that are not planned yet.
    pub fn set_delay(&self, milliseconds: i64) {
        self.delay.store(milliseconds, Ordering::Relaxed);
    }

    /// What the phone with this number received, newest last.
    #[must_use]
    pub fn phone(&self, msisdn: &str) -> Vec<Received> {
        let has = |sms: &&Received| sms.to == msisdn && sms.fate == Fate::Delivered;
        self.state().received.iter().filter(has).cloned().collect()
    }

    /// When the next reply is due, Unix milliseconds.
    #[must_use]
    pub fn next_due(&self) -> Option<i64> {
        self.state().planned.keys().next().map(|(due, _)| *due)
    }

    /// What was planned by now is brought; answers with how much of it was taken over.
    ///
    /// # Errors
    /// [`StoreError`]; it is brought again.
    pub async fn reply_due(&self, ear: &Arc<dyn Ear>) -> Result<usize, StoreError> {
        let mut taken = 0;
        loop {
            let due = self.state().take_due(self.now(), ear.at_once());
            if due.is_empty() {
                return Ok(taken);
            }
            let mut bringing = JoinSet::new();
            for (key, planned) in due {
                let ear = ear.clone();
                bringing.spawn(async move {
                    let heard = ear.hear(&planned.0).await;
                    (key, planned, heard)
                });
            }
            let mut failed = None;
            while let Some(brought) = bringing.join_next().await {
                // One that panicked is planned again by the next start.
                let Ok((key, (incoming, tries), heard)) = brought else { continue };
                match heard {
                    Ok(true) => {
                        taken += 1;
                        self.state().end(incoming.id);
                    }
                    Ok(false) => {
                        let due = self.now() + (PAUSES.0 << tries.min(6)).min(PAUSES.1);
                        self.state().planned.insert((due, key.1), (incoming, tries + 1));
                    }
                    Err(error) => {
                        self.state().planned.insert(key, (incoming, tries));
                        failed = Some(error);
                    }
                }
            }
            if let Some(error) = failed {
                return Err(error);
            }
        }
    }

    /// A subject sends an SMS, and it is brought to the service as soon as may be.
    ///
    /// # Errors
    /// Those of the file.
    pub fn say(&self, incoming: Incoming) -> std::io::Result<()> {
        {
            let mut state = self.state();
            state.append(&Happened::Said(incoming.clone()))?;
            state.plan(incoming.at, incoming);
        }
        self.wake.notify_one();
        Ok(())
    }

    /// 1414 takes an SMS over, and does this with it; one that it has already changes nothing.
    ///
    /// # Errors
    /// [`PartyFault`].
    pub fn take_sms(&self, sms: &Sms<'_>, fate: Fate) -> Result<(), PartyFault> {
        let to = sms.to.as_str();
        if self.world.by_msisdn(to).is_some_and(|b| b.sms == SmsWord::Down) {
            return Err(PartyFault::Fault);
        }
        {
            let mut state = self.state();
            if state.ids.contains(sms.id) {
                return Ok(());
            }
            let (id, at, text) = (sms.id.to_owned(), self.now(), sms.text.to_owned());
            let received = Received { id, to: to.to_owned(), at, text, fate };
            let line = Happened::Received(received.clone());
            state.append(&line).map_err(|_| PartyFault::Fault)?;
            state.remember(received.clone());
            self.plan(&mut state, &received);
        }
        self.wake.notify_one();
        Ok(())
    }

    /// Plans what comes of an SMS: the delivery report, and what the subject replies to a question.
    fn plan(&self, state: &mut State, sms: &Received) {
        if self.reports {
            let what = What::Report { sms_id: sms.id.clone(), state: sms.fate.state().to_owned() };
            let at = sms.at + REPORT_AFTER;
            state.plan(at, Incoming { id: format!("{}-report", sms.id), at, what });
        }
        if !sms.id.ends_with("-ask") || sms.fate != Fate::Delivered {
            return;
        }
        let Some(behaviour) = self.world.by_msisdn(&sms.to) else { return };
        let mut due = sms.at;
        for (n, reply) in behaviour.replies.iter().enumerate() {
            due += reply.delay_seconds.map_or_else(|| self.delay(), |seconds| seconds * 1000);
            let what = What::Reply { from: sms.to.clone(), text: reply.text.clone() };
            state.plan(due, Incoming { id: format!("{}-reply-{n}", sms.id), at: due, what });
        }
    }
}

impl State {
    fn remember(&mut self, sms: Received) {
        self.ids.insert(sms.id.clone());
        self.received.push(sms);
    }

    fn plan(&mut self, due: i64, incoming: Incoming) {
        if !self.replied.contains(&incoming.id) {
            self.next += 1;
            self.planned.insert((due, self.next), (incoming, 0));
        }
    }

    fn take_due(&mut self, now: i64, most: usize) -> Vec<((i64, u64), (Incoming, u32))> {
        let due: Vec<(i64, u64)> =
            self.planned.keys().take_while(|(due, _)| *due <= now).take(most).copied().collect();
        due.into_iter().filter_map(|key| Some((key, self.planned.remove(&key)?))).collect()
    }

    fn end(&mut self, id: String) {
        let replied = Happened::Replied(id.clone());
        let _ = self.append(&replied);
        self.replied.insert(id);
    }

    fn append(&mut self, happened: &Happened) -> std::io::Result<()> {
        let mut line = serde_json::to_vec(happened)?;
        line.push(b'\n');
        self.file.write_all(&line)?;
        self.file.sync_data()
    }
}

impl CitizenDirectory for Outside {
    fn numbers<'a>(&'a self, iin: &'a Iin) -> Answer<'a, Result<Vec<Msisdn>, PartyFault>> {
        Box::pin(async move {
            match self.world.by_iin(iin.as_str()) {
                None => Ok(Vec::new()),
                Some((subject, behaviour)) => match behaviour.bmg {
                    Bmg::Found => Ok(subject.msisdn.as_deref().and_then(Msisdn::parse).into_iter().collect()),
                    Bmg::NotFound => Ok(Vec::new()),
                    // Not silence, after which others would wait too.
                    Bmg::Down => Err(PartyFault::Fault),
                },
            }
        })
    }
}

impl SmsGateway for Outside {
    fn send<'a>(&'a self, sms: Sms<'a>) -> Answer<'a, Result<(), SmsError>> {
        Box::pin(async move { Ok(self.take_sms(&sms, Fate::Delivered)?) })
    }
}
