from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from dechrome.evaluation.measures import (
    Scored,
    bootstrap_interval,
    draw_shapes,
    evaluate_documents,
    evaluate_kinds,
    evaluate_paragraphs,
    evaluate_shapes,
    evaluate_thresholds,
    join_parts,
    score_documents,
    word_f1,
)
from dechrome.evaluation.tables import make_tables, model_card, tables_to_markdown, write_tables
from dechrome.labels import FAVORS, KINDS
from dechrome.training.corpus import Document

DOCUMENT = Document(
    "d", "fundus", "a.org", "en", "article", "development", "alpha beta\ngamma",
    ["alpha beta", "menu", "gamma", "?"], ["content", "chrome", "content", None],
    ["headline", "navigation", "body", None], [0, 1, 2],
)  # fmt: skip


def scored(kept, kinds=(0, 4, 1, 11), p=None, document=DOCUMENT):
    p = p if p is not None else [0.9 if keep else 0.1 for keep in kept]
    return Scored(document, np.array(p, np.float32), np.array(kinds), np.array(kept))


@pytest.mark.parametrize(
    ("kept", "gold", "expected"),
    [
        ("a b", "a b", (1, 1, 1)),
        ("a a b", "a b", (2 / 3, 1, 0.8)),
        ("", "a", (0, 0, 0)),
        ("", "", (1, 1, 1)),
        ("x", "y", (0, 0, 0)),
        ("文本文", "文本", (2 / 3, 1, 0.8)),
        ("Größe, größe", "größe größe", (1, 1, 1)),
    ],
)
def test_word_f1(kept, gold, expected):
    assert word_f1(kept, gold) == pytest.approx(expected)


def test_document_measures_by_hand():
    table = evaluate_documents([scored([True, True, False, False])])
    row = table.iloc[0]
    assert (row.precision, row.recall) == pytest.approx((2 / 3, 2 / 3))
    assert row.ceiling == 1
    assert evaluate_documents([scored([True] * 4, document=replace(DOCUMENT, gold=""))]).empty


def test_paragraph_measures_by_hand():
    measures = evaluate_paragraphs([scored([True, True, False, True])])
    assert measures["n"] == 3
    assert (measures["precision"], measures["recall"], measures["f1"]) == pytest.approx((0.5, 0.5, 0.5))
    assert measures["accuracy"] == pytest.approx(1 / 3)
    assert evaluate_paragraphs([]) == {"n": 0.0}


def test_calibration_error_by_hand():
    measures = evaluate_paragraphs([scored([True, False, True, True], p=[0.75, 0.75, 0.75, 0.5])])
    assert measures["calibration_error"] == pytest.approx(abs(0.75 - 2 / 3))


def test_kinds_count_only_what_was_read():
    table = evaluate_kinds([scored([True, False, True, False], kinds=(0, 5, 1, 2))])
    assert table.loc["headline", "f1"] == 1
    assert table.loc["navigation", "f1"] == 0
    assert table.loc["macro chrome", "n"] == 1
    unread = evaluate_kinds([scored([True] * 4, document=replace(DOCUMENT, read=[]))])
    assert unread.n.sum() == 0
    assert list(table.index[:-1]) == list(KINDS)


def test_thresholds_by_hand():
    item = scored([True, False, True, False], p=[0.9, 0.4, 0.6, 0.5])
    table = evaluate_thresholds([item], [0.3, 0.55, 0.7, 1.0])
    assert table.index.tolist() == [0.3, 0.55, 0.7, 1.0]
    assert table.kept.tolist() == [4, 2, 1, 0]  # the unknown paragraph too
    assert table.precision.tolist() == pytest.approx([2 / 3, 1, 1, 0])
    assert table.recall.tolist() == pytest.approx([1, 1, 0.5, 0])
    assert table.document_f1.tolist() == pytest.approx([6 / 7, 1, 0.8, 0])
    assert item.is_kept.tolist() == [True, False, True, False]
    assert evaluate_thresholds([item], []).empty
    assert np.isnan(evaluate_thresholds([], [0.5]).f1.item())


def test_intervals_resample_sites():
    values = np.array([0.0] * 50 + [1.0] * 50)
    few_sites = bootstrap_interval(values, ["a"] * 50 + ["b"] * 50)
    many_sites = bootstrap_interval(values, [str(i) for i in range(100)])
    assert few_sites == (0, 1)
    assert 0.35 < many_sites[0] < 0.5 < many_sites[1] < 0.65


def test_tables_are_written_whole_with_their_command(toy_model, seed_documents, tmp_path):
    held_out = [d for d in seed_documents if d.split == "development"]
    tables = make_tables(toy_model, score_documents(toy_model, held_out), held_out)
    write_tables(tables, tmp_path / "out", "dechrome evaluate toy corpus.jsonl")
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {f"{name}.csv" for name in tables} | {"results.md"}
    text = (tmp_path / "out" / "results.md").read_text(encoding="utf-8")
    assert "`dechrome evaluate toy corpus.jsonl`" in text
    assert tables_to_markdown(tables) in text


def test_kinds_of_pages_leave_seeds_out(toy_model, seed_documents):
    held_out = [d for d in seed_documents if d.split == "development"]
    pages = [replace(d, source="fundus", document_id=f"page/{d.site}") for d in held_out[:9]]
    mixed = score_documents(toy_model, [*pages, *held_out])
    kinds = make_tables(toy_model, mixed, [*pages, *held_out])["kinds"]
    alone = evaluate_kinds(mixed[: len(pages)])
    assert kinds.n_pages.tolist() == alone.n.tolist()
    assert kinds.f1_pages["navigation"] == alone.f1["navigation"]
    assert (kinds.n > kinds.n_pages).all()
    seeds_only = make_tables(toy_model, mixed[len(pages) :], held_out)["kinds"]
    assert seeds_only.f1_pages.isna().all()


def test_presets_are_judged_as_they_predict(toy_model, seed_documents):
    """Of pages of which nothing is sure, each preset lifts something."""
    held_out = [d for d in seed_documents if d.split == "development"][:9]
    calibration = replace(toy_model.calibration, intercept=-4.0, least_best=-50.0, least_paragraphs=2)
    unsure = replace(toy_model, calibration=calibration)
    presets = make_tables(unsure, score_documents(unsure, held_out), held_out)["presets"]
    for favor in FAVORS:
        measures = evaluate_paragraphs(score_documents(unsure, held_out, favor))
        assert presets.paragraph_recall[favor] == measures["recall"] > 0
        assert presets.paragraph_precision[favor] == measures["precision"]


def test_tables_show_counts_as_whole_numbers_and_measures_with_three_digits():
    table = pd.DataFrame({"n": [3.0, 1.0], "f1": [1.0, 0.5]}, index=["x", "y"])
    shown = tables_to_markdown({"languages": table})
    assert "| x | 3 | 1.000 |\n| y | 1 | 0.500 |" in shown


def test_shapes_are_measured_and_repeatable(toy_model, seed_documents):
    held_out = [d for d in seed_documents if d.split == "development"]
    first = evaluate_shapes(toy_model, held_out)
    assert first == evaluate_shapes(toy_model, held_out)
    assert all(0 <= value <= 1 for value in first.values())
    assert len(first) == 4


def test_shapes_are_put_together_of_what_they_say(seed_documents):
    held_out = [d for d in seed_documents if d.split == "development"]
    drawn = draw_shapes(held_out)
    assert all(set(join_parts(parts).labels) == {"content"} for parts in drawn["alone"])
    assert all(len(join_parts(parts).paragraphs) == 1 for parts in drawn["single"])
    for shape, is_same in (("same page", True), ("other language", False)):
        assert drawn[shape]
        for parts in drawn[shape]:
            (article, content), (leftover, chrome) = parts
            joined = join_parts(parts)
            assert joined.labels == ["content"] * len(content) + ["chrome"] * len(chrome)
            assert joined.paragraphs[-1] == leftover.paragraphs[chrome[-1]]
            assert 2 <= len(chrome) <= 5
            assert (article is leftover) == is_same
            assert (article.language == leftover.language) == is_same


def test_the_card_says_what_is_in_the_folder_and_what_was_learned_from(toy_model, seed_documents):
    card = model_card(toy_model, seed_documents, {})
    assert "Arrays and JSON only: loading executes nothing" in card
    assert "calibrate the model" in card
    fasttext = replace(toy_model, lexicon=SimpleNamespace(name="fasttext"))
    assert "a fastText file checked by its hash" in model_card(fasttext, seed_documents, {})
    adapted = replace(toy_model, metadata=toy_model.metadata | {"n_corrected_documents": 3})
    card = model_card(adapted, seed_documents, {})
    assert "trained further on 3 corrected" in card
    assert "calibrate the model" not in card
