"""Proximal gradient and FISTA on f + h: solutions verified by their optimality conditions, budgets, trouble."""

import math
import pickle

import numpy as np
import pytest

import optkit
from optkit.objective import Objective
from optkit.prox import (
    L1,
    L2,
    Affine,
    Box,
    ElasticNet,
    GroupL2,
    L1Ball,
    L2Ball,
    NonNegative,
    NuclearNorm,
    Simplex,
    Zero,
    as_term,
)
from optkit.solvers import FISTA, ProximalGradient
from optkit.stopping import Reason

SOLVERS = {
    "spectral": ProximalGradient(),
    "monotone": ProximalGradient(window=1),
    "backtracking": ProximalGradient(rule="backtracking"),
    "fista": FISTA(),
    "no restart": FISTA(restart=False),
    "mfista": FISTA(variant="monotone", restart=False),
}
each_solver = pytest.mark.parametrize("name", SOLVERS)
random = np.random.default_rng(5)
A = random.standard_normal((30, 50))
W = np.zeros(50)
W[[3, 17, 30, 41]] = [2.0, -1.0, 1.5, 3.0]
B = A @ W + 0.05 * random.standard_normal(30)
LAMBDA = 0.1 * np.abs(A.T @ B).max()
TALL = random.standard_normal((40, 8))
TARGET = TALL @ np.array([0.5, 0.3, 0.2, 0.0, 0.0, 0.0, 0.0, 0.0]) + 0.1 * random.standard_normal(40)
LABELS = np.sign(A @ W + 0.5 * random.standard_normal(30))
M = random.standard_normal((8, 2)) @ random.standard_normal((2, 8))
SEEN = random.random((8, 8)) < 0.7
PARTS = np.arange(50) // 5


def least_squares(x):
    return 0.5 * np.sum((A @ x - B) ** 2)


def tall(x):
    return 0.5 * np.sum((TALL @ x - TARGET) ** 2)


def logistic(x):
    return np.mean(np.logaddexp(0, -LABELS * (A @ x)))


def completion(X):
    return 0.5 * np.sum(SEEN * (X - M) ** 2)


def rosenbrock(x):
    return 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2


PROBLEMS = {
    "lasso": (least_squares, np.zeros(50), L1(LAMBDA)),
    "weighted lasso": (least_squares, np.ones(50), L1(LAMBDA * (0.2 + np.arange(50) / 50))),
    "elastic net": (least_squares, np.zeros(50), ElasticNet(LAMBDA, 0.5)),
    "logistic": (logistic, np.zeros(50), L1(0.02)),
    "groups": (least_squares, np.zeros(50), GroupL2(LAMBDA, PARTS)),
    "completion": (completion, np.zeros((8, 8)), NuclearNorm(0.3)),
    "simplex": (tall, np.full(8, 1 / 8), Simplex()),
    "l1 ball": (tall, np.zeros(8), L1Ball(0.5)),
    "l2 ball": (tall, np.zeros(8), L2Ball(0.3)),
    "nonnegative": (tall, np.ones(8), NonNegative()),
    "box": (tall, np.zeros(8), Box(-0.1, 0.25)),
    "affine": (tall, np.zeros(8), Affine(np.ones((1, 8)), [1.0])),
}


def optimality(problem, result, step):
    """‖x − prox_t(x − t g)‖∞/t with g by hand, from the result's own x: 0 exactly at a solution, for every t."""
    f, x0, h = PROBLEMS[problem]
    term, x, g = as_term(h, x0), np.ravel(result.x), np.ravel(result.jac)
    return np.abs(x - term.prox(x - step * g, step)).max() / step


@each_solver
@pytest.mark.parametrize("problem", PROBLEMS)
def test_solves_to_the_optimality_conditions(problem, name):
    f, x0, h = PROBLEMS[problem]
    result = optkit.minimize(f, x0, prox=h, method=SOLVERS[name], gtol=1e-7)
    assert result.success and result.gnorm <= 1e-7
    for step in (1e-2, 1.0, 30.0):
        assert optimality(problem, result, step) <= 2e-7 * max(1, 1 / step)
    assert result.fun == pytest.approx(f(result.x) + as_term(h, x0).value(np.ravel(result.x)), rel=1e-12)
    assert result.jac == pytest.approx(numerical_gradient(f, result.x), rel=1e-4, abs=1e-5)


def numerical_gradient(f, x):
    g = np.zeros(x.shape)
    for i in np.ndindex(x.shape):
        e = np.zeros(x.shape)
        e[i] = 1e-6
        g[i] = (f(x + e) - f(x - e)) / 2e-6
    return g


def test_all_solvers_find_the_same_lasso():
    runs = [optkit.minimize(least_squares, np.zeros(50), prox=L1(LAMBDA), method=s, gtol=1e-9)
            for s in SOLVERS.values()]
    for run in runs:
        assert np.flatnonzero(run.x).tolist() == np.flatnonzero(runs[0].x).tolist()
        assert run.x == pytest.approx(runs[0].x, abs=1e-7)
    g = A.T @ (A @ runs[0].x - B)
    on = runs[0].x != 0
    assert g[on] == pytest.approx(-LAMBDA * np.sign(runs[0].x[on]), abs=1e-7)
    assert np.abs(g[~on]).max() < LAMBDA


def test_against_scikit_learn():
    linear_model = pytest.importorskip("sklearn.linear_model")
    lasso = linear_model.Lasso(alpha=LAMBDA / 30, fit_intercept=False, tol=1e-12, max_iter=100_000).fit(A, B)
    for solver in SOLVERS.values():
        result = optkit.minimize(least_squares, np.zeros(50), prox=L1(LAMBDA), method=solver, gtol=1e-8)
        assert result.x == pytest.approx(lasso.coef_, abs=1e-5)
        assert result.fun <= least_squares(lasso.coef_) + LAMBDA * np.abs(lasso.coef_).sum() + 1e-8


def test_known_solutions():
    v = np.array([3.0, -0.5, 1.0])
    separable = optkit.minimize(lambda x: 0.5 * np.sum((x - v) ** 2), np.zeros(3), prox=L1(1.0), method="fista")
    assert separable.x == pytest.approx([2, 0, 0], abs=1e-6)
    vertex = optkit.minimize(lambda x: x @ np.array([3.0, 1.0, 2.0]), np.ones(3), prox=Simplex(2.0),
                             method="proximal-gradient")
    assert vertex.x.tolist() == [0, 2, 0] and vertex.fun == 2
    low = optkit.minimize(lambda X: 0.5 * np.sum((X - np.diag([3.0, 1.0, 0.2])) ** 2), np.zeros((3, 3)),
                          prox=NuclearNorm(0.5), method="fista")
    assert low.x == pytest.approx(np.diag([2.5, 0.5, 0.0]), abs=1e-5)


def test_group_solutions_are_zero_as_groups():
    result = optkit.minimize(least_squares, np.zeros(50), prox=GroupL2(LAMBDA, PARTS), method="fista", gtol=1e-8)
    norms = np.sqrt(np.bincount(PARTS, result.x**2))
    assert 0 < np.count_nonzero(norms) < 10
    assert all(np.count_nonzero(result.x[k == PARTS]) in (0, 5) for k in range(10))


def test_terms_for_entries_of_a_tree():
    def f(p):
        return 0.5 * np.sum((A @ p["w"] + p["c"] - B) ** 2)

    x0 = {"w": np.zeros(50), "c": 0.0}
    result = optkit.minimize(f, x0, prox={"w": L1(LAMBDA)}, method="fista", gtol=1e-7)
    r = A @ result.x["w"] + result.x["c"] - B
    assert result.success and abs(r.sum()) <= 1e-6 and np.count_nonzero(result.x["w"]) < 20
    mixed = optkit.minimize(f, x0, prox={"w": L1(LAMBDA), "c": Box(0.3, 0.4)}, method="proximal-gradient")
    assert mixed.success and mixed.x["c"] in (0.3, 0.4)


@each_solver
def test_a_domain_that_is_part_of_the_term_is_never_left(name):
    seen = []

    def f(p):
        seen.append(float(p["c"]))
        return (p["c"] - 5.0) ** 2 + np.sum((p["w"] - 1) ** 2)

    result = optkit.minimize(f, {"w": np.zeros(2), "c": 9.0}, prox={"w": L1(0.1), "c": Box(0.3, 0.4)},
                             method=SOLVERS[name], jac=lambda p: {"w": 2 * (p["w"] - 1), "c": 2 * (p["c"] - 5)})
    assert result.success and result.x["c"] == 0.4 and 0.3 <= min(seen) and max(seen) <= 0.4


@each_solver
def test_without_a_term_they_minimise_f(name):
    result = optkit.minimize(tall, np.zeros(8), method=SOLVERS[name], gtol=1e-8)
    assert result.success
    assert result.x == pytest.approx(np.linalg.lstsq(TALL, TARGET, rcond=None)[0], abs=1e-8)


@pytest.mark.parametrize("name", ["monotone", "backtracking"])
@pytest.mark.parametrize("problem", PROBLEMS)
def test_monotone_rules_never_let_f_rise(problem, name):
    f, x0, h = PROBLEMS[problem]
    history = optkit.minimize(f, x0, prox=h, method=SOLVERS[name], gtol=1e-7).history
    assert (np.diff(history.f) <= 1e-9 * np.abs(history.f[:-1]) + 1e-14).all()


def test_spectral_steps_stay_below_the_last_five_values():
    f, x0, h = PROBLEMS["lasso"]
    fs = optkit.minimize(f, x0, prox=h, method=ProximalGradient(), gtol=1e-8).history.f
    assert all(fs[k] <= fs[max(0, k - 5): k].max() + 1e-9 * abs(fs[k]) for k in range(1, len(fs)))


@pytest.mark.parametrize("solver", [FISTA(), FISTA(restart=False, variant="monotone"), FISTA(variant="monotone")])
def test_the_iterates_of_monotone_fista_do_not_rise(solver):
    f, x0, h = PROBLEMS["lasso"]
    objective = Objective(f, x0, term=as_term(h, x0))
    state, values = solver.init(objective, objective.start()), []
    for _ in range(60):
        values.append(state.f)
        state = solver.step(objective, state)
        assert state.f == pytest.approx(f(state.x) + h.value(state.x), rel=1e-12)
    assert (np.diff(values) <= 2e-9 * np.abs(values[:-1])).all() and values[-1] < values[0]


def test_fista_keeps_its_rate():
    """F(x_k) − F* <= 2ηL‖x_0 − x*‖²/(k + 1)². Beck & Teboulle 2009, theorem 4.4 (needs L not to fall)."""
    f, x0, h = PROBLEMS["lasso"]
    best = optkit.minimize(f, x0, prox=h, method="fista", gtol=1e-10)
    L = np.linalg.eigvalsh(A.T @ A)[-1]
    objective, solver = Objective(f, x0, term=h), FISTA(restart=False, ease=1.0, alpha=1 / L)
    state = solver.init(objective, objective.start())
    for k in range(1, 200):
        state = solver.step(objective, state)
        assert state.L <= L * (1 + 1e-12)
        assert state.f - best.fun <= 2 * L * (best.x @ best.x) / (k + 1) ** 2 + 1e-12


def test_strong_convexity_makes_fista_linear():
    """F(x_k) − F* <= (1 − sqrt(mu/L))^k (F(x_0) − F* + mu/2 ‖x_0 − x*‖²). Nesterov 2004, theorem 2.2.3."""
    H = np.diag(np.linspace(1.0, 100.0, 20))
    c = np.linspace(-1, 1, 20)
    f = lambda x: 0.5 * x @ H @ x - 30 * c @ x  # noqa: E731
    best = optkit.minimize(f, np.ones(20), prox=L1(1.0), method="fista", gtol=1e-11)
    objective, solver = Objective(f, np.ones(20), term=L1(1.0)), FISTA(restart=False, mu=1.0, ease=1.0, alpha=0.01)
    state = solver.init(objective, objective.start())
    gap = state.f - best.fun + 0.5 * np.sum((1 - best.x) ** 2)
    for k in range(1, 150):
        state = solver.step(objective, state)
        assert state.f - best.fun <= gap * 0.9**k + 1e-11 * abs(best.fun)


def test_restart_pays_on_a_strongly_convex_problem():
    f, x0, h = lambda x: 0.5 * np.sum(np.logspace(0, 3, 30) * (x - 1) ** 2), np.zeros(30), L1(1e-3)
    runs = [optkit.minimize(f, x0, prox=h, method=FISTA(restart=r), gtol=1e-8, maxiter=2000) for r in (True, False)]
    assert runs[0].success and not runs[1].success and runs[0].nit <= 900


def test_evaluation_budgets():
    limits = {"spectral": 40, "backtracking": 160, "fista": 130}
    for name, limit in limits.items():
        f, x0, h = PROBLEMS["lasso"]
        result = optkit.minimize(f, x0, prox=h, method=SOLVERS[name], gtol=1e-6)
        assert result.success and result.nfev <= limit, (name, result.nfev)


def test_the_fixed_rule():
    L = np.linalg.eigvalsh(TALL.T @ TALL)[-1]
    good = optkit.minimize(tall, np.zeros(8), prox=L1(1.0), method="proximal-gradient", rule="fixed", alpha=1 / L,
                           gtol=1e-8)
    assert good.success and good.nfev == good.nit + 1 and (np.diff(good.history.f) <= 1e-12).all()
    bad = optkit.minimize(tall, np.ones(8), method="proximal-gradient", rule="fixed", alpha=10.0)
    assert bad.reason is Reason.DIVERGED and not bad.success


@each_solver
def test_counts_are_what_was_called(name):
    calls = {"f": 0, "g": 0}

    def f(x):
        calls["f"] += 1
        return 0.5 * np.sum((A @ x - B) ** 2)

    def g(x):
        calls["g"] += 1
        return A.T @ (A @ x - B)

    result = optkit.minimize(f, np.zeros(50), jac=g, prox=L1(LAMBDA), method=SOLVERS[name])
    assert result.success and (result.nfev, result.njev) == (calls["f"], calls["g"])


# --- scale, trouble, state ---------------------------------------------------------------------------------------


@each_solver
@pytest.mark.parametrize("scale", [1e-8, 1e-3, 1e3, 1e9])
def test_scaling_everything_does_not_turn_the_start_into_a_solution(name, scale):
    result = optkit.minimize(lambda x: scale * least_squares(x), np.zeros(50), prox=L1(scale * LAMBDA),
                             method=SOLVERS[name])
    reference = optkit.minimize(least_squares, np.zeros(50), prox=L1(LAMBDA), method="fista", gtol=1e-10)
    if result.success:
        assert result.fun / scale == pytest.approx(reference.fun, rel=1e-5)
        assert result.x == pytest.approx(reference.x, abs=2e-3)
    assert result.success or scale > 1


@each_solver
def test_a_tiny_set_is_not_a_solution(name):
    """No step inside it is long, so that ‖x − prox(x − g)‖∞ alone is below gtol everywhere."""
    target = np.array([9e-7, 1e-7])
    for term, expected in ((Box(0.0, 1e-6), [1e-6, 0.0]), (Simplex(1e-6), [1e-6, 0.0])):
        result = optkit.minimize(lambda x: np.array([-1.0, 1.0]) @ x + 5, target, prox=term, method=SOLVERS[name])
        assert result.success and result.x == pytest.approx(expected, abs=1e-11)


@each_solver
@pytest.mark.nan_ok
def test_trial_points_outside_the_domain_of_f(name):
    result = optkit.minimize(lambda x: np.sum(x - 1e-3 * np.log(x)), [0.5, 0.3], method=SOLVERS[name])
    assert result.success and result.x == pytest.approx([1e-3, 1e-3], rel=1e-2)
    penalised = optkit.minimize(lambda x: np.sum(-np.log(x)), [0.5, 0.3], prox=L1(2.0), method=SOLVERS[name])
    assert penalised.success and penalised.x == pytest.approx([0.5, 0.5], rel=1e-4)


@each_solver
@pytest.mark.nan_ok
def test_unbounded_below_is_not_success(name):
    result = optkit.minimize(lambda x: np.sum(x), np.zeros(2), prox=L1(0.5), method=SOLVERS[name])
    assert result.reason is Reason.UNBOUNDED and not result.success


@pytest.mark.parametrize("name", ["spectral", "monotone", "fista"])
def test_a_nonconvex_f(name):
    """Rosenbrock + 0.1 ‖x‖₁, where x > 0: x₂ = x₁² − 1/2000, so x₁ = 19/22."""
    result = optkit.minimize(rosenbrock, [-1.2, 1.0], prox=L1(0.1), method=SOLVERS[name])
    assert result.success and result.x == pytest.approx([19 / 22, (19 / 22) ** 2 - 1 / 2000], abs=1e-3)
    assert result.fun == pytest.approx((3 / 22) ** 2 + 1.9 / 22 + 0.1 * (19 / 22) ** 2 - 2.5e-5, abs=1e-6)


@each_solver
def test_one_unknown_and_a_linear_f(name):
    one = optkit.minimize(lambda x: (x[0] - 3) ** 2, [0.0], prox=L1(2.0), method=SOLVERS[name])
    assert one.success and one.x == pytest.approx([2.0], abs=1e-5)
    linear = optkit.minimize(lambda x: 2 * x[0] - x[1], [0.5, 0.5], prox=Box(0.0, 1.0), method=SOLVERS[name])
    assert linear.success and linear.x.tolist() == [0, 1]
    nothing = optkit.minimize(lambda x: 0 * x[0] + 1.0, [0.5], prox=L1(0.0), method=SOLVERS[name])
    assert nothing.success and nothing.nit == 0


@each_solver
def test_a_singular_hessian(name):
    result = optkit.minimize(lambda x: 0.5 * (x[0] + x[1] - 2) ** 2, [3.0, -1.0, 5.0], prox=L1(0.1),
                             method=SOLVERS[name], gtol=1e-8)
    assert result.success and result.x[2] == 0 and result.x[0] + result.x[1] == pytest.approx(1.9, abs=1e-6)


@each_solver
@pytest.mark.parametrize("problem", ["lasso", "completion", "simplex"])
def test_a_pickled_state_goes_on_to_the_same_bits(problem, name):
    f, x0, h = PROBLEMS[problem]
    solver, term = SOLVERS[name], as_term(h, x0)
    ends = []
    for pickled in (False, True):
        objective = Objective(f, x0, term=term)
        state = solver.init(objective, objective.start())
        for k in range(12):
            state = solver.step(objective, state)
            if pickled and k == 5:
                state, objective = pickle.loads(pickle.dumps(state)), Objective(f, x0, term=term)
        ends.append(state)
    assert np.array_equal(ends[0].point.x, ends[1].point.x) and ends[0].point.f == ends[1].point.f
    assert ends[0].step == pytest.approx(np.linalg.norm(ends[0].step)) and ends[0].inner == 0


@each_solver
def test_shifting_and_reflecting_the_lasso(name):
    """x -> −x with A -> −A runs through the same numbers."""
    run = optkit.minimize(least_squares, np.zeros(50), prox=L1(LAMBDA), method=SOLVERS[name])
    mirrored = optkit.minimize(lambda x: 0.5 * np.sum((A @ -x - B) ** 2), np.zeros(50), prox=L1(LAMBDA),
                               method=SOLVERS[name])
    assert np.allclose(mirrored.x, -run.x, atol=1e-9) and mirrored.nit == run.nit


@pytest.mark.parametrize("make, words", [
    (lambda: ProximalGradient(rule="newton"), ["rule", "newton"]),
    (lambda: ProximalGradient(rule="fixed"), ["alpha", "fixed"]),
    (lambda: ProximalGradient(alpha=-1.0), ["alpha=-1.0"]),
    (lambda: ProximalGradient(window=0), ["window >= 1"]),
    (lambda: ProximalGradient(sigma=1.0), ["0 < sigma < 1"]),
    (lambda: ProximalGradient(grow=1.0), ["grow > 1"]),
    (lambda: ProximalGradient(ease=0.0), ["0 < ease <= 1"]),
    (lambda: ProximalGradient(maxls=0), ["maxls >= 1"]),
    (lambda: FISTA(variant="x"), ["variant"]),
    (lambda: FISTA(mu=-1.0), ["0 <= mu"]),
    (lambda: FISTA(mu=math.inf), ["mu < inf"]),
    (lambda: FISTA(alpha=0.0), ["alpha=0.0"]),
    (lambda: FISTA(grow=0.5), ["grow > 1"]),
    (lambda: FISTA(ease=2.0), ["ease <= 1"]),
    (lambda: FISTA(maxls=0), ["maxls >= 1"]),
])
def test_wrong_parameters(make, words):
    with pytest.raises(ValueError) as error:
        make()
    assert all(word in str(error.value) for word in words)


TERMS = {
    "l1": lambda s: L1(8 * s), "elastic net": lambda s: ElasticNet(8 * s, 0.5 * s), "l2": lambda s: L2(8 * s),
    "groups": lambda s: GroupL2(8 * s, groups=[0, 0, 0, 1, 1, 2, 2, -1]),
    "nuclear": lambda s: NuclearNorm(3 * s, (4, 2)),
    "simplex": lambda s: Simplex(), "l1 ball": lambda s: L1Ball(0.5), "l2 ball": lambda s: L2Ball(0.5),
    "affine": lambda s: Affine(np.ones((1, 8)), [1.0]),
}


@pytest.mark.parametrize("scale", [1e8, 1e12])
@pytest.mark.parametrize("name", TERMS)
def test_solved_problems_stay_solved_in_other_units(name, scale):
    rng = np.random.default_rng(1)
    for _ in range(4):
        A, y = rng.standard_normal((20, 8)), rng.standard_normal(20) * 3

        def f(x, s, A=A, y=y):
            return s * 0.5 * np.sum((A @ x - y) ** 2)

        one = optkit.minimize(f, np.zeros(8), 1.0, prox=TERMS[name](1.0), gtol=1e-9)
        large = optkit.minimize(f, np.zeros(8), scale, prox=TERMS[name](scale))
        assert one.success and large.success and large.x == pytest.approx(one.x, abs=1e-5)


def test_a_term_does_not_turn_an_ill_conditioned_stall_into_success():
    """f alone leaves x[1] open by far: the residual is small beside the largest gradient, but f + h may still fall."""
    result = optkit.minimize(lambda x: 1e12 * (x[0] - 1) ** 2 + 1e-2 * (x[1] - 3) ** 4, [0.0, 0.0], prox=L1(1e-9))
    assert not result.success or abs(result.x[1] - 3) < 0.1


@pytest.mark.parametrize("f, x0, prox, lowest", [
    (lambda x: -np.sum((x - 1 / 3) ** 2), [1 / 3] * 3, Simplex(), -2 / 3),
    (lambda x: -x @ x, [0.0, 0.0], L2Ball(1.0), -1.0),
    (lambda x: x[0] ** 2 - x[1] ** 2, [0.0, 0.0], L1Ball(1.0), -1.0),
    (lambda x: np.sum((x**2 - 1) ** 2), [0.0, 0.0, 0.0], Zero(), 0.0),
])
def test_maxima_and_saddle_points_inside_a_set_are_left(f, x0, prox, lowest):
    result = optkit.minimize(f, x0, prox=prox)
    assert result.success and result.fun == pytest.approx(lowest, abs=1e-9)


def test_a_penalty_may_hold_what_f_alone_would_leave():
    result = optkit.minimize(lambda x: -x @ x + np.sum(x**4), [0.0, 0.0], prox=L1(2.0))
    assert result.success and (result.x == 0).all() and "f alone has curvature -2" in result.message
    unknown = optkit.minimize(lambda x: -x @ x, [0.0, 1.0], jac=lambda x: -2 * x, prox=L2Ball(1.0))
    assert "curvature was not examined" in unknown.message
