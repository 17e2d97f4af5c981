import gzip
import json
from dataclasses import replace

import pytest

pytest.importorskip("resiliparse")
pytest.importorskip("tldextract")

from dechrome.errors import CorpusFormatError
from dechrome.training.building import ReadLabels, apply_labels, build_corpus, read_labels
from dechrome.training.corpus import split_of, text_hash
from layouts import BODY, COOKIE, TITLE, WRITERS, write_news, write_phrases


@pytest.fixture
def sources(tmp_path):
    for name, write in WRITERS.items():
        write(tmp_path / name)
    write_phrases(tmp_path / "phrases")
    write_news(tmp_path / "ntrex")
    (tmp_path / "seeds" / "en").mkdir(parents=True)
    (tmp_path / "seeds" / "en" / "a.txt").write_text("# language: en\nheadline | A title\nlegal | © 2026\n")
    return tmp_path


def test_a_folder_of_folders_stands_for_all_of_them(sources):
    documents = list(build_corpus([sources]))
    assert {document.source for document in documents} == {*WRITERS, "phrases", "ntrex", "seeds"}
    assert len({document.document_id for document in documents}) == len(documents)


def test_one_site_is_on_one_side_in_all_sources(sources):
    pages = [d for d in build_corpus([sources]) if d.site == "norrvikpost.se"]
    assert len({d.source for d in pages}) >= 4
    assert {d.split for d in pages} == {split_of("norrvikpost.se")}


def test_processes_do_not_change_the_corpus(sources):
    assert list(build_corpus([sources], n_jobs=2)) == list(build_corpus([sources]))


def test_gold_holds_the_headline_in_every_source(sources):
    for document in build_corpus([sources]):
        if document.source in ("fundus", "wcxb", "daniel", "readability"):
            assert document.gold.split("\n")[0] == TITLE
            assert document.gold.count(TITLE) == 1


def test_news_lines_become_paragraphs_of_their_document(sources):
    news = [d for d in build_corpus([sources / "ntrex"]) if d.language == "de"]
    assert [d.document_id for d in news] == ["ntrex/deu/a", "ntrex/deu/b"]
    assert news[0].paragraphs[0] == "deu sentence 0."
    assert " ".join(news[0].paragraphs) == " ".join(f"deu sentence {i}." for i in range(6))
    assert news[0].kinds[0] == "headline"


def test_phrases_carry_our_kinds(sources):
    (phrases,) = build_corpus([sources / "phrases"])
    assert phrases.kinds == ["cookie", "promotion", "other"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("phrases/phrases.jsonl.gz", gzip.compress(b'{"text": "OK", "kind": "other", "lang": "en"}')),
        (
            "phrases/phrases.jsonl.gz",
            gzip.compress(b'{"text": "", "kind": "x", "lang": "en", "source": "a"}'),
        ),
        ("phrases/phrases.jsonl.gz", gzip.compress(b"[]")),
        ("phrases/phrases.jsonl.gz", gzip.compress(b"{")),
        ("phrases/phrases.jsonl.gz", gzip.compress(b"\xff")),
        ("phrases/phrases.jsonl.gz", b"plain"),
        ("ntrex/newstest2019-ref.deu.txt.gz", gzip.compress(b"Ein Satz.\n" * 9)[:-12]),
    ],
)
def test_damaged_phrases_and_news_lines_are_named(sources, name, content):
    (sources / name).write_bytes(content)
    with pytest.raises(CorpusFormatError, match=name):
        list(build_corpus([sources]))


def test_read_labels_of_documents_that_no_source_has_are_told(sources, tmp_path, caplog):
    (document,) = build_corpus([sources / "fundus"])
    row = {"position": 0, "text_hash": text_hash(document.paragraphs[0]), "kind": "social"}
    path = tmp_path / "read.jsonl"
    names = (document.document_id, "fundus/gone", "fundus/gone", "fundus/lost")
    path.write_text("\n".join(json.dumps(row | {"document_id": name}) for name in names), encoding="utf-8")
    with caplog.at_level("WARNING"):
        list(build_corpus([sources / "fundus"], [path]))
    assert [record.getMessage() for record in caplog.records] == [
        "read labels of 2 documents that no source has, first fundus/gone"
    ]


def test_labels_decided_by_reading_override_the_automatic_ones(sources, tmp_path):
    (document,) = build_corpus([sources / "fundus"])
    at = document.paragraphs.index(COOKIE)
    rows = [
        {
            "document_id": document.document_id,
            "position": at,
            "text_hash": text_hash(COOKIE),
            "kind": "promotion",
        },
        {"document_id": document.document_id, "position": 0, "text_hash": "stale", "kind": "body"},
        {"document_id": document.document_id, "position": 1, "text_hash": text_hash("News"), "kind": "?"},
        {"document_id": document.document_id, "position": 99, "text_hash": "", "kind": "body"},
    ]
    path = tmp_path / "read.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    (corrected,) = build_corpus([sources / "fundus"], [path])
    assert corrected.kinds[at] == "promotion"
    assert corrected.read == [at]
    assert corrected.labels[0] == "chrome"
    assert corrected.labels[1] is None
    assert corrected.labels[document.paragraphs.index(BODY)] == "content"
    assert apply_labels(document, []) == document


def test_labels_of_one_document_may_stand_in_several_files(sources, tmp_path):
    (document,) = build_corpus([sources / "fundus"])
    paths = []
    for position in (0, 1):
        digest = text_hash(document.paragraphs[position])
        row = {
            "document_id": document.document_id,
            "position": position,
            "text_hash": digest,
            "kind": "social",
        }
        paths.append(tmp_path / f"{position}.jsonl")
        paths[-1].write_text(json.dumps(row), encoding="utf-8")
    (corrected,) = build_corpus([sources / "fundus"], paths)
    assert corrected.read == [0, 1]


def test_labels_drawn_by_disagreement_correct_but_make_nothing_count_as_read(sources, tmp_path):
    (document,) = build_corpus([sources / "fundus"])
    row = {"document_id": document.document_id, "position": 0, "text_hash": text_hash(document.paragraphs[0])}
    path = tmp_path / "read.jsonl"
    path.write_text(json.dumps(row | {"kind": "social", "drawn": "disagreement"}), encoding="utf-8")
    (corrected,) = build_corpus([sources / "fundus"], [path])
    assert (corrected.kinds[0], corrected.labels[0], corrected.read) == ("social", "chrome", [])
    text = "\n".join(document.paragraphs)
    page = row | {"text_hash": text_hash(text), "kind": [["body", len(document.paragraphs)]]}
    for kind, first_read in (("social", 0), ("?", 1)):
        lines = [page, row | {"kind": kind, "drawn": "disagreement"}]
        path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
        (corrected,) = build_corpus([sources / "fundus"], [path])
        assert corrected.kinds[0] == (None if kind == "?" else kind)
        assert corrected.read == list(range(first_read, len(document.paragraphs)))


def test_a_whole_page_is_labelled_by_one_line_and_later_files_correct_it(sources, tmp_path, caplog):
    (document,) = build_corpus([sources / "fundus"])
    n = len(document.paragraphs)
    page = {
        "document_id": document.document_id,
        "position": 0,
        "text_hash": text_hash("\n".join(document.paragraphs)),
        "kind": [["navigation", 1], ["?", 1], ["body", n - 2]],
    }
    one = page | {"position": 2, "text_hash": text_hash(document.paragraphs[2]), "kind": "caption"}
    paths = [tmp_path / "pages.jsonl", tmp_path / "one.jsonl"]
    for path, row in zip(paths, (page, one), strict=True):
        path.write_text(json.dumps(row), encoding="utf-8")
    (read,) = build_corpus([sources / "fundus"], paths)
    assert read.kinds == ["navigation", None, "caption", *["body"] * (n - 3)]
    assert read.labels == ["chrome", None, "chrome", *["content"] * (n - 3)]
    assert read.read == [0, *range(2, n)]
    paths[0].write_text(json.dumps(page | {"kind": [["navigation", n + 1]]}), encoding="utf-8")
    with caplog.at_level("WARNING"):
        (stale,) = build_corpus([sources / "fundus"], paths[:1])
    assert stale == document
    assert f"{n + 1} read labels no longer match" in caplog.text


def test_gold_with_a_boundary_of_its_own_is_not_overruled_by_reading_the_whole_page(sources, tmp_path):
    def build(source, *labels):
        path = tmp_path / "read.jsonl"
        (document,) = build_corpus([sources / source])
        rows = []
        for position, kinds in labels:
            n = sum(n for _, n in kinds) if isinstance(kinds, list) else 1
            digest = text_hash("\n".join(document.paragraphs[position : position + n]))
            row = {"document_id": document.document_id, "position": position, "text_hash": digest}
            rows.append(json.dumps(row | {"kind": kinds}))
        path.write_text("\n".join(rows), encoding="utf-8")
        return document, next(build_corpus([sources / source], [path]))

    before, _ = build("wcxb", (0, "legal"))
    body, menu, n = before.paragraphs.index(BODY), before.paragraphs.index("News"), len(before.paragraphs)
    assert (before.labels[body], before.labels[menu]) == ("content", "chrome")
    _, all_chrome = build("wcxb", (0, [["promotion", n]]))
    assert (all_chrome.labels[body], all_chrome.kinds[body]) == ("content", "body")
    assert (all_chrome.labels[menu], all_chrome.kinds[menu]) == ("chrome", "promotion")
    assert body not in all_chrome.read
    assert menu in all_chrome.read
    _, all_content = build("wcxb", (0, [["body", n]]))
    assert (all_content.labels[menu], all_content.kinds[menu]) == (None, None)
    _, corrected = build("wcxb", (0, [["body", n]]), (body, "caption"))
    assert corrected.labels[body] == "chrome"
    _, the_later_counts = build("wcxb", (0, [["social", n]]), (0, [["promotion", n]]))
    assert the_later_counts.kinds[menu] == "promotion"
    unsure = replace(before, labels=[None, *before.labels[1:]], kinds=[None, *before.kinds[1:]])
    digest = text_hash("\n".join(before.paragraphs))
    for kind, label in (("body", "content"), ("social", "chrome")):
        told = apply_labels(unsure, [ReadLabels(0, digest, (kind,) * n)])
        assert (told.labels[0], told.kinds[0]) == (label, kind)
    _, elsewhere = build("fundus", (0, [["promotion", n]]))
    assert set(elsewhere.labels) == {"chrome"}


_LINE = {"document_id": "a", "position": 0, "text_hash": "", "kind": "body"}


@pytest.mark.parametrize(
    "line",
    [
        "{", "{}", "[]", "[" * 100_000,
        *(json.dumps({key: value for key, value in _LINE.items() if key != missing}) for missing in _LINE),
        *(json.dumps(_LINE | {"document_id": value}) for value in (None, ["a"])),
        *(json.dumps(_LINE | {"position": value}) for value in (-3, "0", None, 0.0, True)),
        json.dumps(_LINE | {"text_hash": None}),
        *(
            json.dumps(_LINE | {"kind": value})
            for value in (
                "advert", None, 3, [], [["body"]], [["advert", 1]], [[["body"], 1]], [[None, 1], [3, 1]],
                [["body", -1]], [["body", 0]], [["body", True]], [["body", "2"]], [["body", 1], ["body", -1]],
            )
        ),
    ],
)  # fmt: skip
def test_a_broken_label_names_its_file_and_line(tmp_path, line):
    path = tmp_path / "read.jsonl"
    path.write_text("\n" + line, encoding="utf-8")
    with pytest.raises(CorpusFormatError, match=r"read\.jsonl, line 2: "):
        read_labels(path)


def test_unknown_and_missing_folders_are_named(tmp_path):
    (tmp_path / "photos").mkdir()
    with pytest.raises(CorpusFormatError, match="photos"):
        list(build_corpus([tmp_path / "photos"]))
    with pytest.raises(FileNotFoundError, match="nowhere"):
        list(build_corpus([tmp_path / "nowhere"]))


def test_every_read_label_still_fits_the_public_corpora(shared):
    """A sample of the pages: the labels' hashes match the blocks cut today."""
    from pathlib import Path

    folder = Path(__file__).parents[1] / "data" / "labelled"
    files = [read_labels(path) for path in sorted(folder.glob("*.jsonl"))]
    labels = {name: [x for file in files for x in file.get(name, [])] for file in files for name in file}
    folders = [shared / "corpora" / name for name in ("daniel", "readability")]
    documents = {d.document_id: d for d in build_corpus(folders, n_jobs=2)}
    checked = 0
    for name, found in labels.items():
        if name in documents:
            for label in found:
                assert label.matches(documents[name].paragraphs), name
                checked += len(label.kinds)
    assert checked > 90_000
