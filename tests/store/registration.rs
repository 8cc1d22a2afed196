//! What is registered: senders, directory entries, keys of the service; and the messages of strict senders.

use super::bench::{NOON, benches, bin, record};
use kdp::consent::method::{Allowance, DirectoryEntry, Method};
use kdp::registry::{Auth, ReplyForm, Role, SenderRecord};
use kdp::store::StoreError;
use kdp::token::key::{KeyRecord, Window};
use kdp::trust::sign::RsaSigner;

fn sender(name: &str) -> SenderRecord {
    SenderRecord {
        sender_id: "bank".to_owned(),
        name: name.to_owned(),
        role: Role::Initiator,
        bin: bin(1).as_str().to_owned(),
        auth: Auth::Password,
        password: Some("ab".repeat(32)),
        token: None,
        reply: ReplyForm::Kdp,
        strict: false,
        allowance: Allowance { methods: vec![Method::Sms, Method::Code], ..Allowance::default() },
        ovt_keys: Vec::new(),
        lang: "ru".to_owned(),
    }
}

fn entry(period_seconds: u64) -> DirectoryEntry {
    DirectoryEntry {
        id: "dir-1".to_owned(),
        bin: bin(1).as_str().to_owned(),
        services: vec!["A".to_owned()],
        period_seconds,
        data: "ФИО".to_owned(),
        expires_at: None,
    }
}

pub fn key() -> KeyRecord {
    let window = Window { created_at: 1, not_before: 1, not_after: i64::MAX };
    KeyRecord::new(&RsaSigner::generate(2048).unwrap(), window).unwrap()
}

#[tokio::test]
async fn every_registration_raises_the_version_and_is_read_with_it() {
    for bench in benches() {
        let before = bench.store.registry_version().await.unwrap();
        let empty = bench.store.registry().await.unwrap();
        assert!(empty.version == before && empty.senders.is_empty() && empty.entries.is_empty());
        bench.store.register_sender(sender("One"), record(NOON, "sender")).await.unwrap();
        bench.store.register_entry(entry(60), record(NOON, "entry")).await.unwrap();
        bench.store.keep_keys(vec![key()], record(NOON, "key")).await.unwrap();
        let registry = bench.store.registry().await.unwrap();
        assert_eq!(
            (registry.version, bench.store.registry_version().await.unwrap()),
            (before + 3, before + 3)
        );
        assert_eq!(registry.senders["bank"].record.name, "One", "{}", bench.name);
        assert!(registry.entries["dir-1"] == entry(60) && registry.keys.current(2).is_ok());
        assert_eq!(bench.journal(), ["sender", "entry", "key"]);
    }
}

#[tokio::test]
async fn a_sender_is_replaced_and_an_entry_gets_another_revision() {
    for bench in benches() {
        for name in ["One", "Two"] {
            bench.store.register_sender(sender(name), record(NOON, "sender")).await.unwrap();
        }
        for period in [60, 120, 30] {
            bench.store.register_entry(entry(period), record(NOON, "entry")).await.unwrap();
        }
        bench
            .store
            .register_entry(DirectoryEntry { id: "dir-2".to_owned(), ..entry(7) }, record(NOON, "entry"))
            .await
            .unwrap();
        let registry = bench.reopened().registry().await.unwrap();
        assert_eq!((registry.senders.len(), registry.entries.len()), (1, 2), "{}", bench.name);
        assert_eq!(registry.senders["bank"].record.name, "Two");
        assert_eq!(registry.entries["dir-1"].period_seconds, 30, "the last revision holds");
    }
}

#[tokio::test]
async fn keys_are_kept_sealed_and_a_record_of_the_same_kid_replaces_the_old() {
    for bench in benches() {
        let mut one = key();
        bench.store.keep_keys(vec![one.clone()], record(NOON, "key")).await.unwrap();
        let kid = |at| {
            let store = bench.store.clone();
            async move { store.registry().await.unwrap().keys.current(at).map(|key| key.kid().to_owned()) }
        };
        assert_eq!(kid(10).await.as_ref(), Ok(&one.kid));
        one.distrusted_at = Some(5);
        bench.store.keep_keys(vec![one.clone(), key()], record(NOON, "keys")).await.unwrap();
        assert_ne!(kid(10).await.as_ref(), Ok(&one.kid), "{}: distrusted", bench.name);
        assert!(kid(4).await.is_ok());
    }
}

#[tokio::test]
async fn a_registration_that_cannot_be_read_is_an_error_and_not_an_empty_registry() {
    for bench in benches() {
        let broken = SenderRecord { bin: "1".to_owned(), ..sender("One") };
        bench.store.register_sender(broken, record(NOON, "sender")).await.unwrap();
        match bench.store.registry().await {
            Err(StoreError::Setup(text)) => assert!(text.contains("bank") && text.contains("bin"), "{text}"),
            _ => panic!("{}: a sender without a BIN is no sender", bench.name),
        }
    }
}

#[tokio::test]
async fn one_message_id_of_a_strict_sender_is_one_body() {
    for bench in benches() {
        let conflicts = async |sender: &str, id: &str, body: u8| {
            bench.store.conflicts(sender.to_owned(), id.to_owned(), [body; 32], NOON).await.unwrap()
        };
        assert!(!conflicts("bank", "1", 1).await);
        assert!(!conflicts("bank", "1", 1).await, "a repeat of the same");
        assert!(conflicts("bank", "1", 2).await, "{}", bench.name);
        assert!(conflicts("bank", "1", 2).await, "what was refused did not take its place");
        assert!(!conflicts("bank", "1", 1).await);
        assert!(!conflicts("bank", "2", 2).await && !conflicts("akimat", "1", 2).await);
        assert!(bench.store.check().await.is_ok());
    }
}

#[tokio::test]
async fn the_journal_is_written_in_order_and_says_what_changed_nothing() {
    for bench in benches() {
        for outcome in ["one", "two", "three"] {
            bench.store.note(record(NOON, outcome)).await.unwrap();
        }
        assert_eq!(bench.journal(), ["one", "two", "three"], "{}", bench.name);
    }
}
