//! How the process gives memory back.

/// Allocations from this size on are mappings of their own, in bytes: a connection's buffers of 16 KiB are mostly
/// empty, and as mappings they take the pages that are in use. What a password's hash takes for its 30 ms (19 MiB)
/// goes back at once. Those of 8 KiB are none: TLS makes its own larger and smaller again at each record, which
/// as a mapping takes two system calls.
#[cfg(target_env = "gnu")]
const OWN_MAPPING: std::ffi::c_int = 8 * 1024 + 1;

/// Sets the C library's allocator up for many idle connections. Called once, before anything is served.
#[cfg(target_env = "gnu")]
#[expect(
    unsafe_code,
    reason = "the C library's setting has no safe form; it takes two numbers and touches no memory of ours"
)]
pub fn set_up() {
    // SAFETY: mallopt may be called at any time; it changes how later allocations are made, and no others.
    let done = unsafe { libc::mallopt(libc::M_MMAP_THRESHOLD, OWN_MAPPING) };
    if done == 0 {
        tracing::debug!("the allocator keeps its own settings");
    }
}

/// Gives back what only the start needed (the command line's definition, migrations, the API's description): what
/// was freed, and the mapped pages of code. Called once, when everything is served.
pub fn give_back() {
    trim();
    #[cfg(target_os = "linux")]
    unmap_code();
}

#[cfg(target_env = "gnu")]
#[expect(
    unsafe_code,
    reason = "the C library's function has no safe form; it takes a number and touches free memory alone"
)]
fn trim() {
    // SAFETY: malloc_trim may be called at any time; it locks the allocator and changes nothing that is in use.
    unsafe { libc::malloc_trim(0) };
}

/// The system maps code again when it runs again, from the same file: most of a start's never does.
#[cfg(target_os = "linux")]
#[expect(
    unsafe_code,
    reason = "madvise takes an address; these are of mappings that nobody can have written to"
)]
fn unmap_code() {
    use rustix::mm::{Advice, madvise};
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    for code in maps.lines().filter_map(code_of_a_file) {
        // SAFETY: the pages are as they are in the file, for their mapping was never writable: read or run again,
        // they are the same.
        let done = unsafe { madvise(code.start as *mut std::ffi::c_void, code.len(), Advice::LinuxDontNeed) };
        if let Err(error) = done {
            tracing::debug!(%error, "code that is not needed stays mapped");
        }
    }
}

/// Where a line of `/proc/self/maps` (proc_pid_maps(5)) has code of a file; none for other lines.
#[cfg(target_os = "linux")]
fn code_of_a_file(line: &str) -> Option<std::ops::Range<usize>> {
    let mut fields = line.split_ascii_whitespace();
    let (start, end) = fields.next()?.split_once('-')?;
    let is_code = fields.next() == Some("r-xp") && fields.nth(3).is_some_and(|path| path.starts_with('/'));
    let address = |text| usize::from_str_radix(text, 16).ok();
    is_code.then_some(address(start)?..address(end)?)
}

/// Other C libraries have allocators without this setting.
#[cfg(not(target_env = "gnu"))]
pub fn set_up() {}

/// Other C libraries give memory back as they see fit.
#[cfg(not(target_env = "gnu"))]
fn trim() {}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn code_of_files_is_told_from_all_else() {
        let line = "55e749660000-55e74a7f3000 r-xp 00590000 fe:00 9978174                    /usr/bin/wonder";
        assert_eq!(code_of_a_file(line), Some(0x55e7_4966_0000..0x55e7_4a7f_3000));
        for other in [
            "55e7490d0000-55e749660000 r--p 00000000 fe:00 9978174                    /usr/bin/wonder",
            "7f8d42584000-7f8d427d6000 rw-p 00000000 00:00 0 ",
            "7ffee6fd2000-7ffee6fd4000 r-xp 00000000 00:00 0                          [vdso]",
            "",
        ] {
            assert_eq!(code_of_a_file(other), None, "{other}");
        }
    }

    #[test]
    fn what_was_given_back_runs_again() {
        give_back();
        assert_eq!("still here".to_uppercase(), "STILL HERE");
    }
}
