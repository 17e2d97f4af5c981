"""Scored documents -> figures: curve of content, calibration, confusion of kinds, spread of document F1.

Each display is made like scikit-learn's: ``from_scored`` computes, ``plot`` draws on axes. Needs the
``report`` extra (matplotlib), which is imported when something is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from dechrome.errors import InputError
from dechrome.evaluation.measures import LEAST_CEILING, Scored, evaluate_documents
from dechrome.labels import KINDS, Favor
from dechrome.model import Model

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "CalibrationDisplay",
    "ContentCurveDisplay",
    "Display",
    "DocumentF1Display",
    "KindConfusionDisplay",
]

_Floats = npt.NDArray[np.float64]
_N_BINS = 10
#: One marker for each threshold, so that they are told apart without colour.
_MARKERS: dict[Favor, str] = {"precision": "^", "balanced": "o", "recall": "s"}
INSTALL = "Figures need matplotlib: pip install 'dechrome[report]'."


class Display(Protocol):
    """What can be drawn."""

    def plot(self, ax: Axes | None = None) -> Display:
        """Draw on axes, new ones if none are given."""
        ...

    def to_frame(self) -> pd.DataFrame:
        """The numbers drawn."""
        ...


def _axes(ax: Axes | None) -> Axes:
    if ax is not None:
        return ax
    try:
        from matplotlib import pyplot as plt
    except ImportError as error:
        raise ImportError(INSTALL) from error
    return plt.subplots(layout="constrained")[1]


def _figure(ax: Axes) -> Figure:
    from matplotlib.figure import Figure

    figure = ax.get_figure()
    if not isinstance(figure, Figure):
        raise TypeError("ax lies in a subfigure; give axes of a figure")
    return figure


def _known(scored: Sequence[Scored]) -> tuple[npt.NDArray[np.bool_], _Floats]:
    """Gold (is content) and ``p_content`` of the paragraphs with a known label; both labels must be there."""
    pairs = [
        (label == "content", float(p))
        for item in scored
        for label, p in zip(item.document.labels, item.p_content, strict=True)
        if label is not None
    ]
    gold = np.array([is_content for is_content, _ in pairs], np.bool_)
    if not len(gold) or gold.all() or not gold.any():
        raise InputError("the paragraphs with a known label must hold both content and chrome.")
    return gold, np.array([p for _, p in pairs])


@dataclass(eq=False)
class ContentCurveDisplay:
    """Precision against recall of content over all known paragraphs, the model's thresholds marked.

    Parameters
    ----------
    precision, recall : ndarray of float64, shape (n_thresholds + 1,)
        As of :func:`sklearn.metrics.precision_recall_curve`.
    average_precision : float
    points : dict of str to (float, float, float)
        Of each of the model's thresholds alone: threshold, precision and recall.

    Attributes
    ----------
    ax_ : Axes
    figure_ : Figure
    """

    precision: _Floats
    recall: _Floats
    average_precision: float
    points: dict[Favor, tuple[float, float, float]]
    ax_: Any = field(default=None, init=False, repr=False)
    figure_: Any = field(default=None, init=False, repr=False)

    @classmethod
    def from_scored(cls, scored: Sequence[Scored], model: Model) -> ContentCurveDisplay:
        """Compute from what ``model`` said of documents.

        Raises
        ------
        InputError
            Unless both content and chrome are among the known paragraphs.
        """
        from sklearn.metrics import (
            average_precision_score,
            precision_recall_curve,
            precision_score,
            recall_score,
        )

        gold, p = _known(scored)
        precision, recall, _ = precision_recall_curve(gold, p, drop_intermediate=True)
        points = {
            favor: (
                threshold,
                float(precision_score(gold, p >= threshold, zero_division=0.0)),
                float(recall_score(gold, p >= threshold, zero_division=0.0)),
            )
            for favor, threshold in model.thresholds.items()
        }
        return cls(precision, recall, float(average_precision_score(gold, p)), points)

    def plot(self, ax: Axes | None = None) -> ContentCurveDisplay:
        """Draw on axes, new ones if none are given."""
        ax = _axes(ax)
        ax.plot(self.recall, self.precision, color="C0", drawstyle="steps-post", linewidth=1.6)
        for favor, (threshold, precision, recall) in self.points.items():
            ax.plot(
                recall, precision, _MARKERS[favor], color="C1", markersize=7,
                label=f"{favor}, {threshold:.3f}", linestyle="none",
            )  # fmt: skip
        ax.set(xlabel="recall of content", ylabel="precision of content", xlim=(0, 1.02), ylim=(0, 1.03))
        ax.grid(True)
        ax.legend(loc="lower left", alignment="left", title=f"average precision {self.average_precision:.3f}")
        self.ax_, self.figure_ = ax, _figure(ax)
        return self

    def to_frame(self) -> pd.DataFrame:
        """Precision and recall at each of the model's thresholds alone."""
        import pandas as pd

        columns = ["threshold", "precision", "recall"]
        return pd.DataFrame.from_dict(self.points, orient="index", columns=columns)


@dataclass(eq=False)
class CalibrationDisplay:
    """Share of content among paragraphs of like ``p_content``, in ten equal bins.

    Parameters
    ----------
    p_mean, content_ratio : ndarray of float64, shape (n_bins_present,)
        As of :func:`sklearn.calibration.calibration_curve`.
    n_paragraphs : ndarray of int64, shape (n_bins_present,)

    Attributes
    ----------
    ax_ : Axes
    figure_ : Figure
    """

    p_mean: _Floats
    content_ratio: _Floats
    n_paragraphs: npt.NDArray[np.int64]
    ax_: Any = field(default=None, init=False, repr=False)
    figure_: Any = field(default=None, init=False, repr=False)

    @classmethod
    def from_scored(cls, scored: Sequence[Scored], model: Model) -> CalibrationDisplay:
        """Compute from what ``model`` said of documents.

        Raises
        ------
        InputError
            Unless both content and chrome are among the known paragraphs.
        """
        from sklearn.calibration import calibration_curve

        gold, p = _known(scored)
        ratio, mean = calibration_curve(gold, p, n_bins=_N_BINS, strategy="uniform")
        edges = np.linspace(0, 1, _N_BINS + 1)[1:-1]
        counts = np.bincount(np.searchsorted(edges, p), minlength=_N_BINS)
        return cls(mean, ratio, counts[counts > 0])

    @property
    def calibration_error(self) -> float:
        """Mean distance of the share from the probability, weighted by paragraphs (Guo et al. 2017)."""
        return float(np.average(np.abs(self.p_mean - self.content_ratio), weights=self.n_paragraphs))

    def plot(self, ax: Axes | None = None) -> CalibrationDisplay:
        """Draw on axes, new ones if none are given; the area of a dot goes with its paragraphs."""
        ax = _axes(ax)
        ax.plot(
            [0, 1], [0, 1], color="C7", linestyle=(0, (4, 3)), linewidth=1.2, label="perfectly calibrated"
        )
        ax.plot(self.p_mean, self.content_ratio, color="C0", linewidth=1.2)
        sizes = 20 + 160 * self.n_paragraphs / self.n_paragraphs.max()
        ax.scatter(self.p_mean, self.content_ratio, sizes.tolist(), color="C0", zorder=3, clip_on=False)
        ax.set(xlabel="mean p_content", ylabel="share of content", xlim=(0, 1), ylim=(0, 1))
        ax.grid(True)
        ax.legend(loc="upper left", alignment="left", title=f"calibration error {self.calibration_error:.3f}")
        self.ax_, self.figure_ = ax, _figure(ax)
        return self

    def to_frame(self) -> pd.DataFrame:
        """One row a bin: mean probability, share of content, paragraphs."""
        import pandas as pd

        columns = {"p_content": self.p_mean, "content_ratio": self.content_ratio, "n": self.n_paragraphs}
        index = [f"bin {i}" for i in range(1, len(self.p_mean) + 1)]
        return pd.DataFrame(columns, index=pd.Index(index))


@dataclass(eq=False)
class KindConfusionDisplay:
    """Gold against predicted kind, on paragraphs whose kind was decided by reading.

    Parameters
    ----------
    counts : ndarray of int64, shape (n_kinds, n_kinds)
        Rows gold, columns predicted, both as KINDS.

    Attributes
    ----------
    ax_ : Axes
    figure_ : Figure
    """

    counts: npt.NDArray[np.int64]
    ax_: Any = field(default=None, init=False, repr=False)
    figure_: Any = field(default=None, init=False, repr=False)

    @classmethod
    def from_scored(cls, scored: Sequence[Scored], model: Model) -> KindConfusionDisplay:
        """Compute from what ``model`` said of documents.

        Raises
        ------
        InputError
            If no paragraph was read.
        """
        from sklearn.metrics import confusion_matrix

        pairs = [
            (KINDS.index(kind), int(item.kind[i]))
            for item in scored
            for i in item.document.read
            if (kind := item.document.kinds[i]) is not None
        ]
        if not pairs:
            raise InputError("no kind of these documents was decided by reading.")
        gold, found = zip(*pairs, strict=True)
        return cls(confusion_matrix(gold, found, labels=list(range(len(KINDS)))))

    @property
    def shares(self) -> _Floats:
        """The counts with rows summing to 1, or to 0 where a kind does not occur."""
        return self.counts / np.maximum(self.counts.sum(axis=1, keepdims=True), 1)

    def plot(self, ax: Axes | None = None) -> KindConfusionDisplay:
        """Draw on axes, new ones if none are given; cells in percent of their row."""
        ax = _axes(ax)
        from matplotlib.colors import LinearSegmentedColormap, to_rgb

        n, shares = len(KINDS), self.shares
        # The same colour from clear to half covering: text stays readable on it, on any ground.
        colours = LinearSegmentedColormap.from_list("share", [(*to_rgb("C0"), a) for a in (0.0, 0.55)])
        ax.pcolormesh(shares, cmap=colours, vmin=0, vmax=1, linewidth=0)
        for (row, column), share in np.ndenumerate(shares):
            if share >= 0.005:
                ax.text(column + 0.5, row + 0.5, f"{100 * share:.0f}", ha="center", va="center")
        middles = np.arange(n) + 0.5
        ax.set_xticks(middles, KINDS, rotation=45, ha="right", rotation_mode="anchor")
        names = [f"{kind} ({total})" for kind, total in zip(KINDS, self.counts.sum(axis=1), strict=True)]
        ax.set_yticks(middles, names)
        ax.set(xlabel="predicted kind", ylabel="gold kind (paragraphs)", xlim=(0, n), ylim=(n, 0))
        ax.set_aspect("equal")
        ax.grid(False)
        ax.tick_params(length=0)
        for middle in (2, n):  # between content and chrome
            ax.axhline(middle, color="C7", linewidth=0.8)
            ax.axvline(middle, color="C7", linewidth=0.8)
        self.ax_, self.figure_ = ax, _figure(ax)
        return self

    def to_frame(self) -> pd.DataFrame:
        """The counts, rows gold, columns predicted."""
        import pandas as pd

        return pd.DataFrame(self.counts, index=pd.Index(KINDS), columns=list(KINDS))


@dataclass(eq=False)
class DocumentF1Display:
    """Distribution of document word F1, by source.

    Parameters
    ----------
    f1 : dict of str to ndarray of float64, shape (n_documents,)
        Rising values by source.

    Attributes
    ----------
    ax_ : Axes
    figure_ : Figure
    """

    f1: dict[str, _Floats]
    ax_: Any = field(default=None, init=False, repr=False)
    figure_: Any = field(default=None, init=False, repr=False)

    @classmethod
    def from_scored(cls, scored: Sequence[Scored], model: Model) -> DocumentF1Display:
        """Compute from what ``model`` said of documents; pages that do not hold their gold are left out.

        Raises
        ------
        InputError
            If no document has gold text.
        """
        documents = evaluate_documents(scored)
        documents = documents[documents.ceiling >= LEAST_CEILING]
        if documents.empty:
            raise InputError("no document has gold text.")
        groups = documents.groupby("source").f1
        return cls({str(source): np.sort(values.to_numpy(np.float64)) for source, values in groups})

    def plot(self, ax: Axes | None = None) -> DocumentF1Display:
        """Draw on axes, new ones if none are given: a dot a document, the quartiles as a bar."""
        ax = _axes(ax)
        for row, values in enumerate(self.f1.values()):
            spread = np.modf(np.arange(len(values)) * 0.618034)[0] * 0.5 - 0.25  # even, the same each time
            ax.scatter(values, row + spread, s=14, color="C0", alpha=0.45, linewidths=0, clip_on=False)
            low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
            ax.plot([low, high], [row + 0.36] * 2, color="C1", linewidth=3, solid_capstyle="butt")
            ax.plot([middle] * 2, [row - 0.3, row + 0.44], color="C1", linewidth=1.6)
        names = [f"{source} ({len(values)})" for source, values in self.f1.items()]
        ax.set_yticks(range(len(names)), names)
        ax.set(xlabel="word F1 of a document", xlim=(0, 1), ylim=(len(names) - 0.4, -0.6))
        ax.grid(True, axis="x")
        ax.tick_params(axis="y", length=0)
        self.ax_, self.figure_ = ax, _figure(ax)
        return self

    def to_frame(self) -> pd.DataFrame:
        """Count, least value, quartiles and mean by source."""
        import pandas as pd

        quantiles = {"least": 0.0, "quarter": 0.25, "median": 0.5, "three quarters": 0.75}
        rows = {
            source: {"n": len(values), "mean": values.mean()}
            | {name: np.quantile(values, q) for name, q in quantiles.items()}
            for source, values in self.f1.items()
        }
        return pd.DataFrame.from_dict(rows, orient="index")
