"""A Dask cluster of two real worker processes over TCP, and the digits that it gets."""

import pytest
from distributed import Client, LocalCluster

from cluster.shared import N


@pytest.fixture(scope="module")
def client():
    """A cluster of two processes, each with two threads."""
    options = {"processes": True, "protocol": "tcp", "host": "127.0.0.1", "dashboard_address": "127.0.0.1:0"}
    with LocalCluster(n_workers=2, threads_per_worker=2, **options) as cluster, Client(cluster) as client:
        yield client


@pytest.fixture(scope="module")
def digits(mnist):
    return mnist.X_train[:N], mnist.y_train[:N], mnist.X_test[:500], mnist.y_test[:500]
