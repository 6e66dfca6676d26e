"""Proofs in the solvers: constants handed on, bounds on f − f* that hold, errors, proofs that travel, rates."""

import math
import re

import numpy as np
import pytest

import optkit
from autodiff.intervals import point
from optkit.certificate import Kind
from optkit.certified import flat, upwards
from optkit.convexity import AffineSubspace, Ball, Box, Polyhedron, Product, Simplex
from optkit.convexity.gaps import gradient_at, has_constant_hessian, is_whole, most_below, name_of
from optkit.convexity.prove import prove
from optkit.convexity.verifier import verify
from optkit.prox import L1, ElasticNet, L2Ball
from optkit.prox import Simplex as ProxSimplex
from optkit.rates import Rate, rate
from optkit.solvers import FISTA, GradientDescent, Momentum, ProximalGradient

rng = np.random.default_rng(0)
A, y = rng.standard_normal((12, 3)), rng.standard_normal(12)
H = A.T @ A
MU, LARGEST = np.linalg.eigvalsh(H)[[0, -1]]
INF = np.inf
WHOLE = Box(-INF, INF, shape=3)


def ridge(x):
    return 0.5 * np.sum((A @ x - y) ** 2)


def softplus(x):
    return np.sum(np.log1p(np.exp(A @ x))) + 0.1 * x @ x


def quartic(x):
    return np.sum((x - 0.5) ** 4) + x[0]


def at(fun, x, **options):
    """A run that stays where it starts."""
    return optkit.minimize(fun, np.array(x, float), maxiter=0, **options)


# --- the bound ---


@pytest.mark.parametrize("mu", [0.0, 0.1, 3.0])
@pytest.mark.parametrize("region", [
    Box(-1, [0.5, 2.0, 1.0]), Ball([0.2, 0.0, 1.0], 1.5), Simplex(3),
    Polyhedron(np.vstack([np.eye(3), -np.eye(3), [[1.0, 2.0, -1.0]]]), np.ones(7)),
    Polyhedron(np.vstack([np.eye(3), -np.eye(3)]), np.ones(6), [[1.0, 1.0, 1.0]], [0.3]),
    Box(-1, 1, shape=3) & Ball([0.5, 0.0, 0.0], 1.2), Product([Ball([0.0, 1.0], 1.0), Box(-1, 1, shape=1)])], ids=repr)
def test_no_point_of_a_region_lies_further_below_than_the_bound(region, mu):
    points = np.random.default_rng(1)
    everywhere, tightest, others = np.full(3, INF), 0.0, region.spread(400, points)
    for x in others[:25]:
        g = points.standard_normal(3) * 10.0 ** points.integers(-6, 3)
        bound = most_below(region, point(g), x, mu, -everywhere, everywhere)
        d = x - others
        below = max(0.0, float((d @ g - 0.5 * mu * np.sum(d * d, axis=1)).max()))
        assert below <= bound
        tightest = max(tightest, below / bound if bound else 1.0)
    assert tightest > 0.7


def test_a_box_a_ball_and_a_simplex_give_their_support_function():
    g, x, everywhere = np.array([3.0, -4.0, 0.0]), np.array([0.25, 0.25, 0.5]), np.full(3, INF)

    def bound(region, mu=0.0):
        return most_below(region, point(g), x, mu, -everywhere, everywhere)

    assert bound(Box(-1, 1, shape=3)) == pytest.approx(3 * 1.25 + 4 * 0.75, rel=1e-12)
    assert bound(Ball(np.zeros(3), 2.0)) == pytest.approx(g @ x + 2 * 5.0, rel=1e-12)
    assert bound(Simplex(3)) == pytest.approx(g @ x + 4.0, rel=1e-12)
    assert bound(WHOLE) == INF and bound(WHOLE, 0.5) == pytest.approx(25.0, rel=1e-12)
    assert bound(Box(-1, 1, shape=3), 0.5) == pytest.approx((3 - 0.25 * 1.25) * 1.25 + (4 - 0.25 * 0.75) * 0.75)
    assert bound(AffineSubspace([[3.0, -4.0, 0.0]], [-0.25])) < 1e-13      # g is normal to it: x is the minimiser
    assert bound(AffineSubspace([[1.0, 1.0, 0.0]], [0.5]), 0.5) == pytest.approx(24.5)  # ‖its part within‖²/(2μ)


def test_bounds_are_rounded_upwards():
    from fractions import Fraction
    g, mu, everywhere = np.array([0.1, 0.7, 1e-9]), 0.3, np.full(3, INF)
    exact = sum(Fraction(v) ** 2 for v in g.tolist()) / (2 * Fraction(mu))
    bound = most_below(WHOLE, point(g), np.zeros(3), mu, -everywhere, everywhere)
    assert exact <= Fraction(bound) <= exact * (1 + Fraction(1, 10**14))
    corner = most_below(Box(-0.3, 0.1, shape=3), point(g), np.full(3, 0.1), 0.0, -everywhere, everywhere)
    exact = sum(Fraction(v) for v in g.tolist()) * (Fraction(0.1) + Fraction(0.3))
    assert exact <= Fraction(corner) <= exact * (1 + Fraction(1, 10**14))
    ends = np.full(1, INF)
    for low, x in np.sort(np.random.default_rng(3).standard_normal((50, 2))):
        side = most_below(Box(low, 3.0, shape=1), point(np.ones(1)), np.array([x]), 0.0, -ends, ends)
        assert Fraction(float(x)) - Fraction(float(low)) <= Fraction(side)
    for value in (1.2344e-7, 9.999e3, 1.0, 0.1, 123.0, 1.001e-300):
        assert value <= float(upwards(value)) <= 1.02 * value
    assert (upwards(0.0), upwards(math.inf)) == ("0", "inf")


def test_the_gradient_is_enclosed_also_at_kinks():
    inner = gradient_at(ridge, np.array([0.1, 0.2, 0.3]))
    g = A.T @ (A @ [0.1, 0.2, 0.3] - y)
    assert (inner.lo <= g + 1e-12).all() and (g - 1e-12 <= inner.hi).all() and np.max(inner.hi - inner.lo) < 1e-12
    kink = gradient_at(lambda x: np.sum(np.abs(x)), np.array([0.0, 2.0]))
    assert kink.lo[0] <= -1 and kink.hi[0] >= 1 and kink.lo[1] == kink.hi[1] == 1
    assert gradient_at(lambda x: float(np.asarray(x)[0]), np.zeros(2)) is None
    assert np.array_equal(gradient_at(lambda x: 3.0 + 0 * x[0], np.zeros(2)).hi, [0, 0])


# --- results ---


@pytest.mark.parametrize("fun, region", [(ridge, WHOLE), (ridge, Ball(np.zeros(3), 4.0)),
                                         (softplus, Box(-3, 3, shape=3)), (quartic, Box(-2, 2, shape=3))])
def test_unfinished_runs_lie_no_further_above_the_minimum_than_certified(fun, region):
    least = optkit.minimize(fun, np.zeros(3), gtol=1e-12)
    for start in np.random.default_rng(2).uniform(-1, 1, (4, 3)):
        result = at(fun, start, certify=region, method="l-bfgs")
        assert 0 < result.fun - least.fun <= result.gap * (1 + 1e-12)
        assert not result.success and "f is proved convex on" in result.message
        certificate = result.certificate()
        assert certificate.gap == result.gap and certificate.kind is Kind.NOT_STATIONARY
        if certificate.mu is not None:
            assert np.linalg.norm(result.x - least.x) <= certificate.distance * (1 + 1e-9)


def test_a_solved_run_says_global_minimum_and_how_far_at_most():
    result = optkit.minimize(ridge, np.zeros(3), certify=Box(-5, 5, shape=3))
    assert result.proof.proved and result.gap < 1e-10
    assert f"global minimum on the box [-5, 5]^3, proved: f(x) − f* <= {upwards(result.gap)}" in str(result)
    certificate = result.certificate()
    assert certificate.kind is Kind.GLOBAL and 0 < certificate.mu <= MU
    assert certificate.mu == pytest.approx(MU, rel=1e-9)
    assert "the minimiser is unique" in str(certificate) and "enclosed by intervals" in str(certificate)
    exact = np.linalg.lstsq(A, y, rcond=None)[0]
    assert np.linalg.norm(result.x - exact) <= certificate.distance


def test_only_convex_has_a_bound_on_bounded_regions_alone():
    bounded = optkit.minimize(quartic, np.zeros(3), certify=Box(-2, 2, shape=3))
    certificate = bounded.certificate()
    assert certificate.kind is Kind.GLOBAL and certificate.mu is certificate.distance is None
    assert 0 < certificate.gap < 1e-3 and "unique" not in str(certificate)
    everywhere = optkit.minimize(quartic, np.zeros(3), certify=Box(-INF, INF, shape=3))
    assert everywhere.gap == INF
    assert "global minimum on all of R^3, proved; f(x) − f* has no bound" in everywhere.message
    assert everywhere.certificate().gap is None and "no bound" in str(everywhere.certificate())


def test_bounds_and_certify_true():
    result = optkit.minimize(lambda x: np.sum((x + 1) ** 2), [0.5, 0.2], bounds=[(0, 1)] * 2, certify=True)
    assert np.array_equal(result.x, [0, 0]) and result.gap == 0.0
    assert "global minimum on the box [0, 1]^2, proved: f(x) − f* <= 0" in result.message
    unsolved = at(lambda x: np.sum((x + 1) ** 2), [0.5, 0.0], bounds=[(0, 1)] * 2, certify=True)
    assert unsolved.gap == pytest.approx(1.25)  # 1.5² − 1: exact for a quadratic of curvature 2
    wider = at(lambda x: np.sum((x + 1) ** 2), [0.5, 0.0], bounds=[(0, 1)] * 2, certify=Box(-9, 9, shape=2))
    assert wider.gap == pytest.approx(1.25)


@pytest.mark.parametrize("term", [L1(0.7), ElasticNet(0.5, 0.5), L2Ball(0.2), ProxSimplex()], ids=repr)
@pytest.mark.parametrize("region", [WHOLE, Ball(np.zeros(3), 3.0)], ids=repr)
def test_with_an_added_term_the_bound_is_of_the_sum(term, region):
    least = optkit.minimize(ridge, np.full(3, 1 / 3), prox=term, gtol=1e-13)
    for steps in (0, 1, 3, 500):
        result = optkit.minimize(ridge, np.full(3, 1 / 3), prox=term, certify=region, method="fista", maxiter=steps,
                                 gtol=1e-10)
        assert result.fun - least.fun <= result.gap + 1e-14
    assert result.success and result.gap < 1e-12 and result.certificate().kind is Kind.GLOBAL
    assert "up to the rounding of a proximal step" in str(result.certificate())


def test_what_is_not_proved_is_not_claimed():
    saddle = optkit.minimize(lambda x: np.sum(x**4) - x[0] * x[1] + x[2] ** 2, np.ones(3), certify=Box(-2, 2, shape=3))
    assert "not proved convex on the box [-2, 2]^3" in saddle.message and "global" not in saddle.message
    assert "gap" not in saddle and not saddle.proof.proved
    assert saddle.certificate().kind is Kind.MINIMUM and saddle.certificate().gap is None
    away = optkit.minimize(ridge, np.zeros(3), certify=Box(5, 6, shape=3))
    assert "nothing is certified: x lies outside the box [5, 6]^3" in away.message and "gap" not in away
    with pytest.raises(ValueError, match="x lies outside the domain, the box .* give a region around x"):
        away.certificate()
    with pytest.raises(ValueError, match="x lies outside the domain, the ball"):
        away.certificate(Ball(np.full(3, 9.0), 1.0))


def test_structured_unknowns_take_a_region_of_their_structure_or_a_flat_one():
    def fun(p):
        return np.sum((p["a"] - 1) ** 2) + 2 * p["b"] ** 2

    start = {"a": np.zeros(2), "b": 0.5}
    nested = Product({"a": Box(-2, 2, shape=2), "b": Box(-1, 1, shape=())})
    for region in (nested, Box(-2, 2, shape=3)):
        result = optkit.minimize(fun, start, certify=region)
        assert result.certificate().kind is Kind.GLOBAL and result.certificate().mu == pytest.approx(2.0)
    with pytest.raises(ValueError, match="the region is one of array of shape .* make the region of that structure"):
        optkit.minimize(fun, start, certify=Box(-2, 2, shape=(3, 1)))


# --- constants in the methods ---


def test_momentum_gets_both_constants_on_the_whole_space():
    result = optkit.minimize(ridge, np.ones(3), method="momentum", certify=WHOLE)
    words = re.search(r"mu = (\S+) and L = (\S+) by the proof on all of R\^3", result.choice)
    mu, L = (float(v) for v in words.groups())
    assert mu == pytest.approx(MU, rel=1e-3) and pytest.approx(LARGEST, rel=1e-3) == L
    given = optkit.minimize(ridge, np.ones(3), method=Momentum(mu=result.proof.mu.lower, L=result.proof.L.upper))
    np.testing.assert_array_equal(result.x, given.x)
    assert result.nit == given.nit and result.success


def test_the_heavy_ball_gets_mu_where_f_is_quadratic():
    quadratic = optkit.minimize(ridge, np.ones(3), method="momentum", scheme="heavy-ball", certify=WHOLE)
    assert "mu = " in quadratic.choice and quadratic.success
    other = optkit.minimize(softplus, np.ones(3), method="momentum", scheme="heavy-ball", certify=WHOLE, maxtime=1.0)
    assert "first step 1/L" in other.choice and "mu =" not in other.choice and other.success
    assert has_constant_hessian(ridge, np.zeros(3)) and not has_constant_hessian(softplus, np.zeros(3))
    for more in (lambda x: ridge(x) + np.sum(x**4), lambda x: ridge(x) - np.sum(np.sqrt(1 + x * x)),
                 lambda x: ridge(x) + np.sum(np.abs(x)), lambda x: ridge(x) + np.cos(x[0])):
        assert not has_constant_hessian(more, np.zeros(3))


@pytest.mark.parametrize("fun, alpha", [(ridge, 2 / (MU + LARGEST)), (lambda x: ridge(x * [1, 1, 0]), None)])
def test_a_fixed_step_comes_of_the_proof(fun, alpha):
    result = optkit.minimize(fun, np.ones(3), method="gradient-descent", rule="fixed", certify=WHOLE)
    words = "alpha = 1/L" if alpha is None else "alpha = 2/(mu + L)"
    assert result.success and result.choice.startswith(words)
    L = np.linalg.eigvalsh(H[:2, :2])[-1]
    step = result.history[1].step / np.linalg.norm(optkit.Objective(fun, np.ones(3)).start().g)
    assert step == pytest.approx(1 / L if alpha is None else alpha, rel=1e-6)


def test_elsewhere_only_the_first_step_comes_of_it_and_is_tested():
    small = Box(-0.1, 0.1, shape=3)
    for method, options in (("momentum", {}), ("gradient-descent", {}), ("fista", {}), ("proximal-gradient", {})):
        result = optkit.minimize(lambda x: np.sum(np.cosh(3 * x)) + x[0], np.full(3, 3.0), method=method, certify=small,
                                 **options)
        assert "first step 1/L" in result.choice and result.success, method
    with pytest.raises(ValueError, match="rule='fixed' .* iterates may leave the box .* whole space"):
        optkit.minimize(ridge, np.zeros(3), method="gradient-descent", rule="fixed", certify=small)
    with pytest.raises(ValueError, match="rule='fixed' .* no L was proved"):
        optkit.minimize(quartic, np.zeros(3), method="gradient-descent", rule="fixed", certify=WHOLE)


def test_within_bounds_a_fixed_proximal_step_is_sound():
    def steep(x):
        return np.sum(np.exp(2 * x)) - 3 * x[1]

    result = optkit.minimize(steep, np.zeros(3), method="proximal-gradient", rule="fixed", bounds=[(-1, 1)] * 3,
                             certify=True)
    assert result.choice.startswith("alpha = 1/L") and result.success
    assert 1 / result.proof.L.upper <= 1 / (4 * math.exp(2)) * (1 + 1e-9)
    with pytest.raises(ValueError, match="iterates may leave"):
        optkit.minimize(steep, np.zeros(3), method="proximal-gradient", rule="fixed", bounds=[(-1, 1)] * 3,
                        certify=Box(-0.5, 0.5, shape=3))


def test_what_the_user_has_set_stays_and_saved_runs_get_nothing(tmp_path):
    for options in ({"L": 500.0}, {"alpha": 1e-3}, {"checkpoint": tmp_path / "run.npz"}):
        assert optkit.minimize(ridge, np.ones(3), method="momentum", certify=WHOLE, maxiter=5, **options).choice == ""
    mine = optkit.minimize(ridge, np.ones(3), method=GradientDescent(rule="fixed", alpha=1e-3), certify=WHOLE,
                           maxiter=3)
    assert mine.choice == "" and mine.history[1].step == pytest.approx(1e-3 * np.linalg.norm(H @ np.ones(3) - A.T @ y))
    assert optkit.minimize(ridge, np.ones(3), method="newton-cg", certify=WHOLE).choice == ""
    assert optkit.minimize(ridge, np.ones(3), method=FISTA(), certify=WHOLE).choice.startswith("first step 1/L")


# --- errors ---


@pytest.mark.parametrize("options, match", [
    ({"certify": True}, r"True stands for the box of bounds=, and there are none.*Box\(-2, 2, shape=3\)"),
    ({"certify": 3.0}, "need a region of optkit.convexity.*got 3.0"),
    ({"certify": Box(-1, 1, shape=2)}, "a domain of 3 unknowns, as x has, got domain=2"),
    ({"certify": WHOLE, "constraints": {"type": "ineq", "fun": lambda x: x[0]}},
     "not with constraints.*bounds= or prox="),
    ({"certify": WHOLE, "method": "slsqp"}, "not with constraints or their methods"),
    ({"certify": True, "bounds": [(1, 1)] * 3}, "bounds that leave a variable free"),
])
def test_wrong_calls_are_refused_with_a_remedy(options, match):
    with pytest.raises((TypeError, ValueError), match=match):
        optkit.minimize(ridge, np.ones(3), **options)


def test_other_refusals():
    import autodiff as ad
    with pytest.raises(ValueError, match="certify: not where args are differentiated"):
        ad.grad(lambda a: optkit.minimize(lambda x, a: np.sum((x - a) ** 2), np.zeros(2), args=(a,),
                                          certify=Box(-1, 1, shape=2)).fun)(0.5)
    result = optkit.minimize(ridge, np.zeros(3))
    with pytest.raises(ValueError, match="mu=1.0 and domain are both given"):
        result.certificate(WHOLE, mu=1.0)
    with pytest.raises(TypeError, match="certificate: domain: need a region"):
        result.certificate("everywhere")
    with pytest.raises(AttributeError, match="give certify=region to minimize"):
        result.proof  # noqa: B018


# --- afterwards, and on disk ---


def test_a_region_can_be_asked_about_afterwards():
    result = optkit.minimize(ridge, np.zeros(3))
    assert result.certificate().kind is Kind.MINIMUM
    certificate = result.certificate(Box(-5, 5, shape=3))
    assert certificate.kind is Kind.GLOBAL and result.proof.proved and result.gap == certificate.gap
    assert result.certificate() is certificate          # the last word is kept
    given = result.certificate(mu=MU / 2)
    assert given.distance is None and given.convexity.endswith("mu is given")


def test_a_proof_is_saved_as_json_and_verified_after_loading(tmp_path):
    region = Box(-3, 3, shape=3)
    result = optkit.minimize(ridge, np.zeros(3), method="gradient-descent", certify=region)
    again = optkit.load(result.save(tmp_path / "r.npz"))
    assert again.proof.to_json() == result.proof.to_json() and again.gap == result.gap
    assert "gap" in again and str(again) == str(result) and verify(again.proof, ridge, region)
    certificate = again.certificate(region, fun=ridge)
    assert certificate.kind is Kind.GLOBAL and again.proof.seconds == result.proof.seconds   # not made anew
    assert str(certificate) == str(result.certificate())
    elsewhere = optkit.load(tmp_path / "r.npz").certificate(Ball(np.zeros(3), 4.0), fun=ridge)
    assert elsewhere.kind is Kind.GLOBAL and "the ball" in str(elsewhere)
    with_rate = optkit.minimize(ridge, np.zeros(3), method="momentum", certify=WHOLE)
    assert optkit.load(with_rate.save(tmp_path / "s.npz")).rate == with_rate.rate


def test_regions_are_named_without_their_window():
    assert name_of(WHOLE) == "all of R^3" and is_whole(Product([WHOLE, Box(-INF, INF, shape=1)]))
    half = Polyhedron([[1.0, 1.0, 0.0]], [1.0])
    assert not is_whole(half) and np.isinf(half.outer).all()
    assert not is_whole(Box(-INF, [INF, 1.0])) and name_of(Box(0, INF, shape=2)) == "the box [0, inf]^2"


# --- rates ---


def test_what_theory_says_of_each_method():
    def factor(solver, mu=1.0):
        found = rate(solver, mu, 9.0, 2.0)
        return found and found.factor if mu else found

    assert factor(GradientDescent(rule="fixed", alpha=1 / 9)) == pytest.approx(8 / 9)
    assert factor(GradientDescent(rule="fixed", alpha=0.2)) == pytest.approx(0.64)
    assert factor(GradientDescent(rule="fixed", alpha=0.15)) == pytest.approx(0.85**2)
    assert factor(GradientDescent(rule="fixed", alpha=0.3)) is None and factor(GradientDescent()) is None
    assert factor(Momentum(mu=1.0, L=9.0)) == pytest.approx(2 / 3)
    assert factor(Momentum(mu=1.0, L=9.0, scheme="heavy-ball")) == pytest.approx(0.25)
    assert factor(ProximalGradient(rule="fixed", alpha=1 / 9)) == pytest.approx(8 / 9)
    assert factor(ProximalGradient(rule="backtracking")) == pytest.approx(17 / 18)
    assert factor(ProximalGradient()) is factor(Momentum()) is None
    slow, fast = factor(GradientDescent(rule="fixed", alpha=1 / 9), 0.0), factor(Momentum(L=9.0), 0.0)
    np.testing.assert_allclose(slow([0, 1, 4], 5.0), [5.0, 5.0, 9 * 4 / 8])
    np.testing.assert_allclose(fast([0, 1, 8], 50.0), [50.0, 18.0, 2 * 9 * 4 / 81])
    assert factor(FISTA(), 0.0)(8, 50.0) == pytest.approx(2 * 2 * 9 * 4 / 81)
    np.testing.assert_allclose(Rate("", "", 0.5)([0, 3], 8.0), [8.0, 1.0])
    assert rate(FISTA(), 1.0, INF, 1.0) is None


@pytest.mark.parametrize("method, options", [("gradient-descent", {"rule": "fixed"}), ("momentum", {}),
                                             ("proximal-gradient", {"rule": "fixed"}), ("fista", {})])
def test_runs_are_no_slower_than_theory_says(method, options):
    least = optkit.minimize(ridge, np.zeros(3), gtol=1e-13).fun
    result = optkit.minimize(ridge, np.ones(3), method=method, certify=WHOLE, gtol=1e-8, **options)
    gap = result.history.f - least
    line = result.rate(result.history.nit, gap[0])
    seen = gap > 1e-13
    assert result.success and seen.sum() > 5 and (gap[seen] <= 2.5 * line[seen]).all()     # Nesterov's constant is 2


def test_rates_are_for_runs_that_cannot_leave_the_region():
    result = optkit.minimize(ridge, np.ones(3), method="fista", certify=Box(-4, 4, shape=3))
    assert "rate" not in result
    inside = optkit.minimize(ridge, np.ones(3), method="fista", bounds=[(-4, 4)] * 3, certify=True)
    assert inside.rate.power == 2


def test_the_recording_of_a_pair_is_that_of_f():
    def pair(x):
        r = A @ x - y
        return 0.5 * np.sum(r**2), A.T @ r

    result = optkit.minimize(pair, np.zeros(3), jac=True, certify=WHOLE)
    assert result.certificate().kind is Kind.GLOBAL
    f = flat(optkit.Objective(pair, np.zeros(3), jac=True))
    assert prove(f, WHOLE).graph == result.proof.graph


def test_a_fit_is_certified_by_its_cost():
    certificate = optkit.least_squares(lambda p: (A @ p - y, 0.1 * p), np.zeros(3)).certificate(WHOLE)
    assert certificate.kind is Kind.GLOBAL and certificate.mu == pytest.approx(MU + 0.01, rel=1e-6)
    assert 0 <= certificate.gap < 1e-10
    robust = optkit.least_squares(lambda p: p - 0.1, np.zeros(2), loss="soft_l1").certificate(Box(-0.5, 0.5, shape=2))
    assert robust.kind is Kind.GLOBAL and 0 < robust.mu < 1 and robust.gap < 1e-10
