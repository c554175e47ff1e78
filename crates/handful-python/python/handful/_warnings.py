"""What is told where an answer can be given, but means little."""


class NoInkWarning(UserWarning):
    """An image shows nothing: all its pixels are equal, and what is predicted for it means nothing.

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
