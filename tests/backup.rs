//! Backups of a running service, and what takes the place of its database; the keys that seal it, changed while it
//! serves; and `kill -9` in the middle of all of it. The real binary throughout.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "serve/installation.rs"]
#[expect(dead_code, reason = "other tests need more of it")]
mod installation;
#[path = "backup/kill.rs"]
mod kill;
#[path = "serve/process.rs"]
#[expect(dead_code, reason = "other tests need more of it")]
mod process;
#[path = "backup/seal_key.rs"]
mod seal_key;
#[path = "common/sqlite.rs"]
mod sqlite;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use installation::{Ended, Installation};
use kdp::consent::identity::Iin;
use kdp::store::sqlite::SCHEMA;
use process::Process;
use sqlite::sqlite;
use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// A subject of its own for each number.
fn subject(n: u32) -> String {
    let digits = (0..10).map(|control| format!("900101{:05}{control}", 30_000 + n));
    let mut next = (0..10).map(|control| format!("900102{:05}{control}", 30_000 + n));
    digits
        .into_iter()
        .find(|digits| Iin::parse(digits).is_ok())
        .or_else(|| next.find(|d| Iin::parse(d).is_ok()))
        .unwrap()
}

fn url(public: SocketAddr) -> String {
    format!("http://{public}/shep/sync")
}

/// A token for the subject; its id as the database has it.
fn grant(installation: &Installation, public: SocketAddr, n: u32) -> String {
    let ovt = installation.ovt(&subject(n));
    ask(installation, public, n, &ovt)
}

fn ask(installation: &Installation, public: SocketAddr, n: u32, ovt: &Path) -> String {
    let answer = installation.send(&url(public), ovt, &subject(n), &[]);
    assert_eq!(answer["data"]["status"], "VALID", "{answer}");
    let token = answer["data"]["code"].as_str().unwrap();
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    let claims: serde_json::Value = serde_json::from_slice(&payload).unwrap();
    claims["jti"].as_str().unwrap().replace('-', "").to_uppercase()
}

/// The ids of the tokens that the database holds.
fn tokens(database: &Path) -> BTreeSet<String> {
    let lines = sqlite(database, "SELECT hex(jti) FROM access_request WHERE jti IS NOT NULL");
    lines.lines().map(str::to_owned).collect()
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

/// Files beside the database that have this in their names.
fn beside(installation: &Installation, part: &str) -> Vec<PathBuf> {
    let all = installation.directory.path().read_dir().unwrap().map(|entry| entry.unwrap().path());
    all.filter(|path| path.file_name().unwrap().to_string_lossy().contains(part)).collect()
}

/// The database is gone, with what stands beside it.
fn take_away(installation: &Installation) {
    for end in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(installation.file(&format!("kdp.db{end}")));
    }
}

fn refused(ended: &Ended, words: &str) {
    assert_eq!(ended.code, Some(1), "{}\n{}", ended.out, ended.err);
    assert!(ended.err.contains(words), "{words} is not in: {}", ended.err);
}

#[test]
fn a_backup_under_load_holds_all_that_was_answered_before_it_and_starts_where_it_is_restored() {
    let installation = Installation::complete();
    let (service, public, _) = Process::serve(&installation.config());
    let before: BTreeSet<String> = (0..6).map(|n| grant(&installation, public, n)).collect();
    let backup = installation.file("one.backup");
    let (stop, installation) = (AtomicBool::new(false), &installation);
    let (made, after) = std::thread::scope(|scope| {
        let stop = &stop;
        let load = |from: u32| {
            move || {
                let mut made = BTreeSet::new();
                while !stop.load(Ordering::Relaxed) {
                    made.insert(grant(installation, public, from + u32::try_from(made.len()).unwrap()));
                }
                made
            }
        };
        let workers = [scope.spawn(load(1000)), scope.spawn(load(2000))];
        let out = installation.run(&["backup", &text(&backup), "--json"]);
        stop.store(true, Ordering::Relaxed);
        let after: BTreeSet<String> = workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect();
        (serde_json::from_str::<serde_json::Value>(&out).unwrap(), after)
    });
    assert!(
        !after.is_empty() && made["version"] == SCHEMA && made["seal_keys"] == serde_json::json!([1]),
        "{made}"
    );
    assert_eq!(service.terminate().code, Some(0));
    let sum = std::process::Command::new("sha256sum").arg(&backup).output().unwrap();
    assert!(String::from_utf8(sum.stdout).unwrap().starts_with(made["sha256"].as_str().unwrap()));
    for file in [backup.clone(), installation.file("one.backup.manifest")] {
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600, "{}", file.display());
    }
    assert!(beside(installation, ".part").is_empty());
    let all = tokens(&installation.file("kdp.db"));
    assert!(before.is_subset(&all) && after.is_subset(&all));
    let out = installation.run(&["restore", &text(&backup), "--replace", "--json"]);
    let restored: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(restored["journal_seq"], made["journal_seq"]);
    let there = tokens(&installation.file("kdp.db"));
    assert!(before.is_subset(&there), "what was answered before the backup began is lost");
    assert!(there.is_subset(&all));
    // What was there is kept as it was, and the journal of what is there goes on.
    assert_eq!(tokens(Path::new(restored["kept"].as_str().unwrap())), all);
    let journal = sqlite(
        &installation.file("kdp.db"),
        "SELECT operator, outcome FROM journal ORDER BY seq DESC LIMIT 1",
    );
    let sequence = made["journal_seq"].to_string();
    assert!(
        journal.contains("restored from a backup of 20") && journal.trim_end().ends_with(&sequence),
        "{journal}"
    );
    assert!(journal.starts_with("admin|"), "who did it: {journal}");
    installation.run(&["journal", "verify"]);
    let (service, public, _) = Process::serve(&installation.config());
    assert!(
        there.contains(&ask(installation, public, 0, &installation.file(&format!("ovt-{}", subject(0))))),
        "the same ask gives the token that was made first"
    );
    grant(installation, public, 7);
    assert_eq!(service.terminate().code, Some(0));
}

#[test]
fn nothing_is_overwritten_and_nothing_is_replaced_under_a_running_service() {
    let installation = Installation::complete();
    let backup = text(&installation.file("one.backup"));
    installation.run(&["backup", &backup]);
    let bytes = fs::read(&backup).unwrap();
    refused(&installation.try_run(&["backup", &backup]), "nothing is overwritten");
    assert_eq!(fs::read(&backup).unwrap(), bytes);
    let (service, _, _) = Process::serve(&installation.config());
    refused(&installation.try_run(&["restore", &backup]), "--replace");
    refused(&installation.try_run(&["restore", &backup, "--replace"]), "in use");
    assert!(beside(&installation, "restoring").is_empty() && beside(&installation, "before").is_empty());
    assert_eq!(service.terminate().code, Some(0));
    installation.run(&["restore", &backup, "--replace"]);
    // Where nothing is, nothing is replaced; but a log without its database is not thrown away.
    let database = installation.file("kdp.db");
    fs::remove_file(&database).unwrap();
    fs::write(installation.file("kdp.db-wal"), "of another").unwrap();
    refused(&installation.try_run(&["restore", &backup]), "kdp.db-wal is there without its database");
    fs::remove_file(installation.file("kdp.db-wal")).unwrap();
    installation.run(&["restore", &backup]);
    installation.run(&["check"]);
    let gone = installation.try_run(&["restore", &text(&installation.file("none")), "--replace"]);
    assert_eq!(gone.code, Some(2), "{}", gone.err);
    let folder = installation.try_run(&["backup", &text(&installation.file("none/one.backup"))]);
    assert_eq!(folder.code, Some(2), "{}", folder.err);
}

#[test]
fn a_database_that_is_damaged_is_replaced_and_kept_with_its_log() {
    let installation = Installation::complete();
    let backup = text(&installation.file("one.backup"));
    installation.run(&["backup", &backup]);
    fs::write(installation.file("kdp.db"), "hello ".repeat(500)).unwrap();
    fs::write(installation.file("kdp.db-wal"), "a log").unwrap();
    installation.run(&["restore", &backup, "--replace"]);
    installation.run(&["check"]);
    let kept = beside(&installation, "before");
    assert_eq!(kept.len(), 2, "{kept:?}");
    assert!(kept.iter().any(|path| fs::read(path).unwrap() == b"a log"));
}

#[test]
fn a_backup_that_is_not_what_it_was_is_refused_and_the_old_database_stays() {
    let installation = Installation::complete();
    let backup = installation.file("one.backup");
    installation.run(&["backup", &text(&backup)]);
    let manifest = installation.file("one.backup.manifest");
    let (whole, told) = (fs::read(&backup).unwrap(), fs::read_to_string(&manifest).unwrap());
    let database = fs::read(installation.file("kdp.db")).unwrap();
    let rewrite = |path: &Path, bytes: &[u8]| fs::write(path, bytes).unwrap();
    let change = |sql: &str| {
        sqlite(&backup, &format!("PRAGMA journal_mode = DELETE; {sql}"));
    };
    let cut = whole.len() / 2;
    let cases: [(&str, &dyn Fn(), bool, &str); 9] = [
        (
            "a byte",
            &|| {
                let mut bytes = whole.clone();
                bytes[cut] ^= 1;
                rewrite(&backup, &bytes);
            },
            true,
            "size or SHA-256",
        ),
        ("half of it", &|| rewrite(&backup, &whole[..cut]), true, "size or SHA-256"),
        ("half of it, and no manifest", &|| rewrite(&backup, &whole[..cut]), false, "damaged"),
        (
            "another time in the manifest",
            &|| {
                let line = told.lines().find(|line| line.contains("made")).unwrap();
                rewrite(&manifest, told.replace(line, &line.replace("20", "21")).as_bytes());
            },
            true,
            "changed, or made under another lookup key",
        ),
        ("no manifest", &|| fs::remove_file(&manifest).unwrap(), true, "--without-manifest"),
        (
            "a record of the journal",
            &|| change("UPDATE journal SET outcome = 'x' WHERE seq = 2"),
            false,
            "first break is record 2",
        ),
        ("a record less", &|| change("DELETE FROM journal WHERE seq = 2"), false, "first break is record 2"),
        ("a later version", &|| change("PRAGMA user_version = 9"), false, "version 9"),
        (
            "a value that was moved",
            &|| {
                change(
                    "UPDATE registered SET record = (SELECT record FROM registered WHERE kind = 'operator' LIMIT 1), \
                    kind = 'operator' WHERE kind = 'sender'",
                );
            },
            false,
            "do not open registered.record",
        ),
    ];
    for (what, spoil, with_manifest, why) in cases {
        spoil();
        let restore = ["restore", &text(&backup), "--replace", "--without-manifest"];
        let ended = installation.try_run(&restore[..if with_manifest { 3 } else { 4 }]);
        assert_eq!(ended.code, Some(1), "{what}: {}{}", ended.out, ended.err);
        assert!(ended.err.contains(why), "{what}: {}", ended.err);
        assert_eq!(fs::read(installation.file("kdp.db")).unwrap(), database, "{what}");
        assert!(beside(&installation, "restoring").is_empty(), "{what}");
        rewrite(&backup, &whole);
        rewrite(&manifest, told.as_bytes());
    }
    fs::remove_file(&manifest).unwrap();
    installation.run(&["restore", &text(&backup), "--replace", "--without-manifest"]);
}

#[test]
fn a_backup_does_not_open_with_other_keys() {
    let (installation, other) = (Installation::complete(), Installation::complete());
    let backup = text(&installation.file("one.backup"));
    installation.run(&["backup", &backup]);
    refused(&other.try_run(&["restore", &backup, "--replace"]), "another lookup key");
    fs::copy(installation.file("lookup.key"), other.file("lookup.key")).unwrap();
    refused(&other.try_run(&["restore", &backup, "--replace"]), "put back the key files");
    for file in ["seal.keys", "admin.password"] {
        fs::copy(installation.file(file), other.file(file)).unwrap();
    }
    // Now the keys fit the backup, and not the database that judges who may replace it.
    refused(&other.try_run(&["restore", &backup, "--replace"]), "operator-keys: ");
    take_away(&other);
    other.run(&["restore", &backup]);
    other.run(&["check"]);
}

#[test]
fn a_key_that_the_backup_needs_is_named_before_anything_is_replaced() {
    let installation = Installation::complete();
    installation.run(&["seal-key", "add"]);
    let backup = text(&installation.file("one.backup"));
    // Something that the new key seals, behind many samples of it and of the old one.
    let person = ["--what", "x", "--responsible", "Officer, +77010000000"];
    installation.run(&[&["incident", "open"][..], &person].concat());
    let made = installation.run(&["backup", &backup, "--json"]);
    let made: serde_json::Value = serde_json::from_str(&made).unwrap();
    assert_eq!(made["seal_keys"], serde_json::json!([1, 2]));
    let keys = fs::read_to_string(installation.file("seal.keys")).unwrap();
    let database = fs::read(installation.file("kdp.db")).unwrap();
    for (without, more) in [("1", None), ("2", None), ("1", Some("--without-manifest"))] {
        let other = |line: &&str| !line.starts_with(&format!("{without} "));
        let left: Vec<&str> = keys.lines().filter(other).collect();
        fs::write(installation.file("seal.keys"), left.join("\n") + "\n").unwrap();
        let words = ["restore", &backup, "--replace"];
        let ended = installation.try_run(&[&words[..], more.as_slice()].concat());
        refused(&ended, &format!("sealing key {without} is not among the keys of the configuration"));
        assert_eq!(fs::read(installation.file("kdp.db")).unwrap(), database);
        assert!(beside(&installation, "restoring").is_empty());
    }
    fs::write(installation.file("seal.keys"), keys).unwrap();
    installation.run(&["restore", &backup, "--replace"]);
}

#[test]
fn a_backup_of_the_version_before_is_restored_as_one_of_this_version() {
    let installation = Installation::complete();
    installation.run(&["migrate", "--back"]);
    fs::copy(installation.file("kdp.db"), installation.file("old.backup")).unwrap();
    let backup = text(&installation.file("old.backup"));
    let restore = ["restore", &backup, "--replace", "--without-manifest"];
    // Who may replace what is there, its operators say, and they are read by their own program.
    refused(&installation.try_run(&restore), "run `kdp migrate` first");
    installation.run(&["migrate"]);
    let judges = "SELECT detail FROM journal ORDER BY seq DESC LIMIT 1";
    for (there, judge) in [(true, "database"), (false, "backup")] {
        if !there {
            take_away(&installation);
        }
        let out = installation.run(&restore);
        assert!(out.contains(&format!("restored, version {SCHEMA}")), "{out}");
        let told = sqlite(&installation.file("kdp.db"), judges);
        assert!(told.contains(r#""by":"admin""#) && told.contains(judge), "{told}");
        installation.run(&["check"]);
        installation.run(&["journal", "verify"]);
    }
}

/// The figures of the service.
fn process_metrics(admin: SocketAddr) -> String {
    use std::io::{Read as _, Write as _};
    let mut stream = std::net::TcpStream::connect(admin).unwrap();
    stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: kdp\r\nconnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}
