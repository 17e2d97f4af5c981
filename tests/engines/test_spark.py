import os
import shutil
import sys

import pytest

pytest.importorskip("pyspark")
if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
    pytest.skip("Spark needs Java", allow_module_level=True)

from pyspark.sql import SparkSession
from pyspark.sql.pandas.types import from_arrow_schema, to_arrow_schema
from seeded import contents, contents_of, documents, exploded, predictions

from dechrome.integrations.arrow import ArrowLabeler

SCHEMA = "id string, language string, text string"


@pytest.fixture(scope="module")
def spark():
    """Two workers of this Python; small batches, so that there are several."""
    settings = {
        "spark.ui.enabled": "false", "spark.sql.execution.arrow.maxRecordsPerBatch": "7",
        "spark.sql.shuffle.partitions": "2",
    }  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        patch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        patch.setenv("JAVA_TOOL_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")  # starts sooner
        session = SparkSession.builder.master("local[2]").config(map=settings).getOrCreate()
        session.sparkContext.setLogLevel("ERROR")
        yield session
        session.stop()


def frame_of(spark, rows):
    tuples = [(row["id"], row["language"], row["text"]) for row in rows]
    return spark.createDataFrame(tuples, SCHEMA).repartition(4)


def test_two_workers_make_what_one_process_makes(spark):
    found = frame_of(spark, documents()).mapInArrow(ArrowLabeler(), f"{SCHEMA}, content string")
    rows = sorted((row.asDict() for row in found.collect()), key=lambda row: row["id"])
    assert [{name: row[name] for name in ("id", "language", "text")} for row in rows] == documents()
    assert contents_of(rows) == contents()


def test_schema_says_what_spark_asks_for(spark):
    labeler = ArrowLabeler(columns=["content", "paragraphs"])
    frame = frame_of(spark, documents())
    schema = from_arrow_schema(labeler.schema(to_arrow_schema(frame.schema)))
    for row in frame.mapInArrow(labeler, schema).collect():
        assert row.content == contents()[row.id]
        assert [p.asDict() for p in row.paragraphs] == predictions()[row.id].to_dicts()


def test_a_row_for_each_paragraph(spark):
    schema = (
        "id string, language string, paragraph long, text string, start long, end long, label string, "
        "kind string, p_content double"
    )
    found = frame_of(spark, documents()).mapInArrow(ArrowLabeler(explode=True), schema)
    assert sorted((row.id, row.paragraph, row.text, row.kind) for row in found.collect()) == exploded()


def test_partitions_may_be_empty_and_texts_missing(spark):
    rows = [row | {"text": None} for row in documents()[:3]]
    found = frame_of(spark, rows).mapInArrow(ArrowLabeler(), f"{SCHEMA}, content string")
    assert contents_of([row.asDict() for row in found.collect()]) == dict.fromkeys(("000", "001", "002"))
    assert found.where("id > '900'").collect() == []


def test_parquet_in_and_out(spark, tmp_path):
    frame_of(spark, documents()).write.parquet(str(tmp_path / "in"))
    found = spark.read.parquet(str(tmp_path / "in")).mapInArrow(ArrowLabeler(), f"{SCHEMA}, content string")
    found.write.parquet(str(tmp_path / "out"))
    assert (
        contents_of([row.asDict() for row in spark.read.parquet(str(tmp_path / "out")).collect()])
        == contents()
    )
