//! What is not moved, and what is found before it counts.

use super::*;

/// A file that has something, which nobody has open.
fn closed() -> (tempfile::TempDir, PathBuf) {
    let bench = sqlite(Disk::Hurries);
    let path = bench.path();
    let Bench { store, directory, .. } = bench;
    drop(store);
    grow(&path, 7_000);
    (directory, path)
}

/// Moves, and does something when so many rows were compared or copied.
fn disturbed(
    path: &Path,
    to: &Location,
    phase: Phase,
    from: u64,
    disturb: impl Fn() + Send + Sync,
) -> Result<Moved, Refusal> {
    let mut done = false;
    file(path).move_to(to, &order(), &mut |progress| {
        if progress.phase == phase && progress.done >= from && !done {
            done = true;
            disturb();
        }
    })
}

#[test]
fn a_row_that_changes_in_the_target_before_it_is_compared_is_named_and_nothing_is_completed() {
    for (sql, words) in [
        ("UPDATE subject SET seen = seen + 1 WHERE id = 6500", "subject row 6500"),
        ("DELETE FROM subject WHERE id = 6999", "subject row 6999"),
        ("INSERT INTO subject (id, seen) VALUES (99999, 0)", "subject row 99999"),
        ("UPDATE counter SET next = 5 WHERE name = 'status'", "counter row status"),
        ("SELECT setval(pg_get_serial_sequence('subject', 'id'), 3)", ""),
        ("INSERT INTO journal SELECT 'x', seq, at, kind, operator, decision, sender, message_id, message, service, request,
          subject, outcome, detail, chain FROM journal", "journal_of_node row x"),
    ] {
        let Some(database) = new_database() else { return };
        let (_directory, path) = closed();
        let to = server(&database, "one");
        // All are copied, and none is compared yet.
        let found = disturbed(&path, &to, Phase::Copying, 7_004, || database.run(sql));
        if words.is_empty() {
            // What the program sets itself at the end of copying is right again.
            found.unwrap();
            continue;
        }
        let found = found.unwrap_err();
        assert!(matches!(found, Refusal::Different { .. }), "{sql}: {found}");
        assert!(found.to_string().contains(words), "{words}: {found}");
        assert!(to.inspect().is_err() && file(&path).inspect().is_err());
        // The copy is thrown away, and the move begun anew.
        let Some(other) = new_database() else { return };
        let refused = moved(&file(&path), &server(&other, "one")).unwrap_err();
        assert!(matches!(refused, Refusal::OtherTarget(_)), "{refused}");
        database.run("DROP SCHEMA public CASCADE; CREATE SCHEMA public");
        moved(&file(&path), &to).unwrap();
    }
}

#[test]
fn a_journal_that_does_not_hold_is_not_moved_on() {
    let Some(database) = new_database() else { return };
    let bench = sqlite(Disk::Hurries);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for n in 0..5 {
        runtime.block_on(bench.store.note(record(NOON + n, "x"))).unwrap();
    }
    let path = bench.path();
    let Bench { store, directory, .. } = bench;
    drop(store);
    rusqlite::Connection::open(&path)
        .unwrap()
        .execute("UPDATE journal SET outcome = 'y' WHERE seq = 3", [])
        .unwrap();
    let found = moved(&file(&path), &server(&database, "one")).unwrap_err();
    assert!(matches!(found, Refusal::Broken { seq: 3, .. }), "{found}");
    assert!(file(&path).inspect().is_err());
    file(&path).abandon("aliya", NOON).unwrap();
    file(&path).inspect().unwrap();
    drop(directory);
}

#[test]
fn a_target_that_has_something_or_cannot_be_is_refused_and_the_source_stays_as_it_was() {
    let Some(database) = new_database() else { return };
    let (_directory, path) = closed();
    let stays = |refused: Refusal, words: &str| {
        assert!(refused.to_string().contains(words), "{words}: {refused}");
        file(&path).inspect().unwrap();
    };
    let to = server(&database, "one");
    database.run("CREATE TABLE of_somebody_else (n INT)");
    stays(moved(&file(&path), &to).unwrap_err(), "is not empty");
    database.run("DROP TABLE of_somebody_else");
    to.migrate(NOON).unwrap();
    stays(moved(&file(&path), &to).unwrap_err(), "is not empty");
    database.run("UPDATE schema_version SET version = 9");
    stays(moved(&file(&path), &to).unwrap_err(), "version 9");
    database.run("UPDATE schema_version SET version = -9");
    stays(moved(&file(&path), &to).unwrap_err(), "version -9");
    // A part of the move of another file.
    database.run("DROP SCHEMA public CASCADE; CREATE SCHEMA public");
    let (_other_directory, other) = closed();
    disturbed(&other, &to, Phase::Copying, 5_000, || database.run("DROP TABLE revocation")).unwrap_err();
    stays(moved(&file(&path), &to).unwrap_err(), "part of another move");
    let absent = kdp::store::postgres::connect::Address {
        url: &format!("{}_not_there", database.url()),
        password_file: None,
        authorities: None,
        connections: 2,
        node: "one",
    };
    let absent = kdp::store::postgres::connect::Place::read(&absent).unwrap();
    stays(moved(&file(&path), &Location::Server(Box::new(absent))).unwrap_err(), "3D000");
    // The way back: a file that is there.
    database.run("DROP SCHEMA public CASCADE; CREATE SCHEMA public");
    to.migrate(NOON).unwrap();
    let refused = moved(&to, &file(&path)).unwrap_err();
    assert!(matches!(refused, Refusal::NotEmpty(_)), "{refused}");
    to.inspect().unwrap();
    // Nothing there.
    database.run("DROP SCHEMA public CASCADE; CREATE SCHEMA public");
    let fresh = path.with_file_name("fresh.db");
    assert!(matches!(moved(&to, &file(&fresh)).unwrap_err(), Refusal::Nothing));
}

#[test]
fn nothing_is_moved_that_somebody_uses() {
    let Some(database) = new_database() else { return };
    let (directory, path) = closed();
    let to = server(&database, "one");
    moved(&file(&path), &to).unwrap();
    // A node that has a connection, and one that says that it lives.
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let bench = runtime.block_on(async { served(database, &super::super::bench::FaultySeal::new()) });
    runtime.block_on(bench.store.check()).unwrap();
    let back = directory.path().join("back.db");
    let to = server(bench.database.as_ref().unwrap(), "two");
    let refused = moved(&to, &file(&back)).unwrap_err();
    assert!(matches!(&refused, Refusal::InUse(who) if who.contains("kdp one")), "{refused}");
    to.inspect().unwrap();
    runtime.block_on(bench.store.note(record(NOON, "serves on"))).unwrap();
    // It is away for a while, as behind a broken line, and comes back when the database has moved.
    let sleeping = bench.node("two");
    let database = bench.database.as_ref().unwrap();
    drop(bench.store);
    database.run(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid(); DELETE FROM node",
    );
    moved(&to, &file(&back)).unwrap();
    for _ in 0..3 {
        let refused = runtime.block_on(sleeping.note(record(NOON, "too late"))).unwrap_err();
        assert!(matches!(refused, StoreError::Unusable(_)), "{refused}");
    }
    assert!(to.inspect().unwrap_err().to_string().contains("was moved to sqlite:///"));
}

#[test]
fn a_move_that_is_given_up_leaves_the_source_in_force_and_never_its_copy() {
    let Some(database) = new_database() else { return };
    let (_directory, path) = closed();
    let to = server(&database, "one");
    let give_up = || file(&path).abandon("aliya", NOON + 7);
    assert!(matches!(give_up().unwrap_err(), Refusal::NoMove));
    disturbed(&path, &to, Phase::Copying, 5_000, || database.run("DROP TABLE revocation")).unwrap_err();
    assert!(file(&path).inspect().is_err());
    give_up().unwrap();
    file(&path).inspect().unwrap();
    let last = "SELECT operator || ' ' || at || ' ' || outcome FROM journal ORDER BY seq DESC LIMIT 1";
    let last: String =
        rusqlite::Connection::open(&path).unwrap().query_row(last, [], |row| row.get(0)).unwrap();
    assert!(last.starts_with(&format!("aliya {} not moving to postgres://", NOON + 7)), "{last}");
    // It changes, and the copy is of before.
    grow(&path, 3);
    assert!(to.inspect().is_err());
    assert!(matches!(moved(&file(&path), &to).unwrap_err(), Refusal::OtherMove(_)));
    database.run("DROP SCHEMA public CASCADE; CREATE SCHEMA public");
    moved(&file(&path), &to).unwrap();
    assert_eq!(database.ask("SELECT count(*) FROM subject")[0][0].as_deref(), Some("7003"));
    // What is over is not given up.
    assert!(give_up().unwrap_err().to_string().contains("was moved to"));
    assert!(moved(&file(&path), &to).unwrap_err().to_string().contains("was moved to"));
}

/// Sets the marks of a move that is over back to where it is when it is killed before its source is marked as left.
fn killed_before_left(path: &Path, database: &super::super::bench::postgres::Database) {
    let source = rusqlite::Connection::open(path).unwrap();
    source.execute_batch("UPDATE transfer SET step = 'leaving'").unwrap();
    let id: String = source.query_row("SELECT id FROM transfer", [], |row| row.get(0)).unwrap();
    database.run(&format!(
        "CREATE TABLE transfer (id TEXT, step TEXT, peer TEXT, operator TEXT);
         INSERT INTO transfer VALUES ('{id}', 'complete', '{}', 'aliya');
         UPDATE schema_version SET version = -1; DELETE FROM journal WHERE outcome LIKE 'moved here%'",
        Location::url_of(path)
    ));
}

#[test]
fn what_the_source_got_after_its_copy_was_complete_is_moved_too_or_named() {
    let Some(database) = new_database() else { return };
    let (_directory, path) = closed();
    let to = server(&database, "one");
    moved(&file(&path), &to).unwrap();
    killed_before_left(&path, &database);
    grow(&path, 3);
    moved(&file(&path), &to).unwrap();
    assert_eq!(database.ask("SELECT count(*) FROM subject")[0][0].as_deref(), Some("7003"));
    killed_before_left(&path, &database);
    rusqlite::Connection::open(&path)
        .unwrap()
        .execute("UPDATE subject SET seen = seen + 1 WHERE id = 6500", [])
        .unwrap();
    let found = moved(&file(&path), &to).unwrap_err().to_string();
    assert!(found.contains("subject row 6500") && found.contains("may have changed since"), "{found}");
    // It is not believed from then on, and the source still is.
    assert!(to.inspect().unwrap_err().to_string().contains("is not finished"));
    assert!(file(&path).inspect().unwrap_err().to_string().contains("is being moved to"));
    database.run("DROP SCHEMA public CASCADE; CREATE SCHEMA public");
    moved(&file(&path), &to).unwrap();
    to.inspect().unwrap();
}

#[test]
fn a_move_begins_only_for_somebody_who_was_admitted_and_not_where_another_was_given_up_meanwhile() {
    let Some(database) = new_database() else { return };
    let (_directory, path) = closed();
    let to = server(&database, "one");
    let nobody = || file(&path).move_to(&to, &Order { admitted: None, ..order() }, &mut |_| {});
    assert!(matches!(nobody().unwrap_err(), Refusal::NotAdmitted));
    file(&path).inspect().unwrap();
    disturbed(&path, &to, Phase::Copying, 5_000, || database.run("DROP TABLE revocation")).unwrap_err();
    database.run("DROP SCHEMA public CASCADE; CREATE SCHEMA public");
    // Who goes on does what was ordered.
    nobody().unwrap();
    to.inspect().unwrap();
}

/// A session of a node.
async fn session(database: &super::super::bench::postgres::Database) -> tokio_postgres::Client {
    let url = format!("{}?application_name=kdp%20two", database.url());
    let (client, talk) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(talk);
    client
}

#[test]
fn a_move_that_goes_on_or_ends_asks_again_who_uses_the_database_and_no_other_works_on_it() {
    let Some(database) = new_database() else { return };
    let (directory, path) = closed();
    let source = server(&database, "one");
    moved(&file(&path), &source).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let back = file(&directory.path().join("back.db"));
    let mut node = None;
    let mut excluded = Vec::new();
    // Somebody comes while it is under way, whom the mark did not keep out.
    let found = source.move_to(&back, &order(), &mut |progress| {
        if progress.phase == Phase::Comparing && node.is_none() {
            node = Some(runtime.block_on(session(&database)));
            excluded.push(source.abandon("aliya", NOON).map(drop));
            excluded.push(source.state().map(drop));
        }
    });
    let by_node = |found: Refusal| matches!(&found, Refusal::InUse(who) if who.starts_with("kdp two"));
    assert!(by_node(found.unwrap_err()));
    assert_eq!(excluded.len(), 2);
    for found in excluded {
        assert!(matches!(&found, Err(Refusal::InUse(who)) if who == "kdp: a move"), "{found:?}");
    }
    let marked = || source.inspect().unwrap_err().to_string();
    assert!(marked().contains("is being moved to sqlite:///"), "{}", marked());
    let mut copied = false;
    let found = source.move_to(&back, &order(), &mut |_| copied = true);
    assert!(by_node(found.unwrap_err()) && !copied, "nothing is copied while somebody is there");
    drop((node, runtime));
    moved(&source, &back).unwrap();
    assert!(marked().contains("was moved to sqlite:///"));
    back.inspect().unwrap();
}
