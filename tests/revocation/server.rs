//! A server that answers as a test wants, and remembers what it was asked.

use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What was asked.
#[derive(Clone, Debug)]
pub struct Request {
    /// Request line and fields, in lower case.
    pub head: String,
    pub body: Vec<u8>,
}

/// What is answered.
#[derive(Clone)]
pub enum Reply {
    /// Status, further fields, body.
    Answer(u16, String, Vec<u8>),
    /// Longer than anybody waits.
    Nothing,
    /// The connection ends within the body.
    CutOff(Vec<u8>),
    NotHttp,
}

impl Reply {
    pub fn ok(body: Vec<u8>) -> Self {
        Self::Answer(200, String::new(), body)
    }
}

type Answering = Box<dyn FnMut(&Request) -> Reply + Send>;

pub struct Server {
    pub url: String,
    answering: Arc<Mutex<Answering>>,
    requests: Arc<Mutex<Vec<Request>>>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    pub async fn start(answer: impl FnMut(&Request) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let answering: Arc<Mutex<Answering>> = Arc::new(Mutex::new(Box::new(answer)));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (answers, asked) = (answering.clone(), requests.clone());
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (answers, asked) = (answers.clone(), asked.clone());
                tokio::spawn(async move { serve(stream, &answers, &asked).await });
            }
        });
        Self { url, answering, requests, task }
    }

    pub fn answer(&self, answer: impl FnMut(&Request) -> Reply + Send + 'static) {
        *self.answering.lock().unwrap() = Box::new(answer);
    }

    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

async fn serve(mut stream: TcpStream, answers: &Mutex<Answering>, asked: &Mutex<Vec<Request>>) {
    let Some(request) = read(&mut stream).await else { return };
    asked.lock().unwrap().push(request.clone());
    let reply = answers.lock().unwrap()(&request);
    let bytes = match reply {
        Reply::Answer(status, fields, body) => {
            let length = body.len();
            let head = format!(
                "HTTP/1.1 {status} X\r\ncontent-length: {length}\r\n{fields}connection: close\r\n\r\n"
            );
            [head.as_bytes(), &body].concat()
        }
        Reply::Nothing => return tokio::time::sleep(std::time::Duration::from_mins(1)).await,
        Reply::CutOff(body) => {
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len() + 1);
            [head.as_bytes(), &body].concat()
        }
        Reply::NotHttp => b"220 mail.example ESMTP\r\n".to_vec(),
    };
    let _ = stream.write_all(&bytes).await;
    let _ = stream.shutdown().await;
}

async fn read(stream: &mut TcpStream) -> Option<Request> {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8(bytes[..end].to_vec()).unwrap().to_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            let length = length.map_or(0, |length| length.parse().unwrap());
            if bytes.len() >= end + 4 + length {
                return Some(Request { head, body: bytes[end + 4..].to_vec() });
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}
