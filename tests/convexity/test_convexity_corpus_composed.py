"""`check` on functions composed at random with known truth: never a wrong verdict. OPTKIT_CORPUS=1 takes 10 000."""

import numpy as np
import pytest

from optkit.convexity import check
from problems.convexity import composed

from .corpus import FULL, confirmed, region, wrong

pytestmark = pytest.mark.nan_ok
STEP = 25


@pytest.mark.parametrize("start", range(0, 10_000 if FULL else 100, STEP))
def test_no_verdict_on_composed_functions_is_wrong(start):
    for seed in range(start, start + STEP):
        case = composed(seed)
        report = check(case.f, region(case.domain), budget=4_000 if FULL else 300, maxtime=np.inf)
        assert not wrong(case, report), f"{case}\n{report}"
        assert not report.verdict.refuted or confirmed(case, report), f"{case}\n{report}"
