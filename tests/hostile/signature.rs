//! Messages that are made to cost by their signature, certificate or payload. Strangers send the first: of the gateway
//! they know the certificate, which every message of its shows. The last are signed by it, for a sender that is known.

use super::shape::{Hostile, MANY, ROOM, Sent, many};
use super::{certificate_with_serial, der, file, fixture, many_prefixes, with};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kdp::trust::algorithm::{DS, EXC_C14N, SOAP, SignatureAlgorithm, WSSE, WSU, X509_V3};
use kdp::trust::certificate::Certificate;
use kdp::trust::sign::{RsaSigner, Signer};
use kdp::xml::c14n::{self, Method};
use kdp::xml::{Document, Limits};
use std::fmt::Write as _;

const TYPES: &str = "http://bip.bee.kz/SyncChannel/v10/Types";

/// Long enough to hurt, and short enough for many elements beside it.
const LONG: usize = 400_000;

fn of(name: &str, code: &'static str, message: String) -> Hostile {
    Hostile { name: name.to_owned(), code, sent: Sent::Whole(message.into_bytes()) }
}

pub fn all() -> Vec<Hostile> {
    let mut all = canonical();
    all.extend(values());
    all.extend(certificates());
    all.extend(repeated());
    all.extend(payloads());
    all
}

/// What makes canonical forms large or slow.
fn canonical() -> Vec<Hostile> {
    let good = fixture("001-shep-key-identifier.VALID.xml");
    let by_serial = fixture("002-shep-issuer-serial.VALID.xml");
    let uri = format!(" xmlns:q=\"urn:{}\"", "u".repeat(LONG));
    let on_envelope = |message: &str| message.replacen("<soap:Envelope", &format!("<soap:Envelope{uri}"), 1);
    let bomb = |unit: &str| {
        let units = unit.repeat(MANY);
        on_envelope(&by_serial).replace("<requestData>", &format!("<requestData>{units}"))
    };
    let method = format!("<ds:CanonicalizationMethod Algorithm=\"{EXC_C14N}\"/>");
    let listed = |list: &str| {
        format!(
            "<ds:CanonicalizationMethod Algorithm=\"{EXC_C14N}\"><ec:InclusiveNamespaces xmlns:ec=\"{EXC_C14N}\" \
             PrefixList=\"{list}\"/></ds:CanonicalizationMethod>"
        )
    };
    let (mut open, mut close, mut names) = (String::new(), String::new(), String::new());
    for level in 0..45 {
        open.push_str("<n");
        for number in 0..19 {
            write!(open, " xmlns:p{level}x{number}=\"urn:{level}:{number}\"").unwrap();
            write!(names, "p{level}x{number} ").unwrap();
        }
        open.push('>');
        close.push_str("</n>");
    }
    let leaves = "<p0x0:a/><p1x1:b/><p2x2:c/>";
    let nested = |count: usize| format!("<requestData>{open}{}{close}", leaves.repeat(count));
    let prefixes = good.replace("<soap:Header>", &format!("<soap:Header>{}", many_prefixes()));
    let first: String = names.split_inclusive(' ').take(128).collect();
    let transform = format!("<ds:Transform Algorithm=\"{EXC_C14N}\"/>");
    let listed_too = listed(&first).replace("CanonicalizationMethod", "Transform");
    vec![
        of("a long namespace that very many elements use", "SCE006", bomb("<q:a/>")),
        of(
            "a long namespace in the signature",
            "SCE006",
            on_envelope(&good).replace(" Algorithm=", " q:a=\"\" Algorithm="),
        ),
        of(
            "very many prefixes in a list",
            "SCE006",
            prefixes.replace(&method, &listed(&"zz ".repeat(300_000))),
        ),
        of("deep, with declarations at each level", "SCE006", good.replace("<requestData>", &nested(20_000))),
        of(
            "the same, and lists that name them",
            "SCE006",
            good.replace("<requestData>", &nested(20_000))
                .replace(&method, &listed(&first))
                .replace(&transform, &listed_too),
        ),
        of(
            "a relative namespace behind very many elements",
            "SCE006",
            good.replace("<requestData>", &format!("<requestData>{}<a xmlns=\"b\"/>", "<a/>".repeat(MANY))),
        ),
        of(
            "quotes in an attribute of the Body",
            "SCE006",
            good.replace("<requestData>", &format!("<requestData b='{}'>", "\"".repeat(1_000_000))),
        ),
    ]
}

/// Values of a size that nobody needs.
fn values() -> Vec<Hostile> {
    let good = fixture("001-shep-key-identifier.VALID.xml");
    let by_serial = fixture("002-shep-issuer-serial.VALID.xml");
    let digits = |message: &str, open: &str| with(message, open, "<", &"7".repeat(1_000_000));
    vec![
        of("a signature value", "SCE006", with(&good, "SignatureValue>", "<", &"A".repeat(1_000_000))),
        of(
            "blanks in a signature value",
            "SCE006",
            with(&good, "SignatureValue>", "<", &" ".repeat(1_000_000)),
        ),
        of("a digest", "SCE006", with(&good, "DigestValue>", "<", &"A".repeat(1_000_000))),
        of("a reference", "SCE006", with(&good, "Reference URI=\"", "\"", &"#".repeat(1_000_000))),
        of(
            "an algorithm",
            "SCE006",
            with(&good, "SignatureMethod Algorithm=\"", "\"", &"a".repeat(1_000_000)),
        ),
        of(
            "an issuer of very many parts",
            "SCE006",
            with(&by_serial, "X509IssuerName>", "<", &("C=KZ,".repeat(200_000) + "C=KZ")),
        ),
        of("a serial number in digits", "SCE005", digits(&by_serial, "X509SerialNumber>")),
        of("an id that very many elements have", "SCE006", many_ids(&good)),
    ]
}

fn many_ids(good: &str) -> String {
    let (_, rest) = good.split_once("Reference URI=\"#").unwrap();
    let id = rest.split_once('"').unwrap().0;
    good.replace("<soap:Header>", &format!("<soap:Header>{}", format!("<h Id=\"{id}\"/>").repeat(900)))
}

/// What is shown as the signer's certificate.
fn certificates() -> Vec<Hostile> {
    let good = fixture("001-shep-key-identifier.VALID.xml");
    let shown = |name, der: &[u8]| {
        of(name, "SCE005", with(&good, "#X509v3\">", "<", &STANDARD.encode(&der[..der.len().min(760_000)])))
    };
    let deep = |tag: u8| {
        (0..150_000).fold(Vec::new(), |mut all, _| {
            all.extend([tag, 0x80]);
            all
        })
    };
    let nested = (0..2000).fold(Vec::new(), |inner, _| der(0x30, &inner));
    let extension = b"\x30\x0c\x06\x03\x55\x1d\x7f\x04\x05\x30\x03\x02\x01\x00".as_slice();
    let of_serial = |bytes| STANDARD.decode(certificate_with_serial(bytes)).unwrap();
    vec![
        shown("a certificate of zeros", &vec![0; 760_000]),
        shown("a certificate of sequences without an end", &deep(0x30)),
        shown("a certificate of sequences in sequences", &der(0x30, &nested)),
        shown(
            "a certificate that is one long name",
            &der(0x30, &der(0x30, &b"\x31\x0b\x30\x09\x06\x03\x55\x04\x06\x13\x02KZ".repeat(58_000))),
        ),
        shown("a certificate of very many extensions", &der(0x30, &der(0x30, &extension.repeat(54_000)))),
        shown("a certificate with a serial number of 15 000 bytes", &of_serial(15_000)),
        shown("a certificate with a serial number of 700 000 bytes", &of_serial(700_000)),
        of(
            "what is no base64, in place of a certificate",
            "SCE006",
            with(&good, "#X509v3\">", "<", &"=".repeat(1_000_000)),
        ),
    ]
}

/// One thing of a signature, very many times; and what a slow digest costs.
fn repeated() -> Vec<Hostile> {
    let good = fixture("001-shep-key-identifier.VALID.xml");
    let few = good.len() + 1000;
    let times = |unit: &str| unit.repeat(((ROOM - few) / unit.len()).min(MANY));
    let before = |mark: &str, unit: &str| good.replacen(mark, &format!("{}{mark}", times(unit)), 1);
    vec![
        of(
            "signatures",
            "SCE006",
            good.replace("<ds:Signature ", &format!("{}<ds:Signature ", times("<Signature/>")))
                .replace("<wsse:Security ", &format!("<wsse:Security xmlns=\"{DS}\" ")),
        ),
        of(
            "headers of security",
            "SCE006",
            good.replace(
                "<soap:Header>",
                &format!("<soap:Header xmlns:w=\"{WSSE}\">{}", times("<w:Security/>")),
            ),
        ),
        of("references", "SCE006", before("<ds:Reference ", "<ds:Reference/>")),
        of("transforms", "SCE006", before("<ds:Transform ", "<ds:Transform/>")),
        of("comments in the signature", "SCE006", before("<ds:SignedInfo", "<!---->")),
        of("elements in the key's name", "SCE006", before("<wsse:SecurityTokenReference", "<a/>")),
        gost("egov", "a megabyte under ГОСТ 34.310-2004"),
        gost("bank", "a megabyte under ГОСТ 34.10-2015-512"),
    ]
}

/// A Body of a megabyte, signed by nobody, under the certificate of a party with a key of ГОСТ.
fn gost(party: &str, name: &str) -> Hostile {
    let certificate = Certificate::from_file(file(&format!("{party}.gost.cert.pem")).as_bytes()).unwrap();
    let algorithm = certificate.key().unwrap().algorithm();
    let (method, digest_method) = algorithm.uris().unwrap();
    let digest = STANDARD.encode(algorithm.digest(b""));
    let info = signed_info(method, digest_method, &digest);
    let message = envelope(&info, &STANDARD.encode([7; 128]), &certificate, &format!("<a>{}</a>", many("b")));
    of(name, "SCE006", message)
}

/// What a known sender may send.
fn payloads() -> Vec<Hostile> {
    let escaped = |xml: &str| xml.replace('&', "&amp;").replace('<', "&lt;");
    let data = |name: &str, code, data: &str| of(name, code, signed(&call("", data)));
    let ovt = |name: &str, ovt: &str| data(name, "SCSS001 ovt-malformed", &request("ovt", ovt));
    let encoded = |json: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(json);
    let header = encoded("{\"alg\":\"RS256\",\"typ\":\"JWT\"}");
    let claims = (0..50_000).map(|n| format!("\"c{n}\":1,")).collect::<Vec<_>>().concat();
    vec![
        ovt("an ovt of a megabyte", &"A".repeat(1_000_000)),
        ovt("an ovt of dots", &".".repeat(1_000_000)),
        ovt("an ovt with very deep claims", &format!("{header}.{}.AA", encoded(&"[".repeat(700_000)))),
        ovt(
            "an ovt with very many claims",
            &format!("{header}.{}.AA", encoded(&format!("{{{claims}\"iat\":1}}"))),
        ),
        ovt(
            "an ovt with a very long header",
            &format!("{}.e30.AA", encoded(&format!("{{\"alg\":\"{}\"}}", "R".repeat(700_000)))),
        ),
        data("a name of 900 000 characters", "SCSE002", &request("company", &"a".repeat(900_000))),
        data("very many services", "SCSE002", &request("access_name", &"a;".repeat(450_000))),
        data("a term of very many digits", "SCSE002", &request("expiresIn", &"9".repeat(900_000))),
        data("fields that nobody knows", "SCSE002", &"<a/>".repeat(MANY)),
        data("signatures on the data", "SCSE002", &format!("<Signature xmlns=\"{DS}\"/>").repeat(900)),
        data("depth in a text", "SCE001", &escaped(&"<a>".repeat(150_000))),
        data("entities in a text", "SCE001", &escaped("<!DOCTYPE a [<!ENTITY x \"x\">]><a>&x;</a>")),
        data("elements in a text", "SCSE002", &escaped(&format!("<a>{}</a>", "<b/>".repeat(MANY)))),
        data("a text in a text", "SCE001", &escaped(&escaped(&"<a/>".repeat(50_000)))),
        of(
            "properties",
            "SCSE002",
            signed(&call(&"<properties><key>k</key></properties>".repeat(20_000), "<uin>1</uin>")),
        ),
        of(
            "a property that is too long",
            "SCE001",
            signed(&call(
                &format!("<properties><key>{}</key></properties>", "k".repeat(900_000)),
                "<uin>1</uin>",
            )),
        ),
        of("elements that are not expected", "SCE001", signed(&call(&"<a/>".repeat(MANY), ""))),
    ]
}

fn request(field: &str, value: &str) -> String {
    let mut fields = [
        ("uin", "800101399015"),
        ("company", "АО"),
        ("company_bin", "260140990117"),
        ("access_name", "GBDFLUniversal_token"),
        ("personal_data_name", "ФИО"),
        ("expiresIn", "600000"),
        ("omit-sms", "true"),
        ("ovt", ""),
    ];
    let own = fields.iter_mut().find(|(name, _)| *name == field).unwrap();
    own.1 = value;
    fields.iter().fold(String::new(), |all, (name, value)| all + &format!("<{name}>{value}</{name}>"))
}

fn call(properties: &str, data: &str) -> String {
    addressed("bank_kdp", "HD5O4rmKox67ctwSg9VC5eicBPNSbmvh", "KDP_SERVICE", properties, data)
}

/// A call of this sender to this service.
pub fn addressed(sender: &str, password: &str, service: &str, properties: &str, data: &str) -> String {
    format!(
        "<t:SendMessage xmlns:t=\"{TYPES}\"><request><requestInfo><messageId>1</messageId><serviceId>{service}</serviceId>\
         <messageDate>2026-04-01T12:00:00+05:00</messageDate><sender><senderId>{sender}</senderId>\
         <password>{password}</password></sender>{properties}</requestInfo>\
         <requestData><data>{data}</data></requestData></request></t:SendMessage>"
    )
}

/// Signed by the gateway, as it would be if it passed such things on.
pub fn signed(call: &str) -> String {
    let key = RsaSigner::from_pem(&file("shep.key.pem")).unwrap();
    let certificate = Certificate::from_file(file("shep.cert.pem").as_bytes()).unwrap();
    let draft = envelope("", "", &certificate, call);
    let document = Document::parse(draft.as_bytes(), &Limits::default()).unwrap();
    let mut canonical = Vec::new();
    c14n::write(document.root().child(SOAP, "Body").unwrap(), &Method::EXCLUSIVE, &mut canonical).unwrap();
    let (method, digest_method) = SignatureAlgorithm::RsaSha256.uris().unwrap();
    let digest = STANDARD.encode(SignatureAlgorithm::RsaSha256.digest(&canonical));
    let info = signed_info(method, digest_method, &digest);
    let value = STANDARD.encode(key.sign(info.as_bytes()).unwrap());
    envelope(&info, &value, &certificate, call)
}

/// In canonical form.
fn signed_info(method: &str, digest_method: &str, digest: &str) -> String {
    let empty = |name: &str, algorithm: &str| format!("<ds:{name} Algorithm=\"{algorithm}\"></ds:{name}>");
    format!(
        "<ds:SignedInfo xmlns:ds=\"{DS}\">{}{}<ds:Reference URI=\"#b\"><ds:Transforms>{}</ds:Transforms>{}\
         <ds:DigestValue>{digest}</ds:DigestValue></ds:Reference></ds:SignedInfo>",
        empty("CanonicalizationMethod", EXC_C14N),
        empty("SignatureMethod", method),
        empty("Transform", EXC_C14N),
        empty("DigestMethod", digest_method)
    )
}

fn envelope(info: &str, value: &str, certificate: &Certificate, body: &str) -> String {
    format!(
        "<s:Envelope xmlns:s=\"{SOAP}\"><s:Header><w:Security xmlns:w=\"{WSSE}\"><ds:Signature xmlns:ds=\"{DS}\">{info}\
         <ds:SignatureValue>{value}</ds:SignatureValue><ds:KeyInfo><w:SecurityTokenReference>\
         <w:KeyIdentifier ValueType=\"{X509_V3}\">{}</w:KeyIdentifier></w:SecurityTokenReference></ds:KeyInfo>\
         </ds:Signature></w:Security></s:Header><s:Body xmlns:u=\"{WSU}\" u:Id=\"b\">{body}</s:Body></s:Envelope>",
        STANDARD.encode(certificate.der())
    )
}
