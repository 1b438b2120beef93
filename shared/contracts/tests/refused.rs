//! Wrong contract files are refused with file, line and what to do.
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use carelake_contracts::{ContractErrors, ContractSet};
use support::{FEED, GOOD, MAPPING, edited, load, load_dental};

/// What is wrong, the edit of the good contract, the text on the line that must be named, the problem, the remedy.
type Case = (&'static str, (&'static str, &'static str), &'static str, &'static str, &'static str);

const CASES: &[Case] = &[
    (
        "an unknown type",
        ("type = \"date\"", "type = \"datum\""),
        "type = \"datum\"",
        "\"datum\" is not a type",
        "string, int, long",
    ),
    (
        "a decimal without digits",
        ("type = \"date\"", "type = \"decimal(2,5)\""),
        "decimal(2,5)",
        "is not a type",
        "mend the type",
    ),
    (
        "an unknown column in a rule",
        ("column = \"tooth\"", "column = \"teeth\""),
        "column = \"teeth\"",
        "there is no column \"teeth\"",
        "treatment_id, patient_id, treated_on, tooth",
    ),
    (
        "a pad that would fill memory",
        ("type = \"date\"", "type = \"date\"\npad = 100000000000"),
        "name = \"treated_on\"",
        "too wide",
        "at most 1000",
    ),
    (
        "a column twice",
        ("name = \"treated_on\"", "name = \"patient_id\""),
        "SECOND name = \"patient_id\"",
        "stands twice",
        "one entry",
    ),
    (
        "a column the engine owns",
        ("name = \"treated_on\"", "name = \"source\""),
        "name = \"source\"",
        "cannot be a column name",
        "snake_case",
    ),
    (
        "a column name that is not snake_case",
        ("name = \"treated_on\"", "name = \"Treated On\""),
        "Treated On",
        "cannot be a column name",
        "snake_case",
    ),
    (
        "an unknown key",
        ("key = [\"treatment_id\"]", "key = [\"number\"]"),
        "key = ",
        "there is no column \"number\"",
        "add the column",
    ),
    (
        "an unknown latest_by",
        ("version = 1", "version = 1\nlatest_by = \"changed\""),
        "latest_by",
        "there is no column \"changed\"",
        "add the column",
    ),
    (
        "an unknown target table",
        ("table = \"silver.treatments\"", "table = \"silver.teeth\""),
        "silver.teeth",
        "table \"silver.teeth\" does not exist",
        "add its file under silver/",
    ),
    (
        "a target twice",
        (
            "[[targets]]",
            "[[targets]]\ntable = \"silver.treatments\"\nsql = \"log.treatments.sql\"\nload = \"append\"\n\n[[targets]]",
        ),
        "SECOND table = \"silver.treatments\"",
        "stands twice",
        "one mapping",
    ),
    (
        "a missing mapping file",
        ("log.treatments.sql", "log.sql"),
        "sql = ",
        "mapping file \"log.sql\" does not exist",
        "write it next to the contract",
    ),
    (
        "an unknown load mode",
        ("load = \"upsert\"", "load = \"merge\""),
        "load = ",
        "load \"merge\" is not known",
        "append, upsert, replace_partition, snapshot",
    ),
    (
        "a snapshot into a table without its columns",
        ("load = \"upsert\"", "load = \"snapshot\""),
        "load = ",
        "has no column snapshot_date",
        "another load mode",
    ),
    (
        "a threshold over one",
        ("threshold = 0.5", "threshold = 5.0"),
        "threshold = 5.0",
        "threshold is not a share",
        "from 0 to 1",
    ),
    (
        "a column's threshold below zero",
        ("type = \"date\"", "type = \"date\"\nthreshold = -0.1"),
        "threshold = -0.1",
        "threshold is not a share",
        "from 0 to 1",
    ),
    (
        "an unknown field",
        ("required = true", "requird = true"),
        "requird = true",
        "unknown field `requird`",
        "docs/contracts.md",
    ),
    (
        "set_null that rejects",
        ("severity = \"warn\"", "severity = \"reject\""),
        "id = \"tooth_range\"",
        "set_null with severity reject",
        "severity = \"warn\"",
    ),
    (
        "a person_id that is a number",
        ("name = \"patient_id\"\ntype = \"string\"", "name = \"patient_id\"\ntype = \"long\""),
        "type = \"long\"",
        "person_id column \"patient_id\" is not a string",
        "leading zeros",
    ),
    (
        "an unknown phi class",
        ("phi = \"person_id\"", "phi = \"secret\""),
        "phi = \"secret\"",
        "phi \"secret\" is not known",
        "none, quasi, person_id, identifier, free_text",
    ),
    (
        "a format on text",
        ("type = \"int\"", "type = \"int\"\nformat = \"%d\""),
        "format = ",
        "is not usable here",
        "%d/%m/%Y",
    ),
    (
        "a format that chrono does not know",
        ("type = \"date\"", "type = \"date\"\nformat = \"%Q\""),
        "format = ",
        "is not usable here",
        "%d/%m/%Y",
    ),
    (
        "a default of another type",
        ("type = \"int\"", "type = \"int\"\ndefault = \"none\""),
        "default = ",
        "default \"none\" is not a int",
        "value of the column's type",
    ),
    (
        "an unknown on_invalid",
        ("type = \"int\"", "type = \"int\"\non_invalid = \"drop\""),
        "on_invalid = ",
        "on_invalid \"drop\" is not known",
        "reject, null",
    ),
    (
        "an unknown rule kind",
        ("kind = \"range\"", "kind = \"between\""),
        "kind = \"between\"",
        "rule kind \"between\" is not known",
        "domain, range",
    ),
    (
        "an unknown level",
        ("level = \"value\"", "level = \"cell\""),
        "level = ",
        "level \"cell\" is not known",
        "table, column, value, row, reference",
    ),
    (
        "an unknown severity",
        ("severity = \"warn\"", "severity = \"fatal\""),
        "severity = ",
        "severity \"fatal\" is not known",
        "reject, warn",
    ),
    (
        "a rule id with a dot",
        ("id = \"tooth_range\"", "id = \"tooth.range\""),
        "tooth.range",
        "is not a rule id",
        "snake_case",
    ),
    (
        "a bound of another type",
        ("min = 11", "min = \"low\""),
        "min = \"low\"",
        "bound \"low\" is not a int",
        "column's type",
    ),
    ("a range without bounds", ("min = 11\nmax = 48\n", ""), "id = \"tooth_range\"", "needs min or max", "add min"),
    ("a rule without its column", ("column = \"tooth\"\n", ""), "id = \"tooth_range\"", "needs column", "add column"),
    (
        "two arrays side by side",
        (
            "name = \"treated_on\"",
            "name = \"treated_on\"\nfrom = \"a[].x\"\ntype = \"date\"\n\n[[columns]]\nname = \"other\"\nfrom = \"b[].y\"",
        ),
        "name = \"other\"",
        "explode two arrays side by side",
        "dataset of its own",
    ),
    (
        "a path that ends in an array",
        ("name = \"treated_on\"", "name = \"treated_on\"\nfrom = \"visits[]\""),
        "name = \"treated_on\"",
        "names an array",
        "visits[#]",
    ),
    (
        "a duplicates mode that is not known",
        ("version = 1", "version = 1\nduplicates = \"keep\""),
        "duplicates = ",
        "duplicates \"keep\" is not known",
        "dedupe, reject",
    ),
    (
        "an unknown_columns that is not known",
        ("version = 1", "version = 1\nunknown_columns = \"drop\""),
        "unknown_columns = ",
        "is not known",
        "bronze, identity",
    ),
    ("a version that is text", ("version = 1", "version = \"one\""), "version = ", "invalid type", "docs/contracts.md"),
    ("broken TOML", ("key = [\"treatment_id\"]", "key = [\"treatment_id\""), "[[columns]]", "", "docs/contracts.md"),
];

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

/// 1-based line of `marker`; with SECOND in front, of its second occurrence.
fn line_of(text: &str, marker: &str) -> usize {
    let (marker, nth) = marker.strip_prefix("SECOND ").map_or((marker, 0), |marker| (marker, 1));
    let (offset, _) = text.match_indices(marker).nth(nth).unwrap();
    text[..offset].matches('\n').count() + 1
}

fn assert_refused(what: &str, result: Result<ContractSet, ContractErrors>, start: &str, problem: &str, remedy: &str) {
    let errors = result.err().unwrap_or_else(|| panic!("{what}: it loads")).to_string();
    let named = errors.lines().any(|line| line.starts_with(start) && line.contains(problem) && line.contains(remedy));
    assert!(named, "{what}: wanted \"{start}… {problem}; … {remedy}\" in:\n{errors}");
}

#[test]
fn the_contract_the_cases_edit_is_good() {
    let set = load_dental(GOOD).unwrap();
    assert_eq!(set.contract("dental", "log").unwrap().rules.len(), 1);
}

#[test]
fn each_wrong_contract_is_refused_with_its_line_and_what_to_do() {
    for (what, (from, to), marker, problem, remedy) in CASES {
        let text = edited(GOOD, from, to);
        let start = format!("feeds/dental/log.toml:{}: ", line_of(&text, marker));
        assert_refused(what, load_dental(&text), &start, problem, remedy);
    }
}

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
fn every_problem_is_reported_at_once() {
    let text = edited(&edited(GOOD, "type = \"date\"", "type = \"datum\""), "threshold = 0.5", "threshold = 2");
    let errors = load_dental(&text).unwrap_err();
    assert_eq!(errors.0.len(), 2, "{errors}");
}

#[test]
fn whole_files_are_refused_by_name() {
    let no_feed = load(&[("feeds/dental/log.toml", GOOD), ("feeds/dental/log.treatments.sql", MAPPING)]);
    assert_refused("no feed.toml", no_feed, "feeds/dental/feed.toml: ", "the file is missing", "write it");
    let none =
        load(&[("feeds/dental/log.toml", "description = \"x\"\nversion = 1\n"), ("feeds/dental/feed.toml", FEED)]);
    assert_refused("no columns", none, "feeds/dental/log.toml: ", "no [[columns]]", "list every column");
    let name = load(&[
        ("feeds/dental/My Log.toml", GOOD),
        ("feeds/dental/log.treatments.sql", MAPPING),
        ("feeds/dental/feed.toml", FEED),
    ]);
    assert_refused("name", name, "feeds/dental/My Log.toml: ", "is not a usable name", "lower-case");
}

#[test]
fn wrong_tables_are_refused_with_their_line() {
    let table = "description = \"x\"\ngrain = \"x\"\nkey = [\"id\"]\npartition_by = [\"source\", \"year\"]\nperiod_of = \"day\"\n\n\
                 [[columns]]\nname = \"id\"\ntype = \"string\"\n\n[[columns]]\nname = \"day\"\ntype = \"date\"\n";
    assert!(load(&[("silver/teeth.toml", table)]).is_ok());
    for (from, to, marker, problem) in [
        ("key = [\"id\"]", "key = [\"number\"]", "key = ", "there is no column \"number\""),
        ("type = \"date\"", "type = \"day\"", "type = \"day\"", "is not a type"),
        ("period_of = \"day\"", "period_of = \"moment\"", "period_of", "there is no column \"moment\""),
        ("grain = \"x\"", "grains = \"x\"", "grains", "unknown field"),
    ] {
        let text = edited(table, from, to);
        let start = format!("silver/teeth.toml:{}: ", line_of(&text, marker));
        assert_refused(to, load(&[("silver/teeth.toml", &text)]), &start, problem, "");
    }
    let text = edited(table, "period_of = \"day\"\n", "");
    assert_refused(
        "no period",
        load(&[("silver/teeth.toml", &text)]),
        "silver/teeth.toml: ",
        "has no period_of",
        "add period_of",
    );
}

#[test]
fn a_folder_that_is_not_there_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let errors = ContractSet::with_folder(&folder.path().join("gone")).unwrap_err().to_string();
    assert!(errors.contains("cannot be read") && errors.contains("check the path"), "{errors}");
}

#[test]
fn files_beside_the_contract_folders_are_left_alone() {
    let set = load(&[("samples/big.csv", "a,b\n"), ("notes.toml", "not a contract"), ("gold/x.sql", "SELECT 1")]);
    assert_eq!(set.unwrap().contracts.len(), ContractSet::embedded().unwrap().contracts.len());
}
