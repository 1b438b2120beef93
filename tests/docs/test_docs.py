"""The documentation says what is: generated pages, links, commands, and nothing of the machine it was written on."""

import os
import re
import subprocess
import sys
import unicodedata
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", Path.home() / ".cache/carelake/target"))
BINARY = Path(os.environ.get("CARELAKE_BIN", TARGET / "debug/carelake"))
NOT_OURS = {"target", "node_modules", "demo", "lake", "landing"}
FENCE = re.compile(r"^```.*?^```[^\n]*$", re.M | re.S)
INLINE = re.compile(r"`([^`\n]+)`")


def pages() -> list[Path]:
    found = []
    for folder, inner, files in os.walk(ROOT):
        inner[:] = [name for name in inner if not name.startswith(".") and name not in NOT_OURS]
        found += [Path(folder, name) for name in files if name.endswith(".md")]
    return sorted(found)


PAGES = pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))


@pytest.mark.parametrize(
    ("script", "page"),
    [
        ("data_model.py", "data-model.md"),
        ("definitions.py", "definitions.md"),
        ("measures.py", "measures.md"),
        ("cost.py", "cost.md"),
        ("functions.py", "functions.md"),
    ],
)
def test_a_generated_page_is_what_its_generator_prints(script, page):
    printed = subprocess.run([sys.executable, ROOT / "docs" / script], capture_output=True, text=True, check=True).stdout
    assert (ROOT / "docs" / page).read_text() == printed, "run make docs"


def test_the_twins_for_sharing_are_what_their_generator_writes():
    subprocess.run([sys.executable, ROOT / "docs/twins.py", "--check"], check=True)


def test_the_template_of_prepared_statements_is_what_its_generator_prints():
    printed = subprocess.run([sys.executable, ROOT / "infra/prepared.py"], capture_output=True, text=True, check=True).stdout
    assert (ROOT / "infra/prepared.yaml").read_text() == printed, "run make infra"


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    found: set[str] = set()
    for heading in re.findall(r"^#{1,6} +(.+?)\s*$", FENCE.sub("", page.read_text()), re.M):
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").lower()
        kept = "".join(c for c in text if c in " -_" or unicodedata.category(c)[0] in "LN")
        anchor = kept.replace(" ", "-")
        number = 1
        while anchor in found:
            anchor = f"{kept.replace(' ', '-')}-{number}"
            number += 1
        found.add(anchor)
    return found


def links(page: Path) -> list[str]:
    text = INLINE.sub("", FENCE.sub("", page.read_text()))
    return re.findall(r"\]\(([^)\s]+)\)", text)


@PAGES
def test_every_relative_link_leads_somewhere(page):
    for link in links(page):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{link} leads nowhere"
        assert target.is_relative_to(ROOT), f"{link} leads out of the repository"
        if anchor and target.suffix == ".md":
            assert anchor in anchors(target), f"{link}: no such heading"


@cache
def usage(*command: str) -> str:
    return subprocess.run([BINARY, *command, "--help"], capture_output=True, text=True, check=True, timeout=60).stdout


@cache
def subcommands(*command: str) -> frozenset[str]:
    _, _, after = usage(*command).partition("\nCommands:\n")
    return frozenset(re.findall(r"^  ([a-z][a-z-]*)", after.partition("\n\n")[0], re.M))


def calls(page: Path) -> list[list[str]]:
    """What stands after `carelake` in code."""
    text = page.read_text()
    code = [line for block in FENCE.findall(text) for line in block.splitlines()[1:-1]]
    code += INLINE.findall(FENCE.sub("", text))
    found = []
    for line in code:
        for call in re.findall(r"(?:^|\$ |[(/`]|&& |; )carelake ((?:[a-zA-Z-].*)?)", line):
            words = re.sub(r"\"[^\"]*\"|'[^']*'|\s#.*", " X ", call).split()
            if words:
                found.append(words)
    return found


@PAGES
def test_every_command_named_exists_with_its_options(page):
    for words in calls(page):
        command: list[str] = []
        for word in words:
            known = subcommands(*command)
            if not known or word.startswith("-") or not re.fullmatch(r"[a-z][a-z-]*[,.]?", word):
                break
            word = word.rstrip(",.")
            assert word in known, f"carelake {' '.join([*command, word])} does not exist"
            command.append(word)
        for option in re.findall(r"(?<!\S)(--[a-z-]+)", " ".join(words)):
            assert re.search(rf"{option}\b(?!-)", usage(*command)), f"carelake {' '.join(command)} has no {option}"


@PAGES
def test_no_page_tells_of_the_machine_it_was_written_on(page):
    for word in ("/root/", "/work/", "/tmp/", "/home/"):
        assert word not in page.read_text(), word


def test_every_decision_is_listed():
    folder = ROOT / "docs/decisions"
    listed = set(re.findall(r"\]\((\d{4}-[a-z0-9-]+\.md)\)", (folder / "README.md").read_text()))
    assert listed == {page.name for page in folder.glob("[0-9]*.md")}


def test_the_readme_counts_what_is_there():
    text = (ROOT / "README.md").read_text()
    contracts, sql = ROOT / "shared/contracts", ROOT / "shared/sql"
    feeds = sorted(file.parent.name for file in contracts.glob("feeds/*/feed.toml"))
    datasets = [file for file in contracts.glob("feeds/*/*.toml") if file.name != "feed.toml"]
    assert f"| feeds | {', '.join(feeds)}: {len(datasets)} datasets |" in text
    assert f"| silver | {len(list(contracts.glob('silver/*.toml')))} canonical Delta tables" in text
    gold, twins, prepared = (len(list(sql.glob(f"{folder}/*.sql"))) for folder in ("gold", "gold_identified", "prepared"))
    assert f"| gold | {gold} views and marts, {twins} twins with names, {prepared} prepared queries" in text
    (commands,) = re.findall(r"^\| command \| (.+?) \(", text, re.M)
    assert set(commands.split(", ")) == subcommands() - {"help"}
