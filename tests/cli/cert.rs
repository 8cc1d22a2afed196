//! `kdp cert show`: whose a certificate is, and why it is not believed.

use super::ends;
use serde_json::{Value, json};

const AT: &str = "2026-11-01T12:00:00+05:00";

fn fixture(name: &str) -> String {
    format!("{}/fixtures/nca/test/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// The flags by which the test PKI is trusted, at a time when its leaves are valid.
fn trusting(more: &[&str]) -> Vec<String> {
    let (root, issuer) = (fixture("root_test_gost_2022.cer"), fixture("nca_gost2015_test.cer"));
    let flags = ["--trust", &root, "--trust", &issuer, "--at", AT];
    flags.iter().chain(more).map(|flag| (*flag).to_owned()).collect()
}

fn show(code: i32, file: &str, flags: &[String]) -> String {
    let mut arguments = vec!["cert", "show", file];
    arguments.extend(flags.iter().map(String::as_str));
    ends(code, &arguments).0
}

fn show_json(code: i32, file: &str, flags: &[String]) -> Value {
    let flags = [flags, &["--json".to_owned()]].concat();
    serde_json::from_str(&show(code, file, &flags)).unwrap()
}

#[test]
fn a_certificate_is_told_whole_and_in_each_language() {
    let file = fixture("legal_treasury_client.pem");
    let told = show_json(0, &file, &trusting(&[]));
    let expected = [
        ("role", json!("information-system")),
        ("bin", json!("123456789021")),
        ("iin", Value::Null),
        ("system", json!("1.2.398.6.10.1.1")),
        ("key", json!("ГОСТ 34.10-2015-512")),
        ("serial_hex", json!("689bd2c53a2e05aaf877569f47dfff2e7c314fe0")),
        ("not_before", json!("2026-05-08T16:27:43.000+05:00")),
        ("revoked", json!("not-checked")),
        ("may_sign", json!({ "messages": true, "data": true, "certificates": false })),
        ("problems", json!([])),
    ];
    for (name, value) in expected {
        assert_eq!(told[name], value, "{name}");
    }
    assert_eq!(told["path"].as_array().map(Vec::len), Some(2), "to the root");
    for (lang, words) in [
        ("kk", ["Иесі", "заңды тұлғаның ақпараттық жүйесі", "тексерілмеді"]),
        ("ru", ["Владелец", "информационная система юридического лица", "не проверялось"]),
        ("en", ["Holder", "information system of a legal entity", "not checked"]),
    ] {
        let text = show(0, &file, &trusting(&["--lang", lang]));
        for word in words {
            assert!(text.contains(word), "{lang}: {word}: {text}");
        }
        assert!(text.contains("123456789021") && text.contains("← "), "{text}");
    }
}

#[test]
fn each_reason_not_to_believe_it_is_named_and_the_exit_code_says_so() {
    let leaf = fixture("legal_head.pem");
    let at = |time: &str| {
        let mut flags = trusting(&[]);
        time.clone_into(flags.last_mut().unwrap());
        flags
    };
    let unknown = ["--at".to_owned(), AT.to_owned()];
    for (file, flags, problem) in [
        (leaf.clone(), at("2026-01-01T00:00:00+05:00"), "not-yet-valid"),
        (leaf.clone(), at("2028-01-01T00:00:00+05:00"), "expired"),
        (fixture("nca_gost2015_test.cer"), trusting(&[]), "wrong-usage"),
        (leaf.clone(), unknown.to_vec(), "unknown-authority"),
    ] {
        assert_eq!(show_json(1, &file, &flags)["problems"], json!([problem]), "{problem}");
        let text = show(1, &file, &flags);
        assert!(text.lines().last().unwrap().starts_with("Not accepted: "), "{problem}: {text}");
    }
    ends(2, &["cert", "show", &fixture("nca_gost2022_test.crl")]);
    ends(2, &["cert", "show", "no-such-file"]);
}

#[test]
fn a_list_that_is_stale_or_that_nobody_trusted_signed_says_nothing_good() {
    let (leaf, list) = (fixture("legal_head.pem"), fixture("nca_gost2022_test.crl"));
    let told = show_json(1, &leaf, &trusting(&["--crl", &list]));
    // Until when it was good, in Astana's time.
    assert_eq!(told["revoked"], json!({ "list_stale_since": "2023-01-23T16:26:06.000+05:00" }));
    assert_eq!(told["problems"], json!(["list-stale"]));
    let unknown = ["--at".to_owned(), AT.to_owned(), "--crl".to_owned(), list];
    assert_eq!(show_json(1, &leaf, &unknown)["problems"], json!(["unknown-authority"]));
    let broken = [trusting(&["--crl"]), vec![fixture("legal_head.pem")]].concat();
    show(2, &leaf, &broken);
}
