//! Wrong rules of a contract.

use super::support::{GOOD, edited, load, load_dental};
use super::{assert_refused, line_of};

/// Rules appended to the good contract: the rule, the text on the line that must be named, the problem.
const RULES: &[(&str, &str, &str)] = &[
    (
        "kind = \"pattern\"\ncolumn = \"patient_id\"\npattern = '[A-'",
        "pattern = '",
        "pattern is not a regular expression",
    ),
    ("kind = \"pattern\"\ncolumn = \"patient_id\"", "id = \"more\"", "needs pattern"),
    ("kind = \"domain\"\ncolumn = \"patient_id\"", "id = \"more\"", "needs values"),
    (
        "kind = \"not_before\"\ncolumn = \"treated_on\"\nother = \"tooth\"",
        "other = ",
        "a date cannot be compared with a int",
    ),
    ("kind = \"not_before\"\ncolumn = \"treated_on\"", "id = \"more\"", "needs other"),
    ("kind = \"not_null\"\ncolumn = \"gum\"", "column = \"gum\"", "there is no column \"gum\""),
    (
        "kind = \"reference\"\ncolumn = \"patient_id\"\nparent = \"people\"",
        "parent = ",
        "table \"silver.people\" does not exist",
    ),
    (
        "kind = \"reference\"\ncolumn = \"tooth\"\nparent = \"patients\"\nparent_column = \"patient_id\"",
        "column = \"tooth\"\nparent",
        "silver.treatments has no column \"tooth\"",
    ),
    (
        "kind = \"reference\"\ncolumn = \"patient_id\"\nparent = \"patients\"\nparent_column = \"number\"",
        "parent_column = ",
        "silver.patients has no column \"number\"",
    ),
    (
        "kind = \"reference\"\ncolumn = \"patient_id\"\nparent = \"patients\"\ntarget = \"encounters\"",
        "target = ",
        "\"encounters\" is not a target of this contract",
    ),
    ("kind = \"joined\"\nparent = \"patients\"\non = [\"patient_id\"]", "id = \"more\"", "needs on and violation"),
    (
        "kind = \"joined\"\nparent = \"patients\"\non = [\"tooth\"]\nviolation = \"true\"",
        "on = [",
        "has no column \"tooth\"",
    ),
    ("kind = \"not_null\"\ncolumn = \"tooth\"\nlevels = 1", "levels = 1", "unknown field `levels`"),
];

#[test]
fn each_wrong_rule_is_refused_with_its_line() {
    for (rule, marker, problem) in RULES {
        let (head, tail) = GOOD.split_once("[[targets]]").unwrap();
        let text = format!(
            "{head}[[rules]]\nid = \"more\"\nlevel = \"row\"\nseverity = \"warn\"\n{rule}\n\n[[targets]]{tail}"
        );
        let start = format!("feeds/dental/log.toml:{}: ", line_of(&text, marker));
        assert_refused(rule, load_dental(&text), &start, problem, "");
    }
}

#[test]
fn a_rule_over_silver_needs_a_target() {
    let (head, _) = GOOD.split_once("[[targets]]").unwrap();
    let text = format!(
        "{head}[[rules]]\nid = \"known\"\nkind = \"reference\"\nlevel = \"reference\"\nseverity = \"warn\"\ncolumn = \"patient_id\"\nparent = \"patients\"\n"
    );
    let start = format!("feeds/dental/log.toml:{}: ", line_of(&text, "kind = \"reference\""));
    assert_refused("no target", load_dental(&text), &start, "no usable [[targets]]", "add a target");
}

#[test]
fn two_rules_of_one_id_are_refused() {
    let rule = "[[rules]]\nid = \"tooth_range\"\nkind = \"not_null\"\nlevel = \"row\"\nseverity = \"warn\"\ncolumn = \"tooth\"\n\n[[targets]]";
    let text = edited(GOOD, "[[targets]]", rule);
    let start = format!("feeds/dental/log.toml:{}: ", line_of(&text, "SECOND id = \"tooth_range\""));
    assert_refused("twice", load_dental(&text), &start, "stands twice", "its own id");
}

#[test]
fn rows_of_persons_that_no_column_of_the_file_tells_are_refused() {
    let good = include_str!("../../feeds/network/treatments.toml");
    let path = "feeds/network/treatments.toml";
    let none = edited(good, "file_column = \"visit_id\"\n", "");
    let start = format!("{path}:{}: ", line_of(&none, "id = \"visit_known\""));
    let problem = "whose the rows are is told by encounter_id, which the file has not";
    assert_refused("no column", load(&[(path, &none)]), &start, problem, "add file_column");
    let wrong = edited(good, "file_column = \"visit_id\"", "file_column = \"visit\"");
    let start = format!("{path}:{}: ", line_of(&wrong, "file_column"));
    assert_refused("another column", load(&[(path, &wrong)]), &start, "there is no column \"visit\"", "");
}
