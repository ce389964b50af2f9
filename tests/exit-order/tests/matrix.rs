//! Every cell, each in a process of its own, ends well and with balanced books.
#![cfg(target_os = "linux")]

use std::path::{Path, PathBuf};
use std::process::Command;

use knhk_pool_exit_order::Cell;

/// The most that `knhk-pool` may take of each thread's thread-local storage: the cache of 8 pools is
/// half of it.
const OWN_TLS_MAX: u64 = 256;

/// What the detector takes in builds that are armed, as those with debug assertions are.
const DETECTOR_TLS: u64 = if cfg!(debug_assertions) { 208 } else { 0 };

/// What std (80 bytes), `tracing` (48) and this test (64) take beside it.
const OTHERS_TLS: u64 = 192;

fn run(place: &str, thread: &str, number: usize) -> Result<(), String> {
    let output = Command::new(env!("CARGO_BIN_EXE_exit-order"))
        .args([place, thread, &number.to_string()])
        .env("RUST_BACKTRACE", "0")
        .output()
        .expect("it can be started");
    let said = String::from_utf8_lossy(&output.stdout);
    if output.status.code() == Some(0) && said == "balanced\n" {
        return Ok(());
    }
    let error = String::from_utf8_lossy(&output.stderr);
    Err(format!(
        "{place}, {thread}: {}: {said}{error}",
        output.status
    ))
}

fn assert_all(place: &str, thread: &str) {
    let cells = Cell::all().enumerate();
    let failed: Vec<_> = cells
        .filter_map(|(number, cell)| Some((cell, run(place, thread, number).err()?)))
        .collect();
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
fn main_thread_ends_well_in_every_order() {
    assert_eq!(Cell::all().count(), 14);
    assert_all("here", "main");
}

#[test]
fn spawned_thread_ends_well_in_every_order() {
    assert_all("here", "spawned");
}

#[test]
fn main_thread_that_used_an_opened_library_ends_well_in_every_order() {
    assert_all("library", "main");
}

#[test]
fn spawned_thread_that_used_an_opened_library_ends_well_in_every_order() {
    assert_all("library", "spawned");
}

#[test]
fn thread_that_ends_after_the_library_was_closed_ends_well() {
    assert_all("library", "closing");
}

fn library() -> PathBuf {
    let folder = Path::new(env!("CARGO_BIN_EXE_exit-order")).parent();
    let folder = folder.expect("a file lies in a folder");
    let file = "libknhk_pool_exit_order.so";
    let paths = [folder.join(file), folder.join("deps").join(file)];
    paths
        .into_iter()
        .find(|path| path.exists())
        .expect("it was built")
}

/// An ELF64 file of this machine's byte order.
struct Elf(Vec<u8>);

impl Elf {
    fn number<const BYTES: usize>(&self, at: u64) -> u64 {
        let at = at as usize;
        let bytes: [u8; BYTES] = self.0[at..at + BYTES].try_into().expect("as many");
        let low = bytes
            .iter()
            .rev()
            .fold(0, |sum, byte| sum << 8 | u64::from(*byte));
        if cfg!(target_endian = "little") {
            low
        } else {
            low.swap_bytes() >> (64 - 8 * BYTES)
        }
    }

    /// Offset of each program header of this type.
    fn headers(&self, wanted: u64) -> impl Iterator<Item = u64> {
        assert_eq!(&self.0[..5], b"\x7fELF\x02", "ELF64");
        let (first, size, count) = (
            self.number::<8>(32),
            self.number::<2>(54),
            self.number::<2>(56),
        );
        (0..count)
            .map(move |nth| first + nth * size)
            .filter(move |header| self.number::<4>(*header) == wanted)
    }

    fn tls_bytes(&self) -> u64 {
        self.headers(7)
            .map(|header| self.number::<8>(header + 40))
            .sum()
    }

    /// The dynamic section's flags.
    fn flags(&self) -> u64 {
        let sections = self.headers(2).flat_map(|header| {
            let (start, bytes) = (self.number::<8>(header + 8), self.number::<8>(header + 32));
            (start..start + bytes).step_by(16)
        });
        let mut flags = sections.filter(|entry| self.number::<8>(*entry) == 30);
        flags.next().map_or(0, |entry| self.number::<8>(entry + 8))
    }
}

#[test]
fn library_needs_little_thread_local_storage_and_none_of_it_static() {
    let elf = Elf(std::fs::read(library()).expect("it can be read"));
    let bytes = elf.tls_bytes();
    println!("{bytes} bytes of thread-local storage");
    let most = OWN_TLS_MAX + DETECTOR_TLS + OTHERS_TLS;
    assert!((1..=most).contains(&bytes), "{bytes} bytes, {most} at most");
    // DF_STATIC_TLS: such a library can be opened only while there is room for it, which others use too.
    assert_eq!(
        elf.flags() & 0x10,
        0,
        "it asks for static thread-local storage"
    );
}
