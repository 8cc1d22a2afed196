//! The outgoing HTTP client against servers that behave, and that do not.

use hyper::Uri;
use kdp::gateway::http_client::{HttpAnswer, HttpClient, HttpError};
use rcgen::{CertificateParams, KeyPair};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::{ServerConfig, crypto};

const SOON: Duration = Duration::from_secs(5);

/// A server of one connection: reads the header of a request, writes `answer` and tells what it read.
async fn serve(answer: Vec<u8>) -> (Uri, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}/path?q=1", listener.local_addr().unwrap()).parse().unwrap();
    let task = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        converse(stream, &answer).await
    });
    (uri, task)
}

async fn converse(mut stream: impl AsyncRead + AsyncWrite + Unpin, answer: &[u8]) -> String {
    let read = read_head(&mut stream).await;
    let _ = stream.write_all(answer).await;
    let _ = stream.shutdown().await;
    read
}

async fn read_head(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut read = Vec::new();
    while !read.windows(4).any(|four| four == b"\r\n\r\n") {
        let mut buffer = [0; 1024];
        let count = stream.read(&mut buffer).await.unwrap();
        read.extend_from_slice(&buffer[..count]);
    }
    String::from_utf8(read).unwrap()
}

async fn get(uri: &Uri, timeout: Duration) -> Result<HttpAnswer, HttpError> {
    HttpClient::new(timeout, None).unwrap().get(uri).await
}

#[tokio::test]
async fn an_envelope_is_posted_as_soap_1_1_and_any_status_is_an_answer() {
    let (uri, server) = serve(b"HTTP/1.1 500 x\r\nContent-Length: 2\r\n\r\nhi".to_vec()).await;
    let answer = HttpClient::new(SOON, None).unwrap().post_soap(&uri, "<a/>".into()).await.unwrap();
    assert_eq!((answer.status, &*answer.body), (500, b"hi".as_slice()));
    let request = server.await.unwrap().to_ascii_lowercase();
    assert!(request.starts_with("post /path?q=1 http/1.1\r\n"), "{request}");
    for header in
        ["content-type: text/xml; charset=utf-8", "soapaction: \"\"", "user-agent: kdp/", "host: 127.0.0.1:"]
    {
        assert!(request.contains(header), "{header} is not in {request}");
    }
}

#[tokio::test]
async fn a_server_that_says_nothing_is_not_waited_for() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
    assert!(matches!(get(&uri, Duration::from_millis(100)).await, Err(HttpError::Timeout)));
}

#[tokio::test]
async fn an_answer_without_end_is_cut_off() {
    let mut endless = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
    endless.resize(5 << 20, b'x');
    let (uri, _server) = serve(endless).await;
    assert!(matches!(get(&uri, SOON).await, Err(HttpError::TooLong)));
}

#[tokio::test]
async fn a_broken_answer_is_named_so() {
    for answer in [&b""[..], b"hello\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi"] {
        let (uri, _server) = serve(answer.to_vec()).await;
        assert!(matches!(get(&uri, SOON).await, Err(HttpError::Broken)), "{answer:?}");
    }
}

#[tokio::test]
async fn nobody_there_and_no_address_are_told_apart() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
    drop(listener);
    assert!(matches!(get(&uri, SOON).await, Err(HttpError::Connect(_))));
    for wrong in ["/path", "ftp://h/", "http://user:secret@127.0.0.1/"] {
        let error = get(&wrong.parse().unwrap(), SOON).await.err().unwrap();
        assert!(matches!(error, HttpError::Address), "{wrong}");
    }
}

/// TLS for `localhost` by a certificate of its own, and that, PEM.
fn localhost() -> (Arc<ServerConfig>, String) {
    let key = KeyPair::generate().unwrap();
    let certificate =
        CertificateParams::new(vec!["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        )
        .unwrap();
    (Arc::new(config), certificate.pem())
}

#[tokio::test]
async fn a_kept_connection_of_https_costs_one_handshake() {
    let (config, pem) = localhost();
    let listener = TcpListener::bind("localhost:0").await.unwrap();
    let uri: Uri = format!("https://localhost:{}/", listener.local_addr().unwrap().port()).parse().unwrap();
    let server = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = TlsAcceptor::from(config).accept(stream).await.unwrap();
        for _ in 0..3 {
            read_head(&mut stream).await;
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi").await.unwrap();
        }
    });
    let client = HttpClient::new(SOON, Some(pem.as_bytes())).unwrap().keeping(1);
    for _ in 0..3 {
        assert_eq!(&*client.get(&uri).await.unwrap().body, b"hi");
    }
    server.await.unwrap();
    // The listener is gone with it.
    assert!(matches!(client.get(&uri).await, Err(HttpError::Connect(_))));
}

#[tokio::test]
async fn https_is_spoken_with_servers_of_the_given_authorities_alone() {
    let (config, pem) = localhost();
    let (_, other) = localhost();
    let listener = TcpListener::bind("localhost:0").await.unwrap();
    let uri: Uri = format!("https://localhost:{}/", listener.local_addr().unwrap().port()).parse().unwrap();
    tokio::spawn(async move {
        let acceptor = TlsAcceptor::from(config);
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            if let Ok(stream) = acceptor.accept(stream).await {
                converse(stream, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi").await;
            }
        }
    });
    let with = |pem: &str| HttpClient::new(SOON, Some(pem.as_bytes())).unwrap();
    assert_eq!(&*with(&pem).get(&uri).await.unwrap().body, b"hi");
    assert!(matches!(with(&other).get(&uri).await, Err(HttpError::Tls)));
    assert!(matches!(get(&uri, SOON).await, Err(HttpError::NoAuthorities)));
    assert!(matches!(HttpClient::new(SOON, Some(b"no PEM")), Err(HttpError::Authorities)));
}
