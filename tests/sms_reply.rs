//! `KDP_SMS_REPLY` by real messages of 1414: what a reply and a report change for the initiator, and what they do not.

#[path = "common/sqlite.rs"]
mod sqlite;
#[path = "common/stand.rs"]
#[expect(dead_code, reason = "other tests need more of it")]
mod stand;

use kdp::consent::sms::{Answer, ParsedReply};
use kdp::soap::sync_channel::T;
use kdp::trust::certificate::Certificate;
use kdp::trust::outgoing::{EnvelopeSigner, KeyInfoForm};
use kdp::trust::sign::RsaSigner;
use serde_json::Value;
use sqlite::sqlite;
use stand::{Connection, NOW, Reply, Stand};
use std::path::{Path, PathBuf};
use std::time::Duration;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}

/// A subject: IIN and number.
type Person = (String, String);

struct World {
    stand: Stand,
    world: Value,
}

impl World {
    async fn start() -> Self {
        let stand = Stand::start().await;
        // Whoever answers by itself does so after the test.
        let delay =
            Connection::open(stand.address).send("POST", "/sandbox/delay", "", br#"{"delay":"P30D"}"#);
        assert_eq!(delay.status, 200, "{}", delay.body);
        let world = serde_json::from_slice(&std::fs::read(fixture("world.json")).unwrap()).unwrap();
        Self { stand, world }
    }

    /// Those who behave so.
    fn people(&self, behaviour: &str) -> Vec<Person> {
        let subjects = self.world["subjects"].as_array().unwrap().iter();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        subjects
            .filter(|s| s["behaviour"] == behaviour)
            .map(|s| (text(&s["iin"]), text(&s["msisdn"])))
            .collect()
    }

    fn someone(&self) -> Person {
        self.people("manual").remove(0)
    }

    /// A call of `service` by this peer, signed by its own key.
    async fn call(&self, peer: &str, service: &str, data: &[(&'static str, &str)]) -> Reply {
        let mut peers = self.world["peers"].as_array().unwrap().iter();
        let said = peers.find(|other| other["name"] == peer).unwrap();
        let key = std::fs::read_to_string(fixture(&format!("pki/{peer}.key.pem"))).unwrap();
        let certificate = std::fs::read(fixture(&format!("pki/{peer}.cert.pem"))).unwrap();
        let certificate = Certificate::from_file(&certificate).unwrap();
        let signer = Box::new(RsaSigner::from_pem(&key).unwrap());
        let sent = kdp::clock::text(self.stand.running.app.clock.now());
        let envelope =
            EnvelopeSigner::new(signer, certificate, KeyInfoForm::Certificate).envelope("body", |writer| {
                writer.open("t:SendMessage", &[("t", T)], &[]).open("request", &[], &[]);
                writer.open("requestInfo", &[], &[]).leaf("messageId", "1").leaf("serviceId", service);
                writer.leaf("messageDate", &sent).open("sender", &[], &[]);
                writer.leaf("senderId", said["sender_id"].as_str().unwrap());
                writer.leaf("password", said["password"].as_str().unwrap()).close().close();
                writer.open("requestData", &[], &[]).open("data", &[], &[]);
                for (name, text) in data {
                    writer.leaf(name, text);
                }
                writer.close().close().close().close();
            });
        let reply = Connection::open(self.stand.address).post(&envelope.unwrap());
        let now = self.stand.running.app.clock.now();
        while !self.stand.running.app.store.due(kdp::store::Lane::Consent, now, 1).await.unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        reply
    }

    /// The bank asks by method 1; the id of the request.
    async fn ask(&self, (iin, _): &Person) -> String {
        let reply = self.repeat(iin, &[]).await;
        assert_eq!(
            (reply.word(), reply.element("reason")),
            (Some("PENDING"), Some("waiting")),
            "{}",
            reply.body
        );
        reply.element("request_id").unwrap().to_owned()
    }

    /// What becomes of a request.
    async fn poll(&self, (iin, _): &Person, request: &str) -> (String, String) {
        let reply = self.repeat(iin, &[("request_id", request)]).await;
        (reply.word().unwrap().to_owned(), reply.element("reason").unwrap().to_owned())
    }

    async fn repeat(&self, iin: &str, more: &[(&'static str, &str)]) -> Reply {
        let mut data = vec![
            ("uin", iin),
            ("company", "Банк"),
            ("company_bin", "260140990117"),
            ("access_name", "GBDFLUniversal_token"),
            ("personal_data_name", "ФИО"),
            ("omit-sms", "false"),
        ];
        data.extend_from_slice(more);
        self.call("bank", "KDP_SERVICE", &data).await
    }

    /// 1414 brings an SMS.
    async fn say(&self, id: &str, person: &Person, text: &str) {
        self.say_at(id, person, text, self.stand.running.app.clock.now()).await;
    }

    /// The same, received by it at `at`.
    async fn say_at(&self, id: &str, (_, msisdn): &Person, text: &str, at: i64) {
        let received = kdp::clock::text(at);
        let data = [("msisdn", msisdn.as_str()), ("text", text), ("received_at", &received), ("sms_id", id)];
        self.heard(id, &data).await;
    }

    /// 1414 brings a report about an SMS.
    async fn report(&self, id: &str, state: &str) {
        self.heard(id, &[("sms_id", id), ("state", state)]).await;
    }

    /// Whatever it leads to, it is answered by this alone.
    async fn heard(&self, id: &str, data: &[(&'static str, &str)]) {
        let reply = self.call("sms1414", "KDP_SMS_REPLY", data).await;
        assert_eq!((reply.status, reply.element("code")), (200, Some("SCSS001")), "{}", reply.body);
        let (_, said) = reply.body.split_once("<data").unwrap();
        let (_, said) = said.split_once('>').unwrap();
        let (said, _) = said.split_once("</data>").unwrap();
        assert_eq!(said, format!("<s:sms_id xmlns:s=\"urn:kdp:services:v1\">{id}</s:sms_id>"));
    }

    /// Texts that the phone received, oldest first.
    fn inbox(&self, (_, msisdn): &Person) -> Vec<String> {
        let inbox = Connection::open(self.stand.address).get(&format!("/sandbox/phone/{msisdn}")).body;
        let inbox: Vec<Value> = serde_json::from_str(&inbox).unwrap();
        inbox.iter().map(|sms| sms["text"].as_str().unwrap().to_owned()).collect()
    }

    fn help_sent(&self, person: &Person) -> usize {
        self.inbox(person).iter().filter(|text| text.starts_with("Jauap tusiniksiz")).count()
    }

    /// The reference in the `nth` SMS that asks.
    fn reference(&self, person: &Person, nth: usize) -> String {
        let asks = self.inbox(person).into_iter().filter(|text| text.contains("zaprashivaet"));
        let ask = asks.into_iter().nth(nth).unwrap();
        ask.split_once("nomer ").unwrap().1[..4].to_owned()
    }

    fn advance(&self, span: &str) {
        let body = format!(r#"{{"advance":"{span}"}}"#);
        let reply = Connection::open(self.stand.address).send("POST", "/sandbox/clock", "", body.as_bytes());
        assert_eq!(reply.status, 200, "{}", reply.body);
    }

    /// Outcomes in the journal of events about SMS.
    fn journal(&self) -> Vec<String> {
        let told =
            sqlite(&self.stand.database(), "SELECT outcome FROM journal WHERE kind = 'event' ORDER BY seq");
        told.lines().filter(|line| line.contains("sms")).map(str::to_owned).collect()
    }
}

fn is(became: &(String, String), word: &str, reason: &str) -> bool {
    (became.0.as_str(), became.1.as_str()) == (word, reason)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_yes_that_1414_brings_becomes_the_token_once_and_a_no_refuses() {
    let world = World::start().await;
    let someone = world.someone();
    let request = world.ask(&someone).await;
    world.say("1", &someone, "иә").await;
    // Brought again, in other words too.
    world.say("1", &someone, "иә").await;
    world.say("1", &someone, "ЖОҚ").await;
    let (first, second) = (
        world.repeat(&someone.0, &[("request_id", &request)]).await,
        world.repeat(&someone.0, &[("request_id", &request)]).await,
    );
    assert_eq!(first.word(), Some("VALID"), "{}", first.body);
    let token = |reply: &Reply| {
        let token = reply.body.split("code>").find(|text| text.starts_with("eyJ")).unwrap();
        token.to_owned()
    };
    assert_eq!(token(&first), token(&second));
    let another = world.people("silent").remove(0);
    let refused = world.ask(&another).await;
    world.say("2", &another, "НЕТ").await;
    assert!(is(&world.poll(&another, &refused).await, "INVALID", "subject-refused"));
    assert_eq!(world.journal().iter().filter(|outcome| *outcome == "reply by sms").count(), 2);
    world.stand.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_sms_that_does_not_reach_the_phone_ends_its_request_with_a_reason() {
    let world = World::start().await;
    let someone = world.someone();
    let mut ended = Vec::new();
    for state in ["undelivered", "expired"] {
        let request = world.ask(&someone).await;
        world.report(&format!("{request}-ask"), state).await;
        let became = world.poll(&someone, &request).await;
        assert!(is(&became, "INVALID", "sms-undelivered"), "{state}: {became:?}");
        // It is over: neither another report nor a yes that comes after all changes it.
        world.report(&format!("{request}-ask"), "delivered").await;
        world.report(&format!("{request}-ask"), state).await;
        world.say(&format!("late {state}"), &someone, "ДА").await;
        assert!(is(&world.poll(&someone, &request).await, "INVALID", "sms-undelivered"));
        ended.push(request);
    }
    assert_ne!(ended[0], ended[1], "after the end a new ask is a new request");
    assert_eq!(world.inbox(&someone).len(), 2);
    let journal = world.journal();
    for (outcome, times) in
        [("sms undelivered", 1), ("sms expired", 1), ("sms delivered", 2), ("sms unexpected", 2)]
    {
        assert_eq!(journal.iter().filter(|told| *told == outcome).count(), times, "{outcome}: {journal:?}");
    }
    world.stand.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_ends_nothing_changes_nothing_and_is_answered_alike() {
    let world = World::start().await;
    let someone = world.someone();
    let request = world.ask(&someone).await;
    let nobodys = "d0000000-0000-7000-8000-000000000000";
    for (id, state) in [
        (format!("{request}-ask"), "delivered"),
        (format!("{request}-help"), "undelivered"),
        (format!("{request}-reference"), "expired"),
        (request.clone(), "undelivered"),
        (format!("{request}-ask-"), "undelivered"),
        (format!("{nobodys}-ask"), "undelivered"),
        ("-ask".to_owned(), "expired"),
        ("1".to_owned(), "undelivered"),
    ] {
        world.report(&id, state).await;
        assert!(is(&world.poll(&someone, &request).await, "PENDING", "waiting"), "{id} {state}");
    }
    world.say("1", &someone, "ДА").await;
    // The subject has answered, so the SMS was there, whatever the report says.
    world.report(&format!("{request}-ask"), "undelivered").await;
    assert!(is(&world.poll(&someone, &request).await, "VALID", "granted"));
    world.report(&format!("{request}-ask"), "undelivered").await;
    assert!(is(&world.poll(&someone, &request).await, "VALID", "granted"));
    world.stand.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_after_the_timeout_changes_nothing_and_is_journalled() {
    let world = World::start().await;
    let someone = world.someone();
    let request = world.ask(&someone).await;
    world.advance("PT16M");
    world.say("1", &someone, "ДА").await;
    world.report(&format!("{request}-ask"), "undelivered").await;
    assert!(is(&world.poll(&someone, &request).await, "TIMEOUT", "no-answer"));
    assert!(world.journal().contains(&"sms unexpected".to_owned()));
    // Nor does it answer what is asked later.
    let later = world.ask(&someone).await;
    assert_ne!(later, request);
    world.say("1", &someone, "ДА").await;
    assert!(is(&world.poll(&someone, &later).await, "PENDING", "waiting"), "the same SMS is heard once");
    world.stand.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_yes_to_what_has_expired_is_no_yes_to_what_was_asked_since() {
    let world = World::start().await;
    let someone = world.someone();
    world.ask(&someone).await;
    world.advance("PT10M");
    let said = world.stand.running.app.clock.now();
    world.advance("PT6M");
    let later = world.ask(&someone).await;
    world.say_at("1", &someone, "ДА", said).await;
    assert!(is(&world.poll(&someone, &later).await, "PENDING", "waiting"));
    assert!(world.journal().contains(&"sms unexpected".to_owned()));
    world.say("2", &someone, "ДА").await;
    assert!(is(&world.poll(&someone, &later).await, "VALID", "granted"));
    world.stand.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_in_several_parts_counts_when_it_is_one_text_or_a_part_says_it_alone() {
    let world = World::start().await;
    let someone = world.someone();
    let request = world.ask(&someone).await;
    // Put together by the gateway: words that are not understood take the force from the yes among them.
    let long = "Здравствуйте! Я получил ваше сообщение и хотел бы сначала понять, кто спрашивает и зачем. "
        .repeat(5);
    world.say("1", &someone, &format!("{long} ДА")).await;
    // Not put together.
    world.say("2", &someone, "Добрый день, пишу по поводу вашего сообщения, которое пришло мне сег").await;
    assert!(is(&world.poll(&someone, &request).await, "PENDING", "waiting"));
    assert_eq!(world.help_sent(&someone), 1, "help comes once");
    let reference = world.reference(&someone, 0);
    world.say("3", &someone, &format!("{}ДА {reference}{}", " ".repeat(300), "\r\n".repeat(100))).await;
    assert!(is(&world.poll(&someone, &request).await, "VALID", "granted"));
    world.stand.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_subjects_with_one_number_are_asked_once_for_the_reference_which_picks_one() {
    let world = World::start().await;
    let people = world.people("shared-phone");
    assert_eq!(people[0].1, people[1].1);
    let (first, second) = (world.ask(&people[0]).await, world.ask(&people[1]).await);
    for (id, text) in [("1", "ДА"), ("2", "НЕТ"), ("3", "ДА")] {
        world.say(id, &people[0], text).await;
    }
    for (person, request) in people.iter().zip([&first, &second]) {
        assert!(is(&world.poll(person, request).await, "PENDING", "waiting"));
    }
    let asked = |text: &String| text.contains("U vas neskolko zaprosov");
    assert_eq!(world.inbox(&people[0]).iter().filter(|text| asked(text)).count(), 1);
    let (one, two) = (world.reference(&people[0], 0), world.reference(&people[0], 1));
    assert_ne!(one, two);
    world.say("4", &people[0], &format!("{two} да")).await;
    assert!(is(&world.poll(&people[0], &first).await, "PENDING", "waiting"));
    assert!(is(&world.poll(&people[1], &second).await, "VALID", "granted"));
    // One is left: a bare answer can mean nothing else.
    world.say("5", &people[0], "НЕТ").await;
    assert!(is(&world.poll(&people[0], &first).await, "INVALID", "subject-refused"));
    world.stand.running.stop().await;
}

/// A text as broken gateways bring it: its bytes in one encoding, read in another.
fn broken(text: &str) -> Vec<String> {
    let latin = |bytes: &[u8]| bytes.iter().copied().map(char::from).collect::<String>();
    let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let swapped: Vec<u16> = text.encode_utf16().map(u16::swap_bytes).collect();
    vec![
        latin(text.as_bytes()),
        windows_1251(text.as_bytes()),
        latin(&wide),
        windows_1251(&wide),
        String::from_utf16_lossy(&swapped),
        String::from_utf8_lossy(&wide).into_owned(),
        // The high byte lost, or the high bit.
        text.chars().map(|c| char::from(u8::try_from(u32::from(c) & 0xff).unwrap())).collect(),
        text.bytes().map(|byte| char::from(byte & 0x7f)).collect(),
        text.chars().map(|c| if c.is_ascii() { c } else { '?' }).collect(),
    ]
}

/// Windows-1251 in the part that matters: letters.
fn windows_1251(bytes: &[u8]) -> String {
    let read = |byte: u8| match byte {
        0xc0.. => char::from_u32(0x410 + u32::from(byte) - 0xc0).unwrap(),
        0xa8 => 'Ё',
        0xb8 => 'ё',
        other => char::from(other),
    };
    bytes.iter().copied().map(read).collect()
}

#[test]
fn a_text_in_a_broken_alphabet_is_never_a_yes_that_nobody_said() {
    let words =
        ["ДА", "да", "Да", "ИӘ", "иә", "ЖОҚ", "жоқ", "НЕТ", "нет", "АЛДАУ", "алдау", "МОШЕННИК", "СТОП"];
    for word in words {
        for text in [word.to_owned(), format!("{word} 1234"), format!("1234 {word}")] {
            for mojibake in broken(&text).into_iter().filter(|mojibake| *mojibake != text) {
                let answer = ParsedReply::parse(&mojibake).answer();
                assert_ne!(answer, Answer::Yes, "{text} as {mojibake:?}");
            }
        }
    }
    // U+0431 in two bytes: a control character, and the digit that says yes.
    for text in ["\u{4}1", "\u{4}1\u{4}1", "1\u{4}"] {
        assert_eq!(ParsedReply::parse(text).answer(), Answer::Unknown, "{text:?}");
    }
    // Latin words survive what breaks Cyrillic.
    for (text, said) in
        [("DA 1234", Answer::Yes), ("IA", Answer::Yes), ("NET 1234", Answer::No), ("STOP", Answer::Fraud)]
    {
        for bytes in [windows_1251(text.as_bytes()), String::from_utf8_lossy(text.as_bytes()).into_owned()] {
            assert_eq!(ParsedReply::parse(&bytes).answer(), said, "{text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_yes_in_a_broken_alphabet_leads_to_help_and_one_in_latin_is_understood() {
    let world = World::start().await;
    let someone = world.someone();
    let request = world.ask(&someone).await;
    // XML holds no control characters.
    let can_be_sent =
        |text: &String| !text.chars().any(|c| c.is_control() || c == '\u{fffe}' || c == '\u{ffff}');
    let texts: Vec<String> = ["ДА", "иә", "ЖОҚ"].into_iter().flat_map(broken).filter(can_be_sent).collect();
    assert!(texts.len() >= 6, "{texts:?}");
    for (n, text) in texts.iter().enumerate().filter(|(_, text)| !text.trim().is_empty()) {
        world.say(&n.to_string(), &someone, text).await;
        assert!(is(&world.poll(&someone, &request).await, "PENDING", "waiting"), "{text:?}");
    }
    assert_eq!(world.help_sent(&someone), 1);
    world.say("latin", &someone, &format!("ia {}", world.reference(&someone, 0))).await;
    assert!(is(&world.poll(&someone, &request).await, "VALID", "granted"));
    assert!(world.stand.running.app.clock.now() >= NOW);
    world.stand.running.stop().await;
}
