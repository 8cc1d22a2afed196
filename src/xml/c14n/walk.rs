//! The walk that writes: a loop over the arena. Per prefix it is known which
//! declaration the output has in force, so that no list of ancestors is searched.

use super::Method;
use crate::xml::element::Element;
use crate::xml::escape;
use crate::xml::tag::index as to_index;
use crate::xml::tree::{
    AttributeData, Document, ElementData, Kind, NO_NAMESPACE, NONE, NodeData, XML, XML_PREFIX,
};

/// How many bytes are written for each byte of the source, and in any case. The exclusive form repeats a declaration on
/// each element that uses it beside others: a source of a megabyte could ask for gigabytes of it.
const PER_BYTE: usize = 2;
/// See [`PER_BYTE`].
const ALWAYS: usize = 64 << 10;
/// After so many bytes of one text it is looked whether there is still room.
const PIECE: usize = 32 << 10;

/// The output in the making.
pub(super) struct Walk<'w, 'd, 'a> {
    document: &'d Document<'a>,
    apex: u32,
    /// The element around which nothing is looked at: the apex, or one around it.
    pub root: u32,
    omitted: &'w [Element<'d, 'a>],
    method: Method<'w>,
    out: &'w mut Vec<u8>,
    /// For each prefix, the declaration that the output has in force.
    rendered: Vec<u32>,
    /// For each prefix, whether the list names it; empty without a list.
    listed: Vec<bool>,
    /// What `rendered` held before, to be restored when an element ends.
    undo: Vec<(u32, u32)>,
    /// For each open element, the length of `undo` before it.
    marks: Vec<usize>,
    declarations: Vec<u32>,
    attributes: Vec<AttributeData>,
    /// Length that the output may have.
    most: usize,
    is_too_large: bool,
    /// Whether an element in no namespace was written with no default in force.
    pub open_to_default: bool,
}

impl<'w, 'd, 'a> Walk<'w, 'd, 'a> {
    pub fn new(
        document: &'d Document<'a>,
        apex: u32,
        omitted: &'w [Element<'d, 'a>],
        method: Method<'w>,
        out: &'w mut Vec<u8>,
    ) -> Self {
        let list = if method.exclusive { method.inclusive_prefixes } else { &[] };
        let is_listed = |prefix: &&str| match *prefix {
            "" => list.contains(&"#default"),
            prefix => list.contains(&prefix),
        };
        let listed = match list {
            [] => Vec::new(),
            _ => document.prefixes.iter().map(is_listed).collect(),
        };
        let most = document.source.len().saturating_mul(PER_BYTE).saturating_add(ALWAYS + out.len());
        Self {
            document,
            apex,
            root: apex,
            omitted,
            method,
            out,
            rendered: vec![NO_NAMESPACE; document.prefixes.len()],
            listed,
            undo: Vec::new(),
            marks: Vec::new(),
            declarations: Vec::new(),
            attributes: Vec::new(),
            most,
            is_too_large: false,
            open_to_default: false,
        }
    }

    /// The root with the comments and instructions around it, a line each.
    pub fn document(&mut self) {
        let end = self.document.node(self.apex).map_or(0, |root| root.end);
        for index in 0..self.apex {
            if self.leaf(index) {
                self.out.push(b'\n');
            }
        }
        self.subtree();
        for index in end..to_index(self.document.nodes.len()) {
            let before = self.out.len();
            self.out.push(b'\n');
            if !self.leaf(index) {
                self.out.truncate(before);
            }
        }
    }

    /// The apex with everything inside it.
    pub fn subtree(&mut self) {
        let document = self.document;
        let end = document.node(self.apex).map_or(0, |apex| apex.end);
        let mut index = self.apex;
        let mut current = NONE;
        while index < end && !self.is_too_large {
            let Some(node) = document.node(index) else {
                break;
            };
            match &node.kind {
                Kind::Element(_) if self.is_omitted(index) => index = node.end,
                Kind::Element(element) => {
                    self.open(element, index);
                    current = index;
                    index += 1;
                }
                Kind::Text(_) | Kind::Comment(_) | Kind::Pi { .. } => {
                    self.leaf(index);
                    index += 1;
                }
            }
            while let Some((NodeData { parent, end, .. }, element)) = element_at(document, current)
                && *end == index
            {
                self.close(element);
                current = if current == self.apex { NONE } else { *parent };
            }
        }
    }

    /// Writes a node that is no element; tells whether anything was written.
    fn leaf(&mut self, index: u32) -> bool {
        let document = self.document;
        match document.node(index).map(|node| &node.kind) {
            Some(&Kind::Text(text)) => self.put_escaped(document.slice(text), escape::push_text),
            Some(&Kind::Comment(text)) if self.method.comments => {
                self.put(&["<!--", document.slice(text), "-->"]);
            }
            Some(&Kind::Pi { target, data }) => {
                let data = document.slice(data);
                let blank = if data.is_empty() { "" } else { " " };
                self.put(&["<?", document.slice(target), blank, data, "?>"]);
            }
            Some(Kind::Comment(_) | Kind::Element(_)) | None => return false,
        }
        true
    }

    fn open(&mut self, element: &ElementData, index: u32) {
        let document = self.document;
        self.marks.push(self.undo.len());
        self.declarations.clear();
        self.attributes.clear();
        self.attributes.extend_from_slice(document.attributes_of(element));
        let is_apex = index == self.apex;
        if self.method.exclusive {
            self.declare_used(element);
            if !self.listed.is_empty() {
                self.declare_in_scope(element, index, is_apex);
            }
        } else {
            self.declare_in_scope(element, index, is_apex);
            if is_apex {
                self.inherit_xml_attributes(index);
            }
        }
        self.open_to_default |= element.is_unprefixed() && document.uri(self.in_force(0)).is_empty();
        self.out.push(b'<');
        self.put(&[document.qualified(element.name)]);
        self.put_declarations();
        self.put_attributes();
        self.out.push(b'>');
    }

    fn close(&mut self, element: &ElementData) {
        self.put(&["</", self.document.qualified(element.name), ">"]);
        let mark = self.marks.pop().unwrap_or(0);
        for (prefix, before) in self.undo.drain(mark..).rev() {
            if let Some(declaration) = self.rendered.get_mut(prefix as usize) {
                *declaration = before;
            }
        }
    }

    /// Declares what the element and its attributes visibly utilise (Exclusive XML
    /// Canonicalization, 3).
    fn declare_used(&mut self, element: &ElementData) {
        self.declare(element.namespace);
        for at in 0..self.attributes.len() {
            match self.attributes.get(at).map(|attribute| attribute.namespace) {
                None | Some(NO_NAMESPACE) => {}
                Some(namespace) => self.declare(namespace),
            }
        }
    }

    /// Declares what stands on the element (all of it, or what the list names), and
    /// for the apex what stands on its ancestors and is still in force.
    fn declare_in_scope(&mut self, element: &ElementData, index: u32, is_apex: bool) {
        if !is_apex {
            for declaration in Document::declarations_of(element) {
                self.declare_if_listed(declaration);
            }
            return;
        }
        let document = self.document;
        let mut in_force = vec![NO_NAMESPACE; document.prefixes.len()];
        let mut around = index;
        while let Some((node, element)) = element_at(document, around) {
            for index in Document::declarations_of(element) {
                let prefix = document.declarations.get(index as usize).map(|found| found.prefix);
                let slot = prefix.and_then(|prefix| in_force.get_mut(prefix as usize));
                // The innermost was met first; an undeclared default counts as met.
                match slot {
                    Some(slot) if *slot == NO_NAMESPACE => *slot = index,
                    _ => {}
                }
            }
            around = self.around(around, node);
        }
        for declaration in in_force.into_iter().filter(|&index| index != NO_NAMESPACE) {
            self.declare_if_listed(declaration);
        }
    }

    fn declare_if_listed(&mut self, declaration: u32) {
        let prefix = self.prefix_of(declaration);
        let by_list = self.listed.get(prefix as usize).copied();
        if by_list.unwrap_or(!self.method.exclusive) {
            self.declare(declaration);
        }
    }

    /// Puts a declaration on the element being opened, unless the output has it in force.
    fn declare(&mut self, declaration: u32) {
        let prefix = self.prefix_of(declaration);
        let before = self.in_force(prefix);
        let same = before == declaration || self.document.uri(before) == self.document.uri(declaration);
        if same || prefix == XML_PREFIX {
            return;
        }
        if let Some(slot) = self.rendered.get_mut(prefix as usize) {
            *slot = declaration;
            self.undo.push((prefix, before));
            self.declarations.push(declaration);
        }
    }

    fn in_force(&self, prefix: u32) -> u32 {
        self.rendered.get(prefix as usize).copied().unwrap_or(NO_NAMESPACE)
    }

    fn prefix_of(&self, declaration: u32) -> u32 {
        self.document.declarations.get(declaration as usize).map_or(0, |found| found.prefix)
    }

    /// Canonical XML 1.0, 2.4: the apex takes over the attributes in the `xml`
    /// namespace of its ancestors, each from the nearest.
    fn inherit_xml_attributes(&mut self, index: u32) {
        let document = self.document;
        let mut around = document.node(index).map_or(NONE, |apex| self.around(index, apex));
        while let Some((node, element)) = element_at(document, around) {
            for attribute in document.attributes_of(element) {
                let local = document.local(attribute.name);
                let is_known =
                    |known: &AttributeData| known.namespace == XML && document.local(known.name) == local;
                if attribute.namespace == XML && !self.attributes.iter().any(is_known) {
                    self.attributes.push(*attribute);
                }
            }
            around = self.around(around, node);
        }
    }

    /// The element around this one, as far as it is looked at.
    fn around(&self, index: u32, node: &NodeData) -> u32 {
        if index == self.root { NONE } else { node.parent }
    }

    /// Whether it was given up, and what was written is not all.
    pub fn is_too_large(&self) -> bool {
        self.is_too_large
    }

    /// In the order of the prefixes, the default first.
    fn put_declarations(&mut self) {
        let document = self.document;
        let prefix = |&declaration: &u32| {
            let found = document.declarations.get(declaration as usize);
            found.and_then(|found| document.prefixes.get(found.prefix as usize)).copied()
        };
        let mut declarations = std::mem::take(&mut self.declarations);
        declarations.sort_unstable_by_key(prefix);
        for declaration in &declarations {
            match prefix(declaration) {
                None | Some("") => self.put(&[" xmlns=\""]),
                Some(prefix) => self.put(&[" xmlns:", prefix, "=\""]),
            }
            self.put_escaped(document.uri(*declaration), escape::push_value);
            self.out.push(b'"');
        }
        self.declarations = declarations;
    }

    /// In the order of namespace, then local name.
    fn put_attributes(&mut self) {
        let document = self.document;
        let key =
            |attribute: &AttributeData| (document.uri(attribute.namespace), document.local(attribute.name));
        let mut attributes = std::mem::take(&mut self.attributes);
        attributes.sort_unstable_by(|one, other| key(one).cmp(&key(other)));
        for attribute in &attributes {
            self.put(&[" ", document.qualified(attribute.name), "=\""]);
            self.put_escaped(document.slice(attribute.value), escape::push_value);
            self.out.push(b'"');
        }
        self.attributes = attributes;
    }

    fn is_omitted(&self, index: u32) -> bool {
        self.omitted.contains(&Element { document: self.document, index })
    }

    /// Writes text piece by piece, as long as there is room.
    fn put_escaped(&mut self, text: &str, push: fn(&str, &mut Vec<u8>)) {
        let mut rest = text;
        while !rest.is_empty() && !self.is_too_large {
            let mut end = rest.len().min(PIECE);
            while !rest.is_char_boundary(end) {
                end += 1;
            }
            let (piece, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
            push(piece, self.out);
            self.is_too_large = self.out.len() > self.most;
            rest = after;
        }
    }

    fn put(&mut self, parts: &[&str]) {
        for part in parts {
            self.out.extend_from_slice(part.as_bytes());
        }
    }
}

fn element_at<'d>(document: &'d Document<'_>, index: u32) -> Option<(&'d NodeData, &'d ElementData)> {
    let node = document.node(index)?;
    match &node.kind {
        Kind::Element(element) => Some((node, element)),
        Kind::Text(_) | Kind::Comment(_) | Kind::Pi { .. } => None,
    }
}
