//! Where lists come from: files and addresses, what is kept, what is refused, and when is asked again.

use crate::authority::{Authority, DAY, ListSaying, NOW, entry, rsa};
use crate::list::leaf;
use crate::server::{Reply, Server};
use kdp::config::{Config, TrustRevocation};
use kdp::metric::Metrics;
use kdp::random::SeededRandom;
use kdp::trust::revocation::watch::{Watch, notices, refresh};
use kdp::trust::revocation::{Chain, Revocation};
use kdp::trust::{Distrust, Expiry, Trust};
use std::fs::{self, File, FileTimes};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tempfile::TempDir;

/// The section, with `keep` in a folder.
pub fn section(keep: &Path, text: &str) -> TrustRevocation {
    let text = format!(
        "environment = \"test\"\n[trust.revocation]\nkeep = \"{}\"\n{text}\n",
        keep.join("kept").display()
    );
    Config::parse(&text).unwrap().trust.revocation
}

pub fn trusting(authority: &Authority, section: &TrustRevocation) -> Arc<Trust> {
    let mut trust = Trust::default();
    trust.add_authority(authority.again()).unwrap();
    let revocation = Revocation::new(section).unwrap().unwrap();
    revocation.load(trust.authorities(), NOW);
    trust.check_revocation(revocation);
    Arc::new(trust)
}

struct Stand {
    folder: TempDir,
    authority: Authority,
    random: SeededRandom,
}

impl Stand {
    fn new() -> Self {
        let authority = Authority::root("AUTHORITY", rsa("bank"));
        Self { folder: TempDir::new().unwrap(), authority, random: SeededRandom::new(1, 0) }
    }

    fn file(&self) -> std::path::PathBuf {
        self.folder.path().join("list.crl")
    }

    fn section(&self, text: &str) -> TrustRevocation {
        section(self.folder.path(), text)
    }

    fn of_file(&self) -> TrustRevocation {
        self.section(&format!("lists = [{{ full = \"{}\" }}]", self.file().display()))
    }

    /// A list of this number, made `number` seconds after NOW − 1 hour.
    fn list(&self, number: u32, serials: &[u8]) -> Vec<u8> {
        let entries: Vec<_> = serials.iter().map(|serial| entry(&[*serial], NOW - DAY, None)).collect();
        let list = ListSaying::full(&self.authority, number, &entries);
        list.during(NOW - 3600 + i64::from(number), NOW + DAY).signed(self.authority.key())
    }

    /// Writes the file, with a time of its own: two changes may be within the clock's grain.
    fn write(&self, bytes: &[u8], number: u64) {
        fs::write(self.file(), bytes).unwrap();
        let modified = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000 + number);
        File::options()
            .write(true)
            .open(self.file())
            .unwrap()
            .set_times(FileTimes::new().set_modified(modified))
            .unwrap();
    }

    async fn check(&self, trust: &Arc<Trust>, serial: u8, at: i64) -> Result<(), Distrust> {
        refresh(trust, &self.random, at).await;
        let issuers = [Arc::new(self.authority.again())];
        let leaf = leaf(&self.authority, &[serial]);
        trust.is_not_revoked(Chain { leaf: &leaf, issuers: &issuers, is_pinned: false }, at).await
    }

    fn error(trust: &Trust) -> Option<&'static str> {
        trust.revocation().unwrap().sources()[0].error().map(|(code, _)| code)
    }
}

const REVOKED: Result<(), Distrust> = Err(Distrust::Revoked(NOW - DAY));

#[tokio::test]
async fn a_file_is_read_at_start_and_again_when_it_changes() {
    let stand = Stand::new();
    stand.write(&stand.list(1, &[5]), 1);
    let trust = trusting(&stand.authority, &stand.of_file());
    assert_eq!(stand.check(&trust, 5, NOW).await, REVOKED);
    assert_eq!(stand.check(&trust, 6, NOW).await, Ok(()));
    stand.write(&stand.list(2, &[6]), 2);
    assert_eq!(stand.check(&trust, 6, NOW + 10).await, REVOKED);
    assert_eq!(stand.check(&trust, 5, NOW + 10).await, Ok(()));
}

#[tokio::test]
async fn what_is_no_better_list_leaves_the_last_good_one_also_over_a_restart() {
    let stand = Stand::new();
    stand.write(&stand.list(5, &[5]), 1);
    let trust = trusting(&stand.authority, &stand.of_file());
    // Kept with the first round.
    assert_eq!(stand.check(&trust, 5, NOW).await, REVOKED);
    let other = Authority::root("OTHER", rsa("shep"));
    let delta = ListSaying::delta(&stand.authority, 6, 5, &[]).signed(stand.authority.key());
    let ahead = ListSaying::full(&stand.authority, 9, &[])
        .during(NOW + 4000, NOW + DAY)
        .signed(stand.authority.key());
    let mut at = NOW;
    for (number, (bytes, error)) in [
        (b"garbage".to_vec(), "list-malformed"),
        (Vec::new(), "list-truncated"),
        (stand.list(6, &[]).split_off(9), "list-malformed"),
        (stand.list(4, &[]), "older"),
        (delta, "kind"),
        (ahead, "future"),
        (ListSaying::full(&other, 9, &[]).signed(other.key()), "list-issuer"),
    ]
    .into_iter()
    .enumerate()
    {
        stand.write(&bytes, 10 + u64::try_from(number).unwrap());
        at += 600;
        assert_eq!(stand.check(&trust, 5, at).await, REVOKED, "{error}");
        assert_eq!(Stand::error(&trust), Some(error));
        let again = trusting(&stand.authority, &stand.of_file());
        assert_eq!(stand.check(&again, 5, at).await, REVOKED, "{error}");
    }
    fs::remove_file(stand.file()).unwrap();
    assert_eq!(stand.check(&trust, 5, at + 600).await, REVOKED);
    assert_eq!(Stand::error(&trust), Some("file"));
    stand.write(&stand.list(6, &[]), 99);
    assert_eq!(stand.check(&trust, 5, at + 1200).await, Ok(()));
    assert_eq!(Stand::error(&trust), None);
}

#[tokio::test]
async fn a_list_of_another_pinned_authority_takes_nobodys_place() {
    let stand = Stand::new();
    let other = Authority::root("OTHER", rsa("shep"));
    stand.write(&stand.list(5, &[5]), 1);
    let mut trust = Trust::default();
    trust.add_authority(stand.authority.again()).unwrap();
    trust.add_authority(other.again()).unwrap();
    let revocation = Revocation::new(&stand.of_file()).unwrap().unwrap();
    revocation.load(trust.authorities(), NOW);
    trust.check_revocation(revocation);
    let trust = Arc::new(trust);
    assert_eq!(stand.check(&trust, 5, NOW).await, REVOKED);
    stand.write(&ListSaying::full(&other, 9, &[]).signed(other.key()), 2);
    assert_eq!(stand.check(&trust, 5, NOW + 600).await, REVOKED);
    assert_eq!(Stand::error(&trust), Some("authority"));
    // Nor does it open the way for an older one.
    stand.write(&stand.list(4, &[]), 3);
    assert_eq!(stand.check(&trust, 5, NOW + 1200).await, REVOKED);
    assert_eq!(Stand::error(&trust), Some("older"));
}

#[tokio::test]
async fn a_list_is_fetched_kept_asked_for_again_and_read_after_a_restart() {
    let stand = Stand::new();
    let first = stand.list(1, &[5]);
    let body = first.clone();
    let server = Server::start(move |request| {
        if request.head.contains("if-none-match: \"1\"") && request.head.contains("if-modified-since: then") {
            return Reply::Answer(304, String::new(), Vec::new());
        }
        Reply::Answer(200, "ETag: \"1\"\r\nLast-Modified: then\r\n".to_owned(), body.clone())
    })
    .await;
    let section =
        stand.section(&format!("lists = [{{ full = \"{}list.crl\" }}]\nrefresh_seconds = 100", server.url));
    let trust = trusting(&stand.authority, &section);
    assert_eq!(stand.check(&trust, 5, NOW).await, REVOKED);
    assert!(server.requests()[0].head.starts_with("get /list.crl "), "{:?}", server.requests());
    assert!(server.requests()[0].head.contains("user-agent: kdp/"), "{:?}", server.requests());
    // Not sooner than after refresh_seconds, and not later than a tenth of it after that.
    assert_eq!(stand.check(&trust, 5, NOW + 99).await, REVOKED);
    assert_eq!(server.requests().len(), 1);
    assert_eq!(stand.check(&trust, 5, NOW + 110).await, REVOKED);
    assert_eq!(server.requests().len(), 2);
    assert!(server.requests()[1].head.contains("if-none-match: \"1\""));
    // Out of reach, slow or wrong: the last one stays, and a failure is tried again sooner.
    let mut at = NOW + 300;
    for (reply, error) in [
        (Reply::Answer(500, String::new(), first.clone()), "status"),
        (Reply::NotHttp, "unreachable"),
        (Reply::CutOff(first.clone()), "unreachable"),
        (Reply::ok(b"<html>".to_vec()), "list-malformed"),
        (Reply::ok(first[..first.len() - 1].to_vec()), "list-truncated"),
    ] {
        server.answer(move |_| reply.clone());
        at += 200;
        assert_eq!(stand.check(&trust, 5, at).await, REVOKED, "{error}");
        assert_eq!(Stand::error(&trust), Some(error));
    }
    drop(server);
    assert_eq!(stand.check(&trust, 5, at + 200).await, REVOKED);
    let again = trusting(&stand.authority, &section);
    assert_eq!(stand.check(&again, 5, at).await, REVOKED);
    // Until it is stale, and then it says since when.
    assert_eq!(stand.check(&again, 6, NOW + DAY).await, Ok(()));
    assert_eq!(stand.check(&again, 6, NOW + DAY + 1).await, Err(Distrust::ListStale(NOW + DAY)));
}

#[tokio::test]
async fn a_failure_is_tried_again_after_a_pause_that_grows() {
    let stand = Stand::new();
    let server = Server::start(|_| Reply::Answer(503, String::new(), Vec::new())).await;
    let section =
        stand.section(&format!("lists = [{{ full = \"{}\" }}]\nrefresh_seconds = 3600", server.url));
    let trust = trusting(&stand.authority, &section);
    let mut asked = Vec::new();
    for second in 0..300 {
        let before = server.requests().len();
        assert_eq!(stand.check(&trust, 5, NOW + second).await, Err(Distrust::RevocationUnknown));
        if server.requests().len() > before {
            asked.push(second);
        }
    }
    let pauses: Vec<i64> = asked.windows(2).map(|pair| pair[1] - pair[0]).collect();
    for (pause, least) in pauses.iter().zip([15, 30, 60, 120]) {
        assert!((least..=least + least / 10 + 1).contains(pause), "{pauses:?}");
    }
    assert_eq!(pauses.len(), 4, "{pauses:?}");
}

#[tokio::test]
async fn a_clock_that_is_set_back_stops_no_source() {
    let stand = Stand::new();
    let server = Server::start(|_| Reply::Answer(503, String::new(), Vec::new())).await;
    let section =
        stand.section(&format!("lists = [{{ full = \"{}\" }}]\nrefresh_seconds = 3600", server.url));
    let trust = trusting(&stand.authority, &section);
    for (at, asked) in [(NOW + 60, 1), (NOW + 61, 1), (NOW, 2), (NOW + 1, 2), (NOW - 30 * DAY, 3)] {
        assert_eq!(stand.check(&trust, 5, at).await, Err(Distrust::RevocationUnknown));
        assert_eq!(server.requests().len(), asked, "{}", at - NOW);
    }
    let body = stand.list(1, &[5]);
    server.answer(move |_| Reply::ok(body.clone()));
    assert_eq!(stand.check(&trust, 5, NOW).await, REVOKED);
    assert_eq!(stand.check(&trust, 5, NOW + 3599).await, REVOKED);
    assert_eq!(server.requests().len(), 4);
    assert_eq!(stand.check(&trust, 5, NOW - 1).await, REVOKED);
    assert_eq!(server.requests().len(), 5);
}

#[tokio::test]
async fn a_source_that_is_being_asked_is_not_asked_a_second_time_whatever_the_clock_says() {
    let stand = Stand::new();
    let server = Server::start(|_| Reply::Nothing).await;
    let section = stand.section(&format!("lists = [{{ full = \"{}\" }}]", server.url));
    let trust = trusting(&stand.authority, &section);
    let asking = tokio::spawn({
        let trust = trust.clone();
        async move { refresh(&trust, &SeededRandom::new(2, 0), NOW).await }
    });
    while server.requests().is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    for at in [NOW - DAY, NOW + DAY] {
        let again = tokio::time::timeout(Duration::from_secs(5), stand.check(&trust, 5, at)).await;
        assert_eq!(again.unwrap(), Err(Distrust::RevocationUnknown));
    }
    assert_eq!(server.requests().len(), 1);
    asking.abort();
}

#[tokio::test]
async fn a_list_that_comes_for_trust_that_was_replaced_meanwhile_comes_for_the_new_one_in_its_first_round() {
    let stand = Stand::new();
    let body = stand.list(2, &[5]);
    let server = Server::start(move |request| {
        // Who has it already would not get it again.
        let status = if request.head.contains("if-none-match") { 304 } else { 200 };
        Reply::Answer(status, "ETag: \"1\"\r\n".to_owned(), body.clone())
    })
    .await;
    let section = stand.section(&format!("lists = [{{ full = \"{}\" }}]", server.url));
    stand.write(&stand.list(1, &[6]), 1);
    for section in [section, stand.of_file()] {
        let old = trusting(&stand.authority, &section);
        // Read anew before the old one's question is answered: what is kept by then is older, or nothing.
        let new = trusting(&stand.authority, &section);
        stand.write(&stand.list(2, &[5]), 2);
        assert_eq!(stand.check(&old, 5, NOW).await, REVOKED);
        assert_eq!(stand.check(&new, 5, NOW + 1).await, REVOKED);
    }
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn a_delta_adds_to_the_full_list_and_takes_from_it() {
    let stand = Stand::new();
    stand.write(&stand.list(5, &[5, 6]), 1);
    let delta = stand.folder.path().join("delta.crl");
    let entries = [entry(&[6], NOW - DAY, Some(8)), entry(&[7], NOW - DAY, None)];
    fs::write(&delta, ListSaying::delta(&stand.authority, 6, 5, &entries).signed(stand.authority.key()))
        .unwrap();
    let section = stand.section(&format!("lists = [{{ full = {:?}, delta = {delta:?} }}]", stand.file()));
    let trust = trusting(&stand.authority, &section);
    for (serial, expected) in [(5, REVOKED), (6, Ok(())), (7, REVOKED), (8, Ok(()))] {
        assert_eq!(stand.check(&trust, serial, NOW).await, expected, "{serial}");
    }
    // A newer full list makes it void.
    stand.write(&stand.list(8, &[6]), 2);
    for (serial, expected) in [(5, Ok(())), (6, REVOKED), (7, Ok(()))] {
        assert_eq!(stand.check(&trust, serial, NOW + 60).await, expected, "{serial}");
    }
}

#[tokio::test]
async fn figures_and_warnings_tell_what_goes_stale_before_it_does() {
    let stand = Stand::new();
    stand.write(&stand.list(0, &[5]), 1);
    let trust = trusting(&stand.authority, &stand.of_file());
    let metrics = Metrics::default();
    let own = Expiry { name: "own.pem".to_owned(), until: NOW + 40 * DAY };
    let mut watch = Watch::default();
    refresh(&trust, &stand.random, NOW).await;
    watch.tick(&trust, std::slice::from_ref(&own), &metrics.revocation, &stand.random, NOW);
    let text = metrics.text();
    let figure = |name: &str| {
        let line = text
            .lines()
            .find(|line| line.starts_with(&format!("kdp_{name}{{")))
            .unwrap_or_else(|| panic!("{name}: {text}"));
        line.rsplit(' ').next().unwrap().parse::<i64>().unwrap()
    };
    assert_eq!(figure("revocation_list_age_seconds"), 3600);
    assert_eq!(figure("revocation_list_left_seconds"), DAY);
    assert_eq!(figure("revocation_list_entries"), 1);
    assert_eq!(figure("certificate_left_seconds"), 40 * DAY);
    assert!(!text.contains("kdp_revocation_source_failed{"), "{text}");
    stand.write(b"garbage", 2);
    refresh(&trust, &stand.random, NOW + 60).await;
    watch.tick(&trust, std::slice::from_ref(&own), &metrics.revocation, &stand.random, NOW + 60);
    assert!(metrics.text().contains("error=\"list-malformed\"} 1"), "{}", metrics.text());
    let said = |at| {
        let notices = notices(&trust, std::slice::from_ref(&own), at);
        notices.into_iter().map(|notice| format!("{}: {}", notice.name, notice.text)).collect::<Vec<_>>()
    };
    assert!(said(NOW).is_empty(), "{:?}", said(NOW));
    let soon = said(NOW + 20 * 3600);
    assert!(
        soon.len() == 1
            && soon[0].contains("list.crl: the list of revoked certificates goes stale at 2026-04-02T"),
        "{soon:?}"
    );
    assert!(soon[0].contains("(the list is malformed)"), "{soon:?}");
    let stale = said(NOW + DAY + 1);
    assert!(stale[0].contains("is stale since 2026-04-02T07:00:00Z"), "{stale:?}");
    for (days, told) in [
        (9, None),
        (11, Some("30 days")),
        (34, Some("7 days")),
        (39, Some("7 days")),
        (40, Some("1 days")),
        (41, Some("has ended")),
    ] {
        let said = said(NOW + days * DAY - 1);
        let own = said.iter().find(|line| line.starts_with("own.pem"));
        assert!(
            told.map_or(own.is_none(), |told| own.is_some_and(|own| own.contains(told))),
            "{days}: {said:?}"
        );
    }
}

#[test]
fn places_that_are_none_and_keys_that_are_missing_are_named() {
    for (text, named) in [
        ("lists = [{ full = \"https://host/list.crl\" }]", "trust.revocation.lists: full"),
        ("lists = [{ full = \"\" }]", "trust.revocation.lists: full"),
        ("lists = [{ full = \"/a\", delta = \"ftp://host/\" }]", "trust.revocation.lists: delta"),
        ("lists = [{ delta = \"/a\" }]", "full"),
        ("mode = \"ocsp\"", "trust.revocation.ocsp"),
        ("mode = \"ocsp-then-crl\"\nocsp = \"https://host/\"", "trust.revocation.ocsp"),
        ("mode = \"none\"", "trust.revocation.mode"),
        ("mode = \"sometimes\"", "line 2"),
        ("refresh_seconds = 0", "trust.revocation.refresh_seconds"),
        ("ocsp_timeout_ms = 0", "trust.revocation.ocsp_timeout_ms"),
        ("ocsp_hash = \"md5\"", "line 2"),
    ] {
        let error = Config::parse(&format!("[trust.revocation]\n{text}\n")).unwrap_err().to_string();
        assert!(error.contains(named), "{named} is not named: {error}");
    }
}
