//! What a copy may show as it stands: a closed vocabulary of names, of identifiers of public standards, and of values, by the
//! element or claim that they stand in. Whatever is not in it is replaced.

use crate::clock;

/// Names of elements, attributes, prefixes and claims: of the schemas in `schemas/`, SOAP 1.1, WSS 1.0, XML Signature,
/// RFC 7519, and the prefixes that libraries are used to.
const NAMES: &str = "\
    Act Algorithm Application BinarySecurityToken Body CanonicalizationMethod ChangeStatusNotification Check \
    CipherData CipherValue Contract Created DeliveryNotification DeliveryStatusInfo DigestMethod DigestValue \
    DryRun Embedded EncodingType EncryptedData EncryptedKey Envelope ErrorInfo ExclusiveC14n Expires \
    Exponent Fault HMACOutputLength Header ID Id InclusiveNamespaces KeyIdentifier KeyInfo KeyName KeyValue \
    LiberalRequestInfo LiberalSendMessage Manifest MessageData MessageStatusInfo Modulus Nonce Object \
    Password PrefixList Property RSAKeyValue Reference Request RequestData RequestInfo Response ResponseData \
    ResponseInfo RetrievalMethod S SOAP-ENV Security SecurityTokenReference SendMessage SendMessageRequest \
    SendMessageResponse SenderInfo Signature SignatureMethod SignatureProperties SignatureProperty \
    SignatureValue SignedInfo SkippedDay SkippedDays StatusInfo SyncRequest SyncResponse Target Timestamp \
    Token TokenType Transform Transforms Type URI Usage Username UsernameToken ValueType X509CRL \
    X509Certificate X509Data X509IssuerName X509IssuerSerial X509SKI X509SerialNumber X509SubjectName XPath \
    access_name act active actor after alg amount anyType applicant application application_id article aud \
    auth_token authority b64 base base64Binary bin boolean c14n cancel cbin check checkTokenRequest \
    checkTokenResponse checked_at citizenPhoneRequest citizenPhoneResponse code comment company company_bin \
    company_responsible contract correlationId crit cty data date dateTime day deadline decision decision_id \
    deliveryStatus detail directory_id dry_run ds dsig dsig11 e ec employee_name enc encodingStyle end_date \
    env error errorCode errorData errorDate errorMessage exp expected expiresIn expires_at faultactor \
    faultcode faultstring filed_at found getMessageStatus getMessageStatusResponse getMessages \
    getMessagesResponse getUserDataRequest getUserDataResponse ground_id iat id iin int iss issued_at jku \
    jti jwk kdp key kid lang limit listToRevokeRequest listToRevokeResponse long mcheck message messageData \
    messageDate messageId messageInfo messageState messageType messages method msisdn mustUnderstand name \
    nbf next next_text nil noNamespaceSchemaLocation not_judged notification notificationDate notificationId \
    ns number obligation omit-sms ovt paragraph passed password personalDataRequest personalDataResponse \
    personal_data_name poll_after proactive_code properties public-key r_pdata reason reason_text receipt \
    receiveStatus received_at refusal req request requestData requestDate requestInfo request_id \
    requested_at resendMessage response responseData responseDate responseInfo revocation_pending \
    revokeRequest revokeResponse role routeId s schema schemaLocation sendDeliveryNotification \
    sendDeliveryNotificationResponse sendMessage sendMessageRequest sendMessageResponse sendSmsRequest \
    sendSmsResponse sendSolutionRequest sendSolutionResponse sender senderId ser serviceId service_code \
    service_id services sessionId skipped_days smsReplyRequest smsReplyResponse sms_id soap soap11 soap12 \
    soapenv space start_date state status statusDate string sub subError svc sync text title tns token \
    token_id typ type types uin v10 valid_until value working_days_left wsa wsse wsu x5c x5t x5t#S256 x5u \
    xenc xml xmlns xop xs xsd xsi zip";
/// Namespaces and algorithms, those of known mistakes too. In order.
const URIS: [&str; 63] = [
    "http://bip.bee.kz/AsyncChannel/v10/ITypes",
    "http://bip.bee.kz/AsyncChannel/v10/Types",
    "http://bip.bee.kz/AsyncChannel/v10/Types/Client",
    "http://bip.bee.kz/SyncChannel/v10/Types",
    "http://bip.bee.kz/SyncChannel/v10/Types/Request",
    "http://bip.bee.kz/SyncChannel/v10/Types/Response",
    "http://bip.bee.kz/common/v10/Types",
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-",
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary",
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd",
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd",
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0#X509v3",
    "http://schemas.xmlsoap.org/soap/actor/next",
    "http://schemas.xmlsoap.org/soap/envelope/",
    "http://service.2fa-chain.kz/ns/kdp",
    "http://service.2fa-chain.kz/ns/kdp/personalData",
    "http://www.w3.org/1999/XSL/Transform",
    "http://www.w3.org/1999/xhtml",
    "http://www.w3.org/2000/09/xmldsig#",
    "http://www.w3.org/2000/09/xmldsig#X509Data",
    "http://www.w3.org/2000/09/xmldsig#base64",
    "http://www.w3.org/2000/09/xmldsig#dsa-sha1",
    "http://www.w3.org/2000/09/xmldsig#enveloped-signature",
    "http://www.w3.org/2000/09/xmldsig#hmac-sha1",
    "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
    "http://www.w3.org/2000/09/xmldsig#sha1",
    "http://www.w3.org/2000/svg",
    "http://www.w3.org/2000/xmlns/",
    "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
    "http://www.w3.org/2001/04/xmldsig-more#gost34310-gost34311",
    "http://www.w3.org/2001/04/xmldsig-more#gost34311",
    "http://www.w3.org/2001/04/xmldsig-more#gostr34102001-gostr3411",
    "http://www.w3.org/2001/04/xmldsig-more#gostr3411",
    "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256",
    "http://www.w3.org/2001/04/xmldsig-more#md5",
    "http://www.w3.org/2001/04/xmldsig-more#rsa-md5",
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384",
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",
    "http://www.w3.org/2001/04/xmldsig-more#sha224",
    "http://www.w3.org/2001/04/xmldsig-more#sha384",
    "http://www.w3.org/2001/04/xmlenc#sha256",
    "http://www.w3.org/2001/04/xmlenc#sha512",
    "http://www.w3.org/2001/10/xml-exc-c14n#",
    "http://www.w3.org/2001/10/xml-exc-c14n#WithComments",
    "http://www.w3.org/2001/XMLSchema",
    "http://www.w3.org/2001/XMLSchema-instance",
    "http://www.w3.org/2002/06/xmldsig-filter2",
    "http://www.w3.org/2003/05/soap-envelope",
    "http://www.w3.org/2006/12/xml-c14n11",
    "http://www.w3.org/2006/12/xml-c14n11#WithComments",
    "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1",
    "http://www.w3.org/TR/1999/REC-xpath-19991116",
    "http://www.w3.org/TR/1999/REC-xslt-19991116",
    "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
    "http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments",
    "http://www.w3.org/XML/1998/namespace",
    "urn:ietf:params:xml:ns:pkigovkz:xmlsec:algorithms:gostr34102015-gostr34112015-512",
    "urn:ietf:params:xml:ns:pkigovkz:xmlsec:algorithms:gostr34112015-512",
    "urn:kdp:schema:personal-data:1",
    "urn:kdp:schema:testing-act:1",
    "urn:kdp:services:v1",
    "urn:kdp:test-aid",
];
/// Encodings that an XML declaration may name.
const ENCODINGS: &str =
    "utf-8 utf8 utf-16 utf-16le utf-16be utf-32 windows-1251 cp1251 koi8-r iso-8859-1 iso-8859-5 us-ascii";
/// Algorithms of tokens (RFC 7518, and those of ГОСТ).
const ALGORITHMS: &str = "\
    none HS256 HS384 HS512 RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA GG2004 GG2015 GOST15 \
    GOST3410-2015-512 RS1 HS1";
/// Kinds of the parts of a distinguished name.
const KINDS: &str = "C CN DC E EMAILADDRESS G GIVENNAME L O OU S SERIALNUMBER SN ST SURNAME UID";
/// What may be called (wire.md 2).
const SERVICES: &str = "\
    KDP_SERVICE KDP_PERSONALDATA KDP_LIST_TO_REVOKE KDP_SEND_SOLUTION KDP_CHECK_TOKEN KDP_REVOKE \
    KDP_SMS_REPLY";
/// So far from the moment of judging a time can be one of the exchange; a date of birth is further away. Milliseconds.
const NEAR: u64 = 3650 * 86_400_000;

/// Whether a name says nothing of anybody: one of ours, or a letter with at most two digits, or `ns` with as many.
pub fn is_name(name: &str) -> bool {
    let rest = name.strip_prefix("ns").or_else(|| name.strip_prefix(|c: char| c.is_ascii_alphabetic()));
    let is_short = |digits: &str| digits.len() <= 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_among(NAMES, name) || rest.is_some_and(is_short)
}

/// Whether it names a public standard, and nothing else.
pub fn is_uri(uri: &str) -> bool {
    URIS.binary_search(&uri).is_ok()
}

/// Whether it is a kind of part of a distinguished name.
pub fn is_kind(kind: &str) -> bool {
    is_among(KINDS, kind)
}

/// Whether this, what stands between `<?xml` and `?>`, is a declaration (XML 1.0, 2.8) and nothing else.
pub fn is_declaration(text: &str) -> bool {
    let mut rest = text;
    let mut fields = Vec::new();
    while !rest.trim_start().is_empty() {
        let field = rest.strip_prefix(char::is_whitespace).map(str::trim_start);
        let Some((name, value)) = field.and_then(|field| field.split_once('=')) else { return false };
        let value = value.trim_start();
        let Some(quote) = value.chars().next().filter(|c| "\"'".contains(*c)) else { return false };
        let Some((value, after)) = value.get(1..).and_then(|value| value.split_once(quote)) else {
            return false;
        };
        fields.push((name.trim_end(), value));
        rest = after;
    }
    let is_known = |(name, value): &(&str, &str)| match *name {
        "version" => matches!(*value, "1.0" | "1.1"),
        "encoding" => is_among(ENCODINGS, &value.to_ascii_lowercase()),
        "standalone" => matches!(*value, "yes" | "no"),
        _ => false,
    };
    fields.len() <= 3 && fields.iter().all(is_known)
}

/// What is shown of a text in an element: itself, or a rounder one, if it is among the values that the element has.
/// `now` in Unix milliseconds.
pub fn value(element: &str, text: &str, now: i64) -> Option<String> {
    let is_known = match element {
        "serviceId" => is_among(SERVICES, text),
        "service_id" => text == "NONE",
        "method" => matches!(text, "1" | "2" | "3" | "4" | "5" | "6"),
        "lang" => is_lang(text),
        "omit-sms" | "cancel" | "dry_run" => is_flag(text),
        "applicant" => matches!(text, "subject" | "representative"),
        "decision" => matches!(text, "approve" | "refuse"),
        "state" => matches!(text, "delivered" | "undelivered" | "expired" | "buffered"),
        "limit" => number(text).is_some_and(|digits| digits.len() <= 4),
        "expiresIn" => return term(text),
        "messageDate" | "start_date" | "end_date" | "requested_at" | "received_at" | "Created"
        | "Expires" => {
            return moment(text, now);
        }
        _ => false,
    };
    is_known.then(|| text.to_owned())
}

/// Whether an attribute other than a name or an identifier has a value that says nothing.
pub fn is_setting(attribute: &str, text: &str) -> bool {
    match attribute {
        "mustUnderstand" | "nil" => is_flag(text),
        "lang" => is_lang(text),
        _ => false,
    }
}

/// Whether a claim or a field of a header has a value that says nothing. `now` in Unix milliseconds.
pub fn is_claim(claim: &str, text: &str, now: i64) -> bool {
    match claim {
        "alg" => is_among(ALGORITHMS, text),
        "typ" | "cty" => matches!(text, "JWT" | "jwt" | "JOSE" | "JSON"),
        "crit" => matches!(text, "b64" | "exp"),
        "mcheck" => matches!(text, "BIO" | "DS" | "DID" | "OTP" | "PC" | "NONE"),
        "iat" | "exp" | "nbf" => text.parse::<i64>().is_ok_and(|time| {
            let is_plain = !text.starts_with(['+', '-', '0']);
            is_plain && (is_near(time, now) || time.checked_mul(1000).is_some_and(|time| is_near(time, now)))
        }),
        _ => false,
    }
}

/// Whether a word is one of these.
fn is_among(words: &str, word: &str) -> bool {
    words.split_ascii_whitespace().any(|one| one == word)
}

fn is_lang(text: &str) -> bool {
    matches!(text, "kk" | "ru" | "en")
}

fn is_flag(text: &str) -> bool {
    matches!(text, "true" | "false" | "0" | "1")
}

fn is_near(time: i64, now: i64) -> bool {
    time.abs_diff(now) <= NEAR
}

/// The digits of a number.
fn number(text: &str) -> Option<&str> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    (!digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())).then_some(digits)
}

/// A time span with two digits that count: a phone number is none.
fn term(text: &str) -> Option<String> {
    let digits = number(text).filter(|digits| digits.len() <= 12)?;
    let sign = text.strip_suffix(digits)?;
    let (head, tail) = digits.split_at(digits.len().min(2));
    Some(format!("{sign}{head}{}", "0".repeat(tail.len())))
}

/// A time of the exchange, without what is finer than milliseconds.
fn moment(text: &str, now: i64) -> Option<String> {
    clock::parse(text).filter(|time| is_near(*time, now))?;
    let Some((head, rest)) = text.split_once('.') else { return Some(text.to_owned()) };
    let fine = |(at, c): (usize, char)| if at >= 3 && c.is_ascii_digit() { '0' } else { c };
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (fraction, zone) = rest.split_at(end);
    Some(format!("{head}.{}{zone}", fraction.chars().enumerate().map(fine).collect::<String>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_775_026_800_000;

    #[test]
    fn the_lists_are_in_order_and_hold_what_is_used() {
        assert!(URIS.is_sorted());
        assert!(["soap", "wsse", "uin", "cbin", "ns12", "x0", "a"].into_iter().all(is_name));
        assert!(
            ["ns910203", "i910203450018", "halykbank", "Ахметова", "nsa", ""]
                .into_iter()
                .all(|n| !is_name(n))
        );
        assert!(is_uri("http://www.w3.org/2000/09/xmldsig#") && !is_uri("http://w3.org.halyk.kz/x"));
    }

    #[test]
    fn only_an_exact_declaration_is_one() {
        for text in [" version='1.0'", " version=\"1.0\" encoding = \"UTF-8\" standalone='yes' "] {
            assert!(is_declaration(text), "{text}");
        }
        for text in [
            " version=\"1.0\" by=\"A\"",
            " version=\"A\"",
            "version='1.0'",
            " A",
            " version='1.0'encoding='A'",
        ] {
            assert!(!is_declaration(text), "{text}");
        }
    }

    #[test]
    fn a_value_is_shown_where_it_is_one_of_the_element() {
        let shown = |element, text| value(element, text, NOW);
        assert_eq!(shown("lang", "kk").as_deref(), Some("kk"));
        assert_eq!(shown("expiresIn", "77012345678").as_deref(), Some("77000000000"));
        assert_eq!(shown("expiresIn", "-600").as_deref(), Some("-600"));
        assert_eq!(
            shown("messageDate", "2026-04-01T12:00:00.123456789+05:00").as_deref(),
            Some("2026-04-01T12:00:00.123000000+05:00")
        );
        for (element, text) in [
            ("lang", "Akhmetova"),
            ("start_date", "1991-02-03T00:00:00"),
            ("limit", "77012345678"),
            ("state", "Akhmetova"),
            ("serviceId", "HALYK"),
            ("uin", "1"),
        ] {
            assert_eq!(shown(element, text), None, "{element}");
        }
        assert!(is_claim("iat", "1775026800", NOW) && is_claim("exp", "1775026800000", NOW));
        assert!(!is_claim("iat", "7012345678", NOW) && !is_claim("iat", "910203450018", NOW));
        assert!(!is_claim("typ", "Akhmetova", NOW) && !is_claim("cbin", "BIO", NOW));
    }
}
