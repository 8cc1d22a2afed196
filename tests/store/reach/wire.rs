//! The wire between a node and the server, which can be cut: then nothing passes it, and nobody is told.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream, UnixStream};
use tokio::task::JoinSet;
use tokio_postgres::config::Host;

pub struct Wire {
    pub address: SocketAddr,
    shared: Arc<Shared>,
    // End with the wire.
    _carrying: JoinSet<()>,
    held: Vec<TcpStream>,
}

#[derive(Default)]
struct Shared {
    is_cut: AtomicBool,
    healed: tokio::sync::Notify,
}

impl Wire {
    /// To the server that `KDP_POSTGRES` names.
    pub fn new() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = socket.local_addr().unwrap();
        let shared = Arc::<Shared>::default();
        let mut carrying = JoinSet::new();
        // So few may wait to be let in that `cut` can be all of them.
        carrying.spawn(accept(socket.listen(1).unwrap(), shared.clone()));
        Self { address, shared, _carrying: carrying, held: Vec::new() }
    }

    /// From now on nothing is carried, and whoever calls hears nothing, as when packets are dropped: the kernel answers no call
    /// while more wait than may.
    pub async fn cut(&mut self) {
        self.shared.is_cut.store(true, Ordering::SeqCst);
        loop {
            let call = tokio::time::timeout(Duration::from_millis(200), TcpStream::connect(self.address));
            match call.await {
                Ok(called) => self.held.push(called.unwrap()),
                Err(_unanswered) => return,
            }
        }
    }

    /// What was sent meanwhile is carried now.
    pub fn heal(&mut self) {
        self.held.clear();
        self.shared.is_cut.store(false, Ordering::SeqCst);
        self.shared.healed.notify_waiters();
    }
}

impl Shared {
    async fn whole(&self) {
        loop {
            let healed = self.healed.notified();
            if !self.is_cut.load(Ordering::SeqCst) {
                return;
            }
            healed.await;
        }
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut carried = JoinSet::new();
    loop {
        shared.whole().await;
        let (near, _) = listener.accept().await.unwrap();
        let shared = shared.clone();
        carried.spawn(async move {
            shared.whole().await;
            let (near_reader, near_writer) = near.into_split();
            let config: tokio_postgres::Config = std::env::var("KDP_POSTGRES").unwrap().parse().unwrap();
            let port = config.get_ports().first().copied().unwrap_or(5432);
            let (far_reader, far_writer): (
                Box<dyn AsyncRead + Send + Unpin>,
                Box<dyn AsyncWrite + Send + Unpin>,
            ) = match &config.get_hosts()[0] {
                Host::Unix(folder) => {
                    let far = UnixStream::connect(folder.join(format!(".s.PGSQL.{port}"))).await.unwrap();
                    let (reader, writer) = far.into_split();
                    (Box::new(reader), Box::new(writer))
                }
                Host::Tcp(name) => {
                    let far = TcpStream::connect((name.as_str(), port)).await.unwrap();
                    let (reader, writer) = far.into_split();
                    (Box::new(reader), Box::new(writer))
                }
            };
            // The end of one way is the end of both.
            tokio::select! {
                () = carry(near_reader, far_writer, &shared) => {}
                () = carry(far_reader, near_writer, &shared) => {}
            }
        });
    }
}

async fn carry(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, shared: &Shared) {
    let mut bytes = vec![0; 1 << 16];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        shared.whole().await;
        if to.write_all(&bytes[..count]).await.is_err() {
            break;
        }
    }
    // Not even the end is told across a wire that is cut.
    shared.whole().await;
}
