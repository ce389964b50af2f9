//! A gzip stream: members one behind the other, and zeros that may pad the last, as on a tape's blocks.

use std::io::{self, BufRead, Read};

use flate2::bufread::GzDecoder;

/// What all members hold.
#[derive(Debug)]
pub struct Members<R> {
    /// The one that is being read; none behind the last.
    member: Option<GzDecoder<R>>,
}

impl<R: BufRead> Members<R> {
    /// Those of `reader`, from its first byte.
    pub fn new(reader: R) -> Self {
        Self {
            member: Some(GzDecoder::new(reader)),
        }
    }

    /// Begins with the next member; `false` if there is none.
    fn next(&mut self) -> io::Result<bool> {
        let Some(mut rest) = self.member.take().map(GzDecoder::into_inner) else {
            return Ok(false);
        };
        let more = has_more(&mut rest);
        let is_more = matches!(more, Ok(true));
        self.member = is_more.then(|| GzDecoder::new(rest));
        more
    }
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.member {
            let read = member.read(bytes)?;
            if read > 0 || bytes.is_empty() || !self.next()? {
                return Ok(read);
            }
        }
        Ok(0)
    }
}

/// Whether anything but padding is behind a member.
fn has_more(rest: &mut impl BufRead) -> io::Result<bool> {
    let mut is_padded = false;
    loop {
        let bytes = match rest.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            bytes => bytes?,
        };
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        is_padded |= zeros > 0;
        match bytes.len() - zeros {
            0 if zeros == 0 => return Ok(false),
            0 => rest.consume(zeros),
            _ if is_padded => {
                let message = "behind the zeros that pad the gzip stream there is something else";
                return Err(io::Error::new(io::ErrorKind::InvalidData, message));
            }
            _ => return Ok(true),
        }
    }
}
