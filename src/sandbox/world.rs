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
    pub grounds: Vec<Ground>,
    /// Proactive services.
    pub proactive: Vec<Proactive>,
    /// Tokens that are there from the first minute, to be checked and revoked.
    #[serde(default)]
    pub tokens: Vec<Sample>,
    /// Asks of methods 1 and 5 that are there from the first minute, to be repeated.
    #[serde(default)]
    pub requests: Vec<Asked>,
}

/// A ground, in the language of the sandbox's tables.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Ground {
    /// Id.
    pub id: String,
    /// What it says, in Russian.
    pub text: String,
    /// The same in Kazakh.
    pub text_kk: String,
    /// 3, 4 or both.
    pub methods: Vec<u8>,
    /// Act, article, subparagraph.
    pub law: String,
    /// I-3.
    #[serde(default)]
    pub exempt: bool,
    /// End, `xs:dateTime`.
    #[serde(default)]
    pub valid_until: Option<String>,
}

/// A proactive service.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Proactive {
    /// Its code.
    pub code: String,
    /// Whose.
    pub bin: String,
    /// Name in Russian.
    pub name: String,
    /// Name in Kazakh.
    pub name_kk: String,
    /// `ServiceIDs`.
    pub services: Vec<String>,
    /// Life of a token, seconds.
    pub period_seconds: u64,
    /// End, `xs:dateTime`.
    #[serde(default)]
    pub valid_until: Option<String>,
}

/// A token that was granted before the sandbox began.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Sample {
    /// Named for what became of it.
    pub name: String,
    /// `token_id`.
    pub token_id: String,
    /// `request_id`.
    pub request_id: String,
    /// Whose.
    pub iin: String,
    /// Name of the peer that asked.
    pub peer: String,
    /// `ServiceIDs`.
    pub services: Vec<String>,
    /// 1 to 5.
    pub method: u8,
    /// How long before the start of the sandbox it was granted, seconds.
    pub age_seconds: i64,
    /// Its life, seconds.
    pub period_seconds: u64,
    /// Directory entry that it was granted under.
    #[serde(default)]
    pub directory: Option<String>,
    /// Ground of methods 3 and 4.
    #[serde(default)]
    pub ground: Option<String>,
    /// Proactive service of method 3.
    #[serde(default)]
    pub proactive: Option<String>,
    /// `cancelled`, or an application for revocation that is `open`, `approved` or `refused`.
    #[serde(default)]
    pub became: Option<String>,
    /// `application_id`, with one of the last three.
    #[serde(default)]
    pub application_id: Option<String>,
    /// How long before the start of the sandbox the application was filed, seconds.
    #[serde(default)]
    pub filed_seconds: i64,
    /// The ground of a refusal: `act`, `contract`, or else an obligation.
    #[serde(default)]
    pub refusal: Option<String>,
    /// Checks of it by owners, oldest first.
    #[serde(default)]
    pub checked: Vec<Looked>,
}

/// A check of a token by an owner before the sandbox began.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Looked {
    /// Name of the owner's peer.
    pub peer: String,
    /// The `ServiceID` that it was for.
    pub service: String,
    /// How long before the start of the sandbox it was, seconds.
    pub age_seconds: i64,
}

/// An ask of method 1 or 5 that was made before the sandbox began and led to no token yet.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Asked {
    /// Named for what became of it.
    pub name: String,
    /// `request_id`.
    pub request_id: String,
    /// Whose.
    pub iin: String,
    /// Name of the peer that asked.
    pub peer: String,
    /// `ServiceIDs`.
    pub services: Vec<String>,
    /// 1 or 5.
    pub method: u8,
    /// How long before the start of the sandbox it was made, seconds.
    pub age_seconds: i64,
    /// What happened then: see [`Became`]. Time does the rest.
    pub became: Became,
    /// Directory entry that it was made under.
    #[serde(default)]
    pub directory: Option<String>,
}

/// What happened to an ask, at the moment it was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Became {
    /// Nothing: БМГ was not reached.
    Seeking,
    /// Nothing: 1414 was not reached.
    Sending,
    /// The SMS went out.
    Waiting,
    /// Two wrong codes were brought.
    WrongTwice,
    /// The subject agreed; nobody collected the token.
    Agreed,
    /// The subject refused.
    Refused,
    /// The subject reported a fraud.
    Fraud,
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
    /// Whether its BIN may use logging mode.
    #[serde(default)]
    pub logging: bool,
    /// Whether it is suspended from the start.
    #[serde(default)]
    pub suspended: bool,
    /// Whether its verification tokens must be bound to the subject.
    #[serde(default)]
    pub ovt_bound: bool,
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
    /// `block` or `freeze` from the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<String>,
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
    /// How long the initiator keeps the data, seconds.
    pub storage_seconds: u64,
    /// What for, in Russian.
    pub purpose: String,
    /// The same in Kazakh.
    #[serde(default)]
    pub purpose_kk: String,
    /// Which data.
    pub personal_data_name: String,
    /// Start, `xs:dateTime`.
    #[serde(default)]
    pub valid_from: Option<String>,
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
    use crate::random::Id;
    use std::collections::HashSet;

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
        let ids: Vec<&String> = world.tokens.iter().flat_map(|t| [&t.token_id, &t.request_id]).collect();
        let ids = ids.into_iter().chain(world.requests.iter().map(|r| &r.request_id));
        let ids = ids.chain(world.tokens.iter().filter_map(|t| t.application_id.as_ref()));
        let ids: Vec<Id> = ids.map(|id| Id::parse(id).unwrap()).collect();
        assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len(), "an id twice");
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
