"""Taylor coefficients of any order against known series, repeated derivatives and evaluation at a distance."""

import math

import numpy as np
import pytest
import scipy.special as sp

import autodiff as ad
from autodiff.interpreters import taylor as module
from autodiff.primitive import PRIMITIVES, bind
from autodiff.primitives.elementwise import SIN, TAN
from autodiff.primitives.linalg import ITEM

ORDER = 20
K = np.arange(ORDER + 1)
FACTORIAL = np.array([float(math.factorial(k)) for k in K])
# tan x = x + x³/3 + 2x⁵/15 + …, DLMF 4.19.3; coefficients (−1)^(k−1) 2^(2k) (2^(2k) − 1) B_2k / (2k)! exactly.
TAN_SERIES = [0, 1, 0, 1 / 3, 0, 2 / 15, 0, 17 / 315, 0, 62 / 2835, 0, 1382 / 155925, 0, 21844 / 6081075, 0,
              929569 / 638512875]


def _binomials(p):
    return [math.prod((p - j) / (j + 1) for j in range(k)) for k in K]


EXACT = {
    "exp": (np.exp, 0.5, math.exp(0.5) / FACTORIAL),
    "expm1": (np.expm1, 0.0, np.where(K > 0, 1.0, 0.0) / FACTORIAL),
    "sin": (np.sin, 0.3, np.sin(0.3 + K * np.pi / 2) / FACTORIAL),
    "cos": (np.cos, 0.3, np.cos(0.3 + K * np.pi / 2) / FACTORIAL),
    "sinh": (np.sinh, 0.0, (K % 2) / FACTORIAL),
    "tan": (np.tan, 0.0, TAN_SERIES),
    "geometric": (lambda x: 1.0 / (1.0 - x), 0.0, np.ones(ORDER + 1)),
    "geometric by reciprocal": (lambda x: np.reciprocal(1.0 - x), 0.0, np.ones(ORDER + 1)),
    "Fibonacci": (lambda x: x / (1.0 - x - x * x), 0.0, [0, 1, 1, 2, 3, 5, 8, 13, 21, 34, 55]),
    "log1p": (np.log1p, 0.0, [0.0, *((-1.0) ** (k + 1) / k for k in range(1, ORDER + 1))]),
    "log": (np.log, 2.0, [math.log(2), *(-((-0.5) ** k) / k for k in range(1, ORDER + 1))]),
    "arctan": (np.arctan, 0.0, [0 if k % 2 == 0 else (-1.0) ** (k // 2) / k for k in K]),
    "arctanh": (np.arctanh, 0.0, [0 if k % 2 == 0 else 1.0 / k for k in K]),
    "arcsin": (np.arcsin, 0.0, [0 if k % 2 == 0 else math.comb(k - 1, k // 2) / (2.0 ** (k - 1) * k) for k in K]),
    "sqrt": (np.sqrt, 1.0, _binomials(0.5)),
    "cbrt": (np.cbrt, 1.0, _binomials(1 / 3)),
    "power": (lambda x: x ** 2.7, 1.0, _binomials(2.7)),
    "negative power": (lambda x: x ** -3, 1.0, _binomials(-3)),
    "integer power at zero": (lambda x: x ** 7, 0.0, (K == 7) * 1.0),
    "exponential power": (lambda x: 2.0 ** x, 0.0, np.log(2.0) ** K / FACTORIAL),
    "erf": (sp.erf, 0.0, [0 if k % 2 == 0 else 2 / np.sqrt(np.pi) * (-1.0) ** (k // 2) / (math.factorial(k // 2) * k)
                          for k in K]),
    "gammaln": (sp.gammaln, 1.0, [0, -np.euler_gamma, *((-1.0) ** k * sp.zeta(k) / k for k in range(2, ORDER + 1))]),
    "digamma": (sp.digamma, 1.0, [-np.euler_gamma, *((-1.0) ** (k + 1) * sp.zeta(k + 1) for k in range(1, ORDER + 1))]),
    "softplus": (lambda x: np.logaddexp(0.0, x), 0.0, [np.log(2), 1 / 2, 1 / 8, 0, -1 / 192, 0, 1 / 2880]),
    "polynomial": (lambda x: (x - 2.0) * np.square(x) + 3.0, 1.0, [2, -1, 1, 1, 0, 0]),
    "a number": (lambda x: 3.0, 1.0, [3, 0, 0]),
}


@pytest.mark.parametrize("name", EXACT)
def test_known_series(name):
    f, x, expected = EXACT[name]
    found = ad.taylor(f, x, 1.0, len(expected) - 1)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-15)


def test_bessel():
    """J₀(x) = Σ (−1)^k (x/2)^(2k) / k!², DLMF 10.2.2."""
    found = ad.taylor(lambda x: sp.jv(0.0, x), 0.0, 1.0, 12)
    np.testing.assert_allclose(found, [0 if k % 2 else (-0.25) ** (k // 2) / math.factorial(k // 2) ** 2
                                       for k in range(13)], rtol=1e-11, atol=1e-15)


# --- matrices, reductions, writes: the series is the function near x --------------------------------------------------

RNG = np.random.default_rng(3)
A, B, C = (RNG.standard_normal((4, 4)) for _ in range(3))
REGULAR, DEFINITE, b = A + 4 * np.eye(4), A @ A.T + np.eye(4), RNG.standard_normal(4)


def _written(x):
    out = np.zeros(4)
    out[0] = np.sin(x)
    out[1:] = np.exp(x) * b[:3]
    out[2:] += x * out[:2]
    return out


NEAR = {
    "inverse": lambda x: np.linalg.inv(REGULAR + x * B),
    "solve": lambda x: np.linalg.solve(REGULAR + x * B, np.cos(x) * b),
    "solve for a matrix": lambda x: np.linalg.solve(REGULAR + x * B, C + x * A),
    "solve with a fixed matrix": lambda x: np.linalg.solve(REGULAR, np.exp(x) * b),
    "stacked vectors": lambda x: np.linalg.solve(np.stack([REGULAR, REGULAR.T]) + x * B, b),
    "determinant": lambda x: np.linalg.det(REGULAR + x * B),
    "log determinant": lambda x: np.linalg.slogdet(REGULAR + x * B)[1],
    "cholesky": lambda x: np.linalg.cholesky(DEFINITE + x * (B + B.T)),
    "eigenvalues": lambda x: np.linalg.eigvalsh(DEFINITE + x * (B + B.T)),
    "eigenvectors": lambda x: np.linalg.eigh(DEFINITE + x * (B + B.T))[1],
    "norm": lambda x: np.linalg.norm(b + x * B[0]),
    "logsumexp": lambda x: sp.logsumexp(b * np.exp(x)),
    "prod": lambda x: np.prod(b + x * B[0]),
    "variance": lambda x: np.var(np.sin(b * x + 1.0)),
    "three factors": lambda x: np.einsum("ij,jk,k->i", A * np.cos(x), B + x * C, b * np.exp(x)),
    "product": lambda x: (A * np.sin(x)) @ (B * np.exp(x)),
    "broadcast": lambda x: (b[:, None] + x) / (2.0 + np.square(B * x)),
    "both in a power": lambda x: (2.0 + x) ** (1.0 + x * np.sin(x)),
    "arctan2, hypot": lambda x: np.arctan2(1.0 + x, np.cos(x)) + np.hypot(x, 2.0),
    "where": lambda x: np.where(b > x, np.sin(x) * b, np.exp(x)),
    "maximum": lambda x: np.max(b * np.exp(x)) + np.abs(x - 1.0),
    "scan, sort, slice": lambda x: np.cumsum(np.sort(b * np.cos(x)))[::-1],
    "writes": _written,
    "gamma": lambda x: sp.gamma(3.0 + np.abs(b) + x),
    "join": lambda x: np.concatenate([np.sin(b * x), [1.0, 2.0], np.exp(b + x)]),
}


@pytest.mark.parametrize("name", NEAR)
def test_the_series_is_the_function_nearby(name):
    """At t and −t; leaving out the last coefficients shows (the check can fail)."""
    f, order, t = NEAR[name], 16, 0.03
    c = ad.taylor(f, 0.1, 1.0, order)
    for s in (t, -t):
        value = sum(ck * s ** k for k, ck in enumerate(c))
        np.testing.assert_allclose(value, f(0.1 + s), rtol=1e-11, atol=1e-12)
    assert all(np.shape(ck) == np.shape(f(0.1)) for ck in c)
    np.testing.assert_allclose(c[0], f(0.1), rtol=1e-13)


@pytest.mark.parametrize("name", ["inverse", "three factors", "both in a power", "writes", "eigenvectors", "gamma"])
def test_low_orders_are_repeated_derivatives(name):
    f, derivative = NEAR[name], NEAR[name]
    c = ad.taylor(f, 0.2, 1.0, 4)
    for k in range(1, 4):
        derivative = (lambda g: lambda x: ad.jvp(g, (x,), (1.0,))[1])(derivative)
        np.testing.assert_allclose(c[k] * math.factorial(k), derivative(0.2), rtol=1e-9, atol=1e-11)


def test_singular_determinants_and_zero_bases():
    singular = np.outer(b, A[0])
    c = ad.taylor(lambda x: np.linalg.det(singular + x * B), 0.0, 1.0, 5)
    np.testing.assert_allclose(c[4], np.linalg.det(B), rtol=1e-9)
    np.testing.assert_allclose([c[0], c[5]], 0.0, atol=1e-10)
    x = np.array([0.0, 1.0])
    np.testing.assert_allclose(ad.taylor(lambda x: x ** 5, x, np.ones(2), 5), [x ** 5, 5 * x, 10 * x, 10 * x, 5 * x,
                                                                               np.ones(2)])


def test_the_recurrence_for_a_rule_made_wrong_is_wrong():
    right = TAN.partials
    TAN.partials = (lambda y, x: 1.0 - np.square(y),)
    try:
        with pytest.raises(AssertionError):
            test_known_series("tan")
    finally:
        TAN.partials = right
    assert SIN not in module.RULES                        # goes by its own derivative


def test_a_power_whose_exponent_passes_through_integers():
    """x^p at p = 1, p' ≠ 0: the mixed derivatives are not those of a constant exponent, also by repeated grad."""
    c = ad.taylor(lambda x: (2.0 + x) ** (1.0 + x), 0.0, 1.0, 6)
    np.testing.assert_allclose(c, ad.taylor(lambda x: np.exp((1.0 + x) * np.log(2.0 + x)), 0.0, 1.0, 6), rtol=1e-12)
    third = ad.grad(ad.grad(ad.grad(lambda x: (2.0 + x) ** (1.0 + x))))(0.0)
    np.testing.assert_allclose(third, 6 * c[3], rtol=1e-12)


# Whose derivatives go by the slow series of the incomplete beta function in its shape parameters.
SLOW = {"betainc_shape", "betainc", "betaincc", "betaincinv", "betainccinv", "bdtrik", "bdtrin", "nbdtrik", "nbdtrin",
        "btdtria", "btdtrib", "fdtr", "fdtrc", "fdtri", "fdtridfd", "stdtr", "stdtridf", "stdtrit"}


def _sampled_rows():
    for name, prim in PRIMITIVES.items():
        sample = next(iter(prim.samples), ()) if name not in SLOW else ()
        args, params = sample if len(sample) == 2 and isinstance(sample[1], dict) else (sample, {})
        places = [k for k, a in enumerate(args) if isinstance(a, np.ndarray) and a.dtype.kind == "f"
                  or isinstance(a, float)]
        kinds = prim.shape(*args, **params)[1] if places else ()
        if places and any(k.kind == "f" for k in (kinds if isinstance(kinds, tuple) else (kinds,))):
            yield pytest.param(prim, args, params, places, id=name)


@pytest.mark.nan_ok
@pytest.mark.parametrize("prim, args, params, places", list(_sampled_rows()))
def test_every_row_to_second_order(prim, args, params, places):
    """Against forward mode over forward mode, along one random direction of all float arguments."""
    values = [np.asarray(args[k], dtype=float) for k in places]
    rng = np.random.default_rng(0)
    moves = [rng.standard_normal(v.shape) for v in values]

    def along(t):
        full = list(args)
        for k, x, v in zip(places, values, moves, strict=True):
            full[k] = x + t * v
        out, kinds = bind(prim, tuple(full), params), prim.shape(*full, **params)[1]
        if not isinstance(kinds, tuple):
            return out
        return [ITEM(out, number=k) for k, kind in enumerate(kinds) if kind.kind == "f"]
    try:
        expected = ad.jvp(lambda t: ad.jvp(along, (t,), (1.0,))[1], (0.0,), (1.0,))[1]
    except ad.TraceError as error:
        assert "no derivative rule" in str(error)                # in one argument; refused, not ignored
        with pytest.raises(ad.TraceError, match="no derivative rule"):
            ad.taylor(along, 0.0, 1.0, 2)
        return
    found = ad.taylor(along, 0.0, 1.0, 2)[2]
    for part, truth in zip(ad.pytree.flatten(found)[0], ad.pytree.flatten(expected)[0], strict=True):
        np.testing.assert_allclose(part, truth / 2, rtol=1e-7, atol=1e-10 * (1 + np.max(np.abs(truth), initial=0.0)))


# --- shapes, structures, nesting --------------------------------------------------------------------------------------


def test_structures_in_and_out():
    x, v = {"a": 2.0, "b": (np.array([3.0, 1.0]),)}, {"a": 1.0, "b": (np.array([1.0, 0.0]),)}
    c = ad.taylor(lambda p: {"product": p["a"] * p["b"][0], "fixed": 3.0}, x, v, 3)
    assert [list(ck) for ck in c] == [["product", "fixed"]] * 4
    np.testing.assert_allclose([ck["product"] for ck in c], [[6, 2], [5, 1], [1, 0], [0, 0]])
    assert [ck["fixed"] for ck in c] == [3, 0, 0, 0]


@pytest.mark.parametrize("shape", [(), (0,), (1, 3), (2, 0, 1)])
def test_awkward_shapes(shape):
    x = np.full(shape, 0.3)
    c = ad.taylor(lambda z: np.sin(z) / (1.0 + z), x, np.ones(shape), 3)
    assert [np.shape(ck) for ck in c] == [shape] * 4


def test_single_precision_stays():
    x = np.array([0.1, 0.2], np.float32)
    for f in (np.sin, lambda z: z / (1 + z * z), lambda z: np.exp(z) ** 1.5, lambda z: np.concatenate([z, z * 2])):
        assert {ck.dtype for ck in ad.taylor(f, x, x, 3)} == {np.dtype(np.float32)}


def test_branches_hold_as_taken():
    def f(x):
        return x ** 3 if x > 1.0 else np.sin(x)
    np.testing.assert_allclose(ad.taylor(f, 2.0, 1.0, 4), [8, 12, 6, 1, 0])
    np.testing.assert_allclose(ad.taylor(f, 0.0, 1.0, 3), [0, 1, 0, -1 / 6])


def test_infinite_derivatives_under_a_mask():
    with np.errstate(divide="ignore", invalid="ignore"):
        c = ad.taylor(lambda x: 2.0 * np.where(x > 0, np.sqrt(x), 0.0), np.array([4.0, 0.0]), np.ones(2), 2)
    np.testing.assert_allclose(c, [[4, 0], [0.5, 0], [-1 / 32, 0]])


def test_inside_other_transforms():
    """∂/∂x c_k(x; v) = D c_k; and in v: c_3 is cubic."""
    x, v = np.array([0.1, 0.4, -0.3]), np.array([1.0, -0.5, 2.0])

    def f(z):
        return np.sum(np.exp(np.sin(z)) * z[::-1] / (2.0 + z))
    ad.check_grads(lambda z: ad.taylor(f, z, v, 4)[3], (x,), order=1)
    ad.check_grads(lambda d: ad.taylor(f, x, d, 4)[3], (v,), order=2)
    third = ad.grad(lambda d: ad.taylor(f, x, d, 3)[3])(v)
    np.testing.assert_allclose(third @ v, 3 * ad.taylor(f, x, v, 3)[3])
    compiled = ad.compile(lambda z: ad.taylor(f, z, v, 4)[4])
    for shift in range(4):
        np.testing.assert_allclose(compiled(x + 0.1 * shift), ad.taylor(f, x + 0.1 * shift, v, 4)[4], rtol=1e-12)
    assert compiled.report.mode == "compiled"
    inner = ad.taylor(lambda t: ad.taylor(lambda s: np.sin(t * s), 1.0, 1.0, 2)[2], 0.7, 1.0, 2)
    np.testing.assert_allclose(inner[0], -0.5 * 0.7 ** 2 * np.sin(0.7))       # ½ ∂²/∂s² sin(ts) = −½ t² sin t


def test_the_branch_is_guarded_in_an_enclosing_recording():
    def f(x):
        return x ** 3 if x > 0.0 else np.sin(x)
    compiled = ad.compile(lambda x: ad.taylor(f, x, 1.0, 3)[2])
    for x in (1.0, 2.0, 3.0, -1.0, -2.0, -3.0, 4.0, -4.0):
        np.testing.assert_allclose(compiled(x), 3 * x if x > 0 else -np.sin(x) / 2, rtol=1e-12)
        np.testing.assert_allclose(compiled.grad(x), 3 if x > 0 else -np.cos(x) / 2, rtol=1e-12)


def test_long_chains_and_high_orders_need_no_recursion():
    def loop(x):
        for _ in range(1500):
            x = x - 0.001 * np.sin(x)
        return x
    assert np.isfinite(ad.taylor(loop, 0.5, 1.0, 3)).all()
    c = ad.taylor(sp.gammaln, 3.0, 1.0, 120)
    np.testing.assert_allclose(c[120], sp.zeta(120, 3.0) / 120, rtol=1e-12)


def test_operations_grow_like_the_square_of_the_order(monkeypatch):
    """Repeated forward mode would double them with every order."""
    counts = {}
    for order in (10, 20, 40):
        made = [0]
        original = module.bind

        def counted(*args, made=made, original=original):
            made[0] += 1
            return original(*args)
        monkeypatch.setattr(module, "bind", counted)
        ad.taylor(lambda x: np.exp(np.sin(x)) / (1.0 + x * np.cos(x)), 0.3, 1.0, order)
        monkeypatch.setattr(module, "bind", original)
        counts[order] = made[0]
    assert counts[20] < 4.5 * counts[10] and counts[40] < 4.5 * counts[20]


def test_wrong_arguments():
    with pytest.raises(ValueError, match="order >= 0"):
        ad.taylor(np.sin, 0.0, 1.0, -1)
    with pytest.raises(TypeError):
        ad.taylor(np.sin, 0.0, 1.0, 2.5)
    with pytest.raises(ValueError, match="shape of the argument"):
        ad.taylor(np.sin, np.zeros(3), np.ones(2), 2)


def test_rules_that_users_state():
    """custom_jvp and custom_vjp state one derivative, the series takes it to all orders; so does an implicit root."""
    wave = ad.custom_jvp(lambda x: np.sin(x))
    wave.defjvps(lambda t, out, x: t * np.cos(x))
    growth = ad.custom_vjp(lambda x: np.exp(2.0 * x))
    growth.defvjps(lambda ct, out, x: 2.0 * ct * out)
    root = ad.implicit_root(lambda y, p: y ** 3 + y - p, lambda p: np.cbrt(p - 1.0))      # y = 1 at p = 2
    np.testing.assert_allclose(ad.taylor(lambda x: wave(x) * growth(x), 0.3, 1.0, 8),
                               ad.taylor(lambda x: np.sin(x) * np.exp(2.0 * x), 0.3, 1.0, 8), rtol=1e-12)
    y = ad.taylor(root, 2.0, 1.0, 3)
    np.testing.assert_allclose(y, [1.0, 1 / 4, -3 / 64, 7 / 512], rtol=1e-12)


def test_complex_numbers_on_the_way_and_as_arguments():
    c = ad.taylor(lambda x: np.exp((1 + 2j) * x), 0.3, 1.0, 6)
    np.testing.assert_allclose(c, (1 + 2j) ** K[:7] * np.exp(0.3 * (1 + 2j)) / FACTORIAL[:7])
    z, v = 0.3 + 0.2j, 1.0 - 1.0j

    def f(z):
        return np.abs(z) ** 2 * np.sin(z) + np.conj(z)
    c = ad.taylor(f, z, v, 10)
    np.testing.assert_allclose(sum(ck * 0.1 ** k for k, ck in enumerate(c)), f(z + 0.1 * v), rtol=1e-11)


# --- several variables ------------------------------------------------------------------------------------------------


def _saddle(x):
    return np.exp(x[0]) * np.sin(x[1]) + x[0] ** 3 * x[1] ** 2


def test_a_polynomial_in_two_variables_to_order_five():
    """Σ D^k f(x₀) δ^k/k! two ways: from all partial derivatives, and along δ; its error falls as |δ|⁶."""
    x0, delta = np.array([0.2, -0.4]), np.array([0.1, 0.07])
    D = ad.derivatives(_saddle, x0, 5)
    assert [d.shape for d in D] == [(2,) * k for k in range(6)]
    terms = [np.einsum(d, list(range(k)), *[part for j in range(k) for part in (delta, [j])], []) / math.factorial(k)
             for k, d in enumerate(D)]
    np.testing.assert_allclose(terms, ad.taylor(_saddle, x0, delta, 5), rtol=1e-10, atol=1e-14)
    errors = [abs(sum(ad.taylor(_saddle, x0, h * delta, 5)) - _saddle(x0 + h * delta)) for h in (2.0, 1.0)]
    assert 50 < errors[0] / errors[1] < 80


def test_mixed_derivatives_by_formula():
    x0 = np.array([0.2, -0.4])
    x, y = x0
    D = ad.derivatives(_saddle, x0, 5)
    e, s, c = np.exp(x), np.sin(y), np.cos(y)
    np.testing.assert_allclose(D[1], [e * s + 3 * x ** 2 * y ** 2, e * c + 2 * x ** 3 * y])
    np.testing.assert_allclose(D[2], ad.hessian(_saddle)(x0), rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(D[3][0, 1, 0], e * c + 12 * x * y, rtol=1e-10)
    np.testing.assert_allclose(D[5][0, 0, 1, 1, 0], -e * s + 12, rtol=1e-9)
    np.testing.assert_array_equal(D[4], np.transpose(D[4], (3, 1, 0, 2)))


def test_derivatives_of_other_shapes():
    assert ad.derivatives(np.exp, 0.0, 4) == [1.0] * 5
    vector = ad.derivatives(lambda x: np.array([x[0, 0] * x[0, 1], x[0, 1] ** 3]), np.array([[2.0, 3.0]]), 2)
    assert [d.shape for d in vector] == [(2,), (2, 1, 2), (2, 1, 2, 1, 2)]
    np.testing.assert_allclose(vector[2][1, 0, 1, 0, 1], 18.0)
    np.testing.assert_allclose(vector[2][0, 0, 0, 0, 1], 1.0)
    assert ad.derivatives(np.sum, np.zeros(0), 2)[2].shape == (0, 0)
    np.testing.assert_allclose(ad.grad(lambda x: ad.derivatives(np.sin, x, 3)[3])(0.5), np.sin(0.5))

    def f(x):
        return np.array([x[0] * x[1] * x[2], np.sin(x[0]) + x[2] ** 3])
    at = np.array([0.3, -0.2, 0.9])
    np.testing.assert_allclose(ad.derivatives(f, at, 2)[2], ad.jacobian(ad.jacobian(f))(at), rtol=1e-10, atol=1e-12)
    with pytest.raises(TypeError, match="taylor takes nested"):
        ad.derivatives(lambda p: p["a"], {"a": 1.0, "b": 2.0}, 2)
