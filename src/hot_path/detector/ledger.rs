//! The totals of the process, by source line: a chain that only grows, read without a lock.
//!
//! As long as the program has marked places in which something was seen. An entry is allocated
//! before it is linked, so that no allocator runs under a lock.

use std::panic::Location;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::Place;
use crate::hot_path::{Permits, SectionViolations};

type Link = OnceLock<Box<Entry>>;

struct Entry {
    place: Place,
    count: AtomicU64,
    is_warned: AtomicBool,
    next: Link,
}

static VIOLATIONS: Link = OnceLock::new();
static PERMITS: Link = OnceLock::new();

/// The entry of `place`, made if there is none.
fn entry(mut link: &'static Link, place: Place) -> &'static Entry {
    loop {
        if link.get().is_none() {
            // Another thread may be first; then its entry is looked at.
            let _ = link.set(Box::new(Entry {
                place,
                count: AtomicU64::new(0),
                is_warned: AtomicBool::new(false),
                next: OnceLock::new(),
            }));
        }
        if let Some(entry) = link.get() {
            if (entry.place.name, entry.place.location) == (place.name, place.location) {
                return entry;
            }
            link = &entry.next;
        }
    }
}

fn entries(link: &'static Link) -> impl Iterator<Item = &'static Entry> {
    std::iter::successors(link.get(), |entry| entry.next.get()).map(|entry| &**entry)
}

// Relaxed, here and below: a count publishes nothing but itself.
fn add(link: &'static Link, place: Place, count: u64) {
    entry(link, place).count.fetch_add(count, Ordering::Relaxed);
}

pub(super) fn add_violations(place: Place, count: u64) {
    add(&VIOLATIONS, place, count);
}

pub(super) fn add_permits(location: &'static Location<'static>, count: u64) {
    add(&PERMITS, Place { name: "", location }, count);
}

/// Whether this is the first time that it is asked for this place.
pub(super) fn is_first_warning(place: Place) -> bool {
    !entry(&VIOLATIONS, place)
        .is_warned
        .swap(true, Ordering::Relaxed)
}

pub(in crate::hot_path) fn violations() -> Vec<SectionViolations> {
    entries(&VIOLATIONS)
        .map(|entry| SectionViolations {
            section: entry.place.name,
            location: entry.place.location,
            count: entry.count.load(Ordering::Relaxed),
        })
        .collect()
}

pub(in crate::hot_path) fn permits() -> Vec<Permits> {
    entries(&PERMITS)
        .map(|entry| Permits {
            location: entry.place.location,
            count: entry.count.load(Ordering::Relaxed),
        })
        .collect()
}
