"""Implicit differentiation: against closed forms, finite differences and the derivative of the solver's own formula."""

import gc
import threading

import numpy as np
import pytest
import scipy.optimize

import autodiff as ad

RNG = np.random.default_rng(3)
A = RNG.standard_normal((8, 3))
Y = RNG.standard_normal(8)


def ridge(p):
    """argmin ½‖Ax − y‖² + ½ e^p ‖x‖², in closed form."""
    return np.linalg.solve(A.T @ A + np.exp(p) * np.eye(3), A.T @ Y)


def objective(x, p):
    return 0.5 * np.sum((A @ x - Y) ** 2) + 0.5 * np.exp(p) * np.sum(x**2)


def newton(g, x0):
    """A solver that cannot be traced: branches, float(), a loop."""
    def solve(*p):
        x = np.array(x0, dtype=float)
        for _ in range(60):
            step = np.linalg.solve(np.atleast_2d(ad.jacobian(lambda z: g(z, *p))(x)), np.atleast_1d(g(x, *p)))
            x = x - step.reshape(np.shape(x))
            if float(np.max(np.abs(step))) < 1e-15:
                break
        return x
    return solve


def coupled(x, p):
    """A nonsymmetric system in two unknowns."""
    return np.array([x[0] ** 3 + p[0] * x[1] - 1.0, x[1] * np.exp(x[0]) + p[1] * x[0] - p[2]])


P = np.array([0.7, 1.3, 2.0])


@pytest.mark.parametrize("linear", ("lu", "cholesky", "cg", "gmres"))
def test_a_minimiser_has_the_derivatives_of_its_closed_form(linear):
    fit = ad.implicit_minimum(objective, ridge, linear=linear)
    for f in (fit, lambda p: np.sum(np.sin(fit(p)) * fit(2 * p))):
        closed = (lambda p: np.sum(np.sin(ridge(p)) * ridge(2 * p))) if f is not fit else ridge
        np.testing.assert_allclose(ad.jacobian(f, mode="forward")(0.3), ad.jacobian(closed)(0.3), rtol=1e-9)
        np.testing.assert_allclose(ad.jacobian(f, mode="reverse")(0.3), ad.jacobian(closed)(0.3), rtol=1e-9)
        np.testing.assert_allclose(ad.jacobian(ad.jacobian(f))(0.3), ad.jacobian(ad.jacobian(closed))(0.3), rtol=1e-8)


def test_third_derivative():
    fit = ad.implicit_minimum(objective, ridge)
    third = ad.grad(ad.grad(ad.grad(lambda p: np.sum(fit(p) ** 2))))(0.3)
    np.testing.assert_allclose(third, ad.grad(ad.grad(ad.grad(lambda p: np.sum(ridge(p) ** 2))))(0.3), rtol=1e-8)


@pytest.mark.parametrize("linear", ("lu", "gmres"))
def test_a_nonsymmetric_system_in_all_modes_and_orders(linear):
    root = ad.implicit_root(coupled, newton(coupled, np.ones(2)), linear=linear)
    ad.check_grads(root, (P,), order=2)
    ad.check_grads(lambda p: np.sum(root(p) ** 2 * p[0]), (P,), order=2)


def test_square_root():
    """x² = p: x = √p."""
    root = ad.implicit_root(lambda x, p: x * x - p, np.sqrt)
    np.testing.assert_allclose(ad.grad(root)(2.0), 0.5 / np.sqrt(2.0))
    np.testing.assert_allclose(ad.grad(ad.grad(root))(2.0), -0.25 * 2.0**-1.5)
    assert root(2.0) == np.sqrt(2.0)
    assert ad.jacobian(lambda p: root(p) * np.ones(2))(2.0).shape == (2,)


def test_structures():
    """x a dictionary, two parameters, one of them a list."""
    def g(x, p, q):
        return {"a": x["a"] - p[0] * q, "b": x["b"] ** 3 - p[1] * x["a"][0]}

    def solve(p, q):
        a = p[0] * q
        return {"a": a, "b": np.cbrt(p[1] * a[0])}

    root = ad.implicit_root(g, solve)
    args = ([2.0, 1.5], np.array([1.0, -2.0]))
    out = root(*args)
    assert set(out) == {"a", "b"} and out["a"].shape == (2,)

    def f(p, q):
        x = root(p, q)
        return np.sum(x["a"] ** 2) * x["b"]

    def closed(p, q):
        x = solve(p, q)
        return np.sum(x["a"] ** 2) * x["b"]
    for argnum in (0, 1):
        got, expected = ad.grad(f, argnum)(*args), ad.grad(closed, argnum)(*args)
        np.testing.assert_allclose(ad.pytree.ravel(got)[0], ad.pytree.ravel(expected)[0], rtol=1e-10)
    ad.check_grads(f, args, order=2)


def test_fixed_point():
    """x = cos(p x), and a linear map x = Bx + p with x = (I − B)⁻¹p."""
    B = np.array([[0.3, 0.2], [-0.1, 0.4]])
    linear = ad.fixed_point(lambda x, p: B @ x + p, np.zeros(2))
    np.testing.assert_allclose(ad.jacobian(linear)(np.array([1.0, 2.0])), np.linalg.inv(np.eye(2) - B), rtol=1e-9)
    cosine = ad.fixed_point(lambda x, p: np.cos(p * x), 0.5)
    x = cosine(0.8)
    np.testing.assert_allclose(ad.grad(cosine)(0.8), -x * np.sin(0.8 * x) / (1 + 0.8 * np.sin(0.8 * x)), rtol=1e-9)
    ad.check_grads(cosine, (0.8,), order=2)
    with pytest.raises(RuntimeError, match="contraction"):
        ad.fixed_point(lambda x, p: 2 * x + p, 1.0, maxiter=50)(1.0)


def test_compiled_and_trusted():
    fit = ad.implicit_minimum(objective, ridge)
    f = ad.compile(lambda p: np.sum(fit(p) ** 2))
    for p in (0.1, 0.2, 0.3, 0.4):
        value, slope = f.value_and_grad(p)
        np.testing.assert_allclose((value, slope), ad.value_and_grad(lambda p: np.sum(ridge(p) ** 2))(p), rtol=1e-9)
    assert f.report.mode == "compiled"
    second = ad.hessian(lambda p: np.sum(ridge(p) ** 2))(0.3)
    np.testing.assert_allclose(f.linearize_grad(0.3)[2](1.0), second, rtol=1e-8)


def test_branches_of_g_are_followed():
    """g has a branch: the compiled function takes the right one at each p."""
    def g(x, p):
        return x - p**2 if x > 1 else x - p**3

    def solve(p):
        return p**2 if p > 1 else p**3
    f = ad.compile(ad.implicit_root(g, solve))
    for p in (0.5, 0.6, 0.7, 2.0, 2.1, 2.2, 0.8, 2.3):
        assert np.isclose(f.grad(p), 2 * p if p > 1 else 3 * p**2)


def test_changes_in_what_g_refers_to_are_seen():
    weight = [2.0]
    root = ad.implicit_root(lambda x, p: weight[0] * x - p, lambda p: p / weight[0])
    f = ad.compile(lambda p: root(p) ** 2)
    for p in (1.0, 1.1, 1.2, 1.3):
        assert np.isclose(f.grad(p), 2 * p / 4)
    weight[0] = 3.0
    assert np.isclose(f.grad(1.0), 2 / 9)


def test_one_factorisation_a_point():
    made = []
    fit = ad.implicit_minimum(objective, ridge)
    original = ad.implicit.System.matrix
    try:
        ad.implicit.System.matrix = lambda self, x, p: made.append(1) or original(self, x, p)
        hv = ad.compile(lambda p: np.sum(fit(p) ** 2)).linearize_grad(0.3)[2]
        before = len(made)
        for v in (1.0, 2.0, 3.0):
            hv(v)
        assert len(made) == before
    finally:
        ad.implicit.System.matrix = original


def test_a_point_that_is_no_solution_is_an_error():
    sloppy = ad.implicit_root(lambda x, p: x**2 - p, lambda p: np.sqrt(p) + 0.01)
    with pytest.raises(ad.TraceError, match=r"no solution.*Newton step.*tol(.|\n)*solve more tightly"):
        ad.grad(sloppy)(2.0)
    rough = ad.implicit_root(lambda x, p: x**2 - p, lambda p: np.sqrt(p) + 1e-3, tol=1e-2)
    assert np.isclose(ad.grad(rough)(2.0), 0.3535, rtol=1e-2)
    scaled = ad.implicit_root(lambda x, p: 1e-9 * (x**2 - p), lambda p: np.sqrt(p) + 0.01)     # a small residual
    with pytest.raises(ad.TraceError, match="no solution"):
        ad.grad(scaled)(2.0)


@pytest.mark.parametrize("linear, match", (("lu", "singular"), ("cholesky", "not positive definite"),
                                           ("cg", "does not solve"), ("gmres", "does not solve")))
def test_a_singular_system_is_an_error(linear, match):
    """x = (p₀, 0) solves the system for p₁ = 0 alone."""
    flat = ad.implicit_root(lambda x, p: np.array([[1.0, 0.0], [0.0, 0.0]]) @ x - p, lambda p: p, linear=linear)
    with pytest.raises(np.linalg.LinAlgError, match=match):
        ad.jacobian(flat)(np.array([1.0, 0.0]))


def test_a_saddle_is_not_a_minimum():
    saddle = ad.implicit_minimum(lambda x, p: x[0] ** 2 - x[1] ** 2 + p * x[0], lambda p: np.array([-p / 2, 0.0]))
    with pytest.raises(np.linalg.LinAlgError, match="minimum"):
        ad.jacobian(saddle)(1.0)


def test_an_asymmetric_system_is_refused_by_cholesky():
    root = ad.implicit_root(coupled, newton(coupled, np.ones(2)), linear="cholesky")
    with pytest.raises(np.linalg.LinAlgError, match='linear="lu"'):
        ad.jacobian(root)(P)


def test_wrong_arguments():
    with pytest.raises(ValueError, match="lu, cholesky, cg, gmres"):
        ad.implicit_root(coupled, coupled, linear="qr")
    with pytest.raises(ValueError, match="tol"):
        ad.implicit_root(coupled, coupled, tol=-1.0)
    with pytest.raises(ValueError, match="as many numbers as x"):
        ad.jacobian(ad.implicit_root(lambda x, p: x[0] - p, lambda p: np.ones(2) * p))(1.0)


def test_a_parameter_that_is_not_passed_is_an_error():
    def f(p):
        return ad.implicit_root(lambda x, q: x - p * q, lambda q: 2.0 * q)(p)
    with pytest.raises(ad.TraceError, match="among the parameters"):
        ad.grad(f)(2.0)


def test_hyperparameters_of_a_fit_by_scipy():
    """d(validation loss)/d(penalty), the fit by SciPy's BFGS."""
    held = RNG.standard_normal((5, 3))

    def train(p):
        return scipy.optimize.minimize(lambda x: objective(x, p), np.zeros(3), jac=lambda x: ad.grad(objective)(x, p),
                                       method="BFGS", options={"gtol": 1e-10}).x

    fit = ad.implicit_minimum(objective, train, linear="cg")
    slope = ad.grad(lambda p: np.sum((held @ fit(p) - 1.0) ** 2))(0.5)
    np.testing.assert_allclose(slope, ad.grad(lambda p: np.sum((held @ ridge(p) - 1.0) ** 2))(0.5), rtol=1e-7)


def test_many_threads():
    fit, wrong = ad.implicit_minimum(objective, ridge), []
    f = ad.compile(lambda p: np.sum(fit(p) ** 2))

    def work(seed):
        for p in np.random.default_rng(seed).uniform(-1, 1, 10):
            if not np.isclose(f.grad(p), ad.grad(lambda q: np.sum(ridge(q) ** 2))(p), rtol=1e-8):
                wrong.append(p)
    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.parametrize("linear", ("cholesky", "cg"))
def test_nothing_is_kept_by_a_cycle(linear):
    def run():
        fit = ad.implicit_minimum(objective, ridge, linear=linear)
        return ad.hessian(lambda p: np.sum(fit(p) ** 2))(0.3)
    run()
    gc.collect()
    gc.disable()
    try:
        run()
        left = [o for o in gc.get_objects() if isinstance(o, ad.implicit.System)]
    finally:
        gc.enable()
    assert not left


def test_a_solver_inside_is_not_watched_and_the_whole_is_compiled():
    """d argmin/d penalty through optkit.minimize: w = (AᵀA + λ)⁻¹Aᵀy."""
    import optkit
    A, y = np.vander([0.1, 0.5, 0.9, 1.3], 3), np.array([1.0, 0.2, -0.3, 0.5])

    def ridge(w, penalty):
        return np.sum((A @ w - y) ** 2) + penalty * np.sum(w ** 2)

    fit = ad.implicit_minimum(ridge, lambda penalty: optkit.minimize(ridge, np.zeros(3), args=(float(penalty),),
                                                                     gtol=1e-10).x)
    f = ad.compile(lambda penalty: np.sum(fit(penalty) ** 2))
    for penalty in (0.1, 0.2, 0.3):
        M = np.linalg.inv(A.T @ A + penalty * np.eye(3))
        w = M @ A.T @ y
        value, grad = f.value_and_grad(penalty)
        assert value == pytest.approx(w @ w, rel=1e-9) and grad == pytest.approx(-2 * w @ M @ w, rel=1e-8)
    assert f.report.mode == "compiled"


@pytest.mark.parametrize("linear", ("lu", "cholesky"))
@pytest.mark.parametrize("scale", (1.0, 0.3, 1e-9, 1e12))
def test_a_pivot_of_rounding_is_singular(linear, scale):
    """A Gram matrix of dependent columns: its last pivot is rounding, not zero."""
    columns = np.array([[1.0, 0.1, 1.1], [0.7, 0.2, 0.9], [0.3, 0.3, 0.6]])
    flat = ad.implicit_root(lambda x, p: scale * (columns.T @ (columns @ x) - p), lambda p: np.zeros(3) + 0 * p,
                            linear=linear)
    with pytest.raises(np.linalg.LinAlgError, match="singular"):
        ad.jacobian(flat)(np.zeros(3))


@pytest.mark.parametrize("linear", ("lu", "cholesky"))
def test_an_ill_conditioned_system_is_still_solved(linear):
    d = np.array([1.0, 1e-5, 1e-11])
    root = ad.implicit_root(lambda x, p: d * x - p, lambda p: p / d, linear=linear)
    np.testing.assert_allclose(ad.jacobian(root)(np.ones(3)), np.diag(1 / d))
