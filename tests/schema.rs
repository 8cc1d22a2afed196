//! The contract: schemas that compile and import what they use, and that every fixture keeps to.
//!
//! Two validators that share no code decide: uppsala, and libxml2 through `xmllint` where it is installed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use message::{ACCESS, BROKEN, request, samples};
use schema::{Piece, Reading, assert_valid, check, compile, folder};
use xmllint::{run_xmllint, say_loudly, xmllint};

#[path = "common/message.rs"]
mod message;
#[path = "common/schema.rs"]
mod schema;
#[path = "common/xmllint.rs"]
mod xmllint;

const XS: &str = "http://www.w3.org/2001/XMLSchema";

#[test]
fn every_schema_compiles() {
    let files = files_in(&folder(), "xsd");
    let unknown = tempfile::NamedTempFile::new().unwrap();
    fs::write(&unknown, "<unknown/>").unwrap();
    for file in &files {
        compile(file);
        if let Some(output) = run_xmllint(file, &[unknown.path().to_owned()]) {
            // 3: the schema is good and the document is not; 5: the schema does not compile.
            assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
        }
    }
    assert!(files.len() >= 9, "only {} schemas found", files.len());
}

#[test]
fn every_schema_imports_each_namespace_that_it_uses() {
    for file in files_in(&folder(), "xsd") {
        let text = fs::read_to_string(&file).unwrap();
        let doc = uppsala::parse(&text).unwrap();
        let root = doc.document_element().unwrap();
        let target = doc.get_attribute(root, "targetNamespace").map(str::to_owned);
        let prefixes: BTreeMap<String, String> = doc
            .element(root)
            .unwrap()
            .namespace_declarations
            .iter()
            .map(|(p, u)| (p.to_string(), u.to_string()))
            .collect();
        let mut used = BTreeSet::new();
        let mut imported = BTreeSet::new();
        for node in doc.descendants(root) {
            let Some(element) = doc.element(node) else {
                continue;
            };
            if let Some(location) = element.get_attribute("schemaLocation") {
                let other = fs::read_to_string(file.with_file_name(location))
                    .unwrap_or_else(|e| panic!("{file:?} → {location}: {e}"));
                let other = uppsala::parse(&other).unwrap();
                let there = other.get_attribute(other.document_element().unwrap(), "targetNamespace");
                if element.name.local_name == "import" {
                    assert_eq!(element.get_attribute("namespace"), there, "{file:?} imports {location}");
                    imported.extend(there.map(str::to_owned));
                } else {
                    assert_eq!(target.as_deref(), there, "{file:?} includes {location}");
                }
            }
            for attribute in ["type", "base", "ref"] {
                let Some((prefix, _)) =
                    element.get_attribute(attribute).and_then(|name| name.split_once(':'))
                else {
                    continue;
                };
                used.insert(
                    prefixes.get(prefix).unwrap_or_else(|| panic!("{file:?}: prefix {prefix}")).clone(),
                );
            }
        }
        used.remove(XS);
        if let Some(target) = target {
            used.remove(&target);
        }
        assert!(used.is_subset(&imported), "{file:?} uses {used:?} and imports {imported:?}");
    }
}

#[test]
fn only_the_global_elements_of_the_gateways_types_are_qualified() {
    for name in ["SyncChannel", "SyncChannelRequest", "SyncChannelResponse", "SyncChannelCommon"] {
        let text = fs::read_to_string(folder().join(name).with_extension("xsd")).unwrap();
        assert!(!text.contains("elementFormDefault=") && !text.contains("form="), "{name}");
    }
}

#[test]
fn the_wsdl_has_the_names_of_the_contract() {
    let wsdl = Path::new(env!("CARGO_MANIFEST_DIR")).join("wsdl");
    let concrete = fs::read_to_string(wsdl.join("SyncChannel.wsdl")).unwrap();
    let halves = concrete + &fs::read_to_string(wsdl.join("SyncChannelInterfaces.wsdl")).unwrap();
    for expected in [
        "targetNamespace=\"http://bip.bee.kz/SyncChannel/v10/Interfaces\"",
        "targetNamespace=\"http://bip.bee.kz/SyncChannel/v10/Interfaces/Binding2\"",
        "<wsdl:portType name=\"ISyncChannel\">",
        "<wsdl:operation name=\"SendMessage\">",
        "<wsdl:binding name=\"SyncChannelHttpBinding\" type=\"i:ISyncChannel\">",
        "<wsdl:service name=\"ISyncChannelHttpService\">",
        "<wsdl:port name=\"SyncChannelHttpPort\" binding=\"tns:SyncChannelHttpBinding\">",
        "<soap:operation soapAction=\"\" style=\"document\"/>",
        "<wsdl:message name=\"SendMessageRequestMsg\">",
        "<wsdl:part name=\"SendMessageParameters\" element=\"t:SendMessage\"/>",
        "<wsdl:message name=\"SendMessageResponseMsg\">",
        "<wsdl:part name=\"SendMessageResult\" element=\"t:SendMessageResponse\"/>",
        "<wsdl:message name=\"SendMessage_sendMessageFaultMsg\">",
        "<wsdl:part name=\"sendMessageFault\" element=\"t:SendMessageFault1_SendMessageFault\"/>",
    ] {
        assert!(halves.contains(expected), "{expected}");
    }
}

#[test]
fn every_element_is_explained_in_russian_and_english() {
    for file in files_in(&folder(), "xsd").into_iter().filter(|f| !file_name(f).starts_with("aid-")) {
        let text = fs::read_to_string(&file).unwrap();
        let doc = uppsala::parse(&text).unwrap();
        for node in doc.get_elements_by_tag_name("element") {
            let name =
                doc.get_attribute(node, "name").unwrap_or_else(|| panic!("{file:?}: element without a name"));
            let explained: Vec<NodeText> = doc
                .children(node)
                .into_iter()
                .filter(|n| doc.element(*n).is_some_and(|e| e.name.local_name == "annotation"))
                .flat_map(|annotation| doc.children(annotation))
                .filter_map(|n| Some((doc.get_attribute(n, "lang")?.to_owned(), doc.text_content_deep(n))))
                .collect();
            for lang in ["ru", "en"] {
                assert!(
                    explained.iter().any(|(l, text)| l == lang && !text.trim().is_empty()),
                    "{file:?}: {name} in {lang}"
                );
            }
        }
    }
}

type NodeText = (String, String);

#[test]
fn every_request_fixture_is_valid_unless_its_name_says_that_it_is_malformed() {
    let Some(files) = fixtures("requests") else {
        return;
    };
    let (mut strict, mut malformed_and_refused, mut pieces) = (0, 0, Vec::new());
    for file in files {
        let envelope = fs::read_to_string(&file).unwrap();
        let name = file_name(&file);
        let read = check(&envelope, Reading::Strict).inspect(|_| strict += 1).or_else(|problems| {
            check(&envelope, Reading::Liberal)
                .map_err(|liberal| format!("strictly: {problems:?}\nliberally: {liberal:?}"))
        });
        match read {
            Ok(found) => pieces.extend(found),
            Err(_) if is_malformed_on_purpose(&name) => malformed_and_refused += 1,
            Err(problems) => panic!("{name} does not validate\n{problems}"),
        }
    }
    assert!(strict > 0, "no request is as the contract writes it");
    assert!(malformed_and_refused > 0, "no malformed request is refused");
    assert_xmllint_accepts(&pieces);
}

#[test]
fn every_reply_fixture_is_valid() {
    let Some(files) = fixtures("replies") else {
        return;
    };
    let mut pieces = Vec::new();
    for file in files {
        let envelope = fs::read_to_string(&file).unwrap();
        assert_valid(&envelope, &file_name(&file));
        pieces.extend(check(&envelope, Reading::Strict).unwrap());
    }
    assert_xmllint_accepts(&pieces);
}

/// `NAME.OUTCOME.xml`: an outcome that blames the form of the request.
fn is_malformed_on_purpose(name: &str) -> bool {
    name.split('.').any(|part| part == "SCSE002" || part == "SCE001")
}

#[test]
fn both_validators_accept_each_message_of_the_contract() {
    let samples = samples();
    let mut pieces = Vec::new();
    for (what, envelope) in &samples {
        assert_valid(envelope, what);
        pieces.extend(check(envelope, Reading::Strict).unwrap());
    }
    assert_eq!(pieces.iter().filter(|p| p.schema.starts_with("aid-")).count(), samples.len());
    assert_xmllint_accepts(&pieces);
}

#[test]
fn both_validators_accept_liberal_requests_and_only_in_the_liberal_reading() {
    let mut pieces = Vec::new();
    for (what, from, to) in [
        (
            "order of requestInfo",
            "<messageId>1</messageId><serviceId>KDP_SERVICE</serviceId>",
            "<serviceId>KDP_SERVICE</serviceId><messageId>1</messageId>",
        ),
        ("empty placeholders", "<sender>", "<correlationId/><properties/><sessionId/><sender>"),
        (
            "sessionId without braces",
            "</requestInfo>",
            "<sessionId>8c2d6a0e-51b5-4c7e-9a34-0f4c2f0f9d11</sessionId></requestInfo>",
        ),
        ("offset without colon", "12:00:00.000+05:00", "12:00:00+0500"),
        ("data in a namespace", "data>", "x:data>"),
        (
            "typed children",
            "<uin>",
            "<uin xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' xsi:type='xs:string'>",
        ),
    ] {
        let liberal = replaced(&request("KDP_SERVICE", ACCESS), from, to)
            .replace("<s:Body>", "<s:Body xmlns:x='urn:x'>");
        assert!(check(&liberal, Reading::Strict).is_err(), "{what} is not strict");
        pieces.extend(
            check(&liberal, Reading::Liberal).unwrap_or_else(|problems| panic!("{what}: {problems:?}")),
        );
    }
    assert_xmllint_accepts(&pieces);
}

#[test]
fn the_payload_is_found_in_each_form_that_is_read() {
    let escaped = format!("<getUserDataRequest>{ACCESS}</getUserDataRequest>").replace('<', "&lt;");
    let in_k = ACCESS.replace("</", "\u{1}").replace('<', "<k:").replace('\u{1}', "</k:");
    let plain = request("KDP_SERVICE", ACCESS);
    let xsi = "xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance'";
    let k = "xmlns:k='http://service.2fa-chain.kz/ns/kdp'";
    for (what, data) in [
        ("all in K", format!("<data {k}>{in_k}</data>")),
        ("one root element", format!("<data><getUserDataRequest>{ACCESS}</getUserDataRequest></data>")),
        (
            "one root element in K",
            format!("<data><k:getUserDataRequest {k}>{in_k}</k:getUserDataRequest></data>"),
        ),
        ("escaped text", format!("<data {xsi} xmlns:xs='{XS}' xsi:type='xs:string'>{escaped}</data>")),
        ("CDATA", format!("<data><![CDATA[<getUserDataRequest>{ACCESS}</getUserDataRequest>]]></data>")),
        ("a type without a prefix", format!("<data {xsi} xsi:type='getUserDataRequest'>{ACCESS}</data>")),
        ("a type with a prefix", format!("<data {xsi} {k} xsi:type='k:getUserDataRequest'>{ACCESS}</data>")),
    ] {
        let good = replaced(&plain, &format!("<data>{ACCESS}</data>"), &data);
        assert_valid(&good, what);
        assert_refused(what, &good, "123456789012", "12345678901x");
    }
}

#[test]
fn both_validators_refuse_broken_messages() {
    let samples = samples();
    for (what, from, to) in BROKEN {
        assert_refused(what, &samples[what], from, to);
    }
    let long = format!("<message>{}", "ә".repeat(251));
    assert_refused("long message", &samples["decision in SyncChannel"], "<message>", &long);
}

/// The edit must hit, uppsala must refuse, and so must xmllint whatever it is given of the result.
fn assert_refused(what: &str, envelope: &str, from: &str, to: &str) {
    let broken = replaced(envelope, from, to);
    assert!(check(&broken, Reading::Strict).is_err(), "{what}: {from} → {to} is accepted");
    let Ok(pieces) = schema::split(&broken, Reading::Strict) else {
        return;
    };
    if let Some(verdicts) = xmllint(&pieces) {
        assert!(verdicts.iter().any(Result::is_err), "xmllint accepts {what}: {from} → {to}");
    }
}

fn replaced(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from} is not in {text}");
    text.replace(from, to)
}

fn assert_xmllint_accepts(pieces: &[Piece]) {
    for (piece, verdict) in pieces.iter().zip(xmllint(pieces).unwrap_or_default()) {
        if let Err(said) = verdict {
            panic!("xmllint refuses by {}: {said}\n{}", piece.schema, piece.document);
        }
    }
}

/// The files of a folder of fixtures; None when nobody has made the folder.
fn fixtures(folder: &str) -> Option<Vec<PathBuf>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(folder);
    if !path.exists() {
        say_loudly(&format!("there is no fixtures/{folder}"));
        return None;
    }
    let files = files_in(&path, "xml");
    assert!(!files.is_empty(), "fixtures/{folder} is empty");
    Some(files)
}

fn files_in(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut files: Vec<PathBuf> = entries
        .map(|e| e.unwrap().path())
        .filter(|p| p.extension().is_some_and(|e| e == extension))
        .collect();
    files.sort();
    files
}

fn file_name(file: &Path) -> String {
    file.file_name().unwrap().to_string_lossy().into_owned()
}
