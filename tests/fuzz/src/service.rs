//! The running service in this process: the sandbox of seed 1 at the time of the fixtures, and senders who prove
//! themselves to it.

use crate::world::{self, NOW};
use kdp::exchange::{Channel, Response, exchange};
use kdp::sandbox::{Options, Running, limits, start_within};
use kdp::soap::sync_channel::T;
use kdp::trust::outgoing::{EnvelopeSigner, KeyInfoForm};
use kdp::xml::{Canonical, Writer};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use tokio::runtime::Runtime;

/// The service, and who signs for all senders.
pub struct Service {
    runtime: Runtime,
    running: Running,
    gateway: EnvelopeSigner,
    peers: Vec<Peer>,
}

/// A sender of `fixtures/world.json`.
struct Peer {
    name: String,
    sender_id: String,
    password: String,
}

/// What stands in `data`.
pub enum Data<'c> {
    /// Text: XML that is escaped.
    Text(&'c str),
    /// Elements.
    Elements(&'c [Canonical]),
}

impl Service {
    /// Starts it on a fresh directory.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn start() -> Self {
        let directory = directory();
        let _ = std::fs::remove_dir_all(&directory);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let options = Options {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            admin_listen: None,
            data: directory,
            database: None,
            reset: false,
            seed: Some(1),
            crypto: None,
            service: None,
            log_level: "error".to_owned(),
        };
        let running =
            runtime.block_on(start_within(options, Some(NOW * 1000), limits())).expect("the sandbox");
        let key = Box::new(world::rsa("shep"));
        let gateway = EnvelopeSigner::new(key, world::certificate("shep.cert"), KeyInfoForm::IssuerSerial);
        Self { runtime, running, gateway, peers: peers() }
    }

    /// Sends a call of this peer to this service, signed by the gateway.
    ///
    /// # Panics
    /// Without such a peer.
    pub fn call(&self, peer: &str, service_id: &str, data: &Data<'_>) -> Response {
        let peer = self.peers.iter().find(|known| known.name == peer).expect("a peer of the fixtures");
        let content = |writer: &mut Writer<'_>| {
            writer.open("t:SendMessage", &[("t", T)], &[]).open("request", &[], &[]).open(
                "requestInfo",
                &[],
                &[],
            );
            writer.leaf("messageId", "1").leaf("serviceId", service_id);
            writer.leaf("messageDate", "2026-04-01T12:00:00+05:00").open("sender", &[], &[]);
            writer.leaf("senderId", &peer.sender_id).leaf("password", &peer.password).close().close();
            writer.open("requestData", &[], &[]).open("data", &[], &[]);
            match data {
                Data::Text(text) => {
                    writer.text(text);
                }
                Data::Elements(elements) => elements.iter().for_each(|element| {
                    writer.raw(element);
                }),
            }
            writer.close().close().close().close();
        };
        let message = self.gateway.envelope("id-of-the-payload-target", content).expect("it can be written");
        self.runtime.block_on(exchange(&self.running.app, Channel::Sync, &message, |_| true))
    }
}

/// In memory where there is such a place: each decision waits for the disk.
fn directory() -> PathBuf {
    let memory = Path::new("/dev/shm");
    let base = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
    // libFuzzer ends without cleaning up: what is left of processes that are gone is removed by the next.
    for entry in std::fs::read_dir(&base).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let pid = name.to_str().and_then(|name| name.strip_prefix("kdp-fuzz-"));
        if pid.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
    base.join(format!("kdp-fuzz-{}", std::process::id()))
}

fn peers() -> Vec<Peer> {
    let world: serde_json::Value = serde_json::from_slice(&world::file("fixtures/world.json")).expect("JSON");
    let peers = world["peers"].as_array().expect("peers");
    let text = |value: &serde_json::Value| value.as_str().expect("a text").to_owned();
    let peer = |peer: &serde_json::Value| Peer {
        name: text(&peer["name"]),
        sender_id: text(&peer["sender_id"]),
        password: text(&peer["password"]),
    };
    peers.iter().map(peer).collect()
}
