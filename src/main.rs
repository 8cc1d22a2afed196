//! The one binary, `kdp`.

#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    warn(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

mod cli;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

use std::process::ExitCode;

fn main() -> ExitCode {
    // Before anything is read: a crash leaves no copy of keys and personal data.
    if !kdp::process::keep_private() {
        return cli::end(Err(cli::Failure::unusable("the kernel does not let core files be forbidden")));
    }
    let (command, errand) = cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            return cli::end(Err(cli::Failure::unusable(format!("no threads to be had: {}", error.kind()))));
        }
    };
    cli::end(runtime.block_on(cli::run(command, errand)))
}
