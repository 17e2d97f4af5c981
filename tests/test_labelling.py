import dataclasses

import pytest

pytest.importorskip("resiliparse")

from dechrome.training.blocks import blocks_from_html
from dechrome.training.labelling import label_blocks, normalise_text
from dechrome.training.pages import Page, read_pages
from layouts import BODY, CAPTION, COOKIE, HTML, LAST, LEAD, SUBHEAD, TEASER, TITLE, WRITERS


def labels_of(page, phrases=None):
    blocks = blocks_from_html(page.html)
    found = label_blocks(blocks, page, phrases)
    return {block.text: (label.label, label.kind) for block, label in zip(blocks, found, strict=True)}


@pytest.mark.parametrize("source", ["fundus", "wcxb", "daniel", "readability"])
def test_a_page_is_labelled_alike_whatever_its_source(source, tmp_path):
    WRITERS[source](tmp_path)
    (page,) = read_pages(tmp_path)
    found = labels_of(page, {normalise_text("Accept all"): "cookie"})
    assert found[TITLE] == ("content", "headline")
    for text in (LEAD, BODY, SUBHEAD, LAST):
        assert found[text] == ("content", "body")
    assert found[CAPTION] == ("chrome", "caption")
    assert found[COOKIE] == ("chrome", "cookie")
    assert found["Accept all"] == ("chrome", "cookie")
    assert found["Home"] == ("chrome", "navigation")
    assert found[TEASER] == ("chrome", "related")
    assert found["By Ida Strand"] == ("chrome", "byline")
    assert found["© 2026 Norrvik Post"] == ("chrome", "legal")


def test_segments_leave_the_rest_unknown(tmp_path):
    WRITERS["trafilatura"](tmp_path)
    (page,) = read_pages(tmp_path)
    found = labels_of(page)
    assert found[BODY] == ("content", "body")
    assert found[TITLE] == ("content", "headline")
    assert found["Home"][0] == found[TEASER][0] == "chrome"
    assert found[LAST] == found[COOKIE] == found["News"] == (None, None)


def page_of(html, gold, title="", coverage="full"):
    return Page("x/1", "x", "x.org", html, tuple(gold), title, coverage=coverage)


def test_prose_that_the_gold_lacks_between_content_stays_unknown():
    extra = "A paragraph that the gold forgot, though it stands in the middle of the story and ends well."
    html = f"<p>{LEAD}</p><p>{BODY}</p><p>{extra}</p><p>{LAST}</p>"
    assert labels_of(page_of(html, [LEAD, BODY, LAST]))[extra] == (None, None)


@pytest.mark.parametrize(
    ("coverage", "element", "label", "kind"),
    [
        ("main", "<div>Voltage: 12 V</div>", None, None),
        ("main", '<div><a href="/lamps">Voltage: 12 V</a></div>', "chrome", None),
        ("main", "<aside><div>Voltage: 12 V</div></aside>", "chrome", None),
        ("main", '<div class="share">Voltage: 12 V</div>', "chrome", "social"),
        ("main", "<div>By Ana Reyes</div>", "chrome", "byline"),
        ("main", "<div>Add to basket</div>", "chrome", "navigation"),
        ("main", "<div>»</div>", "chrome", "other"),
        ("full", "<div>Voltage: 12 V</div>", "chrome", None),
    ],
)
def test_a_short_line_in_the_article_is_unknown_where_gold_leaves_such_out(coverage, element, label, kind):
    html = f"<div>Menu</div><div>News</div><p>{BODY}</p>{element}<p>{LAST}</p>"
    blocks = blocks_from_html(html)
    page = page_of(html, [BODY, LAST], coverage=coverage)
    page = dataclasses.replace(page, names=("Ana Reyes",))
    found = label_blocks(blocks, page, {"addtobasket": "navigation"})
    assert found[0].label == found[1].label == "chrome"
    assert found[3] == (label, kind)


def test_a_teaser_that_repeats_the_standfirst_outside_the_article_stays_unknown():
    menu = "<p>Menu</p>" * 100
    html = f"<div class=top><p>{LEAD}</p></div>{menu}<p>{LEAD}</p><p>{BODY}</p><p>{LAST}</p>"
    blocks = blocks_from_html(html)
    found = label_blocks(blocks, page_of(html, [LEAD, BODY, LAST]))
    assert found[0] == (None, None)
    assert found[101] == ("content", "body")


def test_short_gold_lines_count_only_beside_the_article():
    html = f"<p>News</p>{'<p>Menu item</p>' * 10}<p>{BODY}</p><h2>News</h2><p>{LAST}</p>"
    found = label_blocks(blocks_from_html(html), page_of(html, [BODY, "News", LAST]))
    assert found[0] == (None, None)
    assert found[12] == ("content", "body")


def test_wide_scripts_are_matched_by_shorter_shingles():
    text = "市议会周一通过决议，将在明年春季开放重建后的灯塔。"
    html = f"<p>首页</p><p>{text}</p><p>本网站使用饼干技术来改善您的浏览体验并分析流量。</p>"
    found = labels_of(page_of(html, [text]))
    assert found[text] == ("content", "body")
    assert found["首页"][0] == "chrome"


def test_no_gold_no_content_but_the_headline():
    found = labels_of(page_of(HTML, [], TITLE))
    assert found.pop(TITLE) == ("content", "headline")
    assert {label for label, _ in found.values()} == {"chrome"}
    assert found[COOKIE] == ("chrome", "cookie")


def test_where_little_of_the_gold_is_found_what_does_not_match_is_unknown():
    lost = ["A paragraph of the gold that the page shows only after a script has run, at some length."] * 4
    lost = [f"{number}: {line}" for number, line in enumerate(lost)]
    html = (
        f"<p>News</p><p>{BODY}</p><p>A line that stands for what was decoded wrongly, as it may well be.</p>"
    )
    found = labels_of(page_of(html, [BODY, *lost]))
    assert found.pop(BODY) == ("content", "body")
    assert set(found.values()) == {(None, None)}
    assert labels_of(page_of(html, [BODY]))["News"][0] == "chrome"
