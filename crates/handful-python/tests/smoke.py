"""What somebody who installs the wheel into an empty environment tries first: `python -I smoke.py`."""

import sys
import tomllib
from pathlib import Path

CLONE = Path(__file__).parents[3]


def main() -> None:
    import handful
    import numpy as np

    # The wheel, not the sources.
    assert Path(handful.__file__).is_relative_to(sys.prefix), handful.__file__
    workspace = tomllib.loads((CLONE / "Cargo.toml").read_text())["workspace"]
    assert handful.__version__ == workspace["package"]["version"], handful.__version__

    X_train, y_train, X_test, y_test = handful.datasets.load_mnist(CLONE / "data" / "mnist", download=False)
    model = handful.load_model("best")
    assert np.count_nonzero(model.predict(X_test) != y_test) == 36
    assert model.explain(X_test[:1])[0].label == 7
    knn = handful.KNeighborsClassifier(1).fit(X_train, y_train)
    assert np.count_nonzero(knn.predict(X_test) != y_test) == 309
    kmeans = handful.KMeans(10, random_state=0).fit(X_train)
    assert kmeans.cluster_centers_.shape == (10, 784)
    print("handful", handful.__version__)


if __name__ == "__main__":
    main()
