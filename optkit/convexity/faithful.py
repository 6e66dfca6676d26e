"""Is a recording all of f? Recorded a second time elsewhere, and compared with plain calls."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from autodiff import TraceError
from autodiff.curvature.prepare import Prepared, graph_hash, recorded
from autodiff.interpreters.evaluate import evaluate

from .domains import Region

POINTS = 3
CLOSE = 1e-6          # relative to the largest value compared: cancellation inside f is not told from a change below it


def doubt(f: Callable[[np.ndarray], float], prepared: Prepared, domain: Region) -> str:
    """Why the recording of f, of a flat vector, may not be f; empty where nothing speaks against it.

    Asked once all of the domain is known to follow the recorded path. A function that draws random numbers, counts its
    calls or reads what changes gives itself away; one that does so rarely may not. Cost: a recording and a few calls.
    """
    points = np.vstack([domain.center, domain.sample(POINTS, np.random.default_rng(1))])
    try:
        again = recorded(f, points[1])
    except TraceError as error:
        return f"at another point f cannot be recorded: {str(error).splitlines()[0]}"
    if graph_hash(again) != graph_hash(prepared.recording):
        return "recorded at two points, f is two formulas, and no comparison of x explains it"
    seen = [(float(f(x.copy())), _value(prepared, x)) for x in points]
    pairs = [(plain, kept) for plain, kept in seen if np.isfinite(plain) and np.isfinite(kept)]
    if not pairs:
        return f"f is not finite at the {len(points)} points where it was compared with its recording"
    scale = max(abs(plain) for plain, _ in pairs)
    for plain, kept in pairs:
        if abs(plain - kept) > CLOSE * scale:
            return f"a plain call gives {plain:.6g} where the recording gives {kept:.6g}"
    return ""


def _value(prepared: Prepared, x: np.ndarray) -> float:
    recording = prepared.recording
    known = {recording.inputs[0]: x.reshape(recording.inputs[0].shape)}
    return float(evaluate(recording, known, recording.outputs, keep_guards=False)[0])
