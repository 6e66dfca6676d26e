"""The trust-region methods: radius logic, budgets, trouble, saddle points, one Hessian a point, states that go on."""

import math
import pickle

import numpy as np
import pytest
from scipy.optimize import rosen, rosen_der, rosen_hess, rosen_hess_prod

import optkit
from optkit import Objective, Point, Reason
from optkit.solvers import METHODS, SR1, Dogleg, TrustExact, TrustKrylov, TrustNCG, TrustSubspace
from optkit.stopping import Stop
from optkit.subproblems import MoreSorensen, Region
from optkit.trust_region import FAR, TrustRegion, first_radius, trust_region_step

SOLVERS = [TrustNCG, TrustKrylov, TrustExact, TrustSubspace, Dogleg]
DENSE = [TrustExact, TrustSubspace, Dogleg]
START = {n: np.tile([-1.2, 1.0], n // 2) for n in (2, 10, 100)}

every = pytest.mark.parametrize("solver", SOLVERS, ids=lambda s: s.__name__)
with_hessian = pytest.mark.parametrize("solver", DENSE, ids=lambda s: s.__name__)


def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


class Model:
    """A subproblem that gives the same step whatever the radius asks, cut to it; remembers the radii."""

    def __init__(self, p, predicted, curvature=1.0):
        self.p, self.predicted, self.c, self.radii = np.asarray(p, float), predicted, curvature, []

    def curvature(self):
        return self.c

    def __call__(self, delta):
        self.radii.append(delta)
        length = np.linalg.norm(self.p)
        cut = min(1.0, delta / length)
        return Region(cut * self.p, self.predicted(cut), cut * length, length >= delta, 1)


def start(f, x):
    objective = Objective(f, np.asarray(x, float))
    return objective, objective.start()


def test_every_method_is_registered_under_its_own_name_and_is_a_trust_region():
    names = ["trust-ncg", "trust-krylov", "trust-exact", "trust-subspace", "dogleg"]
    assert [METHODS[name] for name in names] == SOLVERS
    assert all(issubclass(s, TrustRegion) and s.second_order for s in SOLVERS)
    for name in names:
        result = optkit.minimize(lambda x: np.sum((x - 1) ** 2), np.zeros(2), method=name.upper())
        assert result.method == name and result.choice == ""


# At n = 2 SciPy's trust-exact takes 26. n = 10 and 100 may end in the second minimum.
@pytest.mark.parametrize(
    "n, method, nfev, nhev",
    [
        (2, "trust-ncg", 31, 45),
        (2, "trust-krylov", 33, 55),
        (2, "trust-exact", 24, 45),
        (2, "trust-subspace", 24, 45),
        (2, "dogleg", 24, 45),
        (10, "trust-krylov", 50, 300),
        (10, "trust-exact", 40, 350),
        (10, "dogleg", 40, 350),
        (100, "trust-krylov", 230, 2500),
        (100, "trust-exact", 240, 700),
    ],
)
def test_rosenbrock_takes_no_more_than_the_budget(n, method, nfev, nhev):
    result = optkit.minimize(rosenbrock, START[n], method=method, gtol=1e-8)
    assert result.success and result.gnorm <= 1e-8 and (n > 2 or result.fun < 1e-18)
    assert result.nfev <= nfev and result.nhev <= nhev


# --- the radius ---


@every
def test_the_radius_bounds_every_step(solver):
    result = optkit.minimize(rosenbrock, START[10], method=solver(delta0=0.01, delta_max=0.05), maxiter=40)
    steps = result.history.step[1:]
    assert steps[0] <= 0.01 * (1 + 1e-12) and steps.max() <= 0.05 * (1 + 1e-12)
    assert steps.max() == pytest.approx(0.05, rel=2e-3)


@every
def test_the_radius_doubles_while_the_model_is_good(solver):
    steps = optkit.minimize(lambda x: 0.5 * np.sum(x**2), [100.0, 0.0], method=solver(delta0=1.0)).history.step
    np.testing.assert_allclose(steps[1:6], [1, 2, 4, 8, 16], rtol=1e-9)


def test_the_first_radius_is_twice_the_way_to_the_lowest_point_along_the_gradient():
    H, x, g = np.diag([2.0, 8.0]), np.array([3.0, 4.0]), np.array([1.0, 2.0])
    here = Point(x, 0.0, g)
    c = g @ H @ g / (g @ g)
    assert first_radius(here, MoreSorensen(H, g, 0.1)) == pytest.approx(2 * np.linalg.norm(g) / c)
    assert first_radius(here, MoreSorensen(1e-9 * H, g, 0.1)) == FAR * 5
    for curvature in (-1.0, 0.0, math.nan, math.inf):
        assert first_radius(here, Model(g, None, curvature)) == 1.0
        assert first_radius(here._replace(x=10 * x), Model(g, None, curvature)) == 5.0


@every
def test_scaling_f_or_x_by_a_power_of_two_changes_no_step(solver):
    def f(x):
        return rosenbrock(x)

    plain = optkit.minimize(f, START[2], method=solver(), gtol=1e-6)
    in_f = optkit.minimize(lambda x: 2.0**40 * f(x), START[2], method=solver(), gtol=1e-6 * 2.0**40)
    in_x = optkit.minimize(lambda x: f(x / 2**20), START[2] * 2**20, method=solver(), gtol=1e-6 / 2**20)
    for other, unit in ((in_f, 1), (in_x, 2**20)):
        assert other.nfev == plain.nfev
        np.testing.assert_array_equal(other.x / unit, plain.x)


@pytest.mark.parametrize("solver", [TrustNCG, TrustKrylov, TrustExact, TrustSubspace], ids=lambda s: s.__name__)
def test_rotating_x_changes_nothing_but_rounding(solver, rng):
    Q = np.linalg.qr(rng.normal(size=(2, 2)))[0]
    plain = optkit.minimize(rosenbrock, START[2], method=solver(), maxiter=12)
    turned = optkit.minimize(lambda y: rosenbrock(Q @ y), Q.T @ START[2], method=solver(), maxiter=12)
    np.testing.assert_allclose(turned.history.f, plain.history.f, rtol=1e-6)


def test_a_trial_that_fails_shortens_the_radius_to_where_the_parabola_is_lowest():
    objective, here = start(lambda x: x[0] + 4 * x[0] ** 2, [0.0])  # lowest at −1/8
    model = Model([-1.0], lambda t: t)
    taken = trust_region_step(objective, here, 1.0, model, eta=0.01, delta_max=10.0)
    assert model.radii == [1.0, 0.25, 0.125] and taken.inner == 3 and taken.length == 0.125
    objective, here = start(lambda x: x[0] + 1.2 * x[0] ** 2, [0.0])
    model = Model([-1.0], lambda t: t)
    trust_region_step(objective, here, 1.0, model, eta=0.01, delta_max=10.0)
    assert model.radii == [1.0, pytest.approx(1 / 2.4)]


@pytest.mark.parametrize("rise, delta", [(0.2, 2.0), (0.5, 1.0), (0.8, 0.5)])
def test_the_radius_grows_stays_or_shrinks_by_the_ratio(rise, delta):
    objective, here = start(lambda x: x[0] + rise * x[0] ** 2, [0.0])
    taken = trust_region_step(objective, here, 1.0, Model([-1.0], lambda t: t), eta=0.01, delta_max=10.0)
    assert taken.length == 1.0 and taken.delta == pytest.approx(delta)


def test_a_step_inside_does_not_change_the_radius_however_good():
    objective, here = start(lambda x: x[0], [0.0])
    taken = trust_region_step(objective, here, 5.0, Model([-1.0], lambda t: t), eta=0.01, delta_max=10.0)
    assert taken.delta == 5.0 and taken.length == 1.0


@pytest.mark.nan_ok
def test_trials_not_taken_are_reported_but_not_those_without_a_value():
    objective, here = start(lambda x: x[0] + 30 * x[0] ** 2 if x[0] > -0.5 else x[0] * math.nan, [0.0])
    seen = []
    trust_region_step(objective, here, 1.0, Model([-1.0], lambda t: t), eta=0.01, delta_max=1.0, rejected=seen.append)
    assert [p.x[0] for p in seen] == [-0.25, -0.0625]


@pytest.mark.parametrize("p, predicted", [(-1.0, 0.0), (-1e-30, 1e-30), (-1.0, math.nan)])
def test_no_decrease_in_sight_is_a_stall(p, predicted):
    model = Model([p], lambda t: predicted)
    objective, here = start(lambda x: x[0] ** 2, [1.0])
    with pytest.raises(Stop) as stop:
        trust_region_step(objective, here, 1.0, model, eta=0.01, delta_max=1.0)
    assert stop.value.reason is Reason.STALLED_AT_PRECISION and len(model.radii) == 1


# --- Hessians ---


@with_hessian
def test_one_hessian_a_point_whatever_is_rejected(solver):
    points = []

    def hess(x):
        points.append(tuple(x))
        return rosen_hess(x)

    result = optkit.minimize(rosen, START[2], jac=rosen_der, hess=hess, method=solver(delta0=1e3))
    assert result.success and len(set(points)) == len(points) <= result.nit + 1 < result.nfev


@pytest.mark.parametrize("solver", [TrustNCG, TrustKrylov], ids=lambda s: s.__name__)
def test_no_product_for_a_rejected_trial(solver):
    objective = Objective(rosen, START[10], jac=rosen_der, hessp=rosen_hess_prod)
    instance = solver(delta0=1e3)
    state = instance.init(objective, objective.start())
    rejections = 0
    for _ in range(8):
        nfev, nhev = objective.nfev, objective.nhev
        state = instance.step(objective, state)
        rejections += objective.nfev - nfev - 1
        assert objective.nhev - nhev == state.inner <= 20
    assert rejections >= 3


def test_a_sparse_hessian_takes_a_product_a_colour():
    result = optkit.minimize(rosenbrock, START[100], method="trust-exact", maxiter=5)
    assert result.nhev <= 3 * 6
    assert optkit.minimize(rosenbrock, START[10], method="trust-exact", maxiter=5).nhev == 50


def test_a_singular_hessian_is_no_obstacle():
    for solver in SOLVERS:
        result = optkit.minimize(lambda x: (x[0] + x[1] - 1) ** 2 + (x[0] + x[1]) ** 4, [3.0, -7.0], method=solver())
        assert result.success and result.nfev <= 25, solver


# --- trouble ---


@every
@pytest.mark.nan_ok
def test_a_region_without_values_is_left_alone(solver):
    result = optkit.minimize(lambda x: np.sum(x - 1e-3 * np.log(x)), [0.5, 0.3], method=solver())
    assert result.success, result
    np.testing.assert_allclose(result.x, 1e-3, rtol=1e-3)


@every
@pytest.mark.nan_ok
@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_hessian_that_is_not_finite_does_not_hang_the_run(solver, bad):
    result = optkit.minimize(rosen, START[2], jac=rosen_der, hess=lambda x: np.full((2, 2), bad), method=solver(),
                             maxiter=200)
    assert result.fun < 4.2 and result.nfev < 2000
    assert result.success == (result.gnorm <= 1e-5)


@every
def test_what_is_unbounded_below_is_no_success(solver):
    for f in (lambda x: x[0] - 2 * x[1], lambda x: x[0] ** 2 - x[1] ** 2 + 0.1 * x[0] * x[1]):
        result = optkit.minimize(f, [0.5, 0.25], method=solver())
        assert result.reason is Reason.UNBOUNDED and not result.success


@every
@pytest.mark.parametrize("x0", [[1.0, 0.0], [0.0, 0.0], [-3.0, 0.0]])
def test_a_run_that_starts_on_the_way_to_a_saddle_ends_at_a_minimum(solver, x0):
    result = optkit.minimize(lambda x: x[0] ** 2 + 0.25 * x[1] ** 4 - 0.5 * x[1] ** 2, x0, method=solver())
    assert result.success and result.fun == pytest.approx(-0.25)


@with_hessian
def test_a_step_from_a_saddle_goes_down_without_help(solver):
    objective = Objective(lambda x: x[0] ** 2 + 0.25 * x[1] ** 4 - 0.5 * x[1] ** 2, np.zeros(2))
    instance = solver()
    state = instance.step(objective, instance.init(objective, objective.start()))
    assert state.point.f < -0.1


@every
@pytest.mark.parametrize("scale", [1e-12, 1e12])
def test_one_unknown_at_any_scale(solver, scale):
    result = optkit.minimize(lambda x: np.cosh(x[0] / scale), [3 * scale], method=solver(), gtol=1e-5 / max(1, scale))
    assert result.success and abs(result.x[0]) <= 1e-4 * scale and result.nfev <= 12


@every
def test_a_state_that_was_saved_goes_on_to_the_same_bits(solver):
    instance = solver()
    objective = Objective(rosenbrock, START[10])
    state = instance.init(objective, objective.start())
    for k in range(6):
        saved = pickle.loads(pickle.dumps(state))
        state = instance.step(objective, state)
        again = instance.step(Objective(rosenbrock, START[10]), saved)
        assert (again.point.x == state.point.x).all() and (again.step, again.inner, again.delta) == (
            state.step, state.inner, state.delta), k


@every
@pytest.mark.parametrize("wrong", [{"delta0": 0.0}, {"delta0": 2.0, "delta_max": 1.0}, {"eta": 0.3}, {"eta": math.nan}])
def test_parameters_out_of_range_are_refused(solver, wrong):
    with pytest.raises(ValueError, match=f"{solver.__name__}: need "):
        solver(**wrong)


@pytest.mark.parametrize("solver, wrong", [(TrustExact, {"tol": 0.0}), (TrustKrylov, {"maxcg": 0}),
                                           (TrustKrylov, {"eta_max": 1.0}), (TrustNCG, {"maxcg": 0})])
def test_parameters_of_their_own_too(solver, wrong):
    with pytest.raises(ValueError, match=f"{solver.__name__}: need "):
        solver(**wrong)


@pytest.mark.parametrize("solver", [TrustNCG, TrustKrylov, TrustExact, TrustSubspace, Dogleg, SR1])
@pytest.mark.parametrize("wrong", [-1.0, 0.0, math.nan, math.inf])
def test_the_longest_radius_must_be_positive_and_its_square_finite(solver, wrong):
    with pytest.raises(ValueError, match=f"{solver.__name__}: need 0 < delta_max"):
        solver(delta_max=wrong)
