//! The world of the sandbox: who is registered, who lives here, what is agreed. All invented.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The one source of the sandbox's world; the fixtures are made from it too.
const WORLD: &str = include_str!("../../fixtures/world.json");

/// The world as written.
#[derive(Clone, Debug, Deserialize)]
pub struct World {
    /// The service itself.
    pub service: Service,
    /// Registered peers.
    pub peers: Vec<Peer>,
    /// What subjects do, by name.
    pub behaviours: BTreeMap<String, Behaviour>,
    /// Who lives here.
    pub subjects: Vec<Subject>,
    /// Directory entries.
    pub directory: Vec<Entry>,
    /// Grounds of methods 3 and 4.
    pub grounds: Vec<serde_json::Value>,
    /// Proactive services.
    pub proactive: Vec<serde_json::Value>,
}

/// The service's own organisation.
#[derive(Clone, Debug, Deserialize)]
pub struct Service {
    /// Name of its key files.
    pub name: String,
    /// Name of the organisation.
    pub organisation: String,
    /// Its BIN.
    pub bin: String,
}

/// A registered peer.
#[derive(Clone, Debug, Deserialize)]
pub struct Peer {
    /// Name, also of its key files.
    pub name: String,
    /// `gateway` or `direct`.
    pub kind: String,
    /// `gateway`, `initiator`, `owner`, `egov` or `sms`.
    pub role: String,
    /// Name of the organisation.
    pub organisation: String,
    /// Its BIN.
    pub bin: String,
    /// `sender/senderId`.
    pub sender_id: String,
    /// Methods that it may use.
    pub methods: Vec<u8>,
    /// `ServiceIDs` that it may ask for, or owns.
    pub services: Vec<String>,
    /// Longest life of a token that was agreed, seconds.
    pub period_seconds: Option<u64>,
    /// Names of the key files whose keys sign its verification tokens.
    pub ovt_keys: Vec<String>,
}

/// What a subject does.
#[derive(Clone, Debug, Deserialize)]
pub struct Behaviour {
    /// What БМГ says.
    pub bmg: Bmg,
    /// What 1414 does with an SMS.
    pub sms: SmsWord,
    /// What comes back, in order.
    pub replies: Vec<Reply>,
}

/// What БМГ says about a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Bmg {
    /// The number.
    Found,
    /// No number.
    NotFound,
    /// Nothing.
    Down,
}

/// What 1414 does with an SMS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SmsWord {
    /// Delivers it.
    Accepted,
    /// Nothing.
    Down,
}

/// An SMS of a subject.
#[derive(Clone, Debug, Deserialize)]
pub struct Reply {
    /// What it says.
    pub text: String,
    /// After the SMS, or after the reply before it; `None`: the delay of all subjects.
    pub delay_seconds: Option<i64>,
}

/// Somebody who lives here.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Subject {
    /// Number of the person.
    pub iin: String,
    /// Named for what it does.
    pub name: String,
    /// Its number, digits.
    pub msisdn: Option<String>,
    /// Key of [`World::behaviours`].
    pub behaviour: String,
}

/// A directory entry.
#[derive(Clone, Debug, Deserialize)]
pub struct Entry {
    /// Id.
    pub id: String,
    /// Whose.
    pub bin: String,
    /// `ServiceIDs`.
    pub services: Vec<String>,
    /// Longest life of a token, seconds.
    pub period_seconds: u64,
    /// Which data.
    pub personal_data_name: String,
    /// End, `xs:dateTime`.
    pub valid_until: Option<String>,
}

impl World {
    /// Reads the world that is built in.
    ///
    /// # Errors
    /// The JSON error; a test holds that there is none.
    pub fn built_in() -> Result<Self, serde_json::Error> {
        serde_json::from_str(WORLD)
    }

    /// What the subject with this IIN does.
    #[must_use]
    pub fn by_iin(&self, iin: &str) -> Option<(&Subject, &Behaviour)> {
        let subject = self.subjects.iter().find(|s| s.iin == iin)?;
        Some((subject, self.behaviours.get(&subject.behaviour)?))
    }

    /// What the subjects at this number do.
    #[must_use]
    pub fn by_msisdn(&self, msisdn: &str) -> Option<&Behaviour> {
        let subject = self.subjects.iter().find(|s| s.msisdn.as_deref() == Some(msisdn))?;
        self.behaviours.get(&subject.behaviour)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::consent::identity::{Bin, Iin, Msisdn};

    #[test]
    fn the_built_in_world_is_sound() {
        let world = World::built_in().unwrap();
        for subject in &world.subjects {
            assert!(Iin::parse(&subject.iin).is_ok(), "{}", subject.name);
            assert!(world.behaviours.contains_key(&subject.behaviour));
            assert!(subject.msisdn.as_deref().is_none_or(|m| Msisdn::parse(m).is_some()));
        }
        for peer in &world.peers {
            assert!(Bin::parse(&peer.bin).is_ok(), "{}", peer.name);
        }
        let behaviours = [
            "yes",
            "no",
            "silent",
            "late",
            "twice",
            "garbage-then-yes",
            "fraud",
            "no-phone",
            "shared-phone",
            "bmg-down",
            "sms-down",
            "reads-code",
            "manual",
        ];
        for behaviour in behaviours {
            assert!(world.subjects.iter().any(|s| s.behaviour == behaviour), "{behaviour}");
        }
    }
}
