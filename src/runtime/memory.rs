//! How the process gives memory back.

/// Allocations from this size on are mappings of their own, in bytes. A connection's buffers are of 8 and
/// 16 KiB and mostly empty: as mappings they take the pages that are in use, among thousands of idle
/// devices a third less. What a password's hash takes for its 30 ms (19 MiB) goes back at once.
#[cfg(target_env = "gnu")]
const OWN_MAPPING: std::ffi::c_int = 8 * 1024;

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

/// Other C libraries have allocators without this setting.
#[cfg(not(target_env = "gnu"))]
pub fn set_up() {}
