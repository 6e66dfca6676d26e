"""Forward and reverse mode on paper: the tables of two worked examples, computed.

y = (sin(x₁/x₂) + x₁/x₂ − e^x₂)(x₁/x₂ − e^x₂) at (1.5, 0.5), and √(x² + e^x²) + cos(x² + e^x²).
"""

import numpy as np

import autodiff as ad
from autodiff.interpreters.draw import picture, trace_with_names


def example(x1, x2):
    v1 = x1 / x2
    v2 = np.sin(v1)
    v3 = np.exp(x2)
    v4 = v1 - v3
    v5 = v2 + v4
    v6 = v5 * v4
    return {"v1": v1, "v2": v2, "v3": v3, "v4": v4, "v5": v5, "v6": v6}


def y(x1, x2):
    v1 = x1 / x2
    v2 = np.sin(v1)
    v3 = np.exp(x2)
    v4 = v1 - v3
    v5 = v2 + v4
    v6 = v5 * v4
    return v6


def chain(x):
    a = x ** 2
    b = np.exp(a)
    c = a + b
    d = np.sqrt(c)
    e = np.cos(c)
    f = d + e
    return f


def forward_table(x1, x2, direction):
    """name -> (value, tangent), from v₋₁ = x₁ and v₀ = x₂ to v₆: one pass for each direction."""
    values, tangents = ad.jvp(example, (x1, x2), direction)
    rows = {"v-1": (x1, direction[0]), "v0": (x2, direction[1])}
    return rows | {name: (float(values[name]), float(tangents[name])) for name in values}


def reverse_table(f, *args):
    """name -> (operation, value, adjoint) of every node, from one pass backwards."""
    boxes = picture(trace_with_names(f, *args), values=True, adjoints=True).boxes
    return {box.name: (box.text, float(box.value), float(box.adjoint)) for box in boxes}


if __name__ == "__main__":
    for name, direction in (("x₁", (1.0, 0.0)), ("x₂", (0.0, 1.0))):
        print(f"forward, with respect to {name}")
        for v, (value, tangent) in forward_table(1.5, 0.5, direction).items():
            print(f"  {v:>3} = {value:9.4f}    {v}' = {tangent:9.4f}")
    for title, f, args in (("y", y, (1.5, 0.5)), ("√(x² + e^x²) + cos(x² + e^x²)", chain, (0.8,))):
        print(f"reverse, {title}")
        for v, (text, value, adjoint) in reversed(reverse_table(f, *args).items()):
            print(f"  ∂/∂{v:<3} = {adjoint:9.4f}    {v} = {value:8.4f}    {text}")
