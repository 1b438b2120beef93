"""The no-show scorer beside LightGBM and scikit-learn: the same features, split and threads, several seeds.

python tests/bench/scorer.py CARELAKE FIGURES PYTHON [--quick] [--work DIR] [--real DIR]

CARELAKE is the command, of any build: it makes the data and is not timed. FIGURES is the example of carelake-noshow, a
release build, PYTHON an interpreter with tests/bench/requirements.txt. Two data sets: generated appointments, whose true
probabilities are known, and, if the folder of --real holds it, a public set of appointments. Writes
docs/scorer-performance.md unless --quick.
"""

import argparse
import json
import platform
import shutil
import subprocess
from datetime import date
from importlib.metadata import version
from pathlib import Path

from measure import run, say, spread

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
FEATURES = ROOT / "shared/noshow/features/no_show.toml"
PEERS = ["lightgbm-tuned", "lightgbm-default", "sklearn-tuned", "sklearn-default"]
OWN = ["trees", "forest", "logistic"]
MEASURES = ["auroc", "pr_auc", "brier", "log_loss", "calibration_slope"]
NAMES = {
    "trees": "carelake trees",
    "forest": "carelake forest",
    "logistic": "carelake logistic",
    "lightgbm-tuned": "LightGBM, same settings",
    "lightgbm-default": "LightGBM, its defaults",
    "sklearn-tuned": "scikit-learn HGB, same settings",
    "sklearn-default": "scikit-learn HGB, its defaults",
}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="the no-show scorer beside LightGBM and scikit-learn")
    parser.add_argument("carelake", type=Path)
    parser.add_argument("figures", type=Path)
    parser.add_argument("python", type=Path)
    parser.add_argument("--quick", action="store_true", help="few rows and seeds, to try it out; writes no page")
    parser.add_argument("--work", type=Path, default=Path.home() / ".cache/carelake/bench-scorer", help="folder for data, emptied before and removed after")
    parser.add_argument("--real", type=Path, default=ROOT.parent / "shared/data/noshow_vitoria", help="folder of the public set")
    return parser.parse_args()


def features_of(given: argparse.Namespace, name: str, landing: Path, as_of: str) -> Path:
    """Runs the lake over a landing folder; the rows of the feature table with an outcome, in a fixed order, as Parquet."""
    out = given.work / f"{name}.parquet"
    lake = given.work / f"{name}-lake"
    subprocess.run([given.carelake, "run", "--landing", landing, "--lake", lake, "--as-of", as_of], check=True, capture_output=True)
    export = (
        "import sys; from deltalake import DeltaTable; import duckdb; "
        "t = DeltaTable(sys.argv[1]).to_pyarrow_table(); "
        "duckdb.sql('SELECT * FROM t WHERE no_show IS NOT NULL ORDER BY appointment_date, source, appointment_id').write_parquet(sys.argv[2])"
    )
    subprocess.run([given.python, "-c", export, lake / "gold/appointment_features", out], check=True)
    shutil.rmtree(lake)
    return out


def generated(given: argparse.Namespace) -> tuple[Path, tuple[float, float]]:
    """Appointments of a generated city; on the last days, the AUROC of their true probabilities, and of what is observable of them."""
    landing = given.work / "generated-landing"
    say("  generating appointments")
    patients = 3_000 if given.quick else 38_000
    subprocess.run([given.carelake, "generate", "--patients", str(patients), "--seed", "1", "--out", landing], check=True, capture_output=True)
    for folder in landing.iterdir():
        if folder.is_dir() and folder.name != "noshow_vitoria":
            shutil.rmtree(folder)
    manifest = json.loads((landing / "manifest.json").read_text())
    best = next((signal["late_best_auroc"], signal["late_observable_auroc"]) for signal in manifest["signals"] if signal["source"] == "noshow_vitoria")
    return features_of(given, "generated", landing, "2025-06-30"), best


def real(given: argparse.Namespace) -> Path | None:
    """The public set, if it is there."""
    files = sorted(given.real.glob("*.csv*"))
    if not files:
        return None
    landing = given.work / "real-landing/noshow_vitoria/appointments/2016-05-26"
    landing.mkdir(parents=True)
    for file in files:
        shutil.copyfile(file, landing / file.name)
    return features_of(given, "real", given.work / "real-landing", "2016-05-26")


def one(given: argparse.Namespace, learner: str, rows: Path, until: str, threads: int, seed: int) -> dict:
    """One training and test."""
    if learner in OWN:
        command = [given.figures, FEATURES, rows, "appointment_date", until, f"algorithm={learner}", f"seed={seed}", f"threads={threads}", "repeat=20"]
        found = run(command, threads).last_json()
        return {**{name: found["evaluation"][name] for name in MEASURES}, **found, "tested": found["evaluation"]["rows"]}
    return run([given.python, HERE / "peers/learners.py", learner, FEATURES, rows, until, threads, seed], threads).last_json()


def compare(given: argparse.Namespace, rows: Path, until: str, seeds: int) -> dict:
    """Every learner with one thread and several seeds, and the trees with two."""
    found = {}
    for learner in [*OWN, *PEERS]:
        say(f"  {NAMES[learner]}")
        runs = [one(given, learner, rows, until, 1, seed) for seed in range(1, seeds + 1)]
        timed = ["training_seconds", "training_cpu_seconds", "scored_per_second", "trees", "reasons_per_second"]
        numbers = [name for name in [*MEASURES, *timed] if name in runs[0]]
        found[learner] = {"rows": runs[0]["rows"], "tested": runs[0]["tested"], **{name: spread([r[name] for r in runs]) for name in numbers}}
        if learner.startswith(("trees", "lightgbm")):
            found[learner]["two_threads"] = spread([one(given, learner, rows, until, 2, seed)["training_seconds"] for seed in range(1, seeds + 1)])
    return found


def table(found: dict) -> str:
    """One row a learner: medians over the seeds, least and greatest AUROC."""
    lines = [
        "| learner | AUROC | PR-AUC | Brier | log loss | slope | trees | training, 1 thread | its CPU time | 2 threads | rows scored a second |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for learner, of in found.items():
        of_all = {name: of[name]["median"] for name in [*MEASURES, "training_seconds", "training_cpu_seconds", "scored_per_second", "trees"]}
        two = f"{of['two_threads']['median']:.2f} s" if "two_threads" in of else ""
        lines.append(
            f"| {NAMES[learner]} | {of_all['auroc']:.4f} ({of['auroc']['min']:.4f}–{of['auroc']['max']:.4f}) | {of_all['pr_auc']:.4f} | {of_all['brier']:.4f} "
            f"| {of_all['log_loss']:.4f} | {of_all['calibration_slope']:.2f} | {of_all['trees']:.0f} | {of_all['training_seconds']:.2f} s | {of_all['training_cpu_seconds']:.2f} s | {two} "
            f"| {of_all['scored_per_second']:,.0f} |"
        )
    return "\n".join(lines) + "\n"


def page(parts: dict, best: tuple[float, float]) -> str:
    """The page of figures."""
    model = next((line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), platform.machine())
    text = (HERE / "scorer.template").read_text()
    made = parts["generated"]
    return text.format(
        date=date.today(),
        machine=model,
        versions=f"LightGBM {version('lightgbm')}, scikit-learn {version('scikit-learn')}",
        seeds=made["trees"]["auroc"]["n"],
        rows=f"{made['trees']['rows']:,}",
        tested=f"{made['trees']['tested']:,}",
        best=f"{best[0]:.4f}",
        observable=f"{best[1]:.4f}",
        reached=f"{made['trees']['auroc']['median']:.4f}",
        reasons=f"{made['trees']['reasons_per_second']['median']:,.0f}",
        generated=table(made),
        real=real_part(parts.get("real")),
    )


def real_part(found: dict | None) -> str:
    if not found:
        return "Not measured: the data was not there.\n"
    of = found["trees"]
    return f"Trained on {of['rows']:,} appointments up to 2016-05-18, tested on the {of['tested']:,} after.\n\n{table(found)}"


def main() -> None:
    given = arguments()
    given.carelake, given.figures = given.carelake.resolve(), given.figures.resolve()
    given.python = given.python.absolute()
    # Features of another version of the code would be measured else; and those of real persons do not stay.
    shutil.rmtree(given.work, ignore_errors=True)
    given.work.mkdir(parents=True)
    try:
        measure(given)
    finally:
        shutil.rmtree(given.work)


def measure(given: argparse.Namespace) -> None:
    seeds = 1 if given.quick else 5
    rows, best = generated(given)
    say("== generated appointments")
    # Three files of thirty days each: the last 18 days, a fifth, are for the test.
    parts = {"generated": compare(given, rows, "2025-06-11", seeds)}
    if public := real(given):
        say("== public appointments")
        parts["real"] = compare(given, public, "2016-05-18", seeds)
    text = page(parts, best)
    if given.quick:
        print(text)
    else:
        (ROOT / "docs/scorer-performance.md").write_text(text)


if __name__ == "__main__":
    main()
