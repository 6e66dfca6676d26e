"""Places that depend on x: one recording stands for every order, and stays right there to second order."""

import numpy as np
import pytest

import autodiff as ad

RNG = np.random.default_rng(5)
POINTS = [RNG.standard_normal(6) * 1.2 for _ in range(6)]
V, W = RNG.standard_normal(6), np.arange(1.0, 7.0)


def written(write):
    def f(x):
        y = x * 2.0
        write(y, x)
        return np.sum(y ** 2 * W)
    return f


def _augmented(y, x):
    y[np.argsort(x)[:3]] += x[:3] ** 2
    y[np.argmax(x)] *= 2.0


def _repeated(y, x):
    y[np.argsort(x) // 2] = x ** 2


def _row_view(y, x):
    rows = y.reshape(2, 3)
    row = rows[np.argmax(rows[:, 0])]
    row[0] = x[1] ** 2
    rows[np.argmin(rows[:, 1]), 1:] += x[:2]


DYNAMIC = {
    "sort": lambda x: np.sum(np.sort(x) ** 2 * W), "sort axis": lambda x: np.sum(np.sort(x.reshape(2, 3),
        0) ** 2 * W[:3]),
    "sort method": written(lambda y, x: y.sort()), "argsort": lambda x: x[np.argsort(x)] ** 2 @ W,
    "partition": lambda x: np.sum(np.partition(x, 3)[:3]) ** 2, "median": lambda x: np.median(x) ** 2 + x @ x,
    "percentile": lambda x: np.sum(np.percentile(x, [10.0, 40.0, 80.0]) ** 2),
    "quantile": lambda x: np.quantile(x.reshape(2, 3), 0.3, axis=1, method="hazen") @ W[:2],
    "traced q": lambda x: np.quantile(x, 0.5 + 0.3 * np.tanh(x[0])),
    "nanquantile": lambda x: np.nanquantile(np.where(x < -1, np.nan, x),
        0.3) ** 2 + np.nanmedian(np.where(x > 1, np.nan, x)),
    "argmax": lambda x: x[np.argmax(x)] ** 2 * x[np.argmin(x)], "take": lambda x: np.take(W, np.argsort(x)) @ x ** 2,
    "take_along_axis": lambda x: np.take_along_axis(x, np.argsort(x), 0) ** 2 @ W,
    "rows": lambda x: np.sum((x.reshape(2, 3)[np.argmax(x[::3])] + x[:3]) ** 3),
    "mixed": lambda x: np.sum(x.reshape(2, 3)[:, np.argsort(x[:3])] ** 2 * W.reshape(2, 3)),
    "two arrays": lambda x: np.sum(x.reshape(2, 3)[np.argsort(x[:2]), np.argsort(x[2:4])] ** 2),
    "interp": lambda x: np.sum(np.interp(x, [-1.0, 0.0, 1.0], [0.0, 2.0, 1.0]) ** 2) + x @ x,
    "interp knots": lambda x: np.interp(0.1, np.sort(x), W ** 2 * x[0]) ** 2,
    "searchsorted": lambda x: x[np.searchsorted([-1.0, 0.0, 1.0, 2.0, 9.0], x)] @ x ** 2,
    "digitize": lambda x: np.take([1.0, 3.0, 5.0, 7.0], np.digitize(x, [-1.0, 0.0, 1.0])) @ x ** 2,
    "histogram": lambda x: np.sum(np.histogram(x, 4, range=(-4, 4), weights=x ** 2)[0] ** 2 * W[:4]),
    "bincount": lambda x: np.bincount(np.argsort(x) % 3, x ** 2, minlength=3) @ np.sin(W[:3]),
    "ranks": lambda x: np.argsort(np.argsort(x)) @ x ** 2,
    "running maximum": lambda x: np.sum(np.maximum.accumulate(x) ** 2),
    "isin": lambda x: np.isin(np.floor(x), [0.0, 1.0]) @ x ** 2, "unwrap": lambda x: np.sum(np.unwrap(3 * x) ** 2),
    "write": written(lambda y, x: y.__setitem__(np.argmax(x), x[0] ** 2)), "write repeated": written(_repeated),
    "augmented": written(_augmented), "row view": written(_row_view), "add.at": written(
        lambda y, x: np.add.at(y, np.argsort(x)[:2], x[:2] ** 2)),
    "mask and number": written(lambda y, x: y.__setitem__(x < 0, 0.1)),
    "mask and traced number": written(lambda y, x: y.__setitem__(x < 0, x[0] ** 2)),
    "put_along_axis": written(lambda y, x: np.put_along_axis(y, np.argsort(x)[:2], x[:2] ** 2, 0)),
    "place": written(lambda y, x: np.place(y, x > 0, x[:2] ** 2)), "choose": lambda x: np.choose(
        np.argsort(x) % 2, [x ** 2, x ** 3]) @ W}


@pytest.mark.parametrize("f", DYNAMIC.values(), ids=DYNAMIC)
def test_one_recording_stands_for_every_order(f):
    fun, eager = ad.compile(f), ad.compile(f, eager=True)
    for number, x in enumerate(POINTS):
        value, grad, hv = fun.linearize_grad(x)
        np.testing.assert_allclose(value, f(x), rtol=1e-12)
        np.testing.assert_allclose(grad, ad.finite_difference.gradient(f, x, scheme="central"), rtol=2e-6, atol=1e-7)
        np.testing.assert_allclose(eager.grad(x), grad, rtol=1e-12, atol=1e-13)
        second = ad.finite_difference.directional(eager.grad, x, V, scheme="central")
        np.testing.assert_allclose(hv(V), second, rtol=1e-5, atol=1e-6)
        assert number == 0 or fun.report.mode == "compiled", fun.report
    assert fun.report.recordings == 2


def test_derivatives_with_respect_to_what_is_written_count_the_last_write_alone():
    def f(x):
        y = np.zeros(2)
        y[np.argsort(x) * 0] = x
        return y[0] ** 2
    x = np.array([0.5, -1.5, 2.5])
    np.testing.assert_allclose(ad.grad(f)(x), [0.0, 0.0, 5.0])
    np.testing.assert_allclose(ad.jvp(f, (x,), (np.array([3.0, 4.0, 5.0]),))[1], 25.0)


def test_batches_of_gathers():
    x = RNG.standard_normal((2, 3, 4))
    for axis in range(3):
        def f(x, axis=axis):
            return np.sort(x, axis) ** 2 * np.cos(x)
        ad.check_grads(f, (x,), order=2, directions=1, rtol=2e-5)
    order = np.argsort(x, 1)[:, :2]
    ad.check_grads(lambda x: np.take_along_axis(x ** 2, order, 1), (x,), order=2, directions=1)
    ad.check_grads(lambda x: np.take_along_axis(x[:1] ** 2, order, 1), (x,), order=2, directions=1)


def test_masks_of_traced_values_decide_shapes_by_guards():
    fun = ad.compile(lambda x: np.sum(x[x > 0] ** 2) + len(x[x > 0]) * x[0])
    for x in POINTS:
        value, grad = fun.value_and_grad(x)
        np.testing.assert_allclose(grad, 2 * np.maximum(x, 0) + (np.arange(6) == 0) * np.sum(x > 0))


def test_indices_out_of_bounds_are_numpys_errors():
    for f in (lambda x: x[np.argsort(x) + 1], lambda x: np.take(x, np.argmax(x) + 9),
        lambda x: x.reshape(2, 3)[:, np.argmax(x)]):
        with pytest.raises(IndexError):
            ad.grad(lambda x, f=f: np.sum(f(x)))(np.arange(6.0))


def test_floats_and_complex_numbers_are_not_cut_off():
    with pytest.raises(ad.TraceError, match="written into an array of int64"):
        ad.grad(lambda x: _stored(np.argsort(x), x[0]))(V)
    with pytest.raises(ad.TraceError, match="used as an index"):
        ad.grad(lambda x: np.sum(x[np.floor(x)]))(V)


def _stored(buffer, value):
    buffer[0] = value
    return np.sum(buffer)


def test_float32_stays():
    x = np.array([0.3, -0.7, 1.1], np.float32)
    for f in (np.sort, np.median, lambda x: np.quantile(x, np.float32(0.3)), lambda x: np.take(x, np.argsort(x)),
              lambda x: np.partition(x, 1), lambda x: np.convolve(x, x), lambda x: np.pad(x, 2, "reflect"), np.gradient,
              lambda x: np.cumsum(x), lambda x: np.nanmean(x), lambda x: np.unique(x), lambda x: np.var(x)):
        result, = ad.trace(f, x).result
        assert np.asarray(result).dtype == np.asarray(f(x)).dtype == np.float32
        assert ad.grad(lambda x, f=f: np.sum(f(x) ** 2))(x).dtype == np.float32
