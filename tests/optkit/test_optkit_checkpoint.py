"""A run saved and gone on with gives the same bits; files hold data, never code; results survive the disk."""

import dataclasses
import functools
import io
import json
import os
import signal
import subprocess
import sys
import textwrap
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ClassVar, NamedTuple

import numpy as np
import pytest
from scipy.optimize import rosen, rosen_der, rosen_hess_prod

import optkit
from optkit import FiniteSum, Reason
from optkit.checkpoint import describe
from optkit.encoding import find_class, read, write
from optkit.history import History
from optkit.point import Point
from optkit.prox import L1, Box, L2Ball, Separable, Simplex
from optkit.solvers import LBFGS, METHODS, GradientDescent, Momentum
from optkit.stopping import StoppingRules

X0 = np.array([-1.2, 1.0, -0.5, 0.8, 1.1])
STATED = {"jac": rosen_der, "hessp": rosen_hess_prod}
VARIANTS = {
    **{name: cls for name, cls in METHODS.items()},
    "heavy-ball": Momentum(scheme="heavy-ball"),
    "armijo": GradientDescent(rule="armijo"),
    "short memory": LBFGS(memory=2),
}
rows = np.random.default_rng(5).standard_normal((40, 5))
signs = np.sign(rows @ np.arange(1.0, 6.0))


def _loss(x, A, y):
    return np.mean(np.logaddexp(0.0, -y * (A @ x))) + 0.05 * x @ x


def chain(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def never(x):
    raise AssertionError("evaluated")


def run(method, **options):
    """The method on Rosenbrock's function, or on a finite sum where it needs one."""
    if getattr(method, "finite_sum", False):
        return optkit.minimize(FiniteSum(_loss, rows, signs), np.zeros(5), method=method, **options)
    return optkit.minimize(rosen, X0, method=method, gtol=1e-6, **STATED, **options)


@functools.cache
def whole(name):
    """The uninterrupted run."""
    return run(_method(name), maxiter=40)


def _method(name):
    method = VARIANTS[name]
    return method() if isinstance(method, type) else method


def same(a, b):
    """All bits but times are equal."""
    np.testing.assert_array_equal(a.x, b.x)
    np.testing.assert_array_equal(a.jac, b.jac)
    assert [r._replace(time=0) for r in a.history] == [r._replace(time=0) for r in b.history]
    for field in ("fun", "nit", "nfev", "njev", "nhev", "reason", "message", "gnorm", "gtol"):
        assert getattr(a, field) == getattr(b, field), field
    return True


@pytest.mark.parametrize("name", VARIANTS)
@pytest.mark.parametrize("stops", [(0,), (1,), (3, 4), (7, 12, 25)])
def test_a_run_gone_on_with_gives_the_bits_of_an_uninterrupted_one(name, stops, tmp_path):
    path, more = tmp_path / "run.npz", {}
    for stop in stops:
        run(_method(name), maxiter=stop, checkpoint=path, every=1000, **more)
        more = {"resume": path}
    assert same(run(_method(name), maxiter=40, **more), whole(name))


@pytest.mark.parametrize("name", ["l-bfgs", "newton-cg", "momentum", "bfgs"])
@pytest.mark.parametrize("derivatives", [{"jac": True}, {"jac": "2-point"}, {"jac": rosen_der}],
                         ids=["pair", "differences", "callable"])
def test_counts_go_on_exactly_whatever_the_source_of_derivatives(name, derivatives, tmp_path):
    def fun(x):
        calls.append(1)
        return (rosen(x), rosen_der(x)) if derivatives["jac"] is True else rosen(x)

    calls: list = []
    full = optkit.minimize(fun, X0, method=name, maxiter=9, **derivatives)
    needed = len(calls)
    optkit.minimize(fun, X0, method=name, maxiter=4, checkpoint=tmp_path / "a.npz", **derivatives)
    spent = len(calls) - needed
    again = optkit.minimize(fun, X0, method=name, maxiter=9, resume=tmp_path / "a.npz", **derivatives)
    assert same(full, again) and len(calls) - needed == needed + 1 >= spent  # one to see that f is the same


def test_an_objective_recalls_what_counts_and_later_calls_depend_on():
    def fun(x):
        calls.append(1)
        return rosen(x)

    calls: list = []
    first = optkit.Objective(fun, X0, jac=rosen_der)
    first.start()
    x = np.ones(5)
    first.value(x)
    again = optkit.Objective(fun, X0, jac=rosen_der)
    again.recall(first.memory())
    assert again.point(x).f == 0.0 and again.nfev == len(calls) == 2 and again.lowest == 0.0
    rowed = [optkit.Objective(FiniteSum(_loss, rows, signs), np.zeros(5)) for _ in range(2)]
    rowed[0].start()
    rowed[0].batch_gradient(rowed[0].x0, np.arange(30))
    rowed[1].recall(rowed[0].memory())
    for objective in rowed:
        objective.batch_gradient(objective.x0, np.arange(5))
    assert rowed[0].njev == rowed[1].njev == 2


def test_bounds_are_kept_over_a_checkpoint(tmp_path):
    bounds = [(-2.0, 0.5)] * 5
    options = {"bounds": bounds, **STATED, "method": "l-bfgs-b"}
    full = optkit.minimize(rosen, X0, **options)
    optkit.minimize(rosen, X0, maxiter=5, checkpoint=tmp_path / "a", **options)
    assert same(optkit.minimize(rosen, X0, resume=tmp_path / "a", **options), full)


def test_escape_from_a_saddle_point_goes_on_after_a_checkpoint(tmp_path):
    def fun(x):
        return x[0] ** 2 - x[1] ** 2 + x[1] ** 4

    options = {"jac": lambda x: np.array([2 * x[0], -2 * x[1] + 4 * x[1] ** 3]), "method": "newton-cg",
               "hessp": lambda x, p: np.array([2.0, -2 + 12 * x[1] ** 2]) * p}
    full = optkit.minimize(fun, [1.0, 0.0], **options)
    for stop in range(full.nit):
        optkit.minimize(fun, [1.0, 0.0], maxiter=stop, checkpoint=tmp_path / "a", **options)
        assert same(optkit.minimize(fun, [1.0, 0.0], resume=tmp_path / "a", **options), full)
    assert full.success and full.fun == pytest.approx(-0.25)


def test_a_killed_process_loses_at_most_one_interval(tmp_path):
    script = textwrap.dedent("""
        import os, signal, sys, numpy as np, optkit
        from scipy.optimize import rosen, rosen_der
        seen = []
        def kill(xk):
            seen.append(1)
            if len(seen) == 14:
                os.kill(os.getpid(), signal.SIGKILL)
        optkit.minimize(rosen, np.array([-1.2, 1.0, -0.5, 0.8, 1.1]), jac=rosen_der, method="l-bfgs", gtol=1e-6,
                        callback=kill, checkpoint=sys.argv[1], every=5)
    """)
    path, root = tmp_path / "run.npz", Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", script, str(path)], cwd=root, timeout=60)
    assert done.returncode == -signal.SIGKILL
    track = read(path, "optkit run", "optkit.solvers.lbfgs", "a test").track
    assert 14 - 5 <= track.nit < 14
    full = optkit.minimize(rosen, X0, jac=rosen_der, method="l-bfgs", gtol=1e-6)
    assert same(optkit.minimize(rosen, X0, jac=rosen_der, method="l-bfgs", gtol=1e-6, resume=path), full)


def test_times_and_time_limits_count_from_the_first_start(tmp_path):
    path = tmp_path / "a"
    first = run(LBFGS(), maxiter=5, checkpoint=path)
    again = run(LBFGS(), resume=path)
    assert (np.diff(again.history.time) >= 0).all() and again.seconds >= first.history.time[-1]
    over = run(LBFGS(), resume=path, maxtime=first.history.time[-1] / 2)
    assert over.reason is Reason.MAXTIME and over.nit == 5


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_write_that_fails_leaves_the_old_file_and_no_litter(step, tmp_path, monkeypatch):
    path = tmp_path / "run.npz"
    run(LBFGS(), maxiter=3, checkpoint=path)
    before = path.read_bytes()

    def fail(*args):
        raise OSError("disk full")

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(OSError, match="disk full"):
        run(LBFGS(), maxiter=3, checkpoint=path)
    assert path.read_bytes() == before and os.listdir(tmp_path) == ["run.npz"]


def test_every_is_iterations_or_seconds(tmp_path, monkeypatch):
    written: list = []
    monkeypatch.setattr(optkit.checkpoint.Checkpoint, "write",
                        lambda self, track: (setattr(self, "written_at", track.nit), written.append(track.nit)))
    for every, want in ((10, [0, 10, 20, 25]), ("0s", list(range(26))), ("3600s", [25])):
        written.clear()
        monkeypatch.setattr("optkit.checkpoint.time.perf_counter", lambda: 0.0)
        monkeypatch.setattr(optkit.checkpoint.Checkpoint, "__init__", _started(every == "3600s"))
        run(LBFGS(), maxiter=25, checkpoint=tmp_path / "a", every=every)
        assert written == want
    monkeypatch.undo()
    for wrong in (0, -1, 2.5, True, "ten", "-3s", None):
        with pytest.raises(ValueError, match="every: need"):
            run(LBFGS(), checkpoint=tmp_path / "a", every=wrong)


def _started(just_now, original=optkit.checkpoint.Checkpoint.__init__):
    """__init__ of a checkpoint that counts as just written, or as never written."""
    def init(self, *args):
        original(self, *args)
        self.written = 0.0 if just_now else self.written

    return init


# --- what does not fit ---


@pytest.mark.parametrize("change, message", [
    ({"method": "newton-cg"}, "another method: LBFGS.*now NewtonCG"),
    ({"method": LBFGS(memory=3)}, "another method"),
    ({"x0": np.zeros(4)}, "another structure of x0"),
    ({"x0": {"a": np.zeros(5)}, "fun": lambda p: rosen(p["a"]), "jac": lambda p: {"a": rosen_der(p["a"])}},
     "another structure of x0"),
    ({"gtol": 1e-3}, "another gtol: 1e-06, now 0.001"),
    ({"xtol": 1e-3}, "another xtol"),
    ({"fun": lambda x: rosen(x) + 1e-3}, "resume: f is .*give the same f and args"),
    ({"return_all": True}, "return_all"),
])
def test_going_on_with_something_else_is_an_error_that_says_so(change, message, tmp_path):
    path = tmp_path / "run.npz"
    call = {"fun": rosen, "x0": X0, "method": "l-bfgs", "jac": rosen_der, "gtol": 1e-6}
    optkit.minimize(**call, maxiter=4, checkpoint=path)
    with pytest.raises(ValueError, match=message):
        optkit.minimize(**{**call, **change}, resume=path)
    assert optkit.minimize(**call, resume=path, maxfev=500).success


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        run(LBFGS(), resume=tmp_path / "no.npz")


def test_limits_may_be_raised(tmp_path):
    path = tmp_path / "run.npz"
    first = run(LBFGS(), maxfev=20, checkpoint=path, every=1)
    assert first.reason is Reason.MAXFEV
    assert same(run(LBFGS(), maxfev=1000, resume=path), run(LBFGS()))


@pytest.mark.parametrize("damage", ["empty", "half", "text", "result", "npz", "pickle"])
def test_files_that_are_something_else_are_refused(damage, tmp_path):
    path = tmp_path / "run.npz"
    result = run(LBFGS(), maxiter=3, checkpoint=path)
    data = path.read_bytes()
    if damage == "result":
        result.save(path)
    elif damage == "npz":
        np.savez(path, a=np.ones(3))
    elif damage == "pickle":
        with open(path, "wb") as file:
            np.save(file, np.array([{}], dtype=object), allow_pickle=True)
    else:
        path.write_bytes({"empty": b"", "half": data[: len(data) // 2], "text": b"hello"}[damage])
    with pytest.raises(ValueError, match="need a file written by minimize"):
        run(LBFGS(), resume=path)


# --- what a hostile file could try ---


class Bomb:
    """Goes off where it is made, filled or called."""

    def __init__(self, *args, **kwargs):
        raise AssertionError("code ran")

    def __reduce__(self):
        return Bomb, ()


@dataclasses.dataclass
class Plain:
    x: int

    def __post_init__(self):
        raise AssertionError("code ran")

    def __setattr__(self, name, value):
        raise AssertionError("code ran")


def forge(path, value, object_array=False):
    """A file as `write` makes it, with this encoded value."""
    document = {"kind": "optkit run", "version": 1, "value": value}
    arrays = {"a0": np.array([Bomb.__new__(Bomb)], dtype=object)} if object_array else {}
    buffer = io.BytesIO()
    np.savez(buffer, _document=np.array(json.dumps(document)), **arrays)
    path.write_bytes(buffer.getvalue())


@pytest.mark.parametrize("name", [
    "os:system", "builtins:eval", "subprocess:Popen", "pathlib:PosixPath", "optkit.encoding:np",
    "optkit.encoding:os.path",
    "optkit.encoding:zipfile.ZipFile", "optkit.minimize:minimize", "optkit.checkpoint:Checkpoint", "optkitevil:State",
    "optkit.cli:main", __name__ + ":Bomb", __name__ + ":np.ndarray", "optkit.result:Result", "optkit:os",
    "optkit.loop:Track",  # defined elsewhere
    "tests:Plain", "", ":", "optkit", "optkit.solvers.lbfgs:State.__class__", "optkit.solvers.lbfgs:State.__init__",
])
@pytest.mark.parametrize("kind", ["dataclass", "named tuple", "enum"])
def test_no_class_but_plain_data_of_the_solver_and_optkit_is_made(name, kind, tmp_path):
    forge(tmp_path / "a", [kind, name, "x"] if kind == "enum" else [kind, name, {"x": 1}])
    with pytest.raises(ValueError):
        read(tmp_path / "a", "optkit run", __name__, "minimize")
    with pytest.raises(ValueError, match="no dataclass, named tuple or enum"):
        find_class(name, __name__)


def test_classes_are_filled_without_calling_them_and_pickles_are_not_read(tmp_path):
    forge(tmp_path / "a", ["dataclass", f"{__name__}:Plain", {"x": 3}])
    assert read(tmp_path / "a", "optkit run", __name__, "minimize").x == 3
    with pytest.raises(ValueError, match="no dataclass"):
        read(tmp_path / "a", "optkit run", "elsewhere", "minimize")
    forge(tmp_path / "a", ["dataclass", f"{__name__}:Plain", {"y": 3}])
    with pytest.raises(ValueError, match="other fields"):
        read(tmp_path / "a", "optkit run", __name__, "minimize")
    forge(tmp_path / "a", ["array", 0, True], object_array=True)
    with pytest.raises(ValueError, match="need a file written"):
        read(tmp_path / "a", "optkit run", __name__, "minimize")
    forge(tmp_path / "a", functools.reduce(lambda inner, _: ["list", inner], range(900), 1))
    with pytest.raises(ValueError, match="need a file written"):
        read(tmp_path / "a", "optkit run", __name__, "minimize")


@pytest.mark.parametrize("value", [["array", 7, True], ["same", 3], ["what", 1], ["list", ["same", 9]], ["scalar"], [],
                                   ["dict", [1]], ["history", "x"], 5, None, ["tuple", 1]])
def test_nonsense_is_refused(value, tmp_path):
    forge(tmp_path / "a", value)
    with pytest.raises(ValueError):
        run(LBFGS(), resume=tmp_path / "a")


# --- the encoder ---


class Pair(NamedTuple):
    a: float
    b: object


@dataclasses.dataclass(frozen=True, slots=True)
class Inner:
    value: object
    kind: ClassVar[str] = "inner"


def test_values_survive_with_their_types_layout_access_and_identity(tmp_path):
    frozen = np.arange(3.0)
    frozen.setflags(write=False)
    shared = Pair(-0.0, frozen)
    value = {"a": shared, 3: [shared, shared.b, np.asfortranarray(np.arange(6.0).reshape(2, 3))],
             "b": (None, True, 10**40, 1.5, "text ∇", np.float64(2.5), np.int32(4), Inner({"x": (1,)}), np.array(3.5)),
             "c": Reason.MAXFEV, "d": np.zeros((0, 2)), "e": [np.nan, np.inf], "f": np.array([True, False])}
    write(tmp_path / "a", "test", value, __name__)
    again = read(tmp_path / "a", "test", __name__, "a test")
    assert list(again) == list(value) and type(again["a"]) is Pair and np.signbit(again["a"].a)
    assert again[3][0] is again["a"] and again[3][1] is again["a"].b  # what was one is one
    assert not again["a"].b.flags.writeable and again[3][2].flags.f_contiguous and again[3][2].flags.writeable
    assert [type(v) for v in again["b"]] == [type(v) for v in value["b"]] and again["b"][2] == 10**40
    assert again["b"][7] == value["b"][7] and again["b"][8].shape == () and again["c"] is Reason.MAXFEV
    assert again["d"].shape == (0, 2) and np.isnan(again["e"][0]) and again["f"].dtype == bool


@pytest.mark.parametrize("value", [{1, 2}, object(), lambda: 0, np.array(["a"]), np.array([None]), b"bytes",
                                   Bomb.__new__(Bomb), np.random.default_rng(0)])
def test_what_is_not_plain_data_is_refused_before_the_file_is_touched(value, tmp_path):
    with pytest.raises(TypeError, match="cannot write"):
        write(tmp_path / "a", "test", [value], __name__)
    assert not os.listdir(tmp_path)


def test_a_state_that_cannot_be_found_again_is_refused_at_the_start(tmp_path):
    @dataclasses.dataclass
    class Local:
        point: object
        step: float = 0.0
        inner: int = 0

    class Solver:
        second_order = False

        def init(self, objective, point):
            return Local(point)

        def step(self, objective, state):
            raise AssertionError("not reached")

    with pytest.raises(TypeError, match="cannot write Local"):
        optkit.minimize(rosen, X0, jac=rosen_der, method=Solver(), checkpoint=tmp_path / "a")


def test_every_state_class_is_found_by_its_name():
    for name, cls in METHODS.items():
        assert find_class(f"{cls.__module__}:{cls.__qualname__}", "nowhere") is cls, name
    assert find_class("optkit.stopping:StoppingRules", "nowhere") is StoppingRules


def test_a_saved_file_is_an_ordinary_npz_without_pickles(tmp_path):
    run(LBFGS(), maxiter=3, checkpoint=tmp_path / "run.npz")
    assert zipfile.is_zipfile(tmp_path / "run.npz")
    with np.load(tmp_path / "run.npz", allow_pickle=False) as file:
        assert all(file[name].dtype != object for name in file.files)


# --- another problem, other derivatives ---

OTHER = {
    "bounds": ({"bounds": [(-2, 0.5)] * 3}, {"bounds": [(-2, -1.1)] * 3}, [
        "l-bfgs-b", "projected-gradient", "fista", "proximal-gradient", "coordinate-descent", "projected-newton"]),
    "no bounds": ({"bounds": [(-2, 0.5)] * 3}, {}, ["fista"]),
    "set": ({"prox": L2Ball(1.5)}, {"prox": Simplex()}, ["projected-gradient", "fista"]),
    "radius": ({"prox": L2Ball(1.5)}, {"prox": L2Ball(1.5000000001)}, ["projected-gradient"]),
    "weights": ({"prox": L1(np.arange(3.0))}, {"prox": L1(np.array([0.0, 1.0, 2.5]))}, ["owl-qn"]),
    "part": ({"prox": Separable(((0, 2, L1(0.1)),))}, {"prox": Separable(((0, 2, L1(0.2)),))}, ["fista"]),
}


@pytest.mark.parametrize("before, after, method", [(*case[:2], m) for case in OTHER.values() for m in case[2]])
def test_other_bounds_or_another_term_are_refused_before_anything_is_evaluated(before, after, method, tmp_path):
    call = {"fun": chain, "x0": np.full(3, -1.2), "method": method, "maxiter": 5}
    optkit.minimize(**call, **before, checkpoint=tmp_path / "a")
    with pytest.raises(ValueError, match="another bounds or prox: .*, now "):
        optkit.minimize(**{**call, "fun": never}, **after, resume=tmp_path / "a")
    again = optkit.minimize(**{**call, "maxiter": 8}, **before, resume=tmp_path / "a")
    assert same(again, optkit.minimize(**{**call, "maxiter": 8}, **before))


@pytest.mark.parametrize("after, message", [
    ({"bounds": (-2, -1.1)}, "another bounds or prox"), ({"loss": "huber"}, "another loss"),
    ({"f_scale": 0.3}, "another loss"), ({"x_scale": np.full(3, 2.0)}, "another method"),
])
def test_a_fit_is_gone_on_with_only_as_it_was(after, message, tmp_path):
    def residual(x):
        return np.array([10 * (x[1] - x[0] ** 2), 1 - x[0], x[2] - 0.3, 2 * x[2]])

    call = {"x0": np.full(3, -1.2), "bounds": (-2, 0.5), "loss": "soft_l1"}
    full = optkit.least_squares(residual, **call)
    optkit.least_squares(residual, **call, maxiter=3, checkpoint=tmp_path / "a")
    with pytest.raises(ValueError, match=message):
        optkit.least_squares(never, **{**call, **after}, resume=tmp_path / "a")
    again = optkit.least_squares(residual, **call, resume=tmp_path / "a")
    assert again.x.tobytes() == full.x.tobytes() and again.nfev == full.nfev


def test_descriptions_tell_values_apart_but_not_objects():
    long = np.linspace(0, 1, 2000)
    changed = long.copy()
    changed[1000] += 1e-12
    assert describe(Box(long, 2.0)) == describe(Box(long.copy(), 2.0)) != describe(Box(changed, 2.0))

    class Own:
        is_set = False

        def __init__(self, weight):
            self.weight, self._cache = weight, object()

    assert describe(Own(1.0)) == describe(Own(1.0)) != describe(Own(2.0))
    assert describe(never) == f"{__name__}.never"


def test_another_gradient_is_refused_where_f_is_the_same(tmp_path):
    options = {"method": "l-bfgs", "checkpoint": tmp_path / "a", "maxiter": 4}
    optkit.minimize(rosen, X0, jac=rosen_der, **options)
    for wrong in (lambda x: 2 * rosen_der(x), lambda x: rosen_der(x) + 1e-3):
        with pytest.raises(ValueError, match="the gradient at a point .* give the same jac"):
            optkit.minimize(rosen, X0, jac=wrong, method="l-bfgs", resume=tmp_path / "a")
    assert optkit.minimize(chain, X0, method="l-bfgs", resume=tmp_path / "a").success  # autodiff agrees with rosen_der


# --- files that are shared, cannot be written, or come from elsewhere ---


def test_threads_may_share_a_path(tmp_path):
    def save(k):
        for _ in range(20):
            write(tmp_path / "a", "test", np.full(2000, float(k)), __name__)
        return True

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(save, range(4)))
    assert np.unique(read(tmp_path / "a", "test", __name__, "a test")).size == 1 and os.listdir(tmp_path) == ["a"]


def test_drafts_of_killed_writers_are_removed_others_stay(tmp_path):
    old, new, other = (tmp_path / name for name in (".a.01.part", ".a.02.part", ".b.01.part"))
    for draft in (old, new, other):
        draft.write_bytes(b"")
    for draft in (old, other):
        os.utime(draft, (0, 0))
    write(tmp_path / "a", "test", 1, __name__)
    assert sorted(os.listdir(tmp_path)) == [".a.02.part", ".b.01.part", "a"]


def test_a_path_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"checkpoint: cannot write '.*no/run\.npz'"):
        run(LBFGS(), checkpoint=tmp_path / "no" / "run.npz")
    with pytest.raises(ValueError, match="every='5s'.*give checkpoint=path"):
        run(LBFGS(), every="5s")


def rezip(path, name, data, method=zipfile.ZIP_STORED, compress_type=None):
    """The file with one more or another member, its header saying that it is packed in some way."""
    with zipfile.ZipFile(path) as file:
        members = {n: file.read(n) for n in file.namelist()}
    with zipfile.ZipFile(path, "w", method) as file:
        for n, content in {**members, name: data}.items():
            file.writestr(n, content)
    if compress_type is not None:
        raw = path.read_bytes().replace(b"PK\x03\x04\x14\x00\x00\x00\x00\x00", b"PK\x03\x04\x14\x00\x00\x00"
                                        + compress_type).replace(b"PK\x01\x02\x14\x03\x14\x00\x00\x00\x00\x00",
                                                                 b"PK\x01\x02\x14\x03\x14\x00\x00\x00" + compress_type)
        path.write_bytes(raw)


def huge():
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": "<f8", "fortran_order": False, "shape": (10**12,)})
    return buffer.getvalue()


@pytest.mark.parametrize("damage", [
    lambda path: rezip(path, "a0.npy", huge()),
    lambda path: rezip(path, "x", b"", compress_type=b"\x63\x00"),
    lambda path: rezip(path, "x", b"", compress_type=b"\x08\x00"),
], ids=["memory", "compression", "zlib"])
def test_files_that_cannot_be_unpacked_are_refused_by_name(damage, tmp_path):
    result = run(LBFGS(), maxiter=3, checkpoint=tmp_path / "a")
    result.save(tmp_path / "b")
    for path, use in ((tmp_path / "a", lambda path: run(LBFGS(), resume=path)), (tmp_path / "b", optkit.load)):
        damage(path)
        with pytest.raises(ValueError, match="need a file written by") as error:
            use(path)
        assert repr(str(path)) in str(error.value)


@pytest.mark.parametrize("value", [None, 5, [], [1, 2], {}, {"x": np.ones(2)}, {"reason": 3}, "text"], ids=repr)
def test_load_refuses_what_is_no_result(value, tmp_path):
    write(tmp_path / "a", "optkit result", value, "optkit.result")
    with pytest.raises(ValueError, match=r"need a file written by Result.save, got '.*/a'"):
        optkit.load(tmp_path / "a")
    result = run(LBFGS(), maxiter=3)
    for name, wrong in (("history", [1.0]), ("reason", "CONVERGED"), ("nit", 2.5), ("gnorm", "small")):
        write(tmp_path / "a", "optkit result", {**result, name: wrong}, "optkit.result")
        with pytest.raises(ValueError, match=f"holds no result: {name} missing, or of another type"):
            optkit.load(tmp_path / "a")


@pytest.mark.parametrize("field, wrong", [
    ("history", [1]), ("point", None), ("point", 3.0), ("seconds", "long"), ("recorded", 1.0), ("improved", 0.5),
    ("memory", Reason.MAXFEV), ("restarted_at", [1.0]), ("point", Point(np.ones(3), 1.0, np.ones(3))),
    ("point", Point([1.0] * 5, 1.0, np.ones(5))), ("history", History())])
def test_fields_of_another_type_are_refused_by_name(field, wrong, tmp_path):
    path = tmp_path / "a"
    run(LBFGS(), maxiter=3, checkpoint=path)
    saved = read(path, "optkit run", "optkit.solvers.lbfgs", "a test")
    setattr(saved.track, field, wrong)
    write(path, "optkit run", saved, "optkit.solvers.lbfgs")
    with pytest.raises(ValueError) as error:
        run(LBFGS(), resume=path)
    assert repr(str(path)) in str(error.value)


class Ends(NamedTuple):
    left: np.ndarray
    right: float


def test_named_tuples_of_ones_own_are_saved_as_tuples(tmp_path):
    result = optkit.minimize(lambda x: np.sum((x.left - 1) ** 2) + x.right**2, Ends(np.zeros(2), 1.0))
    again = optkit.load(result.save(tmp_path / "a"))
    assert type(result.x) is Ends and type(again.x) is tuple and type(again.jac) is tuple
    np.testing.assert_array_equal(again.x[0], result.x.left)
