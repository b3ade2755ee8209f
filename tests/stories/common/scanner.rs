//! The camera of a phone: what a picture's QR code says, by a decoder that knows nothing of how it was made.

use std::path::Path;
use std::process::Command;

/// The words of the one QR code (ISO/IEC 18004) in a PNG picture; a panic where there is none, or another.
pub fn scan(png: &[u8]) -> String {
    let program = Path::new("/usr/bin/zbarimg");
    assert!(program.exists(), "no zbarimg: scripts/install-peers debian");
    let directory = tempfile::tempdir().unwrap();
    let picture = directory.path().join("code.png");
    std::fs::write(&picture, png).unwrap();
    let only = ["--quiet", "--raw", "-Sdisable", "-Sqrcode.enable"];
    let output = Command::new(program).args(only).arg(&picture).output().unwrap();
    let said = String::from_utf8(output.stdout).expect("UTF-8");
    let code = said.strip_suffix('\n').filter(|code| !code.is_empty() && !code.contains('\n'));
    code.unwrap_or_else(|| panic!("{}: {said:?} {}", output.status, String::from_utf8_lossy(&output.stderr)))
        .to_owned()
}
