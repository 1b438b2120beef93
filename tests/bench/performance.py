"""Writes docs/performance.md and its plots from the benchmark's figures.

python tests/bench/performance.py RESULTS CARELAKE
"""

import json
import os
import platform
import subprocess
import sys
from datetime import date
from importlib.metadata import version
from pathlib import Path

import plots
from targets import median, ratio, speed, targets

ROOT = Path(__file__).resolve().parent.parent.parent
DOCS = ROOT / "docs"
NAMES = {"carelake": "carelake", "duckdb": "DuckDB", "polars": "Polars"}
KINDS = {"csv": "CSV", "ndjson": "NDJSON", "events": "nested JSON"}


def table(header: list[str], rows: list[list[str]]) -> str:
    """A Markdown table; columns after the first are to the right."""
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def plot(name: str, svg: str, words: str) -> str:
    """Writes a plot beside the page; the line that shows it."""
    (DOCS / f"performance-{name}.svg").write_text(svg)
    return f"![{words}](performance-{name}.svg)\n"


def machine(binary: Path) -> str:
    model = next((line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), platform.machine())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    java = subprocess.run(["java", "-version"], capture_output=True, text=True).stderr.splitlines()[0]
    own = subprocess.run([binary, "--version"], capture_output=True, text=True).stdout.strip()
    peers = ", ".join(f"{name} {version(package)}" for name, package in (("DuckDB", "duckdb"), ("Polars", "polars"), ("PySpark", "pyspark")))
    rows = [
        ["processor", f"{model}, {os.cpu_count()} cores"],
        ["memory", f"{memory:.0f} GB"],
        ["system", f"{platform.system()} {platform.release()}, Python {platform.python_version()}, {java}"],
        ["carelake", f"{own}, release build"],
        ["peers", peers],
        ["date", date.today().isoformat()],
    ]
    return "\n".join(["| | |", "|---|---|", *(f"| {' | '.join(row)} |" for row in rows)]) + "\n"


def of_targets(results: dict) -> str:
    rows = [[one.what, one.asked.strip(), one.reached.strip(), "reached" if one.met else "**not reached**"] for one in targets(results)]
    return table(["", "asked", "measured", ""], rows)


def of_ingest(ingest: dict) -> str:
    rows, shown = [], []
    for kind, figures in ingest.items():
        for cores in (1, 2):
            for tool, name in NAMES.items():
                one = figures[f"{tool}_{cores}"]
                size = figures["bytes"] / 1e6
                spread = f"{size / one['inside']['max']:.0f}–{size / one['inside']['min']:.0f}"
                total = size / one["inside"]["median"]
                rows.append(
                    [
                        KINDS[kind],
                        str(cores),
                        name,
                        f"{total:.0f}",
                        spread,
                        f"{speed(figures, tool, cores):.0f}",
                        f"{one['whole']['median']:.2f}",
                        f"{one['peak_mb']['median']:.0f}",
                    ]
                )
                if kind == "csv":
                    shown.append((f"{name}, {'one core' if cores == 1 else 'two cores'}", total, "own" if tool == "carelake" else "peer"))
        spark, size = figures["spark_2"], figures["bytes"] / 1e6
        for name, seconds in (("PySpark, cold", spark["cold"]), ("PySpark, warm", spark["warm"])):
            whole = f"{spark['whole']:.2f}" if name.endswith("cold") else ""
            rows.append([KINDS[kind], "2", name, f"{size / seconds:.0f}", "", f"{size / seconds / 2:.0f}", whole, f"{spark['peak_mb']:.0f}"])
            if kind == "csv":
                shown.append((f"{name}, two cores", size / seconds, "peer"))
    picture = plot("ingest", plots.bars("Appointments, CSV: landing file to Parquet", "MB of CSV a second", shown), "Speed of ingest by tool")
    header = ["file", "cores", "tool", "MB/s", "least–most", "MB/s a core", "process s", "peak MB"]
    sizes = ", ".join(f"{KINDS[kind]} {figures['bytes'] / 1e6:.0f} MB in {figures['rows']:,} records" for kind, figures in ingest.items())
    return f"{picture}\nFiles: {sizes}.\n\n{table(header, rows)}"


THREADS = {
    "decode": "takes the file apart, cleans the text",
    "tokio-rt-worker": "types, checks, finds repeated keys, makes pseudonyms, joins identity's columns",
    "parquet": "encodes, compresses and writes bronze, identity and quarantine",
    "digest": "takes the SHA-256 of the file",
    "carelake": "start, plans of all views, catalogue, report",
}


def of_threads(ingest: dict) -> str:
    """Where the time of the CSV file goes, and how far from DuckDB it is."""
    csv = ingest["csv"]
    total = sum(csv["threads"].values())
    named = sorted(csv["threads"].items(), key=lambda one: -one[1])
    rows = [[f"`{name}`", THREADS.get(name, ""), f"{seconds:.2f}", f"{100 * seconds / total:.0f} %"] for name, seconds in named]
    own, peer = csv["carelake_2"]["cpu"]["median"], csv["duckdb_2"]["cpu"]["median"]
    words = f"Whole processes on two cores: {own:.2f} CPU seconds, DuckDB {peer:.2f}."
    return f"{table(['thread', 'does', 'CPU s', ''], rows)}\n{words}\n"


def of_memory(memory: list[dict]) -> str:
    rows = []
    for size in memory:
        for reach, words in (("bronze", "bronze, identity, quarantine"), ("gold", "silver and gold")):
            one = size[reach]
            rows.append(
                [size["name"], f"{size['rows']:,}", words, f"{one['peak_mb']:.0f}", f"{one['seconds']:.1f}", f"{size['bytes'] / 1e6 / one['seconds']:.0f}"]
            )
    return table(["file", "rows", "to", "peak MB", "s", "MB/s"], rows)


def of_whole(whole: dict) -> str:
    own, spark = whole["carelake"], whole["spark"]
    if not spark:
        return f"carelake took {own['rows_in']:,} rows in {own['seconds']:.1f} s; PySpark was stopped after {whole['limit']} s, unfinished.\n"
    stages = [["start", "", f"{spark['stages']['start']:.1f}"]]
    stages += [[name, f"{own['stages'][name]:.1f}", f"{spark['stages'][name]:.1f}"] for name in ("ingest", "conform", "publish")]
    stages.append(["whole process, s", f"{own['seconds']:.1f}", f"{spark['whole']:.1f}"])
    stages.append(["peak memory, MB", f"{own['peak_mb']:.0f}", f"{spark['peak_mb']:.0f}"])
    stages.append(["rows in", f"{own['rows_in']:,}", f"{spark['rows_in']:,}"])
    stages.append(["rows rejected, with those that wait", f"{own['rejected']:,}", f"{spark['rejected'] + spark['orphans']:,}"])
    stages.append(["rows in silver and identity", f"{sum(whole['silver'].values()):,}", f"{sum(spark['silver'].values()):,}"])
    other = [f"`{name}` {whole['silver'][name]:,} and {count:,}" for name, count in spark["silver"].items() if whole["silver"][name] != count]
    same = "All tables have the same number of rows in both." if not other else f"Tables that differ: {'; '.join(other)}."
    left = f"Left out by PySpark: {'; '.join(spark['left_out'])}." if spark["left_out"] else f"PySpark planned all {spark['views']} views."
    return f"{table(['', 'carelake', 'PySpark'], stages)}\n{same} {left}\n"


def of_scale(scale: list[dict]) -> str:
    rows = []
    for one in scale:
        stages = [f"{one['stages'][name]:.1f}" for name in ("ingest", "conform", "publish")]
        rows.append(
            [
                f"{one['rows_in']:,}",
                f"{one['bytes'] / 1e6:,.0f}",
                *stages,
                f"{one['seconds']:.1f}",
                f"{one['rows_in'] / one['seconds']:,.0f}",
                f"{one['peak_mb']:.0f}",
                f"{one['again']:.2f}",
            ]
        )
    points = [(one["rows_in"] / 1e6, one["seconds"]) for one in scale]
    picture = plot("scale", plots.lines("Whole run, landing to gold", "million rows in", "seconds", points, "in step"), "Time of whole runs by rows")
    return f"{picture}\n{table(['rows in', 'MB', 'ingest s', 'conform s', 'publish s', 'whole s', 'rows/s', 'peak MB', 'second run s'], rows)}"


def of_views(views: dict) -> str:
    rows, shown = [], []
    for name, one in sorted(views.items(), key=lambda item: -median(item[1]["carelake"]["ms"])):
        own, planning = median(one["carelake"]["ms"]), median(one["carelake"]["planning_ms"])
        if "ms" not in one["duckdb"]:
            rows.append([f"`{name}`", f"{own:.1f}", f"{planning:.1f}", "not transpiled", "", ""])
            continue
        peer = median(one["duckdb"]["ms"])
        rows.append([f"`{name}`", f"{own:.1f}", f"{planning:.1f}", f"{peer:.1f}", f"{ratio(one):.2f}", f"{one['duckdb']['sums'][0]:,.0f}"])
        shown += [(name, own, "own"), ("  DuckDB", peer, "peer")]
    start = median([one["carelake"]["process_s"] - sum([one["carelake"]["first_ms"], *one["carelake"]["ms"]]) / 1e3 for one in views.values()])
    first = median([one["carelake"]["first_ms"] for one in views.values()])
    picture = plot("views", plots.bars("Gold views, planning and running", "milliseconds, median of 3", shown), "Time of gold views in carelake and DuckDB")
    words = (
        f"A process of `carelake sql` adds {start * 1e3:.0f} ms; the first run of a view, which opens its tables, took {first:.0f} ms (medians over the views)."
    )
    return f"{picture}\n{table(['view', 'carelake ms', 'of it planning', 'DuckDB ms', 'ratio', 'rows'], rows)}\n{words}\n"


def main() -> None:
    results, binary = json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2])
    page = (Path(__file__).parent / "performance.template").read_text()
    parts = {"ingest": of_ingest, "memory": of_memory, "whole": of_whole, "scale": of_scale, "views": of_views}
    minutes = sum(results["minutes"].values())
    filled = {"machine": machine(binary), "targets": of_targets(results), "minutes": f"{minutes:.0f}"}
    filled |= {part: write(results[part]) if part in results else "Not measured.\n" for part, write in parts.items()}
    filled["threads"] = of_threads(results["ingest"]) if "ingest" in results else "Not measured.\n"
    for name, text in filled.items():
        page = page.replace(f"{{{{{name}}}}}", text.rstrip("\n"))
    (DOCS / "performance.md").write_text(page)


if __name__ == "__main__":
    main()
