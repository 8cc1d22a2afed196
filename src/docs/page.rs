//! The pages, in the order in which they are read.

use crate::text::{Lang, pick};

/// A page: its name in addresses and its text in each language.
pub struct Page {
    pub name: &'static str,
    kk: &'static str,
    ru: &'static str,
    en: &'static str,
}

impl Page {
    /// Markdown.
    pub const fn source(&self, lang: Lang) -> &'static str {
        pick!(self, lang)
    }
}

macro_rules! page {
    ($name:literal) => {
        Page {
            name: $name,
            kk: include_str!(concat!("text/kk/", $name, ".md")),
            ru: include_str!(concat!("text/ru/", $name, ".md")),
            en: include_str!(concat!("text/en/", $name, ".md")),
        }
    };
}

pub const PAGES: &[Page] = &[
    page!("index"),
    page!("start"),
    page!("methods"),
    page!("services"),
    page!("owner"),
    page!("envelope"),
    page!("codes"),
    page!("onboarding"),
    page!("operation"),
];
