import copy
import importlib.util
import json
import os
import pickle
import signal
import subprocess
import sys
import time

import pytest

pytest.importorskip("datatrove")

from datatrove.data import Document
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.writers import JsonlWriter
from seeded import HERE, contents, documents, predictions, read_lines, write_lines

from dechrome import KINDS
from dechrome.errors import InputError
from dechrome.integrations.datatrove import ChromeFilter
from dechrome.prediction import SHIPPED_MODEL

SECONDS = 50
needs_io = pytest.mark.skipif(importlib.util.find_spec("orjson") is None, reason="needs datatrove[io]")


def stream():
    return [
        Document(text=row["text"], id=row["id"], metadata={"language": row["language"]})
        for row in documents()
    ]


def texts_of(documents):
    found = {document.id: document.text for document in documents}
    assert len(found) == len(documents), "a document came twice"
    return found


def shares():
    """Characters kept of each document, and how many it has."""
    return {
        name: (sum(len(p.text) for p in found if p.label == "content"), sum(len(p.text) for p in found))
        for name, found in predictions().items()
    }


def wait_for(condition):
    end = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.05)


# --- the step alone --------------------------------------------------------------------------------


@pytest.mark.parametrize("batch_size", [1, 7, 256])
def test_documents_are_cleaned_in_order(batch_size):
    step = ChromeFilter(batch_size=batch_size)
    found = list(step.run(stream()))
    assert [document.id for document in found] == [row["id"] for row in documents()]
    assert texts_of(found) == contents()
    assert [document.metadata for document in found] == [{"language": row["language"]} for row in documents()]


def test_annotate_leaves_the_text_and_lists_the_paragraphs():
    found = list(ChromeFilter(annotate=True).run(stream()))
    assert [document.text for document in found] == [row["text"] for row in documents()]
    for document in found:
        assert document.metadata["paragraphs"] == predictions()[document.id].to_dicts()
        json.dumps(document.metadata)
        for p in document.metadata["paragraphs"]:
            assert document.text[p["start"] : p["end"]] == p["text"]


def test_keep_decides_what_is_kept():
    keep = ["cookie", "legal"]
    assert texts_of(list(ChromeFilter(keep=keep).run(stream()))) == {
        name: found.content(keep) for name, found in predictions().items()
    }
    for document in ChromeFilter(annotate=True, keep=keep).run(stream()):
        assert document.metadata["paragraphs"] == predictions()[document.id].to_dicts(keep)


@needs_io
def test_a_document_of_which_too_little_is_left_is_dropped_for_a_reason(tmp_path):
    lengths = sorted(kept for kept, _ in shares().values())
    least, share = lengths[10], 0.7
    short = {name for name, (kept, _) in shares().items() if kept < least}
    chrome = {name for name, (kept, total) in shares().items() if kept < share * total} - short
    assert short
    assert chrome
    writer = JsonlWriter(str(tmp_path), output_filename="${rank}.jsonl", compression=None)
    step = ChromeFilter(min_characters=least, min_share=share, exclusion_writer=writer)
    kept = list(step.run(stream()))
    assert texts_of(kept) == {k: v for k, v in contents().items() if k not in short | chrome}
    dropped = read_lines(tmp_path / "00000.jsonl")
    reasons = {row["id"]: row["metadata"]["filter_reason"] for row in dropped}
    assert reasons == dict.fromkeys(short, "too_little_content") | dict.fromkeys(chrome, "too_much_chrome")
    assert {row["id"]: row["text"] for row in dropped} == {
        row["id"]: row["text"] for row in documents() if row["id"] in reasons
    }
    counts = {name: stat.total for name, stat in step.stats.stats.items()}
    assert (counts["total"], counts["forwarded"], counts["dropped"]) == (40, len(kept), len(reasons))
    assert counts["dropped_too_little_content"] == len(short)
    assert counts["dropped_too_much_chrome"] == len(chrome)


def test_a_share_is_of_the_characters_of_the_paragraphs():
    story = "\n\n".join(["The harbour of Norrvik reopened on Monday, three days after the storm."] * 40)
    (found,) = ChromeFilter(min_share=1.0, keep=KINDS).run([Document(text=story, id="a")])
    assert found.text == story
    assert list(ChromeFilter(min_share=1.0).run([Document(text=f"{story}\n\nOK", id="a")])) == []


def test_paragraphs_and_characters_are_counted():
    step = ChromeFilter()
    list(step.run(stream()))
    counts = {name: stat.total for name, stat in step.stats.stats.items()}
    paragraphs = [p for found in predictions().values() for p in found]
    assert counts["paragraphs"] == len(paragraphs)
    assert counts["characters"] == sum(len(p.text) for p in paragraphs)
    assert counts["characters_kept"] == sum(len(p.text) for p in paragraphs if p.label == "content")
    for kind in KINDS:
        assert counts.get(f"paragraphs_{kind}", 0) == sum(p.kind == kind for p in paragraphs)


def test_one_document_may_be_filtered_alone():
    step = ChromeFilter()
    for document in stream()[:3]:
        assert step.filter(document) is True
        assert document.text == contents()[document.id]
    assert ChromeFilter(min_characters=10**6).filter(stream()[0]) == (False, "too_little_content")


def test_settings_are_checked_when_they_are_given():
    for share in (-0.1, 1.5, float("nan")):
        with pytest.raises(ValueError, match="min_share must lie in"):
            ChromeFilter(min_share=share)
    with pytest.raises(InputError, match="unknown kinds 'cookies'"):
        ChromeFilter(keep=["cookies"])


def test_the_step_is_pickled_without_its_model():
    step = ChromeFilter(model=str(SHIPPED_MODEL), favor="recall", min_characters=1)
    expected = texts_of(list(step.run(stream())))
    assert len(pickle.dumps(step)) < 5000
    for other in (pickle.loads(pickle.dumps(step)), copy.deepcopy(step)):
        assert texts_of(list(other.run(stream()))) == expected


# --- the executor ----------------------------------------------------------------------------------


def shards(folder, n=2):
    for i in range(n):
        write_lines(folder / f"{i}.jsonl", documents()[i::n])
    return folder


def written(folder):
    rows = read_lines(*sorted(folder.glob("*.jsonl")))
    assert len({row["id"] for row in rows}) == len(rows), "a document came twice"
    # The writer leaves out a text that is empty.
    return {row["id"]: row.get("text", "") for row in rows}


def trove(*arguments, **options):
    command = [sys.executable, str(HERE / "trove.py"), *map(str, arguments)]
    return subprocess.Popen(command, start_new_session=True, **options)


@needs_io
def test_two_workers_write_what_one_process_writes(tmp_path):
    source, target = shards(tmp_path / "in"), tmp_path / "out"
    with trove(source, target, tmp_path / "logs", stderr=subprocess.DEVNULL) as process:
        assert process.wait(SECONDS) == 0
    assert sorted(path.name for path in target.iterdir()) == ["00000.jsonl", "00001.jsonl"]
    assert written(target) == contents()
    assert [row["metadata"]["language"] for row in read_lines(target / "00001.jsonl")] == [
        row["language"] for row in documents()[1::2]
    ]
    stats = json.loads((tmp_path / "logs" / "stats.json").read_text())
    (ours,) = (step for step in stats if "Dechrome" in step["name"])
    assert ours["stats"]["total"] == 40
    (read,) = JsonlReader(str(source), limit=1).run(rank=0, world_size=2)
    assert read.text == documents()[0]["text"]


@needs_io
@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_after_a_worker_was_killed_a_second_run_makes_the_rest(tmp_path):
    source, target, logs = shards(tmp_path / "in"), tmp_path / "out", tmp_path / "logs"
    marker, log = tmp_path / "marker", tmp_path / "log"
    first = trove(source, target, logs, marker, stderr=subprocess.DEVNULL)
    try:
        # A pool waits for a worker that was killed forever, so the run is ended as a user would end it.
        wait_for(lambda: marker.exists() and marker.read_text())
        assert int(marker.read_text()) != first.pid
        assert first.poll() is None
    finally:
        os.killpg(first.pid, signal.SIGKILL)
        first.wait(SECONDS)
    assert sorted(path.name for path in (logs / "completions").iterdir()) == ["00001"]
    finished = (target / "00001.jsonl").stat().st_mtime_ns
    partial = (target / "00000.jsonl").read_bytes()
    with log.open("w") as stderr, trove(source, target, logs, marker, stderr=stderr) as second:
        assert second.wait(SECONDS) == 0
    assert "Skipping 1 already completed tasks" in log.read_text()
    assert (target / "00001.jsonl").stat().st_mtime_ns == finished
    assert written(target) == contents()
    assert len(partial) < (target / "00000.jsonl").stat().st_size
    undisturbed = tmp_path / "undisturbed"
    with trove(source, undisturbed, tmp_path / "other logs", stderr=subprocess.DEVNULL) as process:
        assert process.wait(SECONDS) == 0
    for name in ("00000.jsonl", "00001.jsonl"):
        assert (target / name).read_bytes() == (undisturbed / name).read_bytes()
