"""Linear algebra beyond its table: conventions, singular and repeated cases, gauge, complex matrices, higher orders."""

import itertools

import numpy as np
import pytest
import scipy.linalg

import autodiff as ad
from autodiff.primitives import decompositions, least_squares, matrix_functions
from autodiff.primitives.determinants import ADJUGATE
from autodiff.primitives.linalg import INV

from .coverage import check_differentiable, check_value

la = np.linalg
RNG = np.random.default_rng(3)
S = RNG.standard_normal((3, 3)) + 2 * np.eye(3)
D, TALL, V = S @ S.T, RNG.standard_normal((4, 3)), np.array([1.0, 2.0, 3.0])
E = RNG.standard_normal((3, 3, 3))


def along(f, x, directions):
    """The derivative of f at x along directions, by repeated forward mode."""
    if not len(directions):
        return f(x)
    return along(lambda x: ad.jvp(f, (x,), (directions[0],))[1], x, directions[1:])


# --- norms at zero ----------------------------------------------------------------------------------------------------

SMOOTH_AT_ZERO = {      # function of the norm, and its Hessian at 0 over the identity
    "square": (lambda x: la.norm(x) ** 2, 2.0), "product": (lambda x: la.norm(x) * la.norm(x), 2.0),
    "half square": (lambda x: 0.5 * la.norm(2 * x) ** 2, 4.0), "scaled": (lambda x: (3 * la.norm(x)) ** 2, 18.0),
    "cube": (lambda x: la.norm(x) ** 3, 0.0), "fourth": (lambda x: la.norm(x) ** 4, 0.0),
    "gaussian": (lambda x: np.exp(-la.norm(x) ** 2), -2.0), "hyperbola": (lambda x: np.sqrt(1 + la.norm(x) ** 2), 1.0),
    "huber": (lambda x: np.where(la.norm(x) <= 1, 0.5 * la.norm(x) ** 2, la.norm(x) - 0.5), 1.0),
    "frobenius": (lambda x: la.norm(
        np.stack([x, x]), "fro") ** 2, 4.0), "rows": (lambda x: np.sum(la.norm(x[:, None], axis=1) ** 2), 2.0)}


@pytest.mark.parametrize("name", SMOOTH_AT_ZERO)
def test_functions_of_the_norm_that_are_smooth_at_zero(name):
    f, curvature = SMOOTH_AT_ZERO[name]
    for hv in (lambda v: ad.hvp(f, np.zeros(3), v), ad.compile(f).linearize_grad(np.zeros(3))[2]):
        np.testing.assert_allclose(hv(V), curvature * V, atol=1e-15)
    np.testing.assert_array_equal(ad.grad(f)(np.zeros(3)), np.zeros(3))


def test_spectral_norm_at_zero():
    """Gradient 0 by convention; all singular values coincide, so that there is no second derivative: NaN."""
    f = lambda x: la.norm(np.outer(x, V), 2)                                  # noqa: E731
    np.testing.assert_array_equal(ad.grad(f)(np.zeros(3)), np.zeros(3))
    assert np.isnan(ad.hvp(f, np.zeros(3), V)).any()


def test_the_square_of_a_root_of_squares_at_zero():
    with np.errstate(all="ignore"):
        hv = ad.hvp(lambda x: np.sqrt(np.sum(x ** 2)) ** 2 + np.sqrt(x @ x) ** 2, np.zeros(3), V)
    np.testing.assert_allclose(hv, 4 * V)


@pytest.mark.parametrize("f", (la.norm, lambda x: la.norm(x, 3), lambda x: la.norm(x, 1), lambda x: la.norm(x, np.inf),
                               lambda x: la.norm(np.outer(x, V), "nuc"),
                               lambda x: la.norm(np.outer(x, V), "fro"), lambda x: la.vector_norm(x),
                               lambda x: np.sum(la.norm(np.outer(x, V), axis=1))))
def test_norms_at_zero_have_derivatives_zero(f):
    zero = np.zeros(3)
    np.testing.assert_array_equal(ad.grad(f)(zero), zero)
    np.testing.assert_array_equal(ad.hvp(f, zero, V), zero)


def test_a_zero_row_leaves_the_others_alone():
    x, v = np.array([[3.0, 4.0], [0.0, 0.0]]), np.array([[1.0, -2.0], [0.5, 0.7]])
    hv = ad.hvp(lambda x: np.sum(la.norm(x, axis=1)), x, v)
    u = x[0] / 5
    np.testing.assert_allclose(hv, [(v[0] - u * (u @ v[0])) / 5, [0.0, 0.0]], atol=1e-15)


# --- determinants -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("x", (S, np.outer(V, S[0]) + np.outer(S[1], V), np.outer(V, S[0]), np.zeros((3, 3))),
                         ids=("regular", "rank 2", "rank 1", "zero"))
def test_third_derivative_of_det(x):
    """D³ det[H, K, L] is the part of det(X + H + K + L) that is linear in each: by signs."""
    signs = np.array(list(itertools.product((1, -1), repeat=3)))
    truth = np.sum(np.prod(signs, 1) * la.det(x + np.einsum("ks,sij->kij", signs, E))) / 8
    np.testing.assert_allclose(along(la.det, x, E), truth, rtol=1e-11)
    mixed = np.sum(ad.grad(lambda x: np.sum(ad.hvp(la.det, x, E[0]) * E[1]))(x) * E[2])
    np.testing.assert_allclose(mixed, truth, rtol=1e-11)


def test_fourth_derivative_of_det_at_a_singular_matrix():
    x, e = np.diag([1.0, 2.0, 0.0, 0.0]), RNG.standard_normal((4, 4, 4))
    signs = np.array(list(itertools.product((1, -1), repeat=4)))
    truth = np.sum(np.prod(signs, 1) * la.det(x + np.einsum("ks,sij->kij", signs, e))) / 16
    np.testing.assert_allclose(along(la.det, x, e), truth, rtol=1e-11)


def test_adjugate():
    np.testing.assert_allclose(ADJUGATE(S), la.det(S) * la.inv(S), rtol=1e-12)
    np.testing.assert_allclose(ADJUGATE(np.outer(V, V)), np.zeros((3, 3)), atol=1e-13)
    ad.check_grads(lambda a: ADJUGATE(a), (np.outer(V, S[0]),), order=2)


# --- higher orders ----------------------------------------------------------------------------------------------------

WEIGHTS = np.cos(np.arange(9.0)).reshape(3, 3)
THIRD = {"cholesky": lambda x: np.sum(np.sin(la.cholesky(x @ x.T))), "inv": lambda x: np.sum(np.sin(la.inv(x))),
         "nuclear": lambda x: la.norm(x, "nuc"), "pinv": lambda x: np.sum(np.sin(la.pinv(x[:, :2]))),
         "qr": lambda x: np.sum(np.sin(la.qr(x[:, :2])[0])), "eigvals": lambda x: np.sum(np.abs(la.eigvals(x)) ** 3),
         "svd": lambda x: np.sum(np.sin(la.svd(x)[0][:, 0] ** 2)), "eigh": lambda x: np.sum(
             la.eigh(x + x.T)[1][:, 0] ** 4), "lstsq": lambda x: np.sum(np.sin(la.lstsq(x[:, :2], V)[0])),
         "expm": lambda x: np.sum(WEIGHTS * scipy.linalg.expm(x / 2)),
         "logm": lambda x: np.sum(WEIGHTS * scipy.linalg.logm(x @ x.T)),
         "lu": lambda x: np.sum(np.sin(scipy.linalg.lu(x)[1]))}


@pytest.mark.parametrize("name", THIRD)
def test_third_derivatives(name):
    f, h = THIRD[name], 1e-4
    third = along(f, S, E)

    def second(t):
        return along(f, S + t * E[2], E[:2])
    truth = (8 * (second(h) - second(-h)) - (second(2 * h) - second(-2 * h))) / (12 * h)
    np.testing.assert_allclose(third, truth, rtol=1e-6)
    backwards = np.sum(ad.vjp(lambda x: ad.hvp(f, x, E[0]), S)[1](E[1]) * E[2])
    np.testing.assert_allclose(backwards, third, rtol=1e-9)


# --- repeated and vanishing values ------------------------------------------------------------------------------------


def test_repeated_singular_values():
    """The nuclear norm and the polar factor have derivatives where singular values coincide; U and V have none."""
    rotation = la.qr(S)[0]
    np.testing.assert_allclose(ad.grad(lambda a: la.norm(a, "nuc"))(rotation), rotation, rtol=1e-12)
    polar = ad.jvp(lambda a: scipy.linalg.polar(a)[0], (2 * rotation,), (E[0],))[1]
    again = ad.jvp(lambda a: la.svd(a)[0] * la.svd(a)[1] @ la.svd(a)[2], (rotation,), (E[0],))[1]
    assert np.isnan(again).any()
    inner = rotation.T @ E[0]
    np.testing.assert_allclose(polar, rotation @ (inner - inner.T) / 4, rtol=1e-10, atol=1e-13)
    hv = ad.hvp(lambda a: la.norm(a, "nuc"), 2 * rotation, E[0])
    np.testing.assert_allclose(hv, rotation @ (inner - inner.T) / 4, rtol=1e-10, atol=1e-13)


def test_repeated_eigenvalues():
    cubes = ad.grad(lambda a: np.sum(la.eigvalsh(a) ** 3))
    np.testing.assert_allclose(cubes(2 * np.eye(3)), 12 * np.eye(3), rtol=1e-12)
    np.testing.assert_allclose(ad.grad(lambda a: np.sum(la.eigvals(a).real))(np.eye(3)), np.eye(3), rtol=1e-12)


def test_vanishing_singular_values():
    x = np.diag([2.0, 1.0, 0.0])
    np.testing.assert_array_equal(ad.grad(lambda a: la.norm(a, "nuc"))(x), np.diag([1.0, 1.0, 0.0]))
    np.testing.assert_array_equal(ad.grad(lambda a: la.norm(a, 2))(np.zeros((2, 3))), np.zeros((2, 3)))


def test_pinv_of_lower_rank_along_constant_rank():
    """Golub & Pereyra's derivative where the rank is not full and stays."""
    left, right = RNG.standard_normal((4, 2)), RNG.standard_normal((2, 3))
    ad.check_grads(lambda b, c: la.pinv(b @ c), (left, right), order=2)
    ad.check_grads(lambda b, c: la.lstsq(b @ c, np.arange(4.0), rcond=1e-10)[0], (left, right), order=2)


# --- values as numpy returns them -------------------------------------------------------------------------------------

VALUES = {"eig": lambda a: tuple(la.eig(a)), "eig real": lambda a: tuple(la.eig(a @ a.T)),
          "svd": lambda a: tuple(la.svd(a)),
          "svd hermitian": lambda a: tuple(la.svd(a, hermitian=True)), "eigh": lambda a: tuple(la.eigh(a)),
          "qr": lambda a: tuple(la.qr(a)), "lstsq": lambda a: la.lstsq(a, V), "slogdet": lambda a: tuple(la.slogdet(a)),
          "norm of integers": lambda a: la.norm(np.rint(a).astype(int)), "rank": lambda a: la.matrix_rank(a)}


@pytest.mark.parametrize("name", VALUES)
def test_values(name):
    check_value(VALUES[name], S)
    check_value(VALUES[name], S.astype(np.float32))


def test_named_results():
    def f(a):
        assert type(la.eigh(a)).__name__ == "EighResult" and type(la.svd(a)).__name__ == "SVDResult"
        assert type(la.eig(a)).__name__ == "EigResult" and type(la.qr(a)).__name__ == "QRResult"
        return la.slogdet(a).logabsdet + la.svd(a).S[0] + la.qr(a).R[0, 0] + la.eigh(a).eigenvalues[0]
    assert np.all(np.isfinite(ad.grad(f)(S)))


def test_eigenvectors_have_length_one_and_a_real_largest_entry():
    a = np.array([[0.5, -1.2, 0.3], [1.0, 0.1, 0.4], [0.2, 0.3, 2.0]])
    dv = ad.jvp(lambda a: la.eig(a)[1], (a,), (E[0],))[1]
    v = la.eig(a)[1]
    np.testing.assert_allclose(np.real(np.sum(v.conj() * dv, 0)), 0, atol=1e-14)
    largest = np.argmax(np.abs(v), 0)
    np.testing.assert_allclose(dv[largest, range(3)].imag, 0, atol=1e-14)
    check_differentiable(lambda a: (np.abs(la.eig(a)[1]), la.eig(a)[1].real ** 2, la.eig(a)[1].imag ** 2), a)


def test_single_precision_stays():
    for f in (la.det, lambda a: la.norm(a, "nuc"), lambda a: np.sum(la.inv(a)), lambda a: np.sum(la.qr(a)[1]),
              lambda a: np.sum(la.cholesky(a @ a.T)), lambda a: np.sum(np.abs(la.eigvals(a))), la.cond,
              lambda a: np.sum(la.pinv(a)), lambda a: np.sum(scipy.linalg.expm(a))):
        grad, truth = ad.grad(f)(S.astype(np.float32)), ad.grad(f)(S)
        assert grad.dtype == np.float32
        np.testing.assert_allclose(grad, truth, rtol=1e-3, atol=1e-3 * np.max(np.abs(truth)))


EMPTY = {"norm": (la.norm, (0,)), "det": (la.det, (0, 0)), "stack": (lambda a: np.sum(la.inv(a)), (2, 0, 0)),
         "no matrices": (lambda a: np.sum(la.det(a)), (0, 2, 2)), "svd": (lambda a: np.sum(la.svdvals(a)), (0, 2)),
         "qr": (lambda a: np.sum(la.qr(a)[1]), (2, 0)), "eigvals": (lambda a: np.sum(np.abs(la.eigvals(a))), (0, 0)),
         "pinv": (lambda a: np.sum(la.pinv(a)), (0, 3)), "expm": (lambda a: np.sum(scipy.linalg.expm(a)), (0, 0))}


@pytest.mark.parametrize("name", EMPTY)
def test_empty(name):
    f, shape = EMPTY[name]
    x = np.zeros(shape)
    assert ad.grad(f)(x).shape == shape and ad.hvp(f, x, x).shape == shape
    np.testing.assert_array_equal(ad.value_and_grad(f)(x)[0], f(x))


# --- complex matrices -------------------------------------------------------------------------------------------------

B, C, W = (RNG.standard_normal((3, 3)) + 1j * RNG.standard_normal((3, 3)) for _ in range(3))


def general(x):
    return B + C * x + 0.3j * x @ x


def hermitian(x):
    return general(x) + np.conj(general(x)).T


def definite(x):
    return general(x) @ np.conj(general(x)).T + np.eye(3)


def parts(*values):
    return tuple(np.stack([np.real(y), np.imag(y)]) for y in values)


def _svd(a, full=False):
    u, s, vh = la.svd(a, full)
    return parts((u[:, :s.size] * s ** 2) @ vh[:s.size])


COMPLEX = {"solve": lambda x: parts(la.solve(general(x), W)), "inv": lambda x: parts(la.inv(general(x))),
           "det": lambda x: parts(la.det(general(x))), "slogdet": lambda x: parts(*la.slogdet(general(x))),
           "cholesky": lambda x: parts(la.cholesky(definite(x)), la.cholesky(definite(x), upper=True)),
           "qr": lambda x: parts(*la.qr(general(x))), "qr tall": lambda x: parts(*la.qr(general(x)[:, :2])),
           "qr wide": lambda x: parts(*la.qr(general(x)[:2])), "eigvalsh": lambda x: la.eigvalsh(hermitian(x)),
           "eigh": lambda x: parts(np.outer(la.eigh(hermitian(x))[1][:, 0], np.conj(la.eigh(hermitian(x))[1][:, 0]))),
           "eigvals": lambda x: parts(la.eigvals(general(x)) ** 2), "eig": lambda x: np.abs(la.eig(general(x))[1]),
           "svdvals": lambda x: la.svdvals(general(x)), "svd": lambda x: _svd(general(x)),
           "svd tall": lambda x: _svd(general(x)[:, :2], True), "svd wide": lambda x: _svd(general(x)[:2], True),
           "pinv": lambda x: parts(la.pinv(general(x)[:, :2])), "lstsq": lambda x: parts(
               *la.lstsq(general(x)[:, :2], W)[:2]), "norms": lambda x: (la.norm(general(x)), la.norm(
                   general(x), 1), la.norm(general(x), "nuc"), la.norm(general(x)[0], 3), la.cond(general(x))),
           "products": lambda x: parts(np.vecdot(general(x), W), np.vecmat(general(x), W), np.matvec(general(x), W))}


@pytest.mark.parametrize("name", COMPLEX)
def test_complex_matrices_on_the_way(name):
    check_differentiable(COMPLEX[name], S)


# --- generalised ufuncs -----------------------------------------------------------------------------------------------

STACK = RNG.standard_normal((2, 4, 3))


@pytest.mark.parametrize("f, points", (
    (np.vecdot, (STACK, S[0])), (np.matvec, (STACK, V)), (np.matvec, (STACK, STACK[:, 0])), (np.matvec, (S, V)),
    (np.vecmat, (STACK[:, :, 0].copy(), STACK)), (np.vecmat, (V, S))))
def test_generalised_ufuncs(f, points):
    check_differentiable(f, *points)


def test_axes_are_refused():
    for f in (lambda x: np.vecdot(S, x, axis=0).sum(), lambda x: np.matvec(S, x, axes=[(0, 1), 0, 0]).sum()):
        with pytest.raises(ad.TraceError, match="Instead:"):
            ad.grad(f)(V)


# --- replays and wrong rules ------------------------------------------------------------------------------------------


def test_compiled_and_guarded():
    """Real eigenvalues turn complex: another recording, the right gradient."""
    def f(t):
        return np.sum(np.abs(la.eigvals(np.array([[1.0, 1.0], [t[0], 1.0]])) ** 2) * np.array([1.0, 2.0]))
    compiled = ad.compile(f)
    for t in (0.3, 0.5, -0.4, 0.2, -0.7, 0.9):
        value, grad = compiled.value_and_grad(np.array([t]))
        assert np.isclose(value, f(np.array([t])))
        np.testing.assert_allclose(grad, ad.finite_difference.gradient(f, np.array([t])), rtol=1e-7)


MUTANTS = [(INV, "jvp", lambda out, inputs, tangents: out @ tangents[0] @ out, la.inv),
           (decompositions.QR, "jvp", lambda out, inputs, tangents, complete: tuple(
               -t for t in decompositions._qr_tangent(out, inputs, tangents, complete)), lambda a: la.qr(a)[1]),
           (decompositions.SVDVALS, "jvp", lambda out, inputs, tangents: 1.001 * decompositions._singular_tangent(
               out, inputs, tangents), la.svdvals),
           (least_squares.PINV, "jvp", lambda p, inputs, tangents, **how: -p @ tangents[0] @ p,
            lambda a: la.pinv(a[:, :2])),
           (matrix_functions.MATRIX_FUNCTION, "jvp", lambda out, inputs, tangents, **how: out @ tangents[0],
            lambda a: scipy.linalg.expm(a))]


@pytest.mark.parametrize("row, column, wrong, f", MUTANTS, ids=[str(m[0]) for m in MUTANTS])
def test_wrong_rules_are_caught(row, column, wrong, f):
    right = getattr(row, column)
    setattr(row, column, wrong)
    try:
        with pytest.raises(AssertionError, match="check_grads"):
            ad.check_grads(f, (S,))
    finally:
        setattr(row, column, right)
