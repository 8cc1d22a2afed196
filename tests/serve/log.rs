//! What the log holds, and what it must not.

use super::*;

/// The log is JSON, line by line; nothing of `secrets` is in it, no token, and no number of a person or a phone.
pub fn assert_private(log: &[String], secrets: &[&str]) {
    for line in log {
        for secret in secrets {
            assert!(!secret.is_empty() && !line.contains(secret), "{secret} is in the log: {line}");
        }
        assert!(!line.contains("eyJ"), "a token is in the log: {line}");
        let mut fields = read(line);
        // Ids are hexadecimal, and now and then all digits.
        for id in ["decision", "message_id", "request"] {
            fields.as_object_mut().unwrap().remove(id);
        }
        let rest = fields.to_string();
        let number = |word: &&str| word.len() >= 10 && word.bytes().all(|b| b.is_ascii_digit());
        let number = rest.split(|c: char| !c.is_ascii_alphanumeric()).find(number);
        assert_eq!(number, None, "a number of somebody is in the log: {line}");
    }
}

fn read(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"))
}

#[test]
fn each_exchange_is_one_line_of_json_that_tells_who_and_what_was_decided_and_nothing_private() {
    let installation = Installation::complete();
    let (service, public, _) = Process::serve(&installation.config());
    let ovt = installation.ovt(SUBJECT);
    let token = granted(&installation.send(&url(public), &ovt, SUBJECT, &[]));
    let refused = installation.send(&url(public), &ovt, "810102499019", &[]);
    assert_eq!(refused["data"]["reason"], "ovt-subject", "{refused}");
    let forbidden = installation.send(&url(public), &ovt, SUBJECT, &["--bin", "260140990216"]);
    assert_eq!(forbidden["fault"]["code"], "KDP403", "{forbidden}");
    let malformed = installation.send(&url(public), &ovt, SUBJECT, &["--lang", "xx"]);
    assert_eq!(malformed["status"]["code"], "SCSE002", "{malformed}");
    let password = installation.password().to_owned();
    fs::write(installation.file("password"), "Wrong-Password-1").unwrap();
    let unknown = installation.send(&url(public), &ovt, SUBJECT, &[]);
    assert_eq!(unknown["fault"]["code"], "KDP401", "{unknown}");
    let stray = format!("<a><uin>{SUBJECT}</uin><password>Wrong-Password-1</password></a>");
    for body in [stray.as_bytes(), b"\xff\xfe", &vec![b'1'; 2 << 20]] {
        Connection::open(public).send("POST", "/shep/sync", XML, body);
    }
    let target = format!("/shep/sync?uin={SUBJECT}");
    Connection::open(public).get(&target);
    Connection::open(public).send("POST", &format!("/{SUBJECT}"), XML, stray.as_bytes());
    Connection::open(public).send(
        "POST",
        &target,
        &format!("X-Uin: {SUBJECT}\r\nContent-Type: {SUBJECT}\r\n"),
        b"",
    );
    let Gone { code, log, .. } = service.terminate();
    assert_eq!(code, Some(0));

    let lines: Vec<Value> = log.iter().map(|line| read(line)).collect();
    let exchanges: Vec<&Value> = lines.iter().filter(|line| !line["decision"].is_null()).collect();
    let outcomes: Vec<&str> = exchanges.iter().map(|line| line["outcome"].as_str().unwrap()).collect();
    let expected =
        ["granted", "ovt-subject", "KDP403", "element-malformed", "KDP401", "SCE001", "SCE001", "KDP413"];
    assert_eq!(outcomes, expected, "{}", log.join("\n"));
    for line in &exchanges[..5] {
        for field in ["timestamp", "level", "message", "message_id", "sender_id", "service_id", "decision"] {
            assert!(line[field].is_string(), "{field} is not in {line}");
        }
        assert_eq!(line["sender_id"], "bank_kdp");
    }
    let ovt = fs::read_to_string(ovt).unwrap();
    let signature = ovt.trim().rsplit('.').next().unwrap();
    let own = token.rsplit('.').next().unwrap();
    let secrets =
        [SUBJECT, "810102499019", &password, "Wrong-Password-1", signature, own, COMPANY, DATA, SERVICE_ID];
    assert_private(&log, &secrets);
}

#[test]
fn a_sandbox_that_sends_sms_logs_no_phone_no_text_and_no_subject() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().display().to_string();
    let flags = ["--listen", "127.0.0.1:0", "--data", &data, "--seed", "1", "--log-level", "debug"];
    let (service, url) = Process::sandbox(&flags);
    let address: SocketAddr =
        url.strip_prefix("http://").unwrap().split('/').next().unwrap().parse().unwrap();
    let world: Value = serde_json::from_str(&Connection::open(address).get("/sandbox").body).unwrap();
    let subject = |behaviour: &str| -> (String, String) {
        let of = |s: &&Value| s["behaviour"] == behaviour;
        let subject = world["subjects"].as_array().unwrap().iter().find(of).unwrap();
        let text = |name: &str| subject[name].as_str().unwrap_or_default().to_owned();
        (text("iin"), text("msisdn"))
    };
    let ask = |method: &str, uin: &str| -> Value {
        let what = ["--method", method, "--uin", uin, "--service", SERVICE_ID, "--data", DATA, "--json"];
        let ended = kdp(&[&["send", "--url", &url, "--as", "bank"][..], &what].concat());
        serde_json::from_str(&ended.out).unwrap_or_else(|_| panic!("{}{}", ended.out, ended.err))
    };
    let (manual, phone) = subject("manual");
    let (coded, coded_phone) = subject("reads-code");
    assert_eq!(ask("1", &manual)["data"]["status"], "PENDING");
    assert_eq!(ask("5", &coded)["data"]["status"], "PENDING");
    let inbox = |phone: &str| Connection::open(address).get(&format!("/sandbox/phone/{phone}")).body;
    eventually("both have their SMS", || {
        inbox(&phone).contains("at") && inbox(&coded_phone).contains("KOD ")
    });
    let code = inbox(&coded_phone).split("KOD ").nth(1).unwrap()[..6].to_owned();
    let said = "Ne Znayu Takogo Banka";
    let reply = format!("{{\"text\":\"{said}\"}}");
    let path = format!("/sandbox/phone/{phone}");
    assert_eq!(Connection::open(address).send("POST", &path, "", reply.as_bytes()).status, 200);
    assert_eq!(
        Connection::open(address).send("POST", &path, "", b"{\"text\":\"\xd0\x94\xd0\x90\"}").status,
        200
    );
    eventually("the yes has become a token", || ask("1", &manual)["data"]["status"] == "VALID");
    let Gone { code: left, log, .. } = service.terminate();
    assert_eq!(left, Some(0));
    assert!(log.len() >= 3, "{}", log.join("\n"));
    let passwords = world["peers"].as_array().unwrap().iter().filter_map(|peer| peer["password"].as_str());
    let mut secrets: Vec<&str> = passwords.collect();
    secrets.extend([manual.as_str(), &coded, &phone, &coded_phone, &code, said, DATA]);
    assert_private(&log, &secrets);
}
