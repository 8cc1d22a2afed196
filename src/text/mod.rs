//! The one table of texts that citizens and integrators read, in Kazakh, Russian and English:
//! reasons of a decision, checks, faults and statuses. The documentation is printed from it.

mod cause;
mod check;
mod fault;
mod flaw;
pub mod mojibake;
mod next;
mod reason;
mod status;
mod verdict;

pub use cause::Cause;
pub use check::Check;
pub use fault::FaultCode;
pub use flaw::Flaw;
pub use next::Next;
pub use reason::Reason;
pub use status::StatusCode;
pub use verdict::{Class, Verdict};

/// Language of a text. Russian is the default: the seen traffic carries no language.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Lang {
    /// қазақша
    Kk,
    /// по-русски
    #[default]
    Ru,
    /// English
    En,
}

impl Lang {
    /// The three languages, in the order in which the documentation prints them.
    pub const ALL: [Self; 3] = [Self::Kk, Self::Ru, Self::En];

    /// Reads `kk`, `ru` or `en` in any ASCII case; anything else is `None`.
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|lang| lang.code().eq_ignore_ascii_case(code))
    }

    /// ISO 639-1 code, lower case.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Kk => "kk",
            Self::Ru => "ru",
            Self::En => "en",
        }
    }
}

/// Declares an enum and the row of texts of each variant. The rows are struct literals, so a
/// variant without a language does not compile, and `ALL` cannot miss a variant.
/// Stored records hold the code and never the name in Rust, so that a variant can be renamed.
macro_rules! table {
    (
        $(#[$meta:meta])*
        pub enum $name:ident: $row:ident {
            $($variant:ident { code: $code:literal, $($field:tt)+ })+
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $(#[doc = concat!("`", $code, "`")] $variant,)+
        }

        impl $name {
            /// Every variant, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The stable code; unique within the table.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self {
                    $(Self::$variant => $code,)+
                }
            }

            /// The variant with exactly this code.
            #[must_use]
            pub fn from_code(code: &str) -> Option<Self> {
                match code {
                    $($code => Some(Self::$variant),)+
                    _ => None,
                }
            }

            const fn row(self) -> &'static $row {
                match self {
                    $(Self::$variant => const { &$row { $($field)+ } },)+
                }
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
                out.serialize_str(self.code())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let code = std::borrow::Cow::<'de, str>::deserialize(from)?;
                Self::from_code(&code).ok_or_else(|| serde::de::Error::custom("unknown code"))
            }
        }
    };
}
pub(crate) use table;

/// Chooses one language of a row that has the fields `kk`, `ru` and `en`.
macro_rules! pick {
    ($row:expr, $lang:expr) => {
        match $lang {
            $crate::text::Lang::Kk => $row.kk,
            $crate::text::Lang::Ru => $row.ru,
            $crate::text::Lang::En => $row.en,
        }
    };
}
pub(crate) use pick;

/// The two texts of a table whose rows hold, in each language, what it is and what to do; each with its own docstring.
macro_rules! text_and_remedy {
    ($name:ident: $(#[$text:meta])* text; $(#[$remedy:meta])* remedy;) => {
        impl $name {
            $(#[$text])*
            #[must_use]
            pub const fn text(self, lang: $crate::text::Lang) -> &'static str {
                let [text, _] = $crate::text::pick!(self.row(), lang);
                text
            }

            $(#[$remedy])*
            #[must_use]
            pub const fn remedy(self, lang: $crate::text::Lang) -> &'static str {
                let [_, remedy] = $crate::text::pick!(self.row(), lang);
                remedy
            }
        }
    };
}
pub(crate) use text_and_remedy;

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    /// Letters that Kazakh has and Russian has not.
    const KAZAKH: &str = "әғқңөұүһіӘҒҚҢӨҰҮҺІ";

    fn texts_of_all_tables(lang: Lang) -> Vec<(&'static str, &'static str)> {
        let mut texts = Vec::new();
        for reason in Reason::ALL {
            texts.push((reason.code(), reason.text(lang)));
            texts.push((reason.code(), reason.remedy(lang)));
        }
        for check in Check::ALL {
            texts.push((check.code(), check.title(lang)));
        }
        for fault in FaultCode::ALL {
            texts.push((fault.code(), fault.message(lang)));
            texts.push((fault.code(), fault.remedy(lang)));
        }
        for status in StatusCode::ALL {
            texts.push((status.code(), status.message(lang)));
        }
        for next in Next::ALL {
            texts.push((next.code(), next.text(lang)));
        }
        for verdict in Verdict::ALL {
            texts.push((verdict.code(), verdict.text(lang)));
            texts.push((verdict.code(), verdict.remedy(lang)));
        }
        texts
    }

    fn short_names() -> Vec<&'static str> {
        let reasons = Reason::ALL.iter().map(|reason| reason.code());
        let checks = Check::ALL.iter().map(|check| check.code());
        reasons.chain(checks).chain(Next::ALL.iter().map(|next| next.code())).collect()
    }

    #[test]
    fn a_language_is_read_from_its_code_and_written_back() {
        for lang in Lang::ALL {
            assert_eq!(Lang::parse(lang.code()), Some(lang));
            assert_eq!(Lang::parse(&lang.code().to_uppercase()), Some(lang));
        }
        assert_eq!(Lang::default(), Lang::Ru);
        for other in ["", "kz", "rus", " ru", "ru-RU", "қаз"] {
            assert_eq!(Lang::parse(other), None, "{other}");
        }
    }

    #[test]
    fn codes_are_unique_short_and_lower_case() {
        for code in short_names() {
            assert!((3..=32).contains(&code.len()), "{code}");
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            assert!(code.chars().all(plain), "{code}");
        }
        let reasons: HashSet<_> = Reason::ALL.iter().map(|reason| reason.code()).collect();
        assert_eq!(reasons.len(), Reason::ALL.len());
        let checks: HashSet<_> = Check::ALL.iter().map(|check| check.code()).collect();
        assert_eq!(checks.len(), Check::ALL.len());
        let faults: HashSet<_> = FaultCode::ALL.iter().map(|fault| fault.code()).collect();
        assert_eq!(faults.len(), FaultCode::ALL.len());
    }

    #[test]
    fn every_code_finds_its_row_again() {
        for reason in Reason::ALL {
            assert_eq!(Reason::from_code(reason.code()), Some(*reason));
        }
        for check in Check::ALL {
            assert_eq!(Check::from_code(check.code()), Some(*check));
        }
        for fault in FaultCode::ALL {
            assert_eq!(FaultCode::from_code(fault.code()), Some(*fault));
        }
        for verdict in Verdict::ALL {
            assert_eq!(Verdict::from_code(verdict.code()), Some(*verdict));
        }
        for status in StatusCode::ALL {
            assert_eq!(StatusCode::from_code(status.code()), Some(*status));
        }
        assert_eq!(Reason::from_code("Granted"), None);
        assert_eq!(FaultCode::from_code("sce001"), None);
    }

    #[test]
    fn a_code_is_stored_and_read_back_by_its_name_on_the_wire() {
        let stored = serde_json::to_string(&[Reason::NoAnswer, Reason::OvtBin]).unwrap();
        assert_eq!(stored, r#"["no-answer","ovt-bin"]"#);
        let read: Vec<Reason> = serde_json::from_str(&stored).unwrap();
        assert_eq!(read, [Reason::NoAnswer, Reason::OvtBin]);
        assert!(serde_json::from_str::<Reason>("\"NoAnswer\"").is_err());
    }

    #[test]
    fn texts_are_clean_sentences_of_at_most_200_characters() {
        for lang in Lang::ALL {
            for (code, text) in texts_of_all_tables(lang) {
                let length = text.chars().count();
                assert!((5..=200).contains(&length), "{code}: {length} characters");
                assert_eq!(text.trim(), text, "{code}");
                assert!(!text.contains("  ") && !text.contains('\n'), "{code}");
                assert!(!text.contains(['<', '>', '&']), "{code}");
            }
        }
    }

    #[test]
    fn the_three_languages_of_a_text_differ() {
        let [kk, ru, en] = Lang::ALL.map(texts_of_all_tables);
        for ((kk, ru), en) in kk.iter().zip(&ru).zip(&en) {
            if kk.0 == StatusCode::Success.code() {
                assert!(kk.1 == ru.1 && ru.1 == en.1);
                continue;
            }
            assert!(kk.1 != ru.1 && ru.1 != en.1 && kk.1 != en.1, "{}", kk.0);
        }
    }

    #[test]
    fn each_language_is_written_in_its_own_letters() {
        let cyrillic = |c: char| ('\u{400}'..='\u{4ff}').contains(&c);
        for (code, text) in texts_of_all_tables(Lang::Kk) {
            if code == StatusCode::Success.code() {
                continue;
            }
            assert!(text.contains(|c| KAZAKH.contains(c)), "{code}: {text}");
            assert!(!text.contains(['щ', 'ё']), "{code}: {text}");
        }
        for (code, text) in texts_of_all_tables(Lang::Ru) {
            assert!(!text.contains(|c| KAZAKH.contains(c)), "{code}: {text}");
            assert!(code == "SCSS001" || text.contains(cyrillic), "{code}: {text}");
        }
        for (code, text) in texts_of_all_tables(Lang::En) {
            assert!(text.is_ascii(), "{code}: {text}");
        }
    }

    #[test]
    fn no_word_mixes_cyrillic_and_latin_letters() {
        let cyrillic = |c: char| ('\u{400}'..='\u{4ff}').contains(&c);
        for lang in Lang::ALL {
            for (code, text) in texts_of_all_tables(lang) {
                for word in text.split(|c: char| !c.is_alphabetic()) {
                    let mixed = word.contains(cyrillic) && word.contains(|c: char| c.is_ascii());
                    assert!(!mixed, "{code}: {word}");
                }
            }
        }
    }

    #[test]
    fn every_paragraph_is_written_in_one_form() {
        let reasons = Reason::ALL.iter().map(|reason| reason.paragraph());
        for paragraph in reasons.chain(Check::ALL.iter().map(|check| check.paragraph())) {
            let law = paragraph.strip_suffix(", ext").unwrap_or(paragraph);
            let (source, number) = law.split_once('-').unwrap();
            assert!(matches!(source, "F" | "I" | "P" | "L"), "{paragraph}");
            let plain = |c: char| c.is_ascii_digit() || "- )".contains(c);
            assert!(!number.is_empty() && number.chars().all(plain), "{paragraph}");
        }
    }

    #[test]
    fn every_reason_code_of_the_specification_exists() {
        let specified = "granted waiting subject-refused subject-reported-fraud no-answer no-phone \
            code-wrong code-expired code-attempts ovt-missing ovt-malformed ovt-algorithm \
            ovt-key-unknown ovt-signature ovt-bin ovt-method ovt-date ovt-subject ovt-used \
            proactive-code ground-unknown logging-not-allowed method-not-allowed \
            service-not-allowed term-too-long directory-unknown directory-expired subject-frozen \
            subject-blocked limit-reached request-unknown token-expired revoked cancelled \
            suspended bmg-unavailable sms-not-sent application-unknown";
        for code in specified.split_whitespace() {
            assert!(Reason::from_code(code).is_some(), "{code}");
        }
    }
}
