"""Whatever is wrong with a file, it ends in one clear line or in a counted skip: no traceback, no silent loss."""

import csv
import gzip
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from click.testing import CliRunner

from dechrome import KINDS, load_model
from dechrome.artefact import write_model
from dechrome.cli import main

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")
pytest.importorskip("fastwarc")
pytest.importorskip("resiliparse")

COMMANDS = ("clean", "predict")
GOOD = (
    "The ferry to Norrvik will not sail on Sunday, the operator said.",
    "Köprü çalışmaları nedeniyle yol iki gün boyunca trafiğe kapalı kalacak.",
    "渡轮将于周一恢复运营，运营方表示。",
)
DAMAGED = "damaged or cut off after "


class Case(NamedTuple):
    """A file, and what is to come of it."""

    name: str
    suffix: str
    raw: bytes
    good: tuple[Any, ...] | None = (0, 1, 2)
    """Records that come out, as places in GOOD, or their texts; None: as many as the message says."""
    bad: tuple[str, ...] | None = ()
    """Places that are passed over; None: some."""
    reason: str = ""
    """Part of why."""
    fault: str | None = None
    """Part of why the file cannot be read to its end."""
    options: tuple[str, ...] = ()


def run(*args, **options):
    return CliRunner().invoke(main, [str(arg) for arg in args], **options)


@pytest.fixture(scope="module")
def model(toy_model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "model"
    write_model(toy_model, folder, "card")
    loaded = load_model(folder)
    with pytest.MonkeyPatch.context() as patch:  # hundreds of runs, one model
        patch.setattr("dechrome.prediction.load_model", lambda path: loaded)
        yield folder


def faults_of(result):
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.stderr
    return [line for line in result.stderr.splitlines() if line.startswith("dechrome: ")]


def assert_refused(result, *named):
    (line,) = faults_of(result)
    assert result.exit_code == 2
    for name in named:
        assert str(name) in line


def lines_of(path):
    return (
        [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []
    )


def tree(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def text_of(row):
    """All paragraphs of an output row, whichever command wrote it."""
    if "content" in row:
        return row["content"]
    found = json.loads(row["paragraphs"]) if isinstance(row["paragraphs"], str) else row["paragraphs"]
    return None if found in (None, "") else "\n\n".join(paragraph["text"] for paragraph in found)


def check(folder, model, command, case):
    path, out, errors = folder / f"crawl{case.suffix}", folder / "out.jsonl", folder / "errors.jsonl"
    path.write_bytes(case.raw)
    result = run(
        command,
        "--model",
        model,
        "--keep",
        ",".join(KINDS),
        path,
        "-o",
        out,
        "--errors",
        errors,
        *case.options,
    )
    faults, texts = faults_of(result), [text_of(row) for row in lines_of(out)]
    listed = lines_of(errors)
    assert {row["input"] for row in listed} <= {str(path)}
    passed_over = [row for row in listed if row["place"]]
    if case.bad is None:
        assert passed_over
    else:
        assert [row["place"] for row in passed_over] == list(case.bad)
    for row in passed_over:
        assert case.reason in row["reason"]
    if passed_over:
        assert f"{len(passed_over)} records passed over" in result.stderr
    if case.good is not None:
        assert texts == [GOOD[text] if isinstance(text, int) else text for text in case.good]
    else:
        assert texts in (MANY[: len(texts)], [*GOOD[: len(texts)]])
        assert f"{DAMAGED}{len(texts)} records" in faults[0]
    if case.fault is None:
        assert (result.exit_code, faults) == (0, [])
        assert len(listed) == len(passed_over)
    else:
        assert_refused(result, path, case.fault)
        assert (listed[-1]["place"], len(listed)) == ("", len(passed_over) + 1)
        assert case.fault in listed[-1]["reason"]
        assert "1 files that could not be read to their end" in result.stderr
    assert not [name for name in tree(folder) if "partial" in name]


def cases(found):
    names = [case.name for case in found]
    assert len({*names}) == len(names)
    return pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in found])


# --- files of every format -----------------------------------------------------------------------


def json_line(number, text):
    return json.dumps({"id": number, "text": text}, ensure_ascii=False).encode() + b"\n"


def table(texts, delimiter=","):
    out = io.StringIO(newline="")
    rows = csv.writer(out, delimiter=delimiter)
    rows.writerows([("id", "text"), *enumerate(texts)])
    return out.getvalue().encode()


def parquet(rows, **options):
    sink = io.BytesIO()
    pq.write_table(rows if isinstance(rows, pa.Table) else pa.Table.from_pylist(rows), sink, **options)
    return sink.getvalue()


def warc(body, kind="conversion", number=1, length=None, content_type=None, head=None):
    """A record of an archive; ``length`` and ``head`` in place of the right ones."""
    types = {"conversion": "text/plain", "response": "application/http; msgtype=response"}
    if head is None:
        head = (
            f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Record-ID: <urn:uuid:{number}>\r\n"
            f"WARC-Target-URI: https://example.org/{number}\r\nWARC-Date: 2026-01-01T00:00:00Z\r\n"
            f"Content-Type: {content_type or types.get(kind, 'text/plain')}\r\n"
            f"Content-Length: {len(body) if length is None else length}\r\n"
        )
    return head.encode() + b"\r\n" + body + b"\r\n\r\n"


def http(body, *headers, status="HTTP/1.1 200 OK", content_type="text/html; charset=utf-8"):
    lines = [status, *headers, *([f"Content-Type: {content_type}"] if content_type else [])]
    return "".join(f"{line}\r\n" for line in lines).encode() + b"\r\n" + body


def page(text):
    return f"<html><head><meta charset=utf-8></head><body><p>{text}</p></body></html>".encode()


def make(kind, texts=GOOD):
    if kind in ("txt", "html"):
        return texts[0].encode() if kind == "txt" else page(texts[0])
    if kind == "jsonl":
        return b"".join(json_line(i, text) for i, text in enumerate(texts))
    if kind in ("csv", "tsv"):
        return table(texts, "," if kind == "csv" else "\t")
    if kind == "parquet":
        return parquet([{"id": i, "text": text} for i, text in enumerate(texts)])
    if kind == "wet":
        return b"".join(warc(text.encode(), number=i) for i, text in enumerate(texts))
    return b"".join(warc(http(page(text)), "response", i) for i, text in enumerate(texts))


def zstd(raw):
    return pa.compress(raw, "zstd", asbytes=True)


PACK = {"gz": gzip.compress, "zst": zstd}
MANY = [f"Boat {i * 7919 % 1009} left the harbour of {GOOD[i % 3]}" for i in range(60)]
ONE = ("txt", "html")
RECORDS = ("jsonl", "csv", "tsv", "wet", "warc")


def all_of(kind):
    return (0,) if kind in ONE else (0, 1, 2)


# --- compression ---------------------------------------------------------------------------------


def cut_files():
    for kind in ("txt", "jsonl", "csv", "wet"):
        for pack, compress in PACK.items():
            raw = compress(make(kind, MANY))
            n = len(raw)
            for where, stop in {
                "first byte": 1, "mark": 3, "header": 8, "quarter": n // 4, "middle": n // 2,
                "three quarters": 3 * n // 4, "trailer": n - 6, "last byte": n - 1,
            }.items():  # fmt: skip
                yield Case(
                    f"{kind}.{pack} cut at {where}", f".{kind}.{pack}", raw[:stop], None, fault=DAMAGED
                )


def odd_files():
    for pack, compress in PACK.items():
        other = PACK["zst" if pack == "gz" else "gz"]
        for kind in ("txt", "jsonl", "tsv", "wet", "warc"):
            suffix = f".{kind}.{pack}"
            yield Case(
                f"{suffix} empty", suffix, b"", (), fault=f"empty, not {'gzip' if pack == 'gz' else 'zstd'}"
            )
            yield Case(f"{suffix} garbage", suffix, b"\x07garbage " * 99, (), fault=DAMAGED + "0 records")
            yield Case(f"{suffix} plain", suffix, make(kind), (), fault=DAMAGED + "0 records")
            yield Case(
                f"{suffix} of the other kind", suffix, other(make(kind)), (), fault=DAMAGED + "0 records"
            )
        for kind in ("txt", "html", "jsonl", "csv", "tsv", "parquet"):
            good, fault = ((), DAMAGED + "0 records") if kind == "parquet" else (all_of(kind), None)
            yield Case(f".{kind} is {pack}", f".{kind}", compress(make(kind)), good, fault=fault)
        for kind in RECORDS:
            yield Case(f".{kind}.{pack} is whole", f".{kind}.{pack}", compress(make(kind)))
            raw = make(kind)
            thirds = [raw[: len(raw) // 3], raw[len(raw) // 3 : len(raw) // 2], b"", raw[len(raw) // 2 :]]
            members = b"".join(map(compress, thirds))
            yield Case(f".{kind}.{pack} of four members", f".{kind}.{pack}", members)
            yield Case(
                f".{kind}.{pack} and garbage", f".{kind}.{pack}", compress(raw) + b"garbage!" * 9,
                (0, 1, 2) if pack == "gz" else None, fault=DAMAGED,
            )  # fmt: skip
        yield Case(
            f"parquet.{pack}", f".parquet.{pack}", compress(make("parquet")), (), fault="Parquet compresses"
        )
    yield Case("wet is gz", ".wet", gzip.compress(make("wet")))
    yield Case("warc is gz", ".warc", gzip.compress(make("warc")))
    for kind in ("txt", "html", "jsonl", "csv", "wet"):
        cut = gzip.compress(make(kind))[:-1]
        yield Case(f".{kind} is cut gz", f".{kind}", cut, () if kind in ONE else (0, 1, 2), fault=DAMAGED)
    yield Case("gz and zeros", ".jsonl.gz", gzip.compress(make("jsonl")) + bytes(512))
    flipped = bytearray(gzip.compress(make("jsonl")))
    flipped[-6] ^= 1
    yield Case("gz with a wrong sum", ".jsonl.gz", bytes(flipped), fault="CRC")
    flipped = bytearray(gzip.compress(make("jsonl", MANY)))
    flipped[len(flipped) // 2 : len(flipped) // 2 + 40] = b"\xff" * 40
    yield Case("gz damaged inside", ".jsonl.gz", bytes(flipped), None, fault=DAMAGED)


@pytest.mark.parametrize("command", COMMANDS)
@cases([*cut_files(), *odd_files()])
def test_compressed_files(tmp_path, model, command, case):
    check(tmp_path, model, command, case)


# --- JSON Lines ----------------------------------------------------------------------------------


def with_line(raw):
    """A bad line, or several, after the first record."""
    first, *others = make("jsonl").splitlines(keepends=True)
    return first + raw + b"\n" + b"".join(others)


SECOND = ("line 2",)
DEEP = 100_000
BAD_LINES = {
    # not JSON
    "cut": (b'{"id": 9, "text": "The ferry', "not JSON"),
    "cut after a name": (b'{"id": 9, "text"', "not JSON"),
    "no end": (b'{"id": 9, "text": "a"', "not JSON"),
    "only an opening brace": (b"{", "not JSON"),
    "two opening braces": (b'{{"text": "a"}', "not JSON"),
    "one closing brace too many": (b'{"text": "a"}}', "not JSON"),
    "trailing comma": (b'{"text": "a",}', "not JSON"),
    "comma after the object": (b'{"text": "a"},', "not JSON"),
    "no comma": (b'{"id": 9 "text": "a"}', "not JSON"),
    "no colon": (b'{"text" "a"}', "not JSON"),
    "no quotes": (b'{text: "a"}', "not JSON"),
    "single quotes": (b"{'text': 'a'}", "not JSON"),
    "comment": (b'{"text": "a"} // a note', "not JSON"),
    "Python": (b'{"text": "a", "x": None}', "not JSON"),
    "JavaScript": (b'{"text": undefined}', "not JSON"),
    "bare words": (b"the ferry sails", "not JSON"),
    "two objects": (b'{"text": "a"}{"text": "b"}', "not JSON"),
    "bad escape": (b'{"text": "a\\x41"}', "not JSON"),
    "cut escape": (b'{"text": "a\\u00"}', "not JSON"),
    "raw tab": (b'{"text": "a\tb"}', "not JSON"),
    "raw NUL": (b'{"text": "a\x00b"}', "not JSON"),
    "only NUL": (b"\x00\x00\x00", "not JSON"),
    "raw carriage return": (b'{"text": "a\rb"}', "not JSON"),
    "leading zero": (b'{"id": 09, "text": "a"}', "not JSON"),
    "endless number": (b'{"text": "a", "x": ' + b"9" * 5000 + b"}", "not JSON"),
    "deep list": (b'{"text": "a", "x": ' + b"[" * DEEP + b"]" * DEEP + b"}", "not JSON"),
    "deep list without end": (b'{"text": "a", "x": ' + b"[" * DEEP, "not JSON"),
    "deep object": (b'{"x":' * DEEP + b"1" + b"}" * DEEP, "not JSON"),
    "deep text": (b'{"text": ' + b"[" * DEEP + b'"a"' + b"]" * DEEP + b"}", "not JSON"),
    "text twice": (b'{"text": "a", "text": "b"}', "two fields are called 'text'"),
    "another field twice": (b'{"text": "a", "id": 8, "id": 9}', "two fields are called 'id'"),
    # no object
    "list": (b'["The ferry sails."]', "a JSON list, not an object"),
    "string": (b'"The ferry sails."', "a JSON string, not an object"),
    "number": (b"17", "a JSON number, not an object"),
    "NaN": (b"NaN", "a JSON number, not an object"),
    "minus infinity": (b"-Infinity", "a JSON number, not an object"),
    "true": (b"true", "a JSON boolean, not an object"),
    "null": (b"null", "a JSON null, not an object"),
    # no text
    "empty object": (b"{}", "no field 'text'; it has none"),
    "no text field": (b'{"id": 9, "body": "a"}', "no field 'text'; it has 'id', 'body'"),
    "text field in capitals": (b'{"Text": "a"}', "no field 'text'; it has 'Text'"),
    "text in an object": (b'{"page": {"text": "a"}}', "no field 'text'; it has 'page'"),
    "number as text": (b'{"text": 9}', "is a number, not a string"),
    "fraction as text": (b'{"text": 9.5}', "is a number, not a string"),
    "NaN as text": (b'{"text": NaN}', "is a number, not a string"),
    "boolean as text": (b'{"text": true}', "is a boolean, not a string"),
    "object as text": (b'{"text": {"en": "a"}}', "is a object, not a string"),
    "list with a number as text": (b'{"text": ["a", 9]}', "list with other things than strings"),
    "list with null as text": (b'{"text": ["a", null]}', "list with other things than strings"),
    "list of lists as text": (b'{"text": [["a"], ["b"]]}', "list with other things than strings"),
    # characters
    "escaped NUL": (b'{"text": "a\\u0000b"}', "NUL at character 1"),
    "escaped NUL in a list": (b'{"text": ["a", "\\u0000"]}', "NUL at character 0"),
    "high surrogate": (b'{"text": "a\\ud83d"}', "lone surrogate U+D83D at character 1"),
    "low surrogate": (b'{"text": "\\udc00a"}', "lone surrogate U+DC00 at character 0"),
    "surrogates the wrong way round": (b'{"text": "\\ude00\\ud83d"}', "lone surrogate U+DE00"),
    "surrogate in a list": (b'{"text": ["a", "\\ud800"]}', "lone surrogate U+D800"),
    "invalid UTF-8": (b'{"text": "a\xff"}', "not utf-8: byte 12 is 0xff"),
    "cut UTF-8": (b'{"text": "\xe6\xb8"}', "not utf-8: byte 11 is 0xe6"),
    "overlong UTF-8": (b'{"text": "\xc0\x80"}', "not utf-8: byte 11 is 0xc0"),
    "surrogate in UTF-8": (b'{"text": "\xed\xa0\x80"}', "not utf-8: byte 11 is 0xed"),
    "Latin-1": ('{"text": "crème brûlée"}'.encode("latin-1"), "not utf-8: byte 13 is 0xe8"),
    "UTF-16": ('{"text": "a"}'.encode("utf-16-le"), "not JSON"),
}
BAD_AFTER_MORE = {"binary": bytes(range(128, 256)), "mark": b"\xef\xbb\xbf", "UTF-16 mark": b"\xff\xfe"}


def json_files():
    for name, (raw, reason) in BAD_LINES.items():
        yield Case(name, ".jsonl", with_line(raw), bad=SECOND, reason=reason)
    for name, raw in BAD_AFTER_MORE.items():
        yield Case(name, ".jsonl", with_line(raw), bad=SECOND)
    good = make("jsonl")
    yield Case("three bad lines", ".jsonl", with_line(b"a\n\nb\n{}"), bad=("line 2", "line 4", "line 5"))
    yield Case("bad first line", ".jsonl", b"a\n" + good, bad=("line 1",), reason="not JSON")
    yield Case("bad last line", ".jsonl", good + b'{"text": "a', bad=("line 4",), reason="not JSON")
    yield Case("last line without end", ".jsonl", good[:-1])
    yield Case("all lines bad", ".jsonl", b"a\nb\n", (), ("line 1", "line 2"), "not JSON")
    yield Case("nothing", ".jsonl", b"", ())
    yield Case("blank lines only", ".jsonl", b"\n\n \n\t\r\n", ())
    yield Case("mark at the start", ".jsonl", b"\xef\xbb\xbf" + good)
    yield Case("mark at each start", ".jsonl", b"\xef\xbb\xbf" + good.replace(b"\n{", b"\n\xef\xbb\xbf{"))
    yield Case("CRLF", ".jsonl", good.replace(b"\n", b"\r\n"))
    yield Case("blank lines", ".jsonl", b"\n" + good.replace(b"\n", b"\n\n \t\n"))
    yield Case("blank line counted", ".jsonl", with_line(b"\n\na"), bad=("line 4",))
    yield Case("white space around", ".jsonl", good.replace(b"{", b"  \t{ ").replace(b"}", b" }  "))
    yield Case("CR only", ".jsonl", good.replace(b"\n", b"\r"), (), ("line 1",), "not JSON")
    yield Case("null text", ".jsonl", with_line(b'{"text": null}'), (0, None, 1, 2))
    yield Case("empty text", ".jsonl", with_line(b'{"text": ""}'), (0, "", 1, 2))
    yield Case("blank text", ".jsonl", with_line(b'{"text": " \\n\\t "}'), (0, "", 1, 2))
    yield Case("empty list as text", ".jsonl", with_line(b'{"text": []}'), (0, "", 1, 2))
    yield Case("list as text", ".jsonl", with_line(b'{"text": ["a", "b"]}'), (0, "a\n\nb", 1, 2))
    yield Case("NaN elsewhere", ".jsonl", with_line(b'{"text": "a", "x": NaN}'), (0, "a", 1, 2))
    yield Case("NUL elsewhere", ".jsonl", with_line(b'{"text": "a", "x": "\\u0000"}'), (0, "a", 1, 2))
    yield Case("surrogate elsewhere", ".jsonl", with_line(b'{"text": "a", "x": "\\ud800"}'), (0, "a", 1, 2))
    yield Case(
        "surrogate pair", ".jsonl", with_line(b'{"text": "a \\ud83d\\ude00"}'), (0, "a \U0001f600", 1, 2)
    )
    long = with_line(json_line(9, "long " * 100))
    yield Case(
        "long line",
        ".jsonl",
        long,
        bad=SECOND,
        reason="longer than 300 bytes",
        options=("--max-bytes", "300"),
    )
    yield Case(
        "long line, bad",
        ".jsonl",
        with_line(b"x" * 999),
        bad=SECOND,
        reason="longer",
        options=("--max-bytes", "300"),
    )
    yield Case(
        "long lines only",
        ".jsonl",
        good,
        (),
        ("line 1", "line 2", "line 3"),
        "longer",
        options=("--max-bytes", "9"),
    )
    yield Case(
        "long last line",
        ".jsonl",
        good + b"x" * 999,
        bad=("line 4",),
        reason="longer",
        options=("--max-bytes", "300"),
    )
    yield Case(
        "no id",
        ".jsonl",
        with_line(b'{"text": "a"}'),
        bad=SECOND,
        reason="no field 'id'",
        options=("--id-field", "id"),
    )
    utf_16 = good.decode().encode("utf-16")
    yield Case("UTF-16 throughout", ".jsonl", utf_16, (), None)
    yield Case("UTF-16 by name", ".jsonl", utf_16, (), fault="utf-16", options=("--encoding", "utf-16"))
    yield Case(
        "ASCII by name",
        ".jsonl",
        good,
        (0,),
        ("line 2", "line 3"),
        "not ascii: byte",
        options=("--encoding", "ascii"),
    )
    yield Case("CSV", ".jsonl", make("csv"), (), ("line 1", "line 2", "line 3", "line 4"), "not JSON")
    yield Case(
        "one JSON list", ".jsonl", json.dumps([{"text": "a"}] * 3, indent=1).encode(), (), None, "JSON"
    )
    yield Case("Parquet", ".jsonl", make("parquet"), (), None)


@pytest.mark.parametrize("command", COMMANDS)
@cases([*json_files()])
def test_json_lines(tmp_path, model, command, case):
    check(tmp_path, model, command, case)


# --- tables --------------------------------------------------------------------------------------


def with_row(raw, delimiter=","):
    """A bad row, or several, after the first record."""
    head, first, *others = table(GOOD, delimiter).splitlines(keepends=True)
    return head + first + raw + b"\r\n" + b"".join(others)


def table_files():
    for kind, d in (("csv", ","), ("tsv", "\t")):
        b, suffix, good = d.encode(), f".{kind}", table(GOOD, d)

        def row(name, raw, reason, d=d, kind=kind, bad=("line 3",), **more):
            return Case(f"{kind}: {name}", f".{kind}", with_row(raw, d), bad=bad, reason=reason, **more)

        yield row("short row", b"9", "1 fields, not 2")
        yield row("long row", b"9" + b + b"a" + b + b"b", "3 fields, not 2")
        yield row("only delimiters", b * 5, "6 fields, not 2")
        yield row("text after a quote", b"9" + b + b'"a" b', f"not {kind}: ")
        yield row("NUL", b"9" + b + b"a\x00b", "NUL")
        yield row("Latin-1", f"9{d}crème".encode("latin-1"), "not utf-8")
        yield row("Latin-1 in another field", f"crème{d}a".encode("latin-1"), "not utf-8")
        yield row("invalid UTF-8", b"9" + b + b"\xff\xfe", "not utf-8")
        yield row("surrogate in UTF-8", b"9" + b + b"\xed\xa0\x80", "not utf-8")
        yield row("long line", b"9" + b + b"x" * 500, "longer than 300", options=("--max-bytes", "300"))
        yield row("long short row", b"x" * 500, "longer than 300", options=("--max-bytes", "300"))
        yield row(
            "two bad rows", b"9\r\n\r\n8" + b + b"8" + b + b"8", "fields, not 2", bad=("line 3", "line 5")
        )
        yield row(
            "line after a long one",
            b"x" * 500 + b"\r\n9",
            "",
            bad=("line 3", "line 4"),
            options=("--max-bytes", "300"),
        )
        yield row("row of many lines", b"9" + b + b'"a\nb\nc" d', "ends on line 5")
        yield row(
            "field of many lines, too long",
            b"9" + b + b'"' + b"x" * 90 + b"\n" * 300 + b'"',
            "ends on line 303",
            options=("--max-bytes", "300"),
        )
        yield Case(
            f"{kind}: unclosed quote at the end",
            suffix,
            good + b"9" + b + b'"a',
            bad=("line 5",),
            reason="unexpected end of data",
        )
        yield Case(
            f"{kind}: lone quote at the end",
            suffix,
            good + b'"',
            bad=("line 5",),
            reason="unexpected end of data",
        )
        yield Case(
            f"{kind}: unclosed quote inside",
            suffix,
            with_row(b"9" + b + b'"a', d),
            (0,),
            ("line 3",),
            "ends on line 5",
        )
        yield Case(
            f"{kind}: cut row at the end", suffix, good + b"9", bad=("line 5",), reason="1 fields, not 2"
        )
        yield Case(f"{kind}: no line end at the end", suffix, good[:-2])
        yield Case(
            f"{kind}: stray quotes inside", suffix, with_row(b"9" + b + b'a "b" c', d), (0, 'a "b" c', 1, 2)
        )
        yield Case(
            f"{kind}: doubled quotes", suffix, with_row(b"9" + b + b'"a ""b"""', d), (0, 'a "b"', 1, 2)
        )
        yield Case(
            f"{kind}: NUL elsewhere",
            suffix,
            with_row(b"9\x00" + b + b"a", d),
            (0, "a", 1, 2) if sys.version_info >= (3, 11) else (0, 1, 2),
            () if sys.version_info >= (3, 11) else ("line 3",),
        )
        yield Case(f"{kind}: empty text", suffix, with_row(b"9" + b, d), (0, "", 1, 2))
        yield Case(f"{kind}: quoted lines", suffix, with_row(b"9" + b + b'"a\n\nb"', d), (0, "a\n\nb", 1, 2))
        yield Case(f"{kind}: blank lines", suffix, with_row(b"\r\n\n", d))
        for name, end in {"LF": b"\n", "CR": b"\r"}.items():
            yield Case(f"{kind}: {name}", suffix, good.replace(b"\r\n", end))
            yield Case(
                f"{kind}: {name}, long line", suffix, with_row(b"x" * 500, d).replace(b"\r\n", end), bad=("line 3",), reason="longer",
                options=("--max-bytes", "300"),
            )  # fmt: skip
        yield Case(f"{kind}: only a header", suffix, b"id" + b + b"text\n", ())
        yield Case(f"{kind}: mark and header", suffix, b"\xef\xbb\xbfid" + b + b"text\n", ())
        yield Case(f"{kind}: mark before the text field", suffix, b"\xef\xbb\xbftext\na\n", ("a",))
        yield Case(f"{kind}: mark", suffix, b"\xef\xbb\xbf" + good)
        yield Case(f"{kind}: empty", suffix, b"", (), fault="empty; the first line must name the fields")
        yield Case(
            f"{kind}: only a mark",
            suffix,
            b"\xef\xbb\xbf",
            (),
            fault="empty; the first line must name the fields",
        )
        yield Case(
            f"{kind}: blank first line", suffix, b"\n" + good, (), fault="no field 'text'; it has none"
        )
        yield Case(
            f"{kind}: no text field",
            suffix,
            good.replace(b"text", b"body"),
            (),
            fault="no field 'text'; it has 'id', 'body'",
        )
        yield Case(
            f"{kind}: no header", suffix, good.split(b"\r\n", 1)[1], (), fault="no field 'text'; it has '0'"
        )
        yield Case(
            f"{kind}: text twice",
            suffix,
            b"text" + b + b"text\na" + b + b"b\n",
            (),
            fault="two fields are called 'text'",
        )
        yield Case(
            f"{kind}: id twice",
            suffix,
            b + b + b"text\na" + b + b"b" + b + b"c\n",
            (),
            fault="two fields are called ''",
        )
        yield Case(f"{kind}: cut header", suffix, b"id" + b + b'"text', (), fault=DAMAGED + "0 records")
        yield Case(
            f"{kind}: long header",
            suffix,
            b"text" + b + b"x" * 99 + b"\n",
            (),
            fault="longer than 50 characters",
            options=("--max-bytes", "50"),
        )
        yield Case(
            f"{kind}: Latin-1 header",
            suffix,
            f"text{d}crème\na{d}b\n".encode("latin-1"),
            (),
            fault="the first line is not utf-8",
        )
        utf_16 = good.decode().encode("utf-16")
        yield Case(f"{kind}: UTF-16", suffix, utf_16, (), fault="the first line is not utf-8")
        yield Case(f"{kind}: UTF-16 by name", suffix, utf_16, options=("--encoding", "utf-16"))
        yield Case(
            f"{kind}: UTF-16 by name, cut",
            suffix,
            utf_16[:-1],
            None,
            fault=DAMAGED,
            options=("--encoding", "utf-16"),
        )
        yield Case(
            f"{kind}: another delimiter",
            suffix,
            table(GOOD, ";"),
            (),
            fault="no field 'text'; it has 'id;text'",
        )
        yield Case(f"{kind}: JSON", suffix, make("jsonl"), (), fault="crawl")
        yield Case(f"{kind}: Parquet", suffix, make("parquet"), (), fault="crawl")
        yield Case(
            f"{kind}: no id",
            suffix,
            good,
            (),
            fault="no field 'name'; it has",
            options=("--id-field", "name"),
        )


@pytest.mark.parametrize("command", COMMANDS)
@cases([*table_files()])
def test_tables(tmp_path, model, command, case):
    check(tmp_path, model, command, case)


# --- Parquet -------------------------------------------------------------------------------------


def strings(values, made=None):
    """An Arrow column of strings that need not be UTF-8."""
    raw = pa.array(values, pa.binary())
    return pa.Array.from_buffers(made or pa.string(), len(raw), raw.buffers())


def parquet_files():
    ids, good = pa.array([0, 1, 2]), make("parquet")
    texts = pa.array(GOOD)
    for name, column in {
        "int": pa.array([1, 2, 3]), "float": pa.array([1.0, 2.0, 3.0]), "bool": pa.array([True, False, True]),
        "binary": pa.array([b"a", b"b", b"c"]), "large binary": pa.array([b"a", b"b", b"c"], pa.large_binary()),
        "struct": pa.array([{"en": "a"}] * 3), "list of int": pa.array([[1], [2], [3]]),
        "list of lists": pa.array([[["a"]]] * 3), "list of structs": pa.array([[{"a": "b"}]] * 3),
        "timestamp": pa.array([0, 1, 2], pa.timestamp("s")), "map": pa.array([[("a", "b")]] * 3, pa.map_(pa.string(), pa.string())),
    }.items():  # fmt: skip
        raw = parquet(pa.table({"id": ids, "text": column}))
        yield Case(f"text is {name}", ".parquet", raw, (), fault="field 'text' is ")
    for name, column in {
        "large strings": texts.cast(pa.large_string()), "a dictionary": texts.dictionary_encode(),
    }.items():  # fmt: skip
        yield Case(f"text is {name}", ".parquet", parquet(pa.table({"id": ids, "text": column})))
    lists = pa.array([[text] for text in GOOD])
    yield Case("text is lists", ".parquet", parquet(pa.table({"text": lists})))
    null_inside = pa.array([[GOOD[0]], ["a", None], [GOOD[1]], [GOOD[2]]])
    yield Case(
        "null in a list",
        ".parquet",
        parquet(pa.table({"text": null_inside})),
        bad=("row 2",),
        reason="other things than strings",
    )
    nulls = pa.array([GOOD[0], None, GOOD[1], None, GOOD[2]])
    yield Case("null texts", ".parquet", parquet(pa.table({"text": nulls})), (0, None, 1, None, 2))
    yield Case(
        "only null texts", ".parquet", parquet(pa.table({"text": pa.nulls(2, pa.string())})), (None, None)
    )
    yield Case("nulls without a type", ".parquet", parquet(pa.table({"text": pa.nulls(2)})), (None, None))
    encoded = [text.encode() for text in GOOD]
    mixed = [encoded[0], b"\xff", *encoded[1:]]
    yield Case(
        "invalid UTF-8",
        ".parquet",
        parquet(pa.table({"text": strings(mixed)})),
        bad=("row 2",),
        reason="not utf-8",
    )
    yield Case(
        "invalid UTF-8, all",
        ".parquet",
        parquet(pa.table({"text": strings([b"\xff"] * 3)})),
        (),
        ("row 1", "row 2", "row 3"),
        "not utf-8",
    )
    one = pa.ListArray.from_arrays(pa.array([0, 1, 2, 3, 4], pa.int32()), strings(mixed))
    yield Case(
        "invalid UTF-8 in a list",
        ".parquet",
        parquet(pa.table({"text": one})),
        bad=("row 2",),
        reason="not utf-8",
    )
    four = pa.array([GOOD[0], "a", *GOOD[1:]])
    other = parquet(pa.table({"x": strings(mixed), "text": four}))
    yield Case("invalid UTF-8 in another field", ".parquet", other, bad=("row 2",), reason="field 'x'")
    far = pa.array([0, 1 << 50, 0, 0], pa.timestamp("s"))
    other = parquet(pa.table({"x": far, "text": four}), coerce_timestamps=None)
    yield Case("a day too far in another field", ".parquet", other, bad=("row 2",), reason="field 'x'")
    other = parquet(pa.table({"id": strings(mixed), "text": four}))
    yield Case(
        "invalid UTF-8 as id",
        ".parquet",
        other,
        bad=("row 2",),
        reason="field 'id'",
        options=("--id-field", "id"),
    )
    surrogate = parquet(pa.table({"text": strings([encoded[0], b"\xed\xa0\x80", *encoded[1:]])}))
    yield Case("surrogate in UTF-8", ".parquet", surrogate, bad=("row 2",), reason="not utf-8")
    four = pa.array([GOOD[0], "a\x00b", *GOOD[1:]])
    yield Case(
        "NUL", ".parquet", parquet(pa.table({"text": four})), bad=("row 2",), reason="NUL at character 1"
    )
    four = pa.array([GOOD[0], "long " * 100, *GOOD[1:]])
    yield Case(
        "long text",
        ".parquet",
        parquet(pa.table({"text": four})),
        bad=("row 2",),
        reason="longer than 300",
        options=("--max-bytes", "300"),
    )
    yield Case(
        "no text column",
        ".parquet",
        parquet(pa.table({"id": ids, "body": texts})),
        (),
        fault="no field 'text'; it has 'id', 'body'",
    )
    yield Case("no columns", ".parquet", parquet(pa.table({})), (), fault="no field 'text'; it has none")
    yield Case("no id column", ".parquet", good, (), fault="no field 'name'", options=("--id-field", "name"))
    doubled = pa.table([texts, texts], names=["text", "text"])
    yield Case("text twice", ".parquet", parquet(doubled), (), fault="two fields are called 'text'")
    doubled = pa.table([ids, ids, texts], names=["id", "id", "text"])
    yield Case("id twice", ".parquet", parquet(doubled), (), fault="two fields are called 'id'")
    yield Case("no rows", ".parquet", parquet(pa.table({"text": texts})[:0]), ())
    yield Case("parquet is empty", ".parquet", b"", (), fault=DAMAGED + "0 records")
    yield Case("parquet is garbage", ".parquet", b"garbage " * 99, (), fault=DAMAGED + "0 records")
    yield Case("parquet is marks only", ".parquet", b"PAR1PAR1", (), fault=DAMAGED + "0 records")
    yield Case(
        "parquet is marked garbage",
        ".parquet",
        b"PAR1" + b"garbage " * 99 + b"PAR1",
        (),
        fault=DAMAGED + "0 records",
    )
    yield Case("parquet is JSON", ".parquet", make("jsonl"), (), fault=DAMAGED + "0 records")
    n = len(good)
    for where, stop in {
        "mark": 4,
        "quarter": n // 4,
        "middle": n // 2,
        "footer": n - 20,
        "length": n - 8,
        "last byte": n - 1,
    }.items():
        yield Case(f"parquet cut at {where}", ".parquet", good[:stop], (), fault=DAMAGED + "0 records")
    yield Case("parquet and garbage", ".parquet", good + b"garbage", (), fault=DAMAGED + "0 records")
    # The second of two row groups is damaged, at the codec's mark or wherever it is.
    many = parquet(pa.table({"text": MANY}), row_group_size=30, compression="gzip", use_dictionary=False)
    place = many.rindex(b"\x1f\x8b\x08")
    yield Case(
        "parquet damaged inside",
        ".parquet",
        many[:place] + b"\xff" * 8 + many[place + 8 :],
        None,
        fault=DAMAGED + "30 records",
    )


@pytest.mark.parametrize("command", COMMANDS)
@cases([*parquet_files()])
def test_parquet(tmp_path, model, command, case):
    check(tmp_path, model, command, case)


# --- archives ------------------------------------------------------------------------------------


def with_record(raw, kind="wet"):
    """A bad record after the first, whose number is 9."""
    first, *others = (warc_of(kind, i) for i in range(3))
    return first + raw + b"".join(others)


def warc_of(kind, number):
    if kind == "wet":
        return warc(GOOD[number].encode(), number=number)
    return warc(http(page(GOOD[number])), "response", number)


NINTH = ("record <urn:uuid:9>",)


def wet_files():
    good = make("wet")
    info = warc(b"software: none", "warcinfo")
    for name, body, reason in (
        ("NUL", b"a\x00b", "NUL at character 1"),
        ("binary", bytes(range(256)), "not utf-8: byte 129 is 0x80"),
        ("PNG", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "not utf-8: byte 1 is 0x89"),
        ("invalid UTF-8", b"a\xff", "not utf-8: byte 2 is 0xff"),
        ("Latin-1", "crème".encode("latin-1"), "not utf-8: byte 3 is 0xe8"),
        ("UTF-16", "The ferry".encode("utf-16"), "not utf-8"),
        ("surrogate", b"\xed\xa0\x80", "not utf-8"),
    ):
        yield Case(f"wet: {name}", ".wet", with_record(warc(body, number=9)), bad=NINTH, reason=reason)
    long = with_record(warc(b"x" * 500, number=9))
    yield Case(
        "wet: long", ".wet", long, bad=NINTH, reason="longer than 300 bytes", options=("--max-bytes", "300")
    )
    yield Case("wet: empty record", ".wet", with_record(warc(b"", number=9)), (0, "", 1, 2))
    yield Case(
        "wet: no id",
        ".wet",
        with_record(warc(b"a", number=9).replace(b"WARC-Record-ID", b"X-Record")),
        (0, "a", 1, 2),
    )
    no_id = with_record(warc(b"\xff", number=9).replace(b"WARC-Record-ID", b"X-Record"))
    yield Case("wet: no id, bad", ".wet", no_id, bad=("record 2",), reason="not utf-8")
    yield Case(
        "wet: records of other kinds",
        ".wet",
        info + with_record(warc(b"a", "metadata") + warc(b"b", "request")),
    )
    for name, length in {
        "no number": "many", "negative": -5, "fraction": "5.5", "blank": "", "absurd": 10**30, "endless": "9" * 5000, "too short": 5,
        "zero": 0, "too long": 40,
    }.items():  # fmt: skip
        raw = with_record(warc(b"The ferry sails.", number=9, length=length))
        yield Case(f"wet: length {name}", ".wet", raw, bad=NINTH, reason="its length is ")
    raw = with_record(warc(b"The ferry sails.", number=9, length=10**6))
    yield Case("wet: length beyond the end", ".wet", raw, bad=NINTH, reason="its length is not 1000000")
    raw = good + warc(b"The ferry sails.", number=9, length=10**6)
    yield Case("wet: length beyond the end, last", ".wet", raw, fault="<urn:uuid:9> is shorter than it says")
    nines = [warc(b"The ferry sails.", number=9, length=n) for n in (40, 400, 4, 700, "", 60)]
    yield Case(
        "wet: many wrong lengths",
        ".wet",
        with_record(b"".join(nines)),
        bad=NINTH * 6,
        reason="its length is ",
    )
    raw = with_record(warc(b"a", number=9).replace(b"Content-Length", b"X-Length"))
    yield Case("wet: no length", ".wet", raw, bad=NINTH, reason="its length is ''")
    for name, raw in {
        "garbage": b"garbage\r\n",
        "zeros": bytes(999),
        "JSON": make("jsonl"),
        "half a mark": b"WARC\r\n",
    }.items():
        reason = "no WARC record, but something else"
        yield Case(f"wet: {name} inside", ".wet", with_record(raw), bad=("record 2",), reason=reason)
        yield Case(f"wet: {name} at the end", ".wet", good + raw, bad=("record 4",), reason=reason)
    swallowed = warc(b"a", number=8) + b"x" * 400_000 + b"\n"
    length = len(b"The ferry sails.\r\n\r\n" + swallowed) + 20  # to the first lines of the next head
    raw = with_record(warc(b"The ferry sails.", number=9, length=length) + swallowed)
    bad = (*NINTH, "record 4")
    yield Case("wet: long line swallowed by a wrong length", ".wet", raw, (0, "a", 1, 2), bad=bad)
    yield Case("wet: blank lines between", ".wet", with_record(b"\r\n\n\r\n \n"))
    yield Case("wet: no blank lines between", ".wet", good.replace(b"\r\n\r\nWARC", b"WARC"))
    yield Case("wet: LF", ".wet", with_record(warc(b"a", number=9).replace(b"\r\n", b"\n")), (0, "a", 1, 2))
    yield Case(
        "wet: endless head",
        ".wet",
        with_record(b"WARC/1.0\r\n" + b"a: b\r\n" * 200_000),
        (0,),
        fault="head of record 2 has no end",
    )
    for name, raw in {
        "garbage": b"garbage " * 99, "zeros": bytes(999), "text": make("txt"), "a page": make("html"), "JSON": make("jsonl"),
        "Parquet": make("parquet"), "half a mark": b"WAR", "a mark": b"WARC/1.0\r\n", "another archive": b"filedesc://a.arc 0.0.0.0\n",
    }.items():  # fmt: skip
        yield Case(f"wet is {name}", ".wet", raw, (), fault=DAMAGED + "0 records")
    yield Case("wet is empty", ".wet", b"", (), fault="no conversion record among its 0 records")
    yield Case("wet is only information", ".wet", info, (), fault="no conversion record among its 1 records")
    yield Case("wet is a WARC", ".wet", make("warc"), (), fault="no conversion record among its 3 records")
    last = len(good) - len(warc_of("wet", 2))
    for where, stop in {
        "the mark": last + 5, "the version": last + 7, "a name": last + 30, "the id": last + 60, "the address": last + 110, "the length": len(good) - len(GOOD[2].encode()) - 9,
        "the head": len(good) - len(GOOD[2].encode()) - 6, "the first byte": len(good) - len(GOOD[2].encode()) - 3, "the text": len(good) - 20,
        "a character": len(good) - 5,
    }.items():  # fmt: skip
        yield Case(f"wet cut in {where}", ".wet", good[:stop], (0, 1), fault=DAMAGED + "2 records")
    for n in (1, 2, 3, 4):
        yield Case(f"wet without its last {n} bytes", ".wet", good[:-n])


def warc_files():
    def bad(name, body, reason, record=None, **more):
        record = record or warc(body, "response", 9)
        return Case(f"warc: {name}", ".warc", with_record(record, "warc"), bad=NINTH, reason=reason, **more)

    packed = gzip.compress(page("a" * 999))
    yield bad("NUL", http(b"<p>a\x00b"), "NUL")
    yield bad(
        "garbage as gzip", http(b"garbage", "Content-Encoding: gzip"), "its HTTP response cannot be read"
    )
    yield bad(
        "garbage as deflate",
        http(b"garbage", "Content-Encoding: deflate"),
        "its HTTP response cannot be read",
    )
    yield bad(
        "garbage as brotli", http(b"garbage", "Content-Encoding: br"), "its HTTP response cannot be read"
    )
    yield bad(
        "gzip damaged inside",
        http(packed[:15] + b"\xff" * 9 + packed[24:], "Content-Encoding: gzip"),
        "its HTTP response cannot be read",
    )
    yield bad(
        "garbage as chunks",
        http(b"garbage", "Transfer-Encoding: chunked"),
        "its HTTP response cannot be read",
    )
    yield bad(
        "cut chunk", http(b"500\r\n<p>a", "Transfer-Encoding: chunked"), "its HTTP response cannot be read"
    )
    yield bad("no HTTP", b"garbage", "no status line")
    yield bad("nothing", b"", "no status line")
    yield bad("no content type", http(b"<p>a", content_type=None), "its content type is not known")
    yield bad("long", http(page("long " * 200)), "longer than 400 bytes", options=("--max-bytes", "400"))
    bomb = gzip.compress(bytes(1 << 24))
    yield bad(
        "bomb",
        http(bomb, "Content-Encoding: gzip"),
        "longer than 100,000 bytes",
        options=("--max-bytes", "100000"),
    )
    good = make("warc")
    for name, record, texts in (
        ("an image", warc(http(b"\x89PNG\x00", content_type="image/png"), "response", 9), (0, 1, 2)),
        (
            "a redirection",
            warc(http(b"", "Location: /", status="HTTP/1.1 301 Moved", content_type=None), "response", 9),
            (0, 1, 2),
        ),
        (
            "a page as resource",
            warc(page("a"), "resource", 9, content_type="text/html; charset=utf-8"),
            (0, "a", 1, 2),
        ),
        ("an image as resource", warc(b"\x89PNG\x00", "resource", 9, content_type="image/png"), (0, 1, 2)),
        (
            "gzip",
            warc(http(gzip.compress(page("a")), "Content-Encoding: gzip"), "response", 9),
            (0, "a", 1, 2),
        ),
        ("plain text", warc(http(b"a", content_type="text/plain"), "response", 9), (0, "a", 1, 2)),
        ("an empty page", warc(http(b""), "response", 9), (0, "", 1, 2)),
    ):
        yield Case(f"warc: {name}", ".warc", with_record(record, "warc"), texts)
    yield Case("warc is empty", ".warc", b"", (), fault="no response record among its 0 records")
    yield Case("warc is a WET", ".warc", make("wet"), (), fault="no response record among its 3 records")
    yield Case("warc is garbage", ".warc", b"garbage " * 99, (), fault=DAMAGED + "0 records")
    for n in (5, 30, 150, 300):
        yield Case(
            f"warc without its last {n} bytes", ".warc", good[:-n], (0, 1), fault=DAMAGED + "2 records"
        )
    wrong = with_record(warc(http(page("a")), "response", 9, length=10**9), "warc")
    yield Case(
        "warc: length beyond the end", ".warc", wrong, bad=NINTH, reason="its length is not 1000000000"
    )


@pytest.mark.parametrize("command", COMMANDS)
@cases([*wet_files(), *warc_files()])
def test_archives(tmp_path, model, command, case):
    check(tmp_path, model, command, case)


# --- text and pages ------------------------------------------------------------------------------


def documents():
    text = GOOD[0]
    for name, raw, fault in (
        ("empty", b"", "empty"),
        ("blank", b" \n\t\r\n\n", "empty"),
        ("only a mark", b"\xef\xbb\xbf", "empty"),
        ("mark and blank", b"\xef\xbb\xbf \n", "empty"),
        ("NUL", b"a\x00b", "binary, not text (NUL at character 1)"),
        ("only NUL", bytes(99), "binary, not text (NUL at character 0)"),
        ("PNG", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "not utf-8, byte 0 is 0x89"),
        ("PDF", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "not utf-8, byte 10 is 0xe2"),
        ("Latin-1", "crème brûlée".encode("latin-1"), "not utf-8, byte 2 is 0xe8; name its encoding"),
        ("Shift JIS", "渡轮".encode("shift-jis", "replace") + "運営".encode("shift-jis"), "not utf-8"),
        ("UTF-16", text.encode("utf-16"), "not utf-8, byte 0 is 0xff"),
        ("UTF-16-LE", text.encode("utf-16-le"), "NUL at character 1"),
        ("UTF-32", text.encode("utf-32"), "not utf-8, byte 0 is 0xff"),
        ("surrogate", b"a \xed\xa0\x80", "not utf-8, byte 2 is 0xed"),
        ("overlong", b"a\xc0\xaf", "not utf-8, byte 1 is 0xc0"),
        ("cut character", "渡轮".encode()[:-1], "not utf-8, byte 3 is 0xe8"),
        ("Parquet", make("parquet"), ""),
    ):
        yield Case(f"text: {name}", ".txt", raw, (), fault=fault)
    for name, raw in {"mark": b"\xef\xbb\xbf", "no mark": b""}.items():
        yield Case(f"text: {name}", ".txt", raw + text.encode(), (0,))
    yield Case(
        "text: long", ".txt", b"x" * 301, (), fault="longer than 300 bytes", options=("--max-bytes", "300")
    )
    yield Case("text: just short enough", ".txt", b"x" * 300, ("x" * 300,), options=("--max-bytes", "300"))
    yield Case("text: named encoding", ".txt", text.encode("utf-16"), (0,), options=("--encoding", "utf-16"))
    yield Case(
        "text: wrong encoding", ".txt", b"odd", (), fault="not utf-16-le", options=("--encoding", "utf-16-le")
    )
    yield Case("text: unknown suffix", ".data", text.encode(), (0,))
    yield Case("text: unknown suffix, binary", ".data", bytes(range(256)), (), fault="not utf-8")
    for name, raw, fault in (
        ("empty", b"", "empty"),
        ("blank", b" \n", "empty"),
        ("only a mark", b"\xef\xbb\xbf", "empty"),
        ("NUL", b"<p>a\x00b", "NUL at character 4"),
        ("PNG", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "NUL at character"),
    ):
        yield Case(f"html: {name}", ".html", raw, (), fault=fault)
    yield Case(
        "html: long",
        ".html",
        page("x" * 300),
        (),
        fault="longer than 300 bytes",
        options=("--max-bytes", "300"),
    )
    depth = 50_000
    for name, raw, found in (
        ("Latin-1", '<meta charset="iso-8859-1"><p>crème'.encode("latin-1"), "crème"),
        ("UTF-16", "<p>crème".encode("utf-16"), "crème"),
        ("no markup", text.encode(), text),
        ("no body", b"<html><head><title>a</title></head></html>", ""),
        ("unclosed", b"<html><body><div><p>a<table><tr><td", "a"),
        ("wrong order", b"</p></body><b><i>a</b></i></html>", "a"),
        ("cut tag", b"<p>a<p cla", "a"),
        ("cut entity", b"<p>a &am", "a &am"),
        ("NUL entity", b"<p>a&#0;b", "a\ufffdb"),
        ("surrogate entity", b"<p>a&#xd800;b", "a\ufffdb"),
        ("deep", b"<div>" * depth + b"a" + b"</div>" * depth, "a"),
        ("deep and unclosed", b"<b><p>" * 500 + b"a", "a"),
        ("comment without end", b"<p>a<!-- b", "a"),
        ("script without end", b"<p>a<script>b", "a"),
    ):
        yield Case(f"html: {name}", ".html", raw, (found,))


@pytest.mark.parametrize("command", COMMANDS)
@cases([*documents()])
def test_text_and_pages(tmp_path, model, command, case):
    check(tmp_path, model, command, case)


# --- among good files, through stdin, in every output ---------------------------------------------

SPOILED = [
    Case("jsonl", ".jsonl", with_line(b'{"id": 9, "text": 9}'), bad=SECOND),
    Case("csv", ".csv", with_row(b"9"), bad=("line 3",)),
    Case("tsv", ".tsv", with_row(b"9", "\t"), bad=("line 3",)),
    Case("parquet", ".parquet", make("parquet", [GOOD[0], "a\x00", *GOOD[1:]]), bad=("row 2",)),
    Case("wet", ".wet", with_record(warc(b"\xff", number=9)), bad=NINTH),
    Case("jsonl.gz", ".jsonl.gz", gzip.compress(with_line(b"[]")), bad=SECOND),
    Case("csv.zst", ".csv.zst", zstd(with_row(b"9,9,9")), bad=("line 3",)),
]
BROKEN = [
    Case("txt", ".txt", b"a\x00b", ()),
    Case("html", ".html", b"", ()),
    Case("jsonl.gz", ".jsonl.gz", gzip.compress(make("jsonl"))[:-1], fault=DAMAGED),
    Case("csv", ".csv", table(GOOD).replace(b"text", b"body"), ()),
    Case("csv.gz", ".csv.gz", b"plain", ()),
    Case("parquet", ".parquet", make("parquet")[:-1], ()),
    Case("wet", ".wet", make("wet")[:-30], (0, 1)),
    Case("warc.zst", ".warc.zst", zstd(make("warc"))[:-30], ()),
]


def rows_of(path):
    if path.suffix == ".parquet":
        return pq.read_table(path).to_pylist()
    if path.suffix == ".jsonl":
        return lines_of(path)
    return list(
        csv.DictReader(
            io.StringIO(path.read_bytes().decode(), newline=""),
            delimiter="," if path.suffix == ".csv" else "\t",
        )
    )


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("target", ["jsonl", "csv", "tsv", "parquet"])
@cases(SPOILED)
def test_a_bad_record_is_left_out_of_every_output(tmp_path, model, command, target, case):
    path, out, errors = tmp_path / f"crawl{case.suffix}", tmp_path / f"out.{target}", tmp_path / "errors"
    path.write_bytes(case.raw)
    keep = ("--keep", ",".join(KINDS))
    result = run(command, "--model", model, *keep, path, "-o", out, "--errors", errors)
    assert (result.exit_code, faults_of(result)) == (0, [])
    assert [text_of(row) for row in rows_of(out)] == [*GOOD]
    assert [(row["input"], row["place"]) for row in lines_of(errors)] == [(str(path), *case.bad)]
    assert "1 records passed over" in result.stderr


@pytest.mark.parametrize("command", COMMANDS)
@cases(BROKEN)
def test_a_broken_file_does_not_stop_the_others(tmp_path, model, command, case):
    folder, out, errors = tmp_path / "in", tmp_path / "out", tmp_path / "errors"
    folder.mkdir()
    (folder / "a.jsonl").write_bytes(make("jsonl"))
    (folder / f"b{case.suffix}").write_bytes(case.raw)
    (folder / "c.jsonl").write_bytes(make("jsonl"))
    result = run(
        command, "--model", model, "--keep", ",".join(KINDS), folder, "-o", out, "--to", "jsonl", "--compress", "none",
        "--errors", errors,
    )  # fmt: skip
    assert_refused(result, folder / f"b{case.suffix}")
    for name in ("a.jsonl", "c.jsonl"):
        assert [text_of(row) for row in lines_of(out / name)] == [*GOOD]
    assert [text_of(row) for row in lines_of(out / "b.jsonl")] == [GOOD[i] for i in case.good]
    assert [(row["input"], row["place"]) for row in lines_of(errors)] == [
        (str(folder / f"b{case.suffix}"), "")
    ]
    assert "1 files that could not be read to their end" in result.stderr


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("kind", "raw", "fault"),
    [
        ("text", b"", "empty"),
        ("text", b"a\x00", "NUL"),
        ("csv", b"", "empty"),
        ("csv", b"id\n9\n", "no field 'text'"),
        ("parquet", b"", "damaged"),
        ("parquet", b"garbage", "damaged"),
        ("wet", b"garbage", "damaged"),
        ("warc", b"", "no response record"),
        ("jsonl", gzip.compress(make("jsonl"))[:-1], "damaged"),
    ],
)
def test_broken_stdin_is_named(model, command, kind, raw, fault):
    assert_refused(run(command, "--model", model, "--from", kind, "-", input=raw), "<stdin>", fault)


@pytest.mark.parametrize("command", COMMANDS)
@cases([case for case in SPOILED if case.suffix not in (".csv.zst", ".jsonl.gz")])
def test_bad_records_of_stdin_are_counted(tmp_path, model, command, case):
    result = run(
        command, "--model", model, "--keep", ",".join(KINDS), "--from", case.suffix[1:], "--to", "jsonl",
        "--errors", tmp_path / "errors", input=case.raw,
    )  # fmt: skip
    assert (result.exit_code, faults_of(result)) == (0, [])
    assert [text_of(json.loads(line)) for line in result.stdout.splitlines()] == [*GOOD]
    assert [(row["input"], row["place"]) for row in lines_of(tmp_path / "errors")] == [("<stdin>", *case.bad)]
    assert "1 records passed over" in result.stderr


@pytest.mark.parametrize("pack", PACK)
def test_packed_stdin_is_unpacked(model, pack):
    result = run("clean", "--model", model, "--keep", ",".join(KINDS), input=PACK[pack](GOOD[0].encode()))
    assert (result.exit_code, result.stdout) == (0, GOOD[0] + "\n")


# --- strict --------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("target", ["out.jsonl", "out.parquet", "folder"])
@cases([*SPOILED, *(case._replace(name=f"broken {case.name}") for case in BROKEN)])
def test_strict_stops_and_leaves_nothing(tmp_path, model, command, target, case):
    folder = tmp_path / "in"
    folder.mkdir()
    path = folder / f"crawl{case.suffix}"
    path.write_bytes(case.raw)
    later = folder / "later.jsonl"
    later.write_bytes(make("jsonl"))
    out = tmp_path / "out" / target
    out.parent.mkdir()
    result = run(
        command, "--model", model, path, later, "-o", out, "--errors", tmp_path / "errors", "--strict"
    )
    assert_refused(result, path, *case.bad)
    assert tree(tmp_path / "out") == (["folder", "folder/_run.jsonl"] if target == "folder" else [])


@pytest.mark.parametrize("command", COMMANDS)
def test_strict_keeps_an_older_output(tmp_path, model, command):
    path, out = tmp_path / "crawl.jsonl", tmp_path / "out.jsonl"
    path.write_bytes(with_line(b"[]"))
    out.write_text("older\n")
    assert_refused(run(command, "--model", model, path, "-o", out, "--strict"), path, "line 2")
    assert out.read_text() == "older\n"
    assert tree(tmp_path) == ["crawl.jsonl", "out.jsonl"]


@pytest.mark.parametrize("command", COMMANDS)
def test_strict_is_content_with_good_files(tmp_path, model, command):
    path, out = tmp_path / "crawl.jsonl", tmp_path / "out.jsonl"
    path.write_bytes(make("jsonl"))
    assert run(command, "--model", model, path, "-o", out, "--strict").exit_code == 0
    assert len(lines_of(out)) == 3


# --- fields and options --------------------------------------------------------------------------

FIELD = {"clean": "content", "predict": "paragraphs"}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("target", ["jsonl", "csv", "parquet", "folder"])
@pytest.mark.parametrize("source", ["jsonl", "csv", "parquet"])
def test_a_field_that_is_there_already_is_never_overwritten(tmp_path, model, command, source, target):
    rows = [{"text": text, FIELD[command]: "old"} for text in GOOD]
    path = tmp_path / f"crawl.{source}"
    if source == "jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    elif source == "csv":
        path.write_text(
            f"text,{FIELD[command]}\n" + "".join(f'"{text}",old\n' for text in GOOD), encoding="utf-8"
        )
    else:
        path.write_bytes(parquet(rows))
    out = tmp_path / "out" / (target if target == "folder" else f"out.{target}")
    out.parent.mkdir()
    refused = run(command, "--model", model, path, "-o", out)
    assert_refused(refused, path, repr(FIELD[command]), "is there already", "--prefix")
    assert tree(out.parent) == (["folder", "folder/_run.jsonl"] if target == "folder" else [])
    if target != "folder":
        assert run(command, "--model", model, path, "-o", out, "--prefix", "new_").exit_code == 0
        assert [row[FIELD[command]] for row in rows_of(out)] == ["old"] * 3
        assert all(f"new_{FIELD[command]}" in row for row in rows_of(out))


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("kind", ["jsonl", "csv", "parquet"])
def test_the_text_is_never_overwritten(tmp_path, model, command, kind):
    name = FIELD[command]
    path = tmp_path / f"crawl.{kind}"
    raw = (
        parquet([{name: text} for text in GOOD])
        if kind == "parquet"
        else make(kind).replace(b"text", name.encode())
    )
    path.write_bytes(raw)
    for target in ("jsonl", "csv", "parquet"):
        out = tmp_path / f"out.{target}"
        refused = run(command, "--model", model, "--text-field", name, path, "-o", out)
        assert_refused(refused, path, repr(name), "--prefix")
        assert not out.exists()


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("name", ["label", "kind", "paragraph", "p_content"])
def test_a_field_of_a_paragraph_is_never_overwritten(tmp_path, model, command, name):
    path = tmp_path / "crawl.jsonl"
    path.write_text(json.dumps({"text": GOOD[0], name: "old"}) + "\n", encoding="utf-8")
    refused = run(command, "--model", model, "--explode", path, "-o", tmp_path / "out.jsonl")
    assert_refused(refused, path, "line 1", repr(name))
    assert tree(tmp_path) == ["crawl.jsonl"]


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--columns", "article"], "article"),
        (["--columns", "content,article"], "article"),
        (["--columns", "Content"], "Content"),
        (["--columns", ""], "none"),
        (["--columns", ","], "none"),
        (["--columns", "content,content"], "content, content"),
        (["--keep", "advert"], "advert"),
        (["--resume"], "--resume: needs a folder"),
        (["--overwrite"], "--overwrite: needs a folder"),
        (["--shard-size", "2"], "--shard-size: needs a folder"),
        (["--max-bytes", "0"], "--max-bytes 0"),
        (["--max-bytes", "-1"], "--max-bytes -1"),
        (["--max-bytes", str(10**30)], "--max-bytes 1000"),
        (["--encoding", "klingon"], "--encoding klingon"),
        (["--encoding", "hex"], "--encoding hex"),
        (["--threshold", "2"], "--threshold 2"),
        (["--errors", "."], "."),
        (["--errors", "nowhere/errors"], "nowhere"),
    ],
)
def test_a_wrong_option_is_refused_before_anything_is_written(
    tmp_path, model, monkeypatch, command, options, named
):
    monkeypatch.chdir(tmp_path)
    Path("crawl.jsonl").write_bytes(make("jsonl"))
    assert_refused(run(command, "--model", model, *options, "crawl.jsonl", "-o", "out.jsonl"), named)
    assert tree(tmp_path) == ["crawl.jsonl"]
    if "needs a folder" not in named:
        assert_refused(run(command, "--model", model, *options, "crawl.jsonl", "-o", "out"), named)
        assert tree(tmp_path) == ["crawl.jsonl"]


@pytest.mark.parametrize("errors", ["new/errors", "new/out/errors"])
def test_errors_may_go_into_a_folder_that_the_run_makes(tmp_path, model, errors):
    path, out = tmp_path / "crawl.jsonl", tmp_path / "new" / "out"
    path.write_bytes(make("jsonl") + b"{\n")
    assert run("clean", "--model", model, path, "-o", out, "--errors", tmp_path / errors).exit_code == 0
    assert len(lines_of(tmp_path / errors)) == 1


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("option", ["--resume", "--overwrite"])
def test_folder_options_are_refused_on_stdout(tmp_path, model, command, option):
    (tmp_path / "crawl.jsonl").write_bytes(make("jsonl"))
    result = run(command, "--model", model, option, tmp_path / "crawl.jsonl")
    assert_refused(result, f"{option}: needs a folder")
    assert not result.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_errors_never_go_over_an_input_or_the_output(tmp_path, model, command):
    path, out = tmp_path / "crawl.jsonl", tmp_path / "out.jsonl"
    path.write_bytes(make("jsonl"))
    for more in ([], ["-o", out]):
        assert_refused(run(command, "--model", model, path, "--errors", path, *more), path, "--errors")
    assert_refused(run(command, "--model", model, path, "-o", out, "--errors", out), out, "--errors")
    assert path.read_bytes() == make("jsonl")
    assert tree(tmp_path) == ["crawl.jsonl"]


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("option", ["--resume", None])
@pytest.mark.parametrize(
    "log", [b"garbage\n", b"\xff\n", b"[]\n", b"3\n", b"\n", b"{}\n[]\n", b'{"settings": 3}\n', b'{"settings": {}}\n', b"{}\n{}\n"]
)  # fmt: skip
def test_a_damaged_log_is_refused(tmp_path, model, command, option, log):
    (tmp_path / "crawl.jsonl").write_bytes(make("jsonl"))
    out = tmp_path / "out"
    out.mkdir()
    (out / "_run.jsonl").write_bytes(log)
    options = ["--model", model, tmp_path / "crawl.jsonl", "-o", out]
    assert_refused(run(command, *options, *([option] if option else [])), out, "--overwrite")
    assert (out / "_run.jsonl").read_bytes() == log
    assert run(command, *options, "--overwrite").exit_code == 0
    assert len(lines_of(out / "crawl.jsonl")) == 3


def test_a_log_line_with_missing_parts_is_refused(tmp_path, model):
    (tmp_path / "crawl.jsonl").write_bytes(make("jsonl"))
    out = tmp_path / "out"
    options = ["clean", "--model", model, tmp_path / "crawl.jsonl", "-o", out]
    assert run(*options).exit_code == 0
    settings = (out / "_run.jsonl").read_bytes().splitlines(keepends=True)[0]
    for line in (
        b'{"input": "crawl.jsonl"}',
        b'{"input": "crawl.jsonl", "bytes": 1, "records": 1, "counts": {"x": 1}}',
    ):
        (out / "_run.jsonl").write_bytes(settings + line + b"\n")
        assert_refused(run(*options, "--resume"), out / "_run.jsonl", "--overwrite")


# --- what cannot be written ----------------------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("first", "value"),
    [
        ("1", str(1 << 70)),
        (str(1 << 70), "1"),
        ("1", '"a"'),
        ('"a"', "1"),
        ('"a"', '"\\ud800"'),
        ("[1]", "[1, [2]]"),
        ('{"a": 1}', "[1]"),
        ("null", '"a", "y": 1'),
    ],
)
def test_what_parquet_cannot_hold_is_named(tmp_path, model, command, first, value):
    path = tmp_path / "crawl.jsonl"
    path.write_text("".join(f'{{"text": "a", "x": {x}}}\n' for x in (first, value)))
    result = run(command, "--model", model, path, "-o", tmp_path / "out.parquet")
    assert_refused(result, path, "fields", "write .jsonl instead")
    assert tree(tmp_path) == ["crawl.jsonl"]


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("target", ["csv", "tsv"])
def test_a_row_with_other_fields_is_passed_over_in_a_table(tmp_path, model, command, target):
    path, out, errors = tmp_path / "crawl.jsonl", tmp_path / f"out.{target}", tmp_path / "errors"
    path.write_bytes(with_line(b'{"id": 9, "text": "a", "x": 1}'))
    result = run(command, "--model", model, "--keep", ",".join(KINDS), path, "-o", out, "--errors", errors)
    assert (result.exit_code, faults_of(result)) == (0, [])
    assert [text_of(row) for row in rows_of(out)] == [*GOOD]
    (row,) = lines_of(errors)
    assert (row["input"], row["place"]) == (str(path), "line 2")
    assert "fields differ from the first row's: 'x'" in row["reason"]


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("target", ["jsonl", "csv", "parquet"])
@pytest.mark.parametrize("depth", [500, 900, 960, 990])
def test_deep_fields_are_written_or_passed_over(tmp_path, model, command, target, depth):
    path, out, errors = tmp_path / "crawl.jsonl", tmp_path / f"out.{target}", tmp_path / "errors"
    path.write_bytes(b'{"text": "a", "x": %b}\n' % (b"[" * depth + b"]" * depth))
    result = run(command, "--model", model, path, "-o", out, "--errors", errors)
    if result.exit_code == 2:
        assert_refused(result, path)
    else:
        assert faults_of(result) == []
        assert ("1 documents, " in result.stderr) != ("1 records passed over" in result.stderr)


# --- size ----------------------------------------------------------------------------------------

#: A process starts with the peak of the one that started it, so there is a small one in between.
MEASURED = """
import resource, subprocess, sys
result = subprocess.run([sys.executable, "-m", "dechrome.cli", *sys.argv[1:]])
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print("peak", peak if sys.platform == "darwin" else peak * 1024, file=sys.stderr)
sys.exit(result.returncode)
"""


def run_measured(*args):
    """Exit code, lines on stderr, peak memory in bytes; in a process of its own."""
    pytest.importorskip("resource")
    command = [sys.executable, "-c", MEASURED, *map(str, args)]
    result = subprocess.run(command, capture_output=True, check=False, timeout=60)
    *lines, last = result.stderr.decode().splitlines()
    assert "Traceback" not in result.stderr.decode()
    return result.returncode, lines, int(last.split()[1])


@pytest.fixture(scope="module")
def long_line(tmp_path_factory):
    """A line of 100 MB between good ones."""
    path = tmp_path_factory.mktemp("long") / "crawl.jsonl"
    with path.open("wb") as file:
        file.write(json_line(0, GOOD[0]) + b'{"id": 9, "text": "')
        for _ in range(100):
            file.write(b"ferry sails " * 83_333 + b"The ")
        file.write(b'"}\n' + json_line(1, GOOD[1]))
    return path


def test_a_line_of_a_hundred_megabytes_is_labelled(tmp_path, model, long_line):
    """With what either command adds, in one run."""
    out = tmp_path / "out.jsonl"
    options = ["--model", model, "--columns", "content,paragraphs", "--keep", ",".join(KINDS)]
    code, lines, peak = run_measured("predict", *options, long_line, "-o", out)
    assert code == 0
    assert lines[0].startswith("3 documents, 3 paragraphs, 100,000,")
    assert not any("passed over" in line for line in lines)
    assert peak < 1_500_000_000
    with out.open("rb") as rows:
        sizes = [len(row) for row in rows]
    assert len(sizes) == 3
    assert sizes[1] > 3 * 99_000_000


@pytest.mark.parametrize("command", COMMANDS)
def test_a_line_of_a_hundred_megabytes_is_passed_over_where_that_is_too_long(
    tmp_path, model, long_line, command
):
    out, errors = tmp_path / "out.jsonl", tmp_path / "errors"
    options = ["--model", model, "--max-bytes", 1_000_000, "--keep", ",".join(KINDS), "--errors", errors]
    code, lines, peak = run_measured(command, *options, long_line, "-o", out)
    assert (code, lines[-1]) == (0, "1 records passed over")
    assert [text_of(row) for row in lines_of(out)] == [GOOD[0], GOOD[1]]
    (row,) = lines_of(errors)
    assert (row["input"], row["place"], row["reason"]) == (
        str(long_line),
        "line 2",
        "longer than 1,000,000 bytes",
    )
    assert peak < 400_000_000


def bomb(path, n_bytes, before=b"", after=b"", byte=b"\0"):
    """Write a file of many equal bytes, packed a part at a time."""
    compress = PACK[path.suffix[1:]]
    part = compress(byte * (1 << 24))
    with path.open("wb") as file:
        file.write(compress(before))
        for _ in range(n_bytes >> 24):
            file.write(part)
        file.write(compress(after))
    assert path.stat().st_size < 4_000_000
    return path


@pytest.mark.parametrize(
    ("command", "name"), [("clean", "a.txt.gz"), ("predict", "a.txt.zst"), ("predict", "a.wet.gz")]
)
def test_two_packed_gigabytes_of_zeros_are_refused(tmp_path, model, command, name):
    path = bomb(tmp_path / name, 1 << 31)
    code, lines, peak = run_measured(
        command, "--model", model, "--max-bytes", 1 << 26, path, "-o", tmp_path / "out.jsonl"
    )
    assert code == 2
    (line,) = (line for line in lines if line.startswith("dechrome: "))
    assert str(path) in line
    assert peak < 600_000_000
    assert tree(tmp_path) == [name]


@pytest.mark.parametrize(
    ("command", "name", "place"),
    [
        ("clean", "a.jsonl.gz", "line 2"),
        ("predict", "a.jsonl.zst", "line 2"),
        ("predict", "a.csv.gz", "line 3"),
    ],
)
def test_an_endless_packed_line_is_passed_over(tmp_path, model, command, name, place):
    most = 1 << 28 if name.endswith("zst") else 1 << 25
    good = make(name.split(".")[1]).splitlines(keepends=True)
    path = bomb(tmp_path / name, 2 * most, b"".join(good[:-2]), b"\n" + b"".join(good[-2:]), b"x")
    out, errors = tmp_path / "out.jsonl", tmp_path / "errors"
    options = ["--model", model, "--keep", ",".join(KINDS), "--errors", errors, "--max-bytes", most]
    code, lines, peak = run_measured(command, *options, path, "-o", out)
    assert (code, lines[-1]) == (0, "1 records passed over")
    assert [text_of(row) for row in lines_of(out)] == [*GOOD]
    (row,) = lines_of(errors)
    assert (row["input"], row["place"]) == (str(path), place)
    assert f"longer than {most:,}" in row["reason"]
    assert peak < 1_500_000_000


def test_bad_records_do_not_pile_up(tmp_path, model):
    """They go along in batches, whether or not a good record comes."""
    path = tmp_path / "crawl.jsonl.gz"
    line = gzip.compress(b'{"id": "' + b"x" * 200_000 + b'"}\n', 1)
    with path.open("wb") as file:
        for _ in range(1_500):
            file.write(line)
    code, lines, peak = run_measured(
        "clean", "--model", model, "--id-field", "id", path, "-o", tmp_path / "out.jsonl"
    )
    assert (code, lines[-1]) == (0, "1,500 records passed over")
    assert peak < 400_000_000
