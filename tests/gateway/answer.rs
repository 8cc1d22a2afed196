//! Answers, right and wrong: each wrong one is its fault, and none gives a number.

use crate::authority::{Authority, DAY, ListSaying, NOW, entry, name, of, rsa};
use crate::server::{Act, Asked, Server};
use crate::shep::{
    IIN, NUMBER, SMS, Saying, Stand, TODAY, element, good_server, signed, signer, signer_in, unsigned,
};
use kdp::config::Config;
use kdp::gateway::SmsError;
use kdp::gateway::fault::PartyFault;
use kdp::trust::outgoing::{EnvelopeSigner, KeyInfoForm};
use kdp::trust::revocation::Revocation;
use kdp::trust::{Peer, PeerKind, Trust};
use std::sync::Arc;

/// What a bad ШЭП does, told by name; it signs by the right key unless it says otherwise.
type Case = (&'static str, fn(&Asked, &EnvelopeSigner) -> Act, PartyFault);

fn ok(body: Vec<u8>) -> Act {
    Act::Answer(200, body)
}

fn says(asked: &Asked, by: &EnvelopeSigner, data: &str) -> Act {
    ok(Saying::to(asked).with(data).signed(by))
}

/// Another content than the one that was signed.
fn forged(body: Vec<u8>, before: &str, after: &str) -> Act {
    let text = String::from_utf8(body).unwrap();
    assert!(text.contains(before), "{before} is not in {text}");
    ok(text.replace(before, after).into_bytes())
}

/// A right answer without our correlationId.
fn unbound(asked: &Asked) -> Saying {
    let about = format!("<s:iin>{IIN}</s:iin><s:msisdn>{NUMBER}</s:msisdn><s:status>found</s:status>");
    Saying { correlation_id: String::new(), ..Saying::to(asked) }.with(&about)
}

fn fault() -> &'static str {
    "<f:Fault xmlns:f=\"http://schemas.xmlsoap.org/soap/envelope/\"><faultcode>f:Server</faultcode>\
     <faultstring>SCE909</faultstring></f:Fault>"
}

const OTHER: &str = "<s:msisdn>77779999999</s:msisdn><s:status>found</s:status>";

const CASES: &[Case] = &[
    ("no XML", |_, _| ok(b"hello".to_vec()), PartyFault::NotXml),
    ("nothing", |_, _| ok(Vec::new()), PartyFault::NotXml),
    ("a DTD", |_, _| ok(b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>".to_vec()), PartyFault::NotXml),
    (
        "mojibake",
        |_, _| ok(b"<?xml version='1.0' encoding='UTF-8'?><a>\xcd\xee\xec</a>".to_vec()),
        PartyFault::NotXml,
    ),
    ("a page", |_, _| ok(b"<html/>".to_vec()), PartyFault::NotAnswer),
    (
        "SOAP 1.2",
        |_, _| ok(b"<e:Envelope xmlns:e='http://www.w3.org/2003/05/soap-envelope'/>".to_vec()),
        PartyFault::NotAnswer,
    ),
    ("a page with status 500", |_, _| Act::Answer(500, b"<html/>".to_vec()), PartyFault::HttpStatus),
    ("no page at all", |_, _| Act::Answer(503, Vec::new()), PartyFault::HttpStatus),
    ("another address", |_, _| Act::Answer(302, Vec::new()), PartyFault::HttpStatus),
    (
        "a good answer with a bad status",
        |a, s| Act::Answer(500, Saying::to(a).signed(s)),
        PartyFault::HttpStatus,
    ),
    ("no content", |_, _| Act::Answer(204, Vec::new()), PartyFault::HttpStatus),
    ("five megabytes", |_, _| ok(vec![b' '; 5 << 20]), PartyFault::TooLong),
    ("another protocol", |_, _| Act::Bytes(b"220 mail ESMTP\r\n\r\n".to_vec()), PartyFault::Unreachable),
    (
        "an answer that breaks off",
        |_, _| Act::Bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n<a".to_vec()),
        PartyFault::Unreachable,
    ),
    ("a closed connection", |_, _| Act::Bytes(Vec::new()), PartyFault::Unreachable),
    ("a fault", |_, _| Act::Answer(500, unsigned(fault())), PartyFault::Fault),
    ("a fault with status 200", |_, _| ok(unsigned(fault())), PartyFault::Fault),
    ("a signed fault", |_, s| Act::Answer(500, signed(fault(), s)), PartyFault::Fault),
    ("unsigned", |a, _| ok(unsigned(&Saying::to(a).text())), PartyFault::Unsigned),
    (
        "a number changed on the way",
        |a, s| forged(Saying::to(a).signed(s), NUMBER, "77779999999"),
        PartyFault::Signature,
    ),
    (
        "a digest changed",
        |a, s| forged(Saying::to(a).signed(s), "<ds:DigestValue>", "<ds:DigestValue>AAAA"),
        PartyFault::Signature,
    ),
    (
        "another Body before the signed one",
        |a, s| {
            let evil = "<soap:Body><x/></soap:Body><soap:Body ";
            forged(Saying::to(a).signed(s), "<soap:Body ", evil)
        },
        PartyFault::NotAnswer,
    ),
    (
        "the signed Body moved into the Header",
        |a, s| {
            let text = String::from_utf8(Saying::to(a).signed(s)).unwrap();
            let (head, body) = text.split_once("</soap:Header>").unwrap();
            let body = body.strip_suffix("</soap:Envelope>").unwrap();
            let own = String::from_utf8(unsigned(&Saying::to(a).with(OTHER).text())).unwrap();
            let own = own.split_once("<soap:Body").unwrap().1;
            ok(format!("{head}<x>{body}</x></soap:Header><soap:Body{own}").into_bytes())
        },
        PartyFault::Signature,
    ),
    (
        "signed by the authority's other child",
        |a, _| ok(Saying::to(a).signed(&signer("akimat"))),
        PartyFault::Certificate,
    ),
    ("signed by another peer", |a, _| ok(Saying::to(a).signed(&signer("bank"))), PartyFault::Certificate),
    ("signed by a stranger", |a, _| ok(Saying::to(a).signed(&signer("outsider"))), PartyFault::Certificate),
    (
        "a certificate that has ended",
        |a, _| ok(Saying::to(a).signed(&signer("expired"))),
        PartyFault::Certificate,
    ),
    (
        "a serial number that nobody has",
        |a, _| ok(Saying::to(a).signed(&signer_in("outsider", KeyInfoForm::IssuerSerial))),
        PartyFault::Certificate,
    ),
    ("our own key", |a, _| ok(Saying::to(a).signed(&signer("service"))), PartyFault::Certificate),
    (
        "a request for an answer",
        |a, s| ok(signed(&Saying::to(a).text().replace("SendMessageResponse", "SendMessage"), s)),
        PartyFault::NotAnswer,
    ),
    (
        "an answer in no namespace",
        |a, s| {
            let text = Saying::to(a).text().replace("t:SendMessageResponse", "SendMessageResponse");
            ok(signed(&text, s))
        },
        PartyFault::NotAnswer,
    ),
    (
        "two statuses",
        |a, s| {
            let twice = "<status><code>SCSE001</code></status></responseInfo>";
            ok(signed(&Saying::to(a).text().replace("</responseInfo>", twice), s))
        },
        PartyFault::NotAnswer,
    ),
    (
        "an answer to another question",
        |a, s| {
            ok(Saying { correlation_id: "0199d5a0-0000-7000-8000-000000000000".to_owned(), ..Saying::to(a) }
                .signed(s))
        },
        PartyFault::OtherQuestion,
    ),
    (
        "an answer about another person",
        |a, s| says(a, s, &format!("<s:iin>900101399019</s:iin>{OTHER}")),
        PartyFault::OtherQuestion,
    ),
    (
        "an answer of the day before yesterday",
        |a, s| ok(Saying { date: "2026-03-30T12:00:00+05:00".to_owned(), ..unbound(a) }.signed(s)),
        PartyFault::OtherQuestion,
    ),
    (
        "an answer of six minutes ago",
        |a, s| ok(Saying { date: "2026-04-01T11:54:00+05:00".to_owned(), ..unbound(a) }.signed(s)),
        PartyFault::OtherQuestion,
    ),
    (
        "an answer of six minutes from now",
        |a, s| ok(Saying { date: "2026-04-01T12:06:00+05:00".to_owned(), ..unbound(a) }.signed(s)),
        PartyFault::OtherQuestion,
    ),
    (
        "an answer of nobody knows when",
        |a, s| ok(Saying { date: "today".to_owned(), ..unbound(a) }.signed(s)),
        PartyFault::OtherQuestion,
    ),
    (
        "an answer without a date",
        |a, s| {
            ok(signed(&unbound(a).text().replace(&format!("<responseDate>{TODAY}</responseDate>"), ""), s))
        },
        PartyFault::OtherQuestion,
    ),
    (
        "an answer about nobody knows whom",
        |a, s| {
            let number = format!("<s:msisdn>{NUMBER}</s:msisdn><s:status>found</s:status>");
            ok(unbound(a).with(&number).signed(s))
        },
        PartyFault::OtherQuestion,
    ),
    (
        "an answer about nobody",
        |a, s| {
            let number = format!("<s:iin/><s:msisdn>{NUMBER}</s:msisdn><s:status>found</s:status>");
            ok(unbound(a).with(&number).signed(s))
        },
        PartyFault::OtherQuestion,
    ),
    (
        "an answer about two persons",
        |a, s| {
            ok(unbound(a).with(&format!("<s:iin>{IIN}</s:iin><s:iin>900101399019</s:iin>{OTHER}")).signed(s))
        },
        PartyFault::OtherQuestion,
    ),
    (
        "a business error",
        |a, s| ok(Saying { status: "SCSE001", ..Saying::to(a) }.signed(s)),
        PartyFault::Status,
    ),
    (
        "an unknown code",
        |a, s| ok(Saying { status: "SCSS002", ..Saying::to(a) }.signed(s)),
        PartyFault::Status,
    ),
    ("no code", |a, s| ok(Saying { status: "", ..Saying::to(a) }.signed(s)), PartyFault::Status),
    (
        "an unknown word",
        |a, s| says(a, s, &format!("<s:msisdn>{NUMBER}</s:msisdn><s:status>perhaps</s:status>")),
        PartyFault::Status,
    ),
    (
        "another service's answer",
        |a, s| says(a, s, &format!("<s:sms_id>{SMS}</s:sms_id><s:status>accepted</s:status>")),
        PartyFault::Status,
    ),
    ("no data", |a, s| ok(Saying { data: String::new(), ..Saying::to(a) }.signed(s)), PartyFault::Content),
    ("text for elements", |a, s| says(a, s, "found 77010000001"), PartyFault::Content),
    (
        "a foreign namespace",
        |a, s| says(a, s, "<x:status xmlns:x=\"urn:x\">found</x:status>"),
        PartyFault::Content,
    ),
    ("found, and no number", |a, s| says(a, s, "<s:status>found</s:status>"), PartyFault::Content),
    (
        "a number of what was not found",
        |a, s| says(a, s, &format!("<s:msisdn>{NUMBER}</s:msisdn><s:status>not-found</s:status>")),
        PartyFault::Content,
    ),
    (
        "a number that is none",
        |a, s| says(a, s, "<s:msisdn>call me</s:msisdn><s:status>found</s:status>"),
        PartyFault::Content,
    ),
    (
        "elements for a number",
        |a, s| says(a, s, "<s:msisdn><s:a/></s:msisdn><s:status>found</s:status>"),
        PartyFault::Content,
    ),
    (
        "a thousand numbers",
        |a, s| {
            let numbers = format!("<msisdn>{NUMBER}</msisdn>").repeat(1000);
            says(a, s, &format!("{numbers}<s:status>found</s:status>"))
        },
        PartyFault::Content,
    ),
];

#[tokio::test]
async fn every_bad_answer_is_its_fault_and_gives_no_number() {
    let mut seen = Vec::new();
    for (case, act, fault) in CASES {
        for key in ["shep", "shep.gost"] {
            let by = signer(key);
            let server = Server::start(move |asked| act(asked, &by)).await;
            let stand = Stand::new(&server.url);
            assert_eq!(stand.numbers().await, Err(*fault), "{case}, signed by {key}");
        }
        seen.push(*fault);
    }
    for fault in [PartyFault::Timeout, PartyFault::LeftAlone, PartyFault::Absent, PartyFault::Question] {
        assert!(!seen.contains(&fault), "those are not of answers");
    }
}

#[tokio::test]
async fn nobody_who_listens_is_a_party_out_of_reach() {
    let url = good_server().await.url.clone();
    assert_eq!(Stand::new(&url).numbers().await, Err(PartyFault::Unreachable));
}

#[tokio::test]
async fn a_good_answer_is_read_in_every_form_that_the_contract_allows() {
    let number = format!("<s:iin>{IIN}</s:iin><s:msisdn>{NUMBER}</s:msisdn><s:status>FOUND</s:status>");
    let escaped = number.replace('<', "&lt;").replace("s:", "");
    for (key, form) in [
        ("shep", KeyInfoForm::Certificate),
        ("shep", KeyInfoForm::IssuerSerial),
        ("shep", KeyInfoForm::BinaryToken),
        ("shep", KeyInfoForm::X509Data),
        ("shep.gost", KeyInfoForm::Certificate),
        ("shep.gost", KeyInfoForm::IssuerSerial),
    ] {
        for data in [
            format!("<data>{number}</data>"),
            format!("<data>{}</data>", number.replace("s:", "")),
            format!("<s:data><s:answer>{number}</s:answer></s:data>"),
            format!("<data>&lt;answer>{escaped}&lt;/answer></data>"),
            format!("<data>{number}<s:other/></data>"),
        ] {
            let by = signer_in(key, form);
            let wanted = data.clone();
            let server = Server::start(move |asked| {
                let saying =
                    Saying { data: wanted.clone(), correlation_id: String::new(), ..Saying::to(asked) };
                Act::Answer(200, saying.signed(&by))
            })
            .await;
            let stand = Stand::new(&server.url);
            assert_eq!(stand.numbers().await, Ok(vec![NUMBER.to_owned()]), "{key} {form:?} {data}");
        }
    }
}

#[tokio::test]
async fn an_answer_without_our_correlation_id_is_one_if_it_is_of_now_and_says_again_what_it_is_about() {
    for date in ["2026-04-01T11:55:00+05:00", "2026-04-01T07:05:00Z", "2026-04-01T12:00:00"] {
        let by = signer("shep");
        let server =
            Server::start(move |asked| ok(Saying { date: date.to_owned(), ..unbound(asked) }.signed(&by)))
                .await;
        assert_eq!(Stand::new(&server.url).numbers().await, Ok(vec![NUMBER.to_owned()]), "{date}");
    }
    // With it, an answer needs neither.
    let by = signer("shep");
    let server = Server::start(move |asked| {
        ok(Saying { date: "2020-01-01T00:00:00Z".to_owned(), ..Saying::to(asked) }.signed(&by))
    })
    .await;
    assert_eq!(Stand::new(&server.url).numbers().await, Ok(vec![NUMBER.to_owned()]));
}

#[tokio::test]
async fn an_sms_id_binds_the_answer_of_1414_as_an_iin_does_that_of_bmg() {
    for (date, expected) in
        [(TODAY, Ok(())), ("2026-04-01T11:54:00+05:00", Err(PartyFault::OtherQuestion.into()))]
    {
        let by = signer("shep");
        let server = Server::start(move |asked| {
            let saying = Saying { correlation_id: String::new(), ..Saying::to(asked) };
            ok(Saying { date: date.to_owned(), ..saying }.signed(&by))
        })
        .await;
        assert_eq!(Stand::new(&server.url).sms().await, expected, "{date}");
    }
}

#[tokio::test]
async fn several_numbers_come_in_their_order_and_none_is_no_fault() {
    for (data, expected) in [
        (
            "<s:msisdn>77010000002</s:msisdn><s:msisdn>+77010000001</s:msisdn><s:status>found</s:status>",
            &["77010000002", NUMBER][..],
        ),
        ("<s:status>not-found</s:status>", &[]),
        ("<s:msisdn/><s:status>Not-Found</s:status>", &[]),
    ] {
        let by = signer("shep");
        let server = Server::start(move |asked| says(asked, &by, data)).await;
        assert_eq!(Stand::new(&server.url).numbers().await.unwrap(), expected, "{data}");
    }
}

#[tokio::test]
async fn an_sms_is_taken_over_refused_or_neither() {
    for (data, expected) in [
        (format!("<s:sms_id>{SMS}</s:sms_id><s:status>accepted</s:status>"), Ok(())),
        (
            format!(
                "<s:sms_id>{SMS}</s:sms_id><s:status>refused</s:status><s:reason>no-such-number</s:reason>"
            ),
            Err(SmsError::Refused),
        ),
        (
            "<s:sms_id>another</s:sms_id><s:status>refused</s:status>".to_owned(),
            Err(PartyFault::OtherQuestion.into()),
        ),
        ("<s:status>accepted</s:status>".to_owned(), Err(PartyFault::Content.into())),
        (format!("<s:msisdn>{NUMBER}</s:msisdn><s:status>found</s:status>"), Err(PartyFault::Status.into())),
    ] {
        let (by, said) = (signer("shep.gost"), data.clone());
        let server = Server::start(move |asked| says(asked, &by, &said)).await;
        let stand = Stand::new(&server.url);
        // The same SMS again is the same answer: 1414 knows it by its id.
        assert_eq!([stand.sms().await, stand.sms().await], [expected, expected], "{data}");
        let ids: Vec<_> =
            server.asked().iter().map(|asked| element(&asked.body, "messageId").to_owned()).collect();
        assert!(ids.len() == 2 && ids[0] != ids[1], "each question has an id of its own: {ids:?}");
    }
}

#[tokio::test]
async fn an_answer_by_a_revoked_certificate_is_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::root("AUTHORITY", rsa("bank"));
    let (key, subject) = (rsa("shep"), name("SHEP", Some("260140990018")));
    let leaf = || authority.issue(&of(&subject, key.public_key_spki(), &[7]));
    let list = ListSaying::full(&authority, 1, &[entry(&[7], NOW - DAY, None)]).signed(authority.key());
    std::fs::write(folder.path().join("list.crl"), list).unwrap();
    let section = format!(
        "environment = \"test\"\n[trust.revocation]\nkeep = \"{0}/kept\"\nlists = [{{ full = \"{0}/list.crl\" }}]\n",
        folder.path().display()
    );
    let section = Config::parse(&section).unwrap().trust.revocation;
    let trusting = |is_checked: bool| {
        let mut trust = Trust::default();
        trust.add_authority(authority.again()).unwrap();
        trust.pin(leaf(), Arc::new(Peer::new("shep", PeerKind::Gateway)));
        if is_checked {
            let revocation = Revocation::new(&section).unwrap().unwrap();
            revocation.load(trust.authorities(), NOW);
            trust.check_revocation(revocation);
        }
        trust
    };
    let by = EnvelopeSigner::new(rsa("shep"), leaf(), KeyInfoForm::IssuerSerial);
    let server = Server::start(move |asked| Act::Answer(200, Saying::to(asked).signed(&by))).await;
    let stand = Stand::new(&server.url);
    stand.trust.set(trusting(false));
    assert!(stand.numbers().await.is_ok());
    stand.trust.set(trusting(true));
    assert_eq!(stand.numbers().await, Err(PartyFault::Certificate));
}
