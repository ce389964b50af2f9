//! The built-in data set: universities with departments, professors, courses and students, as
//! N-Triples text, the same on every machine.
//!
//! ```text
//! University ◂─subOrganizationOf─ Department ◂─worksFor─ Professor ─teacherOf─▸ Course
//!                                     ▲                      ▲                     ▲
//!                                     └──memberOf── Student ─┴─advisor             │
//!                                                      └────────takesCourse────────┘
//! ```
//!
//! Everything has an `rdf:type` and a name; people have an `age`, courses have `credits`, both
//! `xsd:integer`. The vocabulary is `http://example.org/university#`. The text goes through the same
//! parser as a file would, so that ingest is part of what is run.

use std::fmt::{Display, Write as _};
use std::io::{self, Read};

/// The namespace of the generated classes and properties.
pub const VOCABULARY: &str = "http://example.org/university#";

const TYPE: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type";
const INTEGER: &str = "http://www.w3.org/2001/XMLSchema#integer";
const SEED: u64 = 2025;
const DEPARTMENTS: u64 = 12;
const PROFESSORS: u64 = 8;
const COURSES_EACH: u64 = 2;
const STUDENTS: u64 = 60;

/// A stream of exactly so many triples.
///
/// # Examples
///
/// ```
/// use std::io::Read as _;
/// use knhk_poold::generate::University;
///
/// let mut text = String::new();
/// University::new(1000).read_to_string(&mut text)?;
/// assert_eq!(text.lines().count(), 1000);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct University {
    random: SplitMix64,
    triples_left: u64,
    department: u64,
    text: String,
    read: usize,
}

impl University {
    /// The first `triples` triples of the data set, which has no end.
    pub fn new(triples: u64) -> Self {
        Self {
            random: SplitMix64(SEED),
            triples_left: triples,
            department: 0,
            text: String::new(),
            read: 0,
        }
    }

    /// Writes the next department, with all its people; and its university before the first.
    fn write_department(&mut self) {
        let (university, number) = (self.department / DEPARTMENTS, self.department % DEPARTMENTS);
        let university = format!("http://example.org/u{university}");
        let department = format!("{university}/d{number}");
        if number == 0 {
            self.describe(
                &university,
                "University",
                format_args!("University {university}"),
            );
        }
        self.describe(
            &department,
            "Department",
            format_args!("Department {number}"),
        );
        self.link(&department, "subOrganizationOf", &university);
        for professor in 0..PROFESSORS {
            self.write_professor(&department, professor);
        }
        for student in 0..STUDENTS {
            self.write_student(&department, student);
        }
        self.department += 1;
    }

    fn write_professor(&mut self, department: &str, number: u64) {
        let professor = format!("{department}/p{number}");
        self.describe(&professor, "Professor", format_args!("Professor {number}"));
        let age = 28 + self.random.below(43);
        self.number(&professor, "age", age);
        self.link(&professor, "worksFor", department);
        for course in number * COURSES_EACH..(number + 1) * COURSES_EACH {
            let course_iri = format!("{department}/c{course}");
            self.link(&professor, "teacherOf", &course_iri);
            self.describe(&course_iri, "Course", format_args!("Course {course}"));
            let credits = 1 + self.random.below(12);
            self.number(&course_iri, "credits", credits);
        }
    }

    fn write_student(&mut self, department: &str, number: u64) {
        let student = format!("{department}/s{number}");
        self.describe(
            &student,
            "Student",
            format_args!("Student \\\"{number}\\\""),
        );
        let age = 16 + self.random.below(20);
        self.number(&student, "age", age);
        self.link(&student, "memberOf", department);
        let advisor = self.random.below(PROFESSORS);
        self.link(&student, "advisor", format_args!("{department}/p{advisor}"));
        let (courses, taken) = (PROFESSORS * COURSES_EACH, 1 + self.random.below(5));
        let first = self.random.below(courses);
        for course in (first..first + taken).map(|course| course % courses) {
            self.link(
                &student,
                "takesCourse",
                format_args!("{department}/c{course}"),
            );
        }
    }

    fn describe(&mut self, subject: &str, class: &str, name: impl Display) {
        self.triple(subject, TYPE, format_args!("<{VOCABULARY}{class}>"));
        self.triple(
            subject,
            format_args!("{VOCABULARY}name"),
            format_args!("\"{name}\""),
        );
    }

    fn link(&mut self, subject: &str, property: &str, object: impl Display) {
        self.triple(
            subject,
            format_args!("{VOCABULARY}{property}"),
            format_args!("<{object}>"),
        );
    }

    fn number(&mut self, subject: &str, property: &str, value: u64) {
        let object = format_args!("\"{value}\"^^<{INTEGER}>");
        self.triple(subject, format_args!("{VOCABULARY}{property}"), object);
    }

    fn triple(&mut self, subject: &str, predicate: impl Display, object: impl Display) {
        if self.triples_left > 0 {
            self.triples_left -= 1;
            writeln!(self.text, "<{subject}> <{predicate}> {object} .")
                .expect("a String takes all");
        }
    }
}

impl Read for University {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.read == self.text.len() {
            self.text.clear();
            self.read = 0;
            if self.triples_left > 0 {
                self.write_department();
            }
        }
        let mut rest = &self.text.as_bytes()[self.read..];
        let read = rest.read(out)?;
        self.read += read;
        Ok(read)
    }
}

/// Steele, Lea and Flood's SplitMix64 (2014): one word of state, the same stream everywhere.
#[derive(Debug)]
pub(crate) struct SplitMix64(pub(crate) u64);

impl SplitMix64 {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Below `bound`; the bias of the remainder, at most bound / 2^64, does not matter here.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splitmix64_gives_its_published_stream() {
        // From the reference implementation, seed 1234567.
        let mut random = SplitMix64(1_234_567);
        let stream = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
        ];
        assert_eq!([(); 3].map(|()| random.next()), stream);
    }
}
