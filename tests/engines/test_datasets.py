import pytest

pytest.importorskip("datasets")

import datasets
import pyarrow as pa
from seeded import contents, contents_of, documents, exploded, predictions, write_lines

from dechrome.integrations.arrow import ArrowLabeler


@pytest.fixture(autouse=True)
def quiet(tmp_path, monkeypatch):
    """Nothing is kept from one test to the next, and no hub is asked."""
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)
    datasets.disable_progress_bars()
    yield
    datasets.enable_progress_bars()


@pytest.fixture
def dataset(tmp_path):
    """Read from a file, so that what is mapped is kept in files and fingerprints count."""
    return datasets.load_dataset(
        "json", data_files=str(write_lines(tmp_path / "in.jsonl", documents())), split="train"
    )


def mapped(dataset, *, num_proc=None, batch_size=7, **settings):
    found = dataset.with_format("arrow").map(
        ArrowLabeler(**settings), batched=True, batch_size=batch_size, num_proc=num_proc
    )
    return found.with_format(None)


@pytest.mark.parametrize("num_proc", [None, 2])
def test_processes_make_what_one_makes(dataset, num_proc):
    found = mapped(dataset, num_proc=num_proc)
    assert found.column_names == [*dataset.column_names, "content"]
    assert found.select_columns(dataset.column_names).to_list() == dataset.to_list()
    assert contents_of(found.to_list()) == contents()
    assert found["id"] == dataset["id"]


def test_paragraphs_become_a_feature(dataset):
    found = mapped(dataset, columns=["content", "paragraphs"])
    assert found.features["content"] == datasets.Value("string")
    paragraph = found.features["paragraphs"].feature
    assert {name: value.dtype for name, value in paragraph.items()} == {
        "text": "string", "start": "int64", "end": "int64", "label": "string", "kind": "string", "p_content": "float64"
    }  # fmt: skip
    for row in found:
        assert row["paragraphs"] == predictions()[row["id"]].to_dicts()


@pytest.mark.parametrize("num_proc", [None, 2])
def test_a_row_for_each_paragraph(dataset, num_proc):
    found = mapped(dataset, num_proc=num_proc, explode=True)
    assert [(row["id"], row["paragraph"], row["text"], row["kind"]) for row in found] == exploded()


def test_texts_may_be_missing_or_lists(dataset):
    rows = [{"id": row["id"], "text": row["text"] if i % 2 else None} for i, row in enumerate(documents())]
    found = mapped(datasets.Dataset.from_list(rows))
    assert contents_of(found.to_list()) == {
        row["id"]: contents()[row["id"]] if i % 2 else None for i, row in enumerate(documents())
    }
    lists = [{"id": row["id"], "text": list(predictions()[row["id"]].texts)} for row in documents()]
    assert contents_of(mapped(datasets.Dataset.from_list(lists)).to_list()) == contents()


def test_the_same_work_is_taken_from_the_cache_and_other_work_is_not(dataset, monkeypatch):
    first = mapped(dataset)
    monkeypatch.setattr(ArrowLabeler, "__call__", lambda *_: pytest.fail("it worked again"))
    assert mapped(dataset).to_list() == first.to_list()
    with pytest.raises(pytest.fail.Exception, match="it worked again"):
        mapped(dataset, favor="recall")


def test_a_stream_is_labelled_as_it_is_read(dataset):
    stream = (
        dataset.to_iterable_dataset().with_format("arrow").map(ArrowLabeler(), batched=True, batch_size=7)
    )
    table = pa.concat_tables(list(stream.iter(batch_size=7)))
    assert contents_of(table.to_pylist()) == contents()
