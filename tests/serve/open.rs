//! TLS by default, its least version, and clients that must show who they are.

use super::*;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
};
use std::process::{Command, Stdio};

/// A certificate of its own authority, as files `NAME.pem` and `NAME.key`; the authority as `NAME-ca.pem`.
fn issue(installation: &Installation, name: &str, usage: ExtendedKeyUsagePurpose) {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.distinguished_name.push(DnType::CommonName, format!("authority of {name}"));
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let (key, mut own) =
        (KeyPair::generate().unwrap(), CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap());
    own.extended_key_usages = vec![usage];
    let own = own.signed_by(&key, &authority).unwrap();
    fs::write(installation.file(&format!("{name}-ca.pem")), authority.pem()).unwrap();
    fs::write(installation.file(&format!("{name}.pem")), own.pem()).unwrap();
    fs::write(installation.file(&format!("{name}.key")), key.serialize_pem()).unwrap();
    installation.chmod(&format!("{name}.key"), 0o600);
}

fn with_tls(more: &str) -> Installation {
    let installation = Installation::complete();
    issue(&installation, "server", ExtendedKeyUsagePurpose::ServerAuth);
    issue(&installation, "gateway", ExtendedKeyUsagePurpose::ClientAuth);
    issue(&installation, "stranger", ExtendedKeyUsagePurpose::ClientAuth);
    let file = |name: &str| installation.file(name).display().to_string();
    let section =
        format!("[tls]\ncertificate = \"{}\"\nkey = \"{}\"\n", file("server.pem"), file("server.key"));
    installation.reconfigure("[log]", &format!("{section}{}[log]", more.replace("DIR", &file(""))));
    installation
}

/// What another program of TLS gets for a GET, by these flags.
fn s_client(installation: &Installation, public: SocketAddr, flags: &[&str]) -> String {
    let mut command = Command::new("openssl");
    command.args(["s_client", "-quiet", "-no_ign_eof", "-connect", &public.to_string(), "-CAfile"]);
    command.arg(installation.file("server-ca.pem")).arg("-verify_return_error").args(flags);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let request = b"GET /.well-known/jwks.json HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    // One that failed already does not read it.
    let mut input = child.stdin.take().unwrap();
    let _ = std::io::Write::write_all(&mut input, request);
    let output = child.wait_with_output().unwrap();
    drop(input);
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn a_public_listener_off_loopback_needs_tls_or_the_word_that_something_before_it_ends_tls() {
    let installation = Installation::complete();
    installation.reconfigure("public = \"127.0.0.1:0\"", "public = \"0.0.0.0:0\"");
    let checked = installation.try_run(&["check"]);
    assert_eq!(checked.code, Some(1), "{}", checked.out);
    assert!(checked.out.contains("error: [tls] is missing"), "{}", checked.out);
    assert_refused(&installation, "a listener without TLS", "listen.plain = true");
    installation.reconfigure("public = \"0.0.0.0:0\"", "public = \"0.0.0.0:0\"\nplain = true");
    assert!(installation.run(&["check"]).contains("warning: listen.plain = true"));
    let (service, ..) = Process::serve(&installation.config());
    assert_eq!(service.terminate().code, Some(0));
}

#[test]
fn tls_1_2_and_1_3_are_spoken_and_nothing_older() {
    let installation = with_tls("");
    let (service, public, _) = Process::serve(&installation.config());
    for version in ["-tls1_2", "-tls1_3"] {
        let said = s_client(&installation, public, &[version]);
        assert!(said.contains("HTTP/1.1 200"), "{version}: {said}");
    }
    for version in ["-tls1", "-tls1_1"] {
        let said = s_client(&installation, public, &[version, "-cipher", "DEFAULT:@SECLEVEL=0"]);
        assert!(!said.contains("HTTP/1.1"), "{version}: {said}");
    }
    assert_eq!(service.terminate().code, Some(0));
}

#[test]
fn with_client_ca_only_who_shows_a_certificate_of_it_is_served() {
    let installation = with_tls("client_ca = \"DIRgateway-ca.pem\"\n");
    let (service, public, admin) = Process::serve(&installation.config());
    let file = |name: &str| installation.file(name).display().to_string();
    for version in ["-tls1_2", "-tls1_3"] {
        let own = [version, "-cert", &file("gateway.pem"), "-key", &file("gateway.key")];
        let said = s_client(&installation, public, &own);
        assert!(said.contains("HTTP/1.1 200"), "{version}: {said}");
        let none = s_client(&installation, public, &[version]);
        assert!(!none.contains("HTTP/1.1"), "{version}: {none}");
        let other = [version, "-cert", &file("stranger.pem"), "-key", &file("stranger.key")];
        let said = s_client(&installation, public, &other);
        assert!(!said.contains("HTTP/1.1"), "{version}: {said}");
    }
    assert_eq!(Connection::open(admin).get("/health/ready").body, "ready");
    assert_eq!(service.terminate().code, Some(0));
    for (spoilt, named) in [
        ("", "holds no certificate"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "cannot be used"),
    ] {
        fs::write(installation.file("gateway-ca.pem"), spoilt).unwrap();
        assert_refused(&installation, "authorities of clients", named);
    }
}
