//! For each cause a message that has this fault alone, signed as ever where the fault allows.

use crate::maker::{
    Maker, canonical, certificate, change, issued, key, key_identifier, named, ovt, ovt_with, pki, replace,
    shown,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gost94::{Digest as _, Gost94CryptoPro};
use kdp::text::Cause;
use kdp::text::mojibake::broken;
use kdp::trust::algorithm::{SignatureAlgorithm, WSU};
use kdp::trust::issue::Attribute;
use kdp::xml::c14n::Method;

/// The causes that are named, the code of the verdict, and the message.
pub struct Case {
    pub causes: Vec<Cause>,
    pub code: &'static str,
    pub message: Vec<u8>,
}

fn case(cause: Cause, code: &'static str, message: impl Into<Vec<u8>>) -> Case {
    Case { causes: vec![cause], code, message: message.into() }
}

fn bank() -> Maker {
    Maker::bank()
}

/// A change to the Body of a good message after it was signed.
fn after(edit: impl Fn(&str) -> String) -> String {
    let message = bank().make();
    let (head, body) = message.split_once("<soap:Body").unwrap();
    format!("{head}<soap:Body{}", edit(body))
}

pub fn all() -> Vec<Case> {
    [
        of_documents(),
        of_profile(),
        of_certificates(),
        of_values(),
        of_digests(),
        of_calls(),
        of_data(),
        of_ovt(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn of_documents() -> Vec<Case> {
    let good = bank().make();
    let declared = |encoding: &str| format!("<?xml version=\"1.0\" encoding=\"{encoding}\"?>{good}");
    let utf_16: Vec<u8> =
        std::iter::once(0xFEFF).chain(good.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let spoilt = good.replace("ФИО", "\u{1}").into_bytes();
    let not_utf_8: Vec<u8> = spoilt.into_iter().map(|byte| if byte == 1 { 0xD4 } else { byte }).collect();
    let header = "<soap:Header><x:y xmlns:x=\"urn:x\" soap:mustUnderstand=\"1\"/>";
    let (head, body) = good.split_once("<soap:Body").unwrap();
    let (open, header_of) = head.split_once("<soap:Header>").unwrap();
    let body = body.strip_suffix("</soap:Envelope>").unwrap();
    let reordered = format!("{open}<soap:Body{body}<soap:Header>{header_of}</soap:Envelope>");
    vec![
        case(
            Cause::TooLarge,
            "KDP413",
            good.replace("<soap:Header>", &format!("<soap:Header>{}", " ".repeat(1 << 20))),
        ),
        case(Cause::Utf16, "SCE001", utf_16),
        case(Cause::Encoding, "SCE001", declared("windows-1251")),
        case(Cause::NotUtf8, "SCE001", not_utf_8),
        case(Cause::Doctype, "SCE001", format!("<!DOCTYPE a>{good}")),
        case(Cause::NotXml, "SCE001", good.replace("</soap:Body>", "</soap:Boby>")),
        case(
            Cause::XmlLimits,
            "SCE001",
            after(|body| replace(body, "<uin>", &format!("{}<uin>", "<a>".repeat(70)))),
        ),
        case(
            Cause::Soap12,
            "SCE001",
            good.replace(
                "http://schemas.xmlsoap.org/soap/envelope/",
                "http://www.w3.org/2003/05/soap-envelope",
            ),
        ),
        case(Cause::NoEnvelope, "SCE001", "<a/>"),
        case(Cause::HeaderNotUnderstood, "SCE001", replace(&good, "<soap:Header>", header)),
        case(Cause::Instruction, "SCE001", replace(&good, "<soap:Header>", "<soap:Header><?a b?>")),
        case(Cause::StrayText, "SCE001", replace(&good, "<soap:Header>", "<soap:Header>text")),
    ]
    .into_iter()
    .chain([Case { causes: vec![Cause::EnvelopeOrder], code: "SCE001", message: reordered.into() }])
    .chain([Case {
        // The comment stands in what was signed: without comments the digest is as ever.
        causes: vec![Cause::CommentInText],
        code: "SCE001",
        message: replace(&good, "ФИО", "Ф<!-- -->ИО").into(),
    }])
    .collect()
}

fn of_profile() -> Vec<Case> {
    let good = bank().make();
    let misplaced = replace(
        &replace(&good, "<ds:Signature ", "<a><ds:Signature "),
        "</ds:Signature>",
        "</ds:Signature></a>",
    );
    let (head, rest) = good.split_once("<wsse:Security").unwrap();
    let (_, tail) = rest.split_once("</wsse:Security>").unwrap();
    let (before, signature) = good.split_once("<ds:Signature ").unwrap();
    let (signature, end) = signature.split_once("</ds:Signature>").unwrap();
    let signature = format!("<ds:Signature {signature}</ds:Signature>");
    let method = |signature: &str, digest: &str| Maker {
        methods: (signature.to_owned(), digest.to_owned()),
        ..bank()
    };
    let more = "http://www.w3.org/2001/04/xmldsig-more#";
    let sha_256 = "http://www.w3.org/2001/04/xmlenc#sha256";
    let in_ns = |ns: &str| format!("xmlns:wsu=\"{ns}\" wsu:Id=\"id-1\"");
    let two = |causes: [Cause; 2], message: String| Case {
        causes: causes.to_vec(),
        code: "SCE006",
        message: message.into(),
    };
    vec![
        case(Cause::Unsigned, "SCE007", format!("{head}{tail}")),
        case(Cause::SignatureMisplaced, "SCE007", misplaced),
        case(Cause::SeveralSignatures, "SCE006", format!("{before}{signature}{signature}{end}")),
        case(
            Cause::SignatureIncomplete,
            "SCE006",
            replace(&replace(&good, "<ds:KeyInfo>", "<ds:Object>"), "</ds:KeyInfo>", "</ds:Object>"),
        ),
        case(
            Cause::Sha1,
            "SCE006",
            method("http://www.w3.org/2000/09/xmldsig#rsa-sha1", "http://www.w3.org/2000/09/xmldsig#sha1")
                .make(),
        ),
        case(Cause::Hmac, "SCE006", method(&format!("{more}hmac-sha256"), sha_256).make()),
        case(Cause::Algorithm, "SCE006", method(&format!("{more}rsa-sha512"), sha_256).make()),
        case(
            Cause::Canonicalization,
            "SCE006",
            Maker { canonicalization: "urn:other".to_owned(), ..bank() }.make(),
        ),
        case(
            Cause::Transforms,
            "SCE006",
            Maker { transform: "http://www.w3.org/2000/09/xmldsig#base64".to_owned(), ..bank() }.make(),
        ),
        two(
            [Cause::C14n11, Cause::Transforms],
            Maker { transform: "http://www.w3.org/2006/12/xml-c14n11".to_owned(), ..bank() }.make(),
        ),
        case(Cause::ReferenceElsewhere, "SCE006", Maker { uri: String::new(), ..bank() }.make()),
        case(Cause::BodyIdMissing, "SCE006", Maker { body_attributes: String::new(), ..bank() }.make()),
        case(
            Cause::BodyIdUnqualified,
            "SCE006",
            Maker { body_attributes: "Id=\"id-1\"".to_owned(), ..bank() }.make(),
        ),
        case(Cause::BodyIdNamespace, "SCE006", Maker { body_attributes: in_ns("urn:wsu"), ..bank() }.make()),
        case(
            Cause::IdTwice,
            "SCE006",
            replace(&good, "<soap:Header>", &format!("<soap:Header xmlns:w=\"{WSU}\" w:Id=\"id-1\">")),
        ),
        case(
            Cause::Base64,
            "SCE006",
            change(&good, "ds:SignatureValue", |value| format!("-_{}", &value[2..])),
        ),
        case(Cause::CommentInSignature, "SCE006", replace(&good, "<ds:KeyInfo>", "<ds:KeyInfo><!-- -->")),
    ]
}

const SYSTEM: [&str; 2] = ["1.2.398.3.3.4.1.2", "1.2.398.3.3.4.1.2.6"];

fn of_certificates() -> Vec<Case> {
    let by = |name: &str| bank().by(name).make();
    let spki = key("bank").public_key_spki().to_vec();
    let bank_named =
        [(Attribute::Country, "KZ"), (Attribute::Unit, "BIN260140990117"), (Attribute::CommonName, "bank")];
    let with = |der: &[u8]| Maker { key_info: shown(der), ..bank() }.make();
    let named_only = "<wsse:SecurityTokenReference><ds:X509Data><ds:X509IssuerSerial><ds:X509IssuerName>CN=Other</ds:X509IssuerName>\
                      <ds:X509SerialNumber>7</ds:X509SerialNumber></ds:X509IssuerSerial></ds:X509Data></wsse:SecurityTokenReference>";
    let pem = key_identifier(&STANDARD.encode(pki("bank.cert.pem")));
    // Another parameter of the curve: 1.2.398.3.10.1.1.2.2.2.
    let gost = key("bank.gost");
    let curve = [0x2a, 0x83, 0x0e, 3, 0x0a, 1, 1, 2, 2, 1];
    let mut other = gost.public_key_spki().to_vec();
    let at = other.windows(curve.len()).position(|window| window == curve).unwrap();
    other[at + curve.len() - 1] = 2;
    let on_curve =
        Maker { key_info: shown(&issued("ca.gost", &other, &bank_named, &SYSTEM)), ..bank().by("bank.gost") };
    let on_own = Maker {
        key_info: shown(&issued("ca.gost", gost.public_key_spki(), &bank_named, &SYSTEM)),
        ..bank().by("bank.gost")
    };
    vec![
        case(Cause::CertificateAbsent, "SCE005", Maker { key_info: named_only.to_owned(), ..bank() }.make()),
        case(Cause::CertificateUnknown, "SCE005", by("outsider")),
        case(Cause::CertificateMalformed, "SCE005", Maker { key_info: pem, ..bank() }.make()),
        case(Cause::CertificateChain, "SCE005", by("lookalike")),
        case(Cause::CertificateExpired, "SCE005", by("expired")),
        case(Cause::CertificateNotYet, "SCE005", by("notyet")),
        case(Cause::CertificateUsage, "SCE005", by("wrongusage")),
        case(
            Cause::CertificateRole,
            "SCE005",
            with(&issued("ca.gost", &spki, &bank_named, &["1.2.398.3.3.4.1.1"])),
        ),
        case(Cause::CertificateNoBin, "SCE005", with(&issued("ca.gost", &spki, &bank_named[2..], &SYSTEM))),
        case(Cause::CertificateBin, "KDP401", by("newcomer")),
        case(Cause::GostCurve, "SCE006", on_curve.make()),
        // The same with the right curve is in order.
        Case { causes: Vec::new(), code: "SCSS001", message: on_own.make().into() },
    ]
}

fn of_values() -> Vec<Case> {
    let bytes = |edit: fn(&mut Vec<u8>)| {
        move |value: &str| {
            let mut value = STANDARD.decode(value).unwrap();
            edit(&mut value);
            STANDARD.encode(value)
        }
    };
    let gost = || bank().by("bank.gost").make();
    let value = "ds:SignatureValue";
    let (signature, digest) = named(SignatureAlgorithm::Gost2015);
    let unfit = Maker { methods: (signature, digest), algorithm: SignatureAlgorithm::Gost2015, ..bank() };
    vec![
        case(Cause::KeyMismatch, "SCE006", unfit.make()),
        case(Cause::OtherKey, "SCE006", Maker { key: key("akimat"), ..bank() }.make()),
        case(Cause::GostByteOrder, "SCE006", change(&gost(), value, bytes(|value| value.reverse()))),
        case(Cause::GostByteOrder, "SCE006", change(&gost(), value, bytes(|value| value.rotate_left(64)))),
        case(Cause::GostLength, "SCE006", change(&gost(), value, bytes(|value| value.truncate(100)))),
        case(Cause::SignatureValue, "SCE006", change(&bank().make(), value, bytes(|value| value[9] ^= 1))),
        case(
            Cause::SignedInfoReformatted,
            "SCE006",
            bank().make().replace("<ds:Reference", "\n    <ds:Reference"),
        ),
    ]
}

fn of_digests() -> Vec<Case> {
    let crypto_pro = Maker { digest: |_, bytes| Gost94CryptoPro::digest(bytes).to_vec(), ..Maker::portal() };
    let declared = || Maker { declarations: " xmlns:xsi=\"urn:xsi\"".to_owned(), ..bank() };
    let with_cr = || bank().with("company", "АО&#13;\nбанк");
    let comment = |form| Maker { form, ..bank() };
    let with_comment = |form: fn(kdp::xml::Element<'_, '_>) -> Vec<u8>| {
        let maker = comment(form);
        let body = maker.make();
        let (_, body) = body.split_once("<soap:Body").unwrap();
        let body = format!("<soap:Body{}", body.strip_suffix("</soap:Envelope>").unwrap());
        Maker { written: Some(body.replace("<requestInfo>", "<!-- who --><requestInfo>")), ..comment(form) }
            .make()
    };
    vec![
        case(Cause::PrettyPrinted, "SCE006", after(|body| body.replace("><", ">\n  <"))),
        case(
            Cause::PrettyPrinted,
            "SCE006",
            after(|body| body.replace("<uin>", "<uin>\n    ").replace("</uin>", "\n  </uin>\n")),
        ),
        case(
            Cause::C14nInclusive,
            "SCE006",
            Maker { form: |body| canonical(body, &Method::INCLUSIVE), ..declared() }.make(),
        ),
        case(
            Cause::C14nComments,
            "SCE006",
            with_comment(|body| canonical(body, &Method { comments: true, ..Method::EXCLUSIVE })),
        ),
        case(Cause::PrefixListIgnored, "SCE006", Maker { prefix_list: Some("xsi"), ..declared() }.make()),
        case(Cause::CrLost, "SCE006", with_cr().make().replace("&#13;", "")),
        case(Cause::CrDoubled, "SCE006", with_cr().make().replace("&#13;", "&#13;&#13;")),
        case(Cause::CrDoubled, "SCE006", after(|body| body.replace("<requestInfo>", "&#13;<requestInfo>"))),
        case(Cause::Mojibake, "SCE006", after(|body| broken(body, 1))),
        case(Cause::Mojibake, "SCE006", after(|body| broken(body, 2))),
        Case {
            causes: vec![Cause::CyrillicLost, Cause::BodyChanged],
            code: "SCE006",
            message: after(|body| broken(body, 3)).into(),
        },
        case(Cause::DigestHex, "SCE006", bank_hex()),
        case(
            Cause::DigestElsewhere,
            "SCE006",
            Maker { form: |body| canonical(body.children().next().unwrap(), &Method::EXCLUSIVE), ..bank() }
                .make(),
        ),
        case(Cause::BodyChanged, "SCE006", after(|body| replace(body, "600000", "600001"))),
        case(Cause::GostSBox, "SCE006", crypto_pro.make()),
        case(
            Cause::GostByteOrder,
            "SCE006",
            Maker {
                digest: |algorithm, bytes| algorithm.digest(bytes).into_iter().rev().collect(),
                ..Maker::portal()
            }
            .make(),
        ),
        case(
            Cause::NotCanonical,
            "SCE006",
            before(|body| replace(body, "<request>", "<request xmlns:r=\"relative\">")),
        ),
    ]
}

/// The digest as hexadecimal digits, in base64 as ever.
fn bank_hex() -> String {
    let hex = |algorithm: SignatureAlgorithm, bytes: &[u8]| -> Vec<u8> {
        algorithm.digest(bytes).iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect()
    };
    Maker { digest: hex, ..bank() }.make()
}

/// A good message whose Body was written otherwise before it was signed.
fn before(edit: impl Fn(&str) -> String) -> String {
    let message = bank().make();
    let (_, body) = message.split_once("<soap:Body").unwrap();
    let body = format!("<soap:Body{}", body.strip_suffix("</soap:Envelope>").unwrap());
    Maker { written: Some(edit(&body)), form: of_what_there_is, ..bank() }.make()
}

/// The exclusive form; of what has none, nothing.
fn of_what_there_is(body: kdp::xml::Element<'_, '_>) -> Vec<u8> {
    let mut out = Vec::new();
    let _ = kdp::xml::c14n::write(body, &Method::EXCLUSIVE, &mut out);
    out
}

fn of_calls() -> Vec<Case> {
    let t = "http://bip.bee.kz/SyncChannel/v10/Types";
    let claims = r#""cbin":"260140990216","mcheck":"BIO","iat":1775026500,"exp":1775030100"#;
    let foreign = bank().with("company_bin", "260140990216").with("ovt", &ovt("bank", claims));
    vec![
        case(Cause::WrapperUnknown, "SCE001", before(|body| body.replace("t:SendMessage", "t:Send"))),
        case(
            Cause::WrapperNamespace,
            "SCE001",
            before(|body| replace(body, t, "http://bip.bee.kz/SyncChannel/v10/Types/Request")),
        ),
        case(
            Cause::ElementNamespace,
            "SCE001",
            before(|body| body.replace("<requestInfo>", "<requestInfo xmlns=\"urn:other\">")),
        ),
        case(Cause::ElementMissing, "SCE001", before(|body| replace(body, "<messageId>1</messageId>", ""))),
        case(
            Cause::ElementTwice,
            "SCE001",
            before(|body| {
                replace(body, "<messageId>1</messageId>", "<messageId>1</messageId><messageId>1</messageId>")
            }),
        ),
        case(Cause::ElementUnexpected, "SCE001", before(|body| body.replace("messageId", "MessageID"))),
        case(
            Cause::MessageDate,
            "SCE001",
            before(|body| replace(body, "2026-04-01T12:00:00+05:00", "01.04.2026 12:00")),
        ),
        case(
            Cause::DataNotXml,
            "SCE001",
            before(|body| {
                let (head, rest) = body.split_once("<data>").unwrap();
                let (_, tail) = rest.split_once("</data>").unwrap();
                format!("{head}<data>uin=1</data>{tail}")
            }),
        ),
        case(Cause::SenderUnknown, "KDP401", Maker { sender_id: "BANK_KDP".to_owned(), ..bank() }.make()),
        case(Cause::SecretMissing, "KDP401", Maker { password: String::new(), ..bank() }.make()),
        case(Cause::SecretWrong, "KDP401", Maker { password: "password".to_owned(), ..bank() }.make()),
        case(Cause::ServiceUnknown, "SCE004", Maker { service: "kdp_service".to_owned(), ..bank() }.make()),
        case(
            Cause::RoleForbidden,
            "KDP403",
            Maker { service: "KDP_SERVICE".to_owned(), ..Maker::portal() }.make(),
        ),
        case(Cause::BinForeign, "KDP403", foreign.make()),
    ]
}

fn of_data() -> Vec<Case> {
    vec![
        case(Cause::IinControlDigit, "SCSE002", bank().with("uin", "800101399016").make()),
        case(Cause::IinDigits, "SCSE002", bank().with("uin", "8001013990").make()),
        case(Cause::DataMalformed, "SCSE002", bank().with("expiresIn", "10 minutes").make()),
        case(Cause::DataContradict, "SCSE002", bank().with("method", "1").make()),
        case(Cause::ElementMissing, "SCSE002", bank().without("access_name").make()),
        case(Cause::ElementUnexpected, "SCSE002", bank().with("IIN", "800101399015").make()),
        case(
            Cause::ElementNamespace,
            "SCSE002",
            before(|body| body.replace("<uin>", "<uin xmlns=\"urn:other\">")),
        ),
        case(Cause::ExpiresInTooLong, "SCSS001", bank().with("expiresIn", "77760000000").make()),
        case(Cause::ExpiresInSeconds, "SCSS001", bank().with("expiresIn", "600").make()),
        case(Cause::Mojibake, "SCSS001", bank().with("personal_data_name", &broken("ФИО, адрес", 1)).make()),
        case(
            Cause::CyrillicLost,
            "SCSS001",
            bank().with("personal_data_name", &broken("ФИО, адрес", 3)).make(),
        ),
    ]
}

fn of_ovt() -> Vec<Case> {
    let with = |ovt: String| bank().with("ovt", &ovt).make();
    let of = |cause, claims: &str| case(cause, "SCSS001", with(ovt("bank", claims)));
    let good = r#""cbin":"260140990117","mcheck":"BIO","iat":1775026500,"exp":1775030100"#;
    let header = |header: &str| with(ovt_with("bank", header, good));
    let own = STANDARD.encode(certificate("akimat"));
    let carried = ovt_with("akimat", &format!(r#"{{"alg":"RS256","typ":"JWT","x5c":["{own}"]}}"#), good);
    vec![
        case(Cause::OvtMissing, "SCSS001", bank().without("ovt").make()),
        case(Cause::OvtShape, "SCSS001", with(ovt("bank", good).replacen('.', "\n", 1))),
        case(Cause::OvtAlgorithm, "SCSS001", header(r#"{"alg":"none","typ":"JWT"}"#)),
        case(Cause::OvtAlgorithm, "SCSS001", header(r#"{"alg":"HS256","typ":"JWT"}"#)),
        case(Cause::OvtKey, "SCSS001", with(carried)),
        case(Cause::OvtSignature, "SCSS001", with(ovt("akimat", good))),
        of(Cause::OvtStringDates, &good.replace("1775026500", "\"1775026500\"")),
        of(
            Cause::OvtMilliseconds,
            &good.replace("1775026500", "1775026500000").replace("1775030100", "1775030100000"),
        ),
        of(Cause::OvtCbin, &good.replace("\"260140990117\"", "260140990117")),
        of(Cause::OvtCbin, &good.replace("260140990117", "260140990216")),
        of(Cause::OvtClaims, &good.replace("mcheck", "check")),
        of(Cause::OvtMcheck, &good.replace("BIO", "NONE")),
        of(Cause::OvtExpired, &good.replace("17750", "17740")),
        of(Cause::OvtFuture, &good.replace("1775026500", "1775027500")),
        of(Cause::OvtLife, &good.replace("1775030100", "1775130100")),
    ]
}

/// The sample itself, which nothing is wrong with.
pub fn good() -> [Vec<u8>; 2] {
    [bank().make().into(), Maker::portal().make().into()]
}
