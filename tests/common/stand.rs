//! A seeded sandbox in this process, its clock standing at the fixtures' time, and a plain HTTP client for it.

use kdp::sandbox::{Options, Running, start};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

/// `now` of fixtures/world.json, Unix milliseconds.
pub const NOW: i64 = 1_775_026_800_000;

/// The sandbox of seed 1 in a fresh directory.
pub struct Stand {
    pub running: Running,
    pub directory: tempfile::TempDir,
    pub address: SocketAddr,
}

impl Stand {
    pub async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let running = start(options(directory.path()), Some(NOW)).await.unwrap();
        let address = running.url.strip_prefix("http://").unwrap().split('/').next().unwrap();
        Self { address: address.parse().unwrap(), running, directory }
    }
}

pub fn options(data: &Path) -> Options {
    Options {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        admin_listen: None,
        data: data.to_owned(),
        reset: false,
        seed: Some(1),
        log_level: "error".to_owned(),
    }
}

/// What came back.
pub struct Reply {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Reply {
    /// The text of the first element with this local name.
    pub fn element(&self, name: &str) -> Option<&str> {
        ["", "k:", "t:"].iter().find_map(|prefix| {
            let (_, rest) = self.body.split_once(&format!("<{prefix}{name}>"))?;
            Some(rest.split_once(&format!("</{prefix}{name}>"))?.0)
        })
    }

    /// `data/status`.
    pub fn word(&self) -> Option<&str> {
        let (_, data) = self.body.split_once("data>")?;
        Some(data.split_once("status>")?.1.split_once("</")?.0)
    }

    pub fn closes(&self) -> bool {
        self.head.to_ascii_lowercase().contains("connection: close")
    }
}

/// One connection, kept alive.
pub struct Connection {
    stream: BufReader<TcpStream>,
}

impl Connection {
    pub fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        Self { stream: BufReader::new(stream) }
    }

    pub fn post(&mut self, body: &[u8]) -> Reply {
        self.send("POST", "/shep/sync", "Content-Type: text/xml; charset=utf-8\r\n", body)
    }

    pub fn send(&mut self, method: &str, path: &str, headers: &str, body: &[u8]) -> Reply {
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\n{headers}Content-Length: {length}\r\n\r\n"
        );
        let mut message = head.into_bytes();
        message.extend_from_slice(body);
        // The peer may answer and close before it has read everything.
        let _ = self.stream.get_mut().write_all(&message);
        self.read()
    }

    pub fn raw(&mut self, bytes: &[u8]) -> Reply {
        self.stream.get_mut().write_all(bytes).unwrap();
        self.read()
    }

    fn read(&mut self) -> Reply {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            let read = self.stream.read_line(&mut head).unwrap();
            assert!(read > 0, "the connection closed after {head:?}");
        }
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let length = head
            .lines()
            .find_map(|l| {
                l.to_ascii_lowercase().strip_prefix("content-length:").map(|v| v.trim().parse().unwrap())
            })
            .unwrap_or(0);
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).unwrap();
        Reply { status, head, body: String::from_utf8(body).unwrap() }
    }
}
