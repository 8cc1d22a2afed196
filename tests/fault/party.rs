//! БМГ and 1414: slow, gone, or the cause of a panic of ours. The service in this process, with parties of the test's.

use super::asker::subjects;
use super::*;
use kdp::app::App;
use kdp::clock::{Clock, MovableClock, SystemClock};
use kdp::config::Config;
use kdp::consent::identity::{Iin, Msisdn};
use kdp::gateway::fault::PartyFault;
use kdp::gateway::{Answer, CitizenDirectory, Sms, SmsError, SmsGateway};
use kdp::http::{Door, Server, Side};
use kdp::serve;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::watch;

const WORKS: u8 = 0;
const SILENT: u8 = 1;
const GONE: u8 = 2;
const PANICS: u8 = 3;

/// БМГ and 1414.
#[derive(Default)]
struct Party {
    mood: AtomicU8,
    asked: AtomicU32,
    /// How often each SMS was handed over, by its id.
    sent: Mutex<BTreeMap<String, u32>>,
}

impl Party {
    fn turn(&self, mood: u8) {
        self.mood.store(mood, Ordering::SeqCst);
    }

    /// `Err`: it is gone.
    async fn answer(&self) -> Result<(), PartyFault> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        match self.mood.load(Ordering::SeqCst) {
            SILENT => std::future::pending().await,
            // Not silence, after which it would be left alone by the clock of the machine.
            GONE => Err(PartyFault::Fault),
            PANICS => panic!("a panic that a test asked for, about 870101300015"),
            _ => Ok(()),
        }
    }
}

impl CitizenDirectory for Party {
    fn numbers<'a>(&'a self, iin: &'a Iin) -> Answer<'a, Result<Vec<Msisdn>, PartyFault>> {
        Box::pin(async move {
            self.answer().await?;
            Ok(Msisdn::parse(&format!("7701{}", &iin.as_str()[5..])).into_iter().collect())
        })
    }
}

impl SmsGateway for Party {
    fn send<'a>(&'a self, sms: Sms<'a>) -> Answer<'a, Result<(), SmsError>> {
        Box::pin(async move {
            self.answer().await?;
            *self.sent.lock().unwrap().entry(sms.id.to_owned()).or_default() += 1;
            Ok(())
        })
    }
}

struct Service {
    app: Arc<App>,
    clock: Arc<MovableClock>,
    bmg: Arc<Party>,
    sms: Arc<Party>,
    asker: Asker,
    public: SocketAddr,
    stop: watch::Sender<bool>,
}

impl Service {
    async fn start(installation: &Installation) -> Self {
        let config = Config::read(Path::new(&installation.config())).unwrap();
        let clock = Arc::new(MovableClock::running(0));
        let (bmg, sms) = (Arc::new(Party::default()), Arc::new(Party::default()));
        let parts = parts(config, clock.clone(), (bmg.clone(), sms.clone()));
        let app = Arc::new(App::new(parts).await.unwrap());
        let (listener, public) = serve::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let (stop, stopped) = watch::channel(false);
        let door = Door { side: Side::Both, tls: watch::channel(None).1, stop: stopped.clone() };
        tokio::spawn(Server::new(app.clone(), None, String::new(), stopped).listen(listener, door));
        Self { app, clock, bmg, sms, asker: Asker::new(installation), public, stop }
    }

    /// Starts the worker.
    fn work(&self) {
        tokio::spawn(kdp::job::work(self.app.clone()));
    }

    async fn post(&self, message: Vec<u8>) -> connection::Reply {
        let public = self.public;
        tokio::task::spawn_blocking(move || Connection::open(public).post(&message)).await.unwrap()
    }

    /// Asks the subject, or again: the word and the request.
    async fn ask(&self, uin: &str) -> (Option<String>, Option<String>) {
        let reply = self.post(self.asker.signed(uin, &[("omit-sms", "false")])).await;
        (reply.word().map(str::to_owned), reply.element("request_id").map(str::to_owned))
    }

    async fn figure(&self, name: &str) -> u64 {
        let public = self.public;
        let text =
            tokio::task::spawn_blocking(move || Connection::open(public).get("/metrics").body).await.unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.map_or(0, |value| value.parse().unwrap())
    }

    fn sent(&self) -> BTreeMap<String, u32> {
        self.sms.sent.lock().unwrap().clone()
    }
}

async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..800 {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it never came to be that {what}");
}

fn installed(more: &str) -> Installation {
    let installation = Installation::complete();
    installation.reconfigure("[log]", &format!("{more}[log]"));
    installation
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::disallowed_methods, reason = "how long it takes is the point")]
async fn a_bmg_that_does_not_answer_costs_an_exchange_its_short_time_and_each_subject_is_asked_once_after() {
    let installation = installed("[bmg]\ntimeout_ms = 300\n[limits]\nin_flight = 40\n");
    let service = Service::start(&installation).await;
    service.work();
    service.bmg.turn(SILENT);
    let uins: Vec<String> = subjects(50).take(30).collect();
    let mut requests = Vec::new();
    for uin in &uins {
        let began = Instant::now();
        let (word, request) = service.ask(uin).await;
        assert_eq!(word.as_deref(), Some("PENDING"));
        assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
        requests.push(request.unwrap());
    }
    assert!(service.bmg.asked.load(Ordering::SeqCst) < 20, "a silent party is left alone");
    // Those who do not need it are not touched by it.
    let began = Instant::now();
    token(&service.post(service.asker.message(&uins[0])).await);
    assert!(began.elapsed() < Duration::from_secs(3));
    service.bmg.turn(WORKS);
    until("every subject was sent an SMS", || service.sent().len() == uins.len()).await;
    assert!(service.sent().values().all(|times| *times == 1), "{:?}", service.sent());
    for (uin, request) in uins.iter().zip(&requests) {
        assert_eq!(service.ask(uin).await, (Some("PENDING".to_owned()), Some(request.clone())));
    }
    assert!(service.sent().values().all(|times| *times == 1), "asking again sends nothing");
    service.stop.send(true).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_1414_that_is_gone_for_an_hour_is_tried_ever_more_rarely_and_is_told_nothing_twice_when_it_is_back()
{
    let installation = installed("");
    let service = Service::start(&installation).await;
    service.sms.turn(GONE);
    let uins: Vec<String> = subjects(51).take(4).collect();
    for uin in &uins[..3] {
        assert_eq!(service.ask(uin).await.0.as_deref(), Some("PENDING"));
    }
    let begun = service.clock.now();
    // An hour in steps of five seconds; the last ask comes ten minutes before its end.
    let mut tried = Vec::new();
    for step in 0..720 {
        service.clock.set(begun + step * 5000);
        while kdp::job::run_due(&service.app).await.unwrap() > 0 {}
        tried.push(service.sms.asked.load(Ordering::SeqCst));
        if step == 600 {
            assert_eq!(service.ask(&uins[3]).await.0.as_deref(), Some("PENDING"));
        }
    }
    let first_minute = tried[12];
    assert!((3 * 4..=3 * 7).contains(&first_minute), "{first_minute} tries in the first minute");
    assert!(tried[600] <= 3 * 24, "{} tries for three SMS in their fifteen minutes", tried[600]);
    assert_eq!(tried[200], tried[600], "a request that has ended is not sent");
    assert_eq!(service.sent().len(), 0);
    for uin in &uins[..3] {
        let row = service.ask(uin).await;
        assert_eq!(row.0.as_deref(), Some("PENDING"), "after its timeout a new ask is a new request");
    }
    service.sms.turn(WORKS);
    for step in 720..760 {
        service.clock.set(begun + step * 5000);
        while kdp::job::run_due(&service.app).await.unwrap() > 0 {}
    }
    assert_eq!(service.sent().len(), 4, "three new asks, and the one of before that still waits");
    assert!(service.sent().values().all(|times| *times == 1), "{:?}", service.sent());
    service.stop.send(true).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_sms_that_was_planned_before_the_clock_was_set_back_goes_out_now_and_once() {
    const DAY: i64 = 86_400_000;
    let installation = installed("");
    let service = Service::start(&installation).await;
    service.sms.turn(GONE);
    let uins: Vec<String> = subjects(52).take(2).collect();
    service.clock.set(SystemClock.now() + DAY);
    assert_eq!(service.app.steps.tick(service.clock.now()), None);
    let off = Asker::off(&installation, DAY);
    let reply = service.post(off.signed(&uins[0], &[("omit-sms", "false")])).await;
    assert_eq!(reply.word(), Some("PENDING"));
    service.work();
    until("it was tried in vain", || service.sms.asked.load(Ordering::SeqCst) > 0).await;
    service.clock.set(SystemClock.now());
    assert!(service.app.steps.tick(service.clock.now()).is_some_and(|step| step < -DAY + 60_000));
    service.sms.turn(WORKS);
    until("it went out", || service.sent().len() == 1).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(service.sent().values().all(|times| *times == 1), "{:?}", service.sent());
    service.stop.send(true).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_in_a_handler_is_sce909_for_its_caller_and_nothing_for_anybody_else() {
    let installation = installed("");
    let service = Service::start(&installation).await;
    let uins: Vec<String> = subjects(53).take(3).collect();
    service.bmg.turn(PANICS);
    let (public, message) = (service.public, service.asker.signed(&uins[0], &[("omit-sms", "false")]));
    let good = service.asker.message(&uins[1]);
    let (panicked, after) = tokio::task::spawn_blocking(move || {
        let mut connection = Connection::open(public);
        (connection.post(&message), connection.post(&good))
    })
    .await
    .unwrap();
    assert_eq!((panicked.status, panicked.element("errorCode")), (500, Some("SCE909")), "{}", panicked.body);
    assert!(!panicked.body.contains("a panic that") && !panicked.closes());
    token(&after);
    assert_eq!(service.figure("kdp_panics_total").await, 1);
    assert_eq!(service.figure("kdp_exchanges_in_flight").await, 0);
    service.bmg.turn(WORKS);
    assert_eq!(service.ask(&uins[0]).await.0.as_deref(), Some("PENDING"));
    service.stop.send(true).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_panics_is_put_off_and_the_others_go_on() {
    let installation = installed("");
    let service = Service::start(&installation).await;
    let uins: Vec<String> = subjects(54).take(2).collect();
    service.sms.turn(PANICS);
    assert_eq!(service.ask(&uins[0]).await.0.as_deref(), Some("PENDING"));
    service.work();
    until("it panicked", || service.sms.asked.load(Ordering::SeqCst) > 0).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(service.sms.asked.load(Ordering::SeqCst) <= 2, "it is put off, not done again and again");
    assert!(
        service.figure("kdp_panics_total").await >= 1 && service.figure("kdp_jobs_failed_total").await >= 1
    );
    service.sms.turn(WORKS);
    assert_eq!(service.ask(&uins[1]).await.0.as_deref(), Some("PENDING"));
    until("both were sent", || service.sent().len() == 2).await;
    service.stop.send(true).unwrap();
}
