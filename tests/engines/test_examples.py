import gzip
import importlib.util
import json
import os
import shutil
import subprocess
import sys

import pytest

pytest.importorskip("pyarrow")

import pyarrow as pa
import pyarrow.parquet as pq
from seeded import ROOT, contents, contents_of, documents, read_lines, write_lines

NEEDED = {
    "pandas_frame": ["pandas"],
    "datatrove_pipeline": ["datatrove", "orjson"],
    "hugging_face_datasets": ["datasets"],
    "ray_data": ["ray"],
    "spark": ["pyspark"],
}


def read_folder(path):
    return pq.read_table(path).to_pylist()


def read_datatrove(path):
    rows = [
        json.loads(line)
        for name in ("documents", "dropped")
        for file in sorted((path / name).glob("*.jsonl.gz"))
        for line in gzip.decompress(file.read_bytes()).splitlines()
    ]
    # What is dropped keeps its text; nothing of it was content.
    return [
        {"id": row["id"], "content": "" if "filter_reason" in row["metadata"] else row["text"]}
        for row in rows
    ]


def start(example, folder, *arguments):
    """Run an example as a user does; the caches of its engine go where the test's files are."""
    for module in NEEDED[example]:
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"needs {module}")
    if example == "spark" and shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        pytest.skip("Spark needs Java")
    environment = os.environ | {
        "HF_HOME": str(folder / "hf"), "HF_HUB_OFFLINE": "1", "SPARK_LOCAL_IP": "127.0.0.1", "TMPDIR": str(folder),
        "JAVA_TOOL_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",  # starts sooner
    }  # fmt: skip
    command = [sys.executable, str(ROOT / "examples" / f"{example}.py"), *map(str, arguments)]
    if example == "ray_data":
        del environment["TMPDIR"]  # a socket's path must be short
    result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr[-3000:]
    return result


@pytest.mark.parametrize(
    ("example", "source", "target", "read"),
    [
        ("pandas_frame", "in.jsonl", "out.jsonl", read_lines),
        ("pandas_frame", "in.parquet", "out.parquet", read_folder),
        ("datatrove_pipeline", "in.jsonl", "out", read_datatrove),
        ("datatrove_pipeline", "in.parquet", "out", read_datatrove),
        ("hugging_face_datasets", "in.jsonl", "out.jsonl", read_lines),
        ("hugging_face_datasets", "in.parquet", "out.parquet", read_folder),
        ("ray_data", "in.jsonl", "out", read_folder),
        ("spark", "in.parquet", "out", read_folder),
    ],
)
def test_an_example_writes_what_the_library_says(tmp_path, example, source, target, read):
    if source.endswith(".parquet"):
        pq.write_table(pa.Table.from_pylist(documents()), tmp_path / source)
    else:
        write_lines(tmp_path / source, documents())
    start(example, tmp_path, source, target)
    assert contents_of(read(tmp_path / target)) == contents()


def test_an_example_without_a_file_takes_some_seeds(tmp_path):
    told = start("pandas_frame", tmp_path).stderr.split()
    assert told[1] == "->"
    rows = read_lines(tmp_path / told[2])
    assert len(rows) > 10
    assert all(row["text"] and row["content"] is not None for row in rows)


def test_every_example_is_tested():
    assert {path.stem for path in (ROOT / "examples").glob("*.py")} == {*NEEDED, "sample"}
