//! What ARCHITECTURE.md promises, held against the sources. What visibility holds already is not repeated here.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Longest file, lines.
const LONGEST: usize = 600;
/// Longest median, lines.
const MEDIAN: usize = 200;

#[test]
fn each_library_is_known_in_its_own_place_only() {
    for (library, places) in [
        ("quick_xml", &["src/xml/"][..]),
        ("rusqlite", &["src/store/sqlite/"]),
        ("tokio_postgres", &["src/store/postgres/"]),
        ("deadpool_postgres", &["src/store/postgres/"]),
        ("PostgresStore", &["src/store/"]),
        ("jsonwebtoken", &["src/token/"]),
        ("hyper::server", &["src/http.rs", "src/http/"]),
        ("hyper::service", &["src/http.rs", "src/http/"]),
        ("aws_lc_rs::signature", &["src/trust/sign", "src/trust/verify.rs"]),
    ] {
        let strays = naming(library, |path| !places.iter().any(|place| path.starts_with(place)));
        assert!(strays.is_empty(), "{library} is for {places:?} only:\n{}", strays.join("\n"));
        assert!(!naming(library, |_| true).is_empty(), "nobody uses {library}: is its name right?");
    }
}

/// Where the state lives is read from the configuration; commands about files of `SQLite` name them; a metric says which engine
/// counts it. Nothing else knows which one there is, so that nothing else can do one thing on this and another on that.
#[test]
fn which_engine_keeps_the_state_is_known_to_the_store_alone() {
    let told = ["src/config.rs", "src/config/database.rs", "src/metric.rs"];
    let of_files = ["src/cli/backup", "src/cli/migrate", "src/cli/restore", "src/cli/sandbox.rs"];
    let elsewhere = |path: &str| {
        !path.starts_with("src/store/")
            && !told.contains(&path)
            && !of_files.iter().any(|place| path.starts_with(place))
    };
    for word in ["postgres", "sqlite", "Postgres", "Sqlite", "PostgreSQL", "SQLite", "Location::Server"] {
        let strays = naming(word, elsewhere);
        assert!(strays.is_empty(), "{word} is named outside of the store:\n{}", strays.join("\n"));
        assert!(!naming(word, |_| true).is_empty(), "nobody names {word} any more");
    }
}

#[test]
fn the_rules_of_consent_do_no_input_or_output() {
    for foreign in [
        "crate::app",
        "crate::dispatch",
        "crate::exchange",
        "crate::gateway",
        "crate::http",
        "crate::job",
        "crate::random",
        "crate::sandbox",
        "crate::serve",
        "crate::service",
        "crate::soap",
        "crate::store",
        "crate::xml",
        "async ",
        "std::fs",
        "std::net",
        "std::process",
        "tokio",
        "tracing",
    ] {
        let pure = ["src/consent/", "src/onboarding", "src/incident.rs"];
        let strays = naming(foreign, |path| pure.iter().any(|place| path.starts_with(place)));
        assert!(strays.is_empty(), "what is pure names {foreign}:\n{}", strays.join("\n"));
    }
}

#[test]
fn production_needs_nothing_of_the_sandbox() {
    let own = |path: &str| path.starts_with("src/sandbox/") || path.starts_with("src/cli/");
    for name in ["crate::sandbox", "kdp::sandbox"] {
        let strays = naming(name, |path| !own(path));
        assert!(strays.is_empty(), "{}", strays.join("\n"));
    }
}

#[test]
fn a_verified_message_is_made_in_trust_only() {
    let trust = read("src/trust/mod.rs");
    let fields =
        trust.split_once("pub struct Verified<").and_then(|(_, rest)| rest.split_once("\n}")).unwrap().0;
    assert!(!fields.contains("pub"), "a public field would let others make one:\n{fields}");
    // token/jws.rs has a type of the same name, of its own: a JWS whose signature holds.
    let elsewhere = |path: &str| !path.starts_with("src/trust/") && path != "src/token/jws.rs";
    let strays = naming("Verified {", elsewhere);
    assert!(strays.is_empty(), "{}", strays.join("\n"));
}

#[test]
fn the_clock_is_read_where_it_is_passed_down_from() {
    let clippy = read("clippy.toml");
    for method in
        ["std::time::SystemTime::now", "std::time::Instant::now", "OffsetDateTime::now_utc", "thread::sleep"]
    {
        assert!(clippy.contains(method), "clippy.toml must forbid {method}");
    }
}

#[test]
fn unsafe_code_is_forbidden_in_library_and_binary() {
    for path in ["src/lib.rs", "src/main.rs"] {
        assert!(read(path).contains("#![forbid(unsafe_code)]"), "{path}");
    }
}

#[test]
fn the_library_for_c_has_its_unsafe_code_in_one_short_file() {
    assert!(read("deploy/verifier/src/lib.rs").contains("#![deny(unsafe_code,"));
    let memory = "deploy/verifier/src/memory.rs";
    assert!(read(memory).lines().count() <= 200);
    for path in files("deploy/verifier/src", "rs").into_iter().filter(|path| path != memory) {
        let code = read(&path);
        let mut code = code.lines().map(|line| line.split("//").next().unwrap());
        assert!(!code.any(|line| line.contains("unsafe ") || line.contains("allow(")), "{path}");
    }
}

#[test]
fn files_are_short_and_named_for_what_they_are() {
    let mut lengths = Vec::new();
    for path in files("src", "rs").into_iter().chain(files("tests", "rs")).chain(files("tests", "py")) {
        let length = read(&path).lines().count();
        assert!(length <= LONGEST, "{path} has {length} lines");
        if path.starts_with("src/") {
            lengths.push(length);
        }
        for empty in ["util", "helper", "manager", "common.rs", "misc"] {
            let name = path.rsplit('/').next().unwrap();
            assert!(!name.starts_with(empty), "{path}: a name that says nothing");
        }
    }
    lengths.sort_unstable();
    let median = lengths[lengths.len() / 2];
    assert!(median <= MEDIAN, "the median file has {median} lines");
}

#[test]
fn architecture_is_short_and_names_what_exists() {
    let text = read("ARCHITECTURE.md");
    assert!(text.lines().count() <= 150, "{} lines", text.lines().count());
    let names: Vec<&str> = in_backticks(&text).collect();
    let paths = names.iter().filter(|name| is_path(name));
    let missing: Vec<_> = paths.filter(|path| !root().join(path).exists()).collect();
    assert!(missing.is_empty(), "ARCHITECTURE.md names what does not exist: {missing:?}");
    for entry in std::fs::read_dir(root().join("src")).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let path = format!("src/{name}{}", if entry.path().is_dir() { "/" } else { "" });
        assert!(names.contains(&path.as_str()), "ARCHITECTURE.md does not name {path}");
    }
}

#[test]
fn every_document_names_paths_that_exist() {
    for document in ["README.md", "README.ru.md", "CONTRIBUTING.md"] {
        let text = read(document);
        let paths = in_backticks(&text).filter(is_path);
        let missing: Vec<_> = paths.filter(|path| !root().join(path).exists()).collect();
        assert!(missing.is_empty(), "{document} names what does not exist: {missing:?}");
    }
}

#[test]
fn both_readmes_show_the_same_commands() {
    let (english, russian) = (commands("README.md"), commands("README.ru.md"));
    assert!(english.len() >= 10, "commands are not found any more");
    assert_eq!(english, russian);
}

/// Lines of code, without comments, that hold `name` in the files of src that `of` chooses.
fn naming(name: &str, of: impl Fn(&str) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    for path in files("src", "rs").into_iter().filter(|path| of(path)) {
        for (number, line) in read(&path).lines().enumerate() {
            if line.split("//").next().unwrap().contains(name) {
                found.push(format!("{path}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    found
}

/// What stands in backticks outside of fenced blocks.
fn in_backticks(text: &str) -> impl Iterator<Item = &str> {
    text.split("```").step_by(2).flat_map(|prose| prose.split('`').skip(1).step_by(2))
}

/// Whether a word in backticks is a path of this repository, and not a URL, a route or a file of a user's.
fn is_path(word: &&str) -> bool {
    let folders: BTreeSet<&str> =
        ["src", "tests", "fixtures", "schemas", "wsdl", "deploy", ".ci", ".config"].into_iter().collect();
    let plain = word.chars().all(|c| c.is_ascii_alphanumeric() || "./-_".contains(c));
    let (first, rest) = word.split_once('/').unwrap_or((word, ""));
    plain && (folders.contains(first) && !rest.is_empty() || rest.is_empty() && has_name_of_ours(first))
}

fn has_name_of_ours(word: &str) -> bool {
    ["md", "rs", "py"].iter().any(|ending| Path::new(word).extension().is_some_and(|own| own == *ending))
        || ["Cargo.toml", "clippy.toml", "deny.toml"].contains(&word)
}

/// The commands that a document shows, in fenced blocks that begin with `$`.
fn commands(document: &str) -> Vec<String> {
    let text = read(document);
    let blocks = text.split("```").skip(1).step_by(2);
    blocks.flat_map(str::lines).filter(|line| line.starts_with("$ ")).map(str::to_owned).collect()
}

/// Files below a folder that end in `.ending`, relative to the root, in order.
fn files(folder: &str, ending: &str) -> Vec<String> {
    fn collect(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, ending, found);
            } else if path.extension().is_some_and(|own| own == ending) {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    collect(&root().join(folder), ending, &mut found);
    let mut names: Vec<String> =
        found.iter().map(|path| path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
