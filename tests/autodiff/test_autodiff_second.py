"""Second order over boxes: Hessians enclose the true ones, along chosen variables too, and blocks are told apart."""

import numpy as np
import pytest

import autodiff as ad
from autodiff.curvature import second as second_order
from autodiff.curvature.prepare import prepare
from autodiff.curvature.rows import CURVED, Piece
from autodiff.curvature.second import SecondOrder

pytestmark = pytest.mark.nan_ok     # infinite ends are among the subjects

FUNCTIONS = {
    "product": lambda x: x[0] * x[1] * x[2] + x[0] ** 2,
    "composed": lambda x: np.exp(x[0] * x[1]) + np.sin(x[2] + x[0]),
    "quotient": lambda x: x[0] ** 2 / (3.0 + x[1]) + x[2] ** 4,
    "softmax": lambda x: np.log(np.sum(np.exp(np.array([[1.0, 2.0, 0.0], [0.0, -1.0, 1.0]]) @ x))),
    "tanh": lambda x: np.sum(np.tanh(x) * x) - x[0] * np.cos(x[2]),
}
LOWER, UPPER = np.array([-0.5, 0.1, -1.0]), np.array([0.7, 0.9, 0.25])


def made(f, n=3):
    return SecondOrder(prepare(f, np.linspace(0.2, 0.4, n)))


def boxes(count, seed=0):
    """Boxes within LOWER, UPPER of all sizes, the whole one first, and a point in each."""
    rng = np.random.default_rng(seed)
    ends = np.sort(rng.random((2, 3, count)), axis=0)
    ends[:, :, 0] = [[0.0] * 3, [1.0] * 3]
    ends[:, :, 1] = 0.25
    lower, upper = (LOWER[:, None] + (UPPER - LOWER)[:, None] * end for end in ends)
    return lower, upper, lower + (upper - lower) * rng.random(lower.shape)


def leaks(local, f, x, chosen=slice(None)):
    """By how much the least eigenvalue of a true Hessian is below that of an enclosing matrix, or the like above."""
    worst = -np.inf
    for b in range(x.shape[1]):
        H = ad.hessian(f)(x[:, b])[chosen][:, chosen]
        for upper in (False, True):
            for M in local.matrices(upper):
                middle, radius = (0.5 * (M.hi + s * M.lo)[..., b] for s in (1, -1))
                room = np.linalg.eigvalsh(H - middle)
                size = np.max(np.sum(radius, axis=1)) + 1e-9
                worst = max(worst, room[-1] - size if upper else -room[0] - size)
    return worst


@pytest.mark.parametrize("name", FUNCTIONS)
def test_matrices_bound_the_hessian_from_both_sides(name):
    lower, upper, x = boxes(20)
    assert leaks(made(FUNCTIONS[name]).at(lower, upper), FUNCTIONS[name], x) <= 0


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("chosen", [[0], [2, 1], [0, 2]])
def test_along_chosen_variables_it_is_the_submatrix(name, chosen):
    lower, upper, x = boxes(8)
    second, chosen = made(FUNCTIONS[name]), np.array(chosen)
    local = second.at(lower, upper, chosen=chosen)
    assert leaks(local.along(np.arange(len(chosen))), FUNCTIONS[name], x, chosen) <= 0
    whole = second.at(lower, upper)
    assert leaks(whole.along(chosen), FUNCTIONS[name], x, chosen) <= 0
    for one, two in zip(whole.matrices(False), second.at(lower, upper, chosen=np.arange(3)).matrices(False),
                        strict=True):
        np.testing.assert_array_equal(one.lo, two.lo)


def test_directions_are_added_to_what_is_known_already():
    lower, upper, _ = boxes(4)
    second = made(FUNCTIONS["composed"])
    whole, local = second.at(lower, upper), second.at(lower, upper, chosen=np.zeros(0, int))
    for k in range(3):
        for side in (False, True):
            for one, two in zip(local.towards(np.array([k])).matrices(side), whole.matrices(side), strict=True):
                np.testing.assert_allclose(one.lo[0, 0], two.lo[k, k], rtol=1e-12)


def test_signs_along_some_variables_are_those_of_the_operations_they_reach():
    second = made(lambda x: x[0] ** 4 - x[1] ** 2 + np.abs(x[2]))
    local = second.at(-np.ones((3, 1)), np.ones((3, 1)))
    assert not local.convex[0] and not local.concave[0]
    signs = [(bool(part.convex[0]), bool(part.concave[0])) for part in (local.along(np.array([k])) for k in range(3))]
    assert signs == [(True, False), (False, True), (True, False)]


@pytest.mark.parametrize("f, labels, coupled", [
    (lambda x: np.sum(x**4), [0, 1, 2], False),
    (lambda x: x[0] * x[1] + x[2] ** 2, [0, 0, 1], False),
    (lambda x: x[0] * x[1] + x[2] ** 2, [0, 1, 0], True),
    (lambda x: np.maximum(x[0], x[2]) + x[1], [0, 1, 1], True),
    (lambda x: np.maximum(x[0], x[2]) + x[1], [0, 1, 0], False),
    (lambda x: np.sqrt(np.sum(x**2)), [0, 1, 1], True),
    (lambda x: np.exp(x[0] + x[2]), [0, 1, 1], True),
    (lambda x: np.sum(3.0 * x), [0, 1, 2], False)])
def test_variables_of_different_labels_that_meet_are_coupled(f, labels, coupled, monkeypatch):
    for directions in (64, 2, 1):
        monkeypatch.setattr(second_order, "DIRECTIONS", directions)
        assert made(f).couples(-np.ones(3), np.ones(3), np.array(labels)) is coupled


def test_an_operation_without_entries_is_not_curved():
    assert made(lambda x: np.sum(np.exp(x[3:])) + x[0] ** 2).curved != []
    assert made(lambda x: np.sum(np.exp(x[3:])) + x[0]).curved == []


def test_kinks_have_no_upper_bound_and_leave_other_variables_alone():
    local = made(lambda x: np.abs(x[0]) + x[1] ** 2 + x[2]).at(-np.ones((3, 1)), np.ones((3, 1)))
    assert local.convex[0] and max(M.hi[0, 0, 0] for M in local.matrices(True)) == np.inf
    assert [float(M.hi[0, 0, 0]) for M in local.along(np.array([1])).matrices(True)] == [2.0] * 2
    assert [float(M.lo[0, 0, 0]) for M in local.along(np.array([1])).matrices(False)] == [2.0] * 2


def test_what_is_undefined_or_undecided_blocks():
    lower, upper = np.array([[-1.0, 0.5]] * 3), np.array([[1.0, 2.0]] * 3)
    for f in (lambda x: -np.log(x[0]), lambda x: x[np.argmax(x)] ** 2,
              lambda x: x[0] ** 2 if x[0] > 0.1 else -x[0] ** 2):
        found, why = made(f).at(lower, upper).blocks
        assert found[0] and why
    assert made(lambda x: -np.log(x[0])).at(lower, upper).blocks[0].tolist() == [True, False]


def test_no_warning_leaks_from_infinite_boxes():
    second = made(lambda x: np.exp(x[0]) / (1 + x[1] ** 2) + np.sqrt(np.abs(x[2])))
    with np.errstate(all="raise"):
        local = second.at(np.full((3, 1), -np.inf), np.full((3, 1), np.inf))
        local.matrices(True), local.along(np.array([0])).matrices(False), local.gradient, local.value
        second.couples(np.full(3, -np.inf), np.full(3, np.inf), np.arange(3))


def test_a_wrong_row_or_adjoint_is_seen(monkeypatch):
    """Signs turned on purpose: the comparison with true Hessians fails."""
    lower, upper, x = boxes(20)
    f = FUNCTIONS["composed"]
    for prim in {node.prim for node in made(f).curved}:
        rule = CURVED[prim]
        monkeypatch.setitem(CURVED, prim, lambda a, y, *xs, rule=rule, **known: turned(rule(a, y, *xs, **known)))
    assert leaks(made(f).at(lower, upper), f, x) > 1e-3
    monkeypatch.undo()
    broken = made(f)
    broken.adjoints[0] = 0.0
    assert leaks(broken.at(lower, upper), f, x) > 1e-3


def turned(piece):
    entries = piece.entries
    if entries is not None:
        entries = entries._replace(w=type(entries.w)(-entries.w.hi, -entries.w.lo))
    return Piece(-piece.high, -piece.low, entries)
