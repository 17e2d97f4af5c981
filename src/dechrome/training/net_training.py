"""Rows in documents and what they are -> Net: back-propagation and Adam in NumPy.

scikit-learn's MLPClassifier cannot look at a row's neighbours, and torch would be a thousand times the
size of this package; a net of a dense layer and a few convolutions needs neither.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from dechrome.labels import KINDS
from dechrome.scoring import Net, document_means, relative_attention, softmax

__all__ = ["NetTrainer", "find_neighbours", "one_blas_thread", "one_hot", "random_net", "scaling"]

_Array = npt.NDArray[np.float32]
_Rows = npt.NDArray[np.int64]

#: Inputs are scaled by no less than this, or a rare yes among many noes would shout.
_LEAST_DEVIATION = 0.1
#: Decay of Adam's moving averages, as its authors give them.
_BETA_1, _BETA_2, _EPSILON = 0.9, 0.999, 1e-8
_SMALLEST = np.float32(1e-30)
#: The convolution that sees means of its document's rows, the plain one and perhaps the one by attention: the
#: second, of what the first has found.
_SEES_MEANS = 1


@contextlib.contextmanager
def one_blas_thread() -> Iterator[None]:
    """Hold BLAS to one thread: sums of several may end in other bits, and nets side by side are faster.

    What threadpoolctl cannot hold, such as Accelerate on macOS, goes on as it did.
    """
    with threadpool_limits(1, "blas"):
        yield


def scaling(X: _Array) -> tuple[_Array, _Array]:
    """Mean and deviation of each column, by which inputs are scaled."""
    deviation = np.maximum(X.std(axis=0, dtype=np.float64), _LEAST_DEVIATION)
    return X.mean(axis=0, dtype=np.float64).astype(np.float32), deviation.astype(np.float32)


def random_net(
    mean: _Array,
    deviation: _Array,
    width: int,
    n_out: int,
    dilations: Sequence[int],
    rng: np.random.Generator,
    sees_attention: bool = False,
) -> Net:
    """A net to begin with: uniform weights up to 1 / sqrt(n_in) on scaled inputs (LeCun et al. 1998)."""
    n_means = 2 if sees_attention else 1
    seen = [3 + n_means if i == _SEES_MEANS else 3 for i in range(len(dilations))]
    sizes = [(len(mean), width), *((n * width, width) for n in seen), (width, n_out)]
    weights = [rng.uniform(-1, 1, size).astype(np.float32) / np.float32(size[0] ** 0.5) for size in sizes]
    biases = [np.zeros(size[1], np.float32) for size in sizes]
    _fold(weights, biases, mean, deviation)
    return Net(weights, biases, dilations)


def one_hot(kind: npt.NDArray[np.int8]) -> _Array:
    """Targets for :meth:`NetTrainer.step`; meaningless where no kind is known (-1), so give it no weight."""
    return np.eye(len(KINDS), dtype=np.float32)[kind]


def _fold(weights: list[_Array], biases: list[_Array], mean: _Array, deviation: _Array) -> None:
    """Make a first layer that expects scaled inputs one that expects them as they are."""
    weights[0] = weights[0] / deviation[:, None]
    biases[0] = biases[0] - mean @ weights[0]


def find_neighbours(
    doc_ptr: npt.NDArray[np.int64], distance: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Row of the paragraph so far before each paragraph of a document, and of the one so far behind.

    Parameters
    ----------
    doc_ptr : ndarray of int64, shape (n_documents + 1,)
    distance : int

    Returns
    -------
    before, behind : ndarray of int64, shape (n_paragraphs,)
        n_paragraphs where the document has none there.

    Examples
    --------
    >>> [rows.tolist() for rows in find_neighbours(np.array([0, 3, 4]), 1)]
    [[4, 0, 1, 4], [1, 2, 4, 4]]
    """
    sizes = np.diff(doc_ptr)
    n = int(doc_ptr[-1])
    first, stop = np.repeat(doc_ptr[:-1], sizes), np.repeat(doc_ptr[1:], sizes)
    rows = np.arange(n)
    before, behind = rows - distance, rows + distance
    return np.where(before >= first, before, n), np.where(behind < stop, behind, n)


class NetTrainer:
    """Takes a net, step after step, towards what its rows are.

    Minimises the weighted cross-entropy with AdamW (Loshchilov and Hutter 2019,
    https://arxiv.org/abs/1711.05101) and dropout behind each rectifier (Srivastava et al. 2014).

    Parameters
    ----------
    net : Net
        Where to begin; left as it is.
    mean, deviation : ndarray of float32, shape (n_in,)
        Of the inputs, which are scaled by them while training.
    decay : float
        By so much of itself, times the rate, a weight shrinks in each step.
    pull : float
        Penalty on the squared distance from where all values were at the beginning.
    dropout : float
        Share of the hidden values left out, in [0, 1).
    rng : numpy.random.Generator
        Draws what is left out.
    """

    def __init__(
        self,
        net: Net,
        mean: _Array,
        deviation: _Array,
        rng: np.random.Generator,
        decay: float = 0.0,
        pull: float = 0.0,
        dropout: float = 0.0,
    ) -> None:
        self._mean, self._deviation, self._rng = mean, deviation, rng
        self._decay, self._pull, self._kept = decay, pull, np.float32(1 - dropout)
        self._dilations, self._n_layers = net.dilations, len(net.weights)
        self._values = [value.copy() for value in (*net.weights, *net.biases)]
        self._values[0] *= deviation[:, None]
        self._values[self._n_layers] += mean @ net.weights[0]
        self._start = [value.copy() for value in self._values]
        self._first = [np.zeros_like(value) for value in self._values]
        self._second = [np.zeros_like(value) for value in self._values]
        self._n_steps = 0

    def net(self) -> Net:
        """The net as it is now."""
        weights, biases = self._values[: self._n_layers], self._values[self._n_layers :]
        weights, biases = [w.copy() for w in weights], [b.copy() for b in biases]
        _fold(weights, biases, self._mean, self._deviation)
        return Net(weights, biases, self._dilations)

    def step(
        self,
        X: _Array,
        target: _Array,
        weight: _Array,
        rate: float,
        doc_ptr: _Rows | None = None,
        attention: _Array | None = None,
    ) -> float:
        """Go one step.

        Parameters
        ----------
        X : ndarray of float32, shape (n_rows, n_in)
        target : ndarray of float32, shape (n_rows, n_out)
            Probabilities.
        weight : ndarray of float32, shape (n_rows,)
            0 for rows that are context alone.
        rate : float
            Learning rate.
        doc_ptr : ndarray of int64, shape (n_documents + 1,), optional
            All rows are one document if not given.
        attention : ndarray of float32, shape (n_rows,), optional
            As :meth:`dechrome.scoring.Net.score` takes it.

        Returns
        -------
        float
            The loss, before the step.
        """
        ptr = np.array([0, len(X)]) if doc_ptr is None else doc_ptr
        loss, gradients = self.gradients(X, target, weight, ptr, attention)
        self._n_steps += 1
        corrected = rate * (1 - _BETA_2**self._n_steps) ** 0.5 / (1 - _BETA_1**self._n_steps)
        for i, (value, gradient) in enumerate(zip(self._values, gradients, strict=True)):
            if self._pull:
                gradient += np.float32(self._pull) * (value - self._start[i])
            first, second = self._first[i], self._second[i]
            first += np.float32(1 - _BETA_1) * (gradient - first)
            second += np.float32(1 - _BETA_2) * (gradient * gradient - second)
            for moment in (first, second):  # subnormal numbers would take a hundred times as long
                moment[np.abs(moment) < _SMALLEST] = 0
            if i < self._n_layers:
                value *= np.float32(1 - rate * self._decay)
            value -= np.float32(corrected) * first / (np.sqrt(second) + np.float32(_EPSILON))
        return loss

    def gradients(
        self, X: _Array, target: _Array, weight: _Array, doc_ptr: _Rows, attention: _Array | None = None
    ) -> tuple[float, list[_Array]]:
        """Loss, and its gradients by the weights and then by the biases (of the scaled net)."""
        weights, biases = self._values[: self._n_layers], self._values[self._n_layers :]
        neighbours = [find_neighbours(doc_ptr, dilation) for dilation in self._dilations]
        documents = _DocumentMeans(doc_ptr, np.ones(len(X), np.float32) if attention is None else attention)
        scaled = (X - self._mean) / self._deviation
        H = self._drop(_rectified(scaled @ weights[0] + biases[0]))
        rows, near = np.arange(len(X)), 3 * H.shape[1]
        # What each layer sees around its rows and of their documents, and what it makes of them.
        joined, means, made = [scaled], [], [H]
        for (before, behind), w, b in zip(neighbours, weights[1:-1], biases[1:-1], strict=True):
            joined.append(_padded(H)[np.stack([before, rows, behind], axis=1)].reshape(len(H), near))
            means.append(documents.of(H, (len(w) - near) // H.shape[1]))
            R = joined[-1] @ w[:near] + b
            if len(w) > near:
                R += (means[-1] @ w[near:])[documents.owner]
            made.append(self._drop(_rectified(R)))
            H = H + R
        P = softmax(H @ weights[-1] + biases[-1])
        share = weight / np.float32(max(weight.sum(), 1e-6))
        loss = -float((share * (target * np.log(P + np.float32(1e-12))).sum(axis=1)).sum())
        delta = (P - target) * share[:, None]
        by_weight, by_bias = [H.T @ delta], [delta.sum(axis=0)]
        D = delta @ weights[-1].T
        for i in range(len(made) - 1, -1, -1):
            delta = D * (made[i] > 0) / self._kept
            by_joined = joined[i].T @ delta
            if i:
                before, behind = neighbours[i - 1]
                left, own, right = np.hsplit(delta @ weights[i][:near].T, 3)
                D = D + own + _padded(left)[behind] + _padded(right)[before]
                if len(weights[i]) > near:
                    by_means, by_rows = documents.backpropagate(delta, means[i - 1], weights[i][near:])
                    by_joined, D = np.vstack([by_joined, by_means]), D + by_rows
            by_weight.append(by_joined)
            by_bias.append(delta.sum(axis=0))
        return loss, [*by_weight[::-1], *by_bias[::-1]]

    def _drop(self, values: _Array) -> _Array:
        if self._kept < 1:
            values *= (self._rng.random(values.shape, np.float32) < self._kept) / self._kept
        return values


def _rectified(values: _Array) -> _Array:
    return np.maximum(values, 0, out=values)


class _DocumentMeans:
    """Means of the rows of each document, the plain one and the one by attention, and the way back."""

    def __init__(self, doc_ptr: _Rows, attention: _Array) -> None:
        sizes = np.diff(doc_ptr)
        self.owner = np.repeat(np.arange(len(sizes)), sizes)
        self._starts, self._sizes = doc_ptr[:-1], sizes
        self._relative = relative_attention(attention, doc_ptr)[:, None]

    def of(self, rows: _Array, n_means: int) -> _Array:
        """None of the means, the plain one or both, side by side, shape (n_documents, n_means * width)."""
        means = [np.empty((len(self._sizes), 0), np.float32)]
        if n_means:
            means.append(self._mean(rows))
        if n_means > 1:
            means.append(self._mean(rows * self._relative))
        return np.hstack(means)

    def backpropagate(self, delta: _Array, means: _Array, weights: _Array) -> tuple[_Array, _Array]:
        """Gradients by the weights of the means, and by the rows that the means were made of.

        ``delta``, shape (n_rows, width), is the gradient by what the layer makes before the rectifier.
        """
        mean = self._mean(delta)  # the sum over a document, over its size: a row's share in its mean
        by_weights = means.T @ (mean * self._sizes[:, None].astype(np.float32))
        plain, *relative = np.hsplit(mean @ weights.T, means.shape[1] // delta.shape[1])
        by_rows = plain[self.owner]
        for part in relative:
            by_rows += part[self.owner] * self._relative
        return by_weights, by_rows

    def _mean(self, rows: _Array) -> _Array:
        return document_means(_padded(rows), self._starts, self._sizes)


def _padded(values: _Array) -> _Array:
    """The rows and one of zeros behind the last: a neighbour that a document lacks, the end of its mean."""
    return np.vstack([values, np.zeros((1, values.shape[1]), np.float32)])
