//! A server that keeps connections, and on each does as a test tells it, well or ill.

use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What was asked.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Of the connection, from 0.
    pub connection: usize,
    /// On this connection, from 0.
    pub turn: usize,
    pub body: String,
}

/// What the server does.
pub enum Act {
    /// Status and body; the connection stays open.
    Answer(u16, Vec<u8>),
    /// The same, and it closes without having said so.
    AnswerAndClose(u16, Vec<u8>),
    /// A good status and a body, and after a while bytes that nobody asked for; the connection stays open.
    AnswerAndMore(Vec<u8>, Vec<u8>, Duration),
    /// These bytes, and it closes.
    Bytes(Vec<u8>),
    /// Nothing, and it stays open.
    Silence,
}

type Acting = Box<dyn FnMut(&Asked) -> Act + Send>;

pub struct Server {
    pub url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    accepted: Arc<Mutex<usize>>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    pub async fn start(act: impl FnMut(&Asked) -> Act + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/shep", listener.local_addr().unwrap());
        let acting: Arc<Mutex<Acting>> = Arc::new(Mutex::new(Box::new(act)));
        let (asked, accepted) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(0)));
        let (heard, count) = (asked.clone(), accepted.clone());
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let connection = {
                    let mut count = count.lock().unwrap();
                    *count += 1;
                    *count - 1
                };
                tokio::spawn(serve(stream, connection, acting.clone(), heard.clone()));
            }
        });
        Self { url, asked, accepted, task }
    }

    /// What was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// How many connections were made.
    pub fn connections(&self) -> usize {
        *self.accepted.lock().unwrap()
    }
}

async fn serve(
    mut stream: TcpStream,
    connection: usize,
    acting: Arc<Mutex<Acting>>,
    heard: Arc<Mutex<Vec<Asked>>>,
) {
    for turn in 0.. {
        let Some(body) = read(&mut stream).await else { return };
        let asked = Asked { connection, turn, body };
        heard.lock().unwrap().push(asked.clone());
        let act = acting.lock().unwrap()(&asked);
        let (bytes, stays) = match act {
            Act::AnswerAndMore(body, more, after) => {
                let answer = message(200, &body);
                if after.is_zero() {
                    ([answer, more].concat(), true)
                } else if stream.write_all(&answer).await.is_err() {
                    return;
                } else {
                    tokio::time::sleep(after).await;
                    (more, true)
                }
            }
            Act::Answer(status, body) => (message(status, &body), true),
            Act::AnswerAndClose(status, body) => (message(status, &body), false),
            Act::Bytes(bytes) => (bytes, false),
            Act::Silence => (Vec::new(), true),
        };
        if stream.write_all(&bytes).await.is_err() || !stays {
            return;
        }
    }
}

fn message(status: u16, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: text/xml; charset=utf-8\r\nlocation: http://127.0.0.1:1/\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

async fn read(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8(bytes[..end].to_vec()).unwrap().to_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
            if bytes.len() >= end + 4 + length.parse::<usize>().unwrap() {
                return Some(String::from_utf8(bytes[end + 4..].to_vec()).unwrap());
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}
