"""The site of `carelake report`: complete, offline, without patients."""

import re
from html.parser import HTMLParser

import pytest
from conftest import carelake
from serving import generated


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    return generated(tmp_path_factory.mktemp("reported"))


@pytest.fixture(scope="module")
def site(lake, tmp_path_factory):
    out = tmp_path_factory.mktemp("site")
    carelake("train", "--lake", lake.folder, "--source", "noshow_vitoria", check=False)
    carelake("report", "--lake", lake.folder, "--out", out)
    return out


class Page(HTMLParser):
    def __init__(self, text: str):
        super().__init__()
        self.links, self.outside, self.open = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name in ("href", "src", "action", "data", "xlink:href"):
                self.links.append(value)
        if tag in ("script", "iframe", "object", "embed", "link", "img", "form"):
            self.outside.append(tag)


def test_every_page_is_there_and_leads_to_pages_that_are(site):
    names = {file.name for file in site.iterdir()}
    assert {"index.html", "cost.html", "clinic.html", "no-show.html", "quality.html", "runs.html", "models.html"} <= names
    for name in names:
        page = Page((site / name).read_text())
        assert not page.outside, (name, page.outside)
        for link in page.links:
            assert link in names or link.startswith("#"), (name, link)


def test_no_page_asks_the_network_for_anything(site):
    for file in site.iterdir():
        text = file.read_text()
        assert not re.search(r"(?:src|href)\s*=\s*[\"']?(?:https?:)?//|@import|url\(", text), file.name


def test_plots_and_tables_hold_what_the_command_answers(site, lake):
    text = (site / "cost.html").read_text()
    assert text.count("<svg") >= 3
    top = lake.sql("SELECT department FROM department_treatment_summary ORDER BY total_cost DESC LIMIT 1")[0]["department"]
    assert top in text
    assert "Nothing to show" not in text
    runs = (site / "runs.html").read_text()
    assert lake.one("SELECT count(*) FROM silver.patients")
    assert "rows in" in runs
    assert "FAIL" in (site / "quality.html").read_text()


def test_no_page_names_a_patient(site, lake):
    names = [row["full_name"] for row in lake.sql("SELECT DISTINCT full_name FROM identity.patients WHERE full_name IS NOT NULL LIMIT 400")]
    doctors = {row["full_name"] for row in lake.sql("SELECT DISTINCT full_name FROM silver.practitioners")}
    identifiers = [row["patient_id"] for row in lake.sql("SELECT patient_id FROM silver.patients LIMIT 400")]
    for file in site.iterdir():
        text = file.read_text()
        assert not [name for name in names if name in text and name not in doctors], file.name
        assert not [identifier for identifier in identifiers if identifier in text], file.name
