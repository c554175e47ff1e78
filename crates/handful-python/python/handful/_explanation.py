"""Why an image got its label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Neighbor:
    """A prototype that is close to an image.

    Attributes
    ----------
    label : object
        Class of the prototype.
    distance : int
        Squared distance to the image, in the feature space of the model.
    prototype : int
        Index of the prototype in `Model.prototypes` and `Model.pictures`.
    medoid : int
        Index of the training image that is nearest to the prototype: see `Model.medoids`.
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
        The predicted class; None if the image has no ink.
    confidence : float
        Probability of the predicted class; 0 if the image has no ink.
    is_digit : bool
        Whether the image is similar to the training images.
    has_ink : bool
        Whether the image has any ink.
    probabilities : dict
        Probability of each class.
    neighbors : list of Neighbor
        The prototypes that voted, nearest first.
    """

    label: Any
    confidence: float
    is_digit: bool
    has_ink: bool
    probabilities: dict[Any, float]
    neighbors: list[Neighbor]


@dataclass(frozen=True)
class Voter:
    """A neighbour that voted on a sample.

    Attributes
    ----------
    label : object
        Class that the neighbour voted for: its own.
    distance : float
        Distance to the sample.
    index : int
        Index of the neighbour: of a fitted sample, or of a prototype in `PrototypeClassifier.prototypes_`.
    weight : float
        Weight of the vote.
    """

    label: Any
    distance: float
    index: int
    weight: float


@dataclass(frozen=True)
class VoteExplanation:
    """Why a sample got its class from the votes of its neighbours.

    Attributes
    ----------
    label : object
        The predicted class.
    confidence : float
        Share of the votes for the predicted class.
    votes : dict
        Sum of the weights of the votes for each class.
    neighbors : list of Voter
        The neighbours that voted, nearest first.
    """

    label: Any
    confidence: float
    votes: dict[Any, float]
    neighbors: list[Voter]
