"""Prints docs/data-model.md from the contract files: `make docs`."""

import tomllib
from pathlib import Path

from markdown import codes, table

CONTRACTS = Path(__file__).resolve().parent.parent / "shared/contracts"

INTRODUCTION = """\
# Data model

This page is written by `make docs` from the files in [shared/contracts](../shared/contracts). Do not edit it.
The gold views are in [definitions.md](definitions.md). How to write a contract is in [contracts.md](contracts.md).

## Databases

| database | what it holds | format | who reads it |
|---|---|---|---|
| `bronze` | good rows as they arrived, typed; persons under pseudonyms | Parquet, one file a landing file | data engineers |
| `identity` | who the pseudonyms are: real identifiers, names, contacts, free text, unclassified columns | Parquet, and one Delta table | few: restricted |
| `quarantine` | broken rules: file, row, rule, reason, masked values | Parquet, one file a landing file | data engineers |
| `silver` | canonical tables, the same for every feed | Delta Lake | analysts |
| `codes` | the code lists of the contracts, dated and with their source ([measures.md](measures.md#code-lists)) | Delta Lake | analysts |
| `gold` | views and marts without names and real identifiers of patients | views and Delta Lake | analysts, managers |
| `gold_identified` | twins of gold views with names and real identifiers | views | few: restricted |

## What holds everywhere

- `source` names the sender. The same identifier from two sources is two different things: every key and every join
  has `source` in it.
- `feed` names the shape of the data: the contract under which the rows came.
- `patient_id` is a pseudonym (see [decision 6](decisions/0006-pseudonyms.md)). `identity` has the real identifier
  beside it, as `real_patient_id`; in `gold_identified`, `patient_id` is the real one.
- Timestamps are UTC with microseconds. Money is `decimal(18,2)`. Identifiers are strings.
- An open interval ends in NULL. There is no 9999-12-31.
- An unknown gender or marital status is `Unknown`, not NULL, where a contract maps it.
- Diagnoses and drugs are grouped by code: texts of a code change between versions of a sender.
"""

SILVER = """\
## Silver

Every silver table has these columns beside its own. They are not repeated below.

| column | type | what it is |
|---|---|---|
| `source` | string | sender; first partition column |
| `feed` | string | feed of the sender |
| `year` or `month` | int or string | time partition, taken from a date column, where the table has one |
| `ingest_date` | date | day of the landing folder, else the day of the file |
| `_order` | string | place of the file among the files of its source and dataset |
| `_row` | long | record number in that file, from 1 |

A key is unique within a source. The diagram shows which column leads to which table, as the contracts check it.
"""

ENGINE = """\
### silver.sources

Which subject areas of gold a source takes part in; written by `carelake run` from `feed.toml`.

| column | type | what it is |
|---|---|---|
| `source` | string | sender |
| `feed` | string | feed it sends |
| `area` | string | subject area: {areas} |

### gold.as_of

| column | type | what it is |
|---|---|---|
| `as_of_date` | date | the one day as of which ages and the like are reckoned |
"""

BRONZE = """\
## Bronze, identity and quarantine

A dataset `<dataset>` of a feed `<feed>` has a table `bronze.<feed>_<dataset>` and a table
`quarantine.<feed>_<dataset>`; with anything about a person it has `identity.<feed>_<dataset>` too.
The column PHI says where a value goes:

| PHI | in bronze | in identity |
|---|---|---|
| none | as it is | |
| `quasi` | as it is: dates, city, ZIP and the like, which a HIPAA limited data set may keep | |
| `person_id` | the pseudonym | the pseudonym, and the real identifier as `real_<column>` |
| `identifier` | | as it is |
| `free_text` | | as it is |

Both tables end in `_extra`, `_order` and `_row`. `_extra` holds the columns that the contract does not know, as JSON;
"Unknown columns" below says in which of the two tables. All three tables are partitioned by `source` and
`ingest_date`.

Beside the rules listed below every dataset has the checks `file.readable`, `row.shape` and `row.encoding`, `key.unique`
where duplicates are rejected, `<column>.type` for every column that is not text, and `<column>.required`.

A quarantine table has one row a broken rule:

| column | type | what it is |
|---|---|---|
| `_order` | string | the file |
| `_row` | long | record number in the file, from 1; 0 for the file as a whole |
| `column` | string | column of the rule |
| `rule` | string | stable id, `<feed>.<dataset>.<rule>` |
| `severity` | string | `reject`: the row is not in silver; `warn`: it is |
| `reason` | string | why, in words |
| `value` | string | the value, masked |
| `record` | string | the whole row as JSON, every value masked; only for rejected rows |
"""


def read(path: Path) -> dict:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def read_contracts() -> dict[tuple[str, str], dict]:
    files = sorted((CONTRACTS / "feeds").glob("*/*.toml"))
    return {(file.parent.name, file.stem): read(file) for file in files if file.name != "feed.toml"}


def loads(qualified: str, contracts: dict) -> list[tuple[str, str]]:
    """Datasets that fill a table, with their load mode."""
    return [
        (f"{feed}.{dataset}", target["load"])
        for (feed, dataset), contract in contracts.items()
        for target in contract.get("targets", [])
        if target["table"] == qualified
    ]


def canonical(database: str, name: str, spec: dict, contracts: dict) -> list[str]:
    """The section of a silver or identity table."""
    key = codes(["source", *spec["key"]]) if spec.get("key") else "none"
    partitions = codes(spec["partition_by"])
    if "period_of" in spec:
        partitions += f" (of `{spec['period_of']}`)"
    fills = loads(f"{database}.{name}", contracts)
    filled_by = ", ".join(f"`{dataset}` ({load})" for dataset, load in fills)
    lines = [
        f"### {database}.{name}",
        "",
        spec["description"],
        "",
        f"- Grain: {spec['grain']}",
        f"- Key: {key}",
        f"- Partitions: {partitions}",
        f"- Filled by: {filled_by or 'no contract'}",
        "",
    ]
    rows = [
        (
            f"`{column['name']}`",
            column["type"],
            column.get("unit", ""),
            column.get("description", ""),
        )
        for column in spec["columns"]
    ]
    return lines + table(["column", "type", "unit", "what it is"], rows)


def target_of(rule: dict, contract: dict) -> str:
    target = rule.get("target", contract["targets"][0]["table"])
    return target.removeprefix("silver.")


def diagram(contracts: dict) -> list[str]:
    """The relations between silver tables that reference rules check."""
    relations = set()
    for contract in contracts.values():
        for rule in contract.get("rules", []):
            if rule["kind"] == "reference":
                parent = rule["parent"].removeprefix("silver.")
                relations.add((parent, target_of(rule, contract), rule["column"]))
    arrows = [f"  {parent} ||--o{{ {child} : {column}" for parent, child, column in sorted(relations) if parent != child]
    return ["```mermaid", "erDiagram", *arrows, "```", ""]


def header_of(column: dict) -> str:
    """Where a column stands in the file."""
    origin = column.get("from", column["name"])
    names = [origin] if isinstance(origin, str) else origin
    return codes(names)


def dataset_section(feed: str, dataset: str, contract: dict) -> list[str]:
    key = contract.get("key", [])
    duplicates = contract.get("duplicates", "reject")
    same_key = {
        "reject": "the first good row is kept, later ones are rejected",
        "dedupe": "one row survives, the others are counted as deduplicated",
    }[duplicates]
    whole_row = key == ["*"]
    facts = [
        f"- Key: {'all columns' if whole_row else codes(key) or 'none'}",
        f"- Same key twice in a file: {same_key}" if key else "",
        f"- Latest by: `{contract['latest_by']}`" if "latest_by" in contract else "",
        f"- Unknown columns: {contract.get('unknown_columns', 'bronze')}",
        f"- Fills: {codes(target['table'] for target in contract.get('targets', []))}",
    ]
    rows = [
        (
            f"`{column['name']}`",
            header_of(column),
            column["type"],
            "yes" if column.get("required") else "",
            column.get("phi", ""),
            column.get("description", ""),
        )
        for column in contract["columns"]
    ]
    header = ["column", "in the file", "type", "required", "PHI", "what it is"]
    rules = [
        (
            f"`{rule['id']}`",
            rule["severity"],
            rule.get("threshold", 0),
            rule.get("description", ""),
        )
        for rule in contract.get("rules", [])
    ]
    rule_header = ["rule", "severity", "threshold", "what holds"]
    return [
        f"#### {feed}.{dataset}",
        "",
        f"{contract['description']} Contract version {contract['version']}.",
        "",
        *[fact for fact in facts if fact],
        "",
        *table(header, rows),
        *(table(rule_header, rules) if rules else []),
    ]


def page() -> str:
    contracts = read_contracts()
    feeds = {file.parent.name: read(file) for file in sorted((CONTRACTS / "feeds").glob("*/feed.toml"))}
    areas = sorted({area for feed in feeds.values() for area in feed.get("areas", [])})
    lines = [INTRODUCTION, SILVER, *diagram(contracts)]
    for file in sorted((CONTRACTS / "silver").glob("*.toml")):
        lines += canonical("silver", file.stem, read(file), contracts)
    lines += [ENGINE.format(areas=codes(areas)), "## Identity", ""]
    for file in sorted((CONTRACTS / "identity").glob("*.toml")):
        lines += canonical("identity", file.stem, read(file), contracts)
    lines.append(BRONZE)
    for name, feed in feeds.items():
        own = codes(feed.get("areas", [])) or "none"
        lines += [f"### Feed {name}", "", feed["description"], ""]
        lines += [f"Areas of gold: {own}.", ""]
        for (owner, dataset), contract in contracts.items():
            if owner == name:
                lines += dataset_section(owner, dataset, contract)
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    print(page(), end="")
