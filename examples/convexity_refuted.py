"""Functions that look convex and are not: the witness of each, and a picture of f along one of them."""

import numpy as np

from optkit.convexity import Box, check, falsify


def almost_quartic(x):
    return x ** 4 - 1e-11 * x ** 2


def dented(x):
    return x @ x - 0.01 * np.sum(np.abs(x))


def half_norm(x):
    return np.linalg.norm(x, 0.5)


def springs(x):
    """Three masses on springs of length 1, which also resist being pressed: two of the energies are not convex."""
    p = x.reshape(3, 2)
    return 0.5 * np.sum((np.sqrt(np.sum(np.diff(p, axis=0) ** 2, axis=1)) - 1) ** 2) + np.sum(p[:, 1])


for f, region in ((almost_quartic, Box(-1, 1)), (dented, Box(-1, 1, shape=3)), (half_norm, Box(-1, 1, shape=2)),
                  (springs, Box(-2, 2, shape=6))):
    w = falsify(f, region)
    print(f"{f.__name__}: f at the middle of {w.points[0]} and {w.points[1]} is {w.recheck():.3g} above the chord, "
          f"of which rounding can be {w.bound:.1g}")

report = check(springs, Box(-2, 2, shape=6))
print(f"\n{report}")
report.plot("springs.png")
print("springs.png")
