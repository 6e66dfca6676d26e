"""The computational graph of a regularised logistic least squares fit, with every adjoint by name, as a picture."""

from scipy.special import expit

from autodiff.interpreters.draw import picture, trace_with_names
from optkit import plots


def loss(w, b, x, t, lam):
    z = w * x + b
    y = expit(z)
    L = 0.5 * (y - t) ** 2
    R = 0.5 * w ** 2
    return L + lam * R


point = {"w": 0.5, "b": 0.1, "x": 2.0, "t": 1.0, "lam": 0.3}
graph = trace_with_names(loss, *point.values())
adjoint = {box.name: float(box.adjoint) for box in picture(graph, adjoints=True).boxes}
for name, by_hand, formula in (
        ("z", adjoint["y"] * expit(1.1) * (1 - expit(1.1)), "ȳ σ'(z)"),
        ("w", adjoint["z"] * point["x"] + adjoint["R"] * point["w"], "z̄ x + R̄ w"),
        ("b", adjoint["z"], "z̄, since ∂z/∂b = 1"),
        ("x", adjoint["z"] * point["w"], "z̄ w")):
    print(f"{name}: adjoint {adjoint[name]:+.6f}    by hand {by_hand:+.6f} = {formula}")

plots.graph(loss, *point.values(), adjoints=True, path="logistic_graph.png")
print("logistic_graph.png")
print(graph.to_dot(values=True)[:180], "…")
