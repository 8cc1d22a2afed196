//! The call in the Body: wrapper, requestInfo, sender, service, data, and the checks of F-6.

use super::{Stage, Steps, difference, element, ovt, phrase};
use crate::app::App;
use crate::consent::check::Finding;
use crate::consent::method::Ask;
use crate::dispatch::{Proof, Service};
use crate::fault::Fault;
use crate::registry::{Auth, Sender};
use crate::service::access_request::{self, Request, ask};
use crate::service::payload::{Fields, Payload};
use crate::soap::sync_channel::{RequestInfo, Wrapper};
use crate::text::{Cause, FaultCode, Lang, Reason, StatusCode};
use crate::trust::Signer;
use crate::xml::Element;
use std::sync::Arc;

const NOT_READ: [&str; 3] = [
    "бағаланбады: бұған дейін оқылмады",
    "не судится: до этого не прочитано",
    "not judged: nothing was read so far",
];
/// A wish for a token's life, milliseconds, up to which seconds were meant.
const SECONDS: u64 = 20_000;

/// Judges the call; `signer` is who is believed to have signed it. `true`: it brings a one-time code.
pub fn judge(steps: &mut Steps, app: &App, body: Element<'_, '_>, signer: Option<&Signer>, at: i64) -> bool {
    let wrapper = match Wrapper::read(body) {
        Ok(wrapper) => wrapper,
        Err(fault) => {
            steps.fail(Stage::Wrapper, fault.code.code(), element::of_wrapper(&fault, body), &fault.detail);
            for stage in [Stage::RequestInfo, Stage::Payload, Stage::Sender, Stage::Service, Stage::Data] {
                steps.open(stage, NOT_READ);
            }
            return false;
        }
    };
    steps.pass(Stage::Wrapper, body.children().next().map_or("", Element::name));
    let info = take(steps, Stage::RequestInfo, body, wrapper.request_info());
    let service = info.as_ref().and_then(|info| app.config.services.find(&info.service_id));
    let (namespace, names) = service.unwrap_or(Service::AccessRequest).payload();
    let payload = wrapper.data().and_then(|data| Payload::read(data, namespace, names));
    let payload = take(steps, Stage::Payload, body, payload);
    let token = payload.as_ref().and_then(|payload| payload.auth_token.as_ref());
    let sender = info
        .as_ref()
        .and_then(|info| sender(steps, info, &Proof::of(app, signer, info, token), signer.is_some()));
    if info.is_none() {
        steps.open(Stage::Sender, NOT_READ);
        steps.open(Stage::Service, NOT_READ);
    }
    if let (Some(_), None) = (&info, service) {
        let code = FaultCode::ServiceUnknown.code();
        steps.fail(Stage::Service, code, vec![Cause::ServiceUnknown], "");
    }
    let Some((service, sender)) = service.zip(sender) else { return false };
    steps.pass(Stage::Service, service.label());
    let (own, wanted) = (sender.record.role.as_str(), service.role().as_str());
    if own == wanted {
        steps.pass(Stage::Role, own);
    } else {
        let detail = format!("{own}, {wanted}");
        // What this sender may ask for is no question then.
        steps.fail(Stage::Role, FaultCode::SenderForbidden.code(), vec![Cause::RoleForbidden], &detail);
        return false;
    }
    let Some(payload) = payload else {
        steps.open(Stage::Data, NOT_READ);
        return false;
    };
    data(steps, app, (service, &sender), &payload, body, at)
}

/// What was read, told as a step either way.
fn take<T>(steps: &mut Steps, stage: Stage, body: Element<'_, '_>, read: Result<T, Fault>) -> Option<T> {
    match read {
        Ok(read) => {
            steps.pass(stage, "");
            Some(read)
        }
        Err(fault) => {
            steps.fail(stage, fault.code.code(), element::of_fault(&fault, body), &fault.detail);
            None
        }
    }
}

/// Whether the sender proved itself; answers with it also if it did not, so that the rest can be judged.
fn sender(steps: &mut Steps, info: &RequestInfo, proof: &Proof, is_signed: bool) -> Option<Arc<Sender>> {
    let code = FaultCode::SenderNotAuthenticated.code();
    let Some(sender) = proof.registered.clone() else {
        steps.fail(Stage::Sender, code, vec![Cause::SenderUnknown], "");
        return None;
    };
    if !proof.is_proved() {
        let (password, token) = match sender.record.auth {
            Auth::Password => (!proof.password, false),
            Auth::Token => (false, !proof.token),
            Auth::Both => (!proof.password, !proof.token),
        };
        let absent = password && info.password.is_none();
        let cause = if absent { Cause::SecretMissing } else { Cause::SecretWrong };
        let which = [(password, "sender/password"), (token, "auth_token")];
        let which: Vec<&str> = which.iter().filter(|(wrong, _)| *wrong).map(|(_, name)| *name).collect();
        steps.fail(Stage::Sender, code, vec![cause], &which.join(", "));
    } else if is_signed && !proof.speaks {
        steps.fail(Stage::Sender, code, vec![Cause::CertificateBin], "");
    } else {
        steps.pass(Stage::Sender, sender.record.sender_id.clone());
    }
    Some(sender)
}

fn data(
    steps: &mut Steps,
    app: &App,
    (service, sender): (Service, &Sender),
    payload: &Payload,
    body: Element<'_, '_>,
    at: i64,
) -> bool {
    if service == Service::AccessRequest {
        match access_request::own_bin(sender, &payload.fields) {
            Ok(()) => drop(steps.pass(Stage::Bin, sender.bin.as_str())),
            Err(fault) => steps.fail(Stage::Bin, fault.code.code(), vec![Cause::BinForeign], ""),
        }
    }
    let fields = payload.fields.as_ref();
    let read = fields.map_err(Clone::clone).and_then(|fields| {
        service.reads(fields, sender, at)?;
        Ok(fields)
    });
    match read {
        Ok(fields) => {
            let warnings = warnings(fields, body);
            let found = warnings.first().map_or(String::new(), |cause| cause.text(steps.lang).to_owned());
            if let Some(step) = steps.pass(Stage::Data, found) {
                step.causes = warnings;
            }
            if service != Service::AccessRequest {
                return false;
            }
            match Request::read(fields, sender) {
                Ok(Request::Ask(ask) | Request::DryRun(ask)) => {
                    checks(steps, app, sender, &ask, at);
                    false
                }
                Ok(Request::Repeat(repeat)) => repeat.code.is_some(),
                Err(_) => false,
            }
        }
        Err(error) => {
            let text = error.text(steps.lang);
            steps.fail(Stage::Data, StatusCode::Data.code(), element::of_data(&error), &text);
            false
        }
    }
}

/// What is understood, but hardly meant.
fn warnings(fields: &Fields, body: Element<'_, '_>) -> Vec<Cause> {
    let wish = fields.get("expiresIn").and_then(|text| text.parse::<u64>().ok());
    let seen = [
        (Cause::Mojibake, difference::is_garbled(body)),
        (Cause::CyrillicLost, difference::is_lost(body)),
        (Cause::ExpiresInSeconds, wish.is_some_and(|wish| (1..SECONDS).contains(&wish))),
    ];
    seen.into_iter().filter(|(_, seen)| *seen).map(|(cause, _)| cause).collect()
}

/// The checks of F-6: all of them that can be judged.
fn checks(steps: &mut Steps, app: &App, sender: &Sender, ask: &Ask, at: i64) {
    for (finding, reason) in ask::examine_all(app, &app.registry(), sender, ask, at) {
        check(steps, &finding, reason, ask.ovt.as_deref());
    }
}

/// A check as a step; `reason` is why it fails, if it does, and `compact` the verification token, as far as it is known.
pub fn check(steps: &mut Steps, finding: &Finding, reason: Option<Reason>, compact: Option<&str>) {
    let Finding { check, found, expected, .. } = finding;
    let lang = steps.lang;
    match reason {
        None => drop(steps.pass(Stage::Check, phrase::said(found, lang))),
        Some(reason) => {
            let causes = ovt::causes(reason, found, compact);
            let detail = phrase::say(found, lang).or_else(|| (lang == Lang::En).then(|| found.to_string()));
            let text = if causes.is_empty() {
                format!("{} ({})", reason.text(lang), phrase::said(found, lang))
            } else {
                detail.unwrap_or_default()
            };
            steps.fail(Stage::Check, reason.code(), causes, &text);
        }
    }
    if let Some(step) = steps.taken.last_mut() {
        step.check = Some(*check);
        step.expected = phrase::said(expected, lang);
    }
}
