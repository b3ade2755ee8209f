//! One direction of the transport: ChaCha20-Poly1305 with a counter for a nonce.

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use zeroize::Zeroizing;

use super::frame::{Fault, TAG};

/// Seals or opens the records of one direction, in order. The prepared key is half a kilobyte and takes
/// less time to make than a record to seal, so only its 32 bytes stay in memory between records.
pub(super) struct Cipher {
    key: Zeroizing<[u8; 32]>,
    counter: u64,
}

impl Cipher {
    pub(super) fn new(key: [u8; 32]) -> Self {
        Cipher { key: Zeroizing::new(key), counter: 0 }
    }

    /// Encrypts `plain` where it stands and returns the tag that follows it.
    pub(super) fn seal(&mut self, plain: &mut [u8]) -> Result<[u8; TAG], Fault> {
        let (key, nonce) = (self.prepared()?, self.nonce()?);
        let tag = key.seal_in_place_separate_tag(nonce, Aad::empty(), plain).map_err(|_| Fault::Tag)?;
        tag.as_ref().try_into().map_err(|_| Fault::Tag)
    }

    /// Decrypts `sealed`, which ends in its tag, where it stands and returns the plain text.
    pub(super) fn open<'a>(&mut self, sealed: &'a mut [u8]) -> Result<&'a mut [u8], Fault> {
        let (key, nonce) = (self.prepared()?, self.nonce()?);
        key.open_in_place(nonce, Aad::empty(), sealed).map_err(|_| Fault::Tag)
    }

    fn prepared(&self) -> Result<LessSafeKey, Fault> {
        let key = UnboundKey::new(&CHACHA20_POLY1305, self.key.as_slice()).map_err(|_| Fault::Tag)?;
        Ok(LessSafeKey::new(key))
    }

    /// Four zero bytes and the counter in big-endian order: plain Noise has it little-endian.
    fn nonce(&mut self) -> Result<Nonce, Fault> {
        let counter = self.counter;
        self.counter = counter.checked_add(1).ok_or(Fault::Exhausted)?;
        let mut nonce = [0; 12];
        nonce[4..].copy_from_slice(&counter.to_be_bytes());
        Ok(Nonce::assume_unique_for_key(nonce))
    }

    #[cfg(test)]
    pub(super) fn skip_to(&mut self, counter: u64) {
        self.counter = counter;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Noise's own transport with the counter's bytes swapped is what this is.
    #[test]
    fn seals_as_noise_does_but_for_the_byte_order() {
        let (noise, mut cipher) = noise_pair();
        for counter in 0..300u64 {
            let mut record = *b"the same";
            let tag = cipher.seal(&mut record).unwrap();
            let mut expected = [0; 24];
            noise.write_message(counter.swap_bytes(), b"the same", &mut expected).unwrap();
            assert_eq!([&record[..], &tag[..]].concat(), expected);
        }
    }

    fn noise_pair() -> (snow::StatelessTransportState, Cipher) {
        let builder = || snow::Builder::new("Noise_NN_25519_ChaChaPoly_BLAKE2s".parse().unwrap());
        let mut initiator = builder().build_initiator().unwrap();
        let mut responder = builder().build_responder().unwrap();
        let (mut message, mut payload) = ([0; 128], [0; 128]);
        let n = initiator.write_message(&[], &mut message).unwrap();
        responder.read_message(&message[..n], &mut payload).unwrap();
        let n = responder.write_message(&[], &mut message).unwrap();
        initiator.read_message(&message[..n], &mut payload).unwrap();
        let (to_responder, _) = initiator.dangerously_get_raw_split();
        (initiator.into_stateless_transport_mode().unwrap(), Cipher::new(to_responder))
    }

    #[test]
    fn ends_before_a_nonce_comes_twice() {
        let mut cipher = Cipher::new([1; 32]);
        cipher.skip_to(u64::MAX - 1);
        assert!(cipher.seal(&mut []).is_ok());
        assert_eq!(cipher.seal(&mut []).unwrap_err(), Fault::Exhausted);
        assert_eq!(cipher.seal(&mut []).unwrap_err(), Fault::Exhausted);
    }
}
