//! What happens inside tailscaled, as it happens (`GET /localapi/v0/watch-ipn-bus`): a stream of JSON, one
//! notification a line. Called by `join`.

use std::io::{BufRead as _, BufReader, Read as _};

use super::engine::{broken_off, gone};
use super::ipn::Notify;
use crate::core::Result;

/// Longest line that is read: a notification without a network map has some kilobytes.
const MAX_LINE: u64 = 4 << 20;

/// Notifications until the deadline that the watch was opened with; then an error of code
/// `tailscaled_silent`, and the end.
pub struct Watch {
    lines: BufReader<ureq::BodyReader<'static>>,
    ended: bool,
}

impl Watch {
    pub(super) fn new(body: ureq::Body) -> Self {
        Watch { lines: BufReader::new(body.into_reader()), ended: false }
    }

    fn read(&mut self) -> Result<Notify> {
        let mut line = Vec::new();
        let read = (&mut self.lines).take(MAX_LINE).read_until(b'\n', &mut line);
        match read.map_err(broken_off)? {
            0 => Err(gone("the event stream has ended")),
            _ => serde_json::from_slice(&line).map_err(gone),
        }
    }
}

impl Iterator for Watch {
    type Item = Result<Notify>;

    fn next(&mut self) -> Option<Result<Notify>> {
        if self.ended {
            return None;
        }
        let item = self.read();
        self.ended = item.is_err();
        Some(item)
    }
}
