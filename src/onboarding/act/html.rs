//! The testing act as a document for people, in Kazakh and then in Russian: HTML for A4 paper that needs nothing from
//! outside and runs nothing. It is well-formed XML too.

use super::word::{KK, RU, Words};
use super::{Act, NotCounted};
use crate::clock;
use crate::consent::directory::Name;
use crate::text::Lang;
use ring::digest::{SHA256, digest};
use std::fmt::{self, Write as _};

/// Print style: A4, a wide margin for the binding, heads of tables on every page.
const STYLE: &str = "@page { size: A4; margin: 18mm 12mm 18mm 25mm; \
@bottom-right { content: counter(page) ' / ' counter(pages); font: 8pt serif; } } \
body { font: 10pt/1.35 'Times New Roman', 'Liberation Serif', serif; color: #000; background: #fff; \
margin: 0 auto; max-width: 173mm; } \
section + section { break-before: page; } \
h1 { font-size: 13pt; text-align: center; margin: 0 0 2mm; } \
h2 { font-size: 11pt; margin: 5mm 0 2mm; break-after: avoid; } \
p { margin: 0 0 2mm; } .law { text-align: center; } \
table { width: 100%; border-collapse: collapse; margin-bottom: 3mm; } \
thead { display: table-header-group; } tr { break-inside: avoid; } \
th, td { border: 0.3mm solid #000; padding: 1mm 1.5mm; text-align: left; vertical-align: top; } \
td { overflow-wrap: break-word; } .facts th { width: 35%; } \
.facts td, .id, .jws { overflow-wrap: anywhere; } .number { text-align: right; width: 7mm; } .time { width: 18mm; } \
.id, .jws { font: 8pt/1.3 'Liberation Mono', 'DejaVu Sans Mono', monospace; } \
.sign { break-inside: avoid; } .sign td { border: 0; border-bottom: 0.3mm solid #000; height: 11mm; width: 22%; \
vertical-align: bottom; } .sign th { border: 0; font-weight: normal; font-size: 8pt; text-align: center; } \
@media screen { body { padding: 10mm; } }";

/// Prints an act that was signed: `jws` is its compact JWS, `kid` the key that signed it.
///
/// The text is HTML and, after its first line (the document type), well-formed XML.
#[must_use]
pub fn html(act: &Act, jws: &str, kid: &str) -> String {
    let mut page = Page(String::with_capacity(16 * 1024));
    // Writing into a String does not fail.
    let _ = page.document(act, jws, kid);
    page.0
}

struct Page(String);

impl Page {
    fn document(&mut self, act: &Act, jws: &str, kid: &str) -> fmt::Result {
        let title = Escaped(RU.title);
        self.0.push_str("<!DOCTYPE html>\n");
        writeln!(
            self.0,
            "<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"kk\" xml:lang=\"kk\">\n<head>\n<meta charset=\"utf-8\" />\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\" />\n\
             <title>{title}: {}</title>\n<style>{STYLE}</style>\n</head>\n<body>",
            Escaped(&act.application)
        )?;
        for words in [&KK, &RU] {
            self.section(words, act)?;
        }
        self.electronic(jws, kid)?;
        self.0.push_str("</body>\n</html>\n");
        Ok(())
    }

    fn section(&mut self, words: &Words, act: &Act) -> fmt::Result {
        let lang = words.lang.code();
        writeln!(self.0, "<section lang=\"{lang}\" xml:lang=\"{lang}\">")?;
        writeln!(self.0, "<h1>{}</h1>", Escaped(words.title))?;
        writeln!(self.0, "<p class=\"law\">{} {}</p>", Escaped(words.law), Escaped(&act.edition))?;
        self.who(words, act)?;
        self.purposes(words, act)?;
        self.answers(words, act)?;
        self.not_counted(words, act)?;
        writeln!(self.0, "<p>{}</p>", Escaped(words.finding))?;
        self.signatures(words)?;
        writeln!(self.0, "</section>")
    }

    fn who(&mut self, words: &Words, act: &Act) -> fmt::Result {
        let methods: Vec<String> = act.methods.iter().map(|method| named(words, method.number())).collect();
        let mut facts = vec![
            (words.organisation, in_lang(&act.organisation.name, words.lang).to_owned()),
            (words.bin, act.organisation.bin.clone()),
            (words.sender, act.organisation.sender_id.clone()),
            (words.application, act.application.clone()),
            (words.approved, time(act.approved_at)),
            (words.formed, time(act.formed_at)),
            (words.issuer, act.issuer.clone()),
            (words.methods, methods.join("; ")),
        ];
        if !act.untested_methods.is_empty() {
            let untested = act.untested_methods.iter().map(|method| named(words, method.number()));
            facts.push((words.untested, untested.collect::<Vec<_>>().join("; ")));
        }
        self.heading(words.who)?;
        self.facts(&facts)
    }

    fn purposes(&mut self, words: &Words, act: &Act) -> fmt::Result {
        self.heading(words.purposes)?;
        self.head(&["№", words.purpose, words.entry, words.services, words.period])?;
        for (number, purpose) in (1..).zip(&act.purposes) {
            self.row(
                number,
                &[
                    (in_lang(&purpose.name, words.lang), ""),
                    (&purpose.directory_id, "id"),
                    (&purpose.service_ids.join("; "), "id"),
                    (&span(purpose.period_seconds, words), ""),
                ],
            )?;
        }
        self.end_of_table()
    }

    fn answers(&mut self, words: &Words, act: &Act) -> fmt::Result {
        self.heading(words.answers)?;
        self.head(&[
            "№",
            words.time,
            words.decision,
            words.token,
            words.by_method,
            words.entry,
            words.services,
        ])?;
        for (number, answer) in (1..).zip(&act.answers) {
            self.row(
                number,
                &[
                    (&time(answer.at), "time"),
                    (&answer.decision_id, "id"),
                    (&answer.token_id, "id"),
                    (&answer.method.number().to_string(), ""),
                    (&answer.directory_id, "id"),
                    (&answer.service_ids.join("; "), "id"),
                ],
            )?;
        }
        self.end_of_table()?;
        self.facts(&[
            (words.counted, format!("{} / {}", act.answers.len(), act.needed)),
            (words.subjects, act.subjects.to_string()),
            (words.more, act.more_answers.to_string()),
        ])
    }

    fn not_counted(&mut self, words: &Words, act: &Act) -> fmt::Result {
        if act.not_counted.is_empty() {
            return Ok(());
        }
        let (shown, total) = (act.not_counted.len(), act.not_counted_total);
        let heading = if shown < total {
            format!("{}: {total} ({}: {shown})", words.not_counted, words.shown)
        } else {
            format!("{}: {total}", words.not_counted)
        };
        self.heading(&heading)?;
        self.head(&["№", words.time, words.decision, words.why])?;
        for (number, one) in (1..).zip(&act.not_counted) {
            self.row(
                number,
                &[(&time(one.at), "time"), (&one.decision_id, "id"), (&why(one, words.lang), "")],
            )?;
        }
        self.end_of_table()
    }

    fn signatures(&mut self, words: &Words) -> fmt::Result {
        self.heading(words.signatures)?;
        self.0.push_str("<table class=\"sign\"><tbody>\n");
        for who in [words.for_initiator, words.for_reviewer] {
            writeln!(self.0, "<tr><td>{}</td><td></td><td></td><td></td></tr>", Escaped(who))?;
            writeln!(
                self.0,
                "<tr><th></th><th>{}</th><th>{}</th><th>{}</th></tr>",
                Escaped(words.full_name),
                Escaped(words.signature),
                Escaped(words.date)
            )?;
        }
        self.end_of_table()
    }

    /// The signature is one, so it stands once, under both languages.
    fn electronic(&mut self, jws: &str, kid: &str) -> fmt::Result {
        let payload = jws.split('.').nth(1).unwrap_or_default();
        let both = |kk: &str, ru: &str| format!("{kk} / {ru}");
        writeln!(self.0, "<section>")?;
        self.heading(&both(KK.electronic, RU.electronic))?;
        self.facts(&[
            (&both(KK.kid, RU.kid), kid.to_owned()),
            (&both(KK.digest, RU.digest), sha256_of_base64url(payload)),
        ])?;
        writeln!(self.0, "<p class=\"jws\">{}</p>", Escaped(jws.trim()))?;
        for words in [&KK, &RU] {
            let lang = words.lang.code();
            writeln!(self.0, "<p lang=\"{lang}\" xml:lang=\"{lang}\">{}</p>", Escaped(words.check))?;
        }
        writeln!(self.0, "</section>")
    }

    fn heading(&mut self, text: &str) -> fmt::Result {
        writeln!(self.0, "<h2>{}</h2>", Escaped(text))
    }

    fn facts(&mut self, facts: &[(&str, String)]) -> fmt::Result {
        self.0.push_str("<table class=\"facts\"><tbody>\n");
        for (name, value) in facts {
            writeln!(self.0, "<tr><th>{}</th><td>{}</td></tr>", Escaped(name), Escaped(value))?;
        }
        self.end_of_table()
    }

    fn head(&mut self, columns: &[&str]) -> fmt::Result {
        self.0.push_str("<table><thead><tr>");
        for column in columns {
            write!(self.0, "<th>{}</th>", Escaped(column))?;
        }
        writeln!(self.0, "</tr></thead><tbody>")
    }

    fn row(&mut self, number: usize, cells: &[(&str, &str)]) -> fmt::Result {
        write!(self.0, "<tr><td class=\"number\">{number}</td>")?;
        for (text, class) in cells {
            if class.is_empty() {
                write!(self.0, "<td>{}</td>", Escaped(text))?;
            } else {
                write!(self.0, "<td class=\"{class}\">{}</td>", Escaped(text))?;
            }
        }
        writeln!(self.0, "</tr>")
    }

    fn end_of_table(&mut self) -> fmt::Result {
        writeln!(self.0, "</tbody></table>")
    }
}

/// Text between tags; characters that XML cannot carry become U+FFFD.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                '\n' | '\t' => f.write_char(c)?,
                '\u{FFFE}' | '\u{FFFF}' => f.write_char('\u{FFFD}')?,
                _ if c.is_control() => f.write_char('\u{FFFD}')?,
                _ => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

fn in_lang(name: &Name, lang: Lang) -> &str {
    if lang == Lang::Kk { &name.kk } else { &name.ru }
}

/// The number of a method and what it is called.
fn named(words: &Words, number: u8) -> String {
    let name = words.method.get(usize::from(number).wrapping_sub(1)).copied().unwrap_or_default();
    format!("{number} ({name})")
}

/// `01.04.2026 12:00:00`, Astana time.
fn time(at: i64) -> String {
    let text = clock::text(at);
    let (date, rest) = text.split_once('T').unwrap_or((&text, ""));
    let date: Vec<&str> = date.rsplit('-').collect();
    format!("{} {}", date.join("."), rest.split('.').next().unwrap_or_default())
}

/// A span in the largest unit that it is a whole number of.
fn span(seconds: u64, words: &Words) -> String {
    let [second, minute, hour, day] = words.unit;
    match seconds {
        0 => format!("0 {second}"),
        s if s % 86_400 == 0 => format!("{} {day}", s / 86_400),
        s if s % 3600 == 0 => format!("{} {hour}", s / 3600),
        s if s % 60 == 0 => format!("{} {minute}", s / 60),
        s => format!("{s} {second}"),
    }
}

/// Why an answer did not count, and of a refused request the reason of the refusal.
fn why(one: &NotCounted, lang: Lang) -> String {
    let text = one.why.text(lang);
    match one.why {
        super::Why::NotValid => format!("{text} {}: {}", one.reason.code(), one.reason.text(lang)),
        _ => text.to_owned(),
    }
}

fn sha256_of_base64url(payload: &str) -> String {
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).unwrap_or_default();
    let mut hex = String::with_capacity(64);
    for byte in digest(&SHA256, &bytes).as_ref() {
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}
