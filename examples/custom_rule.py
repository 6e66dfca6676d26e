"""Derivatives by hand: rows of the course with broadcasting, an elementwise row, code that cannot be traced."""

import math

import numpy as np
from scipy.special import expit

import autodiff as ad


# Each lambda takes the cotangent, the output and the arguments, and gives the cotangent of one argument. It may have
# the shape of the output: where an argument was broadcast, it is summed.
@ad.custom_vjp
def add(x, y):
    return x + y


@ad.custom_vjp
def multiply(x, y):
    return x * y


@ad.custom_vjp
def subtract(x, y):
    return x - y


@ad.custom_vjp
def divide(x, y):
    return x / y


add.defvjps(lambda ct, out, x, y: ct, lambda ct, out, x, y: ct)
multiply.defvjps(lambda ct, out, x, y: y * ct, lambda ct, out, x, y: x * ct)
subtract.defvjps(lambda ct, out, x, y: ct, lambda ct, out, x, y: -ct)
divide.defvjps(lambda ct, out, x, y: ct / y, lambda ct, out, x, y: -ct * x / y**2)

column, row = np.array([[0.5], [1.5]]), np.array([1.0, 2.0, 3.0])
for rule in (add, multiply, subtract, divide):
    ad.check_grads(rule, (column, row), order=2)
    print(f"{rule.__name__:8} d(sum)/d(column) =", ad.grad(lambda x, rule=rule: np.sum(rule(x, row)))(column).ravel())

# An elementwise row: the function and its derivative from (output, input); forward, reverse and higher orders follow.
swish = ad.elementwise(lambda x: x * expit(x), lambda y, x: expit(x) * (1 + x - y))
ad.check_grads(swish, (row,), order=3)
print("Hessian of swish(x).sum():", np.diag(ad.hessian(lambda x: np.sum(swish(x)))(row)))


# The body may be any code: here Python floats, which cannot be traced. One tangent rule gives reverse mode too.
@ad.custom_jvp
def distance(x):
    return math.hypot(*x.tolist())


distance.defjvps(lambda dx, out, x: x @ dx / out)
ad.check_grads(distance, (row,), order=2)
print("gradient of the distance: ", ad.grad(distance)(row))
