"""The worked examples of the course texts on automatic differentiation and vector calculus, with their numbers."""

import tracemalloc

import numpy as np
import pytest
import scipy.linalg

import autodiff as ad


@pytest.fixture
def square(rng):
    """A well-conditioned nonsymmetric matrix."""
    return rng.standard_normal((4, 4)) + 4 * np.eye(4)


def differential(f, x, dx):
    return ad.jvp(f, (x,), (dx,))[1]


# --- D4, D6: Jacobians and Hessians that are never formed -------------------------------------------------------------


def test_d4_elementwise_exp_has_a_diagonal_jacobian(rng):
    z, ct = rng.standard_normal(5), rng.standard_normal(5)
    for mode in ("forward", "reverse"):
        np.testing.assert_allclose(ad.jacobian(np.exp, mode=mode)(z), np.diag(np.exp(z)), rtol=1e-14)
    np.testing.assert_allclose(ad.vjp(np.exp, z)[1](ct), ct * np.exp(z), rtol=1e-14)


def _peak(call) -> tuple:
    tracemalloc.start()
    result = call()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return result, peak


def test_d4_the_vjp_of_exp_stays_linear_in_memory():
    z = np.linspace(-1.0, 1.0, 100_000)
    product, peak = _peak(lambda: ad.vjp(np.exp, z)[1](z))
    np.testing.assert_allclose(product, z * np.exp(z), rtol=1e-14)
    assert peak <= 8 * z.nbytes


def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def rosenbrock_hvp(x, v):
    out = np.zeros_like(x)
    out[:-1] += (1200 * x[:-1] ** 2 - 400 * x[1:] + 2) * v[:-1] - 400 * x[:-1] * v[1:]
    out[1:] += 200 * v[1:] - 400 * x[:-1] * v[:-1]
    return out


def test_d6_hessian_vector_products_are_gradients_of_directional_derivatives(rng):
    x, v = rng.standard_normal(6), rng.standard_normal(6)
    truth = rosenbrock_hvp(x, v)
    np.testing.assert_allclose(ad.hvp(rosenbrock, x, v), truth, rtol=1e-12)
    np.testing.assert_allclose(ad.grad(lambda z: ad.grad(rosenbrock)(z) @ v)(x), truth, rtol=1e-12)
    np.testing.assert_allclose(ad.hessian(rosenbrock)(x) @ v, truth, rtol=1e-12)


def test_d6_hessian_vector_product_in_a_million_variables():
    n = 1_000_000
    x, v = np.linspace(-1.2, 1.0, n), np.linspace(1.0, -0.5, n)
    product, peak = _peak(lambda: ad.hvp(rosenbrock, x, v))
    np.testing.assert_allclose(product, rosenbrock_hvp(x, v), rtol=1e-12, atol=1e-10)
    assert peak <= 60 * x.nbytes                                  # O(n); the Hessian would take a million x.nbytes


# --- D7: differentials ------------------------------------------------------------------------------------------------


def test_d7_matrix_differentials(rng, square):
    a, b, x, dx = (rng.standard_normal((4, 4)) for _ in range(4))
    y, dy = rng.standard_normal((2, 4, 4))
    inverse = np.linalg.inv(square)
    for f, at, truth in (
            (lambda x: a @ x @ b, x, a @ dx @ b), (lambda x: x.T, x, dx.T), (np.trace, x, np.trace(dx)),
            (lambda x: x / 3.7, x, dx / 3.7), (lambda x: x / np.sum(x), square,
                                               dx / square.sum() - square * dx.sum() / square.sum() ** 2),
            (np.linalg.det, square, np.linalg.det(square) * np.sum(inverse.T * dx)),
            (np.linalg.inv, square, -inverse @ dx @ inverse), (lambda x: x @ x.T, x, dx @ x.T + x @ dx.T),
            (lambda x: np.exp(np.sin(x)), x, np.exp(np.sin(x)) * np.cos(x) * dx)):
        np.testing.assert_allclose(differential(f, at, dx), truth, rtol=1e-11, atol=1e-12)
    for f, truth in ((np.add, dx + dy), (np.matmul, dx @ y + x @ dy),
                     (lambda x, y: np.sum(x * y), np.sum(dx * y) + np.sum(x * dy))):
        np.testing.assert_allclose(ad.jvp(f, (x, y), (dx, dy))[1], truth, rtol=1e-12)


def test_d7_gradients_of_trace_and_determinant(square):
    np.testing.assert_allclose(ad.grad(np.linalg.det)(square), np.linalg.det(square) * np.linalg.inv(square).T,
                               rtol=1e-12)
    np.testing.assert_allclose(ad.grad(lambda x: np.linalg.slogdet(x)[1])(square), np.linalg.inv(square).T, rtol=1e-12)
    np.testing.assert_array_equal(ad.grad(np.trace)(square), np.eye(4))


def test_d7_second_differential_and_hessian(rng):
    """H = (J∇f)ᵀ and d²f = ⟨dx, H dx⟩."""
    x, dx = rng.standard_normal(5), rng.standard_normal(5)
    h = ad.hessian(rosenbrock)(x)
    np.testing.assert_allclose(h, ad.jacobian(ad.grad(rosenbrock))(x).T, rtol=1e-12)
    second = differential(lambda z: differential(rosenbrock, z, dx), x, dx)
    np.testing.assert_allclose(second, dx @ h @ dx, rtol=1e-12)


# --- D8: spectra ------------------------------------------------------------------------------------------------------


def test_d8_rayleigh_quotient(rng):
    a = rng.standard_normal((4, 4))
    a = a + a.T
    w, v = np.linalg.eigh(a)

    def quotient(x):
        return (x @ a @ x) / (x @ x)
    for x in rng.standard_normal((20, 4)):
        assert w[0] - 1e-12 <= quotient(x) <= w[-1] + 1e-12
        np.testing.assert_allclose(ad.grad(quotient)(x), 2 / (x @ x) * (a @ x - quotient(x) * x), rtol=1e-10,
                                   atol=1e-12)
    for k in range(4):                                            # stationary exactly at the eigenvectors
        np.testing.assert_allclose(ad.grad(quotient)(v[:, k]), np.zeros(4), atol=1e-13)


def test_d8_matrix_exponential(rng, square):
    """d e^(tA)/dt = A e^(tA), and det e^A = e^(tr A)."""
    a = square / 4

    def expm(t):
        return scipy.linalg.expm(t * a)
    np.testing.assert_allclose(ad.jvp(expm, (0.7,), (1.0,))[1], a @ scipy.linalg.expm(0.7 * a), rtol=1e-11)
    np.testing.assert_allclose(ad.grad(lambda a: np.linalg.slogdet(scipy.linalg.expm(a))[1])(a), np.eye(4), atol=1e-10)
    ad.check_grads(lambda a: np.sum(scipy.linalg.expm(a) ** 2), (a,), order=2, rtol=1e-5)


def test_d8_trace_determinant_and_condition_number_from_eigenvalues(square):
    a = square @ square.T
    np.testing.assert_allclose(ad.grad(lambda x: np.sum(np.linalg.eigvalsh(x + x.T)) / 2)(a), ad.grad(np.trace)(a),
                               atol=1e-12)
    by_eigenvalues = ad.grad(lambda x: np.prod(np.linalg.eigvalsh((x + x.T) / 2)))(a)
    np.testing.assert_allclose(by_eigenvalues, ad.grad(np.linalg.det)(a), rtol=1e-9)

    def kappa(x):
        return np.linalg.norm(x, 2) * np.linalg.norm(np.linalg.inv(x), 2)
    np.testing.assert_allclose(kappa(square), np.linalg.cond(square), rtol=1e-12)
    ad.check_grads(kappa, (square,), order=2, rtol=1e-5)
    np.testing.assert_allclose(np.sum(ad.grad(kappa)(square) * square), 0.0, atol=1e-11)       # κ(tA) = κ(A)


# --- D12, D13, D27: computational graphs on paper ---------------------------------------------------------------------


def test_d12_x_squared_plus_one_squared():
    def f(x):
        return (x ** 2 + 1) ** 2
    assert ad.grad(f)(1.0) == ad.jvp(f, (1.0,), (1.0,))[1] == 8.0


def forward_table(x1, x2):
    v1 = x1 / x2
    v2 = np.sin(v1)
    v3 = np.exp(x2)
    v4 = v1 - v3
    v5 = v2 + v4
    return v5 * v4


def test_d13_forward_and_reverse():
    x = (1.5, 0.5)
    assert ad.vjp(forward_table, *x)[0] == pytest.approx(2.0167, abs=1e-4)     # (2.01665, from rounded table entries)
    by_reverse = ad.vjp(forward_table, *x)[1](1.0)
    by_forward = [ad.jvp(forward_table, x, seed)[1] for seed in ((1.0, 0.0), (0.0, 1.0))]
    for found in (by_reverse, by_forward):
        assert found[0] == pytest.approx(3.0118, abs=5e-5)        # (the slide prints 3.0110)
        assert found[1] == pytest.approx(-13.7239, abs=1e-4)


def test_d27_intermediate_derivatives_of_the_chain():
    """f = √c + cos c, c = a + b, b = eᵃ, a = x²: every ∂f/∂(intermediate) is the gradient of what follows it."""
    x = 0.8
    a = x ** 2
    b = np.exp(a)
    c = a + b
    d, e = np.sqrt(c), np.cos(c)
    df_dc = 1 / (2 * d) - np.sin(c)

    def from_c(c):
        return np.sqrt(c) + np.cos(c)

    def f(x):
        return from_c(x ** 2 + np.exp(x ** 2))
    assert f(x) == pytest.approx(d + e, rel=1e-15)
    table = ad.grad(lambda p: p["d"] + p["e"])({"d": d, "e": e})
    assert (table["d"], table["e"]) == (1.0, 1.0)
    assert ad.grad(from_c)(c) == pytest.approx(df_dc)
    assert ad.grad(lambda b: from_c(a + b))(b) == pytest.approx(df_dc)
    assert ad.grad(lambda a: from_c(a + np.exp(a)))(a) == pytest.approx(df_dc * (1 + b))
    assert ad.grad(f)(x) == pytest.approx(2 * x * df_dc * (1 + b))


# --- D15, D16: rows, columns, networks --------------------------------------------------------------------------------


def test_d15_rows_by_vjp_and_columns_by_jvp(rng):
    a, x = rng.standard_normal((3, 4)), rng.standard_normal(4)

    def f(x):
        return np.sin(a @ x) * x[:3]
    truth = np.cos(a @ x)[:, None] * a * x[:3, None] + np.diag(np.sin(a @ x)) @ np.eye(3, 4)
    pullback = ad.vjp(f, x)[1]
    push = ad.linearize(f, x)[1]
    np.testing.assert_allclose(np.stack([pullback(e) for e in np.eye(3)]), truth, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(np.stack([push(e) for e in np.eye(4)], axis=1), truth, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("activation, slope", ((np.tanh, lambda z: 1 - np.tanh(z) ** 2),
                                               (lambda z: np.maximum(z, 0.0), lambda z: 1.0 * (z > 0))))
def test_d16_deep_network_against_hand_backpropagation(rng, activation, slope):
    """f(W) = ‖Y − σ(W_k σ(… σ(W₁X)))‖²_F."""
    sizes = (3, 5, 4, 2)
    weights = [rng.standard_normal((m, n)) / 2 for n, m in zip(sizes, sizes[1:], strict=False)]
    x, y = rng.standard_normal((3, 7)), rng.standard_normal((2, 7))

    def f(weights):
        out = x
        for w in weights:
            out = activation(w @ out)
        return np.sum((y - out) ** 2)
    fun = ad.compile(f)
    for scale in (1.0, 0.9, 1.1):
        at = [scale * w for w in weights]
        before, layer = [x], x
        for w in at:
            layer = activation(w @ layer)
            before.append(layer)
        q, hand = 2 * (before[-1] - y), []
        for w, z in zip(at[::-1], before[-2::-1], strict=True):
            delta = q * slope(w @ z)
            hand.append(delta @ z.T)
            q = w.T @ delta
        value, grads = fun.value_and_grad(at)
        assert value == pytest.approx(f(at), rel=1e-13)
        for g, h in zip(grads, hand[::-1], strict=True):
            np.testing.assert_allclose(g, h, rtol=1e-11, atol=1e-12)
    assert fun.report.mode == "compiled"


# --- D22 – D24: chain rule --------------------------------------------------------------------------------------------


def test_d22_partial_derivatives(rng):
    for x in rng.standard_normal((5, 2)):
        inner = x[0] + 2 * x[1] ** 3
        np.testing.assert_allclose(ad.grad(lambda x: (x[0] + 2 * x[1] ** 3) ** 2)(x),
                                   [2 * inner, 12 * inner * x[1] ** 2], rtol=1e-12)
        np.testing.assert_allclose(ad.grad(lambda x: x[0] ** 2 * x[1] + x[0] * x[1] ** 3)(x),
                                   [2 * x[0] * x[1] + x[1] ** 3, x[0] ** 2 + 3 * x[0] * x[1] ** 2], rtol=1e-12)


def test_d22_and_d23_along_curves():
    def f(x):
        return x[0] ** 2 + 2 * x[1]

    def circle(t):
        return np.array([np.sin(t), np.cos(t)])

    def g(x):
        return np.exp(x[0] * x[1] ** 2)

    def spiral(t):
        return np.array([t * np.cos(t), t * np.sin(t)])
    for t in (-0.7, 0.4, 1.3):
        assert ad.grad(lambda t: f(circle(t)))(t) == pytest.approx(2 * np.sin(t) * (np.cos(t) - 1), rel=1e-12)
        x1, x2 = spiral(t)
        truth = g((x1, x2)) * (x2 ** 2 * (np.cos(t) - t * np.sin(t)) + 2 * x1 * x2 * (np.sin(t) + t * np.cos(t)))
        assert ad.grad(lambda t: g(spiral(t)))(t) == pytest.approx(truth, rel=1e-12)
        assert ad.grad(g)(spiral(t)) @ ad.jacobian(spiral)(t) == pytest.approx(truth,
                                                                               rel=1e-12)      # the two Jacobians


def test_d24_least_squares_loss(rng):
    phi, y, theta = rng.standard_normal((6, 3)), rng.standard_normal(6), rng.standard_normal(3)

    def error(theta):
        return y - phi @ theta
    np.testing.assert_allclose(ad.grad(lambda t: np.linalg.norm(error(t)) ** 2)(theta), -2 * (y - phi @ theta) @ phi,
                               rtol=1e-12)
    np.testing.assert_allclose(ad.grad(lambda e: e @ e)(error(theta)), 2 * error(theta), rtol=1e-14)
    np.testing.assert_allclose(ad.jacobian(error)(theta), -phi, rtol=1e-14)


# --- D25, D26, D28: matrices and tensors ------------------------------------------------------------------------------


def test_d25_matrix_by_vector_is_a_tensor(rng):
    parts, x = rng.standard_normal((3, 4, 2)), rng.standard_normal(3)
    found = ad.jacobian(lambda x: np.tanh(x[0]) * parts[0] + x[1] ** 2 * parts[1] + x[0] * x[2] * parts[2])(x)
    truth = np.stack([(1 - np.tanh(x[0]) ** 2) * parts[0] + x[2] * parts[2], 2 * x[1] * parts[1], x[0] * parts[2]],
                     axis=-1)
    assert found.shape == (4, 2, 3)
    np.testing.assert_allclose(found, truth, rtol=1e-12)


def test_d25_product_by_its_matrix(rng):
    """∂(Ax)_i/∂A_jk = δ_ij x_k."""
    a, x = rng.standard_normal((3, 4)), rng.standard_normal(4)
    found = ad.jacobian(lambda a: a @ x)(a)
    assert found.shape == (3, 3, 4)
    np.testing.assert_array_equal(found, np.einsum("ij,k->ijk", np.eye(3), x))


def test_d25_gram_matrix_by_its_factor(rng):
    """∂(RᵀR)_pq/∂R_ij = δ_jp R_iq + δ_jq R_ip: R_iq, R_ip, 2R_iq or 0, as the lecture lists it."""
    r = rng.standard_normal((3, 2))
    for mode in ("forward", "reverse"):
        found = ad.jacobian(lambda r: r.T @ r, mode=mode)(r)
        assert found.shape == (2, 2, 3, 2)
        for p, q, i, j in np.ndindex(found.shape):
            truth = 2 * r[i, q] if j == p == q else r[i, q] if j == p else r[i, p] if j == q else 0.0
            assert found[p, q, i, j] == pytest.approx(truth, abs=1e-15)


def test_d26_identities(rng, square):
    """Deisenroth, Faisal, Ong: Mathematics for Machine Learning, (5.99) – (5.108), with f(X) = XᵀX/2 + X."""
    a, b, dx = rng.standard_normal(4), rng.standard_normal(4), rng.standard_normal((4, 4))
    x, inverse = square, np.linalg.inv(square)

    def f(x):
        return x.T @ x / 2 + x
    df = differential(f, x, dx)
    np.testing.assert_allclose(df, (dx.T @ x + x.T @ dx) / 2 + dx, rtol=1e-12)
    f_inverse = np.linalg.inv(f(x))
    for g, truth in ((lambda x: f(x).T, df.T), (lambda x: np.trace(f(x)), np.trace(df)),
                     # 5.99, 5.100
                     (lambda x: np.linalg.det(f(x)), np.linalg.det(f(x)) * np.trace(f_inverse @ df)),
                     # 5.101
                     (lambda x: np.linalg.inv(f(x)),
                      -f_inverse @ df @ f_inverse)):                                      # 5.102
        np.testing.assert_allclose(differential(g, x, dx), truth, rtol=1e-10, atol=1e-12)
    w = square @ square.T
    s = rng.standard_normal(4)
    for g, at, truth in ((lambda x: a @ np.linalg.inv(x) @ b, x, -inverse.T @ np.outer(a, b) @ inverse.T),
                         # 5.103
                         (lambda x: a @ np.linalg.solve(x, b), x, -inverse.T @ np.outer(a, b) @ inverse.T),
                         (lambda v: v @ a, b, a), (lambda v: a @ v, b, a),
                         # 5.104, 5.105
                         (lambda x: a @ x @ b, x, np.outer(a, b)),
                         (lambda v: v @ square @ v, b, b @ (square + square.T)),      # 5.106, 5.107
                         (lambda s: (a - square @ s) @ w @ (a - square @ s), s,
                          -2 * (a - square @ s) @ w @ square)):    # 5.108
        np.testing.assert_allclose(ad.grad(g)(at), truth, rtol=1e-10, atol=1e-12)


def test_d28_hessian_of_a_vector_function(rng):
    x = rng.standard_normal(3)

    def f(x):
        return np.array([x[0] ** 2 * x[1], np.exp(x[1] * x[2])])
    found = ad.jacobian(ad.jacobian(f))(x)
    assert found.shape == (2, 3, 3)
    e = np.exp(x[1] * x[2])
    first = [[2 * x[1], 2 * x[0], 0], [2 * x[0], 0, 0], [0, 0, 0]]
    second = [[0, 0, 0], [0, x[2] ** 2 * e, (1 + x[1] * x[2]) * e], [0, (1 + x[1] * x[2]) * e, x[1] ** 2 * e]]
    np.testing.assert_allclose(found, [first, second], rtol=1e-12, atol=1e-14)
