"""A proof as an object: what is claimed and on what, what each operation adds, and the boxes that cover it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from autodiff.intervals import Interval, multiply, total

from .steps import Step, located, shortened
from .verdict import Bound, Verdict

__all__ = ["Cover", "Leaf", "Proof", "Split", "Step", "located"]

FORMAT = "optkit convexity proof 1"


class Leaf(NamedTuple):
    """A box on which every eigenvalue of the Hessian (of the block's variables) lies in [low, high]."""

    low: float
    high: float
    outside: bool = False      # the box has no point of the domain


class Split(NamedTuple):
    """A box cut in two at x[axis] = at; `axis` counts the block's variables."""

    axis: int
    at: float
    left: Leaf | Split
    right: Leaf | Split


class Cover(NamedTuple):
    """The boxes that cover the domain in some of the variables, on which f does not mix with the others."""

    variables: tuple[int, ...]
    tree: Leaf | Split

    def leaves(self, lower: np.ndarray, upper: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray, Leaf]]:
        """(lower, upper, leaf) of each, within the box lower, upper of all variables."""
        stack: list[tuple[Leaf | Split, np.ndarray, np.ndarray]] = [(self.tree, lower, upper)]
        while stack:
            node, low, high = stack.pop()
            if isinstance(node, Leaf):
                yield low, high, node
                continue
            left, right, i = high.copy(), low.copy(), self.variables[node.axis]
            left[i], right[i] = min(node.at, high[i]), max(node.at, low[i])
            stack += [(node.right, right, high), (node.left, low, left)]


@dataclass(frozen=True, eq=False)
class Proof:
    """What is proved of f on a domain, or why nothing is.

    verdict : PROVED_…, or UNDECIDED with `undecided` the reason and `decides` what would settle it. property : asked.
    mu, L : certified bounds, mu I ⪯ ∇²f ⪯ L I on the domain in its coordinates. how : the method. tree : the steps.
    covers : the boxes. lower, upper : the box they fill. graph : SHA-256 of f's recording. blocks : the step that
    keeps f from being convex by construction. weight : t, where the bounds are those of ∇²f + t AᵀA and A x = b on the
    domain. cut_short : whether more time might have shown more. of : "f", or "log f". mu_at, L_at : flat points where
    the sampled sides of mu and L were met, or None.
    """

    property: str
    verdict: Verdict
    mu: Bound
    L: Bound
    how: str
    tree: Step | None
    covers: tuple[Cover, ...]
    lower: np.ndarray = field(repr=False)
    upper: np.ndarray = field(repr=False)
    graph: str
    domain: str
    undecided: str = ""
    decides: str = ""
    hindrance: Step | None = None
    boxes: int = 0
    seconds: float = 0.0
    weight: float = 0.0
    cut_short: bool = False
    of: str = "f"
    mu_at: np.ndarray | None = field(default=None, repr=False)
    L_at: np.ndarray | None = field(default=None, repr=False)

    @cached_property
    def proved(self) -> bool:
        return self.verdict.proved

    def __str__(self) -> str:
        lines = [f"{self.verdict.value.replace('_', ' ')} on {self.domain}: {self.how or self.undecided}"]
        if self.operations is not None:
            lines += ["  " + line for line in self.operations.lines()]
            lines += [f"  (the operations of {self.shown_of})"] * (self.shown_of != "f")
        if self.hindrance is not None and not self.proved:
            lines.append(f"  in the way: {self.hindrance}   {shortened(self.hindrance.line)}".rstrip())
        if self.decides:
            lines.append(f"  what would decide: {self.decides}")
        lines.append(f"  mu {self.mu}   L {self.L}   ({self.boxes} box{'es' * (self.boxes != 1)}, "
                     f"{self.seconds:.2g} s)")
        return "\n".join(lines)

    @cached_property
    def shown_of(self) -> str:
        """The function that is shown convex: "f", "−f", "log f" or "−log f"."""
        return ("−" if "concave" in self.property else "") + self.of

    @cached_property
    def operations(self) -> Step | None:
        """The tree, its top named as what it is the tree of."""
        return self.tree and replace(self.tree, reason=re.sub("^f, ", f"{self.shown_of}, ", self.tree.reason))

    def to_json(self) -> str:
        """As JSON text; numbers keep all bits (hexadecimal floats)."""
        return json.dumps({
            "format": FORMAT, "property": self.property, "verdict": self.verdict.value, "domain": self.domain,
            "graph": self.graph, "how": self.how, "undecided": self.undecided, "decides": self.decides,
            "mu": _bound(self.mu), "L": _bound(self.L), "boxes": self.boxes, "seconds": self.seconds,
            "weight": self.weight.hex(), "cut_short": self.cut_short, "of": self.of,
             "mu_at": _point(self.mu_at), "L_at": _point(self.L_at),
            "lower": [float(v).hex() for v in self.lower], "upper": [float(v).hex() for v in self.upper],
            "tree": self.tree and self.tree.to_json(), "hindrance": self.hindrance and self.hindrance.to_json(),
            "covers": [{"variables": list(c.variables), "tree": _tree_to_json(c.tree)} for c in self.covers]},
            indent=1)

    @staticmethod
    def from_json(text: str) -> Proof:
        """Read what to_json wrote. Raises ValueError where it is something else."""
        data = json.loads(text)
        if not isinstance(data, dict) or data.get("format") != FORMAT:
            raise ValueError(f"Proof.from_json: need text that Proof.to_json wrote, got {text[:60]!r}")
        return Proof(
            data["property"], Verdict(data["verdict"]), _read_bound(data["mu"]), _read_bound(data["L"]), data["how"],
            data["tree"] and Step.from_json(data["tree"]),
            tuple(Cover(tuple(c["variables"]), _tree_from_json(c["tree"])) for c in data["covers"]),
            np.array([float.fromhex(v) for v in data["lower"]]), np.array([float.fromhex(v) for v in data["upper"]]),
            data["graph"], data["domain"], data["undecided"], data["decides"],
            data["hindrance"] and Step.from_json(data["hindrance"]), data["boxes"], data["seconds"],
            float.fromhex(data["weight"]), bool(data["cut_short"]), data["of"], _read_point(data["mu_at"]),
            _read_point(data["L_at"]))

    def negated(self, verdict: Verdict, property: str) -> Proof:
        """The proof of −f as one of f: constants change sign and place."""
        mu = Bound(-self.L.upper, -self.L.lower, self.L.certified_upper, self.L.certified_lower)
        L = Bound(-self.mu.upper, -self.mu.lower, self.mu.certified_upper, self.mu.certified_lower)
        return replace(self, verdict=verdict, property=property, mu=mu, L=L, mu_at=self.L_at, L_at=self.mu_at)


def matmul(A: Interval, B: Interval) -> Interval:
    """The product of interval matrices, products and sums rounded outwards one by one."""
    return total(multiply(Interval(*(end[:, :, None] for end in A)), Interval(*(end[None] for end in B))), (1,), False)


def _tree_to_json(tree: Leaf | Split) -> Any:
    """Preorder, flat: deep trees do not exhaust the stack of a reader."""
    out: list[Any] = []
    stack: list[Leaf | Split] = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, Leaf):
            out.append(["outside"] if node.outside else [float(node.low).hex(), float(node.high).hex()])
        else:
            out.append([node.axis, float(node.at).hex(), "split"])
            stack += [node.right, node.left]
    return out


def _tree_from_json(data: list) -> Leaf | Split:
    done: list[Leaf | Split] = []
    for item in reversed(data):
        if len(item) == 3:
            left, right = done.pop(), done.pop()
            done.append(Split(int(item[0]), float.fromhex(item[1]), left, right))
        elif item == ["outside"]:
            done.append(Leaf(-math.inf, math.inf, True))
        else:
            done.append(Leaf(float.fromhex(item[0]), float.fromhex(item[1])))
    if len(done) != 1:
        raise ValueError("Proof.from_json: the boxes do not form one tree; the text was cut or changed")
    return done[0]


def _point(x: np.ndarray | None) -> list[str] | None:
    return None if x is None else [float(v).hex() for v in x]


def _read_point(data: list[str] | None) -> np.ndarray | None:
    return None if data is None else np.array([float.fromhex(v) for v in data])


def _bound(bound: Bound) -> list:
    return [float(bound.lower).hex(), float(bound.upper).hex(), bound.certified_lower, bound.certified_upper]


def _read_bound(data: list) -> Bound:
    return Bound(float.fromhex(data[0]), float.fromhex(data[1]), bool(data[2]), bool(data[3]))
