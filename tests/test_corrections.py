import json

import pytest

from dechrome.errors import CorpusFormatError
from dechrome.training.corrections import read_corrections


def write(path, *rows):
    path.write_text(
        "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows), encoding="utf-8"
    )
    return path


def paragraph(text="Accept all", **fields):
    return {"text": text, **fields}


def test_what_predict_writes_is_read(tmp_path):
    row = {"document": "a.txt", "paragraphs": [
        paragraph("Late goal", label="content", kind="headline", start=0, end=9, p_content=0.9),
        paragraph("Accept all", label="chrome"), paragraph("OK", kind="cookie"), paragraph("?"),
    ]}  # fmt: skip
    (document,) = read_corrections([write(tmp_path / "c.jsonl", row, "")])
    assert document.paragraphs == ["Late goal", "Accept all", "OK", "?"]
    assert document.labels == ["content", "chrome", "chrome", None]
    assert document.kinds == ["headline", None, "cookie", None]
    assert document.read == [0, 2]


def test_seeds_are_read_with_and_without_a_header(tmp_path):
    (tmp_path / "seeds" / "tr").mkdir(parents=True)
    write(tmp_path / "seeds" / "tr" / "a.txt", "# language: tr", "body | Bir haber.", "social | X")
    write(tmp_path / "b.txt", "body | A story.", "legal | © 2026")
    found = read_corrections([tmp_path / "seeds", tmp_path / "b.txt"])
    assert [d.language for d in found] == ["tr", "und"]
    assert [d.kinds for d in found] == [["body", "social"], ["body", "legal"]]
    assert len({d.site for d in found}) == 2


@pytest.mark.parametrize("name", ["c.jsonl", "c.txt"])
def test_a_mark_of_byte_order_does_no_harm(tmp_path, name):
    line = (
        json.dumps({"paragraphs": [paragraph(kind="cookie")]}) if "jsonl" in name else "cookie | Accept all"
    )
    (tmp_path / name).write_text(line, encoding="utf-8-sig")
    (document,) = read_corrections([tmp_path / name])
    assert document.kinds == ["cookie"]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("{", "line 2: not JSON"),
        ([], "line 2: no list of objects called 'paragraphs'"),
        ({"paragraphs": "text"}, "line 2: no list of objects"),
        ({"paragraphs": ["text"]}, "line 2: no list of objects"),
        ({"paragraphs": [{"label": "chrome"}]}, "line 2, paragraph 0: its text"),
        ({"paragraphs": [paragraph(), paragraph(kind="advert")]}, "line 2, paragraph 1: .*'advert'"),
        ({"paragraphs": [paragraph(label="good")]}, "line 2, paragraph 0: .*'good'"),
        ({"paragraphs": [paragraph(label="content", kind="cookie")]}, "'cookie' is not content; change both"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(tmp_path, row, message):
    path = write(tmp_path / "c.jsonl", {"paragraphs": [paragraph(kind="cookie")]}, row)
    with pytest.raises(CorpusFormatError, match=message):
        read_corrections([path])


@pytest.mark.parametrize("content", ["", '{"paragraphs": [{"text": "a"}]}\n'])
def test_a_file_that_corrects_nothing_is_refused(tmp_path, content):
    with pytest.raises(CorpusFormatError, match="no corrected paragraph"):
        read_corrections([write(tmp_path / "c.jsonl", content)])


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(CorpusFormatError, match="nowhere.jsonl: no such file"):
        read_corrections([tmp_path / "nowhere.jsonl"])
