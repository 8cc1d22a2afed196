//! A report as a page that needs nothing else: it can be read in a browser and printed.

use super::figure::Report;
use super::section::Section;
use super::word::Words;
use kdp::text::Lang;
use std::fmt::Write as _;

const STYLE: &str = "body{font:11pt/1.4 serif;margin:2em;max-width:60em}h1{font-size:16pt}h2{font-size:12pt;margin:1.5em 0 .3em}\
table{border-collapse:collapse;width:100%}th,td{border:1px solid #777;padding:.15em .5em;text-align:left}\
tr:last-child{font-weight:bold}@media print{body{margin:0}section{break-inside:avoid}}";

/// The page.
pub fn page(report: &Report, words: &Words, sections: &[Section], lang: Lang) -> String {
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n<title>{title}</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n<p>{}</p>\n",
        lang.code(),
        escape(&report.period(words)),
        title = escape(words.title),
    );
    for section in sections {
        let _ = writeln!(page, "<section>\n<h2>{}</h2>\n<table>", escape(&section.heading));
        row(&mut page, "th", &section.columns);
        for cells in &section.rows {
            row(&mut page, "td", cells);
        }
        page.push_str("</table>\n</section>\n");
    }
    let note = match (sections.is_empty(), report.threshold) {
        (true, _) => words.nothing.to_owned(),
        (false, 0) => String::new(),
        (false, _) => Report::legend(words),
    };
    let _ = write!(page, "<p>{}</p>\n</body>\n</html>\n", escape(&note));
    page
}

fn row(page: &mut String, element: &str, cells: &[String]) {
    page.push_str("<tr>");
    for cell in cells {
        let _ = write!(page, "<{element}>{}</{element}>", escape(cell));
    }
    page.push_str("</tr>\n");
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_initiators_are_called_cannot_become_markup() {
        assert_eq!(escape("<b>&\"x\"</b>"), "&lt;b&gt;&amp;&quot;x&quot;&lt;/b&gt;");
    }
}
