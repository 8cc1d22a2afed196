//! `kdp explain --mask`: the copy of a message has its cause, and nothing of whom it is about.

#[path = "explain/case.rs"]
mod case;
#[path = "explain/maker.rs"]
mod maker;
#[path = "common/stand.rs"]
#[expect(dead_code, unused_imports, reason = "other tests need more of it")]
mod stand;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use kdp::explain::{Rehearsal, explain};
use kdp::sandbox;
use kdp::sandbox::mask::{World, mask};
use kdp::text::Lang;
use kdp::text::mojibake::broken;
use stand::{NOW, Stand};
use std::collections::HashSet;

/// What every message of the cases holds, or some of them: numbers, names, a phone, secrets.
const SECRETS: [&str; 14] = [
    "800101399015",
    "800101399016",
    "8001013990",
    "260140990117",
    "260140990216",
    "Песочный банк",
    "Песочный",
    "Сейтова",
    "Айгуль",
    "77012345678",
    "Ахметов",
    "HD5O4rmKox67ctwSg9VC5eicBPNSbmvh",
    "dhWkqV2DXVlYXN8BVBt8ytHdulhyWCAP",
    "bank_kdp",
];

async fn rehearsal() -> (Stand, Rehearsal) {
    let stand = Stand::start().await;
    let (config, opened) = sandbox::open(stand.directory.path()).unwrap();
    let rehearsal = Rehearsal::open(config, opened.seal, NOW).await.unwrap();
    (stand, rehearsal)
}

/// The bytes, and all that base64 in them stands for.
fn layers(bytes: &[u8], depth: usize, out: &mut Vec<Vec<u8>>) {
    out.push(bytes.to_vec());
    let in_run = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/-_".contains(byte);
    for run in bytes.split(|byte| !in_run(byte)).filter(|run| run.len() >= 12 && depth < 3) {
        for inner in [STANDARD_NO_PAD.decode(run), URL_SAFE_NO_PAD.decode(run)].into_iter().flatten() {
            layers(&inner, depth + 1, out);
        }
    }
}

/// The same, also of UTF-16.
fn all_layers(message: &[u8]) -> Vec<Vec<u8>> {
    let mut out = Vec::new();
    layers(message, 0, &mut out);
    if let [0xFF, 0xFE, wide @ ..] = message {
        let units: Vec<u16> =
            wide.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
        layers(String::from_utf16(&units).unwrap().as_bytes(), 0, &mut out);
    }
    out
}

/// Long runs of base64 of a message: certificates, signatures, tokens.
fn keys(message: &str) -> HashSet<&str> {
    let runs = message.split(|c: char| !c.is_ascii_alphanumeric() && !"+/-_".contains(c));
    runs.filter(|run| run.len() >= 60 && !run.contains("oasis") && !run.contains("//")).collect()
}

/// Bytes of a public key that are in no other.
fn middle(spki: &[u8]) -> Vec<u8> {
    spki[spki.len() - 40..spki.len() - 8].to_vec()
}

/// What of the original is in the copy.
fn left(original: &[u8], copy: &[u8], world: &str) -> Vec<String> {
    let mut seen = all_layers(copy);
    layers(world.as_bytes(), 0, &mut seen);
    let original = String::from_utf8_lossy(original).into_owned();
    let kinds = |secret: &str| vec![secret.to_owned(), broken(secret, 1), broken(secret, 2)];
    let mut secrets: Vec<String> = SECRETS.iter().flat_map(|secret| kinds(secret)).collect();
    secrets.extend(keys(&original).into_iter().map(str::to_owned));
    let names = ["bank", "akimat", "outsider", "newcomer", "bank.gost", "egov.gost"];
    let der: Vec<Vec<u8>> = names.iter().map(|name| middle(maker::key(name).public_key_spki())).collect();
    let contains = |bytes: &[u8], part: &[u8]| memchr::memmem::find(bytes, part).is_some();
    let mut left: Vec<String> = secrets
        .into_iter()
        .filter(|secret| seen.iter().any(|layer| contains(layer, secret.as_bytes())))
        .collect();
    let shown = der.iter().zip(names).filter(|(key, _)| seen.iter().any(|layer| contains(layer, key)));
    left.extend(shown.map(|(_, name)| format!("key of {name}")));
    left
}

#[tokio::test(flavor = "multi_thread")]
async fn a_masked_message_keeps_its_cause_and_nothing_of_whom_it_is_about() {
    let (stand, rehearsal) = rehearsal().await;
    let good = case::good().map(|message| case::Case { causes: Vec::new(), code: "SCSS001", message });
    let cases: Vec<_> = case::all().into_iter().chain(good).collect();
    let (mut wrong, mut kept, mut found) = (Vec::new(), HashSet::new(), 0);
    for case in &cases {
        let copy = match mask(&rehearsal, &case.message).await {
            Ok(copy) => copy,
            Err(error) => {
                wrong.push(format!("{:?}: {error}", case.causes));
                continue;
            }
        };
        let world = serde_json::to_string(&copy.world).unwrap();
        let opened = serde_json::from_str::<World>(&world).unwrap().open().await.unwrap();
        let report = explain(&opened.rehearsal, &copy.message, Lang::Ru).await;
        if report.causes() != case.causes || report.verdict.code != case.code {
            wrong.push(format!("{:?}: became {:?}\n{}", case.causes, report.causes(), report.text()));
        }
        found += usize::from(left(&case.message, &case.message, "").len() >= 8);
        let left = left(&case.message, &copy.message, &world);
        if !left.is_empty() {
            wrong.push(format!("{:?}: {left:?} is left", case.causes));
        }
        kept.extend(case.causes.iter().copied());
    }
    assert!(wrong.is_empty(), "{} of {} wrong:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    assert!(kept.len() >= 90, "{} causes", kept.len());
    // The search finds what there is to be found.
    assert!(found >= 95, "{found}");
    stand.running.stop().await;
}

/// Who is planted where no schema expects anybody.
const PLANTED: [&str; 7] =
    ["Ахметова", "Akhmetova", "910203450018", "770198765", "Халык", "halykbank", "!@#$%^*()"];

/// Messages with somebody in each position of the syntax that there is.
fn planted() -> Vec<(&'static str, Vec<u8>)> {
    let who = "Ахметова Akhmetova 910203450018 77019876543 Халык halykbank";
    let name = "Ахметова_Akhmetova_i910203450018_p77019876543_Халык_halykbank";
    let good = String::from_utf8(case::good()[0].clone()).unwrap();
    let declaration = "<?xml version=\"1.0\" encoding=\"UTF-8\"";
    let at = |before: &str, what: &str| good.replacen(before, &format!("{what}{before}"), 1);
    let text = |element: &'static str, text: &str| maker::Maker::bank().with(element, text).make();
    let escaped = |inner: &str| inner.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let cdata = |inner: &str| format!("<![CDATA[{inner}]]>");
    let json = |json: &str| {
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        text(
            "ovt",
            &format!("{}.{}.{}", part(r#"{"alg":"RS256","typ":"JWT"}"#), part(json), part("signature")),
        )
    };
    let claims = [
        format!(r#"{{"{who}":1}}"#),
        r#"{"Akhmetova":{"Халык":[910203450018,77019876543,"halykbank"]}}"#.to_owned(),
        format!(r#"{{"typ":"{who}","cty":"{who}","crit":["{who}"],"mcheck":"Akhmetova"}}"#),
        r#"{"typ":"Akhmetova","cty":"halykbank","iat":77019876543,"exp":910203450018}"#.to_owned(),
        format!("{{cbin: {who}}}"),
        format!("{{'cbin': '{who}', \"iat\": 1"),
        format!("{{\"cbin\": \"1\"}} {who}"),
    ];
    let mut out: Vec<(&'static str, String)> = vec![
        ("declaration without an end", format!("{declaration}>{}", good.replace("ФИО", who))),
        ("declaration with more", format!("{declaration} by=\"{who}\"?>{good}")),
        ("declaration of another encoding", format!("<?xml version=\"1.0\" encoding=\"halykbank\"?>{good}")),
        ("instruction", at("<soap:Header>", &format!("<?{name} {who}?>"))),
        ("comment", at("<soap:Header>", &format!("<!-- {who} -->"))),
        ("comment without an end", format!("{good}<!-- {who}")),
        ("doctype", format!("<!DOCTYPE {name} SYSTEM \"{who}\" [<!ENTITY {name} \"{who}\">]>{good}")),
        ("declaration of markup", at("<data>", &format!("<!{who}>"))),
        ("blank tag", at("</data>", &format!("< {who}>"))),
        ("blank tag without an end", at("</data>", &format!("< {who}"))),
        ("unquoted attribute", at("</data>", &format!("<a b={name} c=910203450018>{who}</a>"))),
        ("attributes without values", at("</data>", &format!("<a {who}>"))),
        ("attributes side by side", at("</data>", &format!("<a b=\"1\"c=\"{who}\">"))),
        ("attribute with a tag", at("</data>", &format!("<a b=\"<{who}\">"))),
        ("end tag", at("</data>", &format!("</x {who}>"))),
        ("end tag by name", at("</data>", &format!("</{name}>"))),
        ("cut in a tag", format!("{}<x y=\"{who}", good.split_once("<data>").unwrap().0)),
        ("cut in a name", format!("{}<{name}", good.split_once("<data>").unwrap().0)),
        ("element", at("</data>", &format!("<{name}>1</{name}><i910203450018/><Халык/><halykbank/>"))),
        ("attribute", at("</data>", &format!("<a {name}=\"1\" z=\"{who}\"/>"))),
        ("prefix", at("</data>", &format!("<{name}:a xmlns:{name}=\"urn:a\" {name}:b=\"{name}:c\"/>"))),
        (
            "namespace",
            at("</data>", "<a xmlns=\"http://w3.org.halykbank.kz/Akhmetova\" b=\"w3.org/Халык\"/>"),
        ),
        ("attribute that is kept", at("</data>", &format!("<a nil=\"{who}\" encoding=\"halykbank\"/>"))),
        (
            "list of prefixes",
            good.replace("<ds:Transform ", "<x PrefixList=\"xs Akhmetova halykbank\"/><ds:Transform "),
        ),
        ("mustUnderstand", good.replace("mustUnderstand=\"1\"", "mustUnderstand=\"Akhmetova\"")),
        ("password", good.replace("HD5O4rmKox67ctwSg9VC5eicBPNSbmvh", "Sup3r!@#$%^*()Secret")),
        ("auth_token", text("auth_token", "Sup3r!@#$%^*()Secret")),
        ("entity", at("</data>", "<a>&Akhmetova; &halykbank; &#1040;хметова &#0000000910203450018;</a>")),
        (
            "issuer",
            good.replace(
                "<ds:KeyInfo>",
                &format!("<ds:KeyInfo><ds:X509IssuerName>{name}={who}</ds:X509IssuerName>"),
            ),
        ),
    ];
    for inner in [
        format!("<{who}>"),
        "<Aigul.Akhmetova@halykbank.kz>".to_owned(),
        format!("<{name}>{who}</{name}>"),
        format!("<uin {who}>"),
        format!("<{who}"),
        format!("{}{who}{}", "<![CDATA[".repeat(40), "]]>".repeat(40)),
        format!("<a>{}</a>", escaped(&escaped(&format!("<{who}>")))),
    ] {
        out.push(("escaped text", text("personal_data_name", &escaped(&inner))));
        if !inner.contains("]]>") {
            out.push(("CDATA", text("personal_data_name", &cdata(&inner))));
        }
        out.push(("outer CDATA", at("</data>", &cdata(&inner))));
    }
    for claims in &claims {
        out.push(("claims", json(claims)));
    }
    out.push(("beside a token", good.replacen("<ovt>", &format!("<ovt>eyJhIjoxfQ {who} "), 1)));
    let kept =
        ["serviceId", "lang", "decision", "limit", "state", "cancel", "expiresIn", "start_date", "applicant"];
    for element in kept {
        for one in ["Akhmetova", "halykbank", "77019876543", "910203450018", "2026-04-01T12:00:00.770198765"]
        {
            out.push(("element that is kept", at("</data>", &format!("<{element}>{one}</{element}>"))));
        }
    }
    let written = out.into_iter().map(|(what, message)| (what, message.into_bytes()));
    written.chain(wide(&good.replace("ФИО", who), who)).collect()
}

/// Somebody in UTF-16, with a mark and without one.
fn wide(told: &str, who: &str) -> Vec<(&'static str, Vec<u8>)> {
    let mut out = Vec::new();
    for form in [u16::to_le_bytes, u16::to_be_bytes] {
        out.push(("UTF-16 without a mark", told.encode_utf16().flat_map(form).collect()));
        let wide: Vec<u8> = who.encode_utf16().flat_map(form).collect();
        out.push(("UTF-16 within", [b"<a/>".as_slice(), &wide].concat()));
        out.push(("UTF-16", std::iter::once(0xFEFF).chain(told.encode_utf16()).flat_map(form).collect()));
    }
    out
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_stands_where_no_schema_expects_anybody_is_not_left_either() {
    let (stand, rehearsal) = rehearsal().await;
    let (mut wrong, mut made, mut refused) = (Vec::new(), 0, Vec::new());
    for (what, message) in planted() {
        let has = |layers: &[Vec<u8>]| {
            let wide =
                |secret: &str, form: fn(u16) -> [u8; 2]| secret.encode_utf16().flat_map(form).collect();
            let is_in = |secret: &&&str| {
                let forms: [Vec<u8>; 3] = [
                    secret.as_bytes().to_vec(),
                    wide(secret, u16::to_le_bytes),
                    wide(secret, u16::to_be_bytes),
                ];
                forms.iter().any(|form| layers.iter().any(|l| memchr::memmem::find(l, form).is_some()))
            };
            PLANTED.iter().filter(is_in).copied().collect::<Vec<_>>()
        };
        assert!(!has(&all_layers(&message)).is_empty(), "{what}: nobody is planted");
        match mask(&rehearsal, &message).await {
            Ok(copy) => {
                made += 1;
                let mut layers = all_layers(&copy.message);
                layers.push(serde_json::to_vec(&copy.world).unwrap());
                if !has(&layers).is_empty() {
                    let copy = String::from_utf8_lossy(&copy.message).into_owned();
                    wrong.push(format!("{what}: {:?} is left in\n{copy}", has(&layers)));
                }
            }
            Err(error) => refused.push(format!("{what}: {error}")),
        }
    }
    assert!(wrong.is_empty(), "{} left:\n{}", wrong.len(), wrong.join("\n"));
    // The last check is there for what nobody thought of; these are.
    let caught = refused.iter().any(|refusal| refusal.contains("would be left"));
    assert!(made >= 100 && !caught, "{made} made; refused:\n{}", refused.join("\n"));
    stand.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::disallowed_methods, reason = "a stopwatch")]
async fn sections_in_sections_are_masked_in_no_time() {
    let (stand, rehearsal) = rehearsal().await;
    let message = format!("<a>{}", "<![CDATA[".repeat(6000));
    let begun = std::time::Instant::now();
    let _ = mask(&rehearsal, message.as_bytes()).await;
    assert!(begun.elapsed().as_secs() < 5, "{:?}", begun.elapsed());
    stand.running.stop().await;
}

/// The numbers of persons and organisations in a message, and in what base64 in it stands for.
fn numbers(message: &[u8]) -> HashSet<String> {
    let layers = all_layers(message);
    let texts = layers.iter().filter_map(|layer| std::str::from_utf8(layer).ok());
    let runs = texts.flat_map(|text| text.split(|c: char| !c.is_ascii_digit()));
    runs.filter(|run| run.len() == 12).map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_every_kind_of_message_there_is_a_copy_of_nobody_or_none_at_all() {
    let (stand, rehearsal) = rehearsal().await;
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let mut files = Vec::new();
    for (kind, every) in [("requests", 13), ("attacks", 5)] {
        let mut own: Vec<_> =
            folder.join(kind).read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
        own.retain(|path| path.extension().is_some_and(|e| e == "xml" || e == "bin"));
        own.sort();
        files.extend(own.into_iter().step_by(every));
    }
    let (mut made, mut refused, mut wrong) = (0, Vec::new(), Vec::new());
    for path in &files {
        let (message, name) = (std::fs::read(path).unwrap(), path.file_stem().unwrap().to_string_lossy());
        match mask(&rehearsal, &message).await {
            Ok(copy) => {
                made += 1;
                let world = serde_json::to_string(&copy.world).unwrap();
                let (before, after) =
                    (numbers(&message), numbers(&[&copy.message, world.as_bytes()].concat()));
                // A time of twelve digits in an attack is none of them.
                let both: Vec<_> = before.intersection(&after).collect();
                if !both.is_empty() {
                    wrong.push(format!("{name}: {both:?}"));
                }
            }
            Err(error) => refused.push(format!("{name}: {error}")),
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
    assert!(made * 10 >= files.len() * 7, "{made} of {}:\n{}", files.len(), refused.join("\n"));
    stand.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_writes_a_copy_with_its_world_and_where_it_cannot_nothing() {
    let stand = Stand::start().await;
    let Stand { running, directory, .. } = stand;
    running.stop().await;
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let run = |arguments: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_kdp"));
        command.arg("explain").args(arguments);
        let output = tokio::task::block_in_place(|| command.output()).unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let data = directory.path().to_str().unwrap().to_owned();
    let at = ["--data", &data, "--at", "2026-04-01T12:00:00+05:00"];
    let spoilt =
        case::all().into_iter().find(|case| case.causes == [kdp::text::Cause::PrettyPrinted]).unwrap();
    std::fs::write(path("envelope.xml"), &spoilt.message).unwrap();
    let (masked, world) = (path("masked.xml"), path("masked.xml.world.json"));
    let (code, text, _) =
        run(&[&[&*path("envelope.xml"), "--mask", &masked, "--lang", "ru"], &at[..]].concat());
    assert!(code == Some(0) && text.contains("сохранённые причины: pretty-printed"), "{text}");
    let (code, text, _) = run(&[&masked, "--world", &world, "--json"]);
    let report: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((code, &report["causes"]), (Some(1), &serde_json::json!(["pretty-printed"])));
    assert_eq!(report["world"], "file");
    for (lang, first) in [
        ("kk", "Сервис емес"),
        ("ru", "Оценено в мире этого файла"),
        ("en", "Judged in the world of this file"),
    ] {
        let (_, text, _) = run(&[&masked, "--world", &world, "--lang", lang]);
        assert!(text.starts_with(first), "{text}");
    }
    std::fs::write(path("stranger.json"), "{\"\\u001b[2J\": 1}").unwrap();
    let (code, _, error) = run(&[&masked, "--world", &path("stranger.json")]);
    assert!(code == Some(2) && error.contains("[2J") && !error.contains('\u{1b}'), "{error:?}");
    let copy = std::fs::read(&masked).unwrap();
    assert_eq!(
        run(&[&[&*path("envelope.xml"), "--mask", &masked], &at[..]].concat()).0,
        Some(2),
        "never over a file"
    );
    assert_eq!(std::fs::read(&masked).unwrap(), copy);
    // What the state of the installation decides, a copy cannot show.
    let fixtures = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/requests");
    let blocked = fixtures.read_dir().unwrap().map(|entry| entry.unwrap().path());
    let blocked = blocked.filter(|path| path.to_string_lossy().contains("-blocked")).min().unwrap();
    let (blocked, none) = (blocked.to_str().unwrap(), path("none.xml"));
    for lang in ["kk", "ru", "en"] {
        let (code, _, error) = run(&[&[blocked, "--mask", &none, "--lang", lang], &at[..]].concat());
        assert!(code == Some(1) && error.contains("mask-differs"), "{error}");
        assert!(!std::path::Path::new(&none).exists());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_is_full_leaves_neither_half_a_copy_nor_its_world() {
    let traced = std::process::Command::new("strace").args(["-o", "/dev/null", "true"]).status();
    if !traced.is_ok_and(|status| status.success()) {
        eprintln!("SKIPPED: strace cannot be used; a full disk was not tried");
        return;
    }
    let Stand { running, directory, .. } = Stand::start().await;
    running.stop().await;
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(path("envelope.xml"), &case::good()[0]).unwrap();
    for full in ["masked.xml", "masked.xml.world.json"] {
        let mut command = std::process::Command::new("strace");
        // What is written to this file alone, and there is no room for it.
        command.args(["-f", "-qq", "-o", "/dev/null", "-P", &path(full)]);
        command.args(["-e", "trace=write", "-e", "inject=write:error=ENOSPC", env!("CARGO_BIN_EXE_kdp")]);
        command.args(["explain", &path("envelope.xml"), "--mask", &path("masked.xml")]);
        command.args(["--data", directory.path().to_str().unwrap(), "--at", "2026-04-01T12:00:00+05:00"]);
        let output = tokio::task::block_in_place(|| command.output()).unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(2) && error.contains(full), "{error}");
        for name in ["masked.xml", "masked.xml.world.json"] {
            assert!(!directory.path().join(name).exists(), "{name} is left when {full} has no room");
        }
    }
}
