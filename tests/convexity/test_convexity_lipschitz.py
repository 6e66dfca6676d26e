"""Lipschitz constants against functions whose constants are known."""

import numpy as np
import pytest

from optkit.convexity import Ball, Box, lipschitz


@pytest.mark.parametrize("f, domain, slope, bend", [
    (lambda x: 3 * x[0] - 4 * x[1], Box(-1, 1, shape=2), 5.0, 0.0),
    (lambda x: np.sum(x**2), Box(-1, 1, shape=2), np.sqrt(8.0), 2.0),
    (lambda x: np.sin(x), Box(-4, 4), 1.0, 1.0),
    (lambda x: x[0] * x[1], Box(-2, 2, shape=2), np.sqrt(8.0), 1.0),
    (lambda x: np.sum(np.abs(x)), Box(-1, 1, shape=2), np.sqrt(2.0), np.inf),
    (lambda x: 7.0, Box(-1, 1), 0.0, 0.0)])
def test_constants_are_enclosed(f, domain, slope, bend):
    found = lipschitz(f, domain)
    for bound, truth in ((found.f, slope), (found.gradient, bend)):
        assert bound.lower <= truth * (1 + 1e-12) and truth <= bound.upper
        assert bound.upper <= 1.06 * truth or not np.isfinite(truth)
        assert not np.isfinite(truth) or bound.certified_upper


def test_a_ball_is_looked_at_without_the_corners_of_its_box():
    found = lipschitz(lambda x: np.sum(x**2), Ball(np.zeros(2), 1.0))
    assert 2 <= found.f.upper <= 2.2


def test_jumps_have_no_constant_and_wrong_domains_are_named():
    assert lipschitz(lambda x: np.sum(np.floor(x)) + x @ x, Box(-1, 1, shape=2)).f.upper == np.inf
    with pytest.raises(TypeError, match="lipschitz: domain must be a region"):
        lipschitz(np.sum, (-1, 1))
