//! DER (X.690), read strictly and written: for what the certificate library does not cover, ГОСТ keys, lists of
//! revoked certificates, OCSP, and the certificates of the sandbox.

/// The bytes are not DER, or not of the shape that was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed DER")]
pub struct DerError;

/// Tags of the types that occur.
pub mod tag {
    #![expect(missing_docs, reason = "the names of X.680")]

    pub const BOOLEAN: u8 = 0x01;
    pub const INTEGER: u8 = 0x02;
    pub const BIT_STRING: u8 = 0x03;
    pub const OCTET_STRING: u8 = 0x04;
    pub const NULL: u8 = 0x05;
    pub const OID: u8 = 0x06;
    pub const ENUMERATED: u8 = 0x0a;
    pub const UTF8_STRING: u8 = 0x0c;
    pub const PRINTABLE_STRING: u8 = 0x13;
    pub const UTC_TIME: u8 = 0x17;
    pub const GENERALIZED_TIME: u8 = 0x18;
    pub const SEQUENCE: u8 = 0x30;
    pub const SET: u8 = 0x31;

    /// `[n]`, constructed; n is below 31.
    #[must_use]
    pub const fn context(n: u8) -> u8 {
        0xa0 | n
    }
}

/// One value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value<'a> {
    /// Class, form and number in one byte.
    pub tag: u8,
    /// What is in it.
    pub content: &'a [u8],
    /// With tag and length.
    pub raw: &'a [u8],
}

/// Longest header of a value: a tag, and a length in five bytes.
pub const MAX_HEADER: usize = 6;

/// Reads the tag and the length of the value at the beginning of `bytes`: tag, bytes of the header, bytes of the
/// content. Tags of more than one byte and lengths of more than four do not occur here.
///
/// # Errors
/// [`DerError`]: cut off, indefinite, or a length that is not written as short as possible.
pub fn header(bytes: &[u8]) -> Result<(u8, usize, usize), DerError> {
    let (&tag, rest) = bytes.split_first().ok_or(DerError)?;
    let (&first, rest) = rest.split_first().ok_or(DerError)?;
    if tag & 0x1f == 0x1f {
        return Err(DerError);
    }
    if first < 0x80 {
        return Ok((tag, 2, usize::from(first)));
    }
    let count = usize::from(first & 0x7f);
    let digits = rest.get(..count).filter(|_| (1..=4).contains(&count)).ok_or(DerError)?;
    let length = digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit));
    let is_shortest = digits.first().is_some_and(|digit| *digit != 0) && length >= 0x80;
    if is_shortest { Ok((tag, 2 + count, length)) } else { Err(DerError) }
}

/// Reads values one after the other.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// From the beginning of `bytes`.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Whether all was read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next value.
    ///
    /// # Errors
    /// [`DerError`].
    pub fn any(&mut self) -> Result<Value<'a>, DerError> {
        let (tag, header, length) = header(self.rest)?;
        let end = header.checked_add(length).ok_or(DerError)?;
        let (raw, rest) = self.rest.split_at_checked(end).ok_or(DerError)?;
        self.rest = rest;
        Ok(Value { tag, content: raw.get(header..).ok_or(DerError)?, raw })
    }

    /// The content of the next value, which must have this tag.
    ///
    /// # Errors
    /// [`DerError`].
    pub fn expect(&mut self, tag: u8) -> Result<&'a [u8], DerError> {
        self.any().and_then(|value| if value.tag == tag { Ok(value.content) } else { Err(DerError) })
    }

    /// The content of the next value, if it has this tag; else nothing is read.
    ///
    /// # Errors
    /// [`DerError`].
    pub fn optional(&mut self, tag: u8) -> Result<Option<&'a [u8]>, DerError> {
        if self.rest.first() == Some(&tag) { self.expect(tag).map(Some) } else { Ok(None) }
    }

    /// A reader of the content of the next value, which must have this tag.
    ///
    /// # Errors
    /// [`DerError`].
    pub fn enter(&mut self, tag: u8) -> Result<Self, DerError> {
        self.expect(tag).map(Self::new)
    }

    /// The bytes of a BIT STRING without unused bits.
    ///
    /// # Errors
    /// [`DerError`].
    pub fn bits(&mut self) -> Result<&'a [u8], DerError> {
        match self.expect(tag::BIT_STRING)? {
            [0, bytes @ ..] => Ok(bytes),
            _ => Err(DerError),
        }
    }

    /// Nothing must follow.
    ///
    /// # Errors
    /// [`DerError`].
    pub fn finish(self) -> Result<(), DerError> {
        if self.is_empty() { Ok(()) } else { Err(DerError) }
    }
}

/// A value of this tag.
#[must_use]
pub fn value(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    let length = content.len().to_be_bytes();
    let zeros = length.iter().take_while(|digit| **digit == 0).count().min(length.len() - 1);
    let digits = length.get(zeros..).unwrap_or_default();
    if content.len() >= 0x80 {
        out.push(0x80 | u8::try_from(digits.len()).unwrap_or(0x7f));
    }
    out.extend_from_slice(digits);
    out.extend_from_slice(content);
    out
}

/// A value of this tag around others.
#[must_use]
pub fn all(tag: u8, values: &[&[u8]]) -> Vec<u8> {
    value(tag, &values.concat())
}

/// A SEQUENCE of others.
#[must_use]
pub fn sequence(values: &[&[u8]]) -> Vec<u8> {
    all(tag::SEQUENCE, values)
}

/// An unsigned INTEGER, big-endian.
#[must_use]
pub fn integer(bytes: &[u8]) -> Vec<u8> {
    let first = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len().saturating_sub(1));
    let digits = bytes.get(first..).unwrap_or_default();
    let zero: &[u8] = if digits.first().is_none_or(|digit| *digit >= 0x80) { &[0] } else { &[] };
    all(tag::INTEGER, &[zero, digits])
}

/// A BIT STRING without unused bits.
#[must_use]
pub fn bits(bytes: &[u8]) -> Vec<u8> {
    all(tag::BIT_STRING, &[&[0], bytes])
}

/// The content of an OBJECT IDENTIFIER, from its dotted form; of what is none, something that equals no identifier.
#[must_use]
pub fn oid(dotted: &str) -> Vec<u8> {
    let mut arcs = dotted.split('.').map(|arc| arc.parse().unwrap_or(u64::MAX));
    let first =
        arcs.next().unwrap_or_default().saturating_mul(40).saturating_add(arcs.next().unwrap_or_default());
    let mut out = Vec::new();
    for arc in std::iter::once(first).chain(arcs) {
        let groups = (0..10).rev().map(|n| arc >> (7 * n)).skip_while(|group| *group == 0);
        let mut groups: Vec<u8> = groups.map(|group| 0x80 | group.to_le_bytes()[0]).collect();
        match groups.last_mut() {
            Some(last) => *last &= 0x7f,
            None => groups.push(0),
        }
        out.extend(groups);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for length in [0, 1, 0x7f, 0x80, 0xff, 0x100, 0x1_0000] {
            let content = vec![7; length];
            let written = value(tag::OCTET_STRING, &content);
            let mut reader = Reader::new(&written);
            assert_eq!(reader.expect(tag::OCTET_STRING), Ok(&*content));
            assert_eq!(reader.finish(), Ok(()));
        }
    }

    #[test]
    fn numbers_and_identifiers_have_one_form() {
        assert_eq!(integer(&[]), [2, 1, 0]);
        assert_eq!(integer(&[0, 0]), [2, 1, 0]);
        assert_eq!(integer(&[0, 0x7f]), [2, 1, 0x7f]);
        assert_eq!(integer(&[0x80]), [2, 2, 0, 0x80]);
        assert_eq!(oid("1.2.840.113549.1.1.11"), [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 0x0b]);
        assert_eq!(oid("1.2.398.3.10.1.1.2.3.2"), [0x2a, 0x83, 0x0e, 3, 0x0a, 1, 1, 2, 3, 2]);
        assert_eq!(oid("2.5.29.0"), [0x55, 0x1d, 0]);
    }

    #[test]
    fn what_is_not_der_is_refused() {
        let cases: [&[u8]; 9] = [
            &[],
            &[0x30],
            &[0x30, 1],
            &[0x30, 0x80, 0, 0],
            &[0x30, 0x81, 1, 0],
            &[0x30, 0x82, 0, 0x80],
            &[0x30, 0x85, 1, 0, 0, 0, 0],
            &[0x1f, 1, 0],
            &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff],
        ];
        for bytes in cases {
            assert_eq!(Reader::new(bytes).any(), Err(DerError), "{bytes:x?}");
        }
        assert_eq!(Reader::new(&[3, 2, 1, 0]).bits(), Err(DerError));
        assert_eq!(Reader::new(&[3, 0]).bits(), Err(DerError));
        assert_eq!(Reader::new(&[4, 0, 5]).any().map(|value| value.content.len()), Ok(0));
    }
}
