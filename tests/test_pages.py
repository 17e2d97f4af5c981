import re

import pytest

pytest.importorskip("resiliparse")

from dechrome.errors import CorpusFormatError
from dechrome.training.blocks import blocks_from_html
from dechrome.training.pages import layout_of, read_pages
from layouts import GOLD, HTML, TITLE, WRITERS


@pytest.mark.parametrize("source", sorted(WRITERS))
def test_every_layout_is_recognised_and_read(source, tmp_path):
    WRITERS[source](tmp_path)
    assert layout_of(tmp_path) == source
    (page,) = read_pages(tmp_path)
    assert page.page_id.startswith(f"{source}/")
    assert page.html == HTML
    assert "norrvikpost.se" in page.url or source == "readability"
    if source not in ("trafilatura", "daniel"):
        assert list(page.gold) == GOLD
        assert page.title == TITLE


def test_an_unknown_layout_is_named(tmp_path):
    (tmp_path / "x.txt").write_text("x")
    with pytest.raises(CorpusFormatError, match="no page layout known here"):
        list(read_pages(tmp_path))


def test_a_broken_json_file_is_named(tmp_path):
    WRITERS["daniel"](tmp_path)
    (tmp_path / "doc_lg.json").write_text("{")
    with pytest.raises(CorpusFormatError, match=r"doc_lg\.json: not JSON"):
        list(read_pages(tmp_path))


@pytest.mark.parametrize(
    ("source", "name", "content"),
    [
        ("fundus", "se/meta.info", '{"Post_2026_01_02.html.gz": {}}'),
        ("fundus", "se/Post.json", "{}"),
        ("fundus", "se/Post.json", '{"V1": []}'),
        ("wcxb", "metadata.json", "[]"),
        ("wcxb", "dev/ground-truth/0001.json", '{"ground_truth": {}}'),
        ("daniel", "doc_lg.json", '{"x": "English"}'),
        ("trafilatura", "evaldata.json", '{"https://norrvikpost.se/a": {"file": "post.html"}}'),
    ],
)
def test_json_of_another_shape_is_named(tmp_path, source, name, content):
    WRITERS[source](tmp_path / source)
    (tmp_path / source / name).write_text(content)
    with pytest.raises(CorpusFormatError, match=re.escape(str(tmp_path / source))):
        list(read_pages(tmp_path / source))


@pytest.mark.parametrize("source", sorted(WRITERS))
@pytest.mark.parametrize("damage", ["cut", "garbled", "not gzip", "missing"])
def test_a_damaged_page_is_named(tmp_path, source, damage):
    WRITERS[source](tmp_path)
    page = next(path for path in sorted(tmp_path.rglob("*.gz")) if "expected" not in path.name)
    whole = page.read_bytes()
    made = {"cut": whole[:-20], "garbled": whole[:30] + b"\xff" * 40 + whole[70:], "not gzip": b"<p>"}
    page.unlink()
    if damage in made:
        page.write_bytes(made[damage])
    with pytest.raises(CorpusFormatError, match=re.escape(page.name)):
        list(read_pages(tmp_path))


def test_fundus_versions_pair_with_files_by_date_and_number(tmp_path):
    import gzip
    import json

    (tmp_path / "de").mkdir()
    meta = {}
    for i, date in enumerate(("2024_05_01", "2023_01_01", "2025_03_01")):
        name = f"Blatt_{date}.html.gz"
        (tmp_path / "de" / name).write_bytes(gzip.compress(f"<p>{date}</p>".encode()))
        meta[name] = {"url": f"https://blatt.de/{i}", "crawl_date": date.replace("_", "-")}
    (tmp_path / "de" / "meta.info").write_text(json.dumps(meta))
    versions = {v: {"title": v, "body": {"summary": [], "sections": []}} for v in ("V2", "V1", "V1_1")}
    (tmp_path / "de" / "Blatt.json").write_text(json.dumps(versions))
    assert [(p.page_id[-10:], p.title) for p in read_pages(tmp_path)] == [
        ("2023_01_01", "V1"), ("2024_05_01", "V1_1"), ("2025_03_01", "V2"),
    ]  # fmt: skip


def test_blocks_are_the_visible_text_in_order_with_their_markup():
    blocks = blocks_from_html(HTML)
    texts = [block.text for block in blocks]
    assert texts[:4] == ["Home", "News", TITLE, "By Ida Strand"]
    assert not any("hidden" in text for text in texts)
    home = blocks[0]
    assert home.link_ratio == 1
    assert ("nav", "menu") in [(e.tag, e.names) for e in home.elements]


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<p>One<br>two <b>bold</b> three</p>", ["One", "two bold three"]),
        ("<div>a<p>b</p>c</div>", ["a", "b", "c"]),
        ("<pre>x\ny</pre>", ["x", "y"]),
        ("<p>a&nbsp;&amp;\u200b b</p>", ["a & b"]),
        ("<p>x</p><noscript>n</noscript><template>t</template><p> </p>", ["x"]),
        ("", []),
        ("<div>" * 3000 + "deep" + "</div>" * 3000, ["deep"]),
    ],
)
def test_block_boundaries(html, expected):
    assert [block.text for block in blocks_from_html(html)] == expected
