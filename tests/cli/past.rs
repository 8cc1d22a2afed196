//! What happened before a command is called: requests and tokens, put into the database of an installation.

use super::{At, BIN};
use kdp::config::Config;
use kdp::consent::identity::{Bin, Iin, ServiceIds};
use kdp::consent::method::{CodeForm, Method};
use kdp::consent::revocation::Applicant;
use kdp::consent::{Consent, Event};
use kdp::random::Id;
use kdp::serve::{Opened, open_store};
use kdp::store::revocation::{Contested, Filing};
use kdp::store::token::{Check, Key, Registered};
use kdp::store::{AccessRequest, Budget, Change, Granting, Opening, Record, Token};
use kdp::text::Lang;
use std::future::Future;
use std::path::Path;

pub const DAY: i64 = 86_400_000;

/// The store of an installation, opened beside the commands.
pub struct Past {
    opened: Opened,
    runtime: tokio::runtime::Runtime,
}

/// What was granted, for how long, when.
pub struct Grant<'a> {
    pub iin: &'a str,
    pub at: i64,
    pub days: i64,
    pub place: u64,
}

impl Past {
    pub fn of(at: At<'_>) -> Self {
        assert_eq!(at[0], "--config");
        let opened = open_store(&Config::read(Path::new(at[1])).unwrap()).unwrap();
        Self { opened, runtime: tokio::runtime::Runtime::new().unwrap() }
    }

    pub fn now(&self) -> i64 {
        self.opened.clock.now()
    }

    fn wait<T, E: std::fmt::Debug>(&self, work: impl Future<Output = Result<T, E>>) -> T {
        self.runtime.block_on(work).unwrap()
    }

    fn id(&self, at: i64) -> Id {
        Id::new(at, &*self.opened.random).unwrap()
    }

    fn request(&self, iin: &str, method: Method, at: i64) -> AccessRequest {
        AccessRequest {
            id: self.id(at),
            bin: Bin::parse(BIN).unwrap(),
            sender: "bank_kdp".to_owned(),
            iin: Iin::parse(iin).unwrap(),
            method,
            opened: at,
            services: ServiceIds::parse("A").unwrap(),
            term_seconds: 86_400,
            company: "Банк".to_owned(),
            responsible: String::new(),
            employee: String::new(),
            data: "ФИО".to_owned(),
            directory: None,
            ground: None,
            proactive: None,
            mcheck: None,
            lang: Lang::Ru,
            msisdn: None,
            reference: "0000".to_owned(),
            code_form: CodeForm::Digits,
            consent: Consent::Seeking { until: at + DAY },
            token: None,
        }
    }

    /// A token of method 2.
    pub fn grant(&self, grant: &Grant<'_>) -> AccessRequest {
        let (at, expires) = (grant.at, grant.at / 1000 + grant.days * 86_400);
        let jti = self.id(at);
        let mut request = self.request(grant.iin, Method::OwnMeans, at);
        request.consent = Consent::Granted { expires, lapses: None };
        let compact = format!("a.{jti}.c");
        request.token = Some(Token { jti, compact, issued: at, expires, index: Some(grant.place) });
        let mut ovt = [0; 32];
        ovt[..16].copy_from_slice(jti.as_bytes());
        let granting = Granting {
            request: request.clone(),
            ovt,
            ovt_iat: at / 1000,
            ovt_until: at / 1000,
            subjects: None,
        };
        self.wait(self.opened.store.grant(granting, self.decided(at, "granted")));
        request
    }

    /// A request of method 1 that the subject answered with no after so many milliseconds.
    pub fn refused(&self, iin: &str, at: i64, wait: i64) {
        let mut request = self.request(iin, Method::Sms, at);
        request.consent = Consent::Sending { until: at + DAY };
        let id = request.id;
        let opening = Opening { request, budget: Budget { subject: 1000, initiator: 1000 } };
        self.wait(self.opened.store.open(opening, self.decided(at, "waiting")));
        let no = Change::Event(Event::No);
        self.wait(self.opened.store.change(
            id,
            no,
            Record { kind: "event", ..self.decided(at + wait, "no") },
        ));
    }

    /// The subject applies for revocation of the token.
    pub fn contest(&self, request: &AccessRequest, at: i64) {
        let filing = Filing {
            id: self.id(at),
            contested: Contested::Request(request.id),
            iin: request.iin,
            applicant: Applicant::Subject,
            comment: String::new(),
        };
        self.wait(self.opened.store.file(filing, self.decided(at, "")));
    }

    /// The owner checks the token.
    pub fn check(&self, request: &AccessRequest, at: i64) {
        let token = request.token.as_ref().unwrap();
        let check = Check {
            key: Key::Compact { jti: token.jti, compact: token.compact.clone() },
            service: "A".to_owned(),
            owner: "owner_kdp".to_owned(),
            subject: None,
            blind: u32::MAX,
            time: at,
            registered: Box::new(|_| Registered::default()),
        };
        self.wait(self.opened.store.check_token(check, Record { kind: "check", ..self.decided(at, "") }));
    }

    /// What the status list says last of a place; `None`: nothing but "valid".
    pub fn listed(&self, place: u64) -> Option<u8> {
        let changes = self.wait(self.opened.store.status_changes(0));
        changes.entries.iter().rfind(|(of, _)| *of == place).map(|(_, standing)| *standing)
    }

    fn decided(&self, at: i64, outcome: &str) -> Record {
        Record {
            at,
            kind: "decision",
            decision: Some(self.id(at)),
            sender: "bank_kdp".to_owned(),
            outcome: outcome.to_owned(),
            detail: "{}".to_owned(),
            ..Record::default()
        }
    }
}
