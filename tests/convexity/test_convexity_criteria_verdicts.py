"""What `check` says of each property, of several arguments, and what it prints and saves."""

import json

import numpy as np
import pytest

from optkit.convexity import CRITERIA, FURTHER, PROPERTIES, Box, PositiveOrthant, Verdict, check
from optkit.convexity.properties import SHAPES
from optkit.convexity.search import Row
from optkit.convexity.verdict import NAMED, STANDINGS

pytestmark = pytest.mark.nan_ok

UNIT = Box(-1, 1)
SQUARE = Box(-1, 1, shape=2)

# property, has it, has it not; each with its domain
CASES = {
    "convex": ((np.exp, UNIT), (np.sin, UNIT)),
    "strictly convex": ((lambda x: x**4, UNIT), (np.abs, UNIT)),
    "strongly convex": ((lambda x: x**2 + x**4, UNIT), (lambda x: x**4, UNIT)),
    "concave": ((np.log, PositiveOrthant()), (np.exp, UNIT)),
    "strictly concave": ((np.log, PositiveOrthant()), (lambda x: -np.abs(x), UNIT)),
    "strongly concave": ((lambda x: -(x**2), UNIT), (lambda x: -(x**4), UNIT)),
    "affine": ((lambda x: 3 * x[0] - x[1], SQUARE), (lambda x: 3 * x[0] - 1e-3 * x[1] ** 2, SQUARE)),
    "quasiconvex": ((lambda x: np.sqrt(np.abs(x)), UNIT), (lambda x: np.cos(3 * x), UNIT)),
    "quasiconcave": ((lambda x: x[0] * x[1], Box(0, 1, shape=2)), (lambda x: -x[0] * x[1], Box(0, 1, shape=2))),
    "pseudoconvex": ((lambda x: x**3 + x, UNIT), (lambda x: x**3, UNIT)),
    "log-convex": ((lambda x: np.exp(x**2), UNIT), (lambda x: 1 + x**2, Box(-3, 3))),
    "log-concave": ((lambda x: np.exp(-(x**2)), Box(-3, 3)), (lambda x: np.exp(x**2), UNIT)),
    "exponentially convex": ((np.cosh, UNIT), (lambda x: x**2, UNIT)),
    "operator convex": ((lambda t: t**1.5, Box(0.01, 4)), (lambda t: t**3, Box(0.01, 4))),
    "L-natural": ((lambda x: (x[0] - x[1]) ** 2, Box(-3, 3, shape=2)),
                  (lambda x: (x[0] + x[1]) ** 2, Box(-3, 3, shape=2))),
}


def stands(verdict):
    return verdict.proved or verdict is Verdict.NO_COUNTEREXAMPLE


@pytest.mark.parametrize("name", PROPERTIES)
def test_each_property_is_refuted_where_it_fails_and_not_where_it_holds(name):
    (good, domain), (bad, other) = CASES[name]
    report = check(good, domain, name, budget=8000)
    assert stands(report.verdict) and report.witness is None, str(report)
    refuted = check(bad, other, name, budget=8000)
    assert refuted.verdict is Verdict.of("NOT", name), str(refuted)
    witness = refuted.witness
    assert witness.verified and witness.recheck() == pytest.approx(witness.gap, rel=1e-9, abs=1e-15)
    for text in (str(report), str(refuted)):
        assert name.upper().replace("-", " ") in text.replace("-", " ") or "NO COUNTEREXAMPLE" in text
    assert "recheck()" in str(refuted)


@pytest.mark.parametrize("name", PROPERTIES)
def test_the_report_of_each_property_is_strict_json_with_its_witness(name):
    bad, domain = CASES[name][1]
    report = check(bad, domain, name, budget=4000)
    data = json.loads(report.to_json(), parse_constant=lambda constant: pytest.fail(f"{constant} in JSON"))
    assert data["verdict"] == report.verdict.value and data["witness"]["verified"] is True
    shape = PROPERTIES[name].shapes[0]
    assert [row["name"] for row in data["criteria"][shape]] == [row.name for row in report.rows]


def test_properties_verdicts_and_shapes_belong_together():
    assert set(NAMED) == set(PROPERTIES) == set(CASES)
    for name in PROPERTIES:
        for standing in STANDINGS:
            assert Verdict.of(standing, name).refuted == (standing == "NOT")
            assert Verdict.of(standing, name).proved == (standing == "PROVED")
    assert Verdict.of("NOT", "log-convex").name == "NOT_LOG_CONVEX"
    assert {s for p in PROPERTIES.values() for s in p.shapes} == set(SHAPES)
    rows = {c for p in PROPERTIES.values() for c in p.criteria} | {s.criterion for s in SHAPES.values()} - {""}
    assert rows <= set(FURTHER)
    assert not set(CRITERIA) & set(FURTHER)


def test_usual_rows_only_unless_asked():
    f = lambda x: np.sum(x**2)  # noqa: E731
    assert [r.name for r in check(f, SQUARE, budget=2000).rows] == list(CRITERIA)
    report = check(f, SQUARE, budget=4000, criteria=("epigraph", "jensen"))
    assert [r.name for r in report.rows] == [*CRITERIA, "epigraph", "jensen"]
    names = [r.name for r in check(f, SQUARE, budget=4000, criteria="all").rows]
    assert names == [*CRITERIA, *(n for n in FURTHER if n not in SHAPES and n not in ("affine", "L-natural"))]
    assert report.counts.nfev + 2 * (report.counts.njev + report.counts.nhev) <= 1.3 * 4000


def test_asking_for_more_does_not_change_what_is_said_of_convexity():
    f = lambda x: np.sum(np.abs(x))  # noqa: E731
    report = check(f, SQUARE, properties=("convex", "strictly convex", "strongly convex", "quasiconvex"))
    assert [v.refuted for v in report.verdicts.values()] == [False, True, True, False]
    assert stands(report.verdict) and stands(report.verdicts["quasiconvex"])
    assert report.witness is None                                # the witness is of the first property


def test_a_concave_examination_runs_the_further_rows_on_minus_f():
    report = check(lambda x: np.sum(x**2), SQUARE, "concave", criteria=("epigraph", "local is global"), budget=6000)
    assert report.verdict is Verdict.NOT_CONCAVE
    assert {r.name: r.outcome for r in report.rows}["epigraph"] == "violated"


def test_statistics_speak_of_what_was_drawn():
    for name, words in (("quasiconvex", "of segments violate quasiconvexity"),
                        ("operator convex", "independent random pairs of matrices without a violation"),
                        ("L-natural", "of pairs of integer points violate"),
                        ("log-convex", "violate convexity of log f")):
        good, domain = CASES[name][0]
        text = " ".join(check(good, domain, name, budget=2000).statistics.split())
        assert words in text and "carry no probability" in text and f"implies that f is {name}" in text, text


def test_strong_convexity_within_rounding_of_zero_is_suspected_not_shown():
    report = check(lambda x: np.sum(np.exp(x) - x) ** 1.0 + np.log(np.sum(np.exp(100 * x))), SQUARE, "strongly convex")
    assert stands(report.verdict), str(report)                   # eˣ − x curves by e⁻¹ at least
    report = check(lambda x: x**4 + 1e-13 * x**2, UNIT, "strongly convex", prove=False)
    assert report.verdict is Verdict.SUSPECTED_NOT_STRONGLY_CONVEX and "0 within rounding" in report.reason
    report = check(lambda x: np.log(np.sum(np.exp(x))), SQUARE, "strongly convex")
    assert report.verdict is Verdict.SUSPECTED_NOT_STRONGLY_CONVEX and not report.witness.verified, str(report)
    opaque = check(lambda x: abs(float(x)), UNIT, "strictly convex")
    assert opaque.verdict.name == "SUSPECTED_NOT_STRICTLY_CONVEX" and not opaque.witness.verified
    assert "NOT verified" in str(opaque)


def test_where_the_logarithm_does_not_exist_nothing_is_claimed():
    report = check(lambda x: np.maximum(x, 0.0), Box(-3, 1), "log-concave")
    assert report.verdict is Verdict.UNDECIDED and "f is 0 at" in report.reason
    assert check(lambda x: x - 0.5, UNIT, "log-concave").verdict is Verdict.NOT_LOG_CONCAVE


def test_further_arguments_are_passed_on():
    f = lambda x, k, shift: k * np.sum((x - shift) ** 2)  # noqa: E731
    assert stands(check(f, SQUARE, args=(1.0, 0.5), budget=2000).verdict)
    assert check(f, SQUARE, args=(-1.0, 0.5), budget=2000).verdict is Verdict.NOT_CONVEX


def test_joint_and_separate_convexity():
    f = lambda u, v: (u @ v) ** 2  # noqa: E731
    domain = (SQUARE, SQUARE)
    joint = check(f, domain, budget=6000)
    assert joint.verdict is Verdict.NOT_CONVEX and len(joint.witness.points[0]) == 2 and joint.witness.recheck() > 0
    apart = check(f, domain, vary=0, budget=6000)
    assert stands(apart.verdict) and "held" in apart.reason
    g = lambda u, v: np.sum(u**2) * v  # noqa: E731
    assert stands(check(g, (SQUARE, UNIT), vary=0, fix={1: 0.5}, budget=6000).verdict)
    assert check(g, (SQUARE, UNIT), vary=0, budget=6000).verdict is Verdict.NOT_CONVEX     # v < 0 is among the values


@pytest.mark.parametrize("options, message", [
    ({"properties": "convexe"}, "properties must be some of convex.*convexe"),
    ({"criteria": "epigraf"}, "criteria must be some of definition.*epigraf"),
    ({"vary": 0}, "functions of several arguments")])
def test_wrong_options_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        check(lambda x: x @ x, SQUARE, **options)


def test_a_new_further_criterion_is_one_line(monkeypatch):
    monkeypatch.setitem(FURTHER, "mine", lambda search: Row("?", "holds", "nothing", 0.0, 1, 0))
    report = check(lambda x: np.sum(x**2), SQUARE, budget=500, criteria="mine")
    assert report.rows[-1].name == "mine" and "mine" in str(report)
