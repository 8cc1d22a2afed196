//! Validates a whole SOAP envelope against `schemas/`.
//!
//! `data` is anyType, and real clients write its xsi:type with no prefix or a wrong one, so no validator can walk from
//! the envelope into the payload. An envelope is therefore split into two documents: the envelope with its wrapper and
//! `data` emptied, and what `data` holds under an element of the type that its serviceId names.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, PoisonError};

use uppsala::{Document, NodeId, XsdValidator};

const K: &str = "http://service.2fa-chain.kz/ns/kdp";
const SOAP: &str = "http://schemas.xmlsoap.org/soap/envelope/";
const XSI: &str = "http://www.w3.org/2001/XMLSchema-instance";

const SERVICES: &str = "urn:kdp:services:v1";
const PERSONAL_DATA: &str = "http://service.2fa-chain.kz/ns/kdp/personalData";

/// serviceId (wire.md 2), namespace and name of its request, and the schema.
const REQUESTS: [(&str, &str, &str, &str); 9] = [
    ("KDP_SERVICE", K, "getUserDataRequest", "kdp.xsd"),
    ("KDP_PERSONALDATA", PERSONAL_DATA, "personalDataRequest", "kdp-personal-data.xsd"),
    ("KDP_LIST_TO_REVOKE", SERVICES, "listToRevokeRequest", "kdp-services.xsd"),
    ("KDP_SEND_SOLUTION", SERVICES, "sendSolutionRequest", "kdp-services.xsd"),
    ("KDP_CHECK_TOKEN", SERVICES, "checkTokenRequest", "kdp-services.xsd"),
    ("KDP_REVOKE", SERVICES, "revokeRequest", "kdp-services.xsd"),
    ("KDP_SMS_REPLY", SERVICES, "smsReplyRequest", "kdp-services.xsd"),
    ("MCDB_SERVICE", SERVICES, "citizenPhoneRequest", "kdp-services.xsd"),
    ("SMS_1414", SERVICES, "sendSmsRequest", "kdp-services.xsd"),
];

/// A reply names no service: its namespace, the schema of it, and the replies that this allows.
const REPLIES: [(&str, &str, &[&str]); 3] = [
    (K, "kdp.xsd", &["getUserDataResponse"]),
    (PERSONAL_DATA, "kdp-personal-data.xsd", &["personalDataResponse"]),
    (
        SERVICES,
        "kdp-services.xsd",
        &[
            "checkTokenResponse",
            "revokeResponse",
            "listToRevokeResponse",
            "sendSolutionResponse",
            "smsReplyResponse",
            "citizenPhoneResponse",
            "sendSmsResponse",
            "refusal",
        ],
    ),
];

/// As the service writes, or as liberally as it reads a request (wire.md 1).
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    Strict,
    Liberal,
}

/// One document that one schema decides about.
#[derive(Debug)]
pub struct Piece {
    /// File in `schemas/`.
    pub schema: &'static str,
    pub document: String,
}

/// Panics, naming `what` and every reason, unless `envelope` is valid as the service writes.
pub fn assert_valid(envelope: &str, what: &str) {
    if let Err(problems) = check(envelope, Reading::Strict) {
        let hint = match check(envelope, Reading::Liberal) {
            Ok(_) => "only as liberally as a request is read",
            Err(_) => "in no reading",
        };
        panic!("{what} is valid {hint}:\n  {}\n{envelope}", problems.join("\n  "));
    }
}

/// The pieces of a valid envelope, or everything that is wrong with it.
pub fn check(envelope: &str, reading: Reading) -> Result<Vec<Piece>, Vec<String>> {
    let pieces = split(envelope, reading).map_err(|problem| vec![problem])?;
    let problems: Vec<String> = pieces.iter().flat_map(problems_of).collect();
    if problems.is_empty() { Ok(pieces) } else { Err(problems) }
}

/// The documents to validate, not yet validated (a reply is, to tell its type).
pub fn split(envelope: &str, reading: Reading) -> Result<Vec<Piece>, String> {
    let mut doc = uppsala::parse(envelope.trim_start_matches('\u{feff}'))
        .map_err(|e| format!("not well-formed: {e}"))?;
    let root = doc.document_element().ok_or("no root element")?;
    let body = child(&doc, root, "Body").ok_or("no Body")?;
    let wrapper = *elements(&doc, body).first().ok_or("empty Body")?;
    fault_code_is_of_soap(&doc, wrapper)?;
    let mut pieces = Vec::new();
    if let Some(data) = data_of(&doc, wrapper) {
        type_hints_are_known(&doc, data, reading)?;
        // The second wrapper is typed down to the leaves: with the hints gone a validator walks all of it.
        if namespace(&doc, wrapper) == Some(K) {
            drop_type_hints(&mut doc, data);
        } else {
            let service = find(&doc, wrapper, "serviceId").map(|id| doc.text_content_deep(id));
            let written_as_text = elements(&doc, data).is_empty();
            let text = doc.text_content_deep(data);
            drop_type_hints(&mut doc, data);
            if written_as_text && !text.trim().is_empty() {
                let inner = uppsala::parse(text.trim()).map_err(|e| format!("text of data: {e}"))?;
                let holder = inner.document_element().ok_or("text of data has no root")?;
                pieces.push(payload(&inner, holder, service.as_deref())?);
            } else if service.is_some() || !written_as_text {
                pieces.push(payload(&doc, holder_in(&doc, data, service.is_some()), service.as_deref())?);
            }
            for node in doc.children(data) {
                doc.detach(node);
            }
        }
    }
    let schema = match reading {
        Reading::Strict => "aid-envelope-strict.xsd",
        Reading::Liberal => "aid-envelope-liberal.xsd",
    };
    pieces.push(Piece { schema, document: doc.to_xml() });
    Ok(pieces)
}

/// `data` itself, or the one root element in which a request may put its children.
fn holder_in(doc: &Document, data: NodeId, request: bool) -> NodeId {
    match elements(doc, data).as_slice() {
        [only] if request && (!elements(doc, *only).is_empty() || is_empty_root(doc, *only)) => *only,
        _ => data,
    }
}

/// A root element whose fields were all left out.
fn is_empty_root(doc: &Document, node: NodeId) -> bool {
    let named = doc.element(node).is_some_and(|element| element.name.local_name.ends_with("Request"));
    named && doc.text_content_deep(node).trim().is_empty()
}

fn payload(doc: &Document, holder: NodeId, service: Option<&str>) -> Result<Piece, String> {
    let children = elements(doc, holder);
    let family = children.first().and_then(|first| namespace(doc, *first));
    if children.iter().any(|c| namespace(doc, *c) != family) {
        return Err("children of data are in different namespaces".to_owned());
    }
    let Some(service) = service else {
        return reply(doc, holder, family);
    };
    let (_, namespace, name, schema) = REQUESTS
        .iter()
        .find(|(id, ..)| *id == service.trim())
        .ok_or_else(|| format!("no schema for serviceId {service}"))?;
    Ok(Piece { schema, document: document_of(doc, holder, name, namespace, family.is_none()) })
}

fn reply(doc: &Document, holder: NodeId, family: Option<&str>) -> Result<Piece, String> {
    let (namespace, schema, names) = REPLIES
        .iter()
        .find(|(uri, ..)| Some(*uri) == family)
        .ok_or_else(|| format!("no schema for a reply in namespace {family:?}"))?;
    let mut refused = Vec::new();
    for name in *names {
        let candidate = Piece { schema, document: document_of(doc, holder, name, namespace, false) };
        let problems = problems_of(&candidate);
        if problems.is_empty() {
            return Ok(candidate);
        }
        refused.push(format!("no {name}: {}", problems.join(", ")));
    }
    Err(refused.join("; "))
}

/// The children of `holder` under the root `name`, with every namespace declaration that is in scope. `unqualified`
/// children of a request mean the same in the namespace, so for them it becomes the default.
fn document_of(doc: &Document, holder: NodeId, name: &str, namespace: &str, unqualified: bool) -> String {
    let mut scope = BTreeMap::new();
    for element in std::iter::once(holder).chain(doc.ancestors(holder)).filter_map(|n| doc.element(n)) {
        for (prefix, uri) in &element.namespace_declarations {
            scope.entry(prefix.to_string()).or_insert_with(|| uri.to_string());
        }
    }
    scope.insert("root".to_owned(), namespace.to_owned());
    if unqualified {
        scope.insert(String::new(), namespace.to_owned());
    }
    let root = format!("root:{name}");
    let mut out = format!("<{root}");
    for (prefix, uri) in &scope {
        let attribute = if prefix.is_empty() { "xmlns".to_owned() } else { format!("xmlns:{prefix}") };
        let uri = uri.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;");
        out.extend([" ", &attribute, "=\"", &uri, "\""]);
    }
    out.push('>');
    out.extend(doc.children(holder).into_iter().map(|n| doc.node_to_xml(n)));
    out.extend(["</", &root, ">"]);
    out
}

/// xsi:type of `data` is a hint whose prefix is often wrong: its local name must be a type of ours, or string for a
/// payload written as text. Below `data` only a liberal reading meets one.
fn type_hints_are_known(doc: &Document, data: NodeId, reading: Reading) -> Result<(), String> {
    if let Some(hint) = doc.get_attribute_ns(data, XSI, "type") {
        let local = hint.rsplit(':').next().unwrap_or(hint);
        let known = REQUESTS.iter().any(|(_, _, name, _)| *name == local)
            || REPLIES.iter().any(|(.., names)| names.contains(&local))
            || (local == "string" && elements(doc, data).is_empty());
        if !known {
            return Err(format!("xsi:type of data is {hint}"));
        }
    }
    let below = doc.descendants(data).into_iter().any(|n| doc.get_attribute_ns(n, XSI, "type").is_some());
    if below && reading == Reading::Strict { Err("xsi:type below data".to_owned()) } else { Ok(()) }
}

fn drop_type_hints(doc: &mut Document, data: NodeId) {
    for node in std::iter::once(data).chain(doc.descendants(data)) {
        if let Some(element) = doc.element_mut(node) {
            element.attributes.retain(|a| a.name.namespace_uri.as_deref() != Some(XSI));
        }
    }
}

/// faultcode is a `QName` in the namespace of SOAP, which a schema cannot say (WS-I BP 1.1).
fn fault_code_is_of_soap(doc: &Document, wrapper: NodeId) -> Result<(), String> {
    let Some(code) = child(doc, wrapper, "faultcode") else {
        return Ok(());
    };
    let text = doc.text_content_deep(code);
    let prefix = text.split(':').next().unwrap_or_default();
    let bound = std::iter::once(code)
        .chain(doc.ancestors(code))
        .filter_map(|n| doc.element(n))
        .find_map(|e| e.namespace_declarations.iter().find(|(declared, _)| declared == prefix));
    match bound {
        Some((_, uri)) if uri == SOAP => Ok(()),
        _ => Err(format!("faultcode {text} is not in the namespace of SOAP")),
    }
}

fn data_of(doc: &Document, wrapper: NodeId) -> Option<NodeId> {
    let message = child(doc, wrapper, "request").or_else(|| child(doc, wrapper, "response"))?;
    let holder = child(doc, message, "requestData").or_else(|| child(doc, message, "responseData"))?;
    child(doc, holder, "data")
}

fn elements(doc: &Document, parent: NodeId) -> Vec<NodeId> {
    doc.children_iter(parent).filter(|n| doc.element(*n).is_some()).collect()
}

fn child(doc: &Document, parent: NodeId, local: &str) -> Option<NodeId> {
    elements(doc, parent).into_iter().find(|n| doc.element(*n).is_some_and(|e| e.name.local_name == local))
}

fn find(doc: &Document, top: NodeId, local: &str) -> Option<NodeId> {
    doc.descendants(top).into_iter().find(|n| doc.element(*n).is_some_and(|e| e.name.local_name == local))
}

fn namespace<'d>(doc: &'d Document, node: NodeId) -> Option<&'d str> {
    doc.element(node)?.name.namespace_uri.as_deref().filter(|uri| !uri.is_empty())
}

fn problems_of(piece: &Piece) -> Vec<String> {
    static COMPILED: LazyLock<Mutex<HashMap<&'static str, XsdValidator>>> = LazyLock::new(Mutex::default);
    let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    let validator = compiled.entry(piece.schema).or_insert_with(|| compile(&folder().join(piece.schema)));
    match uppsala::parse(&piece.document) {
        Ok(doc) => validator.validate(&doc).iter().map(|e| format!("{}: {e}", piece.schema)).collect(),
        Err(e) => vec![format!("{}: {e}", piece.schema)],
    }
}

/// Where the schemas are.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas")
}

/// Compiles a schema with all that it imports; panics when it does not compile.
pub fn compile(path: &Path) -> XsdValidator {
    let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let doc = uppsala::parse(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    XsdValidator::from_schema_with_base_path(&doc, Some(path))
        .unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}
