//! `kdp explain` against the service: on every fixture the same verdict, nothing kept, and each cause named.

#[path = "explain/case.rs"]
mod case;
#[path = "common/fixture.rs"]
mod fixture;
#[path = "explain/maker.rs"]
mod maker;
#[path = "common/sqlite.rs"]
mod sqlite;
#[path = "common/stand.rs"]
#[expect(dead_code, reason = "other tests need more of it")]
mod stand;

use fixture::{files, name};
use kdp::explain::{Rehearsal, Report, State, decision, explain};
use kdp::random::Id;
use kdp::sandbox;
use kdp::text::{Cause, FaultCode, Lang};
use stand::{Connection, NOW, Stand};
use std::path::Path;

/// A fresh installation of the fixtures' world at their time.
async fn rehearsal() -> (Stand, Rehearsal) {
    let stand = Stand::start().await;
    let (config, opened) = sandbox::open(stand.directory.path()).unwrap();
    let rehearsal = Rehearsal::open(config, opened.seal, NOW).await.unwrap();
    (stand, rehearsal)
}

fn failed(report: &Report) -> Vec<&str> {
    let failed = report.steps.iter().filter(|step| step.state == State::Failed);
    failed.filter_map(|step| step.code).collect()
}

/// Whether words of English stand side by side.
fn is_sentence(text: &str) -> bool {
    let words: Vec<&str> = text.split(' ').collect();
    let is_word = |word: &&str| word.len() > 1 && word.bytes().all(|byte| byte.is_ascii_lowercase());
    words.windows(2).any(|pair| pair.iter().all(is_word))
}

/// The text of the first element of this name.
fn element<'t>(xml: &'t str, name: &str) -> Option<&'t str> {
    let after = xml.split_once(&format!("{name}>"))?.1;
    Some(after.split_once('<')?.0)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_verdict_on_every_request_is_that_of_the_reply_that_is_kept() {
    let (stand, rehearsal) = rehearsal().await;
    let (mut wrong, mut reasons) = (Vec::new(), 0);
    let database = stand.database();
    // A running service writes its journal's heads.
    let Stand { running, directory: _directory, .. } = stand;
    running.stop().await;
    let before = sqlite::sqlite(&database, ".dump");
    let requests = files("requests");
    assert!(requests.len() >= 500, "{} requests", requests.len());
    for path in requests {
        let name = name(&path);
        let message = std::fs::read(&path).unwrap();
        let report = explain(&rehearsal, &message, Lang::En).await;
        let reply = path.parent().unwrap().with_file_name("replies").join(path.file_name().unwrap());
        let reply = std::fs::read_to_string(reply).unwrap();
        let code = element(&reply, "errorCode").or_else(|| element(&reply, "code")).unwrap();
        if report.verdict.code != code {
            wrong.push(format!("{name}: {} is not {code}: {}", report.verdict.code, report.text()));
        }
        // Without БМГ nobody knows that there is no number; what other requests change is not there.
        let is_alone =
            !["no-phone", "limit-reached", "ovt-used", "poll"].iter().any(|word| name.contains(word));
        let reason = element(&reply, "k:reason").filter(|_| is_alone);
        if let (Some(own), Some(reason)) = (report.verdict.reason, reason) {
            reasons += usize::from(own.code() == reason);
            if own.code() != reason && !name.contains("-f6-method-") {
                wrong.push(format!("{name}: {} is not {reason}", own.code()));
            }
        }
        if report.verdict.is_judged && report.verdict.is_accepted != failed(&report).is_empty() {
            wrong.push(format!("{name}: {:?}", failed(&report)));
        }
        let again = explain(&rehearsal, &message, Lang::En).await;
        assert_eq!((again.text(), again.json()), (report.text(), report.json()), "{name}");
        let russian = explain(&rehearsal, &message, Lang::Ru).await;
        for (step, own) in report.steps.iter().zip(&russian.steps) {
            let said = [(&step.found, &own.found), (&step.expected, &own.expected)];
            if let Some((english, _)) = said.iter().find(|(english, own)| english == own && is_sentence(own))
            {
                wrong.push(format!("{name}: {}: {english} is not told in Russian", step.code()));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(reasons > 150, "{reasons}");
    assert_eq!(sqlite::sqlite(&database, ".dump"), before, "something was kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_verdict_on_every_attack_is_the_fault_in_its_name_and_so_is_the_first_step_that_fails() {
    let (stand, rehearsal) = rehearsal().await;
    let mut wrong = Vec::new();
    for path in files("attacks") {
        let name = name(&path);
        let code = name.split('-').next().unwrap();
        let report = explain(&rehearsal, &std::fs::read(&path).unwrap(), Lang::En).await;
        let first = failed(&report).first().copied();
        if report.verdict.code != code || first != Some(code) {
            wrong.push(format!("{name}: {} {first:?}", report.verdict.code));
        }
        assert!(FaultCode::from_code(code).is_some());
        let unnamed = report.steps.iter().find(|step| step.state == State::Failed && step.causes.is_empty());
        if let Some(step) = unnamed {
            wrong.push(format!("{name}: {} has no cause: {}", step.code(), step.found));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    stand.running.stop().await;
}

/// Else whoever has the message could try codes without the service counting the tries.
#[tokio::test(flavor = "multi_thread")]
async fn a_one_time_code_is_not_judged_whether_it_is_right_or_wrong() {
    let (stand, rehearsal) = rehearsal().await;
    let mut tries = 0;
    for path in files("requests") {
        let name = name(&path);
        if !name.contains("one-time-code") || name.contains("code-none") {
            continue;
        }
        let report = explain(&rehearsal, &std::fs::read(&path).unwrap(), Lang::En).await;
        let verdict = &report.verdict;
        assert!(!verdict.is_judged && !verdict.is_accepted && verdict.reason.is_none(), "{}", report.text());
        assert!(report.json()["accepted"].is_null() && report.text().contains("not decided: SCSS001"));
        tries += 1;
    }
    assert!(tries >= 3, "{tries}");
    stand.running.stop().await;
}

/// Causes for which a message alone is not enough: they take a list of revoked certificates, or a damaged authority.
const ELSEWHERE: [Cause; 3] = [Cause::CertificateRevoked, Cause::RevocationUnknown, Cause::KeyMalformed];

#[tokio::test(flavor = "multi_thread")]
async fn each_cause_is_named_in_a_message_that_has_this_fault_alone() {
    let (stand, rehearsal) = rehearsal().await;
    for message in case::good() {
        let report = explain(&rehearsal, &message, Lang::En).await;
        assert!(report.verdict.is_accepted && report.causes().is_empty(), "{}", report.text());
    }
    let cases = case::all();
    let (mut wrong, mut named) = (Vec::new(), Vec::new());
    for case in &cases {
        let report = explain(&rehearsal, &case.message, Lang::Ru).await;
        let server = Connection::open(stand.address).post(&case.message);
        let told = server.element("errorCode").or_else(|| server.element("code")).map(str::to_owned);
        named.extend(report.causes());
        if report.causes() != case.causes
            || report.verdict.code != case.code
            || told.as_deref() != Some(case.code)
        {
            wrong.push(format!(
                "{:?} {}: {:?} {}, server {told:?}\n{}",
                case.causes,
                case.code,
                report.causes(),
                report.verdict.code,
                report.text()
            ));
        }
        for lang in Lang::ALL {
            let report = explain(&rehearsal, &case.message, lang).await;
            let again = explain(&rehearsal, &case.message, lang).await;
            assert_eq!(report.text(), again.text());
            let (text, json) = (report.text(), report.json());
            let is_told = |cause: &Cause| {
                let listed = json["causes"].as_array().unwrap().contains(&cause.code().into());
                listed && text.contains(cause.code()) && text.contains(cause.remedy(lang))
            };
            if !case.causes.iter().all(is_told) {
                wrong.push(format!("{:?} in {lang:?}: {text}", case.causes));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {} wrong:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    let unnamed: Vec<_> =
        Cause::ALL.iter().filter(|cause| !named.contains(cause) && !ELSEWHERE.contains(cause)).collect();
    assert!(unnamed.is_empty(), "no message for {unnamed:?}");
    stand.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_prints_the_same_report_each_time_and_ends_with_the_verdict() {
    let stand = Stand::start().await;
    let database = stand.database();
    let Stand { running, directory, .. } = stand;
    running.stop().await;
    let data = directory.path().to_str().unwrap().to_owned();
    let run = |code: i32, arguments: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_kdp"));
        command.arg("explain").args(arguments).args(["--data", &data, "--at", "2026-04-01T12:00:00+05:00"]);
        let output = tokio::task::block_in_place(|| command.output()).unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?} {output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let path = |folder: &str, name: &str| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(folder).join(name);
        path.to_str().unwrap().to_owned()
    };
    let before = sqlite::sqlite(&database, ".dump");
    let good = path("requests", "001-shep-key-identifier.VALID.xml");
    assert!(
        run(0, &[&good]).ends_with("Hand the token in code to the owner of the data before expires_at.\n")
    );
    let bad = path("attacks", "SCE006-rsa-sha1.xml");
    for lang in ["kk", "ru", "en"] {
        let report = run(1, &[&bad, "--lang", lang]);
        assert!(report.contains("sha-1") && report.contains("SCE006"), "{report}");
        assert_eq!(run(1, &[&bad, "--lang", lang]), report);
    }
    let report: serde_json::Value = serde_json::from_str(&run(1, &[&bad, "--json"])).unwrap();
    assert_eq!((&report["accepted"], &report["verdict"]["code"]), (&false.into(), &"SCE006".into()));
    assert_eq!(report["causes"], serde_json::json!(["sha-1"]));
    let step = report["steps"].as_array().unwrap().iter().find(|step| step["state"] == "failed").unwrap();
    for key in ["step", "title", "found", "expected", "paragraph"] {
        assert!(step[key].as_str().is_some_and(|text| !text.is_empty()), "{key}: {step}");
    }
    assert_eq!(step["remedies"].as_array().unwrap().len(), 1);
    run(2, &["no-such-file.xml"]);
    assert_eq!(sqlite::sqlite(&database, ".dump"), before, "something was kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_send_prints_can_be_explained_before_it_is_sent() {
    let stand = Stand::start().await;
    let run = |arguments: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_kdp"));
        let output = tokio::task::block_in_place(|| command.args(arguments).output()).unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?} {output:?}");
        output.stdout
    };
    let url = stand.running.url.clone();
    let ask = ["--as", "bank", "--method", "2", "--uin", "800101399015", "--service", "GBDFLUniversal_token"];
    let envelope = run(&[&["send", "--url", &url, "--print"], &ask[..]].concat());
    let file = stand.directory.path().join("envelope.xml");
    std::fs::write(&file, envelope).unwrap();
    let data = stand.directory.path().to_str().unwrap();
    let at = kdp::clock::text(NOW);
    let report = run(&["explain", file.to_str().unwrap(), "--data", data, "--lang", "ru", "--at", &at]);
    assert!(String::from_utf8(report).unwrap().contains("принято: SCSS001, VALID, granted"));
    stand.running.stop().await;
}

/// The id of the decision in an answer, or in a fault.
fn decision_of(reply: &stand::Reply) -> Option<Id> {
    let told = reply.element("decision_id").or_else(|| reply.element("errorData"))?;
    told.split([' ', '.']).find_map(Id::parse)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_explained_by_its_decision_in_the_codes_and_words_of_its_envelope() {
    let (stand, rehearsal) = rehearsal().await;
    let app = stand.running.app.clone();
    let cases = case::all();
    let good = case::good().map(|message| case::Case { causes: Vec::new(), code: "SCSS001", message });
    let (mut wrong, mut known, mut checks) = (Vec::new(), Vec::new(), 0);
    for case in cases.into_iter().chain(good) {
        let reply = Connection::open(stand.address).post(&case.message);
        // Neither what is too large nor the answer with what was asked for has a decision in it.
        let Some(id) = decision_of(&reply) else { continue };
        for lang in Lang::ALL {
            let report = decision(&*app.store, id, |_| true, lang).await.unwrap().unwrap();
            let live = explain(&rehearsal, &case.message, lang).await;
            let (own, other) = (&report.verdict, &live.verdict);
            let is_same = own.code == other.code
                && own.reason == other.reason
                && own.is_accepted == other.is_accepted
                && (&own.text, &own.remedy) == (&other.text, &other.remedy);
            let is_known = report.causes().iter().all(|cause| live.causes().contains(cause));
            if !is_same || failed(&report).first() != failed(&live).first() || !is_known {
                wrong.push(format!("{:?}: {}\n{}", case.causes, report.text(), live.text()));
            }
            // The check that failed, in the same words.
            let told = |report: &Report| {
                let step =
                    report.steps.iter().find(|step| step.check.is_some() && step.state == State::Failed)?;
                Some((step.code(), step.expected.clone()))
            };
            if told(&report).is_some() {
                checks += 1;
                assert_eq!(told(&report), told(&live), "{:?}", case.causes);
            }
            known.extend(report.causes());
            for secret in ["800101399015", "HD5O4rmKox67ctwSg9VC5eicBPNSbmvh", "ФИО"] {
                assert!(!report.text().contains(secret) && !report.json().to_string().contains(secret));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    known.sort_by_key(|cause| cause.code());
    known.dedup();
    assert!(known.len() >= 20 && checks >= 15, "{} causes, {checks} checks", known.len());
    stand.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_of_another_sender_is_as_unknown_as_none_and_each_look_is_journalled() {
    let stand = Stand::start().await;
    let (database, address) = (stand.database(), stand.address);
    let [good, _] = case::good();
    let id = decision_of(&Connection::open(address).post(&good)).unwrap().to_string();
    let impostor = maker::Maker { password: "wrong".to_owned(), ..maker::Maker::bank() }.make();
    let claimed = decision_of(&Connection::open(address).post(impostor.as_bytes())).unwrap().to_string();
    let Stand { running, directory, .. } = stand;
    running.stop().await;
    let data = directory.path().to_str().unwrap().to_owned();
    let run = |arguments: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_kdp"));
        command.arg("explain").args(arguments).args(["--data", &data]);
        let output = tokio::task::block_in_place(|| command.output()).unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    for arguments in [&["--decision", &id][..], &["--decision", &id, "--for", "bank_kdp"]] {
        let (code, text, _) = run(&[arguments, &["--lang", "ru"]].concat());
        assert!(code == Some(0) && text.contains("принято: SCSS001, granted"), "{text}");
    }
    let (code, text, _) = run(&["--decision", &id, "--for", "260140990117", "--json"]);
    let report: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((code, &report["verdict"]["reason"]), (Some(0), &"granted".into()));
    let foreign = run(&["--decision", &id, "--for", "akimat_kdp"]);
    let none = run(&["--decision", "01977000-0000-7000-8000-000000000000", "--for", "bank_kdp"]);
    assert_eq!(foreign, none);
    assert_eq!(foreign.0, Some(1));
    assert!(foreign.2.contains("decision-unknown"), "{}", foreign.2);
    assert_eq!(run(&["--decision", "7"]).0, Some(2));
    // Who only claimed to be the bank: it is told of by the service, and to no sender.
    assert_eq!(run(&["--decision", &claimed, "--for", "bank_kdp"]), none);
    assert_eq!(run(&["--decision", &claimed, "--for", "260140990117"]), none);
    let (code, text, _) = run(&["--decision", &claimed]);
    assert!(code == Some(1) && text.contains("KDP401"), "{text}");
    let sql = "SELECT operator || ' ' || detail FROM journal WHERE kind = 'look' AND outcome = 'decision'";
    let looks = sqlite::sqlite(&database, sql);
    assert_eq!(looks.lines().count(), 8, "{looks}");
    assert!(looks.contains(&id) && looks.contains("registrar {"), "{looks}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_says_by_its_exit_what_only_the_service_decides_and_waits_for_no_writer() {
    let Stand { running, directory, .. } = Stand::start().await;
    running.stop().await;
    let data = directory.path().to_str().unwrap().to_owned();
    let run = |file: &str| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_kdp"));
        command.args(["explain", file, "--data", &data, "--at", "2026-04-01T12:00:00+05:00"]);
        let output = tokio::task::block_in_place(|| command.output()).unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let with_code = files("requests").into_iter().find(|path| name(path).contains("-one-time-code")).unwrap();
    assert_eq!(run(with_code.to_str().unwrap()).0, Some(3), "{}", name(&with_code));
    let pipe = directory.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    let (code, error) = run(pipe.to_str().unwrap());
    assert!(code == Some(2) && error.contains("is a pipe"), "{error}");
}
