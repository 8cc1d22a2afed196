//! Nothing that identifies a person, and no secret, can be read in the files, whoever takes them.

#[path = "secrecy/reseal.rs"]
mod reseal;

use super::bench::{Ask, Bench, Disk, NOON, Proof, benches, iin, phone, record, sqlite};
use super::registration::key;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use kdp::consent::Event;
use kdp::consent::method::Method;
use kdp::store::seal::one_time_code;
use kdp::store::{Change, Record};

/// Everything that can happen to requests, so that every table and both states of a token are written.
async fn story(bench: &Bench) -> Vec<(&'static str, Vec<u8>)> {
    let secret = |name, text: &str| (name, text.as_bytes().to_vec());
    let mut secrets = vec![
        secret("IIN", iin(1).as_str()),
        secret("phone", phone(1).as_str()),
        secret("local phone", phone(1).as_str().get(1..).unwrap()),
        secret("name", "Банк Үлгі"),
        secret("responsible body", "Несие бөлімі"),
        secret("employee", "Үлгіұлы Ү."),
        secret("data", "ФИО, адрес"),
    ];
    let by_sms = bench.waiting(&Ask::default(), NOON).await;
    bench.say(&phone(1), "что это?", NOON).await;
    bench.say(&phone(1), "ДА", NOON).await;
    let (granted, _) = bench.collect(by_sms.id, NOON).await;
    secrets.push(secret("token", &granted.token.unwrap().compact));
    let by_code = bench.waiting(&Ask { services: "C", ..Ask::by_code() }, NOON).await;
    let code = one_time_code(&*bench.seal, &by_code);
    bench.change(by_code.id, Change::Code("000000".to_owned()), NOON).await;
    bench.change(by_code.id, Change::Code(code.clone()), NOON).await;
    secrets.push(secret("code", &code));
    let granting = Proof::new(1, None).granting(&Ask { method: Method::OwnMeans, ..Ask::default() }, NOON);
    secrets.push(secret("token of method 2", &granting.request.token.as_ref().unwrap().compact));
    let id = granting.request.id;
    let record = Record { subject: Some(iin(1)), ..record(NOON, "granted") };
    bench.store.grant(granting, record.clone()).await.unwrap();
    bench.event(id, Event::Cancel, NOON).await;
    // Ids that others made of a person: of a strict sender's message, and of an SMS.
    for id in [iin(1).as_str().to_owned(), format!("m-{}", phone(1).as_str())] {
        for body in [[1; 32], [2; 32]] {
            bench.store.conflicts("bank".to_owned(), id.clone(), body, NOON).await.unwrap();
        }
        bench.say_as(&id, &phone(1), "ДА", NOON).await;
        let named = Record { message_id: id.clone(), sender: id, ..self::record(NOON, "named") };
        bench.store.note(named).await.unwrap();
    }
    let key = key();
    secrets.push(("private key", key.pkcs8.get(100..132).unwrap().to_vec()));
    bench.store.keep_keys(vec![key], record).await.unwrap();
    secrets
}

/// The ways in which a value may stand in a file.
fn spellings(value: &[u8]) -> Vec<Vec<u8>> {
    let mut all = vec![value.to_vec()];
    if let Ok(text) = std::str::from_utf8(value) {
        let units: Vec<u16> = text.encode_utf16().collect();
        all.push(units.iter().flat_map(|unit| unit.to_le_bytes()).collect());
        all.push(units.iter().flat_map(|unit| unit.to_be_bytes()).collect());
        all.push(text.chars().rev().collect::<String>().into_bytes());
        if text.bytes().all(|b| b.is_ascii_digit()) && text.len() % 2 == 0 {
            let pairs: Vec<u8> =
                (0..text.len()).step_by(2).map(|i| text[i..i + 2].parse().unwrap()).collect();
            // Binary coded decimals, and the number as an integer of SQLite.
            all.push(pairs.iter().map(|pair| ((pair / 10) << 4) | (pair % 10)).collect());
            all.push(text.parse::<u64>().unwrap().to_be_bytes()[2..].to_vec());
        }
    }
    // Base64 at each of the three places that a value can have within a longer one.
    for skip in 0..3 {
        let shifted = [&b"\0\0"[..skip], value].concat();
        for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            let text = engine.encode(&shifted);
            let inner = text.get((skip * 4).div_ceil(3)..text.len() - 2).unwrap();
            all.push(inner.as_bytes().to_vec());
        }
    }
    all.push(STANDARD.encode(value).into_bytes());
    let hex = value.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    all.push(hex.to_uppercase().into_bytes());
    all.push(hex.into_bytes());
    all.retain(|spelling| spelling.len() >= 6);
    all
}

#[tokio::test]
async fn no_file_of_the_database_shows_a_person_or_a_secret() {
    for bench in benches() {
        let secrets = story(&bench).await;
        for (file, bytes) in bench.files() {
            for (name, value) in &secrets {
                for spelling in spellings(value) {
                    let found = bytes.windows(spelling.len()).any(|window| window == spelling);
                    assert!(!found, "{}: {name} stands in {file} as {spelling:?}", bench.name);
                }
            }
        }
    }
}

#[tokio::test]
async fn the_search_would_find_what_is_not_sealed() {
    for bench in benches() {
        story(&bench).await;
        let outcome = "готово-77000000001";
        bench.store.note(record(NOON, outcome)).await.unwrap();
        let found = bench.files().iter().any(|(_, bytes)| {
            let wanted = spellings(outcome.as_bytes());
            wanted.iter().any(|spelling| bytes.windows(spelling.len()).any(|window| window == spelling))
        });
        assert!(found, "{}: where is the journal?", bench.name);
    }
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_but_the_owner_can_read_the_files() {
    use std::os::unix::fs::PermissionsExt as _;
    let bench = sqlite(Disk::Waits);
    story(&bench).await;
    let mut seen = 0;
    for entry in bench.directory.path().read_dir().unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{:?} has mode {mode:o}", entry.file_name());
        seen += 1;
    }
    assert!(seen >= 3, "database, log and index");
}

#[tokio::test]
async fn what_was_sealed_for_one_row_does_not_open_in_another() {
    let bench = sqlite(Disk::Waits);
    let (one, two) = (bench.waiting(&Ask::of(1), NOON).await, bench.waiting(&Ask::of(2), NOON).await);
    let connection = rusqlite::Connection::open(bench.path()).unwrap();
    let moved =
        "UPDATE access_request SET person = (SELECT person FROM access_request WHERE id = ?1) WHERE id = ?2";
    connection.execute(moved, [one.id.as_bytes(), two.id.as_bytes()]).unwrap();
    assert!(bench.store.request(two.id).await.is_err());
    assert!(bench.store.request(one.id).await.is_ok());
}
