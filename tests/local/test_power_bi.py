"""The semantic model for Power BI names what is in the catalogue, with types that fit."""

import re
from pathlib import Path

import pytest
from conftest import ROOT
from serving import generated

MODEL = ROOT / "infra/powerbi/carelake.SemanticModel/definition"
TABLES = sorted(file for file in (MODEL / "tables").glob("*.tmdl") if file.stem != "Days")
# Athena's types, and the type of the model that holds them.
TYPES = {"varchar": "string", "integer": "int64", "bigint": "int64", "double": "double", "date": "dateTime", "boolean": "boolean"}


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory) -> dict[str, dict[str, str]]:
    lake = generated(tmp_path_factory.mktemp("modelled"))
    found: dict[str, dict[str, str]] = {}
    for row in lake.sql("SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = 'gold'"):
        found.setdefault(row["table_name"], {})[row["column_name"]] = row["data_type"]
    return found


def columns(text: str) -> dict[str, str]:
    return dict(re.findall(r"^\tcolumn (\w+)\n\t\tdataType: (\w+)", text, re.MULTILINE))


def view(text: str) -> str:
    return re.search(r'\[Name = "(\w+)", Kind = "Table"\]', text)[1]


def made(text: str) -> dict[str, list[str]]:
    """Columns that the model makes itself, with those they are made of."""
    return {name: re.findall(r"\[(\w+)\]", rest) for name, rest in re.findall(r'Table\.AddColumn\(\w+, "(\w+)", each (.*), type text\)', text)}


def test_the_model_has_the_tables_it_lists():
    listed = re.findall(r"^ref table '?([^'\n]+)'?$", (MODEL / "model.tmdl").read_text(), re.MULTILINE)
    assert sorted(listed) == sorted(file.stem for file in (MODEL / "tables").glob("*.tmdl"))


@pytest.mark.parametrize("file", TABLES, ids=lambda file: file.stem.replace(" ", "-"))
def test_columns_are_those_of_the_view(file: Path, catalogue):
    text = file.read_text()
    there, own = catalogue[view(text)], made(text)
    named = columns(text)
    assert set(named) == set(there) | set(own)
    for name, of in own.items():
        assert named[name] == "string", name
        assert set(of) <= set(there), name
    for name, kind in there.items():
        wanted = "decimal" if kind.startswith("decimal") else TYPES[re.sub(r"\(.*", "", kind)]
        assert named[name] == wanted, (name, kind)


def test_relationships_and_measures_name_columns_of_the_model():
    texts = {file.stem: file.read_text() for file in (MODEL / "tables").glob("*.tmdl")}
    there = {table: set(re.findall(r"^\tcolumn (\w+)$", text, re.MULTILINE)) for table, text in texts.items()}
    measures = {name for text in texts.values() for name in re.findall(r"^\tmeasure '([^']+)'", text, re.MULTILINE)}
    ends = re.findall(r"^\t(?:from|to)Column: '?([^'\n]+?)'?\.(\w+)$", (MODEL / "relationships.tmdl").read_text(), re.MULTILINE)
    assert len(ends) == 18
    for table, column in ends:
        assert column in there[table], (table, column)
    for text in texts.values():
        for formula in re.findall(r"^\tmeasure '[^']+' = (.*)$", text, re.MULTILINE):
            for quoted, plain, column in re.findall(r"(?:'([^']+)'|\b(\w+))\[(\w+)\]", formula):
                assert column in there[quoted or plain], formula
            for measure in re.findall(r"(?<![\w'])\[([^\]]+)\]", formula):
                assert measure in measures, formula
