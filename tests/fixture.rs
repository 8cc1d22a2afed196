//! The fixtures through the real server: every request gets the outcome in its name and exactly the reply that is
//! kept beside it; every attack gets the fault in its name, and the connection goes on working.

#[path = "common/schema.rs"]
mod schema;
#[path = "common/stand.rs"]
#[expect(dead_code, reason = "other tests need more of it")]
mod stand;

use stand::{Connection, Reply, Stand};
use std::path::{Path, PathBuf};

fn files(folder: &str) -> Vec<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(folder);
    let mut files: Vec<PathBuf> = path.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|f| f.extension().is_some_and(|e| e == "xml" || e == "bin"));
    files.sort();
    files
}

fn name(path: &Path) -> &str {
    path.file_stem().unwrap().to_str().unwrap()
}

/// What is wrong with `reply` to a request whose file has this name; `NNN-what.STATUS[.reason|.SCSE002.element]`.
fn outcome(name: &str, reply: &Reply) -> Option<String> {
    let mut parts = name.split('.').skip(1);
    let (status, detail, element) = (parts.next().unwrap(), parts.next(), parts.next());
    let code = if status == "ERROR" { detail.unwrap() } else { "SCSS001" };
    let reason = if status == "VALID" { Some("granted") } else { detail.filter(|_| status != "ERROR") };
    if reply.status != 200 {
        return Some(format!("HTTP {}: {:?}", reply.status, reply.element("faultstring")));
    }
    if reply.element("code") != Some(code) || reply.word() != Some(status) {
        let seen = (reply.element("code"), reply.word(), reply.element("reason"), reply.element("message"));
        return Some(format!("{seen:?}"));
    }
    if reason.is_some() && reply.element("reason") != reason {
        return Some(format!("reason {:?}", reply.element("reason")));
    }
    let message = reply.element("message").unwrap();
    element
        .into_iter()
        .flat_map(|e| e.split('+'))
        .find(|e| !message.contains(e))
        .map(|e| format!("{e} not in {message}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_request_gets_the_outcome_in_its_name_and_the_reply_kept_for_it() {
    let stand = Stand::start().await;
    let bless = std::env::var_os("KDP_BLESS").is_some();
    let requests = files("requests");
    assert!(requests.len() >= 100, "{} requests", requests.len());
    let mut wrong = Vec::new();
    for path in &requests {
        let name = name(path);
        let reply = Connection::open(stand.address).post(&std::fs::read(path).unwrap());
        if let Some(problem) = outcome(name, &reply) {
            wrong.push(format!("{name}: {problem}"));
        }
        if reply.status == 200 {
            schema::assert_valid(&reply.body, name);
        }
        let golden = path.parent().unwrap().with_file_name("replies").join(path.file_name().unwrap());
        if bless {
            std::fs::create_dir_all(golden.parent().unwrap()).unwrap();
            std::fs::write(&golden, &reply.body).unwrap();
        } else if std::fs::read_to_string(&golden).unwrap_or_default() != reply.body {
            wrong.push(format!("{name}: the reply differs from {}", golden.display()));
        }
    }
    assert!(wrong.is_empty(), "{} of {} wrong:\n{}", wrong.len(), requests.len(), wrong.join("\n"));
    stand.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_attack_gets_the_fault_in_its_name_and_the_connection_works_on() {
    let stand = Stand::start().await;
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
