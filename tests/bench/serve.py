"""Many clients on `carelake serve`: queries a second, waiting times, errors, memory at the beginning and the end.

python tests/bench/serve.py BINARY LAKE [SECONDS] [CLIENTS]
"""

import subprocess
import sys
import threading
import time
from pathlib import Path

import boto3

QUERIES = (
    "SELECT source, count(*) AS patients FROM gold.patients GROUP BY source ORDER BY source",
    "SELECT * FROM gold.department_treatment_summary ORDER BY total_cost DESC",
    "SELECT * FROM silver.observations LIMIT 2000",
    "SELECT date_trunc('month', encounter_date) AS month, count(*) AS n FROM silver.encounters GROUP BY 1 ORDER BY 1",
)
CREDENTIALS = {"aws_access_key_id": "any", "aws_secret_access_key": "any", "region_name": "us-east-1"}


def resident(process: int) -> float:
    """Megabytes that a process holds."""
    (line,) = [line for line in Path(f"/proc/{process}/status").read_text().splitlines() if line.startswith("VmRSS")]
    return int(line.split()[1]) / 1024


def client(url: str, until: float, waited: list[float], wrong: list[str]) -> None:
    athena = boto3.client("athena", endpoint_url=url, **CREDENTIALS)
    step = 0
    while time.monotonic() < until:
        start = time.monotonic()
        query = athena.start_query_execution(QueryString=QUERIES[step % len(QUERIES)], WorkGroup="analyst")["QueryExecutionId"]
        while (state := athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]["Status"])["State"] in ("QUEUED", "RUNNING"):
            time.sleep(0.005)
        if state["State"] == "SUCCEEDED":
            athena.get_query_results(QueryExecutionId=query)
        else:
            wrong.append(state["StateChangeReason"])
        waited.append(time.monotonic() - start)
        step += 1


def main() -> None:
    binary, lake, *rest = sys.argv[1:]
    seconds, clients = int(rest[0]) if rest else 300, int(rest[1]) if len(rest) > 1 else 16
    server = subprocess.Popen([binary, "serve", "--lake", lake, "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        url = server.stdout.readline().strip()
        waited, wrong, memory = [], [], []
        client(url, time.monotonic() + 5, [], wrong)
        until = time.monotonic() + seconds
        threads = [threading.Thread(target=client, args=(url, until, waited, wrong)) for _ in range(clients)]
        for thread in threads:
            thread.start()
        while time.monotonic() < until:
            memory.append(resident(server.pid))
            time.sleep(1)
        for thread in threads:
            thread.join()
    finally:
        server.terminate()
        server.wait()
    waited.sort()
    third = max(1, len(memory) // 3)
    print(f"{clients} clients, {seconds} s: {len(waited)} queries, {len(waited) / seconds:.1f} a second, {len(wrong)} errors")
    print(f"from request to rows: median {waited[len(waited) // 2]:.3f} s, 95 % within {waited[int(len(waited) * 0.95)]:.3f} s")
    print(f"memory: {sum(memory[:third]) / third:.0f} MB in the first third, {sum(memory[-third:]) / third:.0f} MB in the last, {max(memory):.0f} MB at most")
    for reason in sorted(set(wrong)):
        print(reason)


if __name__ == "__main__":
    main()
