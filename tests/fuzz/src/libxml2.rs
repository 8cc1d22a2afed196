//! libxml2 as an oracle of canonical forms. The one file with `unsafe`: the library is C, and is loaded when it is first
//! asked, so that building needs none of its headers; `xmllint` brings it wherever the tests run.
//!
//! Of its structures only the beginning of a node is known here, which its ABI has kept for twenty years.

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::ptr::{null, null_mut};
use std::sync::OnceLock;

/// What is asked for; elements are named by their way from the root, numbers of children.
pub struct Question<'q> {
    /// The document.
    pub source: &'q [u8],
    /// The element that is made canonical; `None`: the document.
    pub apex: Option<Vec<usize>>,
    /// An element that is left out, with what is in it.
    pub omitted: Option<Vec<usize>>,
    /// Exclusive, not inclusive.
    pub exclusive: bool,
    /// With comments.
    pub comments: bool,
    /// The list of prefixes, of the exclusive form.
    pub prefixes: &'q [&'q str],
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Not well formed.
    Parse,
    /// No canonical form.
    Canonical,
}

/// The canonical form that libxml2 gives.
///
/// # Errors
/// [`Refusal`].
///
/// # Panics
/// Without the library, or when the elements named are not there.
pub fn canonical(question: &Question<'_>) -> Result<Vec<u8>, Refusal> {
    static LIBRARY: OnceLock<Library> = OnceLock::new();
    LIBRARY.get_or_init(Library::load).canonical(question)
}

/// The beginning of `xmlNode`, `xmlAttr` and `xmlDoc`; of `xmlNs` the second field alone.
#[repr(C)]
struct Node {
    private: *mut c_void,
    kind: c_int,
    name: *const c_char,
    children: *mut Node,
    last: *mut Node,
    parent: *mut Node,
}

/// `XML_NAMESPACE_DECL`.
const NAMESPACE: c_int = 18;
/// `XML_PARSE_NOENT | NOERROR | NOWARNING | NONET`.
const OPTIONS: c_int = 2 | 32 | 64 | 2048;

type IsVisible = unsafe extern "C" fn(*mut c_void, *mut Node, *mut Node) -> c_int;
type OnError = unsafe extern "C" fn(*mut c_void, *const c_void);

struct Library {
    read: unsafe extern "C" fn(*const c_char, c_int, *const c_char, *const c_char, c_int) -> *mut Node,
    root: unsafe extern "C" fn(*mut Node) -> *mut Node,
    first: unsafe extern "C" fn(*mut Node) -> *mut Node,
    next: unsafe extern "C" fn(*mut Node) -> *mut Node,
    buffer: unsafe extern "C" fn(*mut c_void) -> *mut c_void,
    content: unsafe extern "C" fn(*mut c_void) -> *const u8,
    size: unsafe extern "C" fn(*mut c_void) -> usize,
    close: unsafe extern "C" fn(*mut c_void) -> c_int,
    execute: unsafe extern "C" fn(
        *mut Node,
        IsVisible,
        *mut c_void,
        c_int,
        *mut *mut c_char,
        c_int,
        *mut c_void,
    ) -> c_int,
    free: unsafe extern "C" fn(*mut Node),
}

unsafe extern "C" {
    fn dlopen(name: *const c_char, flags: c_int) -> *mut c_void;
    fn dlsym(library: *mut c_void, name: *const c_char) -> *mut c_void;
}

impl Library {
    fn load() -> Self {
        let names = [c"libxml2.so.2", c"libxml2.so.16"];
        // SAFETY: the name is a C string; RTLD_NOW is 2. The library's own start has no conditions.
        let opened = names.map(|name| unsafe { dlopen(name.as_ptr(), 2) });
        let library = opened.into_iter().find(|library| !library.is_null());
        let library = library.expect("libxml2 is not there (Debian: libxml2-utils brings it)");
        // SAFETY: each name is that of a function of libxml2 with the signature of its field (xmlversion 2.9 to 2.14).
        unsafe {
            let silent: unsafe extern "C" fn(*mut c_void, OnError) =
                function(library, c"xmlSetStructuredErrorFunc");
            silent(null_mut(), say_nothing);
            Self {
                read: function(library, c"xmlReadMemory"),
                root: function(library, c"xmlDocGetRootElement"),
                first: function(library, c"xmlFirstElementChild"),
                next: function(library, c"xmlNextElementSibling"),
                buffer: function(library, c"xmlAllocOutputBuffer"),
                content: function(library, c"xmlOutputBufferGetContent"),
                size: function(library, c"xmlOutputBufferGetSize"),
                close: function(library, c"xmlOutputBufferClose"),
                execute: function(library, c"xmlC14NExecute"),
                free: function(library, c"xmlFreeDoc"),
            }
        }
    }

    fn canonical(&self, question: &Question<'_>) -> Result<Vec<u8>, Refusal> {
        let length = c_int::try_from(question.source.len()).map_err(|_| Refusal::Parse)?;
        let source = question.source.as_ptr().cast();
        // SAFETY: so many bytes are there; neither address nor encoding is given.
        let document = unsafe { (self.read)(source, length, null(), null(), OPTIONS) };
        if document.is_null() {
            return Err(Refusal::Parse);
        }
        let found =
            |way: &Option<Vec<usize>>| way.as_ref().map_or(null_mut(), |way| self.walk(document, way));
        let seen = Seen { apex: found(&question.apex), omitted: found(&question.omitted) };
        let result = self.write(document, &seen, question);
        // SAFETY: it was read above, and nothing that points into it is used after this.
        unsafe { (self.free)(document) };
        result
    }

    /// The element at the end of the way.
    fn walk(&self, document: *mut Node, way: &[usize]) -> *mut Node {
        // SAFETY: the functions take a node or null and give one of the same document, or null.
        unsafe {
            let mut element = (self.root)(document);
            for number in way {
                element = (self.first)(element);
                for _ in 0..*number {
                    element = (self.next)(element);
                }
            }
            assert!(!element.is_null(), "libxml2 reads other elements");
            element
        }
    }

    fn write(&self, document: *mut Node, seen: &Seen, question: &Question<'_>) -> Result<Vec<u8>, Refusal> {
        let names =
            question.prefixes.iter().map(|prefix| CString::new(*prefix).expect("no NUL is in a name"));
        let names: Vec<CString> = names.collect();
        let mut list: Vec<*mut c_char> = names.iter().map(|name| name.as_ptr().cast_mut()).collect();
        list.push(null_mut());
        let mode = c_int::from(question.exclusive);
        // SAFETY: `seen`, `list` and the names live longer than the call, which writes to none of them; the list ends
        // with null. What the buffer holds is copied before it is closed.
        unsafe {
            let buffer = (self.buffer)(null_mut());
            let (user, comments) =
                (std::ptr::from_ref(seen).cast_mut().cast(), c_int::from(question.comments));
            let prefixes = list.as_mut_ptr();
            let written = (self.execute)(document, is_visible, user, mode, prefixes, comments, buffer);
            let bytes = std::slice::from_raw_parts((self.content)(buffer), (self.size)(buffer)).to_vec();
            (self.close)(buffer);
            if written < 0 { Err(Refusal::Canonical) } else { Ok(bytes) }
        }
    }
}

/// The function of this name.
///
/// # Safety
/// `F` is the type of a function pointer, and that of the function.
unsafe fn function<F: Copy>(library: *mut c_void, name: &CStr) -> F {
    assert_eq!(size_of::<F>(), size_of::<*mut c_void>());
    // SAFETY: the library is open for ever; the caller answers for the type.
    unsafe {
        let found = dlsym(library, name.as_ptr());
        assert!(!found.is_null(), "libxml2 has no {}", name.to_string_lossy());
        std::mem::transmute_copy(&found)
    }
}

/// What is made canonical; null: everything, nothing.
struct Seen {
    apex: *mut Node,
    omitted: *mut Node,
}

/// Whether a node is inside of what is made canonical.
unsafe extern "C" fn is_visible(user: *mut c_void, node: *mut Node, parent: *mut Node) -> c_int {
    // SAFETY: `user` is the [`Seen`] that was given; nodes are of the document, which does not change, and a namespace
    // has its kind where a node has it.
    unsafe {
        let seen = &*user.cast::<Seen>();
        let mut at = if (*node).kind == NAMESPACE { parent } else { node };
        let mut inside = seen.apex.is_null();
        while !at.is_null() {
            if at == seen.omitted {
                return 0;
            }
            inside |= at == seen.apex;
            at = (*at).parent;
        }
        c_int::from(inside)
    }
}

unsafe extern "C" fn say_nothing(_: *mut c_void, _: *const c_void) {}
