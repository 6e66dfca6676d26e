"""ad.bounds: rigorous ranges, structures, cuts, and what it refuses."""

import numpy as np
import pytest

import autodiff as ad


def test_ranges_of_simple_functions():
    low, high = ad.bounds(lambda x: x[0] ** 2 + np.abs(x[1]) - 1, np.array([-1.0, -3.0]), np.array([2.0, 1.0]))
    assert (low, high) == (-1, 6)
    low, high = ad.bounds(np.sin, 0.0, 3.0)
    assert low == 0 and high == 1
    low, high = ad.bounds(lambda x: 1 / x, 2.0, 4.0)
    assert (low, high) == (0.25, 0.5)


@pytest.mark.parametrize("seed", range(6))
def test_sampled_values_lie_inside_and_cuts_tighten(seed):
    rng = np.random.default_rng(seed)
    a, b = rng.standard_normal((2, 4, 3))

    def f(x):
        z = np.tanh(a @ x) * (b @ x)
        return np.sum(z) + x[0] * x[1] - np.exp(-(x @ x)), np.sort(z)
    lower = rng.uniform(-1, 0, 3)
    upper = lower + rng.uniform(0.1, 1, 3)
    whole, pieces = ad.bounds(f, lower, upper), ad.bounds(f, lower, upper, boxes=64)
    for _ in range(300):
        value = f(rng.uniform(lower, upper))
        for low, high in (whole, pieces):
            for least, y, most in zip(low, value, high, strict=True):
                assert np.all(least <= y) and np.all(y <= most)
    assert whole[0][0] < pieces[0][0] and pieces[1][0] < whole[1][0]


def test_structures_and_further_arguments():
    lower = {"w": np.zeros((2, 3)), "c": 1.0}
    upper = {"w": np.ones((2, 3)), "c": 1.0}

    def f(p, s):
        return {"y": s * (p["w"] @ np.ones(3)) + p["c"], "flag": p["w"][0] > 2}
    low, high = ad.bounds(f, lower, upper, 2.0)
    assert np.array_equal(low["y"], [1, 1]) and np.array_equal(high["y"], [7, 7])
    assert not low["flag"].any() and not high["flag"].any()


def test_infinite_ends_and_constant_functions():
    assert ad.bounds(np.exp, -np.inf, 0.0) == (0, 1)
    assert ad.bounds(lambda x: x**2, -np.inf, np.inf, boxes=4) == (0, np.inf)
    assert ad.bounds(lambda x: 3.0, 0.0, 1.0) == (3, 3)


def test_rounding_is_outward():
    low, high = ad.bounds(lambda x: x + 0.2, 0.1, 0.1)
    assert low < high and np.nextafter(low, 1) == high          # 0.1 + 0.2 is no float


@pytest.mark.parametrize(("f", "lower", "upper", "error", "message"), [
    (np.log, -1.0, 2.0, ValueError, r"log of \[-1, 2\].*partial=True"),
    (lambda x: x if x > 0 else -x, -1.0, 2.0, ValueError, "branches.*np.where"),
    (np.sqrt, 2.0, 1.0, ValueError, r"lower <= upper, got \[2.0, 1.0\]"),
    (np.sqrt, 0.0, np.nan, ValueError, "lower <= upper"),
    (np.sum, np.zeros(2), np.ones(3), ValueError, r"same shape, got \(2,\) and \(3,\)"),
    (np.sum, [0.0, 1.0], 2.0, ValueError, "same structure"),
    (lambda x: np.linalg.qr(x)[0], np.eye(2), np.eye(2), TypeError, "'qr'.*register"),
])
def test_refusals_name_the_value_and_the_remedy(f, lower, upper, error, message):
    with pytest.raises(error, match=message):
        ad.bounds(f, lower, upper)


def test_boxes_must_be_positive():
    with pytest.raises(ValueError, match="boxes >= 1, got 0"):
        ad.bounds(np.sin, 0.0, 1.0, boxes=0)


def test_partial_bounds_hold_where_f_is_defined():
    low, high = ad.bounds(np.log, -1.0, 2.0, partial=True)
    assert low == -np.inf and np.log(2) <= high < np.log(2) + 1e-15
    low, high = ad.bounds(np.log, -2.0, -1.0, partial=True)
    assert np.isnan(low) and np.isnan(high)
