//! What is wrong in the text of a configuration: line, column and rule. No value is told: a secret that somebody put
//! there, in place of the path of its file, must not go on into a log.

/// Longest key that is repeated, characters.
const MAX_KEY: usize = 64;

/// Line, column, and what is wrong there.
pub(super) fn told(text: &str, error: &toml::de::Error) -> String {
    let at = error.span().map_or(0, |span| span.start);
    let before = text.get(..at).unwrap_or(text);
    let (line, last) = before.split('\n').enumerate().last().unwrap_or_default();
    format!("line {}, column {}: {}", line + 1, last.chars().count() + 1, without_value(error.message()))
}

/// The rule, in the words of serde, without what broke it. Keys are told: the operator looks for them.
fn without_value(message: &str) -> String {
    // What follows the last of these words is ours; what stands before them may be anything.
    let (head, expected) = message.rsplit_once(", expected ").unwrap_or((message, ""));
    let head = match head.split_once('`') {
        Some(("unknown field ", key)) => {
            let key: String = key.trim_end_matches('`').chars().take(MAX_KEY).collect();
            format!("unknown field `{key}`")
        }
        _ if expected.is_empty() => head.to_owned(),
        _ => head.split(['`', '"']).next().unwrap_or_default().trim_end().to_owned(),
    };
    if expected.is_empty() { head } else { format!("{head}, expected {expected}") }
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    fn refused(text: &str) -> String {
        Config::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn a_level_of_the_log_is_one_of_the_four_words() {
        for level in ["error", "warn", "info", "debug"] {
            assert!(Config::parse(&format!("[log]\nlevel = \"{level}\"\n")).is_ok());
        }
        // The last two are taken by the reader of filters, and end it in a panic.
        for level in ["", "loud", "info,kdp=debug", "c\u{10ffff}[istb{2Vadman =ure = r}"] {
            let error = refused(&format!("[log]\nlevel = \"{level}\"\n"));
            assert_eq!(error, "log.level must be error, warn, info or debug");
        }
    }

    #[test]
    fn an_error_names_line_and_rule_and_shows_no_value() {
        let secret = "correct-horse, expected battery";
        for (text, at, rule) in [
            (
                format!("password = \"{secret}\"\n"),
                "line 1, column 1: ",
                "unknown field `password`, expected",
            ),
            (
                format!("\n[limits]\nbody_bytes = \"{secret}\"\n"),
                "line 3, column 14: ",
                "invalid type: string, expected usize",
            ),
            (
                "[limits]\nsms_per_subject = -777777777\n".to_owned(),
                "line 2, column 19: ",
                "integer, expected u32",
            ),
            (format!("environment = \"{secret}\"\n"), "line 1, column 15: ", "unknown variant, expected"),
            (
                format!("[listen]\npublic = \"{secret}\"\n"),
                "line 2, column 10: ",
                "invalid socket address syntax",
            ),
            (
                format!("[database]\nurl = \"{secret}\n"),
                "line 2, column 39: ",
                "invalid basic string, expected `\"`",
            ),
            (format!("[database]\nurl = {secret}\n"), "line 2, ", "unexpected key or value"),
            (format!("{} = \"{secret}\"\n", "k".repeat(1000)), "line 1, column 1: ", "unknown field `kkkk"),
        ] {
            let error = refused(&text);
            assert!(error.starts_with(at) && error.contains(rule), "{error}");
            assert!(
                !error.contains("correct") && !error.contains("horse") && !error.contains("777"),
                "{error}"
            );
            assert!(error.len() < 500, "{} bytes", error.len());
        }
    }
}
