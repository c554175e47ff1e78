"""Conversion between labels and the class names that a model's file stores."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from handful.datasets import named_classes

NUMBERS = "biuf"


def names_of(labels: NDArray[Any]) -> list[str]:
    """Return the names of the labels; floats that are whole numbers are named like integers."""
    is_whole_float = [isinstance(label, (float, np.floating)) and label.is_integer() for label in labels]
    return [str(int(label) if is_whole else label) for label, is_whole in zip(labels, is_whole_float, strict=True)]


def type_of(labels: NDArray[Any]) -> str:
    """Return the name of the type with which `labels_of` restores the labels from their names."""
    kind, size = labels.dtype.kind, labels.dtype.itemsize
    if kind in "UT":
        return "str"
    if kind in "bO":
        return "bool" if kind == "b" else "object"
    if kind in "iuf":
        # By size: some platforms have two types of the same size, and long doubles cannot be restored by name.
        return np.dtype(f"{kind}{min(size, 8)}").name
    raise ValueError(f"y: expected classes that are strings, booleans or numbers, found {labels.dtype}")


def labels_of(names: list[str], label_type: str | None) -> NDArray[Any]:
    """Return the labels with these names; if the type is not known, return numbers or strings."""
    if label_type is None:
        return named_classes(names)
    if label_type in ("str", "object"):
        return np.array(names, dtype=label_type)
    if label_type == "bool":
        return np.array([name == "True" for name in names])
    return np.array([int(name) for name in names], dtype=label_type)


def are_equal(labels: NDArray[Any], others: NDArray[Any]) -> NDArray[np.bool_]:
    """Compare labels: as numbers if both are, otherwise by name, as `fetch_openml` returns numbers as strings."""
    if labels.dtype.kind in NUMBERS and others.dtype.kind in NUMBERS:
        return np.asarray(labels == others)
    return np.array([label == other for label, other in zip(names_of(labels), names_of(others), strict=True)])
