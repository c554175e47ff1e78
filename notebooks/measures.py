"""What the notebook measures with: scores on test images, intervals, tests, times, random images and elbows."""

from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter

import numpy as np
from scipy.stats import binomtest


def interval(n_right: int, n: int) -> tuple[float, float]:
    """Return Wilson's 95 % interval of an accuracy: in 95 of 100 experiments it holds the true one."""
    low, high = binomtest(n_right, n).proportion_ci(method="wilson")
    return float(low), float(high)


def mcnemar(a: str, a_right: np.ndarray, b: str, b_right: np.ndarray) -> str:
    """Tell by McNemar's exact test whether two models differ by more than chance on the same images."""
    only_a, only_b = int(np.sum(a_right & ~b_right)), int(np.sum(b_right & ~a_right))
    p = binomtest(only_a, only_a + only_b).pvalue if only_a + only_b else 1.0
    told = "< 0.001" if p < 0.001 else f"= {p:.3f}"
    return f"Only {a}: {only_a} right; only {b}: {only_b} right; McNemar's p {told}"


@dataclass(frozen=True)
class Score:
    """How a model did on the test images."""

    n_wrong: int
    n: int
    seconds: float
    n_bytes: int

    @property
    def accuracy(self) -> float:
        """The share of the images whose label is right."""
        return (self.n - self.n_wrong) / self.n

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the accuracy."""
        return interval(self.n - self.n_wrong, self.n)


@dataclass
class Judge:
    """Test images, and what models predicted for them."""

    X: np.ndarray
    y: np.ndarray
    scores: dict[str, Score] = field(default_factory=dict)
    predictions: dict[str, np.ndarray] = field(default_factory=dict)

    def score(self, name: str, model, n_bytes: int) -> Score:
        """Let a model predict three times, and keep how right it was, its best time and its size."""
        predicted, seconds = race({name: lambda: model.predict(self.X)}, rounds=3)[name]
        n_wrong = int(np.sum(predicted != self.y))
        self.predictions[name] = predicted
        self.scores[name] = Score(n_wrong, len(self.y), seconds, n_bytes)
        return self.scores[name]

    def compare(self, a: str, b: str) -> str:
        """Compare two models that were scored by McNemar's test."""
        return mcnemar(a, self.predictions[a] == self.y, b, self.predictions[b] == self.y)


def race(runs: dict[str, Callable], rounds: int, clock: Callable[[], float] = perf_counter) -> dict[str, tuple]:
    """Run functions in turns, and return what each returned and its best time in seconds.

    In turns, because whatever else slows the machine down for a while then slows all of them. With the clock
    `time.process_time`, only the time that processors spend on these functions counts.
    """
    returned, best = {}, dict.fromkeys(runs, float("inf"))
    for _ in range(rounds):
        for name, run in runs.items():
            start = clock()
            returned[name] = run()
            best[name] = min(best[name], clock() - start)
    return {name: (returned[name], best[name]) for name in runs}


def draw(X: np.ndarray, y: np.ndarray, n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw n images of each digit at random, and return them with their labels."""
    random = np.random.default_rng(seed)
    rows = np.concatenate([random.choice(np.flatnonzero(y == digit), n, replace=False) for digit in range(10)])
    return X[rows], y[rows]


def elbow(numbers: list[int], inertias: np.ndarray, last: int) -> int:
    """Return the number at which a falling curve bends most, if one looks at it up to a last number.

    This is the point farthest below the straight line from the first point to the last, if both axes are scaled to
    the same length (Satopää et al., "Finding a 'Kneedle' in a Haystack", 2011).
    """
    end = numbers.index(last) + 1
    x, y = np.array(numbers[:end], dtype=float), np.array(inertias[:end], dtype=float)
    x, y = (x - x[0]) / (x[-1] - x[0]), (y - y[-1]) / (y[0] - y[-1])
    return numbers[int(np.argmin(x + y))]
