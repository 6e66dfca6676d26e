"""Least squares by every method and step rule: the table a teacher draws on the board, and the curves."""

import optkit
import problems
from optkit import plots
from optkit.solvers import LBFGS, GradientDescent, Momentum, NewtonCG

problem = problems.get("least-squares", m=500, n=100)
solvers = {
    "fixed step 1/L": GradientDescent(rule="fixed", alpha=1 / problem.L),
    "Barzilai–Borwein": GradientDescent(rule="barzilai-borwein"),
    "Nesterov, restarted": Momentum(),
    "l-bfgs": LBFGS(memory=20),
    "newton-cg": NewtonCG(),
}
results = {name: optkit.minimize(problem.f, problem.x0, method=solver, gtol=1e-6, maxiter=500)
           for name, solver in solvers.items()}

print(f"{'':<20} iterations     f     g    Hv   f − f*")
for name, r in results.items():
    print(f"{name:<20} {r.nit:>10} {r.nfev:>5} {r.njev:>5} {r.nhev:>5}   {r.fun - problem.f_star:.1e}  {r.reason.name}")

plots.convergence(results, f_star=problem.f_star, path="compare.png", title="least squares, 500 × 100")
print("\ncompare.png")
