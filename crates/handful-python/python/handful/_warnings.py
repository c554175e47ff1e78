"""Warnings about results that are valid but mean little."""


class NoInkWarning(UserWarning):
    """An image is blank, that is, all its pixels are equal: its prediction is meaningless.

    Examples
    --------
    >>> import warnings
    >>> import handful
    >>> import numpy as np
    >>> with warnings.catch_warnings(record=True) as told:
    ...     warnings.simplefilter("always")
    ...     label = handful.load_model("fast").predict(np.zeros((28, 28)))
    >>> issubclass(told[0].category, handful.NoInkWarning)
    True
    """
