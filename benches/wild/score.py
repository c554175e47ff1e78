"""Let handful classify a source, and measure how right, how sure and how selective it is."""

import csv
import io
import math
import subprocess
from dataclasses import asdict, dataclass
from typing import NamedTuple

from sources import Image, Source

# The quantile of the normal distribution for 95 %.
Z = 1.959964
N_BINS = 15
# A command line may have only so many characters.
MOST_INPUTS = 2000


class Prediction(NamedTuple):
    label: str
    confidence: float
    is_digit: bool


@dataclass
class Scores:
    """What was measured; the percentages are of all images."""

    n_images: int
    # Pictures that could not be read. They are also counted as wrong.
    n_unread: int
    wrong_percent: float
    wrong_interval: tuple[float, float] | None
    rejected_percent: float
    mean_confidence: float
    accuracy: float
    calibration_error: float


def predict(handful: str, model: str, framing: str, source: Source) -> dict[Image, Prediction]:
    """Return what the command says of each image that it can read."""
    found = {}
    inputs = list(dict.fromkeys(image.path for image in source.truth))
    for start in range(0, len(inputs), MOST_INPUTS):
        options = ["--quiet", "--format", "csv", "--model", model, "--framing", framing]
        command = [handful, "predict", *options, *map(str, inputs[start : start + MOST_INPUTS])]
        result = subprocess.run(command, stdout=subprocess.PIPE, text=True)
        # If only some inputs cannot be read, the code is 1 too.
        if result.returncode not in {0, 1} or not result.stdout:
            raise SystemExit(f"{source.name}: `{handful} predict --model {model}` failed")
        for row in csv.DictReader(io.StringIO(result.stdout)):
            prediction = Prediction(row["label"], float(row["confidence"]), row["is_digit"] == "true")
            found[Image(row["source"], int(row["index"]))] = prediction
    return found


def score(source: Source, predictions: dict[Image, Prediction]) -> Scores:
    """Compare predictions with the truth."""
    n_images = len(source.truth)
    read = [(predictions[image], label) for image, label in source.truth.items() if image in predictions]
    n_right = sum(prediction.label == label for prediction, label in read)
    low, high = wilson_interval(n_images - n_right, n_images)
    return Scores(
        n_images=n_images,
        n_unread=n_images - len(read),
        wrong_percent=100 * (1 - n_right / n_images),
        wrong_interval=(100 * low, 100 * high),
        rejected_percent=100 * sum(not prediction.is_digit for prediction, _ in read) / n_images,
        mean_confidence=sum(prediction.confidence for prediction, _ in read) / max(len(read), 1),
        accuracy=n_right / n_images,
        calibration_error=calibration_error(
            [(prediction.confidence, prediction.label == label) for prediction, label in read]
        ),
    )


def wilson_interval(count: int, total: int) -> tuple[float, float]:
    """Return the 95 % score interval of a proportion (Wilson 1927)."""
    p = count / total
    centre = (p + Z**2 / (2 * total)) / (1 + Z**2 / total)
    half = Z / (1 + Z**2 / total) * math.sqrt(p * (1 - p) / total + Z**2 / (4 * total**2))
    return max(centre - half, 0.0), min(centre + half, 1.0)


def calibration_error(outcomes: list[tuple[float, bool]]) -> float:
    """Return the expected calibration error in bins of equal width (Guo et al. 2017, arXiv 1706.04599)."""
    gaps = [0.0] * N_BINS
    for confidence, is_right in outcomes:
        gaps[max(math.ceil(confidence * N_BINS) - 1, 0)] += is_right - confidence
    return sum(map(abs, gaps)) / max(len(outcomes), 1)


def mean(scores: list[Scores]) -> Scores:
    """Return the mean of each figure; the mean has no interval."""
    columns = {name: [getattr(each, name) for each in scores] for name in asdict(scores[0]) if name != "wrong_interval"}
    means = {name: sum(values) / len(scores) for name, values in columns.items()}
    return Scores(
        **means | {name: sum(columns[name]) for name in ("n_images", "n_unread")},
        wrong_interval=None,
    )
