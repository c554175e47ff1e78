"""Check that Spark's workers, through `mapInArrow`, predict all test digits of MNIST like one process.

    make scale        # a part of it; needs Java 17 or newer
"""

import os
import sys
import tempfile

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import SparkSession

import handful
from handful.arrow import Scorer

LOOPBACK = "127.0.0.1"
SCHEMA = "id long, prediction long, confidence double, is_digit boolean"


def main() -> None:
    _, _, images, _ = handful.datasets.load_mnist()
    expected = handful.load_model("fast").predict(images)
    # Workers run the Python that has handful.
    os.environ["PYSPARK_PYTHON"] = sys.executable
    with tempfile.TemporaryDirectory(prefix="handful-spark-") as folder:
        pixels = pa.FixedSizeListArray.from_arrays(pa.array(images.ravel()), images.shape[1])
        digits = pa.table({"id": range(len(images)), "image": pixels.cast(pa.list_(pa.uint8()))})
        pq.write_table(digits, f"{folder}/digits.parquet", row_group_size=1000)
        builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
        spark = builder.config("spark.driver.host", LOOPBACK).config("spark.driver.bindAddress", LOOPBACK).getOrCreate()
        frame = spark.read.parquet(f"{folder}/digits.parquet").repartition(4)
        rows = frame.mapInArrow(Scorer("fast"), SCHEMA).select("id", "prediction").collect()
        spark.stop()
    if dict(rows) != dict(enumerate(expected.tolist())):
        raise SystemExit("Spark's workers read other digits than one process")
    print(f"Spark: {len(rows):,} digits read by its workers as by one process")


if __name__ == "__main__":
    main()
