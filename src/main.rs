//! The program: parse, run, exit code.

use std::ffi::OsString;
use std::panic::catch_unwind;
use std::process::ExitCode;

fn main() -> ExitCode {
    // Fails only where a provider is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let code =
        catch_unwind(|| wonder::cli::run(&arguments)).unwrap_or_else(|_| wonder::cli::broken(&arguments));
    ExitCode::from(code)
}
