"""Measures -> tables, as CSV and Markdown, and the model card."""

from __future__ import annotations

import importlib.metadata
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dechrome.evaluation.measures import (
    LEAST_CEILING,
    Scored,
    bootstrap_interval,
    evaluate_documents,
    evaluate_kinds,
    evaluate_paragraphs,
    evaluate_settings,
    evaluate_shapes,
    score_documents,
)
from dechrome.labels import KIND_MEANINGS
from dechrome.lexicon import HashedLexicon
from dechrome.model import Model
from dechrome.training.corpus import ONE_SIDED_SOURCES, Document

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "NEWS_SOURCES",
    "ONE_SIDED_SOURCES",
    "TITLES",
    "is_whole_article",
    "make_tables",
    "model_card",
    "tables_to_markdown",
    "write_tables",
]

#: Sources of news pages, whose mean is the first figure of every report.
NEWS_SOURCES = ("fundus", "daniel")

#: What each table tells.
TITLES = {
    "documents": "Document word F1 against gold text: mean over documents with its 95 % interval over sites, "
    "and mean over sites; pages on which less than half of the gold can be found are left out",
    "paragraphs": "Paragraphs with a known label",
    "languages": "By language",
    "kinds": "Kinds, on paragraphs decided by reading: of all documents, and of those that are not seeds",
    "presets": "What `favor` does: threshold on `p_content`, document word precision, recall and F1 on news "
    "(all 0 where nothing of a page is kept), and precision and recall of content over all known paragraphs",
    "shapes": "Parts of documents, and documents set otherwise: of articles whose gold covers all content, "
    "and of seeds",
    "calibration": "Calibration of `p_content`: paragraphs by probability, and the share of content",
    "confusion": "Gold kinds (rows) against predicted kinds (columns), on paragraphs decided by reading",
    "spread": "Spread of document word F1 within each source",
    "figures": "Headline figures: value and 95 % interval, whole sites resampled",
    "comparison": "Against the baseline, on the same documents: difference and its 95 % interval, the same "
    "resamples of sites for both",
}


def is_whole_article(document: Document) -> bool:
    """Whether content and chrome of the document are known well enough to cut it up and judge the parts."""
    return bool(document.gold) and (document.source != "wcxb" or document.genre == "article")


def _document_rows(documents: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    groups: list[tuple[str, pd.DataFrame]] = [
        ("news (fundus, daniel)", documents[documents.source.isin(NEWS_SOURCES)]),
        *((str(name), part) for name, part in documents.groupby("source")),
        ("wcxb, articles", documents[(documents.source == "wcxb") & (documents.genre == "article")]),
    ]
    for language, part in documents[documents.source == "daniel"].groupby("language"):
        groups.append((f"daniel, {language}", part))
    rows = []
    for name, part in groups:
        left_out = int((part.ceiling < LEAST_CEILING).sum())
        part = part[part.ceiling >= LEAST_CEILING]
        if len(part):
            low, high = bootstrap_interval(part.f1.to_numpy(), part.site.tolist())
            rows.append(
                {
                    "documents": name, "n": len(part), "sites": part.site.nunique(),
                    "precision": part.precision.mean(), "recall": part.recall.mean(), "f1": part.f1.mean(),
                    "low": low, "high": high, "by_site": part.groupby("site").f1.mean().mean(),
                    "ceiling": part.ceiling.mean(), "left_out": left_out,
                }
            )  # fmt: skip
    columns = [
        "documents",
        "n",
        "sites",
        "precision",
        "recall",
        "f1",
        "low",
        "high",
        "by_site",
        "ceiling",
        "left_out",
    ]
    return pd.DataFrame(rows, columns=columns).set_index("documents")


def _preset_rows(model: Model, scored: Sequence[Scored]) -> pd.DataFrame:
    import pandas as pd

    rows: dict[str, dict[str, float]] = {}
    whole = evaluate_documents(scored)
    judged = whole.document_id[whole.ceiling >= LEAST_CEILING]
    for favor, threshold in model.thresholds.items():
        moved = scored if favor == "balanced" else score_documents(model, [s.document for s in scored], favor)
        documents = evaluate_documents([item for item in moved if item.document.source in NEWS_SOURCES])
        documents = documents[documents.document_id.isin(judged)]
        paragraphs = evaluate_paragraphs(moved)
        rows[favor] = {
            "threshold": threshold,
            **{f"news_{name}": float(documents[name].mean()) for name in ("precision", "recall", "f1")},
            **{f"paragraph_{name}": paragraphs.get(name, float("nan")) for name in ("precision", "recall")},
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def _kinds_of_pages(scored: Sequence[Scored]) -> pd.DataFrame:
    """F1 of each kind on documents that were not written for the project; missing where none has the kind."""
    found = evaluate_kinds([item for item in scored if item.document.source != "seeds"])
    return found.assign(f1=found.f1.where(found.n > 0))[["f1", "n"]].add_suffix("_pages")


def make_tables(
    model: Model, scored: Sequence[Scored], documents: Sequence[Document]
) -> dict[str, pd.DataFrame]:
    """All tables of an evaluation.

    Parameters
    ----------
    model : Model
    scored : sequence of Scored
        What it says of the documents.
    documents : sequence of Document
        The same documents, for the shapes.

    Returns
    -------
    dict of str to DataFrame
        "documents", "paragraphs", "languages", "kinds", "presets" and "shapes".
    """
    import pandas as pd

    usable = [item for item in scored if item.document.source not in ONE_SIDED_SOURCES]
    sources = sorted({item.document.source for item in usable})
    languages = sorted({item.document.language for item in usable})
    by_source = {name: [i for i in usable if i.document.source == name] for name in sources}
    by_language = {name: [i for i in usable if i.document.language == name] for name in languages}
    articles = [document for document in documents if is_whole_article(document)]
    per_document = evaluate_documents(usable)
    language_rows = {
        name: {**evaluate_paragraphs(items), "documents": float(len(items))}
        for name, items in by_language.items()
    }
    languages_table = pd.DataFrame.from_dict(language_rows, orient="index")
    means = per_document.groupby("language").f1.mean()
    languages_table["document_f1"] = means.reindex(languages_table.index)
    return {
        "documents": _document_rows(per_document),
        "paragraphs": pd.DataFrame.from_dict(
            {name: evaluate_paragraphs(items) for name, items in [*by_source.items(), ("all", usable)]},
            orient="index",
        ),
        "languages": languages_table,
        "kinds": evaluate_kinds(usable).join(_kinds_of_pages(usable)),
        "presets": _preset_rows(model, usable),
        "shapes": pd.DataFrame.from_dict(
            evaluate_shapes(model, articles) | evaluate_settings(model, articles),
            orient="index", columns=["value"],
        ),
    }  # fmt: skip


def _markdown(table: pd.DataFrame, name: str) -> str:
    # Counts are floats where some are missing.
    numbers = table.select_dtypes("number")
    counts = {
        name for name, column in numbers.items() if column.max() > 1 and not (column.dropna() % 1).any()
    }

    def shown(value: object, column: str) -> str:
        if value != value:  # nothing to measure, as on news where the corpus has none
            return ""
        return f"{value:.{0 if column in counts else 3}f}" if isinstance(value, float) else str(value)

    lines = ["| " + " | ".join([name, *map(str, table.columns)]) + " |"]
    lines.append("|---" * (len(table.columns) + 1) + "|")
    for index, row in zip(table.index, table.itertuples(index=False), strict=True):
        lines.append("| " + " | ".join([str(index), *map(shown, row, table.columns)]) + " |")
    return "\n".join(lines)


def tables_to_markdown(tables: dict[str, pd.DataFrame]) -> str:
    """The tables under their titles."""
    return "\n\n".join(f"### {TITLES[name]}\n\n{_markdown(table, name)}" for name, table in tables.items())


def write_tables(tables: dict[str, pd.DataFrame], folder: Path, command: str) -> None:
    """Write each table as CSV, all of them as Markdown, with the command that made them."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {f"{name}.csv": table.round(6).to_csv(lineterminator="\n") for name, table in tables.items()}
    files["results.md"] = f"# Results\n\nWritten by `{command}`.\n\n{tables_to_markdown(tables)}\n"
    for name, text in files.items():
        handle, partial = tempfile.mkstemp(prefix=f".{name}.", dir=folder)
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        Path(partial).chmod(0o644)
        Path(partial).replace(folder / name)


#: What the data of a card were for: of a model made from them, and of one trained further.
_FITTED_ON = """\
Split by site: a fifth of the sites, never trained on, calibrate the model, set its threshold and give the
figures below. They are therefore a little optimistic."""
_ADAPTED_TO = """\
Not what the model was first made from, which the digest names: it was then trained further on {} corrected
documents (`corrections`). Of the other sources, split by site, the training sites kept it from forgetting,
and the development sites, a fifth, give the figures below. Calibration and thresholds stayed as they were."""


def model_card(model: Model, documents: Sequence[Document], tables: dict[str, pd.DataFrame]) -> str:
    """Text of a model's README: data, measures, limits, use."""
    sources: dict[str, list[Document]] = {}
    for document in documents:
        sources.setdefault(document.source, []).append(document)
    data = "\n".join(
        f"| {name} | {len(found)} | {len({d.site for d in found})} | {len({d.language for d in found})} |"
        for name, found in sorted(sources.items())
    )
    kinds = "\n".join(f"- `{kind}`: {meaning}" for kind, meaning in KIND_MEANINGS.items())
    packages = ("numpy", "scikit-learn")
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages)
    is_hashed = model.lexicon.name == HashedLexicon.name
    files = "Arrays and JSON only" if is_hashed else "Arrays, JSON and a fastText file checked by its hash"
    n_corrected = model.metadata.get("n_corrected_documents")
    use = _FITTED_ON if n_corrected is None else _ADAPTED_TO.format(n_corrected)
    return f"""# Dechrome paragraph model

Labels every paragraph of a web document, given as plain text, as article content or site chrome, with one
of twelve kinds and a calibrated probability of content.

```python
from dechrome import load_model

model = load_model("path/to/this/folder")
model.predict_paragraphs(text)
```

Lexicon: {model.lexicon.name}. Encoder: distilled from
[multilingual-e5-small](https://arxiv.org/abs/2402.05672), unless trained with one of another teacher.
Threshold on `p_content`: {model.threshold}. Languages told apart: {len(model.language.languages)}.
Trained with {versions}; corpus digest `{model.metadata.get("corpus_digest", "")[:16]}`.
{files}: loading executes nothing.

## Kinds

{kinds}

## Data

| source | documents | sites | languages |
|---|---|---|---|
{data}

{use}

## Measures on the development sites

{tables_to_markdown(tables)}

## Limits

- Real pages are mostly English, German, Polish, Russian, Chinese and Greek; other languages are learned
  from documents written for the project and from news lines.
- Most kinds on the shipped model's pages were decided by language models that read them, the others come
  from markup.
- A lone paragraph without its document is judged by its own look only; expect more errors.
- Forums, shops and listings: posts, product texts and cards are content there, but look like chrome.
"""
