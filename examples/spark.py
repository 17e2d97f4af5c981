"""Clean documents with Spark.

::

    pip install 'dechrome[spark]'    # and Java 17 or later
    python examples/spark.py INPUT OUTPUT

INPUT is a file or a folder of JSON Lines or, by its name, Parquet. OUTPUT is a folder of Parquet files, whose
rows have a column ``content`` more. On a cluster every worker's Python needs dechrome.
"""

import os
import sys

from pyspark.sql import SparkSession
from pyspark.sql.types import StringType, StructField, StructType
from sample import paths

from dechrome.integrations.arrow import ArrowLabeler


def main() -> None:
    """Label Arrow batches in as many processes as there are cores."""
    source, target = paths("cleaned")
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    spark = SparkSession.builder.master("local[*]").config("spark.ui.enabled", "false").getOrCreate()
    read = spark.read.parquet if source.suffix == ".parquet" else spark.read.json
    frame = read(str(source))

    schema = StructType([*frame.schema.fields, StructField("content", StringType())])
    cleaned = frame.mapInArrow(ArrowLabeler("text"), schema)

    cleaned.write.mode("overwrite").parquet(str(target))
    spark.stop()


if __name__ == "__main__":
    main()
