//! БМГ, 1414 and the subjects' phones, simulated behind the traits of the real ones. What phones received is kept in
//! an append-only file, because it happened outside: it survives whatever happens to the service.

use super::world::{Bmg, SmsWord, World};
use crate::app::App;
use crate::clock::Clock;
use crate::consent::identity::{Iin, Msisdn};
use crate::gateway::{Answer, CitizenDirectory, Sms, SmsError, SmsGateway, Unavailable};
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

/// An SMS that a phone received.
#[derive(Clone, Serialize, Deserialize)]
pub struct Received {
    /// Id of the sender's.
    id: String,
    to: String,
    /// Unix milliseconds.
    pub at: i64,
    /// What it says.
    pub text: String,
}

/// A line of the file.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Happened {
    Received(Received),
    /// A reply with this id was handed to the service.
    Replied(String),
}

/// A reply that a subject will send.
struct Planned {
    id: String,
    from: String,
    text: String,
}

struct State {
    file: File,
    received: Vec<Received>,
    ids: HashSet<String>,
    replied: HashSet<String>,
    /// By due time and a running number.
    planned: BTreeMap<(i64, u64), Planned>,
    next: u64,
}

/// Everything outside.
pub struct Outside {
    world: World,
    clock: Arc<dyn Clock>,
    /// How long subjects take, milliseconds.
    delay: AtomicI64,
    state: Mutex<State>,
    /// Rings when a reply was planned.
    pub wake: Notify,
}

impl Outside {
    /// Opens the file of what happened.
    ///
    /// # Errors
    /// [`StartError::File`].
    pub fn open(path: &Path, world: World, clock: Arc<dyn Clock>) -> Result<Self, StartError> {
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
        let outside = Self { world, clock, delay, state: Mutex::new(state), wake: Notify::new() };
        {
            let mut state = outside.state();
            // A last line that was cut off by a crash was never confirmed.
            for happened in before.lines().filter_map(|line| serde_json::from_str(line).ok()) {
                match happened {
                    Happened::Received(sms) => state.remember(sms),
                    Happened::Replied(id) => {
                        state.replied.insert(id);
                    }
                }
            }
            for sms in state.received.clone() {
                outside.plan(&mut state, &sms);
            }
        }
        Ok(outside)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
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
        self.state().received.iter().filter(|sms| sms.to == msisdn).cloned().collect()
    }

    /// When the next reply is due, Unix milliseconds.
    #[must_use]
    pub fn next_due(&self) -> Option<i64> {
        self.state().planned.keys().next().map(|(due, _)| *due)
    }

    /// Subjects send what they planned to send by now.
    ///
    /// # Errors
    /// [`StoreError`]; the reply is sent again.
    pub async fn reply_due(&self, app: &App) -> Result<usize, StoreError> {
        let mut sent = 0;
        loop {
            let now = self.clock.now();
            let planned = {
                let mut state = self.state();
                match state.planned.keys().next().copied() {
                    Some(key) if key.0 <= now => state.planned.remove(&key).map(|reply| (key, reply)),
                    _ => None,
                }
            };
            let Some((key, reply)) = planned else { return Ok(sent) };
            if let Err(error) = self.say(app, &reply.from, &reply.id, &reply.text).await {
                self.state().planned.insert(key, reply);
                return Err(error);
            }
            let mut state = self.state();
            let _ = state.append(&Happened::Replied(reply.id.clone()));
            state.replied.insert(reply.id);
            sent += 1;
        }
    }

    /// A subject sends `text` to 1414.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn say(&self, app: &App, from: &str, id: &str, text: &str) -> Result<(), StoreError> {
        let Some(msisdn) = Msisdn::parse(from) else { return Ok(()) };
        crate::service::sms_reply::hear(app, msisdn, id.to_owned(), text, self.clock.now()).await.map(|_| ())
    }

    /// Plans what the subject will reply to a question.
    fn plan(&self, state: &mut State, sms: &Received) {
        if !sms.id.ends_with("-ask") {
            return;
        }
        let Some(behaviour) = self.world.by_msisdn(&sms.to) else { return };
        let mut due = sms.at;
        for (n, reply) in behaviour.replies.iter().enumerate() {
            due += reply.delay_seconds.map_or_else(|| self.delay(), |seconds| seconds * 1000);
            let id = format!("{}-reply-{n}", sms.id);
            if !state.replied.contains(&id) {
                state.next += 1;
                let key = (due, state.next);
                state.planned.insert(key, Planned { id, from: sms.to.clone(), text: reply.text.clone() });
            }
        }
    }
}

impl State {
    fn remember(&mut self, sms: Received) {
        self.ids.insert(sms.id.clone());
        self.received.push(sms);
    }

    fn append(&mut self, happened: &Happened) -> std::io::Result<()> {
        let mut line = serde_json::to_vec(happened)?;
        line.push(b'\n');
        self.file.write_all(&line)?;
        self.file.sync_data()
    }
}

impl CitizenDirectory for Outside {
    fn numbers<'a>(&'a self, iin: &'a Iin) -> Answer<'a, Result<Vec<Msisdn>, Unavailable>> {
        Box::pin(async move {
            match self.world.by_iin(iin.as_str()) {
                None => Ok(Vec::new()),
                Some((subject, behaviour)) => match behaviour.bmg {
                    Bmg::Found => Ok(subject.msisdn.as_deref().and_then(Msisdn::parse).into_iter().collect()),
                    Bmg::NotFound => Ok(Vec::new()),
                    Bmg::Down => Err(Unavailable),
                },
            }
        })
    }
}

impl SmsGateway for Outside {
    fn send<'a>(&'a self, sms: Sms<'a>) -> Answer<'a, Result<(), SmsError>> {
        Box::pin(async move {
            let to = sms.to.as_str();
            if self.world.by_msisdn(to).is_some_and(|b| b.sms == SmsWord::Down) {
                return Err(SmsError::Unavailable);
            }
            let mut state = self.state();
            if state.ids.contains(sms.id) {
                return Ok(());
            }
            let at = self.clock.now();
            let received =
                Received { id: sms.id.to_owned(), to: to.to_owned(), at, text: sms.text.to_owned() };
            let line = Happened::Received(received.clone());
            state.append(&line).map_err(|_| SmsError::Unavailable)?;
            state.remember(received.clone());
            self.plan(&mut state, &received);
            drop(state);
            self.wake.notify_one();
            Ok(())
        })
    }
}
