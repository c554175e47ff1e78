"""Make labels of MNIST's training images wrong, add duplicates, and print how well an audit finds them.

    python benches/mislabelled/run.py              # needs NumPy, cleanlab and handful's Python package: make mislabelled
    python benches/mislabelled/run.py --seeds 1    # faster
    python benches/mislabelled/run.py --data /usr/share/datasets/fashion-mnist

Labels are flipped to another class at random, or to one that people confuse with it. Of n flipped labels, the first table
shows the AUROC of the ranking, and the share of flipped labels among the n most suspicious images: the means over the
seeds, with the smallest. cleanlab ranks the same probabilities by its self-confidence.

The second table shows how many of 1,000 copies are found, which are moved by a pixel in any direction and to which noise
with a standard deviation of five grey levels is added; false alarms are other pairs, as a share of all pairs found.
"""

import argparse
import sys
import time
from pathlib import Path

import handful
import numpy as np
from cleanlab.rank import get_label_quality_scores
from sklearn.metrics import roc_auc_score

sys.path.insert(0, str(Path(__file__).parent.parent / "peers"))
import data

SHARES = [0.01, 0.05]
#: What each digit is taken for.
CONFUSED = {
    0: [6],
    1: [7],
    2: [7],
    3: [5],
    4: [9],
    5: [3],
    6: [0],
    7: [1],
    8: [3],
    9: [4],
}
COPIES, NOISE = 1000, 5
SHIFTS = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1) if (y, x) != (0, 0)]


def main() -> None:
    asked = parser().parse_args()
    x, y = data.images(asked.data, "train"), data.labels(asked.data, "train")
    print(
        "| labels flipped | | AUROC | smallest | first n | smallest | cleanlab: AUROC | first n | seconds |"
    )
    print("| --- | ---: |" + " ---: |" * 7)
    for name, flip in [("at random", at_random), ("to a similar digit", similar)]:
        for share in SHARES:
            found = [ranked(x, y, flip, share, seed) for seed in range(asked.seeds)]
            ours, first, theirs, their_first, seconds = np.array(found).T
            print(
                f"| {name} | {100 * share:.0f} % | {ours.mean():.4f} | {ours.min():.4f} | {100 * first.mean():.1f} % | "
                f"{100 * first.min():.1f} % | {theirs.mean():.4f} | {100 * their_first.mean():.1f} % | "
                f"{seconds.mean():.1f} |",
                flush=True,
            )
    print("\n| copies found | smallest | false alarms | largest |")
    print("| ---: | ---: | ---: | ---: |")
    found, alarms = np.array([copies(x, y, seed) for seed in range(asked.seeds)]).T
    print(
        f"| {100 * found.mean():.1f} % | {100 * found.min():.1f} % | {100 * alarms.mean():.2f} % | {100 * alarms.max():.2f} % |"
    )


def ranked(
    x: np.ndarray, y: np.ndarray, flip, share: float, seed: int
) -> tuple[float, ...]:
    """AUROC and share of flipped labels among the first, of an audit and of cleanlab, and the audit's seconds."""
    rng = np.random.default_rng(seed)
    rows = rng.choice(len(y), round(share * len(y)), replace=False)
    noisy = y.copy()
    noisy[rows] = flip(y[rows], rng)
    is_wrong = noisy != y
    start = time.perf_counter()
    found = handful.audit(x, noisy)
    seconds = time.perf_counter() - start
    theirs = -get_label_quality_scores(
        noisy.astype(int), found.probabilities, method="self_confidence"
    )
    return *measured(found.scores, is_wrong), *measured(theirs, is_wrong), seconds


def at_random(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return (labels + rng.integers(1, 10, len(labels))) % 10


def similar(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return np.array([rng.choice(CONFUSED[int(label)]) for label in labels])


def measured(scores: np.ndarray, is_wrong: np.ndarray) -> tuple[float, float]:
    """The AUROC, and the share of wrong labels among as many first ones; images with equal scores are in their order."""
    first = np.argsort(-scores, kind="stable")[: is_wrong.sum()]
    return float(roc_auc_score(is_wrong, scores)), float(is_wrong[first].mean())


def copies(x: np.ndarray, y: np.ndarray, seed: int) -> tuple[float, float]:
    """The share of copies that is found, and the share of false alarms among the pairs found."""
    rng = np.random.default_rng(seed)
    rows = rng.choice(len(y), COPIES, replace=False)
    made = []
    for number, row in enumerate(rows):
        down, right = SHIFTS[number % len(SHIFTS)]
        image = np.pad(x[row].reshape(28, 28), 1)[
            1 - down : 29 - down, 1 - right : 29 - right
        ]
        made.append(
            np.clip(np.rint(image + rng.normal(0, NOISE, image.shape)), 0, 255)
            .astype(np.uint8)
            .ravel()
        )
    found = handful.audit(np.concatenate([x, made]), np.concatenate([y, y[rows]]))
    planted = {(int(row), len(y) + number) for number, row in enumerate(rows)}
    pairs = {(int(first), int(second)) for first, second in found.duplicates}
    return len(pairs & planted) / COPIES, len(pairs - planted) / max(len(pairs), 1)


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    found.add_argument(
        "--data",
        type=Path,
        default=data.MNIST,
        help="a folder of IDX files; MNIST unless given",
    )
    found.add_argument("--seeds", type=int, default=5)
    return found


if __name__ == "__main__":
    main()
