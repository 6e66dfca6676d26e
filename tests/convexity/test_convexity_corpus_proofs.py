"""`prove` on composed functions, and how much of the naive code it proves.

OPTKIT_CORPUS=1 takes all of the naive code, and 10 000 composed functions with two seconds each.
"""

import numpy as np
import pytest

from optkit.convexity.prove import prove
from problems.convexity import composed, naive

from .corpus import FULL, region, wrong

pytestmark = pytest.mark.nan_ok
MAXTIME = 2.0 if FULL else 0.01
STEP = 10


@pytest.mark.parametrize("start", range(0, 10_000 if FULL else 50, STEP))
def test_no_proof_of_a_composed_function_is_wrong(start):
    for seed in range(start, start + STEP):
        case = composed(seed)
        proof = prove(case.f, region(case.domain), maxtime=MAXTIME)
        assert not wrong(case, proof), f"{case}\n{proof}"


def test_most_of_the_naive_code_is_proved_with_its_modulus():
    proofs = {case: prove(case.f, region(case.domain)) for case in (naive() if FULL else naive()[:12])}
    open_ = [case.name for case, proof in proofs.items() if not proof.proved]
    strong = [case for case in proofs if case.truth == "strongly convex" and case.mu is not None]
    blunt = [case.name for case in strong if not proofs[case].mu.lower >= 0.95 * case.mu]
    assert len(open_) <= 0.25 * len(proofs), open_
    assert len(blunt) <= 0.4 * len(strong), blunt
    assert not any(np.isnan([proof.mu.lower, proof.L.upper]).any() for proof in proofs.values())
