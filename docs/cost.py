"""Prints cost.md: what a month on AWS costs, from prices.toml and workloads that are stated beside the result."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
PRICES = tomllib.loads((HERE / "prices.toml").read_text())
KEYS = 2
"""Keys of the template."""
QUEUES = 4
"""Queues that Lambda polls."""
SECONDS_A_MONTH = 30 * 24 * 3600
# Lambda keeps this many long polls of 20 seconds open on a queue that is idle.
POLLERS = 5
# What one file does, on average, at each step: seconds and GB of memory of the function.
INGEST = (0.5, 1.769)
CONFORM = (1.5, 3.538)
PUBLISH = (2.0, 3.538)
# Objects written and read for a file by the three steps: bronze, identity, quarantine, ledger, Delta files and logs, leases.
PUTS, GETS = 43, 123
# Messages are sent, received and deleted.
MESSAGES = 3
# Of the landing bytes: what stays of them in all layers together, and how many months they are kept.
KEPT, MONTHS = 1.5, 12
ATHENA_LEAST_MB = 10
# Metrics of all functions: one a function and name. Bytes of log that a file leaves in all steps.
METRICS, LOG_BYTES = 40, 6_000


@dataclass(frozen=True)
class Workload:
    """A month of one lake. Files that come together share an invocation of conform and of publish."""

    name: str
    files: int
    mb: float
    together: int
    queries: int
    query_mb: float


WORKLOADS = [
    Workload("one clinic", files=300, mb=1, together=10, queries=2_000, query_mb=50),
    Workload("a hospital", files=10_000, mb=5, together=20, queries=20_000, query_mb=500),
    Workload("a group of 20", files=200_000, mb=5, together=50, queries=200_000, query_mb=1_000),
]


def usd(name: str) -> float:
    return PRICES[name]["usd"]


def compute(times: float, step: tuple[float, float]) -> float:
    seconds, gigabytes = step
    return times * (seconds * gigabytes * usd("lambda_gb_second") + usd("lambda_request"))


def costs(load: Workload) -> dict[str, float]:
    """USD a month by what is paid for."""
    batches = load.files / load.together
    polls = QUEUES * POLLERS * SECONDS_A_MONTH / 20
    objects = load.files * (PUTS + GETS)
    stored = load.files * load.mb / 1_000 * KEPT * MONTHS
    scanned = load.queries * max(load.query_mb, ATHENA_LEAST_MB) / 1_000_000
    return {
        "ingest": compute(load.files, INGEST),
        "conform, publish": compute(batches, CONFORM) + compute(batches, PUBLISH),
        "S3 requests": load.files * (PUTS * usd("s3_put") + GETS * usd("s3_get")),
        "S3 storage": stored * usd("s3_gb_month"),
        "SQS": (polls + load.files * MESSAGES * QUEUES) * usd("sqs_request"),
        "keys": KEYS * usd("kms_key_month") + objects / 100 * usd("kms_request"),
        "metrics, logs": METRICS * usd("metric_month") + load.files * LOG_BYTES / 1e9 * usd("log_gb"),
        "Athena": scanned * usd("athena_tb"),
    }


def table(head: list[str], rows: list[list[str]], left: int = 1) -> str:
    marks = ["---"] * left + ["---:"] * (len(head) - left)
    return "\n".join("| " + " | ".join(line) + " |" for line in [head, marks, *rows])


def main() -> None:
    month = {load.name: costs(load) for load in WORKLOADS}
    lines = [[part, *(f"{month[load.name][part]:,.2f}" for load in WORKLOADS)] for part in month[WORKLOADS[0].name]]
    lines.append(["**sum**", *(f"**{sum(month[load.name].values()):,.2f}**" for load in WORKLOADS)])
    loads = [[load.name, f"{load.files:,}", f"{load.mb:g}", f"{load.together}", f"{load.queries:,}", f"{load.query_mb:,g}"] for load in WORKLOADS]
    prices = [[name, f"{price['usd']:.10f}".rstrip("0").rstrip("."), price["read"], price["source"]] for name, price in PRICES.items()]
    print(f"""\
# What it costs on AWS

An estimate, in USD a month, computed by `docs/cost.py` from the prices and the assumptions below (`make docs` writes this
page). It is no measurement on AWS, and no offer. Free tiers are not taken off; alarms, traces, transfer and tax are not
in it.

{table(["", *(load.name for load in WORKLOADS)], lines)}

Nothing runs when no file comes, so what is left of an idle lake is its storage, {KEYS} keys and Lambda's polling of
{QUEUES} queues; metrics are charged for the hours in which they have values.

## The months

{table(["", "files", "MB a file", "files that come together", "queries", "MB a query scans"], loads)}

## Assumptions

| what | value |
|---|---|
| ingest of a file | {INGEST[0]} s with {INGEST[1]} GB |
| conform of files that come together | {CONFORM[0]} s with {CONFORM[1]} GB |
| publish of the same | {PUBLISH[0]} s with {PUBLISH[1]} GB |
| objects written and read for a file, by all steps | {PUTS} and {GETS} |
| what is stored of a landing byte, in all layers | {KEPT} bytes, for {MONTHS} months |
| polling | {POLLERS} long polls of 20 s at a time a queue |
| requests to the keys | one for 100 objects, as buckets use bucket keys |
| metrics of all functions, each for the whole month | {METRICS} |
| log of a file, in all steps | {LOG_BYTES:,} bytes |
| least that Athena charges of a query | {ATHENA_LEAST_MB} MB |

The memory is the template's default. The times are guesses, on the safe side of what `carelake run` takes for the same
rows. Train, score and maintain run once a day or a week and cost cents.

## Prices

us-east-1. Read from the pages named, not from AWS's own price list: check before you rely on them.

{table(["price", "USD", "as of", "source"], prices, left=4)}""")


if __name__ == "__main__":
    main()
