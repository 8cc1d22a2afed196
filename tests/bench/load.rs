//! The load: keep-alive connections driven by one thread, which shares the cores with the server and therefore
//! does as little as it can: one write, one read and one search for each request.

use crate::client::Request;
use crate::process::thread_time;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

/// How a round is driven.
#[derive(Clone, Copy)]
pub struct Drive {
    /// Connections that are kept alive.
    pub connections: usize,
    /// Requests a second; `None`: each as soon as a connection is free.
    pub rate: Option<f64>,
    /// Of so many answers one is kept, to be verified.
    pub keep: usize,
}

/// What came of it; every answer was the right one.
pub struct Round {
    pub wall: Duration,
    /// Sorted. Of a paced round, from the moment when the request was due.
    pub latencies: Vec<Duration>,
    /// CPU time of the load itself.
    pub loader: Duration,
    pub samples: Vec<Sample>,
}

/// A request with its answer.
pub struct Sample {
    pub request: Vec<u8>,
    pub answer: Vec<u8>,
}

/// Sends `requests`.
pub fn run(address: SocketAddr, requests: &Arc<[Request]>, drive: Drive) -> Round {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let mut streams = Vec::new();
        for _ in 0..drive.connections {
            let stream = TcpStream::connect(address).await.expect("the server listens");
            stream.set_nodelay(true).expect("a TCP option");
            streams.push(stream);
        }
        let (started, before) = (Instant::now(), thread_time());
        let next = Arc::new(AtomicUsize::new(0));
        let mut running = JoinSet::new();
        for stream in streams {
            running.spawn(connection(stream, requests.clone(), next.clone(), started, drive));
        }
        let (mut latencies, mut samples) = (Vec::new(), Vec::new());
        while let Some(done) = running.join_next().await {
            let (of_connection, kept) = done.expect("every answer is the right one");
            latencies.extend(of_connection);
            samples.extend(kept);
        }
        let (wall, loader) = (started.elapsed(), thread_time().saturating_sub(before));
        latencies.sort_unstable();
        Round { wall, latencies, loader, samples }
    })
}

async fn connection(
    mut stream: TcpStream,
    requests: Arc<[Request]>,
    next: Arc<AtomicUsize>,
    started: Instant,
    drive: Drive,
) -> (Vec<Duration>, Vec<Sample>) {
    let pace = drive.rate.map(|rate| Duration::from_secs_f64(1.0 / rate));
    let (mut latencies, mut samples) = (Vec::new(), Vec::new());
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let Some(request) = requests.get(number) else { return (latencies, samples) };
        let mut due = Instant::now();
        if let Some(pace) = pace {
            due = started + pace.mul_f64(number as f64);
            sleep_until(due).await;
        }
        stream.write_all(&request.bytes).await.expect("the server reads");
        let (head, end) = answer(&mut stream, &mut buffer).await;
        latencies.push(due.elapsed());
        let text = std::str::from_utf8(&buffer[..end]).expect("UTF-8");
        let right = text.starts_with("HTTP/1.1 200") && text.contains(request.mark);
        assert!(right, "{} is not in the answer: …{}", request.mark, last(text, 1_500));
        if number.is_multiple_of(drive.keep) {
            let (request, answer) = (request.envelope().to_vec(), buffer[head..end].to_vec());
            samples.push(Sample { request, answer });
        }
    }
}

/// The end of a text, about so many bytes.
fn last(text: &str, bytes: usize) -> &str {
    &text[text.ceil_char_boundary(text.len().saturating_sub(bytes))..]
}

/// Reads one answer into `buffer`: where its body begins, and where it ends.
pub async fn answer(stream: &mut TcpStream, buffer: &mut [u8]) -> (usize, usize) {
    message(stream, buffer).await.expect("the server answers")
}

/// Reads one message of HTTP; `None` when the other side has closed.
pub async fn message(stream: &mut TcpStream, buffer: &mut [u8]) -> Option<(usize, usize)> {
    let mut filled = 0;
    let mut whole = None;
    while whole.is_none_or(|(_, end)| filled < end) {
        let read = stream.read(&mut buffer[filled..]).await.ok().filter(|read| *read > 0)?;
        filled += read;
        if whole.is_none() {
            whole = extent(&buffer[..filled]);
        }
    }
    whole
}

/// Where body begins and ends, as soon as the head is there.
fn extent(bytes: &[u8]) -> Option<(usize, usize)> {
    let head = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&bytes[..head]).expect("an HTTP head");
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    Some((head, head + length.expect("a length")))
}
