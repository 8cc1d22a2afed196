//! Payloads of all six services: a byte that chooses the service, one that chooses how the payload stands in `data`, and
//! the payload. They are read alone, and sent to the running service by a sender who is who he says.

#![no_main]

use kdp::consent::identity::Iin;
use kdp::service::payload::{Fields, Payload};
use kdp::service::{access_request, check_token, list_to_revoke, personal_data, revoke, send_solution};
use kdp::soap::sync_channel::{K, P, S};
use kdp::text::Lang;
use kdp::xml::c14n::{self, Method};
use kdp::xml::{Canonical, Document, Limits};
use kdp_fuzz::service::{Data, Service};
use kdp_fuzz::{seed, world, xml};
use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use std::sync::LazyLock;

/// Namespace, elements, serviceId, and who may call it.
type Kind = (&'static str, &'static [&'static str], &'static str, &'static str);

const SERVICES: [Kind; 6] = [
    (K, access_request::NAMES, "KDP_SERVICE", "clinic"),
    (S, check_token::NAMES, "KDP_CHECK_TOKEN", "owner"),
    (S, revoke::NAMES, "KDP_REVOKE", "egov"),
    (S, send_solution::NAMES, "KDP_SEND_SOLUTION", "bank"),
    (S, list_to_revoke::NAMES, "KDP_LIST_TO_REVOKE", "bank"),
    (P, personal_data::NAMES, "KDP_PERSONALDATA", "egov"),
];

/// Longest answer to what is wrong, bytes; and how much of a value it may show.
const MOST: usize = 6000;
const SHOWN: usize = 80;

static SERVICE: LazyLock<Service> = LazyLock::new(Service::start);

static SOUND: LazyLock<Vec<Vec<u8>>> = LazyLock::new(seeds);

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    xml::mutate(data, size, max_size, seed, &SOUND)
});

fuzz_target!(init: seed::write_if_asked(&seeds()), |data: &[u8]| {
    let Some((&[service, form], payload)) = data.split_first_chunk::<2>() else { return };
    let kind = SERVICES[usize::from(service) % SERVICES.len()];
    let Ok(text) = std::str::from_utf8(payload) else { return };
    // Most that is not even a payload is not worth an exchange.
    let reads = alone(text, kind) || payload.iter().fold(0u8, |sum, byte| sum.wrapping_mul(31) ^ byte) % 16 == 0;
    if reads {
        sent(text, form, kind);
    }
});

/// Reads the payload as elements; whether it has the fields of the service.
fn alone(text: &str, (ns, names, ..): Kind) -> bool {
    let Ok(document) = Document::parse(text.as_bytes(), &Limits::default()) else { return false };
    let payload = match Payload::read(Some(document.root()), ns, names) {
        Ok(payload) => payload,
        Err(fault) => {
            assert!(fault.detail.chars().count() <= 301);
            return false;
        }
    };
    match payload.fields {
        Ok(fields) => {
            values(&fields, names);
            true
        }
        Err(error) => {
            assert!(error.elements.iter().all(|element| element.chars().count() <= 64));
            assert!([Lang::Kk, Lang::Ru, Lang::En].iter().all(|lang| error.text(*lang).len() < 1000));
            false
        }
    }
}

fn values(fields: &Fields, names: &[&'static str]) {
    for name in names {
        let Some(value) = fields.get(name) else { continue };
        assert!(fields.has(name) && value.trim() == value && !value.is_empty());
        assert!(value.chars().count() <= 4000 || matches!(*name, "ovt" | "code"));
        let _ = (fields.time(name), fields.boolean(name), fields.need_bin(name));
        if let Ok(Some(iin)) = fields.iin(name) {
            assert_eq!(Iin::parse(value), Ok(iin));
        }
    }
}

/// What the service answers is an answer, and no failure of its own.
fn sent(text: &str, form: u8, (_, _, service_id, peer): Kind) {
    let elements = if form & 1 == 0 { elements(text, form & 2 != 0) } else { None };
    let response = match &elements {
        Some(elements) => SERVICE.call(peer, service_id, &Data::Elements(elements)),
        None => SERVICE.call(peer, service_id, &Data::Text(text)),
    };
    let answer = std::str::from_utf8(&response.body).expect("an answer is UTF-8");
    let document = Document::parse(&response.body, &Limits::default()).expect("an answer is XML");
    let word = |name: &str| document.root().descendants().find(|e| e.name() == name).and_then(|e| e.text());
    let (code, fault) = (word("code"), word("errorCode"));
    assert_eq!(response.status == 200, fault.is_none(), "{answer}");
    match fault.as_deref() {
        None => {
            let code = code.expect("a status");
            assert!(matches!(&*code, "SCSS001" | "SCSE001" | "SCSE002"), "a failure of ours: {answer}");
            assert!(word("message").is_some_and(|message| message.chars().count() <= 250));
        }
        Some(code) => assert!(matches!(code, "SCE001" | "KDP403" | "KDP401"), "a failure of ours: {answer}"),
    }
    if fault.is_some() || word("code").is_some_and(|code| code == "SCSE002") {
        assert!(answer.len() <= MOST, "{} bytes of answer", answer.len());
        let long = text.split(['<', '>']).filter(|piece| piece.len() > SHOWN);
        for piece in long.filter_map(|piece| piece.get(..SHOWN)) {
            assert!(!answer.contains(piece), "an answer repeats what came: {answer}");
        }
    }
}

/// The payload's root, or its children.
fn elements(text: &str, children: bool) -> Option<Vec<Canonical>> {
    let document = Document::parse(text.as_bytes(), &Limits::default()).ok()?;
    let root = document.root();
    let chosen: Vec<_> = if children { root.children().collect() } else { vec![root] };
    let fragments = chosen.into_iter().map(|element| c14n::fragment(element, &Method::EXCLUSIVE));
    fragments.collect::<Result<_, _>>().ok()
}

/// The data of every request of the fixtures.
fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for (number, request) in world::files("fixtures/requests", &[".xml"]).iter().enumerate() {
        let Ok(document) = Document::parse(request, &Limits::default()) else { continue };
        let named = |name: &str| document.root().descendants().find(|element| element.name() == name);
        let service = named("serviceId").and_then(|element| element.text()).unwrap_or_default();
        let Some(service) = SERVICES.iter().position(|kind| kind.2 == service) else { continue };
        let Some(data) = named("data") else { continue };
        let mut canonical = Vec::new();
        if data.children().next().is_none() {
            canonical.extend_from_slice(data.text().unwrap_or_default().trim().as_bytes());
        } else if c14n::write(data, &Method::EXCLUSIVE, &mut canonical).is_err() {
            continue;
        }
        let head = [u8::try_from(service).unwrap_or_default(), u8::try_from(number % 4).unwrap_or_default()];
        seeds.push([&head[..], &canonical].concat());
    }
    seeds
}
