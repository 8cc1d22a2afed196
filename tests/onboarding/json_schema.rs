//! As much of JSON Schema (2020-12) as the project's own schemas use. A word that is not known here is a failure, so
//! that a schema cannot say what nobody checks.

use serde_json::Value;

/// Everything in `value` that the schema does not allow, by JSON pointer.
pub fn violations(schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    check(schema, schema, value, "", &mut found);
    found
}

fn check(root: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    for (word, wanted) in schema.as_object().expect("a schema is an object") {
        let holds = match word.as_str() {
            "$schema" | "$id" | "$defs" | "title" | "description" => true,
            "$ref" => {
                let pointer =
                    wanted.as_str().and_then(|text| text.strip_prefix('#')).expect("a local reference");
                check(root, root.pointer(pointer).expect("a definition"), value, at, found);
                true
            }
            "type" => match wanted {
                Value::Array(kinds) => kinds.iter().any(|kind| is_of(value, kind.as_str().expect("a type"))),
                kind => is_of(value, kind.as_str().expect("a type")),
            },
            // A word about values of another type says nothing of this one.
            "minLength" | "maxLength" | "pattern" if !value.is_string() => true,
            "required" | "properties" | "additionalProperties" if !value.is_object() => true,
            "const" => value == wanted,
            "enum" => wanted.as_array().expect("a list").contains(value),
            "minLength" => length(value) >= number(wanted),
            "maxLength" => length(value) <= number(wanted),
            "minItems" => items(value).len() as u64 >= number(wanted),
            "maxItems" => items(value).len() as u64 <= number(wanted),
            "minimum" => value.as_u64().is_some_and(|value| value >= number(wanted)),
            "maximum" => value.as_u64().is_some_and(|value| value <= number(wanted)),
            "pattern" => {
                matches_pattern(wanted.as_str().expect("a pattern"), value.as_str().unwrap_or_default())
            }
            "required" => wanted
                .as_array()
                .expect("a list")
                .iter()
                .all(|name| value.get(name.as_str().unwrap()).is_some()),
            "properties" => {
                for (name, schema) in wanted.as_object().expect("an object") {
                    if let Some(value) = value.get(name) {
                        check(root, schema, value, &format!("{at}/{name}"), found);
                    }
                }
                true
            }
            "additionalProperties" => {
                assert_eq!(wanted, &Value::Bool(false));
                let known = schema["properties"].as_object().expect("properties");
                value.as_object().is_some_and(|value| value.keys().all(|name| known.contains_key(name)))
            }
            "items" => {
                for (number, item) in items(value).iter().enumerate() {
                    check(root, wanted, item, &format!("{at}/{number}"), found);
                }
                true
            }
            other => panic!("nobody checks the word {other}"),
        };
        if !holds {
            found.push(format!("{at}: {word}"));
        }
    }
}

fn is_of(value: &Value, kind: &str) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_u64() || value.is_i64(),
        "null" => value.is_null(),
        other => panic!("nobody checks the type {other}"),
    }
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn length(value: &Value) -> u64 {
    value.as_str().unwrap_or_default().chars().count() as u64
}

fn number(value: &Value) -> u64 {
    value.as_u64().expect("a number")
}

/// Anchored sequences of literal characters and classes, each once, `{n}` times or `+`.
fn matches_pattern(pattern: &str, text: &str) -> bool {
    let mut pattern =
        pattern.strip_prefix('^').and_then(|p| p.strip_suffix('$')).expect("an anchored pattern");
    let mut text: &[u8] = text.as_bytes();
    while !pattern.is_empty() {
        let (class, rest) = if let Some(class) = pattern.strip_prefix('[') {
            class.split_once(']').expect("a closed class")
        } else {
            let literal = pattern.strip_prefix('\\').unwrap_or(pattern);
            literal.split_at(1)
        };
        let is_class = pattern.starts_with('[');
        let run = text.iter().take_while(|&&byte| is_in(class, is_class, byte)).count();
        let taken = if let Some(counted) = rest.strip_prefix('{') {
            let (count, after) = counted.split_once('}').expect("a closed count");
            pattern = after;
            let count: usize = count.parse().expect("a count");
            if run < count {
                return false;
            }
            count
        } else if let Some(after) = rest.strip_prefix('+') {
            pattern = after;
            run
        } else {
            pattern = rest;
            run.min(1)
        };
        if taken == 0 {
            return false;
        }
        text = &text[taken..];
    }
    text.is_empty()
}

fn is_in(class: &str, is_class: bool, byte: u8) -> bool {
    if !is_class {
        return class.as_bytes() == [byte];
    }
    let class = class.as_bytes();
    let ranged = class.windows(3).any(|w| w[1] == b'-' && (w[0]..=w[2]).contains(&byte));
    ranged || class.contains(&byte)
}

#[test]
fn a_pattern_is_held_against_the_whole_text() {
    let day = "^[0-9]{4}-[0-9]{2}\\+x$";
    assert!(matches_pattern(day, "2026-04+x"));
    for wrong in ["2026-04+", "2026-4+x", "2026-04+xx", "a026-04+x", ""] {
        assert!(!matches_pattern(day, wrong), "{wrong}");
    }
    assert!(matches_pattern("^[a-z0-9-]+$", "ovt-bin") && !matches_pattern("^[a-z0-9-]+$", "OVT"));
}
