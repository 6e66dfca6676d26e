"""Fit a classifier to the Wisconsin breast cancer data: a dict of unknowns, and no derivative written by hand."""

import numpy as np

import optkit
import problems

data = problems.get("logistic-regression").data
A, y, names = data["A"], data["y"], data["feature_names"]     # standardised columns; +1 malignant, −1 benign


def loss(w):
    margin = y * (A @ w["slope"] + w["offset"])
    return np.mean(np.logaddexp(0, -margin)) + 0.005 * np.sum(w["slope"] ** 2)


result = optkit.minimize(loss, {"slope": np.zeros(A.shape[1]), "offset": 0.0}, gtol=1e-8)
print(result)

slope, offset = result.x["slope"], result.x["offset"]
right = np.mean(np.sign(A @ slope + offset) == y)
print(f"\nright on {right:.1%} of the {len(y)} patients it was fitted to; the five largest weights:")
for j in np.argsort(-np.abs(slope))[:5]:
    print(f"  {names[j]:<24} {slope[j]:+.3f}")
