"""Why an image got its label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Neighbor:
    """A prototype near an image.

    Attributes
    ----------
    label : object
        Its class.
    distance : int
        Its squared distance, in the model's space.
    prototype : int
        Its row in `Model.prototypes` and `Model.pictures`.
    medoid : int
        The training image nearest to it: what it looks like.
    """

    label: Any
    distance: int
    prototype: int
    medoid: int


@dataclass(frozen=True)
class Explanation:
    """Why an image got its label.

    Attributes
    ----------
    label : object
        The verdict; None if there is no ink.
    confidence : float
        Its probability; 0 if there is no ink.
    is_digit : bool
        Whether the image is like anything that was learned.
    has_ink : bool
        Whether there is anything to see.
    probabilities : dict
        The probability of each class.
    neighbors : list of Neighbor
        The prototypes that decided, nearest first.
    """

    label: Any
    confidence: float
    is_digit: bool
    has_ink: bool
    probabilities: dict[Any, float]
    neighbors: list[Neighbor]
