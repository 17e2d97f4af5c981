import json
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dechrome.segmentation import find_paragraphs

CASES = json.loads((Path(__file__).parent / "cases" / "segmentation.json").read_text(encoding="utf-8"))
MARKS = {
    "pass": lambda case: [],
    "fail": lambda case: [pytest.mark.xfail(reason=case["comment"], strict=True)],
}
INVISIBLE = "\x00\u180e\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u2060\u2066\u2069\ufeff"
LINE_ENDS = ["\n", "\r\n", "\r", "\v", "\f", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"]
MARGINS = [" ", "\t", "\x1f", "\u00a0", "\u2003", "\u202f", "\u3000", *INVISIBLE]
WRAPPED = (
    "Every spring the keeper of the lighthouse\n"
    "carries the lamps down to the yard and\n"
    "washes the salt from the glass with warm\n"
    "water, a brush and a good deal of talk.\n"
)

words = st.text(
    alphabet=st.characters(exclude_categories=["Cs", "Cc", "Cf", "Zs", "Zl", "Zp"]), min_size=1, max_size=14
)
margins = st.text(alphabet="".join(MARGINS), max_size=3)
lines = st.builds("{}{}{}".format, margins, st.lists(words, max_size=14).map(" ".join), margins)
documents = st.one_of(
    st.text(),
    st.lists(st.tuples(lines, st.sampled_from(LINE_ENDS)).map("".join), max_size=20).map("".join),
    st.lists(st.sampled_from(WRAPPED.splitlines()), min_size=4, max_size=20).map("\n".join),
)


def cut(text):
    return [text[start:stop] for start, stop in find_paragraphs(text)]


def is_margin(character):
    return character.isspace() or unicodedata.category(character) == "Cf" or character in INVISIBLE


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(
            case,
            id=case["label"],
            marks=MARKS[case["expect"]](case),
        )
        for case in CASES
    ],
)
def test_case_is_cut_into_its_paragraphs(case):
    assert cut(case["text"]) == case["paragraphs"]


def test_case_labels_are_unique():
    labels = [case["label"] for case in CASES]
    assert len(labels) == len(set(labels))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["label"])
def test_expected_paragraphs_hold_all_text_of_their_case(case):
    remaining = case["text"]
    for paragraph in case["paragraphs"]:
        before, found, remaining = remaining.partition(paragraph)
        assert found
        assert all(map(is_margin, before))
    assert all(map(is_margin, remaining))


@pytest.mark.parametrize("end", LINE_ENDS, ids=ascii)
def test_every_line_end_ends_an_unwrapped_paragraph(end):
    assert cut(f"Late goal{end}The home side won.{end}{end}Share") == [
        "Late goal",
        "The home side won.",
        "Share",
    ]


@pytest.mark.parametrize("end", LINE_ENDS, ids=ascii)
def test_every_line_end_can_wrap_a_paragraph(end):
    text = WRAPPED.strip().replace("\n", end)
    assert cut(text + end + end + "Share") == [text, "Share"]


@pytest.mark.parametrize("margin", MARGINS, ids=ascii)
def test_margin_is_stripped_from_edges_and_kept_inside(margin):
    assert cut(f"{margin}one{margin}two{margin}\n{margin}\nthree{margin}") == [f"one{margin}two", "three"]


@pytest.mark.parametrize("margin", MARGINS, ids=ascii)
def test_line_of_margin_parts_wrapped_paragraphs(margin):
    paragraph = WRAPPED.strip()
    assert cut(f"{paragraph}\n{margin}\n{paragraph}") == [paragraph, paragraph]


@pytest.mark.parametrize("end", ["\r\n\n", "\n\r\n", "\r\r", "\r\n\r\n"], ids=ascii)
def test_mixed_line_ends_part_wrapped_paragraphs(end):
    paragraph = WRAPPED.strip()
    assert cut(f"{paragraph}{end}{paragraph}") == [paragraph, paragraph]


def test_carriage_return_with_line_feed_is_one_line_end():
    text = WRAPPED.strip().replace("\n", "\r\n")
    assert cut(text) == [text]


def test_offsets_count_code_points():
    assert find_paragraphs("\ufeff🙂 ok\n\u200bэто\n") == [(1, 5), (7, 10)]


def test_spans_have_named_ends():
    (span,) = find_paragraphs("  word ")
    assert (span.start, span.stop) == (2, 6)


@pytest.mark.parametrize("unit", ["word ", "слово ", "字", "x"])
def test_megabyte_on_one_line_is_one_paragraph(unit):
    text = unit * (1_000_000 // len(unit))
    assert cut(text) == [text.strip()]


@pytest.mark.parametrize("unit", [" ", "\n", "\u200b", "\r\n", " \n"], ids=ascii)
def test_megabyte_of_white_space_is_no_paragraph(unit):
    assert find_paragraphs(unit * (1_000_000 // len(unit))) == []


def test_megabyte_of_trailing_white_space_is_stripped():
    assert find_paragraphs("word" + " " * 1_000_000) == [(0, 4)]


def test_megabyte_of_short_lines_is_cut_at_each():
    assert len(find_paragraphs("Home\n" * 200_000)) == 200_000


def test_every_margin_character_is_stripped():
    margin = [c for c in map(chr, range(0x110000)) if is_margin(c)]
    assert [c for c in margin if cut(f"{c}a{c}") != ["a"]] == []


@given(documents)
def test_spans_are_ordered_stripped_and_leave_only_margin(text):
    spans = find_paragraphs(text)
    done = 0
    for start, stop in spans:
        assert done <= start < stop <= len(text)
        assert not is_margin(text[start])
        assert not is_margin(text[stop - 1])
        done = stop
    edges = [0, *(edge for span in spans for edge in span), len(text)]
    gaps = [text[stop:start] for stop, start in zip(edges[::2], edges[1::2], strict=True)]
    assert all(is_margin(character) for gap in gaps for character in gap)


@given(documents)
def test_adjacent_paragraphs_have_a_line_end_between(text):
    spans = find_paragraphs(text)
    for before, after in zip(spans, spans[1:], strict=False):
        assert any(end in text[before.stop : after.start] for end in LINE_ENDS)


@given(documents.map(lambda text: text.replace("\r", "")))
def test_line_feeds_and_carriage_returns_with_them_cut_alike(text):
    windows = cut(text.replace("\n", "\r\n"))
    assert [paragraph.replace("\r\n", "\n") for paragraph in windows] == cut(text)


@given(documents, st.lists(st.sampled_from([*MARGINS, *LINE_ENDS])).map("".join))
def test_white_space_around_a_document_only_moves_offsets(text, around):
    around = "\n" + around + "\n"
    moved = find_paragraphs(around + text + around)
    assert [(start - len(around), stop - len(around)) for start, stop in moved] == find_paragraphs(text)


@given(documents)
def test_a_paragraph_of_one_line_is_one_paragraph_alone(text):
    for paragraph in cut(text):
        if not any(end in paragraph for end in LINE_ENDS):
            assert cut(paragraph) == [paragraph]
