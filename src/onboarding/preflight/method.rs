//! How: methods with their protocols and grounds (F-4, I-7, I-8), and keys (I-10).

use super::text::{self, is_blank};
use super::{Known, Report};
use crate::consent::method::Method;
use crate::onboarding::form::{Form, Kind, MethodWish, Organisation, TestProtocol};
use crate::onboarding::rule::Rule;
use crate::token::ovt::OvtKey;
use crate::token::rsa::PublicKeyError;

pub fn look(form: &Form, known: &Known, report: &mut Report) {
    if form.methods.is_empty() {
        report.object(Rule::MethodMissing, "/methods", "");
    }
    for (i, wish) in text::bounded(&form.methods, "/methods", report).iter().enumerate() {
        let at = format!("/methods/{i}");
        let before = form.methods.get(..i).unwrap_or_default();
        if before.iter().any(|earlier| earlier.method == wish.method) {
            report.object(Rule::MethodRepeated, format!("{at}/method"), wish.method.number());
        }
        open_to(&form.organisation, wish.method, &at, report);
        protocol(wish, before, &at, report);
        proactive(form, wish, &at, known, report);
        grounds(wish, &at, known, report);
    }
    keys(form, report);
}

fn open_to(organisation: &Organisation, method: Method, at: &str, report: &mut Report) {
    let Some(kind) = organisation.kind else {
        return;
    };
    let rule = match method {
        Method::OwnMeans if kind == Kind::Bank => return,
        Method::OwnMeans if organisation.has_soc => Rule::OwnMeansAgreement,
        Method::OwnMeans => Rule::OwnMeansClosed,
        Method::Proactive | Method::Logging if !matches!(kind, Kind::StateBody | Kind::QuasiState) => {
            Rule::MethodUnusual
        }
        Method::Sms | Method::Proactive | Method::Logging | Method::Code => return,
    };
    report.object(rule, format!("{at}/method"), method.number());
}

fn protocol(wish: &MethodWish, before: &[MethodWish], at: &str, report: &mut Report) {
    let field = format!("{at}/test_protocol");
    let Some(protocol) = &wish.test_protocol else {
        let rule = if wish.method.needs_ovt() { Rule::ProtocolMissing } else { Rule::ProtocolWanted };
        report.object(rule, field, wish.method.number());
        return;
    };
    let TestProtocol { reference, sha256 } = protocol;
    if is_blank(reference) {
        report.object(Rule::ProtocolMalformed, format!("{field}/reference"), "");
    }
    text::fits(reference, text::NAME, &format!("{field}/reference"), report);
    if sha256.len() != 64 || !sha256.bytes().all(|b| b.is_ascii_hexdigit()) {
        report.object(Rule::ProtocolMalformed, format!("{field}/sha256"), "");
        return;
    }
    let is_same = |earlier: &&MethodWish| {
        earlier.test_protocol.as_ref().is_some_and(|other| other.sha256.eq_ignore_ascii_case(sha256))
    };
    if let Some(earlier) = before.iter().find(is_same) {
        report.object(Rule::ProtocolRepeated, field, earlier.method.number());
    }
}

fn proactive(form: &Form, wish: &MethodWish, at: &str, known: &Known, report: &mut Report) {
    if wish.method != Method::Proactive {
        return;
    }
    let Some(service) = wish.proactive.as_ref().filter(|service| !is_blank(&service.code)) else {
        report.object(Rule::ProactiveMissing, format!("{at}/proactive"), "");
        return;
    };
    text::fits(&service.code, text::NAME, &format!("{at}/proactive/code"), report);
    text::named(&service.name, &format!("{at}/proactive/name"), report);
    if known.proactive.get(&service.code).is_some_and(|other| other.bin != form.organisation.bin) {
        report.object(Rule::ProactiveTaken, format!("{at}/proactive/code"), &service.code);
    }
}

fn grounds(wish: &MethodWish, at: &str, known: &Known, report: &mut Report) {
    let field = format!("{at}/ground_ids");
    if !matches!(wish.method, Method::Proactive | Method::Logging) {
        if !wish.ground_ids.is_empty() {
            report.object(Rule::GroundUnused, field, "");
        }
        return;
    }
    if wish.ground_ids.is_empty() {
        report.object(Rule::GroundMissing, &*field, wish.method.number());
    }
    for (i, id) in text::bounded(&wish.ground_ids, &field, report).iter().enumerate() {
        let field = format!("{field}/{i}");
        let Some(ground) = known.grounds.get(id) else {
            report.object(Rule::GroundUnknown, field, "");
            continue;
        };
        if !ground.methods.contains(&wish.method) {
            report.object(Rule::GroundOtherMethod, &*field, id);
        }
        match (&ground.confirmed, known.unconfirmed) {
            (Some(_), _) => {}
            (None, true) => report.object(Rule::GroundUnconfirmedTest, &*field, id),
            (None, false) => report.object(Rule::GroundUnconfirmed, &*field, id),
        }
        if ground.exempt {
            report.object(Rule::GroundExempt, field, id);
        }
    }
}

fn keys(form: &Form, report: &mut Report) {
    if form.ovt_keys.is_empty() && form.needs_key() {
        report.object(Rule::KeyMissing, "/ovt_keys", "");
    }
    if !form.ovt_keys.is_empty() && !form.needs_key() && !form.methods.is_empty() {
        report.object(Rule::KeyUnneeded, "/ovt_keys", "");
    }
    for (i, pem) in text::bounded(&form.ovt_keys, "/ovt_keys", report).iter().enumerate() {
        if let Some(rule) = key_flaw(pem) {
            report.object(rule, format!("/ovt_keys/{i}"), "");
        }
    }
}

/// Why a PEM text is no public key that may verify an initiator's verification tokens (I-10, trust.md 1).
#[must_use]
pub fn key_flaw(pem: &str) -> Option<Rule> {
    if pem.contains("PRIVATE KEY") {
        return Some(Rule::KeyPrivate);
    }
    match OvtKey::from_pem(pem, None) {
        Ok(_) => None,
        Err(PublicKeyError::Size | PublicKeyError::Numbers | PublicKeyError::Weak) => Some(Rule::KeyWeak),
        Err(_) => Some(Rule::KeyMalformed),
    }
}
