//! `kdp serve` with ШЭП outside: what is configured is called, a new key signs after SIGHUP, a fault of a party is seen, and
//! `kdp check` names what is missing.

use crate::http::Connection;
use crate::installation::{Installation, SERVICE_ID, SUBJECT};
use crate::process::Process;
use crate::question::is_ours;
use crate::server::{Act, Asked, Server};
use crate::shep::{Saying, element, signer, unsigned};
use kdp::gateway::fault::PartyFault;
use kdp::serve::Severity;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

fn path(name: &str) -> String {
    format!("{}/fixtures/pki/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// An installation that calls ШЭП at this address.
fn with_shep(url: &str) -> Installation {
    let installation = Installation::complete();
    fs::write(installation.file("shep.password"), "there\n").unwrap();
    installation.chmod("shep.password", 0o600);
    let sections = format!(
        "[peers.shep]\nkind = \"gateway\"\ncertificates = [\"{}\"]\n\
         [shep]\nurl = \"{url}\"\nsender_id = \"KDP_TEST\"\npassword = \"{}\"\nkey_info = \"issuer-serial\"\n\
         [bmg]\ndriver = \"shep\"\n[sms]\ndriver = \"shep\"\n[log]\n",
        path("shep.cert.pem"),
        installation.file("shep.password").display(),
    );
    installation.reconfigure("[log]\n", &sections);
    installation
}

/// Waits until ШЭП was asked so often.
async fn asked(server: &Server, times: usize) -> Vec<Asked> {
    for _ in 0..400 {
        let asked = server.asked();
        if asked.len() >= times {
            return asked;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("asked {} times", server.asked().len());
}

fn services(asked: &[Asked]) -> Vec<&str> {
    asked.iter().map(|asked| element(&asked.body, "serviceId")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_asks_the_outside_and_after_sighup_by_its_new_key() {
    let (shep, is_bad) = (signer("shep"), Arc::new(AtomicBool::new(false)));
    let bad = is_bad.clone();
    let server = Server::start(move |asked| {
        let saying = Saying::to(asked);
        Act::Answer(
            200,
            if bad.load(Ordering::SeqCst) { unsigned(&saying.text()) } else { saying.signed(&shep) },
        )
    })
    .await;
    let installation = with_shep(&server.url);
    let checked = installation.run(&["check"]);
    assert!(!checked.contains("gateways") && checked.ends_with("ok: the service can start\n"), "{checked}");
    let (mut service, public, admin) = Process::serve(&installation.config());
    let (url, ovt) = (format!("http://{public}/shep/sync"), installation.ovt(SUBJECT));
    let ask = |service_id: &str, trust: &str| {
        let flags = ["--method", "1", "--service", service_id, "--trust", &path(trust)];
        let answer = installation.send(&url, &ovt, SUBJECT, &flags);
        assert_eq!(answer["data"]["status"], "PENDING", "{answer}");
    };

    ask(SERVICE_ID, "service.cert.pem");
    let first = asked(&server, 2).await;
    assert_eq!(services(&first), ["MCDB_SERVICE", "SMS_1414"]);
    for asked in &first {
        assert!(is_ours(&asked.body, &["service"]) && asked.body.contains("<ds:X509IssuerSerial>"));
        assert_eq!(element(&asked.body, "senderId"), "KDP_TEST");
        assert_eq!(element(&asked.body, "password"), "there");
    }

    fs::copy(path("service.gost.key.pem"), installation.file("service.key.pem")).unwrap();
    installation.chmod("service.key.pem", 0o600);
    installation.reconfigure(&path("service.cert.pem"), &path("service.gost.cert.pem"));
    fs::write(installation.file("shep.password"), "changed").unwrap();
    service.signal("HUP");
    service.await_line("read anew");
    ask("GBDRN_token", "service.gost.cert.pem");
    let then = asked(&server, 4).await;
    assert_eq!(services(&then[2..]), ["MCDB_SERVICE", "SMS_1414"]);
    for asked in &then[2..] {
        assert!(is_ours(&asked.body, &["service.gost"]));
        assert_eq!(element(&asked.body, "password"), "changed");
    }

    is_bad.store(true, Ordering::SeqCst);
    ask("GBDFLUniversal_token,GBDRN_token", "service.gost.cert.pem");
    asked(&server, 5).await;
    let figures = Connection::open(admin).get("/metrics").body;
    let fault = PartyFault::Unsigned.code();
    let line = figures.lines().find(|line| {
        line.starts_with("kdp_party_faults_total{") && line.contains(fault) && line.contains("party=\"bmg\"")
    });
    assert!(line.is_some(), "{figures}");
    assert!(figures.contains("kdp_party_left_alone{party=\"bmg\"} 0"), "{figures}");
    assert_eq!(service.terminate().code, Some(0));
}

#[test]
fn kdp_check_names_what_is_missing_to_call_others() {
    let url = "http://127.0.0.1:1/shep";
    let installation = with_shep(url);
    let good = fs::read_to_string(installation.config()).unwrap();
    let ca = installation.file("ca.pem");
    fs::copy(path("ca.pem"), &ca).unwrap();
    let https = format!("url = \"https://shep.example/\"\ntls_ca = \"{}\"\n", ca.display());
    let pinned = format!("kind = \"gateway\"\ncertificates = [\"{}\"]\n", path("shep.cert.pem"));
    for (before, after, expected, code) in [
        (
            pinned.as_str(),
            "kind = \"direct\"\n",
            "error: shep.peer = \"shep\": [peers.shep] must pin the certificates",
            1,
        ),
        (
            "driver = \"shep\"",
            "driver = \"none\"",
            "warning: methods 1 and 5 have no gateways (bmg.driver = \"none\")",
            0,
        ),
        ("[peers.shep]", "[peers.gate]", "error: shep.peer = \"shep\": there is no section [peers.shep]", 1),
        (
            url,
            "https://shep.example/",
            "error: shep.url and shep.async_url with https:// need shep.tls_ca",
            1,
        ),
        (url, "http://shep.example/", "warning: shep.url is http://: messages travel in the clear", 0),
        ("url = \"http://127.0.0.1:1/shep\"\n", &https, "ok: the service can start", 0),
        ("[bmg]\n", "[bmg]\ntimeout_ms = 25000\n", "warning: bmg.timeout_ms is not shorter than", 0),
        ("shep.password", "shep.nothing", "shep.nothing: entity not found", 1),
        ("shep.password", "kdp.toml", "kdp.toml: must be readable by its owner only (chmod 600)", 1),
        (
            "key_info = \"issuer-serial\"",
            &format!("tls_ca = \"{}\"", path("service.key.pem")),
            "shep.tls_ca: the file of authorities holds no usable PEM",
            1,
        ),
    ] {
        assert!(good.contains(before), "{before}");
        fs::write(installation.config(), good.replacen(before, after, 1)).unwrap();
        let checked = installation.try_run(&["check"]);
        assert!(checked.out.contains(expected), "{expected} is not in\n{}", checked.out);
        assert_eq!(checked.code, Some(code), "{}", checked.out);
    }
    let clear = good.replacen(url, "http://shep.example/", 1);
    let clear = clear.replacen("environment = \"test\"", "environment = \"production\"", 1);
    for (text, severity) in [
        (clear.clone(), Severity::Error),
        (clear.replacen("[shep]\n", "[shep]\nplain = true\n", 1), Severity::Warning),
    ] {
        let problems = kdp::serve::inspect(&kdp::config::Config::parse(&text).unwrap());
        let told = problems.iter().find(|problem| problem.text.starts_with("shep.url is http://")).unwrap();
        assert_eq!(told.severity, severity, "{told:?}");
    }
    // In production, whoever has the sandbox's keys must not be taken for ШЭП's server.
    let production = good.replacen("url = \"http://127.0.0.1:1/shep\"\n", &https, 1);
    let production = production.replacen("environment = \"test\"", "environment = \"production\"", 1);
    let config = kdp::config::Config::parse(&production).unwrap();
    let problems = kdp::serve::inspect(&config);
    let text = format!("{}: of a test authority", ca.display());
    assert!(problems.iter().any(|problem| problem.text.starts_with(&text)), "{problems:?}");
}
