//! Distinguished names, compared as sets of attributes: both orders of RDNs occur on the wire.

use std::collections::BTreeSet;
use x509_parser::x509::X509Name;

/// A distinguished name as a set of (OID, value); case and runs of blanks in values do not matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DistinguishedName(BTreeSet<(String, String)>);

impl DistinguishedName {
    /// From a certificate.
    #[must_use]
    pub fn from_x509(name: &X509Name<'_>) -> Self {
        Self(
            name.iter_attributes()
                .map(|a| {
                    let value = a
                        .as_str()
                        .map_or_else(|_| String::from_utf8_lossy(a.as_slice()).into_owned(), str::to_owned);
                    (a.attr_type().to_id_string(), fold(&value))
                })
                .collect(),
        )
    }

    /// Whether one of the values holds the word, in lower case.
    #[must_use]
    pub fn has_value_with(&self, word: &str) -> bool {
        self.0.iter().any(|(_, value)| value.split(|c: char| !c.is_alphanumeric()).any(|w| w == word))
    }

    /// From the text of `X509IssuerName` (RFC 2253 and RFC 4514, `;` and quotes of RFC 1779 too).
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut attributes = BTreeSet::new();
        let mut rest = text.trim();
        while !rest.is_empty() {
            let (name, after) = rest.split_once('=')?;
            let (value, after) = value(after.trim_start())?;
            attributes.insert((oid(name.trim())?, fold(&value)));
            rest = after.trim_start();
        }
        (!attributes.is_empty()).then_some(Self(attributes))
    }
}

fn fold(value: &str) -> String {
    value.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

fn oid(name: &str) -> Option<String> {
    let upper = name.to_ascii_uppercase();
    let dotted = upper.strip_prefix("OID.").unwrap_or(&upper);
    if dotted.starts_with(|c: char| c.is_ascii_digit()) {
        return Some(dotted.to_owned());
    }
    let oid = match upper.as_str() {
        "CN" => "2.5.4.3",
        "SN" | "SURNAME" => "2.5.4.4",
        "SERIALNUMBER" => "2.5.4.5",
        "C" => "2.5.4.6",
        "L" => "2.5.4.7",
        "ST" | "S" => "2.5.4.8",
        "STREET" => "2.5.4.9",
        "O" => "2.5.4.10",
        "OU" => "2.5.4.11",
        "T" | "TITLE" => "2.5.4.12",
        "G" | "GN" | "GIVENNAME" => "2.5.4.42",
        "E" | "EMAIL" | "EMAILADDRESS" => "1.2.840.113549.1.9.1",
        "UID" => "0.9.2342.19200300.100.1.1",
        "DC" => "0.9.2342.19200300.100.1.25",
        _ => return None,
    };
    Some(oid.to_owned())
}

/// One value and what follows its separator.
fn value(text: &str) -> Option<(String, &str)> {
    if let Some(hex) = text.strip_prefix('#') {
        let end = hex.find([',', ';', '+']).unwrap_or(hex.len());
        let (digits, rest) = hex.split_at(end);
        return Some((from_ber(digits.trim())?, skip_separator(rest)));
    }
    let quoted = text.strip_prefix('"');
    let mut bytes = Vec::new();
    let source = quoted.unwrap_or(text);
    let mut characters = source.char_indices();
    let mut buffer = [0_u8; 4];
    while let Some((at, c)) = characters.next() {
        match c {
            '\\' => {
                let (_, escaped) = characters.next()?;
                if let Some(high) = escaped.to_digit(16).filter(|_| escaped.is_ascii_hexdigit()) {
                    let (_, low) = characters.next()?;
                    bytes.push(u8::try_from(high << 4 | low.to_digit(16)?).ok()?);
                } else {
                    bytes.extend_from_slice(escaped.encode_utf8(&mut buffer).as_bytes());
                }
            }
            '"' if quoted.is_some() => {
                let rest = source.get(at + 1..)?.trim_start();
                let separated = rest.is_empty() || rest.starts_with([',', ';', '+']);
                return separated.then_some((String::from_utf8(bytes).ok()?, skip_separator(rest)));
            }
            ',' | ';' | '+' if quoted.is_none() => {
                return Some((String::from_utf8(bytes).ok()?, source.get(at + 1..)?));
            }
            _ => bytes.extend_from_slice(c.encode_utf8(&mut buffer).as_bytes()),
        }
    }
    quoted.is_none().then_some((String::from_utf8(bytes).ok()?, ""))
}

fn skip_separator(rest: &str) -> &str {
    rest.strip_prefix([',', ';', '+']).unwrap_or(rest)
}

/// The string inside hexadecimal BER: tag, short length, value.
fn from_ber(digits: &str) -> Option<String> {
    let bytes = (0..digits.len() / 2)
        .map(|i| digits.get(2 * i..2 * i + 2).and_then(|d| u8::from_str_radix(d, 16).ok()))
        .collect::<Option<Vec<u8>>>()?;
    let [_, length, value @ ..] = bytes.as_slice() else { return None };
    (usize::from(*length) == value.len()).then(|| String::from_utf8(value.to_vec()).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_parts_and_the_spelling_of_types_do_not_matter() {
        let one = DistinguishedName::parse("CN=ҰЛТТЫҚ КУӘЛАНДЫРУШЫ ОРТАЛЫҚ (RSA), C=KZ").unwrap();
        for same in [
            "C=KZ,CN=ҰЛТТЫҚ КУӘЛАНДЫРУШЫ ОРТАЛЫҚ (RSA)",
            "c=kz; cn=\"ҰЛТТЫҚ  КУӘЛАНДЫРУШЫ ОРТАЛЫҚ (RSA)\"",
            "OID.2.5.4.6=KZ, 2.5.4.3=ҰЛТТЫҚ КУӘЛАНДЫРУШЫ ОРТАЛЫҚ (RSA)",
            "C=#13024B5A,CN=ҰЛТТЫҚ КУӘЛАНДЫРУШЫ ОРТАЛЫҚ (RSA)",
        ] {
            assert_eq!(DistinguishedName::parse(same).as_ref(), Some(&one), "{same}");
        }
        assert_ne!(DistinguishedName::parse("C=KZ").unwrap(), one);
    }

    #[test]
    fn escapes_are_read_and_nonsense_is_not() {
        let plain = DistinguishedName::parse(r#"O="A, B + C""#).unwrap();
        assert_eq!(DistinguishedName::parse(r"O=A\, B \2B C").unwrap(), plain);
        for wrong in ["", "CN", "XYZ=1", r"CN=\", r#"CN="a"#, r#"CN="a"b,C=KZ"#, "CN=#13", r"CN=\FF"] {
            assert_eq!(DistinguishedName::parse(wrong), None, "{wrong}");
        }
    }
}
