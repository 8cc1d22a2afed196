//! What an `insert` block puts into a page.

use super::markup::{Section, escape};
use super::sample::{self, Sample};
use super::{DocsError, picture, pretty, sequence, table};
use crate::text::{Lang, pick};

/// XHTML, and the rows in it that can be found and linked to.
#[derive(Default)]
pub struct Inserted {
    pub html: String,
    pub rows: Vec<Section>,
}

/// Makes what the line names: `table faults`, `sequence 1`, and of a fixture by its number `request 203`, `reply 203`
/// (what is in Body), `envelope 001` (all of the request), `token request 203` (header and claims of the JWT in it).
pub fn insert(line: &str, lang: Lang) -> Result<Inserted, DocsError> {
    let unknown = || DocsError::Insert(line.to_owned());
    let words: Vec<&str> = line.split_whitespace().collect();
    let html = match *words.as_slice() {
        ["table", name] => return table::table(name, lang).ok_or_else(unknown),
        ["sequence", id] => picture::draw(sequence::find(id).ok_or_else(unknown)?, lang),
        [part @ ("request" | "reply" | "envelope"), number] => {
            let sample = sample::find(number).ok_or_else(unknown)?;
            let xml = if part == "reply" { sample.reply } else { sample.request };
            let shown = if part == "envelope" { Some(xml) } else { pretty::body(xml) };
            figure(sample, part, &pretty::xml(shown.ok_or_else(unknown)?), lang)
        }
        ["token", part @ ("request" | "reply"), number] => {
            let sample = sample::find(number).ok_or_else(unknown)?;
            let xml = if part == "reply" { sample.reply } else { sample.request };
            let token = pretty::token(xml).ok_or_else(unknown)?;
            format!("<pre tabindex=\"0\"><code class=\"language-json\">{}</code></pre>\n", escape(&token))
        }
        _ => return Err(unknown()),
    };
    Ok(Inserted { html, rows: Vec::new() })
}

struct Word {
    kk: &'static str,
    ru: &'static str,
    en: &'static str,
}

const REQUEST: Word = Word { kk: "Сұрау салу", ru: "Запрос", en: "Request" };
const REPLY: Word = Word { kk: "Жауап", ru: "Ответ", en: "Answer" };
const ENVELOPE: Word =
    Word { kk: "Бүкіл конверт", ru: "Конверт целиком", en: "The whole envelope" };
const AS_SENT: Word = Word {
    kk: "қол қойылған күйінде, байт-байтымен",
    ru: "подписанный, байт в байт",
    en: "as signed, byte for byte",
};

fn figure(sample: &Sample, part: &str, shown: &str, lang: Lang) -> String {
    let (word, path) = match part {
        "reply" => (&REPLY, sample.reply_path()),
        "envelope" => (&ENVELOPE, sample.request_path()),
        _ => (&REQUEST, sample.request_path()),
    };
    format!(
        "<figure>\n<figcaption>{}; <a href=\"../{path}\">{}</a></figcaption>\n\
         <pre tabindex=\"0\"><code class=\"language-xml\">{}</code></pre>\n</figure>\n",
        pick!(word, lang),
        pick!(AS_SENT, lang),
        escape(shown),
    )
}
