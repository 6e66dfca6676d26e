"""vᵀ∇²f(x)v with its derivatives in v and in x, exactly: one compiled program a branch of f."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

import autodiff as ad
from autodiff.compile import Program
from autodiff.derive import adjoint, primal, tangent
from autodiff.errors import GuardMiss

Vector = NDArray[np.float64]
PATHS = 8  # programs kept, one a branch of f


class Form(NamedTuple):
    """value = vᵀ∇²f(x)v, product = ∇²f(x)v, third = ∇ₓ(vᵀ∇²f(x)v) = D³f(x)[v, v, ·]."""

    value: float
    product: Vector
    third: Vector

    def times(self, factor: float) -> Form:
        return Form(factor * self.value, factor * self.product, factor * self.third)


class QuadraticForm:
    """(x, v) -> Form. NaN where f cannot be recorded or the branches are too many. Cost: about four gradients."""

    def __init__(self, f: Callable[[Vector], object]):
        self.f = f
        self.programs: list[Program] = []

    def __call__(self, x: Vector, v: Vector) -> Form:
        for program in (*self.programs, None):
            try:
                program = program or self._program(x)
                value, product, third = program(x, v, v)
            except GuardMiss:
                continue
            except (ad.TraceError, ArithmeticError, ValueError):
                break
            return Form(float(value), product, third)
        nothing = np.full(x.size, np.nan)
        return Form(np.nan, nothing, nothing)

    def _program(self, x: Vector) -> Program:
        """Two tangents, along v and along w = v, and the adjoint of the second: D²f[v, w], ∇²f w and D³f[v, w, ·]."""
        g = primal(ad.trace(self.f, x), safe=True)
        v, first = tangent(g, [0], g.outputs)
        w, second = ([], [None]) if first[0] is None else tangent(g, [0], first)
        if second[0] is None:
            inputs, outputs = (g.inputs[0], v[0], g.input(x.shape, x.dtype)), (0.0, np.zeros(x.size), np.zeros(x.size))
        else:
            g.outputs = tuple(second)
            inputs, outputs = (g.inputs[0], v[0], w[0]), (*second, *adjoint(g, [v[0], g.inputs[0]], [1.0]))
        program = Program(g, inputs, outputs)
        self.programs = [program, *self.programs[: PATHS - 1]]
        return program
