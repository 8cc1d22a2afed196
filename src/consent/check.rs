//! The checks of F-6 as values, run in the law's order. The same list serves the answer and the journal.
//!
//! Three checks stand before the data of the request are read and fail as faults: sender known, sender
//! authenticated, BIN of the sender. They begin every examination as passed.

use super::identity::ServiceIds;
use super::method::{Allowance, Ask, DirectoryEntry, MAX_TERM, Method};
use crate::text::{Check, Reason};
use crate::token::ovt::{self, Dates, Mcheck, Ovt, OvtKey};
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

/// What a request is held against.
pub struct Facts<'a> {
    /// The request.
    pub ask: &'a Ask,
    /// The initiator's registration.
    pub allowance: &'a Allowance,
    /// The initiator's registered keys.
    pub ovt_keys: &'a [OvtKey],
    /// The directory entry that the request names, if it is known.
    pub entry: Option<&'a DirectoryEntry>,
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

/// Runs the checks of the request's method until one fails.
#[must_use]
pub fn examine(facts: &Facts<'_>) -> Examination {
    let mut findings = Vec::with_capacity(16);
    for check in [Check::SenderKnown, Check::SenderAuthenticated, Check::BinOfSender, Check::IinWellFormed] {
        findings.push(Finding { check, passed: true, found: "yes".into(), expected: "yes".into() });
    }
    let own: &[Step] = match facts.ask.method {
        Method::OwnMeans => OWN_MEANS,
        // Proactive service and logging mode need directories that are not kept yet: no registration allows them.
        Method::Sms | Method::Code | Method::Proactive | Method::Logging => &[],
    };
    let mut progress = Progress::default();
    for (check, step) in EVERY.iter().chain(own) {
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
            data: data(facts),
            ovt: progress.ovt.zip(progress.dates),
        }),
        None => Err(Reason::ServiceNotAllowed),
    };
    Examination { findings, verdict }
}

fn data(facts: &Facts<'_>) -> String {
    match facts.entry {
        Some(entry) if facts.ask.data.is_empty() => entry.data.clone(),
        _ => facts.ask.data.clone(),
    }
}

fn failure(
    reason: Reason,
    found: impl Into<Cow<'static, str>>,
    expected: impl Into<Cow<'static, str>>,
) -> Failure {
    Failure { reason, found: found.into(), expected: expected.into() }
}

fn method_allowed(facts: &Facts<'_>, _: &mut Progress) -> Result<Seen, Failure> {
    let allowed = &facts.allowance.methods;
    let found = facts.ask.method.number().to_string();
    let expected = allowed.iter().map(|m| m.number().to_string()).collect::<Vec<_>>().join(", ");
    let implemented = !matches!(facts.ask.method, Method::Proactive | Method::Logging);
    if implemented && allowed.contains(&facts.ask.method) {
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
            _ => Ok((id.clone().into(), expected.into())),
        },
        _ => Err(failure(Reason::DirectoryUnknown, "unknown", expected)),
    }
}

fn services_allowed(facts: &Facts<'_>, progress: &mut Progress) -> Result<Seen, Failure> {
    let allowed = facts.entry.map_or(&facts.allowance.services, |entry| &entry.services);
    let asked = match (&facts.ask.services, facts.entry) {
        (Some(services), _) => Some(services.clone()),
        (None, Some(entry)) => ServiceIds::collect(entry.services.iter().cloned()),
        (None, None) => None,
    };
    let expected = allowed.join(";");
    let Some(asked) = asked else {
        return Err(failure(Reason::ServiceNotAllowed, "no ServiceID", expected));
    };
    let outside = asked.outside(allowed);
    if !outside.is_empty() {
        return Err(failure(Reason::ServiceNotAllowed, outside.join(";"), expected));
    }
    let found = asked.key();
    progress.services = Some(asked);
    Ok((found.into(), expected.into()))
}

fn term(facts: &Facts<'_>, progress: &mut Progress) -> Result<Seen, Failure> {
    let agreed = facts.entry.map_or(facts.allowance.max_term_seconds, |entry| entry.period_seconds);
    let agreed = agreed.min(u64::from(MAX_TERM));
    let asked_ms = facts.ask.expires_in_ms;
    let expected = format!("at most {agreed} s");
    // A token of no life would be granted and expired at once: nothing was agreed.
    if agreed == 0 || asked_ms > agreed * 1000 {
        return Err(failure(Reason::TermTooLong, format!("{asked_ms} ms"), expected));
    }
    // Whole seconds, as exp has them; a shorter wish than a second is a second.
    progress.term_seconds = if asked_ms == 0 { agreed } else { (asked_ms / 1000).max(1) };
    Ok((format!("{} s", progress.term_seconds).into(), expected.into()))
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
    match ovt::verify(compact, facts.ovt_keys) {
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

fn ovt_method(_: &Facts<'_>, progress: &mut Progress) -> Result<Seen, Failure> {
    let ovt = verified(progress)?;
    let expected = "BIO, DS, DID, OTP or PC";
    match ovt.mcheck {
        Some(Mcheck::NoConsent) => Err(failure(Reason::OvtMethod, "NONE", expected)),
        Some(mcheck) => Ok((mcheck.as_str().into(), expected.into())),
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
            company: String::new(),
            responsible: String::new(),
            employee: String::new(),
            services: ServiceIds::parse("A"),
            data: String::new(),
            expires_in_ms: wish,
            method: Method::Sms,
            ovt: None,
            directory_id: None,
        };
        let facts =
            Facts { ask: &ask, allowance: &allowance, ovt_keys: &[], entry: None, at: 0, ovt_lifetime: 0 };
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
