//! The gate of a day, as contracts say it.
#![allow(clippy::unwrap_used)]

mod support;

use carelake_contracts::{Contract, Gate, OnFail};
use support::{GOOD, load_dental};

fn with(gate: &str) -> Result<Contract, String> {
    let text = GOOD.replacen("[[columns]]", &format!("{gate}\n[[columns]]"), 1);
    let set = load_dental(&text).map_err(|errors| errors.to_string())?;
    Ok(set.contract("dental", "log").unwrap().clone())
}

#[test]
fn a_gate_is_what_the_contract_says_else_a_tenth_that_is_published() {
    assert_eq!(with("").unwrap().gate, Gate { reject_rate: 0.1, on_fail: OnFail::Publish });
    let gate = with("[gate]\nreject_rate = 0.02\non_fail = \"hold\"\n").unwrap().gate;
    assert_eq!(gate, Gate { reject_rate: 0.02, on_fail: OnFail::Hold });
}

#[test]
fn a_wrong_gate_is_refused() {
    for (gate, problem) in [
        ("[gate]\nreject_rate = 2.0\n", "reject_rate is not a share"),
        ("[gate]\non_fail = \"wait\"\n", "on_fail \"wait\" is not known"),
        ("[gate]\nrate = 0.1\n", "unknown field `rate`"),
    ] {
        let text = with(gate).unwrap_err();
        assert!(text.contains(problem), "{text}");
    }
}

#[test]
fn another_gate_takes_no_file_again() {
    let (before, after) = (with("").unwrap(), with("[gate]\nreject_rate = 0.5\n").unwrap());
    assert_eq!(before.fingerprint(), after.fingerprint());
}
