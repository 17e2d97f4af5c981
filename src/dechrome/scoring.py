"""Feature columns -> scores of the kinds: a small net in NumPy, over single rows or sequences of them."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

__all__ = [
    "Net", "affine", "average_proba", "document_means", "rectify", "relative_attention", "round_weights",
    "softmax",
]  # fmt: skip

_Array = npt.NDArray[np.float32]

#: Shapes of weights on which BLAS is tried, (n_in, n_out); the last three are the encoder's.
_TRIED = (*itertools.product((8, 17, 96, 288), (4, 12, 16, 32, 48, 96)), (48, 384), (256, 128), (512, 48))


def _treats_rows_alike(size: int) -> bool:
    """Whether equal rows of a block of this size get equal bits wherever they stand in it."""
    for n_in, width in _TRIED:
        rows = np.tile(np.sin(np.arange(n_in, dtype=np.float32)), (size, 1))
        made = rows @ np.cos(np.arange(n_in * width, dtype=np.float32)).reshape(n_in, width)
        if (made != made[0]).any():
            return False
    return True


#: Rows go through the matrix products in blocks of this size, padded with zeros: BLAS picks its
#: kernel by the shape, so only equal shapes give equal bits, and a result must not depend on the batch.
#: OpenBLAS for AVX-512 treats the rows of large blocks alike; that for AVX2 goes by six and four of them.
_BLOCK = next((size for size in (64, 16, 8, 4) if _treats_rows_alike(size)), 1)


def softmax(scores: _Array) -> _Array:
    """Turn each row of scores into probabilities."""
    shifted = np.exp(scores - scores.max(axis=1, keepdims=True, initial=-np.inf))
    result: _Array = shifted / shifted.sum(axis=1, keepdims=True)
    return result


def round_weights(weights: Iterable[_Array]) -> list[_Array]:
    """Weights that can be written as float16 without loss, in half the space; still arrays of float32."""
    return [values.astype(np.float16).astype(np.float32) for values in weights]


class Net:
    """A dense layer, convolutions over the rows of each document, and a dense layer.

    Each convolution sees a row, the one ``dilation`` before it and the one as far behind, zeros where the
    document has none; one may also see the mean of the document's rows, and their mean by attention too.
    What it makes of them it adds to the row (dilated convolutions: Yu and Koltun 2016,
    https://arxiv.org/abs/1511.07122; global context: Cao et al. 2019, https://arxiv.org/abs/1904.11492;
    residual layers: He et al. 2016, https://arxiv.org/abs/1512.03385). Without convolutions every row stands
    for itself. The rectifier follows each layer but the last.

    Parameters
    ----------
    weights : sequence of ndarray of float32
        Of the first layer, (n_in, width), of each convolution, (3 * width, width), or (4 * width, width) if
        it sees the mean, or (5 * width, width) if both, of the last layer, (width, n_out). The inputs'
        scaling is folded into the first. Rounded to float16, as which they are written.
    biases : sequence of ndarray of float32
        Of as many layers, (width,) or (n_out,).
    dilations : sequence of int
        One for each convolution.
    """

    def __init__(
        self, weights: Sequence[_Array], biases: Sequence[_Array], dilations: Sequence[int] = ()
    ) -> None:
        if not len(weights) == len(biases) == len(dilations) + 2:
            raise ValueError(f"{len(weights)} layers do not go with {len(dilations)} dilations.")
        self.weights, self.biases, self.dilations = round_weights(weights), list(biases), tuple(dilations)

    def embed(self, X: _Array) -> _Array:
        """What the first layer makes of each row.

        Parameters
        ----------
        X : ndarray of float32, shape (n_rows, n_in)

        Returns
        -------
        ndarray of float32, shape (n_rows, width)
        """
        return rectify(affine(X, self.weights[0], self.biases[0]))

    def score(
        self, embedded: _Array, doc_ptr: npt.NDArray[np.int64], attention: _Array | None = None
    ) -> _Array:
        """Scores of the outputs, from what :meth:`embed` made of all rows.

        Parameters
        ----------
        embedded : ndarray of float32, shape (n_rows, width)
        doc_ptr : ndarray of int64, shape (n_documents + 1,)
            Rows ``doc_ptr[d]`` to ``doc_ptr[d + 1] - 1`` are those of document ``d``.
        attention : ndarray of float32, shape (n_rows,), optional
            How much each row counts in the mean by attention, more than 0; all the same if not given.

        Returns
        -------
        ndarray of float32, shape (n_rows, n_out)
            Of which softmax makes probabilities.
        """
        if not self.dilations:
            return affine(embedded, self.weights[-1], self.biases[-1])
        gap, width = max(self.dilations), embedded.shape[1]
        sizes = np.diff(doc_ptr)
        # Places of the rows, empty ones between documents, so that no convolution sees beyond one.
        at = np.arange(len(embedded)) + gap * np.repeat(np.arange(len(sizes)), sizes)
        n_placed = len(embedded) + gap * len(sizes)
        n_placed += -n_placed % _BLOCK
        padded = np.zeros((n_placed + 2 * gap, width), np.float32)
        H, is_row = padded[gap:-gap], np.zeros((n_placed, 1), np.float32)
        H[at], is_row[at] = embedded, 1
        starts = doc_ptr[:-1] + gap * np.arange(1, len(sizes) + 1)
        relative = np.zeros((len(padded), 1), np.float32)
        relative[gap + at, 0] = 1 if attention is None else relative_attention(attention, doc_ptr)
        owner = np.repeat(np.arange(len(sizes)), sizes + gap)
        for i, dilation in enumerate(self.dilations, start=1):
            around = [padded[gap + step :][:n_placed] for step in (-dilation, 0, dilation)]
            made = _convolution(around, self.weights[i][: 3 * width], self.biases[i])
            if len(self.weights[i]) > 3 * width:
                # One product for each document: its bits must not depend on how many there are.
                seen = [padded] if len(self.weights[i]) == 4 * width else [padded, padded * relative]
                means = [document_means(rows, starts, sizes) for rows in seen]
                shift = np.hstack(means)[:, None] @ self.weights[i][3 * width :]
                made[: len(owner)] += shift[owner, 0]
            H += rectify(made) * is_row
        return affine(H[at], self.weights[-1], self.biases[-1])

    def predict_proba(
        self, X: _Array, doc_ptr: npt.NDArray[np.int64] | None = None, attention: _Array | None = None
    ) -> _Array:
        """Probabilities of the outputs, shape (n_rows, n_out); all rows are one document if not told."""
        ptr = np.array([0, len(X)]) if doc_ptr is None else doc_ptr
        return softmax(self.score(self.embed(X), ptr, attention))


def document_means(rows: _Array, starts: npt.NDArray[np.int64], sizes: npt.NDArray[np.int64]) -> _Array:
    """Mean of the rows of each document, zeros where it has none.

    Parameters
    ----------
    rows : ndarray of float32, shape (n_rows, width)
        At least one behind the last document's.
    starts, sizes : ndarray of int64, shape (n_documents,)
        First row and number of rows of each, in ascending order, none in two.

    Returns
    -------
    ndarray of float32, shape (n_documents, width)
    """
    bounds = np.stack([starts, starts + sizes], axis=1).ravel()
    sums: _Array = np.add.reduceat(rows, bounds, axis=0)[::2] if len(bounds) else rows[:0]
    sums[sizes == 0] = 0
    sums /= np.maximum(sizes, 1).astype(np.float32)[:, None]
    return sums


def relative_attention(attention: _Array, doc_ptr: npt.NDArray[np.int64]) -> _Array:
    """Attention of each row over the mean attention of its document, shape (n_rows,)."""
    sizes = np.diff(doc_ptr)
    owner = np.repeat(np.arange(len(sizes)), sizes)
    total = np.bincount(owner, attention, len(sizes))
    return np.asarray(attention * (sizes / np.maximum(total, 1e-30))[owner], np.float32)


def _convolution(around: Sequence[_Array], weights: _Array, bias: _Array) -> _Array:
    """Sum of what stands before, at and behind every place, each times its part of the weights."""
    n, width = around[0].shape
    made = np.empty((n // _BLOCK, _BLOCK, weights.shape[1]), np.float32)
    part = np.empty_like(made)
    for side, seen in enumerate(around):
        blocks = seen.reshape(-1, _BLOCK, width)
        np.matmul(blocks, weights[side * width : (side + 1) * width], out=part if side else made)
        if side:
            made += part
    made += bias
    return made.reshape(n, -1)


def average_proba(
    nets: Sequence[Net], X: _Array, doc_ptr: npt.NDArray[np.int64], attention: _Array | None = None
) -> _Array:
    """Probabilities by the mean of the scores of several nets, shape (n_rows, n_out)."""
    scores = [net.score(net.embed(X), doc_ptr, attention) for net in nets]
    return softmax(np.mean(scores, axis=0, dtype=np.float32))


def affine(X: _Array, weights: _Array, bias: _Array) -> _Array:
    """X @ weights + bias, block by block."""
    n, n_in = X.shape
    full = n - n % _BLOCK
    out = np.empty((n, weights.shape[1]), np.float32)
    if full:
        np.matmul(
            X[:full].reshape(-1, _BLOCK, n_in), weights, out=out[:full].reshape(-1, _BLOCK, out.shape[1])
        )
    if full < n:
        padded = np.zeros((_BLOCK, n_in), np.float32)
        padded[: n - full] = X[full:]
        out[full:] = (padded @ weights)[: n - full]
    out += bias
    return out


def rectify(values: _Array) -> _Array:
    """Set what is below zero to zero, in place."""
    return np.maximum(values, 0, out=values)
