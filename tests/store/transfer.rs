//! A move to the other engine and back: every row as it was, and the service goes on where it was.

use super::bench::{
    Ask, Bench, Disk, HOUR, NOON, Proof, id, look, new, new_database, phone, postgres, record, sqlite,
    whereabouts,
};
use super::registration::{key, sender};
use super::revocation::MONTHS;
use kdp::consent::method::Method;
use kdp::consent::revocation::Decision;
use kdp::consent::standing::Span;
use kdp::journal::head::SignedHead;
use kdp::metric::Metrics;
use kdp::operator::Name;
use kdp::registry::{SenderRecord, Suspension};
use kdp::store::asynchronous::Intake;
use kdp::store::journal::Keeping;
use kdp::store::location::Location;
use kdp::store::operator::Approval;
use kdp::store::postgres::PostgresStore;
use kdp::store::register::{Hold, Item};
use kdp::store::sqlite::{SqliteStore, Synchronous};
use kdp::store::transfer::table::{COUNTER, JOURNAL_OF_NODE, OF_NODES, STAYING, STAYING_COLUMNS, TABLES};
use kdp::store::transfer::{Moved, Order, Phase, Progress, Refusal};
use kdp::store::{Granted, Record, Store, StoreError, Task};
use kdp::text::Reason;
use rusqlite::types::ValueRef;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[path = "transfer/refusal.rs"]
mod refusal;
#[path = "transfer/unlike.rs"]
mod unlike;

/// A file with something in every table, by the verbs that write there. Answers with a token that is in force.
async fn filled(bench: &Bench) -> (kdp::store::AccessRequest, Proof) {
    let store = &bench.store;
    let span = Span { from: NOON, until: None };
    let suspensions = vec![Suspension { span, reason: "x".to_owned() }];
    for item in
        [sender("One"), SenderRecord { sender_id: "other".to_owned(), suspensions, ..sender("Other") }]
    {
        bench.register(Item::Sender(Box::new(item)), NOON).await;
    }
    store.keep_keys(vec![key()], record(NOON, "key")).await.unwrap();
    bench.waiting(&Ask::of(2), NOON).await;
    new(bench.open(&Ask { iin: 3, phone: Some(3), ..Ask::by_code() }, NOON).await);
    let answered = bench.waiting(&Ask::of(4), NOON).await;
    bench.say(&phone(4), &format!("{} ИӘ", answered.reference), NOON + 1).await;
    let proof = Proof::formed(NOON);
    let ask = Ask { iin: 5, method: Method::OwnMeans, phone: None, ..Ask::default() };
    let Granted::New(granted) = bench.grant(&proof, &ask, NOON).await else { panic!("it is new") };
    bench.check(look(&granted, NOON), NOON).await;
    let contested = bench.granted(&Ask::default(), MONTHS, NOON).await;
    bench.filed(&contested, NOON).await;
    let revoked = bench.granted(&Ask { services: "C", ..Ask::default() }, MONTHS, NOON).await;
    let application = bench.filed(&revoked, NOON).await;
    bench.solved(application.id, Decision::Approve, NOON + 1).await;
    bench.hold(9, Hold::Block, true, NOON).await;
    store.conflicts("bank".to_owned(), "m-1".to_owned(), [7; 32], NOON).await.unwrap();
    store.log_in(Name::parse("aliya").unwrap(), false, record(NOON, "")).await.unwrap();
    let approval = Approval {
        id: id(NOON),
        act: "subject erase".to_owned(),
        digest: [1; 32],
        asked_by: "aliya".to_owned(),
        asked: NOON,
        until: NOON + HOUR,
        approved: None,
        done: None,
    };
    store.ask_approval(approval, record(NOON, "asked")).await.unwrap();
    let intake = Intake {
        id: id(NOON),
        sender: "bank".to_owned(),
        correlation_id: None,
        message_id: "m-2".to_owned(),
        asked: b"ask".to_vec().into(),
        message: b"message".to_vec().into(),
        most: 9,
    };
    store.take(intake, record(NOON, "taken in")).await.unwrap();
    keep_head(&**store, None, 1, "made-up").await;
    store.keep_forwarded("journal:file", 3).await.unwrap();
    store.allot(64).await.unwrap();
    (granted, proof)
}

/// Keeps a head of this record.
async fn keep_head(store: &dyn Store, node: Option<&str>, seq: i64, jws: &str) {
    let chain = store.journal(seq - 1, 1).await.unwrap()[0].chain;
    let head = SignedHead { node: node.map(str::to_owned), seq, at: NOON, jws: jws.to_owned() };
    let keeping = Keeping { head, chain, claims: Vec::new(), replaces: None };
    assert!(store.keep_head(keeping).await.unwrap());
}

fn file(path: &Path) -> Location {
    Location::File(path.to_owned(), Synchronous::Full)
}

fn server(database: &super::bench::postgres::Database, node: &str) -> Location {
    Location::Server(Box::new(whereabouts(database, node)))
}

fn order() -> Order {
    Order { id: id(NOON), admitted: Some("aliya".to_owned()), at: NOON + 5 }
}

fn moved(from: &Location, to: &Location) -> Result<Moved, Refusal> {
    from.move_to(to, &order(), &mut |_| {})
}

fn stored(path: &Path, bench: &Bench) -> Result<Arc<dyn Store>, StoreError> {
    let rules = (super::bench::SPANS, kdp::consent::revocation::Rule::default());
    let metrics = Metrics::default().store.clone();
    SqliteStore::open(path, Synchronous::Full, bench.seal.clone(), rules, metrics)
        .map(|store| Arc::new(store) as Arc<dyn Store>)
}

fn served(database: super::bench::postgres::Database, seal: &Arc<super::bench::FaultySeal>) -> Bench {
    let (metrics, rules) =
        (Metrics::default(), (super::bench::SPANS, kdp::consent::revocation::Rule::default()));
    let place = whereabouts(&database, "one");
    let store = Arc::new(PostgresStore::open(&place, seal.clone(), rules, metrics.store.clone()).unwrap());
    let directory = tempfile::tempdir().unwrap();
    Bench { name: "postgres", store, seal: seal.clone(), metrics, directory, database: Some(database) }
}

/// Every table of a file with its rows, whatever the program takes its tables to be.
fn contents(path: &Path) -> BTreeMap<String, Vec<String>> {
    let database = rusqlite::Connection::open(path).unwrap();
    let names =
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT IN ('transfer', 'sqlite_stat1')";
    let mut names = database.prepare(names).unwrap();
    let names: Vec<String> = names.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let of = |table: &String| {
        let mut statement = database.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let columns = statement.column_count();
        let mut rows = statement.query([]).unwrap();
        let mut found = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            let value = |at| match row.get_ref(at).unwrap() {
                ValueRef::Text(text) => String::from_utf8(text.to_vec()).unwrap(),
                other => format!("{other:?}"),
            };
            found.push((0..columns).map(value).collect::<Vec<_>>().join(" | "));
        }
        found.sort();
        (table.clone(), found)
    };
    names.iter().map(of).collect()
}

/// What was said of moves is taken out, and must be that much.
fn without_moves(contents: &mut BTreeMap<String, Vec<String>>, expected: &[&str]) {
    let journal = contents.get_mut("journal").unwrap();
    let mut told = Vec::new();
    journal.retain(|row| {
        let is_told = row.contains("moving to ") || row.contains("moved here from ");
        if is_told {
            told.push((row.split(" | ").next().unwrap().to_owned(), row.clone()));
        }
        !is_told
    });
    told.sort_by_key(|(seq, _)| (seq.len(), seq.clone()));
    assert_eq!(told.len(), expected.len(), "{told:?}");
    for ((_, row), words) in told.iter().zip(expected) {
        assert!(row.contains(words) && row.contains("aliya"), "{words}: {row}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_installation_moves_there_and_back_row_for_row() {
    let Some(database) = new_database() else { return };
    let bench = sqlite(Disk::Waits);
    filled(&bench).await;
    let path = bench.path();
    let back = bench.directory.path().join("back.db");
    let Bench { store, seal, directory, .. } = bench;
    drop(store);
    let before = contents(&path);
    for table in &TABLES {
        assert!(!before[table.name].is_empty(), "{}: nothing in it would be missed", table.name);
    }
    let there = moved(&file(&path), &server(&database, "one")).unwrap();
    for (name, rows) in &there.tables {
        let ours = before[*name].len() as u64 + u64::from(*name == "journal");
        assert_eq!(*rows, ours, "{name}");
    }
    let again = moved(&server(&database, "one"), &file(&back)).unwrap();
    assert!(again.rows() > there.rows() && again.to.starts_with("sqlite:///"));
    let mut after = contents(&back);
    without_moves(
        &mut after,
        &["moving to postgres", "moved here from sqlite", "moving to sqlite", "moved here from postgres"],
    );
    // It goes on behind the highest number that was given, here and there.
    for (table, rows) in &before {
        assert_eq!(&after[table], rows, "{table}");
    }
    assert_eq!(before.len(), after.len());
    drop((seal, directory));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_was_moved_goes_on_where_it_was() {
    let Some(database) = new_database() else { return };
    let bench = sqlite(Disk::Waits);
    let (granted, proof) = filled(&bench).await;
    let (path, jobs) = (bench.path(), bench.due(i64::MAX).await);
    let (heads, changes) =
        (bench.store.journal_end().await.unwrap(), bench.store.status_changes(0).await.unwrap());
    let Bench { store, seal, directory, .. } = bench;
    drop(store);
    moved(&file(&path), &server(&database, "one")).unwrap();

    let bench = served(database, &seal);
    // The token is worth what it was, and is the same one.
    assert_eq!(bench.worth(&granted, NOON + 9).await, ("active", None));
    let again = bench.store.request(granted.id).await.unwrap().unwrap();
    assert!(again.token.unwrap().compact == granted.token.as_ref().unwrap().compact);
    let ask = Ask { iin: 5, method: Method::OwnMeans, phone: None, ..Ask::default() };
    let Granted::Before(before) = bench.grant(&proof, &ask, NOON + 9).await else { panic!("a second token") };
    assert!(before.token.unwrap().compact == granted.token.as_ref().unwrap().compact);
    // A verification token that was used is used.
    let used = bench.grant(&proof, &ask, NOON + 600_001).await;
    assert!(matches!(used, Granted::Refused(Reason::OvtUsed)));
    // What is in progress is found, and goes on.
    assert!(bench.in_progress(&Ask::of(2), NOON + 9).await.is_some());
    assert_eq!(bench.store.status_changes(0).await.unwrap().entries, changes.entries);
    assert!(bench.store.conflicts("bank".to_owned(), "m-1".to_owned(), [8; 32], NOON + 9).await.unwrap());
    assert_eq!(bench.store.forwarded("journal:file").await.unwrap(), 3);
    let due = bench.due(i64::MAX).await;
    assert_eq!(due.len(), jobs.len(), "every job is still to be done");
    for (ours, theirs) in due.iter().zip(&jobs) {
        assert_eq!(
            (ours.id, ours.task, ours.request, ours.due),
            (theirs.id, theirs.task, theirs.request, theirs.due)
        );
    }
    let job = due.iter().find(|job| job.task == Task::Review).unwrap();
    bench.store.review(job.request, record(job.due, "review")).await.unwrap();
    // The chain goes on, and numbers do.
    let end = bench.store.journal_end().await.unwrap();
    assert!(end.seq > heads.seq + 2 && end.head == Some(1));
    new(bench.open(&Ask::of(70), NOON + 9).await);
    let last = bench.granted(&Ask { iin: 71, ..Ask::default() }, MONTHS, NOON + 9).await;
    assert_eq!(bench.worth(&last, NOON + 9).await.0, "active");
    assert_eq!(bench.store.allot(1).await.unwrap(), changes.allotted.max(64));
    // The old one is closed to everybody, and says where to go.
    let refused = stored(&path, &bench).map(drop).unwrap_err().to_string();
    for words in ["was moved to postgres://", "перенесена в", "көшірілді", "database.url"]
    {
        assert!(refused.contains(words), "{refused}");
    }
    for refused in [file(&path).inspect().map(drop), file(&path).migrate(NOON).map(drop)] {
        assert!(refused.unwrap_err().to_string().contains("was moved to"));
    }
    assert!(
        kdp::store::sqlite::migrate_back(&path, NOON, "").unwrap_err().to_string().contains("was moved to")
    );
    drop(directory);
}

#[tokio::test(flavor = "multi_thread")]
async fn chains_of_other_nodes_are_kept_in_a_file_and_find_their_nodes_again() {
    let (Some(bench), Some(database)) = (postgres(), new_database()) else { return };
    for node in ["two", "Ω три", "a"] {
        let store = bench.node(node);
        for n in 0..5 {
            store.note(record(NOON + n, &format!("{node} {n}"))).await.unwrap();
        }
        keep_head(&*store, Some(node), 2, &format!("of {node}")).await;
        store.keep_forwarded("journal:syslog", 2).await.unwrap();
    }
    bench.store.keep_forwarded("journal:syslog", 4).await.unwrap();
    bench.granted(&Ask::default(), MONTHS, NOON).await;
    bench.register(Item::Sender(Box::new(sender("One"))), NOON).await;
    // Decisions of this node and of another.
    let (own, other) = (id(NOON), id(NOON));
    for (store, decision) in [(&bench.store, own), (&bench.node("two"), other)] {
        let record = Record { kind: "decision", decision: Some(decision), ..record(NOON, "granted") };
        store.note(record).await.unwrap();
    }
    let decided = |store: Arc<dyn Store>| async move {
        let figures = store.figures(NOON - 1, NOON + 100).await.unwrap();
        let decided =
            store.decided("bank".to_owned(), 0).await.unwrap().into_iter().map(|decided| decided.decision);
        let found = [store.decision(own).await.unwrap(), store.decision(other).await.unwrap()];
        let seen: (Vec<_>, BTreeSet<_>) =
            (figures.iter().map(|f| format!("{f:?}")).collect(), decided.collect());
        assert!(found.iter().all(|records| records.len() == 1) && seen.1.len() == 2, "{seen:?}");
        seen
    };
    let told = decided(bench.store.clone()).await;
    let Bench { store, database: first, directory, seal, .. } = bench;
    let (first, middle) = (first.unwrap(), directory.path().join("middle.db"));
    drop(store);
    moved(&server(&first, "one"), &file(&middle)).unwrap();
    let rules = (super::bench::SPANS, kdp::consent::revocation::Rule::default());
    let store = SqliteStore::open(&middle, Synchronous::Full, seal.clone(), rules, Arc::default()).unwrap();
    assert_eq!(decided(Arc::new(store)).await, told, "what other nodes decided is told as before");
    let kept = contents(&middle);
    assert_eq!((kept[JOURNAL_OF_NODE].len(), kept["journal_head_of_node"].len()), (16, 3));
    assert!(kept["counter"].contains(&"journal:syslog | Integer(4)".to_owned()), "{:?}", kept["counter"]);
    assert!(kept["counter"].contains(&"journal:syslog of two | Integer(2)".to_owned()));
    moved(&file(&middle), &server(&database, "one")).unwrap();
    let all = |database: &super::bench::postgres::Database, table: &str| -> BTreeSet<String> {
        let rows = database.ask(&format!("SELECT CAST(t AS TEXT) FROM (SELECT * FROM {table}) AS t"));
        rows.into_iter().map(|mut row| row.remove(0).unwrap()).collect()
    };
    for table in [
        "journal WHERE node <> 'one'",
        "journal_end WHERE node <> 'one'",
        "journal_head",
        "counter",
        "job",
        "access_request",
        "subject",
        "suspension",
    ] {
        let (before, after) = (all(&first, table), all(&database, table));
        assert!(before == after, "{table}: {before:?}\n{after:?}");
    }
    // Each goes on with its own.
    let bench = served(database, &seal);
    let store = bench.node("two");
    assert_eq!(
        (store.journal_end().await.unwrap().seq, store.forwarded("journal:syslog").await.unwrap()),
        (6, 2)
    );
    store.note(record(NOON, "on")).await.unwrap();
    assert_eq!(store.journal_end().await.unwrap().seq, 7);
}

/// The columns of every table, as the engine has them: `name kind`, and whether they are in the key.
fn described(columns: impl Iterator<Item = (String, String, bool)>) -> BTreeMap<String, (String, bool)> {
    columns.map(|(name, kind, is_key)| (name, (kind, is_key))).collect()
}

/// What the description says of a table, in the words of an engine.
fn expected(
    table: &kdp::store::transfer::table::Table,
    words: [&str; 3],
) -> BTreeMap<String, (String, bool)> {
    use kdp::store::transfer::table::Column::{Bytes, Number, Text};
    let word = |column| match column {
        Number(_) => words[0],
        Text(_) => words[1],
        Bytes(_) => words[2],
    };
    let all = table
        .columns()
        .enumerate()
        .map(|(at, column)| (column.name().to_owned(), word(column).to_owned(), at < table.key.len()));
    let mut all = described(all);
    if table.name == JOURNAL_OF_NODE {
        all.insert("node".to_owned(), (words[1].to_owned(), true));
    }
    if table.name == "registry_version" {
        all.get_mut("version").unwrap().1 = false;
    }
    all
}

#[test]
fn the_description_names_every_table_and_column_of_both_schemas() {
    let bench = sqlite(Disk::Waits);
    let connection = bench.connection();
    let names =
        bench.texts("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'");
    let known: BTreeSet<_> = TABLES.iter().chain(&OF_NODES).map(|table| table.name.to_owned()).collect();
    assert_eq!(names.into_iter().collect::<BTreeSet<_>>(), known);
    for table in TABLES.iter().chain(&OF_NODES) {
        let mut statement =
            connection.prepare("SELECT name, type, pk > 0 FROM pragma_table_info(?1)").unwrap();
        let columns =
            statement.query_map([table.name], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
        assert_eq!(
            described(columns.map(Result::unwrap)),
            expected(table, ["INTEGER", "TEXT", "BLOB"]),
            "{}",
            table.name
        );
    }
    let Some(bench) = postgres() else { return };
    let names = bench.texts("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'");
    let known = TABLES.iter().map(|table| table.name).chain(STAYING.map(|(name, _)| name));
    assert_eq!(names.into_iter().collect::<BTreeSet<_>>(), known.map(str::to_owned).collect::<BTreeSet<_>>());
    for table in &TABLES {
        let rows = bench.database.as_ref().unwrap().ask(&format!(
            "SELECT c.column_name, c.data_type, CAST(EXISTS (SELECT 1 FROM information_schema.key_column_usage AS k
                 JOIN information_schema.table_constraints AS t USING (constraint_name, table_name)
                 WHERE t.constraint_type = 'PRIMARY KEY' AND k.table_name = c.table_name AND k.column_name = c.column_name)
                 AS TEXT)
             FROM information_schema.columns AS c WHERE c.table_schema = 'public' AND c.table_name = '{}'",
            table.name
        ));
        let columns = rows.into_iter().map(|mut row| {
            let mut next = || row.remove(0).unwrap();
            (next(), next(), next() == "true")
        });
        let stays =
            |name: &str| STAYING_COLUMNS.iter().any(|(of, column, _)| *of == table.name && *column == name);
        let of_node = ["journal", "journal_head"].contains(&table.name);
        let columns = columns.filter(|(name, ..)| !(stays(name) || of_node && name == "node"));
        assert_eq!(described(columns), expected(table, ["bigint", "text", "bytea"]), "{}", table.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_counter_keeps_its_place_whatever_the_name_of_the_node() {
    let Some(database) = new_database() else { return };
    let bench = sqlite(Disk::Waits);
    bench.store.keep_forwarded("journal:file", 7).await.unwrap();
    let (path, back) = (bench.path(), bench.directory.path().join("back.db"));
    let Bench { store, directory, .. } = bench;
    drop(store);
    let node = "journal:file of z'\"% ü";
    moved(&file(&path), &server(&database, node)).unwrap();
    moved(&server(&database, node), &file(&back)).unwrap();
    assert_eq!(contents(&back)[COUNTER], contents(&path)[COUNTER]);
    drop(directory);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_broken_off_goes_on_and_says_so() {
    let Some(database) = new_database() else { return };
    let bench = sqlite(Disk::Hurries);
    filled(&bench).await;
    let (path, directory) = (bench.path(), bench.directory);
    drop(bench.store);
    grow(&path, 12_000);
    let mut told = Vec::new();
    let broken = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        file(&path).move_to(&server(&database, "one"), &order(), &mut |progress| {
            assert!(progress.done < 6_000, "the program ends here");
        })
    }));
    assert!(broken.is_err() || broken.unwrap().is_err());
    let refused = kdp::store::sqlite::inspect(&path).unwrap_err().to_string();
    assert!(refused.contains("is being moved to postgres://") && refused.contains("--abandon"), "{refused}");
    let refused = server(&database, "one").inspect().unwrap_err().to_string();
    assert!(refused.contains("is being moved here, and that is not finished"), "{refused}");
    let mut copied = 0;
    let moved =
        file(&path).move_to(&server(&database, "one"), &order(), &mut |progress: &Progress| match progress
            .phase
        {
            Phase::Resumed => told.push(progress.done),
            Phase::Copying => copied = progress.done,
            Phase::Comparing => {}
        });
    let rows = moved.unwrap().rows();
    assert!(told.len() == 1 && told[0] >= 5_000 && copied == rows, "{told:?} {copied} {rows}");
    drop(directory);
}

/// Subjects, each with a number of its own.
fn grow(path: &Path, count: u32) {
    let database = rusqlite::Connection::open(path).unwrap();
    let sql = format!(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})
         INSERT INTO subject (hash, seen) SELECT randomblob(32), i FROM n"
    );
    database.execute_batch(&sql).unwrap();
}
