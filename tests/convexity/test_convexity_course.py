"""The rows of a course on convexity, one test each: what a criterion holds on, and what it fails on.

The titles are those of the table in docs/convexity-course.md, which a test compares.
"""

import re
from pathlib import Path

import numpy as np
import pytest

from optkit import convexity as C
from optkit.convexity import Ball, Box, PositiveDefinite, PositiveOrthant, Simplex, SymmetricMatrices, Verdict
from optkit.convexity import sets as S

PAGE = Path(__file__).resolve().parents[2] / "docs" / "convexity-course.md"
BUDGET = 4000
rng = np.random.default_rng(0)

pytestmark = pytest.mark.nan_ok


def proved(f, domain, property="convex"):
    """Proved, and shown again from the proof alone."""
    proof = C.prove(f, domain, property, constants=False)
    return proof.proved and bool(C.verify(proof, f, domain))


def refuted(f, domain, property="convex"):
    """By a witness that plain calls of f confirm."""
    witness = C.falsify(f, domain, property)
    return witness is not None and witness.verified and witness.recheck() > 0


def holds(criterion, f, domain):
    row = criterion(f, domain, budget=BUDGET)
    return row.outcome == "holds" and row.witness is None


def fails(criterion, f, domain):
    """With points that show it."""
    row = criterion(f, domain, budget=BUDGET)
    return row.outcome == "violated" and row.witness is not None and row.witness.verified


def set_verdict(given, **options):
    return C.check_set(given, budget=20_000, **options).verdict


def in_interval(n, low=-1.0, high=1.0):
    return Box(low, high, shape=n)


def disc(x):
    return x @ x <= 1


def holed(x):
    return x @ x <= 1 and np.hypot(x[0] - 0.3, x[1]) >= 0.01


def cone(x):
    return np.hypot(x[0], x[1]) <= x[2]


def ell(x):
    return min(x) <= 0.5


def bitten(x):
    """A box without one corner."""
    return bool(np.any(x < 0.8))


def root(x):
    return np.sqrt(np.abs(x))


def half(x):
    """The quasi-norm with p = 1/2: convex on lines through 0 only."""
    return np.sum(root(x)) ** 2


def x_exp(x):
    return x * np.exp(x)


def saddle(x):
    """On x + y = 1 its ZᵀHZ is 1/2."""
    return x[0] ** 2 - 0.5 * x[1] ** 2


def entropy(p):
    return -np.sum(p * np.log(p))


def himmelblau(x):
    return (x[0] ** 2 + x[1] - 11) ** 2 + (x[0] + x[1] ** 2 - 7) ** 2


def test_convex_set():
    """Convex set by definition"""
    assert set_verdict(disc, box=in_interval(2, -1.5, 1.5)) is Verdict.NO_COUNTEREXAMPLE
    assert set_verdict(cone, box=in_interval(3)) is Verdict.NO_COUNTEREXAMPLE
    assert set_verdict(Ball(np.zeros(2), 1.0)) is Verdict.PROVED_CONVEX
    for contains, box in ((holed, in_interval(2, -1.5, 1.5)), (ell, in_interval(2, 0.0)),
                          (bitten, in_interval(8, 0.0))):
        report = C.check_set(contains, box=box, budget=20_000)
        assert report.verdict is Verdict.NOT_CONVEX and report.witness.recheck()


def test_hull():
    """Convex combinations and the convex hull"""
    vertices = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    triangle = S.image(vertices.T, Simplex(3))
    assert set_verdict(triangle) is Verdict.PROVED_CONVEX
    report = C.check_set(lambda x: np.min(np.max(np.abs(x - vertices), axis=1)) <= 0.1, box=in_interval(2, -0.2, 1.2))
    assert report.verdict is Verdict.NOT_CONVEX and report.witness.recheck()


def test_operations_on_sets():
    """Operations on sets"""
    ball, box = Ball(np.zeros(2), 1.0), in_interval(2, -0.5, 2.0)
    corner = S.members(ell, in_interval(2, 0.0))
    lmi = S.lmi(np.eye(2), [[1, 0], [0, -1]], [[0, 1], [1, 0]])
    for made in (S.minkowski(ball, box), S.scaled(-3.0, ball), S.intersection(ball, box), ball & box, lmi,
                 S.image([[1.0, 2.0]], ball), S.preimage([[1.0, 2.0], [0.0, 1.0]], [1.0, 0.0], ball)):
        assert set_verdict(made) is Verdict.PROVED_CONVEX
    assert set_verdict(S.preimage([[1.0, 2.0], [0.0, 1.0]], [1.0, 0.0], corner)) is Verdict.NOT_CONVEX
    assert set_verdict(S.scaled(2.0, corner)) is Verdict.NOT_CONVEX
    assert set_verdict(S.minkowski(corner, box)) is Verdict.UNDECIDED


def test_definition():
    """Convex by definition"""
    assert holds(C.definition, lambda x: x**4, Box(-1, 1)) and proved(lambda x: x**4, Box(-1, 1))
    assert fails(C.definition, lambda x: np.abs(x) ** 0.999, Box(-1, 1))


def test_strict():
    """Strictly convex"""
    assert holds(C.strict, lambda x: x**4, Box(-1, 1))
    assert fails(C.strict, np.abs, Box(-1, 1))


EXAMPLES = {
    "x^p, p >= 1": (lambda x: x**1.5, Box(0, np.inf)),
    "x^p, p < 0": (lambda x: x**-1.5, PositiveOrthant()),
    "|x|^p": (lambda x: np.linalg.norm(x) ** 3, in_interval(3, -2.0, 2.0)),
    "exp(c x)": (lambda x: np.exp(-2 * x), Box(-np.inf, np.inf)),
    "-ln x": (lambda x: -np.log(x), PositiveOrthant()),
    "x ln x": (lambda x: x * np.log(x), PositiveOrthant()),
    "sum of the k largest": (lambda x: np.sum(np.sort(x)[-2:]), in_interval(4)),
    "lambda_max": (lambda X: np.linalg.eigvalsh(X)[-1], SymmetricMatrices(3)),
    "-log det": (lambda X: -np.linalg.slogdet(X)[1], PositiveDefinite(3)),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples(name):
    """Listed examples"""
    assert proved(*EXAMPLES[name])


def test_epigraph():
    """Epigraph"""
    assert holds(C.epigraph, lambda x: x**2, Box(-2, 2))
    assert fails(C.epigraph, lambda x: x**2 - np.abs(x), Box(-2, 2))


def test_sublevel():
    """Sublevel sets"""
    assert holds(C.sublevel, root, Box(-2, 2)) and fails(C.definition, root, Box(-2, 2))     # one way only
    assert fails(C.sublevel, lambda x: np.sin(3 * x), Box(-2, 2))


def test_first_order():
    """First-order criterion"""
    assert holds(C.first_order, np.exp, Box(-1, 1))
    assert fails(C.first_order, lambda x: x**3, Box(-1, 1))


def test_second_order():
    """Second-order criterion"""
    assert holds(C.second_order, x_exp, Box(-2, 3)) and proved(x_exp, Box(-2, np.inf))
    assert fails(C.second_order, x_exp, Box(-2.001, 3)) and refuted(x_exp, Box(-2.001, 3))


def test_second_order_on_a_subspace():
    """Second-order criterion on a subspace"""
    plane = C.AffineSubspace([[1.0, 1.0]], [1.0])
    assert holds(C.second_order, saddle, plane) and proved(saddle, plane)
    assert fails(C.second_order, saddle, in_interval(2))


def test_lines():
    """Reduction to a line"""
    assert holds(C.lines, lambda t: half(t * np.array([0.3, -0.7])), Box(-1, 1))        # on a line through 0
    assert fails(C.lines, half, in_interval(2))                                         # not on all others
    assert holds(C.lines, np.linalg.norm, in_interval(2))


def test_strong():
    """Strong convexity, three criteria"""
    A = rng.standard_normal((8, 3))
    f, mu = (lambda x: np.sum((A @ x) ** 2) + 0.5 * x @ x), 2 * np.linalg.eigvalsh(A.T @ A)[0] + 1
    for criterion in (C.strong_definition, C.strong_first_order, C.strong_second_order):
        row = criterion(f, in_interval(3), budget=BUDGET)
        assert row.outcome == "holds" and np.isclose(row.mu, mu, rtol=1e-6)
        assert criterion(lambda x: np.sum(x) ** 2, in_interval(2), budget=BUDGET).outcome != "holds"
    assert np.isclose(C.prove(f, in_interval(3)).mu.lower, mu, rtol=1e-6)


def test_concave():
    """Concave"""
    interior = Simplex(4, interior=True)
    assert holds(C.concave, entropy, interior) and proved(entropy, interior, "concave")
    assert fails(C.concave, lambda x: x**2, Box(-1, 1))


def test_jensen():
    """Jensen's inequality for finitely many points"""
    assert holds(C.jensen, lambda p: -entropy(p), Simplex(4, interior=True))
    assert fails(C.jensen, np.cos, Box(-1, 1))


def test_jensen_integral():
    """Jensen's inequality for integrals"""
    assert holds(C.jensen_integral, lambda x: -entropy(x), Box(0.1, 1, shape=2))
    assert fails(C.jensen_integral, np.cos, Box(-1, 1))


def test_local_is_global():
    """A local minimum is global"""
    assert holds(C.local_is_global, lambda x: np.sum((x - 0.3) ** 2), in_interval(2))
    assert fails(C.local_is_global, lambda x: himmelblau(x) + x[0], in_interval(2, -5.0, 5.0))


OPERATIONS = {    # the rule applied where its conditions hold, and where one does not
    "a f + b g": (lambda x: 2 * x**2 + 3 * np.abs(x), lambda x: 2 * x**2 - 3 * np.abs(x), Box(-1, 1)),
    "f(A x + b)": (lambda x: np.exp(x[0] - 2 * x[1] + 1), lambda x: np.exp(x[0] * x[1]), in_interval(2)),
    "max": (lambda x: np.maximum(x**2, x + 1), lambda x: np.minimum(x**2, x + 1), Box(-1, 1)),
    "supremum over a parameter": (lambda x: np.max(np.outer(np.linspace(-1, 1, 9), x) - 0.2),
                                  lambda x: np.min(np.linspace(-1, 1, 9) * x - 0.2), Box(-1, 1)),
    "perspective": (lambda z: z[1] * (z[0] / z[1]) ** 2, lambda z: z[1] * np.sin(z[0] / z[1]), Box([-1, 0.1], [1, 2])),
    "f2(f1)": (lambda x: np.exp(x**2), lambda x: (x**2 - 1) ** 2, Box(-1, 1)),
    "f2(f1), f2 concave": (lambda x: np.logaddexp(0, x @ x), lambda x: np.log(1 + x @ x), in_interval(2, -2.0, 2.0)),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_operations(name):
    """Operations that preserve convexity"""
    good, bad, domain = OPERATIONS[name]
    assert proved(good, domain) and refuted(bad, domain)


def two_bells(distance):
    return lambda x: np.exp(-((x - distance) ** 2) / 2) + np.exp(-((x + distance) ** 2) / 2)


def test_log_convex():
    """Log-convex"""
    assert holds(C.log_convex, lambda x: np.exp(x**2), Box(-1, 1))
    assert fails(C.log_convex, lambda x: 1 + x**2, Box(-2, 2))


def test_log_concave():
    """Log-concave"""
    assert holds(C.log_concave, two_bells(0.9), Box(-4, 4))         # within one deviation of their middle
    assert fails(C.log_concave, two_bells(2.0), Box(-4, 4))         # a sum of log-concave functions need not be one


def test_exponentially_convex():
    """Exponentially convex"""
    assert holds(C.exponentially_convex, np.cosh, Box(-1, 1))
    assert fails(C.exponentially_convex, lambda x: x**2, Box(-1, 1))


def test_operator_convex():
    """Operator convex"""
    assert holds(C.operator_convex, lambda t: t**1.5, Box(0.01, 4))
    assert fails(C.operator_convex, lambda t: t**3, Box(0.01, 4))
    assert fails(C.operator_convex, np.exp, Box(-1, 1))


def test_quasiconvex():
    """Quasiconvex"""
    assert holds(C.quasiconvex, lambda x: (x[0] + 1) / (x[1] + 3), in_interval(2))
    assert holds(C.quasiconvex, lambda x: root(x - 1), Box(-2, 2))
    assert fails(C.quasiconvex, lambda x: root(x - 1) + root(x + 1), Box(-2, 2))


def test_pseudoconvex():
    """Pseudoconvex"""
    assert holds(C.pseudoconvex, lambda x: x**3 + x, Box(-1, 1))
    assert fails(C.pseudoconvex, lambda x: x**3, Box(-1, 1))


def test_l_natural():
    """Discrete convexity"""
    assert holds(C.l_natural, lambda p: (p[0] - p[1]) ** 2 + np.abs(p[0]), in_interval(2, -3.0, 3.0))
    assert fails(C.l_natural, lambda p: (p[0] + p[1]) ** 2, in_interval(2, -3.0, 3.0))


def test_every_row_of_the_page_has_a_test():
    rows = re.findall(r"^\| ([^|]+?) \|", PAGE.read_text(), re.MULTILINE)
    rows = [row for row in rows if row not in ("row", "---")]
    tests = [test.__doc__ for name, test in globals().items() if name.startswith("test_") and test.__doc__]
    assert len(set(rows)) == len(rows) and sorted(rows) == sorted(tests)
