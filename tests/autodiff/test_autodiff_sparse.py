"""Sparse matrices: constant ones in every product, ones built from traced entries, and their linear systems."""

import pickle

import numpy as np
import pytest
import scipy.sparse
from scipy.sparse import csr_array, diags
from scipy.sparse.linalg import spsolve

import autodiff as ad
from autodiff.primitives import sparse

from .coverage import check_differentiable

sp, sl = scipy.sparse, scipy.sparse.linalg
RNG = np.random.default_rng(0)
ROWS, COLUMNS = np.array([0, 1, 2, 0, 2, 1, 3, 3, 0]), np.array([0, 1, 2, 2, 0, 3, 3, 0, 0])       # (0, 0) twice
DATA = RNG.standard_normal(9) + np.array([4.0, 4, 4, 0, 0, 0, 4, 0, 0])
X, MATRIX = RNG.standard_normal(4), RNG.standard_normal((4, 3))
TALL = sp.random_array((4, 3), density=0.6, random_state=1, format="csr")
SQUARE = sp.random_array((4, 4), density=0.5, random_state=2, format="csc")
KINDS = [f"{form}_{kind}" for form in ("csr", "csc", "coo") for kind in ("array", "matrix")]


def build(kind):
    return lambda data: getattr(sp, kind)((data, (ROWS, COLUMNS)), shape=(4, 4))


# --- what a traced sparse matrix can do -------------------------------------------------------------------------------

USES = {
    "A @ x": (lambda A, x: A @ x, X), "x @ A": (lambda A, x: x @ A, X), "A @ X": (lambda A, x: A @ x, MATRIX),
    "X @ A": (lambda A, x: x.T @ A, MATRIX), "A.T @ x": (lambda A, x: A.T @ x + A.transpose().dot(x) + A.dot(x), X),
    "A @ constant": (lambda A: (A @ X + X @ A, A @ MATRIX),), "constant @ A": (lambda A: (MATRIX.T @ A),),
    "quadratic": (lambda A, x: x @ (A @ x) + np.sum((A @ x) ** 2), X), "toarray": (lambda A: A.toarray(),),
    "scaled": (lambda A, s: (2 * A * s / 3 - A + s * A).toarray(), np.array(1.5)),
    "sums": (lambda A: (A + SQUARE - A.T + 2 * SQUARE - SQUARE).toarray(),),
    "constant first": (lambda A: (SQUARE + A).toarray() + (SQUARE - 3 * A).toarray(),),
    "dense sum": (lambda A: np.asarray(A.toarray() + np.ones((4, 4))),), "sum": (lambda A: (A.sum(), A.mean()),),
    "diagonal": (lambda A: (A.diagonal(), A.diagonal(2), A.diagonal(-1), A.trace()),),
    "multiply": (lambda A, x: (A.multiply(x).toarray(), A.multiply(X[:, None]).toarray()), X),
    "multiply sparse": (lambda A: (A.multiply(SQUARE).toarray(), A.multiply(A.T).toarray()),),
    "products": (lambda A: ((A @ TALL).toarray(), (TALL.T @ A).toarray(), (A @ A.T).toarray()),),
    "data": (lambda A: A.data ** 2,), "power": (lambda A: A.power(2).toarray(),),
    "formats": (lambda A: (A.tocsr().data, A.tocsc().data, A.tocoo().toarray(), A.asformat("csc").toarray()),),
    "spsolve": (lambda A, x: sl.spsolve(A.tocsc(), x), X), "spsolve columns": (
        lambda A, x: sl.spsolve(A.tocsc(), x), MATRIX), "norms": (lambda A: (sl.norm(A), sl.norm(A, 1)),),
    "factor": (lambda A, x: sl.splu(A.tocsc()).solve(x) + sl.splu(A.tocsc()).solve(x, "T"), X),
    "joined": (lambda A: (sp.vstack([A, SQUARE]).toarray(), sp.hstack([TALL, A]).toarray(),
                          sp.block_diag([TALL, A]).toarray()),),
    "kron, tril": (lambda A: (sp.kron(A, TALL).toarray(), sp.tril(A).toarray(), sp.triu(A, 1).toarray()),)}


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("kind", ("csr_array", "csc_matrix", "coo_array"))
def test_uses(kind, use):
    (f, *points), make = USES[use], build(kind)
    check_differentiable(lambda data, *rest: f(make(data), *rest), DATA, *points)


@pytest.mark.parametrize("kind", KINDS)
def test_star_is_a_product_of_matrices_and_entry_by_entry_for_arrays(kind):
    make = build(kind)
    if kind.endswith("matrix"):
        check_differentiable(lambda data, x: make(data) * x + make(data).T * x + x * make(data), DATA, X)
        check_differentiable(lambda data: make(data) * MATRIX, DATA)
        return
    check_differentiable(lambda data, x: (make(data) * x).toarray() + (x * make(data)).toarray(), DATA, X)
    check_differentiable(lambda data: (make(data).sum(axis=0), make(data).mean(axis=-1)), DATA)
    check_differentiable(lambda data: (X * make(data)).toarray(), DATA)


CSR = build("csr_array")(DATA)
CSC = CSR.tocsc()
CONSTRUCTORS = {
    "csr indptr": (lambda d: sp.csr_array((d, CSR.indices, CSR.indptr), shape=(4, 4)) @ X, CSR.data),
    "csc indptr": (lambda d: sp.csc_matrix((d, CSC.indices, CSC.indptr)) @ X, CSC.data),
    "no shape": (lambda d: sp.coo_array((d, (ROWS, COLUMNS))) @ X, DATA),
    "list": (lambda d: sp.csr_array(([d[0], d[1] * 2, 3.0], ([0, 1, 2], [1, 1, 0])), shape=(3, 4)) @ X, DATA),
    "converted": (lambda d: sp.csc_array(sp.coo_matrix((d, (ROWS, COLUMNS)))).data, DATA),
    "diags": (lambda a, b: sp.diags([a, b, 2 * b], [0, 1, -1]) @ X, X, MATRIX[0]),
    "diags one": (lambda a: (diags([a], [1]).toarray(), sp.diags(a, -1).toarray(), diags(a) @ MATRIX), X),
    "diags_array": (lambda a: (sp.diags_array([a[:3], a[1:]], offsets=[1, -1]).toarray(), (
        sp.diags_array(a) @ TALL).toarray()), X),
    "diags broadcast": (lambda a: sp.diags_array([a[:1], a[1:2]], offsets=[0, 1], shape=(4, 4)).toarray(), X),
    "diags csc": (lambda a: sp.diags(a, format="csc").tocsr().data, X),
    "dia": (lambda d: sp.dia_array((d, [0, 1, -2]), shape=(4, 4)).toarray(), np.vstack([X, X, X])),
    "bound early": (lambda d: csr_array((d, (ROWS, COLUMNS))) @ X, DATA),
    "single": (lambda d: csr_array((d, (ROWS, COLUMNS)), dtype=np.float64).astype(float) @ X, DATA)}


@pytest.mark.parametrize("name", CONSTRUCTORS)
def test_constructors(name):
    check_differentiable(*CONSTRUCTORS[name])


def test_attributes_and_questions_about_it():
    def f(data):
        A = csr_array((data, (ROWS, COLUMNS)))
        truth = csr_array((DATA, (ROWS, COLUMNS)))
        assert (A.shape, A.ndim, A.nnz, A.dtype, A.format) == ((4, 4), 2, truth.nnz, truth.dtype, "csr")
        assert np.array_equal(A.indices, truth.indices) and np.array_equal(A.indptr, truth.indptr)
        assert scipy.sparse.issparse(A) and not scipy.sparse.isspmatrix(A) and "8 entries of 4x4" in repr(A)
        assert isinstance(CSR, scipy.sparse.csr_array) and not isinstance(CSC, scipy.sparse.csr_array)
        return A.sum()
    np.testing.assert_array_equal(ad.grad(f)(DATA), np.ones(9))


def test_gradient_only_on_the_pattern():
    """∂/∂A of bᵀA⁻¹b is −A⁻ᵀb (A⁻¹b)ᵀ, read where A has entries."""
    b, dense = X, CSR.toarray()
    grad = ad.grad(lambda d: b @ spsolve(build("csc_array")(d), b))(DATA)
    left, right = np.linalg.solve(dense.T, b), np.linalg.solve(dense, b)
    np.testing.assert_allclose(grad, -left[ROWS] * right[COLUMNS], rtol=1e-12)


def test_one_factorisation_serves_the_adjoint(monkeypatch):
    made, splu = [], sparse._splu
    monkeypatch.setattr(sparse, "_splu", lambda matrix: made.append(1) or splu(matrix))
    f = ad.compile(lambda d: np.sum(spsolve(build("csc_array")(d), X) ** 2))
    for k in range(3):
        f.value_and_grad(DATA + 0.01 * k)
    assert f.report.mode == "compiled"
    made.clear()
    f.value_and_grad(DATA + 0.1)
    assert len(made) == 1
    f.linearize_grad(DATA + 0.1)[2](DATA)
    assert len(made) <= 2


# --- constant matrices ------------------------------------------------------------------------------------------------

CONSTANT = {
    "spsolve": lambda b: sl.spsolve(CSC, b), "spsolve csr": lambda b: sl.spsolve(CSR, b),
    "column": lambda b: sl.spsolve(CSC, b.reshape(-1, 1)), "splu": lambda b: sl.splu(CSC).solve(b),
    "factorized": lambda b: sl.factorized(CSC)(b), "A * x matrix": lambda b: sp.csr_matrix(CSR) * b,
    "x * A matrix": lambda b: b * sp.csr_matrix(CSR), "A * x array": lambda b: (CSR * b).toarray(),
    "x * A array": lambda b: (b * CSR).toarray(), "A * number": lambda b: (CSR * b[0] + b[1] * CSC).toarray(),
    "A / x": lambda b: (CSR / b).toarray(), "A / number": lambda b: (CSR / b[0]) @ b,
    "A + dense": lambda b: (CSR + b[:, None] * np.ones(4)) @ X - (b - CSR.toarray()) @ X,
    "shifted": lambda b: sl.spsolve((CSC + sp.diags_array(b ** 2)).tocsc(), b),
    "multiply": lambda b: (CSR.multiply(b).toarray() + CSR.tocoo().multiply(b[:, None]).toarray()
                           + sp.eye_array(4).multiply(b).toarray() + CSC.multiply(b[0]).toarray()),
    "gram": lambda b: (TALL.T @ diags(b) @ TALL).toarray()}


@pytest.mark.parametrize("name", CONSTANT)
def test_constant_matrices(name):
    check_differentiable(CONSTANT[name], X)


def test_spsolve_uses_current_entries():
    A = sp.csc_array(np.diag([1.0, 2.0, 3.0, 4.0]) + np.eye(4, k=1))
    f = ad.compile(lambda b: np.sum(sl.spsolve(A, b) ** 2))
    for k in range(4):
        f.value_and_grad(X + k)
    for change in (2.0, 3.0):
        A.data *= change
        np.testing.assert_allclose(f.value_and_grad(X)[0], np.sum(np.linalg.solve(A.toarray(), X) ** 2))
    A.data = A.data / 5
    np.testing.assert_allclose(f.value_and_grad(X)[0], np.sum(np.linalg.solve(A.toarray(), X) ** 2))


def test_products_keep_their_fast_path():
    f = ad.compile(lambda x: 0.5 * np.sum((CSC @ x) ** 2))
    for k in range(3):
        f.value_and_grad(X + k)
    compiled = f.value_and_grad(X)
    np.testing.assert_allclose(compiled[1], CSC.T @ (CSC @ X))
    assert isinstance(sparse.product_by_rows(CSC, False), sparse.RowMajor)


# --- compiled, single precision, singular -----------------------------------------------------------------------------


def test_compiled_diffusion():
    """A boundary value problem with a traced coefficient, as generated code."""
    n = 40
    laplacian = sp.diags_array([-np.ones(n - 1), 2 * np.ones(n), -np.ones(n - 1)], offsets=[-1, 0, 1], format="csc")
    source = np.sin(np.arange(n))

    def energy(k):
        u = spsolve((diags(k) + laplacian).tocsc(), source)
        return u @ u + np.sum(k ** 2)
    compiled, k, v = ad.compile(energy), np.linspace(1, 2, n), np.cos(np.arange(n))
    for shift in range(4):
        compiled.value_and_grad(k + 0.1 * shift)
    assert compiled.report.mode == "compiled"
    np.testing.assert_allclose(compiled.grad(k), ad.finite_difference.gradient(energy, k), rtol=1e-6, atol=1e-8)
    truth = ad.finite_difference.hvp(energy, k, v, grad=compiled.grad)
    np.testing.assert_allclose(compiled.linearize_grad(k)[2](v), truth, rtol=1e-6, atol=1e-8)


def test_single_precision_stays():
    single, x = DATA.astype(np.float32), X.astype(np.float32)
    for f in (lambda d: np.sum(build("csr_array")(d) @ x), lambda d: np.sum(spsolve(build("csc_array")(d), x)),
              lambda d: build("csr_array")(d).toarray().sum()):
        assert ad.grad(f)(single).dtype == np.float32
        assert np.asarray(ad.trace(f, single).result[0]).dtype == np.float32


def test_singular_is_an_error():
    with pytest.raises(np.linalg.LinAlgError, match="singular"):
        ad.grad(lambda d: np.sum(spsolve(sp.csc_array((d, ([0, 1], [0, 0])), shape=(2, 2)), X[:2])))(np.ones(2))


def test_patterns():
    a, b = sparse.Pattern([0, 1], [1, 0], (2, 2)), sparse.Pattern(np.array([0, 1]), np.array([1, 0]), (2, 2))
    assert a == b and hash(a) == hash(b) and a != sparse.Pattern([0, 1], [1, 1], (2, 2)) and a == pickle.loads(
        pickle.dumps(a)) and a.T.T == a
    with pytest.raises(ValueError, match="row index 2 exceeds"):
        sparse.Pattern([0, 2], [0, 0], (2, 2))


def test_complex_entries_on_the_way():
    def f(d):
        A = csr_array((d + 1j * d[::-1], (ROWS, COLUMNS))).tocsc()
        y = spsolve(A, X + 0.5j) + A @ (X * 1j)
        return y.real, y.imag
    check_differentiable(f, DATA)


# --- refused ----------------------------------------------------------------------------------------------------------

REFUSED = {
    "dense": (lambda x: sp.csr_array(np.outer(x, x)).sum(), "give the places"),
    "lil": (lambda x: sp.lil_array(np.outer(x, x)).sum(), "csr_array"),
    "index": (lambda x: diags(x)[0, 0], "toarray"),
    "row": (lambda x: np.sum(diags(x).tocsr()[0] @ x), "toarray"),
    "tobsr": (lambda x: diags(x).tobsr().sum(), "toarray"),
    "cg": (lambda x: sl.cg(CSR, x)[0].sum(), "spsolve"),
    "gmres": (lambda x: sl.gmres(diags(x), X)[0].sum(), "spsolve"),
    "lsqr": (lambda x: sl.lsqr(TALL, x)[0].sum(), "normal equations"),
    "eigsh": (lambda x: sl.eigsh(diags(x), k=1)[0].sum(), "numpy.linalg"),
    "expm": (lambda x: sl.expm(diags(x)).sum(), "scipy.linalg"),
    "exp": (lambda x: np.exp(diags(x)).sum(), "toarray"), "np.sum": (lambda x: np.sum(diags(x)), "toarray"),
    "returned": (lambda x: diags(x), r"\.toarray\(\)"), "maximum": (lambda x: CSR.maximum(x).sum(), "derivative"),
    "compare": (lambda x: np.sum(CSR == x), "toarray"), "x / A": (lambda x: np.sum(x / CSR), "toarray"),
    "add a number": (lambda x: (CSR + x[0]).sum(), "toarray"), "dia data": (lambda x: diags(x).data.sum(), "tocsr"),
    "write": (lambda x: diags(x).tocsr().__setitem__((0, 0), 1.0), "data it is built from"),
    "sparse right-hand side": (lambda x: sl.spsolve(diags(x).tocsc(), SQUARE).sum(), "toarray"),
    "dense system": (lambda x: sl.spsolve(np.outer(x, x), X).sum(), "numpy.linalg.solve")}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_a_remedy(name):
    f, remedy = REFUSED[name]
    with pytest.raises(ad.TraceError, match=f"(?s)Instead: .*({remedy})"):
        ad.grad(f)(X)


@pytest.mark.parametrize("f", (lambda x: diags(x) @ np.ones(3), lambda x: np.ones(3) @ diags(x),
                               lambda x: diags(x) + sp.eye_array(3), lambda x: diags(x) @ TALL.T,
                               lambda x: sp.hstack([diags(x), sp.eye_array(3)])))
def test_shapes_that_do_not_match(f):
    with pytest.raises(ValueError, match="match|inconsistent|incompatible"):
        ad.trace(f, X)


# --- wrong rules ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row, wrong", (
    (sparse.ENTRIES_PRODUCT, (lambda ct, data, x, pattern, transposed: sparse.SAMPLED(-ct, x, pattern=pattern),
                              sparse.ENTRIES_PRODUCT.transpose[1])),
    (sparse.ENTRIES_PRODUCT, (sparse.ENTRIES_PRODUCT.transpose[0], lambda ct, data, x, pattern, transposed:
                              sparse.ENTRIES_PRODUCT(data, ct, pattern=pattern, transposed=transposed))),
    (sparse.ENTRIES_SOLVE, (None, lambda ct, data, b, pattern, transposed:
                            sparse.ENTRIES_SOLVE(data, ct, pattern=pattern, transposed=transposed)))))
def test_wrong_rules_are_caught(row, wrong):
    right, row.transpose = row.transpose, wrong
    try:
        with pytest.raises(AssertionError, match="check_grads"):
            ad.check_grads(lambda d, x: spsolve(build("csc_array")(d), x) + build("csr_array")(d) @ x, (DATA, X))
    finally:
        row.transpose = right
