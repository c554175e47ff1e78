"""Metrics of probabilities and of outlier scores that handful's tests compare with, computed by scikit-learn.

    pip install numpy scikit-learn
    python crates/handful/tests/golden/make_metrics.py

writes `metrics.json` beside this file (a few seconds). Probabilities are stored as whole parts of `parts`.
"""

import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score, roc_curve, zero_one_loss

N_BINS = 15
COVERAGES = [1, 0.99, 0.95, 0.9, 0.8, 0.5, 0.1, 0.001]


def expected_calibration_error(confidence, right):
    """As Guo et al. 2017 define it, bin by bin."""
    bounds = np.arange(N_BINS + 1) / N_BINS
    bins = [(confidence > low) & (confidence <= high) for low, high in zip(bounds, bounds[1:])]
    filled = [inside for inside in bins if inside.any()]
    return sum(inside.mean() * abs(right[inside].mean() - confidence[inside].mean()) for inside in filled)


def probabilities(seed, n, n_classes, parts, concentration):
    """Few `parts` give many ties, confidences on the bounds of bins, and true labels of probability 0."""
    rng = np.random.default_rng(seed)
    shares = rng.multinomial(parts, rng.dirichlet(np.full(n_classes, concentration), n))
    p = shares / parts
    # Overconfident: half of the labels follow flatter probabilities. Of tied classes any is predicted.
    flat = np.where(rng.random((n, 1)) < 0.5, p, (p + 1 / n_classes) / 2)
    truth = np.array([rng.choice(n_classes, p=row) for row in flat])
    predicted = np.argmax(shares + rng.random(shares.shape), axis=1)
    confidence, right = p[np.arange(n), predicted], truth == predicted
    accuracies, confidences = calibration_curve(right, confidence, n_bins=N_BINS)
    surest = np.argsort(-confidence, kind="stable")
    kept = [surest[: max(1, round(coverage * n))] for coverage in COVERAGES]
    return {
        "parts": parts,
        "shares": shares.tolist(),
        "truth": truth.tolist(),
        "predicted": predicted.tolist(),
        "curve": {"confidence": confidences.tolist(), "accuracy": accuracies.tolist()},
        "expected_calibration_error": expected_calibration_error(confidence, right),
        "brier_score": brier_score_loss(truth, p, labels=range(n_classes), scale_by_half=False),
        # scikit-learn clips at the machine's precision.
        "log_loss": log_loss(truth, np.maximum(p, 1e-15), labels=range(n_classes)),
        "coverages": COVERAGES,
        "risks": [100 * zero_one_loss(truth[rows], predicted[rows]) for rows in kept],
    }


def outliers(seed, n_inliers, n_outliers, decimals):
    rng = np.random.default_rng(seed)
    inliers = rng.normal(0, 1, n_inliers).round(decimals)
    outliers = rng.normal(1, 1.5, n_outliers).round(decimals)
    scores = np.concatenate([inliers, outliers])
    strange = np.arange(len(scores)) >= n_inliers
    # Here a score at the threshold is refused: the next lower one refuses the same by "above".
    false_positive, true_positive, thresholds = roc_curve(strange, scores, drop_intermediate=False)
    some = slice(0, -1, max(1, len(thresholds) // 20))
    return {
        "inliers": inliers.tolist(),
        "outliers": outliers.tolist(),
        "auroc": roc_auc_score(strange, scores),
        "thresholds": thresholds[1:][some].tolist(),
        "inliers_refused": false_positive[:-1][some].tolist(),
        "outliers_refused": true_positive[:-1][some].tolist(),
    }


def main():
    reference = {
        "made_with": {name: version(name) for name in ("numpy", "scikit-learn")},
        "probabilities": [
            probabilities(seed=0, n=300, n_classes=10, parts=1000, concentration=0.1),
            probabilities(seed=1, n=400, n_classes=3, parts=30, concentration=0.7),
            probabilities(seed=2, n=50, n_classes=2, parts=4, concentration=1),
        ],
        "outliers": [outliers(0, 300, 200, decimals=1), outliers(1, 80, 150, decimals=4)],
    }
    path = Path(__file__).with_name("metrics.json")
    path.write_text(json.dumps(reference, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
