//! Values as rows, whatever the engine: sealed on the way in, opened on the way out, found by keyed hashes.

pub mod asynchronous;
pub mod budget;
pub mod journal;
pub mod registered;
pub mod revocation;

use super::seal::{Place, Seal};
use super::{AccessRequest, DirectoryRef, StoreError, Task, Token};
use crate::consent::Consent;
use crate::consent::identity::{Bin, Iin, Msisdn, ServiceIds};
use crate::consent::method::{CodeForm, Method};
use crate::operator::Name;
use crate::random::Id;
use crate::text::Lang;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

const PERSON: &str = "access_request.person";
const TOKEN: &str = "access_request.token";

/// What identifies a person: sealed.
#[derive(Serialize, Deserialize)]
struct Person {
    iin: String,
    msisdn: Option<String>,
    company: String,
    responsible: String,
    employee: String,
    data: String,
}

/// What is asked for: nothing personal.
#[derive(Serialize, Deserialize)]
struct Terms {
    services: Vec<String>,
    term_seconds: u64,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    sender: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    directory_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    directory_revision: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ground: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    proactive: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mcheck: Option<String>,
    lang: String,
    reference: String,
    code_form: CodeForm,
}

/// A request as read, with its key and what the subject was told beside the question.
pub struct Stored {
    pub seq: i64,
    pub told: u8,
    pub subject: i64,
    pub request: AccessRequest,
}

/// Columns that [`Columns`] holds, in its order.
pub const COLUMNS: &str =
    "seq, id, bin, method, told, terms, consent, person, jti, token, subject, opened, issued, idx";

/// A row of `access_request` as the engine gives it.
pub struct Columns {
    pub seq: i64,
    pub id: [u8; 16],
    pub bin: String,
    pub method: u8,
    pub told: u8,
    pub terms: String,
    pub consent: String,
    pub person: Vec<u8>,
    pub jti: Option<[u8; 16]>,
    pub token: Option<Vec<u8>>,
    pub subject: i64,
    pub opened: i64,
    pub issued: Option<i64>,
    pub idx: Option<u64>,
}

impl Columns {
    /// Opens what is sealed in the row and reads the rest.
    pub fn open(self, seal: &dyn Seal) -> Result<Stored, StoreError> {
        let unreadable = StoreError::Unreadable;
        let id = self.id;
        let person = seal.open(Place { column: PERSON, row: &id }, &self.person).ok_or(unreadable(PERSON))?;
        let person: Person = serde_json::from_slice(&person).map_err(|_| unreadable(PERSON))?;
        let terms: Terms =
            serde_json::from_str(&self.terms).map_err(|_| unreadable("access_request.terms"))?;
        let consent: Consent =
            serde_json::from_str(&self.consent).map_err(|_| unreadable("access_request.consent"))?;
        let token = match (self.jti, self.token, self.issued) {
            (Some(jti), Some(sealed), Some(issued)) => {
                let plain = seal.open(Place { column: TOKEN, row: &id }, &sealed).ok_or(unreadable(TOKEN))?;
                let compact = String::from_utf8(plain.to_vec()).map_err(|_| unreadable(TOKEN))?;
                let term = i64::try_from(terms.term_seconds).unwrap_or(i64::MAX);
                let expires = match &consent {
                    Consent::Granted { expires, .. } => *expires,
                    _ => (issued / 1000).saturating_add(term),
                };
                Some(Token { jti: Id::from_bytes(jti), compact, issued, expires, index: self.idx })
            }
            _ => None,
        };
        let request = AccessRequest {
            id: Id::from_bytes(id),
            bin: Bin::parse(&self.bin).map_err(|_| unreadable("access_request.bin"))?,
            iin: Iin::parse(&person.iin).map_err(|_| unreadable(PERSON))?,
            method: Method::try_from(self.method).map_err(|_| unreadable("access_request.method"))?,
            services: ServiceIds::collect(terms.services).ok_or(unreadable("access_request.terms"))?,
            opened: self.opened,
            sender: terms.sender,
            term_seconds: terms.term_seconds,
            company: person.company,
            responsible: person.responsible,
            employee: person.employee,
            data: person.data,
            directory: terms
                .directory_id
                .map(|id| DirectoryRef { id, revision: terms.directory_revision.unwrap_or(1) }),
            ground: terms.ground,
            proactive: terms.proactive,
            mcheck: terms.mcheck,
            lang: Lang::parse(&terms.lang).ok_or(unreadable("access_request.terms"))?,
            msisdn: person.msisdn.as_deref().and_then(Msisdn::parse),
            reference: terms.reference,
            code_form: terms.code_form,
            consent,
            token,
        };
        Ok(Stored { seq: self.seq, told: self.told, subject: self.subject, request })
    }
}

/// A request made ready for the database before its transaction: everything sealed and hashed.
pub struct Sealed {
    pub id: [u8; 16],
    pub bin: String,
    pub method: u8,
    pub subject: [u8; 16],
    pub opened: i64,
    pub live: Option<[u8; 16]>,
    pub phone: Option<[u8; 16]>,
    pub terms: String,
    pub consent: String,
    pub keeps: u8,
    pub ended: Option<i64>,
    pub person: Vec<u8>,
    pub jti: Option<[u8; 16]>,
    pub token: Option<Vec<u8>>,
    pub issued: Option<i64>,
    pub idx: Option<u64>,
    pub task: Option<(Task, i64)>,
}

impl Sealed {
    /// Seals `request`; `at` is when its next task falls due if that is at once.
    pub fn new(request: &AccessRequest, seal: &dyn Seal, at: i64) -> Result<Self, StoreError> {
        let id = *request.id.as_bytes();
        let closed = |column| StoreError::Unreadable(column);
        let person = person(request)?;
        let terms = serde_json::to_string(&Terms {
            services: request.services.as_slice().to_vec(),
            term_seconds: request.term_seconds,
            sender: request.sender.clone(),
            directory_id: request.directory.as_ref().map(|d| d.id.clone()),
            directory_revision: request.directory.as_ref().map(|d| d.revision),
            ground: request.ground.clone(),
            proactive: request.proactive.clone(),
            mcheck: request.mcheck.clone(),
            lang: request.lang.code().to_owned(),
            reference: request.reference.clone(),
            code_form: request.code_form,
        })
        .map_err(|_| closed("access_request.terms"))?;
        let token = match &request.token {
            Some(token) => {
                let plain = token.compact.as_bytes();
                Some(seal.seal(Place { column: TOKEN, row: &id }, plain).ok_or(closed(TOKEN))?)
            }
            None => None,
        };
        let awaited = matches!(request.consent, Consent::Sending { .. } | Consent::Waiting { .. });
        let live = request.consent.is_live();
        Ok(Self {
            id,
            bin: request.bin.as_str().to_owned(),
            method: request.method.number(),
            subject: subject_hash(seal, &request.iin),
            opened: request.opened,
            live: live.then(|| live_hash(seal, &request.bin, &request.iin, &request.services)),
            phone: request.msisdn.as_ref().filter(|_| awaited).map(|m| phone_hash(seal, m)),
            terms,
            consent: serde_json::to_string(&request.consent).map_err(|_| closed("access_request.consent"))?,
            keeps: 1 + u8::from(request.msisdn.is_some()),
            ended: request.consent.ends(),
            person: seal.seal(Place { column: PERSON, row: &id }, &person).ok_or(closed(PERSON))?,
            jti: request.token.as_ref().map(|t| *t.jti.as_bytes()),
            token,
            issued: request.token.as_ref().map(|t| t.issued),
            idx: request.token.as_ref().and_then(|t| t.index),
            task: match &request.consent {
                Consent::Seeking { .. } => Some((Task::FindNumber, at)),
                Consent::Sending { .. } => Some((Task::SendAsk, at)),
                // The review has a task of its own.
                Consent::Granted { .. } => None,
                consent => consent.until().map(|until| (Task::Expire, until)),
            },
        })
    }
}

/// The IIN in a sealed person of the request `id`.
pub fn iin(seal: &dyn Seal, id: &[u8; 16], sealed: &[u8]) -> Result<Iin, StoreError> {
    let unreadable = || StoreError::Unreadable(PERSON);
    let person = seal.open(Place { column: PERSON, row: id }, sealed).ok_or_else(unreadable)?;
    let person: Person = serde_json::from_slice(&person).map_err(|_| unreadable())?;
    Iin::parse(&person.iin).map_err(|_| unreadable())
}

/// What identifies a person, as it is sealed.
fn person(request: &AccessRequest) -> Result<Zeroizing<Vec<u8>>, StoreError> {
    serde_json::to_vec(&Person {
        iin: request.iin.as_str().to_owned(),
        msisdn: request.msisdn.as_ref().map(|m| m.as_str().to_owned()),
        company: request.company.clone(),
        responsible: request.responsible.clone(),
        employee: request.employee.clone(),
        data: request.data.clone(),
    })
    .map(Zeroizing::new)
    .map_err(|_| StoreError::Unreadable(PERSON))
}

/// A task's number in the database.
pub fn number(task: Task) -> u8 {
    match task {
        Task::FindNumber => 1,
        Task::SendAsk => 2,
        Task::SendHelp => 3,
        Task::SendReference => 4,
        Task::Expire => 5,
        Task::Review => 6,
        Task::Overdue => 7,
        Task::Sweep => 8,
        Task::Answer => 9,
    }
}

/// The task with this number.
pub fn task(number: u8) -> Option<Task> {
    [
        Task::FindNumber,
        Task::SendAsk,
        Task::SendHelp,
        Task::SendReference,
        Task::Expire,
        Task::Review,
        Task::Overdue,
        Task::Sweep,
        Task::Answer,
    ]
    .into_iter()
    .find(|t| self::number(*t) == number)
}

/// Half of the keyed hash: 128 bits find a row as surely, and keep the index small.
pub fn half(hash: [u8; 32]) -> [u8; 16] {
    let mut half = [0_u8; 16];
    half.copy_from_slice(&hash[..16]);
    half
}

/// Finds a subject.
pub fn subject_hash(seal: &dyn Seal, iin: &Iin) -> [u8; 16] {
    half(seal.hash("subject", &[iin.as_str().as_bytes()]))
}

/// Finds the request in progress.
pub fn live_hash(seal: &dyn Seal, bin: &Bin, iin: &Iin, services: &ServiceIds) -> [u8; 16] {
    let key = services.key();
    half(seal.hash("live", &[bin.as_str().as_bytes(), iin.as_str().as_bytes(), key.as_bytes()]))
}

/// Finds the requests that wait on a number.
pub fn phone_hash(seal: &dyn Seal, msisdn: &Msisdn) -> [u8; 16] {
    half(seal.hash("phone", &[msisdn.as_str().as_bytes()]))
}

/// Finds the use of a verification token for these services.
pub fn services_hash(seal: &dyn Seal, services: &ServiceIds) -> [u8; 16] {
    half(seal.hash("services", &[services.key().as_bytes()]))
}

/// Finds an id of somebody else's making, which may be made of numbers of persons.
pub fn foreign_id(seal: &dyn Seal, maker: &str, id: &str) -> String {
    super::seal::hex(&seal.hash("foreign-id", &[maker.as_bytes(), id.as_bytes()]))
}

/// What stands for a name among the guards: whoever types a password for a name leaves nothing readable.
pub fn guard(seal: &dyn Seal, name: &Name) -> String {
    super::seal::hex(&seal.hash("operator-guard", &[name.as_str().as_bytes()]))
}

/// Days since 1970 in Astana.
pub fn day(at: i64) -> i64 {
    at.saturating_add(i64::from(crate::clock::ASTANA.whole_seconds()) * 1000).div_euclid(86_400_000)
}
