import os
from pathlib import Path

import pytest

pytest.importorskip("ray.data")

import pyarrow as pa
import ray
from seeded import HERE, contents, contents_of, die_once, documents, exploded

from dechrome.integrations.arrow import ArrowLabeler

ARROW = {"batch_format": "pyarrow", "batch_size": 4}


class MortalLabeler(ArrowLabeler):
    """Kills its process once, after some of its batches, and says which process labelled a row."""

    def __init__(self, marker, **settings):
        super().__init__(**settings)
        self.marker = marker

    def __call__(self, batch):
        found = super().__call__(batch)
        if "021" in found["id"].to_pylist():
            die_once(self.marker)
        return found.append_column("process", pa.array([os.getpid()] * len(found), pa.int64()))


@pytest.fixture(scope="module")
def rays():
    """Two workers and one process for the rest; they find this module where it lies."""
    ray.init(
        num_cpus=3, include_dashboard=False, log_to_driver=False, object_store_memory=200_000_000,
        runtime_env={"env_vars": {"PYTHONPATH": os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")])}},
    )  # fmt: skip
    ray.data.DataContext.get_current().enable_progress_bars = False
    yield
    ray.shutdown()


def dataset():
    return ray.data.from_items(documents(), override_num_blocks=4)


def map_with(form, dataset, kind=ArrowLabeler, **settings):
    """Two tasks at a time, or two actors."""
    if form == "tasks":
        return dataset.map_batches(kind(**settings), compute=ray.data.TaskPoolStrategy(size=2), **ARROW)
    pool = ray.data.ActorPoolStrategy(size=2)
    return dataset.map_batches(kind, fn_constructor_kwargs=settings, compute=pool, **ARROW)


@pytest.mark.parametrize("form", ["tasks", "actors"])
def test_two_workers_make_what_one_process_makes(rays, form):
    rows = sorted(map_with(form, dataset()).take_all(), key=lambda row: row["id"])
    assert [{name: row[name] for name in ("id", "language", "text")} for row in rows] == documents()
    assert contents_of(rows) == contents()


def test_a_row_for_each_paragraph(rays):
    rows = map_with("tasks", dataset(), explode=True).take_all()
    assert "language" in rows[0]
    found = sorted((row["id"], row["paragraph"], row["text"], row["kind"]) for row in rows)
    assert found == exploded()


def test_blocks_may_be_empty_and_texts_missing(rays):
    rows = [row | {"text": None if row["id"] == "003" else row["text"]} for row in documents()]
    some = ray.data.from_items(rows, override_num_blocks=4).filter(lambda row: row["id"] < "005")
    assert contents_of(map_with("tasks", some).take_all()) == {
        name: None if name == "003" else content for name, content in contents().items() if name < "005"
    }
    assert map_with("tasks", some.filter(lambda row: row["id"] > "900")).take_all() == []


def test_parquet_in_and_out(rays, tmp_path):
    dataset().write_parquet(str(tmp_path / "in"))
    found = map_with("tasks", ray.data.read_parquet(str(tmp_path / "in")), columns=["paragraphs", "content"])
    found.write_parquet(str(tmp_path / "out"))
    rows = ray.data.read_parquet(str(tmp_path / "out")).take_all()
    assert contents_of(rows) == contents()
    assert [p["kind"] for p in rows[0]["paragraphs"]] == [
        kind for name, _, _, kind in exploded() if name == rows[0]["id"]
    ]


@pytest.mark.parametrize("form", ["tasks", "actors"])
def test_what_a_killed_worker_had_is_made_again(rays, tmp_path, form):
    marker = tmp_path / "marker"
    rows = map_with(form, dataset(), MortalLabeler, marker=str(marker)).take_all()
    assert contents_of(rows) == contents()
    killed = int(marker.read_text())
    assert killed not in {row["process"] for row in rows if row["id"] == "021"}
    assert not Path(f"/proc/{killed}").exists()
