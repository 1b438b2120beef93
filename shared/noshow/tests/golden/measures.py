"""Writes measures.json: scikit-learn's figures for rows with many ties. Run it with the benchmark's interpreter:

python shared/noshow/tests/golden/measures.py > shared/noshow/tests/golden/measures.json
"""

import json
import sys

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

random = np.random.default_rng(7)
CASES = []
for rows, decimals in [(50, 1), (400, 2), (3000, 6)]:
    truth = 1 / (1 + np.exp(-random.normal(-1.2, 1.1, rows)))
    labels = (random.random(rows) < truth).astype(int)
    probabilities = np.clip(np.round(truth * 0.8 + 0.1 * random.random(rows), decimals), 0.001, 0.999)
    other = np.clip(np.round(truth * 0.5 + 0.3 * random.random(rows), decimals), 0.001, 0.999)
    logits = np.log(probabilities / (1 - probabilities)).reshape(-1, 1)
    line = LogisticRegression(C=np.inf, tol=1e-12, max_iter=1000).fit(logits, labels)
    CASES.append(
        {
            "probabilities": probabilities.tolist(),
            "other": other.tolist(),
            "labels": labels.tolist(),
            "auroc": roc_auc_score(labels, probabilities),
            "pr_auc": average_precision_score(labels, probabilities),
            "brier": brier_score_loss(labels, probabilities),
            "log_loss": log_loss(labels, probabilities),
            "calibration_slope": float(line.coef_[0][0]),
            "other_auroc": roc_auc_score(labels, other),
        }
    )
# DeLong's standard error of the difference, by its definition: all pairs, one by one.
for case in CASES[:2]:
    labels = np.array(case["labels"])
    components = []
    for name in ("other", "probabilities"):
        scores = np.array(case[name])
        pairs = scores[labels == 1][:, None] - scores[labels == 0][None, :]
        wins = (pairs > 0) + 0.5 * (pairs == 0)
        components.append((wins.mean(axis=1), wins.mean(axis=0)))
    with_outcome, without = (components[0][side] - components[1][side] for side in (0, 1))
    case["difference_error"] = float(np.sqrt(with_outcome.var(ddof=1) / len(with_outcome) + without.var(ddof=1) / len(without)))
json.dump(CASES, sys.stdout)
print()
