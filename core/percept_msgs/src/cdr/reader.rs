//! Reads values one after the other from a serialised message.

use super::{CdrError, CdrFault, ENCAPSULATION_BYTES, MAX_TRAILING_PADDING_BYTES};

/// A cursor over a message. Never reads beyond it and allocates nothing by itself.
#[derive(Clone, Debug)]
pub struct CdrReader<'a> {
    body: &'a [u8],
    position: usize,
    big_endian: bool,
}

impl<'a> CdrReader<'a> {
    /// A reader over a message with its encapsulation header.
    ///
    /// # Errors
    /// When the header is missing or names an encoding other than plain CDR.
    pub fn new(bytes: &'a [u8]) -> Result<Self, CdrError> {
        let Some((header, body)) = bytes.split_first_chunk::<ENCAPSULATION_BYTES>() else {
            return Err(CdrError::new(CdrFault::NoEncapsulation { found_bytes: bytes.len() }, 0));
        };
        let found = [header[0], header[1]];
        // The second pair of bytes holds options that plain CDR leaves without meaning.
        let big_endian = match found {
            [0, 0] => true,
            [0, 1] => false,
            _ => return Err(CdrError::new(CdrFault::Encapsulation { found, name: encapsulation_name(found) }, 0)),
        };
        Ok(Self { body, position: 0, big_endian })
    }

    /// Whether the body is big-endian.
    pub fn is_big_endian(&self) -> bool {
        self.big_endian
    }

    /// Offset of the next byte in the message, encapsulation header included.
    pub fn offset_bytes(&self) -> usize {
        self.position + ENCAPSULATION_BYTES
    }

    /// Bytes left.
    pub fn left_bytes(&self) -> usize {
        self.body.len().saturating_sub(self.position)
    }

    /// The next `count` bytes as they are.
    ///
    /// # Errors
    /// When fewer are left.
    pub fn take(&mut self, count: usize) -> Result<&'a [u8], CdrError> {
        let rest = self.body.get(self.position..).unwrap_or_default();
        match rest.get(..count) {
            Some(taken) => {
                self.position += count;
                Ok(taken)
            }
            None => Err(self.error(CdrFault::Truncated { needed_bytes: count, left_bytes: rest.len() })),
        }
    }

    /// The next `N` bytes, aligned to `N`, turned so that they are little-endian.
    ///
    /// # Errors
    /// When fewer are left.
    pub fn number<const N: usize>(&mut self) -> Result<[u8; N], CdrError> {
        self.position = self.position.next_multiple_of(N);
        let left_bytes = self.left_bytes();
        match self.body.get(self.position..).and_then(|rest| rest.first_chunk::<N>()) {
            Some(taken) => {
                self.position += N;
                let mut value = *taken;
                if self.big_endian {
                    value.reverse();
                }
                Ok(value)
            }
            None => Err(self.error(CdrFault::Truncated { needed_bytes: N, left_bytes })),
        }
    }

    /// The length of a sequence whose elements take `min_bytes_each` or more.
    ///
    /// # Errors
    /// When the bytes left cannot hold so many.
    pub fn sequence_length(&mut self, min_bytes_each: usize) -> Result<usize, CdrError> {
        let offset_bytes = self.offset_bytes();
        let count = u32::from_le_bytes(self.number()?) as usize;
        let needed_bytes = count.saturating_mul(min_bytes_each);
        let left_bytes = self.left_bytes();
        if needed_bytes > left_bytes {
            let fault = CdrFault::SequenceTooLong { count, needed_bytes, left_bytes };
            return Err(CdrError::new(fault, offset_bytes));
        }
        Ok(count)
    }

    /// A string, borrowed. A length of 0, which some serialisers write for an empty string, is accepted.
    ///
    /// # Errors
    /// When it is truncated, lacks its NUL or is no UTF-8.
    pub fn string(&mut self) -> Result<&'a str, CdrError> {
        let length_bytes = self.sequence_length(1)?;
        let offset_bytes = self.offset_bytes();
        let Some((last, text)) = self.take(length_bytes)?.split_last() else { return Ok("") };
        if *last != 0 {
            return Err(CdrError::new(CdrFault::NotTerminated { length_bytes, found: *last }, offset_bytes));
        }
        std::str::from_utf8(text).map_err(|error| {
            CdrError::new(CdrFault::NotUtf8 { length_bytes, valid_up_to: error.valid_up_to() }, offset_bytes)
        })
    }

    /// Ends the reading of a whole message.
    ///
    /// # Errors
    /// When more is left than padding explains.
    pub fn finish(self) -> Result<(), CdrError> {
        let left_bytes = self.left_bytes();
        if left_bytes > MAX_TRAILING_PADDING_BYTES {
            return Err(self.error(CdrFault::TrailingBytes { left_bytes }));
        }
        Ok(())
    }

    fn error(&self, fault: CdrFault) -> CdrError {
        CdrError::new(fault, self.offset_bytes())
    }
}

/// Names of the encapsulations in DDSI-RTPS 2.5, table 10.3.
fn encapsulation_name(found: [u8; 2]) -> &'static str {
    match found {
        [0, 2 | 3] => "PL_CDR, a parameter list",
        [0, 4 | 5] => "XML",
        [0, 6 | 7] => "CDR2, plain XCDR2",
        [0, 8 | 9] => "D_CDR2, delimited XCDR2",
        [0, 10 | 11] => "PL_CDR2, a parameter list of XCDR2",
        _ => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_aligned_to_the_body_and_not_to_the_message() {
        let mut reader = CdrReader::new(&[0, 1, 0, 0, 9, 0xee, 0xee, 0xee, 7, 0, 0, 0]).unwrap();
        assert_eq!(reader.number::<1>().unwrap(), [9]);
        assert_eq!(u32::from_le_bytes(reader.number().unwrap()), 7);
        assert!(reader.finish().is_ok());
    }

    #[test]
    fn big_endian_bodies_are_turned() {
        let mut reader = CdrReader::new(&[0, 0, 0, 0, 0, 0, 1, 2]).unwrap();
        assert_eq!(u32::from_le_bytes(reader.number().unwrap()), 0x102);
    }

    #[test]
    fn other_encapsulations_are_refused_by_name() {
        let error = CdrReader::new(&[0, 3, 0, 0, 1]).unwrap_err();
        assert!(matches!(error.fault, CdrFault::Encapsulation { found: [0, 3], .. }));
        assert!(error.fault.to_string().contains("PL_CDR"));
        assert!(matches!(CdrReader::new(&[0, 1, 0]).unwrap_err().fault, CdrFault::NoEncapsulation { found_bytes: 3 }));
    }

    #[test]
    fn a_length_beyond_the_bytes_left_is_refused_before_it_is_believed() {
        let mut reader = CdrReader::new(&[0, 1, 0, 0, 0xff, 0xff, 0xff, 0xff, 1, 2]).unwrap();
        let error = reader.sequence_length(8).unwrap_err();
        assert!(matches!(error.fault, CdrFault::SequenceTooLong { count: 0xffff_ffff, left_bytes: 2, .. }));
        assert_eq!(error.offset_bytes, 4);
    }

    #[test]
    fn strings_need_their_nul_and_utf8_and_may_be_empty_in_two_ways() {
        let read = |body: &[u8]| {
            let bytes = [&[0, 1, 0, 0], body].concat();
            CdrReader::new(&bytes).unwrap().string().map(str::to_owned).map_err(|error| error.fault)
        };
        assert_eq!(read(&[0, 0, 0, 0]).unwrap(), "");
        assert_eq!(read(&[1, 0, 0, 0, 0]).unwrap(), "");
        assert_eq!(read(&[3, 0, 0, 0, b'o', b'k', 0]).unwrap(), "ok");
        assert!(matches!(read(&[2, 0, 0, 0, b'o', b'k']), Err(CdrFault::NotTerminated { found: b'k', .. })));
        assert!(matches!(read(&[3, 0, 0, 0, b'o', 0xff, 0]), Err(CdrFault::NotUtf8 { valid_up_to: 1, .. })));
    }
}
