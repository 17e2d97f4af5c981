"""Measures of a model -> a folder that people look at: one HTML page, the tables as CSV, all of it as JSON.

The page needs no network: style, script and figures are in it, and its content security policy lets
it load nothing. Texts of documents are escaped by Jinja2. Needs the ``report`` extra.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.metadata
import importlib.util
import json
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dechrome.errors import InputError
from dechrome.evaluation.comparison import compare_figures, find_changes, measure_figures
from dechrome.evaluation.displays import (
    CalibrationDisplay,
    ContentCurveDisplay,
    Display,
    DocumentF1Display,
    KindConfusionDisplay,
)
from dechrome.evaluation.drawing import draw_svg
from dechrome.evaluation.excerpts import find_changed_documents, find_worst_documents
from dechrome.evaluation.measures import Scored, score_documents
from dechrome.evaluation.tables import ONE_SIDED_SOURCES, TITLES, write_tables
from dechrome.files.writing import write_whole
from dechrome.labels import KIND_MEANINGS, KINDS
from dechrome.model import Model
from dechrome.results import KIND_COLOURS
from dechrome.training.corpus import Document

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Measured", "check_report_extra", "measure_models", "write_report"]

_TABLES = dict[str, "pd.DataFrame"]
_N_DOCUMENTS = 30
#: What each column of the tables is called on the page.
_COLUMNS = {
    "n": "n", "f1": "F1", "low": "low", "high": "high", "by_site": "F1 by site", "left_out": "left out",
    "average_precision": "average precision", "macro_f1": "macro F1", "document_f1": "document F1",
    "calibration_error": "calibration error", "news_precision": "news precision",
    "news_recall": "news recall", "news_f1": "news F1", "paragraph_precision": "paragraph precision",
    "paragraph_recall": "paragraph recall", "content_ratio": "share of content",
}  # fmt: skip
#: Columns that count although they are kept as floats.
_COUNTS = ("n", "documents", "sites", "left_out")
#: Decimal places that are kept.
_DIGITS = 6


def check_report_extra() -> None:
    """Raise ImportError, naming what to install, unless the libraries of a report are there."""
    missing = [name for name in ("jinja2", "matplotlib") if importlib.util.find_spec(name) is None]
    if missing:
        raise ImportError(f"A report needs {' and '.join(missing)}: pip install 'dechrome[report]'.")


@dataclass(frozen=True, slots=True)
class Measured:
    """A model, what it says of documents, and what that took."""

    name: str
    model: Model
    n_bytes: int
    """Size of the model folder."""
    scored: list[Scored]
    seconds: list[float]
    """Time of each pass over the documents, one thread."""

    @property
    def speed(self) -> dict[str, float]:
        """Documents, and MB of text in UTF-8, in a second of the best pass; least and most seconds."""
        texts = (text for item in self.scored for text in item.document.paragraphs)
        n_bytes = sum(len(text.encode("utf-8", "replace")) for text in texts)
        best = max(min(self.seconds), 1e-9)
        return {
            "seconds": best,
            "slowest_seconds": max(self.seconds),
            "passes": len(self.seconds),
            "documents_per_second": len(self.scored) / best,
            "megabytes_per_second": n_bytes / 1e6 / best,
        }


def measure_models(
    models: Sequence[tuple[str, Model, Path]], documents: Sequence[Document], n_passes: int = 3
) -> list[Measured]:
    """Score documents and take the time.

    Parameters
    ----------
    models : sequence of (str, Model, Path)
        Name, model, and the folder that it was read from.
    documents : sequence of Document
    n_passes : int
        How often each model goes over the documents; the models take turns, so that what else the
        machine does falls on all of them.

    Notes
    -----
    Linear algebra is held to one thread: with two, on two busy cores, the same pass took anything from the
    same time to ten times as long.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    scored: dict[int, list[Scored]] = {}
    seconds: list[list[float]] = [[] for _ in models]
    with threadpool_limits(1):
        for _, model, _ in models:
            score_documents(model, documents[:1])  # the first call pays for imports and caches
        for _ in range(n_passes):
            for i, (_, model, _) in enumerate(models):
                start = time.perf_counter()
                scored[i] = score_documents(model, documents)
                seconds[i].append(time.perf_counter() - start)
    sizes = [sum(p.stat().st_size for p in folder.rglob("*") if p.is_file()) for *_, folder in models]
    return [
        Measured(name, model, sizes[i], scored[i], seconds[i]) for i, (name, model, _) in enumerate(models)
    ]


def _usable(scored: Sequence[Scored]) -> list[Scored]:
    return [item for item in scored if item.document.source not in ONE_SIDED_SOURCES]


# --- metrics.json ------------------------------------------------------------------------------


def _plain(value: Any) -> Any:
    """A cell as JSON knows it: NaN is null."""
    value = value.item() if hasattr(value, "item") else value
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _rounded_rows(table: pd.DataFrame) -> Iterator[tuple[Any, Any]]:
    """Name and cells of each row, the same for the page and for metrics.json."""
    return zip(table.index, table.round(_DIGITS).itertuples(index=False), strict=True)


def _table_values(table: pd.DataFrame) -> dict[str, dict[str, Any]]:
    return {
        str(name): {str(column): _plain(cell) for column, cell in zip(table.columns, row, strict=True)}
        for name, row in _rounded_rows(table)
    }


def _describe_model(measured: Measured) -> dict[str, Any]:
    return {
        "name": measured.name,
        "bytes": measured.n_bytes,
        "thresholds": dict(measured.model.thresholds),
        "speed": measured.speed,
    }


def _describe_corpus(scored: Sequence[Scored]) -> dict[str, Any]:
    documents = [item.document for item in scored]
    return {
        "documents": len(documents),
        "sites": len({document.site for document in documents}),
        "languages": len({document.language for document in documents}),
        "paragraphs": sum(len(document.paragraphs) for document in documents),
        "characters": sum(len(text) for document in documents for text in document.paragraphs),
        "sources": sorted({document.source for document in documents}),
    }


def _metrics(
    measured: Measured, tables: _TABLES, command: str, baseline: Measured | None, changes: pd.DataFrame | None
) -> dict[str, Any]:
    metrics = {
        "dechrome": importlib.metadata.version("dechrome"),
        "command": command,
        "model": _describe_model(measured),
        "corpus": _describe_corpus(measured.scored),
        "tables": {name: _table_values(table) for name, table in tables.items()},
    }
    if baseline is not None and changes is not None:
        counts = changes.outcome.value_counts()
        outcomes = {name: int(counts.get(name, 0)) for name in ("better", "worse", "unknown")}
        n_documents = int(changes.document.nunique())
        metrics |= {"baseline": _describe_model(baseline), "changes": outcomes | {"documents": n_documents}}
    return metrics


# --- what the page shows -----------------------------------------------------------------------


def _show_cell(value: Any, column: str) -> str:
    if isinstance(value, str):
        return value
    value = _plain(value)
    if value is None:
        return "–"
    if isinstance(value, int) or column in _COUNTS:
        return f"{value:,.0f}".replace(",", "\u202f")
    return f"{value:+.3f}".replace("-", "−") if column == "difference" else f"{value:.3f}"


def _show_table(name: str, table: pd.DataFrame) -> dict[str, Any]:
    """A table as the template takes it: caption, columns, rows of text."""
    columns = [str(column) for column in table.columns]
    rows = [
        (str(index), [_show_cell(cell, column) for cell, column in zip(row, columns, strict=True)])
        for index, row in _rounded_rows(table)
    ]
    caption = TITLES[name].replace("`", "")
    labels = [_COLUMNS.get(column, column) for column in columns]
    return {"name": name, "caption": caption, "columns": labels, "rows": rows}


def _draw_figures(scored: Sequence[Scored], model: Model) -> tuple[dict[str, str], _TABLES]:
    """The figures that the documents have something for, and the numbers of those."""
    makers: list[tuple[str, Any, str, tuple[float, float]]] = [
        ("curve", ContentCurveDisplay, "Precision against recall of content", (4.7, 3.6)),
        ("calibration", CalibrationDisplay, "Share of content against p_content", (4.7, 3.6)),
        ("confusion", KindConfusionDisplay, "Gold against predicted kinds", (6.6, 5.6)),
        ("spread", DocumentF1Display, "Word F1 of every document, by source", (4.7, 2.0)),
    ]
    figures, tables = {}, {}
    for name, maker, title, (width, height) in makers:
        try:
            display: Display = maker.from_scored(scored, model)
        except InputError:
            continue
        table = display.to_frame()
        if name == "spread":
            height = 0.9 + 0.55 * len(table)
        figures[name] = draw_svg(display, name, title, width, height)
        if name != "curve":  # its points are shown beside it
            tables[name] = table
    return figures, tables


def _view(
    measured: Measured, baseline: Measured | None, metrics: dict[str, Any], tables: _TABLES, with_texts: bool
) -> dict[str, Any]:
    usable = _usable(measured.scored)
    view: dict[str, Any] = {
        "metrics": metrics,
        "tables": {name: _show_table(name, table) for name, table in tables.items()},
        "figures": list(metrics["tables"]["figures"].items()),
        "worst": find_worst_documents(usable, _N_DOCUMENTS, with_texts),
        "with_texts": with_texts,
        "only_seeds": {item.document.source for item in usable} <= {"seeds"},
        "kinds": KINDS,
        "kind_colours": KIND_COLOURS,
        "kind_meanings": KIND_MEANINGS,
        "changed": [],
        "comparison": [],
    }
    if baseline is not None:
        view["comparison"] = list(metrics["tables"]["comparison"].items())
        view["changed"] = find_changed_documents(usable, _usable(baseline.scored), _N_DOCUMENTS, with_texts)
    return view


def _render(view: dict[str, Any], svgs: dict[str, str]) -> str:
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    folder = files("dechrome.evaluation")
    style, script, template = (
        (folder / name).read_text(encoding="utf-8")
        for name in ("report.css", "report.js", "report.html.jinja")
    )
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["signed"] = lambda value: _show_cell(value, "difference")
    environment.filters["grouped"] = lambda value: _show_cell(value, "n")
    return environment.from_string(template).render(
        view,
        style=Markup(style),
        script=Markup(script),
        script_digest=digest,
        svgs={name: Markup(svg) for name, svg in svgs.items()},
    )


def write_report(
    measured: Measured,
    tables: _TABLES,
    folder: Path,
    command: str,
    baseline: Measured | None = None,
    with_texts: bool = True,
) -> None:
    """Write ``report.html``, ``metrics.json``, the tables and, against a baseline, ``changes.csv``.

    Parameters
    ----------
    measured : Measured
    tables : dict of str to DataFrame
        As of :func:`dechrome.evaluation.tables.make_tables`.
    folder : Path
        Made if it is not there; files of the same names are replaced, each when it is whole.
    command : str
        What to say that it was written by.
    baseline : Measured, optional
        Another model on the same documents, to compare with.
    with_texts : bool
        Whether the paragraphs shown have their texts, or their lengths only.

    Raises
    ------
    ImportError
        If jinja2 or matplotlib is not installed.
    """
    check_report_extra()
    usable = _usable(measured.scored)
    svgs, drawn = _draw_figures(usable, measured.model)
    tables = {"figures": measure_figures(usable)} | tables | drawn
    changes = None
    if baseline is not None:
        others = _usable(baseline.scored)
        tables["comparison"] = compare_figures(usable, others)
        changes = find_changes(usable, others)
    metrics = _metrics(measured, tables, command, baseline, changes)
    page = _render(_view(measured, baseline, metrics, tables, with_texts), svgs)
    write_tables(tables, folder, command)
    texts = {"metrics.json": json.dumps(metrics, indent=1, allow_nan=False) + "\n", "report.html": page}
    if changes is not None:
        texts["changes.csv"] = changes.drop(columns="document").to_csv(index=False, lineterminator="\n")
    for name, text in texts.items():
        with write_whole(folder / name) as file:
            file.write(text.encode("utf-8", "replace"))
