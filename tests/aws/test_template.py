"""The template agrees with what it deploys: names, timeouts, metrics. No emulator is needed."""

import importlib.util
import re

import pytest
from emulator import FUNCTIONS, ROOT

INFRA = ROOT / "infra"
RUST = ROOT / "shared/aws/src"


def text(name: str) -> str:
    return (INFRA / name).read_text()


def test_a_message_stays_invisible_for_six_times_the_timeout():
    visible = dict(re.findall(r'"(\d+)": \{Seconds: (\d+)\}', text("storage.yaml")))
    allowed = re.search(r"StepTimeout:.*?AllowedValues: \[(.*?)\]", text("template.yaml"), re.S).group(1)
    assert set(re.findall(r"\d+", allowed)) == set(visible)
    assert all(int(seconds) == 6 * int(timeout) for timeout, seconds in visible.items())


def test_functions_read_the_variables_that_the_template_sets():
    given = set(re.findall(r"CARELAKE_[A-Z_]+", text("template.yaml")))
    assert given <= set(re.findall(r"CARELAKE_[A-Z_]+", (RUST / "config.rs").read_text()))


def test_the_quarantine_alarm_watches_metrics_that_functions_write():
    names = set(re.findall(r"^    (\w+),$", (RUST / "metrics.rs").read_text(), re.M))
    watched = set(re.findall(r"MetricName: (Rows\w+)", text("alarms.yaml")))
    assert watched == {"RowsIn", "RowsRejected"}
    assert watched <= names


@pytest.mark.parametrize("function", FUNCTIONS)
def test_each_function_is_built_has_a_role_and_an_alarm(function):
    assert f"CodeUri: build/{function}/" in text("template.yaml")
    assert f"{function.title()}Role:" in text("roles.yaml")
    assert f'"${{Name}}-{function}-errors"' in text("alarms.yaml")
    assert (ROOT / "functions" / function / "Cargo.toml").exists()


def test_roles_have_no_wildcard_action_and_one_wildcard_resource():
    for name in ("roles.yaml", "queries.yaml"):
        allowed = re.findall(r"Effect: Allow\n +Action:\n? *(\[.*?\]|\".*?\")", text(name), re.S)
        assert allowed
        assert not [actions for actions in allowed if re.search(r'[:"]\*"', actions)], name
    assert text("roles.yaml").count('Resource: "*"') == 1


def test_a_library_that_is_too_new_for_lambda_is_found():
    spec = importlib.util.spec_from_file_location("package", INFRA / "package.py")
    package = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(package)
    listed = "0000 DF *UND* 0000 (GLIBC_2.2.5) read\n0000 DF *UND* 0000 (GLIBC_2.35) hypot\n0000 w D *UND* 0000 __gmon_start__"
    assert package.glibc(listed) == (2, 35) > package.GLIBC
    assert package.glibc("") == (0, 0)
