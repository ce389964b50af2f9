//! The service's ingest: any bytes, read as N-Triples.
//!
//! Asserts that it never fails but for a collision of ids; that each line that holds something gives
//! one triple or one bad line; that it does not matter where the reader's buffer is cut; that a bad
//! line's message has no control character; and that the triples' text, read again, is good and gives
//! the same ids, but for blank nodes, whose labels get a scope.
//!
//! Seen to find, within 15 s, a message with a control character, and a `\r` that is no line's end where the
//! buffer is cut.
#![no_main]

use std::io::BufReader;

use knhk_fuzz::ingest::{Fault, Ingested};
use knhk_fuzz::terms::Dictionary;
use libfuzzer_sys::fuzz_target;

/// What `text` holds, read through a buffer of `buffer` bytes, and what is wrong with it.
fn ingested(text: &[u8], buffer: usize) -> (Ingested, Vec<Fault>) {
    let mut ingested = Ingested::new(Dictionary::default());
    let (reader, mut faults) = (BufReader::with_capacity(buffer, text), Vec::new());
    ingested
        .read_stream(reader, 0, |_| {}, |fault| faults.push(fault))
        .expect("64-bit ids of so few terms differ");
    assert_eq!(ingested.bad_lines, faults.len() as u64);
    (ingested, faults)
}

fn text_of(ingested: &Ingested) -> Vec<u8> {
    let mut text = Vec::new();
    for triple in &ingested.triples {
        for id in triple {
            let before = text.len();
            ingested
                .terms
                .write(*id, |bytes| text.extend_from_slice(bytes));
            assert!(text.len() > before, "an id without text");
            text.push(b' ');
        }
        text.extend_from_slice(b".\n");
    }
    text
}

fuzz_target!(|text: &[u8]| {
    let (whole, faults) = ingested(text, 64 << 10);
    let lines = text.split(|byte| matches!(byte, b'\n' | b'\r'));
    let lines = lines.filter(|line| !line.is_empty()).count();
    let found = whole.triples.len() + faults.len();
    assert!(found <= lines, "{found} triples and bad lines of {lines}");
    for Fault { message, .. } in &faults {
        assert!(!message.chars().any(char::is_control), "{message:?}");
    }

    let (cut, cut_faults) = ingested(text, 1);
    assert_eq!((cut.triples, cut_faults), (whole.triples.clone(), faults));

    let (again, again_faults) = ingested(&text_of(&whole), 64 << 10);
    assert_eq!(again_faults, []);
    assert_eq!(again.triples.len(), whole.triples.len());
    if !text.windows(2).any(|pair| pair == b"_:") {
        assert_eq!(again.triples, whole.triples);
    }
});
