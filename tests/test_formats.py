"""Every format, compressed or not, in and out of both commands; what passes through is untouched."""

import csv
import datetime
import gzip
import io
import json
import re
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner

from dechrome import clean_text, load_model
from dechrome.artefact import write_model
from dechrome.cli import main
from dechrome.errors import InputError
from dechrome.files.formats import file_type, find_inputs

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")
pytest.importorskip("fastwarc")
pytest.importorskip("resiliparse")

TEXTS = [
    "Ferry line closes for the winter\n\nThe last boat leaves on Sunday, the operator said, and will be back in May."
    "\n\nAccept all cookies",
    "Linia promowa zawieszona\nOstatni prom odpłynie w niedzielę. Wznowienie rejsów planowane jest na maj.\nUdostępnij",
    "渡轮冬季停航\n最后一班船将于周日开出，运营方表示，五月恢复通航。\n分享到微博",
    "",
]
ROWS = [
    {"id": f"doc-{i}", "text": text, "score": 1.0 / (i + 1), "tags": ["a", "b"][:i], "day": None}
    for i, text in enumerate(TEXTS)
]
RECORDS = ("jsonl", "csv", "tsv", "parquet")
ARCHIVES = ("wet", "warc")
COMPRESSIONS = {"none": "", "gzip": ".gz", "zstd": ".zst"}


def run(*args, **options):
    result = CliRunner().invoke(main, [str(arg) for arg in args], **options)
    assert result.exit_code == 0, (result.stderr, result.exception)
    return result


@pytest.fixture(scope="module")
def model(toy_model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "model"
    write_model(toy_model, folder, "card")
    return folder


@pytest.fixture(scope="module")
def expected(model):
    loaded = load_model(model)
    return [(clean_text(text, model=loaded), loaded.predict_paragraphs(text).to_dicts()) for text in TEXTS]


def compress(raw, compression):
    if compression == "gzip":
        return gzip.compress(raw)
    if compression == "zstd":
        return pa.compress(raw, "zstd", asbytes=True)
    return raw


def warc_record(kind, body, number):
    head = (
        f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Record-ID: <urn:uuid:0-{number}>\r\n"
        f"WARC-Target-URI: https://example.org/{number}\r\nWARC-Date: 2026-01-0{number + 1}T00:00:00Z\r\n"
        f"Content-Type: {'text/plain' if kind == 'conversion' else 'application/http; msgtype=response'}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body + b"\r\n\r\n"


def as_page(text):
    body = "".join(f"<p>{line}</p>" for line in text.split("\n") if line)
    return f"<html><head><meta charset='utf-8'></head><body>{body}</body></html>".encode()


def make(kind, texts=TEXTS, rows=ROWS):
    """The bytes of a file of a format."""
    if kind == "text":
        return texts[0].encode()
    if kind == "html":
        return as_page(texts[0])
    if kind == "jsonl":
        return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
    if kind in ("csv", "tsv"):
        out = io.StringIO(newline="")
        table = csv.DictWriter(out, list(rows[0]), delimiter="," if kind == "csv" else "\t")
        table.writeheader()
        table.writerows(rows)
        return out.getvalue().encode()
    if kind == "parquet":
        sink = io.BytesIO()
        pq.write_table(pa.Table.from_pylist(rows), sink)
        return sink.getvalue()
    if kind == "wet":
        return b"".join(warc_record("conversion", text.encode(), i) for i, text in enumerate(texts))
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
    return b"".join(warc_record("response", head + as_page(text), i) for i, text in enumerate(texts))


def write(folder, kind, compression="none"):
    suffix = {"text": "txt"}.get(kind, kind)
    path = folder / f"crawl.{suffix}{COMPRESSIONS[compression]}"
    path.write_bytes(compress(make(kind), compression))
    return path


def read(path):
    """Rows of an output file, values as text where the format has no others."""
    kind = file_type(path.name)
    if kind.format == "parquet":
        return pq.read_table(path).to_pylist()
    raw = path.read_bytes()
    if kind.compression == "gzip":
        raw = gzip.decompress(raw)
    if kind.compression == "zstd":
        raw = pa.CompressedInputStream(pa.BufferReader(raw), "zstd").read()
    if kind.format == "jsonl":
        return [json.loads(line) for line in raw.decode().splitlines()]
    if kind.format == "text":
        return raw.decode()
    csv.field_size_limit(1 << 28)
    text = io.StringIO(raw.decode(), newline="")
    return list(csv.DictReader(text, delimiter="," if kind.format == "csv" else "\t"))


def columns_of(row):
    """The two new fields, whatever the format."""
    paragraphs = row.get("paragraphs")
    return row.get("content"), json.loads(paragraphs) if isinstance(paragraphs, str) else paragraphs


CELLS = [
    (command, kind, compression)
    for command in ("clean", "predict")
    for kind in ("text", "html", *RECORDS, *ARCHIVES)
    for compression in (COMPRESSIONS if kind != "parquet" else ("none",))
]


@pytest.mark.parametrize(("command", "kind", "compression"), CELLS)
def test_every_input_is_read(tmp_path, model, expected, command, kind, compression):
    path = write(tmp_path, kind, compression)
    out = tmp_path / "out.jsonl"
    run(
        command,
        "--model",
        model,
        path,
        "-o",
        out,
        "--columns",
        "content,paragraphs",
        "--keep",
        "headline,body",
    )
    rows = read(out)
    if kind in ("text", "html"):
        assert len(rows) == 1
        texts = expected[:1]
    else:
        texts = expected
        ids = [row["id"] for row in rows]
        assert ids == (
            [f"<urn:uuid:0-{i}>" for i in range(4)] if kind in ARCHIVES else [row["id"] for row in ROWS]
        )
    for row, (content, paragraphs) in zip(rows, texts, strict=True):
        assert row["content"] == content
        kept = [p for p in paragraphs if p["kind"] in ("headline", "body")]
        if kind in ("html", "warc"):
            kept = [p | {"start": None, "end": None} for p in kept]
        assert row["paragraphs"] == kept


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("target", RECORDS)
@pytest.mark.parametrize("source", [*RECORDS, *ARCHIVES])
@pytest.mark.parametrize("command", ["clean", "predict"])
def test_every_output_is_written(tmp_path, model, expected, command, source, target, compression):
    path = write(tmp_path, source)
    out = tmp_path / f"out.{target}"
    if target != "parquet":
        out = out.with_name(out.name + COMPRESSIONS[compression])
    options = ["--compress", compression] if target == "parquet" else []
    run(command, "--model", model, path, "-o", out, "--columns", "content,paragraphs", *options)
    rows = read(out)
    assert len(rows) == len(TEXTS)
    for row, (content, paragraphs) in zip(rows, expected, strict=True):
        found, listed = columns_of(row)
        assert found == content
        if command == "predict":
            names = ("text", "label", "kind", "p_content")
            assert [[p[n] for n in names] for p in listed] == [[p[n] for n in names] for p in paragraphs]
    if target == "parquet":
        codec = pq.ParquetFile(out).metadata.row_group(0).column(0).compression
        assert codec == {"none": "SNAPPY", "gzip": "GZIP", "zstd": "ZSTD"}[compression]


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("command", ["clean", "predict"])
@pytest.mark.parametrize("kind", ["text", *RECORDS, *ARCHIVES])
def test_text_is_written(tmp_path, model, expected, command, kind, compression):
    out = tmp_path / f"out.txt{COMPRESSIONS[compression]}"
    run(command, "--model", model, write(tmp_path, kind), "-o", out)
    shown = expected[:1] if kind == "text" else expected
    if command == "clean":
        assert read(out) == "".join(content + "\n" for content, _ in shown)
    else:
        for _, paragraphs in shown:
            assert all(p["text"] in read(out) for p in paragraphs)


@pytest.mark.parametrize("target", RECORDS)
@pytest.mark.parametrize("source", [*RECORDS, *ARCHIVES])
@pytest.mark.parametrize("command", ["clean", "predict"])
def test_a_row_for_each_paragraph(tmp_path, model, expected, command, source, target):
    out = tmp_path / f"out.{target}"
    run(command, "--model", model, write(tmp_path, source), "-o", out, "--explode")
    wanted = [
        (i, n, p["text"], p["kind"])
        for i, (_, paragraphs) in enumerate(expected)
        for n, p in enumerate(paragraphs)
        if command == "predict" or p["kind"] in ("headline", "body")
    ]
    ids = [f"<urn:uuid:0-{i}>" if source in ARCHIVES else f"doc-{i}" for i in range(4)]
    found = [(ids.index(row["id"]), int(row["paragraph"]), row["text"], row["kind"]) for row in read(out)]
    assert found == wanted


# --- what passes through -------------------------------------------------------------------------


def test_json_lines_keep_their_bytes(tmp_path, model):
    line = '{"n": 1.50, "big": 123456789012345678901234567890, "e": "\\u00e9", "x":{"a":[1,  2]}, "text" : "Hi there"}'
    path = tmp_path / "in.jsonl"
    path.write_text(line + "  \r\n\n", encoding="utf-8")
    result = run("clean", "--model", model, path)
    assert result.stdout.startswith(line[:-1] + ', "content": ')
    assert result.stdout.count("\n") == 1


def test_parquet_keeps_types_order_and_metadata(tmp_path, model):
    table = pa.table(
        {
            "when": pa.array(
                [datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)] * 3, pa.timestamp("ms", "UTC")
            ),
            "text": pa.array(["One story.", None, "Accept all cookies"], pa.large_string()),
            "price": pa.array([Decimal("1.10"), Decimal("2.20"), None], pa.decimal128(8, 2)),
            "group": pa.array(["a", "b", "a"]).dictionary_encode(),
            "small": pa.array([1, 2, 3], pa.int8()),
            "raw": pa.array([b"\x00\xff", b"", None], pa.binary()),
            "nested": pa.array([{"a": [1]}, {"a": []}, None], pa.struct([("a", pa.list_(pa.int16()))])),
        }
    ).replace_schema_metadata({"origin": "test"})
    path = tmp_path / "in.parquet"
    pq.write_table(table, path)
    for explode in (False, True):
        out = tmp_path / f"out{explode}.parquet"
        options = ["--explode"] if explode else []
        run("predict", "--model", model, path, "-o", out, "--columns", "content,paragraphs", *options)
        made = pq.read_table(out)
        old = table.drop_columns(["text"]).take([0, 2]) if explode else table
        assert made.select(old.column_names).cast(old.schema).to_pylist() == old.to_pylist()
        for field in old.schema:
            assert made.schema.field(field.name).type == field.type
        assert made.schema.metadata[b"origin"] == b"test"
    assert pq.read_table(tmp_path / "outFalse.parquet")["content"].to_pylist()[1] is None


@pytest.mark.parametrize("target", ["csv", "tsv"])
def test_dates_and_bytes_in_a_cell_are_as_in_json(tmp_path, model, target):
    when = datetime.datetime(2026, 1, 1, 12, 30, tzinfo=datetime.timezone.utc)
    row = {"text": "A story.", "when": when, "day": when.date(), "raw": b"\x00\xff", "price": Decimal("1.10")}
    path = tmp_path / "in.parquet"
    pq.write_table(pa.Table.from_pylist([row]), path)
    for name in (f"out.{target}", "out.jsonl"):
        run("clean", "--model", model, path, "-o", tmp_path / name)
    (cells,), (values,) = read(tmp_path / f"out.{target}"), read(tmp_path / "out.jsonl")
    assert cells == values
    assert (cells["when"], cells["raw"]) == ("2026-01-01T12:30:00+00:00", "AP8=")


def test_a_null_text_passes_through(tmp_path, model):
    path = tmp_path / "in.jsonl"
    path.write_text('{"text": null, "id": 1}\n{"text": "A story.", "id": 2}\n')
    result = run("predict", "--model", model, path)
    assert [json.loads(line)["paragraphs"] is None for line in result.stdout.splitlines()] == [True, False]
    assert "1 documents without text" in result.stderr


def test_a_list_of_strings_is_taken_as_paragraphs(tmp_path, model):
    path = tmp_path / "in.jsonl"
    path.write_text('{"text": ["One.", "", "Two\\nlines."]}\n')
    (row,) = map(json.loads, run("predict", "--model", model, path).stdout.splitlines())
    assert [(p["text"], p["start"]) for p in row["paragraphs"]] == [
        ("One.", None),
        ("", None),
        ("Two\nlines.", None),
    ]


def test_fields_can_be_named(tmp_path, model):
    path = tmp_path / "in.csv"
    path.write_text('key,body,content\n7,"A story.",old\n')
    result = run(
        "clean", "--model", model, path, "--text-field", "body", "--id-field", "key", "--prefix", "new_"
    )
    (row,) = csv.DictReader(io.StringIO(result.stdout))
    assert list(row) == ["key", "body", "content", "new_content"]
    assert row["content"] == "old"


def test_a_field_may_hold_html(tmp_path, model):
    path = tmp_path / "in.jsonl"
    path.write_text(json.dumps({"text": "<h1>Late goal</h1><script>x</script><p>Mehr dazu</p>"}) + "\n")
    (row,) = map(json.loads, run("predict", "--html", "--model", model, path).stdout.splitlines())
    assert [p["text"] for p in row["paragraphs"]] == ["Late goal", "Mehr dazu"]


@pytest.mark.parametrize("target", ["csv", "jsonl", "parquet"])
def test_the_text_itself_is_kept_as_it_was(tmp_path, model, target):
    page = "<p>Mehr dazu</p>"
    source = tmp_path / "in.parquet"
    pq.write_table(pa.table({"text": [page, None], "id": [1, 2]}), source)
    out = tmp_path / f"out.{target}"
    run("clean", "--html", "--model", model, source, "-o", out)
    rows = read(out)
    assert [list(row) for row in rows] == [["text", "id", "content"]] * 2
    assert [row["text"] or None for row in rows] == [page, None]


# --- where files come from and go to -------------------------------------------------------------


def test_folders_patterns_and_stdin(tmp_path, model):
    (tmp_path / "in" / "deep").mkdir(parents=True)
    for name in ("in/a.jsonl", "in/deep/b.jsonl.gz"):
        raw = make("jsonl")
        (tmp_path / name).write_bytes(gzip.compress(raw) if name.endswith("gz") else raw)
    (tmp_path / "in" / "notes.pdf").write_bytes(b"%PDF")
    (tmp_path / "in" / ".hidden.jsonl").write_bytes(b"no")
    run("clean", "--model", model, tmp_path / "in", "-o", tmp_path / "out")
    made = sorted(str(p.relative_to(tmp_path / "out")) for p in (tmp_path / "out").rglob("*") if p.is_file())
    assert made == ["_run.jsonl", "a.jsonl", "deep/b.jsonl.gz"]
    assert read(tmp_path / "out" / "a.jsonl") == read(tmp_path / "out" / "deep" / "b.jsonl.gz")
    both = run("clean", "--model", model, tmp_path / "in" / "**" / "*.jsonl*")
    assert len(both.stdout.splitlines()) == 2 * len(ROWS)
    piped = run("clean", "--model", model, "--from", "jsonl", "-", input=make("jsonl"))
    assert piped.stdout_bytes == (tmp_path / "out" / "a.jsonl").read_bytes()


def test_an_input_named_twice_is_read_once(tmp_path, model):
    path = write(tmp_path, "jsonl")
    once = run("clean", "--model", model, path).stdout
    for more in (path, tmp_path, tmp_path / "*.jsonl", tmp_path / ".." / tmp_path.name / path.name):
        assert run("clean", "--model", model, path, more).stdout == once
    assert [file.name for file in find_inputs([Path("-"), Path("-")])] == ["stdin"]


def test_a_pattern_with_two_stars_in_a_name_is_refused(tmp_path):
    write(tmp_path, "jsonl")
    with pytest.raises(InputError, match=r"crawl\*\*\.jsonl: \*\* must stand alone"):
        find_inputs([tmp_path / "crawl**.jsonl"])


def test_parquet_comes_through_a_pipe(tmp_path, model):
    piped = run("clean", "--model", model, "--from", "parquet", input=make("parquet"))
    assert [json.loads(line)["id"] for line in piped.stdout.splitlines()] == [row["id"] for row in ROWS]


def test_shards_have_the_size_asked_for(tmp_path, model):
    path = write(tmp_path, "jsonl")
    run("clean", "--model", model, path, "-o", tmp_path / "out", "--shard-size", 3)
    assert [len(read(tmp_path / "out" / f"crawl.0000{i}.jsonl")) for i in (0, 1)] == [3, 1]


def test_the_summary_counts_what_was_done(tmp_path, model, expected):
    result = run("clean", "--model", model, write(tmp_path, "jsonl"), "-o", tmp_path / "o.jsonl")
    n = sum(len(paragraphs) for _, paragraphs in expected)
    total = sum(len(p["text"]) for _, paragraphs in expected for p in paragraphs)
    kept = sum(len(p["text"]) for _, ps in expected for p in ps if p["kind"] in ("headline", "body"))
    first, *rest = result.stderr.splitlines()
    assert first == f"4 documents, {n} paragraphs, {kept} of {total} characters kept ({kept / total:.1%})"
    kinds = dict(re.findall(r"(\w+) (\d+)", rest[0].removeprefix("paragraphs: ")))
    assert sum(map(int, kinds.values())) == n
    assert "Latin" in rest[1]
    assert run("clean", "--quiet", "--model", model, write(tmp_path, "jsonl")).stderr == ""


def test_processes_do_not_change_the_output(tmp_path, model):
    rows = [row | {"id": i} for i, row in enumerate(ROWS * 50)]
    path = tmp_path / "many.jsonl"
    path.write_bytes(make("jsonl", rows=rows))
    outputs = [run("predict", "--model", model, path, "--jobs", jobs).stdout_bytes for jobs in (1, 2)]
    assert outputs[0] == outputs[1]


def test_the_readme_names_every_format():
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    table = re.findall(r"^\| ([a-zA-Z ]+?) \| `(\.\w+)`", readme, re.MULTILINE)
    assert {suffix for _, suffix in table} == {
        ".txt", ".html", ".jsonl", ".csv", ".tsv", ".parquet", ".wet", ".warc"
    }  # fmt: skip


def test_a_link_and_the_file_that_it_names_are_two_inputs(tmp_path):
    (tmp_path / "a.txt").write_text("Text")
    (tmp_path / "latest.txt").symlink_to("a.txt")
    arguments = [tmp_path, tmp_path / "a.txt", tmp_path / "latest.txt"]
    assert [file.name for file in find_inputs(arguments)] == ["a.txt", "latest.txt"]
