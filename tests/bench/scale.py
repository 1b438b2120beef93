"""Time of whole runs from 1 to 20 million rows: it should grow no faster than the data."""

import shutil

from bench import Bench
from measure import say
from whole import hospital, of_carelake

# The last lake is kept for the views.
MILLIONS = [1, 5, 20, 10]


def measure(bench: Bench) -> None:
    figures = []
    for millions in MILLIONS:
        landing = hospital(bench, millions / 100 if bench.quick else millions)
        say(f"scale: {landing.name}")
        figures.append(of_carelake(bench, landing, bench.work / "lake"))
        say(f"  {figures[-1]['rows_in']:,} rows, {figures[-1]['seconds']:.1f} s, peak {figures[-1]['peak_mb']:.0f} MB, again {figures[-1]['again']:.2f} s")
        bench.results.keep("scale", sorted(figures, key=lambda one: one["rows_in"]))
        shutil.rmtree(landing)
    (bench.work / "lake").rename(bench.work / "views-lake")
