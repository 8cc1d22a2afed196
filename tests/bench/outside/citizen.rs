//! Subjects who say yes: each is asked by SMS, answers, and the initiator collects the token.

use super::party::{Outside, Sms, field};
use crate::client::{Ask, Keys};
use crate::load::answer;
use crate::process::Usage;
use crate::stand::{Stand, pause};
use crate::table::micros;
use kdp::consent::identity::Iin;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// So many are asked at a time.
const AT_ONCE: usize = 96;

/// What came of asking some subjects.
pub struct Lived {
    /// From the question to the token; sorted.
    pub times: Vec<Duration>,
    wall: Duration,
    server: Usage,
}

impl Lived {
    /// Grants a second.
    pub fn rate(&self) -> f64 {
        self.times.len() as f64 / self.wall.as_secs_f64()
    }

    /// µs of the server's CPU for a grant.
    pub fn cpu(&self) -> f64 {
        micros(self.server.total()) / self.times.len() as f64
    }
}

/// Subjects whom nobody has asked yet.
pub struct Citizens {
    shared: Arc<Shared>,
}

struct Shared {
    keys: Arc<Keys>,
    outside: Arc<Outside>,
    address: SocketAddr,
    subjects: Vec<Iin>,
    next: AtomicUsize,
    /// How many are asked unless it ends before.
    most: AtomicUsize,
    done: AtomicUsize,
    end: AtomicBool,
}

impl Citizens {
    pub fn new(
        keys: Arc<Keys>,
        outside: Arc<Outside>,
        address: SocketAddr,
        subjects: Vec<Iin>,
        most: usize,
    ) -> Self {
        let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let (most, end) = (AtomicUsize::new(most), AtomicBool::new(false));
        Self { shared: Arc::new(Shared { keys, outside, address, subjects, next, most, done, end }) }
    }

    /// All of them are asked.
    pub fn live(self, stand: &Stand) -> Lived {
        let before = stand.process().usage();
        let started = Instant::now();
        let times = run(&self.shared);
        let (wall, server) = (started.elapsed(), stand.process().usage() - before);
        Lived { times, wall, server }
    }

    /// Does `work`, which may ask how many have their token, while they are asked.
    pub fn meanwhile<T>(self, work: impl FnOnce(&dyn Fn() -> f64) -> T) -> T {
        let shared = &self.shared;
        shared.most.store(shared.subjects.len(), Ordering::Relaxed);
        let done = || shared.done.load(Ordering::Relaxed) as f64;
        thread::scope(|scope| {
            scope.spawn(|| run(shared));
            while done() < AT_ONCE as f64 {
                pause(Duration::from_millis(20));
            }
            let result = work(&done);
            assert!(
                shared.next.load(Ordering::Relaxed) < shared.subjects.len(),
                "there were too few of them"
            );
            shared.end.store(true, Ordering::Relaxed);
            result
        })
    }
}

fn run(shared: &Arc<Shared>) -> Vec<Duration> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let mut running = JoinSet::new();
        for _ in 0..AT_ONCE {
            running.spawn(ask_one_after_the_other(shared.clone()));
        }
        let mut times: Vec<Duration> = running.join_all().await.into_iter().flatten().collect();
        times.sort_unstable();
        times
    })
}

async fn ask_one_after_the_other(shared: Arc<Shared>) -> Vec<Duration> {
    let mut stream = TcpStream::connect(shared.address).await.expect("the server listens");
    stream.set_nodelay(true).expect("a TCP option");
    let mut times = Vec::new();
    while !shared.end.load(Ordering::Relaxed) {
        let number = shared.next.fetch_add(1, Ordering::Relaxed);
        let among = number < shared.most.load(Ordering::Relaxed);
        let Some(iin) = shared.subjects.get(number).filter(|_| among) else { break };
        let started = Instant::now();
        let (phone, sms) = shared.outside.phone(iin.as_str());
        let told = shared.post(&mut stream, &Ask::BySms(*iin)).await;
        let Sms { id, text } = sms.await.expect("an SMS");
        let said = text.split_once(" - DA ").and_then(|(_, rest)| rest.get(..4)).expect("a reference");
        shared.post(&mut stream, &Ask::Say { number: phone, id, text: format!("DA {said}") }).await;
        shared.post(&mut stream, &Ask::Collect(*iin, field(&told, "k:request_id").to_owned())).await;
        times.push(started.elapsed());
        shared.done.fetch_add(1, Ordering::Relaxed);
    }
    times
}

impl Shared {
    /// Sends what is asked; the answer, which is the right one.
    async fn post(&self, stream: &mut TcpStream, ask: &Ask) -> String {
        let request = self.keys.request(self.address, ask);
        stream.write_all(&request.bytes).await.expect("the server reads");
        let mut buffer = vec![0; 32 * 1024];
        let (_, end) = answer(stream, &mut buffer).await;
        let text = String::from_utf8(buffer[..end].to_vec()).expect("UTF-8");
        assert!(text.starts_with("HTTP/1.1 200") && text.contains(request.mark), "{text}");
        text
    }
}
