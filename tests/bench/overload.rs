//! Load at capacity, then ten times of it, nine tenths by one hostile sender behind the same gateway: how the others fare,
//! and how long whoever is let in waits.

use crate::client::{Ask, Client, Request, subject};
use crate::installation::{Disk, Installation, OTHERS};
use crate::stand::Stand;
use crate::table::{Table, percentile};
use kdp::trust::outgoing::KeyInfoForm;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// Connections at which the service works at its capacity.
const CAPACITY: usize = 64;
/// How long each load lasts before it is measured.
const WARM_UP: Duration = Duration::from_secs(1);
/// How long it is measured.
const TIME: Duration = Duration::from_secs(9);

#[derive(Default)]
struct Outcome {
    granted: Vec<Duration>,
    refused: Vec<Duration>,
}

impl Outcome {
    fn p99(&self) -> f64 {
        percentile(&self.granted, 0.99)
    }

    fn rate(&self) -> f64 {
        self.granted.len() as f64 / TIME.as_secs_f64()
    }

    fn success(&self) -> f64 {
        let granted = self.granted.len() as f64;
        granted / (granted + self.refused.len() as f64) * 100.0
    }
}

/// Prints the table.
pub fn measure(directory: &Path) {
    let stand = Stand::start(Installation::temporary(directory), Disk::Full);
    let client = Client::new(KeyInfoForm::Certificate);
    let mut subjects = (0..).filter_map(subject);
    let per_other = CAPACITY / OTHERS.len();
    let asks = |count: usize, subjects: &mut dyn Iterator<Item = _>, of: &dyn Fn(usize, _) -> Ask| {
        let asks: Vec<Ask> = subjects.take(count).enumerate().map(|(n, iin)| of(n, iin)).collect();
        client.sign(&stand, &asks)
    };
    let others = asks(CAPACITY, &mut subjects, &|n, iin| Ask::GrantTo(n / per_other, iin));
    let flood = asks(9 * CAPACITY, &mut subjects, &|_, iin| Ask::Grant(iin));
    let mut table = Table::default();
    let (alone, _) = run(stand.address, &others, &[].into());
    table.group(&format!("capacity: {CAPACITY} connections of {} senders", OTHERS.len()));
    table.row("granted, 1/s", format!("{:.0}", alone.rate()), "");
    table.row("p50, ms", format!("{:.1}", percentile(&alone.granted, 0.5)), "");
    table.row("p99, ms", format!("{:.1}", alone.p99()), "");
    let (others, hostile) = run(stand.address, &others, &flood);
    table.group(&format!("the same, and {} connections of a hostile sender", 9 * CAPACITY));
    table.row("others: granted, 1/s", format!("{:.0}", others.rate()), "");
    table.row("others: granted, %", format!("{:.1}", others.success()), "≥ 95");
    table.row("others: p50, ms", format!("{:.1}", percentile(&others.granted, 0.5)), "");
    table.row("others: p99, ms", format!("{:.1}", others.p99()), "");
    table.row("hostile: granted, 1/s", format!("{:.0}", hostile.rate()), "");
    table.row("hostile: p99 of granted, ms", format!("{:.1}", hostile.p99()), "");
    let refused = hostile.refused.len() as f64 / TIME.as_secs_f64();
    table.row("hostile: refused, 1/s", format!("{refused:.0}"), "");
    table.row("hostile: p50 of refused, ms", format!("{:.1}", percentile(&hostile.refused, 0.5)), "");
    let mut all = others.granted;
    all.extend(hostile.granted);
    all.sort_unstable();
    let ratio = percentile(&all, 0.99) / alone.p99();
    table.row("p99 of all that was granted, of that at capacity", format!("{ratio:.1}"), "≤ 3");
    table.print();
}

/// Each request on a connection of its own, again and again.
fn run(address: SocketAddr, others: &Arc<[Request]>, flood: &Arc<[Request]>) -> (Outcome, Outcome) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let (mut running, began) = (JoinSet::new(), Instant::now());
        for (hostile, requests) in [(false, others), (true, flood)] {
            for n in 0..requests.len() {
                let requests = requests.clone();
                running.spawn(async move { (hostile, insist(address, &requests[n], began).await) });
            }
        }
        let mut both = (Outcome::default(), Outcome::default());
        for (hostile, outcome) in running.join_all().await {
            let into = if hostile { &mut both.1 } else { &mut both.0 };
            into.granted.extend(outcome.granted);
            into.refused.extend(outcome.refused);
        }
        for outcome in [&mut both.0, &mut both.1] {
            outcome.granted.sort_unstable();
            outcome.refused.sort_unstable();
        }
        both
    })
}

async fn insist(address: SocketAddr, request: &Request, began: Instant) -> Outcome {
    let mut stream = TcpStream::connect(address).await.expect("the service listens");
    stream.set_nodelay(true).expect("a TCP option");
    let (mut outcome, mut buffer) = (Outcome::default(), vec![0; 32 * 1024]);
    while began.elapsed() < WARM_UP + TIME {
        let sent = Instant::now();
        stream.write_all(&request.bytes).await.expect("the service reads");
        let end = crate::load::answer(&mut stream, &mut buffer).await.1;
        if began.elapsed() < WARM_UP {
            continue;
        }
        let text = std::str::from_utf8(&buffer[..end]).expect("UTF-8");
        let times = match text.get(9..12) {
            Some("200") if text.contains(request.mark) => &mut outcome.granted,
            Some("503" | "429") => &mut outcome.refused,
            _ => panic!("{text}"),
        };
        times.push(sent.elapsed());
    }
    outcome
}
