//! Lists with any numbers on them, and any deltas, against a map.

use crate::authority::{Authority, DAY, ListSaying, NOW, entry, rsa};
use crate::list::{pinned, verdict};
use kdp::trust::revocation::book::Verdict;
use kdp::trust::revocation::list::List;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::LazyLock;

static AUTHORITY: LazyLock<Authority> = LazyLock::new(|| Authority::root("AUTHORITY", rsa("bank")));

/// Serial numbers that meet each other often, of every length.
fn serial() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![vec(1..4_u8, 1..3), vec(1..=0x7f_u8, 1..=20), vec(0x80..=0xff_u8, 1..=20)]
}

fn read(list: &ListSaying) -> List {
    List::read(&*list.signed(AUTHORITY.key()), &pinned(&[&AUTHORITY])).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn exactly_what_is_on_a_list_or_on_its_delta_is_revoked(
        full in btree_map(serial(), 0..1000_i64, 0..40),
        changes in btree_map(serial(), (0..1000_i64, any::<bool>()), 0..20),
        others in vec(serial(), 0..20),
        base in 1..5_u32,
        number in 1..7_u32,
    ) {
        let entries: Vec<_> = full.iter().rev().map(|(serial, day)| entry(serial, NOW - day * DAY, None)).collect();
        let lists = || {
            let changes = changes.iter().map(|(serial, (day, removed))| {
                entry(serial, NOW - day * DAY, removed.then_some(8))
            });
            let delta = ListSaying::delta(&AUTHORITY, number, base, &changes.collect::<Vec<_>>());
            vec![read(&delta), read(&ListSaying::full(&AUTHORITY, 3, &entries))]
        };
        // Amends this list or one before it, and is newer than it.
        let mut expected: BTreeMap<&Vec<u8>, i64> = full.iter().map(|(serial, day)| (serial, *day)).collect();
        if base <= 3 && number > 3 {
            for (serial, (day, removed)) in &changes {
                if *removed { expected.remove(serial); } else { expected.insert(serial, *day); }
            }
        }
        for serial in full.keys().chain(changes.keys()).chain(&others).take(30) {
            let expected = expected.get(serial).map_or(Verdict::Good, |day| Verdict::Revoked(NOW - day * DAY));
            prop_assert_eq!(verdict(lists(), &AUTHORITY, serial, NOW), expected);
        }
    }
}
