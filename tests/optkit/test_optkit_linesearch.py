"""Line searches: the conditions they promise hold at the point they return, on functions made to be hard."""

import math

import numpy as np
import pytest

from optkit import Objective
from optkit.linesearch import SEARCHES, Armijo, HagerZhang, Ray, StrongWolfe

# Moré & Thuente 1994 §5: φ and φ' of their six test functions.


def _mt1(a, beta=2.0):
    return -a / (a * a + beta), (a * a - beta) / (a * a + beta) ** 2


def _mt2(a, beta=0.004):
    return (a + beta) ** 5 - 2 * (a + beta) ** 4, 5 * (a + beta) ** 4 - 8 * (a + beta) ** 3


def _mt3(a, beta=0.01, ell=39):
    if a <= 1 - beta:
        f, d = 1 - a, -1.0
    elif a >= 1 + beta:
        f, d = a - 1, 1.0
    else:
        f, d = (a - 1) ** 2 / (2 * beta) + beta / 2, (a - 1) / beta
    w = ell * math.pi / 2
    return f + 2 * (1 - beta) / (ell * math.pi) * math.sin(w * a), d + (1 - beta) * math.cos(w * a)


def _yanai(a, b1, b2):
    g1, g2 = math.sqrt(1 + b1 * b1) - b1, math.sqrt(1 + b2 * b2) - b2
    r1, r2 = math.sqrt((1 - a) ** 2 + b2 * b2), math.sqrt(a * a + b1 * b1)
    return g1 * r1 + g2 * r2, g1 * (a - 1) / r1 + g2 * a / r2


MORE_THUENTE = {
    "1": _mt1,
    "2": _mt2,
    "3": _mt3,
    "4": lambda a: _yanai(a, 0.001, 0.001),
    "5": lambda a: _yanai(a, 0.01, 0.001),
    "6": lambda a: _yanai(a, 0.001, 0.01),
}


def ray_of(phi):
    """φ as a ray of a one-dimensional problem; phi(α) -> (φ, φ')."""

    def fun(x):
        f, d = phi(float(x[0]))
        return f, np.array([d])

    objective = Objective(fun, [0.0], jac=True)
    return Ray(objective, objective.start(), np.ones(1))


def armijo(ray, trial, c1):
    return trial.point.f <= ray.f + c1 * trial.alpha * ray.slope


def strong_wolfe(ray, trial, c1, c2):
    return armijo(ray, trial, c1) and abs(trial.slope) <= c2 * abs(ray.slope)


# Tables I to VI of the paper: trials needed from α = 1e-3, 1e-1, 1e1, 1e3.
TRIALS = {
    "1": (6, 3, 1, 4),
    "2": (12, 8, 8, 11),
    "3": (12, 12, 10, 13),
    "4": (4, 1, 3, 4),
    "5": (6, 3, 7, 8),
    "6": (13, 11, 8, 11),
}


@pytest.mark.parametrize("name", MORE_THUENTE)
@pytest.mark.parametrize("k", range(4))
def test_strong_wolfe_holds_on_the_functions_of_more_and_thuente_in_as_many_trials_as_theirs(name, k):
    c1, c2 = {"1": (1e-3, 0.1), "2": (0.0999, 0.1), "3": (0.0999, 0.1)}.get(name, (0.999e-3, 1e-3))
    ray = ray_of(MORE_THUENTE[name])
    trial = StrongWolfe(c1=c1, c2=c2)(ray, (1e-3, 1e-1, 1e1, 1e3)[k])
    assert strong_wolfe(ray, trial, c1, c2)
    assert ray.objective.nfev - 1 == TRIALS[name][k]


@pytest.mark.parametrize("c2", [0.9, 0.1, 1e-3])
def test_strong_wolfe_conditions_hold_along_random_rays(c2):
    rng = np.random.default_rng(0)
    for _ in range(60):
        a, b = rng.normal(size=2)
        scale = 10 ** rng.uniform(-6, 6)

        def phi(t, a=a, b=b, scale=scale):
            t = t / scale
            f, d = math.cos(a * t) + 0.05 * (t - b) ** 2, -a * math.sin(a * t) + 0.1 * (t - b)
            return f, d / scale

        ray = ray_of(phi)
        if ray.slope > 0:
            continue
        trial = StrongWolfe(c2=c2)(ray, scale * 10 ** rng.uniform(-2, 2))
        assert strong_wolfe(ray, trial, 1e-4, c2)


def test_a_quadratic_is_minimised_exactly_by_the_second_trial():
    ray = ray_of(lambda t: ((t - 3.0) ** 2, 2 * (t - 3.0)))
    trial = StrongWolfe(c1=1e-7, c2=1e-6)(ray, 10.0)
    assert trial.alpha == pytest.approx(3.0, rel=1e-9) and ray.objective.nfev <= 3


@pytest.mark.parametrize("name", MORE_THUENTE)
@pytest.mark.parametrize("alpha0", [1e-3, 1e3])
def test_hager_zhang_gives_wolfe_or_approximate_wolfe(name, alpha0):
    search = HagerZhang(maxls=60)
    ray = ray_of(MORE_THUENTE[name])
    trial = search(ray, alpha0)
    f, d = trial.point.f, trial.slope
    wolfe = armijo(ray, trial, search.delta) and d >= search.sigma * ray.slope
    approximate = (
        2 * search.delta - 1
    ) * ray.slope >= d >= search.sigma * ray.slope and f <= ray.f + search.epsilon * abs(ray.f)
    assert wolfe or approximate


@pytest.mark.parametrize("alpha0", [1e-3, 1.0, 1e6])
def test_armijo_decrease_holds_and_alpha_is_no_longer_than_asked(alpha0):
    for phi in MORE_THUENTE.values():
        ray = ray_of(phi)
        trial = Armijo()(ray, alpha0)
        assert armijo(ray, trial, 1e-4) or trial.point.f == pytest.approx(ray.f, rel=1e-14)
        assert 0 < trial.alpha <= alpha0


def test_armijo_below_a_ceiling_accepts_a_rise_up_to_it():
    ray = ray_of(lambda t: (math.sin(6 * t) * (-1) + 0.1 * t, -6 * math.cos(6 * t) + 0.1))
    trial = Armijo().below(1.2, ray, 0.75)
    assert trial.alpha == 0.75 and ray.f < trial.point.f <= 1.2 + 1e-4 * 0.75 * ray.slope
    assert Armijo()(ray, 0.75).point.f <= ray.f


def walled(wall):
    """x − log x from x = 5 leftwards: NaN beyond α = 5."""

    def phi(t):
        x = 5.0 - t
        return (x - math.log(x), -1 + 1 / x) if t < wall else (math.nan, math.nan)

    return phi


@pytest.mark.parametrize("name", SEARCHES)
@pytest.mark.parametrize("alpha0", [4.999999, 6.0, 1e3, 1e12])
def test_a_trial_that_is_not_a_number_is_rejected_and_the_search_goes_on(name, alpha0):
    ray = ray_of(walled(5.0))
    trial = SEARCHES[name]()(ray, alpha0)
    assert armijo(ray, trial, 1e-4) and trial.alpha < 5.0 and math.isfinite(trial.point.f)


def test_strong_wolfe_reaches_a_minimum_close_to_a_wall():
    def phi(t):
        return (-t, -1.0) if t < 0.9 else ((t - 0.9) * 100 - 0.9, 100.0) if t < 0.95 else (math.inf, math.nan)

    ray = ray_of(lambda t: (-t + 5 * t**8, -1 + 40 * t**7) if t < 0.7 else (math.nan, math.nan))
    assert strong_wolfe(ray, StrongWolfe(c2=0.1)(ray, 0.1), 1e-4, 0.1)
    ray = ray_of(phi)
    trial = StrongWolfe()(ray, 1e-3)
    assert trial is not None and armijo(ray, trial, 1e-4)


def test_strong_wolfe_does_not_go_back_beyond_a_wall_it_has_met():
    seen = []

    def phi(t):
        seen.append(t)
        return (-t, -1.0) if t < 0.9 else (math.nan, math.nan)

    trial = StrongWolfe(c2=0.1)(ray_of(phi), 0.5)
    outside = [t for t in seen if t >= 0.9]
    assert outside == sorted(outside, reverse=True) and len(set(outside)) == len(outside) <= 8
    assert 0.85 < trial.alpha < 0.9


def test_strong_wolfe_comes_back_from_where_phi_still_falls_but_too_slowly():
    """Only ψ(α) = φ(α) − φ(0) − c1 α φ'(0) shows that the minimiser was passed (Moré & Thuente §2)."""

    def phi(t):
        return -0.01 * (1 - math.exp(-min(t, 5.0) / 0.01)) - 1e-6 * t, -math.exp(-min(t, 5.0) / 0.01) - 1e-6

    for alpha0 in (1.0, 100.0):
        trial = StrongWolfe(c1=0.1, c2=0.5)(ray := ray_of(phi), alpha0)
        assert strong_wolfe(ray, trial, 0.1, 0.5) and ray.objective.nfev <= 20


def test_hager_zhang_finds_its_conditions_between_bumps():
    rng = np.random.default_rng(1)
    search = HagerZhang(maxls=60)
    for _ in range(200):
        a, height = rng.uniform(1, 8), rng.uniform(0.5, 5)

        def phi(t, a=a, height=height):
            f = height * math.sin(a * t + 1.5) + 0.05 * (t - 3) ** 2
            return f, a * height * math.cos(a * t + 1.5) + 0.1 * (t - 3)

        ray = ray_of(phi)
        if ray.slope < 0:
            trial = search(ray, 10 ** rng.uniform(-1, 1))
            assert armijo(ray, trial, search.delta) and trial.slope >= search.sigma * ray.slope
            assert ray.objective.nfev <= 30


@pytest.mark.parametrize("name", SEARCHES)
def test_an_uphill_direction_gives_none_and_costs_nothing(name):
    ray = ray_of(lambda t: (t, 1.0))
    assert SEARCHES[name]()(ray, 1.0) is None and ray.objective.nfev == 1


@pytest.mark.parametrize("name", SEARCHES)
def test_a_slope_that_lies_ends_in_none(name):
    ray = ray_of(lambda t: (1 + t, -1.0))
    assert SEARCHES[name]()(ray, 1.0) is None
    assert ray.objective.nfev <= 61


@pytest.mark.parametrize("name", SEARCHES)
@pytest.mark.parametrize("alpha0", [0.5, 2.0])
def test_no_trial_goes_beyond_the_longest_step(name, alpha0):
    seen = []

    def phi(t):
        seen.append(t)
        return -t, -1.0

    free = ray_of(phi)
    trial = SEARCHES[name]()(Ray(free.objective, free.objective.start(), np.ones(1), 2.0), alpha0)
    assert max(seen) <= 2.0 and 0 < trial.alpha <= 2.0 and trial.point.f == -trial.alpha
    if name in ("strong-wolfe", "hager-zhang"):
        assert trial.alpha == 2.0


def test_within_blur_the_change_is_taken_from_the_slopes():
    """φ has noise of 1e-9 on top of 1; with blur the minimiser at 1e-5 is found, and without it nothing lower is."""
    def phi(t):
        return 1.0 + 1e-2 * ((t - 1e-5) ** 2) + (1e-9 if t else 0.0), 2e-2 * (t - 1e-5)

    trial = StrongWolfe(c2=0.01, blur=1e-8)(ray_of(phi), 1e-6)
    assert trial.alpha == pytest.approx(1e-5, rel=0.02)
    assert StrongWolfe(c2=0.01)(ray_of(phi), 1e-6) is None


def test_slopes_decide_where_values_are_only_rounding():
    base, scale = 1e8, 1e-10  # φ changes by 1e-10 on top of 1e8, whose unit of rounding is 1.5e-8

    def phi(t):
        return base + scale * (t - 1) ** 2 + (1.5e-8 if t > 0.5 else 0.0), 2 * scale * (t - 1)

    for search in (StrongWolfe(c2=0.5), HagerZhang(), Armijo()):
        ray = ray_of(phi)
        trial = search(ray, 0.9)
        assert trial is not None and abs(trial.slope) < abs(ray.slope)
    ray = ray_of(lambda t: (base + (1.5e-8 if t else 0.0), scale * (t - 1e-3)))
    trial = StrongWolfe(c2=0.5, maxls=5)(ray, 10.0)  # the slope says it went far past the minimum, and where that is
    assert trial.alpha == pytest.approx(1e-3)


def test_strong_wolfe_expands_fourfold_while_phi_falls_steeply():
    seen = []

    def phi(t):
        seen.append(t)
        return -t, -1.0

    trial = StrongWolfe(maxls=6)(ray_of(phi), 1.0)
    assert trial.alpha == max(seen) > 1000


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda: StrongWolfe(c1=0.9, c2=0.5), "StrongWolfe: need 0 < c1 < c2 < 1, got c1=0.9, c2=0.5"),
        (lambda: StrongWolfe(maxls=0), "need maxls >= 1"),
        (lambda: Armijo(c1=0.7), "Armijo: need 0 < c1 < 0.5, got c1=0.7"),
        (lambda: Armijo(low=0.9, high=0.5), "0 < low <= high < 1"),
        (lambda: HagerZhang(delta=0.6), "0 < delta < 0.5"),
        (lambda: HagerZhang(rho=1.0), "rho > 1"),
    ],
)
def test_parameters_out_of_range_are_refused(make, words):
    with pytest.raises(ValueError, match=words.replace("(", r"\(")):
        make()
