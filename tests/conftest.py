"""Every test runs with fixed seeds, floating-point trouble as an error, and no display."""

import os

os.environ["MPLBACKEND"] = "Agg"

import hypothesis  # noqa: E402  (after the backend is chosen)
import numpy as np  # noqa: E402
import pytest  # noqa: E402

hypothesis.settings.register_profile("optkit", derandomize=True, deadline=None, database=None)
hypothesis.settings.load_profile("optkit")


@pytest.fixture(autouse=True)
def _floating_point_errors(request):
    """Division by zero, overflow, underflow and invalid operations raise, unless the test is marked `nan_ok`."""
    if request.node.get_closest_marker("nan_ok"):
        yield
        return
    with np.errstate(all="raise"):
        yield


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)
