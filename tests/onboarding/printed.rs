//! The testing act as a document for people.

use super::act::act;
use super::sample::{form, name, signed};
use kdp::onboarding::act::Act;
use kdp::onboarding::act::html::html;
use kdp::onboarding::why::Why;
use kdp::store::seal::hex;
use kdp::text::{Lang, Reason};
use kdp::xml::{Document, Element, Limits, XML_NAMESPACE};

const XHTML: &str = "http://www.w3.org/1999/xhtml";

fn print(act: &Act) -> String {
    html(act, &signed(act), "key-1")
}

/// Reads the page by the reader of the service, which knows no document type.
fn read<T>(page: &str, look: impl FnOnce(Element<'_, '_>) -> T) -> T {
    let xml = page.strip_prefix("<!DOCTYPE html>\n").expect("a document type");
    let limits = Limits { attributes_total: 10_000, ..Limits::default() };
    look(Document::parse(xml.as_bytes(), &limits).expect("well-formed").root())
}

/// All text of the section in this language.
fn section(page: &str, lang: &str) -> String {
    read(page, |root| {
        let section = root
            .descendants()
            .find(|e| e.is(XHTML, "section") && e.attribute(XML_NAMESPACE, "lang") == Some(lang))
            .expect("a section of the language");
        let cells = section.descendants().filter_map(Element::text);
        cells.map(|text| text.into_owned() + "\n").collect()
    })
}

#[test]
fn both_languages_stand_complete_in_one_well_formed_page() {
    let (act, page) = (act(), print(&act()));
    let organisation = &form().organisation.name;
    for (lang, title, own, entry) in [
        (Lang::Kk, "сынау актісі", &organisation.kk, "Анықтамалық жазбасы"),
        (Lang::Ru, "Акт тестирования", &organisation.ru, "Запись справочника"),
    ] {
        let text = section(&page, lang.code());
        for expected in
            [title, own, entry, "260140990117", "bank_kdp", "03.04.2026 12:00:00", "236/НҚ@2025-05-30"]
        {
            assert!(text.contains(expected), "{expected} in {}", lang.code());
        }
        for row in &act.answers {
            assert!(text.contains(&row.decision_id) && text.contains(&row.token_id));
        }
        assert!(text.contains(Why::Waiting.text(lang)));
        assert!(text.contains(Why::NotValid.text(lang)) && text.contains(Reason::OvtDate.text(lang)));
        assert!(text.contains("10 / 10"));
    }
    assert!(section(&page, "kk").contains("90 тәул") && section(&page, "ru").contains("90 сут"));
}

#[test]
fn the_signature_stands_on_the_page_with_its_key_and_digest() {
    let payload = act().payload().unwrap();
    let (compact, page) = (signed(&act()), print(&act()));
    let digest = ring::digest::digest(&ring::digest::SHA256, &payload);
    let digest = hex(digest.as_ref().try_into().unwrap());
    for expected in [compact.as_str(), "key-1", &digest] {
        assert_eq!(page.matches(expected).count(), 1, "{expected}");
    }
}

#[test]
fn nothing_that_an_applicant_writes_becomes_markup() {
    let hostile = "<script>alert(1)</script>\" onload='x' ]]> &amp; \u{0}\u{FFFE}";
    let mut act = act();
    act.organisation.name = name(hostile, hostile);
    act.organisation.sender_id = hostile.into();
    act.issuer = hostile.into();
    act.application = format!("{hostile}</title><img src=x>");
    act.purposes[0].name = name(hostile, hostile);
    act.purposes[0].directory_id = hostile.into();
    act.purposes[0].service_ids = vec![hostile.to_owned()];
    act.answers[0].decision_id = hostile.into();
    act.answers[0].token_id = hostile.into();
    act.answers[0].directory_id = hostile.into();
    act.not_counted[0].decision_id = hostile.into();
    let page = html(&act, &format!("a.{hostile}.c"), hostile);
    assert!(!page.contains("<script") && !page.contains("<img") && page.contains("&lt;script&gt;"));
    let text = "<script>alert(1)</script>\" onload='x' ]]> &amp; \u{FFFD}\u{FFFD}";
    assert!(section(&page, "ru").contains(text) && section(&page, "kk").contains(text));
    read(&page, |root| {
        let allowed = [
            "html", "head", "meta", "title", "style", "body", "section", "h1", "h2", "p", "table", "thead",
            "tbody", "tr", "th", "td",
        ];
        for element in root.descendants() {
            assert!(allowed.contains(&element.name()), "{}", element.name());
            for attribute in element.attributes() {
                let known = ["lang", "class", "charset", "http-equiv", "content"];
                assert!(known.contains(&attribute.local), "{}", attribute.local);
            }
        }
    });
}

#[test]
fn the_page_asks_nothing_from_outside_and_is_made_for_paper() {
    let page = print(&act());
    for outside in ["src=", "href=", "url(", "@import", "http://", "https://"] {
        let allowed = usize::from(outside == "http://");
        assert_eq!(page.matches(outside).count(), allowed, "{outside}: the namespace alone");
    }
    assert!(page.contains("default-src 'none'"));
    assert!(page.contains("size: A4") && page.contains("table-header-group"));
}

#[test]
fn every_span_is_written_in_its_largest_whole_unit() {
    let mut act = act();
    for (seconds, kk, ru) in [
        (172_800, "2 тәул", "2 сут"),
        (7200, "2 сағ", "2 ч"),
        (600, "10 мин", "10 мин"),
        (61, "61 с", "61 с"),
    ] {
        act.purposes[0].period_seconds = seconds;
        let page = print(&act);
        assert!(section(&page, "kk").contains(&format!("\n{kk}\n")), "{kk}");
        assert!(section(&page, "ru").contains(&format!("\n{ru}\n")), "{ru}");
    }
}
