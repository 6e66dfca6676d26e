"""Four losses of statistics in plain NumPy: each is proved convex, with certified mu and L, and then minimised."""

import numpy as np

import optkit
from optkit.convexity import Box, prove, verify

rng = np.random.default_rng(0)
A = rng.standard_normal((60, 4)) / 2
score = A @ np.array([1.0, -2.0, 0.5, 0.0])
labels, counts, classes = np.sign(score), rng.poisson(np.exp(score)), rng.integers(0, 3, 60)
target = score + 0.1 * rng.standard_normal(60)
target[::10] += 5.0                                          # outliers


def ridge(w):
    return 0.05 * np.sum(w ** 2)


def logistic(w):
    return np.mean(np.log(1 + np.exp(-labels * (A @ w)))) + ridge(w)


def poisson(w):
    return np.mean(np.exp(A @ w) - counts * (A @ w)) + ridge(w)


def softmax(W):
    scores = A @ W
    return np.mean(np.log(np.sum(np.exp(scores), axis=1)) - scores[np.arange(60), classes]) + ridge(W)


def huber(w):
    r = np.abs(A @ w - target)
    return np.mean(np.where(r <= 1, 0.5 * r ** 2, r - 0.5)) + ridge(w)


for f, shape in ((logistic, (4,)), (poisson, (4,)), (softmax, (4, 3)), (huber, (4,))):
    region = Box(-3, 3, shape=shape)
    proof = prove(f, region, maxtime=1.0)
    res = optkit.minimize(f, np.zeros(shape))
    gap = np.sum(res.jac ** 2) / (2 * proof.mu.lower)        # f(x) − f* <= ‖∇f(x)‖²/2μ, both in the region
    print(f"{f.__name__:<9} {proof.verdict.value:<23} {proof.mu.lower:.4g} <= mu, L <= {proof.L.upper:.4g}, "
          f"{verify(proof, f, region)}; {res.nit} iterations, f within {gap:.1g} of the minimum")

print(f"\n{proof}")
