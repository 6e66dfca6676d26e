"""The operations of a function as a proof tells them: what each is, where it stands, what it adds to the Hessian."""

from __future__ import annotations

import linecache
import math
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

SOURCE = 48          # characters of a line of source that are printed


@dataclass(frozen=True, eq=False)
class Step:
    """One operation of f in the proof's tree.

    reason : what is known of it ("log-sum-exp: convex"). line : where it stands in the user's code. adjoint : the range
    of ∂f/∂(this operation). weight : of its contribution a·∇²φ to the Hessian. parts : the operations below it, which
    may stand below others as well: every walk here meets each once.
    """

    reason: str
    line: str
    adjoint: tuple[float, float]
    weight: tuple[float, float]
    parts: tuple[Step, ...] = field(default=(), repr=False)

    @property
    def sign(self) -> str:
        low, high = self.weight
        return "adds nothing" if low == high == 0 else "convex" if low >= 0 else "concave" if high <= 0 else "neither"

    def __str__(self) -> str:
        """Without the place: what it is, and bounds on the curvature that it adds."""
        weight = "" if self.weight == (-math.inf, math.inf) else "  [{:.4g}, {:.4g}]".format(*self.weight)
        return f"{self.sign:<8} {self.said}{weight}"

    @property
    def said(self) -> str:
        """The reason; where the sign of the adjoint turns round what it says, with that."""
        turned = " convex" in self.reason and self.weight[0] < 0 or "concave" in self.reason and self.weight[1] > 0
        low, high = self.adjoint
        if not turned or self.weight == (0.0, 0.0) or math.isnan(low + high):
            return self.reason
        if low < 0 < high:
            return f"{self.reason} (with a weight of either sign)"
        return f"{self.reason} (with weight " + (
            f"{low:.4g})" if low == high else f"<= {high:.4g})" if high <= 0 else f">= {low:.4g})")

    def walk(self) -> list[Step]:
        """Each step once, parts before what they are part of."""
        done: dict[int, Step] = {}
        stack = [self]
        while stack:
            step = stack[-1]
            missing = [part for part in step.parts if id(part) not in done]
            if missing:
                stack += missing[::-1]
            else:
                done[id(stack.pop())] = step
        return list(done.values())

    def told(self) -> Iterator[tuple[int, Step, int, bool]]:
        """(depth, step, number, told before) from the top: parts below what they are part of, but only once.

        number : of a step with parts that stands below several others, from 1; 0 for the rest.
        """
        uses = Counter(id(part) for step in self.walk() for part in step.parts)
        numbers: dict[int, int] = {}
        stack = [(0, self)]
        while stack:
            depth, step = stack.pop()
            again = id(step) in numbers
            shared = bool(step.parts) and uses[id(step)] > 1
            number = numbers.setdefault(id(step), len(numbers) + 1) if shared else 0
            yield depth, step, number, again
            stack += [] if again else [(depth + 1, part) for part in step.parts[::-1]]

    def lines(self) -> Iterator[str]:
        """The tree as text. A line of source is quoted where it first occurs, shortened; "(1)" marks a shared part."""
        quoted: set[str] = set()
        for lead, (_, step, number, again) in _led(self.told()):
            mark = f"({number}) " if number else ""
            place = shortened(step.line, quoted)
            yield f"{lead}{mark}as above" if again else f"{lead}{mark}{step}" + (f"   {place}" if place else "")

    def to_json(self) -> list[dict[str, Any]]:
        """Each step once, parts first and named by their places in the list; the last is this one."""
        steps = self.walk()
        places = {id(step): k for k, step in enumerate(steps)}
        return [{"reason": s.reason, "line": s.line, "adjoint": list(map(_jsonable, s.adjoint)),
                 "weight": list(map(_jsonable, s.weight)), "parts": [places[id(p)] for p in s.parts]} for s in steps]

    @staticmethod
    def from_json(data: list[dict[str, Any]]) -> Step:
        steps: list[Step] = []
        for item in data:
            low, high = item["adjoint"], item["weight"]
            steps.append(Step(item["reason"], item["line"], (float(low[0]), float(low[1])),
                              (float(high[0]), float(high[1])), tuple(steps[k] for k in item["parts"])))
        return steps[-1]


def _led(told: Iterator[tuple[int, Step, int, bool]]) -> Iterator[tuple[str, tuple[int, Step, int, bool]]]:
    """With the branches drawn before each: whether one goes on is only known from what comes later."""
    items = list(told)
    goes_on: set[int] = set()
    leads = []
    for depth, *_ in reversed(items):
        goes_on = {d for d in goes_on if d <= depth}
        bars = "".join("│  " if d in goes_on else "   " for d in range(1, depth))
        leads.append(bars + ("" if not depth else "├─ " if depth in goes_on else "└─ "))
        goes_on.add(depth)
    return zip(reversed(leads), items, strict=True)


def located(site: Any) -> str:
    """'file.py:12  source' of a (file, line) pair."""
    if site is None:
        return ""
    source = linecache.getline(*site).strip()
    return f"{os.path.basename(site[0])}:{site[1]}" + (f"  {source}" if source else "")


def shortened(line: str, quoted: set[str] | None = None) -> str:
    """What `located` gave, the source cut to SOURCE characters, and left out where `quoted` has it already."""
    place, _, source = line.partition("  ")
    if quoted is not None and line in quoted:
        return place
    if quoted is not None:
        quoted.add(line)
    return place + (f"  {source if len(source) <= SOURCE else source[:SOURCE - 1].rstrip() + '…'}" if source else "")


def _jsonable(value: float) -> Any:
    return value if math.isfinite(value) else str(value)
