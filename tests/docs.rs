//! The documentation: complete in three languages, its links resolve, its samples are fixtures, its commands run.

use kdp::docs::{File, LANGS, site, sources};
use kdp::text::{Check, FaultCode, Lang, Reason, StatusCode, Verdict};
use pasted::{Pasted, assert_printed};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::process::{Command, Stdio};
use uppsala::{Document, NodeId};

#[path = "common/options.rs"]
mod options;
#[path = "common/pasted.rs"]
mod pasted;
#[path = "common/schema.rs"]
mod schema;

fn files() -> BTreeMap<String, String> {
    site().unwrap().into_iter().map(|File { path, text }| (path, text)).collect()
}

/// The pages, with their bodies as XML.
fn pages(files: &BTreeMap<String, String>) -> impl Iterator<Item = (&String, Document<'_>)> {
    files.iter().filter(|(path, _)| is(path, "html")).map(|(path, text)| {
        let xml = text.strip_prefix("<!DOCTYPE html>\n").unwrap();
        (path, uppsala::parse(xml).unwrap_or_else(|error| panic!("{path}: {error:?}")))
    })
}

fn is(path: &str, ending: &str) -> bool {
    std::path::Path::new(path).extension().is_some_and(|own| own == ending)
}

fn elements<'d>(page: &'d Document<'_>) -> impl Iterator<Item = NodeId> + 'd {
    let root = page.document_element().unwrap();
    std::iter::once(root).chain(page.descendants(root)).filter(|node| page.element(*node).is_some())
}

fn attributes<'d>(page: &'d Document<'_>, name: &'d str) -> impl Iterator<Item = String> + 'd {
    elements(page).filter_map(move |node| page.get_attribute(node, name).map(str::to_owned))
}

#[test]
fn every_page_is_well_formed_and_has_each_id_once() {
    let files = files();
    let mut seen = 0;
    for (path, page) in pages(&files) {
        let ids: Vec<_> = attributes(&page, "id").collect();
        let unique: BTreeSet<_> = ids.iter().collect();
        assert_eq!(ids.len(), unique.len(), "{path}: an id twice");
        seen += 1;
    }
    assert_eq!(seen, files.keys().filter(|path| is(path, "html")).count());
    assert!(seen > LANGS.len());
}

#[test]
fn every_link_and_anchor_resolves_and_none_leads_outside() {
    let files = files();
    let ids: BTreeMap<&str, BTreeSet<String>> =
        pages(&files).map(|(path, page)| (path.as_str(), attributes(&page, "id").collect())).collect();
    let mut seen = 0;
    for (path, page) in pages(&files) {
        for link in attributes(&page, "href").chain(attributes(&page, "src")) {
            let (file, anchor) = resolve(path, &link);
            assert!(files.contains_key(&file), "{path} → {link}");
            if let Some(anchor) = anchor {
                assert!(ids[file.as_str()].contains(&anchor), "{path} → {link}: no such place");
            }
            seen += 1;
        }
    }
    assert!(seen > 500, "{seen} links");
    for name in ["style.css", "search.js"] {
        let text = &files[name];
        for foreign in ["http:", "https:", "@import", "url(", "fetch(", "import("] {
            assert!(!text.contains(foreign), "{name} has {foreign}");
        }
    }
}

/// The file that a link leads to, below the site, and the place in it.
fn resolve(from: &str, link: &str) -> (String, Option<String>) {
    let (file, anchor) = match link.split_once('#') {
        Some((file, anchor)) => (file, Some(anchor.to_owned())),
        None => (link, None),
    };
    if file.is_empty() {
        return (from.to_owned(), anchor);
    }
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in file.split('/') {
        if part == ".." {
            parts.pop();
        } else {
            parts.push(part);
        }
    }
    (parts.join("/"), anchor)
}

#[test]
fn every_page_is_there_in_each_language_with_the_same_sections_and_commands() {
    let files = files();
    let mut shape: BTreeMap<String, Vec<Vec<String>>> = BTreeMap::new();
    for (path, page) in pages(&files) {
        let Some((_, name)) = path.split_once('/') else { continue };
        let headings = elements(&page).filter(|node| {
            let name = &page.element(*node).unwrap().name.local_name;
            matches!(&**name, "h1" | "h2" | "h3" | "table" | "tr" | "figure" | "pre" | "svg")
        });
        let told = headings.map(|node| {
            let element = &page.element(node).unwrap().name.local_name;
            format!("{element} {}", page.get_attribute(node, "id").unwrap_or_default())
        });
        shape.entry(name.to_owned()).or_default().push(told.collect());
    }
    assert!(shape.len() >= 8, "{} pages", shape.len());
    for (name, shapes) in shape {
        assert_eq!(shapes.len(), LANGS.len(), "{name} is not there in each language");
        assert!(shapes.iter().all(|shape| *shape == shapes[0]), "{name} differs: {shapes:#?}");
    }
    let mut commands: BTreeMap<&str, Vec<Vec<&str>>> = BTreeMap::new();
    for (_, name, source) in sources() {
        commands.entry(name).or_default().push(source.split("```").skip(1).step_by(2).collect());
    }
    for (name, blocks) in commands {
        assert!(blocks.iter().all(|own| *own == blocks[0]), "the samples of {name} differ");
    }
}

#[test]
fn each_language_is_written_in_its_own_letters() {
    let kazakh = |c: char| "әғқңөұүһіӘҒҚҢӨҰҮҺІ".contains(c);
    let cyrillic = |c: char| ('\u{400}'..='\u{4ff}').contains(&c);
    for (lang, name, source) in sources() {
        let prose: String =
            source.split("```").step_by(2).flat_map(|prose| prose.split('`').step_by(2)).collect();
        // Numbers of orders have a Kazakh letter in every language.
        let prose = prose.replace("/НҚ", "");
        for paragraph in prose.split("\n\n").filter(|paragraph| paragraph.chars().count() > 150) {
            assert_eq!(paragraph.contains(kazakh), lang == Lang::Kk, "{}/{name}: {paragraph}", lang.code());
        }
        for word in prose.split(|c: char| !c.is_alphabetic()) {
            let mixed = word.contains(cyrillic) && word.contains(|c: char| c.is_ascii_alphabetic());
            assert!(!mixed, "{}/{name}: {word} mixes alphabets", lang.code());
        }
    }
}

#[test]
fn every_code_stands_with_its_text_and_remedy_in_each_language() {
    let files = files();
    for lang in LANGS {
        let of = |name: &str| &files[&format!("{}/{name}.html", lang.code())];
        let has = |id: String, texts: &[&str]| {
            let page = if id.starts_with("verdict-") { of("owner") } else { of("codes") };
            let row = page.split("<tr ").find(|row| row.starts_with(&format!("id=\"{id}\"")));
            let row = row.unwrap_or_else(|| panic!("{id} is missing")).replace("&quot;", "\"");
            for text in texts {
                assert!(row.contains(text), "{id}: {text}");
            }
        };
        for one in Reason::ALL {
            has(format!("reason-{}", one.code()), &[one.text(lang), one.remedy(lang)]);
        }
        for one in FaultCode::ALL {
            has(format!("fault-{}", one.code()), &[one.message(lang), one.remedy(lang)]);
        }
        for one in Check::ALL {
            has(format!("check-{}", one.code()), &[one.title(lang)]);
        }
        for one in StatusCode::ALL {
            has(format!("status-{}", one.code()), &[one.message(lang)]);
        }
        for one in Verdict::ALL {
            has(format!("verdict-{}", one.code()), &[one.text(lang), one.remedy(lang)]);
        }
    }
}

#[test]
fn every_element_of_an_access_request_is_told_in_each_language() {
    let schema = std::fs::read_to_string(schema::folder().join("kdp-request.xsd")).unwrap();
    let (_, fields) = schema.split_once("<xs:complexType name=\"getUserDataRequest\"").unwrap();
    let (fields, _) = fields.split_once("</xs:complexType>").unwrap();
    let names = fields.split("<xs:element name=\"").skip(1).map(|rest| rest.split('"').next().unwrap());
    let names: Vec<_> = names.collect();
    assert!(names.len() >= 18, "{names:?}");
    for (lang, _, source) in sources().into_iter().filter(|(_, page, _)| *page == "services") {
        for name in &names {
            assert!(source.contains(&format!("`{name}`")), "{}: {name}", lang.code());
        }
    }
}

#[test]
fn every_request_and_answer_shown_is_a_fixture_and_keeps_to_the_schemas() {
    let fixtures = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let (mut requests, mut replies) = (0, 0);
    for (path, text) in files() {
        let Some(name) = path.strip_prefix("samples/") else { continue };
        let (folder, fixture) = match (name.strip_suffix(".request.xml"), name.strip_suffix(".reply.xml")) {
            (Some(name), _) => ("requests", name),
            (_, Some(name)) => ("replies", name),
            _ => panic!("{name} is neither"),
        };
        let kept = std::fs::read_to_string(fixtures.join(folder).join(format!("{fixture}.xml"))).unwrap();
        assert_eq!(kept, text, "{name}");
        if folder == "replies" {
            replies += 1;
            schema::assert_valid(&text, name);
        } else {
            requests += 1;
            if let Err(problems) = schema::check(&text, schema::Reading::Liberal) {
                panic!("{name}: {problems:?}");
            }
        }
    }
    assert!(requests >= 10 && requests == replies, "{requests} requests, {replies} answers");
}

#[test]
fn the_search_finds_every_section_and_every_code() {
    let files = files();
    for lang in LANGS {
        let script = &files[&format!("{}/search-index.js", lang.code())];
        let json = script.strip_prefix("window.kdpIndex = ").unwrap().trim_end().strip_suffix(';').unwrap();
        let entries: Vec<BTreeMap<String, String>> = serde_json::from_str(json).unwrap();
        let found: BTreeSet<_> = entries.iter().map(|entry| entry["u"].as_str()).collect();
        for (_, name, source) in sources().into_iter().filter(|(own, ..)| *own == lang) {
            for (_, id) in source.lines().filter_map(|line| line.split_once("{#")) {
                let place = format!("{name}.html#{}", id.trim_end_matches('}'));
                assert!(found.contains(place.as_str()), "{place}");
            }
        }
        for reason in Reason::ALL {
            let place = format!("codes.html#reason-{}", reason.code());
            let entry = entries.iter().find(|entry| entry["u"] == place).unwrap();
            assert_eq!(entry["t"], reason.code());
            assert!(entry["x"].contains(reason.remedy(lang)), "{}", reason.code());
        }
        assert!(entries.iter().all(|entry| !entry["t"].is_empty() && !entry["p"].is_empty()));
    }
}

#[test]
fn words_that_are_typed_lead_to_their_places_the_nearest_first() {
    let folder = written();
    for (lang, words, first) in [
        ("en", "ovt-date", "codes.html#reason-ovt-date"),
        ("ru", "ОТЗЫВ согласия", "start.html#revoke"),
        ("kk", "субъект үндемейді", "start.html#silent"),
        ("en", "kdp403", "codes.html#fault-KDP403"),
    ] {
        let Some(shown) = search(folder.path(), lang, words) else { return };
        assert_eq!(shown["offered"], true);
        assert_eq!(shown["lines"][0], first, "{words}: {shown}");
    }
    let shown = search(folder.path(), "ru", "ovt-date чегонет").unwrap();
    assert_eq!(shown["lines"], "nothing is found", "a word that occurs nowhere: {shown}");
}

fn search(site: &std::path::Path, lang: &str, words: &str) -> Option<serde_json::Value> {
    let script = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/docs/search.js");
    let Ok(output) = Command::new("node").arg(script).arg(site).args([lang, words]).output() else {
        // Past the capture of the test harness, which would swallow it.
        let _ = writeln!(
            std::io::stderr(),
            "SKIPPED: node is not installed (Debian: nodejs): the search was not tried"
        );
        return None;
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

/// The site as `kdp docs` writes it.
fn written() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let status = docs(&["--out", folder.path().to_str().unwrap()]);
    assert_eq!(status, Some(0));
    folder
}

fn docs(arguments: &[&str]) -> Option<i32> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kdp"));
    command.arg("docs").args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().code()
}

#[test]
fn the_command_writes_the_same_bytes_each_time_and_spares_a_folder_in_use() {
    let folder = written();
    for (path, text) in files() {
        assert_eq!(std::fs::read_to_string(folder.path().join(&path)).unwrap(), text, "{path}");
    }
    let own = folder.path().join("own.txt");
    std::fs::write(&own, "mine").unwrap();
    let out = folder.path().to_str().unwrap();
    assert_eq!(docs(&["--out", out]), Some(1));
    assert_eq!(docs(&["--out", out, "--replace"]), Some(0));
    assert_eq!(std::fs::read_to_string(&own).unwrap(), "mine");
}

/// Blocks of `sh run`, each with the lines that stand below it as what it prints.
fn runs(source: &str) -> Vec<Pasted> {
    let blocks: Vec<&str> = source.split("```").skip(1).step_by(2).collect();
    let after = |at: usize| blocks.get(at + 1).and_then(|block| block.strip_prefix("text\n"));
    let run = blocks.iter().enumerate().filter_map(|(at, block)| {
        let expected = after(at).unwrap_or_default().lines().map(str::to_owned).collect();
        block.strip_prefix("sh run\n").map(|script| Pasted { script: script.to_owned(), expected })
    });
    run.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_commands_of_the_quick_start_print_what_stands_below_them() {
    run_as_pasted("start").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_commands_for_owners_print_what_stands_below_them() {
    run_as_pasted("owner").await;
}

/// All commands of a page in a sandbox of their own.
async fn run_as_pasted(page: &str) {
    let directory = tempfile::tempdir().unwrap();
    let options = options::options(&directory.path().join("data"));
    let sandbox = kdp::sandbox::start(options, None).await.unwrap();
    let origin = sandbox.url.strip_suffix("/shep/sync").unwrap();
    let (_, _, source) =
        sources().into_iter().find(|(lang, name, _)| (*lang, *name) == (Lang::Ru, page)).unwrap();
    let runs = runs(source);
    // The commands as pasted; only the port is another one than theirs.
    let before = format!(
        "kdp() {{ if [[ $1 == send ]]; then command kdp send --url {origin}/shep/sync \"${{@:2}}\"; else command kdp \"$@\"; fi; }}\n\
         curl() {{ command curl \"${{@//http:\\/\\/127.0.0.1:8414/{origin}}}\"; }}\n"
    );
    for (pasted, (printed, _)) in runs.iter().zip(pasted::run(directory.path(), &before, &runs, "")) {
        assert!(!pasted.expected.is_empty(), "nothing is said of what this prints: {}", pasted.script);
        assert_printed(pasted, &printed);
    }
    sandbox.stop().await;
}
