"""Finite sums: what a mean is, that batches add up, and that SGD and SVRG do what their papers say."""

import math
import pickle

import numpy as np
import pytest
import scipy.sparse

import optkit
from optkit import FiniteSum, Objective, Reason
from optkit.batches import first_step, shuffled
from optkit.solvers import SGD, SVRG

RNG = np.random.default_rng(7)
M, N = 53, 4
A = RNG.normal(size=(M, N))
Y = np.sign(A @ np.array([1.0, -2.0, 0.5, 0.0]) + 0.5 * RNG.normal(size=M))
LAM = 0.01


def logistic(x, A, y):
    return np.mean(np.log1p(np.exp(-y * (A @ x))))


def ridge(x):
    return 0.5 * LAM * x @ x


LOSS = FiniteSum(logistic, A, Y, regularizer=ridge)
X_STAR = optkit.minimize(LOSS, np.zeros(N), method="newton-cg", gtol=1e-12).x


def gradient(x, A, y):
    """Of the logistic loss and the ridge, by hand."""
    return -A.T @ (y / (1 + np.exp(y * (A @ x)))) / len(y) + LAM * x


def test_it_is_a_callable_that_every_kind_of_method_minimises():
    x = np.full(N, 0.3)
    assert LOSS(x) == pytest.approx(logistic(x, A, Y) + ridge(x), rel=1e-15)
    for method in ("newton-cg", "l-bfgs", "cg", "gradient-descent", "trust-ncg", None):
        result = optkit.minimize(LOSS, np.zeros(N), method=method)
        assert result.success and "generated code" in result.derivatives
        np.testing.assert_allclose(result.x, X_STAR, atol=1e-3)


def test_changed_data_is_seen():
    """Data are arguments of what is compiled, not constants baked into it."""
    data = A.copy()
    loss = FiniteSum(logistic, data, Y, regularizer=ridge)
    first = optkit.minimize(loss, np.zeros(N), gtol=1e-9)
    data *= 2
    second = optkit.minimize(loss, np.zeros(N), gtol=1e-9)
    assert np.abs(gradient(second.x, 2 * A, Y)).max() < 1e-8 < np.abs(gradient(first.x, 2 * A, Y)).max()


def test_x_may_have_any_structure():
    loss = FiniteSum(lambda p, A, y: np.mean((A @ p["w"] + p["b"] - y) ** 2), A, Y)
    result = optkit.minimize(loss, {"w": np.zeros(N), "b": 0.0}, method="svrg", maxiter=300)
    w = np.linalg.lstsq(np.c_[A, np.ones(M)], Y, rcond=None)[0]
    assert result.success
    np.testing.assert_allclose([*result.x["w"], result.x["b"]], w, atol=1e-4)


# --- a mean, or an error ---


@pytest.mark.parametrize("f, words", [
    (lambda x, A, y: np.sum(np.log1p(np.exp(-y * (A @ x)))), "divide by their number"),
    (lambda x, A, y: logistic(x, A, y) + x @ x / len(y), "mixes rows"),
    (lambda x, A, y: np.sqrt(np.mean((A @ x - y) ** 2)), "mixes rows"),
    (lambda x, A, y: np.mean((A @ x - y) ** 2) / np.std(y), "mixes rows"),
    (lambda x, A, y: np.max(np.abs(A @ x - y)), "mixes rows"),
], ids=["sum", "regularizer divided", "root", "deviation", "largest"])
@pytest.mark.parametrize("method", ["sgd", "svrg"])
def test_what_is_not_a_mean_over_rows_is_refused(f, words, method):
    with pytest.raises(ValueError, match="must be the mean over the rows") as error:
        optkit.minimize(FiniteSum(f, A, Y), np.zeros(N), method=method)
    assert words in str(error.value)


def test_a_mean_of_any_kind_passes():
    for f in (logistic, lambda x, A, y: np.sum((A @ x - y) ** 2) / len(y), lambda x, A, y: logistic(x, A, y) + x @ x,
              lambda x, A, y: np.mean((A @ x - y) ** 2) + 1e6):
        FiniteSum(f, A, Y).check([np.zeros(N), np.full(N, 0.7)])
    FiniteSum(lambda x, y: np.mean((x - y) ** 2), Y[:1]).check([np.zeros(1)])


@pytest.mark.parametrize("make, kind, words", [
    (lambda: FiniteSum(3.0, A), TypeError, "need a callable"),
    (lambda: FiniteSum(logistic, A, Y, regularizer=0.1), TypeError, "regularizer: need a callable"),
    (lambda: FiniteSum(logistic), ValueError, "at least one array"),
    (lambda: FiniteSum(logistic, A, Y[:-1]), ValueError, r"equally many rows.*\[53, 52\]"),
    (lambda: FiniteSum(logistic, A, 3.0), ValueError, "data 2: need an array"),
    (lambda: FiniteSum(logistic, A[:0], Y[:0]), ValueError, "at least one, got"),
    (lambda: optkit.minimize(LOSS, np.zeros(N), args=(1.0,)), TypeError, "a FiniteSum has its data"),
    (lambda: optkit.minimize(lambda x: x @ x, np.ones(2), method="sgd"), TypeError, "needs an optkit.FiniteSum"),
    (lambda: optkit.minimize(LOSS, np.zeros(N), jac=gradient, method="svrg"), TypeError, "without jac"),
    (lambda: optkit.minimize(LOSS, np.zeros(N), jac="2-point", method="svrg"), TypeError, "without jac"),
    (lambda: optkit.minimize(LOSS, np.zeros(N), jac=gradient), TypeError, "without jac"),
    (lambda: optkit.minimize(LOSS, np.zeros(N), jac=True), TypeError, "without jac"),
    (lambda: optkit.minimize(LOSS, np.zeros(N), hessp=lambda x, p: p), TypeError, "without hessp"),
    (lambda: SGD(batch=0), ValueError, "batch >= 1"),
    *[(lambda cls=cls, wrong=wrong: cls(**wrong), ValueError, f"{cls.__name__}: need a .*number.*{next(iter(wrong))}=")
      for cls in (SGD, SVRG)
      for wrong in ({"batch": "8"}, {"batch": 2.5}, {"batch": None}, {"seed": "x"}, {"seed": 0.5}, {"alpha": "big"},
                    {"alpha": True}, {"maxls": 1.5})],
    (lambda: SVRG(passes="two"), ValueError, "passes='two'"),
    (lambda: optkit.minimize(LOSS, np.zeros(N), method="svrg", passes=1.5), ValueError, "passes=1.5"),
    (lambda: SGD(alpha=math.nan), ValueError, "0 < alpha < inf"),
    (lambda: SGD(power=0.5), ValueError, "0.5 < power <= 1"),
    (lambda: SVRG(passes=0), ValueError, "passes >= 1"),
    (lambda: SVRG(grow=0.9), ValueError, "grow >= 1"),
    (lambda: SVRG(alpha=-1.0), ValueError, "0 < alpha < inf"),
])
def test_wrong_arguments_are_refused(make, kind, words):
    with pytest.raises(kind, match=words):
        make()


# --- batches ---


@pytest.mark.parametrize("batch", [1, 8, 53, 1000])
def test_shuffled_batches_are_every_row_once_with_its_share(batch):
    parts = list(shuffled(M, batch, 3, 5))
    assert sorted(np.concatenate([rows for rows, _ in parts])) == list(range(M))
    assert all(len(rows) == min(batch, M) and share == 1 for rows, share in parts[:-1])
    assert sum(share for _, share in parts) == pytest.approx(M / min(batch, M))
    same, other = list(shuffled(M, batch, 3, 5)), list(shuffled(M, batch, 3, 6))
    assert all((a == b).all() for (a, _), (b, _) in zip(parts, same, strict=True))
    assert any((a != b).any() for (a, _), (b, _) in zip(parts, other, strict=True))


def test_gradients_of_batches_are_those_of_their_rows_and_average_to_the_whole():
    objective, x = Objective(LOSS, np.zeros(N)), np.full(N, 0.4)
    objective.start()
    total = np.zeros(N)
    for rows, _ in shuffled(M, 8, 0, 0):
        g = objective.batch_gradient(x, rows)
        np.testing.assert_allclose(g, gradient(x, A[rows], Y[rows]), rtol=1e-12)
        total += len(rows) / M * g
    np.testing.assert_allclose(total, objective.point(x).g, rtol=1e-12)


def test_njev_counts_passes_from_their_first_row_on():
    objective = Objective(LOSS, np.zeros(N))
    counts = []
    for rows in (range(1), range(52), range(1), range(60), range(45), range(1)):  # 1, 53, 54, 114, 159 = 3·53, 160
        objective.batch_gradient(np.zeros(N), np.array(rows) % M)
        counts.append(objective.njev)
    assert counts == [1, 1, 2, 3, 3, 4] and objective.nfev == objective.nhev == 0


def test_batches_of_one_shape_share_one_compiled_recording():
    objective = Objective(FiniteSum(lambda x, A, y: np.mean((A @ x - y) ** 2), A, Y), np.zeros(N))
    for size in (8, 5):
        for turn in range(6):
            objective.batch_gradient(np.full(N, 0.1 * turn), RNG.permutation(M)[:size])
        report = objective._source.fun.report
        assert report.mode == "compiled" and report.recordings == 2


def test_rows_of_sparse_data():
    S = scipy.sparse.csr_array(np.where(np.abs(A) > 0.7, A, 0.0))
    loss = FiniteSum(logistic, S, Y, regularizer=ridge)
    result = optkit.minimize(loss, np.zeros(N), method="svrg", batch=27)
    assert result.success
    np.testing.assert_allclose(gradient(result.x, S.toarray(), Y), 0, atol=2e-5)


# --- SGD ---


def test_an_epoch_of_sgd_is_its_steps_written_out():
    solver = SGD(batch=8, alpha=0.3, seed=4)
    result = optkit.minimize(LOSS, np.zeros(N), method=solver, maxiter=2, gtol=0, return_all=True)
    x = np.zeros(N)
    for turn in range(2):
        order = np.random.default_rng((4, turn)).permutation(M)
        for k in range(0, M, 8):
            rows = order[k : k + 8]
            x = x - 0.3 * len(rows) / 8 * gradient(x, A[rows], Y[rows])
    assert LOSS(result.allvecs[1]) < LOSS(np.zeros(N))  # so the step stays
    np.testing.assert_allclose(result.allvecs[2], x, rtol=1e-10)
    assert result.nfev == 3 and result.njev == 1 + 2 * 2 and result.history[1].inner == 7


def test_one_batch_of_all_rows_is_gradient_descent():
    a = optkit.minimize(LOSS, np.zeros(N), method=SGD(batch=M, alpha=0.5), maxiter=5, gtol=0)
    b = optkit.minimize(LOSS, np.zeros(N), method="gradient-descent", rule="fixed", alpha=0.5, maxiter=5, gtol=0)
    np.testing.assert_allclose(a.x, b.x, rtol=1e-12)


def test_sgd_gets_close_and_success_means_the_gradient_test():
    result = optkit.minimize(LOSS, np.zeros(N), method="sgd", maxiter=60, gtol=1e-12)
    assert result.reason is Reason.MAXITER and not result.success
    assert LOSS(result.x) - LOSS(X_STAR) < 1e-4 * (LOSS(np.zeros(N)) - LOSS(X_STAR))
    loose = optkit.minimize(LOSS, np.zeros(N), method="sgd", gtol=1e-3)
    assert loose.success and np.abs(gradient(loose.x, A, Y)).max() <= 1e-3


def test_the_step_of_sgd_falls_only_where_epochs_stop_helping():
    solver = SGD(batch=1, alpha=2.0)
    objective = Objective(LOSS, np.zeros(N))
    state = solver.init(objective, objective.start())
    for _ in range(40):
        before, state = state, solver.step(objective, state)
        assert state.idle - before.idle == (not state.point.f < before.point.f)
    assert 3 < state.idle < 40


@pytest.mark.nan_ok
def test_an_epoch_that_goes_up_and_away_is_undone_with_half_the_step():
    solver = SGD(alpha=1e6)
    objective = Objective(FiniteSum(lambda x, A, y: np.mean((A @ x - y) ** 2), A, Y), np.zeros(N))
    start = objective.start()
    state = solver.step(objective, solver.init(objective, start))
    assert state.point.f <= start.f and state.alpha < 1e6 and state.turn > 1
    log = FiniteSum(lambda x, y: np.mean(x[0] * y - np.log(x[0])), 1 + np.arange(5.0))
    for solver in (SGD(alpha=50.0, batch=2), SVRG(alpha=50.0, batch=2)):
        result = optkit.minimize(log, [1.0], method=solver, gtol=1e-2, maxiter=2000)
        assert result.success and result.x[0] == pytest.approx(1 / 3, rel=1e-2)


# --- SVRG ---


def test_an_epoch_of_svrg_is_its_steps_written_out():
    solver = SVRG(batch=8, passes=2, alpha=0.3, seed=4)
    result = optkit.minimize(LOSS, np.zeros(N), method=solver, maxiter=1, gtol=0)
    x, snapshot = np.zeros(N), np.zeros(N)
    mu = gradient(snapshot, A, Y)
    for turn in range(2):
        order = np.random.default_rng((4, turn)).permutation(M)
        for k in range(0, M, 8):
            B = order[k : k + 8]
            x = x - 0.3 * len(B) / 8 * (gradient(x, A[B], Y[B]) - gradient(snapshot, A[B], Y[B]) + mu)
    np.testing.assert_allclose(result.x, x, rtol=1e-10)
    assert result.nfev == 2 and result.njev == 2 + 2 * 2 and result.history[1].inner == 14


@pytest.mark.parametrize("batch", [1, 8, 53])
def test_svrg_converges_linearly_where_sgd_does_not(batch):
    result = optkit.minimize(LOSS, np.zeros(N), method="svrg", batch=batch, gtol=1e-9)
    assert result.success and result.nit < 300 and np.abs(gradient(result.x, A, Y)).max() <= 1.01e-9
    values = result.history.f
    assert (np.diff(values) <= 1e-14).all()


def test_the_gradient_of_svrg_has_no_noise_at_the_snapshot():
    """From the minimum no step leads away, whatever the batches; SGD's do."""
    objective = Objective(LOSS, X_STAR)
    point = objective.start()
    x, _ = SVRG(batch=1)._epoch(objective, point, M, 0.5, 0)
    assert np.abs(x - X_STAR).max() < 1e-8
    sgd = SGD(batch=1, alpha=0.5)
    y = X_STAR
    for rows, _ in shuffled(M, 1, 0, 0):
        y = y - sgd.alpha * objective.batch_gradient(y, rows)
    assert np.abs(y - X_STAR).max() > 1e-3


def test_the_first_step_is_one_over_the_largest_curvature():
    objective = Objective(LOSS, np.zeros(N))
    H = A.T @ A / (4 * M) + LAM * np.eye(N)
    assert first_step(objective, objective.start()) == pytest.approx(1 / np.linalg.eigvalsh(H)[-1], rel=1e-6)


@pytest.mark.parametrize("solver", [SGD(batch=8), SVRG(batch=8)], ids=["sgd", "svrg"])
def test_a_pickled_state_goes_on_to_the_same_bits_and_seeds_decide(solver):
    objective, other = Objective(LOSS, np.zeros(N)), Objective(LOSS, np.zeros(N))
    other.start()
    state = solver.init(objective, objective.start())
    for _ in range(4):
        state = solver.step(objective, state)
    saved = pickle.loads(pickle.dumps(state))
    for _ in range(3):
        state, saved = solver.step(objective, state), solver.step(other, saved)
        np.testing.assert_array_equal(state.point.x, saved.point.x)
    runs = [optkit.minimize(LOSS, np.zeros(N), method=solver, maxiter=3, gtol=0, seed=seed).x for seed in (0, 0, 1)]
    assert (runs[0] == runs[1]).all() and (runs[0] != runs[2]).any()


def test_the_time_limit_holds_inside_an_epoch():
    big = np.tile(A, (200, 1)), np.tile(Y, 200)
    result = optkit.minimize(FiniteSum(logistic, *big), np.zeros(N), method=SGD(batch=1), maxtime=0.05)
    assert result.reason is Reason.MAXTIME and result.seconds < 2 and math.isfinite(result.fun)


def test_without_compiling_it_is_the_same():
    a, b = (optkit.minimize(LOSS, np.zeros(N), method="svrg", maxiter=3, gtol=0, compile=c) for c in (True, False))
    np.testing.assert_allclose(a.x, b.x, rtol=1e-12)


def test_a_result_says_what_it_cost():
    result = optkit.minimize(LOSS, np.zeros(N), method=SVRG(batch=10), maxiter=4, gtol=0)
    assert result.njev - 1 == (result.nfev - 1) * 5  # an epoch, undone or not: 2·2 passes and one gradient at its end
    assert repr(LOSS) == "FiniteSum(logistic, 53 rows, regularizer)"
