//! The public listener behind TLS, and a certificate that is replaced while it serves.

use super::*;
use rcgen::{CertificateParams, KeyPair};

/// Puts a certificate of 127.0.0.1 and its key where the configuration expects them.
fn renew(installation: &Installation, copy: &str) {
    let key = KeyPair::generate().unwrap();
    let certificate =
        CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap().self_signed(&key).unwrap();
    fs::write(installation.file("tls.cert.pem"), certificate.pem()).unwrap();
    fs::write(installation.file(copy), certificate.pem()).unwrap();
    fs::write(installation.file("tls.key.pem"), key.serialize_pem()).unwrap();
    installation.chmod("tls.key.pem", 0o600);
}

#[test]
fn a_grant_travels_over_tls_and_sighup_brings_a_renewed_certificate() {
    let installation = Installation::complete();
    renew(&installation, "first.pem");
    let file = |name: &str| installation.file(name).display().to_string();
    let section =
        format!("[tls]\ncertificate = \"{}\"\nkey = \"{}\"\n", file("tls.cert.pem"), file("tls.key.pem"));
    installation.reconfigure("[log]", &format!("{section}[log]"));
    installation.chmod("tls.key.pem", 0o644);
    assert_refused(
        &installation,
        "a TLS key that others can read",
        "tls.key.pem: must be readable by its owner only",
    );
    installation.chmod("tls.key.pem", 0o600);

    let (mut service, public, admin) = Process::serve(&installation.config());
    let url = format!("https://{public}/shep/sync");
    let ovt = installation.ovt(SUBJECT);
    let send = |authority: &str| installation.send(&url, &ovt, SUBJECT, &["--tls-ca", &file(authority)]);
    let token = granted(&send("first.pem"));
    let mut plain = Connection::open(public);
    assert!(plain.write(b"GET /.well-known/jwks.json HTTP/1.1\r\nHost: h\r\n\r\n"));
    assert!(!plain.ends(), "an alert of TLS, and no answer in the clear");
    assert_eq!(Connection::open(admin).get("/health/ready").status, 200);

    renew(&installation, "second.pem");
    fs::write(installation.file("tls.cert.pem"), "no certificate").unwrap();
    service.signal("HUP");
    service.await_line("the old configuration stays");
    assert_eq!(granted(&send("first.pem")), token);
    fs::copy(installation.file("second.pem"), installation.file("tls.cert.pem")).unwrap();
    service.signal("HUP");
    service.await_line("were read anew");
    assert_eq!(granted(&send("second.pem")), token);
    installation.reconfigure(&section, "");
    service.signal("HUP");
    assert!(service.await_line("the old configuration stays").contains("[tls]"));
    assert_eq!(service.terminate().code, Some(0));
}
