import numpy as np
import pytest
from sklearn.neural_network import MLPClassifier

from dechrome.scoring import DenseNet, average_nets, softmax


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


@pytest.mark.parametrize("hidden", [(6,), (8, 5), (4, 3, 7)])
def test_averaged_nets_average_the_scores(hidden):
    rng = np.random.default_rng(2)
    sizes = (9, *hidden, 4)
    nets = [
        DenseNet(
            [rng.normal(size=s).astype(np.float32) for s in zip(sizes, sizes[1:], strict=False)],
            [rng.normal(size=s).astype(np.float32) for s in sizes[1:]],
        )
        for _ in range(3)
    ]
    X = rng.normal(size=(50, 9)).astype(np.float32)
    mean = np.mean([np.log(net.predict_proba(X).astype(np.float64)) for net in nets], axis=0)
    expected = np.exp(mean) / np.exp(mean).sum(axis=1, keepdims=True)
    assert np.allclose(average_nets(nets).predict_proba(X), expected, atol=1e-5)
