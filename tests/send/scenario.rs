//! `kdp send --scenario`: the one that is shipped, one of each kind of step, and one for each way to fail.

use super::{NO, SILENT, Stand, YES, kdp};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

const MANUAL: (&str, &str) = ("930114499019", "77010000014");

/// Runs a scenario with `--json` and a report; answers with both, the report looked into by xmllint.
fn run(stand: &Stand, code: i32, text: &str, more: &[&str]) -> (Value, Junit) {
    let file = stand.directory.path().join("scenario.toml");
    std::fs::write(&file, text).unwrap();
    let junit = stand.directory.path().join("report.xml");
    let common = ["send", "--scenario", file.to_str().unwrap(), "--url", &stand.running.url, "--json"];
    let (out, _) = kdp(code, &[&common[..], &["--junit", junit.to_str().unwrap()], more].concat());
    (serde_json::from_str(&out).unwrap(), Junit(junit.display().to_string()))
}

/// A report, as the program xmllint reads it.
struct Junit(String);

impl Junit {
    fn says(&self, path: &str) -> String {
        let output = Command::new("xmllint").args(["--xpath", path, &self.0]).output();
        let output = output.expect("the program xmllint is needed (Debian: libxml2-utils)");
        assert!(output.status.success(), "{path}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }
}

/// A scenario of the bank with these steps.
fn scenario(steps: &str) -> String {
    format!("title = \"A «test» & more\"\n[send]\nas = 'bank'\nservice = 'GBDFLUniversal_token'\n{steps}")
}

fn ends(report: &Value) -> Vec<&str> {
    report["steps"].as_array().unwrap().iter().map(|step| step["end"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_shipped_scenario_brings_ten_different_tokens_and_does_so_again() {
    let stand = Stand::start().await;
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/scenario/ten-answers.toml");
    let shipped = shipped.to_str().unwrap();
    let (kept, junit) = (stand.directory.path().join("kept"), stand.directory.path().join("report.xml"));
    let common = ["send", "--scenario", shipped, "--url", &stand.running.url];
    let more = ["--save", kept.to_str().unwrap(), "--junit", junit.to_str().unwrap()];
    let (out, _) = kdp(0, &[&common[..], &more].concat());
    assert!(out.ends_with(" s\n") && out.contains("Ten successful answers: 16 passed of 16 steps"), "{out}");
    assert_eq!(out.lines().filter(|line| line.starts_with("ok ")).count(), 16, "{out}");
    let answers =
        kept.read_dir().unwrap().map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap());
    let token = |answer: String| {
        let (_, rest) = answer.split_once("<k:code>ey")?;
        answer.contains("<k:reason>granted</k:reason>").then(|| rest.split_once('<').unwrap().0.to_owned())
    };
    let tokens: BTreeSet<String> = answers.filter_map(token).collect();
    assert_eq!(tokens.len(), 10);
    let junit = Junit(junit.display().to_string());
    assert_eq!(junit.says("count(/testsuites/testsuite/testcase)"), "16");
    assert_eq!(junit.says("count(//testcase/*)"), "0");
    let (out, _) =
        kdp(0, &[&common[..], &["--via", "shep", "--crypto", "gost", "--key-info", "x509-data"]].concat());
    assert!(out.contains("16 passed"), "{out}");
    stand.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subject_answers_the_clock_moves_and_a_token_expires() {
    let stand = Stand::start().await;
    let (uin, phone) = MANUAL;
    let steps = format!(
        "[[step]]\nname = 'asked'\nsend = {{ method = 1, uin = '${{who}}', term = '10m' }}\nexpect = {{ status = 'PENDING' }}\n\
         keep = {{ request = 'request_id' }}\n\
         [[step]]\nname = 'the SMS'\nsms = {{ to = '{phone}', after = 'JOQ/NET', keep = 'mark', wait = 0 }}\n\
         [[step]]\nname = 'the SMS is there'\nsms = {{ to = '{phone}', after = ' ', keep = 'word' }}\n\
         [[step]]\nname = 'yes'\nreply = {{ from = '{phone}', text = 'ДА' }}\n\
         [[step]]\nname = 'collected'\nsend = {{ uin = '${{who}}', request-id = '${{request}}', service = false }}\n\
         expect = {{ status = 'VALID' }}\nkeep = {{ token = 'code' }}\n\
         [[step]]\nname = 'active'\nsend = {{ as = 'owner', service-id = 'KDP_CHECK_TOKEN', service = false, \
         set = {{ code = '${{token}}', service_id = 'GBDFLUniversal_token' }} }}\nexpect = {{ data = {{ active = 'true' }} }}\n\
         [[step]]\nname = 'later'\nclock = {{ advance = 'PT11M' }}\n\
         [[step]]\nname = 'expired'\nsend = {{ as = 'owner', service-id = 'KDP_CHECK_TOKEN', service = false, \
         set = {{ code = '${{token}}', service_id = 'GBDFLUniversal_token' }} }}\n\
         expect = {{ code = 'SCSS001', data = {{ status = 'expired', active = 'false', reason = 'token-expired' }} }}\n"
    );
    let text = scenario(&steps).replacen("[send]", &format!("[values]\nwho = '{NO}'\n[send]"), 1);
    let (report, junit) = run(&stand, 1, &text, &["--value", &format!("who={uin}")]);
    let ends = ends(&report);
    assert_eq!(ends[1], "failed", "no SMS says that: {report}");
    assert!(ends.iter().enumerate().all(|(at, end)| at == 1 || *end == "passed"), "{report}");
    assert_eq!(junit.says("string(//testcase[failure]/@name)"), "the SMS");
    stand.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_way_to_fail_is_told_and_what_depends_on_it_is_skipped() {
    let stand = Stand::start().await;
    let granted = format!("send = {{ method = 2, uin = '{YES}' }}");
    let refused = format!("send = {{ method = 2, uin = '{YES}', term = '91d' }}");
    let cases = [
        (&granted, "expect = { status = 'PENDING' }", "status: VALID, expected PENDING"),
        (&granted, "expect = { reason = 'waiting' }", "reason: granted, expected waiting"),
        (&granted, "expect = { code = 'SCSE002' }", "code: SCSS001, expected SCSE002"),
        (&granted, "expect = { fault = 'KDP403' }", "fault: none, expected KDP403"),
        (&granted, "expect = { data = { code = false } }", "code: one, expected none"),
        (&granted, "expect = { data = { poll_after = true } }", "poll_after: none, expected one"),
        (&granted, "expect = { data = { poll_after = 5 } }", "poll_after: none, expected 5"),
        (&granted, "expect = { data = { code = 'eyJ' } }", "code: another value than was expected"),
        (&granted, "expect = { data = { reason_text = { contains = 'no' } } }", "reason_text: another value"),
        (&granted, "expect = { data = { status = { contains = 'OK' } } }", "status: VALID, expected …OK…"),
        (&granted, "keep = { gone = 'poll_after' }", "poll_after: none, to be kept as gone"),
        (&refused, "", "SCSS001 INVALID term-too-long"),
        (&refused, "expect = { status = 'VALID' }", "status: INVALID, expected VALID"),
    ];
    let step = |name: &str, rest: &str| format!("[[step]]\nname = '{name}'\n{rest}\n");
    let mut steps: Vec<String> =
        cases.iter().map(|(send, expect, told)| step(told, &format!("{send}\n{expect}"))).collect();
    let faulty = format!("send = {{ method = 2, uin = '{YES}', bin = '260140990216' }}");
    steps.push(step("a fault", &format!("{faulty}\nexpect = {{ status = 'VALID' }}")));
    steps.push(step("another fault", &format!("{faulty}\nexpect = {{ fault = 'KDP401' }}")));
    steps.push(step("the fault", &format!("{faulty}\nexpect = {{ fault = 'KDP403' }}")));
    steps.push(step("depends", "send = { request-id = '${gone}', uin = '800101399015' }"));
    let (report, junit) = run(&stand, 1, &scenario(&steps.concat()), &[]);
    let all = report["steps"].as_array().unwrap();
    for (step, (_, expect, told)) in all.iter().zip(&cases) {
        assert_eq!(step["end"], "failed", "{expect}: {step}");
        assert!(step["why"][0].as_str().unwrap().starts_with(told), "{expect}: {step}");
        assert!(step["decision_id"].is_string(), "{step}");
    }
    let [fault, other, the, depends] = &all[cases.len()..] else { panic!("{report}") };
    assert!(fault["why"][0].as_str().unwrap().starts_with("fault: KDP403 "), "{fault}");
    assert!(fault["decision_id"].is_string(), "{fault}");
    assert_eq!(other["why"][0], "fault: KDP403, expected KDP401");
    assert_eq!((&the["end"], &depends["end"]), (&"passed".into(), &"skipped".into()));
    assert!(depends["why"][0].as_str().unwrap().contains("${gone} was not kept"), "{depends}");
    let failures = (cases.len() + 2).to_string();
    assert_eq!(junit.says("count(//testcase[failure])"), failures);
    assert_eq!(junit.says("string(/testsuites/testsuite/@failures)"), failures);
    assert_eq!(junit.says("count(//testcase[skipped])"), "1");
    assert_eq!(junit.says("string(/testsuites/@name)"), "A «test» & more");
    assert!(junit.says("string(//testcase[1]/failure/@message)").starts_with("status: VALID"));
    assert!(junit.says("string(//testcase[1]/failure)").contains("decision "));
    let written = std::fs::read_to_string(&junit.0).unwrap() + &report.to_string();
    assert!(!written.contains("eyJ") && !written.contains(YES), "tokens and persons are not told");
    stand.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_cannot_be_tried_is_an_error_and_ends_with_2() {
    let stand = Stand::start().await;
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let trust = stand.pki("akimat.cert.pem");
    let ask = format!("method = 2, uin = '{YES}'");
    let steps = format!(
        "[[step]]\nname = 'nobody is there'\nsend = {{ {ask}, as = 'nobody' }}\n\
         [[step]]\nname = 'no file'\nsend = {{ {ask}, file = 'none.xml' }}\n\
         [[step]]\nname = 'no method'\nsend = {{ method = '${{six}}' }}\n\
         [[step]]\nname = 'somebody else signed'\nsend = {{ {ask}, trust = '{trust}' }}\n\
         [[step]]\nname = 'no such number'\nreply = {{ from = '../clock', text = 'x' }}\n\
         [[step]]\nname = 'no time'\nclock = {{ advance = 'soon' }}\n\
         [[step]]\nname = 'good'\nsend = {{ {ask} }}\n"
    );
    let text = scenario(&steps).replacen("[send]", "[values]\nsix = '6'\n[send]", 1);
    let (report, junit) = run(&stand, 2, &text, &[]);
    assert_eq!(ends(&report), ["error", "error", "error", "failed", "error", "error", "passed"], "{report}");
    let why = |at: usize| report["steps"][at]["why"][0].as_str().unwrap().to_owned();
    assert!(why(0).contains("no peer nobody") && why(1).contains("none.xml"), "{report}");
    assert!(why(2).contains("--method") && why(3).contains("not believed"), "{report}");
    assert_eq!(junit.says("count(//testcase[error])"), "5");
    // Nobody listens.
    let away = format!("http://{nobody}/shep/sync");
    let file = stand.directory.path().join("scenario.toml");
    let (out, _) = kdp(2, &["send", "--scenario", file.to_str().unwrap(), "--url", &away]);
    assert!(out.contains("error  7") && !out.contains("ok "), "{out}");
    stand.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_scenario_is_told_before_anything_is_sent() {
    let stand = Stand::start().await;
    let file = stand.directory.path().join("scenario.toml");
    let kept = stand.directory.path().join("kept");
    let good = format!("[[step]]\nname = 'first'\nsend = {{ method = 1, uin = '{SILENT}' }}\n");
    let path = file.to_str().unwrap();
    let common = ["send", "--scenario", path, "--url", &stand.running.url, "--save", kept.to_str().unwrap()];
    for (steps, more, told) in [
        (
            format!("{good}[[step]]\nname = 'x'\nsend = {{ uni = '1' }}"),
            &[][..],
            "step 2, x: unexpected argument '--uni'",
        ),
        (format!("{good}[[step]]\nname = 'x'\nsend = {{ uin = '${{y}}' }}"), &[], "${y} is no value"),
        (format!("{good}stray = 1"), &[], "stray"),
        (good.clone(), &["--value", "x=1"], "has no value x"),
        (good.clone(), &["--junit", "/nowhere/report.xml"], "--junit: /nowhere/report.xml"),
        (good.clone(), &["--uin", YES], "cannot be used with"),
        (good.clone(), &["--as", "bank"], "cannot be used with"),
        (good, &["--print"], "cannot be used with"),
    ] {
        std::fs::write(&file, scenario(&steps)).unwrap();
        let (out, err) = kdp(2, &[&common[..], more].concat());
        assert!(out.is_empty() && err.contains(told), "{told}: {out}{err}");
    }
    assert!(!kept.exists(), "nothing was sent");
    stand.running.stop().await;
}
