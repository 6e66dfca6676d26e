"""Gradient descent by every rule, momentum with known constants, the baselines, and directions times line searches."""

import dataclasses
import math
import pickle

import numpy as np
import pytest
from scipy.optimize import rosen, rosen_der, rosen_hess_prod

import optkit
from optkit import Objective, Reason
from optkit.linesearch import SEARCHES, Armijo, AsProposed, MaxOfWindow, Ray, RunningMean, StrongWolfe
from optkit.solvers import METHODS, AdaGrad, Adam, GradientDescent, Momentum, RMSProp
from optkit.step_rules import RULES, BarzilaiBorwein, ExactQuadratic, Fixed, MalitskyMishchenko, Polyak


def quadratic(eigenvalues, seed=0):
    """½ x·Hx − b·x: H, its solution, and f with derivatives."""
    n = len(eigenvalues)
    rng = np.random.default_rng(seed)
    Q = np.linalg.qr(rng.normal(size=(n, n)))[0]
    H, b = Q @ np.diag(np.asarray(eigenvalues, float)) @ Q.T, rng.normal(size=n)
    return H, np.linalg.solve(H, b), {"fun": lambda x: 0.5 * x.dot(H).dot(x) - b.dot(x), "jac": lambda x: H.dot(x) - b,
                                      "hessp": lambda x, p: H.dot(p)}


def logistic(x):
    A = np.random.default_rng(1).normal(size=(40, 5))
    return np.mean(np.log1p(np.exp(-A @ x))) + 0.005 * x @ x


def beale(x):
    return (1.5 - x[0] * (1 - x[1])) ** 2 + (2.25 - x[0] * (1 - x[1] ** 2)) ** 2 + (2.625 - x[0] * (1 - x[1] ** 3)) ** 2


# --- step rules ---


def test_the_exact_step_minimises_a_quadratic_along_the_gradient_at_one_product_and_one_value():
    H, _, problem = quadratic([1.0, 5.0, 20.0])
    result = optkit.minimize(**problem, x0=[3.0, 1.0, -2.0], method="gradient-descent", rule="exact", maxiter=6, gtol=0,
                             return_all=True)
    xs = result.allvecs
    for before, after in zip(xs[1:], xs[2:], strict=False):
        g = problem["jac"](before)
        np.testing.assert_allclose(after, before - g.dot(g) / g.dot(H).dot(g) * g, rtol=1e-12)
        assert abs(problem["jac"](after).dot(g)) < 1e-12 * g.dot(g) + 1e-14
    assert result.nfev == result.njev == 7
    one = optkit.minimize(lambda x: 3 * (x[0] - 2) ** 2, [7.0], method="gradient-descent", rule="exact")
    assert one.nit == 1 and one.x[0] == pytest.approx(2.0)


def test_where_f_is_not_quadratic_the_exact_step_is_searched_for():
    result = optkit.minimize(rosen, [-1.2, 1.0], jac=rosen_der, hessp=rosen_hess_prod, method="gradient-descent",
                             rule="exact", maxiter=40, gtol=0, return_all=True)
    for before, after in zip(result.allvecs[1:], result.allvecs[2:], strict=False):
        g = rosen_der(before)
        assert abs(rosen_der(after).dot(g)) <= 0.1 * g.dot(g)
    assert (np.diff(result.history.f) < 0).all()
    concave = optkit.minimize(lambda x: np.cos(x[0]), [0.4], method="gradient-descent", rule="exact")
    assert concave.success and concave.fun == pytest.approx(-1.0)  # curvature is negative at the start


def test_polyaks_step_is_the_gap_over_the_squared_gradient():
    _, solution, problem = quadratic([1.0, 4.0])
    f_star = problem["fun"](solution)
    result = optkit.minimize(**problem, x0=[3.0, 1.0], method="gradient-descent", rule="polyak", f_star=f_star,
                             maxiter=5, gtol=0, return_all=True)
    for before, after in zip(result.allvecs, result.allvecs[1:], strict=False):
        g = problem["jac"](before)
        np.testing.assert_allclose(after - before, -(problem["fun"](before) - f_star) / g.dot(g) * g, rtol=1e-10)
        assert np.linalg.norm(after - solution) < np.linalg.norm(before - solution)
    assert result.nfev == 6


def test_polyaks_step_needs_a_target_and_a_true_one():
    with pytest.raises(ValueError, match="f_star.*delta"):
        GradientDescent(rule="polyak")
    with pytest.raises(ValueError, match="f_star <= f"):
        optkit.minimize(lambda x: np.sum(x**2), np.ones(2), method=GradientDescent(rule="polyak", f_star=0.5))
    with pytest.raises(ValueError, match="f_star only with"):
        GradientDescent(f_star=0.0)


def test_polyaks_step_without_f_star_estimates_it():
    _, solution, problem = quadratic([1.0, 10.0])
    for delta in (1e-3, 1e3):
        result = optkit.minimize(**problem, x0=[3.0, 1.0], method=GradientDescent(rule=Polyak(delta=delta)), gtol=1e-6)
        assert result.success and result.nit < 200
        np.testing.assert_allclose(result.x, solution, atol=1e-5)


def test_the_adaptive_step_is_that_of_malitsky_and_mishchenko():
    """Their step written out as in the paper, from our second iterate on, with its λ and θ."""
    H, _, problem = quadratic([1.0, 3.0, 30.0])
    xs = optkit.minimize(**problem, x0=[3.0, 1.0, -2.0], method="gradient-descent", rule="adaptive", maxiter=12, gtol=0,
                         return_all=True).allvecs
    g = [problem["jac"](x) for x in xs]
    lam = [np.linalg.norm(b - a) / np.linalg.norm(ga) for a, b, ga in zip(xs, xs[1:], g, strict=False)]
    theta = 1 / 3
    for k in range(1, len(lam)):
        L = np.linalg.norm(g[k] - g[k - 1]) / np.linalg.norm(xs[k] - xs[k - 1])
        under = 2 * lam[k - 1] ** 2 * L**2 - 1
        step = min(math.sqrt(2 / 3 + theta) * lam[k - 1], lam[k - 1] / math.sqrt(under) if under > 0 else math.inf)
        assert lam[k] == pytest.approx(step, rel=1e-9)
        theta = lam[k] / lam[k - 1]


@pytest.mark.parametrize("rule", [r for r in RULES if r not in ("fixed", "polyak")])
def test_every_rule_solves_a_convex_problem(rule):
    result = optkit.minimize(logistic, np.full(5, 2.0), method="gradient-descent", rule=rule)
    assert result.success and result.gnorm <= 1e-5
    reference = optkit.minimize(logistic, np.zeros(5), method="newton-cg", gtol=1e-10)
    np.testing.assert_allclose(result.x, reference.x, atol=2e-3)
    named, objects = GradientDescent(rule=rule), GradientDescent(rule=RULES[rule]())
    runs = [optkit.minimize(logistic, np.full(5, 2.0), method=m) for m in (named, objects)]
    assert runs[0].fun == runs[1].fun and runs[0].nfev == runs[1].nfev


def test_the_adaptive_rule_makes_one_value_and_gradient_an_iteration_after_its_first_step():
    result = optkit.minimize(logistic, np.full(5, 2.0), method="gradient-descent", rule="adaptive")
    cost = np.diff(result.history.nfev)
    assert (cost[1:] == 1).all() and result.njev <= result.nfev


def test_a_rule_takes_any_search_and_a_search_of_the_user_wins():
    result = optkit.minimize(beale, [1.0, 1.0], method=GradientDescent(search=Armijo()))
    assert result.success and (np.diff(result.history.f) <= 0).all()
    wild = optkit.minimize(beale, [1.0, 1.0], method=GradientDescent(search=AsProposed()), maxiter=300)
    assert (np.diff(wild.history.f) > 0).any()


@pytest.mark.parametrize("make, words", [
    (lambda: Fixed(), "alpha with rule='fixed'"),
    (lambda: BarzilaiBorwein(window=0), "window >= 1"),
    (lambda: ExactQuadratic(c2=1.0), "c2 < 1"),
    (lambda: Polyak(f_star=0.0, delta=1.0), "either f_star"),
    (lambda: Polyak(f_star=math.nan), "either f_star"),
    (lambda: Momentum(mu=-1.0), "0 < mu"),
    (lambda: Momentum(mu=2.0, L=1.0), "mu <= L"),
    (lambda: Momentum(scheme="heavy-ball", mu=1.0), "L with mu"),
    (lambda: Momentum(search=Armijo()), "heavy-ball"),
    (lambda: Adam(alpha=0.0), "Adam: need 0 < alpha"),
    (lambda: Adam(beta2=1.0), "beta2 < 1"),
    (lambda: AdaGrad(schedule="cosine"), "AdaGrad: need schedule one of"),
    (lambda: RMSProp(factor=1.0), "0 < factor < 1"),
    (lambda: MaxOfWindow(window=0), "window >= 1"),
    (lambda: RunningMean(eta=1.5), "0 <= eta <= 1"),
    (lambda: RunningMean(c1=0.7), "0 < c1 < 0.5"),
    (lambda: AsProposed(maxls=0), "maxls >= 1"),
])
def test_parameters_out_of_range_are_refused(make, words):
    with pytest.raises(ValueError) as error:
        make()
    assert words in str(error.value)


# --- momentum with known constants ---


def test_the_heavy_ball_with_mu_and_l_is_polyaks():
    mu, L = 1.0, 100.0
    _, _, problem = quadratic([mu, 7.0, L])
    alpha, beta = 4 / (math.sqrt(L) + 1) ** 2, ((math.sqrt(L) - 1) / (math.sqrt(L) + 1)) ** 2
    x = before = np.array([3.0, 1.0, -2.0])
    for _ in range(6):
        x, before = x - alpha * problem["jac"](x) + beta * (x - before), x
    result = optkit.minimize(**problem, x0=[3.0, 1.0, -2.0], method=Momentum(scheme="heavy-ball", mu=mu, L=L),
                             maxiter=6, gtol=0, return_all=True)
    np.testing.assert_allclose(result.allvecs[-1], x, rtol=1e-12)
    assert result.nfev == result.njev == 7


def test_nesterov_with_mu_and_l_is_the_constant_scheme():
    mu, L = 1.0, 100.0
    _, _, problem = quadratic([mu, 7.0, L])
    beta = (math.sqrt(L) - math.sqrt(mu)) / (math.sqrt(L) + math.sqrt(mu))
    x = y = np.array([3.0, 1.0, -2.0])
    for _ in range(6):
        new = y - problem["jac"](y) / L
        x, y = new, new + beta * (new - x)
    result = optkit.minimize(**problem, x0=[3.0, 1.0, -2.0], method=Momentum(mu=mu, L=L), maxiter=6, gtol=0,
                             return_all=True)
    np.testing.assert_allclose(result.allvecs[-1], y, rtol=1e-12)
    assert result.nfev == 7


def test_nesterov_without_restart_is_the_method_of_1983():
    _, _, problem = quadratic([1.0, 7.0, 100.0])
    x = y = np.array([3.0, 1.0, -2.0])
    t = 1.0
    for _ in range(80):
        new, after = y - problem["jac"](y) / 100.0, 0.5 * (1 + math.sqrt(1 + 4 * t * t))
        x, y, t = new, new + (t - 1) / after * (new - x), after
    runs = [optkit.minimize(**problem, x0=[3.0, 1.0, -2.0], method=Momentum(L=100.0, restart=restart), maxiter=80,
                            gtol=0, return_all=True) for restart in (False, True)]
    np.testing.assert_allclose(runs[0].allvecs[-1], y, rtol=1e-8)
    assert runs[1].history[-1].f < runs[0].history[-1].f  # the restart is what helps, and it was off


@pytest.mark.parametrize("solver", [Momentum(mu=1.0), Momentum(L=1e4), Momentum(mu=1.0, L=1e4),
                                    Momentum(scheme="heavy-ball", mu=1.0, L=1e4),
                                    Momentum(scheme="heavy-ball", search=StrongWolfe(c2=0.5))], ids=repr)
def test_known_constants_solve_a_quadratic_in_some_sqrt_kappa_iterations(solver):
    _, solution, problem = quadratic(np.logspace(0, 4, 20))
    result = optkit.minimize(**problem, x0=np.zeros(20), method=solver, gtol=1e-4)
    assert result.success and result.nit <= 30 * 100
    np.testing.assert_allclose(result.x, solution, atol=1e-3)


@pytest.mark.nan_ok
def test_constants_that_do_not_hold_diverge_and_say_so():
    _, _, problem = quadratic([1.0, 1e6])
    for solver in (Momentum(mu=1.0, L=2.0), Momentum(L=2.0, restart=False),
                   Momentum(scheme="heavy-ball", mu=1.0, L=2.0)):
        result = optkit.minimize(**problem, x0=[3.0, 1.0], method=solver, maxiter=500)
        assert result.reason is Reason.DIVERGED and "do not hold" in result.message and not result.success
        assert math.isfinite(result.fun)


# --- the baselines ---

BASELINES = {"adam": Adam, "adagrad": AdaGrad, "rmsprop": RMSProp}


def test_adams_first_steps_are_those_of_the_paper():
    H, _, problem = quadratic([1.0, 3.0])
    x = np.array([3.0, 1.0])
    m = v = np.zeros(2)
    for k in range(1, 6):
        g = problem["jac"](x)
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        x = x - 0.05 * (m / (1 - 0.9**k)) / (np.sqrt(v / (1 - 0.999**k)) + 1e-12)
    result = optkit.minimize(**problem, x0=[3.0, 1.0], method=Adam(alpha=0.05, eps=1e-12), maxiter=5, gtol=0,
                             return_all=True)
    np.testing.assert_allclose(result.allvecs[-1], x, rtol=1e-9)


def test_adagrad_and_rmsprop_divide_by_the_root_of_the_squares():
    _, _, problem = quadratic([1.0, 3.0])
    for solver, decay in ((AdaGrad(alpha=0.5), None), (RMSProp(alpha=0.05, schedule="constant"), 0.9)):
        x, v = np.array([3.0, 1.0]), np.zeros(2)
        for k in range(1, 5):
            g = problem["jac"](x)
            v = v + g**2 if decay is None else decay * v + (1 - decay) * g**2
            x = x - solver.alpha * g / np.sqrt(v if decay is None else v / (1 - decay**k))
        result = optkit.minimize(**problem, x0=[3.0, 1.0], method=solver, maxiter=4, gtol=0, return_all=True)
        np.testing.assert_allclose(result.allvecs[-1], x, rtol=1e-6)


@pytest.mark.parametrize("name", BASELINES)
def test_a_baseline_converges_on_a_convex_problem_by_the_gradient_test(name):
    result = optkit.minimize(logistic, np.full(5, 2.0), method=name)
    assert result.success and result.gnorm <= 1e-5 and result.nit < 3000
    result = optkit.minimize(lambda x: np.sum((x - 3) ** 2), np.zeros(3), method=name)
    assert result.success
    np.testing.assert_allclose(result.x, 3.0, atol=1e-4)


def test_on_a_plateau_the_rate_falls_and_the_run_goes_on_from_its_lowest_point():
    solver = Adam(alpha=1.0, patience=4)
    objective = Objective(rosen, [-1.2, 1.0], jac=rosen_der)
    state = solver.init(objective, objective.start())
    for _ in range(60):
        before, state = state, solver.step(objective, state)
        if state.alpha < before.alpha:
            break
    assert state.alpha == 0.5 and state.point.f == state.low.f == before.low.f < before.point.f
    assert state.k == 0 and not state.m.any() and not state.v.any()


@pytest.mark.parametrize("name", BASELINES)
def test_scaling_f_changes_nothing_for_a_baseline(name):
    a = optkit.minimize(rosen, [-1.2, 1.0], jac=rosen_der, method=name, maxiter=60, gtol=0)
    c = 2.0**-40
    b = optkit.minimize(lambda x: c * rosen(x), [-1.2, 1.0], jac=lambda x: c * rosen_der(x), method=name, maxiter=60,
                        gtol=0)
    np.testing.assert_allclose(b.history.f, c * a.history.f, rtol=1e-12)


@pytest.mark.nan_ok
@pytest.mark.parametrize("solver", [Adam(), AdaGrad(), RMSProp(), GradientDescent(rule="adaptive"),
                                    GradientDescent(rule=Polyak(delta=1.0)), GradientDescent(rule="exact"),
                                    Momentum(scheme="heavy-ball", search=Armijo())], ids=repr)
def test_what_is_not_finite_shortens_the_step(solver):
    result = optkit.minimize(lambda x: np.sum(x - 1e-3 * np.log(x)), [0.5, 0.3], method=solver,
                             jac=lambda x: 1 - 1e-3 / x, hessp=lambda x, p: 1e-3 / x**2 * p)
    assert (result.x > 0).all() and math.isfinite(result.fun) and result.success == (result.gnorm <= result.gtol)
    assert result.fun < 0.1


def test_an_infinite_start_aside_a_baseline_never_claims_success_on_an_unbounded_f():
    for name in BASELINES:
        assert not optkit.minimize(lambda x: -np.sum(x), np.ones(2), method=name, maxiter=500).success


# --- states ---

STATEFUL = [GradientDescent(), GradientDescent(rule="exact"), GradientDescent(rule="adaptive"),
            GradientDescent(rule=Polyak(delta=1.0)), Momentum(mu=0.1), Momentum(scheme="heavy-ball", search=Armijo()),
            Adam(patience=3), AdaGrad(), RMSProp(patience=3)]


@pytest.mark.parametrize("solver", STATEFUL, ids=repr)
def test_a_pickled_state_goes_on_to_the_same_bits(solver):
    objective = Objective(rosen, [-1.2, 1.0], jac=rosen_der, hessp=rosen_hess_prod)
    state = solver.init(objective, objective.start())
    for _ in range(12):
        state = solver.step(objective, state)
    saved = pickle.loads(pickle.dumps(state))
    other = Objective(rosen, [-1.2, 1.0], jac=rosen_der, hessp=rosen_hess_prod)
    for _ in range(5):
        state, saved = solver.step(objective, state), solver.step(other, saved)
        np.testing.assert_array_equal(state.point.x, saved.point.x)


# --- nonmonotone searches ---


def ray_after(values, steps, slope=-1.0):
    """A ray from the last of these values of f, of a run whose history they are."""
    objective = Objective(lambda x: values[-1] + 0.4 * x[0], [0.0], jac=lambda x: np.array([slope]))
    ray = Ray(objective, objective.start(), np.ones(1))
    for k, (f, step) in enumerate(zip(values, steps, strict=True)):
        objective.history.add((k, f, 1.0, step, 0.0, 1, 1, 0, 0))
    return ray


def test_a_ray_looks_back_as_far_as_the_last_restart():
    ray = ray_after([9.0, 7.0, 8.0, 5.0], [0.0, 1.0, 1.0, 1.0])
    assert list(ray.recent(3)) == [5.0, 8.0, 7.0] and list(ray.recent(99)) == [5.0, 8.0, 7.0, 9.0]
    assert list(ray_after([9.0, 7.0, 8.0, 5.0], [0.0, 1.0, 0.0, 1.0]).recent(99)) == [5.0, 8.0]
    assert list(ray_after([5.0], [0.0]).recent(4)) == [5.0]
    objective = Objective(lambda x: 3.0, [0.0], jac=lambda x: np.array([-1.0]))
    assert list(Ray(objective, objective.start(), np.ones(1)).recent(4)) == [3.0]


def test_the_largest_of_the_window_is_the_bar():
    """f rises by 0.4 α: that is accepted as long as it stays below the bar."""
    values, steps = [9.0, 5.0, 7.0, 4.9], [0.0, 1.0, 1.0, 1.0]
    assert MaxOfWindow(window=2)(ray_after(values, steps), 5.0).alpha == 5.0  # 6.9 < 7
    assert MaxOfWindow(window=2)(ray_after(values, steps), 5.5).alpha < 5.5
    assert MaxOfWindow(window=4)(ray_after(values, steps), 9.0).alpha == 9.0
    assert MaxOfWindow(window=1)(ray_after(values, steps), 5.0) is None


@pytest.mark.parametrize("eta", [0.0, 0.5, 0.85, 1.0])
def test_the_running_mean_is_the_recursion_of_zhang_and_hager(eta):
    values = list(np.linspace(9.0, 4.0, 30))
    C, Q = values[0], 1.0
    for f in values[1:]:
        C, Q = (eta * Q * C + f) / (eta * Q + 1), eta * Q + 1
    ray = ray_after(values, [0.0] + [1.0] * 29)
    assert RunningMean(eta=eta)._mean(ray) == pytest.approx(C, rel=1e-12)


@pytest.mark.parametrize("search", [MaxOfWindow(window=5), RunningMean(eta=0.85)], ids=["window", "mean"])
def test_nonmonotone_runs_rise_and_stay_below_their_bar(search):
    result = optkit.minimize(rosen, [-1.2, 1.0], jac=rosen_der, method=GradientDescent(search=search), gtol=1e-8)
    values = result.history.f
    assert result.success and (np.diff(values) > 0).any()
    C, Q = values[0], 1.0
    for k in range(1, len(values)):
        if isinstance(search, MaxOfWindow):
            assert values[k] <= values[max(0, k - 5) : k].max() * (1 + 1e-14)
        else:
            assert values[k] <= C * (1 + 1e-12)
            C, Q = (0.85 * Q * C + values[k]) / (0.85 * Q + 1), 0.85 * Q + 1


# --- any direction with any search ---

DIRECTIONS = [name for name, cls in METHODS.items() if dataclasses.is_dataclass(cls)
              and "search" in {field.name for field in dataclasses.fields(cls)}]
PROBLEMS = {"quadratic": (lambda x: np.sum(np.arange(1, 5) * (x - 1) ** 2), np.zeros(4)),
            "beale": (beale, np.array([1.0, 1.0])), "logistic": (logistic, np.full(5, 2.0))}


@pytest.mark.parametrize("search", SEARCHES)
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_any_direction_takes_any_search(direction, search):
    for f, x0 in PROBLEMS.values():
        options = {"scheme": "heavy-ball"} if direction == "momentum" else {}
        result = optkit.minimize(f, x0, method=direction, search=search, **options)
        assert result.success and result.gnorm <= 1e-5 and result.nit < 1500, (direction, search, result)


def test_a_fixed_step_of_the_rule_object_diverges_with_words_too():
    _, _, problem = quadratic([1.0, 3.0])
    result = optkit.minimize(**problem, x0=[1.0, 2.0], method=GradientDescent(rule=Fixed(alpha=5.0)))
    assert result.reason is Reason.DIVERGED and "smaller" in result.message


def test_a_rule_is_chosen_by_what_suits_it():
    assert isinstance(GradientDescent().rule, str) and RULES["adaptive"] is MalitskyMishchenko
    kappa = optkit.minimize(**quadratic(np.logspace(0, 3, 10))[2], x0=np.zeros(10), method="gradient-descent")
    plain = optkit.minimize(**quadratic(np.logspace(0, 3, 10))[2], x0=np.zeros(10), method="gradient-descent",
                            rule="armijo")
    assert kappa.success and kappa.nfev < 0.5 * plain.nfev


@pytest.mark.parametrize("options", [{}, {"scheme": "heavy-ball"}, {"restart": False}])
@pytest.mark.parametrize("x0", [[0.5], [0.5, 0.3], [0.9, 0.1, 0.4]])
def test_momentum_does_not_end_beside_the_pole_of_a_logarithm(options, x0):
    result = optkit.minimize(lambda x: np.sum(x - 1e-3 * np.log(x)), x0, method=Momentum(**options))
    assert result.success and np.abs(1 - 1e-3 / result.x).max() <= 1e-5
