//! `kdp keys distrust`: from that moment on no token of the key is worth anything, to owners and to its initiator,
//! whichever way it is asked for; tokens of other keys are left alone.

use super::super::bench::{NOON, bin, iin};
use super::super::law::home::Engine;
use super::super::law::service::{INITIATORS, Running, SIGNERS, Told, phone_of};
use super::super::registration::key;
use kdp::clock;
use kdp::dispatch::Service;
use kdp::store::{Heard, Record};
use kdp::token::jws::unverified_kid;
use kdp::token::key::{KeyRecord, Window};
use kdp::token::ovt::{Mcheck, NewOvt, make};

const ACTIVE: (&str, Option<&str>) = ("active", None);
const DISTRUSTED: (&str, Option<&str>) = ("not-active", Some("key-distrusted"));
const GRANTED: (&str, &str) = ("VALID", "granted");
const REFUSED: (&str, &str) = ("INVALID", "key-distrusted");

/// A token as the initiator holds it.
struct Held {
    request: String,
    compact: String,
    kid: String,
}

fn held(told: &Told) -> Held {
    assert_eq!(told.word(), GRANTED);
    let compact = told.get("code").unwrap().to_owned();
    let kid = unverified_kid(&compact).unwrap();
    Held { request: told.get("request_id").unwrap().to_owned(), compact, kid }
}

/// A verification token of the first initiator, formed now.
fn ovt(running: &Running) -> String {
    let iat = running.now() / 1000;
    let (cbin, uin) = (bin(0), iin(0));
    let (mcheck, exp, uin) = (Mcheck::Biometrics, iat + 36_000, Some(uin.as_str()));
    make(&NewOvt { cbin: cbin.as_str(), mcheck, iat, exp, uin, jti: None }, &SIGNERS[0], None).unwrap()
}

impl Running {
    async fn ask(&mut self, method: u8, ovt: Option<&str>) -> Told {
        let mut fields = vec![
            ("uin", iin(0).as_str().to_owned()),
            ("company_bin", bin(0).as_str().to_owned()),
            ("company", "Банк Үлгі".to_owned()),
            ("personal_data_name", "ФИО".to_owned()),
            ("access_name", "A".to_owned()),
            ("method", method.to_string()),
            ("expiresIn", "86400000".to_owned()),
        ];
        fields.extend(ovt.map(|ovt| ("ovt", ovt.to_owned())));
        self.call(INITIATORS[0], Service::AccessRequest, &fields).await
    }

    async fn repeat(&mut self, request: &str, cancel: bool) -> Told {
        let mut fields = vec![
            ("uin", iin(0).as_str().to_owned()),
            ("company_bin", bin(0).as_str().to_owned()),
            ("request_id", request.to_owned()),
        ];
        fields.extend(cancel.then(|| ("cancel", "true".to_owned())));
        self.call(INITIATORS[0], Service::AccessRequest, &fields).await
    }

    /// What the owner is told of a token now, or as of a time; `active` says the same.
    async fn worth(&mut self, token: &Held, at: Option<i64>) -> (String, Option<String>) {
        let mut fields = vec![("code", token.compact.clone()), ("service_id", "A".to_owned())];
        fields.extend(at.map(|at| ("requested_at", clock::text(at))));
        let told = self.call("register", Service::CheckToken, &fields).await;
        let status = told.get("status").unwrap();
        assert_eq!(told.get("active"), Some(if status == "active" { "true" } else { "false" }));
        (status.to_owned(), told.get("reason").map(str::to_owned))
    }

    async fn assert_worth(&mut self, token: &Held, expected: (&str, Option<&str>)) {
        let (status, reason) = self.worth(token, None).await;
        assert_eq!((status.as_str(), reason.as_deref()), expected);
    }

    /// As the command does it.
    async fn distrust(&self, kid: &str) {
        let store = self.store();
        let mut ring = store.registry().await.unwrap().keys;
        assert!(ring.distrust(kid, self.now() / 1000));
        let changed = vec![ring.find(kid).unwrap().record().unwrap()];
        store.keep_keys(changed, Record { at: self.now(), ..Record::default() }).await.unwrap();
    }

    async fn generate(&self) {
        let record = Record { at: self.now(), ..Record::default() };
        let now = self.now() / 1000;
        let window = Window { created_at: now, not_before: now, not_after: i64::MAX };
        let key = KeyRecord { window, ..key() };
        self.store().keep_keys(vec![key], record).await.unwrap();
    }
}

/// On each engine; outside of any runtime: an engine makes its database in one of its own.
fn play(story: impl AsyncFn(Running)) {
    for engine in Engine::all() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async { story(Running::start(&engine).await).await });
    }
}

#[test]
fn a_token_of_a_distrusted_key_is_worth_nothing_by_check_by_repeat_and_by_its_ovt() {
    play(async |mut running| {
        let ovt_of_before = ovt(&running);
        let old = held(&running.ask(2, Some(&ovt_of_before)).await);
        assert_eq!(held(&running.ask(2, Some(&ovt_of_before)).await).compact, old.compact);
        running.assert_worth(&old, ACTIVE).await;
        running.clock.set(NOON + 60_000);
        running.distrust(&old.kid).await;
        // Also while no key signs; and after a restart; and once another key signs.
        for step in 0..3 {
            match step {
                1 => running.restart().await,
                2 => running.generate().await,
                _ => {}
            }
            running.assert_worth(&old, DISTRUSTED).await;
            let repeated = running.repeat(&old.request, false).await;
            assert_eq!((repeated.word(), repeated.get("code").is_none()), (REFUSED, true), "step {step}");
            let asked = running.ask(2, Some(&ovt_of_before)).await;
            assert!(asked.get("code").is_none() && asked.word() != GRANTED, "step {step}");
            // Without a key that signs, a new ask is not decided at all.
            let expected =
                if step == 2 { ("SCSS001", REFUSED) } else { ("SCSE003", ("ERROR", "service-failure")) };
            assert_eq!((asked.code.as_str(), asked.word()), expected, "step {step}");
        }
        let past = running.worth(&old, Some(NOON + 59_000)).await;
        assert_eq!(past, ("active".to_owned(), None), "until then it was good");
        let new_ovt = ovt(&running);
        let new = held(&running.ask(2, Some(&new_ovt)).await);
        assert!(new.kid != old.kid && new.request != old.request);
        running.assert_worth(&new, ACTIVE).await;
        running.assert_worth(&old, DISTRUSTED).await;
        assert_eq!(held(&running.repeat(&new.request, false).await).compact, new.compact);
        // What is worth nothing can be given back all the same.
        assert_eq!(running.repeat(&old.request, true).await.word(), ("INVALID", "cancelled"));
        running.assert_worth(&old, ("not-active", Some("cancelled"))).await;
    });
}

#[test]
fn a_yes_that_waits_while_a_key_is_distrusted_becomes_a_token_of_another_key() {
    play(async |mut running| {
        let old = held(&running.ask(2, Some(&ovt(&running))).await);
        let asked = running.ask(1, None).await;
        assert_eq!(asked.word(), ("PENDING", "waiting"));
        let request = asked.get("request_id").unwrap().to_owned();
        running.jobs().await;
        let heard = running.hear(phone_of(0).unwrap(), "sms-1".to_owned(), "ИӘ").await;
        assert!(matches!(heard, Heard::Answered(_)));
        running.clock.set(NOON + 60_000);
        running.distrust(&old.kid).await;
        assert_ne!(running.repeat(&request, false).await.word(), GRANTED, "no key signs");
        running.generate().await;
        let collected = held(&running.repeat(&request, false).await);
        assert_ne!(collected.kid, old.kid);
        running.assert_worth(&collected, ACTIVE).await;
        // Distrusted too, it is no better than a token by ovt.
        running.distrust(&collected.kid).await;
        running.assert_worth(&collected, DISTRUSTED).await;
        assert_eq!(running.repeat(&request, false).await.word(), REFUSED);
    });
}

#[test]
fn distrusting_one_key_leaves_the_tokens_of_another_alone() {
    play(async |mut running| {
        let first = held(&running.ask(2, Some(&ovt(&running))).await);
        running.clock.set(NOON + 60_000);
        running.generate().await;
        running.distrust(&first.kid).await;
        let second_ovt = ovt(&running);
        let second = held(&running.ask(2, Some(&second_ovt)).await);
        running.clock.set(NOON + 120_000);
        running.generate().await;
        let third = held(&running.ask(2, Some(&ovt(&running))).await);
        running.distrust(&third.kid).await;
        assert!(third.kid != second.kid && second.kid != first.kid);
        running.assert_worth(&third, DISTRUSTED).await;
        running.assert_worth(&second, ACTIVE).await;
        assert_eq!(held(&running.ask(2, Some(&second_ovt)).await).compact, second.compact);
        running.assert_worth(&first, DISTRUSTED).await;
    });
}
