//! What RealtimeSanitizer says of one probe: `rtsan-probe PROBE`; `rtsan-probe probes` and `rtsan-probe sections`
//! list the probes, and the sections that they pass.
//!
//! It is the second judge of hot paths: it sees C's allocator too, to which the detector is blind.

#![feature(sanitize)]

mod kernels;
mod library;

use std::ffi::c_void;
use std::hint::black_box;

unsafe extern "C" {
    fn malloc(size: usize) -> *mut c_void;
    fn free(start: *mut c_void);
}

/// Work that must not block, after what may.
struct Probe {
    name: &'static str,
    /// The library's sections that it passes.
    sections: &'static [&'static str],
    run: fn(),
}

/// Runs `work` where RealtimeSanitizer ends the process if it blocks.
#[inline(never)]
#[sanitize(realtime = "nonblocking")]
fn judged(mut work: impl FnMut()) {
    for _ in 0..100 {
        work();
    }
}

fn allocates_in_rust() {
    judged(|| drop(black_box(Box::new(black_box(1_u64)))));
}

fn allocates_in_c() {
    judged(|| {
        // SAFETY: C's own contract; null is as good here.
        let start = unsafe { malloc(black_box(64)) };
        // SAFETY: from `malloc`, or null.
        unsafe { free(black_box(start)) };
    });
}

/// That the sanitizer must report.
const GUILTY: [Probe; 2] = [
    Probe {
        name: "rust",
        sections: &[],
        run: allocates_in_rust,
    },
    Probe {
        name: "c",
        sections: &[],
        run: allocates_in_c,
    },
];

/// That it must not report.
fn probes() -> impl Iterator<Item = &'static Probe> {
    library::PROBES.iter().chain(kernels::PROBES)
}

fn main() {
    let asked = std::env::args().nth(1).unwrap_or_default();
    match &*asked {
        "probes" => probes().for_each(|probe| println!("{}", probe.name)),
        "sections" => {
            let sections = probes().flat_map(|probe| probe.sections);
            sections.for_each(|section| println!("{section}"));
        }
        name => {
            let probe = probes().chain(&GUILTY).find(|probe| probe.name == name);
            (probe.unwrap_or_else(|| panic!("no probe {name:?}")).run)();
            println!("reached the end");
        }
    }
}
