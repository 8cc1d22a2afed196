//! A new ask: the checks of its method, then the subject's consent or the initiator's proof of it (F-6).

use super::repeat;
use super::reply::{Answer, Word};
use crate::app::App;
use crate::config::Environment;
use crate::consent::check::{self, Agreed, Examination, Facts, Finding};
use crate::consent::method::{Ask, Method};
use crate::consent::{Consent, EDITION};
use crate::dispatch::Caller;
use crate::gateway::BMG;
use crate::random::Id;
use crate::registry::{Registry, Sender};
use crate::store::{
    AccessRequest, Charge, DirectoryRef, Granted, Granting, Opened, Opening, Record, Standing, StoreError,
    Token,
};
use crate::text::{Check, Lang, Reason};
use crate::token::ovt::{self, Dates, LEEWAY, Ovt};
use crate::token::security::{self, Claims};

/// What the journal keeps of a decision.
#[derive(serde::Serialize)]
struct Detail<'a> {
    edition: &'static str,
    method: Method,
    checks: &'a [Finding],
}

/// Runs the checks of F-6 on what the ask and the register say.
pub fn examine(app: &App, caller: &Caller, ask: &Ask, registry: &Registry) -> Examination {
    check::examine(&facts(app, registry, &caller.sender, ask, caller.at))
}

/// The same for an ask of this sender at `at` (Unix milliseconds), and goes on after a check that failed; each with its
/// reason then.
#[must_use]
pub fn examine_all(
    app: &App,
    registry: &Registry,
    sender: &Sender,
    ask: &Ask,
    at: i64,
) -> Vec<(Finding, Option<Reason>)> {
    check::examine_all(&facts(app, registry, sender, ask, at))
}

/// What an ask of this sender is held against.
fn facts<'a>(app: &App, registry: &'a Registry, sender: &'a Sender, ask: &'a Ask, at: i64) -> Facts<'a> {
    Facts {
        ask,
        allowance: &sender.record.allowance,
        ovt_keys: &sender.ovt_keys,
        ovt_algorithms: ovt::accepted(app.config.trust.ovt_gg2004),
        suspended: sender.is_suspended(at),
        entry: ask.directory_id.as_deref().and_then(|id| registry.entries.get(id)),
        ground: ask.ground_id.as_deref().and_then(|id| registry.grounds.get(id)),
        proactive: ask.proactive_code.as_deref().and_then(|code| registry.proactive.get(code)),
        unconfirmed: app.config.environment == Environment::Test,
        at: at / 1000,
        ovt_lifetime: app.limits().ovt_lifetime_seconds,
    }
}

/// The journal record, of this kind, of what was decided about an ask.
pub fn record(caller: &Caller, kind: &'static str, ask: &Ask, checks: &[Finding], outcome: Reason) -> Record {
    let detail = Detail { edition: EDITION, method: ask.method, checks };
    Record {
        subject: Some(ask.iin),
        // Plain structures with text keys: serde_json cannot fail on them.
        detail: serde_json::to_string(&detail).unwrap_or_default(),
        ..caller.record(kind, outcome.code())
    }
}

/// Judges the ask and grants, opens or refuses it.
pub async fn handle(app: &App, caller: &Caller, ask: Ask, lang: Lang) -> Result<Answer, StoreError> {
    let registry = app.registry();
    let examination = examine(app, caller, &ask, &registry);
    let record = |outcome| record(caller, "decision", &ask, &examination.findings, outcome);
    match examination.verdict {
        Err(reason) => {
            app.store.note(record(reason)).await?;
            Ok(Answer::new(Word::Invalid, reason, lang))
        }
        Ok(mut agreed) => {
            let proof = agreed.ovt.take();
            let record = record(if proof.is_some() { Reason::Granted } else { Reason::Waiting });
            let request = request(app, caller, &ask, agreed, &registry, lang)?;
            match proof {
                Some((ovt, dates)) => by_ovt(app, caller, request, &ovt, dates, record, lang).await,
                None => by_subject(app, caller, request, record, lang).await,
            }
        }
    }
}

fn request(
    app: &App,
    caller: &Caller,
    ask: &Ask,
    agreed: Agreed,
    registry: &Registry,
    lang: Lang,
) -> Result<AccessRequest, StoreError> {
    let no_randomness = |_| StoreError::Failed(-1);
    let mut reference = [0_u8; 8];
    app.random.fill(&mut reference).map_err(no_randomness)?;
    let entry = ask.directory_id.as_deref().and_then(|id| registry.entries.get(id));
    let by_ground = matches!(ask.method, Method::Proactive | Method::Logging);
    Ok(AccessRequest {
        id: Id::new(caller.at, &*app.random).map_err(no_randomness)?,
        bin: ask.bin,
        sender: caller.sender.record.sender_id.clone(),
        iin: ask.iin,
        method: ask.method,
        opened: caller.at,
        services: agreed.services,
        term_seconds: agreed.term_seconds,
        // Not as the request writes it: none may ask a subject under another's name.
        company: caller.sender.record.name.clone(),
        responsible: ask.responsible.clone(),
        employee: ask.employee.clone(),
        data: agreed.data,
        directory: entry.map(|entry| DirectoryRef { id: entry.id.clone(), revision: entry.revision }),
        ground: ask.ground_id.clone().filter(|_| by_ground),
        proactive: ask.proactive_code.clone().filter(|_| ask.method == Method::Proactive),
        mcheck: None,
        lang,
        msisdn: None,
        reference: format!("{:04}", u64::from_be_bytes(reference) % 10_000),
        code_form: caller.sender.record.allowance.code,
        consent: Consent::ask(false, caller.at, &app.spans),
        token: None,
    })
}

/// Methods 2 to 4: the token is made before the transaction, which decides whether it is the one.
async fn by_ovt(
    app: &App,
    caller: &Caller,
    mut request: AccessRequest,
    ovt: &Ovt,
    dates: Dates,
    record: Record,
    lang: Lang,
) -> Result<Answer, StoreError> {
    request.mcheck = ovt.mcheck.map(|m| m.as_str().to_owned());
    let token = token(app, &request, None, caller.at).await?;
    request.consent = Consent::Granted { expires: token.expires, lapses: None };
    request.token = Some(token);
    let granting = Granting {
        request,
        ovt: ovt.digest,
        ovt_iat: dates.iat,
        ovt_until: dates.exp.saturating_add(LEEWAY),
        subjects: ovt.uin.is_none().then_some(app.limits().ovt_subjects),
    };
    Ok(match app.store.grant(granting, record).await? {
        Granted::New(request) => Answer::about(request, lang),
        Granted::Before(request) => repeat::trusted(app, request, caller.at, lang),
        Granted::Refused(reason) => Answer::new(Word::Invalid, reason, lang),
    })
}

/// Makes the security token of `request` (F-10 2, F-13; trust.md 5): iat is now, exp counts from it, but does not lie
/// behind `ends_at` (Unix seconds), when what was agreed ends.
pub async fn token(
    app: &App,
    request: &AccessRequest,
    ends_at: Option<i64>,
    at: i64,
) -> Result<Token, StoreError> {
    // The place is taken before anything is signed; one that is not used stays "valid" and belongs to nobody.
    let index = app.status.place(&*app.store).await?;
    let failed = |_| StoreError::Failed(-1);
    let registry = app.registry();
    let key = registry.keys.current(at / 1000).map_err(|_| StoreError::Setup("no signing key".to_owned()))?;
    let jti = Id::new(at, &*app.random).map_err(failed)?;
    let iat = at / 1000;
    let expires = iat.saturating_add(i64::try_from(request.term_seconds).unwrap_or(i64::MAX));
    let expires = ends_at.map_or(expires, |end| end.min(expires));
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
        mcheck: request.mcheck.clone(),
        ground: request.ground.clone(),
        dir: request.directory.as_ref().map(|entry| entry.id.clone()),
        dir_revision: request.directory.as_ref().map(|entry| entry.revision),
        rid: request.id.to_string(),
        data: (!request.data.is_empty()).then(|| request.data.clone()),
        edition: EDITION.to_owned(),
        status: Some(app.status.claim(index)),
    };
    let compact = security::issue(&claims, key.signer(), key.kid())
        .map_err(|_| StoreError::Setup("the token could not be signed".to_owned()))?;
    Ok(Token { jti, compact, issued: at, expires, index: Some(index) })
}

/// Methods 1 and 5: in progress already? A number? Then the subject is asked.
async fn by_subject(
    app: &App,
    caller: &Caller,
    mut request: AccessRequest,
    mut record: Record,
    lang: Lang,
) -> Result<Answer, StoreError> {
    let services = request.services.clone();
    let budget = app.limits().sms_budget();
    match app.store.standing(request.bin, request.iin, services, budget, caller.at).await? {
        Standing::Live(live) => {
            let (id, collects) =
                (live.id, matches!(live.consent.clone().at(caller.at), Consent::Agreed { .. }));
            let answer = repeat::answer(app, caller, *live, lang).await?;
            // What a collection came to is journalled with it.
            if !collects {
                let outcome = answer.reason.code().to_owned();
                app.store.note(Record { request: Some(id), outcome, ..record }).await?;
            }
            return Ok(answer);
        }
        // Nothing of a subject who is blocked or frozen is asked of anybody, nor beyond the day's asks: who has a number
        // and who has none is told to nobody without end.
        Standing::Refused(reason) => {
            let finding = match reason {
                Reason::LimitReached => Charge::NoNumber.used_up(),
                _ => Finding {
                    check: Check::SubjectOpen,
                    passed: false,
                    found: "blocked or frozen".into(),
                    expected: "neither blocked nor frozen".into(),
                },
            };
            app.store.note(record.refused(reason, &finding)).await?;
            return Ok(Answer::new(Word::Invalid, reason, lang));
        }
        Standing::Free => {}
    }
    // БМГ is asked before the transaction, briefly; when it does not answer, the request waits for it.
    match app.citizen.numbers(&request.iin).await {
        Ok(numbers) => {
            let Some(msisdn) = numbers.into_iter().next() else {
                let record = Record { outcome: Reason::NoPhone.code().to_owned(), ..record };
                return Ok(
                    if app.store.charge(request.bin, Charge::NoNumber, budget.initiator, record).await? {
                        Answer::new(Word::NotFound, Reason::NoPhone, lang)
                    } else {
                        Answer::new(Word::Invalid, Reason::LimitReached, lang)
                    },
                );
            };
            request.msisdn = Some(msisdn);
            request.consent = Consent::ask(true, caller.at, &app.spans);
        }
        Err(fault) => record = record.met(BMG, fault),
    }
    let record = Record { request: Some(request.id), ..record };
    let opening = Opening { request, budget };
    match app.store.open(opening, record).await? {
        Opened::New(request) => {
            app.wake.notify_one();
            Ok(Answer::about(request, lang))
        }
        Opened::Live(request) => repeat::answer(app, caller, request, lang).await,
        Opened::Refused(reason) => Ok(Answer::new(Word::Invalid, reason, lang)),
    }
}
