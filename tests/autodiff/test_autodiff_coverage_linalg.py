"""Every public function of numpy.linalg: differentiable, piecewise constant, refused or not numeric."""

import numpy as np

from .coverage import Tables, behaviour, complete

RNG = np.random.default_rng(7)
la = np.linalg
S = RNG.standard_normal((3, 3)) + 2 * np.eye(3)                    # regular, not symmetric
TALL, STACK, V = RNG.standard_normal((4, 3)), RNG.standard_normal((2, 4, 3)), RNG.standard_normal(3)
WIDE, SYMMETRIC, DEFINITE = TALL.T.copy(), S + S.T, S @ S.T
REGULAR = np.stack([S, DEFINITE / 3 + np.eye(3)])
RIGHT = RNG.standard_normal((3, 2))


def mT(a):
    return np.swapaxes(a, -1, -2)


def _reconstructed(full):
    """Functions of U, σ and V that no sign or rotation changes."""
    def f(a):
        u, s, vt = la.svd(a, full)
        k = s.shape[-1]
        first, last = u[..., :1], vt[..., k - 1:k, :]
        return (u[..., :k] * s[..., None, :] ** 2) @ vt[..., :k, :], first @ mT(first), mT(last) @ last
    return f


def _complements(a):
    """The projectors onto what the complement of a tall matrix spans."""
    u = la.svd(a)[0][:, a.shape[1]:]
    q = la.qr(a, "complete")[0][:, a.shape[1]:]
    return u @ u.T, q @ q.T


def _null_space(a):
    v = la.svd(a)[2][a.shape[0]:]
    return v.T @ v


def _eigenvectors(a):
    """Moduli and projectors: what the sign leaves alone."""
    w, v = la.eig(a)
    inverse = la.inv(v)
    return np.abs(v), (v[:, :1] @ inverse[:1]).real, w.real, np.abs(w)


def _projectors(uplo):
    def f(a):
        w, v = la.eigh(a, uplo)
        return w, v[..., :1] @ mT(v[..., :1])
    return f


def _least_squares(a, b):
    x, residuals, _, s = la.lstsq(a, b)
    return x, residuals, s


DIFFERENTIABLE = {
    "solve": [(la.solve, S, V), (la.solve, REGULAR, RIGHT), (la.solve, S, RNG.standard_normal((2, 3, 1))),
              (lambda b: la.solve(S, b), V), (la.solve, REGULAR, V)],
    "inv": [(la.inv, S), (la.inv, REGULAR)],
    "tensorinv": [(la.tensorinv, RNG.standard_normal((2, 3, 6))),
                  (lambda a: la.tensorinv(a, 1), RNG.standard_normal((6, 2, 3)))],
    "tensorsolve": [(la.tensorsolve, RNG.standard_normal((2, 3, 3, 2)), RNG.standard_normal((2, 3))),
                    (lambda a, b: la.tensorsolve(a, b, axes=(0, 2)), RNG.standard_normal((2, 6, 3)),
                     RNG.standard_normal(6))],
    "pinv": [(la.pinv, STACK), (la.pinv, WIDE), (lambda a: la.pinv(a, hermitian=True), SYMMETRIC),
             (lambda a: la.pinv(a, rcond=1e-3), TALL), (lambda a: la.pinv(a, rtol=1e-3), TALL)],
    "lstsq": [(_least_squares, TALL, RNG.standard_normal(4)), (_least_squares, TALL, TALL[:, :2] + 1.0),
              (_least_squares, WIDE, RIGHT)],
    "det": [(la.det, S), (la.det, REGULAR), (la.det, np.outer(V, V + 1.0)), (la.det, np.array([[2.5]]))],
    "slogdet": [(lambda a: la.slogdet(a)[1], REGULAR), (lambda a: la.slogdet(a).logabsdet, S[::-1].copy())],
    "cholesky": [(la.cholesky, REGULAR[1:] @ mT(REGULAR[1:])), (lambda a: la.cholesky(a, upper=True), DEFINITE)],
    "qr": [(lambda a: tuple(la.qr(a)), STACK), (lambda a: tuple(la.qr(a)), WIDE), (lambda a: tuple(la.qr(a)), S),
           (lambda a: la.qr(a, "r"), TALL), (lambda a: tuple(la.qr(a, mode="complete")), TALL),
           (lambda a: la.qr(a, mode="complete").R, TALL[:, :2].copy()), (_complements, TALL[:, :2].copy())],
    "svd": [(_reconstructed(False), TALL), (_reconstructed(False), WIDE), (_reconstructed(True), STACK),
            (_reconstructed(False), S), (_null_space, WIDE[:2].copy()),
            (lambda a: la.svd(a, compute_uv=False), STACK), (lambda a: la.svd(a, hermitian=True).S, SYMMETRIC),
            (lambda a: la.svd(a, hermitian=True, compute_uv=False), SYMMETRIC)],
    "svdvals": [(la.svdvals, STACK), (la.svdvals, WIDE)],
    "eigh": [(_projectors("L"), SYMMETRIC), (_projectors("U"), REGULAR)],
    "eigvalsh": [(la.eigvalsh, REGULAR), (lambda a: la.eigvalsh(a, UPLO="U"), SYMMETRIC)],
    "eig": [(_eigenvectors, S - 2 * np.eye(3)), (_eigenvectors, DEFINITE)],
    "eigvals": [(lambda a: np.abs(la.eigvals(a)) ** 2, REGULAR - 2 * np.eye(3)), (la.eigvals, DEFINITE),
                (lambda a: la.eigvals(a).imag ** 2, np.array([[0.0, -1.0, 0.2], [1.0, 0.1, 0.0], [0.0, 0.3, 2.0]]))],
    "norm": [(lambda x, o=o: la.norm(x, o), V) for o in (None, 1, -1, 2, 3, 1.5, 0.5, -2, np.inf, -np.inf)] + [
        (lambda x, o=o: la.norm(x, o), TALL) for o in (None, "fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf)] + [
        (lambda x, o=o, a=a, k=k: la.norm(x, o, axis=a, keepdims=k), STACK) for o, a, k in (
            (None, 1, True), (3, -1, False), (np.inf, 0, True), ("fro", (2, 0), True), ("nuc", (0, 1), False),
            ("nuc", (2, 1), True), (2, (1, 2), True), (-2, (-1, 0), False), (1, (1, 0), False), (-1, (0, 2), True),
            (np.inf, (2, 1), False), (-np.inf, (0, 2), True), (None, (0, 2), True))] + [(la.norm, STACK)],
    "vector_norm": [(lambda x, o=o, a=a, k=k: la.vector_norm(x, ord=o, axis=a, keepdims=k), STACK) for o, a, k in (
        (2, None, False), (1, (0, 2), True), (3, (2, 0, 1), False), (np.inf, 1, True), (-np.inf, None, True),
        (0.5, 0, False))],
    "matrix_norm": [(lambda x, o=o, k=k: la.matrix_norm(x, ord=o, keepdims=k), STACK) for o, k in (
        ("fro", False), ("nuc", True), (2, False), (-2, True), (1, False), (-np.inf, True))],
    "cond": [(lambda a, p=p: la.cond(a, p), REGULAR) for p in (None, 1, -1, 2, -2, np.inf, -np.inf, "fro", "nuc")] + [
        (la.cond, TALL)],
    "matrix_power": [(lambda a, n=n: la.matrix_power(a, n), REGULAR) for n in (1, 2, 5, -1, -3)],
    "multi_dot": [(lambda a, b: la.multi_dot([V, WIDE, a, b, a.T, a, RIGHT]), TALL, S),
                  (lambda a: la.multi_dot([a, S]), TALL), (lambda a: la.multi_dot([a, S, V]), TALL),
                  (lambda v: la.multi_dot([v, S, v]), V)],
    "matmul": (la.matmul, STACK, S), "outer": (la.outer, V, RIGHT[:, 0].copy()),
    "tensordot": [(lambda a, b: la.tensordot(a, b, axes=1), STACK, S),
                  (lambda a, b: la.tensordot(a, b, axes=((1, 2), (0, 1))), STACK, TALL)],
    "cross": [(la.cross, STACK, V), (lambda a: la.cross(a, RIGHT, axis=0), RIGHT + 1.0)],
    "vecdot": [(la.vecdot, STACK, V), (lambda a, b: la.vecdot(a, b, axis=0), TALL, TALL + 1.0)],
    "diagonal": [(lambda a: la.diagonal(a), STACK), (lambda a: la.diagonal(a, offset=1), STACK),
                 (lambda a: la.diagonal(a, offset=-2), STACK)],
    "trace": [(la.trace, STACK), (lambda a: la.trace(a, offset=-1), STACK)],
    "matrix_transpose": (la.matrix_transpose, STACK),
}
CONSTANT = {
    "matrix_rank": [(la.matrix_rank, TALL), (la.matrix_rank, V), (lambda a: la.matrix_rank(a, rtol=1e-3), REGULAR),
                    (lambda a: la.matrix_rank(a, tol=1e-3, hermitian=True), SYMMETRIC)],
    "slogdet: sign": (lambda a: la.slogdet(a)[0], S[::-1].copy()),
    "lstsq: rank": (lambda a: la.lstsq(a, V)[2], S),
    "norm: 0": (lambda x: la.norm(x, 0), V),
    "vector_norm: 0": (lambda x: la.vector_norm(x, ord=0, axis=1), STACK),
    "matrix_power: 0": (lambda a: la.matrix_power(a, 0), S),
}
REFUSED = {
    "qr: raw": (lambda a: la.qr(a, "raw")[0], S, "mode='reduced'"),
    "multi_dot: out": (lambda a: la.multi_dot([a, S], out=np.zeros((3, 3))), S, "assign the result"),
}
NOT_NUMERIC = {"the test runner": "test"}
TABLES = Tables(DIFFERENTIABLE, {k: v for k, v in CONSTANT.items() if ":" not in k}, {}, NOT_NUMERIC)
BEHAVIOUR = Tables(DIFFERENTIABLE, CONSTANT, REFUSED, {})

test_complete = complete(la, TABLES)
test_differentiable, test_constant, test_refused = behaviour(BEHAVIOUR)
