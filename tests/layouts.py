"""One page that we wrote, stored in the layout of every public source."""

from __future__ import annotations

import gzip
import json

TITLE = "Harbour town opens its rebuilt lighthouse"
LEAD = "After four years of work the lighthouse of Norrvik has been opened to visitors again."
BODY = (
    "The keeper's rooms have been furnished as they were in 1911, the year in which the lamp was converted "
    "from oil to gas, and a narrow stair leads up to the gallery."
)
SUBHEAD = "A view of three islands"
LAST = (
    "On clear days the three outer islands can be seen, says the museum, which expects twelve thousand visitors "
    "in the first summer and will charge no entry fee until September."
)
CAPTION = "The lighthouse of Norrvik on the day of its opening. Photo: Municipality of Norrvik"
TEASER = "Ferry timetable changes: what travellers to the outer islands need to know this summer, in one list"
COOKIE = "We use cookies and similar techniques to run this site and, with your consent, to measure its use."

HTML = f"""<!doctype html><html lang="en"><head><title>{TITLE} - Norrvik Post</title><style>p {{}}</style></head><body>
<nav class="menu"><ul><li><a href="/">Home</a></li><li><a href="/news">News</a></li></ul></nav>
<main><article><h1>{TITLE}</h1><p class="byline">By Ida Strand</p><p>{LEAD}</p>
<figure><img src="a.jpg" alt="A lighthouse"><figcaption>{CAPTION}</figcaption></figure>
<p>{BODY}</p><h2>{SUBHEAD}</h2><p>{LAST}</p></article>
<aside class="related"><h3>Read also</h3><a href="/ferry">{TEASER}</a></aside></main>
<div id="cookie-banner"><p>{COOKIE}</p><button>Accept all</button></div>
<footer><p>© 2026 Norrvik Post</p></footer><script>var x = "hidden";</script></body></html>"""

GOLD = [LEAD, BODY, SUBHEAD, LAST]


def _gzip(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text.encode()))


def _json(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")


def write_fundus(folder):
    _gzip(folder / "se" / "Post_2026_01_02.html.gz", HTML)
    _json(
        folder / "se" / "meta.info",
        {
            "Post_2026_01_02.html.gz": {
                "url": "https://www.norrvikpost.se/a",
                "crawl_date": "2026-01-02 10:00:00",
            }
        },
    )
    body = {"summary": [LEAD], "sections": [{"headline": [], "paragraphs": [BODY]},
                                            {"headline": [SUBHEAD], "paragraphs": [LAST]}]}  # fmt: skip
    images = [{"caption": CAPTION}]
    _json(folder / "se" / "Post.json",
          {"V1": {"title": TITLE, "authors": ["Ida Strand"], "body": body, "images": images}})  # fmt: skip


def write_wcxb(folder):
    _gzip(folder / "dev" / "html" / "0001.html.gz", HTML)
    truth = {"title": TITLE, "author": "Ida Strand", "main_content": "\n\n".join(GOLD)}
    _json(
        folder / "dev" / "ground-truth" / "0001.json",
        {"url": "https://norrvikpost.se/a", "ground_truth": truth},
    )
    _json(folder / "metadata.json", {"files": {"0001": {"page_type": "article", "domain": "norrvikpost.se"}}})


def write_daniel(folder):
    name = "20120101_www.norrvikpost.se_abc"
    _gzip(folder / "html" / f"{name}.gz", HTML)
    _gzip(folder / "reference" / f"{name}.gz", "\n".join(f"<p>{line}</p>" for line in [TITLE, *GOLD]))
    _json(folder / "doc_lg.json", {name: "English"})


def write_readability(folder):
    _gzip(folder / "post" / "source.html.gz", HTML)
    _gzip(
        folder / "post" / "expected.html.gz", "<div>" + "".join(f"<p>{line}</p>" for line in GOLD) + "</div>"
    )
    _json(folder / "post" / "expected-metadata.json",
          {"title": TITLE, "byline": "Ida Strand", "siteName": "Norrvik Post"})  # fmt: skip


def write_trafilatura(folder):
    _gzip(folder / "html" / "post.html.gz", HTML)
    entry = {"file": "post.html", "with": [BODY[:60]], "without": ["Home", TEASER[:50]], "title": TITLE}
    _json(folder / "evaldata.json", {"https://norrvikpost.se/a": entry})


WRITERS = {
    "fundus": write_fundus, "wcxb": write_wcxb, "daniel": write_daniel, "readability": write_readability,
    "trafilatura": write_trafilatura,
}  # fmt: skip


def write_phrases(folder):
    folder.mkdir(parents=True, exist_ok=True)
    rows = [
        {"text": text, "kind": kind, "lang": "en", "source": "own/own", "license": "own"}
        for text, kind in (
            ("Accept all", "cookie"),
            ("Sign up for our letter", "newsletter"),
            ("Print", "other"),
        )
    ]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "phrases.jsonl.gz").write_bytes(gzip.compress(lines.encode()))


def write_news(folder):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "DOCUMENT_IDS.tsv").write_text("a\n" * 6 + "b\n" * 4, encoding="utf-8")
    for code in ("deu", "srp-Cyrl"):
        lines = "\n".join(f"{code} sentence {i}." for i in range(10)) + "\n"
        (folder / f"newstest2019-ref.{code}.txt.gz").write_bytes(gzip.compress(lines.encode()))
