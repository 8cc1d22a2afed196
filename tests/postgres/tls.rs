//! Over the network: TLS, a certificate that is verified in full, and a password from a file. Or nothing is told.

use super::server::{Authority, Server};
use super::{kdp, said};
use kdp::store::StoreError;
use kdp::store::postgres::connect::{Address, Place};
use kdp::store::postgres::inspect;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;

const UNTRUSTED: StoreError = StoreError::Unusable("database not trusted");
const REFUSED: StoreError = StoreError::Unusable("database refuses the connection");

/// What comes of connecting.
fn connect(url: &str, authorities: Option<&Path>, password: Option<&Path>) -> Result<(), StoreError> {
    let address = Address { url, password_file: password, authorities, connections: 2, node: "one" };
    match inspect(&Place::read(&address)?) {
        // It was asked, and said what it holds.
        Err(StoreError::Setup(why)) if why.contains("is empty") => Ok(()),
        other => other,
    }
}

#[test]
fn a_server_is_told_the_password_when_its_certificate_holds_and_else_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (ours, others) =
        (Authority::new(folder.path().join("ours.pem")), Authority::new(folder.path().join("others.pem")));
    let Some(server) = Server::start(&ours) else { return };
    let (right, wrong) = (Server::password(true), Server::password(false));
    let at = |host: &str, mode: &str| format!("postgres://kdp@{host}:{}/postgres{mode}", server.port);
    let (url, named) = (at("localhost", "?sslmode=require"), Some(ours.file.as_path()));
    assert_eq!(connect(&url, named, Some(right.path())), Ok(()));
    assert_eq!(connect(&at("localhost", "?sslmode=verify-full"), named, Some(right.path())), Ok(()));
    // Another name than it was asked by, another authority, none.
    for (url, authorities) in
        [(&at("127.0.0.1", "?sslmode=require"), named), (&url, Some(others.file.as_path())), (&url, None)]
    {
        assert_eq!(connect(url, authorities, Some(right.path())), Err(UNTRUSTED), "{url} {authorities:?}");
    }
    // Without TLS it lets nobody in, and that is not tried where TLS is asked for.
    assert_eq!(connect(&at("localhost", ""), None, Some(right.path())), Err(REFUSED));
    assert_eq!(connect(&url, named, Some(wrong.path())), Err(REFUSED));
    assert_eq!(connect(&url, named, None), Err(REFUSED));
    server.show(&ours, 2021);
    assert_eq!(connect(&url, named, Some(right.path())), Err(UNTRUSTED), "it has expired");
    server.show(&others, 2099);
    assert_eq!(connect(&url, named, Some(right.path())), Err(UNTRUSTED), "somebody else's");
    server.show(&ours, 2099);
    assert_eq!(connect(&url, named, Some(right.path())), Ok(()));
    server.speak_tls(false);
    assert_eq!(connect(&url, named, Some(right.path())), Err(UNTRUSTED), "it has no TLS");
}

#[test]
fn commands_work_over_tls_and_say_what_is_wrong_without_the_password() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let ours = Authority::new(folder.path().join("ours.pem"));
    let Some(server) = Server::start(&ours) else { return };
    server.run("CREATE DATABASE state");
    let password = Server::password(true);
    let url = format!("postgres://kdp@localhost:{}/state?sslmode=require", server.port);
    let path = super::configuration(folder.path(), &url);
    let text = std::fs::read_to_string(&path).unwrap();
    let more = format!(
        "authorities = \"{}\"\npassword_file = \"{}\"\n",
        ours.file.display(),
        password.path().display()
    );
    std::fs::write(&path, text + &more).unwrap();
    let made = kdp(&["migrate"], &path);
    assert!(made.status.success() && said(&made).contains("created with version"), "{}", said(&made));
    let checked = said(&kdp(&["check"], &path));
    assert!(checked.contains("nobody has access"), "it was read: {checked}");
    // Whoever else can read it could tell it.
    std::fs::set_permissions(password.path(), std::fs::Permissions::from_mode(0o644)).unwrap();
    let open = said(&kdp(&["check"], &path));
    assert!(open.contains("chmod 600") && !open.contains("made-up"), "{open}");
    std::fs::set_permissions(password.path(), std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::write(password.path(), "made-up-and-wrong").unwrap();
    let wrong = kdp(&["migrate"], &path);
    let told = said(&wrong);
    assert!(!wrong.status.success() && told.contains("refuses the connection"), "{told}");
    assert!(!told.contains("made-up"), "{told}");
    std::fs::copy(Authority::new(folder.path().join("others.pem")).file, &ours.file).unwrap();
    let told = said(&kdp(&["migrate"], &path));
    assert!(told.contains("not trusted"), "{told}");
}

#[test]
fn whoever_says_that_there_is_no_tls_hears_nothing_more() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = std::thread::spawn(move || {
        let (mut call, _) = listener.accept().unwrap();
        let mut asked = [0; 8];
        call.read_exact(&mut asked).unwrap();
        call.write_all(b"N").unwrap();
        let mut more = Vec::new();
        let _ = call.read_to_end(&mut more);
        (asked, more)
    });
    let password = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(password.path(), "made-up").unwrap();
    let url = format!("postgres://kdp@localhost:{port}/kdp?sslmode=require");
    assert_eq!(connect(&url, None, Some(password.path())), Err(UNTRUSTED));
    let (asked, more) = heard.join().unwrap();
    // The one message that asks for TLS, by its length and code.
    assert_eq!(asked, [0, 0, 0, 8, 4, 210, 22, 47]);
    assert!(more.is_empty(), "{} bytes", more.len());
}
