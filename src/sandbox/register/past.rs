//! What happened before the sandbox began, by the verbs that peers would have caused.

use super::{iin, method, unsound};
use crate::consent::identity::{Bin, Msisdn, ServiceIds};
use crate::consent::method::CodeForm;
use crate::consent::revocation::{Applicant, Decision, Ground as Obstacle};
use crate::consent::{Consent, EDITION, Event, Spans};
use crate::random::Id;
use crate::sandbox::StartError;
use crate::sandbox::world::{Asked, Became, Looked, Peer, Sample, World};
use crate::store::revocation::{Contested, Filed, Filing, Solution, Solved};
use crate::store::seal::{Seal, one_time_code};
use crate::store::token::{Check, Key, Registered};
use crate::store::{
    AccessRequest, Budget, Change, DirectoryRef, Granted, Granting, Opened, Opening, Record, Store, Token,
};
use crate::text::Lang;
use crate::token::key::{KeyRecord, Window};
use crate::token::security::{self, Claims};
use crate::trust::sign::RsaSigner;
use time::macros::date;

/// Places in the status list that are there for tokens of before.
const PLACES: u64 = 256;

/// Which data everybody asked for.
const DATA: &str = "ФИО, адрес";

/// Repeats the past of the world; the sandbox begins at `now` (Unix milliseconds).
pub async fn all(
    store: &dyn Store,
    seal: &dyn Seal,
    world: &World,
    signer: &RsaSigner,
    now: i64,
) -> Result<(), StartError> {
    // So many that a new sample moves no place of a token that comes later.
    let places = store.allot(PLACES).await?..;
    let mut granted = Vec::new();
    for (sample, place) in world.tokens.iter().zip(places) {
        granted.push((sample, token(store, world, sample, (signer, place), now).await?));
    }
    // What became of them comes after: a revocation ends the consents of before it.
    for (sample, request) in granted {
        became(store, world, sample, &request, now).await?;
    }
    // At most one waits for the same services: earlier ones have ended before.
    let mut requests: Vec<&Asked> = world.requests.iter().collect();
    requests.sort_by_key(|asked| -asked.age_seconds);
    for asked in requests {
        ask(store, seal, world, asked, now).await?;
    }
    Ok(())
}

fn record(at: i64, kind: &'static str, outcome: &str) -> Record {
    Record { at, kind, outcome: outcome.to_owned(), ..Record::default() }
}

fn id(text: &str) -> Result<Id, StartError> {
    Id::parse(text).ok_or_else(|| unsound("an id"))
}

fn peer<'a>(world: &'a World, name: &str) -> Result<&'a Peer, StartError> {
    world.peers.iter().find(|peer| peer.name == name).ok_or_else(|| unsound("a peer"))
}

fn services(ids: &[String]) -> Result<ServiceIds, StartError> {
    ServiceIds::collect(ids.iter().cloned()).ok_or_else(|| unsound("services"))
}

/// A token of before.
async fn token(
    store: &dyn Store,
    world: &World,
    sample: &Sample,
    (signer, place): (&RsaSigner, u64),
    now: i64,
) -> Result<AccessRequest, StartError> {
    let at = now - sample.age_seconds * 1000;
    let request = granted(world, sample, signer, place, at)?;
    let granting = Granting {
        request: request.clone(),
        // No real verification token has this identity.
        ovt: crate::trust::algorithm::sha256(sample.token_id.as_bytes()),
        ovt_iat: at / 1000,
        ovt_until: at / 1000,
        subjects: None,
    };
    match store.grant(granting, record(at, "decision", "granted")).await? {
        Granted::New(_) => Ok(request),
        _ => Err(unsound("a token")),
    }
}

/// What became of a token.
async fn became(
    store: &dyn Store,
    world: &World,
    sample: &Sample,
    request: &AccessRequest,
    now: i64,
) -> Result<(), StartError> {
    for looked in &sample.checked {
        check(store, world, looked, request, now).await?;
    }
    match sample.became.as_deref() {
        None => Ok(()),
        Some("cancelled") => {
            let cancel = Change::Event(Event::Cancel);
            store.change(request.id, cancel, record(request.opened + 1000, "event", "cancel")).await?;
            Ok(())
        }
        Some(_) => contest(store, sample, request, now).await,
    }
}

async fn check(
    store: &dyn Store,
    world: &World,
    looked: &Looked,
    request: &AccessRequest,
    now: i64,
) -> Result<(), StartError> {
    let time = now - looked.age_seconds * 1000;
    let check = Check {
        key: Key::Id(request.token.as_ref().ok_or_else(|| unsound("a token"))?.jti),
        service: looked.service.clone(),
        owner: peer(world, &looked.peer)?.sender_id.clone(),
        subject: Some(request.iin),
        blind: u32::MAX,
        time,
        registered: Box::new(|_| Registered::default()),
    };
    store.check_token(check, record(time, "check", "")).await?;
    Ok(())
}

/// An application for revocation, and how it was decided.
async fn contest(
    store: &dyn Store,
    sample: &Sample,
    request: &AccessRequest,
    now: i64,
) -> Result<(), StartError> {
    let filed = now - sample.filed_seconds * 1000;
    let application = id(sample.application_id.as_deref().unwrap_or_default())?;
    let filing = Filing {
        id: application,
        contested: Contested::Request(request.id),
        iin: request.iin,
        applicant: Applicant::Subject,
        comment: String::new(),
    };
    if !matches!(store.file(filing, record(filed, "decision", "")).await?, Filed::New(_)) {
        return Err(unsound("an application"));
    }
    let decision = match sample.became.as_deref() {
        Some("open") => return Ok(()),
        Some("approved") => Decision::Approve,
        Some("refused") => Decision::Refuse {
            reason: "Обязательства субъекта не исполнены".to_owned(),
            ground: obstacle(sample.refusal.as_deref()),
        },
        _ => return Err(unsound("what became of a token")),
    };
    let solution = Solution { application, bin: request.bin, decision };
    match store.solve(solution, record(now, "decision", "")).await? {
        Solved::Done(_) => Ok(()),
        Solved::Refused(_) => Err(unsound("a decision")),
    }
}

fn obstacle(kind: Option<&str>) -> Obstacle {
    match kind {
        Some("act") => Obstacle::Act {
            name: "Об архивном деле (песочница)".to_owned(),
            number: "1-П".to_owned(),
            date: date!(2025 - 01 - 15),
            article: "7".to_owned(),
        },
        Some("contract") => Obstacle::Contract {
            number: "15/2025".to_owned(),
            date: date!(2025 - 06 - 02),
            name: "Договор займа (песочница)".to_owned(),
        },
        _ => Obstacle::Obligation("Погашение задолженности по договору".to_owned()),
    }
}

/// An ask of before, and what happened to it.
async fn ask(
    store: &dyn Store,
    seal: &dyn Seal,
    world: &World,
    asked: &Asked,
    now: i64,
) -> Result<(), StartError> {
    let at = now - asked.age_seconds * 1000;
    let peer = peer(world, &asked.peer)?;
    let subject = world.by_iin(&asked.iin).ok_or_else(|| unsound("a subject"))?.0;
    let msisdn = subject.msisdn.as_deref().and_then(Msisdn::parse);
    let known = asked.became != Became::Seeking;
    let request = AccessRequest {
        directory: asked.directory.as_ref().map(|id| DirectoryRef { id: id.clone(), revision: 1 }),
        msisdn: msisdn.filter(|_| known),
        consent: Consent::ask(known, at, &Spans::default()),
        ..blank(peer, (&asked.request_id, &asked.iin), asked.method, &asked.services, 86_400, at)?
    };
    let code = one_time_code(seal, &request);
    let id = request.id;
    let budget = Budget { subject: u32::MAX, initiator: u32::MAX };
    let opened = store.open(Opening { request, budget }, record(at, "decision", "waiting")).await?;
    if !matches!(opened, Opened::New(_)) {
        return Err(unsound("an ask while another one waits"));
    }
    let sent = Change::Event(Event::SmsAccepted);
    let events = match asked.became {
        Became::Seeking | Became::Sending => vec![],
        Became::Waiting => vec![sent],
        Became::WrongTwice => vec![sent, Change::Code(String::new()), Change::Code(String::new())],
        Became::Agreed if asked.method == 5 => vec![sent, Change::Code(code)],
        Became::Agreed => vec![sent, Change::Event(Event::Yes)],
        Became::Refused => vec![sent, Change::Event(Event::No)],
        Became::Fraud => vec![sent, Change::Event(Event::Fraud)],
    };
    for change in events {
        store.change(id, change, record(at, "event", "before the sandbox")).await?;
    }
    Ok(())
}

fn granted(
    world: &World,
    sample: &Sample,
    signer: &RsaSigner,
    place: u64,
    at: i64,
) -> Result<AccessRequest, StartError> {
    let peer = peer(world, &sample.peer)?;
    let expires = at / 1000 + i64::try_from(sample.period_seconds).unwrap_or(0);
    let mcheck = match sample.method {
        2 | 3 => Some("DS".to_owned()),
        4 => Some("NONE".to_owned()),
        _ => None,
    };
    let claims = Claims {
        iss: "kdp-sandbox".to_owned(),
        jti: sample.token_id.clone(),
        iat: at / 1000,
        nbf: at / 1000,
        exp: expires,
        sub: sample.iin.clone(),
        uin: sample.iin.clone(),
        cbin: peer.bin.clone(),
        services: sample.services.clone(),
        method: sample.method,
        mcheck: mcheck.clone(),
        ground: sample.ground.clone(),
        dir: sample.directory.clone(),
        dir_revision: sample.directory.as_ref().map(|_| 1),
        rid: sample.request_id.clone(),
        data: Some(DATA.to_owned()),
        edition: EDITION.to_owned(),
        // Its place in the status list is kept, but the address of a sandbox would make each token another one.
        status: None,
    };
    let window = Window { created_at: 0, not_before: 0, not_after: i64::MAX };
    let kid = KeyRecord::new(signer, window).map_err(|e| StartError::Other(e.to_string()))?.kid;
    let compact = security::issue(&claims, signer, &kid).map_err(|e| StartError::Other(e.to_string()))?;
    let jti = id(&sample.token_id)?;
    let about = (sample.request_id.as_str(), sample.iin.as_str());
    Ok(AccessRequest {
        directory: sample.directory.as_ref().map(|id| DirectoryRef { id: id.clone(), revision: 1 }),
        ground: sample.ground.clone(),
        proactive: sample.proactive.clone(),
        mcheck,
        consent: Consent::Granted { expires, lapses: None },
        token: Some(Token { jti, compact, issued: at, expires, index: Some(place) }),
        ..blank(peer, about, sample.method, &sample.services, sample.period_seconds, at)?
    })
}

/// A request of which nothing happened yet; `about` is its id and its subject.
fn blank(
    peer: &Peer,
    about: (&str, &str),
    method: u8,
    services: &[String],
    term_seconds: u64,
    at: i64,
) -> Result<AccessRequest, StartError> {
    Ok(AccessRequest {
        id: id(about.0)?,
        bin: Bin::parse(&peer.bin).map_err(|_| unsound("a BIN"))?,
        sender: peer.sender_id.clone(),
        iin: iin(about.1)?,
        method: self::method(method)?,
        opened: at,
        services: self::services(services)?,
        term_seconds,
        company: peer.organisation.clone(),
        responsible: String::new(),
        employee: String::new(),
        data: DATA.to_owned(),
        directory: None,
        ground: None,
        proactive: None,
        mcheck: None,
        lang: Lang::default(),
        msisdn: None,
        reference: "0000".to_owned(),
        code_form: CodeForm::Digits,
        consent: Consent::ask(false, at, &Spans::default()),
        token: None,
    })
}
