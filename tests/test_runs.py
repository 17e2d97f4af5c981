"""Long runs: killed anywhere and resumed, they give what one run would have given."""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time

import pytest
from click.testing import CliRunner

from dechrome.artefact import write_model
from dechrome.cli import main

#: All twenty in a run of their own: DECHROME_KILLS=20 python -m pytest tests/test_runs.py
KILLS = int(os.environ.get("DECHROME_KILLS", "5"))
N_DOCUMENTS = 10_000


@pytest.fixture(scope="module")
def model(toy_model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "model"
    write_model(toy_model, folder, "card")
    return folder


def documents(n, seed_documents):
    rng = random.Random(0)
    for i in range(n):
        paragraphs = rng.choice(seed_documents).paragraphs
        start = rng.randrange(len(paragraphs))
        yield {"id": i, "text": "\n".join(paragraphs[start : start + 6])}


@pytest.fixture(scope="module")
def crawl(seed_documents, tmp_path_factory):
    """Two files of 10,000 documents in all, one in a hundred of them broken."""
    folder = tmp_path_factory.mktemp("crawl")
    lines = [json.dumps(row, ensure_ascii=False) for row in documents(N_DOCUMENTS, seed_documents)]
    lines = [line[:-1] if i % 100 == 7 else line for i, line in enumerate(lines)]
    for name, part in (("a", lines[:6500]), ("b", lines[6500:])):
        (folder / f"{name}.jsonl").write_text("\n".join(part) + "\n", encoding="utf-8")
    return folder


def command(model, crawl, out):
    return [
        sys.executable, "-m", "dechrome.cli", "clean", "--model", str(model), str(crawl), "-o", str(out),
        "--shard-size", "700", "--errors", str(out) + ".errors.jsonl",
    ]  # fmt: skip


def contents(out):
    files = {
        str(path.relative_to(out)): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()
    }
    return files | {"errors": out.with_name(out.name + ".errors.jsonl").read_bytes()}


@pytest.fixture(scope="module")
def whole(model, crawl, tmp_path_factory):
    out = tmp_path_factory.mktemp("whole") / "out"
    start = time.monotonic()
    result = subprocess.run(command(model, crawl, out), capture_output=True, check=True)
    return contents(out), result.stderr, time.monotonic() - start


def test_the_whole_run_has_every_document_once(whole):
    files, summary, _ = whole
    ids = [
        json.loads(line)["id"]
        for name, raw in files.items()
        if name.endswith(".jsonl") and not name.startswith("_")
        for line in raw.splitlines()
    ]
    bad = [json.loads(line) for line in files["errors"].splitlines()]
    assert ids == [i for i in range(N_DOCUMENTS) if i % 100 != 7]
    assert len(bad) == 100
    assert (bad[0]["place"], bad[0]["reason"][:9]) == ("line 8", "not JSON:")
    assert b"9,900 documents" in summary
    assert b"100 records passed over" in summary


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
@pytest.mark.parametrize("turn", range(KILLS))
def test_a_killed_run_is_resumed_to_the_byte(tmp_path, model, crawl, whole, turn):
    files, summary, seconds = whole
    out = tmp_path / "out"
    rng = random.Random(turn)
    process = subprocess.Popen(
        command(model, crawl, out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    time.sleep(rng.uniform(0.02, 1.0) * seconds)
    process.send_signal(signal.SIGKILL)
    process.wait()
    resumed = subprocess.run([*command(model, crawl, out), "--resume"], capture_output=True, check=True)
    assert contents(out) == files
    assert resumed.stderr == summary
    again = subprocess.run([*command(model, crawl, out), "--resume"], capture_output=True, check=True)
    assert contents(out) == files
    assert again.stderr == summary


def run(*args):
    return CliRunner().invoke(main, [str(arg) for arg in args])


@pytest.fixture
def small(tmp_path, seed_documents):
    path = tmp_path / "small.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in documents(20, seed_documents)))
    return path


@pytest.fixture
def unfinished(tmp_path, model, small):
    """A run of which the second of three shards is missing from the log."""
    out = tmp_path / "out"
    assert run("clean", "--model", model, small, "-o", out, "--shard-size", 8).exit_code == 0
    log = out / "_run.jsonl"
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:2]) + b'{"input": "sma')
    return out


def test_an_unfinished_run_is_not_written_over_unasked(model, small, unfinished):
    before = contents_of(unfinished)
    result = run("clean", "--model", model, small, "-o", unfinished, "--shard-size", 8)
    assert result.exit_code == 2
    assert "--resume" in result.stderr
    assert contents_of(unfinished) == before
    assert (
        run("clean", "--model", model, small, "-o", unfinished, "--shard-size", 8, "--overwrite").exit_code
        == 0
    )


def contents_of(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_run_is_resumed_with_its_own_settings_only(model, small, unfinished):
    result = run(
        "clean", "--model", model, small, "-o", unfinished, "--shard-size", 8, "--favor", "recall", "--resume"
    )
    assert result.exit_code == 2
    assert "favor" in result.stderr


def test_a_changed_input_is_noticed(model, small, unfinished):
    small.write_text(small.read_text() + '{"text": "More.", "id": 99}\n')
    result = run("clean", "--model", model, small, "-o", unfinished, "--shard-size", 8, "--resume")
    assert result.exit_code == 2
    assert "changed" in result.stderr


def test_a_torn_log_line_is_no_hindrance(model, small, unfinished, tmp_path):
    assert (
        run("clean", "--model", model, small, "-o", unfinished, "--shard-size", 8, "--resume").exit_code == 0
    )
    assert run("clean", "--model", model, small, "-o", tmp_path / "one", "--shard-size", 8).exit_code == 0
    assert contents_of(unfinished) == contents_of(tmp_path / "one")


@pytest.mark.parametrize("is_finished", [True, False])
@pytest.mark.parametrize("options", [["--shard-size", 15], ["--to", "csv"]])
def test_a_run_that_overwrites_leaves_nothing_of_the_old(model, small, tmp_path, is_finished, options):
    out, other = tmp_path / "out", small.with_name("other.jsonl")
    other.write_bytes(small.read_bytes())
    assert run("clean", "--model", model, small, other, "-o", out, "--shard-size", 8).exit_code == 0
    (out / "small.notes.jsonl").write_text("mine")
    if not is_finished:
        log = out / "_run.jsonl"
        log.write_bytes(log.read_bytes().rpartition(b'{"finished"')[0])
    options = [*options, "--overwrite"]
    assert run("clean", "--model", model, small, "-o", out, *options).exit_code == 0
    assert run("clean", "--model", model, small, "-o", tmp_path / "one", *options).exit_code == 0
    found = contents_of(out)
    assert found.pop("small.notes.jsonl") == b"mine"
    assert found == contents_of(tmp_path / "one")


def test_a_run_that_overwrites_removes_no_input_and_nothing_outside(model, small, tmp_path):
    out, outside = tmp_path / "out", tmp_path / "outside.jsonl"
    assert run("clean", "--model", model, small, "-o", out).exit_code == 0
    log = out / "_run.jsonl"
    log.write_text(log.read_text().replace('"output": "small.jsonl"', '"output": "../outside.jsonl"'))
    assert "outside" in log.read_text()
    outside.write_text("mine")
    old = (out / "small.jsonl").read_bytes()
    assert run("predict", "--model", model, small, "-o", out, "--to", "csv", "--overwrite").exit_code == 0
    assert outside.read_text() == "mine"
    assert run("clean", "--model", model, small, "-o", out, "--overwrite").exit_code == 0
    assert run("predict", "--model", model, out / "small.jsonl", "-o", out, "--text-field", "content",
               "--to", "csv", "--overwrite").exit_code == 0  # fmt: skip
    assert (out / "small.jsonl").read_bytes() == old


def test_a_run_that_was_stopped_while_it_removed_can_only_be_overwritten(
    model, small, unfinished, monkeypatch
):
    def stop(path):
        raise KeyboardInterrupt

    options = ["clean", "--model", model, small, "-o", unfinished, "--shard-size", 8]
    with monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.unlink", stop)
        assert run(*options, "--overwrite").exit_code != 0
    for more in ([], ["--resume"]):
        result = run(*options, *more)
        assert result.exit_code == 2
        assert "--overwrite" in result.stderr
    assert run(*options, "--overwrite").exit_code == 0


@pytest.mark.parametrize("length", [None, 0, 3])
def test_a_file_of_errors_that_has_become_shorter_is_not_filled_up(model, small, tmp_path, length):
    small.write_text("{\n" + small.read_text() + "{\n")
    out, errors = tmp_path / "out", tmp_path / "errors"
    options = ["clean", "--model", model, small, "-o", out, "--shard-size", 8, "--errors", errors]
    assert run(*options).exit_code == 0
    log, before = out / "_run.jsonl", errors.read_bytes()
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:2]))
    if length is None:
        errors.unlink()
    else:
        errors.write_bytes(before[:length])
    assert run(*options, "--resume").exit_code == 0
    assert errors.read_bytes() == before[: length or 0] + before.splitlines(keepends=True)[1]


def test_progress_of_a_resumed_run_is_of_what_is_left(model, tmp_path, seed_documents, monkeypatch):
    monkeypatch.setattr("dechrome.files.runs._Progress._SECONDS", 0.0)
    lines = [json.dumps(row) + "\n" for row in documents(128, seed_documents)]
    short = ['{"text": "a"}\n'] * 64
    paths = [tmp_path / f"{name}.jsonl" for name in "abc"]
    for path, part in zip(paths, (lines, lines, short), strict=True):
        path.write_text("".join(part))
    options = ["clean", "--model", model, *paths, "-o", tmp_path / "out"]
    assert run(*options).exit_code == 0
    log = tmp_path / "out" / "_run.jsonl"
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:2]))
    told = run(*options, "--resume").stderr
    share = re.search(r"^192 documents, .* a second, (\d+)% of the input", told, re.MULTILINE)
    assert share is not None
    assert 95 <= int(share[1]) <= 100


@pytest.mark.parametrize("option", [["--resume"], ["--overwrite"], ["--shard-size", "5"]])
def test_folder_options_need_a_folder(model, small, tmp_path, option):
    result = run("clean", "--model", model, small, "-o", tmp_path / "one.jsonl", *option)
    assert result.exit_code == 2
    assert option[0] in result.stderr


def test_a_run_is_gone_on_with_or_begun_again_not_both(model, small, unfinished):
    before = contents_of(unfinished)
    result = run("clean", "--model", model, small, "-o", unfinished, "--resume", "--overwrite")
    assert result.exit_code == 2
    assert "--overwrite" in result.stderr
    assert contents_of(unfinished) == before


def test_errors_are_not_written_over_the_log(model, small, tmp_path):
    out = tmp_path / "out"
    result = run("clean", "--model", model, small, "-o", out, "--errors", out / "_run.jsonl")
    assert result.exit_code == 2
    assert "_run.jsonl" in result.stderr
    assert not out.exists()
