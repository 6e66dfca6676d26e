"""The error of differences against the step: truncation is O(δ) or O(δ²), rounding O(1/δ)."""

import sys

import numpy as np

import autodiff as ad
from optkit.plots import style


def f(x):
    return np.exp(np.sin(x[0])) * x[1] ** 2


x = np.array([0.7, 1.3])
truth = ad.grad(f)(x)
steps = 10.0 ** np.arange(-15, 0.01, 0.25)
errors = {scheme: [np.max(np.abs(ad.finite_difference.gradient(f, x, scheme, step=step) - truth)) for step in steps]
          for scheme in ("forward", "backward", "central")}

path = sys.argv[1] if len(sys.argv) > 1 else "finite_differences.png"
with style.styled():
    figure = style.new_figure((6.4, 4.2), path)
    ax = figure.add_subplot()
    for index, (scheme, error) in enumerate(errors.items()):
        pen = style.pen(index)
        ax.loglog(steps, error, color=pen.colour, marker=pen.marker, markersize=3.5, label=scheme)
        default = np.max(np.abs(ad.finite_difference.gradient(f, x, scheme) - truth))
        print(f"{scheme:9} best {min(error):.1e} at step {steps[np.argmin(error)]:.0e}, default step {default:.1e}")
    for power, label in ((1, "δ"), (2, "δ²")):
        ax.loglog(steps[28:], steps[28:] ** power, color=style.INK, linewidth=0.8, linestyle=":")
        ax.annotate(label, (1e-4, 1e-4**power), (8, -12), textcoords="offset points")
    ax.set(xlabel="step δ", ylabel="largest error of the gradient", title="Differences of exp(sin x₁)·x₂²",
           ylim=(1e-13, 1e2))
    ax.legend()
    style.finish(figure, path)
print(path)
