"""Writing into arrays inside a traced function means what it means in NumPy: views, aliases, buffers of any making."""

import time
import tracemalloc

import numpy as np
import pytest

import autodiff as ad

RNG = np.random.default_rng(2)
POINTS = [RNG.standard_normal(6) for _ in range(4)]
W = np.arange(6.0) + 1
CASES = {}


def case(f):
    CASES[f.__name__] = f
    return f


@case
def filled_by_index(x):
    out = np.zeros(6)
    for i in range(6):
        out[i] = x[i] * x[i - 1]
    return out @ W


@case
def empty_buffer(x):
    out = np.empty(6)
    out[:] = x ** 2
    out[1:3] = 0.0
    return out @ W


@case
def recurrence(x):
    h = np.zeros(7)
    h[0] = 1.0
    for i in range(6):
        h[i + 1] = np.tanh(h[i] * x[i] + 0.5 * h[max(i - 1, 0)])
    return h[-1] + h @ h


@case
def two_dimensional(x):
    M = np.ones((3, 3))
    M[0] = x[:3]
    M[:, 1] += x[3:]
    M[1, 2] *= x[0]
    M[2, :2] -= x[:2] * x[4:]
    return np.sum(M @ M)


@case
def fancy_and_masks(x):
    y = x.copy()
    y[[0, 2]] = x[[5, 4]] * 2
    y[y > 0] = -1.0 * y[y > 0]
    y[np.array([1, 1, 3])] += 1.0
    y[x < 0] *= x[x < 0]
    return y @ W


@case
def repeated_fancy_write(x):
    y = np.zeros(6)
    y[[0, 0, 1]] = x[[1, 2, 3]]
    return y @ W


@case
def slices_with_steps(x):
    y = np.zeros(6)
    y[::2] = x[1::2] ** 2
    y[::-1][:2] = x[:2]
    y[-2:] += y[:2]
    return y @ W


@case
def views_see_writes(x):
    y = x * 1.0
    v, w = y[1:4], y[2:]
    y[2] = x[0] ** 2
    v[0] = 5.0 * x[1]
    v += w[:3]
    w[-1] = v[1]
    return y @ W + v @ v + w @ w


@case
def views_of_views(x):
    y = x.copy()
    a = y.reshape(2, 3)
    b = a.T
    c = b[1]
    c *= x[0]
    b[0, 1] = x[5]
    a[1] += a[0]
    return y @ W + np.sum(b * c)


@case
def transposed_and_raveled(x):
    M = x.reshape(2, 3) * 2.0
    r = M.ravel()
    r[1] = x[0] * x[1]
    s = M.T.ravel()                         # a copy: not contiguous
    s[0] = 100.0
    M.T[2] = M[0, 0]
    return r @ W + np.sum(M ** 2) + s[1]


@case
def flatten_is_a_copy(x):
    M = x.reshape(2, 3) * 2.0
    r = M.flatten()
    r[:] = 0.0
    return np.sum(M ** 2) + np.sum(r)


@case
def aliases(x):
    y = x + 0.0
    z = y
    z += 1.0
    y *= z
    return y @ W


@case
def rebinding_is_not_writing(x):
    y = x * 2.0
    z = y
    z = z + 1.0
    return y @ W + z @ z


@case
def scalars_are_rebound(x):
    s = x[0]
    t = s
    s += x[1]
    s *= 2.0
    return s * t


@case
def rhs_overlaps(x):
    y = x * 1.0
    y[1:] = y[:-1] * 2.0
    y[:] = y[::-1]
    y[1:] += y[:-1]
    return y @ W


@case
def swap(x):
    y = x * 1.0
    y[0], y[1] = y[1] * 2.0, y[0]
    y[[2, 3]] = y[[3, 2]]
    return y @ W


@case
def like_constructors(x):
    a, b, c, d = np.zeros_like(W), np.ones_like(x), np.full_like(W, 2.0), np.empty_like(x)
    a[0], b[1], c[2] = x[0], x[1], x[2]
    d[:] = x[3]
    return a @ b + c @ d + np.full(6, x[4]) @ np.full((6,), 3.0)


@case
def copies_of_constants(x):
    a, b = np.array(W), np.copy(W)
    c = np.array([1.0, 2.0, 3.0])
    a[0], b[1], c[1:] = x[0], x[1], x[2:4]
    return a @ b + c @ c + np.sum(W)


@case
def identity_buffer(x):
    R = np.eye(3)
    R[0, 1] = x[0]
    R[1:, 0] = x[1:3]
    return np.sum(R @ R @ x[3:])


@case
def integer_and_boolean_buffers(x):
    k, m = np.zeros(6, dtype=int), np.zeros(6, dtype=bool)
    for i in range(6):
        k[i] = i % 3
        m[i] = x[i] > 0
    return np.sum(x[k]) + np.sum(x[m])


@case
def joined(x):
    y = np.r_[x[:2] ** 2, 1.0, x[0], 0:3]
    z = np.c_[x[:3], x[3:]]
    z[0, 0] = x[5]
    return y @ y + np.sum(z @ z.T) + np.r_[1.0, 2.0] @ x[:2]


@case
def lists_of_scalars(x):
    rows = [[x[0], 1.0], [x[1] * x[2], x[3]]]
    M = np.array(rows)
    M[0, 1] = x[4]
    return np.linalg.det(M) + np.sum(np.array([x, W]) ** 2)


@case
def filled_and_scaled(x):
    b = np.zeros((2, 3))
    b.fill(x[0])
    b[...] += x.reshape(2, 3)
    b[1, ...] /= 2.0
    b **= 2
    b -= W.reshape(2, 3)
    return np.sum(b * b)


@case
def ufunc_out(x):
    out = np.zeros(6)
    np.multiply(x, W, out=out)
    np.add(out, x[0], out=out)
    return out @ out


@case
def broadcast_writes(x):
    M = np.zeros((2, 3))
    M[:] = x[:3]
    M[:, :2] += x[3:5]
    M[:, None, 0] = x[5]
    return np.sum(M ** 3)


@case
def loop_over_rows_of_a_buffer(x):
    M = np.zeros((2, 3))
    for i, row in enumerate(M):
        row[:] = x[3 * i:3 * i + 3] * (i + 1)
    return np.sum(M ** 2)


@case
def swapped_axes(x):
    M = (x * 1.0).reshape(1, 2, 3)
    np.swapaxes(M, 1, 2)[0, 1, 0] = x[0] * 3.0
    M.squeeze()[1, 1] = x[2] ** 2
    np.expand_dims(M, 0)[0, 0, 0, 0] = x[5]
    return np.sum(M ** 2 * W.reshape(1, 2, 3))


@pytest.mark.parametrize("f", CASES.values(), ids=CASES)
def test_writes_mean_what_they_mean_in_numpy(f):
    fun, eager = ad.compile(f), ad.compile(f, eager=True)
    for x in POINTS + POINTS:
        before = x.copy()
        expected = ad.finite_difference.gradient(f, x, scheme="central")
        for route in (fun, eager):
            value, grad = route.value_and_grad(x)
            assert value == pytest.approx(float(f(x)), rel=1e-12)
            np.testing.assert_allclose(grad, expected, rtol=1e-6, atol=1e-7)
        second = ad.finite_difference.directional(eager.grad, x, W, scheme="central")
        np.testing.assert_allclose(fun.linearize_grad(x)[2](W), second, rtol=1e-5, atol=1e-5)
        np.testing.assert_array_equal(x, before)


def test_constants_are_not_disturbed():
    before = W.copy()
    for f in CASES.values():
        ad.compile(f).value_and_grad(POINTS[0])
    np.testing.assert_array_equal(W, before)


def test_writes_through_an_inner_derivative():
    def inner(y):
        z = np.zeros(6)
        z[1:] = y[:-1] ** 2
        return z @ W

    def f(x):
        g = np.zeros(6)
        g[:] = ad.grad(inner)(x)
        g[0] = x[1] * g[0]
        return g @ g
    expected = ad.finite_difference.gradient(f, POINTS[0], scheme="central")
    np.testing.assert_allclose(ad.grad(f)(POINTS[0]), expected, rtol=1e-6)


def test_results_do_not_alias_anything():
    """Neither buffers, nor arguments, nor constants: writing into a result changes no later one."""
    w = W.copy()

    def f(x):
        return {"x": x, "view": x[1:], "w": w, "sum": np.sum(x * w), "part": (x * w).reshape(2, 3)}
    for fun in (ad.compile(f), ad.compile(f, eager=True)):
        for x in POINTS:
            out = fun(x)
            kept = {key: np.copy(value) for key, value in out.items()}
            for value in out.values():
                if np.ndim(value):
                    value[...] = -7.0
            again = fun(x)
            for key in kept:
                np.testing.assert_array_equal(again[key], kept[key])
            np.testing.assert_array_equal(w, W)
    g = ad.compile(lambda x: np.sum(w * x))
    for x in POINTS:
        grad = g.value_and_grad(x)[1]
        grad[...] = 0.0
        np.testing.assert_array_equal(g.value_and_grad(x)[1], W)


def test_hv_outlives_later_calls_and_changes_of_x():
    def f(x):
        return np.sum(x ** 3) + (W @ x) ** 2 + np.sum(x[1:] * x[:-1] ** 2) / 2
    for fun in (ad.compile(f), ad.compile(f, eager=True)):
        for x in POINTS:
            x = x.copy()
            hv = fun.linearize_grad(x)[2]
            expected = 6 * x * W + 2 * W * (W @ W)
            expected[1:] += x[:-1] * W[:-1]
            expected[:-1] += x[:-1] * W[1:] + x[1:] * W[:-1]
            x[:] = 100.0
            fun.linearize_grad(POINTS[0])
            np.testing.assert_allclose(hv(W), expected, rtol=1e-12)
            np.testing.assert_allclose(hv(2 * W), 2 * expected, rtol=1e-12)


def test_filling_a_buffer_keeps_one_buffer():
    """Not one for each write: 2000 writes into 2000 entries would be 32 MB."""
    def f(x):
        out = np.zeros(2000)
        for i in range(2000):
            out[i] = x[i] ** 2
        return np.sum(out ** 2) + np.sum(np.sin(out))
    x = RNG.standard_normal(2000)
    tracemalloc.start()
    try:
        grad = ad.grad(f)(x)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    np.testing.assert_allclose(grad, 4 * x ** 3 + 2 * x * np.cos(x ** 2), rtol=1e-12)
    assert peak < 20e6


def test_long_loops_are_traced_at_once():
    """Ten thousand scalar operations: about 0.1 s; a quadratic cost would take minutes."""
    n = 5000

    def f(x):
        out = np.zeros(n)
        for i in range(n):
            out[i] = x[i] * 2.0
        return out @ out

    def g(x):
        total = 0.0
        for i in range(n):
            total = total + x[i] * x[i]
        return total
    x = RNG.standard_normal(n)
    for h, expected in ((g, 2 * x), (f, 8 * x)):
        start = time.process_time()
        np.testing.assert_allclose(ad.grad(h)(x), expected, rtol=1e-12)
        assert time.process_time() - start < 20.0


VIEWS = ["A[0]", "A[:, 1]", "A[None]", "A.T", "A.reshape(-1)", "A.ravel()", "np.atleast_3d(A)", "np.flip(A, 1)",
         "np.rot90(A)", "np.split(A, 3)[1]", "next(iter(A))", "A.real", "(A + 0j).real", "np.einsum('ij->ji', A)",
         "np.einsum('ii->i', A[:, :3])", "np.diagonal(A)", "np.linalg.diagonal(A)", "np.diag(A)",
         "np.broadcast_to(A, (2, 3, 4))", "np.broadcast_arrays(A, A[None])[0]",
         "np.lib.stride_tricks.sliding_window_view(A, (2, 2))", "np.squeeze(A[:1, :1])", "A[0, 0, ...]"]


@pytest.mark.parametrize("buffer", ["np.zeros((3, 4))", "x * x"])
@pytest.mark.parametrize("view", VIEWS)
def test_a_view_shows_what_is_written_later(view, buffer):
    """Of traced arrays, and of buffers that were constant when the view was taken."""
    def f(x):
        A = eval(buffer)
        V = eval(view, globals(), {"A": A})
        A[:] = x ** 2
        A[0] *= x[0]
        A[:, 1] += x[0, 0]
        A[1:, 2:] = x[1, 1] ** 3
        return np.sum(A * A) + np.sum(V * V * np.reshape(np.arange(V.size) + 1.0, V.shape))
    x = RNG.uniform(0.5, 1.5, (3, 4))
    value, grad = ad.value_and_grad(f)(x)
    np.testing.assert_allclose(value, f(x), rtol=1e-12)
    np.testing.assert_allclose(grad, ad.finite_difference.gradient(f, x), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("view", ["A[0]", "A.T", "A.reshape(-1)", "A.real", "np.einsum('ij->ji', A)",
                                  "np.einsum('ii->i', A[:, :3])"])
def test_a_view_of_a_constant_buffer_is_written_twice(view):
    def f(x):
        A = np.zeros((3, 4))
        V = eval(view, globals(), {"A": A})
        V[...] = x[1, 1] ** 2
        V *= x[0, 0]
        return np.sum(A * A)
    x = RNG.uniform(0.5, 1.5, (3, 4))
    np.testing.assert_allclose(ad.grad(f)(x), ad.finite_difference.gradient(f, x), rtol=1e-6, atol=1e-6)


def _box_of_a_number(x):
    s = np.array(x[0])
    t = s
    s *= x[1]
    return t * s


def _box_of_zeros(x):
    s = np.zeros(())
    t = s
    s[...] = x[0]
    s += x[1] ** 2
    return t * s


def _box_in_a_function(x):
    s = np.zeros(())

    def add(v):
        r = s
        r += v
    for v in x:
        add(v ** 2)
    return s * x[0]


def _box_by_reshape(x):
    s = (x * x).sum(keepdims=True).reshape(())
    t = s
    s += x[0]
    return t * x[1]


def _numbers_are_rebound(x):
    s = x[0]
    t = s
    s *= x[1]
    u = np.asarray(t)
    u += x[1]
    return s + t ** 2 + u


@pytest.mark.parametrize("f", (_box_of_a_number, _box_of_zeros, _box_in_a_function, _box_by_reshape,
                               _numbers_are_rebound))
def test_arrays_without_axes_are_written_and_numbers_are_not(f):
    x = np.array([0.7, 1.3, 0.4])
    assert float(f(x)) == ad.value_and_grad(f)(x)[0]
    np.testing.assert_allclose(ad.grad(f)(x), ad.finite_difference.gradient(f, x), rtol=1e-7)
