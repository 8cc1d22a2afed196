//! The one binary, `kdp`.

fn main() {}
