"""The estimators on a Dask cluster."""
