"""The evaluation that people look at: its figures, its folder, and the page in a browser."""

import csv
import json
import re
import shutil
import sys
import warnings
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from click.testing import CliRunner

pytest.importorskip("jinja2")
pytest.importorskip("matplotlib")

from dechrome.artefact import write_model
from dechrome.cli import main
from dechrome.errors import InputError
from dechrome.evaluation.comparison import (
    FIGURES,
    compare_figures,
    document_scores,
    find_changes,
    measure_figures,
)
from dechrome.evaluation.displays import (
    CalibrationDisplay,
    ContentCurveDisplay,
    DocumentF1Display,
    KindConfusionDisplay,
)
from dechrome.evaluation.drawing import draw_svg
from dechrome.evaluation.excerpts import find_changed_documents, find_worst_documents
from dechrome.evaluation.html_report import measure_models, write_report
from dechrome.evaluation.measures import Scored, evaluate_paragraphs, score_documents
from dechrome.evaluation.tables import make_tables
from dechrome.labels import KINDS
from dechrome.training.corpus import Document, write_corpus

DISPLAYS = [ContentCurveDisplay, CalibrationDisplay, KindConfusionDisplay, DocumentF1Display]
HOSTILE = """<script>window.hacked = 1</script><img src="https://example.org/x.png" onerror="hacked=1"> "q" {{ 7*7 }}"""
DOCUMENT = Document(
    "d", "fundus", "a.org", "en", "article", "development", "alpha beta\ngamma",
    ["alpha beta", "menu", "gamma", "?"], ["content", "chrome", "content", None],
    ["headline", "navigation", "body", None], [0, 1, 2],
)  # fmt: skip


def score(kept, kinds=(0, 4, 1, 11), p=None, document=DOCUMENT):
    p = p if p is not None else [0.9 if keep else 0.1 for keep in kept]
    return Scored(document, np.array(p, np.float32), np.array(kinds), np.array(kept))


@pytest.fixture(scope="session")
def documents(seed_documents):
    """Held-out seeds, some of them as if from news sources, one hostile, one without gold."""
    held_out = [document for document in seed_documents if document.split == "development"]
    sources = ("fundus", "daniel", "seeds")
    made = [replace(d, source=sources[i % 3]) for i, d in enumerate(held_out)]
    # The hostile one is labelled upside down, so that it is surely among the worst, which are shown.
    first, other = made[0], {"content": "chrome", "chrome": "content"}
    labels = [None, *(other[label] for label in first.labels[1:])]
    texts = [HOSTILE, *first.paragraphs[1:]]
    gold = "\n".join(text for text, label in zip(texts, labels, strict=True) if label == "content")
    made[0] = replace(first, paragraphs=texts, labels=labels, kinds=[None] * len(texts), read=[], gold=gold,
                      document_id="</script><b>id")  # fmt: skip
    made[1] = replace(made[1], gold="")
    return made


@pytest.fixture(scope="session")
def models(toy_model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("report-models")
    strict = replace(toy_model, thresholds={"precision": 0.9, "balanced": 0.8, "recall": 0.7})
    write_model(toy_model, folder / "toy", "card")
    write_model(strict, folder / "strict", "card")
    return {"toy": (toy_model, folder / "toy"), "strict": (strict, folder / "strict")}


@pytest.fixture(scope="session")
def measured(models, documents):
    found = measure_models([(name, *models[name]) for name in models], documents)
    return dict(zip(models, found, strict=True))


@pytest.fixture(scope="session")
def report(measured, documents, tmp_path_factory):
    """A folder with a report on the toy model against a stricter one."""
    folder = tmp_path_factory.mktemp("report") / "new" / "out"
    tables = make_tables(measured["toy"].model, measured["toy"].scored, documents)
    write_report(measured["toy"], tables, folder, "dechrome evaluate toy", measured["strict"])
    return folder


class Page(HTMLParser):
    """What a page holds: tags with their attributes, ids, headings, texts of table rows."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.rows, self._cell = [], [], None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self._cell = ""

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self.rows[-1].append(self._cell.strip())
            self._cell = None

    def handle_data(self, data):
        if self._cell is not None:
            self._cell += data

    def names(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]


@pytest.fixture(scope="session")
def html(report):
    return (report / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def page(html):
    return Page(html)


# --- figures -----------------------------------------------------------------------------------


@pytest.mark.parametrize("display", DISPLAYS)
def test_displays_draw_on_axes_given_or_new(display, measured, toy_model):
    from matplotlib import pyplot as plt

    figure, ax = plt.subplots()
    made = display.from_scored(measured["toy"].scored, toy_model)
    assert made.plot(ax) is made
    assert (made.ax_, made.figure_) == (ax, figure)
    assert made.plot().ax_ is not ax
    assert len(made.to_frame())
    plt.close("all")


def test_the_curve_marks_each_threshold_where_the_measures_are(measured, toy_model):
    scored = measured["toy"].scored
    curve = ContentCurveDisplay.from_scored(scored, toy_model)
    measures = evaluate_paragraphs(scored)
    assert curve.average_precision == pytest.approx(measures["average_precision"])
    threshold, *point = curve.points["balanced"]
    assert threshold == toy_model.threshold
    assert point == pytest.approx([measures["precision"], measures["recall"]])
    assert list(curve.points) == ["precision", "balanced", "recall"]


def test_calibration_agrees_with_the_tables(measured, toy_model):
    scored = measured["toy"].scored
    display = CalibrationDisplay.from_scored(scored, toy_model)
    measures = evaluate_paragraphs(scored)
    assert display.n_paragraphs.sum() == measures["n"]
    assert display.calibration_error == pytest.approx(measures["calibration_error"], abs=1e-6)


def test_confusion_counts_only_what_was_read():
    item = score([True, False, False, True], kinds=(0, 5, 3, 1))
    display = KindConfusionDisplay.from_scored([item], None)
    expected = np.zeros((12, 12), int)
    for gold, found in (("headline", "headline"), ("navigation", "related"), ("body", "caption")):
        expected[KINDS.index(gold), KINDS.index(found)] = 1
    assert (display.counts == expected).all()
    assert display.shares.sum() == 3


@pytest.mark.parametrize("display", DISPLAYS)
def test_displays_say_when_there_is_nothing_to_draw(display, toy_model):
    bare = replace(DOCUMENT, gold="", read=[], labels=["content"] * 4)
    with pytest.raises(InputError):
        display.from_scored([score([True] * 4, document=bare)], toy_model)


def test_documents_that_do_not_hold_their_gold_are_left_out(toy_model):
    other = replace(DOCUMENT, gold="something else altogether", source="wcxb")
    display = DocumentF1Display.from_scored([score([True] * 4), score([True] * 4, document=other)], toy_model)
    assert list(display.f1) == ["fundus"]


def test_drawings_take_the_page_s_colours_and_keep_their_ids_apart(measured, toy_model):
    names = ["first", "second"]
    made = ContentCurveDisplay.from_scored(measured["toy"].scored, toy_model)
    svgs = [draw_svg(made, name, 'A "title" <b>') for name in names]
    ids = [set(re.findall(r' id="([^"]*)"', svg)) for svg in svgs]
    assert all(ids)
    assert not ids[0] & ids[1]
    for svg, name in zip(svgs, names, strict=True):
        assert "currentColor" in svg
        assert "var(--series-1)" in svg
        assert 'aria-label="A &quot;title&quot; &lt;b&gt;"' in svg
        assert not re.search(r"#(?!\w+-)[0-9a-f]{6}\b|https?:|<style", svg)
        assert set(re.findall(r"[#(]#?(\w+)-[mp][0-9a-f]{10}", svg)) == {name}
    assert svgs[0] == draw_svg(made, "first", 'A "title" <b>')


# --- comparison --------------------------------------------------------------------------------


def test_headline_figures_are_those_of_the_tables(report, measured):
    figures = measure_figures(measured["toy"].scored)
    tables = json.loads((report / "metrics.json").read_text())["tables"]
    assert list(figures.index) == list(FIGURES)
    news, row = figures.loc["document F1, news"], tables["documents"]["news (fundus, daniel)"]
    assert [news.value, news.low, news.high] == pytest.approx([row["f1"], row["low"], row["high"]], abs=1e-6)
    assert figures.loc["paragraph F1", "value"] == pytest.approx(tables["paragraphs"]["all"]["f1"], abs=1e-6)
    macro = figures.loc["chrome kinds, macro F1"]
    assert macro.value == pytest.approx(tables["kinds"]["macro chrome"]["f1"], abs=1e-6)
    assert (figures.low <= figures.value).all()
    assert (figures.value <= figures.high).all()


def test_a_model_does_not_differ_from_itself(measured):
    scored = measured["toy"].scored
    table = compare_figures(scored, scored)
    assert (table[["difference", "low", "high"]] == 0).all(axis=None)
    assert find_changes(scored, scored).empty
    assert find_changed_documents(scored, scored) == []


def test_a_paired_interval_is_narrower_than_the_figures_own():
    sites = [replace(DOCUMENT, site=str(i)) for i in range(40)]
    theirs = [score([i % 2 == 0, False, False, False], document=d) for i, d in enumerate(sites)]
    ours = [score([i % 2 == 0, False, True, False], document=d) for i, d in enumerate(sites)]
    row = compare_figures(ours, theirs).loc["document F1, news"]
    own = measure_figures(ours).loc["document F1, news"]
    assert row.difference == pytest.approx(row.model - row.baseline)
    assert row.low > 0
    assert row.high - row.low < own.high - own.low


def test_changes_are_better_worse_or_unknown():
    table = find_changes([score([True, True, True, True])], [score([False, False, True, False])])
    assert table[["paragraph", "outcome"]].to_numpy().tolist() == [
        [0, "better"],
        [1, "worse"],
        [3, "unknown"],
    ]
    assert table[["baseline", "model"]].to_numpy().tolist() == [["chrome", "content"]] * 3


def test_documents_are_scored_by_gold_or_by_labels():
    bare = replace(DOCUMENT, gold="")
    unknown = replace(bare, labels=[None] * 4, kinds=[None] * 4)
    kept = [True, True, False, False]
    scores = document_scores([score(kept, document=d) for d in (DOCUMENT, bare, unknown)])
    assert [name for name, _ in scores] == ["word F1", "paragraph accuracy", "paragraph accuracy"]
    assert [value for _, value in scores] == pytest.approx([2 / 3, 1 / 3, float("nan")], nan_ok=True)


def test_worst_documents_come_first_and_tell_what_is_wrong():
    good = score([True, False, True, False])
    bad = score(
        [False, True, True, False], kinds=(2, 1, 0, 11), document=replace(DOCUMENT, document_id="bad")
    )
    (found,) = find_worst_documents([good, bad])
    assert found.document.document_id == "bad"
    assert [part.error for part in found.paragraphs] == ["lost", "kept", "kind", ""]
    assert [part.gold for part in found.paragraphs] == ["headline", "navigation", "body", ""]
    assert found.paragraphs[0].kinds == ["cookie", "headline"]
    assert len(find_worst_documents([bad] * 40)) == 30
    hidden = find_worst_documents([bad], with_texts=False)[0].paragraphs
    assert [(part.text, part.length) for part in hidden] == [(None, 10), (None, 4), (None, 5), (None, 1)]


# --- the folder --------------------------------------------------------------------------------


def test_metrics_and_csv_tables_are_the_same(report):
    tables = json.loads((report / "metrics.json").read_text())["tables"]
    assert set(tables) == {
        "documents", "paragraphs", "languages", "kinds", "presets", "shapes", "figures", "comparison", "calibration",
        "confusion", "spread",
    }  # fmt: skip
    for name, table in tables.items():
        header, *rows = csv.reader((report / f"{name}.csv").open(encoding="utf-8", newline=""))
        assert [row[0] for row in rows] == list(table)
        for row, values in zip(rows, table.values(), strict=True):
            assert header[1:] == list(values)
            shown = [float(cell) if cell else None for cell in row[1:]]
            assert shown == pytest.approx(list(values.values()), nan_ok=True)


def test_the_page_shows_the_numbers_of_metrics(report, page):
    tables = json.loads((report / "metrics.json").read_text())["tables"]
    rows = {tuple(row) for row in page.rows}
    for name in ("documents", "paragraphs", "languages", "kinds", "presets", "shapes"):
        for index, values in tables[name].items():
            shown = [
                f"{value:,.0f}".replace(",", "\u202f")
                if isinstance(value, int) or column in ("n", "documents", "sites")
                else "–" if value is None else f"{value:.3f}"
                for column, value in values.items()
            ]  # fmt: skip
            assert (index, *shown) in rows


def test_size_and_speed_are_of_this_run(report, measured, models):
    model = json.loads((report / "metrics.json").read_text())["model"]
    assert model["bytes"] == sum(path.stat().st_size for path in models["toy"][1].iterdir())
    speed = model["speed"]
    assert speed["documents_per_second"] == pytest.approx(len(measured["toy"].scored) / speed["seconds"])
    assert 0 < speed["megabytes_per_second"] < 1000
    assert speed["passes"] == 3
    assert speed["seconds"] <= speed["slowest_seconds"]


def test_passes_and_threads_change_no_result(measured, models, documents):
    for name, found in measured.items():
        for ours, plain in zip(found.scored, score_documents(models[name][0], documents), strict=True):
            assert np.array_equal(ours.is_kept, plain.is_kept)
            assert np.array_equal(ours.kind, plain.kind)
            assert np.allclose(ours.p_content, plain.p_content, atol=1e-6)


def test_changes_are_counted_and_listed_without_their_texts(report, measured):
    changes = json.loads((report / "metrics.json").read_text())["changes"]
    rows = list(csv.DictReader((report / "changes.csv").open(encoding="utf-8", newline="")))
    assert len(rows) == changes["better"] + changes["worse"] + changes["unknown"] > 0
    found = find_changed_documents(measured["toy"].scored, measured["strict"].scored)
    differences = np.nan_to_num([document.difference for document in found])
    assert list(differences) == sorted(differences)
    assert set(rows[0]) == {
        "document_id", "source", "language", "paragraph", "length", "gold", "baseline", "model", "outcome",
    }  # fmt: skip


def test_texts_are_escaped(html, page):
    assert len(page.names("script")) == 1
    assert not page.names("img")
    assert "&lt;script&gt;window.hacked = 1&lt;/script&gt;" in html
    assert "{{ 7*7 }}" in html
    assert "&lt;/script&gt;&lt;b&gt;id" in html


def test_nothing_is_loaded(html, page):
    for tag, attrs in page.tags:
        for name in ("src", "srcset", "data", "action", "poster", "background"):
            assert name not in attrs, tag
        for name in ("href", "xlink:href"):
            assert attrs.get(name, "#").startswith(("#", "data:")), tag
    style = html[html.index("<style>") : html.index("</style>")]
    assert "@import" not in style
    assert "url(" not in style
    (policy,) = (a["content"] for a in page.names("meta") if a.get("http-equiv") == "Content-Security-Policy")
    assert "default-src 'none'" in policy
    assert "'unsafe-inline'" not in policy.split("script-src")[1].split(";")[0]


def test_the_page_is_in_order_for_those_who_do_not_see_it(html, page):
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in zip(levels[:-1], levels[1:], strict=True))
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert len(page.names("caption")) == len(page.names("table")) >= 8
    for tag, attrs in page.tags:
        if tag == "a":
            assert attrs["href"][1:] in ids
        for name in attrs.get("aria-labelledby", "").split():
            assert name in ids
    assert page.names("html")[0]["lang"] == "en"
    assert [tag for tag, attrs in page.tags if tag == "button" and attrs.get("type") != "button"] == []
    assert all(attrs.get("role") == "img" and attrs["aria-label"] for attrs in page.names("svg"))
    assert all(attrs["dir"] == "auto" for attrs in page.names("p") if attrs.get("class") == "text")


def luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_the_contrast_of_wcag_aa(html, scheme):
    found = re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)", html)
    colours = {name: luminance((light, dark)[scheme == "dark"]) for name, light, dark in found}
    for name in ("text", "muted", "accent", "lost", "kept", "other", "good"):
        for ground in ("ground", "raised"):
            low, high = sorted((colours[name], colours[ground]))
            assert (high + 0.05) / (low + 0.05) >= 4.5, (name, ground)


def test_without_texts_only_lengths_and_kinds_are_shown(measured, documents, tmp_path):
    tables = make_tables(measured["toy"].model, measured["toy"].scored, documents)
    write_report(measured["toy"], tables, tmp_path, "x", measured["strict"], with_texts=False)
    written = "".join(path.read_text(encoding="utf-8") for path in tmp_path.iterdir())
    long = [text for d in documents for text in d.paragraphs if len(text) > 20]
    assert long
    assert not [text for text in long if text in written]
    assert "hacked" not in written
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert f"{len(HOSTILE)} characters" in page
    assert "Texts are left out" in page


def test_the_page_says_whether_it_may_be_published(measured, html, tmp_path):
    assert "keep this page to yourself" in html
    own = [replace(i, document=replace(i.document, source="seeds")) for i in measured["toy"].scored]
    seeds = replace(measured["toy"], scored=own)
    write_report(seeds, make_tables(seeds.model, own, [i.document for i in own]), tmp_path, "x")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "may be published" in page
    assert "Against the baseline" not in page
    assert not (tmp_path / "changes.csv").exists()


# --- the command -------------------------------------------------------------------------------


@pytest.fixture
def corpus(documents, tmp_path):
    write_corpus(documents, tmp_path / "small.jsonl")
    return tmp_path / "small.jsonl"


def run(*args):
    return CliRunner().invoke(main, ["evaluate", *map(str, args)])


def test_evaluate_writes_a_report(models, corpus, tmp_path):
    out = tmp_path / "out"
    toy, strict = models["toy"][1], models["strict"][1]
    result = run(toy, corpus, "--report", out, "--baseline", strict, "--no-texts")
    assert (result.exit_code, result.stderr) == (0, "")
    metrics = json.loads((out / "metrics.json").read_text())
    command = (
        "dechrome evaluate toy small.jsonl --split development --report out --baseline strict --no-texts"
    )
    assert metrics["command"] == command
    assert metrics["baseline"]["name"] == "strict"
    assert str(tmp_path) not in "".join(path.read_text(encoding="utf-8") for path in out.iterdir())


@pytest.mark.parametrize("options", [["--baseline", "x"], ["--no-texts"]])
def test_options_of_the_report_alone_are_a_usage_error(models, corpus, options):
    result = run(models["toy"][1], corpus, *options)
    assert result.exit_code == 2
    assert "--report" in result.stderr


def test_bad_folders_are_refused_before_the_work(models, corpus, tmp_path):
    file = tmp_path / "file"
    file.write_text("x")
    for options, named in (
        (["--report", file], file),
        (["--report", file / "below"], file),
        (["--report", tmp_path / "out", "--baseline", tmp_path / "none"], tmp_path / "none"),
    ):
        result = run(models["toy"][1], corpus, *options)
        assert result.exit_code == 2
        assert str(named) in result.stderr
        assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["jinja2", "matplotlib"])
def test_a_missing_library_is_named_with_the_extra(models, corpus, tmp_path, monkeypatch, name):
    monkeypatch.setitem(sys.modules, name, None)
    result = run(models["toy"][1], corpus, "--report", tmp_path / "out")
    assert result.exit_code == 2
    assert f"needs {name}: pip install 'dechrome[report]'" in result.stderr
    assert not (tmp_path / "out").exists()


# --- in a browser ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("no Chromium on this machine")
    with playwright.sync_playwright() as started:
        found = started.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def opened(browser, report):
    """Opens the report; all that it asks for and complains about is kept, and must be nothing."""
    requests, complaints, contexts = [], [], []

    def open_page(width=1280, height=900, scheme="light"):
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
        contexts.append(context)
        view = context.new_page()
        view.on("console", lambda message: complaints.append(message.text))
        view.on("pageerror", lambda error: complaints.append(str(error)))
        view.route("**/*", lambda route: (requests.append(route.request.url), route.continue_()))
        view.goto((report / "report.html").as_uri())
        return view

    yield open_page
    for context in contexts:
        context.close()
    assert set(requests) <= {(report / "report.html").as_uri()}
    assert complaints == []


def background(view):
    return view.evaluate("getComputedStyle(document.body).backgroundColor")


def visible(view, selector):
    return view.locator(f"#worst {selector}:not([hidden])").count()


def press(view, selector, key="Space"):
    view.locator(selector).focus()
    view.keyboard.press(key)


def test_the_page_follows_the_colour_scheme_of_the_system(opened):
    light, dark = opened(scheme="light"), opened(scheme="dark")
    assert background(light) != background(dark)
    assert light.screenshot() != dark.screenshot()
    for view in (light, dark):
        text, label = view.evaluate(
            "[document.body, document.querySelector('.figure-curve text')].map((e, i) => "
            "getComputedStyle(e)[i ? 'fill' : 'color'])"
        )
        assert text == label


def test_the_button_changes_the_colours(opened):
    view = opened()
    before, name = background(view), view.locator("#theme").inner_text()
    press(view, "#theme", "Enter")
    assert background(view) != before
    assert view.locator("#theme").inner_text() != name
    press(view, "#theme")
    assert background(view) == before


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_overflows_on_a_phone(opened, scheme):
    view = opened(360, 780, scheme)
    view.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")
    assert view.evaluate("document.documentElement.scrollWidth") == 360
    wide = view.evaluate(
        "[...document.querySelectorAll('main *')].filter(e => !e.closest('.scroll') && "
        "!e.classList.contains('hidden') && e.getBoundingClientRect().right > 361).map(e => e.className)"
    )
    assert wide == []
    assert view.evaluate("(e => e.scrollWidth > e.clientWidth)(document.querySelector('#documents .scroll'))")


def test_filters_work_by_keyboard(opened):
    view = opened()
    # One document without an error, whatever the model makes of it, for the filter to hide.
    view.evaluate(
        "document.querySelector('#worst .document').querySelectorAll('.paragraph')"
        ".forEach(e => { e.dataset.error = 'no'; e.classList.add('error-none'); })"
    )
    everything = visible(view, ".paragraph")
    press(view, "#worst [data-group=error]")
    errors = visible(view, ".paragraph")
    assert 0 < errors < everything
    assert visible(view, ".error-none.paragraph") == 0
    assert view.locator("#worst [data-group=error]").get_attribute("aria-pressed") == "true"
    press(view, "#worst [data-value=cookie]", "Enter")
    both = visible(view, ".paragraph")
    assert 0 < both < errors
    assert visible(view, ".paragraph[data-kind~=cookie]") == both
    press(view, "#worst [data-value=legal]")
    assert visible(view, ".paragraph") > both
    assert visible(view, ".document") < view.locator("#worst .document").count()
    status = view.locator("#worst .status").inner_text()
    assert status.startswith(f"{visible(view, '.paragraph')} of ")
    press(view, "#worst [data-clear]")
    assert visible(view, ".paragraph") == everything


def test_filters_tell_when_nothing_is_left(opened):
    view = opened()
    outcomes = view.locator("#comparison .paragraph").evaluate_all("all => all.map(e => e.dataset.outcome)")
    assert outcomes
    press(view, "#comparison [data-value=worse]")
    shown = view.locator("#comparison .paragraph:not([hidden])").count()
    assert shown == outcomes.count("worse")
    view.evaluate("document.querySelectorAll('#worst .paragraph').forEach(e => { e.dataset.error = 'no'; })")
    press(view, "#worst [data-group=error]")
    assert view.locator("#worst .nothing").is_visible()


def test_documents_open_by_keyboard_and_all_at_once(opened):
    view = opened()
    second = view.locator("#worst .document").nth(1)
    second.locator("summary").focus()
    view.keyboard.press("Enter")
    assert second.get_attribute("open") is not None
    press(view, "#worst [data-open]")
    assert view.locator("#worst .document:not([open])").count() == 0
    press(view, "#worst [data-open]")
    assert view.locator("#worst .document[open]").count() == 0


def test_the_first_stop_of_the_keyboard_skips_to_the_figures(opened):
    view = opened()
    view.keyboard.press("Tab")
    assert view.evaluate("document.activeElement.className") == "skip"
    assert view.locator(".skip").bounding_box()["y"] >= 0
    assert view.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    view.keyboard.press("Enter")
    assert view.evaluate("document.activeElement.id") == "main"


def test_right_to_left_texts_are_on_the_right(opened):
    view = opened()
    press(view, "#worst [data-open]")
    arabic = (
        view.locator('#worst .text[lang="ar"]').filter(has_text=re.compile(r"^[\u0600-\u06ff\s]+$")).first
    )
    assert arabic.evaluate("e => getComputedStyle(e).direction") == "rtl"
    gaps = arabic.evaluate(
        "e => { const r = document.createRange(); r.selectNodeContents(e); const t = r.getClientRects()[0], "
        "b = e.getBoundingClientRect(); return [t.left - b.left, b.right - t.right]; }"
    )
    assert gaps[1] < 20 < gaps[0]
    other = view.locator('#worst .text:not([lang="ar"])').first
    assert other.evaluate("e => getComputedStyle(e).direction") == "ltr"


def test_texts_run_no_script(opened):
    view = opened()
    assert view.evaluate("typeof window.hacked") == "undefined"


def test_drawing_warns_of_nothing(measured, toy_model):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for display in DISPLAYS:
            draw_svg(display.from_scored(measured["toy"].scored, toy_model), "x", "x")
