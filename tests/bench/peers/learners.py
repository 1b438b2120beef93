"""LightGBM and scikit-learn on the features of appointments: trained on the days up to one, tested on the days after.

python learners.py LEARNER FEATURES.toml ROWS.parquet TRAIN_UNTIL THREADS SEED

LEARNER is lightgbm or sklearn, followed by -default (the library's own settings) or -tuned: carelake's settings under
the library's names, the number of trees by the loss on the last fifth of the training days, then trained again on all
of them. That is what carelake's `train` does, calibration aside. Prints one JSON object.
"""

import json
import os
import sys
import time
import tomllib
from pathlib import Path

learner, features, file, until, threads, seed = sys.argv[1:]
os.environ["OMP_NUM_THREADS"] = threads

import lightgbm as lgb  # noqa: E402  the number of threads is read when it is loaded
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from sklearn.ensemble import HistGradientBoostingClassifier  # noqa: E402
from sklearn.linear_model import LogisticRegression  # noqa: E402
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score  # noqa: E402

MOST_TREES = 600
PATIENCE = 15
LEAVES = 16
RATE = 0.1


def table(described: dict, rows: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    """The features that hold anything, categories as such; the outcomes."""
    columns = {}
    for feature in described["feature"]:
        values = rows[feature["name"]]
        if values.nunique(dropna=False) > 1:
            columns[feature["name"]] = values.astype("category") if feature["kind"] == "categorical" else values.astype(float)
    return pd.DataFrame(columns), rows[described["label"]].astype(int).to_numpy()


def of_lightgbm(tuned: bool, x: pd.DataFrame, y: np.ndarray, early: np.ndarray) -> lgb.LGBMClassifier:
    common = {"n_jobs": int(threads), "random_state": int(seed), "verbose": -1, "deterministic": True, "force_col_wise": True}
    if not tuned:
        return lgb.LGBMClassifier(**common).fit(x, y)
    common |= {"num_leaves": LEAVES, "learning_rate": RATE, "min_child_samples": 50, "reg_lambda": 5, "cat_smooth": 10}
    common |= {"subsample": 0.8, "subsample_freq": 1, "colsample_bytree": 0.3}
    held = {"eval_X": x[~early], "eval_y": y[~early], "eval_metric": "logloss", "callbacks": [lgb.early_stopping(PATIENCE, verbose=False)]}
    first = lgb.LGBMClassifier(n_estimators=MOST_TREES, **common).fit(x[early], y[early], **held)
    return lgb.LGBMClassifier(n_estimators=max(first.best_iteration_, 1), **common).fit(x, y)


def of_sklearn(tuned: bool, x: pd.DataFrame, y: np.ndarray, early: np.ndarray) -> HistGradientBoostingClassifier:
    common = {"random_state": int(seed), "early_stopping": False, "categorical_features": "from_dtype"}
    if not tuned:
        return HistGradientBoostingClassifier(**common).fit(x, y)
    common |= {"max_leaf_nodes": LEAVES, "learning_rate": RATE, "min_samples_leaf": 50, "l2_regularization": 5, "max_features": 0.3}
    first = HistGradientBoostingClassifier(max_iter=300, **common).fit(x[early], y[early])
    losses = [log_loss(y[~early], p[:, 1]) for p in first.staged_predict_proba(x[~early])]
    return HistGradientBoostingClassifier(max_iter=int(np.argmin(losses)) + 1, **common).fit(x, y)


def main() -> None:
    described = tomllib.loads(Path(features).read_text())
    rows = pd.read_parquet(file)
    x, y = table(described, rows)
    days = pd.to_datetime(rows["appointment_date"])
    train = (days <= until).to_numpy()
    cut = days[train].sort_values().iloc[int(0.8 * train.sum())]
    early = (days[train] < cut).to_numpy()
    library, settings = learner.split("-")
    start, start_cpu = time.perf_counter(), time.process_time()
    fit = {"lightgbm": of_lightgbm, "sklearn": of_sklearn}[library]
    model = fit(settings == "tuned", x[train], y[train], early)
    seconds, cpu = time.perf_counter() - start, time.process_time() - start_cpu
    test, outcomes = x[~train], y[~train]
    start = time.perf_counter()
    probabilities = model.predict_proba(test)[:, 1]
    scoring = time.perf_counter() - start
    logits = np.log(probabilities / (1 - probabilities)).reshape(-1, 1)
    figures = {
        "rows": int(train.sum()),
        "tested": int((~train).sum()),
        "training_seconds": seconds,
        "training_cpu_seconds": cpu,
        "scored_per_second": len(test) / scoring,
        "auroc": roc_auc_score(outcomes, probabilities),
        "pr_auc": average_precision_score(outcomes, probabilities),
        "brier": brier_score_loss(outcomes, probabilities),
        "log_loss": log_loss(outcomes, probabilities),
        "calibration_slope": float(LogisticRegression(C=np.inf).fit(logits, outcomes).coef_[0][0]),
        "trees": int(getattr(model, "n_estimators", 0) or model.n_iter_),
    }
    print(json.dumps(figures))


main()
