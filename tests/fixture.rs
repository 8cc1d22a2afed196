//! The fixtures through the real server: every request gets the outcome in its name and exactly the reply that is
//! kept beside it; every attack gets the fault in its name, and the connection goes on working.

#[path = "fixture/by_check.rs"]
mod by_check;
#[path = "common/fixture.rs"]
mod fixture;
#[path = "onboarding/json_schema.rs"]
mod json_schema;
#[path = "fixture/outcome.rs"]
mod outcome;
#[path = "common/postgres.rs"]
#[expect(dead_code, reason = "other tests need more of it")]
mod postgres;
#[path = "fixture/receipt.rs"]
mod receipt;
#[path = "common/schema.rs"]
mod schema;
#[path = "common/sqlite.rs"]
mod sqlite;
#[path = "common/stand.rs"]
#[expect(dead_code, reason = "other tests need more of it")]
mod stand;

use fixture::{files, name};
use kdp::config::Limits;
use kdp::token::jwks::KeySet;
use kdp::token::security;
use outcome::outcome;
use postgres::Database;
use serde_json::Value;
use sqlite::sqlite;
use stand::{Connection, NOW, Reply, Stand};
use std::path::Path;
use std::time::Duration;

/// Where the state can live: a file, and, if there is a server, a database of its own.
fn places() -> impl Iterator<Item = Option<Database>> {
    std::iter::once(None).chain(Database::new().map(Some))
}

/// What `fixtures/README.md` says of the limits.
async fn stand_on(database: Option<&Database>) -> Stand {
    let limits = Limits { sms_per_subject: 3, ovt_subjects: 1, ..kdp::sandbox::limits() };
    Stand::start_on(database.map(Database::url), limits).await
}

/// Sends a request and waits until nothing of what it set in motion is due any more.
async fn send(stand: &Stand, path: &Path) -> Reply {
    let reply = Connection::open(stand.address).post(&std::fs::read(path).unwrap());
    while !stand.running.app.store.due(kdp::store::Lane::Consent, NOW, 1).await.unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    reply
}

/// Holds a reply to the schemas, and to the type that the service which was called answers with.
fn assert_typed(path: &Path, reply: &Reply, name: &str) {
    schema::assert_valid(&reply.body, name);
    let request = std::fs::read_to_string(path).unwrap();
    let service = request.split_once("serviceId>").unwrap().1.split_once('<').unwrap().0;
    let expected = match (service, reply.element("code")) {
        (_, None) | ("KDP_SERVICE", _) => return,
        (_, Some(code)) if code != "SCSS001" => "refusal",
        ("KDP_CHECK_TOKEN", _) => "checkTokenResponse",
        ("KDP_PERSONALDATA", _) => "personalDataResponse",
        ("KDP_REVOKE", _) => "revokeResponse",
        ("KDP_LIST_TO_REVOKE", _) => "listToRevokeResponse",
        ("KDP_SEND_SOLUTION", _) => "sendSolutionResponse",
        ("KDP_SMS_REPLY", _) => "smsReplyResponse",
        (other, _) => panic!("{name} calls {other}"),
    };
    let pieces = schema::check(&reply.body, schema::Reading::Strict).unwrap();
    let root = format!("<root:{expected} ");
    let typed = pieces.iter().any(|piece| piece.document.starts_with(&root));
    // Data without anything in them are a list of nothing.
    let nothing = pieces.len() == 1 && expected == "listToRevokeResponse";
    assert!(typed || nothing, "{name} is no {expected}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_request_gets_the_outcome_in_its_name_and_the_reply_kept_for_it() {
    send_all(stand_on(None).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_request_gets_the_same_reply_from_a_service_on_postgresql() {
    let Some(database) = Database::new() else { return };
    send_all(stand_on(Some(&database)).await).await;
}

async fn send_all(stand: Stand) {
    let bless = std::env::var_os("KDP_BLESS").is_some();
    let requests = files("requests");
    assert!(requests.len() >= 500, "{} requests", requests.len());
    let jwks = Connection::open(stand.address).get("/.well-known/jwks.json").body;
    let (mut wrong, mut receipts, mut logs) = (Vec::new(), 0, 0);
    for path in &requests {
        let name = name(path);
        let mut reply = send(&stand, path).await;
        if let Some(problem) = outcome(name, &reply) {
            wrong.push(format!("{name}: {problem}"));
        }
        assert_typed(path, &reply, name);
        logs += usize::from(outcome::assert_log_valid(&reply, name));
        receipts += usize::from(receipt::verify_and_mask(&mut reply, &jwks, name));
        let golden = path.parent().unwrap().with_file_name("replies").join(path.file_name().unwrap());
        if bless {
            std::fs::create_dir_all(golden.parent().unwrap()).unwrap();
            std::fs::write(&golden, &reply.body).unwrap();
        } else if std::fs::read_to_string(&golden).unwrap_or_default() != reply.body {
            wrong.push(format!("{name}: the reply differs from {}", golden.display()));
        }
    }
    for path in files("replies").iter().filter(|reply| !requests.iter().any(|r| name(r) == name(reply))) {
        if bless {
            std::fs::remove_file(path).unwrap();
        } else {
            wrong.push(format!("{}: a reply of no request", name(path)));
        }
    }
    assert!(wrong.is_empty(), "{} of {} wrong:\n{}", wrong.len(), requests.len(), wrong.join("\n"));
    assert!(receipts >= 50 && logs >= 15, "{receipts} receipts, {logs} logs of accesses");
    stand.running.stop().await;
}

/// Those that follow another one, as `fixtures/README.md` lists them, need it before them.
const FOLLOW: [&str; 6] = [
    "-f6-method-2-ovt-unused",
    "-f6-method-3-ovt-unused",
    "-f6-method-4-ovt-unused",
    "-f6-method-2-within-limits",
    "-f6-method-3-within-limits",
    "-f6-method-4-within-limits",
];

#[tokio::test(flavor = "multi_thread")]
async fn every_request_that_follows_no_other_gets_its_outcome_in_whatever_order() {
    for database in places() {
        let stand = stand_on(database.as_ref()).await;
        let mut wrong = Vec::new();
        for path in files("requests").iter().rev() {
            let name = name(path);
            if FOLLOW.iter().any(|follows| name.contains(follows)) {
                continue;
            }
            if let Some(problem) = outcome(name, &send(&stand, path).await) {
                wrong.push(format!("{name}: {problem}"));
            }
        }
        assert!(wrong.is_empty(), "{} wrong backwards:\n{}", wrong.len(), wrong.join("\n"));
        stand.running.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_check_of_each_method_fails_alone_in_a_request() {
    for database in places() {
        let stand = stand_on(database.as_ref()).await;
        let mut cases = Vec::new();
        for path in files("requests") {
            let Some(case) = by_check::Case::read(&path) else { continue };
            assert_eq!(outcome(name(&path), &send(&stand, &path).await), None, "{}", name(&path));
            cases.push(case);
        }
        by_check::assert_complete(&cases, journal(&stand, database.as_ref()));
        stand.running.stop().await;
    }
}

/// Message, kind, outcome and detail of each record.
fn journal(stand: &Stand, database: Option<&Database>) -> Vec<[String; 4]> {
    let rows = "FROM journal WHERE message_id != '' ORDER BY seq";
    if let Some(database) = database {
        let records = database.ask(&format!("SELECT message_id, kind, outcome, detail {rows}")).into_iter();
        let texts = |row: Vec<Option<String>>| row.into_iter().map(Option::unwrap).collect::<Vec<_>>();
        return records.map(|row| texts(row).try_into().unwrap()).collect();
    }
    let records =
        sqlite(&stand.database(), &format!("SELECT json_array(message_id, kind, outcome, detail) {rows}"));
    records.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sandbox_shows_the_tokens_and_requests_that_requests_speak_of() {
    for database in places() {
        shows_what_requests_speak_of(stand_on(database.as_ref()).await).await;
    }
}

async fn shows_what_requests_speak_of(stand: Stand) {
    let get = |path| Connection::open(stand.address).get(path).body;
    let shown: Value = serde_json::from_str(&get("/sandbox")).unwrap();
    let keys = KeySet::from_jwks(&get("/.well-known/jwks.json")).unwrap();
    let list = |name: &str| shown[name].as_array().unwrap_or_else(|| panic!("no {name}")).clone();
    for token in list("tokens") {
        let claims = security::read(token["code"].as_str().unwrap(), &keys).unwrap();
        assert_eq!(claims.jti, token["token_id"], "{}", token["name"]);
        assert_eq!(kdp::clock::text(claims.exp * 1000), token["expires_at"], "{}", token["name"]);
    }
    let active = list("tokens")[0]["code"].as_str().unwrap().to_owned();
    let check = files("requests").into_iter().find(|path| name(path).contains("-check-active-by-code."));
    assert!(
        std::fs::read_to_string(check.unwrap()).unwrap().contains(&active),
        "made by two programs, and the same"
    );
    assert_eq!(list("holds").len(), 2);
    assert!(list("requests").iter().all(|asked| asked["request_id"].is_string()));
    assert!(list("proactive").iter().all(|service| service["services"].is_array()));
    stand.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_attack_gets_the_fault_in_its_name_and_the_connection_works_on() {
    for database in places() {
        attack(stand_on(database.as_ref()).await).await;
    }
}

async fn attack(stand: Stand) {
    let good = std::fs::read(&files("requests")[0]).unwrap();
    let attacks = files("attacks");
    assert!(attacks.len() >= 100, "{} attacks", attacks.len());
    let mut wrong = Vec::new();
    for path in &attacks {
        let name = name(path);
        let code = name.split('-').next().unwrap();
        let mut connection = Connection::open(stand.address);
        let reply = connection.post(&std::fs::read(path).unwrap());
        let fault = reply.element("errorCode").unwrap_or("no fault");
        if reply.status != 500 || fault != code {
            wrong.push(format!("{name}: {} {fault} {:?}", reply.status, reply.element("faultstring")));
            continue;
        }
        schema::assert_valid(&reply.body, name);
        assert!(!reply.closes(), "{name} closes the connection");
        assert_eq!(connection.post(&good).word(), Some("VALID"), "after {name}");
    }
    assert!(wrong.is_empty(), "{} of {} wrong:\n{}", wrong.len(), attacks.len(), wrong.join("\n"));
    stand.running.stop().await;
}
