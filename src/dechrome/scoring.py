"""Feature columns -> probabilities of the kinds: a small dense net in NumPy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["DenseNet", "average_nets", "softmax"]

#: Rows go through the matrix products in blocks of this size, padded with zeros: BLAS picks its
#: kernel by the shape, so only equal shapes give equal bits, and a result must not depend on the batch.
_BLOCK = 64


def softmax(scores: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Turn each row of scores into probabilities."""
    shifted = np.exp(scores - scores.max(axis=1, keepdims=True, initial=-np.inf))
    result: npt.NDArray[np.float32] = shifted / shifted.sum(axis=1, keepdims=True)
    return result


class DenseNet:
    """Fully connected layers with rectifiers between them, softmax at the end.

    Parameters
    ----------
    weights : sequence of ndarray of float32, shapes (n_in, n_hidden), ..., (n_hidden, n_out)
    biases : sequence of ndarray of float32, shapes (n_hidden,), ..., (n_out,)
        The inputs' scaling is folded into the first layer.
    """

    def __init__(
        self, weights: Sequence[npt.NDArray[np.float32]], biases: Sequence[npt.NDArray[np.float32]]
    ) -> None:
        self.weights, self.biases = list(weights), list(biases)

    def predict_proba(self, X: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Probabilities of the outputs.

        Parameters
        ----------
        X : ndarray of float32, shape (n_rows, n_in)

        Returns
        -------
        ndarray of float32, shape (n_rows, n_out)
            Each row sums to 1.
        """
        full = len(X) - len(X) % _BLOCK
        P = np.empty((len(X), self.weights[-1].shape[1]), np.float32)
        if full:
            P[:full] = self._run(X[:full])
        if full < len(X):
            padded = np.zeros((_BLOCK, X.shape[1]), np.float32)
            padded[: len(X) - full] = X[full:]
            P[full:] = self._run(padded)[: len(X) - full]
        return P

    def _run(self, X: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Probabilities of a whole number of blocks."""
        values = X.reshape(-1, _BLOCK, X.shape[1])
        last = len(self.weights) - 1
        for i, (weights, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            values = values @ weights
            values += bias
            if i < last:
                np.maximum(values, 0, out=values)
        return softmax(values.reshape(len(X), -1))


def average_nets(nets: Sequence[DenseNet]) -> DenseNet:
    """One net whose scores, before softmax, are the mean of those of several.

    Parameters
    ----------
    nets : sequence of DenseNet
        With equally many layers, the same inputs and outputs, and at least one hidden layer.

    Returns
    -------
    DenseNet
        The hidden layers side by side.
    """
    last = len(nets[0].weights) - 1
    weights: list[npt.NDArray[np.float32]] = []
    biases: list[npt.NDArray[np.float32]] = []
    for i in range(last + 1):
        parts = [net.weights[i] for net in nets]
        if i == 0:
            weights.append(np.hstack(parts))
        elif i == last:
            weights.append(np.vstack(parts) / np.float32(len(nets)))
        else:
            rows, columns = zip(*(part.shape for part in parts), strict=True)
            block = np.zeros((sum(rows), sum(columns)), np.float32)
            row = column = 0
            for part in parts:
                block[row : row + part.shape[0], column : column + part.shape[1]] = part
                row, column = row + part.shape[0], column + part.shape[1]
            weights.append(block)
        bias = [net.biases[i] for net in nets]
        biases.append(np.sum(bias, axis=0) / np.float32(len(nets)) if i == last else np.concatenate(bias))
    return DenseNet(weights, biases)
