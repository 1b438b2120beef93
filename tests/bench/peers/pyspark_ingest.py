"""PySpark: a file of appointments or visit events → ZSTD Parquet, in one local process. Types are read; nothing is validated.

python pyspark_ingest.py csv|ndjson|events FILE OUT THREADS   writes four times: cold, then warm
"""

import json
import os
import sys
import time
from pathlib import Path

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

APPOINTMENT = (
    "appointment_id STRING, patient_id STRING, physician_id STRING, appointment_date DATE, appointment_time TIMESTAMP, duration_minutes INT, "
    "reason STRING, status STRING, no_show BOOLEAN, notes STRING, created_at TIMESTAMP, updated_at TIMESTAMP"
)
DIAGNOSIS = "STRUCT<code: STRING, description: STRING, treatments: ARRAY<STRUCT<drug: STRING, dose: STRING>>>"
VISIT = f"STRUCT<visit_id: STRING, date: STRING, provider_notes: STRUCT<text: STRING, author: STRING>, diagnoses: ARRAY<{DIAGNOSIS}>>"
EVENT = f"patient_id STRING, name STRING, visits ARRAY<{VISIT}>"


def session(threads: str) -> SparkSession:
    builder = (
        SparkSession.builder.master(f"local[{threads}]")
        .config("spark.driver.memory", "4g")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
    )
    builder = builder.config("spark.sql.parquet.compression.codec", "zstd").config("spark.sql.shuffle.partitions", "8")
    return (
        builder.config("spark.sql.session.timeZone", "UTC")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .getOrCreate()
    )


def peak_mb(spark: SparkSession) -> float:
    """Largest resident set of the Java process, in 10^6 bytes."""
    status = Path(f"/proc/{spark.sparkContext._gateway.proc.pid}/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024 / 1e6


def rows(spark: SparkSession, kind: str, file: str):
    if kind == "csv":
        return spark.read.schema(APPOINTMENT).csv(file, header=True, escape='"', mode="DROPMALFORMED")
    if kind == "ndjson":
        return spark.read.schema(APPOINTMENT).json(file, mode="DROPMALFORMED")
    # An array over many lines is read by one task.
    people = spark.read.schema(EVENT).json(file, multiLine=True)
    visits = people.select("patient_id", "name", F.explode_outer("visits").alias("v"))
    diagnoses = visits.select("*", F.posexplode_outer("v.diagnoses").alias("diagnosis_position", "d"))
    treatments = diagnoses.select("*", F.posexplode_outer("d.treatments").alias("treatment_position", "t"))
    return treatments.selectExpr(
        "patient_id", "name", "v.visit_id", "try_cast(v.date AS DATE) AS visit_date", "v.provider_notes.text AS note", "v.provider_notes.author AS note_author",
        "diagnosis_position + 1 AS diagnosis_position", "d.code", "d.description", "treatment_position + 1 AS treatment_position", "t.drug", "t.dose",
    )  # fmt: skip


def main() -> None:
    kind, file, out, threads = sys.argv[1:]
    spark = session(threads)
    times, whole = [], None
    for _ in range(4):
        start = time.perf_counter()
        rows(spark, kind, file).write.mode("overwrite").parquet(out)
        times.append(time.perf_counter() - start)
        whole = whole or time.time() - float(os.environ["BENCH_STARTED"])
    figures = {"whole": whole, "cold": times[0], "warm": min(times[1:]), "times": times, "peak_mb": peak_mb(spark)}
    print(json.dumps({**figures, "rows": spark.read.parquet(out).count()}))


if __name__ == "__main__":
    main()
