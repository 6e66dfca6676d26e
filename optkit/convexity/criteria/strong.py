"""∇²f ⪰ μI, and the same μ from values and from gradients: three estimates at the lowest curvature found."""

from __future__ import annotations

import numpy as np

from ..search import Extreme, Row, Search
from ..witness import EPS

ROOM = 0.99  # of what there is, that a step may take
STEPS = np.geomspace(1e-1, 1e-6, 21)  # half-lengths in half-widths of the region
FEWEST = 8                            # of these are tried even when time is over
DISAGREEMENT = 0.02                  # of L beyond which the three estimates are said to differ


def strong(search: Search) -> Row:
    search.start(0.05)
    if search.lowest is None or search.highest is None:
        return Row("strong convexity", "skipped", "mu", np.nan, 0, 0, note="needs the second-order criterion")
    (low, left), (high, out) = _three(search, search.lowest), _three(search, search.highest)
    size = max(abs(search.lowest.value), abs(search.highest.value))
    agree = max(np.ptp(low), np.ptp(high)) <= DISAGREEMENT * size
    note = (f"by definition, gradients, Hessian: mu {_list(low)}; L {_list(high)}"
            + ("" if agree else "; they disagree: a kink, or rounding")
            + (f"; {left + out} of {2 * len(STEPS)} steps left out, where f is not finite" if left + out else ""))
    shown = agree and not search.refuted and search.lowest.value > search.oracle.n * EPS * size
    outcome = "holds" if shown else "not shown"
    return Row("strong convexity", outcome, "mu", search.lowest.value, len(STEPS), 0, note=note)


def _list(values: tuple[float, ...]) -> str:
    return ", ".join(f"{v:.6g}" if np.isfinite(v) else "none" for v in values)


def _three(search: Search, extreme: Extreme) -> tuple[tuple[float, float, float], int]:
    """Curvature at the extreme by second differences, by the tangent's error, and from the Hessian; steps left out."""
    by_values, by_tangent, left = [], [], 0
    unit = float(np.min(search.region.scale / np.maximum(np.abs(extreme.v), 1e-300)))
    for k, h in enumerate(STEPS):
        if search.overdue() or (k >= FEWEST and search.late()):
            break
        x = search.region.center + (1 - h) * (extreme.x - search.region.center)  # leaves room at the boundary
        d = h * unit * extreme.v
        d = d * min(1.0, ROOM * min(abs(t) for t in search.region.chord(x, d)))
        if not d.any():
            left += 1
            continue
        (fa, _), (fz, gz), (fb, _) = (search.oracle.value_and_grad(x + t * d) for t in (-1.0, 0.0, 1.0))
        if not np.isfinite([fa, fz, fb, float(gz @ d)]).all():
            left += 1
            continue
        square, doubt = float(d @ d), float(search.doubt(np.float64(max(abs(fa), abs(fz), abs(fb)))))
        by_values.append(((fa + fb - 2 * fz) / square, 4 * doubt / square))
        by_tangent.append((2 * (fb - fz - float(gz @ d)) / square, 4 * doubt / square))
    return (_settled(by_values), _settled(by_tangent), extreme.value), left


def _settled(estimates: list[tuple[float, float]]) -> float:
    """The estimate with the least rounding plus change from the longer step before it."""
    pairs = zip(estimates, estimates[1:], strict=False)
    if len(estimates) == 1:
        return estimates[0][0]
    return min(((doubt + abs(e - before), e) for (before, _), (e, doubt) in pairs), default=(0.0, np.nan))[1]
