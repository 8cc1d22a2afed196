//! A new ask: the checks of its method, then the subject's consent or the initiator's proof of it (F-6).

use super::repeat;
use super::reply::{Answer, Word};
use crate::app::App;
use crate::consent::check::{self, Agreed, Facts, Finding};
use crate::consent::method::{Ask, Method};
use crate::consent::{Consent, EDITION};
use crate::dispatch::Caller;
use crate::random::Id;
use crate::store::{AccessRequest, Granted, Granting, Opened, Opening, Record, StoreError, Token};
use crate::text::{Lang, Reason};
use crate::token::ovt::{Dates, LEEWAY, Ovt};
use crate::token::security::{self, Claims};

/// What the journal keeps of a decision.
#[derive(serde::Serialize)]
struct Detail<'a> {
    edition: &'static str,
    method: Method,
    checks: &'a [Finding],
}

/// Judges the ask and grants, opens or refuses it.
pub async fn handle(app: &App, caller: &Caller, ask: Ask, lang: Lang) -> Result<Answer, StoreError> {
    let registry = app.registry();
    let examination = check::examine(&Facts {
        ask: &ask,
        allowance: &caller.sender.record.allowance,
        ovt_keys: &caller.sender.ovt_keys,
        entry: ask.directory_id.as_deref().and_then(|id| registry.entries.get(id)),
        at: caller.at / 1000,
        ovt_lifetime: app.limits().ovt_lifetime_seconds,
    });
    let record = |outcome: Reason| {
        let detail = Detail { edition: EDITION, method: ask.method, checks: &examination.findings };
        Record {
            subject: Some(ask.iin),
            // Plain structures with text keys: serde_json cannot fail on them.
            detail: serde_json::to_string(&detail).unwrap_or_default(),
            ..caller.record("decision", outcome.code())
        }
    };
    match examination.verdict {
        Err(reason) => {
            app.store.note(record(reason)).await?;
            Ok(Answer::new(Word::Invalid, reason, lang))
        }
        Ok(Agreed { ovt: Some((ovt, dates)), services, term_seconds, data }) => {
            let record = record(Reason::Granted);
            let request = request(app, caller, &ask, services, term_seconds, data, lang)?;
            by_ovt(app, caller, request, &ovt, dates, record, lang).await
        }
        Ok(Agreed { ovt: None, services, term_seconds, data }) => {
            let record = record(Reason::Waiting);
            let request = request(app, caller, &ask, services, term_seconds, data, lang)?;
            by_subject(app, caller, request, record, lang).await
        }
    }
}

fn request(
    app: &App,
    caller: &Caller,
    ask: &Ask,
    services: crate::consent::identity::ServiceIds,
    term_seconds: u64,
    data: String,
    lang: Lang,
) -> Result<AccessRequest, StoreError> {
    let no_randomness = |_| StoreError::Failed(-1);
    let mut reference = [0_u8; 8];
    app.random.fill(&mut reference).map_err(no_randomness)?;
    Ok(AccessRequest {
        id: Id::new(caller.at, &*app.random).map_err(no_randomness)?,
        bin: ask.bin,
        iin: ask.iin,
        method: ask.method,
        services,
        term_seconds,
        company: ask.company.clone(),
        responsible: ask.responsible.clone(),
        employee: ask.employee.clone(),
        data,
        directory_id: ask.directory_id.clone(),
        lang,
        msisdn: None,
        reference: format!("{:04}", u64::from_be_bytes(reference) % 10_000),
        code_form: caller.sender.record.allowance.code,
        consent: Consent::ask(false, caller.at, &app.spans),
        token: None,
    })
}

/// Method 2: the token is made before the transaction, which decides whether it is the one.
async fn by_ovt(
    app: &App,
    caller: &Caller,
    mut request: AccessRequest,
    ovt: &Ovt,
    dates: Dates,
    record: Record,
    lang: Lang,
) -> Result<Answer, StoreError> {
    let mcheck = ovt.mcheck.map(|m| m.as_str().to_owned());
    let token = token(app, &request, mcheck, caller.at)?;
    request.consent = Consent::Granted { expires: token.expires };
    request.token = Some(token);
    let granting = Granting {
        request,
        ovt: ovt.digest,
        ovt_until: dates.exp.saturating_add(LEEWAY),
        subjects: ovt.uin.is_none().then_some(app.limits().ovt_subjects),
    };
    Ok(match app.store.grant(granting, record).await? {
        Granted::New(request) | Granted::Before(request) => Answer::about(request, lang),
        Granted::OvtUsed => Answer::new(Word::Invalid, Reason::OvtUsed, lang),
        Granted::OverBudget => Answer::new(Word::Invalid, Reason::LimitReached, lang),
    })
}

/// Makes the security token of `request` (F-10 2, F-13; trust.md 5): iat is now, exp counts from it.
pub fn token(
    app: &App,
    request: &AccessRequest,
    mcheck: Option<String>,
    at: i64,
) -> Result<Token, StoreError> {
    let failed = |_| StoreError::Failed(-1);
    let registry = app.registry();
    let key = registry.keys.current(at / 1000).map_err(|_| StoreError::Setup("no signing key".to_owned()))?;
    let jti = Id::new(at, &*app.random).map_err(failed)?;
    let iat = at / 1000;
    let expires = iat.saturating_add(i64::try_from(request.term_seconds).unwrap_or(i64::MAX));
    let iin = request.iin.as_str().to_owned();
    let claims = Claims {
        iss: app.config.token.issuer.clone(),
        jti: jti.to_string(),
        iat,
        nbf: iat,
        exp: expires,
        sub: iin.clone(),
        uin: iin,
        cbin: request.bin.as_str().to_owned(),
        services: request.services.as_slice().to_vec(),
        method: request.method.number(),
        mcheck,
        ground: None,
        dir: request.directory_id.clone(),
        rid: request.id.to_string(),
        data: (!request.data.is_empty()).then(|| request.data.clone()),
        edition: EDITION.to_owned(),
        status: None,
    };
    let compact = security::issue(&claims, key.signer(), key.kid())
        .map_err(|_| StoreError::Setup("the token could not be signed".to_owned()))?;
    Ok(Token { jti, compact, expires })
}

/// Methods 1 and 5: in progress already? A number? Then the subject is asked.
async fn by_subject(
    app: &App,
    caller: &Caller,
    mut request: AccessRequest,
    record: Record,
    lang: Lang,
) -> Result<Answer, StoreError> {
    let live = app.store.live(request.bin, request.iin, request.services.clone(), caller.at).await?;
    if let Some(live) = live {
        let record = Record { request: Some(live.id), ..record };
        app.store.note(record).await?;
        return repeat::answer(app, caller, live, lang).await;
    }
    // БМГ is asked before the transaction, briefly; when it does not answer, the request waits for it.
    if let Ok(numbers) = app.citizen.numbers(&request.iin).await {
        let Some(msisdn) = numbers.into_iter().next() else {
            let outcome = Reason::NoPhone.code().to_owned();
            app.store.note(Record { outcome, ..record }).await?;
            return Ok(Answer::new(Word::NotFound, Reason::NoPhone, lang));
        };
        request.msisdn = Some(msisdn);
        request.consent = Consent::ask(true, caller.at, &app.spans);
    }
    let record = Record { request: Some(request.id), ..record };
    let opening = Opening { request, budget: app.limits().sms_budget() };
    match app.store.open(opening, record).await? {
        Opened::New(request) => {
            app.wake.notify_one();
            Ok(Answer::about(request, lang))
        }
        Opened::Live(request) => repeat::answer(app, caller, request, lang).await,
        Opened::OverBudget => Ok(Answer::new(Word::Invalid, Reason::LimitReached, lang)),
    }
}
