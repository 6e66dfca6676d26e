"""Several methods side by side, many starts, and derivatives through minimize."""

import math

import numpy as np
import pytest

import autodiff as ad
import optkit
from optkit import FiniteSum, prox
from optkit.compare import anew
from optkit.text import table


def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def himmelblau(x):
    return (x[0] ** 2 + x[1] - 11) ** 2 + (x[0] + x[1] ** 2 - 7) ** 2


HIMMELBLAU_MINIMA = [(3.0, 2.0), (-2.805118, 3.131312), (-3.779310, -3.283186), (3.584428, -1.848127)]


# --- compare ----------------------------------------------------------------------------------------------------------


def test_compare_runs_each_method_and_prints_a_row_of_each():
    found = optkit.compare(rosenbrock, np.zeros(4), ["newton-cg", "l-bfgs"], f_star=0.0, gtol=1e-8)
    assert list(found) == ["newton-cg", "l-bfgs"] and all(r.success for r in found.values())
    lines = str(found).splitlines()
    assert "f − f*" in lines[0] and [line.split()[0] for line in lines[2:]] == list(found)
    for label, line in zip(found, lines[2:], strict=True):
        alone = optkit.minimize(rosenbrock, np.zeros(4), method=label, gtol=1e-8)
        assert line.split()[1:5] == [str(v) for v in (alone.nit, alone.nfev, alone.njev, alone.nhev)]


def test_compare_labels_solver_objects_and_takes_names_of_ones_own():
    pair = [optkit.solvers.LBFGS(memory=3), optkit.solvers.LBFGS(memory=9)]
    assert list(optkit.compare(rosenbrock, np.zeros(3), pair)) == ["l-bfgs", "l-bfgs (2)"]
    named = optkit.compare(rosenbrock, np.zeros(3), {"short": pair[0], "long": pair[1]})
    assert list(named) == ["short", "long"] and named["short"].nit != named["long"].nit


def test_the_default_spread_copes_with_the_problem():
    plain = optkit.compare(rosenbrock, np.zeros(2))
    assert {"newton-cg", "l-bfgs", "gradient-descent"} <= set(plain)
    boxed = optkit.compare(rosenbrock, np.zeros(2), bounds=[(-1, 0.5)] * 2)
    assert {"l-bfgs-b", "projected-newton"} <= set(boxed) and "newton-cg" not in boxed
    for result in boxed.values():
        assert result.success and result.x == pytest.approx([0.5, 0.25], abs=1e-5)
    everything = optkit.compare(rosenbrock, np.zeros(2), "all", maxiter=3)
    assert set(everything) == set(optkit.methods()) - {"sgd", "svrg"}      # these need a FiniteSum


def test_the_best_is_solved_if_any_is():
    found = optkit.compare(rosenbrock, np.zeros(2), {"full": "newton-cg", "cut": optkit.solvers.LBFGS()}, maxiter=60)
    assert found.best.success and found.best.fun == min(r.fun for r in found.values() if r.success)
    found["cut"].success, found["cut"].fun = False, -1.0
    assert found.best is found["full"]


@pytest.mark.parametrize("methods, word", [([], "at least one"), ("newton-cg", "methods=\\['newton-cg'\\]")])
def test_compare_names_what_is_wrong(methods, word):
    with pytest.raises((ValueError, TypeError), match=word):
        optkit.compare(rosenbrock, np.zeros(2), methods)


def test_compare_checks_all_names_before_it_runs_any():
    def never(x):
        raise AssertionError

    with pytest.raises(ValueError, match="unknown 'bfsg'"):
        optkit.compare(never, np.zeros(2), ["newton-cg", "bfsg"])
    with pytest.raises(ValueError, match="unknown 'bfsg'"):
        optkit.compare(never, np.zeros(2), {"mine": optkit.solvers.LBFGS(), "other": "bfsg"})


def test_compare_draws(tmp_path):
    found = optkit.compare(rosenbrock, np.zeros(2), ["newton-cg", "l-bfgs"])
    found.plot(tmp_path / "all.png", title="two methods")
    assert (tmp_path / "all.png").stat().st_size > 10_000


@pytest.mark.parametrize("options", [{"checkpoint": "a"}, {"resume": "a"}, {"options": {"checkpoint": "a"}}])
def test_one_file_is_not_shared_by_many_runs(options, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for call in (lambda: optkit.compare(rosenbrock, np.zeros(2), **options),
                 lambda: optkit.multistart(rosenbrock, 3, box=[(0, 1)] * 2, **options)):
        with pytest.raises(ValueError, match="is for one run, and this makes several.*call minimize"):
            call()
    assert not list(tmp_path.iterdir())


def test_constraints_have_a_spread_of_their_own():
    found = optkit.compare(rosenbrock, np.zeros(2), constraints={"type": "ineq", "fun": lambda x: 1 - x @ x})
    assert set(found) == {"slsqp", "trust-constr"} and found.best.success and "stationarity" in str(found)


def test_a_finite_sum_starts_anew_for_each_method():
    loss = FiniteSum(lambda x, A: np.mean((A @ x - 1) ** 2), np.eye(3), regularizer=lambda x: x @ x)
    again = anew(loss)
    assert again.f is not loss.f and again.regularizer is not loss.regularizer and again.total is not loss.total
    assert again(np.ones(3)) == loss(np.ones(3)) and again.data[0] is loss.data[0]
    bare = FiniteSum(loss.f, np.eye(3))
    assert anew(bare).regularizer is None and anew(bare).total is not bare.total


def test_tables_align_numbers_to_the_right():
    lines = table([("name", "n"), ("a", "1"), ("bcdef", "-23")]).splitlines()
    assert lines == ["name     n", "─" * 10, "a        1", "bcdef  -23"]


# --- multistart -------------------------------------------------------------------------------------------------------


def test_multistart_finds_the_four_minima_of_himmelblau():
    found = optkit.multistart(himmelblau, 40, box=[(-5, 5)] * 2, seed=1, gtol=1e-8)
    assert found.tried == found.solved == sum(len(m.starts) for m in found.minima) == 40
    assert sorted(tuple(np.round(m.x, 4)) for m in found.minima) == sorted(
        tuple(np.round(x, 4)) for x in HIMMELBLAU_MINIMA)
    assert found.best.fun == found.minima[0].fun == min(r.fun for r in found.results)
    assert sorted(i for m in found.minima for i in m.starts) == list(range(40))


def test_multistart_estimates_what_is_missing_by_boender_and_rinnooy_kan():
    found = optkit.multistart(himmelblau, 40, box=[(-5, 5)] * 2)
    w, N = 4, 40
    assert found.expected_minima == w * (N - 1) / (N - w - 2)
    assert found.coverage == (N - w - 1) * (N + w) / (N * (N - 1))
    few = optkit.multistart(himmelblau, 3, box=[(-5, 5)] * 2)
    assert few.expected_minima == math.inf and "too few" in str(few)
    assert "expect 4.59 minima" in str(found) and "0.987" in str(found)


def test_multistart_gives_the_same_again_and_other_starts_for_another_seed():
    first, again, other = (optkit.multistart(himmelblau, 8, box=[(-5, 5)] * 2, seed=s, jac=ad.grad(himmelblau),
                                             method="l-bfgs") for s in (0, 0, 1))
    assert [r.x.tobytes() for r in first.results] == [r.x.tobytes() for r in again.results]
    assert [r.history[0].f for r in first.results] != [r.history[0].f for r in other.results]


def test_starts_where_f_is_not_defined_are_counted_and_passed_over():
    def f(x):
        return np.sum(x - 1e-3 * np.log(x))

    with np.errstate(invalid="ignore"):
        found = optkit.multistart(f, 32, box=[(-1, 1)] * 2)
        assert sum(r is None for r in found.results) == 24 and "not defined at 24" in str(found)
        assert found.best.x == pytest.approx([1e-3, 1e-3], rel=1e-3)
        with pytest.raises(ValueError, match="not finite at any of the 4 starts"):
            optkit.multistart(f, 4, box=[(-2, -1)] * 2)


def test_multistart_takes_ones_own_starts_in_any_structure():
    def f(p):
        return (p["a"] ** 2 - 1) ** 2 + np.sum(p["b"] ** 2)

    found = optkit.multistart(f, [{"a": a, "b": np.ones(2)} for a in (-2.0, 2.0, 0.5)])
    assert sorted(float(m.x["a"]) for m in found.minima) == pytest.approx([-1, 1], abs=1e-4)
    assert [m.starts for m in found.minima if m.x["a"] > 0] == [(1, 2)]


def test_unsolved_runs_are_not_minima():
    found = optkit.multistart(lambda x: np.sum(x), 4, box=[(0, 1)] * 2)
    assert not found.minima and not found.best.success and "not solved" in str(found)


def test_bounds_hold_and_serve_as_the_box():
    asked = []

    def f_and_g(x):
        asked.append(x.copy())
        return np.sum(np.cos(3 * x)) + 0.1 * np.sum(x**2), -3 * np.sin(3 * x) + 0.2 * x

    found = optkit.multistart(f_and_g, 10, bounds=[(-2, 1), (0, 2)], jac=True)
    points = np.array(asked)
    assert found.solved == 10 and (points >= [-2, 0]).all() and (points <= [1, 2]).all()


def test_starts_are_drawn_from_the_part_of_the_box_within_the_bounds():
    starts = []
    optkit.multistart(lambda x: np.sum(x**2), 16, box=[(-5, 5)] * 2, bounds=[(1, None), (None, -3)], maxiter=1,
                      callback=lambda x: None, jac=lambda x: (starts.append(x), 2 * x)[1])
    firsts = np.unique(np.array(starts), axis=0)
    assert len(firsts) >= 16 and (firsts[:, 0] >= 1).all() and (firsts[:, 1] <= -3).all()


def test_a_continuum_of_minima_is_hinted_at():
    ring = optkit.multistart(lambda x: (x @ x - 1) ** 2, 20, box=[(-2, 2)] * 2)
    assert "may be parts of a continuum" in str(ring)
    assert "continuum" not in str(optkit.multistart(himmelblau, 20, box=[(-5, 5)] * 2))


def test_equal_minima_look_flat_in_a_waterfall():
    found = optkit.multistart(himmelblau, 8, box=[(-5, 5)] * 2, gtol=1e-2, method="l-bfgs")
    f0 = [r.history[0].f for r in found.results]
    ax = found.plot().axes[0]
    assert ax.yaxis.get_transform().linthresh >= 1e-8 * (max(f0) - min(f0)) > max(r.fun for r in found.results) > 1e-10


def test_multistart_stops_in_time_but_not_before_the_first():
    found = optkit.multistart(himmelblau, 1000, box=[(-5, 5)] * 2, maxtime=0.0)
    assert found.tried == 1


@pytest.mark.parametrize(
    "options, word",
    [({}, "box"), ({"box": [(0, None)]}, "finite bounds"), ({"starts": []}, "at least one"),
     ({"starts": 0, "box": [(0, 1)]}, "starts=0"), ({"box": [(1, 0)]}, "lower <= upper"),
     ({"starts": 2.5, "box": [(0, 1)]}, "starts=2.5"), ({"starts": True, "box": [(0, 1)]}, "starts=True"),
     ({"starts": [np.zeros(2), np.zeros(3)]}, "same structure and size"), ({"starts": "ab"}, "starts='ab'"),
     ({"starts": [np.zeros(2)], "same": -1}, "same=-1"), ({"starts": [np.zeros(2)], "same": math.nan}, "same=nan"),
     ({"starts": [np.zeros(2)], "maxtime": None}, "maxtime=None"),
     ({"box": [(0, 1)] * 2, "seed": "x"}, "seed='x'"), ({"box": [(0, 1)] * 2, "seed": -1}, "seed=-1"),
     ({"box": [(0, 1)] * 2, "bounds": [(2, 3)] * 2}, "no point within the bounds")])
def test_multistart_names_what_is_wrong(options, word):
    with pytest.raises(ValueError, match=word):
        optkit.multistart(himmelblau, **options)


def test_the_waterfall_names_its_axis_in_words(tmp_path):
    found = optkit.multistart(lambda x: np.sum(np.cos(3 * x)) - 1e6 / 3, 4, box=[(-1, 1)])
    ax = found.plot(tmp_path / "w.png").axes[0]
    assert ax.get_ylabel() == "f − lowest found" and "the lowest f = -333334" in ax.get_title()


def test_multistart_draws(tmp_path):
    found = optkit.multistart(himmelblau, 8, box=[(-5, 5)] * 2, maxiter=5)
    ax = found.plot().axes[0]
    assert [len(line.get_xdata()) for line in ax.lines][0] == 8 and "minima from 8 starts" in ax.get_title()
    found.plot(tmp_path / "waterfall.png")
    assert (tmp_path / "waterfall.png").stat().st_size > 5_000


# --- derivatives through minimize -------------------------------------------------------------------------------------

rng = np.random.default_rng(3)
A, B = rng.standard_normal((12, 4)), rng.standard_normal((9, 4))
y, z = rng.standard_normal(12), rng.standard_normal(9)


def ridge(w, log_lam, y):
    return 0.5 * np.sum((A @ w - y) ** 2) + 0.5 * np.exp(log_lam) * w @ w


def validation(log_lam, y=y):
    w = optkit.minimize(ridge, np.zeros(4), args=(log_lam, y)).x
    return np.mean((B @ w - z) ** 2)


def validation_by_formula(log_lam, y=y):
    w = np.linalg.solve(A.T @ A + np.exp(log_lam) * np.eye(4), A.T @ y)
    return np.mean((B @ w - z) ** 2)


def test_hyperparameter_gradients_and_curvatures_are_those_of_the_formula():
    for t in (-1.0, 0.5, 2.0):
        assert validation(t) == pytest.approx(validation_by_formula(t), rel=1e-9)
        assert ad.grad(validation)(t) == pytest.approx(ad.grad(validation_by_formula)(t), rel=1e-8)
        assert ad.hessian(validation)(t) == pytest.approx(ad.hessian(validation_by_formula)(t), rel=1e-7)
    by_y = ad.grad(lambda y: validation(0.3, y))(y)
    assert by_y == pytest.approx(ad.grad(lambda y: validation_by_formula(0.3, y))(y), rel=1e-8)


def test_a_hyperparameter_is_found_by_minimising_through_minimize():
    outer = optkit.minimize(validation, 0.0, gtol=1e-9)
    assert outer.success
    assert outer.fun == pytest.approx(optkit.minimize(validation_by_formula, 0.0, gtol=1e-9).fun, rel=1e-9)


def test_active_bounds_do_not_move():
    def f(w, b):
        return 0.5 * np.sum((A @ w - b) ** 2)

    def outer(b):
        return np.sum(np.arange(1.0, 5) * optkit.minimize(f, np.ones(4), args=(b,), bounds=[(0, None)] * 4).x)

    w = optkit.minimize(f, np.ones(4), args=(y,), bounds=[(0, None)] * 4, gtol=1e-10).x
    free = w > 0
    assert 0 < free.sum() < 4
    exact = np.linalg.pinv(A[:, free]).T @ np.arange(1.0, 5)[free]
    assert ad.grad(outer)(y) == pytest.approx(exact, rel=1e-7, abs=1e-10)


def test_trees_of_unknowns_and_the_value_have_derivatives():
    def f(p, lam):
        return np.sum((p["a"] - lam) ** 2) + (p["b"] * lam - 1) ** 2 + lam**3

    def run(lam):
        return optkit.minimize(f, {"a": np.zeros(2), "b": 0.0}, args=(lam,))

    assert ad.grad(lambda lam: run(lam).x["b"] + np.sum(run(lam).x["a"]))(2.0) == pytest.approx(2 - 1 / 4, rel=1e-7)
    assert ad.grad(lambda lam: run(lam).fun)(2.0) == pytest.approx(12.0, rel=1e-7)      # the envelope theorem


def test_only_what_moves_is_a_parameter_the_rest_may_be_anything():
    def f(w, lam, power, label):
        assert label == "name" and isinstance(power, int)
        return np.sum(w**power) - lam * np.sum(w) + np.sum(w**2)

    def run(lam):
        return np.sum(optkit.minimize(f, np.zeros(2), args=(lam, 4, "name")).x)

    w = optkit.minimize(f, np.zeros(2), args=(1.5, 4, "name"), gtol=1e-10).x
    assert ad.grad(run)(1.5) == pytest.approx(np.sum(1 / (12 * w**2 + 2)), rel=1e-8)


def test_a_traced_value_outside_args_is_refused_with_the_remedy():
    with pytest.raises(ad.TraceError) as error:
        ad.grad(lambda lam: optkit.minimize(lambda w: ridge(w, lam, y), np.zeros(4)).x[0])(0.3)
    assert any("args" in note for note in error.value.__notes__)


@pytest.mark.parametrize("bounds", [None, [(-5, 5)] * 2])
def test_a_minimum_on_a_line_has_no_derivative(bounds):
    def f(x, lam):
        return (x[0] + x[1] - lam) ** 2

    for i in (0, 1):
        with pytest.raises(np.linalg.LinAlgError, match="singular"):
            ad.grad(lambda lam, i=i: optkit.minimize(f, np.zeros(2), args=(lam,), bounds=bounds).x[i])(0.3)


@pytest.mark.parametrize("name", ["jac", "history", "gnorm"])
def test_inside_a_derivative_what_has_none_says_so(name):
    def f(w, lam):
        return np.sum((w - lam) ** 2)

    def read(lam):
        return np.sum(getattr(optkit.minimize(f, np.zeros(2), args=(lam,)), name))

    with pytest.raises(AttributeError, match=f"{name}: inside a derivative only x and fun"):
        ad.grad(read)(2.0)
    for option in ({"callback": print}, {"return_all": True}, {"options": {"return_all": True}}):
        with pytest.raises(ValueError, match="only x and fun of the Result do"):
            ad.grad(lambda lam, option=option: optkit.minimize(f, np.zeros(2), args=(lam,), **option).fun)(2.0)
    seen = []

    def outer(lam):
        result = optkit.minimize(f, np.zeros(2), args=(lam,))
        seen.append((result.success, result.nit, str(result)))
        return result.x[0]

    assert ad.grad(outer)(2.0) == pytest.approx(1.0) and seen[0][0] and "x and fun have derivatives" in seen[0][2]


def test_derivatives_of_fits_are_refused_with_the_remedy():
    with pytest.raises(ValueError, match="args: derivatives of a fit"):
        ad.grad(lambda lam: optkit.least_squares(lambda x, lam: x - lam, np.zeros(2), args=(lam,)).x[0])(1.0)


@pytest.mark.parametrize("term", [
    prox.L2(0.3), prox.L2(30.0), prox.L2Ball(1.0), prox.L2Ball(2.0, center=0.5), prox.L2Ball(100.0),
    prox.Affine([[1, 1, 1, 1.0]], [1.0]), prox.GroupL2(0.3, groups=[[0, 1], [2, 3]]), prox.L1Ball(1.5)], ids=str)
def test_terms_are_differentiated_through(term):
    b = np.array([1.0, -2.0, 0.5, 3.0])

    def f(x, lam):
        return 0.5 * np.sum((x - lam * b) ** 2) + 0.1 * lam * x[0] * x[1]

    def run(lam):
        return optkit.minimize(f, np.zeros(4), args=(lam,), prox=term, gtol=1e-9).x @ np.arange(1.0, 5)

    h = 1e-4
    assert ad.grad(run)(0.7) == pytest.approx((run(0.7 + h) - run(0.7 - h)) / (2 * h), rel=1e-4, abs=1e-6)


def test_a_minimum_inside_a_residual_is_tight_as_inside_another_minimum():
    """Or the fit would differ with how its residual is evaluated."""
    inner = []

    def residual(p):
        inner.append(optkit.minimize(lambda x: np.sum(np.cosh(x - 1)), np.zeros(1), jac=lambda x: np.sinh(x - 1)))
        return np.array([p[0] - inner[-1].x[0], p[0] - 1.0])

    fit = optkit.least_squares(residual, [0.0], jac="2-point")
    assert fit.success and all(result.gtol <= 1e-9 for result in inner)
