//! An SMS gateway with Kannel's interface: what it is asked, and what its calls change. The service in this process, the gateway
//! a listener of the test's; `tests/drivers/kannel.py` does it with a real one.

#[path = "common/asker.rs"]
#[expect(dead_code, reason = "shared with other suites")]
mod asker;
#[path = "common/connection.rs"]
#[expect(dead_code, reason = "shared with other suites")]
mod connection;
#[path = "serve/installation.rs"]
#[expect(dead_code, reason = "shared with other suites")]
mod installation;
#[path = "common/parts.rs"]
mod parts;

use asker::{Asker, subjects};
use connection::{Connection, Reply};
use installation::Installation;
use kdp::app::App;
use kdp::clock::MovableClock;
use kdp::config::{Config, Limits};
use kdp::consent::identity::{Iin, Msisdn};
use kdp::gateway::fault::PartyFault;
use kdp::gateway::http_client::HttpClient;
use kdp::gateway::kannel::{Access, CallbackSecret, KannelSms};
use kdp::gateway::{Answer, CitizenDirectory, Sms, SmsError, SmsGateway as _};
use kdp::http::{Door, Server, Side};
use kdp::serve;
use parts::parts;
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::watch;

const SECRET: &str = "a-secret-of-24-characters";
const PASSWORD: &str = "pa ss&word=%41+ә";

/// A listener that keeps what it is asked and answers all with one status and text.
struct Kannel {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Kannel {
    fn start(status: u16, text: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let heard = asked.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = BufReader::new(stream.unwrap());
                let mut line = String::new();
                stream.read_line(&mut line).unwrap();
                heard.lock().unwrap().push(line.trim_end().to_owned());
                let mut header = String::new();
                while stream.read_line(&mut header).unwrap() > 2 {
                    header.clear();
                }
                let length = text.len();
                let answer = format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\n\r\n{text}");
                stream.get_mut().write_all(answer.as_bytes()).unwrap();
            }
        });
        Self { address, asked }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    fn sms(&self, callback: &str, clock: Arc<MovableClock>) -> KannelSms {
        let access = Access {
            url: format!("http://{}/cgi-bin/sendsms", self.address),
            username: "kdp".to_owned(),
            password: SecretString::from(PASSWORD.to_owned()),
            from: "1414".to_owned(),
            callback: callback.to_owned(),
            secret: CallbackSecret::new(SecretString::from(SECRET.to_owned())).ok().unwrap(),
        };
        let http = HttpClient::new(Duration::from_secs(2), None).unwrap();
        KannelSms::new(access, http, clock).ok().unwrap()
    }
}

/// The parameters of `GET …?a=b HTTP/1.1`.
fn parameters(line: &str) -> BTreeMap<String, String> {
    let (_, query) = line.strip_suffix(" HTTP/1.1").unwrap().split_once('?').unwrap();
    let decoded = |text: &str| {
        let mut parts = text.split('%');
        let mut bytes = parts.next().unwrap().as_bytes().to_vec();
        for part in parts {
            bytes.push(u8::from_str_radix(&part[..2], 16).unwrap());
            bytes.extend_from_slice(&part.as_bytes()[2..]);
        }
        String::from_utf8(bytes).unwrap()
    };
    let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap());
    pairs.map(|(name, value)| (decoded(name), decoded(value))).collect()
}

#[tokio::test]
async fn an_sms_is_handed_over_in_kannels_words() {
    let kannel = Kannel::start(202, "0: Accepted for delivery");
    let clock = Arc::new(MovableClock::standing(1_000_000));
    let sms = kannel.sms("http://127.0.0.1:8414/", clock);
    let to = Msisdn::parse("+77010000001").unwrap();
    let text = "\"Mysal Bank\" AQ, 90 kun [?] & more / 100%: IA 0417";
    let sent =
        sms.send(Sms { id: "0199-ask", to: &to, text, valid_until: 1_000_000 + 14 * 60_000 + 1 }).await;
    assert_eq!(sent, Ok(()));
    let asked = kannel.asked();
    assert!(asked.len() == 1 && asked[0].starts_with("GET /cgi-bin/sendsms?"), "{asked:?}");
    let report = format!("http://127.0.0.1:8414/kannel/report?secret={SECRET}&id=0199-ask&state=%d");
    let expected = [
        ("username", "kdp"),
        ("password", PASSWORD),
        ("from", "1414"),
        ("to", "77010000001"),
        ("charset", "UTF-8"),
        ("coding", "0"),
        ("text", text),
        ("validity", "15"),
        ("dlr-mask", "19"),
        ("dlr-url", &report),
    ];
    let expected: BTreeMap<String, String> =
        expected.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    assert_eq!(parameters(&asked[0]), expected);
}

#[tokio::test]
async fn an_sms_that_was_not_taken_is_told_by_whose_fault() {
    let clock = || Arc::new(MovableClock::standing(0));
    let to = Msisdn::parse("77010000001").unwrap();
    for (status, text, expected) in [
        (403, "Not routable. Do not try again.", SmsError::Refused),
        (403, "Authorization failed for sendsms", SmsError::Fault(PartyFault::Status)),
        (503, "Temporal failure, try again later.", SmsError::Fault(PartyFault::Status)),
        (404, "Unknown request.", SmsError::Fault(PartyFault::HttpStatus)),
    ] {
        let kannel = Kannel::start(status, text);
        let sms = kannel.sms("http://127.0.0.1:1", clock());
        let sent = sms.send(Sms { id: "1-ask", to: &to, text: "t", valid_until: 0 }).await;
        assert_eq!(sent, Err(expected), "{text}");
    }
    let nobody = Kannel { address: SocketAddr::from(([127, 0, 0, 1], 1)), asked: Arc::default() };
    let sms = nobody.sms("http://127.0.0.1:1", clock());
    let sent = sms.send(Sms { id: "1-ask", to: &to, text: "t", valid_until: 0 }).await;
    assert_eq!(sent, Err(SmsError::Fault(PartyFault::Unreachable)));
}

/// БМГ: everybody has a number.
struct Citizens;

fn number(iin: &str) -> String {
    format!("7701{}", &iin[5..])
}

impl CitizenDirectory for Citizens {
    fn numbers<'a>(&'a self, iin: &'a Iin) -> Answer<'a, Result<Vec<Msisdn>, PartyFault>> {
        Box::pin(async move { Ok(Msisdn::parse(&number(iin.as_str())).into_iter().collect()) })
    }
}

struct Service {
    app: Arc<App>,
    kannel: Kannel,
    asker: Asker,
    public: SocketAddr,
    stop: watch::Sender<bool>,
    _installation: Installation,
}

impl Service {
    async fn start() -> Self {
        Self::start_with(Kannel::start(202, "0: Accepted for delivery")).await
    }

    async fn start_with(kannel: Kannel) -> Self {
        let installation = Installation::complete();
        let config = Config::read(Path::new(&installation.config())).unwrap();
        let clock = Arc::new(MovableClock::running(0));
        let (listener, public) = serve::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let sms = Arc::new(kannel.sms(&format!("http://{public}"), clock.clone()));
        let parts = parts(config, clock, (Arc::new(Citizens), sms));
        let app = Arc::new(App::new(parts).await.unwrap());
        let (stop, stopped) = watch::channel(false);
        let door = Door { side: Side::Both, tls: watch::channel(None).1, stop: stopped.clone() };
        tokio::spawn(Server::new(app.clone(), None, String::new(), stopped).listen(listener, door));
        tokio::spawn(kdp::job::work(app.clone()));
        let asker = Asker::new(&installation);
        Self { app, kannel, asker, public, stop, _installation: installation }
    }

    async fn told(&self, uin: &str, more: &[(&'static str, &str)]) -> Reply {
        let fields = [&[("omit-sms", "false")], more].concat();
        let (public, message) = (self.public, self.asker.signed(uin, &fields));
        tokio::task::spawn_blocking(move || Connection::open(public).post(&message)).await.unwrap()
    }

    /// Asks the subject, and waits until the gateway has the SMS: the request, and where its report goes.
    async fn ask(&self, uin: &str) -> (String, String) {
        let reply = self.told(uin, &[]).await;
        let request = reply.element("request_id").unwrap_or_else(|| panic!("{}", reply.body)).to_owned();
        for _ in 0..400 {
            let asked = self.kannel.asked();
            let report = asked.iter().map(|line| parameters(line)["dlr-url"].clone());
            if let Some(report) = report.into_iter().find(|report| report.contains(&request)) {
                // The word that it was taken is written down a moment after.
                tokio::time::sleep(Duration::from_millis(100)).await;
                return (
                    request,
                    report.split_once("/kannel").map(|(_, path)| format!("/kannel{path}")).unwrap(),
                );
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("no SMS was handed over");
    }

    /// Status and reason of a request now.
    async fn state(&self, uin: &str, request: &str) -> (String, String) {
        let reply = self.told(uin, &[("request_id", request)]).await;
        (reply.word().unwrap().to_owned(), reply.element("reason").unwrap().to_owned())
    }

    async fn call(&self, method: &'static str, path: &str, headers: &'static str, body: &[u8]) -> Reply {
        let (public, path, body) = (self.public, path.to_owned(), body.to_vec());
        let call = move || Connection::open(public).send(method, &path, headers, &body);
        tokio::task::spawn_blocking(call).await.unwrap()
    }

    /// A call of the gateway, which must be taken.
    async fn get(&self, path: &str) {
        let reply = self.call("GET", path, "", b"").await;
        let kind = reply.header("content-type").unwrap_or_default().to_owned();
        assert_eq!((reply.status, reply.body.as_str()), (200, ""), "{path}");
        assert!(kind.starts_with("text/plain"), "{kind}");
    }

    async fn figure(&self, outcome: &str) -> u64 {
        let text = self.call("GET", "/metrics", "", b"").await.body;
        let name = format!("kdp_party_calls_total{{party=\"1414\",outcome=\"{outcome}\"}} ");
        text.lines().find_map(|line| line.strip_prefix(&name)).map_or(0, |value| value.parse().unwrap())
    }
}

fn is(state: &(String, String), word: &str, reason: &str) -> bool {
    (state.0.as_str(), state.1.as_str()) == (word, reason)
}

fn incoming(uin: &str, id: &str, rest: &str) -> String {
    format!("/kannel/incoming?secret={SECRET}&id={id}&from={}&{rest}", number(uin))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_in_the_alphabet_of_phones_becomes_the_token_and_reports_end_what_was_not_delivered() {
    let service = Service::start().await;
    let uins: Vec<String> = subjects(61).take(5).collect();
    let (request, report) = service.ask(&uins[0]).await;
    service.get(&report.replace("%d", "8")).await;
    service.get(&report.replace("%d", "1")).await;
    assert!(is(&service.state(&uins[0], &request).await, "PENDING", "waiting"));
    // ДА in cp1251, of which nothing can be known.
    service.get(&incoming(&uins[0], "1", "text=%C4%C0&coding=0&charset=UTF-8&time=1")).await;
    assert!(is(&service.state(&uins[0], &request).await, "PENDING", "waiting"));
    let yes = incoming(&uins[0], "2", "text=%04%14%04%10&coding=2&charset=UTF-16BE&time=2");
    service.get(&yes).await;
    // Kannel brings it again when our answer was lost.
    service.get(&yes).await;
    service.get(&report.replace("%d", "2")).await;
    assert!(is(&service.state(&uins[0], &request).await, "VALID", "granted"));
    for (uin, state) in uins[1..4].iter().zip(["2", "16", "34"]) {
        let (request, report) = service.ask(uin).await;
        service.get(&report.replace("%d", state)).await;
        assert!(is(&service.state(uin, &request).await, "INVALID", "sms-undelivered"), "{state}");
    }
    // Without an id of the gateway it is known by what it says and when.
    let (request, _) = service.ask(&uins[4]).await;
    // What was said before the question is no yes to it.
    service.get(&incoming(&uins[4], "3", "text=DA&coding=0&charset=UTF-8&time=1775026800")).await;
    assert!(is(&service.state(&uins[4], &request).await, "PENDING", "waiting"));
    for _ in 0..2 {
        service
            .get(&incoming(&uins[4], "", "text=%D0%BD%D0%B5%D1%82&charset=UTF-8&coding=0&time=1775026800"))
            .await;
    }
    assert!(is(&service.state(&uins[4], &request).await, "INVALID", "subject-refused"));
    assert_eq!((service.figure("report").await, service.figure("on-the-way").await), (5, 1));
    assert_eq!(service.figure("reply").await, 6);
    service.stop.send(true).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_is_posted_is_read_within_bounds_and_what_is_of_no_use_is_not_wanted_again() {
    let service = Service::start().await;
    let uin = subjects(62).next().unwrap();
    let (request, _) = service.ask(&uin).await;
    let path = incoming(&uin, "1", "coding=2&time=1");
    let kind = "Content-Type: text/plain; charset=UTF-16BE\r\n";
    let long = service.call("POST", &path, kind, &vec![4; (64 << 10) + 2]).await;
    assert_eq!(long.status, 413);
    assert_eq!(service.call("PUT", &path, "", b"").await.status, 405);
    for useless in [
        "/kannel/report?id=1&state=x",
        "/kannel/report?state=1",
        "/kannel/incoming?id=1&from=Beeline&text=DA",
    ] {
        service.get(&format!("{useless}&secret={SECRET}")).await;
    }
    let neither = format!("/kannel/incoming?secret={SECRET}&from={}&text=DA", number(&uin));
    service.get(&neither).await;
    assert!(is(&service.state(&uin, &request).await, "PENDING", "waiting"));
    let reply = service.call("POST", &path, kind, &[4, 0x18, 4, 0xd8]).await;
    assert_eq!((reply.status, reply.body.as_str()), (200, ""));
    assert!(is(&service.state(&uin, &request).await, "VALID", "granted"));
    assert_eq!(service.figure("unusable").await, 5);
    service.stop.send(true).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_secret_there_is_no_such_path() {
    let service = Service::start().await;
    let uin = subjects(63).next().unwrap();
    let (request, report) = service.ask(&uin).await;
    let rest = format!("id=1&from={}&text=DA&time=1", number(&uin));
    let without_date = |reply: &Reply| {
        let head: Vec<&str> =
            reply.head.lines().filter(|line| !line.to_lowercase().starts_with("date:")).collect();
        (reply.status, head.join("\n"), reply.body.clone())
    };
    let unknown = without_date(&service.call("GET", "/kannel", "", b"").await);
    assert_eq!(unknown.0, 404);
    let almost = &SECRET[..SECRET.len() - 1];
    let mut tried = 0;
    for secret in [
        String::new(),
        "secret=".to_owned(),
        format!("secret={almost}"),
        format!("secret={SECRET}0"),
        format!("secret={almost}&secret={SECRET}"),
        format!("Secret={SECRET}"),
    ] {
        for path in [
            format!("/kannel/incoming?{secret}&{rest}"),
            format!("/kannel/report?{secret}&id={request}-ask&state=2"),
        ] {
            for method in ["GET", "POST", "PUT"] {
                let reply = without_date(&service.call(method, &path, "", b"").await);
                assert_eq!(reply, unknown, "{method} {path}");
                tried += 1;
            }
        }
    }
    for path in ["/kannel/", "/kannel/report/", "/kannel/other"] {
        assert_eq!(
            service.call("GET", &format!("{path}?secret={SECRET}"), "", b"").await.status,
            404,
            "{path}"
        );
    }
    assert!(is(&service.state(&uin, &request).await, "PENDING", "waiting"));
    assert_eq!(service.figure("refused").await, tried);
    service.get(&report.replace("%d", "34")).await;
    assert!(is(&service.state(&uin, &request).await, "INVALID", "sms-undelivered"));
    service.stop.send(true).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_finds_no_place_is_answered_so_that_it_comes_again() {
    let service = Service::start().await;
    let uin = subjects(64).next().unwrap();
    let (request, report) = service.ask(&uin).await;
    let limits = service.app.limits();
    let yes = incoming(&uin, "1", "text=DA&coding=0&charset=UTF-8&time=1");
    service.app.set_limits(Limits { in_flight: 0, ..Limits::clone(&limits) });
    for path in [&yes, &report.replace("%d", "2")] {
        assert_eq!(service.call("GET", path, "", b"").await.status, 503, "{path}");
    }
    service.app.set_limits(Limits::clone(&limits));
    assert!(is(&service.state(&uin, &request).await, "PENDING", "waiting"), "nothing was heard");
    service.get(&yes).await;
    assert!(is(&service.state(&uin, &request).await, "VALID", "granted"));
    service.stop.send(true).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_sms_that_is_reported_as_delivered_is_not_sent_again_though_its_answer_was_lost() {
    let service = Service::start_with(Kannel::start(500, "the answer of something in between")).await;
    let uin = subjects(65).next().unwrap();
    let (request, report) = service.ask(&uin).await;
    service.get(&report.replace("%d", "1")).await;
    // A second one was due two seconds after the first.
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(service.kannel.asked().len(), 1);
    // It is known to have left, so that a bare answer is one to it.
    service.get(&incoming(&uin, "1", "text=DA&coding=0&charset=UTF-8&time=1")).await;
    assert!(is(&service.state(&uin, &request).await, "VALID", "granted"));
    service.stop.send(true).unwrap();
}

#[test]
fn what_is_wrong_with_the_gateways_files_is_told_before_the_service_starts() {
    let installation = Installation::complete();
    let file = |name: &str| installation.file(name).display().to_string();
    let section = format!(
        "[sms]\ndriver = \"kannel\"\n[sms.kannel]\nurl = \"http://sms.example/sendsms\"\nusername = \"kdp\"\n\
         password = \"{}\"\ncallback = \"https://kdp.example\"\ncallback_secret = \"{}\"\n[log]",
        file("kannel.password"),
        file("kannel.secret")
    );
    installation.reconfigure("[log]", &section);
    let write = |name: &str, text: &str| {
        std::fs::write(installation.file(name), text).unwrap();
        installation.chmod(name, 0o600);
    };
    let check = || {
        let ended = installation.try_run(&["check"]);
        (ended.code, ended.out + &ended.err)
    };
    write("kannel.password", "a password\n");
    for (secret, told) in
        [("too-short", "16 to 128 letters"), ("a secret that needs escapes %d", "16 to 128 letters")]
    {
        write("kannel.secret", secret);
        let (code, said) = check();
        assert!(code == Some(1) && said.contains(told) && !said.contains(secret), "{said}");
    }
    write("kannel.secret", SECRET);
    let (code, said) = check();
    assert!(code == Some(0) && said.contains("sms.kannel.url is http://"), "{said}");
    assert!(!said.contains("sms.driver = ") && !said.contains("sms.kannel.callback is"), "{said}");
    installation.chmod("kannel.password", 0o644);
    let (code, said) = check();
    assert!(code == Some(1) && said.contains("kannel.password") && said.contains("chmod 600"), "{said}");
}
