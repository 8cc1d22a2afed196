//! Messages made by hand, so that each rule can be broken alone: canonical forms and signatures are those of production.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use kdp::trust::algorithm::{EXC_C14N, SOAP, SignatureAlgorithm, WSU};
use kdp::trust::certificate::Certificate;
use kdp::trust::issue::{Attribute, Issuer, Name, Purpose, Request};
use kdp::trust::sign::{self, Signer};
use kdp::xml::c14n::{self, Method};
use kdp::xml::{Document, Element, Limits};
use std::path::Path;

/// `now` of fixtures/world.json, Unix seconds.
pub const AT: i64 = 1_775_026_800;

const WSSE: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd";
const X509: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0#X509v3";
const BASE64: &str =
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary";

pub fn pki(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/pki").join(file);
    std::fs::read_to_string(path).unwrap()
}

/// The private key of a party of the world, `bank` or `bank.gost`.
pub fn key(name: &str) -> Box<dyn Signer> {
    sign::from_pem(&pki(&format!("{name}.key.pem"))).unwrap()
}

/// Its certificate, DER.
pub fn certificate(name: &str) -> Vec<u8> {
    Certificate::from_file(pki(&format!("{name}.cert.pem")).as_bytes()).unwrap().der().to_vec()
}

/// A certificate of the authority of the world for this key.
pub fn issued(authority: &str, spki: &[u8], names: &[(Attribute, &str)], roles: &[&str]) -> Vec<u8> {
    let file = pki(&format!("{authority}.pem"));
    let own = Certificate::from_file(file.as_bytes()).unwrap();
    let parts = own.subject_text.split(", ").map(|part| part.split_once('=').unwrap());
    let parts: Vec<_> = parts
        .map(|(kind, text)| match kind {
            "C" => (Attribute::Country, text),
            "O" => (Attribute::Organisation, text),
            _ => (Attribute::CommonName, text),
        })
        .collect();
    let name = Name::new(&parts);
    let signer = key(authority);
    let issuer = Issuer { name: &name, signer: &*signer };
    let subject = Name::new(names);
    let validity = (AT - 86_400, AT + 86_400);
    let purpose = Purpose::Messages(roles);
    issuer.issue(&Request { subject: &subject, spki, serial: &[7, 7, 7], validity, purpose }).unwrap()
}

/// How the Body is digested, and `SignedInfo` signed.
type Form = fn(Element<'_, '_>) -> Vec<u8>;

pub fn canonical(element: Element<'_, '_>, method: &Method<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    c14n::write(element, method, &mut out).unwrap();
    out
}

/// A message in the making.
pub struct Maker {
    pub sender_id: String,
    pub password: String,
    pub service: String,
    /// The children of data.
    pub data: Vec<(&'static str, String)>,
    /// Declarations on the Envelope.
    pub declarations: String,
    /// The attributes of the Body.
    pub body_attributes: String,
    pub uri: String,
    pub canonicalization: String,
    pub transform: String,
    /// The two that `SignedInfo` names.
    pub methods: (String, String),
    pub prefix_list: Option<&'static str>,
    pub key: Box<dyn Signer>,
    /// What is in `KeyInfo`.
    pub key_info: String,
    pub form: Form,
    pub digest: fn(SignatureAlgorithm, &[u8]) -> Vec<u8>,
    pub algorithm: SignatureAlgorithm,
    /// The whole Body as it was when it was signed.
    pub written: Option<String>,
}

impl Maker {
    /// An ask of the bank by its own means, signed by itself.
    pub fn bank() -> Self {
        let data = [
            ("uin", "800101399015"),
            ("company", "АО «Песочный банк»"),
            ("company_bin", "260140990117"),
            ("company_responsible", "Сейтова Айгуль Маратовна, +77012345678"),
            ("employee_name", "Ахметов Д. Б."),
            ("access_name", "GBDFLUniversal_token"),
            ("personal_data_name", "ФИО, адрес"),
            ("expiresIn", "600000"),
            ("omit-sms", "true"),
        ];
        let mut data: Vec<_> = data.into_iter().map(|(name, text)| (name, text.to_owned())).collect();
        data.push((
            "ovt",
            ovt("bank", r#""cbin":"260140990117","mcheck":"BIO","iat":1775026500,"exp":1775030100"#),
        ));
        Self {
            sender_id: "bank_kdp".to_owned(),
            password: "HD5O4rmKox67ctwSg9VC5eicBPNSbmvh".to_owned(),
            service: "KDP_SERVICE".to_owned(),
            data,
            declarations: String::new(),
            body_attributes: format!("xmlns:wsu=\"{WSU}\" wsu:Id=\"id-1\""),
            uri: "#id-1".to_owned(),
            canonicalization: EXC_C14N.to_owned(),
            transform: EXC_C14N.to_owned(),
            methods: named(SignatureAlgorithm::RsaSha256),
            prefix_list: None,
            key: key("bank"),
            key_info: shown(&certificate("bank")),
            form: |body| canonical(body, &Method::EXCLUSIVE),
            digest: SignatureAlgorithm::digest,
            algorithm: SignatureAlgorithm::RsaSha256,
            written: None,
        }
    }

    /// The portal asks for a log, signed by ГОСТ of 2004.
    pub fn portal() -> Self {
        let data = [
            ("uin", "800101399015"),
            ("start_date", "2026-03-01T00:00:00"),
            ("end_date", "2026-04-01T00:00:00"),
        ];
        Self {
            sender_id: "egov_kdp".to_owned(),
            password: "dhWkqV2DXVlYXN8BVBt8ytHdulhyWCAP".to_owned(),
            service: "KDP_PERSONALDATA".to_owned(),
            data: data.into_iter().map(|(name, text)| (name, text.to_owned())).collect(),
            ..Self::bank().by("egov.gost")
        }
    }

    /// Signed by another party of the world.
    pub fn by(self, name: &str) -> Self {
        let key = key(name);
        let algorithm = key.algorithm();
        Self { key, key_info: shown(&certificate(name)), methods: named(algorithm), algorithm, ..self }
    }

    pub fn with(mut self, name: &'static str, text: &str) -> Self {
        self.data.retain(|(own, _)| *own != name);
        self.data.push((name, text.to_owned()));
        self
    }

    pub fn without(mut self, name: &'static str) -> Self {
        self.data.retain(|(own, _)| *own != name);
        self
    }

    fn body(&self) -> String {
        let data: Vec<_> = self.data.iter().map(|(name, text)| format!("<{name}>{text}</{name}>")).collect();
        let data = data.concat();
        let password = match self.password.as_str() {
            "" => String::new(),
            password => format!("<password>{password}</password>"),
        };
        format!(
            "<soap:Body {}><t:SendMessage xmlns:t=\"http://bip.bee.kz/SyncChannel/v10/Types\"><request><requestInfo>\
             <messageId>1</messageId><serviceId>{}</serviceId><messageDate>2026-04-01T12:00:00+05:00</messageDate>\
             <sender><senderId>{}</senderId>{password}</sender></requestInfo><requestData><data>{data}</data></requestData>\
             </request></t:SendMessage></soap:Body>",
            self.body_attributes, self.service, self.sender_id
        )
    }

    /// Signs it.
    pub fn make(&self) -> String {
        let list = self.prefix_list.map(|list| {
            format!("<ec:InclusiveNamespaces xmlns:ec=\"{EXC_C14N}\" PrefixList=\"{list}\"></ec:InclusiveNamespaces>")
        });
        let list = list.unwrap_or_default();
        let body = self.written.clone().unwrap_or_else(|| self.body());
        let unsigned = format!(
            "<soap:Envelope xmlns:soap=\"{SOAP}\"{}><soap:Header><wsse:Security xmlns:wsse=\"{WSSE}\" soap:mustUnderstand=\"1\">\
             <ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:SignedInfo><ds:CanonicalizationMethod \
             Algorithm=\"{}\"></ds:CanonicalizationMethod><ds:SignatureMethod Algorithm=\"{}\"></ds:SignatureMethod>\
             <ds:Reference URI=\"{}\"><ds:Transforms><ds:Transform Algorithm=\"{}\">{list}</ds:Transform></ds:Transforms>\
             <ds:DigestMethod Algorithm=\"{}\"></ds:DigestMethod><ds:DigestValue>@DIGEST@</ds:DigestValue></ds:Reference>\
             </ds:SignedInfo><ds:SignatureValue>@VALUE@</ds:SignatureValue><ds:KeyInfo>{}</ds:KeyInfo></ds:Signature>\
             </wsse:Security></soap:Header>{body}</soap:Envelope>",
            self.declarations,
            self.canonicalization,
            self.methods.0,
            self.uri,
            self.transform,
            self.methods.1,
            self.key_info
        );
        let document = Document::parse(unsigned.as_bytes(), &Limits::default()).unwrap();
        let digest =
            (self.digest)(self.algorithm, &(self.form)(document.root().child(SOAP, "Body").unwrap()));
        let digested = unsigned.replace("@DIGEST@", &STANDARD.encode(digest));
        let document = Document::parse(digested.as_bytes(), &Limits::default()).unwrap();
        let info = document.elements().find(|element| element.name() == "SignedInfo").unwrap();
        let value = self.key.sign(&canonical(info, &Method::EXCLUSIVE)).unwrap();
        digested.replace("@VALUE@", &STANDARD.encode(value))
    }
}

/// The names in XML of an algorithm and its digest.
pub fn named(algorithm: SignatureAlgorithm) -> (String, String) {
    let (signature, digest) = algorithm.uris().unwrap();
    (signature.to_owned(), digest.to_owned())
}

/// A certificate as `KeyInfo` shows it.
pub fn shown(der: &[u8]) -> String {
    key_identifier(&STANDARD.encode(der))
}

pub fn key_identifier(base64: &str) -> String {
    format!(
        "<wsse:SecurityTokenReference><wsse:KeyIdentifier EncodingType=\"{BASE64}\" ValueType=\"{X509}\">{base64}\
         </wsse:KeyIdentifier></wsse:SecurityTokenReference>"
    )
}

/// A verification token of these claims, whatever they are, signed by a party's key.
pub fn ovt(name: &str, claims: &str) -> String {
    ovt_with(name, r#"{"alg":"RS256","typ":"JWT"}"#, claims)
}

pub fn ovt_with(name: &str, header: &str, claims: &str) -> String {
    let signed =
        format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(format!("{{{claims}}}")));
    let value = key(name).sign(signed.as_bytes()).unwrap();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(value))
}

/// The value in the first element of this name, changed.
pub fn change(message: &str, element: &str, change: impl Fn(&str) -> String) -> String {
    let (before, rest) = message.split_once(&format!("{element}>")).unwrap();
    let (value, after) = rest.split_once('<').unwrap();
    format!("{before}{element}>{}<{after}", change(value))
}

/// Replaces what must be there.
pub fn replace(message: &str, from: &str, to: &str) -> String {
    assert!(message.contains(from), "no {from} in {message}");
    message.replacen(from, to, 1)
}
