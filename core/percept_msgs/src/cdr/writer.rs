//! Writes values one after the other: little-endian, deterministic.

use super::ENCAPSULATION_BYTES;

/// A message under construction.
#[derive(Clone, Debug)]
pub struct CdrWriter {
    bytes: Vec<u8>,
}

impl CdrWriter {
    /// A message that holds its encapsulation header so far.
    pub fn new() -> Self {
        Self { bytes: vec![0, 1, 0, 0] }
    }

    /// Bytes as they are, without length or alignment.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// A number given as its little-endian bytes, aligned to its size with zeros before it.
    pub fn number<const N: usize>(&mut self, little_endian: [u8; N]) {
        let body_bytes = self.bytes.len() - ENCAPSULATION_BYTES;
        self.bytes.resize(body_bytes.next_multiple_of(N) + ENCAPSULATION_BYTES, 0);
        self.bytes.extend_from_slice(&little_endian);
    }

    /// The length of a sequence; gives back how many of its elements to write.
    ///
    /// The wire counts in 32 bits. A longer sequence, at least 4 GiB, is cut there so that the message stays whole.
    pub fn sequence_length(&mut self, count: usize) -> usize {
        let written = u32::try_from(count).unwrap_or(u32::MAX);
        self.number(written.to_le_bytes());
        written as usize
    }

    /// A string with its length and NUL.
    pub fn string(&mut self, text: &str) {
        let length_bytes = self.sequence_length(text.len().saturating_add(1));
        self.bytes.extend_from_slice(text.as_bytes().get(..length_bytes - 1).unwrap_or_default());
        self.bytes.push(0);
    }

    /// The message with its encapsulation header.
    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

impl Default for CdrWriter {
    fn default() -> Self {
        Self::new()
    }
}
