"""NIST's regressions: the certified parameters give the certified sums of squares, from the data shipped here."""

import numpy as np
import pytest
from scipy import optimize

import autodiff as ad
from optkit import least_squares
from problems import nist

MODELS = nist.models()
pytestmark = pytest.mark.nan_ok

# Numbers of observations and levels of difficulty as NIST lists them.
OBSERVATIONS = {
    "Misra1a": 14, "Chwirut2": 54, "Chwirut1": 214, "Lanczos3": 24, "Gauss1": 250, "Gauss2": 250, "DanWood": 6,
    "Misra1b": 14, "Kirby2": 151, "Hahn1": 236, "Nelson": 128, "MGH17": 33, "Lanczos1": 24, "Lanczos2": 24,
    "Gauss3": 250, "Misra1c": 14, "Misra1d": 14, "Roszman1": 25, "ENSO": 168, "MGH09": 11, "Thurber": 37, "BoxBOD": 6,
    "Rat42": 9, "MGH10": 16, "Eckerle4": 35, "Rat43": 15, "Bennett5": 154,
}


@pytest.fixture(params=MODELS)
def model(request):
    return MODELS[request.param]


def test_all_27_with_their_observations_and_levels():
    assert {name: model.y.size for name, model in MODELS.items()} == OBSERVATIONS
    levels = [model.level for model in MODELS.values()]
    assert (levels.count("lower"), levels.count("average"), levels.count("higher")) == (8, 11, 8)


def test_certified_parameters_give_the_certified_sum_of_squares(model):
    rss = np.sum(model.residual(model.b) ** 2)
    if model.name == "Lanczos1":  # 1.4e-25 needs more than the eleven digits of the parameters
        assert rss < 1e-20
    else:
        assert rss == pytest.approx(model.rss, rel=2e-10)


def test_gradient_vanishes_at_the_certified_parameters(model):
    """Relative to residuals and columns of the Jacobian, as far as eleven digits of the parameters allow."""
    if model.name.startswith("Lanczos"):
        pytest.skip("residuals of the size of the rounding of the parameters")
    r = model.residual(model.b)
    columns = ad.jacobian(model.residual)(model.b)
    assert np.max(np.abs(r @ columns) / np.linalg.norm(columns, axis=0) / np.linalg.norm(r)) < 2e-5


def test_starts_are_finite_and_higher(model):
    for start in model.starts:
        assert start.shape == model.b.shape
        assert model.rss < np.sum(model.residual(start) ** 2) < np.inf


def test_derivatives_at_the_near_start(model):
    scale = np.abs(model.starts[1])
    ad.check_grads(lambda u: model.residual(scale * u), (model.starts[1] / scale,), order=1, directions=1)


def test_least_squares_from_the_near_start(model):
    """MINPACK finds the certified solution to at least six digits."""
    if model.name == "Lanczos1":
        pytest.skip("the certified sum of squares is 1.4e-25")
    found = optimize.least_squares(model.residual, model.starts[1], jac=ad.jacobian(model.residual), method="lm",
                                   x_scale="jac", xtol=1e-15, ftol=1e-15, gtol=1e-15, max_nfev=5000)
    assert model.digits(found.x) >= 6


def test_digits_counts_correct_digits():
    model = MODELS["Rat42"]
    assert model.digits(model.b) == 11
    assert model.digits(model.b * [1, 1 + 1e-6, 1]) == pytest.approx(6, abs=1e-3)
    assert model.digits(2.5 * model.b) == 0 and model.digits(model.b * np.nan) == 0


def test_cases_are_sums_of_squares():
    case = MODELS["DanWood"].case(1)
    assert case.name == "DanWood-1" and case.f_star == MODELS["DanWood"].rss
    assert case.f(case.x_star) == pytest.approx(case.f_star, rel=1e-10)
    np.testing.assert_array_equal(case.x0, [1, 5])


def test_data_are_read_only():
    for model in MODELS.values():
        assert not any(array.flags.writeable for array in (model.x, model.y, model.b, *model.starts))


@pytest.mark.parametrize("start", [1, 2])
def test_fits_with_default_options_have_six_digits(model, start):
    """All 54, where MINPACK has 36; and success is claimed for all, as it should be."""
    fit = least_squares(model.residual, model.starts[start - 1])
    assert fit.success and model.digits(fit.x) >= 6


@pytest.mark.parametrize("name", ["MGH17", "BoxBOD", "Eckerle4", "Rat43", "MGH10"])
def test_gauss_newton_claims_no_false_success(name):
    """From far starts: it goes astray in four of the five."""
    model = MODELS[name]
    fit = least_squares(model.residual, model.starts[0], method="gauss-newton", maxiter=100, maxfev=300)
    assert model.digits(fit.x) >= 6 or not fit.success
