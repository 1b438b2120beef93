"""The comparison finds what differs, and nothing else."""

import pytest
from compare import difference
from engines import Answer, text

COLUMNS = [("name", "varchar"), ("cost", "double"), ("at", "timestamp(3) with time zone")]
ROWS = [("a", "1.5", "2024-01-01 00:00:00.000 UTC"), ("b", None, None), ("", "0.30000000000000004", None)]


def answer(rows=ROWS, columns=COLUMNS) -> Answer:
    return Answer(list(columns), list(rows))


def test_order_and_the_last_digits_of_a_float_do_not_count():
    assert difference(answer(), answer([("", "0.3", None), *ROWS[:2]])) is None
    here = [("x", "1.0000000001", None), ("x", "1.0000000002", None)]
    there = [("x", "1.00000000021", None), ("x", "1.00000000009", None)]
    assert difference(answer(here), answer(there)) is None


def test_athena_tells_no_length_of_a_text_and_no_type_within_an_array():
    here = [("name", "string"), ("cost", "double"), ("at", "timestamp with time zone")]
    assert difference(answer(columns=here), answer(columns=[("name", "varchar(7)"), *COLUMNS[1:]])) is None
    lists = answer([("[1.5, 2.0E10]",)], [("l", "array")])
    assert difference(lists, answer([("[1.5, 2.0E10]",)], [("l", "array(double)")])) is None


@pytest.mark.parametrize(
    ("rows", "columns", "words"),
    [
        ([*ROWS[:2], (None, "0.30000000000000004", None)], COLUMNS, "rows in `name`"),
        ([*ROWS[:2], ("", "0.3000001", None)], COLUMNS, "rows in `cost`"),
        ([ROWS[0], ("b", "0.0", None), ROWS[2]], COLUMNS, "rows in `cost`"),
        ([("a", "1.5", "2024-01-01 00:00:00.001 UTC"), *ROWS[1:]], COLUMNS, "rows in `at`"),
        (ROWS[:2], COLUMNS, "3 rows; Trino has 2"),
        ([*ROWS, ROWS[0]], COLUMNS, "3 rows; Trino has 4"),
        (ROWS, [("names", "varchar"), *COLUMNS[1:]], "columns"),
        (ROWS, [COLUMNS[0], ("cost", "decimal(10,2)"), COLUMNS[2]], "`cost` is double"),
        (ROWS, [*COLUMNS[:2], ("at", "timestamp(3)")], "`at` is timestamp(3) with time zone"),
    ],
)
def test_what_differs_is_found(rows, columns, words):
    assert words in difference(answer(), answer(rows, columns))


def test_a_float_within_a_list_counts_as_a_number_and_a_text_does_not():
    def lists(value: str) -> Answer:
        return answer([(value,)], [("l", "array")])

    assert difference(lists("[0.30000000000000004, a]"), lists("[0.3, a]")) is None
    assert difference(lists("[0.3, a]"), lists("[0.3, b]"))
    assert difference(lists("[0.3]"), lists("[0.3, 0.3]"))


def test_values_of_trinos_protocol_are_written_as_athena_does():
    integer, floating = ({"rawType": kind, "arguments": []} for kind in ("integer", "double"))
    assert text(True, {"rawType": "boolean", "arguments": []}) == "true"
    assert text([1, None], {"rawType": "array", "arguments": [{"value": integer}]}) == "[1, null]"
    assert text({"a": 1.5}, {"rawType": "map", "arguments": [{"value": integer}, {"value": floating}]}) == "{a=1.5}"
    assert text(None, floating) is None
