"""BFGS, L-BFGS, SR1 and OWL-QN: the equations their matrices satisfy, what they solve and what it costs."""

import itertools
import math
import pickle
import tracemalloc

import numpy as np
import pytest
from scipy.optimize import rosen, rosen_der, rosen_hess

import optkit
from optkit import Objective, Reason
from optkit.point import magnitude
from optkit.prox import L1
from optkit.solvers import BFGS, LBFGS, LBFGSB, OWLQN, SR1
from optkit.solvers.bfgs import updated
from optkit.solvers.owlqn import pseudo_gradient
from optkit.subproblems.bounded_quasi_newton import BoundedMemory
from optkit.subproblems.limited_memory import Memory
from problems import collection

FAMILY = ("bfgs", "l-bfgs", "l-bfgs-b", "sr1", "owl-qn")
START = {n: np.tile([-1.2, 1.0], n // 2) for n in (2, 10, 100)}


def symmetric(H):
    """The full matrix from its upper triangle."""
    return np.triu(H) + np.triu(H, 1).T


def quadratic(n, condition=100.0, seed=0):
    rng = np.random.default_rng(seed)
    Q = np.linalg.qr(rng.normal(size=(n, n)))[0]
    H, b = Q * np.logspace(0, math.log10(condition), n) @ Q.T, rng.normal(size=n)
    return H, b, {"fun": lambda x: 0.5 * x.dot(H).dot(x) - b.dot(x), "jac": lambda x: H.dot(x) - b}


# --- matrices -------------------------------------------------------------------------------------------------------


def test_the_bfgs_update_is_the_product_form_and_keeps_the_secant_equation(rng):
    n = 6
    A = rng.normal(size=(n, n))
    H = np.asfortranarray(A @ A.T + np.eye(n))
    s, y = rng.normal(size=(2, n))
    y *= np.sign(s @ y)
    rho, identity = 1 / (s @ y), np.eye(n)
    left = identity - rho * np.outer(s, y)
    wanted = left @ H @ left.T + rho * np.outer(s, s)  # Nocedal & Wright (6.17)
    new, taken = updated(H.copy(order="F"), 20, s, y)
    new = symmetric(new)
    assert taken == 21
    np.testing.assert_allclose(new, wanted, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(new @ y, s, rtol=1e-9, atol=1e-9)


def test_bfgs_starts_from_the_scaled_identity_and_leaves_out_pairs_without_curvature(rng):
    s, y = np.array([1.0, 2.0, 0.0]), np.array([2.0, 2.0, 1.0])
    new, taken = updated(np.full((3, 3), np.nan, order="F"), 0, s, y)
    assert taken == 1
    gamma, rho = s @ s / (s @ y), 1 / (s @ y)
    left = np.eye(3) - rho * np.outer(s, y)
    np.testing.assert_allclose(symmetric(new), gamma * left @ left.T + rho * np.outer(s, s), atol=1e-14)
    before = new.copy()
    for bad in (-y, np.zeros(3), np.full(3, np.nan)):
        after, taken = updated(new, 1, s, bad)
        assert taken == 1
        np.testing.assert_array_equal(after, before)


def test_bfgs_scales_h_up_in_its_first_updates_where_it_is_too_small():
    s, y = np.array([1.0, 0.0]), np.array([0.25, 0.0])
    for taken, elsewhere in ((1, 16**0.75), (7, 16**0.75), (8, 1.0)):  # s·y/y·Hy = 16
        new = symmetric(updated(np.asfortranarray(0.25 * np.eye(2)), taken, s, y)[0])
        np.testing.assert_allclose(new, np.diag([4.0, 0.25 * elsewhere]), rtol=1e-14)
    new = symmetric(updated(np.asfortranarray(16 * np.eye(2)), 1, s, y)[0])
    np.testing.assert_allclose(new, np.diag([4.0, 16.0]), rtol=1e-14)


def test_the_bfgs_matrix_stays_positive_definite_along_a_run():
    solver, objective = BFGS(), Objective(rosen, START[10], jac=rosen_der)
    state = solver.init(objective, objective.start())
    for _ in range(60):
        before = state.point
        state = solver.step(objective, state)
        H = symmetric(state.H)
        assert np.linalg.eigvalsh(H)[0] > 0
        y, s = state.point.g - before.g, state.point.x - before.x
        np.testing.assert_allclose(H @ y, s, rtol=1e-6, atol=1e-8 * np.linalg.norm(s))


def test_bfgs_ends_near_the_inverse_hessian():
    solver, objective = BFGS(), Objective(rosen, START[2], jac=rosen_der)
    state = solver.init(objective, objective.start())
    while objective.measure(state.point) > 1e-8:
        state = solver.step(objective, state)
    np.testing.assert_allclose(symmetric(state.H), np.linalg.inv(rosen_hess(np.ones(2))), rtol=0.05)


def dense_bfgs(theta, pairs, n):
    """B from θI by the update of Nocedal & Wright (6.19), pair after pair."""
    B = theta * np.eye(n)
    for s, y in pairs:
        Bs = B @ s
        B = B - np.outer(Bs, Bs) / (s @ Bs) + np.outer(y, y) / (s @ y)
    return B


@pytest.mark.parametrize("m, taken", [(1, 1), (1, 3), (3, 2), (3, 3), (3, 7), (5, 5)])
def test_the_compact_form_is_the_matrix_of_the_updates(m, taken, rng):
    n = 7
    H = np.diag(np.arange(1.0, n + 1)) + 0.1
    memory, pairs = BoundedMemory.empty(m, n), []
    for _ in range(taken):
        s = rng.normal(size=n)
        pairs.append((s, H @ s))
        assert memory.add(*pairs[-1])
    assert not memory.add(s, -s)
    s, y = pairs[-1]
    B = dense_bfgs(y @ y / (s @ y), pairs[-m:], n)
    compact = memory.compact()
    W = compact.WT.T
    np.testing.assert_allclose(compact.theta * np.eye(n) - W @ np.linalg.solve(compact.M, W.T), B, rtol=1e-9, atol=1e-9)
    g = rng.normal(size=n)
    np.testing.assert_allclose(memory.pairs.direction(g), -np.linalg.solve(B, g), rtol=1e-8, atol=1e-10)
    free = np.array([True, False, True, True, False, False, True])
    wanted = np.zeros(n)
    wanted[free] = -np.linalg.solve(B[np.ix_(free, free)], g[free])
    np.testing.assert_allclose(memory.direction_on(free, g), wanted, rtol=1e-8, atol=1e-10)


def test_a_memory_is_plain_data():
    memory = Memory.empty(3, 4)
    assert {type(getattr(memory, name)) for name in memory.__slots__} == {np.ndarray, int, float}
    memory.add(np.ones(4), 2 * np.ones(4))
    assert type(memory.gamma) is float and type(memory.count) is int


def test_sr1_finds_the_hessian_of_a_quadratic_in_n_updates():
    """Nocedal & Wright theorem 6.1; the curvature may have either sign."""
    n = 5
    rng = np.random.default_rng(1)
    Q = np.linalg.qr(rng.normal(size=(n, n)))[0]
    H = Q * np.array([-2.0, 1.0, 3.0, 5.0, 10.0]) @ Q.T
    B, known = np.eye(n), True
    for _ in range(n):
        s = rng.normal(size=n)
        known = SR1()._update(B, known, s, H @ s)
    np.testing.assert_allclose(B, H, rtol=1e-8, atol=1e-8)


def test_sr1_leaves_out_pairs_that_would_blow_up_the_matrix():
    s, B = np.array([1.0, 0.0]), np.eye(2)
    assert SR1()._update(B, True, s, np.array([1.0, 1.0]))  # s·(y − Bs) = 0
    np.testing.assert_array_equal(B, np.eye(2))
    assert SR1()._update(B, True, s, s)  # Bs = y already
    np.testing.assert_array_equal(B, np.eye(2))


def test_sr1_learns_from_a_rejected_trial():
    """f = x⁴ − 4x² from 0.1 with far too large a radius: the first trial is high, and teaches B its curvature."""
    seen = []
    original = SR1._update

    def spy(self, B, known, s, y):
        seen.append(float(s[0]))
        return original(self, B, known, s, y)

    SR1._update = spy
    try:
        objective = Objective(lambda x: x[0] ** 4 - 4 * x[0] ** 2, [0.1], jac=lambda x: 4 * x**3 - 8 * x)
        solver = SR1(delta0=50.0)
        state = solver.init(objective, objective.start())
        state.B[:] = 1e-3
        state = solver.step(objective, state)
    finally:
        SR1._update = original
    assert len(seen) > 1 and abs(seen[0]) > 10 * abs(seen[-1])


@pytest.mark.nan_ok
def test_sr1_learns_nothing_from_a_trial_in_another_world():
    """Osborne 1: the first trial is at f = 1e45, and would make every later step zero."""
    case = collection()["osborne-1"]
    objective = Objective(case.f, case.x0)
    state = SR1().init(objective, objective.start())
    for _ in range(5):
        before, state = state.point.f, SR1().step(objective, state)
        assert state.point.f < before and np.abs(state.B).max() < 1e12


# --- runs -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method, budget", [("bfgs", (41, 100, 664)), ("sr1", (70, 110)),
                                            ("l-bfgs", (50, 100, 639))])
def test_rosenbrock_within_the_budget(method, budget):
    for n, most in zip((2, 10, 100), budget, strict=False):
        result = optkit.minimize(rosen, START[n], jac=rosen_der, method=method, gtol=1e-8)
        assert result.success and result.nfev <= most, (n, result.nfev)


@pytest.mark.parametrize("n", [1, 2, 5, 8])
@pytest.mark.parametrize("solver", [BFGS(), LBFGS(memory=10), LBFGSB(memory=10)], ids=lambda s: type(s).__name__)
def test_with_exact_searches_a_quadratic_ends_in_n_steps(solver, n):
    """Nocedal & Wright theorem 6.4: the iterates are those of conjugate gradients."""
    from dataclasses import replace

    from optkit.linesearch import StrongWolfe

    _, _, problem = quadratic(n, 10.0)
    exact = replace(solver, search=StrongWolfe(c1=1e-10, c2=1e-9))
    result = optkit.minimize(**problem, x0=np.zeros(n), gtol=1e-7, method=exact)
    assert result.success and result.nit <= n


@pytest.mark.parametrize("method", FAMILY)
def test_runs_are_the_same_for_f_scaled_by_a_power_of_two(method):
    def run(c):
        return optkit.minimize(lambda x: c * rosen(x), START[10], jac=lambda x: c * rosen_der(x), method=method,
                               maxiter=25, gtol=0)

    a = run(1.0).history.f
    for c in (2.0**-40, 2.0**40):
        np.testing.assert_allclose(run(c).history.f, c * a, rtol=1e-9)


@pytest.mark.nan_ok
@pytest.mark.parametrize("method", FAMILY)
@pytest.mark.parametrize("scale", [1e-12, 1e-8, 1e8, 1e12])
def test_scale_of_f_does_not_matter(method, scale):
    result = optkit.minimize(lambda x: scale * rosen(x), START[2], jac=lambda x: scale * rosen_der(x), method=method,
                             gtol=1e-5 * min(1.0, 1.0) if scale < 1 else 1e-5 * scale)
    assert result.success
    np.testing.assert_allclose(result.x, 1.0, atol=1e-2)


@pytest.mark.parametrize("method", ["bfgs", "l-bfgs", "l-bfgs-b", "sr1"])
def test_iterates_turn_with_the_coordinates(method):
    Q = np.linalg.qr(np.random.default_rng(2).normal(size=(4, 4)))[0]
    x0 = np.tile([-1.2, 1.0], 2)
    options = {"method": method, "maxiter": 7, "gtol": 0.0}
    a = optkit.minimize(rosen, x0, jac=rosen_der, **options)
    b = optkit.minimize(lambda z: rosen(Q @ z), Q.T @ x0, jac=lambda z: Q.T @ rosen_der(Q @ z), **options)
    np.testing.assert_allclose(a.history.f, b.history.f, rtol=1e-6)


@pytest.mark.parametrize("method", FAMILY)
def test_f_never_rises(method):
    for name in ("wood", "beale", "helical-valley", "powell-singular"):
        case = collection()[name]
        values = optkit.minimize(case.f, case.x0, method=method, maxiter=200).history.f
        assert (np.diff(values) <= 1e-14 * np.abs(values[:-1])).all(), name


@pytest.mark.nan_ok
@pytest.mark.parametrize("method", FAMILY)
def test_the_edge_of_the_domain_is_met_and_not_crossed(method):
    result = optkit.minimize(lambda x: np.sum(x - 1e-3 * np.log(x)), [0.5, 0.3], method=method)
    assert result.success
    np.testing.assert_allclose(result.x, 1e-3, rtol=1e-3)


@pytest.mark.nan_ok
@pytest.mark.parametrize("method", FAMILY)
def test_what_has_no_minimum_is_no_success(method):
    falling = ((lambda x: -np.sum(x), [0.0] * 3), (lambda x: -np.sum(x**2), [1.0] * 2), (lambda x: x[0] ** 3, [-1.0]))
    for f, x0 in falling:
        result = optkit.minimize(f, x0, method=method, maxiter=500)
        assert not result.success, result


@pytest.mark.nan_ok
@pytest.mark.parametrize("method", FAMILY)
def test_a_start_at_a_saddle_is_left(method):
    result = optkit.minimize(lambda x: x[0] ** 2 - x[1] ** 2 + x[1] ** 4, np.zeros(2), method=method)
    assert result.success and result.fun == pytest.approx(-0.25, abs=1e-8)


@pytest.mark.parametrize("method", FAMILY)
def test_a_singular_hessian_and_one_unknown(method):
    result = optkit.minimize(lambda x: (x[0] + x[1] - 1) ** 2 + (x[0] + x[1]) ** 4, [3.0, -1.0], method=method)
    assert result.success
    result = optkit.minimize(lambda x: np.cosh(x[0] - 3), [0.0], method=method, gtol=1e-8)
    assert result.success and result.x[0] == pytest.approx(3, abs=1e-7)


@pytest.mark.nan_ok
@pytest.mark.parametrize("method", FAMILY)
def test_a_stall_starts_anew_with_steepest_descent_and_then_says_so(method):
    """Beyond rounding nothing is lower: the run ends there, and does not claim what gtol = 0 asks."""
    result = optkit.minimize(rosen, START[2], jac=rosen_der, method=method, gtol=0.0)
    assert result.reason is Reason.STALLED_AT_PRECISION or (result.success and not result.jac.any())
    np.testing.assert_allclose(result.x, 1.0, atol=1e-6)


@pytest.mark.parametrize("method", FAMILY)
def test_a_state_saved_in_the_middle_goes_on_to_the_same_bits(method):
    from optkit.solvers import METHODS

    solver = METHODS[method](memory=4) if "memory" in METHODS[method].__slots__ else METHODS[method]()
    objective = Objective(rosen, START[10], jac=rosen_der)
    state = solver.init(objective, objective.start())
    for _ in range(9):
        state = solver.step(objective, state)
    saved = pickle.loads(pickle.dumps(state))
    fresh = Objective(rosen, START[10], jac=rosen_der)
    for _ in range(6):
        state, saved = solver.step(objective, state), solver.step(fresh, saved)
        for a, b in zip(state.point, saved.point, strict=True):
            np.testing.assert_array_equal(a, b)


def test_a_failed_search_makes_bfgs_forget_h_and_go_down_the_gradient():
    from optkit.linesearch import StrongWolfe

    asked = []

    def search(ray, alpha):
        asked.append(ray.p.copy())
        return StrongWolfe()(ray, alpha) if len(asked) != 4 else None

    solver, objective = BFGS(search=search), Objective(rosen, START[10], jac=rosen_der)
    state = solver.init(objective, objective.start())
    for _ in range(3):
        state = solver.step(objective, state)
    assert state.taken == 3
    g = state.point.g
    state = solver.step(objective, state)
    np.testing.assert_array_equal(asked[-1], -g / magnitude(g))
    assert state.taken == 1


def test_l_bfgs_keeps_within_its_memory():
    n, m = 100_000, 7
    scales = np.linspace(1, 50, n)
    start = np.ones(n)
    tracemalloc.start()
    result = optkit.minimize(lambda x: 0.5 * x.dot(scales * x), start, jac=lambda x: scales * x, memory=m, maxiter=25,
                             method="l-bfgs", gtol=0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert result.nit == 25
    assert peak <= (2 * m + 10) * 8 * n


# --- OWL-QN ---------------------------------------------------------------------------------------------------------


def lasso_by_coordinates(A, b, weight):
    """argmin ½‖Ax − b‖² + Σ w|x|, by cyclic coordinate descent to the last digits."""
    x, r, squares = np.zeros(A.shape[1]), -b.copy(), np.sum(A * A, axis=0)
    w = np.broadcast_to(weight, x.shape)
    for _ in range(20_000):
        largest = 0.0
        for j, a in enumerate(A.T):
            z = x[j] - a @ r / squares[j]
            new = np.sign(z) * max(abs(z) - w[j] / squares[j], 0.0)
            r += a * (new - x[j])
            largest = max(largest, abs(new - x[j]))
            x[j] = new
        if largest < 1e-14:
            break
    return x


def assert_stationary(x, g, weight, tolerance):
    """0 ∈ g + ∂Σ w|x|."""
    zero = x == 0
    w = np.broadcast_to(weight, x.shape)
    assert (np.abs(g[zero]) <= w[zero] + tolerance).all()
    np.testing.assert_allclose(g[~zero], -(w * np.sign(x))[~zero], atol=tolerance)


@pytest.mark.parametrize("seed", range(6))
def test_owl_qn_solves_the_lasso(seed):
    rng = np.random.default_rng(seed)
    A, b = rng.normal(size=(40, 25)), rng.normal(size=40) * 3
    weight = (0.5, 3.0, 8.0, rng.uniform(0, 6, 25))[seed % 4]
    result = optkit.minimize(lambda x: 0.5 * np.sum((A @ x - b) ** 2), rng.normal(size=25) * (seed % 2),
                             jac=lambda x: A.T @ (A @ x - b), prox=L1(weight), method="owl-qn", gtol=1e-9)
    wanted = lasso_by_coordinates(A, b, weight)
    assert result.success and result.nfev <= 120
    np.testing.assert_allclose(result.x, wanted, atol=1e-9)
    np.testing.assert_array_equal(result.x == 0, wanted == 0)


@pytest.mark.parametrize("seed", range(3))
def test_owl_qn_solves_a_lasso_with_more_unknowns_than_equations(seed):
    rng = np.random.default_rng(seed)
    A, b = rng.normal(size=(30, 50)), rng.normal(size=30)
    result = optkit.minimize(lambda x: 0.5 * np.sum((A @ x - b) ** 2), np.zeros(50), prox=L1(0.5), method="owl-qn",
                             gtol=1e-8)
    assert result.success and result.nfev <= 140  # with every entry aligned, as first published: 700 to 1700
    assert_stationary(result.x, A.T @ (A @ result.x - b), 0.5, 1e-7)
    assert (result.x == 0).sum() >= 20


def test_owl_qn_solves_l1_logistic_regression():
    rng = np.random.default_rng(5)
    X = rng.normal(size=(200, 30))
    t = np.where(X[:, :4].sum(axis=1) + rng.normal(size=200) > 0, 1.0, -1.0)

    def f(w):
        return np.sum(np.logaddexp(0, -t * (X @ w)))

    result = optkit.minimize(f, np.zeros(30), prox=L1(8.0), method="owl-qn", gtol=1e-7)
    g = X.T @ (-t / (1 + np.exp(t * (X @ result.x))))
    assert result.success and result.nfev <= 80
    assert_stationary(result.x, g, 8.0, 1e-6)
    assert 3 <= np.count_nonzero(result.x) <= 15
    assert result.fun == pytest.approx(f(result.x) + 8.0 * np.abs(result.x).sum(), rel=1e-13)


def test_with_a_large_weight_everything_is_zero_and_with_none_nothing_changes():
    A, b = np.arange(12.0).reshape(4, 3) % 5, np.ones(4)

    def f(x):
        return 0.5 * np.sum((A @ x - b) ** 2)

    result = optkit.minimize(f, np.ones(3), prox=L1(1e3), method="owl-qn")
    assert result.success and not result.x.any()
    result = optkit.minimize(f, np.ones(3), prox=L1(0.0), method="owl-qn", gtol=1e-9)
    np.testing.assert_allclose(result.x, np.linalg.lstsq(A, b)[0], atol=1e-7)


def test_the_pseudo_gradient_is_the_shortest_subgradient(rng):
    x, g = np.array([0.0, 0.0, 0.0, 2.0, -1.0]), np.array([3.0, -3.0, 0.5, 1.0, 1.0])
    np.testing.assert_array_equal(pseudo_gradient(optkit.Point(x, 0.0, g), 1.0), [2.0, -2.0, 0.0, 2.0, 0.0])
    for _ in range(50):
        x, g, w = rng.normal(size=4) * (rng.random(4) < 0.5), 2 * rng.normal(size=4), rng.random(4)
        sub = np.array([g + w * np.where(x == 0, np.array(signs), np.sign(x))
                        for signs in itertools.product([-1, -0.5, 0, 0.5, 1], repeat=4)])
        least = pseudo_gradient(optkit.Point(x, 0.0, g), w)
        assert np.linalg.norm(least) <= np.linalg.norm(sub, axis=1).min() + 1e-12


def test_owl_qn_says_what_it_is_for():
    with pytest.raises(ValueError, match="does not handle"):
        optkit.minimize(rosen, START[2], prox=optkit.prox.Simplex(), method="owl-qn")


@pytest.mark.parametrize("make, words", [
    (lambda: LBFGSB(memory=0), "LBFGSB: need memory >= 1"),
    (lambda: OWLQN(memory=0), "OWLQN: need memory >= 1"),
    (lambda: SR1(r=0.0), "SR1: need 0 < r < 1"),
    (lambda: SR1(eta=0.5), "SR1: need 0 <= eta < 0.25"),
    (lambda: SR1(delta0=0.0), "SR1: need 0 < delta0"),
])
def test_parameters_out_of_range_are_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()


# --- against SciPy --------------------------------------------------------------------------------------------------


@pytest.mark.nan_ok
@pytest.mark.parametrize("method, least", [("bfgs", 22), ("l-bfgs-b", 22), ("sr1", 21), ("owl-qn", 21)])
def test_the_more_garbow_hillstrom_problems(method, least):
    """All of n <= 8: solved, or said not to be; claims of success are checked with a fresh gradient."""
    solved, cases = 0, [case for case in collection("mgh").values() if case.n <= 8]
    for case in cases:
        result = optkit.minimize(case.f, case.x0, method=method, maxfev=5000)
        g = optkit.Objective(case.f, result.x).start().g
        assert not result.success or np.abs(g).max() <= result.gtol * (1 + 1e-6), case.name
        solved += result.success
    assert solved >= least, (solved, len(cases))


@pytest.mark.parametrize("method", ["bfgs", "l-bfgs", "l-bfgs-b", "owl-qn", "sr1"])
@pytest.mark.parametrize("f", [lambda x: 1e14 * (100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2),
                               lambda x: x[0] ** 2 + 1e16 * x[1] ** 2], ids=["1e14", "condition"])
def test_curvature_above_1e16_is_learnt(method, f):
    result = optkit.minimize(f, [0.7, -0.4], method=method)
    assert result.success and result.nit <= 60


def test_pairs_are_judged_whatever_the_scales_of_f_and_x():
    s, y = np.array([1.0, 2.0]), np.array([3.0, 0.5])
    for a, b in ((1.0, 1.0), (1e-100, 1e100), (1e100, 1e-150), (1e-100, 1e150)):
        memory = Memory.empty(2, 2)
        assert memory.add(a * s, b * y) and memory.gamma == pytest.approx(a / b * 4 / 9.25)
        assert not memory.add(a * s, -b * y) and not memory.add(a * s, b * np.array([2.0, -1.0]))
    for a, b in ((1.0, 0.0), (0.0, 1.0), (1.0, math.nan), (1e200, 1e200), (1.0, 1e-310)):
        with np.errstate(all="ignore"):
            assert not Memory.empty(2, 2).add(a * s, b * y)
