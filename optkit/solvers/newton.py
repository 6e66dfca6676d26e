"""Newton's method by factorisation."""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from scipy.sparse import csr_array

from optkit.checks import require
from optkit.linesearch import LineSearch, Ray, StrongWolfe, downhill
from optkit.objective import Objective
from optkit.point import Point, first_length, norm
from optkit.sources import Matrix
from optkit.stopping import Reason, Stop
from optkit.subproblems.modified_cholesky import newton_direction

COLUMNS = 3  # looked at before a Hessian of many unknowns is asked for


@dataclass(frozen=True, slots=True)
class Newton:
    """Newton directions by Cholesky factors of the Hessian, modified where it is indefinite, and a line search.

    For up to a few hundred unknowns, or many more where the Hessian is sparse: it is then found by one product a colour
    and factorised as a sparse matrix. Quadratic convergence; steps do not depend on linear changes of variables while H
    is positive definite. A dense Hessian is modified by Cheng & Higham 1998 with |D| (`absolute_ldl_solve`), a sparse
    one by a multiple of the identity, both so that negative curvature lengthens p instead of turning it uphill. Cost an
    iteration: a Hessian (n products, or one a colour), n³/3 multiplications or a sparse factorisation, one or two
    values and gradients. Nocedal & Wright §3.4.
    """

    sparse_from: int = 100  # unknowns; below, a dense factorisation takes less than looking for the pattern
    density: float = 0.1  # share of entries up to which a Hessian is factorised as sparse: fill-in makes more of them
    dense_up_to: int = 2000  # unknowns; a dense Hessian of more (32 MB, 2 s) is refused: use newton-cg
    search: LineSearch = field(default_factory=StrongWolfe)  # c2 = 0.9 and 0.5 solve the same problems at equal cost

    second_order: ClassVar[bool] = True

    def __post_init__(self):
        require("Newton", self.sparse_from >= 1, "sparse_from >= 1", sparse_from=self.sparse_from)
        require("Newton", 0 <= self.density <= 1, "0 <= density <= 1", density=self.density)
        require("Newton", self.dense_up_to >= 1, "dense_up_to >= 1", dense_up_to=self.dense_up_to)

    def init(self, objective: Objective, point: Point) -> "State":
        """Raises ValueError where the Hessian is too large to be dense and its columns are not sparse."""
        n = objective.n
        if n > self.dense_up_to and not self._looks_sparse(objective, point):
            raise ValueError(f"method 'newton': a dense Hessian of n = {n} > dense_up_to = {self.dense_up_to} "
                             "unknowns; use method='newton-cg', which takes products only, or raise dense_up_to")
        return State(point, 0.0, 0)

    def step(self, objective: Objective, state: "State") -> "State":
        point = state.point
        newton = newton_direction(self._hessian(objective, point), point.g)
        trial = None if newton is None else self.search(Ray(objective, point, newton.p), 1.0)
        if trial is None:
            trial = self.search(*downhill(objective, point, state.step or first_length(point.x)))
        if trial is None:
            raise Stop(Reason.STALLED_AT_PRECISION)
        return State(trial.point, norm(trial.point.x - point.x), 0)

    def _hessian(self, objective: Objective, point: Point) -> Matrix:
        n = objective.n
        H = objective.hessian(point.x, sparse=n >= self.sparse_from)
        return H.toarray() if isinstance(H, csr_array) and H.nnz > self.density * n * n else H

    def _looks_sparse(self, objective: Objective, point: Point) -> bool:
        """Whether one of a few columns, evenly spread, has few entries. A user's hess knows best."""
        if not objective.has_sparse_hessian:
            return objective.has_user_hessian
        product, e = objective.hvp(point.x), np.zeros(objective.n)
        filled = []
        for j in np.linspace(0, objective.n - 1, COLUMNS, dtype=int):
            e[j] = 1.0
            filled.append(np.count_nonzero(product(e)))
            e[j] = 0.0
        return bool(min(filled) <= self.density * objective.n)


@dataclass(slots=True)
class State:
    point: Point
    step: float
    inner: int
