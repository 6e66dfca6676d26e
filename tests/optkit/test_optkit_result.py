"""Results: readable, complete, and the same after pickling or a trip to disk."""

import pickle

import numpy as np
import pytest
from scipy.optimize import rosen, rosen_der, rosen_hess_prod

import optkit
from optkit import History, Reason, Record


def solve(**options):
    return optkit.minimize(
        rosen, [-1.2, 1.0], jac=rosen_der, hessp=rosen_hess_prod, **{"method": "newton-cg", **options}
    )


def test_print_says_why_what_it_cost_and_how_good():
    text = str(solve())
    for words in ("success", "CONVERGED", "newton-cg", "iterations", " f,", " g,", " Hv", "‖∇f(x)‖∞", "gtol"):
        assert words in text
    assert repr(solve(maxiter=2)).startswith("optkit: NOT solved") and "MAXITER" in str(solve(maxiter=2))
    assert len(str(optkit.minimize(lambda x: np.sum(x**2), np.ones(10_000)))) < 1000


def test_history_has_one_record_an_iteration():
    result = solve()
    history = result.history
    assert len(history) == result.nit + 1
    assert history[-1] == Record(*history[-1]) and history[-1].nit == result.nit
    assert history.f[0] == rosen(np.array([-1.2, 1.0])) and history.f[-1] == result.fun
    assert history.gnorm[-1] == np.abs(result.jac).max() == result.gnorm
    for name in ("time", "nfev", "njev", "nhev", "nit"):
        assert (np.diff(getattr(history, name)) >= 0).all()
    assert history.step[0] == 0 and (history.step[1:] > 0).all()
    assert history.nfev[-1] == result.nfev and history.inner[1:].sum() <= result.nhev
    assert [r.f for r in history[2:4]] == history.f[2:4].tolist()
    with pytest.raises(AttributeError, match="columns: nit, f"):
        history.gradient  # noqa: B018


@pytest.mark.parametrize("copy", ["pickle", "save"])
def test_a_result_survives(copy, tmp_path):
    x0 = {"a": np.zeros((2, 2)), "b": [0.5, (np.ones(1),)], "c": 3.0}

    def fun(p):
        return np.sum((p["a"] - 1) ** 2) + p["b"][0] ** 2 + np.sum(p["b"][1][0] ** 2) + (p["c"] - 2.0) ** 2

    for result in (solve(return_all=True), solve(maxiter=3), optkit.minimize(fun, x0)):
        if copy == "pickle":
            again = pickle.loads(pickle.dumps(result))
        else:
            again = optkit.load(result.save(tmp_path / "result.npz"))
        assert type(again) is type(result) and list(again) == list(result) and str(again) == str(result)
        assert again.history == result.history and again.history[1] == result.history[1]
        assert isinstance(again.history[0].nit, int) and again.reason is result.reason
        np.testing.assert_equal(again.x, result.x)
        np.testing.assert_equal(again.jac, result.jac)
        assert type(again.nfev) is int and type(again.fun) is float and again.success is result.success


def test_save_writes_exactly_the_path_given_and_no_pickle(tmp_path):
    path = solve().save(tmp_path / "run")
    assert path == tmp_path / "run" and path.exists()
    with np.load(path, allow_pickle=False) as file:
        assert all(file[name].dtype != object for name in file.files)


def test_load_refuses_another_file(tmp_path):
    np.savez(tmp_path / "other.npz", a=np.ones(2))
    with pytest.raises(ValueError, match="written by Result.save"):
        optkit.load(tmp_path / "other.npz")


def test_save_names_what_it_cannot_write(tmp_path):
    result = solve()
    result.extra = {1, 2}
    with pytest.raises(TypeError, match="set"):
        result.save(tmp_path / "a.npz")
    assert not (tmp_path / "a.npz").exists()


def test_plot_writes_a_picture(tmp_path):
    solve().plot(tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_reasons_have_distinct_numbers_and_texts_and_one_means_success():
    assert len({r.status for r in Reason}) == len({r.text for r in Reason}) == len(Reason)
    assert Reason.CONVERGED.status == 0


def test_an_empty_history_is_readable():
    assert len(History()) == 0 and "0 records" in repr(History()) and History().f.size == 0


def test_scipys_names_can_be_read_and_others_say_what_there_is_instead():
    result, fit = solve(), optkit.least_squares(lambda x: x - 1.0, np.zeros(2))
    assert result.niter == result.nit and result.grad is result.jac and result.ngev == result.njev
    assert fit.grad is fit["grad"] and fit.grad is not fit.jac
    limited = optkit.minimize(rosen, [0.5, 0.0], constraints={"type": "ineq", "fun": lambda x: 0.5 - x[0]})
    assert limited.constr_violation == limited.constraint_violation and limited.v is limited.multipliers
    for name, words in {"hess_inv": ["autodiff.hessian", "certificate()", "inverse"], "hess": ["autodiff.hessian"],
                        "v": ["constraints"], "constr_violation": ["constraints"], "allvecs": ["return_all=True"],
                        "foo": ["'foo'", "x, fun, jac", "save"]}.items():
        with pytest.raises(AttributeError) as error:
            getattr(result, name)
        assert all(word in str(error.value) for word in words), name
        assert not hasattr(result, name) and name not in result
    assert "niter" not in result and list(result) == list(solve())


def test_the_result_says_where_derivatives_come_from():
    def f(x):
        return np.sum((x - 1.0) ** 2)

    def noisy(x):
        return np.sum((x - 1.0) ** 2) + 1e-3 * rng.standard_normal()

    rng, x0 = np.random.default_rng(0), np.zeros(2)
    assert optkit.minimize(f, x0).derivatives == "exact, by generated code"
    assert optkit.minimize(f, x0, jac=lambda x: 2 * (x - 1.0)).derivatives == "by jac"
    assert optkit.minimize(f, x0, jac="3-point").derivatives == "3-point differences of f"
    assert optkit.minimize(lambda x: (f(x), 2 * (x - 1.0)), x0, jac=True).derivatives == "by fun"
    eager = optkit.minimize(noisy, x0)
    assert "run as it stands" in eager.derivatives and "randomness" in str(eager)
    assert eager.reason is optkit.Reason.DISAGREEMENT and not eager.success
