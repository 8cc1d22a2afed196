//! Floods in another's name: copies of its messages that were changed on the way, and messages in its name that somebody
//! else behind the same gateway sends, who does not know its password.

use super::*;
use std::net::{IpAddr, Ipv4Addr};
use tokio::net::TcpSocket;

/// From where the strangers come.
const ELSEWHERE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
const HOME: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// A connection that comes from `home`.
fn connect(home: IpAddr, address: SocketAddr) -> Connection {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
    let stream = runtime.block_on(async {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::new(home, 0)).unwrap();
        socket.connect(address).await.unwrap().into_std().unwrap()
    });
    stream.set_nonblocking(false).unwrap();
    Connection::over(stream)
}

/// Sends what cannot be believed again and again, on a new connection whenever the old one was closed.
#[expect(clippy::disallowed_methods, reason = "what is measured is time")]
fn forge(home: IpAddr, address: SocketAddr, message: &[u8], code: &str, end: &AtomicBool) -> Outcome {
    let (mut connection, mut outcome) = (connect(home, address), Outcome::default());
    // When those it means to harm are at work.
    let (_open, nothing) = channel::<()>();
    let _ = nothing.recv_timeout(TIME / 10);
    while !end.load(Ordering::Relaxed) {
        let began = Instant::now();
        let reply = connection.post(message);
        let told = reply.element("errorCode");
        assert!(told == Some(code) || told == Some("KDP503"), "{} {}", reply.status, reply.body);
        outcome.refused.push(began.elapsed());
        if reply.closes() {
            connection = connect(home, address);
        }
    }
    outcome
}

fn forgers<'c>(
    home: IpAddr,
    address: SocketAddr,
    message: Vec<u8>,
    code: &'c str,
    count: usize,
) -> Vec<Client<'c>> {
    let one = move |_| -> Client<'c> {
        let message = message.clone();
        Box::new(move |end| forge(home, address, &message, code, end))
    };
    (0..count).map(one).collect()
}

#[test]
fn a_flood_in_the_name_of_a_sender_leaves_it_served_from_elsewhere_and_behind_the_same_gateway() {
    let installation = Installation::complete();
    installation.reconfigure("kind = \"direct\"", "kind = \"gateway\"");
    installation.reconfigure(&format!("sender_id = \"{SENDER}\"\n"), "");
    let victim = Asker::new(&installation);
    let impostor = Asker::of(SENDER, BIN, "not the password", 0);
    let (service, public, _) = Process::serve(&installation.config());
    let honest = |series| honest(public, series, &victim, CAPACITY);
    let alone = Outcome::of_all(load(vec![honest(70)]));
    assert!(alone.success() > 0.999, "at its capacity nobody is refused");

    let uin = subjects(71).next().unwrap();
    // With the victim's own password: what a gateway that leaks could give away.
    let copy = String::from_utf8(victim.message(&uin)).unwrap().replace("Песочный", "Пёсочный").into_bytes();
    let count = 3 * CAPACITY;
    let mut told = load(vec![
        honest(72),
        forgers(ELSEWHERE, public, copy.clone(), "SCE006", count),
        forgers(HOME, public, copy, "SCE006", count),
        forgers(HOME, public, impostor.message(&uin), "KDP401", count),
    ]);
    let flood = Outcome::of_all(told.split_off(1));
    let victim = told.remove(0);
    let victim = Outcome::of_all(vec![victim]);
    let figures = format!(
        "alone {} granted, p99 {:?}; in the flood of {} forged messages {} of {:.1} % granted, p99 {:?}",
        alone.granted.len(),
        alone.p99(),
        flood.refused.len(),
        victim.granted.len(),
        victim.success() * 100.0,
        victim.p99(),
    );
    println!("{figures}");
    assert!(victim.success() >= 0.95, "it is hardly ever refused: {figures}");
    assert!(victim.p99() <= 5 * alone.p99() + Duration::from_millis(500), "and waits no longer: {figures}");
    // Of the connections its own are one of ten.
    assert!(victim.granted.len() >= alone.granted.len() / 8, "the flood does not take its places: {figures}");
    assert_eq!(service.terminate().code, Some(0));
}
