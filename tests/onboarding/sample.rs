//! An application that nobody objects to, what it is held against, and answers to it. All invented.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kdp::consent::directory::{Confirmation, Ground, Name, ProactiveService};
use kdp::consent::method::Method;
use kdp::onboarding::act::signature::sign;
use kdp::onboarding::act::{Act, Evidence, Filing};
use kdp::onboarding::form::{
    Contact, Form, Kind, MethodWish, Organisation, Proactive, Purpose, StorageGround, TestProtocol,
};
use kdp::onboarding::preflight::Known;
use kdp::onboarding::testing::{Answer, count};
use kdp::onboarding::{Application, Approval, Event};
use kdp::text::Reason;
use kdp::token::rsa::VerifyingKey;
use kdp::trust::sign::{RsaSigner, Signer as _};
use std::sync::LazyLock;
use time::Date;
use time::macros::date;

/// 2026-04-01T12:00:00+05:00.
pub const NOON: i64 = 1_775_026_800_000;
pub const MINUTE: i64 = 60_000;
pub const DAY: i64 = 86_400_000;
/// Ten working days after [`NOON`].
pub const DUE: Date = date!(2026 - 04 - 15);
/// BIN of the applicant.
pub const BANK: &str = "260140990117";
/// BIN of another organisation.
pub const OTHER: &str = "260140990216";
/// BIN of the owner of the registers.
pub const OWNER: &str = "260140990513";
/// A public key that may verify tokens.
pub const KEY: &str = include_str!("../../fixtures/pki/bank.cert.pem");
/// Another one.
pub const SECOND_KEY: &str = include_str!("../../fixtures/pki/akimat.cert.pem");
pub const WEAK_KEY: &str = "-----BEGIN PUBLIC KEY-----
MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDYpaFD3xmSe7rbDLcY5khM8yU4
YkYoDCoGx4JTe20DRgBGYr8gyfw12vIsfFeJarjSzEbTIfkjY416Og/7MBddOWWm
UdUGqw6kD83cmipZPzoEfpiDXSFjszvXMAzk092FgtI+RpTVu7UMAh6dD44kkMxv
AxHvzAjeQM1yJ+/O0QIDAQAB
-----END PUBLIC KEY-----
";
pub const CURVE_KEY: &str = "-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEw7w4KDCKwhzRSxLplP+quxp47t+h
7HkZXYHrxwfg9uv7wNjpTj1d0Y+LrVxU06Kxk4z73TXtepIWRUbcPXLPag==
-----END PUBLIC KEY-----
";

pub fn name(kk: &str, ru: &str) -> Name {
    Name { kk: kk.to_owned(), ru: ru.to_owned() }
}

pub fn texts(list: &[&str]) -> Vec<String> {
    list.iter().map(|&text| text.to_owned()).collect()
}

/// The application of a bank for methods 1, 2 and 5 and two purposes, complete.
pub fn form() -> Form {
    Form {
        organisation: Organisation {
            name: name("«Құм банкі» АҚ", "АО «Песочный банк»"),
            bin: BANK.to_owned(),
            kind: Some(Kind::Bank),
            has_soc: true,
        },
        sender_id: "bank_kdp".to_owned(),
        contact: Contact {
            name: "Жауапты Адам".to_owned(),
            phone: Some("77010000001".to_owned()),
            email: Some("kdp@bank.example.kz".to_owned()),
        },
        purposes: vec![
            purpose("Несие өтінімін қарау", "Рассмотрение заявки на кредит", &["GBDFL_token", "GBDRN_token"]),
            purpose("Клиент сауалнамасын тексеру", "Проверка анкеты клиента", &["GBDFL_token"]),
        ],
        methods: vec![wish(Method::Sms, '1'), wish(Method::OwnMeans, '2'), wish(Method::Code, '5')],
        ovt_keys: vec![KEY.to_owned()],
    }
}

pub fn purpose(kk: &str, ru: &str, service_ids: &[&str]) -> Purpose {
    Purpose {
        name: name(kk, ru),
        process:
            "Клиент подаёт заявку в отделении; менеджер запрашивает сведения, система сверяет их с анкетой и \
                  передаёт кредитному комитету, после решения сведения удаляются."
                .to_owned(),
        services: vec![ru.to_owned()],
        service_ids: texts(service_ids),
        data: "ФИО, адрес, недвижимость".to_owned(),
        period_seconds: 7_776_000,
        storage_seconds: 8_000_000,
        processing_seconds: 604_800,
        storage_ground: StorageGround {
            text: "Пока рассматривается заявка".to_owned(), act: None
        },
    }
}

/// A method with a protocol of its own.
pub fn wish(method: Method, digit: char) -> MethodWish {
    let protocol = TestProtocol {
        reference: format!("Протокол № {digit} от 02.03.2026"),
        sha256: std::iter::repeat_n(digit, 64).collect(),
    };
    MethodWish { method, test_protocol: Some(protocol), ground_ids: Vec::new(), proactive: None }
}

/// The application of a state body for methods 3 and 4.
pub fn state_form() -> Form {
    let proactive =
        Proactive { code: "PRO-0001".to_owned(), name: name("Жәрдемақы", "Пособие") };
    Form {
        organisation: Organisation {
            name: name("Құмды аудан әкімдігі", "Аким Песочного района"),
            bin: OTHER.to_owned(),
            kind: Some(Kind::StateBody),
            has_soc: false,
        },
        sender_id: "akimat_kdp".to_owned(),
        methods: vec![
            MethodWish {
                ground_ids: texts(&["proactive-service"]),
                proactive: Some(proactive),
                ..wish(Method::Proactive, '3')
            },
            MethodWish { ground_ids: texts(&["L-9-1"]), ..wish(Method::Logging, '4') },
        ],
        ovt_keys: vec![SECOND_KEY.to_owned()],
        ..form()
    }
}

pub fn known() -> Known {
    let ground = |id: &str, methods: &[Method], exempt, confirmed: bool| {
        let confirmed = confirmed.then(|| Confirmation {
            act: "94-V, 9".to_owned(),
            operator: "registrar".to_owned(),
            at: NOON,
        });
        let ground = Ground {
            id: id.to_owned(),
            revision: 1,
            text: name("Негіздеме", "Основание"),
            methods: methods.to_vec(),
            source: "94-V, 9".to_owned(),
            exempt,
            confirmed,
            expires_at: None,
        };
        (id.to_owned(), ground)
    };
    let service = ProactiveService {
        code: "PRO-0001".to_owned(),
        revision: 1,
        bin: OTHER.to_owned(),
        name: name("Жәрдемақы", "Пособие"),
        services: texts(&["GBDFL_token"]),
        period_seconds: 86_400,
        expires_at: None,
    };
    Known {
        owners: ["GBDFL_token", "GBDRN_token"].map(|id| (id.to_owned(), OWNER.to_owned())).into(),
        grounds: [
            ground("proactive-service", &[Method::Proactive], false, true),
            ground("L-9-1", &[Method::Logging], false, true),
            ground("L-9-2", &[Method::Logging], true, true),
            ground("L-9-6", &[Method::Logging], false, false),
        ]
        .into(),
        proactive: [("PRO-0001".to_owned(), service)].into(),
        senders: [("bank_kdp", BANK), ("akimat_kdp", OTHER)]
            .map(|(id, bin)| (id.to_owned(), bin.to_owned()))
            .into(),
        ..Known::default()
    }
}

pub fn entries(form: &Form) -> Vec<String> {
    (1..=form.purposes.len()).map(|number| format!("dir-{number}")).collect()
}

pub fn approve(form: &Form) -> Event {
    Event::Approve(Approval::new(form, &known(), entries(form)))
}

pub fn submitted() -> Application {
    Application::submit("app-1".to_owned(), form(), DUE, NOON).unwrap()
}

/// Approved a day after its filing.
pub fn in_testing() -> Application {
    submitted().apply(approve(&form()), NOON + DAY).unwrap()
}

/// A successful answer, `number` minutes after the approval.
pub fn answer(number: i64) -> Answer {
    Answer {
        decision: format!("decision-{number:03}"),
        request: Some(format!("request-{number:03}")),
        at: NOON + DAY + number * MINUTE,
        reason: Reason::Granted,
        method: Some(if number % 2 == 0 { Method::Sms } else { Method::OwnMeans }),
        services: texts(&["GBDFL_token"]),
        directory_id: Some("dir-1".to_owned()),
        token: Some(format!("token-{number:03}")),
        repeated: false,
        subject: Some(format!("subject-{}", number % 4)),
    }
}

pub fn answers(count: i64) -> Vec<Answer> {
    (1..=count).map(answer).collect()
}

/// The key of the service that counts the answers, and what it is published as.
pub fn signer() -> &'static RsaSigner {
    static SIGNER: LazyLock<RsaSigner> =
        LazyLock::new(|| RsaSigner::from_pem(include_str!("../../fixtures/pki/token-1.key.pem")).unwrap());
    &SIGNER
}

pub fn keys() -> Vec<VerifyingKey> {
    vec![VerifyingKey::from_spki_der(signer().public_key_spki(), Some("key-1".to_owned())).unwrap()]
}

pub fn signed(act: &Act) -> String {
    sign(act, signer(), "key-1").unwrap()
}

/// A JWS of the service with any header and payload.
pub fn jws(header: &str, payload: &[u8]) -> String {
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    let signature = signer().sign(message.as_bytes()).unwrap();
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// The act of `application`, formed and filed by these answers.
pub fn filing(application: &Application, answers: &[Answer], at: i64) -> Filing {
    let testing = count(application, answers);
    let act = Act::form(application, &testing, "КДП (тест)", at).unwrap();
    file(&act, Evidence::counted(&testing))
}

pub fn file(act: &Act, evidence: Evidence) -> Filing {
    Filing::new(&signed(act), &keys(), evidence, date!(2026 - 04 - 20)).unwrap()
}
