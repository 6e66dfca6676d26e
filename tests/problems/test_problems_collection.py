"""The collection says what the literature says: values at the start, minima and where they are."""

import warnings

import numpy as np
import pytest
from scipy import optimize

import autodiff as ad
import problems
from problems import UNKNOWN
from problems.collection import FAMILIES, collection

CASES = collection()
pytestmark = pytest.mark.nan_ok  # underflow of exp(-t x) and the like is part of many of them

# ‖r(x0)‖₂ as printed by the test drivers of MINPACK-1: Moré, Garbow & Hillstrom 1980, ANL-80-74.
MINPACK = {
    "rosenbrock": 4.91934955, "helical-valley": 50.0, "powell-singular": 14.6628782986152,
    "freudenstein-roth": 20.0124960961895, "bard": 6.45613629515967, "kowalik-osborne": 0.0728915102882945,
    "meyer": 41153.4665543031, "watson-6": 5.47722557505166, "watson-9": 5.47722557505166,
    "watson-12": 5.47722557505166, "box-3": 32.1115837449572, "jennrich-sampson": 64.5856498144943,
    "brown-dennis": 2815.43839161816, "chebyquad-8": 0.196513862833975, "brown-almost-linear": 16.5302162063499,
    "osborne-1": 0.937564021037838, "osborne-2": 1.44686540984712,
}
# f(x0) by hand from the formula.
BY_HAND = {
    "beale": 14.203125, "wood": 19192, "woods": 25 * 19192, "extended-rosenbrock": 50 * 24.2,
    "extended-powell": 15 * 215,
    "arwhead": 99 * 3, "dqdrtic": 48 * 9 * 201, "power": (75 * 76 / 2) ** 2, "booth": 74, "himmelblau": 170,
    "dixon3dq": 8, "quartc": sum((i - 2) ** 4 for i in range(1, 101)), "engval1": 99 * (64 - 8 + 3),
    "zangwil2": -249 / 15, "himmelbh": 2, "sisser": 3 - 2 * 0.01 + 3e-4, "denschnd": 8.321e7, "trid": 10,
    "raydan-2": 50 * (np.e - 1), "liarwhd": 36 * (4 * 12**2 + 9), "nondia": 4 + 49 * 100 * 4,
    "dixmaana": 1 + 90 * 4 + 0.125 * 60 * 64 + 0.125 * 30 * 4,
}
# From the standard start a Newton method ends in another minimum that the paper prints, or needs thousands of steps.
ELSEWHERE = {"trigonometric": 2.79506e-5}
TOO_FAR = {"heart6ls"}
UNSOLVED = [name for name, case in CASES.items() if case.x_star is UNKNOWN and case.f_star is not UNKNOWN]


def published_near(value, printed):
    """Equal in the four digits and more that are printed; where the minimum is 0, next to nothing."""
    return value == pytest.approx(printed, rel=1e-4, abs=1e-9)


def test_there_are_enough_and_all_of_more_garbow_hillstrom():
    assert len(CASES) > 150 and all(case.n <= 100 for case in CASES.values())
    numbers = {int(case.source.split()[1]) for case in FAMILIES["mgh"]}
    assert numbers == set(range(1, 36))


def test_families_partition_the_collection():
    assert sum(len(collection(family)) for family in FAMILIES) == len(CASES)
    assert problems.collection("mgh")["wood"].source == "MGH 14"
    with pytest.raises(ValueError, match="mgh, cutest"):
        collection("hock-schittkowski")


def test_registry_is_not_touched_by_the_collection():
    assert "osborne-1" not in problems.names()
    with pytest.raises(ValueError, match="no problem is called"):
        problems.get("osborne-1")


@pytest.mark.parametrize("name", ["rosenbrock", "beale", "himmelblau", "powell-singular", "wood"])
def test_functions_in_both_agree(name, rng):
    registered, case = problems.get(name), CASES[name]
    np.testing.assert_array_equal(registered.x0, case.x0)
    for _ in range(5):
        x = rng.standard_normal(case.n)
        assert case.f(x) == pytest.approx(registered.f(x), rel=1e-12)


@pytest.mark.parametrize("name", CASES)
def test_case_is_complete(name):
    case = CASES[name]
    assert case.name == name and case.source and case.n >= 2
    assert np.isfinite(case.f(case.x0)) and np.ndim(case.f(case.x0)) == 0
    with pytest.raises(ValueError, match="read-only"):
        case.x0[0] = 1.0
    if case.residual is not None:
        assert case.f(case.x0) == np.sum(case.residual(case.x0) ** 2)


@pytest.mark.parametrize(("name", "printed"), MINPACK.items())
def test_start_values_of_minpack(name, printed):
    case = CASES[name]
    assert np.linalg.norm(case.residual(case.x0)) == pytest.approx(printed, rel=1e-9)


@pytest.mark.parametrize(("name", "value"), BY_HAND.items())
def test_start_values_by_hand(name, value):
    assert CASES[name].f(CASES[name].x0) == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.x_star is not UNKNOWN])
def test_f_star_is_attained_at_x_star(name):
    case = CASES[name]
    assert published_near(float(case.f(case.x_star)), case.f_star)
    if name != "jennrich-sampson":  # printed with four digits
        gradient = ad.grad(case.f)(case.x_star)
        assert np.max(np.abs(gradient)) <= 1e-7 * max(1.0, np.max(np.abs(ad.grad(case.f)(case.x0))))


@pytest.mark.parametrize("name", [name for name in UNSOLVED if name not in TOO_FAR])
def test_published_minimum_is_reached(name):
    """By SciPy, from the standard start."""
    case = CASES[name]
    assert published_near(_minimum(case), ELSEWHERE.get(name, case.f_star))


def _minimum(case):
    compiled = ad.compile(case.f)

    def hessian(x):
        product = compiled.linearize_grad(x)[2]
        return np.array([product(e) for e in np.eye(case.n)])

    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return optimize.minimize(lambda x: float(compiled(x)), case.x0, jac=lambda x: compiled.value_and_grad(x)[1],
                                 hess=hessian, method="trust-exact", options={"gtol": 1e-8, "maxiter": 300}).fun


@pytest.mark.parametrize("name", CASES)
def test_gradient_at_the_start(name):
    """Exact against differences; coarser where f is a huge number that hardly changes."""
    rtol = 1e-3 if name == "extended-hiebert" else 1e-5
    ad.check_grads(CASES[name].f, (CASES[name].x0,), order=1, rtol=rtol, directions=1)


def test_functions_are_compiled():
    """Autodiff follows all of them with generated code: none is run eagerly."""
    eager = []
    for case in CASES.values():
        compiled = ad.compile(case.f)
        compiled.value_and_grad(case.x0)
        if compiled.report[0] == "eager":
            eager.append(case.name)
    assert eager == []


def test_helical_valley_turns_the_way_of_the_paper():
    """θ is arctan(x₂/x₁)/2π, and half a turn more where x₁ < 0 (MGH 7): −1/4 … 3/4 of a turn."""
    residual = CASES["helical-valley"].residual
    for x, turn in (([1, 0, 0], 0), ([0, 1, 0], 0.25), ([-1, 0, 0], 0.5), ([-1, -1, 0], 0.625), ([1, -1, 0], -0.125)):
        assert residual(np.array(x, float))[0] == pytest.approx(-100 * turn, abs=1e-12)


def test_a_printed_local_minimum_that_is_a_saddle():
    """MGH 18 prints 5.65565e-3 as a local minimum of EXP6; the gradient vanishes there, but curvature is negative."""
    case = CASES["biggs-exp6"]
    found = optimize.minimize(case.f, case.x0, jac=ad.grad(case.f), method="BFGS", options={"gtol": 1e-9})
    assert found.fun == pytest.approx(case.minima[0], rel=1e-5)
    assert np.linalg.eigvalsh(ad.hessian(case.f)(found.x))[0] < -5e-3
