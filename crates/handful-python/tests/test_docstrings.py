"""What is documented is there, and what is there is documented."""

import inspect
import re

import dask.array as da
import handful
import handful.dask
import numpy as np
import pandas as pd
import pytest

PUBLIC = [getattr(handful, name) for name in handful.__all__ if name not in ("__version__", "datasets")]
PUBLIC += [getattr(module, name) for module in (handful.datasets, handful.dask) for name in module.__all__]
CLASSES = [item for item in PUBLIC if inspect.isclass(item)]
# These are made by Python's own initialiser, which has no signature.
WARNINGS = [item for item in CLASSES if issubclass(item, Warning)]
# What these look like is shown where they are returned.
RECORDS = [
    handful.AccuracyEstimate,
    handful.Audit,
    handful.Explanation,
    handful.Neighbor,
    handful.VoteExplanation,
    handful.Voter,
    handful.datasets.Labelled,
    handful.datasets.TrainTest,
    handful.dask.Images,
]


def methods_of(cls):
    """Public methods and properties that are handful's own, and not scikit-learn's or a tuple's."""
    for name, method in inspect.getmembers(cls):
        if name.startswith("_") or cls in RECORDS:
            continue
        function = method.fget if isinstance(method, property) else inspect.unwrap(method)
        if getattr(function, "__module__", "").startswith("handful"):
            yield pytest.param(method, id=f"{cls.__name__}.{name}")


METHODS = [method for cls in CLASSES for method in methods_of(cls)]
ITEMS = [pytest.param(item, id=item.__name__) for item in PUBLIC]
FUNCTIONS = [item for item in ITEMS if not inspect.isclass(item.values[0])]


def sections(item):
    """The sections of a docstring by their titles; its first lines by none."""
    parts = re.split(r"^(.+)\n-+\n", inspect.getdoc(item) or "", flags=re.MULTILINE)
    return {"": parts[0], **dict(zip(parts[1::2], parts[2::2], strict=True))}


def names_in(section):
    """The names that a section documents: those of lines such as `X, y : array-like`."""
    return [name for line in re.findall(r"^(\S.*?) : ", section, re.MULTILINE) for name in line.split(", ")]


def is_described(section):
    """Whether each line that is not indented is followed by one that is, and ends as a sentence."""
    parts = re.split(r"^(?=\S)", section.strip(), flags=re.MULTILINE)[1:]
    return bool(parts) and all("\n    " in part and part.rstrip().endswith(".") for part in parts)


@pytest.mark.parametrize("item", ITEMS + METHODS)
def test_all_that_is_public_has_a_summary_in_one_line(item):
    summary = sections(item)[""].split("\n\n")[0].strip()
    assert "\n" not in summary
    assert summary.endswith(".")


@pytest.mark.parametrize("item", ITEMS + METHODS)
def test_all_parameters_are_described_in_their_order(item):
    if isinstance(item, property) or item in RECORDS + WARNINGS:
        return
    parameters = [name for name in inspect.signature(item).parameters if name not in ("self", "cls")]
    section = sections(item).get("Parameters", "")
    assert names_in(section) == parameters
    assert is_described(section) == bool(parameters)


@pytest.mark.parametrize("item", ITEMS + METHODS)
def test_defaults_are_told(item):
    if isinstance(item, property) or item in WARNINGS:
        return
    section = sections(item).get("Parameters", "")
    for name, parameter in inspect.signature(item).parameters.items():
        if parameter.default is not inspect.Parameter.empty:
            # `y : None` is there for scikit-learn's sake alone.
            told = re.search(rf"^{name} : (?:.*default=)?(.+)$", section, re.MULTILINE).group(1)
            assert eval(told, {}) == parameter.default


@pytest.mark.parametrize("item", [item for item in METHODS + FUNCTIONS if inspect.isroutine(item.values[0])])
def test_what_is_returned_is_described_if_it_is_anything(item):
    returns_nothing = inspect.signature(item).return_annotation in ("None", None)
    section = sections(item).get("Returns", "")
    assert bool(section) != returns_nothing
    assert is_described(section) or returns_nothing


@pytest.mark.parametrize("item", [item for item in ITEMS if item.values[0] not in RECORDS])
def test_classes_and_functions_have_examples(item):
    assert ">>> " in sections(item).get("Examples", "")


def documented_attributes(cls):
    section = sections(cls)["Attributes"]
    assert is_described(section)
    return sorted(names_in(section))


ESTIMATORS = [
    handful.KMeans(2),
    handful.KNeighborsClassifier(1),
    handful.KNeighborsRegressor(1),
    handful.NearestNeighbors(),
    handful.PrototypeClassifier(2),
    handful.PresetClassifier("notebook", prototypes=1),
    handful.Deskew(),
    handful.GradientFeatures(),
    handful.KMeansFeatures(2),
    handful.KMeansFeatures(2, per_class=True, activation="rbf"),
]


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=str)
def test_attributes_after_a_fit_are_those_that_are_documented(estimator):
    X = pd.DataFrame(np.random.default_rng(0).integers(0, 256, (20, 4)), columns=list("abcd"))
    estimator.fit(X, np.arange(20) % 2)
    found = [name for name in dir(estimator) if name.endswith("_") and not name.startswith("_")]
    assert found == documented_attributes(type(estimator))


@pytest.mark.parametrize(
    "kind", [getattr(handful.dask, name) for name in ("KMeans", "KNeighborsClassifier", "PrototypeClassifier")]
)
def test_attributes_after_a_fit_on_a_dask_array_are_those_that_are_documented(kind):
    estimator = kind(2).fit(da.arange(80, dtype=np.uint8, chunks=80).reshape(20, 4), np.arange(20) % 2)
    found = [name for name in dir(estimator) if name.endswith("_") and not name.startswith("_")]
    assert found == documented_attributes(kind)


def test_attributes_of_a_model_are_documented_or_properties():
    model = handful.load_model("tiny")
    found = {name for name in vars(model) if not name.startswith("_")}
    assert found == {"n_jobs", *documented_attributes(handful.Model)}


@pytest.mark.parametrize("record", RECORDS)
def test_fields_of_records_are_documented(record):
    fields = getattr(record, "_fields", None) or record.__dataclass_fields__
    assert names_in(sections(record)["Attributes"]) == list(fields)
    assert is_described(sections(record)["Attributes"])
