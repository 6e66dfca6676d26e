"""What a first reader stumbles over: functions that do not repeat, samples that are rounding, names, and sentences."""

import re
import warnings

import numpy as np
import pytest

import optkit.convexity as convexity
from autodiff.curvature.atoms import by_entry
from autodiff.graph import INPUT, Graph
from autodiff.intervals import Interval
from autodiff.primitive import PRIMITIVES
from optkit.convexity import (
    Box,
    PositiveDefinite,
    PositiveOrthant,
    Product,
    Simplex,
    Verdict,
    check,
    falsify,
    natural_domain,
    prove,
    verify,
)
from optkit.convexity.bending import Bending, spectra
from optkit.convexity.checking import within
from optkit.convexity.criteria.lines import lines as lines_row
from optkit.convexity.criteria.minima import Minimum, _ends_there
from optkit.convexity.natural import coordinate
from optkit.convexity.oracle import Oracle
from optkit.convexity.paste import brief
from optkit.convexity.search import Search
from optkit.convexity.steps import Step

pytestmark = pytest.mark.nan_ok
SQUARE = Box(-1, 1, shape=2)


def flat(text):
    return " ".join(str(text).split())


def line_of(report, label):
    found = re.search(rf"^  {label} .*(?:\n {{14}}.*)*", str(report), re.MULTILINE)
    return flat(found[0]) if found else ""


# --- f that does not repeat -------------------------------------------------------------------------------------------


def random_at_the_right(rng):
    return lambda x: x**2 + (float(x) > 0.25) * rng.random()


@pytest.mark.parametrize("noisy", [lambda rng: (lambda x: x**2 + rng.random()), random_at_the_right])
def test_values_of_a_function_that_does_not_repeat_show_nothing(noisy):
    f = noisy(np.random.default_rng(3))
    report = check(f, Box(-1, 1), ("convex", "quasiconvex"))
    assert set(report.verdicts.values()) == {Verdict.UNDECIDED} and report.witness is None
    assert report.reason.startswith("f does not repeat: two calls at") and report.unsteady == report.reason
    assert "bends down" not in str(report) and "fix the seed" in str(report) and report.html()
    assert not np.isfinite([report.mu.lower, report.mu.upper, report.L.lower, report.L.upper]).any()
    assert falsify(f, Box(-1, 1)) is None
    for criterion in (convexity.definition, convexity.quasiconvex, convexity.local_is_global, convexity.l_natural):
        row = criterion(f, Box(-1, 1))
        assert row.outcome == "skipped" and row.witness is None and "does not repeat" in row.note


def test_what_shows_only_where_a_witness_is_verified_shows_there():
    """Random in a corner that no first look meets: the points of a witness are called again."""
    rng = np.random.default_rng(0)
    f = lambda x: x**2 - 5 * (float(x) > 0.99) * rng.random()                 # noqa: E731
    assert not Oracle(f, Box(-1, 1)).unsteady
    report = check(f, Box(-1, 1))
    assert report.verdict is Verdict.UNDECIDED and report.unsteady and report.witness is None and not report.proofs
    assert falsify(f, Box(-1, 1)) is None


def test_a_function_that_repeats_is_examined():
    noise = np.random.default_rng(0).random(1)
    assert check(lambda x: x**2 + noise[0], Box(-1, 1)).verdict.proved
    assert not Oracle(lambda x: np.nan * x, Box(-1, 1)).unsteady         # NaN twice is the same


# --- samples ----------------------------------------------------------------------------------------------------------


def test_samples_beyond_the_window_or_where_digits_are_lost_do_not_count():
    domain = PositiveOrthant(2)
    assert within(domain, domain.center) and not within(domain, np.array([5e-324, 1.0]))
    assert not within(domain, domain.upper * 2) and not within(domain, None)
    assert not within(Box(-1, 1), np.array([1e-310])) and within(Box(-1, 1), np.zeros(1))
    report = check(lambda x: 1 / (x[0] * x[1]), domain, budget=2000)
    assert report.verdict.proved and report.mu.upper > 0
    assert all(within(domain, x) for e in report.examinations for x in e.points)
    for at in re.findall(r"met at (\[.*?\])", str(report)):
        x = np.array(at.strip("[]").split(), dtype=float)
        assert np.all((x >= 0.9 * domain.lower) & (x <= 1.1 * domain.upper)), at


def test_an_eigenvalue_below_the_rounding_of_its_hessian_is_told_as_zero():
    X = np.zeros((3, 2))
    low, high = np.array([-2.7e10, 1.0, 2.0]), np.array([1.7e26, 3.0, 4.0])
    found = Bending(X, low, high, np.zeros(3, bool), 1.0, 3)
    assert found.range == (1.0, 1.7e26)                                  # −2.7e10 beside 1.7e26 is rounding
    found = Bending(X, np.array([-1e-17, 1.0, 2.0]), np.array([1.0, 3.0, 4.0]), np.zeros(3, bool), 1.0, 3)
    assert found.range[0] == 0.0
    found = Bending(X, np.array([-1e-3, 1.0, 2.0]), high, np.zeros(3, bool), 1.0, 3)
    assert found.range[0] == 1.0 or found.range[0] == -1e-3


def test_a_smallest_eigenvalue_that_is_rounding_is_zero_in_the_rows():
    report = check(lambda x: np.log(np.sum(np.exp(x))), Box(-1, 1, shape=3), budget=2000)
    rows = {row.name: row for row in report.rows}
    assert rows["second order"].worst == 0.0 == rows["strong convexity"].worst


def test_slopes_where_f_overflows_are_left_out_and_counted():
    region = Box(-1000, 1000)
    oracle = Oracle(lambda x: np.log(1 + np.exp(x)), region)
    with np.errstate(all="ignore"):
        assert np.isnan(oracle.slope(np.array([900.0]), np.ones(1)))
        row = lines_row(Search(oracle, region, np.random.default_rng(0), 4000, 10.0))
    assert row.outcome == "holds" and row.worst < 1e-6 and re.match(r"\d+ slopes left out", row.note)
    report = check(lambda x: np.log(1 + np.exp(x)), region, budget=2000)
    assert report.verdict.proved and "segments left out, where f is not finite" in flat(report)
    assert "unconfirmed" not in str(report)


def test_the_three_estimates_stay_in_the_set_of_f():
    report = check(lambda p: np.sum(p * np.log(p)), Simplex(3))
    row = next(row for row in report.rows if row.name == "strong convexity")
    assert "nan" not in row.note and np.isfinite(row.worst)
    assert "Simplex(3, interior=True)" in line_of(report, "to decide") and "nan" not in row.note
    inside = check(lambda p: np.sum(p * np.log(p)), Simplex(3, interior=True))
    assert inside.verdict.proved and "interior=True" not in str(inside)


def test_a_condition_number_beyond_all_digits_is_called_so():
    assert "unbounded or very large" in line_of(check(lambda x: 1 / (x[0] * x[1]), PositiveOrthant(2)), "kappa")
    assert "large" not in line_of(check(lambda x: x @ x, SQUARE), "kappa")
    assert not line_of(check(lambda x: np.exp(-x @ x), SQUARE, "log-concave"), "kappa")    # nothing is known of it


# --- minima -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
def test_descents_that_stop_early_on_a_flat_bottom_are_not_minima(seed):
    row = convexity.local_is_global(lambda x: np.sum(x**4), SQUARE, seed=seed)
    assert row.outcome == "holds" and "strictly" not in row.note and row.witness is None


def test_a_segment_of_minima_is_verified():
    row = convexity.local_is_global(lambda x: np.maximum(x @ x - 0.25, 0.0), SQUARE)
    assert "not strictly convex" in row.note and row.witness.verified and row.witness.recheck() == 0


def test_minima_apart_alone_show_nothing(monkeypatch):
    monkeypatch.setattr("optkit.convexity.criteria.minima.flatness", lambda search, x, y: None)
    row = convexity.local_is_global(lambda x: np.maximum(x @ x - 0.25, 0.0), SQUARE)
    assert row.outcome == "holds" and row.note == "" and row.witness is None


def test_where_a_descent_ended_is_told_from_where_it_stopped():
    search = Search(Oracle(lambda x: (x**2 - 1) ** 2, Box(-2, 2)), Box(-2, 2), np.random.default_rng(0), 4000, 10.0)
    assert _ends_there(search, Minimum(np.array([-1.0]), 0.0), Minimum(np.array([1.0]), 0.0))
    assert not _ends_there(search, Minimum(np.array([-0.5]), 0.5625), Minimum(np.array([-1.0]), 0.0))


# --- exact sums -------------------------------------------------------------------------------------------------------


def test_sums_of_second_derivatives_keep_exact_zeros():
    g = Graph()
    x, y = g.input((1,), np.dtype(float)), g.input((1,), np.dtype(float))
    node = g.emit(PRIMITIVES["multiply"], (x, y))
    zero, two = (Interval(np.full((1, 1, 1), v), np.full((1, 1, 1), v)) for v in (0.0, 2.0))
    piece = by_entry(node, (0, 1), {(0, 0): two, (1, 1): zero})
    assert x.prim is INPUT and piece.low.ravel().tolist() == piece.high.ravel().tolist() == [2.0, 0.0]
    piece = by_entry(node, (0, 1), {(0, 0): two, (0, 1): two, (1, 1): two})
    assert piece.low.ravel().tolist() == [0.0, 0.0] and piece.high.ravel().tolist() == [4.0, 4.0]


# --- words ------------------------------------------------------------------------------------------------------------


def test_drawing_a_plane_raises_no_warning():
    def f(x):
        return np.sum(np.sqrt(x[:3] ** 2 - x[:3] ** 2)) + x @ x

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with np.errstate(all="warn"):
            spectrum = spectra(lambda x: f(x) - np.sum(np.sqrt(x - x)), Box(-1, 1, shape=4))
            spectrum(np.zeros(4))


def test_a_weight_that_turns_a_reason_round_is_told():
    turned = Step("a Euclidean norm is convex", "", (-3.0, -1.0), (-np.inf, 0.0))
    assert turned.said.endswith("is convex (with weight <= -1)") and "(with weight <= -1)" in str(turned)
    assert Step("a norm is convex", "", (1.0, 2.0), (0.0, 4.0)).said == "a norm is convex"
    assert Step("log det is concave", "", (-1.0, -1.0), (0.0, 4.0)).said == "log det is concave (with weight -1)"
    assert "either sign" in Step("a norm is convex", "", (-1.0, 2.0), (-np.inf, np.inf)).said
    assert "(with weight -1)" in line_of(check(lambda x: x @ x - np.linalg.norm(x), SQUARE), "culprit")


def test_what_is_proved_is_not_called_not_shown():
    """Samples cannot tell 2e-17 beside 2 from rounding, the proof does."""
    report = check(lambda x: 1e-17 * x[1] ** 2 + x[0] ** 2, SQUARE, budget=1000)
    assert report.verdict is Verdict.PROVED_STRONGLY_CONVEX
    row = next(row for row in report.rows if row.name == "strong convexity")
    assert re.search(r"strong convexity +proved", str(report)) and row.outcome == "not shown"
    assert re.search(r"strong convexity +not shown", str(check(lambda x: x[0] ** 2 + 0 * x[1], SQUARE, budget=1000)))


def test_a_tree_says_whose_it_is():
    report = check(lambda x: np.exp(-x @ x), SQUARE, "log-concave")
    assert "−log f, a linear combination" in str(report) and "adds to −log f" in str(report)
    assert " f, a linear" not in str(report).replace("log f, a", "")
    alone, plain = prove(lambda x: np.log(x[0]), Box(1, 2, shape=2), "concave"), prove(lambda x: x @ x, SQUARE)
    assert "(the operations of −f)" in str(alone) and "(the operations" not in str(plain)


def test_one_box_is_one_box():
    domain = Box(-1, 1)
    proof = prove(lambda x: x**2, domain)
    assert proof.boxes == 1 and str(proof).count("boxes") == 0
    assert str(verify(proof, lambda x: x**2, domain)) == "verified on 1 box"


def test_witnesses_and_rows_print_as_sentences():
    w = falsify(lambda x: -x @ x, SQUARE)
    assert str(w).startswith("witness ") and "witness.recheck()" in str(w) and "report." not in str(w)
    assert "np.array" in str(w) and "<function" not in str(w)
    row = convexity.quasiconvex(lambda x: np.cos(np.sum(x)), SQUARE)
    assert str(row).startswith("quasiconvex: violated (") and "\nwitness " in str(row) and "<function" not in str(row)
    row = convexity.operator_convex(lambda x: x**4, Box(0, 2))
    assert "Row(" not in str(row) and "report." not in str(row)


def test_coordinates_have_the_names_of_the_arguments():
    report = check(lambda w, v: w @ w * 0.1 + v**4 - v**2, (Box(-1, 1, shape=2), Box(-1, 1)))
    assert re.search(r"<= v <= ", line_of(report, "curvature")) and "coordinate" not in str(report)
    report = check(lambda d: d["a"] @ d["a"] - d["b"] ** 3, {"a": Box(-1, 1, shape=3), "b": Box(-1, 1)})
    assert "<= d['b']" in line_of(report, "curvature")
    pair = Product({"a": Product(Box(-1, 1), Box(-1, 1, shape=(2, 2))), "b": Box(-1, 1)})
    assert [coordinate(pair, i) for i in (0, 3, 5)] == ["a[0]", "a[1][1, 0]", "b"]
    box = Box({"a": -1.0, "b": np.zeros(2)}, {"a": 1.0, "b": np.ones(2)})
    assert [coordinate(box, i) for i in range(3)] == ["x['a']", "x['b'][0]", "x['b'][1]"]
    assert Product({"w": {"a": Box(-1, 1)}, "b": Box(-1, 1)}).label == "w: (a: the box [-1, 1]) x b: the box [-1, 1]"
    assert coordinate(PositiveDefinite(2), 1) == "coordinate 1"          # off-diagonal: two entries


def test_points_are_told_whole_on_one_line():
    assert brief(np.arange(9.0).reshape(3, 3)) == "[[0. ... 2.] ... [6. ... 8.]]"
    assert brief({"a": np.zeros(2), "b": (1.23456, [2.0])}) == "{'a': [0. 0.], 'b': (1.235, [2])}"
    report = check(lambda X: -np.log(np.trace(X)), Box(-1, 1, shape=(5, 5)), budget=1000)
    assert re.search(r"f\(\[\[.*\]\]\) = (nan|-?inf)", report.trouble) and "\n" not in report.trouble


def test_a_proof_is_on_the_whole_set_and_samples_in_the_window():
    report = check(lambda x: np.sum(np.exp(-x)), PositiveOrthant(2), budget=1000)
    assert str(report).startswith("PROVED CONVEX on x > 0 in R^2: ") and "searched on" in line_of(report, "samples")
    assert "searched" not in str(report.proofs["convex"])
    both = Product(PositiveOrthant(2), PositiveDefinite(2))
    assert both.set_label == "(x > 0 in R^2) x (the positive definite 2 x 2 matrices)"
    assert "searched" not in (PositiveOrthant(2) & Box(-np.inf, np.inf, shape=2)).set_label
    open_ended = check(lambda x: np.sum(np.sin(x)), PositiveOrthant(2), budget=1000)
    assert "searched on" in str(open_ended).splitlines()[0] + str(open_ended).splitlines()[1]


def test_a_branch_of_the_code_is_named_as_the_user_wrote_it():
    def huber(x):
        return x**2 if abs(x) < 1 else 2 * abs(x) - 1

    proof = prove(huber, Box(-3, 3))
    assert "an `if` (or while, max()) on x" in proof.undecided and "np.where" in proof.decides
    why = natural_domain(lambda x: x if x > 0 else np.log(-1 - x**2), Box(-2, 2))[1]
    assert "guard" not in str(proof) + why and "on x needs one outcome" in why
