//! Access requests as rows: sealed on the way in, opened on the way out.

use super::writer::failed;
use crate::consent::Consent;
use crate::consent::identity::{Bin, Iin, Msisdn, ServiceIds};
use crate::consent::method::{CodeForm, Method};
use crate::random::Id;
use crate::store::seal::{Place, Seal};
use crate::store::{AccessRequest, DirectoryRef, StoreError, Task, Token};
use crate::text::Lang;
use rusqlite::{Connection, OptionalExtension as _, Row, named_params, params};
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

/// Columns that the row reader expects, in its order.
pub const COLUMNS: &str =
    "seq, id, bin, method, told, terms, consent, person, jti, token, subject, opened, issued, idx";

/// Finds one request by a condition on its row. What was erased is not found.
pub fn find(
    connection: &Connection,
    seal: &dyn Seal,
    condition: &str,
    value: impl rusqlite::ToSql,
) -> Result<Option<Stored>, StoreError> {
    connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM access_request WHERE {condition} AND person IS NOT NULL"
        ))
        .map_err(failed)?
        .query_row([value], |row| Ok(read(row, seal)))
        .optional()
        .map_err(failed)?
        .transpose()
}

/// All requests whose subject's number is awaited.
pub fn on_phone(connection: &Connection, seal: &dyn Seal, phone: &[u8]) -> Result<Vec<Stored>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM access_request WHERE phone = ?1 ORDER BY seq");
    let mut statement = connection.prepare_cached(&sql).map_err(failed)?;
    let rows = statement.query_map([phone], |row| Ok(read(row, seal))).map_err(failed)?;
    rows.map(|row| row.map_err(failed)?).collect()
}

/// Reads a row of [`COLUMNS`].
pub fn read(row: &Row<'_>, seal: &dyn Seal) -> Result<Stored, StoreError> {
    let unreadable = StoreError::Unreadable;
    let id: [u8; 16] = row.get(1).map_err(failed)?;
    let person: Vec<u8> = row.get(7).map_err(failed)?;
    let person = seal.open(Place { column: PERSON, row: &id }, &person).ok_or(unreadable(PERSON))?;
    let person: Person = serde_json::from_slice(&person).map_err(|_| unreadable(PERSON))?;
    let text = |column| -> Result<String, StoreError> { row.get(column).map_err(failed) };
    let terms: Terms = serde_json::from_str(&text(5)?).map_err(|_| unreadable("access_request.terms"))?;
    let consent: Consent =
        serde_json::from_str(&text(6)?).map_err(|_| unreadable("access_request.consent"))?;
    let jti: Option<[u8; 16]> = row.get(8).map_err(failed)?;
    let sealed: Option<Vec<u8>> = row.get(9).map_err(failed)?;
    let issued: Option<i64> = row.get(12).map_err(failed)?;
    let token = match (jti, sealed, issued) {
        (Some(jti), Some(sealed), Some(issued)) => {
            let plain = seal.open(Place { column: TOKEN, row: &id }, &sealed).ok_or(unreadable(TOKEN))?;
            let compact = String::from_utf8(plain.to_vec()).map_err(|_| unreadable(TOKEN))?;
            let term = i64::try_from(terms.term_seconds).unwrap_or(i64::MAX);
            let expires = match &consent {
                Consent::Granted { expires, .. } => *expires,
                _ => (issued / 1000).saturating_add(term),
            };
            let index: Option<u64> = row.get(13).map_err(failed)?;
            Some(Token { jti: Id::from_bytes(jti), compact, issued, expires, index })
        }
        _ => None,
    };
    let method: u8 = row.get(3).map_err(failed)?;
    Ok(Stored {
        seq: row.get(0).map_err(failed)?,
        told: row.get(4).map_err(failed)?,
        subject: row.get(10).map_err(failed)?,
        request: AccessRequest {
            id: Id::from_bytes(id),
            bin: Bin::parse(&text(2)?).map_err(|_| unreadable("access_request.bin"))?,
            iin: Iin::parse(&person.iin).map_err(|_| unreadable(PERSON))?,
            method: Method::try_from(method).map_err(|_| unreadable("access_request.method"))?,
            services: ServiceIds::collect(terms.services).ok_or(unreadable("access_request.terms"))?,
            opened: row.get(11).map_err(failed)?,
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
        },
    })
}

/// A request made ready for the database before its transaction: everything sealed and hashed.
pub struct Sealed {
    id: [u8; 16],
    bin: String,
    method: u8,
    pub subject: [u8; 16],
    opened: i64,
    pub live: Option<[u8; 16]>,
    phone: Option<[u8; 16]>,
    terms: String,
    consent: String,
    keeps: u8,
    ended: Option<i64>,
    person: Vec<u8>,
    jti: Option<[u8; 16]>,
    token: Option<Vec<u8>>,
    issued: Option<i64>,
    idx: Option<u64>,
    task: Option<(Task, i64)>,
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

    /// Writes a new row of the subject with this number, and its first task. Answers with its key.
    pub fn insert(&self, connection: &Connection, subject: i64) -> Result<i64, StoreError> {
        connection
            .prepare_cached(
                "INSERT INTO access_request
                    (id, bin, method, subject, opened, live, phone, told, terms, consent, keeps, ended, person, jti,
                     token, issued, idx)
                 VALUES (:id, :bin, :method, :subject, :opened, :live, :phone, 0, :terms, :consent, :keeps, :ended,
                     :person, :jti, :token, :issued, :idx)",
            )
            .map_err(failed)?
            .execute(named_params! {
                ":id": self.id, ":bin": self.bin, ":method": self.method, ":subject": subject,
                ":opened": self.opened, ":live": self.live, ":phone": self.phone, ":terms": self.terms,
                ":consent": self.consent, ":keeps": self.keeps, ":ended": self.ended, ":person": self.person,
                ":jti": self.jti, ":token": self.token, ":issued": self.issued, ":idx": self.idx,
            })
            .map_err(failed)?;
        let seq = connection.last_insert_rowid();
        self.schedule(connection)?;
        Ok(seq)
    }

    /// Writes the row `seq` anew and replaces the task that its old state had.
    pub fn update(&self, connection: &Connection, seq: i64) -> Result<(), StoreError> {
        connection
            .prepare_cached(
                "UPDATE access_request SET live = :live, phone = :phone, terms = :terms, consent = :consent, keeps = :keeps,
                    ended = :ended, person = :person, jti = :jti, token = :token, issued = :issued, idx = :idx
                 WHERE seq = :seq",
            )
            .map_err(failed)?
            .execute(named_params! {
                ":live": self.live, ":phone": self.phone, ":terms": self.terms, ":consent": self.consent,
                ":keeps": self.keeps, ":ended": self.ended, ":person": self.person, ":jti": self.jti, ":token": self.token,
                ":issued": self.issued, ":idx": self.idx, ":seq": seq,
            })
            .map_err(failed)?;
        connection
            .prepare_cached("DELETE FROM job WHERE request = ?1 AND task IN (?2, ?3, ?4)")
            .map_err(failed)?
            .execute(params![self.id, number(Task::FindNumber), number(Task::SendAsk), number(Task::Expire)])
            .map_err(failed)?;
        self.schedule(connection)
    }

    fn schedule(&self, connection: &Connection) -> Result<(), StoreError> {
        match self.task {
            Some((task, due)) => add_job(connection, task, due, &self.id),
            None => Ok(()),
        }
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

/// Queues one task.
pub fn add_job(connection: &Connection, task: Task, due: i64, request: &[u8; 16]) -> Result<(), StoreError> {
    connection
        .prepare_cached("INSERT INTO job (due, task, request, tries) VALUES (?1, ?2, ?3, 0)")
        .map_err(failed)?
        .execute(params![due, number(task), request])
        .map_err(failed)?;
    Ok(())
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
    crate::store::seal::hex(&seal.hash("foreign-id", &[maker.as_bytes(), id.as_bytes()]))
}

/// Days since 1970 in Astana.
pub fn day(at: i64) -> i64 {
    at.saturating_add(i64::from(crate::clock::ASTANA.whole_seconds()) * 1000).div_euclid(86_400_000)
}
