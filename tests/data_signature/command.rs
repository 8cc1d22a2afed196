//! `kdp xmldsig verify` and `sign`, as an integrator meets them.

use crate::installation::{Ended, kdp, pki};
use crate::pki::{Authority, IIN, keys};
use crate::{document, documents, fixtures, verify};
use kdp::trust::issue::pem;
use serde_json::Value;
use std::path::Path;

const AT: &str = "2026-04-01T12:00:00+05:00";

/// Verifies with the authority of the fixtures, and holds the exit code.
fn verified(code: i32, file: &Path, more: &[&str]) -> String {
    let file = file.display().to_string();
    let ca = pki("ca.pem");
    let Ended { code: ended, out, err } =
        kdp(&[&["xmldsig", "verify", &file, "--trust", &ca, "--at", AT][..], more].concat());
    assert_eq!(ended, Some(code), "{file}\n{out}\n{err}");
    out
}

fn json(out: &str) -> Value {
    serde_json::from_str(out).unwrap()
}

#[test]
fn every_signature_is_shown_with_its_signer_in_each_language() {
    let file = fixtures("data_signature/accepted/two.xml");
    for (lang, words) in [
        (
            "kk",
            [
                "Қолтаңба 2/2",
                "өзгермеген",
                "заңды тұлғаның ақпараттық жүйесі",
                "БСН 260140990216",
                "тексерілмеді",
                "қабылданды",
            ],
        ),
        (
            "ru",
            [
                "Подпись 2/2",
                "не изменён",
                "информационная система юридического лица",
                "БИН 260140990216",
                "не проверялся",
                "принято",
            ],
        ),
        (
            "en",
            [
                "Signature 2/2",
                "not changed",
                "information system of a legal entity",
                "BIN 260140990216",
                "not checked",
                "accepted",
            ],
        ),
    ] {
        let out = verified(0, &file, &["--lang", lang]);
        for word in words {
            assert!(out.contains(word), "{lang}: {word} is not in\n{out}");
        }
        for common in
            ["RSA, SHA-256", "ИС «BANK» (ТЕСТ)", "ИС «AKIMAT» (ТЕСТ)", "KDP SANDBOX CA", "2036-01-01"]
        {
            assert!(out.contains(common), "{lang}: {common} is not in\n{out}");
        }
    }
    let found = json(&verified(0, &file, &["--json"]));
    assert_eq!(found["accepted"], true);
    let signers: Vec<_> =
        found["signatures"].as_array().unwrap().iter().map(|s| s["signer"]["bin"].clone()).collect();
    assert_eq!(signers, ["260140990117", "260140990216"]);
    assert_eq!(found["signatures"][0]["revoked"], "not-checked");
}

#[test]
fn the_step_that_fails_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("changed.xml");
    let text = String::from_utf8(document("two")).unwrap();
    for (changed, number, step) in [
        (text.replace("800101399015", "800101399016"), 0, "content"),
        (text.replace("#enveloped-signature", "#other"), 0, "form"),
        (text.replacen("ds:DigestValue>", "ds:DigestValue>AAAA", 1), 0, "content"),
    ] {
        std::fs::write(&path, &changed).unwrap();
        let found = json(&verified(1, &path, &["--json"]));
        let steps = found["signatures"][number]["steps"].as_array().unwrap();
        let failed: Vec<_> =
            steps.iter().filter(|found| found["ok"] == false).map(|found| &found["step"]).collect();
        assert_eq!(failed, [step], "{found}");
        assert!(verified(1, &path, &["--lang", "ru"]).contains("НЕТ: "));
    }
    for (name, step) in [
        ("expired-certificate", "certificate"),
        ("not-yet-valid-certificate", "certificate"),
        ("usage-of-the-key-is-encipherment", "certificate"),
        ("untrusted-certificate", "issuer"),
        ("issuer-of-the-same-name", "issuer"),
        ("algorithm-sha1", "form"),
    ] {
        let file = fixtures(&format!("data_signature/refused/{name}.xml"));
        let found = json(&verified(1, &file, &["--json"]));
        let steps = found["signatures"][0]["steps"].as_array().unwrap();
        let failed: Vec<_> =
            steps.iter().filter(|found| found["ok"] == false).map(|found| &found["step"]).collect();
        assert_eq!(failed, [step], "{name}: {found}");
    }
    for (name, _) in documents("refused") {
        verified(1, &fixtures(&format!("data_signature/refused/{name}.xml")), &[]);
    }
}

#[test]
fn what_is_no_signed_document_is_told_apart_from_what_is_no_document() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file.xml");
    std::fs::write(&path, "<data/>").unwrap();
    assert!(
        verified(1, &path, &["--lang", "en"]).contains("refused: the root element holds no ds:Signature")
    );
    std::fs::write(&path, "<data>").unwrap();
    verified(2, &path, &[]);
    verified(2, &directory.path().join("none.xml"), &[]);
    let file = fixtures("data_signature/accepted/whole.xml");
    let unknown = kdp(&["xmldsig", "verify", &file.display().to_string(), "--at", AT, "--lang", "en"]);
    assert_eq!(unknown.code, Some(1));
    assert!(unknown.out.contains("NO: unknown; if it can be trusted"), "{}", unknown.out);
}

#[test]
fn a_file_that_was_signed_verifies_with_keys_of_every_kind_and_shows_no_number_of_a_person() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str| directory.path().join(name).display().to_string();
    let [_, _, key] = keys();
    let authority = Authority::new(key);
    std::fs::write(file("ca.pem"), pem("CERTIFICATE", authority.root())).unwrap();
    let mut current = file("0.xml");
    std::fs::write(
        &current,
        "<?xml version='1.0'?>\r\n<!-- <data/> --><data xmlns='urn:d'>\u{49a}<a/></data>",
    )
    .unwrap();
    for (count, key) in keys().into_iter().enumerate() {
        std::fs::write(file("key.pem"), pem("PRIVATE KEY", &key.to_pkcs8_der().unwrap())).unwrap();
        let holder = authority.person(key, IIN, None);
        std::fs::write(file("cert.pem"), pem("CERTIFICATE", holder.certificate.der())).unwrap();
        let next = file(&format!("{}.xml", count + 1));
        let (key, cert) = (file("key.pem"), file("cert.pem"));
        let printed = kdp(&["xmldsig", "sign", &current, "--key", &key, "--cert", &cert]);
        assert_eq!(printed.code, Some(0), "{}", printed.err);
        assert!(verify(printed.out.as_bytes(), &authority.authorities()).is_ok());
        let written = kdp(&["xmldsig", "sign", &current, "--key", &key, "--cert", &cert, "--out", &next]);
        assert_eq!((written.code, written.out.as_str()), (Some(0), ""), "{}", written.err);
        current = next;
        let ca = file("ca.pem");
        for more in [&["--lang", "kk"][..], &["--json"]] {
            let shown =
                kdp(&[&["xmldsig", "verify", &current, "--trust", &ca, "--at", AT][..], more].concat());
            assert_eq!(shown.code, Some(0), "{}{}", shown.out, shown.err);
            assert!(!shown.out.contains(IIN) && shown.out.contains("********9015"), "{}", shown.out);
        }
    }
    let wrong =
        kdp(&["xmldsig", "sign", &current, "--key", &pki("bank.key.pem"), "--cert", &pki("akimat.cert.pem")]);
    assert_eq!(wrong.code, Some(2));
    assert!(wrong.err.contains("does not belong to the certificate"), "{}", wrong.err);
}
