//! Each record reaches its targets, at least once and in order, whatever becomes of them; and where it must, the service
//! waits for them.

use super::stand::{Connection, Stand};
use kdp::app::App;
use kdp::journal::forward::forward;
use kdp::journal::target::Target;
use kdp::journal::{Chained, line};
use kdp::store::Record;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpStream, UdpSocket, UnixDatagram};
use tokio::sync::watch;
use tokio::task::JoinHandle;

const PATIENCE: Duration = Duration::from_secs(20);

/// A way to a target, until it is dropped or ended.
struct Way(watch::Sender<bool>, JoinHandle<()>);

fn start(stand: &Stand, target: Target, most_behind: u32) -> Way {
    let (stop, stopped) = watch::channel(false);
    Way(stop, tokio::spawn(forward(stand.running.app.clone(), target, most_behind, stopped)))
}

impl Way {
    async fn end(self) {
        self.0.send(true).unwrap();
        self.1.await.unwrap();
    }
}

async fn journal(app: &Arc<App>) -> Vec<Chained> {
    app.store.journal(0, 10_000).await.unwrap()
}

async fn note(app: &Arc<App>, outcome: &str) -> i64 {
    note_before(app, outcome, 0).await
}

/// A record of so many seconds ago.
async fn note_before(app: &Arc<App>, outcome: &str, seconds: i64) -> i64 {
    let at = app.clock.now() - seconds * 1000;
    let record = Record { at, kind: "event", outcome: outcome.to_owned(), ..Record::default() };
    app.store.note(record).await.unwrap();
    app.store.journal_end().await.unwrap().seq
}

async fn until<F: Future<Output = bool>>(what: &str, mut is_so: impl FnMut() -> F) {
    let waiting = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting)
        .await
        .unwrap_or_else(|_| panic!("it never came to be that {what}"));
}

/// The number that a message carries, after it was held to the form of RFC 5424.
fn number(message: &str) -> i64 {
    let (priority, rest) = message.strip_prefix('<').unwrap().split_once(">1 ").unwrap();
    assert!((13 * 8..14 * 8).contains(&priority.parse().unwrap()), "{message}");
    let words: Vec<&str> = rest.splitn(6, ' ').collect();
    assert_eq!(words[2], "kdp");
    let (data, text) =
        words[5].split_once("] \u{feff}").unwrap_or_else(|| panic!("no UTF-8 text: {message}"));
    assert!(data.starts_with("[kdp@32473 seq=\"") && text.starts_with("seq="), "{message}");
    data.split('"').nth(1).unwrap().parse().unwrap()
}

async fn received(socket: &UdpSocket) -> String {
    let mut message = vec![0; 65_536];
    let length = tokio::time::timeout(PATIENCE, socket.recv(&mut message)).await.unwrap().unwrap();
    message.truncate(length);
    String::from_utf8(message).unwrap()
}

/// The next message with its octets counted (RFC 6587).
async fn counted(stream: &mut TcpStream) -> String {
    let mut length = 0;
    loop {
        match tokio::time::timeout(PATIENCE, stream.read_u8()).await.unwrap().unwrap() {
            b' ' => break,
            digit => length = length * 10 + usize::from(digit - b'0'),
        }
    }
    let mut message = vec![0; length];
    stream.read_exact(&mut message).await.unwrap();
    String::from_utf8(message).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_record_goes_out_by_udp_and_none_is_lost_while_nobody_listens() {
    let stand = Stand::start().await;
    let app = stand.running.app.clone();
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let way = start(&stand, Target::Udp(address.to_string()), 0);
    let known = journal(&app).await.len();
    for seq in 1..=i64::try_from(known).unwrap() {
        assert_eq!(number(&received(&socket).await), seq);
    }
    until("they are remembered", async || app.store.forwarded("journal:syslog").await.unwrap() >= 1).await;
    drop(socket);
    let lost: Vec<i64> = vec![note(&app, "one").await, note(&app, "two").await];
    let errors =
        || async { app.metrics.text().contains("kdp_journal_target_errors_total{target=\"syslog\"}") };
    until("it is noticed that nobody listens", errors).await;
    let socket = UdpSocket::bind(address).await.unwrap();
    let mut missing: Vec<i64> = lost.clone();
    while !missing.is_empty() {
        let seq = number(&received(&socket).await);
        missing.retain(|wanted| *wanted != seq);
    }
    until("all is remembered", async || {
        app.store.forwarded("journal:syslog").await.unwrap() == *lost.last().unwrap()
    })
    .await;
    way.end().await;
    stand.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_dies_and_comes_back_gets_again_what_it_may_have_lost() {
    let stand = Stand::start().await;
    let app = stand.running.app.clone();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let way = start(&stand, Target::Tcp(address.to_string()), 0);
    let (mut stream, _) = listener.accept().await.unwrap();
    let known = journal(&app).await;
    for record in &known {
        assert_eq!(number(&counted(&mut stream).await), record.entry.seq);
    }
    let last = known.last().unwrap().entry.seq;
    until("they are remembered", async || app.store.forwarded("journal:syslog").await.unwrap() == last).await;
    // It dies with a record unread.
    let unread = note(&app, "unread").await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    drop((stream, listener));
    let next = note(&app, "while it was away").await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let listener = TcpListener::bind(address).await.unwrap();
    let (mut stream, _) = listener.accept().await.unwrap();
    assert_eq!(number(&counted(&mut stream).await), unread);
    assert_eq!(number(&counted(&mut stream).await), next);
    way.end().await;
    // Another service goes on where this one ended.
    let way = start(&stand, Target::Tcp(address.to_string()), 0);
    let (mut stream, _) = listener.accept().await.unwrap();
    let last = note(&app, "after the restart").await;
    assert_eq!(number(&counted(&mut stream).await), last);
    way.end().await;
    stand.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_syslog_of_this_machine_gets_every_record_and_may_be_restarted() {
    let stand = Stand::start().await;
    let app = stand.running.app.clone();
    let path = stand.directory.path().join("log.socket");
    let way = start(&stand, Target::Unix(path.clone()), 0);
    // It is not there yet.
    tokio::time::sleep(Duration::from_millis(300)).await;
    for round in 0..2 {
        let _ = std::fs::remove_file(&path);
        let socket = UnixDatagram::bind(&path).unwrap();
        let last = note(&app, "for this machine").await;
        let mut seen = 0;
        while seen < last {
            let mut message = vec![0; 65_536];
            let length = tokio::time::timeout(PATIENCE, socket.recv(&mut message)).await.unwrap().unwrap();
            let seq = number(std::str::from_utf8(&message[..length]).unwrap());
            assert!(seq == seen + 1 || round == 1 && seen == 0, "{seq} after {seen}");
            seen = seq;
        }
    }
    way.end().await;
    stand.running.stop().await;
}

fn lines(path: &Path) -> Vec<String> {
    std::fs::read_to_string(path).unwrap_or_default().lines().map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_gets_a_line_a_record_is_its_owners_alone_and_may_be_moved_away() {
    let stand = Stand::start().await;
    let app = stand.running.app.clone();
    let path = stand.directory.path().join("journal.log");
    let way = start(&stand, Target::File(path.clone()), 0);
    let known = journal(&app).await;
    until("the file has them all", async || lines(&path).len() == known.len()).await;
    for (record, written) in known.iter().zip(lines(&path)) {
        assert_eq!(line::line(record), written + "\n");
    }
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    // logrotate needs to tell nobody.
    std::fs::rename(&path, path.with_extension("1")).unwrap();
    let moved = note(&app, "after it was moved").await;
    until("a new one is begun", async || lines(&path).len() == 1).await;
    assert!(lines(&path)[0].contains(&format!(" seq={moved} ")));
    way.end().await;
    // What a crash left of a line does not spoil the next one.
    std::fs::write(&path, "2026-04-01T12:00:00 seq=1 ki").unwrap();
    let way = start(&stand, Target::File(path.clone()), 0);
    let next = note(&app, "after a crash").await;
    until("it goes on", async || lines(&path).len() == 2).await;
    assert!(lines(&path)[1].contains(&format!(" seq={next} ")));
    way.end().await;
    stand.running.stop().await;
}

fn ready(address: SocketAddr) -> String {
    Connection::open(address).get("/health/ready").body
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_that_does_not_leave_the_machine_in_time_stops_the_service_until_it_does() {
    let stand = Stand::start().await;
    let (app, address) = (stand.running.app.clone(), stand.address);
    let request = std::fs::read(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/fixtures/requests/203-f6-method-2-in-order.VALID.xml"
    ))
    .unwrap();
    let unseen = note_before(&app, "what nobody has seen", 61).await;
    app.store.keep_forwarded("journal:file", unseen - 1).await.unwrap();
    let (folder, path) = (stand.directory.path().join("log"), stand.directory.path().join("log/journal.log"));
    let way = start(&stand, Target::File(path.clone()), 60);
    until("it refuses", async || ready(address) == "journal").await;
    let records = journal(&app).await.len();
    let refused = Connection::open(address).post(&request);
    assert!(refused.status == 503 && refused.body.contains("KDP503"), "{}", refused.body);
    assert!(refused.header("retry-after").is_some(), "{}", refused.head);
    assert_eq!(journal(&app).await.len(), records, "nothing was done, and nothing more waits");
    assert!(app.metrics.text().contains("kdp_journal_refusing 1"));
    std::fs::create_dir(&folder).unwrap();
    until("it serves again", async || ready(address) == "ready").await;
    assert_eq!(Connection::open(address).post(&request).word(), Some("VALID"));
    assert!(app.metrics.text().contains("kdp_journal_refusing 0"));
    way.end().await;
    stand.running.stop().await;
}
