//! Applications for revocation as rows.

use crate::consent::Consent;
use crate::consent::identity::Bin;
use crate::consent::revocation::{Applicant, Ground, Review, parse_date};
use crate::random::Id;
use crate::store::revocation::{Application, Filing};
use crate::store::seal::{Place, Seal};
use crate::store::{AccessRequest, StoreError};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

const PERSON: &str = "revocation.person";

/// What may name persons: sealed.
#[derive(Serialize, Deserialize)]
struct Person {
    applicant: Applicant,
    comment: String,
    /// Reasons of a refusal, and what forbids the revocation.
    refusal: Option<(String, Ground)>,
}

/// An application as read, with its keys.
pub struct Kept {
    pub seq: i64,
    pub request_seq: i64,
    pub reminded: u32,
    pub application: Application,
}

/// Columns that [`Columns`] holds, in its order: `v` is the application, `r` its request.
pub const COLUMNS: &str =
    "v.seq, v.id, v.request, v.bin, v.filed, v.deadline, v.ends, v.reminded, v.state, v.decided,
    v.person, r.id, coalesce(r.jti, r.id), r.person";

/// A row of `revocation` with what is needed of its request, as the engine gives it.
pub struct Columns {
    pub seq: i64,
    pub id: [u8; 16],
    pub request_seq: i64,
    pub bin: String,
    pub filed: i64,
    pub deadline: String,
    pub ends: i64,
    pub reminded: u32,
    pub state: String,
    pub decided: Option<i64>,
    pub person: Vec<u8>,
    pub request: [u8; 16],
    pub token: [u8; 16],
    /// The sealed person of the request.
    pub asker: Vec<u8>,
}

impl Columns {
    /// Opens what is sealed in the row and reads the rest.
    pub fn open(self, seal: &dyn Seal) -> Result<Kept, StoreError> {
        let unreadable = || StoreError::Unreadable(PERSON);
        let place = Place { column: PERSON, row: &self.id };
        let person = seal.open(place, &self.person).ok_or_else(unreadable)?;
        let person: Person = serde_json::from_slice(&person).map_err(|_| unreadable())?;
        let at = self.decided.unwrap_or_default();
        let review = match (self.state.as_str(), person.refusal) {
            ("open", _) => Review::Open { ends: self.ends },
            ("approved", _) => Review::Approved { at },
            ("lapsed", _) => Review::Lapsed { at },
            ("refused", Some((reason, ground))) => Review::Refused { at, reason, ground },
            _ => return Err(StoreError::Unreadable("revocation.state")),
        };
        let application = Application {
            id: Id::from_bytes(self.id),
            request: Id::from_bytes(self.request),
            token: Id::from_bytes(self.token),
            bin: Bin::parse(&self.bin).map_err(|_| StoreError::Unreadable("revocation.bin"))?,
            iin: super::iin(seal, &self.request, &self.asker)?,
            applicant: person.applicant,
            comment: person.comment,
            filed: self.filed,
            deadline: parse_date(&self.deadline).ok_or(StoreError::Unreadable("revocation.deadline"))?,
            review,
        };
        Ok(Kept { seq: self.seq, request_seq: self.request_seq, reminded: self.reminded, application })
    }
}

/// With its review as time made it.
pub fn as_of(application: Application, at: i64) -> Application {
    Application { review: application.review.at(at), ..application }
}

/// A token was issued, or the subject agreed to one.
pub fn may_be_revoked(request: &AccessRequest) -> bool {
    request.token.is_some() || matches!(request.consent, Consent::Agreed { .. })
}

fn seal_person(seal: &dyn Seal, id: Id, person: &Person) -> Result<Vec<u8>, StoreError> {
    let plain = serde_json::to_vec(person).map(Zeroizing::new).map_err(|_| StoreError::Unreadable(PERSON))?;
    seal.seal(Place { column: PERSON, row: id.as_bytes() }, &plain).ok_or(StoreError::Unreadable(PERSON))
}

/// What is sealed of a new application.
pub fn filed_person(seal: &dyn Seal, filing: &Filing) -> Result<Vec<u8>, StoreError> {
    let (applicant, comment) = (filing.applicant.clone(), filing.comment.clone());
    seal_person(seal, filing.id, &Person { applicant, comment, refusal: None })
}

/// When an application was decided, and what is sealed of it then.
pub fn settled(seal: &dyn Seal, application: &Application) -> Result<(i64, Vec<u8>), StoreError> {
    let (decided, refusal) = match &application.review {
        Review::Approved { at } | Review::Lapsed { at } => (*at, None),
        Review::Refused { at, reason, ground } => (*at, Some((reason.clone(), ground.clone()))),
        Review::Open { .. } => return Err(StoreError::Unreadable("revocation.state")),
    };
    let (applicant, comment) = (application.applicant.clone(), application.comment.clone());
    Ok((decided, seal_person(seal, application.id, &Person { applicant, comment, refusal })?))
}
