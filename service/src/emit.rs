//! *Emit*: a receipt as a line of JSON, constructed triples as N-Triples.
//!
//! ```text
//! {"cycle":12,"shard":3,"hook":0,"lanes":2,"result":1,"hash":"89ab0123cdef4567"}
//! ```
//!
//! `cycle` is the delta's place in the stream, `shard` the run's in its delta, `hook` the hook's in
//! its file, all from 0; `lanes` is the number of matching lanes, `result` the answer. Nothing that
//! is measured stands in it, so that the output is the same for every run of the program.

use std::ops::Deref;

use knhk_pool::{Receipt, SoaTriples};

use crate::hooks::Test;
use crate::output::Kind;
use crate::terms::Dictionary;
use crate::worker::Evaluation;

/// Hands one evaluation's lines to `put`, piece by piece; allocates nothing.
pub(crate) fn emit<R: Deref<Target = Receipt>>(
    evaluation: &Evaluation<R>,
    soa: &SoaTriples,
    terms: &Dictionary,
    mut put: impl FnMut(Kind, &[u8]),
) {
    let Evaluation {
        receipt,
        test,
        verdict,
        ..
    } = evaluation;
    put(
        Kind::Receipts,
        ReceiptLine::new(receipt, verdict.answer).as_bytes(),
    );
    if let Test::Construct8 { p, o } = *test {
        for lane in (0..soa.s.len()).filter(|lane| verdict.lanes >> lane & 1 == 1) {
            for (id, end) in [(soa.s[lane], " "), (p, " "), (o, " .\n")] {
                terms.write(id, |text| put(Kind::Triples, text));
                put(Kind::Triples, end.as_bytes());
            }
        }
    }
}

/// The longest line: 67 bytes of names, three numbers of 20 digits, one of 10, one of 3, and 16
/// digits of the hash.
const LINE_BYTES_MAX: usize = 160;

struct ReceiptLine {
    bytes: [u8; LINE_BYTES_MAX],
    len: usize,
}

impl ReceiptLine {
    fn new(receipt: &Receipt, answer: u8) -> Self {
        let mut line = Self {
            bytes: [0; LINE_BYTES_MAX],
            len: 0,
        };
        line.field("{\"cycle\":", receipt.cycle);
        line.field(",\"shard\":", receipt.shard);
        line.field(",\"hook\":", receipt.hook);
        line.field(",\"lanes\":", receipt.lanes.into());
        line.field(",\"result\":", answer.into());
        line.push(b",\"hash\":\"");
        line.push(&hex(receipt.hash));
        line.push(b"\"}\n");
        line
    }

    fn field(&mut self, name: &str, value: u64) {
        self.push(name.as_bytes());
        self.push(itoa::Buffer::new().format(value).as_bytes());
    }

    fn push(&mut self, bytes: &[u8]) {
        self.bytes[self.len..self.len + bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len();
    }

    fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

fn hex(word: u64) -> [u8; 16] {
    let mut digits = [0; 16];
    for (place, digit) in digits.iter_mut().enumerate() {
        let nibble = word >> (60 - 4 * place) & 0xf;
        *digit = b"0123456789abcdef"[nibble as usize];
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_receipt_fits_its_line() {
        let receipt = Receipt {
            cycle: u64::MAX,
            shard: u64::MAX,
            hook: u64::MAX,
            lanes: u32::MAX,
            hash: 0x0123_4567_89ab_cdef,
            ..Receipt::default()
        };
        let line = ReceiptLine::new(&receipt, u8::MAX);
        let text = std::str::from_utf8(line.as_bytes()).expect("ASCII");
        let json: serde_json::Value = serde_json::from_str(text).expect("JSON");
        assert_eq!(json["cycle"], u64::MAX);
        assert_eq!(json["hash"], "0123456789abcdef");
    }
}
