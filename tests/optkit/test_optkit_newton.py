"""Newton by factorisation: the modification, sparse Hessians, quadratic convergence, invariance, and trouble."""

import pickle

import numpy as np
import pytest
import scipy.sparse
from scipy.optimize import rosen, rosen_der, rosen_hess

import optkit
from optkit import Objective, Reason
from optkit.solvers import Newton
from optkit.subproblems import modified_cholesky
from optkit.subproblems.modified_cholesky import absolute_ldl_solve, newton_direction, positive_solver


def chained_rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def symmetric(eigenvalues, seed=0):
    n = len(eigenvalues)
    Q = np.linalg.qr(np.random.default_rng(seed).normal(size=(n, n)))[0]
    H = Q @ np.diag(np.asarray(eigenvalues, float)) @ Q.T
    return 0.5 * (H + H.T)


# --- directions -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("as_matrix", [np.asarray, scipy.sparse.csr_array], ids=["dense", "sparse"])
def test_a_positive_definite_hessian_gives_newtons_direction(as_matrix, rng):
    H, g = symmetric(np.logspace(0, 6, 12)), rng.normal(size=12)
    found = newton_direction(as_matrix(H), g)
    assert not found.modified
    np.testing.assert_allclose(H @ found.p, -g, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("as_matrix", [np.asarray, scipy.sparse.csr_array], ids=["dense", "sparse"])
@pytest.mark.parametrize("eigenvalues", [[-3, 1, 2, 5], [-1, -2, -3, -4], [0, 1, 2, 3], [-1e-9, 1, 1, 1],
                                         [1e-20, 1e-20, -1e-20, 1e-21], [-1e12, 1, 1e-3, 2]])
def test_a_modified_direction_goes_down_and_is_not_absurdly_long(as_matrix, eigenvalues, rng):
    H = symmetric(eigenvalues)
    for _ in range(5):
        g = rng.normal(size=4)
        found = newton_direction(as_matrix(H), g)
        assert found.modified and found.p @ g < 0
        assert np.linalg.norm(found.p) <= 1e9 * np.linalg.norm(g) / np.abs(eigenvalues).max()


@pytest.mark.parametrize("as_matrix", [np.asarray, scipy.sparse.csr_array], ids=["dense", "sparse"])
def test_a_pivot_that_is_rounding_does_not_count_as_positive(as_matrix):
    H, g = np.array([[1.0, 1.0], [1.0, 1 + 2.0**-52]]), np.array([1.0, -1.0])
    found = newton_direction(as_matrix(H), g)
    assert found.modified and np.linalg.norm(found.p) < 1e9


def test_the_zero_hessian_gives_steepest_descent(rng):
    g = rng.normal(size=5)
    for H in (np.zeros((5, 5)), scipy.sparse.csr_array((5, 5))):
        p = newton_direction(H, g).p
        np.testing.assert_allclose(p / np.linalg.norm(p), -g / np.linalg.norm(g), rtol=1e-12)


def test_the_modified_factorisation_has_the_absolute_blocks(rng):
    """(L|D|Lᵀ)⁻¹ is positive definite, and is H⁻¹ where H is; on a diagonal H it divides by |H_ii|."""
    inverse = np.array([absolute_ldl_solve(symmetric([-4.0, -1.0, 0.5, 3.0, 9.0]), e) for e in np.eye(5)])
    np.testing.assert_allclose(inverse, inverse.T, atol=1e-12)
    assert np.linalg.eigvalsh(inverse).min() > 0
    H = symmetric([1.0, 2.0, 3.0, 8.0])
    np.testing.assert_allclose(np.array([absolute_ldl_solve(H, e) for e in np.eye(4)]), np.linalg.inv(H), rtol=1e-10)
    np.testing.assert_allclose(absolute_ldl_solve(np.diag([-2.0, 4.0]), np.ones(2)), [0.5, 0.25], rtol=1e-14)
    zero_diagonal = np.array([[0.0, 3.0], [3.0, 0.0]])  # a pivot block of two, with eigenvalues ±3
    np.testing.assert_allclose(absolute_ldl_solve(zero_diagonal, np.array([3.0, 6.0])), [1.0, 2.0], rtol=1e-14)


@pytest.mark.parametrize("band", [0, 32])
@pytest.mark.parametrize("width", [1, 3, 29])
def test_signs_of_pivots_tell_definite_from_indefinite(width, band, monkeypatch):
    """By a banded Cholesky factor, and where the band is too wide for that, by a sparse LU."""
    monkeypatch.setattr(modified_cholesky, "BAND", band)
    seen = set()
    for seed in range(30):
        rng = np.random.default_rng(seed)
        A = np.triu(np.tril(rng.normal(size=(30, 30)) * (rng.random((30, 30)) < 4 / width), width), -width)
        A = A + A.T + np.diag(rng.uniform(1.0, 10.0, 30))
        positive = np.linalg.eigvalsh(A)[0] > 0
        solve = positive_solver(scipy.sparse.csc_array(A))
        assert (solve is not None) == positive
        seen.add(bool(positive))
        if solve is not None:
            np.testing.assert_allclose(A @ solve(np.ones(30)), np.ones(30), rtol=1e-9)
    assert seen == {True, False}


def test_a_hessian_that_is_not_finite_has_no_direction():
    for H in (np.full((2, 2), np.nan), scipy.sparse.csr_array(np.full((2, 2), np.inf))):
        assert newton_direction(H, np.ones(2)) is None


# --- the method -------------------------------------------------------------------------------------------------------


def test_a_quadratic_takes_one_step():
    H, b = symmetric([1.0, 10.0, 100.0]), np.ones(3)
    result = optkit.minimize(lambda x: 0.5 * x @ H @ x - b @ x, np.full(3, 5.0), method="newton", gtol=1e-10)
    assert result.nit == 1 and result.nfev == 2 and result.success
    np.testing.assert_allclose(result.x, np.linalg.solve(H, b), rtol=1e-10)


def test_convergence_is_quadratic():
    """‖g_{k+1}‖ <= C ‖g_k‖² with one C all along the tail."""
    def f(x):
        return np.sum(np.exp(x) - x) + 0.5 * np.sum(x) ** 2

    g = optkit.minimize(f, np.array([3.0, -2.5, 2.7]), method="newton", gtol=1e-13).history.gnorm
    tail = g[(g < 1) & (g > 1e-15)]
    assert len(tail) >= 4 and (tail[1:] <= 2 * tail[:-1] ** 2 + 1e-14).all()


def test_iterates_follow_linear_changes_of_variables():
    """Newton on f(Ax + b) is the image of Newton on f while the Hessian is positive definite."""
    rng = np.random.default_rng(1)
    A, b = rng.normal(size=(3, 3)) * [1.0, 1e3, 1e-3], rng.normal(size=3)

    def f(x):
        return np.sum(np.exp(x) - x) + x[0] ** 2 * x[1] ** 2 + np.sum(x**2)

    x0 = np.array([1.0, -1.5, 2.0])
    direct = optkit.minimize(f, x0, method="newton", maxiter=5, gtol=0, return_all=True)
    changed = optkit.minimize(lambda z: f(A @ z + b), np.linalg.solve(A, x0 - b), method="newton", maxiter=5, gtol=0,
                              return_all=True)
    for x, z in zip(direct.allvecs, changed.allvecs, strict=True):
        np.testing.assert_allclose(A @ z + b, x, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("n, nfev, probe", [(2, 30, 4), (10, 60, 20)])
def test_rosenbrock_within_a_budget(n, nfev, probe):
    result = optkit.minimize(rosen, np.tile([-1.2, 1.0], n // 2), jac=rosen_der, hess=rosen_hess, method="newton",
                             gtol=1e-8)
    assert result.success and result.nfev <= nfev and result.nhev <= result.nit + probe


def test_ten_thousand_unknowns_with_a_sparse_hessian():
    """Three products an iteration; with a dense Hessian one iterate would take 800 MB."""
    result = optkit.minimize(chained_rosenbrock, np.full(10_000, 2.0), method="newton", gtol=1e-8)
    assert result.success and np.abs(result.x - 1).max() < 1e-6
    assert result.nit <= 20 and result.nhev <= 3 * result.nit + 40


def test_sparse_and_dense_factors_take_the_same_steps_while_nothing_is_modified():
    x0 = np.full(120, 1.3)
    sparse = optkit.minimize(chained_rosenbrock, x0, method="newton", gtol=1e-8)
    dense = optkit.minimize(chained_rosenbrock, x0, method="newton", density=0.0, gtol=1e-8)
    np.testing.assert_allclose(sparse.history.f, dense.history.f, rtol=1e-6, atol=1e-15)
    assert sparse.nit == dense.nit


def test_a_large_dense_hessian_is_refused_and_can_be_allowed():
    def f(x):
        return np.sum(x) ** 2 + np.sum(x**2)

    with pytest.raises(ValueError, match=r"n = 30 > dense_up_to = 20.*newton-cg"):
        optkit.minimize(f, np.ones(30), method="newton", dense_up_to=20)
    with pytest.raises(ValueError, match="dense_up_to"):  # differences of a gradient know no pattern
        optkit.minimize(rosen, np.ones(30), jac=rosen_der, method="newton", dense_up_to=20)
    assert optkit.minimize(f, np.ones(30), method="newton").success
    assert optkit.minimize(rosen, np.full(30, 1.1), jac=rosen_der, hess=rosen_hess, method="newton",
                           dense_up_to=20).success


def test_a_users_sparse_hessian_is_factorised_as_it_is():
    n = 200

    def hess(x):
        return scipy.sparse.diags_array(12 * x**2 + 2)

    result = optkit.minimize(lambda x: np.sum(x**4 + x**2), np.full(n, 3.0), jac=lambda x: 4 * x**3 + 2 * x, hess=hess,
                             method="newton", dense_up_to=10, gtol=1e-10)
    assert result.success and np.abs(result.x).max() < 1e-9


# --- trouble ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("x0", [[1.0, 0.0], [0.0, 0.0], [1.0, 1e-9], [0.0, 3.0]])
def test_saddles_are_left(x0):
    result = optkit.minimize(lambda x: x[0] ** 2 - x[1] ** 2 + 0.25 * x[1] ** 4, x0, method="newton")
    assert result.success and result.fun == pytest.approx(-1.0, abs=1e-9)


def test_the_edge_of_the_domain_is_respected():
    result = optkit.minimize(lambda x: np.sum(x - 1e-3 * np.log(x)), [0.5, 0.3], method="newton", gtol=1e-8)
    assert result.success
    np.testing.assert_allclose(result.x, 1e-3, rtol=1e-6)


def test_nan_around_the_start_is_walked_out_of():
    def f(x):
        return np.sqrt(1.2 - x[0]) * 0 + chained_rosenbrock(x)

    result = optkit.minimize(f, [-1.2, 1.0], method="newton")
    assert result.success and np.abs(result.x - 1).max() < 1e-4


@pytest.mark.parametrize("f, x0", [(lambda x: -np.sum(x**2), [1.0, 2.0]), (lambda x: np.sum(x), [1.0]),
                                   (lambda x: -np.sum(np.exp(x)), [1.0, 0.5])])
def test_unbounded_is_never_success(f, x0):
    result = optkit.minimize(f, x0, method="newton", maxiter=300)
    assert not result.success and result.fun < -1e3


def test_a_singular_hessian_at_the_minimum_and_along_a_line_of_minima():
    flat = optkit.minimize(lambda x: (x[0] + x[1] - 1) ** 2 + 0 * x[2], [3.0, 4.0, 5.0], method="newton")
    assert flat.success and flat.fun < 1e-12
    quartic = optkit.minimize(lambda x: np.sum(x**4), [1.0, -2.0], method="newton")
    assert quartic.success and quartic.nit <= 30


@pytest.mark.parametrize("scale", [2.0**-200, 2.0**-30, 2.0**40])
def test_scaling_f_by_a_power_of_two_changes_no_step(scale):
    x0 = np.array([-1.2, 1.0, 0.3, -0.7])
    plain = optkit.minimize(chained_rosenbrock, x0, method="newton", maxiter=8, gtol=0)
    scaled = optkit.minimize(lambda x: scale * chained_rosenbrock(x), x0, method="newton", maxiter=8, gtol=0)
    np.testing.assert_allclose(scaled.history.f, scale * plain.history.f, rtol=1e-12)


def test_one_unknown_and_the_fallback_to_steepest_descent():
    assert optkit.minimize(lambda x: np.cosh(x[0] - 2), [9.0], method="newton", gtol=1e-10).x[0] == pytest.approx(2)
    lost = optkit.minimize(lambda x: np.sum(x**2), [1.0, 2.0], jac=lambda x: 2 * x, method="newton",
                           hess=lambda x: np.full((2, 2), np.nan))
    assert lost.success and lost.reason is Reason.CONVERGED


def test_a_saved_state_goes_on_to_the_same_bits():
    solver = Newton()
    objective = Objective(chained_rosenbrock, np.tile([-1.2, 1.0], 60))
    state = solver.init(objective, objective.start())
    for _ in range(4):
        state = solver.step(objective, state)
    saved = pickle.loads(pickle.dumps(state))
    fresh = Objective(chained_rosenbrock, np.tile([-1.2, 1.0], 60))
    for _ in range(3):
        state, saved = solver.step(objective, state), solver.step(fresh, saved)
    np.testing.assert_array_equal(state.point.x, saved.point.x)
    assert state.point.f == saved.point.f and state.step == saved.step


@pytest.mark.parametrize("wrong", [{"sparse_from": 0}, {"density": -0.1}, {"dense_up_to": 0}])
def test_wrong_parameters_are_named(wrong):
    with pytest.raises(ValueError, match=f"Newton: need .*{next(iter(wrong))}"):
        Newton(**wrong)
