"""What a report says in words, in JSON and as a page: each claim is what checking and plain calls say."""

import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from matplotlib import pyplot

from optkit.convexity import PROPERTIES, Box, Domain, PositiveOrthant, Simplex, Verdict, check, domains
from optkit.convexity.bending import region_of
from optkit.convexity.page import _tree, snippet
from optkit.convexity.paste import pasteable
from optkit.convexity.proof import Proof
from optkit.convexity.steps import Step
from optkit.convexity.wording import TREE

pytestmark = pytest.mark.nan_ok


def valley(x):
    return x[0] ** 4 - 2 * x[0] ** 2 + x[1] ** 2


def bowl(x):
    return np.sum(np.log(1 + np.exp(x))) + 0.05 * x @ x


def flat(text):
    return " ".join(str(text).split())


def line_of(report, label):
    """The paragraph beside a label, as one line."""
    found = re.search(rf"^  {label} .*(?:\n {{14}}.*)*", str(report), re.MULTILINE)
    return flat(found[0]) if found else ""


@pytest.fixture(scope="module")
def refuted():
    return check(valley, Box(-2, 2, shape=2), budget=4000)


@pytest.fixture(scope="module")
def proved():
    return check(bowl, Box(-1, 1, shape=3), budget=4000)


@pytest.fixture(scope="module")
def open_question():
    return check(lambda x: np.sum(x**2) + 0.1 * np.sin(x[0] * x[1] * 3) ** 2, Box(-0.5, 0.5, shape=2), maxtime=0.3)


@pytest.fixture(scope="module")
def unrecorded():
    return check(lambda x: float(x[0]) ** 2 + float(x[1]) ** 2, Box(-1, 1, shape=2), budget=2000)


# --- text -------------------------------------------------------------------------------------------------------------


def test_the_verdict_comes_first_and_what_shows_it_next(refuted, proved):
    lines = str(refuted).splitlines()
    assert lines[0] == "NOT CONVEX on the box [-2, 2]^2: a witness, which plain calls of f confirm"
    assert lines[1].startswith("  witness ")
    lines = str(proved).splitlines()
    assert lines[0].startswith("PROVED STRONGLY CONVEX on the box [-1, 1]^3: by ") and lines[1].startswith("  proof ")
    assert "verify(report.proofs['convex'], f, domain)" in flat(proved)
    assert all(len(line) <= 125 for line in (*lines, *str(refuted).splitlines()))


def test_the_points_of_a_witness_can_be_pasted(refuted):
    code = [line.strip() for line in str(refuted).splitlines() if re.match(r" +[xyz] = np\.array", line)]
    names = {"np": np}
    exec("\n".join(code), names)
    w = refuted.witness
    assert all((names[k] == p).all() for k, p in zip("xyz", (*w.points, w.middle), strict=True))
    gap = valley(names["z"]) - (0.5 * valley(names["x"]) + 0.5 * valley(names["y"]))
    assert f"= {gap:.6g} > 0" in line_of(refuted, "witness")


@pytest.mark.parametrize("point", [
    0.1, np.array([1 / 3, -2.0]), np.eye(3) / 7, {"w": np.array([0.1]), "b": 2.5}, [np.zeros(2), (1.5,)],
    np.float64(3.0), np.linspace(0, 1, 60)])
def test_what_is_pasted_is_what_was_written(point):
    back = eval(pasteable(point), {"np": np})
    assert type(back) is type(point) or np.isscalar(back)
    assert json.dumps(back, default=lambda a: a.tolist()) == json.dumps(point, default=lambda a: a.tolist())


def test_large_points_are_shortened_in_text_and_whole_in_the_snippet():
    big = np.arange(500) / 7
    assert "..." in pasteable(big) and (eval(pasteable(big, 4, 10**6), {"np": np}) == big).all()


def test_the_region_of_negative_curvature_is_that_of_f(refuted):
    told = line_of(refuted, "curvature")
    low, high = map(float, re.search(r"(-?[.\d]+) <= x\[0\] <= (-?[.\d]+)", told).groups())
    assert -(3**-0.5) <= low < -0.5 and 0.5 < high <= 3**-0.5       # f₀₀ = 12x₀² − 4
    assert "x[1]" not in told.split("where")[1] and "bends down" in told
    found = refuted.bending
    assert (np.abs(found.X[found.wrong][:, 0]) < 3**-0.5).all()
    assert (np.abs(found.X[~found.wrong][:, 0]) >= 3**-0.5 - 1e-9).all()
    assert found.range[0] == pytest.approx(-4) and "from -4 to 44" in told
    assert 0 < found.met < len(found.X) and f"{found.wrong.sum()} of {len(found.X)} points" in told
    assert "met at" in line_of(refuted, "mu") and "met at" in line_of(refuted, "L")
    assert found.lowest[0] == pytest.approx(0, abs=1e-9) and found.worst is not found.highest
    upward = check(lambda x: -valley(x), Box(-2, 2, shape=2), "concave", budget=2000)
    assert "bends up" in line_of(upward, "curvature") and "x[0]" in region_of(upward.bending, upward.domain)


def test_a_proved_report_has_no_region_and_says_where_the_constants_are_met(proved):
    assert "bends" not in line_of(proved, "curvature") and not proved.bending.wrong.any()
    mu, L = line_of(proved, "mu"), line_of(proved, "L")
    assert re.fullmatch(r"mu >= [\d.]+ \(certified\) and <= [\d.]+ \(sampled\); met at .*", mu)
    assert "(certified)" in L and "met at [0. 0. 0.]" in L                   # σ' is largest at 0
    ends = np.array(re.search(r"met at \[(.*)\]", mu)[1].split(), dtype=float)
    assert (np.abs(ends) == 1).all()
    assert proved.mu.lower <= 0.1 + np.exp(1) / (1 + np.exp(1)) ** 2 <= proved.mu.upper + 1e-12


def test_an_open_question_says_why_the_proof_stopped_and_what_would_decide(unrecorded):
    assert "NO COUNTEREXAMPLE (not a proof)" in str(unrecorded)
    assert "f cannot be recorded" in line_of(unrecorded, "no proof")
    assert "write f in NumPy operations" in line_of(unrecorded, "to decide")
    without = check(bowl, Box(-1, 1, shape=2), budget=2000, prove=False)
    assert "none was looked for (prove=False)" in line_of(without, "no proof")
    assert "prove=True" in line_of(without, "to decide")


def test_the_operation_in_the_way_is_named_with_its_line(refuted, open_question):
    told = line_of(refuted, "culprit")
    assert "adds curvature in [-4, 44]" in told and "test_convexity_report_text.py:" in told and "x[0] ** 4" in told
    assert open_question.verdict is Verdict.NO_COUNTEREXAMPLE or open_question.verdict.proved
    if not open_question.verdict.proved:
        assert "adds curvature" in line_of(open_question, "in the way") and line_of(open_question, "to decide")
        assert re.search(r"\d+ box(es)? in", line_of(open_question, "no proof"))


def test_what_is_proved_but_not_enough_is_said():
    report = check(lambda x: x[0] ** 4 + x[1] ** 4, Box(-1, 1, shape=2), ("strictly convex", "convex"), budget=2000)
    assert report.verdicts["convex"] is Verdict.PROVED_CONVEX and not report.verdict.proved
    assert "f was shown convex with mu >= 0, which is not enough" in line_of(report, "no proof")
    assert "mu > 0" in line_of(report, "to decide")


def test_no_proof_of_less_contradicts_a_witness_against_more():
    report = check(lambda x: x[0] ** 2 + 0.0 * x[1], Box(-1, 1, shape=2), "strongly convex", budget=2000)
    assert report.verdict.refuted and report.proofs["strongly convex"].mu.lower == 0
    assert "contradict" not in report.reason


def test_a_tree_too_long_is_cut_and_says_how_to_see_the_rest():
    def long(x):
        out = 0.0 * x[0]
        for k in range(20):
            out = out + np.exp(x[0] * (k + 1.0) + x[1])
        return out
    report = check(long, Box(-0.1, 0.1, shape=2), budget=1000)
    assert report.verdict.proved
    total = len(list(report.proofs["convex"].tree.lines()))
    shown = [line for line in str(report).splitlines() if re.match(r" {14}[├└│]", line)]
    assert total > TREE > len(shown) and f"shows all {total} lines" in str(report)


def test_where_f_is_not_finite_the_natural_domain_is_said():
    report = check(lambda x: -np.log(x[0]) + x[1] ** 2, Box(-1, 1, shape=2), budget=2000)
    assert report.verdict is Verdict.UNDECIDED and "not finite" in report.trouble
    assert "x[0]" in report.natural and "log needs" in report.natural
    assert flat(report.natural) in line_of(report, "to decide")


@pytest.mark.parametrize("name", PROPERTIES)
def test_every_property_has_words_for_proof_refutation_and_neither(name):
    box = Box(0.5, 2.0)
    if name == "L-natural":
        box = Box(0, 3, shape=2)
    for f in (lambda x: np.sum(x**2), lambda x: -np.sum(x**2), lambda x: np.sum(np.sin(7 * x)),
              lambda x: np.sum(1.0 * x), lambda x: float(np.sum(np.asarray(x)))):
        report = check(f, box, name, budget=400, maxtime=0.5)
        text, verdict = str(report), report.verdict
        assert text.startswith(verdict.value.replace("_", " "))
        assert bool(line_of(report, "witness")) == (report.witness is not None)
        if verdict.proved:
            assert line_of(report, "proof")
        elif not verdict.refuted:
            assert line_of(report, "no proof") and line_of(report, "to decide"), text
        json.loads(report.to_json(), parse_constant=lambda name: pytest.fail(f"{name} in JSON"))


# --- JSON -------------------------------------------------------------------------------------------------------------


def test_json_holds_the_proofs_the_rows_with_their_witnesses_and_the_region(refuted, proved):
    data = json.loads(proved.to_json(), parse_constant=lambda name: pytest.fail(f"{name} in JSON"))
    again = Proof.from_json(json.dumps(data["proofs"]["convex"]))
    assert again.to_json() == proved.proofs["convex"].to_json()
    assert domains.encoding.from_json(data["region"]).label == proved.domain.label
    assert data["mu"]["certified_lower"] is True and data["attained"]["L"] == [0.0, 0.0, 0.0]
    data = json.loads(refuted.to_json())
    row = next(r for r in data["criteria"]["convex"] if r["outcome"] == "violated")
    assert {"points", "weights", "gap", "verified"} <= row["witness"].keys()
    lows = [e["lowest"] for e in data["eigenvalues"]["convex"]]
    points = np.array([e["x"] for e in data["eigenvalues"]["convex"]])
    np.testing.assert_allclose(lows, np.minimum(12 * points[:, 0] ** 2 - 4, 2), atol=1e-9)
    assert Step.from_json(data["proofs"]["convex"]["tree"]).weight[0] <= -4


def test_a_domain_of_functions_has_no_region_in_json():
    domain = Domain(lambda x: x[0] > 0, lambda rng: rng.uniform(0.1, 1.0, 2))
    assert json.loads(check(bowl, domain, budget=1000).to_json())["region"] is None


# --- the page ---------------------------------------------------------------------------------------------------------


class Reader(HTMLParser):
    """Collects text and what is open; fails on tags that are closed out of order."""

    VOID = ("meta", "img", "br")

    def __init__(self):
        super().__init__()
        self.open, self.seen, self.text, self.links = [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        self.links += [v for k, v in attrs if k in ("href", "src")]
        self.open += [tag] if tag not in self.VOID else []

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def read(page):
    reader = Reader()
    reader.feed(page)
    assert not reader.open
    return reader


def test_the_page_needs_nothing_else(refuted, proved, tmp_path):
    for report in (refuted, proved):
        page = report.html(tmp_path / "r.html")
        assert (tmp_path / "r.html").read_text(encoding="utf-8") == page
        reader = read(page)
        assert not {"script", "link", "iframe"} & set(reader.seen) and "http" not in page and "@import" not in page
        (picture,) = reader.links
        assert picture.startswith("data:image/png;base64,iVBOR") and len(picture) > 5000
        text = flat(" ".join(reader.text))
        for words in (report.domain.label, "second order", "kappa", "seed 0", f"{report.mu.upper:.6g}"):
            assert words in text
    assert "certified" in text and "verify(report.proofs['convex'], f, domain)" in text


def test_the_page_folds_the_tree_of_the_proof(proved):
    reader = read(proved.html())
    steps = list(proved.proofs["convex"].tree.told())
    assert reader.seen.count("details") == sum(bool(s.parts) and not again for _, s, _, again in steps) > 0
    text = flat(" ".join(reader.text))
    assert all(flat(step) in text for _, step, _, _ in steps)


def test_folded_parts_stand_beside_each_other():
    twin = [Step(name, "", (1.0, 1.0), (0.0, 1.0), (Step("u", "", (1.0, 1.0), (0.0, 1.0)),)) for name in "ab"]
    html = _tree(Step("top", "", (1.0, 1.0), (0.0, 1.0), tuple(twin)))
    depth = deepest = 0
    for tag in re.findall(r"</?details", html):
        depth += 1 if tag == "<details" else -1
        deepest = max(deepest, depth)
    assert (depth, deepest) == (0, 2)


def test_an_eigenvalue_that_is_zero_up_to_rounding_is_not_negative():
    report = check(lambda x: (x[0] + x[1] / 3) ** 2, Box(-1, 1, shape=2), budget=1000)
    assert report.bending.low.max() < 1e-12 and not report.bending.wrong.any()


def test_the_page_escapes_what_it_is_given(refuted):
    from dataclasses import replace
    report = replace(refuted, reason="<script>alert('&')</script>")
    page = report.html()
    assert "<script" not in page and "&lt;script&gt;" in page


def test_the_snippet_rechecks_the_witness_by_plain_calls(refuted, capsys):
    code = snippet(refuted.witness)
    assert "from test_convexity_report_text import valley as f" in code.replace("convexity.", "").replace("tests.", "")
    exec(re.sub(r"^from .*$", "", code, flags=re.MULTILINE), {"f": valley})
    assert float(capsys.readouterr().out) == refuted.witness.gap
    assert code.count("f(") == 3


@pytest.mark.parametrize("f, domain, name", [
    (lambda x: -np.sqrt(np.abs(x[0])) + x[1], Box(-1, 1, shape=2), "quasiconvex"),
    (lambda p: p["a"][0] * p["b"], Box({"a": np.zeros(2) - 1, "b": -1.0}, {"a": np.ones(2), "b": 2.0}), "convex"),
    (lambda x: np.sin(5 * x) + 2, Box(0, 2), "log-concave"), (lambda x: -x**2, Box(-1, 1), "exponentially convex"),
    (lambda x: x @ x, Simplex(3), "concave")])
def test_snippets_of_all_kinds_of_witnesses_run(f, domain, name, capsys):
    report = check(f, domain, name, budget=2000)
    assert report.verdict.refuted
    code = snippet(report.witness)
    exec(code, {"f": f})
    assert float(capsys.readouterr().out) == report.witness.recheck()
    assert bool(name.startswith("log")) == ("log f(z)" in str(report))


def test_a_page_without_anything_to_draw_has_no_picture():
    report = check(lambda x: np.sum(x) * np.nan, Box(-1, 1, shape=2), budget=400)
    assert "img" not in read(report.html()).seen


def test_an_unbounded_domain_is_drawn_in_its_window():
    report = check(lambda x: np.sum(np.exp(-x)), PositiveOrthant(2), budget=1000)
    figure = report.plot()
    assert np.isfinite(figure.axes[0].get_xlim()).all() and len(report.html()) > 5000
    pyplot.close(figure)
