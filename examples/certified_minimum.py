"""A minimum that is proved global: logistic regression, how far above the minimum it can lie, and rates in theory."""

import numpy as np

import optkit
from optkit.convexity import Box

rng = np.random.default_rng(0)
A = rng.standard_normal((80, 6))
labels = (A @ np.array([1.0, -2.0, 0.5, 0.0, 0.0, 1.0]) + 0.5 * rng.standard_normal(80) > 0).astype(float)


def loss(w):
    return np.mean(np.log1p(np.exp(A @ w)) - labels * (A @ w)) + 0.05 * w @ w


everywhere = Box(-np.inf, np.inf, shape=6)
runs = {"gradient descent": {"method": "gradient-descent", "rule": "fixed"}, "Nesterov": {"method": "momentum"}}
results = {name: optkit.minimize(loss, np.ones(6), certify=everywhere, maxtime=2.0, **options)
           for name, options in runs.items()}
for name, result in results.items():
    print(name, result, sep="\n", end="\n\n")
print(results["Nesterov"].certificate(), results["Nesterov"].proof, sep="\n\n")
optkit.Comparison(results).plot("certified.png")
print("certified.png")
