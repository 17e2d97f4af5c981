from dataclasses import replace

import numpy as np
import pytest

from dechrome.batch import Batch
from dechrome.encoder import MEANINGS
from dechrome.evaluation.measures import evaluate_paragraphs, score_documents
from dechrome.model import CONTEXT_PASS_INPUTS, FIRST_PASS_INPUTS
from dechrome.training.adapting import AdaptingConfig, adapt_model
from dechrome.training.net_training import NetTrainer

#: Large steps, so that a toy model moves within a second.
CONFIG = AdaptingConfig(share=0.5, n_documents=80, epochs=8, learning_rate=3e-3, batch_size=128)


@pytest.fixture(scope="module")
def pages(seed_documents):
    """Corrected pages on which every paragraph with a digit is chrome, and the rest of the world."""
    corrected = [
        replace(
            document, site="mine", read=[],
            labels=["chrome" if any(map(str.isdigit, text)) else "content" for text in document.paragraphs],
            kinds=[None] * len(document.kinds),
        )
        for document in seed_documents[:6]
    ]  # fmt: skip
    return corrected, seed_documents[6:]


def weights_of(model):
    return [weights for net in model.nets for weights in net.weights]


def accuracy(model, documents):
    return evaluate_paragraphs(score_documents(model, documents))["accuracy"]


def test_corrections_are_learned(toy_model, pages):
    corrected, rest = pages
    adapted = adapt_model(toy_model, corrected, rest, replace(CONFIG, most_loss=1.0))
    assert adapted.metadata["step"] == 1.0
    assert accuracy(adapted, corrected) > accuracy(toy_model, corrected) + 0.1


def test_what_would_cost_too_much_elsewhere_is_gone_in_part(toy_model, pages):
    corrected, rest = pages
    reckless = adapt_model(toy_model, corrected, rest, replace(CONFIG, most_loss=1.0))
    careful = adapt_model(toy_model, corrected, rest, replace(CONFIG, most_loss=0.0))
    assert careful.metadata["step"] < reckless.metadata["step"]
    assert accuracy(reckless, rest) < accuracy(careful, rest)
    assert accuracy(careful, rest) > accuracy(toy_model, rest) - 0.02


def test_it_learns_with_the_encoder_of_the_model(toy_model, pages, monkeypatch):
    seen, step = [], NetTrainer.step
    monkeypatch.setattr(NetTrainer, "step", lambda self, X, *rest: seen.append(X) or step(self, X, *rest))
    adapt_model(toy_model, *pages, replace(CONFIG, epochs=1))
    texts = [text for documents in pages for d in documents for text in d.paragraphs]
    known = {row.tobytes() for row in toy_model.encoder.encode(Batch(texts))}
    columns = [FIRST_PASS_INPUTS.index(name) for name in MEANINGS]
    first = [X[:, columns] for X in seen if X.shape[1] == len(FIRST_PASS_INPUTS)]
    assert first
    assert all(row.tobytes() in known for X in first for row in X)


def test_a_step_of_one_without_a_corpus_to_lose_on(toy_model, pages):
    corrected, _ = pages
    adapted = adapt_model(toy_model, corrected, [], CONFIG)
    assert adapted.metadata["step"] == 1.0
    assert adapted.metadata["n_corrected_documents"] == len(corrected)


def test_in_context_attention_goes_to_the_likely_content_of_each_step(toy_model, pages, monkeypatch):
    seen = []
    step = NetTrainer.step

    def spy(self, X, target, weight, rate, doc_ptr=None, attention=None):
        seen.append((X, attention))
        return step(self, X, target, weight, rate, doc_ptr, attention)

    monkeypatch.setattr(NetTrainer, "step", spy)
    adapt_model(toy_model, *pages, replace(CONFIG, epochs=1))
    in_context = [(X, attention) for X, attention in seen if X.shape[1] == len(CONTEXT_PASS_INPUTS[1])]
    assert in_context
    column = CONTEXT_PASS_INPUTS[1].index
    for X, attention in in_context:
        p = X[:, column("before_headline")] + X[:, column("before_body")]
        length = np.rint(np.expm1(X[:, column("log_length")]))
        short = length < 300
        assert attention[short] == pytest.approx((p * length + 1e-3)[short], rel=1e-3)


def test_it_gives_the_same_weights_twice_and_keeps_the_old_model(toy_model, pages):
    corrected, rest = pages
    before = [weights.copy() for weights in weights_of(toy_model)]
    first, second = (adapt_model(toy_model, corrected, rest, CONFIG) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(weights_of(first), weights_of(second), strict=True))
    assert all(np.array_equal(a, b) for a, b in zip(before, weights_of(toy_model), strict=True))
