//! What ШЭП's `AsyncChannel` keeps: requests that it pushes until they are answered, and responses until they are fetched.
//! In an append-only file: whoever is killed in between, nothing is lost.

use crate::clock;
use crate::serve::StartError;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The first pause before something is pushed again, and the longest, milliseconds.
const PAUSES: (i64, i64) = (500, 30_000);

/// What is pushed to the service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Push {
    /// Its messageId; of a notification, that of the message that it tells of.
    pub message_id: String,
    /// Its chain.
    pub correlation_id: String,
    /// Unix milliseconds.
    pub at: i64,
    /// What it is.
    pub what: Pushed,
}

/// See [`Push`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pushed {
    /// The request of an initiator: the content of a Body.
    Request(String),
    /// That the service's message has its receiver.
    Delivered,
}

/// What the service sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Response {
    /// Its messageId.
    pub message_id: String,
    /// Of the request.
    pub correlation_id: String,
    /// When it came, Unix milliseconds.
    pub at: i64,
    /// `data`, XML.
    pub data: String,
    /// The texts of its children, by name.
    pub fields: BTreeMap<String, String>,
}

/// How a push ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// The service took it in.
    Taken,
    /// The service refused it, by this code.
    Refused(String),
}

/// A line of the file.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Line {
    Push(Push),
    Ended(String, End),
    Response(Response),
}

struct Waiting {
    push: Push,
    tries: u32,
    due: i64,
    end: Option<End>,
}

struct State {
    file: File,
    /// What is to be pushed, by [`key`].
    open: BTreeMap<String, Waiting>,
    /// What is not pushed any more, by the same.
    ended: BTreeMap<String, Waiting>,
    /// Key of the request of a chain.
    chains: BTreeMap<String, String>,
    /// By messageId.
    responses: BTreeMap<String, Response>,
    /// messageIds of the responses of a chain, as they came.
    answers: BTreeMap<String, Vec<String>>,
}

/// See the module.
pub struct Queue(Mutex<State>);

impl Waiting {
    fn new(push: Push) -> Self {
        Self { due: push.at, push, tries: 0, end: None }
    }
}

/// A message and the notification about another may have one messageId; of one kind, none has.
fn key(push: &Push) -> String {
    let kind = if push.what == Pushed::Delivered { "delivered" } else { "request" };
    format!("{kind} {}", push.message_id)
}

impl Queue {
    /// Opens the file.
    ///
    /// # Errors
    /// [`StartError::File`].
    pub fn open(path: &Path) -> Result<Self, StartError> {
        let failed = |e: std::io::Error| StartError::File(path.to_owned(), e.kind());
        // Passwords of initiators stand in it.
        let file = std::fs::OpenOptions::new().create(true).append(true).mode(0o600).open(path);
        let file = file.map_err(failed)?;
        let before = std::fs::read_to_string(path).map_err(failed)?;
        let mut state = State {
            file,
            open: BTreeMap::new(),
            ended: BTreeMap::new(),
            chains: BTreeMap::new(),
            responses: BTreeMap::new(),
            answers: BTreeMap::new(),
        };
        for line in before.lines().filter_map(|line| serde_json::from_str(line).ok()) {
            state.take(line);
        }
        Ok(Self(Mutex::new(state)))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps what is to be pushed.
    ///
    /// # Errors
    /// Those of the file.
    pub fn push(&self, push: Push) -> std::io::Result<()> {
        self.state().keep(Line::Push(push))
    }

    /// Keeps what the service sent; the same message again changes nothing. `false`: it was there.
    ///
    /// # Errors
    /// Those of the file.
    pub fn respond(&self, response: Response) -> std::io::Result<bool> {
        let mut state = self.state();
        if state.responses.contains_key(&response.message_id) {
            return Ok(false);
        }
        state.keep(Line::Response(response)).map(|()| true)
    }

    /// What is to be pushed by `now` (Unix milliseconds), the oldest first.
    pub fn due(&self, now: i64) -> Vec<Push> {
        let state = self.state();
        let due = state.open.values().filter(|waiting| waiting.due <= now);
        let mut due: Vec<Push> = due.map(|waiting| waiting.push.clone()).collect();
        due.sort_by_key(|push| push.at);
        due
    }

    /// A push came to its end.
    ///
    /// # Errors
    /// Those of the file.
    pub fn end(&self, push: &Push, end: End) -> std::io::Result<()> {
        self.state().keep(Line::Ended(key(push), end))
    }

    /// A push is tried again later.
    pub fn put_off(&self, push: &Push, now: i64) {
        let key = key(push);
        if let Some(waiting) = self.state().open.get_mut(&key) {
            waiting.due = now + (PAUSES.0 << waiting.tries.min(6)).min(PAUSES.1);
            waiting.tries += 1;
        }
    }

    /// What is kept of a chain, JSON; `None`: nothing.
    pub fn show(&self, correlation_id: &str) -> Option<Value> {
        let state = self.state();
        let key = state.chains.get(correlation_id);
        let waiting = key.and_then(|key| state.open.get(key).or_else(|| state.ended.get(key)));
        let request = waiting.map(|waiting| {
            let (word, refused) = match &waiting.end {
                None => ("waiting", None),
                Some(End::Taken) => ("taken", None),
                Some(End::Refused(code)) => ("refused", Some(code)),
            };
            json!({ "message_id": waiting.push.message_id, "at": clock::text(waiting.push.at), "state": word,
                    "tries": waiting.tries, "fault": refused })
        });
        let own = state.answers.get(correlation_id).into_iter().flatten();
        let responses: Vec<Value> = own
            .filter_map(|id| state.responses.get(id))
            .map(|response| {
                json!({ "message_id": response.message_id, "at": clock::text(response.at),
                        "data": response.data, "fields": response.fields })
            })
            .collect();
        (request.is_some() || !responses.is_empty())
            .then(|| json!({ "correlation_id": correlation_id, "request": request, "responses": responses }))
    }
}

impl State {
    fn keep(&mut self, line: Line) -> std::io::Result<()> {
        let mut text = serde_json::to_vec(&line)?;
        text.push(b'\n');
        self.file.write_all(&text)?;
        self.file.sync_data()?;
        self.take(line);
        Ok(())
    }

    fn take(&mut self, line: Line) {
        match line {
            Line::Push(push) => {
                let key = key(&push);
                if push.what != Pushed::Delivered {
                    self.chains.insert(push.correlation_id.clone(), key.clone());
                }
                self.open.insert(key, Waiting::new(push));
            }
            Line::Response(response) => {
                let of_chain = self.answers.entry(response.correlation_id.clone()).or_default();
                of_chain.push(response.message_id.clone());
                self.responses.insert(response.message_id.clone(), response);
            }
            Line::Ended(key, end) => {
                if let Some(waiting) = self.open.remove(&key) {
                    self.ended.insert(key, Waiting { end: Some(end), ..waiting });
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(at: i64, what: Pushed) -> Push {
        Push { message_id: "1".to_owned(), correlation_id: "c".to_owned(), at, what }
    }

    #[test]
    fn what_is_not_ended_is_pushed_again_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("async.jsonl");
        let queue = Queue::open(&path).unwrap();
        let (first, second) = (push(4, Pushed::Request("<a></a>".to_owned())), push(5, Pushed::Delivered));
        queue.push(first.clone()).unwrap();
        queue.push(second.clone()).unwrap();
        assert_eq!(queue.due(3), []);
        assert_eq!(queue.due(5), [first.clone(), second.clone()]);
        queue.put_off(&first, 10);
        assert_eq!(queue.due(509), std::slice::from_ref(&second));
        queue.end(&second, End::Taken).unwrap();
        let queue = Queue::open(&path).unwrap();
        assert_eq!(queue.due(5), std::slice::from_ref(&first));
        queue.end(&first, End::Refused("SCE001".to_owned())).unwrap();
        assert_eq!(queue.show("c").unwrap()["request"]["fault"], "SCE001");
        assert_eq!(Queue::open(&path).unwrap().due(i64::MAX), []);
    }

    #[test]
    fn a_response_is_kept_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("async.jsonl");
        let response = Response {
            message_id: "m".to_owned(),
            correlation_id: "c".to_owned(),
            at: 0,
            data: "<data></data>".to_owned(),
            fields: BTreeMap::from([("status".to_owned(), "VALID".to_owned())]),
        };
        let queue = Queue::open(&path).unwrap();
        assert!(queue.respond(response.clone()).unwrap() && !queue.respond(response).unwrap());
        let shown = Queue::open(&path).unwrap().show("c").unwrap();
        assert_eq!(shown["responses"].as_array().unwrap().len(), 1);
        assert_eq!(shown["responses"][0]["fields"]["status"], "VALID");
        assert_eq!(queue.show("d"), None);
    }
}
