//! What the engines do not have alike: numbers that were given and are not there, names of nodes, and a file's owner.

use super::*;
use kdp::journal::head::{Head, sign};
use kdp::token::key::{KeyRing, Rotation, SigningKey};
use kdp::trust::sign::EcSigner;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

/// A head of a chain up to its first record, as the node signs it.
async fn signed(store: &dyn Store, node: Option<&str>) -> String {
    let head = Head {
        installation: "kdp".to_owned(),
        at: NOON,
        seq: 1,
        chain: store.journal(0, 1).await.unwrap()[0].chain,
        node: node.map(str::to_owned),
        renewed: None,
        others: Vec::new(),
    };
    let rotation = Rotation { lead: 0, signs_for: 86_400 };
    let record = KeyRing::new(3600).rotate(&EcSigner::generate().unwrap(), NOON / 1000, rotation).unwrap();
    sign(&head, &SigningKey::from_record(&record).unwrap()).unwrap().jws
}

fn opened(path: &Path, seal: &Arc<super::super::bench::FaultySeal>) -> SqliteStore {
    let rules = (super::super::bench::SPANS, kdp::consent::revocation::Rule::default());
    SqliteStore::open(path, Synchronous::Full, seal.clone(), rules, Arc::default()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_that_a_server_gave_and_that_are_not_there_hinder_no_move() {
    let Some(database) = new_database() else { return };
    let bench = sqlite(Disk::Hurries);
    filled(&bench).await;
    let (path, back) = (bench.path(), bench.directory.path().join("back.db"));
    let Bench { store, seal, directory, .. } = bench;
    drop(store);
    moved(&file(&path), &server(&database, "one")).unwrap();
    let numbered = kdp::store::transfer::table::NUMBERED;
    for table in numbered.into_iter().filter(|table| *table != "status_change") {
        let key = if ["job", "subject"].contains(&table) { "id" } else { "seq" };
        database.run(&format!("SELECT nextval(pg_get_serial_sequence('{table}', '{key}'))"));
    }
    let end = |table: &str| {
        let ends = format!("SELECT last_value FROM {table}");
        database.ask(&ends)[0][0].as_deref().unwrap().parse::<i64>().unwrap()
    };
    let (job, subject) = (end("job_id_seq"), end("subject_id_seq"));
    moved(&server(&database, "one"), &file(&back)).unwrap();
    // What the file can hold goes on behind what was given.
    let kept = contents(&back)["sqlite_sequence"].clone();
    for row in [format!("job | Integer({job})"), format!("subject | Integer({subject})")] {
        assert!(kept.contains(&row), "{row}: {kept:?}");
    }
    // And the service on it opens what is new.
    let bench = Bench {
        name: "sqlite",
        store: Arc::new(opened(&back, &seal)),
        metrics: Metrics::default(),
        seal,
        directory,
        database: None,
    };
    new(bench.open(&Ask::of(70), NOON + 9).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_moves_only_under_the_name_that_its_heads_say_and_never_onto_another() {
    let (Some(bench), Some(database)) = (postgres(), new_database()) else { return };
    bench.granted(&Ask::default(), MONTHS, NOON).await;
    bench.node("two").note(record(NOON, "of two")).await.unwrap();
    keep_head(&*bench.store, Some("one"), 1, &signed(&*bench.store, Some("one")).await).await;
    let Bench { store, database: first, directory, seal, .. } = bench;
    let (first, middle) = (first.unwrap(), directory.path().join("middle.db"));
    drop(store);
    moved(&server(&first, "one"), &file(&middle)).unwrap();
    let store = opened(&middle, &seal);
    // A file signs without a name.
    keep_head(&store, None, 2, &signed(&store, None).await).await;
    drop(store);
    for node in ["three", "two"] {
        let refused = moved(&file(&middle), &server(&database, node)).unwrap_err();
        assert!(matches!(&refused, Refusal::OtherNode { node: is, signed } if is == node && signed == "one"));
        let advice = "set database.node to one";
        assert!(refused.to_string().contains(advice), "{refused}");
        file(&middle).inspect().unwrap();
    }
    // Nothing was begun on the server.
    assert_eq!(
        database.ask("SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'")[0][0]
            .as_deref(),
        Some("0")
    );
    moved(&file(&middle), &server(&database, "one")).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_that_no_head_names_takes_any_name_but_one_that_has_a_chain_or_heads() {
    let (Some(bench), Some(database)) = (postgres(), new_database()) else { return };
    bench.granted(&Ask::default(), MONTHS, NOON).await;
    for node in ["two", "Ω три"] {
        bench.node(node).note(record(NOON, "of another")).await.unwrap();
    }
    let Bench { store, database: first, directory, .. } = bench;
    let (first, middle) = (first.unwrap(), directory.path().join("middle.db"));
    drop(store);
    moved(&server(&first, "one"), &file(&middle)).unwrap();
    rusqlite::Connection::open(&middle)
        .unwrap()
        .execute("INSERT INTO journal_head_of_node (node, seq, at, jws) VALUES ('gone', 1, 1, 'made-up')", [])
        .unwrap();
    for node in ["two", "Ω три", "gone"] {
        let refused = moved(&file(&middle), &server(&database, node)).unwrap_err();
        assert!(matches!(&refused, Refusal::NodeTaken { node: is, .. } if is == node), "{refused}");
        assert!(refused.to_string().contains("of the nodes two, Ω три"), "{refused}");
        file(&middle).inspect().unwrap();
    }
    moved(&file(&middle), &server(&database, "four")).unwrap();
}

#[test]
fn a_file_that_a_move_makes_or_finds_empty_is_its_owners_alone() {
    let Some(database) = new_database() else { return };
    let bench = sqlite(Disk::Hurries);
    let (path, folder) = (bench.path(), bench.directory.path().to_owned());
    let Bench { store, directory, .. } = bench;
    drop(store);
    let is_root = rustix::process::geteuid().is_root();
    if is_root {
        std::os::unix::fs::chown(&folder, Some(65_534), Some(65_533)).unwrap();
    } else {
        eprintln!("SKIPPED: not root; whose a file becomes was not tried");
    }
    let (mut from, there) = (file(&path), server(&database, "one"));
    for (name, is_there) in [("new.db", false), ("empty.db", true)] {
        moved(&from, &there).unwrap();
        let back = folder.join(name);
        if is_there {
            std::fs::write(&back, "").unwrap();
            std::fs::set_permissions(&back, std::fs::Permissions::from_mode(0o644)).unwrap();
        }
        moved(&there, &file(&back)).unwrap();
        let meta = std::fs::metadata(&back).unwrap();
        assert_eq!(meta.mode() & 0o777, 0o600, "{name}");
        if is_root {
            assert_eq!((meta.uid(), meta.gid()), (65_534, 65_533), "{name}");
        }
        database.run("DROP SCHEMA public CASCADE; CREATE SCHEMA public");
        from = file(&back);
    }
    // What has something is refused, and stays as it is.
    let other = folder.join("other.db");
    rusqlite::Connection::open(&other).unwrap().execute_batch("CREATE TABLE t (n)").unwrap();
    std::fs::set_permissions(&other, std::fs::Permissions::from_mode(0o640)).unwrap();
    moved(&from, &there).unwrap();
    assert!(matches!(moved(&there, &file(&other)).unwrap_err(), Refusal::NotEmpty(_)));
    let meta = std::fs::metadata(&other).unwrap();
    assert_eq!((meta.mode() & 0o777, meta.uid()), (0o640, rustix::process::geteuid().as_raw()));
    drop(directory);
}
