"""Airflow with the DAGs on this machine, against an emulated AWS that holds a generated hospital: `make airflow`."""

import os
import shutil
import signal
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from deployment import DAGS, Site, carelake

DAY = "2025-06-30"


def land(site: Site, folder: Path, day: str, seed: int, patients: int):
    carelake("generate", "--clean", "--patients", patients, "--seed", seed, "--as-of", day, "--out", folder)
    files = [file for file in folder.rglob("*") if file.is_file() and file.parent != folder]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda file: site.stack.put(key(file.relative_to(folder), day), file.read_bytes()), files))


def key(path: Path, day: str) -> str:
    """The file in the folder of its day."""
    source, dataset = path.parts[:2]
    return f"{source}/{dataset}/{day}/{path.name}"


def main():
    patients = int(os.environ.get("PATIENTS", "200"))
    port = int(os.environ.get("PORT", "8080"))
    folder = Path(tempfile.mkdtemp(prefix="carelake-airflow-"))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    site = None
    try:
        print(f"starting an emulated AWS and Airflow in {folder}", flush=True)
        site = Site(folder, port, CARELAKE_TRAIN_SOURCES="scheduling")
        print(f"landing a hospital of {patients} patients a feed, of {DAY}", flush=True)
        land(site, folder / "generated", DAY, 1, patients)
        print(f"\nAirflow: {site.airflow.url}  (no login; on this machine alone)")
        print(
            f"Trigger carelake_daily with the partition {DAY}; carelake_gold and carelake_score follow. All {len(DAGS)} DAGs are there; carelake_surveillance is paused."
        )
        print(f"AWS:     {site.stack.emulator.url}  (AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test)")
        print("Ctrl-C ends both and removes everything.", flush=True)
        signal.pause()
    except (KeyboardInterrupt, SystemExit):
        print("\nending")
    finally:
        if site:
            site.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
