//! Markdown into the body of a page: `CommonMark` with tables and ids of headings, and blocks named `insert`, whose
//! line says what is put there in their place.

use super::DocsError;
use super::insert;
use crate::text::Lang;
use pulldown_cmark::{CodeBlockKind, CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};

/// The body of a page.
#[derive(Default)]
pub struct Body {
    /// XHTML.
    pub html: String,
    /// Its sections in order; the first is the page itself.
    pub sections: Vec<Section>,
}

/// From one heading to the next, or a row of a table that has an anchor of its own.
#[derive(Default)]
pub struct Section {
    /// Of the heading; unique on the page.
    pub id: String,
    /// 1 is the page's title; 0 is a row.
    pub level: u8,
    pub title: String,
    /// What is searched in.
    pub text: String,
}

/// Renders a page's source.
pub fn render(source: &str, lang: Lang) -> Result<Body, DocsError> {
    let mut parser = Parser::new_ext(source, Options::ENABLE_TABLES | Options::ENABLE_HEADING_ATTRIBUTES);
    let mut body = Body::default();
    let mut events = Vec::new();
    let mut in_heading = false;
    while let Some(event) = parser.next() {
        match &event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) if &**info == "insert" => {
                let inserted = insert::insert(text_of_block(&mut parser).trim(), lang)?;
                events.push(Event::Html(inserted.html.into()));
                body.sections.extend(inserted.rows);
                continue;
            }
            Event::Start(Tag::Heading { level, id, .. }) => {
                let id = id.as_ref().map(ToString::to_string).unwrap_or_default();
                body.sections.push(Section { id, level: rank(*level), ..Section::default() });
                in_heading = true;
            }
            Event::End(TagEnd::Heading(_)) => {
                in_heading = false;
                let heading = body.sections.last().filter(|section| section.id.is_empty());
                if let Some(section) = heading {
                    return Err(DocsError::Heading(section.title.clone()));
                }
            }
            Event::Text(text) | Event::Code(text) => note(&mut body, in_heading, text),
            Event::SoftBreak | Event::HardBreak | Event::End(_) => note(&mut body, in_heading, " "),
            _ => {}
        }
        match event {
            // Wide tables scroll by themselves.
            Event::Start(Tag::Table(_)) => {
                events.push(Event::Html(CowStr::Borrowed("<div class=\"wide\" tabindex=\"0\">\n")));
                events.push(event);
            }
            Event::End(TagEnd::Table) => {
                events.push(event);
                events.push(Event::Html(CowStr::Borrowed("</div>\n")));
            }
            event => events.push(event),
        }
    }
    html::push_html(&mut body.html, events.into_iter());
    Ok(body)
}

/// What stands in the code block that was just begun.
fn text_of_block(parser: &mut Parser<'_>) -> String {
    let mut text = String::new();
    for event in parser.by_ref() {
        match event {
            Event::Text(part) => text.push_str(&part),
            Event::End(TagEnd::CodeBlock) => break,
            _ => {}
        }
    }
    text
}

fn note(body: &mut Body, in_heading: bool, text: &str) {
    // Rows of an inserted table end with it: what follows belongs to the heading before.
    if let Some(section) = body.sections.iter_mut().rfind(|section| section.level > 0) {
        let into = if in_heading { &mut section.title } else { &mut section.text };
        into.push_str(text);
    }
}

const fn rank(level: HeadingLevel) -> u8 {
    match level {
        HeadingLevel::H1 => 1,
        HeadingLevel::H2 => 2,
        _ => 3,
    }
}

/// Text as it stands in XHTML.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// The title of a page: its first line, without the mark and the id.
pub fn title(source: &'static str) -> &'static str {
    let line = source.lines().next().unwrap_or_default();
    line.trim_start_matches("# ").split(" {#").next().unwrap_or_default()
}
