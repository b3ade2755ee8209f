//! One function for each kind of bytes that a stranger may send. The fuzzer calls them with bytes that it
//! makes up (`fuzz/targets/`), and `tests/corpus.rs` with those that were kept (`fuzz/corpus/`).
//!
//! A new target: a function here and its line in [`TARGETS`], a file in `targets/` and its entry in
//! `Cargo.toml`, and a few real examples in `corpus/NAME/`.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::io::{AsyncRead, AsyncReadExt as _, ReadBuf};
use wonder::config::profile::parse as parse_profiles;
use wonder::core::node::Report;
use wonder::core::token::JoinToken;
use wonder::mesh::native::derp::{MAX_PACKET, split};
use wonder::mesh::native::noise::{ControlKey, NoiseStream, accept};
use wonder::mesh::native::stun::{parse_request, response};
use wonder::mesh::native::wire::{MapRequest, RegisterRequest};
use wonder::server::control::initiation;

/// Reads bytes as their reader would; returns whatever they are, and panics only on a fault of ours.
pub type Feed = fn(&[u8]);

/// Every target by the name that `cargo fuzz run` knows it by.
pub const TARGETS: &[(&str, Feed)] = &[
    ("upgrade", upgrade),
    ("noise", noise),
    ("register", register),
    ("map", map),
    ("join_token", join_token),
    ("profile", profile),
    ("derp", derp),
    ("stun", stun),
];

/// The coordinator's key in `noise`; the corpus holds initiations made for it.
const CONTROL_KEY: [u8; 32] = [7; 32];
const INITIATION: usize = 101;

/// The head of the request by which a device knocks: read as the HTTP server reads it, its handshake
/// answered if it has one.
pub fn upgrade(data: &[u8]) {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut request = httparse::Request::new(&mut headers);
    if !request.parse(data).is_ok_and(|status| status.is_complete()) {
        return;
    }
    let pairs = request.headers.iter().filter_map(|header| {
        let name = HeaderName::from_bytes(header.name.as_bytes()).ok()?;
        Some((name, HeaderValue::from_bytes(header.value).ok()?))
    });
    if let Ok(message) = initiation(&pairs.collect::<HeaderMap>()) {
        let _ = accept(&ControlKey::from_bytes(CONTROL_KEY), &message);
    }
}

/// A device's initiation, and after it whatever comes as records.
pub fn noise(data: &[u8]) {
    let (initiation, records) = data.split_at(data.len().min(INITIATION));
    let Ok(accepted) = accept(&ControlKey::from_bytes(CONTROL_KEY), initiation) else { return };
    let (first, later) = records.split_at(records.len() / 2);
    let mut stream = pin!(NoiseStream::new(first.chain(later), accepted.keys));
    let mut context = Context::from_waker(Waker::noop());
    // Each round takes a byte at least, or says that the records are in pieces.
    for _ in 0..=data.len() {
        let mut out = [0; 512];
        let mut out = ReadBuf::new(&mut out);
        match stream.as_mut().poll_read(&mut context, &mut out) {
            Poll::Ready(Ok(())) if out.filled().is_empty() => return,
            Poll::Ready(Err(_)) => return,
            Poll::Ready(Ok(())) | Poll::Pending => {}
        }
    }
    panic!("the stream does not end");
}

/// The body of `POST /machine/register`.
pub fn register(data: &[u8]) {
    if let Ok(request) = RegisterRequest::read(data) {
        let _ = (request.auth_key(), request.expiry(), request.hostinfo());
    }
}

/// The body of `POST /machine/map`.
pub fn map(data: &[u8]) {
    if let Ok(request) = MapRequest::read(data) {
        let _ = (request.wants_zstd(), request.report_over(&Report::default()));
    }
}

/// What a person pastes; what is understood must be understood again when written out.
pub fn join_token(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(token) = JoinToken::parse(text) {
        let again =
            JoinToken::parse(token.encode().reveal()).expect("a token that was read can be read again");
        assert_eq!(token.auth_key().reveal(), again.auth_key().reveal());
        assert_eq!(token.coordinator().as_str(), again.coordinator().as_str());
    }
}

/// The file of the command line's log-ins, which its user may have edited.
pub fn profile(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data)
        && let Ok(profiles) = parse_profiles(text)
    {
        let _ = profiles.find(None);
    }
}

/// What a relay client sends after the upgrade: frames, which must add up to what came.
pub fn derp(data: &[u8]) {
    let mut rest = data;
    while let Ok(Some((frame, after))) = split(rest, MAX_PACKET) {
        assert_eq!(5 + frame.body.len() + after.len(), rest.len());
        rest = after;
    }
}

/// A datagram at the STUN port; an answer carries the question's transaction.
pub fn stun(data: &[u8]) {
    if let Some(id) = parse_request(data) {
        let answer = response(&id, ([192, 168, 1, 10], 41641).into());
        assert_eq!(answer[8..20], id);
    }
}
