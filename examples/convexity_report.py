"""Is it convex? One function that is, one that is not, and a witness that anyone can check again."""

import numpy as np

from optkit.convexity import Box, check


def log_sum_exp(x):
    return np.log(np.sum(np.exp(x)))


def log_of_one_plus_square(x):
    return np.sum(np.log1p(x ** 2))


print(check(log_sum_exp, Box(-3, 3, shape=5)), end="\n\n")

report = check(log_of_one_plus_square, Box(-3, 3, shape=2))
print(report)
print(f"\nthe witness, recomputed by plain calls of f: f(z) exceeds the chord by {report.witness.recheck():.3g}")
report.plot("convexity.png")
print("convexity.png")
