"""`check` on the corpus and on hard nonconvex functions: never a wrong verdict, rarely a missed one.

OPTKIT_CORPUS=1 takes the default budgets.
"""

import numpy as np
import pytest

from optkit.convexity import PROPERTIES, check
from problems.convexity import cases, hard

from .corpus import FULL, confirmed, region, wrong

pytestmark = pytest.mark.nan_ok
BUDGET = 20_000 if FULL else 600


@pytest.mark.parametrize("case", cases(), ids=lambda c: c.name)
def test_no_verdict_on_the_corpus_is_wrong(case):
    report = check(case.f, region(case.domain), budget=BUDGET, maxtime=np.inf)
    assert not wrong(case, report), f"{case.derivation}\n{report}"
    if report.verdict.refuted and not {"hole", "jump"} & set(case.tags):
        assert confirmed(case, report)


FURTHER = [(c, name) for c in cases() for name in (*c.holds, *c.fails) if name in PROPERTIES]


@pytest.mark.parametrize("case, name", FURTHER, ids=lambda v: getattr(v, "name", str(v)))
def test_no_verdict_on_a_further_property_is_wrong(case, name):
    report = check(case.f, region(case.domain), properties=(name,), budget=2_000, maxtime=np.inf)
    assert not wrong(case, report), f"{case.derivation}\n{report}"


@pytest.mark.parametrize("case", [c for c in cases() if c.truth == "concave"], ids=lambda c: c.name)
def test_concave_functions_are_not_refuted_as_concave(case):
    report = check(case.f, region(case.domain), properties=("concave",), budget=BUDGET, maxtime=np.inf)
    assert not wrong(case, report), f"{case.derivation}\n{report}"


def test_hard_nonconvex_functions_are_refuted():
    missed = []
    for case in hard():
        report = check(case.f, region(case.domain), maxtime=np.inf)
        assert not wrong(case, report), f"{case}\n{report}"
        if not report.verdict.refuted:
            missed.append(case.name)
    assert len(missed) <= 0.02 * len(hard()), missed
