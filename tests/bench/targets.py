"""What is asked for and what was reached, computed from the figures."""

from dataclasses import dataclass


@dataclass
class Target:
    """A line of the table of targets."""

    what: str
    asked: str
    reached: str
    met: bool


def at_least(what: str, wanted: float, got: float, unit: str) -> Target:
    return Target(what, f"≥ {wanted:g} {unit}", f"{got:.2f} {unit}" if got < 10 else f"{got:.0f} {unit}", got >= wanted)


def at_most(what: str, wanted: float, got: float, unit: str) -> Target:
    return Target(what, f"≤ {wanted:g} {unit}", f"{got:.2f} {unit}" if got < 10 else f"{got:.0f} {unit}", got <= wanted)


def speed(figures: dict, tool: str, cores: int) -> float:
    """MB a second and core, by the median of the seconds inside."""
    return figures["bytes"] / 1e6 / figures[f"{tool}_{cores}"]["inside"]["median"] / cores


def of_ingest(ingest: dict) -> list[Target]:
    csv = ingest["csv"]
    found = [at_least("CSV → validated bronze, identity, quarantine, one core", 100, speed(csv, "carelake", 1), "MB/s")]
    for cores, name in ((1, "one core"), (2, "two cores")):
        ratio = speed(csv, "carelake", cores) / speed(csv, "duckdb", cores)
        found.append(at_least(f"the same beside DuckDB's CSV → Parquet, {name}", 1, ratio, "× its speed"))
    own, spark = csv["carelake_2"], csv["spark_2"]
    found.append(at_least("the same beside PySpark, warm, two cores", 2, spark["warm"] / own["inside"]["median"], "× its speed"))
    found.append(at_least("whole processes: carelake beside PySpark, two cores", 5, spark["whole"] / own["whole"]["median"], "× its speed"))
    return found


def of_memory(memory: list[dict]) -> list[Target]:
    found = []
    for size in memory:
        found.append(at_most(f"peak memory of ingest, one file of {size['name']}", 256, size["bronze"]["peak_mb"], "MB"))
        found.append(at_most(f"peak memory of the whole run, one file of {size['name']}", 256, size["gold"]["peak_mb"], "MB"))
    return found


def of_whole(whole: dict) -> list[Target]:
    # When PySpark was stopped, the ratio is at least this.
    spark = whole["spark"]["whole"] if whole["spark"] else whole["limit"]
    ratio = spark / whole["carelake"]["seconds"]
    rows = f"{whole['carelake']['rows_in'] / 1e6:.0f} million rows"
    return [at_least(f"whole run of all feeds beside one PySpark process, {rows}", 10, ratio, "× its speed")]


def of_scale(scale: list[dict]) -> list[Target]:
    first, last = scale[0], scale[-1]
    growth = (last["seconds"] / first["seconds"]) / (last["rows_in"] / first["rows_in"])
    data = f"{first['rows_in'] / 1e6:.0f} to {last['rows_in'] / 1e6:.0f} million rows"
    again = max(one["again"] for one in scale)
    return [at_most(f"growth of time ÷ growth of data, {data}", 1, growth, ""), at_most("second run with nothing new, the slowest", 1, again, "s")]


def of_views(views: dict) -> list[Target]:
    ran = {name: figures for name, figures in views.items() if "ms" in figures["duckdb"]}
    faster = sum(ratio(figures) <= 1 for figures in ran.values())
    return [Target("gold views at least as fast as in DuckDB", f"{len(ran)} of {len(ran)} views", f"{faster} of {len(ran)} views", faster == len(ran))]


def ratio(view: dict) -> float:
    """carelake's median time divided by DuckDB's."""
    return median(view["carelake"]["ms"]) / median(view["duckdb"]["ms"])


def median(values: list[float]) -> float:
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


PARTS = {"ingest": of_ingest, "memory": of_memory, "whole": of_whole, "scale": of_scale, "views": of_views}


def targets(results: dict) -> list[Target]:
    """Every target of the parts that were run."""
    return [target for part, of in PARTS.items() if part in results for target in of(results[part])]
