"""Minimise Rosenbrock's function, written in plain NumPy, and draw the way the solvers took."""

import numpy as np

import optkit
from optkit import plots


def f(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


result = optkit.minimize(f, np.array([-1.2, 1.0]), method="newton-cg")
print(result)

paths = {method: optkit.minimize(f, np.array([-1.2, 1.0]), method=method, return_all=True)
         for method in ("l-bfgs", "newton-cg", "trust-ncg")}
plots.path(f, paths, path="rosenbrock.png")
print("\nrosenbrock.png")
