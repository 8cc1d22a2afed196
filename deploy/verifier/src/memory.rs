//! The memory of the caller: the one place with unsafe code, and the functions that C calls.
//!
//! Nothing that is handed over is kept after the call, nothing is handed out that must be freed, and no panic gets out.

#![expect(unsafe_code, reason = "pointers from C are read and written here, and nowhere else")]

use crate::{Asked, UNUSABLE, answer};
use std::ffi::c_char;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// `kdp_bytes`: octets and how many; NULL is nothing.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Bytes {
    data: *const u8,
    len: usize,
}

/// `kdp_question`.
#[repr(C)]
pub struct Question {
    size: usize,
    token: Bytes,
    jwks: Bytes,
    status_list: Bytes,
    uin: Bytes,
    service: Bytes,
    bin: Bytes,
    lang: Bytes,
    at: i64,
    leeway: i64,
    list_max_age: i64,
}

/// What is told when the check itself failed.
const FAILED: &str = r#"{"valid":false,"code":"failed","error":"the check failed","text":"the check failed","remedy":"Do not hand data over.","detail":null,"status_list":null,"claims":null}"#;

/// `kdp_token_verify`: see the header.
///
/// # Safety
/// As the header demands: `question` is NULL or points to a `kdp_question` whose octets can be read, `out` is NULL or has
/// room for `out_size` octets, `out_len` is NULL or can be written, and none of them changes or overlaps during the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kdp_token_verify(
    question: *const Question,
    out: *mut c_char,
    out_size: usize,
    out_len: *mut usize,
) -> i32 {
    let (number, told) = guarded(|| {
        // SAFETY: the caller promises what `read` demands.
        let asked = unsafe { read(question) };
        answer(asked.as_ref())
    });
    // SAFETY: the caller promises what `write` demands.
    unsafe { write(&told, out, out_size, out_len) };
    number
}

/// `kdp_verifier_version`: the version, a text that ends with NUL and lives as long as the program.
#[unsafe(no_mangle)]
pub extern "C" fn kdp_verifier_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

/// A panic is a no: nothing that was begun is looked at after it.
fn guarded(judge: impl FnOnce() -> (i32, String)) -> (i32, String) {
    catch_unwind(AssertUnwindSafe(judge)).unwrap_or_else(|_| (UNUSABLE, FAILED.to_owned()))
}

/// `None` for NULL, for an address that no such record can have, and for a record of another version of the header.
///
/// # Safety
/// `question` is NULL, or points to as many octets as its first member says, which stay as they are while `'a` lasts; so
/// do the octets that it points to.
unsafe fn read<'a>(question: *const Question) -> Option<Asked<'a>> {
    if question.is_null() || !question.is_aligned() {
        return None;
    }
    // SAFETY: not NULL and aligned; the caller promises that the first member at least can be read. The rest is not
    // touched before the size is known to be that of the whole record.
    let size = unsafe { (&raw const (*question).size).read() };
    if size != size_of::<Question>() {
        return None;
    }
    // SAFETY: the record is whole, by its size; every pattern of bits is a value of its members, which are pointers that
    // are not followed here, and numbers.
    let said = unsafe { question.read() };
    // SAFETY: the caller promises, of each member, what `octets` demands.
    let octets = |bytes: Bytes| unsafe { octets(bytes) };
    Some(Asked {
        token: octets(said.token),
        jwks: octets(said.jwks),
        status_list: octets(said.status_list),
        uin: octets(said.uin),
        service: octets(said.service),
        bin: octets(said.bin),
        lang: octets(said.lang),
        at: said.at,
        leeway: said.leeway,
        list_max_age: said.list_max_age,
    })
}

/// `None` for NULL alone: octets that were brought and cannot be are none that anything can be read from.
///
/// # Safety
/// `bytes.data` is NULL, or points to `bytes.len` octets that stay as they are while `'a` lasts.
unsafe fn octets<'a>(bytes: Bytes) -> Option<&'a [u8]> {
    if bytes.data.is_null() {
        // A length without octets is a mistake, and must not pass for "nothing was brought".
        return (bytes.len != 0).then_some(&[]);
    }
    // No object is longer; a negative length of the caller's would be.
    if isize::try_from(bytes.len).is_err() {
        return Some(&[]);
    }
    // SAFETY: not NULL, any address is aligned for octets, and the length is within what one object can have; the caller
    // promises that so many octets can be read and do not change.
    Some(unsafe { std::slice::from_raw_parts(bytes.data, bytes.len) })
}

/// Writes the text with a NUL behind it if it has room, or else an empty text; and its length without the NUL.
///
/// # Safety
/// `out` is NULL or has room for `out_size` octets; `out_len` is NULL or can be written.
unsafe fn write(told: &str, out: *mut c_char, out_size: usize, out_len: *mut usize) {
    if !out.is_null() && out_size > 0 {
        let fits = told.len() < out_size;
        let told = if fits { told } else { "" };
        // SAFETY: `told.len()` and one octet more are at most `out_size`, for which the caller promises room; `told` is
        // memory of ours, which the caller's cannot overlap.
        unsafe {
            std::ptr::copy_nonoverlapping(told.as_ptr().cast::<c_char>(), out, told.len());
            out.add(told.len()).write(0);
        }
    }
    if !out_len.is_null() && out_len.is_aligned() {
        // SAFETY: not NULL, aligned, and the caller promises that it can be written.
        unsafe { out_len.write(told.len()) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_no_that_can_be_read() {
        let (number, told) = guarded(|| panic!("of a test"));
        assert_eq!(number, UNUSABLE);
        assert!(told.starts_with(r#"{"valid":false,"code":"failed","#));
        assert_eq!(guarded(|| (0, String::new())), (0, String::new()));
    }
}
