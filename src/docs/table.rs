//! The tables of codes, from [`crate::text`]: what is answered and what is documented are one text.

use super::insert::Inserted;
use super::markup::{Section, escape};
use crate::text::{Check, FaultCode, Flaw, Lang, Reason, StatusCode, Verdict, pick};
use std::fmt::Write as _;

struct Words {
    code: &'static str,
    paragraph: &'static str,
    meaning: &'static str,
    remedy: &'static str,
    checked: &'static str,
    http: &'static str,
}

const KK: Words = Words {
    code: "Код",
    paragraph: "Тармақ",
    meaning: "Не болды",
    remedy: "Не істеу керек",
    checked: "Не тексеріледі",
    http: "HTTP",
};
const RU: Words = Words {
    code: "Код",
    paragraph: "Пункт",
    meaning: "Что произошло",
    remedy: "Что делать",
    checked: "Что проверяется",
    http: "HTTP",
};
const EN: Words = Words {
    code: "Code",
    paragraph: "Paragraph",
    meaning: "What happened",
    remedy: "What to do",
    checked: "What is checked",
    http: "HTTP",
};

/// The table of `reasons`, `checks`, `faults`, `statuses`, `flaws` or `verdicts`; none of another name.
pub fn table(name: &str, lang: Lang) -> Option<Inserted> {
    let words = match lang {
        Lang::Kk => &KK,
        Lang::Ru => &RU,
        Lang::En => &EN,
    };
    let made = match name {
        "reasons" => make(
            "reason",
            &[words.code, words.paragraph, words.meaning, words.remedy],
            Reason::ALL,
            |reason| {
                vec![
                    reason.code().into(),
                    paragraph(reason.paragraph(), lang),
                    reason.text(lang).into(),
                    reason.remedy(lang).into(),
                ]
            },
        ),
        "checks" => make("check", &[words.code, words.paragraph, words.checked], Check::ALL, |check| {
            vec![check.code().into(), paragraph(check.paragraph(), lang), check.title(lang).into()]
        }),
        "faults" => {
            make("fault", &[words.code, words.http, words.meaning, words.remedy], FaultCode::ALL, |fault| {
                let status = fault.http_status().to_string();
                vec![fault.code().into(), status, fault.message(lang).into(), fault.remedy(lang).into()]
            })
        }
        "statuses" => make("status", &[words.code, words.meaning], StatusCode::ALL, |status| {
            vec![status.code().into(), status.message(lang).into()]
        }),
        "flaws" => make("flaw", &[words.code, words.meaning], Flaw::ALL, |flaw| {
            vec![flaw.code().into(), flaw.text(lang).into()]
        }),
        "verdicts" => {
            let columns = [words.code, words.meaning, words.remedy];
            make("verdict", &columns, Verdict::ALL, |verdict| {
                vec![verdict.code().into(), verdict.text(lang).into(), verdict.remedy(lang).into()]
            })
        }
        _ => return None,
    };
    Some(made)
}

/// Each row has the anchor `kind-code`.
fn make<T>(kind: &str, columns: &[&str], all: &[T], cells: impl Fn(&T) -> Vec<String>) -> Inserted {
    let mut made = Inserted {
        html: "<div class=\"wide\" tabindex=\"0\">\n<table>\n<thead>\n<tr>".to_owned(),
        ..Inserted::default()
    };
    for column in columns {
        let _ = write!(made.html, "<th scope=\"col\">{}</th>", escape(column));
    }
    made.html.push_str("</tr>\n</thead>\n<tbody>\n");
    for one in all {
        let cells = cells(one);
        let Some((code, rest)) = cells.split_first() else { continue };
        let id = format!("{kind}-{code}");
        let _ = write!(
            made.html,
            "<tr id=\"{id}\"><th scope=\"row\"><a href=\"#{id}\"><code>{code}</code></a></th>"
        );
        for cell in rest {
            let _ = write!(made.html, "<td>{}</td>", escape(cell));
        }
        made.html.push_str("</tr>\n");
        made.rows.push(Section { id, level: 0, title: code.clone(), text: rest.join(" ") });
    }
    made.html.push_str("</tbody>\n</table>\n</div>\n");
    made
}

/// `F-6, ext` is told as what it is: an addition of the service to that paragraph.
fn paragraph(paragraph: &str, lang: Lang) -> String {
    struct Word {
        kk: &'static str,
        ru: &'static str,
        en: &'static str,
    }
    const ADDED: Word =
        Word {
            kk: "сервис толықтыруы", ru: "дополнение сервиса", en: "added by the service"
        };
    match paragraph.strip_suffix(", ext") {
        Some(law) => format!("{law} ({})", pick!(ADDED, lang)),
        None => paragraph.to_owned(),
    }
}
