"""Constants, verdicts, the printed and saved report, wrong arguments, domains where f is not finite."""

import json
import math

import numpy as np
import pytest

from optkit.convexity import CRITERIA, Ball, Bound, Box, Domain, Verdict, check
from optkit.convexity.search import Row


def quadratic(eigenvalues, seed=0):
    """½xᵀHx with H of these eigenvalues, so that mu and L are the smallest and the largest."""
    rng = np.random.default_rng(seed)
    Q = np.linalg.qr(rng.standard_normal((len(eigenvalues),) * 2))[0]
    H = Q @ np.diag(eigenvalues) @ Q.T
    return lambda x: x @ H @ x / 2


def saddle(x):
    return x[0] ** 2 - x[1] ** 2


def strong_row(report) -> Row:
    return next(r for r in report.rows if r.name == "strong convexity")


@pytest.mark.parametrize("scale", [1.0, 1e-9, 1e9])
def test_mu_L_and_kappa_of_a_quadratic_carry_the_standard_factor(scale):
    f = quadratic(scale * np.array([0.5, 1.0, 3.0, 20.0]))
    report = check(f, Box(-1, 1, shape=4), prove=False)
    assert report.mu.upper == pytest.approx(0.5 * scale, rel=1e-9)
    assert report.L.lower == pytest.approx(20.0 * scale, rel=1e-9)
    assert report.kappa.lower == pytest.approx(40.0, rel=1e-8)
    assert not any((report.mu.certified_lower, report.mu.certified_upper, report.L.certified_lower))
    assert report.mu.lower == -np.inf and report.L.upper == np.inf


@pytest.mark.parametrize("scale", [1.0, 1e-9, 1e9])
def test_proofs_certify_the_other_sides(scale):
    report = check(quadratic(scale * np.array([0.5, 1.0, 3.0, 20.0])), Box(-1, 1, shape=4))
    assert report.verdict is Verdict.PROVED_STRONGLY_CONVEX
    assert report.mu.certified_lower and report.L.certified_upper and report.kappa.certified_upper
    for bound, value in ((report.mu, 0.5 * scale), (report.L, 20.0 * scale), (report.kappa, 40.0)):
        assert bound.lower <= value * (1 + 1e-9) and bound.upper >= value * (1 - 1e-9)
        assert bound.upper <= bound.lower * 1.06


def test_the_three_estimates_of_mu_agree_where_curvature_varies():
    report = check(lambda x: np.sum(np.cosh(x)) + 0.3 * np.sum(x**2), Box(-1, 2, shape=3), prove=False)
    assert report.mu.upper == pytest.approx(1.6, rel=1e-4)       # cosh'' = 1 at 0, which is inside
    assert report.L.lower == pytest.approx(np.cosh(2) + 0.6, rel=1e-4)
    by = strong_row(report).note.split("mu ")[1].split(";")[0].split(", ")
    assert [float(v) for v in by] == pytest.approx([1.6] * 3, rel=1e-3)
    rows = {r.name: r for r in report.rows}
    for name in ("definition", "first order", "second order"):   # each alone bounds mu from above, and comes near
        assert 1.6 * (1 - 1e-6) <= rows[name].mu <= 1.6 * 1.1, name
        assert rows[name].L <= np.cosh(2) + 0.6 + 1e-6


def test_mu_is_lowered_by_the_push_where_no_sample_lands():
    f = lambda x: np.sum(x**2) - 0.01 * np.exp(-np.sum((x - 0.37) ** 2) / 0.02)  # noqa: E731
    radial = 2 - 0.01 / 0.01 * 2 * math.exp(-1.5)                # at distance √3·0.1 from the dip; there 2 − 2·e^(−3/2)
    report = check(f, Box(-1, 1, shape=3), prove=False)
    assert report.verdict is Verdict.NO_COUNTEREXAMPLE
    assert report.mu.upper == pytest.approx(radial, rel=1e-6)


def test_mu_needs_the_raw_metric_when_widths_differ():
    report = check(lambda x: 5 * x[0] ** 2 + x[1] ** 2 + 1e6 * (x[1] / 1e3 - 0.3) ** 4, Box([-1e-3, -1e3], [1e-3, 1e3]),
                   prove=False)
    assert report.mu.upper == pytest.approx(2.0, rel=1e-6)       # f₁₁ = 2 + 12(x₁/1e3 − 0.3)² at x₁ = 300
    assert report.L.lower == pytest.approx(2 + 12 * 1.3**2, rel=1e-6)


def test_strong_convexity_is_not_shown_of_a_flat_or_refuted_function():
    assert strong_row(check(lambda x: x[0] ** 2, Box(-1, 1, shape=2))).outcome == "not shown"
    assert strong_row(check(lambda x: np.sum(x**2) - 0.1 * np.abs(x[0]), Box(-1, 1, shape=2))).outcome == "not shown"
    assert strong_row(check(lambda x: np.sum(x**2), Box(-1, 1, shape=2))).outcome == "holds"


@pytest.mark.parametrize("f, proved, refuted", [
    (saddle, "", "convex concave affine quasiconvex"),
    (lambda x: np.sum(x**2), "convex quasiconvex", "concave affine"),
    (lambda x: -np.sum(np.abs(x)), "concave", "convex affine quasiconvex"),
    (lambda x: 3 * x[0] - x[1], "convex concave affine quasiconvex", "")])
@pytest.mark.parametrize("prove", [True, False])
def test_each_property_has_its_verdict(f, proved, refuted, prove):
    names = ("convex", "concave", "affine", "quasiconvex")
    report = check(f, Box(-1, 1, shape=2), properties=names, budget=4000, prove=prove)
    assert {name for name in names if report.verdicts[name].refuted} == set(refuted.split())
    for name in proved.split():
        assert report.verdicts[name].proved if prove else report.verdicts[name] is Verdict.NO_COUNTEREXAMPLE
    assert report.verdict is report.verdicts["convex"]
    assert [e.shape for e in report.examinations] == ["convex", "concave", "quasiconvex"]
    assert "verdicts" in str(report) and "criterion on -f" in str(report)
    assert set(report.proofs) == (set(names) if prove else set())


def test_a_concave_witness_and_the_constants_keep_the_sign_of_f():
    report = check(lambda x: x[0] ** 2 - 3 * x[1] ** 2, Box(-1, 1, shape=2), properties="concave")
    assert report.verdict is Verdict.NOT_CONCAVE
    x, y = report.witness.points
    f = report.witness.f
    assert report.witness.recheck() == (f(x) + f(y)) / 2 - f(report.witness.middle) > 0
    assert report.mu.upper == pytest.approx(-6) and report.L.lower == pytest.approx(2)
    assert all(low <= high for low, high in report.examinations[0].eigenvalues)


def test_the_report_says_what_it_rests_on():
    report = check(saddle, Box(-1, 1, shape=2))
    text = str(report)
    for words in ("NOT CONVEX on the box [-1, 1]^2", "recheck()", "rounding at most", "from the engine", "infinite"):
        assert words in text
    assert all(name in text for name in CRITERIA)
    text = str(check(lambda x: np.sum(x**2), Box(-1, 1, shape=2), prove=False))
    for words in ("NO COUNTEREXAMPLE (not a proof)", "nothing proved", "95% confidence", "no probability",
                  "at most 0.30% of", "(sampled)", "implies that f is convex"):
        assert words in " ".join(text.split())
    assert max(map(len, text.splitlines())) <= 130


def test_the_statistics_follow_the_law_of_the_number_of_segments():
    report = check(lambda x: np.sum(x**2), Box(-1, 1, shape=2), budget=600)
    segments = report.examinations[0].segments
    assert f"{math.log(20) / segments:.2%}" in report.statistics and 0 < segments < 1000
    assert "show a gap above rounding" in check(saddle, Box(-1, 1, shape=2)).statistics


@pytest.mark.nan_ok
def test_json_is_strict_and_complete():
    report = check(saddle, Box(-1, 1, shape=2), properties=("convex", "concave"))
    data = json.loads(report.to_json(), parse_constant=lambda name: pytest.fail(f"{name} in JSON"))
    assert data["verdict"] == "NOT_CONVEX" and data["mu"]["lower"] is None and data["mu"]["upper"] == report.mu.upper
    assert [r["name"] for r in data["criteria"]["convex"]] == list(CRITERIA)
    points = [np.array(p) for p in data["witness"]["points"]]
    chord = (saddle(points[0]) + saddle(points[1])) / 2
    assert saddle(np.array(data["witness"]["middle"])) - chord == data["witness"]["gap"]


def test_the_same_seed_gives_the_same_report():
    first, again, other = (check(saddle, Box(-1, 1, shape=2), seed=s).to_json() for s in (3, 3, 4))
    assert first.split('"seconds"')[0] == again.split('"seconds"')[0] != other.split('"seconds"')[0]


def test_the_budget_is_kept_and_f_is_called_as_often_as_counted():
    calls = 0

    def f(x):
        nonlocal calls
        calls += isinstance(x, np.ndarray) and not isinstance(x, np.generic)
        return float(x[0]) ** 2 + float(x[1]) ** 2

    report = check(f, Box(-1, 1, shape=2), budget=3000)
    assert report.counts.njev == report.counts.nhev == 0 and "by differences" in report.derivatives
    assert abs(calls - report.counts.nfev) <= 5                  # f is also called to look at it, and to trace it
    assert report.counts.nfev <= 1.25 * 3000
    exact = check(lambda x: np.sum(x**2), Box(-1, 1, shape=2), budget=3000)
    assert exact.counts.nfev + 2 * (exact.counts.njev + exact.counts.nhev) <= 1.25 * 3000


def test_maxtime_cuts_the_search_and_says_so():
    clock = np.ones(400_000)
    report = check(lambda x: np.sum(x**2) + 0.0 * np.sum(np.exp(clock) * x[0]), Box(-1, 1, shape=2), maxtime=0.2)
    assert report.hurried and "maxtime cut the search short" in str(report)
    assert report.seconds < 5
    assert not check(lambda x: np.sum(x**2), Box(-1, 1, shape=2), maxtime=math.inf).hurried


def test_a_matrix_and_a_nested_argument_keep_their_shape():
    report = check(lambda X: X[0, 0] * X[1, 2], Box(-1, 1, shape=(2, 3)))
    assert report.witness.middle.shape == (2, 3) and report.witness.recheck() > 0
    box = Box({"w": np.full(2, -1.0), "b": -1.0}, {"w": np.full(2, 1.0), "b": 2.0})
    report = check(lambda p: p["w"][0] * p["b"] + p["w"][1] ** 2, box)
    assert report.witness.middle.keys() == {"w", "b"} and report.witness.recheck() > 0
    assert json.loads(report.to_json())["witness"]["middle"].keys() == {"w", "b"} and "NOT CONVEX" in str(report)


def test_a_membership_domain_is_searched_and_guarded():
    inside = lambda x: x[0] > 0 and x[1] > 0 and x[0] + x[1] < 1                    # noqa: E731
    draw = lambda rng: rng.dirichlet(np.ones(3))[:2]                                # noqa: E731
    report = check(lambda x: x[0] * x[1], Domain(inside, draw))
    assert report.verdict is Verdict.NOT_CONVEX and all(inside(p) for p in report.witness.points)
    assert check(lambda x: np.sum(1 / x), Domain(inside, draw)).verdict is Verdict.NO_COUNTEREXAMPLE
    with pytest.raises(ValueError, match="mean of 256 members.*not a member"):
        Domain(lambda x: abs(x[0]) > 0.9, lambda rng: rng.choice([-1.0, 1.0], 1))
    with pytest.raises(ValueError, match="must draw members"):
        Domain(inside, lambda rng: np.array([2.0, 2.0]))


@pytest.mark.nan_ok
def test_where_f_is_not_finite_the_report_says_so():
    report = check(lambda x: -np.log(x[0]) + x[1] ** 2, Box(-1, 1, shape=2))
    assert report.verdict is Verdict.UNDECIDED
    assert "not finite at" in report.reason and "inside the domain" in report.trouble
    assert "certainly defined where" in " ".join(str(report).split())
    edge = check(lambda x: -np.sum(np.log(x)), Box(0, 1, shape=2))
    assert not edge.verdict.refuted and edge.verdict is not Verdict.UNDECIDED and "on its boundary" in edge.trouble
    assert "natural domain" in str(edge)
    nowhere = check(lambda x: np.sum(x) * np.nan, Box(-1, 1, shape=2))
    assert nowhere.verdict is Verdict.UNDECIDED and "no segment could be drawn" in nowhere.statistics
    json.loads(nowhere.to_json())
    pole = check(lambda x: 1 / x, Box(-1, 1))
    assert pole.verdict is Verdict.NOT_CONVEX and pole.witness.recheck() > 0


@pytest.mark.nan_ok
def test_exceptions_of_f_away_from_the_centre_are_trouble_not_a_crash():
    def f(x):
        if float(x[0]) > 0.5:
            raise ValueError("math domain error")
        return float(x[0]) ** 2
    report = check(f, Box(-1, 1, shape=1))
    assert report.verdict is Verdict.UNDECIDED and "not finite" in report.trouble


@pytest.mark.parametrize("f, domain, options, message", [
    (saddle, (-1, 1), {}, "domain must be a Box.*got \\(-1, 1\\)"),
    (saddle, Box(-1, 1, shape=2), {"properties": ("convexe",)}, "properties must be some of convex.*convexe"),
    (saddle, Box(-1, 1, shape=2), {"properties": ()}, "properties must be some of"),
    (saddle, Box(-1, 1, shape=2), {"budget": 10}, "budget >= 200, got budget=10"),
    (saddle, Box(-1, 1, shape=2), {"maxtime": 0}, "maxtime > 0 seconds, got maxtime=0"),
    (lambda x: x, Box(-1, 1, shape=2), {}, "one real number, got an array of shape \\(2,\\)"),
    (lambda x: None, Box(-1, 1, shape=2), {}, "one real number, got NoneType"),
    (lambda x: 1j * x[0], Box(-1, 1, shape=2), {}, "one real number, got complex"),
    (lambda x: x[7], Box(-1, 1, shape=2), {}, "out of bounds")])
def test_wrong_arguments_are_named(f, domain, options, message):
    with pytest.raises((TypeError, ValueError, IndexError), match=message):
        check(f, domain, **options)


@pytest.mark.parametrize("build, message", [
    (lambda: Box(1, -1), "need lower <= upper, got 1.0 > -1.0 at coordinate 0"),
    (lambda: Box(1, 1, shape=3), "every width is 0"),
    (lambda: Box([0, 0], [1, 1, 1]), "do not broadcast"),
    (lambda: Box({"a": 0.0}, {"a": 1.0, "b": 2.0}), "one structure"),
    (lambda: Box({"a": 0.0}, {"a": 1.0}, shape=1), "leave shape out"),
    (lambda: Ball([0.0, np.nan], 1), "center must be finite"),
    (lambda: Ball(0.0, -1), "0 < radius < inf, got radius=-1")])
def test_wrong_domains_are_named(build, message):
    with pytest.raises(ValueError, match=message):
        build()


def test_a_bound_prints_each_known_side_and_its_standing():
    assert str(Bound()) == "unknown"
    assert str(Bound(lower=1.0, upper=2.0, certified_lower=True)) == ">= 1 (certified) and <= 2 (sampled)"


@pytest.mark.nan_ok
def test_the_plot_shows_chord_and_eigenvalues(tmp_path):
    report = check(saddle, Box(-1, 1, shape=2))
    figure = report.plot(tmp_path / "saddle.png")
    assert (tmp_path / "saddle.png").stat().st_size > 5000
    assert [axes.get_title() for axes in figure.axes] == [
        "through the witness", "least eigenvalue of the Hessian", ""]                       # the last is the colours
    chord = figure.axes[0].lines[1].get_ydata()
    assert list(chord) == [saddle(p) for p in report.witness.points]
