"""`prove` on the corpus: no wrong proof, no constant certified beyond the true one. OPTKIT_CORPUS=1: 2 s each."""

import pytest

from optkit.convexity.prove import prove
from problems.convexity import cases

from .corpus import FULL, region, wrong

pytestmark = pytest.mark.nan_ok
MAXTIME = 2.0 if FULL else 0.01


def attempt(case, property="convex"):
    return prove(case.f, region(case.domain), property, maxtime=MAXTIME)


@pytest.mark.parametrize("case", [c for c in cases() if c.convex], ids=lambda c: c.name)
def test_constants_of_convex_functions_are_within_the_true_ones(case):
    proof = attempt(case)
    assert not wrong(case, proof), f"{case.derivation}\n{proof}"


@pytest.mark.parametrize("case", [c for c in cases() if not c.convex], ids=lambda c: c.name)
def test_what_is_not_convex_is_not_proved(case):
    proof = attempt(case)
    assert not proof.proved and not wrong(case, proof), f"{case.derivation}\n{proof}"


@pytest.mark.parametrize("case", [c for c in cases() if c.truth in ("concave", "affine")], ids=lambda c: c.name)
def test_concave_functions_are_proved_concave_or_not_at_all(case):
    proof = attempt(case, "concave")
    assert not wrong(case, proof), f"{case.derivation}\n{proof}"
