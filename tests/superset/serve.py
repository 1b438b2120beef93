"""Superset with the dashboards on this machine, over the lake of a generated hospital: `make superset`."""

import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

from instance import PASSWORD, USER, hospital, running


def main():
    patients = int(os.environ.get("PATIENTS", "1000"))
    port = int(os.environ.get("PORT", "8088"))
    folder = Path(tempfile.mkdtemp(prefix="carelake-superset-"))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        print(f"a hospital of {patients} patients a feed, from landing to predictions, in {folder}", flush=True)
        lake = hospital(folder, patients)
        print("starting Superset and importing the dashboards", flush=True)
        with running(lake, folder / "superset", port) as superset:
            print(f"\nSuperset: {superset.url}/dashboard/list/  login {USER}, password {PASSWORD}  (on this machine alone)")
            print("Ctrl-C ends it and removes everything.", flush=True)
            signal.pause()
    except (KeyboardInterrupt, SystemExit):
        print("\nending")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
