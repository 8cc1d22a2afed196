//! A message whose signer's certificate may be revoked: who is asked about, when, and what no answer means.

use crate::authority::{Authority, DAY, ListSaying, NOW, entry, name, of, rsa};
use crate::ocsp_answer::{Answer, GOOD, UNKNOWN, revoked};
use crate::server::{Reply, Server};
use crate::source::section;
use kdp::config::Config;
use kdp::serve::{inspect, read_trust};
use kdp::soap::envelope::Envelope;
use kdp::text::FaultCode;
use kdp::trust::certificate::Certificate;
use kdp::trust::outgoing::{EnvelopeSigner, KeyInfoForm};
use kdp::trust::revocation::Revocation;
use kdp::trust::revocation::ocsp::AnswerError;
use kdp::trust::{Distrust, Peer, PeerKind, Trust};
use kdp::xml::{Document, Limits, Writer};
use std::fs;
use std::sync::Arc;
use tempfile::TempDir;

const BIN: &str = "260140990117";

struct Stand {
    folder: TempDir,
    root: Authority,
    middle: Authority,
    leaf: Certificate,
}

impl Stand {
    fn new() -> Self {
        let root = Authority::root("ROOT", rsa("bank"));
        let middle = root.below("MIDDLE", rsa("shep"), &[3]);
        let (subject, key) = (name("BANK", Some(BIN)), rsa("akimat"));
        let leaf = middle.issue(&of(&subject, key.public_key_spki(), &[5]));
        Self { folder: TempDir::new().unwrap(), root, middle, leaf }
    }

    /// The place of a list of these serial numbers.
    fn list(&self, authority: &Authority, serials: &[u8], until: i64) -> String {
        let entries: Vec<_> = serials.iter().map(|serial| entry(&[*serial], NOW - DAY, None)).collect();
        let list = ListSaying::full(authority, 1, &entries).during(NOW - 3600, until);
        let number = fs::read_dir(self.folder.path()).unwrap().count();
        let path = self.folder.path().join(format!("{number}.crl"));
        fs::write(&path, list.signed(authority.key())).unwrap();
        path.display().to_string()
    }

    /// Trust in the two authorities, with the leaf pinned or not.
    fn trust(&self, text: &str, is_pinned: bool) -> Trust {
        let mut trust = Trust::default();
        if is_pinned {
            let leaf = Certificate::from_der(self.leaf.der()).unwrap();
            trust.pin(leaf, Arc::new(Peer::new("bank", PeerKind::Gateway)));
        }
        trust.add_authority(self.root.again()).unwrap();
        trust.add_authority(self.middle.again()).unwrap();
        trust.believe_chained(Arc::new(Peer::new("any", PeerKind::Direct(None))));
        if let Some(revocation) = Revocation::new(&section(self.folder.path(), text)).unwrap() {
            revocation.load(trust.authorities(), NOW);
            trust.check_revocation(revocation);
        }
        trust
    }

    async fn verify(&self, trust: &Trust, form: KeyInfoForm, at: i64) -> Result<(), Distrust> {
        let message = self.message(form);
        let document = Document::parse(&message, &Limits::default()).unwrap();
        trust.verify(&Envelope::read(&document).unwrap(), at).await.map(|_| ())
    }

    fn message(&self, form: KeyInfoForm) -> Vec<u8> {
        signed(&self.leaf, form)
    }
}

/// A message by the holder of a certificate of the key of `akimat`.
pub fn signed_by_akimat(certificate: &Certificate) -> Vec<u8> {
    signed(certificate, KeyInfoForm::Certificate)
}

fn signed(certificate: &Certificate, form: KeyInfoForm) -> Vec<u8> {
    let certificate = Certificate::from_der(certificate.der()).unwrap();
    let signer = EnvelopeSigner::new(rsa("akimat"), certificate, form);
    let content = |writer: &mut Writer<'_>| {
        writer.leaf("hello", "world");
    };
    signer.envelope("id-1", content).unwrap()
}

fn lists(places: &[String]) -> String {
    let places: Vec<_> = places.iter().map(|place| format!("{{ full = {place:?} }}")).collect();
    format!("lists = [{}]", places.join(", "))
}

#[tokio::test]
async fn a_revoked_certificate_is_refused_by_name_pinned_or_not() {
    let stand = Stand::new();
    let revoked = lists(&[stand.list(&stand.middle, &[5], NOW + DAY)]);
    let good = lists(&[stand.list(&stand.middle, &[6], NOW + DAY)]);
    for is_pinned in [false, true] {
        let (trusting, refusing) = (stand.trust(&good, is_pinned), stand.trust(&revoked, is_pinned));
        for form in [KeyInfoForm::Certificate, KeyInfoForm::IssuerSerial] {
            if form == KeyInfoForm::IssuerSerial && !is_pinned {
                continue;
            }
            // Twice: the second time it is remembered that it chains.
            for _ in 0..2 {
                assert_eq!(stand.verify(&trusting, form, NOW).await, Ok(()));
                assert_eq!(stand.verify(&refusing, form, NOW).await, Err(Distrust::Revoked(NOW - DAY)));
            }
            let stale = stand.verify(&trusting, form, NOW + DAY + 1).await;
            assert_eq!(stale, Err(Distrust::ListStale(NOW + DAY)));
        }
    }
}

#[tokio::test]
async fn an_authority_whose_list_is_missing_is_a_no_for_who_is_not_pinned() {
    let stand = Stand::new();
    let of_root = lists(&[stand.list(&stand.root, &[], NOW + DAY)]);
    let chained = stand.verify(&stand.trust(&of_root, false), KeyInfoForm::Certificate, NOW).await;
    assert_eq!(chained, Err(Distrust::RevocationUnknown));
    // The pin is the trust where there is no list of the issuer.
    assert_eq!(stand.verify(&stand.trust(&of_root, true), KeyInfoForm::Certificate, NOW).await, Ok(()));
    // But while a source never gave a list, it may be the issuer's.
    let missing = stand.folder.path().join("missing.crl").display().to_string();
    let incomplete = stand.trust(&lists(&[stand.list(&stand.root, &[], NOW + DAY), missing]), true);
    let verified = stand.verify(&incomplete, KeyInfoForm::Certificate, NOW).await;
    assert_eq!(verified, Err(Distrust::RevocationUnknown));
    assert_eq!(
        stand.verify(&stand.trust("mode = \"none\"", false), KeyInfoForm::Certificate, NOW).await,
        Ok(())
    );
}

#[tokio::test]
async fn a_pinned_certificate_of_nobody_who_is_pinned_is_not_checked() {
    let stand = Stand::new();
    let (subject, key) = (name("BANK", Some(BIN)), rsa("akimat"));
    let other = Authority::root("OTHER", rsa("service"));
    let leaf = other.issue(&of(&subject, key.public_key_spki(), &[5]));
    let stand = Stand { leaf, ..stand };
    let trust = stand.trust(&lists(&[stand.list(&stand.middle, &[5], NOW + DAY)]), true);
    assert_eq!(stand.verify(&trust, KeyInfoForm::Certificate, NOW).await, Ok(()));
}

#[tokio::test]
async fn an_authority_below_the_root_may_be_revoked_itself() {
    let stand = Stand::new();
    let leafs = stand.list(&stand.middle, &[], NOW + DAY);
    for (of_root, expected) in [
        (stand.list(&stand.root, &[4], NOW + DAY), Ok(())),
        (stand.list(&stand.root, &[3], NOW + DAY), Err(Distrust::AuthorityRevoked(NOW - DAY))),
        (stand.list(&stand.root, &[4], NOW - 60), Err(Distrust::ListStale(NOW - 60))),
    ] {
        for is_pinned in [false, true] {
            let trust = stand.trust(&lists(&[leafs.clone(), of_root.clone()]), is_pinned);
            assert_eq!(stand.verify(&trust, KeyInfoForm::Certificate, NOW).await, expected);
        }
    }
}

fn answering(
    stand: &Stand,
    status: Vec<u8>,
) -> impl FnMut(&crate::server::Request) -> Reply + Send + 'static {
    let middle = Authority::root("MIDDLE", rsa("shep"));
    let certificate = stand.middle.again();
    move |request| Reply::ok(Answer::to(&request.body, &certificate, &status).by(&middle))
}

#[tokio::test]
async fn ocsp_decides_and_the_list_does_only_when_it_is_out_of_reach() {
    let stand = Stand::new();
    let server = Server::start(answering(&stand, GOOD.to_vec())).await;
    let place = |serials: &[u8], until| lists(&[stand.list(&stand.middle, serials, until)]);
    let (good, bad, stale) = (place(&[], NOW + DAY), place(&[5], NOW + DAY), place(&[], NOW - 1));
    let none = "lists = []".to_owned();
    let verdict = |mode: &'static str, list: &str| {
        let text = format!("mode = \"{mode}\"\nocsp = \"{}\"\nocsp_timeout_ms = 100\n{list}", server.url);
        let trust = stand.trust(&text, false);
        let stand = &stand;
        async move { stand.verify(&trust, KeyInfoForm::Certificate, NOW).await }
    };
    for mode in ["ocsp", "ocsp-then-crl"] {
        server.answer(answering(&stand, GOOD.to_vec()));
        assert_eq!(verdict(mode, &bad).await, Ok(()));
        assert_eq!(verdict(mode, &none).await, Ok(()));
        server.answer(answering(&stand, revoked(NOW - 7)));
        assert_eq!(verdict(mode, &good).await, Err(Distrust::Revoked(NOW - 7)));
        server.answer(answering(&stand, UNKNOWN.to_vec()));
        assert_eq!(verdict(mode, &good).await, Err(Distrust::StatusUnknown));
        server.answer(|_| Reply::ok(b"garbage".to_vec()));
        assert_eq!(verdict(mode, &good).await, Err(Distrust::Ocsp(AnswerError::Malformed)));
    }
    for reply in [Reply::Nothing, Reply::NotHttp, Reply::Answer(500, String::new(), Vec::new())] {
        server.answer(move |_| reply.clone());
        assert_eq!(verdict("ocsp", &good).await, Err(Distrust::RevocationUnknown));
        assert_eq!(verdict("ocsp-then-crl", &good).await, Ok(()));
        assert_eq!(verdict("ocsp-then-crl", &bad).await, Err(Distrust::Revoked(NOW - DAY)));
        assert_eq!(verdict("ocsp-then-crl", &stale).await, Err(Distrust::ListStale(NOW - 1)));
        assert_eq!(verdict("ocsp-then-crl", &none).await, Err(Distrust::RevocationUnknown));
    }
}

#[tokio::test]
async fn a_stranger_cannot_make_us_ask() {
    let stand = Stand::new();
    let server = Server::start(answering(&stand, GOOD.to_vec())).await;
    let trust = stand.trust(&format!("mode = \"ocsp\"\nocsp = \"{}\"", server.url), false);
    // The certificate of somebody else, with a signature that is not theirs.
    let message = String::from_utf8(stand.message(KeyInfoForm::Certificate)).unwrap().replace("world", "all");
    let document = Document::parse(message.as_bytes(), &Limits::default()).unwrap();
    let envelope = Envelope::read(&document).unwrap();
    assert_eq!(trust.verify(&envelope, NOW).await.err(), Some(Distrust::Digest));
    assert!(server.requests().is_empty());
    // Who asks nobody does not believe without an answer either.
    let message = stand.message(KeyInfoForm::Certificate);
    let document = Document::parse(&message, &Limits::default()).unwrap();
    let envelope = Envelope::read(&document).unwrap();
    assert_eq!(trust.verify_offline(&envelope, NOW).err(), Some(Distrust::RevocationUnknown));
    assert!(trust.verify(&envelope, NOW).await.is_ok());
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn the_answer_says_since_when_and_nothing_of_the_certificate() {
    for (distrust, text) in [
        (Distrust::Revoked(NOW), "the certificate is revoked since 2026-04-01T07:00:00Z"),
        (
            Distrust::AuthorityRevoked(NOW),
            "an authority above the certificate is revoked since 2026-04-01T07:00:00Z",
        ),
        (
            Distrust::ListStale(NOW),
            "the issuer's list of revoked certificates is stale since 2026-04-01T07:00:00Z",
        ),
        (Distrust::RevocationUnknown, "cannot be found out now: try again later"),
        (Distrust::StatusUnknown, "does not know the certificate"),
        (Distrust::Ocsp(AnswerError::Nonce), "it repeats another nonce than was sent"),
    ] {
        assert!(distrust.to_string().contains(text), "{distrust}");
        assert_eq!(distrust.fault(), FaultCode::TransportCertificate);
    }
}

#[test]
fn production_does_not_start_with_a_chained_peer_that_nobody_checks() {
    let stand = Stand::new();
    let file = |name: &str, der: &[u8]| {
        let path = stand.folder.path().join(name);
        fs::write(&path, der).unwrap();
        path
    };
    let authorities =
        [file("root.cer", stand.root.certificate.der()), file("middle.cer", stand.middle.certificate.der())];
    let pinned = file("bank.cer", stand.leaf.der());
    let config = |environment: &str, revocation: &str, certificates: &str| {
        let keep = stand.folder.path().join("kept");
        let text = format!(
            "environment = \"{environment}\"\n[trust]\nauthorities = {authorities:?}\n[trust.revocation]\nkeep = {keep:?}\n\
             {revocation}\n[peers.bank]\nkind = \"direct\"\n{certificates}\n"
        );
        Config::parse(&text).unwrap()
    };
    let list = lists(&[stand.list(&stand.middle, &[], NOW - 60)]);
    let refused = read_trust(&config("production", "", "")).err().unwrap().to_string();
    assert!(refused.starts_with("[peers.bank]: ") && refused.contains("trust.revocation.lists"), "{refused}");
    for (environment, revocation) in [
        ("production", list.as_str()),
        ("production", "mode = \"ocsp\"\nocsp = \"http://127.0.0.1:1/\""),
        ("test", ""),
        ("test", "mode = \"none\""),
    ] {
        assert!(read_trust(&config(environment, revocation, "")).is_ok(), "{environment}: {revocation}");
    }
    let only_pinned = config("production", "", &format!("certificates = [{pinned:?}]"));
    let trust = read_trust(&only_pinned).unwrap();
    assert!(trust.revocation().is_none() && trust.expiries().len() == 3);
    // `kdp check` says what is stale.
    let texts: Vec<String> =
        inspect(&config("production", &list, "")).into_iter().map(|problem| problem.text).collect();
    assert!(texts.iter().any(|text| text.contains("is stale since 2026-04-01T06:59:00Z")), "{texts:?}");
    let unchecked = inspect(&config("test", "mode = \"none\"", ""));
    assert!(unchecked.iter().any(|problem| problem.text.contains("mode = \"none\"")), "{unchecked:?}");
    let unchecked = inspect(&config("test", "", ""));
    assert!(
        unchecked.iter().any(|problem| problem.text.contains("names no list and no OCSP")),
        "{unchecked:?}"
    );
}
