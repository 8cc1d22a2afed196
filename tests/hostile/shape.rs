//! Messages that are made to cost: what a stranger may send, no signature in it.

/// A message, and what must come of it.
pub struct Hostile {
    pub name: String,
    /// `errorCode`; or `responseInfo/status/code`, and `data/reason` behind a blank.
    pub code: &'static str,
    pub sent: Sent,
}

/// How it is sent.
pub enum Sent {
    /// Within the limit of a body.
    Whole(Vec<u8>),
    /// Longer than that: what it begins with, and what is repeated so many times after it.
    Endless { start: String, piece: Vec<u8>, times: usize, is_chunked: bool },
}

/// A body may have so many bytes; a little is left for what stands around.
pub const ROOM: usize = (1 << 20) - 6000;

/// Nearly as many nodes as a document may have.
pub const MANY: usize = 60_000;

const SOAP: &str = "http://schemas.xmlsoap.org/soap/envelope/";

/// As many as fit.
pub fn many(unit: &str) -> String {
    unit.repeat(ROOM / unit.len())
}

/// As many as fit, numbered at `#`.
pub fn numbered(unit: &str) -> String {
    let mut all = String::with_capacity(ROOM);
    for number in 0.. {
        let next = unit.replace('#', &number.to_string());
        if all.len() + next.len() > ROOM {
            break;
        }
        all.push_str(&next);
    }
    all
}

pub fn envelope(header: &str) -> String {
    format!(
        "<s:Envelope xmlns:s=\"{SOAP}\"><s:Header><h>{header}</h></s:Header><s:Body><a/></s:Body></s:Envelope>"
    )
}

fn text(name: &str, code: &'static str, text: String) -> Hostile {
    Hostile { name: name.to_owned(), code, sent: Sent::Whole(text.into_bytes()) }
}

pub fn all() -> Vec<Hostile> {
    let mut all = declared();
    all.extend(counted());
    all.extend(long());
    all.extend(encoded());
    all.extend(endless());
    all
}

fn declared() -> Vec<Hostile> {
    let laugh = |n: usize| format!("<!ENTITY l{n} \"{}\">", format!("&l{};", n - 1).repeat(10));
    let laughs = (1..10).map(laugh).collect::<Vec<_>>().concat();
    let with = |subset: &str, content: &str| format!("<!DOCTYPE a [{subset}]><a>{content}</a>");
    [
        ("billion laughs", with(&format!("<!ENTITY l0 \"lol\">{laughs}"), "&l9;")),
        (
            "an entity of 500 kB, 100 000 times",
            with(&format!("<!ENTITY x \"{}\">", "x".repeat(500_000)), &"&x;".repeat(100_000)),
        ),
        ("an entity that calls itself", with("<!ENTITY x \"&x;\">", "&x;")),
        ("entities of parameters", with(&many("<!ENTITY % p SYSTEM 'http://localhost/'>%p;"), "")),
        ("an external entity", with("<!ENTITY x SYSTEM 'file:///dev/zero'>", "&x;")),
        ("a declaration that never ends", format!("<!DOCTYPE a {}", many("["))),
    ]
    .map(|(name, message)| text(name, "SCE001", message))
    .into()
}

fn counted() -> Vec<Hostile> {
    let inside = |name, code, content: String| text(name, code, envelope(&content));
    let open = many("<a>").len() / 3;
    vec![
        inside("attributes on one element", "SCE001", format!("<a{}/>", numbered(" a#=\"\""))),
        inside("an attribute on each element", "SCE001", many("<a b=\"\"/>")),
        inside("declarations on one element", "SCE001", format!("<a{}/>", numbered(" xmlns:a#=\"u:\""))),
        inside("a declaration on each element", "SCE001", many("<a xmlns=\"u:\"/>")),
        inside("an undeclared prefix on each element", "SCE001", numbered("<a#:b/>")),
        text("depth, never closed", "SCE001", many("<a>")),
        text("depth, closed", "SCE001", format!("{}{}", "<a>".repeat(open / 3), "</a>".repeat(open / 3))),
        inside("comments", "SCE001", many("<!---->")),
        inside("instructions", "SCE001", many("<?a?>")),
        inside("elements", "SCE001", many("<a/>")),
        inside("elements and text by turns", "SCE001", many("<a/>b")),
        inside("elements of other names", "SCE001", numbered("<a#/>")),
        inside("as many elements as are read", "SCE007", "<a/>".repeat(MANY)),
        inside("as many comments as are read", "SCE007", "<!---->".repeat(MANY)),
        inside("as many elements and texts as are read", "SCE007", "<a/>b".repeat(MANY / 2)),
        inside("sections of CDATA", "SCE007", format!("<a>{}</a>", many("<![CDATA[]]>"))),
        inside("references to characters", "SCE007", format!("<a>{}</a>", many("&#38;"))),
        inside("comments in a text", "SCE001", format!("<a>{}</a>", many("b<!---->"))),
        text("tags that close nothing", "SCE001", many("</a>")),
        text(
            "blocks that must be understood",
            "SCE001",
            envelope("").replace("<h></h>", &many("<h s:mustUnderstand=\"0\"/>")),
        ),
        text("bodies", "SCE001", envelope("").replace("<s:Body>", &format!("{}<s:Body>", many("<s:Body/>")))),
    ]
}

fn long() -> Vec<Hostile> {
    let a = "a".repeat(ROOM);
    let inside = |name, code, content: String| text(name, code, envelope(&content));
    vec![
        inside("the name of an element", "SCE001", format!("<{a}/>")),
        inside("the name of an attribute", "SCE001", format!("<b {a}=\"\"/>")),
        inside("a prefix", "SCE001", format!("<b xmlns:{a}=\"u:\"/>")),
        inside("the target of an instruction", "SCE001", format!("<?{a}?>")),
        inside("the value of an attribute", "SCE007", format!("<b c=\"{a}\"/>")),
        inside("quotes in an attribute", "SCE007", format!("<b c='{}'/>", many("\""))),
        inside("a namespace", "SCE007", format!("<b xmlns=\"u:{a}\"/>")),
        inside("a comment", "SCE007", format!("<!--{a}-->")),
        inside("a text", "SCE007", a.clone()),
        inside("blanks in a tag", "SCE007", format!("<b{}/>", many(" "))),
        inside("a number of a character", "SCE007", format!("&#{}65;", many("0"))),
        inside("the name of an entity", "SCE001", format!("&{a};")),
        inside("a comment that never ends", "SCE001", format!("<!--{a}")),
        inside("CDATA that never ends", "SCE001", format!("<![CDATA[{a}")),
        inside("a quote that never ends", "SCE001", format!("<b c=\"{a}")),
        inside("a tag that never ends", "SCE001", format!("<b {}", many("\n"))),
        inside("brackets", "SCE001", many("]]>")),
        inside("signs of less", "SCE001", many("<")),
        inside("signs of a reference", "SCE001", many("&")),
        inside("hyphens", "SCE001", format!("<!--{}-->", many("-"))),
        inside("lines before the error", "SCE001", format!("{}<", many("\n"))),
        text("an XML declaration", "SCE001", format!("<?xml version=\"1.0\"{}?><a/>", many(" "))),
        text("blanks alone", "SCE001", many(" ")),
    ]
}

fn encoded() -> Vec<Hostile> {
    let good = envelope(&"a".repeat(ROOM));
    let utf_16 =
        |order: fn(u16) -> [u8; 2]| good[..ROOM / 2].encode_utf16().flat_map(order).collect::<Vec<u8>>();
    let wide = good[..ROOM / 4].bytes().flat_map(|byte| [byte, 0, 0, 0]).collect();
    let broken = |piece: &[u8]| [b"<a>".as_slice(), &piece.repeat(ROOM / piece.len())].concat();
    let last = [good.as_bytes(), b"\xc3"].concat();
    [
        ("UTF-8 that breaks at the last byte", last),
        ("bytes that only continue", broken(b"\x80")),
        ("bytes that are in no UTF-8", broken(b"\xff")),
        ("an overlong form of each character", broken(b"\xc1\xa1")),
        ("surrogates in UTF-8", broken(b"\xed\xa0\x80")),
        ("characters beyond Unicode", broken(b"\xf7\xbf\xbf\xbf")),
        ("characters cut short", broken(b"\xf0\x9f\x98")),
        ("UTF-16, the low byte first", [b"\xff\xfe".to_vec(), utf_16(u16::to_le_bytes)].concat()),
        ("UTF-16, the high byte first", utf_16(u16::to_be_bytes)),
        ("UTF-32", wide),
        ("nothing but NUL", vec![0; ROOM]),
        ("byte order marks", "\u{feff}".repeat(ROOM / 3).into_bytes()),
        ("what a compressed file begins with", [b"\x1f\x8b\x08\0".as_slice(), &vec![0x55; ROOM]].concat()),
    ]
    .map(|(name, bytes)| Hostile { name: name.to_owned(), code: "SCE001", sent: Sent::Whole(bytes) })
    .into()
}

/// Longer than a body may be: what a million of something needs.
fn endless() -> Vec<Hostile> {
    let megabyte = vec![b'a'; 1 << 20];
    let header = format!("<s:Envelope xmlns:s=\"{SOAP}\"><s:Header><h");
    let million = 1_000_000;
    let of = |name: &str, start: String, piece: &[u8], times, is_chunked| Hostile {
        name: name.to_owned(),
        code: "KDP413",
        sent: Sent::Endless { start, piece: piece.to_vec(), times, is_chunked },
    };
    vec![
        of("100 MB of text", format!("{header}>"), &megabyte, 100, false),
        of("100 MB of text that do not tell their length", format!("{header}>"), &megabyte, 100, true),
        of("a million attributes", header.clone(), b" abcdef=\"\"", million, false),
        of("a million declarations", header.clone(), b" xmlns:abcdef=\"u:\"", million, false),
        of("a million levels", format!("{header}>"), b"<a>", million, false),
        of("a million levels that do not tell their length", format!("{header}>"), b"<a>", million, true),
        of("a million comments", format!("{header}>"), b"<!---->", million, false),
        of("a million instructions", format!("{header}>"), b"<?a?>", million, false),
        of("an ovt of 10 MB", format!("{header}/></s:Header><s:Body><ovt>"), &megabyte, 10, false),
    ]
}
