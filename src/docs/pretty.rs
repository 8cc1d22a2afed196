//! A fixture as it is shown: broken into lines, long values cut. What is sent is one line, and may not be changed.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::fmt::Write as _;

/// Values longer than this that have no blank in them are cut: certificates, signatures, tokens.
const LONGEST: usize = 72;

/// What is kept of them.
const KEPT: usize = 24;

/// A tag longer than this has a line for each attribute.
const WIDEST: usize = 100;

/// What is between the tags of Body.
pub fn body(envelope: &str) -> Option<&str> {
    let (_, from) = envelope.split_once("<soap:Body")?;
    let (_, content) = from.split_once('>')?;
    content.split_once("</soap:Body>").map(|(content, _)| content)
}

/// An element a line, indented by its depth. The document is a fixture: no comment, no `>` within a value.
pub fn xml(document: &str) -> String {
    let (mut out, mut depth, mut just_opened) = (String::new(), 0_usize, false);
    let mut rest = document.trim();
    while let Some((text, from)) = rest.split_once('<') {
        let (tag, after) = from.split_once('>').unwrap_or((from, ""));
        rest = after;
        out.push_str(&cut(text.trim_end_matches('\n')));
        let closes = tag.starts_with('/');
        if closes {
            depth = depth.saturating_sub(1);
        }
        if !(closes && just_opened || out.is_empty()) {
            let _ = write!(out, "\n{:width$}", "", width = 2 * depth);
        }
        let _ = write!(out, "<{}>", attributes(tag, depth));
        just_opened = !closes && !tag.ends_with(['/', '?']);
        depth += usize::from(just_opened);
    }
    out
}

fn attributes(tag: &str, depth: usize) -> String {
    let parts = tag.split('"').enumerate();
    let short: Vec<_> =
        parts.map(|(at, part)| if at % 2 == 1 { cut(part) } else { part.to_owned() }).collect();
    let short = short.join("\"");
    if short.len() <= WIDEST {
        return short;
    }
    short.replace("\" ", &format!("\"\n{:width$}", "", width = 2 * depth + 4))
}

fn cut(value: &str) -> String {
    let is_code = value.is_ascii() && !value.contains(' ') && !value.starts_with("http");
    if is_code && value.len() > LONGEST {
        format!("{}…", value.get(..KEPT).unwrap_or(value))
    } else {
        value.to_owned()
    }
}

/// Header and claims of the first JWT in a document, as JSON.
pub fn token(document: &str) -> Option<String> {
    let (_, from) = document.split_once(">eyJ")?;
    let (token, _) = from.split_once('<')?;
    let token = format!("eyJ{token}");
    let mut parts = token.split('.');
    let header = json(parts.next()?)?;
    let claims = json(parts.next()?)?;
    Some(format!("{header}\n{claims}\n"))
}

fn json(part: &str) -> Option<String> {
    let bytes = URL_SAFE_NO_PAD.decode(part).ok()?;
    let value: serde_json::Value = serde_json::from_slice(&bytes).ok()?;
    serde_json::to_string_pretty(&value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_differs_from_what_is_sent_by_lines_alone_where_nothing_is_cut() {
        let sent = "<a x=\"1\"><b>и <c/></b><d></d><e>long enough</e></a>";
        let shown = xml(sent);
        let lines: Vec<_> = shown.lines().collect();
        assert_eq!(
            lines,
            ["<a x=\"1\">", "  <b>и ", "    <c/>", "  </b>", "  <d></d>", "  <e>long enough</e>", "</a>"]
        );
        assert_eq!(lines.iter().map(|line| line.trim_start()).collect::<String>(), sent);
    }

    #[test]
    fn what_nobody_reads_is_cut() {
        let token = "A".repeat(100);
        assert_eq!(xml(&format!("<t>{token}</t>")), format!("<t>{}…</t>", "A".repeat(KEPT)));
        let sentence = "слово ".repeat(40);
        assert!(xml(&format!("<t>{sentence}.</t>")).contains(&sentence));
    }
}
