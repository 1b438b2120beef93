"""Proportion of days covered, lived through day by day: written from the definition, not from the SQL."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta

DAY = timedelta(days=1)


@dataclass
class Fill:
    """A fill of a drug; open supply has no end."""

    drug_class: str
    ingredient: str
    day: date
    stop: date | None

    def supply(self, end: date) -> int:
        if self.stop is None:
            return (end - self.day).days + 1
        return max(1, (self.stop - self.day).days)


def completed_years(born: date, day: date) -> int:
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def adherence(fills: list[Fill], born: date | None, died: date | None, as_of: date) -> dict[tuple, tuple]:
    """For each class and year: why it is not measured, the days covered, the days of the period."""
    groups = defaultdict(list)
    for fill in fills:
        if fill.day <= as_of:
            groups[fill.drug_class, fill.day.year].append(fill)
    return {key: measure(those, born, died, min(date(key[1], 12, 31), as_of)) for key, those in groups.items()}


def measure(fills: list[Fill], born: date | None, died: date | None, end: date) -> tuple:
    first = min(fill.day for fill in fills)
    last = min(end, died) if died else end
    if born is None:
        return "unknown_age", None, None
    if completed_years(born, first) < 18:
        return "minor", None, None
    if len({fill.day for fill in fills}) < 2:
        return "fewer_than_two_fills", None, None
    if (end - first).days < 91:
        return "index_fill_too_late", None, None
    if first > last:
        return "fill_after_death", None, None
    stock: dict[str, int] = defaultdict(int)
    covered = period = 0
    day = first
    while day <= last:
        for fill in fills:
            if fill.day == day:
                stock[fill.ingredient] += fill.supply(end)
        taken = [ingredient for ingredient, left in stock.items() if left > 0]
        for ingredient in taken:
            stock[ingredient] -= 1
        covered += bool(taken)
        period += 1
        day += DAY
    return "", covered, period
