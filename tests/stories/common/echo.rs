//! A TCP service that gives back what it is sent. A tailscaled in userspace mode hands it the connections
//! that come for its own address.

use std::net::TcpListener;

/// Starts one on 127.0.0.1, for as long as the test program runs: its port.
pub fn start() -> u16 {
    start_on("127.0.0.1")
}

/// Starts one on this address.
pub fn start_on(address: &str) -> u16 {
    let listener = TcpListener::bind((address, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || {
                let (mut reader, mut writer) = (stream.try_clone().unwrap(), stream);
                // Whoever hangs up has had enough.
                let _ = std::io::copy(&mut reader, &mut writer);
            });
        }
    });
    port
}
