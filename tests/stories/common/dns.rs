//! As much of DNS as it takes to ask and to be asked (RFC 1035 section 4.1).

use std::net::Ipv4Addr;

pub const A: u16 = 1;
pub const PTR: u16 = 12;
pub const FOUND: u8 = 0;
pub const NO_SUCH_NAME: u8 = 3;
const HEADER: usize = 12;

pub struct Answer {
    pub code: u8,
    /// Addresses or names.
    pub found: Vec<String>,
}

pub fn question(kind: u16, name: &str) -> Vec<u8> {
    let mut question = vec![0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.') {
        question.push(u8::try_from(label.len()).unwrap());
        question.extend_from_slice(label.as_bytes());
    }
    question.push(0);
    question.extend_from_slice(&kind.to_be_bytes());
    question.extend_from_slice(&[0, 1]);
    question
}

pub fn name_asked(question: &[u8]) -> String {
    name(question, HEADER).0.to_lowercase()
}

/// The answer "no such name" to a question.
pub fn no_such_name(question: &[u8]) -> Vec<u8> {
    let end = name(question, HEADER).1 + 4;
    let mut answer = question[..end].to_vec();
    answer[2..HEADER].copy_from_slice(&[0x81, 0x80 | NO_SUCH_NAME, 0, 1, 0, 0, 0, 0, 0, 0]);
    answer
}

impl Answer {
    pub fn read(message: &[u8]) -> Answer {
        assert_eq!(message[..2], [0x12, 0x34]);
        let mut at = name(message, HEADER).1 + 4;
        let mut found = Vec::new();
        for _ in 0..u16::from_be_bytes([message[6], message[7]]) {
            at = name(message, at).1;
            let length = usize::from(u16::from_be_bytes([message[at + 8], message[at + 9]]));
            let data = &message[at + 10..at + 10 + length];
            found.push(match u16::from_be_bytes([message[at], message[at + 1]]) {
                A => Ipv4Addr::from(<[u8; 4]>::try_from(data).unwrap()).to_string(),
                _ => name(message, at + 10).0,
            });
            at += 10 + length;
        }
        Answer { code: message[3] & 15, found }
    }
}

/// The name at a place, and the place after it. A pointer to another place ends a name.
fn name(message: &[u8], mut at: usize) -> (String, usize) {
    let mut labels = Vec::new();
    loop {
        let length = usize::from(message[at]);
        if length >= 0xc0 {
            let to = (length & 0x3f) << 8 | usize::from(message[at + 1]);
            labels.push(name(message, to).0);
            return (labels.join("."), at + 2);
        }
        at += 1 + length;
        if length == 0 {
            return (labels.join("."), at);
        }
        labels.push(String::from_utf8_lossy(&message[at - length..at]).into_owned());
    }
}
