//! What several commands read in the same way.

use super::{Failure, Result};
use hyper::Uri;
use hyper::http::uri::Authority;
use kdp::clock::{self, Clock as _, SystemClock};
use kdp::config::Config;
use kdp::consent::identity::{Bin, Iin};
use kdp::consent::method::Method;
use kdp::trust::certificate::Certificate;
use kdp::trust::sign::RsaSigner;
use std::io::Read as _;
use std::path::Path;
use zeroize::Zeroizing;

/// Longest file or standard input that is read, bytes.
const MAX_INPUT: u64 = 4 << 20;

/// A BIN of a flag.
pub fn bin(flag: &str, text: &str) -> Result<Bin> {
    Bin::parse(text).map_err(|error| Failure::unusable(format!("{flag}: {error}")))
}

/// An IIN of a flag; never repeated in a message.
pub fn iin(flag: &str, text: &str) -> Result<Iin> {
    Iin::parse(text).map_err(|error| Failure::unusable(format!("{flag}: {error}")))
}

/// A method for clap: 1 to 5.
pub fn method(text: &str) -> std::result::Result<Method, String> {
    let number = text.parse::<u8>().map_err(|_| "a method is a number from 1 to 5")?;
    Method::try_from(number).map_err(str::to_owned)
}

/// A time of a flag, `xs:dateTime`, as Unix seconds; without the flag, now.
pub fn time(flag: &str, text: Option<&str>) -> Result<i64> {
    match text {
        None => Ok(SystemClock.now() / 1000),
        Some(text) => clock::parse(text)
            .map(|millis| millis.div_euclid(1000))
            .ok_or_else(|| Failure::unusable(format!("{flag}: not a time as 2026-04-01T12:00:00+05:00"))),
    }
}

/// A span for clap: `500ms`, `30s`, `10m`, `2h`, `90d`, or milliseconds as `expiresIn` has them.
pub fn milliseconds(text: &str) -> std::result::Result<u64, String> {
    let wrong = || "a span is 500ms, 30s, 10m, 2h, 90d or a number of milliseconds".to_owned();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor = match unit {
        "" | "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(wrong()),
    };
    number.parse::<u64>().ok().and_then(|n| n.checked_mul(factor)).ok_or_else(wrong)
}

/// Host and port of an address, for messages: a password in it is not repeated.
pub fn place(uri: &Uri) -> &str {
    let authority = uri.authority().map_or("", Authority::as_str);
    authority.rsplit_once('@').map_or(authority, |(_, place)| place)
}

/// A whole file of at most 4 MiB.
pub fn file(path: &Path) -> Result<Zeroizing<Vec<u8>>> {
    let cannot = |why: &str| Failure::unusable(format!("{}: {why}", path.display()));
    let source = std::fs::File::open(path).map_err(|e| cannot(&e.kind().to_string()))?;
    read(source).map_err(|why| cannot(&why))
}

/// The same as text, without blanks around it.
pub fn text_file(path: &Path) -> Result<Zeroizing<String>> {
    let bytes = file(path)?;
    let text = std::str::from_utf8(&bytes);
    let text = text.map_err(|_| Failure::unusable(format!("{}: not UTF-8", path.display())))?;
    Ok(Zeroizing::new(text.trim().to_owned()))
}

/// A token as people hand it over: itself, `-` for standard input, or the path of a file that holds it.
pub fn token(text: &str) -> Result<Zeroizing<String>> {
    if text == "-" {
        let bytes =
            read(std::io::stdin().lock()).map_err(|why| Failure::unusable(format!("stdin: {why}")))?;
        let text = std::str::from_utf8(&bytes).map_err(|_| Failure::unusable("stdin: not UTF-8"))?;
        return Ok(Zeroizing::new(text.trim().to_owned()));
    }
    let path = Path::new(text);
    if path.is_file() { text_file(path) } else { Ok(Zeroizing::new(text.trim().to_owned())) }
}

fn read(source: impl std::io::Read) -> std::result::Result<Zeroizing<Vec<u8>>, String> {
    let mut bytes = Zeroizing::new(Vec::new());
    source.take(MAX_INPUT + 1).read_to_end(&mut bytes).map_err(|e| e.kind().to_string())?;
    if bytes.len() as u64 > MAX_INPUT { Err("longer than 4 MiB".to_owned()) } else { Ok(bytes) }
}

/// An RSA private key of a PEM file.
pub fn private_key(path: &Path) -> Result<RsaSigner> {
    let pem = text_file(path)?;
    RsaSigner::from_pem(&pem).map_err(|error| Failure::unusable(format!("{}: {error}", path.display())))
}

/// A certificate of a PEM or DER file.
pub fn certificate(path: &Path) -> Result<Certificate> {
    Certificate::from_file(&file(path)?)
        .map_err(|error| Failure::unusable(format!("{}: {error}", path.display())))
}

/// The configuration; a message about it names the file.
pub fn config(path: &Path) -> Result<Config> {
    let text = text_file_as_is(path)?;
    Config::parse(&text)
        .map_err(|error| Failure::unusable(format!("{}: {}", path.display(), error.to_string().trim_end())))
}

/// Untrimmed, so that the lines that an error names are those of the file.
fn text_file_as_is(path: &Path) -> Result<String> {
    let bytes = file(path)?;
    let text = std::str::from_utf8(&bytes);
    text.map(str::to_owned).map_err(|_| Failure::unusable(format!("{}: not UTF-8", path.display())))
}

/// Lines of columns, aligned by the characters of the longest; the last column runs free.
pub fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns)
        .map(|i| rows.iter().filter_map(|row| row.get(i)).map(|cell| cell.chars().count()).max().unwrap_or(0))
        .collect();
    let mut out = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', width + 2 - cell.chars().count()));
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_read_in_every_unit_and_bare_as_milliseconds() {
        for (text, millis) in [
            ("600000", 600_000),
            ("500ms", 500),
            ("30s", 30_000),
            ("10m", 600_000),
            ("2h", 7_200_000),
            ("90d", 7_776_000_000),
        ] {
            assert_eq!(milliseconds(text), Ok(millis), "{text}");
        }
        for text in ["", "m", "-1", "1.5h", "10 m", "1w", "99999999999999999999", "18446744073709551615d"] {
            assert!(milliseconds(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_time_is_read_as_the_wire_writes_it() {
        assert_eq!(time("--at", Some("2026-04-01T12:00:00+05:00")).unwrap(), 1_775_026_800);
        assert!(time("--at", Some("tomorrow")).unwrap_err().text.starts_with("--at: "));
        assert!(time("--at", None).is_ok());
    }

    #[test]
    fn a_number_is_refused_by_the_flag_and_the_rule_and_not_repeated() {
        let failure = iin("--uin", "800101399016").unwrap_err();
        assert_eq!(failure.text, "--uin: control digit is wrong");
        assert_eq!(bin("--bin", "1").unwrap_err().text, "--bin: must have 12 digits");
    }

    #[test]
    fn columns_line_up_by_characters() {
        let row = |a: &str, b: &str| vec![a.to_owned(), b.to_owned()];
        assert_eq!(table(&[row("ұзын", "1"), row("a", "2")]), "ұзын  1\na     2\n");
    }
}
