"""scipy.linalg while a function is recorded: SciPy's values, derivatives to second order, refusals with a remedy."""

import numpy as np
import pytest
import scipy.linalg
from scipy.linalg import expm, solve_triangular

import autodiff as ad

from .coverage import check_differentiable

sl = scipy.linalg
RNG = np.random.default_rng(0)
S = RNG.standard_normal((3, 3)) + 2 * np.eye(3)
D, H, TALL = S @ S.T, S + S.T, RNG.standard_normal((4, 3))
V, LONG, W = RNG.standard_normal(3), RNG.standard_normal(4), RNG.standard_normal((3, 2))
BANDS = RNG.standard_normal((4, 5))
BANDS[2] += 5
HALF = RNG.standard_normal((3, 5))
HALF[-1] += 6
HEAD = V + np.array([4.0, 0.0, 0.0])


def _triangular(**options):
    return lambda a, b: sl.solve_triangular(a, b, **options)


def _by_cholesky(lower):
    return lambda a, b: sl.cho_solve(sl.cho_factor(a @ a.T + np.eye(3), lower), b)


def _by_lu(trans):
    return lambda a, b: sl.lu_solve(sl.lu_factor(a), b, trans=trans)


def _generalised(lower):
    def f(a, b):
        w, v = sl.eigh(a, b, lower=lower)
        return w, np.outer(v[:, 0], v[:, 0]), np.outer(v[:, 2], v[:, 2])
    return f


def _projector(a):
    v = sl.eigh(a)[1]
    return np.outer(v[:, 1], v[:, 1])


EQUATIONS = {
    "solve": (lambda a, b: sl.solve(a, b), S, W), "solve vector": (lambda a, b: sl.solve(a, b), S, V),
    "solve transposed": (lambda a, b: sl.solve(a, b, transposed=True), S, V), "inv": (lambda a: sl.inv(a), S),
    "inv pos": (lambda a: sl.inv(a, assume_a="pos", lower=True), D), "det": (lambda a: sl.det(a), S),
    **{f"solve {kind} {lower}": (lambda a, b, k=kind, o=lower: sl.solve(a, b, assume_a=k, lower=o), D, V)
       for kind in ("gen", "sym", "her", "pos", "diagonal", "tridiagonal", "upper triangular", "lower triangular")
       for lower in (False, True)},
    "triangular": (_triangular(), S, V), "triangular lower": (_triangular(lower=True), S, W),
    "triangular unit": (_triangular(trans=1, unit_diagonal=True), S, W),
    "triangular C": (_triangular(trans="C", lower=True), S, W),
    "triangular b": (lambda b: sl.solve_triangular(S, b), W),
    "cho_solve lower": (_by_cholesky(True), S, V), "cho_solve": (_by_cholesky(False), S, W),
    "cho_factor": (lambda a: sl.cho_factor(a)[0], D), "cho_factor lower": (lambda a: sl.cho_factor(a, True)[0], D),
    "cholesky": (lambda a: sl.cholesky(a), D), "cholesky lower": (lambda a: sl.cholesky(a, lower=True), D),
    "lu": (lambda a: sl.lu(a)[1:], S), "lu tall": (lambda a: sl.lu(a)[1:], TALL),
    "lu wide": (lambda a: sl.lu(a)[1:], TALL.T.copy()), "lu permuted": (lambda a: sl.lu(a, permute_l=True), TALL),
    "lu indices": (lambda a: sl.lu(a, p_indices=True)[1], S), "lu_factor": (lambda a: sl.lu_factor(a)[0], TALL),
    **{f"lu_solve {t}": (_by_lu(t), S, W if t else V) for t in (0, 1, 2)},
    "pinv": (lambda a: sl.pinv(a), TALL), "pinvh": (lambda a: sl.pinvh(a), H),
    "pinvh upper": (lambda a: sl.pinvh(a, lower=False), H), "pinv rank": (
        lambda a: sl.pinv(a, return_rank=True)[0] * sl.pinv(a, return_rank=True)[1], TALL),
    "lstsq": (lambda a, b: sl.lstsq(a, b)[:2], TALL, LONG),
    "lstsq wide": (lambda a, b: sl.lstsq(a, b)[0], TALL.T.copy(), W),
    "lstsq columns": (lambda a, b: (*sl.lstsq(a, b)[:2], sl.lstsq(a, b)[3]), TALL, TALL[:, :2] + 1.0),
    "banded": (lambda ab, b: sl.solve_banded((2, 1), ab, b), BANDS, RNG.standard_normal(5)),
    "banded columns": (lambda ab, b: sl.solve_banded((1, 2), ab, b), BANDS, RNG.standard_normal((5, 2))),
    "banded h": (lambda ab, b: sl.solveh_banded(ab, b), HALF, RNG.standard_normal(5)),
    "banded h lower": (lambda ab, b: sl.solveh_banded(ab, b, lower=True), HALF[::-1].copy(),
                       RNG.standard_normal((5, 2))),
    "sylvester": (lambda a, b, q: sl.solve_sylvester(a, b, q), S, D[:2, :2].copy(), W),
    "lyapunov": (lambda a, q: sl.solve_continuous_lyapunov(a, q), S, D),
    "lyapunov discrete": (lambda a, q: sl.solve_discrete_lyapunov(a, q), S / 5, D),
    "toeplitz": (lambda c, r, x: sl.solve_toeplitz((c, r), x), HEAD, V, W),
    "toeplitz symmetric": (lambda c, x: sl.solve_toeplitz(c, x), HEAD, V),
    "circulant": (lambda c, x: sl.solve_circulant(c, x), HEAD, W)}
DECOMPOSITIONS = {
    "eigh": (lambda a: sl.eigh(a, eigvals_only=True), H), "eigh upper": (lambda a: sl.eigh(a, lower=False)[0], S),
    "eigh vectors": (_projector, H), "eigh subset": (lambda a: sl.eigh(a, subset_by_index=[1, 2])[0], H),
    "eigh generalised": (_generalised(True), H, D), "eigh generalised upper": (_generalised(False), H, D + 0.1 * S),
    "eigvalsh": (lambda a: sl.eigvalsh(a), H), "eigvalsh in b": (lambda b: sl.eigvalsh(H, b), D),
    "eigvals": (lambda a: np.abs(sl.eigvals(a)) ** 2, S - 2 * np.eye(3)),
    "eig": (lambda a: (np.abs(sl.eig(a)[1]), sl.eig(a)[0].imag ** 2), S - 2 * np.eye(3)),
    "eig real": (lambda a: sl.eig(a)[1] ** 2, D),
    "svd": (lambda a: sl.svd(a)[1], TALL), "svd vectors": (lambda a: sl.svd(a, full_matrices=False)[2] ** 2, TALL),
    "svd values": (lambda a: sl.svd(a, compute_uv=False), TALL), "svdvals": (lambda a: sl.svdvals(a), TALL),
    "qr": (lambda a: sl.qr(a, mode="economic"), TALL), "qr full": (lambda a: sl.qr(a), TALL),
    "qr wide": (lambda a: sl.qr(a), TALL.T.copy()), "qr r": (lambda a: sl.qr(a, mode="r")[0], TALL),
    "qr pivots": (lambda a: sl.qr(a, mode="economic", pivoting=True)[:2], TALL),
    "polar": (lambda a: sl.polar(a), TALL), "polar left": (lambda a: sl.polar(a, side="left"), TALL.T.copy()),
    "norm": (lambda a: (sl.norm(a), sl.norm(a, "nuc"), sl.norm(a, 1, axis=0)), TALL)}
FUNCTIONS_OF_MATRICES = {
    "expm": (lambda a: sl.expm(a), S), "expm stack": (lambda a: sl.expm(a), np.stack([S, D / 4])),
    "expm bound early": (lambda a: expm(a), S / 2), "logm": (lambda a: sl.logm(a), D + 0.3 * np.triu(S)),
    "logm complex": (lambda a: (sl.logm(a).real, sl.logm(a).imag), np.array([[-1.0, 0.3], [0.1, 2.0]])),
    "sqrtm": (lambda a: sl.sqrtm(a), D + np.tril(S)), "sqrtm complex": (lambda a: np.abs(sl.sqrtm(a)), -D),
    "fractional": (lambda a: sl.fractional_matrix_power(a, 0.3), D),
    **{name: (lambda a, n=name: getattr(sl, n)(a), S / 2)
       for name in ("sinm", "cosm", "tanm", "sinhm", "coshm", "tanhm")},
    "frechet": (lambda a, e: sl.expm_frechet(a, e), S / 3, S.T / 3),
    "frechet alone": (lambda a: sl.expm_frechet(a, D, compute_expm=False), S / 3)}
STRUCTURED = {
    "toeplitz": (lambda c: sl.toeplitz(c), V), "toeplitz rows": (lambda c, r: sl.toeplitz(c, r), V, LONG),
    "circulant": (lambda c: sl.circulant(c), V), "hankel": (lambda c: sl.hankel(c), V),
    "hankel rows": (lambda c, r: sl.hankel(c, r), V, LONG), "companion": (lambda a: sl.companion(a), LONG),
    "leslie": (lambda f, s: sl.leslie(f, s), V, LONG[:2].copy()),
    "khatri_rao": (lambda a, b: sl.khatri_rao(a, b), TALL, S),
    "block_diag": (lambda a, v, b: sl.block_diag(a, v, b, 2.0), TALL, V, S),
    "matmul_toeplitz": (lambda c, x: sl.matmul_toeplitz(c, x), V, W)}
CASES = {f"{kind} {name}": case for kind, table in (
    ("equation", EQUATIONS), ("decomposition", DECOMPOSITIONS), ("function", FUNCTIONS_OF_MATRICES),
    ("structured", STRUCTURED)) for name, case in table.items()}


@pytest.mark.parametrize("name", CASES)
def test_values_and_derivatives(name):
    check_differentiable(*CASES[name])


B, C = (RNG.standard_normal((3, 3)) + 1j * RNG.standard_normal((3, 3)) for _ in range(2))


def general(x):
    return B + C * x + 0.3j * x @ x


def definite(x):
    return general(x) @ np.conj(general(x)).T + np.eye(3)


def hermitian(x):
    return general(x) + np.conj(general(x)).T


COMPLEX = {"expm": lambda x: sl.expm(general(x) / 3), "sqrtm": lambda x: sl.sqrtm(general(x)),
           "logm": lambda x: sl.logm(definite(x)),
           "triangular": lambda x: sl.solve_triangular(general(x) + 3 * np.eye(3), C, trans=2),
           "cho_solve": lambda x: sl.cho_solve(sl.cho_factor(definite(x)), C),
           "lu_solve": lambda x: sl.lu_solve(sl.lu_factor(general(x)), C, trans=2),
           "solve her": lambda x: sl.solve(definite(x), C, assume_a="her"),
           "solve sym": lambda x: sl.solve(general(x) + general(x).T, C, assume_a="sym"),
           "eigh": lambda x: sl.eigh(hermitian(x), definite(x), eigvals_only=True) + 0j,
           "sylvester": lambda x: sl.solve_sylvester(general(x), C, B),
           "lyapunov": lambda x: sl.solve_continuous_lyapunov(general(x), C),
           "discrete": lambda x: sl.solve_discrete_lyapunov(general(x) / 9, C),
           "toeplitz": lambda x: sl.toeplitz(general(x)[0]), "polar": lambda x: sl.polar(general(x))[0]}


@pytest.mark.parametrize("name", COMPLEX)
def test_complex_matrices_on_the_way(name):
    f = COMPLEX[name]
    check_differentiable(lambda x: (f(x).real, f(x).imag), S)


def test_the_derivative_of_expm_is_its_frechet_derivative():
    change = ad.jvp(lambda a: sl.expm(a), (S,), (D / 9,))[1]
    np.testing.assert_allclose(change, sl.expm_frechet(S, D / 9)[1], rtol=1e-11)


def test_a_scipy_function_itself():
    np.testing.assert_allclose(ad.grad(sl.det)(S), ad.grad(np.linalg.det)(S))
    np.testing.assert_allclose(ad.jvp(expm, (S,), (np.eye(3),))[1], expm(S))
    np.testing.assert_allclose(ad.jacobian(sl.circulant)(V), ad.jacobian(lambda c: sl.circulant(c))(V))


def test_compiled_guards_on_pivots():
    """LU's pivots change with the matrix: each choice has its recording."""
    def f(x):
        lu, pivots = sl.lu_factor(np.array([[x[0], 1.0], [1.0, x[1]]]))
        return np.sum(lu ** 2) + np.sum(sl.lu_solve((lu, pivots), np.array([1.0, 2.0])))
    compiled = ad.compile(f)
    for x in ([2.0, 3.0], [3.0, 4.0], [0.5, 3.0], [0.4, 0.3], [2.5, 1.0], [0.1, 3.0]):
        value, grad = compiled.value_and_grad(np.array(x))
        np.testing.assert_allclose(value, f(np.array(x)))
        np.testing.assert_allclose(grad, ad.finite_difference.gradient(f, np.array(x)), rtol=1e-7)


REFUSED = {
    "null_space": (lambda a: sl.null_space(a), r"numpy.eye\(n\)"), "orth": (lambda a: sl.orth(a), "pinv"),
    "schur": (lambda a: sl.schur(a)[0], "eigh"), "balance": (lambda a: sl.matrix_balance(a)[0], "leave balancing out"),
    "funm": (lambda a: sl.funm(a, np.exp), "expm"), "qr raw": (lambda a: sl.qr(a, mode="raw")[1], "economic"),
    "eig b": (lambda a: sl.eigvals(a, D).real, "solve"), "power": (
        lambda a: sl.fractional_matrix_power(D, a[0, 0]), "expm"),
    "eigh type": (lambda a: sl.eigh(a, D, type=2)[0], "subset_by_index"),
    "pinv atol": (lambda a: sl.pinv(a, atol=0.1), "rtol="),
    "stacks": (lambda a: sl.solve_triangular(np.stack([a, a]), np.ones((2, 3))), "loop over"),
    "bandwidth": (lambda a: sl.bandwidth(a)[0], "derivative"),
    "convolution": (lambda a: sl.convolution_matrix(a[0], 2), "derivative")}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_a_remedy(name):
    f, remedy = REFUSED[name]
    with pytest.raises(ad.TraceError, match=f"(?s)test_autodiff_scipy_linalg.py.*Instead: .*{remedy}"):
        ad.grad(lambda a: np.sum(f(a)))(S)


def test_nothing_stays_patched():
    before = {name: getattr(scipy.linalg, name) for name in scipy.linalg.__all__}
    ad.grad(lambda b: np.sum(solve_triangular(S, b)))(V)
    with pytest.raises(ad.TraceError):
        ad.grad(lambda a: np.sum(sl.orth(a)))(S)
    assert before == {name: getattr(scipy.linalg, name) for name in scipy.linalg.__all__}
    assert solve_triangular is scipy.linalg.solve_triangular


def test_plain_arguments_are_scipys_own():
    def f(x):
        return np.sum(sl.expm(D / 9) @ sl.orth(S) @ x) + sl.det(S)
    np.testing.assert_allclose(ad.value_and_grad(f)(V)[0], f(V))
