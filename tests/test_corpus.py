import json
from dataclasses import asdict, replace

import pytest

from dechrome.errors import CorpusFormatError
from dechrome.training.corpus import (
    corpus_digest,
    read_corpus,
    site_of,
    split_of,
    summarise_corpus,
    write_corpus,
)


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_what_is_written_reads_back(seed_documents, tmp_path, suffix):
    if suffix == ".parquet":
        pytest.importorskip("pyarrow")
    path = tmp_path / f"corpus{suffix}"
    documents = [*seed_documents[:5], replace(seed_documents[0], labels=[None] * len(seed_documents[0].labels),
                                              kinds=[None] * len(seed_documents[0].kinds))]  # fmt: skip
    write_corpus(documents, path)
    assert read_corpus(path) == documents
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": ["content"]}, "line 1: unequal lengths"),
        ({"labels": ["good", "chrome"]}, "paragraph 0 has label 'good'"),
        ({"kinds": ["advert", None]}, "kind 'advert'"),
        ({"paragraphs": ["a", 7]}, "paragraph 1 is not text but int"),
        ({"paragraphs": "ab"}, "paragraphs must be a list, not str"),
        ({"read": [5]}, r"positions \[5\]"),
        ({"site": None}, "site must be text"),
        ({"kinds": ["cookie", None]}, "paragraph 0 has label 'content' and kind 'cookie'"),
    ],
)
def test_a_broken_row_is_named(seed_documents, tmp_path, change, message):
    row = asdict(seed_documents[0]) | {"paragraphs": ["a", "b"], "labels": ["content", "chrome"], "read": []}
    row |= {"kinds": ["body", None]} | change
    path = tmp_path / "corpus.jsonl"
    path.write_text(json.dumps(row), encoding="utf-8")
    with pytest.raises(CorpusFormatError, match=message):
        read_corpus(path)


def test_missing_columns_are_named(tmp_path):
    path = tmp_path / "corpus.jsonl"
    path.write_text('{"paragraphs": []}', encoding="utf-8")
    with pytest.raises(CorpusFormatError, match="no document_id, source"):
        read_corpus(path)


@pytest.mark.parametrize(
    ("name", "content"), [("a.jsonl", b"{"), ("a.jsonl", b"\xff"), ("a.parquet", b"PAR1")]
)
def test_a_broken_file_is_named(tmp_path, name, content):
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CorpusFormatError, match=name):
        read_corpus(tmp_path / name)


def test_other_suffixes_and_missing_files_are_named(tmp_path):
    (tmp_path / "a.csv").write_text("x")
    with pytest.raises(CorpusFormatError, match=r"a\.csv"):
        read_corpus(tmp_path / "a.csv")
    with pytest.raises(FileNotFoundError, match=r"b\.jsonl"):
        read_corpus(tmp_path / "b.jsonl")


def test_a_mark_of_byte_order_does_no_harm(seed_documents, tmp_path):
    path = tmp_path / "corpus.jsonl"
    write_corpus(seed_documents[:2], path)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert read_corpus(path) == seed_documents[:2]


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_a_corpus_that_cannot_be_written_leaves_the_old_one(seed_documents, tmp_path, suffix):
    if suffix == ".parquet":
        pytest.importorskip("pyarrow")
    path = tmp_path / f"corpus{suffix}"
    write_corpus(seed_documents[:1], path)
    with pytest.raises(UnicodeEncodeError):
        write_corpus([replace(seed_documents[0], genre="\ud83d")], path)
    assert read_corpus(path) == seed_documents[:1]
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_half_a_character_has_a_digest(seed_documents, tmp_path):
    path = tmp_path / "corpus.jsonl"
    row = asdict(seed_documents[0]) | {"genre": "\ud83d"}
    path.write_text(json.dumps(row), encoding="utf-8")
    (document,) = read_corpus(path)
    assert corpus_digest([document]) != corpus_digest([replace(document, genre="")])


def test_the_digest_changes_with_a_label(seed_documents):
    changed = replace(seed_documents[0], kinds=[None, *seed_documents[0].kinds[1:]])
    assert corpus_digest([changed]) != corpus_digest([seed_documents[0]])


def test_sites_are_registered_domains():
    pytest.importorskip("tldextract")
    assert site_of("http://news.bbc.co.uk/1/hi") == site_of("https://www.bbc.co.uk") == "bbc.co.uk"
    assert site_of("localhost") == "localhost"


def test_a_fifth_of_the_sites_is_held_out():
    sides = [split_of(f"site{i}.org") for i in range(2000)]
    assert 0.17 < sides.count("development") / len(sides) < 0.23


def test_the_summary_counts_everything_once(seed_documents):
    summary = summarise_corpus(seed_documents)
    assert summary.loc["all", "documents"] == len(seed_documents)
    assert summary.loc["all", "content"] + summary.loc["all", "chrome"] == summary.loc["all", "paragraphs"]


def test_the_counts_by_language_and_source_add_up(seed_documents):
    table = summarise_corpus(seed_documents, by=("language", "source"))
    groups = table.iloc[:-1]
    assert set(groups.index) == {(d.language, d.source) for d in seed_documents}
    assert groups.body.sum() == table.loc[("all", ""), "body"]
    language = seed_documents[0].language
    mine = [d for d in seed_documents if d.language == language]
    assert table.loc[(language, "seeds"), "cookie"] == sum(d.kinds.count("cookie") for d in mine)
