import numpy as np
import pytest

from dechrome.training.net_training import NetTrainer, find_neighbours, random_net, scaling


def examples(n=60, n_in=5, n_out=4, random_state=0):
    rng = np.random.default_rng(random_state)
    X = (3 + 2 * rng.normal(size=(n, n_in))).astype(np.float32)
    weight = rng.random(n).astype(np.float32)
    weight[3:6] = 0
    return X, rng.dirichlet(np.ones(n_out), n).astype(np.float32), weight, np.array([0, 12, 12, 13, n])


def trainer_for(X, dilations=(1, 3), sees_attention=True, **settings):
    rng = np.random.default_rng(1)
    net = random_net(*scaling(X), 7, 4, dilations, rng, sees_attention)
    return NetTrainer(net, *scaling(X), rng, **settings)


@pytest.mark.parametrize(
    ("dilations", "sees_attention"), [((), False), ((1,), False), ((1, 3), False), ((1, 3), True)]
)
def test_gradients_equal_finite_differences(dilations, sees_attention):
    X, target, weight, ptr = examples()
    trainer = trainer_for(X, dilations, sees_attention)
    values = trainer._values = [value.astype(np.float64) for value in trainer._values]
    attention = np.random.default_rng(2).random(len(X), np.float32)
    _, gradients = trainer.gradients(X.astype(np.float64), target, weight, ptr, attention)
    for value, gradient in zip(values, gradients, strict=True):
        for place in list(np.ndindex(value.shape))[::5]:
            losses = []
            for move in (1e-5, -1e-5):
                value[place] += move
                losses.append(trainer.gradients(X.astype(np.float64), target, weight, ptr, attention)[0])
                value[place] -= move
            assert gradient[place] == pytest.approx((losses[0] - losses[1]) / 2e-5, rel=1e-3, abs=1e-6)


def test_steps_lower_the_loss_and_leave_the_first_net_alone():
    X, target, weight, ptr = examples()
    rng = np.random.default_rng(1)
    start = random_net(*scaling(X), 16, 4, (1,), rng)
    before = [weights.copy() for weights in start.weights]
    trainer = NetTrainer(start, *scaling(X), rng)
    losses = [trainer.step(X, target, weight, 0.02, ptr) for _ in range(150)]
    assert losses[-1] < losses[0] - 0.3
    assert all(np.array_equal(a, b) for a, b in zip(before, start.weights, strict=True))


def test_the_net_it_gives_has_the_loss_it_tells():
    X, target, weight, ptr = examples()
    trainer = trainer_for(X)
    attention = np.random.default_rng(2).random(len(X), np.float32)
    for _ in range(5):
        trainer.step(X, target, weight, 0.01, ptr, attention)
    P = trainer.net().predict_proba(X, ptr, attention)
    loss = -(weight * (target * np.log(P)).sum(axis=1)).sum() / weight.sum()
    assert trainer.step(X, target, weight, 0.01, ptr, attention) == pytest.approx(loss, rel=1e-4)


def test_rows_without_weight_teach_nothing_but_are_seen_by_their_neighbours():
    X, target, weight, ptr = examples()
    other = target.copy()
    other[3:6] = np.eye(4, dtype=np.float32)[0]
    trained = [trainer_for(X) for _ in range(3)]
    moved = X.copy()
    moved[3:6] += 5
    for trainer, (inputs, kinds) in zip(trained, ((X, target), (X, other), (moved, target)), strict=True):
        trainer.step(inputs, kinds, weight, 0.01, ptr)
    first, same, differing = (trainer.net().weights[1] for trainer in trained)
    assert np.array_equal(first, same)
    assert not np.array_equal(first, differing)


@pytest.mark.parametrize("settings", [{"decay": 5.0}, {"pull": 1.0}])
def test_penalties_hold_the_weights_back(settings):
    X, target, weight, ptr = examples()
    far, near = trainer_for(X), trainer_for(X, **settings)
    start = near.net()
    for _ in range(300):
        far.step(X, target, weight, 0.02, ptr)
        near.step(X, target, weight, 0.02, ptr)
    origin = start.weights[-1] if "pull" in settings else 0
    assert np.abs(near.net().weights[-1] - origin).sum() < 0.5 * np.abs(far.net().weights[-1] - origin).sum()


def test_dropout_depends_on_the_generator_alone():
    X, target, weight, ptr = examples()
    nets = []
    for dropout in (0.5, 0.5, 0.0):
        trainer = trainer_for(X, dropout=dropout)
        trainer.step(X, target, weight, 0.01, ptr)
        nets.append(trainer.net().weights[0])
    assert np.array_equal(nets[0], nets[1])
    assert not np.array_equal(nets[0], nets[2])


def test_neighbours_of_documents_shorter_than_the_distance():
    before, behind = find_neighbours(np.array([0, 2, 2, 7]), 3)
    assert before.tolist() == [7, 7, 7, 7, 7, 2, 3]
    assert behind.tolist() == [7, 7, 5, 6, 7, 7, 7]
