//! The commands of README.md work as pasted, in its order, and print what stands below them.

#[path = "common/options.rs"]
mod options;
#[path = "common/pasted.rs"]
mod pasted;

use pasted::{Pasted, assert_printed};
use std::path::Path;

/// Those that a test cannot paste: what builds, this very run of tests, and the path to a binary that was built otherwise.
const NOT_PASTED: [&str; 3] = ["cargo ", "./test", "PATH="];

/// A terminal of its own for each that serves: it is waited for until it does, and ended with the shell.
const SERVERS: &str = r#"
serve() {
    command kdp "$@" >".serves-$1" 2>&1 &
    trap 'kill $(jobs -p); wait' EXIT
    for _ in {1..300}; do
        ! grep -q 'ready\|"serving"' ".serves-$1" || return 0
        kill -0 $! 2>/dev/null || break
        sleep 0.1
    done
    cat ".serves-$1"
    return 1
}
"#;

/// Of the sandbox of a reader who has nothing else; ids and codes are remembered as the text tells the reader to.
const SHELL: &str = r#"
kdp() {
    [[ $1 == send ]] || { command kdp "$@"; return; }
    local said="$*" uin code
    uin=$(grep -o 'uin[ =][0-9]*' <<<"$said" | tail -1 | tr -dc 0-9)
    [[ $said == *--url* ]] || set -- send --url ORIGIN/shep/sync "${@:2}"
    command kdp "$@" | tee .sent
    code=${PIPESTATUS[0]}
    [[ $said != *'--as bank'* ]] || remember request_id ".request-$uin"
    [[ $said != *'--as bank --method'* ]] || remember decision_id .decision
    remember application_id .application
    # A consent of the second in which the one before was revoked counts as older; no reader is that quick.
    [[ $said != *decision=approve* ]] || sleep 1
    return "$code"
}
remember() {
    local id
    id=$(sed -n "s/^$1  *//p" .sent | tail -1)
    [[ -z $id ]] || echo "$id" >"$2"
}
"#;

/// A code that was in an SMS.
const AFTER: &str = r#"[[ ! $(<.printed) =~ KOD\ ([0-9]+) ]] || echo "${BASH_REMATCH[1]}" >.code"#;

fn root(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// The blocks of commands below a heading, or below all of them that `of` chooses.
fn blocks(of: impl Fn(&str) -> bool) -> Vec<Vec<Pasted>> {
    let text = std::fs::read_to_string(root("README.md")).unwrap();
    let sections = text.split("\n## ").filter(|section| of(section.lines().next().unwrap()));
    let blocks = sections.flat_map(|section| section.split("```").skip(1).step_by(2)).map(pasted_of);
    blocks.filter(|block| !block.is_empty()).collect()
}

fn pasted_of(block: &str) -> Vec<Pasted> {
    let mut all = Vec::new();
    for line in block.lines() {
        match line.strip_prefix("$ ") {
            Some(command) => all.push(Pasted { script: command.to_owned(), expected: Vec::new() }),
            None => {
                if let Some(last) = all.last_mut() {
                    last.expected.push(varied(line));
                }
            }
        }
    }
    all
}

/// The line with an ellipsis for each id, time, span and code, which are others at each run.
fn varied(line: &str) -> String {
    let is_part = |c: char| c.is_ascii_hexdigit() || "-:.+T".contains(c);
    let mut out = String::new();
    let mut rest = line;
    while let Some(from) = rest.find(is_part) {
        let (before, tail) = rest.split_at(from);
        let (run, after) = tail.split_at(tail.find(|c| !is_part(c)).unwrap_or(tail.len()));
        let is_one =
            run.starts_with(|c: char| c.is_ascii_hexdigit()) && run.contains(|c: char| c.is_ascii_digit());
        let varies = is_one && (run.contains(['-', '.']) || run.len() == 6);
        out.push_str(before);
        out.push_str(if varies { "…" } else { run });
        rest = after;
    }
    out + rest
}

/// As a reader puts in what was printed before, on a sandbox that listens at `origin`.
fn filled(pasted: Pasted, origin: &str) -> Pasted {
    let uin = pasted.script.split_once("uin").map(|(_, rest)| &rest[1..13]).unwrap_or_default();
    let request = format!("$(<.request-{uin})");
    let script = pasted.script.replace("REQUEST_ID", &request).replace("APPLICATION_ID", "$(<.application)");
    let script = script.replace("DECISION_ID", "$(<.decision)");
    let script = script.replace("--code CODE", "--code $(<.code)").replace("http://127.0.0.1:8414", origin);
    Pasted { script, ..pasted }
}

/// The block that begins with this command.
fn block(first: &str) -> Vec<Pasted> {
    let found = blocks(|_| true).into_iter().find(|block| block[0].script == first);
    found.unwrap_or_else(|| panic!("README.md does not say {first}"))
}

/// Two ports of loopback that nobody listens on, the second with a free one behind it, below those that connections and
/// other tests are given by chance.
fn ports() -> [String; 2] {
    let from = 20_000 + u16::try_from(std::process::id() % 4_000).unwrap() * 3;
    let is_free = |port: u16| std::net::TcpListener::bind(("127.0.0.1", port)).is_ok();
    let first = (from..).step_by(3).find(|port| (*port..port + 3).all(is_free)).unwrap();
    [first, first + 1].map(|port| format!("127.0.0.1:{port}"))
}

fn assert_all(all: &[Pasted], printed: &[(String, i32)]) {
    for (pasted, (printed, code)) in all.iter().zip(printed) {
        let is_no = ["INVALID", "NOT_FOUND", "TIMEOUT"].iter().any(|no| printed.contains(no));
        assert!(*code == 0 || is_no && *code == 1, "{} ends with {code}:\n{printed}", pasted.script);
        assert_printed(pasted, printed);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stand_for_a_service_of_ones_own_is_set_up_by_the_commands() {
    let directory = tempfile::tempdir().unwrap();
    let [sandbox, service] = ports();
    let all: Vec<Pasted> = block("kdp sandbox --service http://127.0.0.1:9000")
        .into_iter()
        .map(|pasted| {
            let script =
                pasted.script.replace("127.0.0.1:8414", &sandbox).replace("127.0.0.1:9000", &service);
            Pasted { script, ..pasted }
        })
        .collect();
    let shell = r#"
        kdp() {
            case "$1 $2" in
            'sandbox --service') serve "$@" --listen SANDBOX ;;
            'serve --config') serve "$@" ;;
            *) command kdp "$@" ;;
            esac
        }"#;
    let shell = SERVERS.to_owned() + &shell.replace("SANDBOX", &sandbox);
    assert_all(&all, &pasted::run(directory.path(), &shell, &all, ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_installation_is_set_up_by_the_commands() {
    let directory = tempfile::tempdir().unwrap();
    let pki = |name: &str| root("fixtures/pki").join(name).display().to_string();
    let config = format!(
        "environment = \"test\"\n[listen]\npublic = \"127.0.0.1:0\"\nadmin = \"127.0.0.1:0\"\n\
         [database]\nurl = \"sqlite://{0}/kdp.db\"\nseal_keys = \"{0}/seal.keys\"\nlookup_key = \"{0}/lookup.key\"\n\
         [trust]\nauthorities = [\"{1}\"]\ncertificate = \"{2}\"\nkey = \"{0}/service.key.pem\"\n\
         [peers.bank]\nkind = \"direct\"\ncertificates = [\"{3}\"]\nsender_id = \"bank_kdp\"\n",
        directory.path().display(),
        pki("ca.pem"),
        pki("service.cert.pem"),
        pki("bank.cert.pem"),
    );
    std::fs::write(directory.path().join("kdp.toml"), config).unwrap();
    let shell = r#"
        command install -m 600 PKI/service.key.pem .
        cp PKI/bank.cert.pem . && cp PKI/bank.cert.pem gateway.cer
        echo '<contract>Шарт</contract>' >contract.xml
        command kdp xmldsig sign contract.xml --key PKI/bank.key.pem --cert bank.cert.pem --out document.xml
        install() { command install "$@" <<<'twelve characters and more'; }
        kdp() { if [[ $1 == serve ]]; then serve "$@"; else command kdp "$@"; fi; }"#;
    let shell = SERVERS.to_owned() + &shell.replace("PKI", &root("fixtures/pki").display().to_string());
    let all = block("kdp keys init --config kdp.toml");
    assert_all(&all, &pasted::run(directory.path(), &shell, &all, ""));
    let looks = block("kdp cert show gateway.cer --lang ru");
    for (shown, code) in pasted::run(directory.path(), &shell, &looks, "") {
        // Everything is told of it, and that nobody here vouches for the authority of the test.
        assert!(code == 1 && shown.contains("«BANK»") && shown.contains("--trust"), "{code}:\n{shown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_commands_print_what_stands_below_them() {
    let directory = tempfile::tempdir().unwrap();
    for name in ["deploy", "fixtures"] {
        std::os::unix::fs::symlink(root(name), directory.path().join(name)).unwrap();
    }
    let sandbox = kdp::sandbox::start(options::options(&directory.path().join("sandbox-data")), None).await;
    let sandbox = sandbox.unwrap();
    let origin = sandbox.url.strip_suffix("/shep/sync").unwrap();
    let blocks = blocks(|heading| heading != "In production");
    let all: Vec<Pasted> = blocks
        .into_iter()
        .filter(|block| NOT_PASTED.iter().all(|not| !block[0].script.starts_with(not)))
        .filter(|block| !block[0].script.starts_with("kdp sandbox --service"))
        .flatten()
        .map(|pasted| filled(pasted, origin))
        .collect();
    assert!(all.len() >= 25, "{} commands are found", all.len());
    let printed = pasted::run(directory.path(), &SHELL.replace("ORIGIN", origin), &all, AFTER);
    assert_all(&all, &printed);
    sandbox.stop().await;
}
