//! The escapes of Canonical XML 1.0, 2.3, which the writer uses too.

/// Appends character data: `&`, `<`, `>` and CR become references.
pub(super) fn push_text(text: &str, out: &mut Vec<u8>) {
    push(text.as_bytes(), out, |b| matches!(b, b'&' | b'<' | b'>' | b'\r'));
}

/// Appends an attribute value: `&`, `<`, `"`, TAB, LF and CR become references.
pub(super) fn push_value(value: &str, out: &mut Vec<u8>) {
    push(value.as_bytes(), out, |b| matches!(b, b'&' | b'<' | b'"' | b'\t' | b'\n' | b'\r'));
}

/// Copies runs without a special byte whole; blocks are screened without branches.
#[inline]
fn push(bytes: &[u8], out: &mut Vec<u8>, special: impl Fn(u8) -> bool + Copy) {
    for block in bytes.chunks(32) {
        if !block.iter().fold(false, |found, &b| found | special(b)) {
            out.extend_from_slice(block);
            continue;
        }
        let mut rest = block;
        while let Some(at) = rest.iter().position(|&b| special(b)) {
            let (run, tail) = rest.split_at_checked(at).unwrap_or((rest, &[]));
            let Some((&b, after)) = tail.split_first() else {
                break;
            };
            out.extend_from_slice(run);
            out.extend_from_slice(reference(b));
            rest = after;
        }
        out.extend_from_slice(rest);
    }
}

fn reference(b: u8) -> &'static [u8] {
    match b {
        b'&' => b"&amp;",
        b'<' => b"&lt;",
        b'>' => b"&gt;",
        b'"' => b"&quot;",
        b'\t' => b"&#x9;",
        b'\n' => b"&#xA;",
        _ => b"&#xD;",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_values_escape_what_canonical_xml_says_and_nothing_else() {
        let all = "a&<>\"'\t\n\rж".repeat(9);
        let mut text = Vec::new();
        push_text(&all, &mut text);
        assert_eq!(String::from_utf8(text).unwrap(), "a&amp;&lt;&gt;\"'\t\n&#xD;ж".repeat(9));
        let mut value = Vec::new();
        push_value(&all, &mut value);
        let expected = "a&amp;&lt;>&quot;'&#x9;&#xA;&#xD;ж".repeat(9);
        assert_eq!(String::from_utf8(value).unwrap(), expected);
    }
}
