import numpy as np
import pytest
from sklearn.neural_network import MLPClassifier

from dechrome.scoring import Net, document_means, relative_attention, round_weights, softmax


def random_net(n_in=9, width=6, n_out=4, dilations=(1, 2), random_state=2, n_means=2):
    rng = np.random.default_rng(random_state)
    shapes = [
        (n_in, width),
        *((n * width, width) for n in (3, 3 + n_means, 3)[: len(dilations)]),
        (width, n_out),
    ]
    return Net(
        [rng.normal(size=shape).astype(np.float32) for shape in shapes],
        [rng.normal(size=shape[1]).astype(np.float32) for shape in shapes],
        dilations,
    )


def test_without_convolutions_probabilities_equal_scikit_learns():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(300, 6)).astype(np.float32), rng.integers(0, 4, 300)
    fitted = MLPClassifier((7,), max_iter=20, random_state=0, tol=1).fit(X, y)
    fitted.coefs_ = round_weights(fitted.coefs_)
    net = Net(fitted.coefs_, [b.astype(np.float32) for b in fitted.intercepts_])
    assert np.abs(net.predict_proba(X) - fitted.predict_proba(X)).max() < 1e-6


@pytest.mark.parametrize("n_means", [0, 1, 2])
def test_convolutions_equal_the_plain_loop(n_means):
    net = random_net(n_means=n_means)
    rng = np.random.default_rng(3)
    X, attention = rng.normal(size=(8, 9)).astype(np.float32), rng.random(8, np.float32)
    H = np.maximum(X.astype(float) @ net.weights[0] + net.biases[0], 0)
    for weights, bias, dilation in zip(net.weights[1:-1], net.biases[1:-1], net.dilations, strict=True):
        seen = []
        for row in range(len(H)):
            around = [
                H[at] if 0 <= at < len(H) else np.zeros(H.shape[1])
                for at in (row - dilation, row, row + dilation)
            ]
            means = [H.mean(axis=0), np.average(H, axis=0, weights=attention)]
            around += means[: len(weights) // H.shape[1] - 3]
            seen.append(H[row] + np.maximum(np.concatenate(around) @ weights + bias, 0))
        H = np.array(seen)
    expected = softmax(H @ net.weights[-1] + net.biases[-1])
    assert np.allclose(net.predict_proba(X, attention=attention), expected, atol=1e-4)


def test_means_of_documents():
    rows = np.arange(10, dtype=np.float32).reshape(5, 2)
    means = document_means(rows, np.array([0, 2, 2]), np.array([2, 0, 2]))
    assert means.tolist() == [[1, 2], [0, 0], [5, 6]]
    assert document_means(rows, np.array([], np.int64), np.array([], np.int64)).shape == (0, 2)


def test_attention_is_told_against_the_mean_of_its_document():
    attention = np.array([3, 1, 5], np.float32)
    assert relative_attention(attention, np.array([0, 2, 2, 3])).tolist() == [1.5, 0.5, 1]


def test_nothing_crosses_from_one_document_into_another():
    net = random_net(dilations=(1, 2, 4))
    X = np.random.default_rng(4).normal(size=(40, 9)).astype(np.float32)
    ptr = np.array([0, 1, 1, 20, 40])
    attention = np.random.default_rng(5).random(40, np.float32)
    together = net.predict_proba(X, ptr, attention)
    for start, stop in zip(ptr[:-1], ptr[1:], strict=True):
        alone = net.predict_proba(X[start:stop], attention=attention[start:stop])
        assert np.array_equal(together[start:stop], alone)
    assert not np.array_equal(together, net.predict_proba(X, attention=attention))
    assert not np.array_equal(together, net.predict_proba(X, ptr))


def test_a_row_has_the_same_bits_in_any_batch():
    net = random_net(330, 96, 12, dilations=())
    X = np.random.default_rng(1).normal(size=(1000, 330)).astype(np.float32)
    together = net.predict_proba(X)
    for start, stop in ((0, 1), (17, 18), (500, 563), (3, 970)):
        assert np.array_equal(net.predict_proba(X[start:stop]), together[start:stop])


@pytest.mark.parametrize(("n_documents", "width"), [(1, 32), (7, 32), (90, 96)])
def test_a_document_has_the_same_bits_in_any_batch_whatever_its_length(n_documents, width):
    net = random_net(50, width, 12, dilations=(1, 2, 4))
    X = np.random.default_rng(5).normal(size=(9001, 50)).astype(np.float32)
    ptr = np.linspace(0, len(X), n_documents + 1).astype(np.int64)
    attention = np.random.default_rng(6).random(len(X), np.float32)
    twice = np.concatenate([ptr, ptr[1:] + len(X)])
    together = net.predict_proba(np.vstack([X, X]), twice, np.concatenate([attention, attention]))
    assert np.array_equal(together[: len(X)], net.predict_proba(X, ptr, attention))
    assert np.array_equal(together[len(X) :], net.predict_proba(X, ptr, attention))


def test_softmax_of_large_scores_is_finite():
    P = softmax(np.array([[1000.0, 0.0], [-1000.0, -1000.0]], np.float32))
    assert np.allclose(P, [[1, 0], [0.5, 0.5]])


@pytest.mark.parametrize("dilations", [(), (1,), (1, 2)])
def test_no_rows(dilations):
    net = random_net(dilations=dilations)
    assert net.predict_proba(np.zeros((0, 9), np.float32)).shape == (0, 4)


def test_layers_and_dilations_must_go_together():
    net = random_net()
    with pytest.raises(ValueError, match="4 layers do not go with 1 dilations"):
        Net(net.weights, net.biases, (1,))


def test_weights_are_those_that_are_written_in_half_the_space():
    rng = np.random.default_rng(0)
    given = rng.normal(size=(40, 7)).astype(np.float32)
    (weights,) = Net([given, given], [given[0]] * 2).weights[:1]
    assert weights.dtype == np.float32
    assert np.array_equal(weights.astype(np.float16).astype(np.float32), weights)
    assert np.allclose(weights, given, rtol=1e-3, atol=1e-6)
    assert not np.array_equal(weights, given)
