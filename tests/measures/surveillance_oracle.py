"""EARS and trends, counted day by day and patient by patient: written from the definitions, not from the SQL."""

from collections import defaultdict
from datetime import date, timedelta
from statistics import mean, stdev

DAY = timedelta(days=1)


def excess(counts: dict[date, int], complete: set[date], day: date, first: int, last: int) -> float | None:
    """(count - mean) / sd over the complete days from day - first to day - last; None without four of them."""
    baseline = [counts.get(day - n * DAY, 0) for n in range(last, first + 1) if day - n * DAY in complete]
    if len(baseline) < 4:
        return None
    return (counts.get(day, 0) - mean(baseline)) / max(0.5, stdev(baseline))


def ears(counts: dict[date, int], complete: set[date]) -> dict[date, tuple]:
    """C1, C2 and C3 of each complete day on which, or up to two days before which, there was a case."""
    found = {}
    for case in counts:
        for day in (case, case + DAY, case + 2 * DAY):
            if day in complete:
                c2 = [excess(counts, complete, day - n * DAY, 9, 3) if day - n * DAY in complete else None for n in range(3)]
                c3 = None if c2[0] is None else sum(max(0.0, value - 1) for value in c2 if value is not None)
                found[day] = (excess(counts, complete, day, 7, 1), c2[0], c3)
    return found


def period_of(day: date, kind: str) -> tuple[date, date]:
    """First and last day of the week or month of a day."""
    if kind == "week":
        monday = day - day.weekday() * DAY
        return monday, monday + 6 * DAY
    first = day.replace(day=1)
    return first, (first + 31 * DAY).replace(day=1) - DAY


def trends(diagnoses: list[tuple], people: dict[str, tuple], kind: str) -> dict[date, tuple]:
    """Of one code: (patient, start, stop) rows; people: (born, died). New cases, patients, active, population by period."""
    first: dict[str, date] = {}
    recorded = defaultdict(set)
    for patient, start, _ in diagnoses:
        first[patient] = min(start, first.get(patient, start))
        recorded[period_of(start, kind)].add(patient)

    def lives(patient, day):
        born, died = people[patient]
        return (born is None or born <= day) and (died is None or died > day)

    found = {}
    for (begin, end), patients in recorded.items():
        ill = {patient for patient, start, stop in diagnoses if start <= end and (stop is None or stop > end) and lives(patient, end)}
        new = sum(begin <= day <= end for day in first.values())
        found[begin] = (new, len(patients), len(ill), sum(lives(patient, end) for patient in people))
    return found
