//! The handshake: `Noise_IK_25519_ChaChaPoly_BLAKE2s`, in which the device knows the coordinator's key
//! beforehand and shows its own (Tailscale's `control/controlbase/handshake.go`; the Noise Protocol
//! Framework, revision 34, section 7.5).

use super::cipher::Cipher;
use super::frame::{HEADER, INITIATION, RESPONSE, TAG, header};
use super::key::ControlKey;
use crate::core::key::MachineKey;
use crate::core::{Error, Result};

/// Version, type, length, ephemeral key, sealed machine key, tag.
pub const INITIATION_LENGTH: usize = PREFIX + INITIATION_BODY;
/// Type, length, ephemeral key, tag.
pub const RESPONSE_LENGTH: usize = HEADER + RESPONSE_BODY;

const PATTERN: &str = "Noise_IK_25519_ChaChaPoly_BLAKE2s";
const PREFIX: usize = 2 + HEADER;
const INITIATION_BODY: usize = 32 + 32 + TAG + TAG;
const RESPONSE_BODY: usize = 32 + TAG;

/// A handshake that succeeded.
#[derive(Debug)]
pub struct Accepted {
    /// To be sent to the device before any record.
    pub response: [u8; RESPONSE_LENGTH],
    /// For [`super::NoiseStream::new`].
    pub keys: TransportKeys,
    /// The device's machine key, proven.
    pub machine: MachineKey,
}

/// The keys of both directions, as the coordinator uses them.
pub struct TransportKeys {
    pub(super) receive: Cipher,
    pub(super) send: Cipher,
}

impl std::fmt::Debug for TransportKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TransportKeys(…)")
    }
}

/// Answers a device's initiation (101 bytes, decoded from its HTTP header). What an error says is fit for the
/// device's eyes.
pub fn accept(key: &ControlKey, initiation: &[u8]) -> Result<Accepted> {
    let (version, body) = split(initiation)?;
    let secret = key.secret_bytes();
    let mut noise =
        responder(secret.as_slice(), version).map_err(|e| Error::bug("Noise did not start").source(e))?;
    noise.read_message(body, &mut []).map_err(|_| refused("the handshake did not authenticate"))?;
    let machine = MachineKey::from_slice(noise.get_remote_static().unwrap_or_default())?;
    if machine.is_zero() {
        return Err(refused("the machine key is zero"));
    }
    let mut response = [0; RESPONSE_LENGTH];
    response[..HEADER].copy_from_slice(&header(RESPONSE, RESPONSE_BODY));
    noise
        .write_message(&[], &mut response[HEADER..])
        .map_err(|_| refused("the handshake could not be completed"))?;
    let (receive, send) = noise.dangerously_get_raw_split();
    let keys = TransportKeys { receive: Cipher::new(receive), send: Cipher::new(send) };
    Ok(Accepted { response, keys, machine })
}

fn responder(secret: &[u8], version: u16) -> Result<snow::HandshakeState, snow::Error> {
    snow::Builder::new(PATTERN.parse()?)
        .prologue(prologue(version).as_bytes())?
        .local_private_key(secret)?
        .build_responder()
}

fn prologue(version: u16) -> String {
    format!("Tailscale Control Protocol v{version}")
}

/// The version and the Noise message of an initiation whose frame is sound.
fn split(initiation: &[u8]) -> Result<(u16, &[u8])> {
    let Some((prefix, body)) = initiation.split_at_checked(PREFIX) else {
        return Err(refused("the initiation is too short"));
    };
    if prefix[2..] != header(INITIATION, INITIATION_BODY) || body.len() != INITIATION_BODY {
        return Err(refused("the initiation is not of the form that this coordinator speaks"));
    }
    Ok((u16::from_be_bytes([prefix[0], prefix[1]]), body))
}

fn refused(message: &str) -> Error {
    Error::usage("handshake_refused", message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The device's side of a handshake, by the library's initiator.
    struct Device(snow::HandshakeState);

    impl Device {
        fn start(coordinator: &MachineKey, version: u16) -> (Device, Vec<u8>, MachineKey) {
            let own = ControlKey::random();
            let mut noise = snow::Builder::new(PATTERN.parse().unwrap())
                .prologue(prologue(version).as_bytes())
                .unwrap()
                .local_private_key(own.secret_bytes().as_slice())
                .unwrap()
                .remote_public_key(coordinator.as_bytes())
                .unwrap()
                .build_initiator()
                .unwrap();
            let mut initiation = vec![0; INITIATION_LENGTH];
            initiation[..2].copy_from_slice(&version.to_be_bytes());
            initiation[2..5].copy_from_slice(&[1, 0, 96]);
            assert_eq!(noise.write_message(&[], &mut initiation[5..]).unwrap(), 96);
            (Device(noise), initiation, own.public())
        }

        fn finish(mut self, response: &[u8]) -> TransportKeys {
            assert_eq!(response[..3], [2, 0, 48]);
            self.0.read_message(&response[3..], &mut []).unwrap();
            let (send, receive) = self.0.dangerously_get_raw_split();
            TransportKeys { receive: Cipher::new(receive), send: Cipher::new(send) }
        }
    }

    #[test]
    fn both_sides_end_with_the_same_keys() {
        let key = ControlKey::random();
        let (device, initiation, machine) = Device::start(&key.public(), 145);
        let mut accepted = accept(&key, &initiation).unwrap();
        assert_eq!(accepted.machine, machine);
        let mut keys = device.finish(&accepted.response);
        let mut record = *b"up";
        let tag = keys.send.seal(&mut record).unwrap();
        let mut sealed = [&record[..], &tag[..]].concat();
        assert_eq!(accepted.keys.receive.open(&mut sealed).unwrap(), b"up");
    }

    #[test]
    fn another_coordinators_initiation_is_refused() {
        let (_, initiation, _) = Device::start(&ControlKey::random().public(), 145);
        let error = accept(&ControlKey::random(), &initiation).unwrap_err();
        assert_eq!(error.code(), "handshake_refused");
    }

    #[test]
    fn a_changed_byte_is_refused_wherever_it_is() {
        let key = ControlKey::random();
        let (_, initiation, _) = Device::start(&key.public(), 145);
        for at in 0..initiation.len() {
            let mut changed = initiation.clone();
            changed[at] ^= 1;
            assert_eq!(accept(&key, &changed).unwrap_err().code(), "handshake_refused", "byte {at}");
        }
    }

    proptest! {
        #[test]
        fn garbage_is_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(accept(&ControlKey::from_bytes([7; 32]), &bytes).is_err());
        }
    }
}
