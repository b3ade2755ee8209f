#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| wonder_fuzz::upgrade(data));
