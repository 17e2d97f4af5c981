"""ParagraphClassifier keeps scikit-learn's conventions, with documents as samples."""

import io

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_predict

from dechrome import ParagraphClassifier

SMALL = {"epochs": 4, "n_documents": 120, "context_width": 8}


@pytest.fixture(scope="module")
def documents(seed_documents):
    return [d for d in seed_documents if d.language in ("en", "tr") and len(set(d.labels)) == 2][:16]


@pytest.fixture(scope="module")
def data(documents):
    return [d.paragraphs for d in documents], [d.kinds for d in documents], [d.site for d in documents]


@pytest.fixture(scope="module")
def fitted(data):
    X, y, groups = data
    return ParagraphClassifier(**SMALL).fit(X, y, groups)


def test_parameters_are_kept_and_cloned():
    classifier = ParagraphClassifier(dropout=0.5, **SMALL)
    assert clone(classifier).get_params() == classifier.get_params()
    assert classifier.set_params(dropout=0.3).dropout == 0.3
    assert "dropout=0.3" in repr(classifier)


def test_predictions_have_the_shape_of_the_documents(fitted, data):
    X, y, _ = data
    labels, probabilities = fitted.predict(X), fitted.predict_proba(X)
    assert labels.shape == probabilities.shape == (len(X),)
    for paragraphs, mine, p in zip(X, labels, probabilities, strict=True):
        assert mine.shape == (len(paragraphs),)
        assert set(mine) <= set(fitted.classes_)
        assert p.shape == (len(paragraphs), 2)
        np.testing.assert_allclose(p.sum(axis=1), 1)
        is_content = p[:, list(fitted.classes_).index("content")] >= fitted.model_.threshold
        assert (mine == np.where(is_content, "content", "chrome")).all()
    assert 0.6 < fitted.score(X, y) <= 1


def test_it_learns_from_labels_without_kinds(data):
    X, y, _ = data
    labels = [["content" if kind in ("headline", "body") else "chrome" for kind in mine] for mine in y]
    assert ParagraphClassifier(**SMALL).fit(X, labels).score(X, labels) > 0.6


def test_the_threshold_is_a_parameter(fitted, data):
    X, _, _ = data
    everything = clone(fitted).set_params(threshold=0.0)
    everything.__dict__ |= {"model_": fitted.model_}
    assert set(np.concatenate(everything.predict(X))) == {"content"}


def test_grouped_grid_search(data):
    X, y, groups = data
    search = GridSearchCV(
        ParagraphClassifier(**SMALL), {"threshold": [0.0, None]}, cv=GroupKFold(2), error_score="raise"
    ).fit(X, y, groups=groups)
    assert search.best_params_["threshold"] is None  # at 0 all is content
    assert len(search.predict(X[:3])) == 3


def test_cross_validated_predictions(data):
    X, y, groups = data
    found = cross_val_predict(
        ParagraphClassifier(**SMALL),
        X,
        np.array([*y, None], dtype=object)[:-1],
        groups=groups,
        cv=GroupKFold(2),
    )
    assert [len(mine) for mine in found] == [len(mine) for mine in X]


def test_joblib_round_trip(fitted, data):
    X, _, _ = data
    buffer = io.BytesIO()
    joblib.dump(fitted, buffer)
    buffer.seek(0)
    again = joblib.load(buffer)
    assert all((a == b).all() for a, b in zip(again.predict_proba(X), fitted.predict_proba(X), strict=True))


def test_the_same_documents_give_the_same_model(fitted, data):
    X, y, groups = data
    again = clone(fitted).fit(X, y, groups)
    assert all((a == b).all() for a, b in zip(again.predict_proba(X), fitted.predict_proba(X), strict=True))


def test_an_unfitted_classifier_says_so(data):
    with pytest.raises(NotFittedError):
        ParagraphClassifier().predict(data[0])


@pytest.mark.parametrize(
    ("X", "y", "error", "message"),
    [
        ([["a"]], [["body"], ["body"]], ValueError, "1 documents but 2"),
        ([["a", "b"]], [["body"]], ValueError, "document 0: 2 paragraphs but 1 labels"),
        ([["a"]], [["nonsense"]], ValueError, "'nonsense' is unknown"),
        (["a"], [["body"]], TypeError, "document 0 must be a sequence of str"),
        ([["a"]], ["body"], ValueError, "document 0"),
        ([["a"]], [["body"]], ValueError, "both content and chrome"),
    ],
)
def test_bad_input_is_named(X, y, error, message):
    with pytest.raises(error, match=message):
        ParagraphClassifier().fit(X, y)
