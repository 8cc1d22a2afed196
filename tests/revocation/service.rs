//! A service at work: its background fetches a list, the next message is judged by it, the figures tell.

use crate::authority::{Authority, DAY, ListSaying, NOW, entry, rsa};
use crate::flow::signed_by_akimat;
use crate::list::leaf;
use crate::server::{Reply, Server};
use crate::source::section;
use kdp::exchange::{Channel, exchange};
use kdp::sandbox::{self, Options};
use kdp::serve::keep_revocation;
use kdp::trust::revocation::Revocation;
use kdp::trust::{Peer, PeerKind, Trust};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

#[tokio::test]
async fn a_running_service_fetches_lists_and_refuses_whom_they_name() {
    let folder = TempDir::new().unwrap();
    let options = Options {
        listen: "127.0.0.1:0".parse().unwrap(),
        admin_listen: None,
        data: folder.path().join("sandbox"),
        database: None,
        reset: false,
        seed: Some(1),
        crypto: None,
        service: None,
        log_level: "error".to_owned(),
    };
    let running = sandbox::start(options, Some(NOW * 1000)).await.unwrap();
    let app = running.app.clone();
    let authority = Authority::root("AUTHORITY", rsa("akimat"));
    let list = |serials: &[u8]| {
        let entries: Vec<_> = serials.iter().map(|serial| entry(&[*serial], NOW - DAY, None)).collect();
        ListSaying::full(&authority, 1, &entries).signed(authority.key())
    };
    let body = list(&[5]);
    let server = Server::start(move |_| Reply::ok(body.clone())).await;
    let mut trust = Trust::default();
    trust.add_authority(authority.again()).unwrap();
    trust.believe_chained(Arc::new(Peer::new("any", PeerKind::Direct(None))));
    let section = section(folder.path(), &format!("lists = [{{ full = \"{}\" }}]", server.url));
    trust.check_revocation(Revocation::new(&section).unwrap().unwrap());
    app.trust.set(trust);
    let says = |serial: u8| {
        let message = signed_by_akimat(&leaf(&authority, &[serial]));
        let app = app.clone();
        async move { String::from_utf8(exchange(&app, Channel::Sync, &message, |_| true).await.body).unwrap() }
    };
    let unknown = says(5).await;
    assert!(unknown.contains("SCE005") && unknown.contains("cannot be found out now"), "{unknown}");
    let background = tokio::spawn(keep_revocation(app.clone()));
    let mut answer = String::new();
    for _ in 0..100 {
        answer = says(5).await;
        if answer.contains("is revoked since 2026-03-31T07:00:00Z") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(
        answer.contains("SCE005") && answer.contains("is revoked since 2026-03-31T07:00:00Z"),
        "{answer}"
    );
    let good = says(6).await;
    assert!(!good.contains("SCE005"), "{good}");
    for _ in 0..100 {
        if app.metrics.text().contains("kdp_revocation_list_entries{") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let text = app.metrics.text();
    assert!(
        text.lines()
            .any(|line| line.starts_with("kdp_revocation_list_left_seconds{") && line.ends_with(" 86400")),
        "{text}"
    );
    background.abort();
    running.stop().await;
}
