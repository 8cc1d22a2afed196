//! A plain HTTP client that shares nothing with the service: bytes in, bytes out.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

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

    /// The value of the header with this name, which is in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (own, value) = line.split_once(':')?;
            own.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    pub fn closes(&self) -> bool {
        self.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"))
    }
}

/// One connection, kept alive.
pub struct Connection {
    stream: BufReader<TcpStream>,
}

impl Connection {
    pub fn open(address: SocketAddr) -> Self {
        Self::over(TcpStream::connect(address).unwrap())
    }

    pub fn over(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        Self { stream: BufReader::new(stream) }
    }

    /// The same, with answers expected at once: long before any of the service's own timeouts.
    pub fn impatient(address: SocketAddr) -> Self {
        let connection = Self::open(address);
        connection.stream.get_ref().set_read_timeout(Some(Duration::from_secs(3))).unwrap();
        connection
    }

    pub fn post(&mut self, body: &[u8]) -> Reply {
        self.send("POST", "/shep/sync", "Content-Type: text/xml; charset=utf-8\r\n", body)
    }

    pub fn get(&mut self, path: &str) -> Reply {
        self.send("GET", path, "", b"")
    }

    pub fn send(&mut self, method: &str, path: &str, headers: &str, body: &[u8]) -> Reply {
        let mut message = head(method, path, headers, body.len());
        message.extend_from_slice(body);
        // The peer may answer and close before it has read everything.
        self.write(&message);
        self.read()
    }

    /// Whether the peer took it all.
    pub fn write(&mut self, bytes: &[u8]) -> bool {
        self.stream.get_mut().write_all(bytes).is_ok()
    }

    pub fn read(&mut self) -> Reply {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            let read = self.stream.read_line(&mut head).unwrap();
            assert!(read > 0, "the connection closed after {head:?}");
        }
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let mut reply = Reply { status, head, body: String::new() };
        let length = reply.header("content-length").map_or(0, |length| length.parse().unwrap());
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).unwrap();
        reply.body = String::from_utf8(body).unwrap();
        reply
    }

    /// Whether the peer closes, in order and without another byte.
    pub fn ends(&mut self) -> bool {
        let mut rest = Vec::new();
        self.stream.read_to_end(&mut rest).is_ok() && rest.is_empty()
    }
}

/// The header of a request, whose body follows in `length` bytes.
pub fn head(method: &str, path: &str, headers: &str, length: usize) -> Vec<u8> {
    format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n{headers}Content-Length: {length}\r\n\r\n")
        .into_bytes()
}
