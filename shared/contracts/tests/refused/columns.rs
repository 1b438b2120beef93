//! Wrong columns, keys and targets of a contract.

use super::support::{GOOD, edited, load_dental};
use super::{assert_refused, line_of};

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
        "an extract without a group",
        ("type = \"date\"", "type = \"date\"\nextract = \"Patient/.+\""),
        "extract = ",
        "not a regular expression with a group",
        "Patient/(.+)",
    ),
    (
        "an extract that is no expression",
        ("type = \"date\"", "type = \"date\"\nextract = \"(\""),
        "extract = ",
        "not a regular expression with a group",
        "Patient/(.+)",
    ),
    (
        "a number to be completed as a date",
        ("type = \"int\"", "type = \"int\"\ncomplete = true"),
        "name = \"tooth\"",
        "is for dates and timestamps",
        "leave it out",
    ),
    (
        "another name that is a path",
        ("version = 1", "version = 1\naliases = [\"logs/old\"]"),
        "aliases = ",
        "cannot be another name",
        "up to its first dot",
    ),
    (
        "an empty list of headers",
        ("type = \"date\"", "type = \"date\"\nfrom = []"),
        "name = \"treated_on\"",
        "from is an empty list",
        "at least one",
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
        "domain, not_in, range",
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
