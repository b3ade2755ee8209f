//! Feeds every kept input of the fuzzer through the functions that the fuzzer calls: what once broke
//! something stays fixed, without the fuzzer being there.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr)]

use std::fs;
use std::path::Path;

#[path = "../fuzz/src/lib.rs"]
mod fuzz;

#[test]
fn every_kept_input_is_survived() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    for (name, feed) in fuzz::TARGETS {
        let inputs: Vec<_> =
            fs::read_dir(corpus.join(name)).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(!inputs.is_empty(), "fuzz/corpus/{name} holds examples");
        for input in inputs {
            eprintln!("{}", input.display());
            feed(&fs::read(input).unwrap());
        }
    }
}

#[test]
fn every_corpus_has_its_target() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    for entry in fs::read_dir(corpus).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(fuzz::TARGETS.iter().any(|(target, _)| *target == name), "nothing reads fuzz/corpus/{name}");
    }
}

/// Makes the examples whose bytes only a real peer can make: run with `--ignored` after a change of the
/// key in `fuzz/src/lib.rs`.
#[test]
#[ignore = "writes fuzz/corpus"]
fn write_examples() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    let mut initiation = snow::Builder::new("Noise_IK_25519_ChaChaPoly_BLAKE2s".parse().unwrap())
        .prologue(b"Tailscale Control Protocol v145")
        .unwrap()
        .local_private_key(&[9; 32])
        .unwrap()
        .remote_public_key(&wonder::mesh::native::noise::ControlKey::from_bytes([7; 32]).public().0)
        .unwrap()
        .build_initiator()
        .unwrap();
    let mut bytes = [0; 101];
    bytes[..5].copy_from_slice(&[0, 145, 1, 0, 96]);
    assert_eq!(initiation.write_message(&[], &mut bytes[5..]).unwrap(), 96);
    fs::write(corpus.join("noise/initiation"), bytes).unwrap();
    let handshake = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, bytes);
    let knock = format!(
        "POST /ts2021 HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nContent-Length: 0\r\n\
         Upgrade: tailscale-control-protocol\r\nX-Tailscale-Handshake: {handshake}\r\n\r\n"
    );
    fs::write(corpus.join("upgrade/whole"), knock).unwrap();
    let records = [&bytes[..], &[4, 0, 17], &[0; 17], &[4, 255, 255]].concat();
    fs::write(corpus.join("noise/records"), records).unwrap();
    let token = wonder::core::token::JoinToken::new("http://192.168.1.10:8080".parse().unwrap());
    fs::write(corpus.join("join_token/whole"), token.encode().reveal()).unwrap();
}
