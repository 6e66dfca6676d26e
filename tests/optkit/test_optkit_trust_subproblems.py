"""The trust-region subproblem: its solvers against an eigenvalue decomposition, hard case included."""

import math

import numpy as np
import pytest

from optkit.subproblems import GLTR, DoglegPath, MoreSorensen, Steihaug, SubspacePlane
from optkit.subproblems.secular import Secular
from optkit.subproblems.shifted import Dense, Tridiagonal

TOL = 1e-8
RADII = [1e-6, 1e-2, 0.3, 1.0, 7.0, 1e4]
SPECTRA = {
    "definite": [0.5, 1.0, 2.0, 3.0, 50.0],
    "ill-conditioned": [1e-8, 1e-3, 1.0, 10.0, 100.0],
    "indefinite": [-2.0, -0.1, 1.0, 4.0, 9.0],
    "barely indefinite": [-1e-9, 1.0, 1.0, 2.0, 3.0],
    "negative definite": [-5.0, -4.0, -2.0, -1.0, -0.5],
    "lowest twice": [-3.0, -3.0, 1.0, 2.0, 2.0],
    "lowest everywhere": [-1.0, -1.0, -1.0, -1.0, -1.0],
    "zero": [0.0, 0.0, 0.0, 0.0, 0.0],
}
GRADIENTS = ["generic", "hard", "nearly hard", "zero"]


@pytest.fixture(autouse=True)
def _underflow_is_harmless():
    with np.errstate(under="ignore"):
        yield


class Counted:
    def __init__(self, H):
        self.H, self.calls = H, 0

    def __call__(self, v):
        self.calls += 1
        return self.H.dot(v)


def problem(eigenvalues, gradient="generic", seed=0):
    """H with these eigenvalues, and g: orthogonal to the lowest eigenspace if hard, by all but 1e-10 if nearly."""
    rng = np.random.default_rng(seed)
    w = np.asarray(eigenvalues, float)
    Q = np.linalg.qr(rng.normal(size=(w.size, w.size)))[0]
    c = rng.normal(size=w.size) * {"zero": 0.0}.get(gradient, 1.0)
    c[w == w.min()] *= {"hard": 0.0, "nearly hard": 1e-10}.get(gradient, 1.0)
    H = Q @ np.diag(w) @ Q.T
    return 0.5 * (H + H.T), Q @ c


def exact(H, g, tol=TOL):
    return {"more-sorensen": MoreSorensen(H, g, tol), "gltr": GLTR(Counted(H), g, 0.0, len(g))}


def everything(H, g):
    return exact(H, g) | {"steihaug": Steihaug(Counted(H), g, 1e-12 * np.linalg.norm(g), 2 * len(g)),
                          "dogleg": DoglegPath(H, g), "subspace": SubspacePlane(H, g)}


def model(H, g, p):
    return g.dot(p) + 0.5 * p.dot(H.dot(p))


def lowest_value(H, g, delta):
    """min g·p + ½ p·Hp within ‖p‖ <= delta, by bisection for λ in the basis of eigenvectors."""
    w, V = np.linalg.eigh(H)
    b = V.T @ g
    floor = max(0.0, -w[0])

    def p_of(lam):
        return np.divide(-b, w + lam, out=np.zeros_like(b), where=w + lam > 1e-13 * np.abs(w).max())
    low, up = floor, floor + np.linalg.norm(g) / delta
    if np.linalg.norm(p_of(low)) <= delta and np.linalg.norm((w + low) * p_of(low) + b) <= 1e-7 * np.linalg.norm(b):
        up = low
    for _ in range(200):
        mid = 0.5 * (low + up)
        low, up = (mid, up) if np.linalg.norm(p_of(mid)) > delta else (low, mid)
    q = p_of(up)
    missing = delta**2 - q.dot(q)
    if floor > 0 and missing > 0:
        q[0] += math.copysign(math.sqrt(q[0] ** 2 + missing), q[0]) - q[0]
    return b.dot(q) + 0.5 * q.dot(w * q)


def multiplier(H, g, p):
    """The λ with (H + λI)p = −g in the least-squares sense."""
    return -p.dot(H.dot(p) + g) / p.dot(p)


@pytest.mark.parametrize("gradient", GRADIENTS)
@pytest.mark.parametrize("spectrum", SPECTRA)
@pytest.mark.parametrize("delta", RADII)
def test_the_exact_solvers_meet_the_optimality_conditions(delta, spectrum, gradient):
    H, g = problem(SPECTRA[spectrum], gradient)
    lowest = np.linalg.eigvalsh(H)[0]
    size = np.linalg.norm(H) + np.linalg.norm(g) / delta
    for name, solve in exact(H, g).items():
        region = solve(delta)
        p, length = region.p, np.linalg.norm(region.p)
        assert length <= delta * (1 + 1e-12) and length == pytest.approx(region.length, rel=1e-9), name
        assert region.predicted == pytest.approx(-model(H, g, p), rel=1e-7, abs=1e-15 * size * delta**2), name
        if length == 0:
            assert not g.any() and lowest >= -1e-15, name
            continue
        lam = multiplier(H, g, p)
        slack = 1e-5 * size  # of a decrease known to 1e-8, the square root
        assert np.linalg.norm(H @ p + lam * p + g) <= slack * delta, name
        assert lam >= -1e-7 * size and lowest + lam >= -slack, name
        assert lam * (delta - length) <= slack * delta, name


@pytest.mark.parametrize("gradient", GRADIENTS)
@pytest.mark.parametrize("spectrum", SPECTRA)
@pytest.mark.parametrize("delta", RADII)
def test_no_point_of_the_region_is_lower_than_the_exact_step(delta, spectrum, gradient):
    H, g = problem(SPECTRA[spectrum], gradient)
    best = lowest_value(H, g, delta)
    for name, solve in exact(H, g).items():
        assert -solve(delta).predicted <= best + 3e-8 * abs(best) + 1e-14 * delta**2, name


def test_random_problems_are_solved_to_the_tolerance_in_few_factorisations():
    rng, taken = np.random.default_rng(5), []
    for seed in range(300):
        n = int(rng.integers(1, 12))
        H, g = problem(rng.normal(size=n) * 10 ** rng.uniform(-2, 2), GRADIENTS[seed % 4 if n > 1 else 0], seed)
        g, delta = g * 10 ** rng.uniform(-3, 3), 10 ** rng.uniform(-3, 3)
        region = MoreSorensen(H, g, 1e-6)(delta)
        best = lowest_value(H, g, delta)
        assert -region.predicted <= best + 2e-6 * abs(best) and region.length <= delta * (1 + 1e-12)
        taken.append(region.iterations)
    assert np.mean(taken) < 6 and max(taken) < 30


@pytest.mark.parametrize("spectrum", SPECTRA)
def test_a_shorter_radius_gives_what_it_would_give_alone_and_takes_no_product(spectrum):
    for gradient in GRADIENTS:
        H, g = problem(SPECTRA[spectrum], gradient)
        hv, hv_cg = Counted(H), Counted(H)
        kept = everything(H, g) | {"gltr": GLTR(hv, g, 0.0, 5), "steihaug": Steihaug(hv_cg, g, 0.0, 20)}
        for delta in (3.0, 1.0, 0.25, 1e-3):
            before = hv.calls, hv_cg.calls
            for name, solve in everything(H, g).items():
                if name == "steihaug":
                    solve = Steihaug(Counted(H), g, 0.0, 20)
                again = kept[name](delta)
                assert again.predicted == pytest.approx(solve(delta).predicted, rel=1e-7, abs=1e-14), name
            assert delta == 3.0 or (hv.calls, hv_cg.calls) == before


def test_a_shorter_radius_takes_fewer_factorisations():
    H, g = problem(SPECTRA["indefinite"])
    solve = MoreSorensen(H, g, TOL)
    for delta in (1.0, 0.9, 0.8):
        first = MoreSorensen(H, g, TOL)(delta).iterations
        assert solve(delta).iterations < first or delta == 1.0
        assert solve(delta).iterations == 0


@pytest.mark.parametrize("h, g, delta, p", [
    (2.0, 3.0, 10.0, -1.5), (2.0, 3.0, 1.0, -1.0), (-2.0, 3.0, 1.0, -1.0), (0.0, -3.0, 2.0, 2.0),
    (-2.0, 1e-12, 1.0, -1.0)])
def test_in_one_dimension_all_agree(h, g, delta, p):
    for name, solve in everything(np.array([[h]]), np.array([g])).items():
        assert solve(delta).p == pytest.approx([p], rel=1e-7), name


@pytest.mark.nan_ok
@pytest.mark.parametrize("scale", [1e-100, 1e-20, 1e20, 1e100])
@pytest.mark.parametrize("spectrum", ["definite", "indefinite", "negative definite"])
def test_the_scale_of_the_model_changes_nothing_but_the_decrease(spectrum, scale):
    for gradient in ("generic", "hard"):
        H, g = problem(SPECTRA[spectrum], gradient)
        for delta in (0.1, 10.0):
            scaled = everything(scale * H, scale * g)
            for name, solve in everything(H, g).items():
                a, b = solve(delta), scaled[name](delta)
                assert b.predicted == pytest.approx(scale * a.predicted, rel=1e-6), (name, gradient)


@pytest.mark.nan_ok
@pytest.mark.parametrize("delta", [1e-100, 1e-30, 1e20, 1e100])
@pytest.mark.parametrize("spectrum", SPECTRA)
def test_extreme_radii_end_inside_or_on_the_boundary(spectrum, delta):
    H, g = problem(SPECTRA[spectrum])
    for name, solve in everything(H, g).items():
        region = solve(delta)
        assert np.isfinite(region.p).all() and region.length <= delta * (1 + 1e-9), name
        assert region.predicted > 0, name
        assert region.on_boundary == (region.length == pytest.approx(delta, rel=1e-6)), name


@pytest.mark.nan_ok
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_hessian_that_is_not_finite_leaves_steepest_descent(bad):
    H, g = np.full((2, 2), bad), np.array([3.0, 4.0])
    with np.errstate(all="ignore"):
        for name, solve in everything(H, g).items():
            np.testing.assert_allclose(solve(2.0).p, [-1.2, -1.6], err_msg=name)
            np.testing.assert_allclose(solve(0.5).p, [-0.3, -0.4], err_msg=name)
            assert not 0 < solve.curvature() < np.inf, name


def test_a_later_product_that_is_not_finite_ends_lanczos_with_what_is_known():
    H, g = problem(SPECTRA["definite"])
    hv = Counted(H)
    region = GLTR(lambda v: hv(v) if hv.calls < 3 else np.full(5, np.nan), g, 0.0, 5)(1.0)
    assert hv.calls == 3 and region.predicted == pytest.approx(-model(H, g, region.p), rel=1e-9)
    assert region.predicted > 0


@pytest.mark.parametrize("spectrum", ["definite", "indefinite"])
def test_the_curvature_along_the_gradient_costs_no_product_more(spectrum):
    H, g = problem(SPECTRA[spectrum])
    for solver in (Steihaug, GLTR):
        asked, plain = Counted(H), Counted(H)
        solve = solver(asked, g, 1e-12, 5)
        assert solve.curvature() == pytest.approx(g.dot(H @ g) / g.dot(g), rel=1e-12)
        region = solve(1.0)
        assert solver(plain, g, 1e-12, 5)(1.0).iterations == region.iterations == plain.calls == asked.calls
    assert DoglegPath(H, g).curvature() == pytest.approx(g.dot(H @ g) / g.dot(g), rel=1e-12)


# --- GLTR ---


def test_gltr_stops_at_the_first_residual_below_its_tolerance():
    H, g = problem(np.linspace(-1.0, 40.0, 40))
    for eta in (0.3, 1e-3):
        tol = eta * np.linalg.norm(g)
        region = GLTR(Counted(H), g, tol, 40)(2.0)
        assert np.linalg.norm(H @ region.p + multiplier(H, g, region.p) * region.p + g) < tol
        before = GLTR(Counted(H), g, 0.0, region.iterations - 1)(2.0)
        assert np.linalg.norm(H @ before.p + multiplier(H, g, before.p) * before.p + g) >= tol


def test_gltr_goes_on_along_the_boundary_where_steihaug_ends():
    H, g = problem(np.linspace(-1.0, 40.0, 40))
    cg, gltr = Steihaug(Counted(H), g, 1e-3, 40)(2.0), GLTR(Counted(H), g, 1e-3, 40)(2.0)
    assert gltr.predicted > cg.predicted and gltr.iterations > cg.iterations and gltr.on_boundary
    assert gltr.predicted == pytest.approx(-lowest_value(H, g, 2.0), rel=1e-4)


def test_gltr_ends_where_the_krylov_space_does():
    H, g = problem([1.0, 1.0, 2.0, 2.0, 2.0, 5.0])
    hv = Counted(H)
    region = GLTR(hv, g, 1e-9, 6)(1e3)
    assert hv.calls == 3 and not region.on_boundary
    np.testing.assert_allclose(region.p, -np.linalg.solve(H, g), rtol=1e-9)


# --- dogleg and plane ---


@pytest.mark.parametrize("gradient", GRADIENTS[:3])
@pytest.mark.parametrize("spectrum", SPECTRA)
def test_the_dogleg_falls_all_the_way_and_reaches_every_radius(spectrum, gradient):
    H, g = problem(SPECTRA[spectrum], gradient)
    if not g.any():
        return
    path = DoglegPath(H, g)
    steps = [path(delta) for delta in np.logspace(-4, 4, 200)[::-1]][::-1]
    lengths, predicted = np.array([s.length for s in steps]), np.array([s.predicted for s in steps])
    assert (np.diff(predicted) >= -1e-12 * predicted[1:]).all() and (predicted > 0).all()
    inside = np.array([not s.on_boundary for s in steps])
    np.testing.assert_allclose(lengths[~inside], np.logspace(-4, 4, 200)[~inside], rtol=1e-9)
    assert inside.any() == (min(SPECTRA[spectrum]) > -1e-6 and spectrum != "zero" and lengths.max() < 1e4)


def test_the_dogleg_of_a_convex_model_is_powells():
    H, g = problem(SPECTRA["definite"])
    newton, cauchy = -np.linalg.solve(H, g), -g * g.dot(g) / g.dot(H @ g)
    path = DoglegPath(H, g)
    np.testing.assert_allclose(path(1e3).p, newton, rtol=1e-10)
    for t in (0.1, 0.9):
        np.testing.assert_allclose(path(np.linalg.norm(t * cauchy)).p, t * cauchy, rtol=1e-10)
        between = cauchy + t * (newton - cauchy)
        np.testing.assert_allclose(path(np.linalg.norm(between)).p, between, rtol=1e-10)


@pytest.mark.parametrize("gradient", GRADIENTS[:3])
@pytest.mark.parametrize("spectrum", SPECTRA)
@pytest.mark.parametrize("delta", [0.01, 1.0, 100.0])
def test_the_plane_beats_the_dogleg_and_that_the_cauchy_point_where_convex(spectrum, gradient, delta):
    H, g = problem(SPECTRA[spectrum], gradient)
    if not g.any():
        return
    bend, length = g.dot(H @ g), np.linalg.norm(g)
    t = min(delta / length, length**2 / bend if bend > 0 else math.inf)
    cauchy = -model(H, g, -t * g)
    plane, dogleg = SubspacePlane(H, g)(delta).predicted, DoglegPath(H, g)(delta).predicted
    if min(SPECTRA[spectrum]) > 0:
        assert plane >= dogleg * (1 - 1e-6) and dogleg >= cauchy * (1 - 1e-12)
    assert min(plane, dogleg) >= 0.5 * cauchy  # with a shifted Hessian not all of it


@pytest.mark.parametrize("spectrum", ["indefinite", "negative definite", "lowest twice"])
def test_at_a_saddle_or_maximum_every_method_with_the_hessian_goes_down(spectrum):
    H, g = problem(SPECTRA[spectrum], "zero")
    for name, solve in everything(H, g).items():
        region = solve(2.0)
        if name == "steihaug":
            assert not region.p.any() and region.predicted == 0
        else:
            assert region.predicted == pytest.approx(-0.5 * 4.0 * np.linalg.eigvalsh(H)[0], rel=1e-6), name


# --- the pieces ---


@pytest.mark.parametrize("seed", range(20))
def test_a_factorisation_that_fails_bounds_the_lowest_eigenvalue_and_is_the_same_for_tridiagonal(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 9))
    d, e = rng.normal(size=n), rng.normal(size=n - 1)
    T = np.diag(d) + np.diag(e, 1) + np.diag(e, -1)
    lowest, highest = np.linalg.eigvalsh(T)[[0, -1]]
    for matrix in (Dense(T), Tridiagonal(d, e)):
        assert matrix.lowest <= lowest + 1e-12 <= matrix.diagonal + 2e-12 and matrix.highest >= highest - 1e-12
        shift = -lowest - 0.3
        failed, done = matrix.factor(shift), matrix.factor(-lowest + 0.3)
        assert failed.solve is None and shift <= failed.bound <= -lowest + 1e-12
        b = rng.normal(size=n)
        np.testing.assert_allclose((T + (0.3 - lowest) * np.eye(n)) @ done.solve(b), b, atol=1e-10)
    assert Dense(T).factor(shift).bound == pytest.approx(Tridiagonal(d, e).factor(shift).bound, rel=1e-9)


def test_the_bound_on_the_lowest_eigenvalue_stays_one():
    for spectrum in SPECTRA:
        for gradient in GRADIENTS:
            H, g = problem(SPECTRA[spectrum], gradient)
            secular = Secular(Dense(H), g, TOL, 0.0, 0.0)
            secular(1.0)
            assert secular.low <= max(0.0, -np.linalg.eigvalsh(H)[0]) + 1e-12
