"""Scored documents -> headline figures with intervals over sites, and what differs between two models.

Every figure is a function of counts that add up over sites, so that a resample of the sites is a
weighted sum of their counts. Two models are compared on the same resamples (paired cluster
bootstrap, Efron and Tibshirani 1993), which leaves out what makes a site easy or hard for both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from dechrome.evaluation.measures import LEAST_CEILING, Scored, evaluate_documents
from dechrome.evaluation.tables import NEWS_SOURCES
from dechrome.labels import CHROME_KINDS, CONTENT_KINDS, KINDS

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "FIGURES",
    "compare_figures",
    "document_scores",
    "find_changes",
    "measure_figures",
]

_Counts = npt.NDArray[np.float64]

#: The headline figures, in their order.
FIGURES = (
    "document F1, news",
    "document F1, all sources",
    "paragraph F1",
    "chrome kinds, macro F1",
)
_N_RESAMPLES = 1000
_N_KINDS, _N_CONTENT = len(KINDS), len(CONTENT_KINDS)


@dataclass(frozen=True, slots=True)
class _Measure:
    """Counts of each site that add up, and the figure that a sum of them gives."""

    n: int
    """Documents or paragraphs counted."""
    sites: list[str]
    counts: _Counts
    """Shape (n_sites, n_counts)."""
    statistic: Callable[[_Counts], _Counts]
    """Sums (..., n_counts) -> figures (...)."""

    @property
    def value(self) -> float:
        return float(self.statistic(self.counts.sum(axis=0)))

    def resample(self, random_state: int = 0) -> _Counts:
        """Figures on resampled sites, shape (n_resamples,); the same sites for the same ``random_state``."""
        rng, n_sites = np.random.default_rng(random_state), len(self.sites)
        weights = [
            np.bincount(rng.integers(n_sites, size=n_sites), minlength=n_sites) for _ in range(_N_RESAMPLES)
        ]
        return self.statistic(np.array(weights, np.float64) @ self.counts)


def _ratio(sums: _Counts) -> _Counts:
    """First count over the second, 0 where there is none."""
    return sums[..., 0] / np.maximum(sums[..., 1], 1e-12)


def _macro_chrome_f1(sums: _Counts) -> _Counts:
    """Mean F1 of the chrome kinds present, from flattened confusion matrices (gold, predicted)."""
    confusion = sums.reshape(*sums.shape[:-1], _N_KINDS, _N_KINDS)
    gold, found = confusion.sum(axis=-1), confusion.sum(axis=-2)
    f1 = 2 * np.diagonal(confusion, axis1=-2, axis2=-1) / np.maximum(gold + found, 1e-12)
    present = gold[..., _N_CONTENT:] > 0
    return (f1[..., _N_CONTENT:] * present).sum(axis=-1) / np.maximum(present.sum(axis=-1), 1)


def _by_site(
    rows: Sequence[Sequence[float] | _Counts], sites: Sequence[str], n: int, statistic: Callable[..., Any]
) -> _Measure:
    names = list(dict.fromkeys(sites))
    position = {name: i for i, name in enumerate(names)}
    counts = np.zeros((len(names), np.size(rows[0])))
    for row, site in zip(rows, sites, strict=True):
        counts[position[site]] += np.ravel(row)
    return _Measure(n, names, counts, statistic)


def _document_measure(documents: pd.DataFrame) -> _Measure | None:
    if documents.empty:
        return None
    rows = [(f1, 1.0) for f1 in documents.f1]
    return _by_site(rows, documents.site.tolist(), len(rows), _ratio)


def _paragraph_measure(scored: Sequence[Scored]) -> _Measure | None:
    rows, n = [], 0
    for item in scored:
        pairs = [
            (x == "content", bool(k)) for x, k in zip(item.document.labels, item.is_kept, strict=True) if x
        ]
        found, wanted = sum(kept for _, kept in pairs), sum(gold for gold, _ in pairs)
        n += len(pairs)
        rows.append((2.0 * sum(gold and kept for gold, kept in pairs), float(found + wanted)))
    return _by_site(rows, [item.document.site for item in scored], n, _ratio) if n else None


def _kind_measure(scored: Sequence[Scored]) -> _Measure | None:
    rows, sites, n = [], [], 0
    for item in scored:
        confusion = np.zeros((_N_KINDS, _N_KINDS))
        for i in item.document.read:
            kind = item.document.kinds[i]
            if kind is not None:
                confusion[KINDS.index(kind), int(item.kind[i])] += 1
                n += kind in CHROME_KINDS
        rows.append(confusion)
        sites.append(item.document.site)
    return _by_site(rows, sites, n, _macro_chrome_f1) if n else None


def _measures(scored: Sequence[Scored], documents: pd.DataFrame) -> dict[str, _Measure]:
    found = (
        _document_measure(documents[documents.source.isin(NEWS_SOURCES)]),
        _document_measure(documents),
        _paragraph_measure(scored),
        _kind_measure(scored),
    )
    return {name: measure for name, measure in zip(FIGURES, found, strict=True) if measure is not None}


def _judged(scored: Sequence[Scored]) -> tuple[pd.DataFrame, npt.NDArray[np.bool_]]:
    documents = evaluate_documents(scored)
    return documents, (documents.ceiling >= LEAST_CEILING).to_numpy()


def _interval(values: _Counts) -> tuple[float, float]:
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)


def measure_figures(scored: Sequence[Scored]) -> pd.DataFrame:
    """Headline figures of a model with their 95 % intervals, whole sites resampled.

    Parameters
    ----------
    scored : sequence of Scored

    Returns
    -------
    DataFrame
        Rows of :data:`FIGURES` that the documents have something to measure by; columns value, low,
        high, n (documents or paragraphs) and sites.
    """
    import pandas as pd

    documents, is_judged = _judged(scored)
    rows = {}
    for name, measure in _measures(scored, documents[is_judged]).items():
        low, high = _interval(measure.resample())
        rows[name] = {
            "value": measure.value, "low": low, "high": high, "n": measure.n, "sites": len(measure.sites),
        }  # fmt: skip
    columns = ["value", "low", "high", "n", "sites"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).astype({"n": int, "sites": int})


def compare_figures(scored: Sequence[Scored], baseline: Sequence[Scored]) -> pd.DataFrame:
    """Headline figures of two models on the same documents, and their difference.

    Parameters
    ----------
    scored, baseline : sequence of Scored
        The same documents in the same order.

    Returns
    -------
    DataFrame
        Rows as of :func:`measure_figures`; columns model, baseline, difference (model less
        baseline), and low and high, the 95 % interval of the difference on paired resamples of the
        sites. Documents whose gold cannot be found by either model's ceiling are left out of both.
    """
    import pandas as pd

    documents, is_judged = _judged(scored)
    others, is_judged_too = _judged(baseline)
    both = is_judged & is_judged_too
    ours, theirs = _measures(scored, documents[both]), _measures(baseline, others[both])
    rows = {}
    for name, measure in ours.items():
        low, high = _interval(measure.resample() - theirs[name].resample())
        values = (measure.value, theirs[name].value)
        rows[name] = dict(
            zip(
                ("model", "baseline", "difference", "low", "high"),
                (*values, values[0] - values[1], low, high),
                strict=True,
            )
        )
    return pd.DataFrame.from_dict(
        rows, orient="index", columns=["model", "baseline", "difference", "low", "high"]
    )


def document_scores(scored: Sequence[Scored]) -> list[tuple[str, float]]:
    """How each document did, by the best measure there is for it.

    Parameters
    ----------
    scored : sequence of Scored

    Returns
    -------
    list of (str, float), length n_documents
        "word F1" where gold text is there and can be found on the page, else "paragraph accuracy",
        and its value in [0, 1]; NaN where no label is known either.
    """
    documents, is_judged = _judged(scored)
    by_gold = iter(zip(documents.f1, is_judged, strict=True))
    scores = []
    for item in scored:
        if item.document.gold:
            f1, judged = next(by_gold)
            if judged:
                scores.append(("word F1", float(f1)))
                continue
        right = [(x == "content") == k for x, k in zip(item.document.labels, item.is_kept, strict=True) if x]
        scores.append(("paragraph accuracy", float(np.mean(right)) if right else float("nan")))
    return scores


def find_changes(scored: Sequence[Scored], baseline: Sequence[Scored]) -> pd.DataFrame:
    """Paragraphs that two models label differently.

    Parameters
    ----------
    scored, baseline : sequence of Scored
        The same documents in the same order.

    Returns
    -------
    DataFrame
        One row a paragraph: document (position in ``scored``), document_id, source, language,
        paragraph (its position), length (code points), gold ("" if unknown), baseline, model, and
        outcome: "better" where the model is right and the baseline is not, "worse" the other way
        round, "unknown" without a gold label.
    """
    import pandas as pd

    names = ("chrome", "content")
    rows = []
    for d, (item, other) in enumerate(zip(scored, baseline, strict=True)):
        document = item.document
        for i in np.flatnonzero(item.is_kept != other.is_kept).tolist():
            gold, label = document.labels[i], names[int(item.is_kept[i])]
            outcome = "unknown" if gold is None else "better" if gold == label else "worse"
            rows.append(
                {
                    "document": d, "document_id": document.document_id, "source": document.source,
                    "language": document.language, "paragraph": i, "length": len(document.paragraphs[i]),
                    "gold": gold or "", "baseline": names[int(other.is_kept[i])], "model": label,
                    "outcome": outcome,
                }
            )  # fmt: skip
    columns = [
        "document", "document_id", "source", "language", "paragraph", "length", "gold", "baseline", "model",
        "outcome",
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)
