//! The steps of the signature, and the causes by which it fails.

use super::difference;
use super::{Rehearsal, Stage, State, Steps};
use crate::soap::envelope::Outline;
use crate::text::Cause;
use crate::trust::algorithm::{DS, WSU, key};
use crate::trust::examine::{Examination, Found};
use crate::trust::gost::GostError;
use crate::trust::{Distrust, PeerKind, Signer};
use crate::xml::Element;

const NOT_FOUND: [&str; 3] = [
    "бағаланбады: қажеттісі табылмады",
    "не судится: нужное не найдено",
    "not judged: what it needs was not found",
];

/// Judges the signature; answers with who is believed to have signed, whether or not the signature holds.
pub fn judge(steps: &mut Steps, rehearsal: &Rehearsal, outline: &Outline<'_, '_>, at: i64) -> Option<Signer> {
    let trust = rehearsal.app.trust();
    let seen = trust.examine(outline, at / 1000);
    let algorithm = seen.found.as_ref().and_then(|found| found.method).map_or("", |method| method.title());
    let certificate = seen.certificate.as_deref();
    let pinned: Vec<_> = trust.pinned().collect();
    let about = About { seen: &seen, outline, pinned: &pinned };
    about.step(steps, Stage::Profile, Some(seen.profile), || algorithm.to_owned());
    let form = || seen.found.as_ref().and_then(|found| key_form(found)).unwrap_or_default();
    about.step(steps, Stage::KeyInfo, seen.key_info, form);
    let signer = seen.trusted.as_ref().and_then(|trusted| trusted.as_ref().ok());
    let trusted = seen.trusted.as_ref().map(|trusted| trusted.as_ref().map(drop).map_err(|error| *error));
    let who = || {
        let kind = |kind: &PeerKind| if *kind == PeerKind::Gateway { "gateway" } else { "direct" };
        let peer = signer.map(|signer| format!("{} ({})", signer.peer.name, kind(&signer.peer.kind)));
        let serial = certificate.map(|certificate| format!("serial {}", certificate.serial));
        peer.into_iter().chain(serial).collect::<Vec<_>>().join(", ")
    };
    about.step(steps, Stage::Certificate, trusted, who);
    let validity = || {
        let time = |seconds: i64| crate::clock::text(seconds.saturating_mul(1000));
        let (from, to) = certificate.map(|certificate| certificate.validity).unwrap_or_default();
        format!("{} … {}", time(from), time(to))
    };
    about.step(steps, Stage::Validity, seen.validity, validity);
    about.step(steps, Stage::Value, seen.value, || algorithm.to_owned());
    about.step(steps, Stage::Digest, seen.digest, || algorithm.to_owned());
    match (rehearsal.asks_outside, signer, seen.revocation) {
        (_, Some(_), Some(Err(error))) => about.step(steps, Stage::Revocation, Some(Err(error)), String::new),
        (true, Some(_), _) => steps.open(
            Stage::Revocation,
            [
                "бағаланбады: OCSP сұралмайды",
                "не судится: OCSP не спрашивается",
                "not judged: OCSP is not asked",
            ],
        ),
        (false, Some(_), Some(Ok(()))) => drop(steps.pass(Stage::Revocation, "CRL")),
        (false, Some(_), None) => steps.open(
            Stage::Revocation,
            ["бапталмаған: тексерілмейді", "не настроен: не проверяется", "not configured: not checked"],
        ),
        (_, None, _) => steps.open(Stage::Revocation, NOT_FOUND),
    }
    steps.is_verified = steps.taken.iter().all(|step| step.state != State::Failed);
    signer.cloned()
}

fn key_form(found: &Found<'_, '_>) -> Option<String> {
    let info = found.signature.child(DS, "KeyInfo")?;
    let names = ["KeyIdentifier", "Reference", "X509Certificate", "X509IssuerSerial"];
    let form = info.descendants().find(|element| names.contains(&element.name()));
    form.map(|element| element.name().to_owned())
}

/// What a failed rule is looked at with.
struct About<'s, 'd, 'a> {
    seen: &'s Examination<'d, 'a>,
    outline: &'s Outline<'d, 'a>,
    pinned: &'s [&'s crate::trust::certificate::Certificate],
}

impl About<'_, '_, '_> {
    fn step(
        &self,
        steps: &mut Steps,
        stage: Stage,
        result: Option<Result<(), Distrust>>,
        found: impl FnOnce() -> String,
    ) {
        match result {
            None => steps.open(stage, NOT_FOUND),
            Some(Ok(())) => drop(steps.pass(stage, found())),
            Some(Err(error)) => {
                steps.fail(stage, error.fault().code(), self.causes(error), &datum(error));
            }
        }
    }

    fn causes(&self, error: Distrust) -> Vec<Cause> {
        match error {
            Distrust::Unsigned => {
                vec![if self.seen.found.is_some() { Cause::SignatureMisplaced } else { Cause::Unsigned }]
            }
            Distrust::NotTheBody => vec![self.reference()],
            Distrust::Algorithm(_) => vec![self.algorithm()],
            Distrust::Canonicalization | Distrust::Transforms => self.transforms(error),
            Distrust::Digest => difference::of_digest(self.seen, self.outline),
            Distrust::SignatureValue | Distrust::Gost(GostError::SignatureLength | GostError::Range) => {
                difference::of_value(self.seen, self.pinned, error)
            }
            Distrust::KeyKind if self.has_other_curve() => vec![Cause::GostCurve],
            Distrust::IssuerSignature if self.has_other_curve() => {
                vec![Cause::GostCurve, Cause::CertificateChain]
            }
            other => vec![plain(other)],
        }
    }

    /// Whether the certificate's key is one of ГОСТ that has not the parameters of НУЦ.
    fn has_other_curve(&self) -> bool {
        let certificate = self.seen.certificate.as_deref();
        certificate.is_some_and(|c| c.key().is_err() && key::names_gost(c.spki()))
    }

    /// Why the reference does not name the Body.
    fn reference(&self) -> Cause {
        let uri = self.seen.found.as_ref().and_then(|found| found.reference?.attribute("", "URI"));
        let ids: Vec<_> =
            self.outline.body.attributes().filter(|a| a.local.eq_ignore_ascii_case("id")).collect();
        let named = ids.iter().find(|id| uri.and_then(|uri| uri.strip_prefix('#')) == Some(id.value));
        match (named, ids.is_empty()) {
            (Some(id), _) if id.ns.is_empty() => Cause::BodyIdUnqualified,
            (Some(id), _) if id.ns != WSU => Cause::BodyIdNamespace,
            (None, true) if uri.is_some_and(|uri| uri.starts_with('#')) && !self.is_elsewhere(uri) => {
                Cause::BodyIdMissing
            }
            _ => Cause::ReferenceElsewhere,
        }
    }

    /// Whether another element than the Body has the id that is referenced.
    fn is_elsewhere(&self, uri: Option<&str>) -> bool {
        let id = uri.and_then(|uri| uri.strip_prefix('#'));
        let document = self.outline.body.document();
        let mut attributes = document.elements().flat_map(Element::attributes);
        attributes.any(|a| a.local.eq_ignore_ascii_case("id") && Some(a.value) == id)
    }

    fn algorithms(&self) -> Vec<String> {
        let signed_info = self.seen.found.as_ref().and_then(|found| found.signed_info);
        let named = signed_info.into_iter().flat_map(Element::descendants);
        named.filter_map(|element| element.attribute("", "Algorithm")).map(str::to_ascii_lowercase).collect()
    }

    fn algorithm(&self) -> Cause {
        let named = self.algorithms();
        let of = |word: &str| named.iter().any(|uri| uri.contains(word));
        match () {
            () if of("hmac") => Cause::Hmac,
            () if of("sha1") => Cause::Sha1,
            () => Cause::Algorithm,
        }
    }

    fn transforms(&self, error: Distrust) -> Vec<Cause> {
        let named = self.algorithms();
        let of = |end: &str| named.iter().any(|uri| uri.contains(end));
        let which = [
            ("xml-c14n11", Cause::C14n11),
            ("withcomments", Cause::C14nComments),
            ("rec-xml-c14n-20010315", Cause::C14nInclusive),
        ];
        let which = which.into_iter().filter(|(end, _)| of(end)).map(|(_, cause)| cause);
        which.chain([plain(error)]).collect()
    }
}

/// What a rule names beside its cause: an element, a time, the other party's mistake.
fn datum(error: Distrust) -> String {
    match error {
        Distrust::NotOne(name) | Distrust::Structure(name) | Distrust::Algorithm(name) => name.to_owned(),
        Distrust::Revoked(since) | Distrust::AuthorityRevoked(since) | Distrust::ListStale(since) => {
            crate::clock::text(since.saturating_mul(1000))
        }
        Distrust::Gost(_) | Distrust::Ocsp(_) | Distrust::StatusUnknown => error.to_string(),
        _ => String::new(),
    }
}

/// The cause that a rule has by itself, known by its words alone: as the journal keeps them.
pub fn of_words(detail: &str) -> Option<Cause> {
    let rules = [
        Distrust::IdNotUnique,
        Distrust::NotCanonical,
        Distrust::Comment,
        Distrust::Base64,
        Distrust::KeyMalformed,
        Distrust::CertificateUnknown,
        Distrust::CertificateMalformed,
        Distrust::Expired,
        Distrust::NotYetValid,
        Distrust::Usage,
        Distrust::Untrusted,
        Distrust::Role,
        Distrust::NoBin,
    ];
    rules.into_iter().find(|rule| rule.to_string() == detail).map(plain)
}

/// The cause that a rule has by itself.
fn plain(error: Distrust) -> Cause {
    match error {
        Distrust::NotOne(_) | Distrust::TooManySignatures => Cause::SeveralSignatures,
        Distrust::IdNotUnique => Cause::IdTwice,
        Distrust::Transforms => Cause::Transforms,
        Distrust::Canonicalization => Cause::Canonicalization,
        Distrust::NotCanonical => Cause::NotCanonical,
        Distrust::Comment => Cause::CommentInSignature,
        Distrust::Base64 => Cause::Base64,
        Distrust::KeyKind => Cause::KeyMismatch,
        Distrust::KeyMalformed => Cause::KeyMalformed,
        Distrust::Gost(_) => Cause::GostCurve,
        Distrust::CertificateUnknown => Cause::CertificateAbsent,
        Distrust::CertificateMalformed | Distrust::SeveralCertificates => Cause::CertificateMalformed,
        Distrust::Expired => Cause::CertificateExpired,
        Distrust::NotYetValid => Cause::CertificateNotYet,
        Distrust::Usage => Cause::CertificateUsage,
        Distrust::Untrusted => Cause::CertificateUnknown,
        Distrust::IssuerSignature | Distrust::IssuerAlgorithm => Cause::CertificateChain,
        Distrust::Role => Cause::CertificateRole,
        Distrust::NoBin => Cause::CertificateNoBin,
        Distrust::Revoked(_) | Distrust::AuthorityRevoked(_) => Cause::CertificateRevoked,
        Distrust::ListStale(_)
        | Distrust::RevocationUnknown
        | Distrust::StatusUnknown
        | Distrust::Ocsp(_) => Cause::RevocationUnknown,
        _ => Cause::SignatureIncomplete,
    }
}
