"""In the tests of `check`, attempts at proofs are short: what longer ones add is tested where proofs are."""

import pytest


@pytest.fixture(autouse=True)
def _brief_attempts(monkeypatch):
    monkeypatch.setattr("optkit.convexity.checking.FIRST_MOST", 0.4)
    monkeypatch.setattr("optkit.convexity.checking.SECOND_MOST", 0.2)
