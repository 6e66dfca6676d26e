"""What a least-squares run gives back."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse
from scipy.linalg import solve_triangular

from optkit.inputs import flatten_start
from optkit.point import column_norms
from optkit.result import Result
from optkit.subproblems.linear_fit import factor, rank
from optkit.text import duration, shortened


class Fit(Result):
    """The best fit found, with SciPy's names for what `scipy.optimize.least_squares` returns.

    x : in the structure of x0. cost : ½ Σ ρ. fun : (m,) residuals at x. jac : (m, n) Jacobian there, its rows weighted
    for a robust loss so that jacᵀjac is the Gauss–Newton Hessian. grad : gradient of the cost, in the structure of x0.
    optimality : ‖x − P(x − grad)‖∞, P the projection onto the bounds. active_mask : −1 at a lower bound, 1 at an upper.
    gnorm, gtol : the scale-free measure that decides on success (`LeastSquares.measure`) and what it had to reach.
    The rest as in Result; nfev counts residuals, njev Jacobians, history.f the cost.
    """

    def __str__(self) -> str:
        m, n = self.jac.shape
        robust = "" if self.loss == "linear" else f", loss {self.loss}"
        rows = [
            ("method", f"{self.method}" + (f" ({self.choice})" if self.choice else "")),
            ("derivatives", self.derivatives),
            ("stopped", f"{self.reason.name}: {self.message}"),
            ("cost", f"{self.cost:.12g}" + (f"   from {self.history[0].f:.6g}" if len(self.history) else "") + robust),
            ("residuals", f"{m}, for {n} unknowns; the largest {np.max(np.abs(self.fun)):.3g}"),
            ("bounds", f"{np.count_nonzero(self.active_mask)} active" if self.active_mask.any() else ""),
            ("spent", f"{self.nit} iterations, {self.nfev} residuals, {self.njev} Jacobians, {duration(self.seconds)}"),
            ("x", shortened(self.x)),
        ]
        rows = [(name, text) for name, text in rows if text]
        width = max(len(name) for name, _ in rows)
        return "\n".join([f"optkit: {'success' if self.success else 'NOT solved'}"]
                         + [f"  {name:<{width}}  {text}" for name, text in rows])

    __repr__ = __str__

    def covariance(self) -> np.ndarray:
        """s²(JᵀJ)⁻¹ with s² = 2·cost/(m − n), (n, n): of the estimate x where errors are independent and alike.

        Unknowns at a bound count as known: their rows are 0. Infinite where J has dependent columns, NaN without
        degrees of freedom. For a robust loss an approximation only. Seber & Wild 1989 §2.1.2.
        """
        m, n = self.jac.shape
        free = np.flatnonzero(self.active_mask == 0)
        J = self.jac.toarray() if scipy.sparse.issparse(self.jac) else self.jac
        J, out = J[:, free], np.zeros((n, n))
        size = column_norms(J)
        inside = np.ix_(free, free)
        if m <= free.size:
            out[inside] = np.nan
            return out
        with np.errstate(all="ignore"):
            R, order, _ = factor(J / np.where(size > 0, size, 1.0), np.zeros(m))
            if rank(R) < free.size:
                out[inside] = np.inf
                return out
            inverse = np.empty((free.size, free.size))
            inverse[order] = solve_triangular(R, np.eye(free.size)) / size[order][:, None]
            out[inside] = 2 * self.cost / (m - free.size) * (inverse @ inverse.T)
        return out

    def standard_errors(self) -> Any:
        """√ of the diagonal of `covariance`, in the structure of x."""
        return flatten_start(self.x)[1](np.sqrt(np.diag(self.covariance())))

    def save(self, path: str | os.PathLike) -> Path:
        """Write everything to one .npz file, as Result.save does; `optkit.load` reads it back."""
        jac = self.jac
        if scipy.sparse.issparse(jac):
            jac = {"data": jac.data, "indices": jac.indices, "indptr": jac.indptr, "shape": jac.shape}
        return Result({**self, "jac": jac}).save(path)

    @classmethod
    def loaded(cls, items: dict) -> Fit:
        """The Fit that was saved as these items."""
        jac = items["jac"]
        if isinstance(jac, dict):
            jac = scipy.sparse.csr_array((jac["data"], jac["indices"], jac["indptr"]), jac["shape"])
        return cls({**items, "jac": jac})

    def _like(self, items: dict) -> Fit:
        new = Fit(items)
        new.__dict__.update(self.__dict__)
        return new

    def __reduce__(self):
        return Fit, (dict(self),)
