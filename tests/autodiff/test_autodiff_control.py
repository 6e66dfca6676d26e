"""Python control flow on traced values: guards, paths, and never a GuardMiss outside."""

import numpy as np
import pytest

import autodiff as ad
from autodiff import trust
from autodiff.answers import Compiled

RNG = np.random.default_rng(0)
POINTS = [RNG.standard_normal(4) for _ in range(12)]


def if_else(x):
    if x[0] > 0:
        return np.sum(x ** 2)
    return np.sum(np.exp(x))


def elif_chain(x):
    if x[0] > 1:
        return x @ x
    elif -1 < x[1] <= 1:
        return np.sum(x ** 3)
    elif not x[2] > 0 or x[3] > 0:
        return np.sum(np.sin(x))
    return x[0] * x[1]


def while_loop(x):
    y = x * x
    while np.sum(y) > 0.1:
        y = y * 0.5
    return np.sum(y * x)


def for_loop(x):
    total = 0.0
    for i, xi in enumerate(x):
        total = total + (i + 1) * xi ** 2
    return total


def newton(x):
    """sqrt of 1 + x·x by Newton's iteration until it is found."""
    a = 1.0 + x @ x
    y = a
    while abs(y * y - a) > 1e-12 * a:
        y = 0.5 * (y + a / y)
    return y


def recursive(x):
    return x[0] ** 2 if len(x) == 1 else x[-1] * x[0] + recursive(x[:-1]) if x[-1] > 0 else recursive(x[:-1])


def largest(x):
    return x[int(np.argmax(x))] ** 2 + x[np.argmin(x)]


def mask(x):
    return np.sum(x[x > 0] ** 2) - np.sum(x[~(x > 0)])


def masked_write(x):
    y = x.copy()
    y[y < 0] *= 0.5
    return np.sum(y ** 2)


def ordered(x):
    return np.sum(np.sort(x) * np.arange(4.0)) + x[np.argsort(x)[0]] ** 2


def fancy(x):
    return np.sum(x[[0, 2, 2]] ** 2) + x[np.array([1, 3])] @ x[np.array([3, 3])]


def ternary(x):
    return sum(v if v > 0 else v * v for v in x)


def minimum(x):
    return max(x) ** 2 + min(x[0], x[1])


def found(x):
    return (1.0 if 0.0 in x else 2.0) * (x @ x)


def counted(x):
    """Constants derived from integers and booleans of the values."""
    positive = np.flatnonzero(x > 0)
    return np.sum(x[positive]) * float(np.count_nonzero(x > 0.5)) + x[0] ** 2 * (x > 0).sum()


def table(x):
    weights = np.array([1.0, 2.0, 3.0, 4.0])
    return x @ x * weights[np.argmax(x)]


def flags(x):
    seen = np.zeros(4, dtype=bool)
    for i in range(4):
        seen[i] = x[i] > 0
    return np.sum(x[seen]) + x @ x


FUNCTIONS = [if_else, elif_chain, while_loop, for_loop, newton, recursive, largest, mask, masked_write, ordered, fancy,
             ternary, minimum, found, counted, table, flags]


def difference(f, x):
    return ad.finite_difference.gradient(f, x, scheme="central")


@pytest.mark.parametrize("f", FUNCTIONS, ids=lambda f: f.__name__)
def test_values_and_gradients_follow_the_branches(f):
    fun = ad.compile(f)
    for _ in range(2):
        for x in POINTS:
            value, grad = fun.value_and_grad(x)
            assert value == pytest.approx(float(f(x)), rel=1e-12)
            np.testing.assert_allclose(grad, difference(f, x), rtol=1e-6, atol=1e-7)
            value, grad2, hv = fun.linearize_grad(x)
            np.testing.assert_allclose(grad2, grad, rtol=1e-12, atol=1e-14)
            assert fun(x) == pytest.approx(float(f(x)), rel=1e-12)


@pytest.mark.parametrize("f", FUNCTIONS, ids=lambda f: f.__name__)
def test_eager_agrees(f):
    eager, compiled = ad.compile(f, eager=True), ad.compile(f)
    for x in POINTS + POINTS:
        np.testing.assert_allclose(eager.value_and_grad(x)[1], compiled.value_and_grad(x)[1], rtol=1e-12, atol=1e-14)


def test_each_path_is_recorded_twice_and_then_compiled():
    fun = ad.compile(lambda x: np.sum(x ** 2) if x[0] > 0 else np.sum(np.exp(x)))
    ups, downs = ([x for x in POINTS if (x[0] > 0) == up] for up in (True, False))
    for x in (ups[0], downs[0], ups[1], downs[1]):
        fun.value_and_grad(x)
    assert fun.report.mode == "compiled" and fun.report.recordings == 4
    for x in POINTS:
        assert fun.value_and_grad(x)[0] == pytest.approx(float(if_else(x)))
    assert fun.report.recordings == 4


@pytest.fixture
def signs():
    """A function of 2ⁿ paths, new in each test."""
    return lambda x: sum(x[i] if x[i] > 0 else x[i] ** 2 for i in range(len(x)))


def signed_points(n, count, seed):
    """Points of the first `count` sign patterns in n entries, at random places."""
    rng = np.random.default_rng(seed)
    return [np.array([1.0 if k >> i & 1 else -1.0 for i in range(n)]) * rng.uniform(0.5, 2.0, n) for k in range(count)]


def test_many_paths_are_all_compiled(signs):
    fun = ad.compile(signs)
    for seed in range(5):
        for x in signed_points(5, 32, seed):
            value, grad = fun.value_and_grad(x)
            assert value == pytest.approx(float(signs(x)))
            np.testing.assert_allclose(grad, np.where(x > 0, 1.0, 2 * x))
            if seed > 1:
                np.testing.assert_allclose(fun.linearize_grad(x)[2](np.ones(5)), np.where(x > 0, 0.0, 2.0))
    assert fun.report.mode == "compiled" and fun.report.reason.startswith("32 path")
    assert fun.report.recordings == 64                                # two a path, none after that


def test_a_miss_leads_to_the_right_path(signs, monkeypatch):
    """Each miss excludes all paths but those of the branch taken: 6 branches cost at most 7 runs of 64 paths."""
    fun = ad.compile(signs)
    for seed in range(2):
        for x in signed_points(6, 64, seed):
            fun.value_and_grad(x)
    runs, run = [], Compiled.answer
    monkeypatch.setattr(Compiled, "answer", lambda self, kind, call, f: (runs.append(1), run(self, kind, call, f))[1])
    for x in signed_points(6, 64, 3)[::-1]:
        del runs[:]
        np.testing.assert_allclose(fun.value_and_grad(x)[1], np.where(x > 0, 1.0, 2 * x))
        assert 1 <= len(runs) <= 7
        del runs[:]
        fun(x), fun.linearize_grad(x)
        assert len(runs) == 2                                         # the latest first
    assert fun.report.recordings == 128


def test_the_number_of_iterations_may_vary():
    """Newton's iteration inside f: one path a number of steps, found in a few runs, recorded twice each."""
    fun = ad.compile(newton)
    rng = np.random.default_rng(0)
    for _ in range(150):
        x = rng.standard_normal(4) * 10.0 ** rng.uniform(-2, 4)
        value, grad = fun.value_and_grad(x)
        assert value == pytest.approx(np.sqrt(1 + x @ x), rel=1e-11)
        np.testing.assert_allclose(grad, x / value, rtol=1e-9)
    entry, = fun._entries.values()
    assert fun.report.mode == "compiled" and len(entry.compiled) > 10
    assert fun.report.recordings <= 3 * (len(entry.compiled) + len(entry.pending))        # (some at a guard's edge)


def test_paths_that_hardly_ever_return_are_run_eagerly(signs):
    fun = ad.compile(signs)
    rng = np.random.default_rng(0)
    for _ in range(220):
        x = rng.standard_normal(16)
        np.testing.assert_allclose(fun.value_and_grad(x)[1], np.where(x > 0, 1.0, 2 * x))
    assert fun.report.mode == "eager" and "paths" in fun.report.reason
    entry, = fun._entries.values()
    assert not entry.pending and not entry.compiled


def test_long_paths_are_forgotten_for_new_ones(monkeypatch):
    """What is kept is bounded in operations, and a forgotten path is recorded again."""
    def f(x):
        y, n = x[0], int(ad.stop_gradient(x[1]))
        for _ in range(n):
            y = y * 0.999 + 1e-3 * x[0]
        return y * y
    monkeypatch.setattr(trust, "MAX_OPERATIONS", 2000)
    fun = ad.compile(f)
    for n in (*range(80, 110), 80):
        for start in (1.0, 1.5):
            x = np.array([start, float(n)])
            value, grad = fun.value_and_grad(x)
            assert value == pytest.approx(float(f(x))) and grad[0] == pytest.approx(2 * value / start)
    entry, = fun._entries.values()
    assert fun.report.mode == "compiled" and 8 <= len(entry.compiled) + len(entry.pending) <= 12


def test_the_number_of_iterations_may_differ_at_every_point():
    fun = ad.compile(while_loop)
    for scale in np.logspace(-1, 3, 25):
        x = scale * POINTS[0]
        np.testing.assert_allclose(fun.value_and_grad(x)[1], difference(while_loop, x), rtol=1e-5, atol=1e-6 * scale)


def test_a_guard_at_the_edge_of_rounding_never_escapes():
    """Generated code may round a sum otherwise than the run did: either branch is right there, a GuardMiss is not."""
    def f(x):
        a = 0.1 * x[0] + 0.2 * x[0]                       # one product by 0.3 in generated code
        return x @ x if a > 0.3 * x[0] else np.sum(x ** 3)

    def g(x):
        return ad.grad(f)(x) @ x

    def either(found, *branches):
        assert any(np.allclose(found, branch, rtol=1e-12) for branch in branches)

    fun, nested = ad.compile(f), ad.compile(g, eager=True)
    for k in [-2, -1, 3, 6, *range(1, 40)]:
        x = np.array([k / 7, 1.0, -2.0])
        either(fun.value_and_grad(x)[0], x @ x, np.sum(x ** 3))
        entry, = fun._entries.values()
        assert k != 6 or not entry.pending                # the path is known, though its code misses
        either(nested(x), 2 * x @ x, 3 * np.sum(x ** 3))
        either(ad.grad(g)(x), 4 * x, 9 * x ** 2)
        either(ad.jvp(f, (x,), (x,))[1], 2 * x @ x, 3 * np.sum(x ** 3))
        either(ad.hvp(f, x, x), 2 * x, 6 * x * x)
    assert ad.hessian(f)(np.array([0.7, 1.0, 1.0])).shape == (3, 3)
    assert len(entry.compiled) <= 2


def test_a_branch_inside_an_inner_derivative_is_guarded_outside():
    def inner(y):
        return y @ y if y[0] > 0 else np.sum(y ** 3)

    def f(x):
        return np.sum(ad.grad(inner)(x) ** 2)
    fun = ad.compile(f)
    for x in POINTS + POINTS:
        expected = 8 * x if x[0] > 0 else 36 * x ** 3
        np.testing.assert_allclose(fun.value_and_grad(x)[1], expected, rtol=1e-12)


def test_stopped_gradients_may_become_numbers():
    def f(x):
        scale = float(ad.stop_gradient(np.max(np.abs(x))))
        return np.sum((x / scale) ** 2) * scale + np.searchsorted([0.0, 1.0], ad.stop_gradient(x[0]))
    fun = ad.compile(f)
    for x in POINTS:
        value, grad = fun.value_and_grad(x)
        assert value == pytest.approx(np.sum(x ** 2) / np.max(np.abs(x)) + np.searchsorted([0.0, 1.0], x[0]))
        np.testing.assert_allclose(grad, 2 * x / np.max(np.abs(x)))


def test_an_exception_that_f_handles_takes_the_branch_it_takes_in_a_plain_run():
    def f(x):
        try:
            return np.sum(np.log(np.diag(np.linalg.cholesky(np.diag(x) + 0.1 * np.ones((4, 4))))))
        except np.linalg.LinAlgError:
            return np.inf
    fun = ad.compile(f)
    good, bad = [np.abs(x) + 0.5 for x in POINTS], [-np.abs(x) - 0.5 for x in POINTS]
    for x in (bad[0], bad[1], good[0], bad[2], good[1], bad[3], good[2], good[3], bad[4]):
        assert fun(x) == pytest.approx(f(x))
        assert fun.value_and_grad(x)[0] == pytest.approx(f(x))


def test_printing_and_formatting_do_not_disturb():
    def f(x):
        text = f"{x[0]:.3f} {x[1]} {x}"
        return x @ x + len(text) * 0.0
    for x in POINTS[:3]:
        np.testing.assert_allclose(ad.grad(f)(x), 2 * x)


def test_long_runs_are_recorded_more_often_before_code_is_made(monkeypatch):
    from autodiff import trust

    def f(x):
        for _ in range(10):
            x = np.sin(x)
        return np.sum(x)

    monkeypatch.setattr(trust, "WORTH", 5)            # 11 operations: two calls more
    fun, modes = ad.compile(f), []
    for k in range(5):
        fun.grad(np.array([0.1, 0.2]) + k)
        modes.append(fun.report.mode)
    assert modes == ["recording"] * 3 + ["compiled"] * 2
