//! The checks of F-6 as values, run in the law's order. The same list serves the answer and the journal.
//!
//! Three checks stand before the data of the request are read and fail as faults: sender known, sender
//! authenticated, BIN of the sender. They begin every examination as passed.

use super::directory::{DirectoryEntry, Ground, ProactiveService, in_force};
use super::identity::ServiceIds;
use super::method::{Allowance, Ask, LOGGING_TERM, MAX_TERM, Method};
use crate::text::{Check, Reason};
use crate::token::ovt::{self, Dates, Mcheck, Ovt, OvtKey};
use crate::trust::algorithm::SignatureAlgorithm;
use std::borrow::Cow;

/// One check that ran. Neither text holds personal data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which check.
    pub check: Check,
    /// Its outcome.
    pub passed: bool,
    /// What was found.
    pub found: Cow<'static, str>,
    /// What was expected.
    pub expected: Cow<'static, str>,
}

/// `[check, passed, found, expected]`: the journal holds one for each check of each decision, so it is short.
impl serde::Serialize for Finding {
    fn serialize<S: serde::Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        (self.check.code(), self.passed, &self.found, &self.expected).serialize(out)
    }
}

impl<'de> serde::Deserialize<'de> for Finding {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let (check, passed, found, expected): (_, _, String, String) = serde::Deserialize::deserialize(from)?;
        Ok(Self { check, passed, found: found.into(), expected: expected.into() })
    }
}

/// What a request is held against.
pub struct Facts<'a> {
    /// The request.
    pub ask: &'a Ask,
    /// The initiator's registration.
    pub allowance: &'a Allowance,
    /// The initiator's registered keys.
    pub ovt_keys: &'a [OvtKey],
    /// The algorithms of verification tokens that are accepted.
    pub ovt_algorithms: &'a [SignatureAlgorithm],
    /// Whether the initiator is suspended now.
    pub suspended: bool,
    /// The directory entry that the request names, if it is known.
    pub entry: Option<&'a DirectoryEntry>,
    /// The ground that it names, if it is known.
    pub ground: Option<&'a Ground>,
    /// The proactive service that it names, if it is known.
    pub proactive: Option<&'a ProactiveService>,
    /// Whether unconfirmed grounds serve: in test installations only.
    pub unconfirmed: bool,
    /// Unix seconds.
    pub at: i64,
    /// Longest life of a verification token, seconds.
    pub ovt_lifetime: i64,
}

/// What was agreed, when every check passed.
pub struct Agreed {
    /// For these services.
    pub services: ServiceIds,
    /// Life of the token, seconds.
    pub term_seconds: u64,
    /// When the first of what was agreed ends, Unix seconds: no token outlives it.
    pub ends_at: Option<i64>,
    /// Which data, as the subject reads it.
    pub data: String,
    /// The verification token of methods 2 to 4, and its dates.
    pub ovt: Option<(Ovt, Dates)>,
}

/// The outcome of all checks.
pub struct Examination {
    /// Those that ran, in order; the last failed if the verdict is a no.
    pub findings: Vec<Finding>,
    /// The verdict.
    pub verdict: Result<Agreed, Reason>,
}

/// What the checks found on the way.
#[derive(Default)]
struct Progress {
    services: Option<ServiceIds>,
    term_seconds: u64,
    ovt: Option<Ovt>,
    dates: Option<Dates>,
}

struct Failure {
    reason: Reason,
    found: Cow<'static, str>,
    expected: Cow<'static, str>,
}

type Step = (Check, fn(&Facts<'_>, &mut Progress) -> Result<Seen, Failure>);
/// Found and expected of a check that passed.
type Seen = (Cow<'static, str>, Cow<'static, str>);

/// F-6, every request.
const EVERY: &[Step] = &[
    (Check::InitiatorActive, initiator_active),
    (Check::MethodAllowed, method_allowed),
    (Check::DirectoryEntry, directory_entry),
    (Check::ServicesAllowed, services_allowed),
    (Check::TermWithinAgreement, term),
];

/// F-6, method 2, after those of every request.
const OWN_MEANS: &[Step] = &[
    (Check::OvtPresent, ovt_present),
    (Check::OvtSignature, ovt_signature),
    (Check::OvtBin, ovt_bin),
    (Check::OvtMethod, ovt_method),
    (Check::OvtDate, ovt_date),
    (Check::OvtSubject, ovt_subject),
];

/// F-6, method 3.
const PROACTIVE: &[Step] = &[
    (Check::OvtPresent, ovt_present),
    (Check::OvtSignature, ovt_signature),
    (Check::ProactiveCode, proactive_code),
    (Check::OvtBin, ovt_bin),
    (Check::OvtMethod, ovt_method),
    (Check::OvtDate, ovt_date),
    (Check::Ground, ground),
    (Check::OvtSubject, ovt_subject),
];

/// F-6, method 4. That its ovt is marked "no consent obtained" is no check of the law, but what the method is.
const LOGGING: &[Step] = &[
    (Check::OvtPresent, ovt_present),
    (Check::OvtSignature, ovt_signature),
    (Check::LoggingAllowed, logging_allowed),
    (Check::OvtBin, ovt_bin),
    (Check::OvtDate, ovt_date),
    (Check::OvtMethod, ovt_method),
    (Check::Ground, ground),
    (Check::OvtSubject, ovt_subject),
];

/// Runs the checks of the request's method until one fails.
#[must_use]
pub fn examine(facts: &Facts<'_>) -> Examination {
    let mut findings = Vec::with_capacity(16);
    for check in [Check::SenderKnown, Check::SenderAuthenticated, Check::BinOfSender, Check::IinWellFormed] {
        findings.push(Finding { check, passed: true, found: "yes".into(), expected: "yes".into() });
    }
    let mut progress = Progress::default();
    for (check, step) in steps(facts.ask.method) {
        match step(facts, &mut progress) {
            Ok((found, expected)) => {
                findings.push(Finding { check: *check, passed: true, found, expected });
            }
            Err(Failure { reason, found, expected }) => {
                findings.push(Finding { check: *check, passed: false, found, expected });
                return Examination { findings, verdict: Err(reason) };
            }
        }
    }
    let verdict = match progress.services {
        Some(services) => Ok(Agreed {
            services,
            term_seconds: progress.term_seconds,
            ends_at: ends_at(facts),
            data: data(facts),
            ovt: progress.ovt.zip(progress.dates),
        }),
        None => Err(Reason::ServiceNotAllowed),
    };
    Examination { findings, verdict }
}

/// Runs the checks of the request's method, those after one that failed too: each with its reason then. Left out are those
/// that need a verification token when there is none that was verified.
#[must_use]
pub fn examine_all(facts: &Facts<'_>) -> Vec<(Finding, Option<Reason>)> {
    let mut progress = Progress::default();
    let mut findings = Vec::with_capacity(16);
    for (check, step) in steps(facts.ask.method) {
        let needs_ovt =
            matches!(check, Check::OvtBin | Check::OvtMethod | Check::OvtDate | Check::OvtSubject);
        let is_moot = *check == Check::OvtSignature && facts.ask.ovt.is_none();
        if is_moot || needs_ovt && progress.ovt.is_none() {
            continue;
        }
        let (check, passed) = (*check, true);
        findings.push(match step(facts, &mut progress) {
            Ok((found, expected)) => (Finding { check, passed, found, expected }, None),
            Err(Failure { reason, found, expected }) => {
                (Finding { check, passed: false, found, expected }, Some(reason))
            }
        });
    }
    findings
}

/// The checks of a method, in the law's order.
fn steps(method: Method) -> impl Iterator<Item = &'static Step> {
    let own: &'static [Step] = match method {
        Method::OwnMeans => OWN_MEANS,
        Method::Proactive => PROACTIVE,
        Method::Logging => LOGGING,
        Method::Sms | Method::Code => &[],
    };
    EVERY.iter().chain(own)
}

fn data(facts: &Facts<'_>) -> String {
    match facts.entry {
        Some(entry) if facts.ask.data.is_empty() => entry.data.clone(),
        _ => facts.ask.data.clone(),
    }
}

/// The first end of what the request rests on; what has ended already fails in a check of its own.
fn ends_at(facts: &Facts<'_>) -> Option<i64> {
    let proactive = facts.proactive.filter(|service| is_own_proactive(facts, service));
    let ground = facts.ground.filter(|_| needs_ground(facts.ask.method));
    let ends = [
        facts.entry.and_then(|entry| entry.expires_at),
        proactive.and_then(|service| service.expires_at),
        ground.and_then(|ground| ground.expires_at),
    ];
    ends.into_iter().flatten().filter(|end| *end > facts.at).min()
}

fn needs_ground(method: Method) -> bool {
    matches!(method, Method::Proactive | Method::Logging)
}

fn failure(
    reason: Reason,
    found: impl Into<Cow<'static, str>>,
    expected: impl Into<Cow<'static, str>>,
) -> Failure {
    Failure { reason, found: found.into(), expected: expected.into() }
}

fn initiator_active(facts: &Facts<'_>, _: &mut Progress) -> Result<Seen, Failure> {
    if facts.suspended {
        return Err(failure(Reason::Suspended, "suspended", "not suspended"));
    }
    Ok(("not suspended".into(), "not suspended".into()))
}

fn method_allowed(facts: &Facts<'_>, _: &mut Progress) -> Result<Seen, Failure> {
    let allowed = &facts.allowance.methods;
    let found = facts.ask.method.number().to_string();
    let expected = allowed.iter().map(|m| m.number().to_string()).collect::<Vec<_>>().join(", ");
    if allowed.contains(&facts.ask.method) {
        Ok((found.into(), expected.into()))
    } else {
        Err(failure(Reason::MethodNotAllowed, found, expected))
    }
}

fn directory_entry(facts: &Facts<'_>, _: &mut Progress) -> Result<Seen, Failure> {
    let Some(id) = &facts.ask.directory_id else {
        return Ok(("no entry named".into(), "a list of ServiceIDs is enough".into()));
    };
    let expected = "an entry of this initiator in force";
    match facts.entry {
        // A foreign entry looks like an unknown one.
        Some(entry) if entry.bin == facts.ask.bin.as_str() => match entry.expires_at {
            Some(end) if facts.at >= end => {
                let end = crate::clock::text(end.saturating_mul(1000));
                Err(failure(Reason::DirectoryExpired, format!("ended {end}"), expected))
            }
            _ if facts.at < entry.valid_from => {
                let start = crate::clock::text(entry.valid_from.saturating_mul(1000));
                Err(failure(Reason::DirectoryExpired, format!("begins {start}"), expected))
            }
            _ => Ok((format!("{id}, revision {}", entry.revision).into(), expected.into())),
        },
        _ => Err(failure(Reason::DirectoryUnknown, "unknown", expected)),
    }
}

fn services_allowed(facts: &Facts<'_>, progress: &mut Progress) -> Result<Seen, Failure> {
    let agreed = facts.entry.map_or(&facts.allowance.services, |entry| &entry.services);
    // The proactive service narrows what was agreed; whether its code may be used at all is a check of its own.
    let proactive = facts.proactive.filter(|p| is_own_proactive(facts, p));
    let allowed: Vec<String> = match proactive {
        Some(service) => agreed.iter().filter(|id| service.services.contains(id)).cloned().collect(),
        None => agreed.clone(),
    };
    let asked = match (&facts.ask.services, facts.entry) {
        (Some(services), _) => Some(services.clone()),
        (None, Some(_)) => ServiceIds::collect(allowed.iter().cloned()),
        (None, None) => None,
    };
    let expected = allowed.join(";");
    let Some(asked) = asked else {
        return Err(failure(Reason::ServiceNotAllowed, "no ServiceID", expected));
    };
    let outside = asked.outside(&allowed);
    if !outside.is_empty() {
        // What a peer wrote does not go to the journal: it may name anything, and anybody.
        let found = format!("{} not agreed", outside.len());
        return Err(failure(Reason::ServiceNotAllowed, found, expected));
    }
    let found = asked.key();
    progress.services = Some(asked);
    Ok((found.into(), expected.into()))
}

/// Whether the request is one of method 3 under this service of the same BIN.
fn is_own_proactive(facts: &Facts<'_>, service: &ProactiveService) -> bool {
    facts.ask.method == Method::Proactive && service.bin == facts.ask.bin.as_str()
}

fn term(facts: &Facts<'_>, progress: &mut Progress) -> Result<Seen, Failure> {
    let left = ends_at(facts).map_or(u64::MAX, |end| end.abs_diff(facts.at));
    if facts.ask.method == Method::Logging {
        // Whatever was asked for; but no token outlives its ground.
        progress.term_seconds = LOGGING_TERM.min(left);
        return Ok((format!("{} s", progress.term_seconds).into(), format!("{LOGGING_TERM} s").into()));
    }
    let agreed = facts.entry.map_or(facts.allowance.max_term_seconds, |entry| entry.period_seconds);
    let proactive = facts.proactive.filter(|p| is_own_proactive(facts, p)).map(|p| p.period_seconds);
    let agreed = agreed.min(proactive.unwrap_or(u64::MAX)).min(u64::from(MAX_TERM));
    let most = agreed.min(left);
    let asked_ms = facts.ask.expires_in_ms;
    let expected = format!("at most {most} s");
    // A token of no life would be granted and expired at once: nothing was agreed.
    if most == 0 || asked_ms > most * 1000 {
        return Err(failure(Reason::TermTooLong, format!("{asked_ms} ms"), expected));
    }
    // Whole seconds, as exp has them; a shorter wish than a second is a second.
    progress.term_seconds = if asked_ms == 0 { most } else { (asked_ms / 1000).max(1) };
    Ok((format!("{} s", progress.term_seconds).into(), expected.into()))
}

fn proactive_code(facts: &Facts<'_>, _: &mut Progress) -> Result<Seen, Failure> {
    let expected = "a proactive service of this BIN";
    let Some(code) = &facts.ask.proactive_code else {
        return Err(failure(Reason::ProactiveCode, "absent", expected));
    };
    match facts.proactive.filter(|p| is_own_proactive(facts, p)) {
        Some(service) if in_force(service.expires_at, facts.at) => Ok((code.clone().into(), expected.into())),
        Some(_) => Err(failure(Reason::ProactiveCode, "no longer provided", expected)),
        // Another's code looks like an unknown one.
        None => Err(failure(Reason::ProactiveCode, "unknown", expected)),
    }
}

fn logging_allowed(facts: &Facts<'_>, _: &mut Progress) -> Result<Seen, Failure> {
    if facts.allowance.logging {
        Ok(("allowed".into(), "allowed".into()))
    } else {
        Err(failure(Reason::LoggingNotAllowed, "not allowed", "allowed"))
    }
}

fn ground(facts: &Facts<'_>, _: &mut Progress) -> Result<Seen, Failure> {
    let method = facts.ask.method;
    let expected = format!("a ground in force for method {}", method.number());
    let no = |found: &'static str| Err(failure(Reason::GroundUnknown, found, expected.clone()));
    let (Some(id), Some(ground)) = (&facts.ask.ground_id, facts.ground) else {
        return no(if facts.ask.ground_id.is_some() { "unknown" } else { "absent" });
    };
    if !ground.methods.contains(&method) {
        return no("for another method");
    }
    if !in_force(ground.expires_at, facts.at) {
        return no("no longer in force");
    }
    if ground.confirmed.is_none() && !facts.unconfirmed {
        return no("not confirmed");
    }
    Ok((format!("{id}, revision {}", ground.revision).into(), expected.into()))
}

fn ovt_present(facts: &Facts<'_>, _: &mut Progress) -> Result<Seen, Failure> {
    match &facts.ask.ovt {
        Some(_) => Ok(("present".into(), "present".into())),
        None => Err(failure(Reason::OvtMissing, "absent", "present")),
    }
}

fn ovt_signature(facts: &Facts<'_>, progress: &mut Progress) -> Result<Seen, Failure> {
    let expected = "a compact JWS signed by a registered key of the initiator";
    let compact = facts.ask.ovt.as_deref().unwrap_or_default();
    match ovt::verify(compact, facts.ovt_keys, facts.ovt_algorithms) {
        Ok(token) => {
            progress.ovt = Some(token);
            Ok(("verified".into(), expected.into()))
        }
        Err(error) => {
            let reason = Reason::from_code(error.reason()).unwrap_or(Reason::OvtMalformed);
            Err(failure(reason, error.to_string(), expected))
        }
    }
}

/// The token that an earlier step verified.
fn verified(progress: &Progress) -> Result<&Ovt, Failure> {
    progress.ovt.as_ref().ok_or_else(|| failure(Reason::OvtMissing, "absent", "verified"))
}

fn ovt_bin(facts: &Facts<'_>, progress: &mut Progress) -> Result<Seen, Failure> {
    let ovt = verified(progress)?;
    let expected = facts.ask.bin.as_str().to_owned();
    if ovt.cbin == expected {
        Ok((expected.clone().into(), expected.into()))
    } else {
        Err(failure(Reason::OvtBin, "another cbin", expected))
    }
}

fn ovt_method(facts: &Facts<'_>, progress: &mut Progress) -> Result<Seen, Failure> {
    let ovt = verified(progress)?;
    let allowed: &[Mcheck] = match facts.ask.method {
        Method::Proactive => &[Mcheck::Biometrics, Mcheck::Signature, Mcheck::Paper],
        Method::Logging => &[Mcheck::NoConsent],
        _ => &[
            Mcheck::Biometrics,
            Mcheck::Signature,
            Mcheck::DigitalId,
            Mcheck::OneTimePassword,
            Mcheck::Paper,
        ],
    };
    let expected = allowed.iter().map(|m| m.as_str()).collect::<Vec<_>>().join(", ");
    match ovt.mcheck {
        Some(mcheck) if allowed.contains(&mcheck) => Ok((mcheck.as_str().into(), expected.into())),
        Some(mcheck) => Err(failure(Reason::OvtMethod, mcheck.as_str(), expected)),
        None => Err(failure(Reason::OvtMethod, "an unknown word", expected)),
    }
}

fn ovt_date(facts: &Facts<'_>, progress: &mut Progress) -> Result<Seen, Failure> {
    let ovt = verified(progress)?;
    let expected = format!(
        "iat and exp around {}, at most {} s apart",
        crate::clock::text(facts.at.saturating_mul(1000)),
        facts.ovt_lifetime
    );
    match ovt.check_dates(facts.at, ovt::LEEWAY, facts.ovt_lifetime) {
        Ok(dates) => {
            progress.dates = Some(dates);
            Ok((format!("iat {}, exp {}", dates.iat, dates.exp).into(), expected.into()))
        }
        Err(problem) => Err(failure(Reason::OvtDate, problem.to_string(), expected)),
    }
}

fn ovt_subject(facts: &Facts<'_>, progress: &mut Progress) -> Result<Seen, Failure> {
    let ovt = verified(progress)?;
    match &ovt.uin {
        Some(uin) if uin == facts.ask.iin.as_str() => {
            Ok(("bound to this subject".into(), "uin, if any, is the subject's".into()))
        }
        Some(_) => Err(failure(Reason::OvtSubject, "bound to another subject", "bound to this subject")),
        None if facts.allowance.ovt_bound => {
            Err(failure(Reason::OvtSubject, "not bound", "bound to this subject by uin"))
        }
        None => Ok(("not bound".into(), "uin, if any, is the subject's".into())),
    }
}

#[cfg(test)]
mod tests {
    use super::super::identity::{Bin, Iin};
    use super::*;

    /// The term, seconds, or why there is none, of an ask for `wish` milliseconds where `agreed` seconds were agreed.
    fn term_of(agreed: u64, wish: u64) -> Result<u64, Reason> {
        let allowance = Allowance {
            services: vec!["A".to_owned()],
            max_term_seconds: agreed,
            methods: vec![Method::Sms],
            ..Allowance::default()
        };
        let ask = Ask {
            iin: Iin::parse("800101399015").unwrap(),
            bin: Bin::parse("260140990117").unwrap(),
            responsible: String::new(),
            employee: String::new(),
            services: ServiceIds::parse("A"),
            data: String::new(),
            expires_in_ms: wish,
            method: Method::Sms,
            ovt: None,
            directory_id: None,
            ground_id: None,
            proactive_code: None,
        };
        let facts = Facts {
            ask: &ask,
            allowance: &allowance,
            ovt_keys: &[],
            ovt_algorithms: &[],
            suspended: false,
            entry: None,
            ground: None,
            proactive: None,
            unconfirmed: false,
            at: 0,
            ovt_lifetime: 0,
        };
        examine(&facts).verdict.map(|agreed| agreed.term_seconds)
    }

    #[test]
    fn a_wish_counts_in_whole_seconds_up_to_what_was_agreed() {
        for (agreed, wish, term) in [
            (600, 0, Ok(600)),
            (600, 1, Ok(1)),
            (600, 999, Ok(1)),
            (600, 1999, Ok(1)),
            (600, 600_000, Ok(600)),
            (600, 600_001, Err(Reason::TermTooLong)),
            (600, u64::MAX, Err(Reason::TermTooLong)),
        ] {
            assert_eq!(term_of(agreed, wish), term, "{wish} ms of {agreed} s");
        }
    }

    #[test]
    fn nothing_agreed_is_nothing_granted_and_no_token_outlives_the_key_that_verifies_it() {
        assert_eq!(term_of(0, 0), Err(Reason::TermTooLong));
        assert_eq!(term_of(0, 1), Err(Reason::TermTooLong));
        assert_eq!(term_of(u64::MAX, 0), Ok(u64::from(MAX_TERM)));
        assert_eq!(term_of(u64::MAX, u64::MAX), Err(Reason::TermTooLong));
    }
}
