//! Mode `warn`: one event for each section, with what happened in its fields.

use super::*;
use crate::recorder::Recorder;

/// What is recorded on this thread while `work` runs.
fn events(work: impl FnOnce()) -> Vec<String> {
    let recorder = Recorder::default();
    tracing::subscriber::with_default(recorder.clone(), work);
    recorder.events()
}

const LINE_OF_WARNED: u32 = line!() + 4;

/// A section that warns, at one place of the source.
fn warned(name: &'static str, bytes: usize) {
    let _section = HotPathGuard::enter(name).with_mode(Mode::Warn);
    drop(black_box(vec![1_u8; bytes]));
}

#[test]
fn warning_says_what_happened_and_where() {
    let events = events(|| warned("warn-fields", 40));
    let place = format!("{}:{LINE_OF_WARNED}:20", file!());
    let message = format!(
        "ALLOCATION IN HOT PATH: alloc of 40 bytes, alignment 1, in section `warn-fields` \
         ({place}), and 1 more"
    );
    let wanted = format!(
        "WARN knhk.hot_path.violation message={message} \
         knhk.hot_path.section=\"warn-fields\" knhk.hot_path.location={place} \
         knhk.hot_path.bytes=40 knhk.hot_path.alignment=1 knhk.hot_path.further_calls=1"
    );
    assert_eq!(events, [wanted]);
}

#[test]
fn each_place_warns_once_and_is_counted_each_time() {
    let events = events(|| {
        for bytes in 1..=3 {
            warned("warn-once", bytes);
        }
        warned("warn-once-other", 4);
        let _elsewhere = HotPathGuard::enter("warn-once").with_mode(Mode::Warn);
        drop(black_box(vec![1_u8; 5]));
    });
    let sizes = ["bytes=1 ", "bytes=4 ", "bytes=5 "];
    assert_eq!(events.len(), sizes.len(), "{events:#?}");
    for (event, size) in events.iter().zip(sizes) {
        assert!(event.contains(size), "{event}");
    }
    assert_eq!((count_of("warn-once"), count_of("warn-once-other")), (8, 2));
}

#[test]
fn a_place_that_two_threads_pass_warns_once() {
    let recorder = Recorder::default();
    thread::scope(|scope| {
        for _ in 0..2 {
            let subscriber = recorder.clone();
            scope.spawn(|| {
                tracing::subscriber::with_default(subscriber, || {
                    (0..10).for_each(|_| warned("warn-threads", 6));
                });
            });
        }
    });
    assert_eq!(recorder.events().len(), 1);
    assert_eq!(count_of("warn-threads"), 40);
}

#[test]
fn section_that_does_nothing_wrong_and_other_modes_do_not_warn() {
    let events = events(|| {
        drop(HotPathGuard::enter("warn-nothing").with_mode(Mode::Warn));
        let _section = HotPathGuard::enter("warn-count").with_mode(Mode::Count);
        drop(black_box(Box::new(1)));
    });
    assert_eq!(events, [""; 0]);
    assert_eq!(count_of("warn-count"), 2);
}

#[test]
fn subscriber_that_allocates_is_no_violation_and_the_section_around_goes_on() {
    let message = caught(|| {
        let recorder = Recorder::default();
        tracing::subscriber::with_default(recorder.clone(), || {
            warned("warn-alone", 7);
            assert_no_alloc(|| ());
        });
        assert_eq!(recorder.events().len(), 1);
    });
    assert_eq!(message, None);
    let strict = caught(|| {
        let _section = HotPathGuard::enter("warn-outer");
        warned("warn-inner", 8);
    });
    let strict = strict.expect("of nested sections the outermost's mode decides");
    assert!(strict.contains("`warn-inner`"), "{strict}");
}
