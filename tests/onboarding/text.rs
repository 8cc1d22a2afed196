//! The texts of the four tables of onboarding, held against the form of all texts of the service.

use kdp::onboarding::refusal::Refused;
use kdp::onboarding::rule::Rule;
use kdp::onboarding::stage::Stage;
use kdp::onboarding::why::Why;
use kdp::text::Lang;
use std::collections::BTreeSet;

/// Letters that Kazakh has and Russian has not.
const KAZAKH: &str = "әғқңөұүһіӘҒҚҢӨҰҮҺІ";

fn texts(lang: Lang) -> Vec<(&'static str, &'static str)> {
    let rules = Rule::ALL.iter().flat_map(|r| [(r.code(), r.text(lang)), (r.code(), r.remedy(lang))]);
    let refusals = Refused::ALL.iter().flat_map(|r| [(r.code(), r.text(lang)), (r.code(), r.remedy(lang))]);
    let whys = Why::ALL.iter().flat_map(|w| [(w.code(), w.text(lang)), (w.code(), w.remedy(lang))]);
    let stages = Stage::ALL.iter().flat_map(|s| [(s.code(), s.title(lang)), (s.code(), s.next(lang))]);
    rules.chain(refusals).chain(whys).chain(stages).collect()
}

#[test]
fn codes_are_unique_in_their_table_and_find_their_row_again() {
    fn check<T: Copy + PartialEq + std::fmt::Debug>(
        all: &[T],
        code: impl Fn(T) -> &'static str,
        from: impl Fn(&str) -> Option<T>,
    ) {
        let codes: BTreeSet<_> = all.iter().map(|one| code(*one)).collect();
        assert_eq!(codes.len(), all.len());
        for one in all {
            assert_eq!(from(code(*one)), Some(*one));
            assert!(code(*one).chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{}", code(*one));
            assert!(code(*one).len() <= 32, "{}", code(*one));
        }
    }
    check(Rule::ALL, Rule::code, Rule::from_code);
    check(Refused::ALL, Refused::code, Refused::from_code);
    check(Why::ALL, Why::code, Why::from_code);
    check(Stage::ALL, Stage::code, Stage::from_code);
}

#[test]
fn texts_are_clean_and_at_most_200_characters() {
    for lang in Lang::ALL {
        for (code, text) in texts(lang) {
            let length = text.chars().count();
            assert!((5..=200).contains(&length), "{code} {}: {length} characters", lang.code());
            assert_eq!(text.trim(), text, "{code}");
            assert!(!text.contains("  ") && !text.contains(['\n', '<', '>', '&']), "{code}");
        }
    }
}

#[test]
fn each_language_is_written_in_its_own_letters_and_differs_from_the_others() {
    let cyrillic = |c: char| ('\u{400}'..='\u{4ff}').contains(&c);
    for (code, text) in texts(Lang::Kk) {
        assert!(text.contains(|c| KAZAKH.contains(c)), "{code}: {text}");
        assert!(!text.contains(['щ', 'ё']), "{code}: {text}");
    }
    for (code, text) in texts(Lang::Ru) {
        assert!(!text.contains(|c| KAZAKH.contains(c)) && text.contains(cyrillic), "{code}: {text}");
    }
    for (code, text) in texts(Lang::En) {
        assert!(text.is_ascii(), "{code}: {text}");
    }
    for lang in Lang::ALL {
        for (code, text) in texts(lang) {
            for word in text.split(|c: char| !c.is_alphabetic()) {
                let mixed = word.contains(cyrillic) && word.contains(|c: char| c.is_ascii());
                assert!(!mixed, "{code}: {word}");
            }
        }
    }
}

#[test]
fn every_paragraph_is_written_in_the_form_of_the_reasons() {
    for rule in Rule::ALL {
        let law = rule.paragraph().strip_suffix(", ext").unwrap_or(rule.paragraph());
        let (source, number) = law.split_once('-').unwrap();
        assert!(matches!(source, "F" | "I" | "L"), "{}", rule.paragraph());
        assert!(number.chars().all(|c| c.is_ascii_digit() || "- )".contains(c)), "{}", rule.paragraph());
    }
}
