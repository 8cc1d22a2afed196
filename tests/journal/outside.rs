//! Copies of the journal that left its database are held against it: who rewrote it cannot have rewritten them.

use super::bench::NOON;
use super::export::exported_whole;
use super::kept::{Kept, RECORDS};
use kdp::journal::line;
use kdp::journal::outside::{Held, OutsideError, hold};
use kdp::journal::syslog::Origin;
use kdp::journal::verify::Break;

/// What a target has of the journal.
async fn lines(kept: &Kept) -> String {
    kept.bench.store.journal(0, 1000).await.unwrap().iter().map(line::line).collect()
}

async fn held(kept: &Kept, from: i64, copy: &str) -> Result<Held, OutsideError> {
    hold(&*kept.bench.store, (None, from), &mut copy.as_bytes(), |_| {}).await
}

#[tokio::test]
async fn who_rewrites_the_journal_with_all_its_heads_is_contradicted_by_every_copy() {
    let kept = Kept::new().await;
    let copies = [
        lines(&kept).await,
        {
            let origin = Origin::here("kdp-test");
            let records = kept.bench.store.journal(0, 1000).await.unwrap();
            records.iter().map(|record| origin.message(record) + "\n").collect()
        },
        String::from_utf8(exported_whole(&kept, 100).await.1).unwrap(),
    ];
    let values = u64::try_from(RECORDS).unwrap();
    for copy in &copies {
        assert_eq!(held(&kept, 1, copy).await.unwrap(), Held { broken: None, values });
    }
    kept.tamper("DELETE FROM journal_head; UPDATE journal SET outcome = 'refused' WHERE seq = 6");
    kept.rebuild().await;
    // Messages of a moment: from the database alone, nothing tells.
    assert_eq!(kept.found().await.broken, None);
    for copy in &copies {
        let broken = Some(Break::Rebuilt { from: 6, to: 6 });
        assert_eq!(held(&kept, 1, copy).await.unwrap(), Held { broken, values: 5 });
    }
    // The target goes on with what was made anew: the lines of before still tell.
    let longer = format!("{}{}", copies[0], lines(&kept).await);
    assert!(held(&kept, 1, &longer).await.unwrap().broken.is_some());
    assert_eq!(held(&kept, 1, &lines(&kept).await).await.unwrap(), Held { broken: None, values });
}

#[tokio::test]
async fn a_copy_knows_of_what_was_cut_off_and_one_that_says_nothing_is_no_proof() {
    let kept = Kept::new().await;
    let copy = lines(&kept).await;
    kept.tamper("DELETE FROM journal_head; DELETE FROM journal WHERE seq > 7");
    assert_eq!(held(&kept, 1, &copy).await.unwrap().broken, Some(Break::Cut { last: 7, known: 8 }));
    kept.restore();
    // Sent again, in part, and with a line that a crash cut off.
    let half = copy.len() / 2;
    let twice = format!("{}\n{copy}", &copy[..half]);
    assert!(held(&kept, 1, &twice).await.unwrap().broken.is_none());
    let later = held(&kept, 9, &copy).await.unwrap();
    assert_eq!((later.broken, later.values), (None, 8), "of what was verified");
    for nothing in ["", "a file of something else\n", copy.lines().next().unwrap()] {
        assert!(matches!(held(&kept, 9, nothing).await, Err(OutsideError::Nothing)), "{nothing}");
    }
    let before = kept.found_at(NOON, 5, &[(4, kept.chain(4)), (8, kept.chain(8))]).await;
    assert_eq!((before.broken, before.known), (None, 2), "also the record that it begins after");
    let before = kept.found_at(NOON, 5, &[(4, kept.chain(3))]).await.broken;
    assert_eq!(before, Some(Break::Rebuilt { from: 4, to: 4 }));
}
