//! An initiator that asks by itself, without a process for every message.

use super::connection::Reply;
use super::installation::{BIN, COMPANY, DATA, Installation, SENDER, SERVICE_ID, pki};
use kdp::clock::{self, Clock as _, SystemClock};
use kdp::consent::identity::Iin;
use kdp::soap::sync_channel::T;
use kdp::token::ovt::{self, Mcheck, NewOvt};
use kdp::trust::certificate::Certificate;
use kdp::trust::outgoing::{EnvelopeSigner, KeyInfoForm};
use kdp::trust::sign::RsaSigner;
use std::fs;

pub struct Asker {
    /// Milliseconds that its clock is off by.
    off: i64,
    sender: String,
    bin: String,
    signer: EnvelopeSigner,
    password: String,
    pub ovt: String,
}

impl Asker {
    pub fn new(installation: &Installation) -> Self {
        Self::off(installation, 0)
    }

    /// One whose clock is off by so many milliseconds.
    pub fn off(installation: &Installation, off: i64) -> Self {
        Self::of(SENDER, BIN, installation.password(), off)
    }

    /// Another one, whose signature and verification tokens are by the same key.
    pub fn of(sender: &str, bin: &str, password: &str, off: i64) -> Self {
        let key = || RsaSigner::from_pem(&fs::read_to_string(pki("bank.key.pem")).unwrap()).unwrap();
        let certificate = Certificate::from_file(&fs::read(pki("bank.cert.pem")).unwrap()).unwrap();
        let iat = (SystemClock.now() + off) / 1000;
        let claims =
            NewOvt { cbin: bin, mcheck: Mcheck::Biometrics, iat, exp: iat + 600, uin: None, jti: None };
        let ovt = ovt::make(&claims, &key(), None).unwrap();
        let signer = EnvelopeSigner::new(Box::new(key()), certificate, KeyInfoForm::Certificate);
        let (sender, bin) = (sender.to_owned(), bin.to_owned());
        Self { off, sender, bin, signer, password: password.to_owned(), ovt }
    }

    /// The signed envelope of a request of method 2 about `uin`.
    pub fn message(&self, uin: &str) -> Vec<u8> {
        self.signed(uin, &[("omit-sms", "true"), ("ovt", &self.ovt)])
    }

    /// The same with other elements than those of method 2.
    pub fn signed(&self, uin: &str, more: &[(&'static str, &str)]) -> Vec<u8> {
        let sent = clock::text(SystemClock.now() + self.off);
        let info = [("messageId", uin), ("serviceId", "KDP_SERVICE"), ("messageDate", &sent)];
        let data = [
            ("uin", uin),
            ("company", COMPANY),
            ("company_bin", &self.bin),
            ("access_name", SERVICE_ID),
            ("personal_data_name", DATA),
        ];
        let envelope = self.signer.envelope("body", |writer| {
            writer.open("t:SendMessage", &[("t", T)], &[]).open("request", &[], &[]).open(
                "requestInfo",
                &[],
                &[],
            );
            for (name, text) in info {
                writer.leaf(name, text);
            }
            writer.open("sender", &[], &[]).leaf("senderId", &self.sender).leaf("password", &self.password);
            writer.close().close().open("requestData", &[], &[]).open("data", &[], &[]);
            for (name, text) in data.iter().chain(more) {
                writer.leaf(name, text);
            }
            writer.close().close().close().close();
        });
        envelope.unwrap()
    }
}

/// The token of a grant.
pub fn token(reply: &Reply) -> String {
    assert_eq!((reply.status, reply.word()), (200, Some("VALID")), "{}", reply.body);
    reply.element("code").filter(|code| code.starts_with("eyJ")).map_or_else(
        || reply.body.split("code>").find(|text| text.starts_with("eyJ")).unwrap().replace("</k:", ""),
        str::to_owned,
    )
}

/// Well-formed numbers of persons, other ones in each series.
pub fn subjects(series: u32) -> impl Iterator<Item = String> {
    let with_control =
        |stem: String| (0..10).map(move |n| format!("{stem}{n}")).find(|n| Iin::parse(n).is_ok());
    (0..100_000).filter_map(move |n| with_control(format!("90{series:02}{n:07}")))
}
