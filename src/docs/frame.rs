//! What stands around the body of each page. Pages are XHTML that is HTML too: the document type, then well-formed XML.

use super::LANGS;
use super::markup::{self, Body, escape};
use super::page::{PAGES, Page};
use crate::text::Lang;
use std::fmt::Write as _;

/// The first page leads on to the Russian one.
pub const ENTRY: &str = "<!DOCTYPE html>\n<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"ru\" xml:lang=\"ru\">\n<head>\n\
<meta charset=\"utf-8\" />\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\" />\n\
<meta http-equiv=\"refresh\" content=\"0; url=ru/index.html\" />\n<title>КДП</title>\n\
<link rel=\"stylesheet\" href=\"style.css\" />\n</head>\n<body>\n<main>\n<p><a href=\"ru/index.html\">КДП: документация</a></p>\n\
<p lang=\"kk\" xml:lang=\"kk\"><a href=\"kk/index.html\">КДП: құжаттама</a></p>\n\
<p lang=\"en\" xml:lang=\"en\"><a href=\"en/index.html\">КДП: documentation</a></p>\n</main>\n</body>\n</html>\n";

struct Words {
    site: &'static str,
    language: &'static str,
    skip: &'static str,
    search: &'static str,
    nothing: &'static str,
    pages: &'static str,
    languages: &'static str,
    before: &'static str,
    next: &'static str,
    end: &'static str,
}

const RU: Words = Words {
    site: "КДП: документация",
    language: "Русский",
    skip: "К содержанию",
    search: "Поиск",
    nothing: "Ничего не найдено",
    pages: "Страницы",
    languages: "Языки",
    before: "Назад",
    next: "Далее",
    end: "Все люди, организации, номера, ключи и пароли в примерах вымышлены.",
};
const KK: Words = Words {
    site: "КДП: құжаттама",
    language: "Қазақша",
    skip: "Мазмұнына өту",
    search: "Іздеу",
    nothing: "Ештеңе табылмады",
    pages: "Беттер",
    languages: "Тілдер",
    before: "Артқа",
    next: "Әрі қарай",
    end: "Мысалдардағы адамдар, ұйымдар, нөмірлер, кілттер мен құпиясөздер ойдан шығарылған.",
};
const EN: Words = Words {
    site: "КДП: documentation",
    language: "English",
    skip: "To the content",
    search: "Search",
    nothing: "Nothing is found",
    pages: "Pages",
    languages: "Languages",
    before: "Back",
    next: "Next",
    end: "All people, organisations, numbers, keys and passwords in the samples are invented.",
};

const fn words(lang: Lang) -> &'static Words {
    match lang {
        Lang::Kk => &KK,
        Lang::Ru => &RU,
        Lang::En => &EN,
    }
}

/// The whole of a page.
pub fn whole(page: &Page, body: &Body, lang: Lang) -> String {
    let (words, code) = (words(lang), lang.code());
    let title = escape(body.sections.first().map_or("", |section| section.title.trim()));
    format!(
        "<!DOCTYPE html>\n<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"{code}\" xml:lang=\"{code}\">\n<head>\n\
         <meta charset=\"utf-8\" />\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\" />\n\
         <title>{title} · КДП</title>\n<link rel=\"stylesheet\" href=\"../style.css\" />\n\
         <script src=\"search-index.js\" defer=\"defer\"></script>\n<script src=\"../search.js\" defer=\"defer\"></script>\n\
         </head>\n<body>\n<a class=\"skip\" href=\"#main\">{}</a>\n<header>\n<p><a href=\"index.html\">{}</a></p>\n\
         <form id=\"search-form\" role=\"search\" hidden=\"hidden\" data-nothing=\"{}\"><label for=\"search-words\">{}</label>\
         <input id=\"search-words\" type=\"search\" autocomplete=\"off\" /></form>\n{}</header>\n\
         <div id=\"search-found\" role=\"status\" hidden=\"hidden\"></div>\n<div class=\"columns\">\n{}<main id=\"main\">\n{}{}</main>\n</div>\n\
         <footer><p>{}</p></footer>\n</body>\n</html>\n",
        words.skip,
        words.site,
        words.nothing,
        words.search,
        languages(page, lang),
        pages(page, body, lang),
        body.html,
        neighbours(page, lang),
        words.end,
    )
}

fn languages(page: &Page, lang: Lang) -> String {
    let mut out = format!("<nav aria-label=\"{}\">\n<ul class=\"languages\">", words(lang).languages);
    for other in LANGS {
        let (code, name) = (other.code(), words(other).language);
        let current = if other == lang { " aria-current=\"true\"" } else { "" };
        let _ = write!(
            out,
            "<li><a href=\"../{code}/{}.html\" lang=\"{code}\" xml:lang=\"{code}\" hreflang=\"{code}\"{current}>{name}</a></li>",
            page.name
        );
    }
    out.push_str("</ul>\n</nav>\n");
    out
}

/// All pages, and below the one that is read its sections.
fn pages(page: &Page, body: &Body, lang: Lang) -> String {
    let mut out = format!("<nav class=\"pages\" aria-label=\"{}\">\n<ol>\n", words(lang).pages);
    for other in PAGES {
        let here = other.name == page.name;
        let current = if here { " aria-current=\"page\"" } else { "" };
        let _ =
            write!(out, "<li><a href=\"{}.html\"{current}>{}</a>", other.name, escape(title(other, lang)));
        let mut below = body.sections.iter().filter(|section| here && section.level == 2).peekable();
        if below.peek().is_some() {
            out.push_str("\n<ul>\n");
            for section in below {
                let _ = writeln!(
                    out,
                    "<li><a href=\"#{}\">{}</a></li>",
                    section.id,
                    escape(section.title.trim())
                );
            }
            out.push_str("</ul>\n");
        }
        out.push_str("</li>\n");
    }
    out.push_str("</ol>\n</nav>\n");
    out
}

fn neighbours(page: &Page, lang: Lang) -> String {
    let at = PAGES.iter().position(|other| other.name == page.name);
    let (Some(at), words) = (at, words(lang)) else { return String::new() };
    let link = |to: Option<&Page>, rel: &str, word: &str| {
        to.map_or_else(String::new, |to| {
            format!("<a rel=\"{rel}\" href=\"{}.html\">{word}: {}</a>", to.name, escape(title(to, lang)))
        })
    };
    let before = at.checked_sub(1).and_then(|at| PAGES.get(at));
    format!(
        "<p class=\"neighbours\">{} {}</p>\n",
        link(before, "prev", words.before),
        link(PAGES.get(at + 1), "next", words.next)
    )
}

fn title(page: &Page, lang: Lang) -> &'static str {
    markup::title(page.source(lang))
}
