//! How many cases a property takes: `PROPTEST_CASES`, by which a long run asks for more and a slow one for fewer,
//! wins over the number that the property names.

// A process of its own for each number.
#![cfg(not(miri))]

use std::process::Command;

use proptest::prelude::*;

const NAMED: u32 = 5;
const LINE: &str = "one case";

proptest! {
    #![proptest_config(ProptestConfig { cases: NAMED, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn each_case_prints_a_line(_ in any::<u8>()) {
        println!("{LINE}");
    }
}

fn cases(asked: Option<&str>) -> usize {
    let this = std::env::current_exe().expect("this test's binary");
    let mut child = Command::new(this);
    child.args(["--exact", "each_case_prints_a_line", "--nocapture"]);
    child.env_remove("PROPTEST_CASES");
    child.envs(asked.map(|asked| ("PROPTEST_CASES", asked)));
    let output = child.output().expect("it can be started");
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8(output.stdout).expect("libtest's and ours");
    said.matches(LINE).count()
}

#[test]
fn proptest_cases_wins_over_the_number_that_a_property_names() {
    assert_eq!(cases(None), NAMED as usize);
    assert_eq!((cases(Some("2")), cases(Some("1000"))), (2, 1000));
}
