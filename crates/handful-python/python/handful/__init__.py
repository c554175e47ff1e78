"""Handwritten digits, classified with K-Means and k-nearest neighbours: exact, fast, explained."""

from handful._core import __version__

__all__ = ["__version__"]
