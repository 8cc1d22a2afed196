//! Envelopes as a stranger sends them; and, signed anew by the gateway, the call in them.

#![no_main]

use kdp::fault::Fault;
use kdp::soap::envelope::Envelope;
use kdp::soap::sync_channel::Call;
use kdp::trust::algorithm::{BASE64_BINARY, DS, EXC_C14N, SOAP, WSSE, WSU, X509_V3};
use kdp::trust::certificate::Certificate;
use kdp::trust::sign::{RsaSigner, Signer};
use kdp::trust::{Distrust, Peer, PeerKind, Trust};
use kdp::xml::c14n::{self, Method};
use kdp::xml::{Document, Element, Limits};
use kdp_fuzz::world::{self, NOW, base64};
use kdp_fuzz::{seed, xml};
use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use std::sync::{Arc, LazyLock};

/// Id of the Bodies that are signed here.
const ID: &str = "id-of-the-envelope-target";
/// Longest seed, bytes.
const LONGEST: usize = 9000;
/// Longest text of an error, characters, and longest id that is taken over, bytes.
const MOST: usize = 301;
const LONGEST_ID: usize = 256;

static TRUST: LazyLock<Trust> = LazyLock::new(|| {
    let mut trust = Trust::default();
    trust.pin(world::certificate("shep.cert"), Arc::new(Peer::new("shep", PeerKind::Gateway)));
    trust
});

static KEY: LazyLock<RsaSigner> = LazyLock::new(|| world::rsa("shep"));

static CERTIFICATE: LazyLock<Certificate> = LazyLock::new(|| world::certificate("shep.cert"));

static SOUND: LazyLock<Vec<Vec<u8>>> = LazyLock::new(seeds);

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    xml::mutate(data, size, max_size, seed, &SOUND)
});

fuzz_target!(init: seed::write_if_asked(&seeds()), |data: &[u8]| {
    let limits = Limits::default();
    let document = match Document::parse(data, &limits) {
        Ok(document) => document,
        Err(error) => return assert!(error.to_string().len() < 200),
    };
    keeps_within(&document, &limits);
    let envelope = match Envelope::read(&document) {
        Ok(envelope) => envelope,
        Err(fault) => return bounded(&fault),
    };
    let body = envelope.body();
    assert!(body.is(SOAP, "Body") && body.parent() == Some(document.root()));
    assert!(!document.has_processing_instruction());
    let Some(message) = signed(body) else { return };
    let Some(first) = told(&message) else { return };
    // The canonical form of the whole says the same, under the same signature.
    let signed = Document::parse(&message, &limits).expect("it was read");
    let mut again = Vec::new();
    let method = Method { comments: true, ..Method::INCLUSIVE };
    c14n::write(&signed, &method, &mut again).expect("what was verified has a canonical form");
    if Document::parse(&again, &limits).is_ok() {
        assert_eq!(told(&again), Some(first), "the canonical form says something else");
    }
});

/// What a call says, and the canonical form of its data; or the fault.
#[derive(Debug, PartialEq)]
enum Told {
    Call([Option<String>; 4], i64, bool, Option<Vec<u8>>),
    Fault(String),
}

/// Reads, verifies, and reads the call; `None` for what cannot be verified, though it was signed.
fn told(message: &[u8]) -> Option<Told> {
    let document = Document::parse(message, &Limits::default()).ok()?;
    let envelope = Envelope::read(&document).ok()?;
    let verified = match TRUST.verify_offline(&envelope, NOW) {
        Ok(verified) => verified,
        Err(error) => {
            assert_eq!(error, Distrust::IdNotUnique, "what was signed is not believed");
            return None;
        }
    };
    let call = match Call::read(&verified) {
        Ok(call) => call,
        Err(fault) => {
            bounded(&fault);
            return Some(Told::Fault(fault.detail.into_owned()));
        }
    };
    let info = &call.info;
    let ids = [&info.message_id, &info.service_id, &info.sender_id];
    for id in ids.into_iter().chain(&info.correlation_id) {
        assert!(!id.is_empty() && id.len() <= LONGEST_ID && id.trim() == id);
        assert!(!id.contains(char::is_control));
    }
    let data = call.data.map(|data| {
        assert!(data.name() == "data" && is_inside(data, verified.body()), "data that nobody signed");
        let mut canonical = Vec::new();
        c14n::write(data, &Method::EXCLUSIVE, &mut canonical).expect("it is part of what was signed");
        canonical
    });
    let [message_id, service_id, sender_id] = ids.map(|id| Some(id.clone()));
    let ids = [message_id, service_id, sender_id, info.correlation_id.clone()];
    Some(Told::Call(ids, info.message_date, info.password.is_some(), data))
}

/// The children of a Body, comments too, in an envelope that the gateway signed.
fn signed(body: Element<'_, '_>) -> Option<Vec<u8>> {
    let method = Method { comments: true, ..Method::EXCLUSIVE };
    let mut children = Vec::new();
    for child in body.children() {
        c14n::write(child, &method, &mut children).ok()?;
    }
    let children = String::from_utf8(children).expect("a canonical form is text");
    let draft = envelope("", "", &children);
    let document = Document::parse(draft.as_bytes(), &Limits::default()).ok()?;
    let mut canonical = Vec::new();
    let body = document.root().child(SOAP, "Body").expect("it was written");
    c14n::write(body, &Method::EXCLUSIVE, &mut canonical).ok()?;
    let info = signed_info(&base64(&KEY.algorithm().digest(&canonical)));
    let value = KEY.sign(info.as_bytes()).expect("a key of memory signs");
    Some(envelope(&info, &base64(&value), &children).into_bytes())
}

fn envelope(info: &str, value: &str, children: &str) -> String {
    format!(
        "<s:Envelope xmlns:s=\"{SOAP}\"><s:Header><w:Security xmlns:w=\"{WSSE}\"><ds:Signature xmlns:ds=\"{DS}\">{info}\
         <ds:SignatureValue>{value}</ds:SignatureValue><ds:KeyInfo><w:SecurityTokenReference>\
         <w:KeyIdentifier EncodingType=\"{BASE64_BINARY}\" ValueType=\"{X509_V3}\">{}</w:KeyIdentifier>\
         </w:SecurityTokenReference></ds:KeyInfo></ds:Signature></w:Security></s:Header>\
         <s:Body xmlns:wsu=\"{WSU}\" wsu:Id=\"{ID}\">{children}</s:Body></s:Envelope>",
        base64(CERTIFICATE.der())
    )
}

/// In canonical form.
fn signed_info(digest: &str) -> String {
    let (method, digest_method) = KEY.algorithm().uris().expect("a key of messages");
    let empty = |name: &str, algorithm: &str| format!("<ds:{name} Algorithm=\"{algorithm}\"></ds:{name}>");
    format!(
        "<ds:SignedInfo xmlns:ds=\"{DS}\">{}{}<ds:Reference URI=\"#{ID}\"><ds:Transforms>{}</ds:Transforms>{}\
         <ds:DigestValue>{digest}</ds:DigestValue></ds:Reference></ds:SignedInfo>",
        empty("CanonicalizationMethod", EXC_C14N),
        empty("SignatureMethod", method),
        empty("Transform", EXC_C14N),
        empty("DigestMethod", digest_method)
    )
}

fn is_inside(element: Element<'_, '_>, body: Element<'_, '_>) -> bool {
    let mut at = Some(element);
    while let Some(element) = at {
        if element == body {
            return true;
        }
        at = element.parent();
    }
    false
}

fn bounded(fault: &Fault) {
    assert!(fault.detail.chars().count() <= MOST, "{} characters of error", fault.detail.chars().count());
}

/// The tree is no larger than it may be. Declarations count as attributes, and are not seen here.
fn keeps_within(document: &Document<'_>, limits: &Limits) {
    let mut attributes = 0;
    for element in document.elements() {
        let own = element.attributes().count();
        attributes += own;
        assert!(own <= limits.attributes_per_element);
        let mut depth = 1;
        let mut at = element;
        while let Some(parent) = at.parent() {
            depth += 1;
            at = parent;
        }
        assert!(depth <= limits.depth);
        assert!(element.prefix().len() + element.name().len() <= limits.name_bytes);
    }
    assert!(attributes <= limits.attributes_total);
}

fn seeds() -> Vec<Vec<u8>> {
    let mut seeds: Vec<_> = world::files("fixtures/requests", &[".xml"]).into_iter().step_by(6).collect();
    seeds.extend(world::files("fixtures/attacks", &[".xml", ".bin"]).into_iter().step_by(3));
    seeds.retain(|seed| seed.len() <= LONGEST);
    seeds
}
