//! One piece of the year's work at a time, by the service's own verbs.

use super::fill::Fill;
use crate::client::subject;
use crate::installation::{BANK, OWNER, SERVICES};
use kdp::consent::identity::{Bin, Iin, Msisdn, ServiceIds};
use kdp::consent::method::{CodeForm, Method};
use kdp::consent::revocation::{Applicant, Decision};
use kdp::consent::sms::ParsedReply;
use kdp::consent::{Consent, EDITION};
use kdp::random::{Id, Random as _, SystemRandom};
use kdp::serve::Opened;
use kdp::store::revocation::{Contested, Filed, Filing, Solution, Solved};
use kdp::store::token::{Check, Key, Registered};
use kdp::store::{AccessRequest, Granted, Granting, Heard, Record, Said, Store, Token};
use kdp::text::Lang;
use kdp::token::security::{self, Claims, Status, StatusReference};
use kdp::trust::algorithm::sha256;
use kdp::trust::sign::{SignError, SignatureAlgorithm, Signer};
use std::sync::Arc;

/// Life of a token, seconds: longer than the year.
const LIFE: u64 = 366 * 86_400;

/// A signature that is none, as long as one.
struct Nobody;

impl Signer for Nobody {
    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::RsaSha256
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        Ok(sha256(message).repeat(8))
    }

    fn public_key_spki(&self) -> &[u8] {
        &[]
    }
}

/// What the work is done with.
pub struct Office {
    pub store: Arc<dyn Store>,
    random: SystemRandom,
    pub fill: Fill,
    subjects: Vec<Iin>,
    kid: String,
}

/// A token by its id, with the number of its subject.
pub type Known = (Id, usize);

impl Office {
    /// Allots the places of so many tokens in the status list.
    pub async fn new(opened: &Opened, fill: Fill, tokens: usize) -> Self {
        let registry = opened.store.registry().await.expect("a registry");
        let key = registry.keys.current(opened.clock.now() / 1000).expect("a key");
        opened.store.allot(tokens as u64).await.expect("places in the status list");
        Self {
            store: opened.store.clone(),
            random: SystemRandom::default(),
            // From one end of what subjects can be invented, others begin at the other.
            subjects: (100_000_000..).filter_map(subject).take(fill.subjects).collect(),
            fill,
            kid: key.kid().to_owned(),
        }
    }

    fn id(&self, at: i64) -> Id {
        Id::new(at, &self.random).expect("randomness")
    }

    pub fn record(&self, at: i64, kind: &'static str, outcome: &str) -> Record {
        let mut message = [0; 32];
        self.random.fill(&mut message).expect("randomness");
        Record {
            at,
            kind,
            decision: Some(self.id(at)),
            message: Some(message),
            message_id: self.id(at).to_string(),
            outcome: outcome.to_owned(),
            ..Record::default()
        }
    }

    /// Grants the token with this number.
    pub async fn grant(&self, number: usize, at: i64) -> Known {
        let of = self.fill.subject(number);
        let mut request = AccessRequest {
            id: self.id(at),
            bin: Bin::parse(BANK.bin).expect("a BIN"),
            sender: BANK.id.to_owned(),
            iin: self.subjects[of],
            method: Method::OwnMeans,
            opened: at,
            services: ServiceIds::parse(SERVICES).expect("ServiceIDs"),
            term_seconds: LIFE,
            company: "АО «Песочный банк»".to_owned(),
            responsible: "Розница".to_owned(),
            employee: "Тестов Т.".to_owned(),
            data: "ФИО, адрес".to_owned(),
            directory: None,
            ground: None,
            proactive: None,
            mcheck: Some("BIO".to_owned()),
            lang: Lang::Ru,
            msisdn: None,
            reference: format!("{:04}", number % 10_000),
            code_form: CodeForm::Digits,
            consent: Consent::Granted {
                expires: at / 1000 + i64::try_from(LIFE).expect("a time"),
                lapses: None,
            },
            token: None,
        };
        let token = self.token(&request, number as u64, at);
        let jti = token.jti;
        request.token = Some(token);
        let mut ovt = [0; 32];
        self.random.fill(&mut ovt).expect("randomness");
        let granting = Granting {
            ovt,
            ovt_iat: at / 1000,
            ovt_until: at / 1000 + 3_720,
            subjects: Some(1_000),
            request,
        };
        let detail = format!("{{\"edition\":\"{EDITION}\",\"method\":2,\"checks\":[]}}");
        let record = Record {
            sender: BANK.id.to_owned(),
            service: "KDP_SERVICE".to_owned(),
            subject: Some(self.subjects[of]),
            detail,
            ..self.record(at, "decision", "granted")
        };
        let granted = self.store.grant(granting, record).await.expect("a grant");
        assert!(matches!(granted, Granted::New(_)), "the token is refused");
        (jti, of)
    }

    fn token(&self, request: &AccessRequest, place: u64, at: i64) -> Token {
        let (jti, iat) = (self.id(at), at / 1000);
        let expires = iat + i64::try_from(LIFE).expect("a time");
        let iin = request.iin.as_str().to_owned();
        let uri = "https://kdp.example/token-status".to_owned();
        let claims = Claims {
            iss: "kdp".to_owned(),
            jti: jti.to_string(),
            iat,
            nbf: iat,
            exp: expires,
            sub: iin.clone(),
            uin: iin,
            cbin: request.bin.as_str().to_owned(),
            services: request.services.as_slice().to_vec(),
            method: request.method.number(),
            mcheck: request.mcheck.clone(),
            ground: None,
            dir: None,
            dir_revision: None,
            rid: request.id.to_string(),
            data: Some(request.data.clone()),
            edition: EDITION.to_owned(),
            status: Some(Status { status_list: StatusReference { idx: place, uri } }),
        };
        let compact = security::issue(&claims, &Nobody, &self.kid).expect("a token");
        Token { jti, compact, issued: at, expires, index: Some(place) }
    }

    /// Remembers a message of a strict sender, and hears an SMS that nobody waits for.
    pub async fn hear(&self, number: usize, at: i64) {
        let (record, message) = (self.record(at, "event", ""), self.id(at).to_string());
        let body = record.message.unwrap_or_default();
        let reused = self.store.conflicts(BANK.id.to_owned(), message.clone(), body, at).await;
        assert!(!reused.expect("a message is remembered"), "the id is taken");
        let from = Msisdn::parse(&format!("+7701{:07}", number % 10_000_000)).expect("a number");
        let heard = self
            .store
            .hear(Said { from, id: message, at: Some(at), reply: ParsedReply::parse("1") }, record)
            .await;
        assert!(heard.expect("an SMS is heard") == Heard::NothingWaits, "somebody waited for it");
    }

    /// Checks a token as the owner of its first service.
    pub async fn check(&self, (token, of): Known, at: i64) {
        let check = Check {
            key: Key::Id(token),
            service: SERVICES.split(';').next().unwrap_or_default().to_owned(),
            owner: OWNER.id.to_owned(),
            subject: Some(self.subjects[of]),
            blind: u32::MAX,
            time: at,
            registered: Box::new(|_| Registered::default()),
        };
        let record = Record {
            sender: OWNER.id.to_owned(),
            service: "KDP_CHECK_TOKEN".to_owned(),
            ..self.record(at, "check", "")
        };
        let checked =
            self.store.check_token(check, record).await.expect("a check").expect("enough is left of the day");
        assert!(checked.status.is_known(), "the token is not found");
    }

    /// Files an application to revoke a token and, given a decision, decides it.
    pub async fn apply(&self, (token, of): Known, decision: Option<Decision>, at: i64) {
        let bin = Bin::parse(BANK.bin).expect("a BIN");
        let filing = Filing {
            id: self.id(at),
            contested: Contested::Token(token),
            iin: self.subjects[of],
            applicant: Applicant::Subject,
            comment: String::new(),
        };
        // One that chance has revoked before is left alone.
        let filed = self.store.file(filing, self.record(at, "event", "")).await.expect("an application");
        if let (Filed::New(application), Some(decision)) = (filed, decision) {
            let solution = Solution { application: application.id, bin, decision };
            let solved = self.store.solve(solution, self.record(at, "event", "")).await;
            assert!(matches!(solved, Ok(Solved::Done(_))), "the application cannot be decided");
        }
    }
}
