//! What several commands read in the same way.

use super::access::Login;
use super::{Failure, Result};
use hyper::Uri;
use hyper::http::uri::Authority;
use kdp::clock::{self, Clock as _, SystemClock};
use kdp::config::Config;
use kdp::consent::calendar::parse_date;
use kdp::consent::identity::{Bin, Iin, ServiceIds};
use kdp::consent::method::Method;
use kdp::consent::revocation::midnight;
use kdp::text::Lang;
use kdp::trust::certificate::Certificate;
use kdp::trust::sign::{self, Signer};
use std::io::Read as _;
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};
use time::Date;
use zeroize::Zeroizing;

/// Longest file or standard input that is read, bytes.
const MAX_INPUT: u64 = 4 << 20;
/// Longest text of a flag, characters.
const MAX_LINE: usize = 1000;

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

/// A span for clap that is stored in seconds: `30s`, `10m`, `2h`, `90d`.
pub fn seconds(text: &str) -> std::result::Result<u64, String> {
    let wrong = || "a span is 30s, 10m, 2h or 90d".to_owned();
    let (number, unit) =
        text.len().checked_sub(1).and_then(|at| text.split_at_checked(at)).ok_or_else(wrong)?;
    let factor = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return Err(wrong()),
    };
    if !number.bytes().all(|b| b.is_ascii_digit()) {
        return Err(wrong());
    }
    number.parse::<u64>().ok().and_then(|n| n.checked_mul(factor)).ok_or_else(wrong)
}

/// A time for clap, Unix milliseconds: `xs:dateTime`, or a date alone, which is its beginning in Astana.
pub fn moment(text: &str) -> std::result::Result<i64, &'static str> {
    let time = clock::parse(text).or_else(|| parse_date(text).and_then(midnight));
    time.ok_or("a time is written as 2026-04-01T12:00:00+05:00, a date as 2026-04-01")
}

/// A date for clap.
pub fn date(text: &str) -> std::result::Result<Date, &'static str> {
    parse_date(text).ok_or("a date is written as 2026-03-05")
}

/// A language for clap.
pub fn lang(text: &str) -> std::result::Result<Lang, &'static str> {
    Lang::parse(text).ok_or("must be kk, ru or en")
}

/// A line of text that is kept and journalled, without blanks around it. A number of a person in it is refused: such
/// texts are never erased.
pub fn line(flag: &str, text: &str) -> Result<String> {
    let text = text.trim();
    let wrong = |why: &str| Err(Failure::unusable(format!("{flag}: {why}")));
    if text.is_empty() || text.chars().any(char::is_control) {
        return wrong("must be a line of text");
    }
    if text.chars().count() > MAX_LINE {
        return wrong("must be at most 1000 characters");
    }
    if names_a_person(text) {
        return wrong("holds an IIN; personal data do not belong here");
    }
    Ok(text.to_owned())
}

/// Whether twelve digits in a row are an IIN: the fifth digit of an organisation's number is 4 or more.
fn names_a_person(text: &str) -> bool {
    let runs = text.split(|c: char| !c.is_ascii_digit());
    runs.filter(|run| Iin::parse(run).is_ok())
        .any(|run| run.as_bytes().get(4).is_some_and(|digit| *digit < b'4'))
}

/// An id that a registrar chooses: 1 to 128 bytes without blanks.
pub fn id(flag: &str, text: &str) -> Result<String> {
    let fits = (1..=128).contains(&text.len()) && !text.chars().any(|c| c.is_control() || c.is_whitespace());
    if fits && !names_a_person(text) {
        return Ok(text.to_owned());
    }
    Err(Failure::unusable(format!("{flag}: must be 1 to 128 bytes without blanks")))
}

/// `ServiceIDs` of a flag, in order, each once; none are none.
pub fn service_ids(flag: &str, ids: &[String]) -> Result<Vec<String>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let ids = ids.iter().map(|id| id.trim().to_owned());
    let sound = |id: &String| !id.is_empty() && !id.contains([';', ',']);
    let set = ids.clone().all(|id| sound(&id)).then(|| ServiceIds::collect(ids)).flatten();
    set.map(|set| set.as_slice().to_vec()).ok_or_else(|| {
        Failure::unusable(format!("{flag}: ServiceIDs of 1 to 128 bytes, separated by commas"))
    })
}

/// A subject: its IIN, or `-` for standard input.
pub fn subject(text: &str) -> Result<Iin> {
    if text == "-" { iin("stdin", &stdin()?) } else { iin("IIN", text) }
}

/// Host and port of an address, for messages: a password in it is not repeated.
pub fn place(uri: &Uri) -> &str {
    let authority = uri.authority().map_or("", Authority::as_str);
    authority.rsplit_once('@').map_or(authority, |(_, place)| place)
}

/// A whole file of at most 4 MiB.
pub fn file(path: &Path) -> Result<Zeroizing<Vec<u8>>> {
    let cannot = |why: &str| Failure::unusable(format!("{}: {why}", path.display()));
    // One with a name waits for a writer who may never come; those of the shell, below /dev, have theirs.
    let is_pipe = |found: std::fs::Metadata| found.file_type().is_fifo() && !path.starts_with("/dev");
    if std::fs::metadata(path).is_ok_and(is_pipe) {
        return Err(cannot("is a pipe; read it by cat, through /dev/stdin"));
    }
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
        return stdin();
    }
    let path = Path::new(text);
    if path.is_file() { text_file(path) } else { Ok(Zeroizing::new(text.trim().to_owned())) }
}

/// All of standard input, without blanks around it.
fn stdin() -> Result<Zeroizing<String>> {
    let bytes = read(std::io::stdin().lock()).map_err(|why| Failure::unusable(format!("stdin: {why}")))?;
    let text = std::str::from_utf8(&bytes).map_err(|_| Failure::unusable("stdin: not UTF-8"))?;
    Ok(Zeroizing::new(text.trim().to_owned()))
}

fn read(source: impl std::io::Read) -> std::result::Result<Zeroizing<Vec<u8>>, String> {
    let mut bytes = Zeroizing::new(Vec::new());
    source.take(MAX_INPUT + 1).read_to_end(&mut bytes).map_err(|e| e.kind().to_string())?;
    if bytes.len() as u64 > MAX_INPUT { Err("longer than 4 MiB".to_owned()) } else { Ok(bytes) }
}

/// A private key of a PEM file, of any kind.
pub fn private_key(path: &Path) -> Result<Box<dyn Signer>> {
    let pem = text_file(path)?;
    sign::from_pem(&pem).map_err(|error| Failure::unusable(format!("{}: {error}", path.display())))
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

/// An installation, and who is there.
#[derive(clap::Args)]
#[group(skip)]
pub struct Installation {
    #[command(flatten)]
    pub place: Location,
    #[command(flatten)]
    pub login: Login,
}

/// Which installation a command is about: a service by its configuration, or a sandbox by its directory.
#[derive(clap::Args)]
#[group(required = true, multiple = false)]
pub struct Location {
    /// The configuration of a service
    #[arg(long)]
    pub config: Option<PathBuf>,
    /// The data directory of a sandbox, running or not; its clock counts, and its operators need no login
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
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
    fn a_span_in_seconds_needs_its_unit() {
        for (text, span) in [("30s", 30), ("10m", 600), ("2h", 7200), ("90d", 7_776_000), ("0d", 0)] {
            assert_eq!(seconds(text), Ok(span), "{text}");
        }
        for text in ["", "d", "90", "+1d", "-1d", "1.5h", "90 d", "1w", "9\u{434}", "18446744073709551615d"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_date_alone_is_its_beginning_in_astana() {
        assert_eq!(moment("2026-04-01"), moment("2026-04-01T00:00:00+05:00"));
        assert_eq!(moment("2026-04-01T12:00:00Z"), Ok(1_775_044_800_000));
        for text in ["", "tomorrow", "2026-02-30", "2026-04-01 12:00"] {
            assert!(moment(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_kept_text_is_a_line_without_an_iin() {
        assert_eq!(line("--reason", " order № 5 of 260140990117 ").unwrap(), "order № 5 of 260140990117");
        for text in ["", " ", "two\nlines", "about 800101399015", "(800101399015)", &"x".repeat(1001)] {
            let failure = line("--reason", text).unwrap_err();
            assert!(failure.text.starts_with("--reason: ") && !failure.text.contains("8001"), "{text}");
        }
        assert!(line("--reason", "case 8001013990150 of 800101399016").is_ok(), "no IIN is among them");
        assert!(id("ID", "dir-1").is_ok() && id("ID", "").is_err() && id("ID", "800101399015").is_err());
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
