//! What is registered: senders, directory entries, keys of the service; and the messages of strict senders.

use super::bench::{Bench, NOON, benches, bin, record};
use kdp::consent::directory::{DirectoryEntry, Name};
use kdp::consent::method::{Allowance, Method};
use kdp::registry::{Auth, ReplyForm, Role, SenderRecord};
use kdp::store::StoreError;
use kdp::store::register::Item;
use kdp::token::key::{KeyRecord, Window};
use kdp::trust::sign::RsaSigner;

pub fn sender(name: &str) -> SenderRecord {
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
        permits: Vec::new(),
        suspensions: Vec::new(),
    }
}

fn entry(period_seconds: u64) -> DirectoryEntry {
    DirectoryEntry {
        id: "dir-1".to_owned(),
        revision: 0,
        bin: bin(1).as_str().to_owned(),
        name: Name { kk: "Несие беру".to_owned(), ru: "Выдача кредита".to_owned() },
        services: vec!["A".to_owned()],
        period_seconds,
        storage_seconds: 86_400,
        processing_seconds: 3_600,
        storage_ground: "94-V 12".to_owned(),
        data: "ФИО".to_owned(),
        valid_from: 5,
        expires_at: Some(2_000_000_000),
        application: None,
    }
}

impl Bench {
    /// Registers it as the revision after the last one, and answers with its number.
    pub async fn register(&self, item: Item, at: i64) -> u32 {
        let history = self.store.history(item.kind(), item.id().to_owned()).await.unwrap();
        let outcome = item.kind().word();
        let last = history.last().map_or(0, |revision| revision.revision);
        self.store.register(item, last, record(at, outcome)).await.unwrap().expect("nobody else registers")
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
        bench.register(Item::Sender(Box::new(sender("One"))), NOON).await;
        bench.register(Item::Entry(entry(60)), NOON).await;
        bench.store.keep_keys(vec![key()], record(NOON, "key")).await.unwrap();
        let registry = bench.store.registry().await.unwrap();
        assert_eq!(
            (registry.version, bench.store.registry_version().await.unwrap()),
            (before + 3, before + 3)
        );
        assert_eq!(registry.senders["bank"].record.name, "One", "{}", bench.name);
        assert!(registry.entries["dir-1"] == DirectoryEntry { revision: 1, ..entry(60) });
        assert!(registry.keys.current(2).is_ok());
        assert_eq!(bench.journal(), ["sender", "entry", "key"]);
    }
}

#[tokio::test]
async fn a_sender_is_replaced_and_an_entry_gets_another_revision() {
    for bench in benches() {
        for name in ["One", "Two"] {
            bench.register(Item::Sender(Box::new(sender(name))), NOON).await;
        }
        for period in [60, 120, 30] {
            bench.register(Item::Entry(entry(period)), NOON).await;
        }
        let another = DirectoryEntry { id: "dir-2".to_owned(), ..entry(7) };
        assert_eq!(bench.register(Item::Entry(another), NOON).await, 1);
        let registry = bench.reopened().registry().await.unwrap();
        assert_eq!((registry.senders.len(), registry.entries.len()), (1, 2), "{}", bench.name);
        assert_eq!(registry.senders["bank"].record.name, "Two");
        assert_eq!(registry.senders["bank"].revision, 2);
        let last = &registry.entries["dir-1"];
        assert_eq!((last.period_seconds, last.revision), (30, 3), "the last revision holds");
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
        bench.register(Item::Sender(Box::new(broken)), NOON).await;
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
