//! The tree in the making: takes each piece of markup, checks it, stores it.
//!
//! `at` and `base` are bytes of the source; faults are placed relative to the
//! first byte of the markup.

use super::syntax::{self, Fault};
use super::tag::{self, Scope, index};
use super::tree::{Declaration, Document, ElementData, Kind, NONE, NodeData, Span, XML_PREFIX};
use super::{ErrorKind, Limits, name};

/// A document of which a part has been read.
pub(super) struct Builder<'a> {
    document: Document<'a>,
    limits: Limits,
    scope: Scope<'a>,
    open: Vec<Open>,
    run: Run,
}

/// An element whose end tag has not been met.
struct Open {
    index: u32,
    data: ElementData,
    comment: bool,
    text: bool,
}

/// The text since the last markup that ends a text node.
enum Run {
    Empty,
    /// One piece that stands in the source as it is.
    Source(Span),
    /// Everything in the unescaped text from this byte on.
    Unescaped(usize),
}

impl<'a> Builder<'a> {
    pub fn new(source: &'a str, limits: Limits) -> Self {
        let built_in = |prefix| Declaration { prefix, uri: Span::EMPTY, shadows: NONE };
        let document = Document {
            source,
            unescaped: String::new(),
            nodes: Vec::with_capacity(source.len() / 48 + 4),
            attributes: Vec::with_capacity(32),
            declarations: vec![built_in(0), built_in(XML_PREFIX)],
            prefixes: vec!["", "xml"],
            comments: Vec::new(),
            root: NONE,
            comment_in_text: None,
            has_processing_instruction: false,
            relative: Vec::new(),
        };
        Self { document, limits, scope: Scope::new(), open: Vec::new(), run: Run::Empty }
    }

    pub fn start(&mut self, inner: &'a str, base: usize) -> Result<(), Fault> {
        self.end_run();
        if self.open.is_empty() && self.document.root != NONE {
            return Err((ErrorKind::SecondRoot, 0));
        }
        if self.open.len() >= self.limits.depth {
            return Err((ErrorKind::TooDeep, 0));
        }
        let data = tag::start(inner, base, &self.limits, &mut self.scope, &mut self.document)
            .map_err(|(kind, at)| (kind, at + 1))?;
        let index = self.push(Kind::Element(data));
        if self.open.is_empty() {
            self.document.root = index;
        }
        self.open.push(Open { index, data, comment: false, text: false });
        Ok(())
    }

    pub fn end(&mut self, inner: &str) -> Result<(), Fault> {
        let opened = self.open.last().map_or("", |open| self.document.qualified(open.data.name));
        let blanks = inner.strip_prefix(opened).ok_or((ErrorKind::MismatchedTag, 0))?;
        if !blanks.bytes().all(name::is_blank) {
            return Err((ErrorKind::MismatchedTag, 0));
        }
        self.close();
        Ok(())
    }

    pub fn close(&mut self) {
        self.end_run();
        let Some(open) = self.open.pop() else { return };
        let end = index(self.document.nodes.len());
        if let Some(node) = self.document.nodes.get_mut(open.index as usize) {
            node.end = end;
        }
        if open.comment && open.text && self.document.comment_in_text.is_none() {
            self.document.comment_in_text = Some(open.index);
        }
        self.scope.leave(&open.data, &self.document);
    }

    pub fn text(&mut self, raw: &str, at: usize) -> Result<(), Fault> {
        if self.open.is_empty() {
            return match raw.bytes().position(|b| !name::is_blank(b)) {
                Some(offset) => Err((ErrorKind::TextOutsideRoot, offset)),
                None => Ok(()),
            };
        }
        if let Some((offset, _)) = raw
            .match_indices('>')
            .find(|&(offset, _)| raw.as_bytes().get(..offset).is_some_and(|b| b.ends_with(b"]]")))
        {
            return Err((ErrorKind::CdataEnd, offset - 2));
        }
        self.extend_run(raw, at);
        Ok(())
    }

    pub fn cdata(&mut self, inner: &str, at: usize) -> Result<(), Fault> {
        refuse_mention(inner)?;
        if self.open.is_empty() {
            return Err((ErrorKind::TextOutsideRoot, 0));
        }
        if !inner.is_empty() {
            self.extend_run(inner, at);
        }
        Ok(())
    }

    pub fn reference(&mut self, name: &str) -> Result<(), Fault> {
        if self.open.is_empty() {
            return Err((ErrorKind::TextOutsideRoot, 0));
        }
        let c = syntax::reference(name).map_err(|kind| (kind, 0))?;
        self.note_text(!c.is_ascii_whitespace());
        self.own_run();
        self.document.unescaped.push(c);
        Ok(())
    }

    pub fn comment(&mut self, inner: &str, at: usize) -> Result<(), Fault> {
        refuse_mention(inner)?;
        if inner.contains("--") || inner.ends_with('-') {
            return Err((ErrorKind::CommentHyphens, 0));
        }
        self.end_run();
        if let Some(open) = self.open.last_mut() {
            open.comment = true;
        }
        let text = self.lines(inner, at);
        let index = self.push(Kind::Comment(text));
        self.document.comments.push(index);
        Ok(())
    }

    pub fn instruction(&mut self, inner: &str, at: usize) -> Result<(), Fault> {
        refuse_mention(inner)?;
        self.end_run();
        let length = name::part(inner);
        let (target, rest) = inner.split_at_checked(length).unwrap_or_default();
        let data = syntax::trim_blanks(rest);
        if length == 0 || rest.starts_with(':') {
            return Err((ErrorKind::Name, 2));
        }
        if length > self.limits.name_bytes {
            return Err((ErrorKind::NameTooLong, 2));
        }
        if target.eq_ignore_ascii_case("xml") {
            return Err((ErrorKind::ReservedTarget, 0));
        }
        if data.len() == rest.len() && !rest.is_empty() {
            return Err((ErrorKind::ProcessingInstruction, 2 + length));
        }
        let data = self.lines(data, at + inner.len() - data.len());
        let target = Span { at: index(at), len: index(length) };
        self.push(Kind::Pi { target, data });
        self.document.has_processing_instruction = true;
        Ok(())
    }

    /// The document, if it is whole.
    pub fn finish(self) -> Result<Document<'a>, ErrorKind> {
        match (self.open.is_empty(), self.document.root) {
            (false, _) => Err(ErrorKind::Unclosed),
            (true, NONE) => Err(ErrorKind::NoRoot),
            (true, _) => Ok(self.document),
        }
    }

    fn push(&mut self, kind: Kind) -> u32 {
        let at = index(self.document.nodes.len());
        let parent = self.open.last().map_or(NONE, |open| open.index);
        self.document.nodes.push(NodeData { parent, end: at.saturating_add(1), kind });
        at
    }

    /// Whether there are no more nodes than may be.
    pub fn is_within(&self) -> Result<(), ErrorKind> {
        if self.document.nodes.len() > self.limits.nodes { Err(ErrorKind::TooManyNodes) } else { Ok(()) }
    }

    /// `text`, which stands at byte `at` of the source, with its line ends normalised.
    fn lines(&mut self, text: &str, at: usize) -> Span {
        if !text.contains('\r') {
            return Span { at: index(at), len: index(text.len()) };
        }
        let from = self.document.unescaped.len();
        syntax::push_lines(text, &mut self.document.unescaped);
        Span { at: index(from) | Span::UNESCAPED, len: index(self.document.unescaped.len() - from) }
    }

    fn note_text(&mut self, visible: bool) {
        if let Some(open) = self.open.last_mut() {
            open.text |= visible;
        }
    }

    fn extend_run(&mut self, text: &str, at: usize) {
        self.note_text(!text.bytes().all(name::is_blank));
        if matches!(self.run, Run::Empty) && !text.contains('\r') {
            self.run = Run::Source(Span { at: index(at), len: index(text.len()) });
        } else {
            self.own_run();
            syntax::push_lines(text, &mut self.document.unescaped);
        }
    }

    /// Moves the run to the unescaped text, to be continued there.
    fn own_run(&mut self) {
        let from = self.document.unescaped.len();
        match self.run {
            Run::Unescaped(_) => return,
            Run::Empty => {}
            Run::Source(span) => {
                let source = self.document.source;
                let at = span.at as usize;
                let text = source.get(at..at + span.len as usize).unwrap_or_default();
                self.document.unescaped.push_str(text);
            }
        }
        self.run = Run::Unescaped(from);
    }

    /// Makes the run a text node.
    fn end_run(&mut self) {
        let span = match std::mem::replace(&mut self.run, Run::Empty) {
            Run::Empty => return,
            Run::Source(span) => span,
            Run::Unescaped(from) => {
                Span { at: index(from) | Span::UNESCAPED, len: index(self.document.unescaped.len() - from) }
            }
        };
        self.push(Kind::Text(span));
    }
}

/// Refuses the text of a document type declaration where it is none.
///
/// In a comment, an instruction or CDATA it is harmless here, but no message has
/// reason to carry one and a careless reader behind us could act on it.
fn refuse_mention(inner: &str) -> Result<(), Fault> {
    let mentions = |&(at, _): &(usize, &str)| inner.get(at + 2..).is_some_and(begins_doctype);
    match inner.match_indices("<!").find(mentions) {
        Some((at, _)) => Err((ErrorKind::Doctype, at)),
        None => Ok(()),
    }
}

/// Whether `DOCTYPE` stands here, in either case.
pub(super) fn begins_doctype(after_bang: &str) -> bool {
    after_bang.get(..7).is_some_and(|keyword| keyword.eq_ignore_ascii_case("DOCTYPE"))
}
