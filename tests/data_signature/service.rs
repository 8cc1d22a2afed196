//! The running service: what a peer that must sign its data is answered with.

use crate::connection::{Connection, Reply};
use crate::installation::{BIN, COMPANY, DATA, Installation, SENDER, SERVICE_ID, SUBJECT, pki};
use crate::pki::{Authority, Holder, keys};
use crate::process::Process;
use kdp::config::Config;
use kdp::trust::issue::pem;
use kdp::trust::outgoing::{EnvelopeSigner, KeyInfoForm};
use kdp::xml::c14n::{self, Method};
use kdp::xml::{Document, Limits, Writer};
use std::net::SocketAddr;

const T: &str = "http://bip.bee.kz/SyncChannel/v10/Types";

/// What stands in `data`.
enum Payload<'p> {
    /// Elements.
    Markup(&'p [u8]),
    /// The same as text.
    Text(&'p [u8]),
}

/// Who sends.
struct Sender<'s> {
    id: &'s str,
    password: &'s str,
    key: &'s str,
    service_id: &'s str,
}

impl Sender<'_> {
    fn ask(&self, address: SocketAddr, payload: &Payload<'_>) -> Reply {
        let Holder { key, certificate } = Holder::fixture(self.key);
        let signer = EnvelopeSigner::new(key, certificate, KeyInfoForm::Certificate);
        let date = kdp::clock::text(kdp::clock::Clock::now(&kdp::clock::SystemClock));
        let envelope = signer.envelope("id-1", |writer: &mut Writer<'_>| {
            writer.open("t:SendMessage", &[("t", T)], &[]).open("request", &[], &[]).open(
                "requestInfo",
                &[],
                &[],
            );
            writer.leaf("messageId", "1").leaf("serviceId", self.service_id).leaf("messageDate", &date);
            writer.open("sender", &[], &[]).leaf("senderId", self.id).leaf("password", self.password);
            writer.close().close().open("requestData", &[], &[]).open("data", &[], &[]);
            match payload {
                Payload::Text(text) => writer.text(std::str::from_utf8(text).unwrap()),
                Payload::Markup(bytes) => {
                    let document = Document::parse(bytes, &Limits::default()).unwrap();
                    writer.raw(&c14n::fragment(document.root(), &Method::EXCLUSIVE).unwrap())
                }
            };
            writer.close().close().close().close();
        });
        Connection::open(address).post(&envelope.unwrap())
    }
}

/// errorCode, and what it says.
fn fault(reply: &Reply) -> (&str, &str) {
    (
        reply.element("errorCode").unwrap_or_else(|| panic!("{}", reply.body)),
        reply.element("errorMessage").unwrap(),
    )
}

#[test]
fn a_peer_that_must_sign_its_data_is_granted_only_what_its_organisation_signed() {
    let installation = Installation::complete();
    installation
        .reconfigure("sender_id = \"bank_kdp\"", "sender_id = \"bank_kdp\"\ndata_signature = \"required\"");
    let ovt = std::fs::read_to_string(installation.ovt(SUBJECT)).unwrap();
    let document = format!(
        "<getUserDataRequest><uin>{SUBJECT}</uin><company>{COMPANY}</company><company_bin>{BIN}</company_bin>\
         <access_name>{SERVICE_ID}</access_name><personal_data_name>{DATA}</personal_data_name>\
         <omit-sms>true</omit-sms><ovt>{}</ovt></getUserDataRequest>",
        ovt.trim()
    );
    let (service, address, _) = Process::serve(&installation.config());
    let bank =
        Sender { id: SENDER, password: installation.password(), key: "bank", service_id: "KDP_SERVICE" };
    let ask = |payload: &[u8]| {
        let [markup, text] =
            [Payload::Markup(payload), Payload::Text(payload)].map(|it| bank.ask(address, &it));
        assert_eq!(markup.element("errorCode"), text.element("errorCode"));
        assert_eq!(markup.word(), text.word());
        markup
    };
    let unsigned = ask(document.as_bytes());
    assert_eq!(fault(&unsigned).0, "SCE017");

    let signed = Holder::fixture("bank").sign(document.as_bytes());
    assert_eq!(ask(&signed).word(), Some("VALID"));
    let twice = Holder::fixture("akimat").sign(&signed);
    assert_eq!(ask(&twice).word(), Some("VALID"), "others may sign as well");

    let text = String::from_utf8(signed).unwrap();
    let changed = ask(text.replace(DATA, "ФИО").as_bytes());
    assert_eq!(fault(&changed).0, "SCE016");
    assert!(fault(&changed).1.contains("signature 1 on the data: DigestValue"), "{}", fault(&changed).1);
    let other = ask(&Holder::fixture("akimat").sign(document.as_bytes()));
    assert_eq!(fault(&other).0, "SCE015");
    assert!(fault(&other).1.contains("BIN of the sender"), "{}", fault(&other).1);
    for name in ["expired", "notyet", "wrongusage", "outsider", "lookalike"] {
        let refused = ask(&Holder::fixture(name).sign(document.as_bytes()));
        assert_eq!(fault(&refused).0, "SCE015", "{name}");
    }
    // Who is not known learns nothing of signatures.
    let stranger = Sender { password: "wrong", ..bank };
    assert_eq!(fault(&stranger.ask(address, &Payload::Text(document.as_bytes()))).0, "KDP401");
    for line in service.terminate().log {
        assert!(!line.contains(SUBJECT) && !line.contains(DATA), "{line}");
    }
}

#[test]
fn a_subject_that_applies_for_revocation_signs_itself_where_the_peer_must_show_it() {
    let mut installation = Installation::empty();
    let [_, _, key] = keys();
    let authority = Authority::new(key);
    std::fs::write(installation.file("people.pem"), pem("CERTIFICATE", authority.root())).unwrap();
    let people = installation.file("people.pem").display().to_string();
    installation.reconfigure("authorities = [", &format!("authorities = [\"{people}\", "));
    let peer = format!(
        "[peers.egov]\nkind = \"direct\"\ncertificates = [\"{}\"]\ndata_signature = \"subject\"\n[log]",
        pki("egov.cert.pem")
    );
    installation.reconfigure("[log]", &peer);
    for command in [&["keys", "init"][..], &["migrate"], &["keys", "generate"]] {
        installation.run(command);
    }
    installation.add_initiator();
    let identity =
        ["--sender-id", "egov_kdp", "--name", "eGov", "--bin", "260140990612", "--role", "egov", "--json"];
    let added: serde_json::Value =
        serde_json::from_str(&installation.run(&[&["owner", "add"][..], &identity].concat())).unwrap();
    let (_service, address, _) = Process::serve(&installation.config());
    let egov = Sender {
        id: "egov_kdp",
        password: added["password"].as_str().unwrap(),
        key: "egov",
        service_id: "KDP_REVOKE",
    };
    let ask = |payload: &[u8]| egov.ask(address, &Payload::Markup(payload));
    let application = |applicant: &str| {
        format!(
            "<revokeRequest><uin>{SUBJECT}</uin><token_id>00000000-0000-4000-8000-000000000000</token_id>{applicant}</revokeRequest>"
        )
    };
    let by_subject = application("<applicant>subject</applicant>");
    let person = |iin: &str| {
        let [_, old, _] = keys();
        authority.person(old, iin, None)
    };
    // The token is none of ours: an answer about it says that the application was read.
    let read = |reply: &Reply| assert_eq!(reply.element("code"), Some("SCSE001"), "{}", reply.body);
    assert_eq!(fault(&ask(by_subject.as_bytes())).0, "SCE017");
    read(&ask(&person(SUBJECT).sign(by_subject.as_bytes())));
    let other = ask(&person("900101399014").sign(by_subject.as_bytes()));
    assert_eq!(fault(&other).0, "SCE015");
    assert!(fault(&other).1.contains("IIN of the subject") && !other.body.contains("900101399014"));
    assert_eq!(fault(&ask(&Holder::fixture("egov").sign(by_subject.as_bytes()))).0, "SCE015");
    // A representative is the peer's to attest, and so is who asks where an application stands.
    read(&ask(application("<applicant>representative</applicant><authority>№ 1</authority>").as_bytes()));
    read(&ask(b"<revokeRequest><application_id>00000000-0000-4000-8000-000000000000</application_id></revokeRequest>"));
}

#[test]
fn a_requirement_needs_authorities_and_in_production_a_way_to_know_what_was_revoked() {
    let text = "[trust]\nauthorities = [\"ca.pem\"]\n[peers.bank]\nkind = \"direct\"\ndata_signature = \"required\"\n";
    let error = Config::parse(text).unwrap_err().to_string();
    assert!(error.contains("data_signature needs trust.revocation"), "{error}");
    let lists = "[trust.revocation]\nlists = [{ full = \"/etc/kdp/nca.crl\" }]\n";
    assert!(Config::parse(&format!("{text}{lists}")).is_ok());
    assert!(Config::parse(&format!("environment = \"test\"\n{text}")).is_ok());
    let installation = Installation::empty();
    installation
        .reconfigure("sender_id = \"bank_kdp\"", "sender_id = \"bank_kdp\"\ndata_signature = \"required\"");
    let authorities = format!("authorities = [\"{}\"]", pki("ca.pem"));
    installation.reconfigure(&authorities, "authorities = []");
    let ended = installation.try_run(&["check"]);
    assert_eq!(ended.code, Some(2), "{}", ended.err);
    assert!(ended.err.contains("data_signature needs trust.authorities"), "{}", ended.err);
    installation.reconfigure("data_signature = \"required\"", "data_signature = \"sometimes\"");
    let ended = installation.try_run(&["check"]);
    assert!(ended.err.contains("expected one of `ignored`, `required`, `subject`"), "{}", ended.err);
}
