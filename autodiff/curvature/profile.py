"""Ranges of closed forms over intervals: between its special points (zeros of the derivative, zeros, poles, ends of
where it is defined) a form is monotone and of one sign, so that its range is decided by ends.
"""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

import numpy as np

from ..intervals import INF, Interval, add, point
from . import polynomials as P
from .closed import Form, NotClosed, derivative, in_exponentials
from .limits import EVERYTHING, at_infinity, at_root, between, imaginary, in_u, sign_of, value
from .polynomials import Root, span

LARGE = 700.0           # |s u| up to which e^{su} is computed




class Region(NamedTuple):
    """Between special points lo and hi: the form's limits there, its sign inside (None: not known); undefined where a
    root of a negative number would be taken."""

    lo: Root
    hi: Root
    at_lo: Interval
    at_hi: Interval
    sign: int | None
    defined: bool


class Profile:
    """A form, which is monotone on each of its regions.  Raises NotClosed where they cannot be found exactly."""

    def __init__(self, form: Form):
        slope = derivative(form)
        if len(form) > 1:
            form, slope = _joint(form, slope)
        if len(slope) > 1 or any(k.log is not None for k in slope):
            raise NotClosed
        self.form = form
        self.points = _special(form, slope)
        self.regions = self._regions()
        (self.scale,) = {k.scale for k in form if k.scale} or {Fraction(0)}
        ends = [abs(end) for r in self.points for end in (r.lo, r.hi)]
        self.far = LARGE / float(self.scale) if self.scale else INF
        self.tame = all(end < self.far for end in ends)

    def _regions(self) -> list[Region]:
        ends = [Root(-INF, -INF, None), *self.points, Root(INF, INF, None)]
        out = []
        for lo, hi in zip(ends, ends[1:], strict=False):
            inside = between(lo, hi)
            signs = [None if inside is None else sign_of(k, t, inside) for k, t in self.form.items()]
            sign = signs[0] if len(signs) == 1 else 0 if not signs else None
            defined = inside is None or not any(imaginary(k, inside) for k in self.form)
            out.append(Region(lo, hi, self._limit(lo, inside), self._limit(hi, inside), sign, defined))
        return out

    def _limit(self, at: Root, inside: Fraction | None) -> Interval:
        """The limit at a special point, from a region beside it and a number inside that."""
        total = span(0.0, 0.0)
        for kernel, top in self.form.items():
            sign = None if inside is None else sign_of(kernel, top, inside)
            part = at_infinity(kernel, top, at.lo, sign) if np.isinf(at.lo) else at_root(kernel, top, at, sign)
            total = add(total, part)
        return EVERYTHING if np.isnan(total.lo) or np.isnan(total.hi) else total

    def _at(self, x: np.ndarray) -> Interval:
        """The form at floats; beyond the range of e^{su}, between its last computed value and its limit."""
        near = np.clip(x, -self.far, self.far)
        found = value(self.form, point(near))
        if self.scale and self.tame:
            left, right = self.regions[0].at_lo, self.regions[-1].at_hi
            found = Interval(*(np.where(x < near, f(e, a), np.where(x > near, f(e, b), e)) for f, e, a, b in zip(
                (np.minimum, np.maximum), found, left, right, strict=True)))
        elif self.scale:
            far = x != near
            found = Interval(np.where(far, -INF, found.lo), np.where(far, INF, found.hi))
        return found

    def range(self, x: Interval) -> Interval:
        """An enclosure of all values over x, NaN where nothing is defined; exact signs."""
        at_lo, at_hi = self._at(x.lo), self._at(x.hi)
        lo, hi = np.full(x.shape, np.nan), np.full(x.shape, np.nan)
        alone = x.lo == x.hi                     # of an interval that ends at a pole, the limit from its own side
        for r in self.regions:
            if not r.defined:
                continue
            met = (x.lo <= r.hi.hi) & (x.hi >= r.lo.lo) & (alone | (x.lo < r.hi.hi) & (x.hi > r.lo.lo))
            ends = [Interval(*(np.where(cut, a, b) for a, b in zip(limit, here, strict=True)))
                    for cut, limit, here in ((x.lo <= r.lo.hi, r.at_lo, at_lo), (x.hi >= r.hi.lo, r.at_hi, at_hi))]
            part = Interval(np.minimum(ends[0].lo, ends[1].lo), np.maximum(ends[0].hi, ends[1].hi))
            part = Interval(np.where(np.isnan(part.lo), -INF, part.lo), np.where(np.isnan(part.hi), INF, part.hi))
            if r.sign is not None:
                part = Interval(np.maximum(part.lo, 0.0) if r.sign >= 0 else part.lo,
                                np.minimum(part.hi, 0.0) if r.sign <= 0 else part.hi)
            lo, hi = np.where(met, np.fmin(lo, part.lo), lo), np.where(met, np.fmax(hi, part.hi), hi)
        return Interval(lo, hi)

    def sign(self, x: Interval) -> np.ndarray:
        """1 or −1 where the form is defined and of that strict sign on all of x; else 0."""
        found = self.range(x)
        out = np.where(found.lo > 0, 1, np.where(found.hi < 0, -1, 0))
        for r in self.regions:
            inside = (x.lo > r.lo.hi) & (x.hi < r.hi.lo) | ((x.lo == -INF) & (r.lo.lo == -INF) & (x.hi < r.hi.lo)) | (
                (x.hi == INF) & (r.hi.hi == INF) & (x.lo > r.lo.hi)) | ((r.lo.lo == -INF) & (r.hi.hi == INF))
            if r.sign is not None and r.defined:
                out = np.where(inside, r.sign, out)
            elif not r.defined:
                out = np.where((x.lo < r.hi.hi) & (x.hi > r.lo.lo), 0, out)
        return out


def _joint(form: Form, slope: Form) -> tuple[Form, Form]:
    """In exponentials, where that makes one term of several."""
    try:
        joint, = in_exponentials(form)
    except NotClosed:
        return form, slope
    return joint, derivative(joint)


def _special(form: Form, slope: Form) -> list[Root]:
    found: list[Root] = []
    tops = [(k, t) for k, t in slope.items()] + (list(form.items()) if len(form) == 1 else [])
    for kernel, top in tops:
        found += in_u(kernel.scale, P.roots(top))
    for kernel in (*form, *slope):
        for b in (*[b for b, _ in kernel.powers], *([] if kernel.log is None else [kernel.log])):
            found += in_u(kernel.scale, P.roots(b))
    return P.distinct(found)
