import numpy as np
import pytest
from sklearn.neural_network import MLPClassifier

from dechrome.scoring import DenseNet, softmax


@pytest.mark.parametrize("hidden", [(7,), (16, 5)])
def test_probabilities_equal_scikit_learns(hidden):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(300, 6)).astype(np.float32), rng.integers(0, 4, 300)
    fitted = MLPClassifier(hidden, max_iter=20, random_state=0, tol=1).fit(X, y)
    net = DenseNet(
        [w.astype(np.float32) for w in fitted.coefs_], [b.astype(np.float32) for b in fitted.intercepts_]
    )
    assert np.abs(net.predict_proba(X) - fitted.predict_proba(X)).max() < 1e-6


def test_a_row_has_the_same_bits_in_any_batch():
    rng = np.random.default_rng(1)
    net = DenseNet([rng.normal(size=(330, 96)).astype(np.float32), rng.normal(size=(96, 12)).astype(np.float32)],
                   [np.zeros(96, np.float32), np.zeros(12, np.float32)])  # fmt: skip
    X = rng.normal(size=(1000, 330)).astype(np.float32)
    together = net.predict_proba(X)
    for start, stop in ((0, 1), (17, 18), (500, 563), (3, 970)):
        assert np.array_equal(net.predict_proba(X[start:stop]), together[start:stop])


def test_softmax_of_large_scores_is_finite():
    P = softmax(np.array([[1000.0, 0.0], [-1000.0, -1000.0]], np.float32))
    assert np.allclose(P, [[1, 0], [0.5, 0.5]])


def test_no_rows():
    net = DenseNet([np.ones((3, 2), np.float32)], [np.zeros(2, np.float32)])
    assert net.predict_proba(np.zeros((0, 3), np.float32)).shape == (0, 2)
