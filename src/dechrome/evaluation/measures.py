"""Model + labelled documents -> measures per document, language, source and kind.

*Document word F1* compares the kept paragraphs with the gold text as bags of words (characters
where words are not separated), as in Lejeune and Zhu 2018; it judges the whole chain against text
that people extracted. *Paragraph* measures judge against the labels, unknown paragraphs left out.
Intervals are bootstrapped over sites, since pages of one site are not independent.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from dechrome.batch import Batch
from dechrome.labels import CHROME_KINDS, KINDS, Favor
from dechrome.model import Model, choose_kinds
from dechrome.training.corpus import Document
from dechrome.training.restyling import STYLES, restyle_documents

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "LEAST_CEILING",
    "Parts",
    "Scored",
    "draw_shapes",
    "evaluate_documents",
    "evaluate_kinds",
    "evaluate_paragraphs",
    "evaluate_settings",
    "evaluate_shapes",
    "evaluate_thresholds",
    "join_parts",
    "score_documents",
    "word_f1",
]

_WORD = re.compile(r"\w+")
#: Scripts written without spaces: compared by character.
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\uf900-\ufaff]")
_CHUNK = 64
#: A page whose perfect labels do not reach this F1 does not hold its gold (broken encoding, other page).
LEAST_CEILING = 0.5


@dataclass(frozen=True, slots=True)
class Scored:
    """A document and what a model says of it."""

    document: Document
    p_content: npt.NDArray[np.float32]
    """Shape (n_paragraphs,)."""
    kind: npt.NDArray[np.int64]
    """Predicted column of KINDS within the predicted label, (n_paragraphs,)."""
    is_kept: npt.NDArray[np.bool_]
    """Predicted content, (n_paragraphs,)."""


def score_documents(model: Model, documents: Sequence[Document], favor: Favor = "balanced") -> list[Scored]:
    """Run a model over documents; labels and ``p_content`` as with that preset."""
    scored = []
    for start in range(0, len(documents), _CHUNK):
        part = documents[start : start + _CHUNK]
        ptr = np.concatenate([[0], np.cumsum([len(d.paragraphs) for d in part])])
        P, p_content = model.score(Batch([text for d in part for text in d.paragraphs], ptr), favor)
        is_kept = p_content >= model.thresholds[favor]
        kind = choose_kinds(P, is_kept)
        for document, first, last in zip(part, ptr[:-1], ptr[1:], strict=True):
            scored.append(Scored(document, p_content[first:last], kind[first:last], is_kept[first:last]))
    return scored


def _bag(text: str) -> Counter[str]:
    spaced = _UNSPACED.sub(" ", text.lower())
    return Counter(_WORD.findall(spaced)) + Counter(_UNSPACED.findall(text))


def word_f1(kept: str, gold: str) -> tuple[float, float, float]:
    """Precision, recall and F1 of two texts as bags of words.

    Examples
    --------
    >>> word_f1("the cat sat", "the cat")
    (0.6666666666666666, 1.0, 0.8)
    """
    found, wanted = _bag(kept), _bag(gold)
    common = (found & wanted).total()
    if not found or not wanted:
        same = float(not found and not wanted)
        return same, same, same
    precision, recall = common / found.total(), common / wanted.total()
    return precision, recall, 2 * precision * recall / (precision + recall) if common else 0.0


def evaluate_documents(scored: Iterable[Scored]) -> pd.DataFrame:
    """Word precision, recall and F1 of each document whose gold covers all content.

    Returns
    -------
    DataFrame
        Columns document_id, source, site, language, genre, precision, recall, f1, and ceiling: the
        F1 that the labels themselves reach (unknown paragraphs decided by the model).
    """
    import pandas as pd

    rows = []
    for item in scored:
        document = item.document
        if not document.gold:
            continue
        kept = [text for text, keep in zip(document.paragraphs, item.is_kept, strict=True) if keep]
        right = [
            text
            for text, keep, label in zip(document.paragraphs, item.is_kept, document.labels, strict=True)
            if label == "content" or (label is None and keep)
        ]
        precision, recall, f1 = word_f1("\n".join(kept), document.gold)
        rows.append(
            {
                "document_id": document.document_id, "source": document.source, "site": document.site,
                "language": document.language, "genre": document.genre, "precision": precision,
                "recall": recall, "f1": f1, "ceiling": word_f1("\n".join(right), document.gold)[2],
            }
        )  # fmt: skip
    columns = ["document_id", "source", "site", "language", "genre", "precision", "recall", "f1", "ceiling"]
    return pd.DataFrame(rows, columns=columns)


def _binary(scored: Sequence[Scored]) -> tuple[npt.NDArray[np.bool_], ...]:
    labels = np.array([label or "" for item in scored for label in item.document.labels], dtype=object)
    known = labels != ""
    kept = np.concatenate([item.is_kept for item in scored]) if scored else np.zeros(0, np.bool_)
    return labels[known] == "content", kept[known], known


def evaluate_paragraphs(scored: Sequence[Scored]) -> dict[str, float]:
    """Content precision, recall, F1, average precision, macro F1 and accuracy over known paragraphs.

    Also the expected calibration error of ``p_content`` over ten equal bins (Guo et al. 2017).
    """
    from sklearn.metrics import average_precision_score, f1_score, precision_score, recall_score

    gold, kept, known = _binary(scored)
    if len(gold) == 0:
        return {"n": 0.0}
    p = np.concatenate([item.p_content for item in scored])[known]
    bins = np.minimum((p * 10).astype(int), 9)
    gaps = [
        abs(p[bins == b].mean() - gold[bins == b].mean()) * (bins == b).mean() for b in set(bins.tolist())
    ]
    both = 0 < gold.mean() < 1
    return {
        "n": float(len(gold)),
        "precision": float(precision_score(gold, kept, zero_division=0.0)),
        "recall": float(recall_score(gold, kept, zero_division=0.0)),
        "f1": float(f1_score(gold, kept, zero_division=0.0)),
        "average_precision": float(average_precision_score(gold, p)) if both else float("nan"),
        "macro_f1": float(f1_score(gold, kept, average="macro", zero_division=0.0)),
        "accuracy": float((gold == kept).mean()),
        "calibration_error": float(sum(gaps)),
    }


def evaluate_thresholds(scored: Sequence[Scored], thresholds: Iterable[float]) -> pd.DataFrame:
    """What each threshold on ``p_content`` keeps, and how right that is; to choose one by.

    Parameters
    ----------
    scored : sequence of Scored
    thresholds : iterable of float

    Returns
    -------
    DataFrame
        One row a threshold: paragraphs kept, content precision, recall and F1 over those with a known label,
        and the mean word F1 of the documents that have gold text.
    """
    import pandas as pd

    rows: dict[float, dict[str, float]] = {}
    for threshold in thresholds:
        moved = [replace(item, is_kept=item.p_content >= threshold) for item in scored]
        paragraphs = evaluate_paragraphs(moved)
        rows[threshold] = {
            "kept": sum(int(item.is_kept.sum()) for item in moved),
            **{name: paragraphs.get(name, float("nan")) for name in ("precision", "recall", "f1")},
            "document_f1": float(evaluate_documents(moved).f1.mean()),
        }
    columns = ["kept", "precision", "recall", "f1", "document_f1"]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("threshold")
    return table.astype({"kept": int})


def evaluate_kinds(scored: Sequence[Scored], read_only: bool = True) -> pd.DataFrame:
    """Precision, recall and F1 of each kind.

    Parameters
    ----------
    scored : sequence of Scored
    read_only : bool
        Only paragraphs whose kind was decided by reading; those from markup are too noisy to judge by.

    Returns
    -------
    DataFrame
        One row a kind, then "macro chrome": the mean F1 of the chrome kinds present.
    """
    import pandas as pd
    from sklearn.metrics import precision_recall_fscore_support

    gold, found = [], []
    for item in scored:
        positions = item.document.read if read_only else range(len(item.document.kinds))
        for i in positions:
            kind = item.document.kinds[i]
            if kind is not None:
                gold.append(KINDS.index(kind))
                found.append(int(item.kind[i]))
    measures = np.zeros((4, len(KINDS)))
    if gold:
        measures[:] = precision_recall_fscore_support(
            gold, found, labels=list(range(len(KINDS))), zero_division=0.0
        )
    precision, recall, f1, n = measures
    table = pd.DataFrame({"precision": precision, "recall": recall, "f1": f1, "n": n}, index=list(KINDS))
    chrome = table.loc[list(CHROME_KINDS)]
    present = chrome[chrome.n > 0]
    table.loc["macro chrome"] = [*present[["precision", "recall", "f1"]].mean().tolist(), present.n.sum()]
    return table.astype({"n": int})


# --- shapes of input ---------------------------------------------------------------------------


#: A document cut and put together: documents and the positions taken of each.
Parts = list[tuple[Document, list[int]]]


def join_parts(parts: Parts) -> Document:
    """The parts as one document, named after the first; it has no gold text."""
    first = parts[0][0]
    return replace(
        first,
        gold="",
        paragraphs=[document.paragraphs[i] for document, positions in parts for i in positions],
        labels=[document.labels[i] for document, positions in parts for i in positions],
        kinds=[document.kinds[i] for document, positions in parts for i in positions],
        read=[],
    )


def draw_shapes(documents: Sequence[Document], random_state: int = 0) -> dict[str, list[Parts]]:
    """Documents that are not whole pages, as users bring them.

    Returns
    -------
    dict of str to list
        "alone": an article's content; "same page", "other language": with 2 to 5 leftover paragraphs (of 25
        characters and more) behind it, of its own page or of a page in another language; "single": one
        paragraph.
    """
    rng = np.random.default_rng(random_state)
    drawn: dict[str, list[Parts]] = {"alone": [], "same page": [], "other language": [], "single": []}

    def positions(document: Document, label: str, least: int = 1) -> list[int]:
        pairs = zip(document.labels, document.paragraphs, strict=True)
        return [i for i, (found, text) in enumerate(pairs) if found == label and len(text) >= least]

    chrome_of = {id(d): positions(d, "chrome", 25) for d in documents}
    for document in documents:
        content, chrome = positions(document, "content"), chrome_of[id(document)]
        pools = [pool for pool in (content, positions(document, "chrome")) if pool]
        drawn["single"] += [[(document, [pool[int(rng.integers(len(pool)))]])] for pool in pools]
        if len(content) < 3:
            continue
        article = (document, content)
        drawn["alone"].append([article])
        if len(chrome) >= 2:
            drawn["same page"].append([article, (document, _run(chrome, rng))])
        strangers = [d for d in documents if d.language != document.language and len(chrome_of[id(d)]) >= 2]
        if strangers:
            stranger = strangers[int(rng.integers(len(strangers)))]
            drawn["other language"].append([article, (stranger, _run(chrome_of[id(stranger)], rng))])
    return drawn


def evaluate_shapes(model: Model, documents: Sequence[Document], random_state: int = 0) -> dict[str, float]:
    """How a model does on documents that are not whole pages, see :func:`draw_shapes`.

    Returns
    -------
    dict of str to float
        Character recall on articles alone, F1 of chrome on articles with leftovers, macro F1 on single
        paragraphs.
    """
    scored = {
        shape: score_documents(model, [join_parts(parts) for parts in drawn])
        for shape, drawn in draw_shapes(documents, random_state).items()
    }
    return {
        "article alone, character recall": _character_recall(scored["alone"]),
        "article + chrome of the same page, chrome F1": _chrome_f1(scored["same page"]),
        "article + chrome in another language, chrome F1": _chrome_f1(scored["other language"]),
        "single paragraph, macro F1": evaluate_paragraphs(scored["single"]).get("macro_f1", float("nan")),
    }


def evaluate_settings(model: Model, documents: Sequence[Document], random_state: int = 0) -> dict[str, float]:
    """How a model does on the same documents set otherwise, see :mod:`dechrome.training.restyling`.

    Returns
    -------
    dict of str to float
        Macro F1 of the paragraphs with a known label, by style.
    """
    found = {}
    for style in STYLES:
        restyled = restyle_documents(documents, 1.0, np.random.default_rng(random_state), [style])
        measures = evaluate_paragraphs(score_documents(model, restyled))
        found[f"{style}, macro F1"] = measures.get("macro_f1", float("nan"))
    return found


def _run(chrome: list[int], rng: np.random.Generator) -> list[int]:
    size = int(rng.integers(2, 6))
    start = int(rng.integers(0, max(1, len(chrome) - size + 1)))
    return chrome[start : start + size]


def _character_recall(scored: Sequence[Scored]) -> float:
    total = kept = 0
    for item in scored:
        for text, keep in zip(item.document.paragraphs, item.is_kept, strict=True):
            total += len(text)
            kept += len(text) * bool(keep)
    return kept / total if total else float("nan")


def _chrome_f1(scored: Sequence[Scored]) -> float:
    from sklearn.metrics import f1_score

    gold, kept, _ = _binary(scored)
    return float(f1_score(~gold, ~kept, zero_division=0.0)) if len(gold) else float("nan")


# --- intervals ---------------------------------------------------------------------------------


def bootstrap_interval(
    values: npt.NDArray[np.float64],
    sites: Sequence[str],
    statistic: Callable[[npt.NDArray[np.float64]], float] = lambda v: float(v.mean()),
    n_resamples: int = 1000,
    random_state: int = 0,
) -> tuple[float, float]:
    """95 % interval of a mean, resampling whole sites (cluster bootstrap, Efron and Tibshirani 1993)."""
    rng = np.random.default_rng(random_state)
    groups: dict[str, list[float]] = {}
    for value, site in zip(values, sites, strict=True):
        groups.setdefault(site, []).append(float(value))
    names = list(groups)
    if not names:
        return float("nan"), float("nan")
    results = []
    for _ in range(n_resamples):
        drawn = [x for i in rng.integers(len(names), size=len(names)) for x in groups[names[i]]]
        results.append(statistic(np.array(drawn)))
    low, high = np.quantile(results, [0.025, 0.975])
    return float(low), float(high)
