"""The command line, run in this process: what it prints, writes and returns, and what it says when it is misused."""

import json
import re
import sys

import numpy as np
import pytest

import optkit
from optkit import cli
from optkit.cli import targets

pytestmark = pytest.mark.nan_ok      # as a user runs it: under NumPy's defaults

MINE = '''
import numpy as np

def f(x):
    return np.sum((x - 1) ** 2) + x[0] ** 4

def concave(x):
    return -np.sum(x ** 2)

def scalar(x):
    return x ** 3

def broken(x):
    return undefined + x[0]

def vector(x):
    return x

constant = 3
'''


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A directory of the user's own, with mine.py in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(MINE)
    yield tmp_path
    sys.modules.pop("mine", None)


@pytest.fixture
def run(here, capsys):
    """Run the command line: (exit code, standard output, standard error)."""
    def call(*words):
        try:
            code = cli.main(words)
        except SystemExit as stop:
            code = stop.code
        out, err = capsys.readouterr()
        return code, out, err
    return call


def test_demo_shows_everything(run, here):
    code, out, err = run("demo", "--out", "picture.png")
    assert code == 0
    assert "569 patients, 30 measurements" in out
    for method in ("newton-cg", "l-bfgs", "momentum", "gradient-descent"):
        row = re.search(rf"^{method} .*converged$", out, re.MULTILINE)
        assert row, method
        assert float(row[0].split()[-2]) <= 1e-8          # the final gradient norm
        assert method in err                              # its progress display
    for heading in ("iterations", "f", "g", "Hv", "seconds", "stationarity", "stopped"):
        assert f" {heading} " in out.split("───")[0].replace("\n", " \n")
    assert "PROVED STRONGLY CONVEX" in out and "NOT CONVEX" not in out
    assert out.rstrip().endswith("picture.png") and (here / "picture.png").read_bytes().startswith(b"\x89PNG")


def test_minimize_a_named_problem(run, here):
    code, out, err = run("minimize", "rosenbrock", "--size", "n=4", "--method", "l-bfgs", "--option", "gtol=1e-9",
                         "--plot", "r.png")
    assert code == 0 and "l-bfgs" in out and "CONVERGED" in out and "l-bfgs" in err
    assert (here / "r.png").stat().st_size > 0
    assert "from 24.2" in run("minimize", "rosenbrock", "--quiet")[1]
    assert "from 101" in run("minimize", "rosenbrock", "--x0", "2,3", "--quiet")[1]      # 100 (3 − 4)² + (1 − 2)²


@pytest.mark.parametrize("what", ["mine.py:f", "mine:f"])
def test_minimize_a_function_of_ones_own(run, what):
    code, out, err = run("minimize", what, "--x0", "-1,2", "--quiet")
    assert (code, err) == (0, "") and "success" in out


def test_only_the_file_that_was_named_is_imported(run, here):
    (here / "other.py").write_text("raise RuntimeError('imported')")
    assert run("minimize", "mine.py:f", "--x0", "zeros:2", "--quiet")[0] == 0
    assert "other" not in sys.modules and str(here) not in sys.path


def test_the_path_is_relative_to_where_one_stands_and_siblings_can_be_imported(run, here):
    (here / "sub").mkdir()
    (here / "sub" / "helper_of_mine.py").write_text("def square(x):\n    return x @ x\n")
    (here / "sub" / "uses.py").write_text("from helper_of_mine import square as f\n")
    assert run("minimize", "sub/uses.py:f", "--x0", "ones:3", "--quiet")[0] == 0


def test_not_solved_is_exit_code_1(run):
    code, out, _ = run("minimize", "rosenbrock", "--option", "maxiter=2", "--quiet")
    assert code == 1 and "MAXITER" in out


def test_compare_prints_one_row_a_method_and_draws(run, here):
    code, out, _ = run("compare", "beale", "--methods", "newton-cg,l-bfgs", "--quiet", "--plot", "c.svg")
    rows = out.splitlines()
    assert code == 0 and [row.split()[0] for row in rows[2:4]] == ["newton-cg", "l-bfgs"]
    assert "f − f*" in rows[0] and (here / "c.svg").stat().st_size > 0
    assert "f − best" in run("compare", "mine.py:f", "--x0", "2,2", "--quiet")[1].splitlines()[0]
    everything = run("compare", "mine.py:f", "--x0", "2,2", "--quiet", "--methods", "all")[1]
    assert all(f"\n{method} " in everything for method in set(optkit.methods()) - {"sgd", "svrg"})


def test_bounds_are_those_of_every_unknown(run, here):
    code, out, _ = run("minimize", "mine.py:f", "--x0", "0,0", "--bounds", "-0.5,0.25", "--quiet")
    assert code == 0 and "x" in out and "[0.25 0.25]" in out and "bounds" in out
    assert "[0.25 0.25]" in run("minimize", "mine.py:f", "--x0", "0,0", "--bounds=-inf,0.25", "--quiet")[1]
    code, out, _ = run("compare", "mine.py:f", "--x0", "0,0", "--bounds", "-0.5,0.25", "--quiet")
    assert code == 0 and "projected-newton" in out and "\nbfgs " not in out


def test_convexity_of_a_problem_and_of_ones_own(run, here):
    code, out, _ = run("convexity", "rosenbrock", "--box", "-2,2", "--plot", "w.png")
    assert code == 0 and out.startswith("NOT CONVEX") and (here / "w.png").stat().st_size > 0
    code, out, _ = run("convexity", "mine.py:concave", "--x0", "zeros:3", "--properties", "concave", "--budget", "2000",
                       "--seed", "7")
    assert code == 0 and "NOT CONCAVE" not in out.splitlines()[0] and "[-1, 1]^3" in out and "seed 7" in out


@pytest.mark.parametrize("box", [("--box", "-2", "2"), ("--box", "-2,2"), ("--box=-2,2",)])
def test_convexity_of_a_shape_on_a_box(run, box):
    code, out, _ = run("convexity", "mine:f", *box, "--shape", "10", "--budget", "1000")
    assert code == 0 and out.startswith("PROVED STRONGLY CONVEX on the box [-2, 2]^10")
    code, out, _ = run("convexity", *box, "--shape", "2,3", "--property", "affine,concave", "mine:concave", "--budget",
                       "1000")
    assert code == 0 and out.startswith("NOT AFFINE on the box [-2, 2]^6") and "concave: PROVED" in out


def test_convexity_as_json_and_as_a_page(run, here):
    code, out, err = run("convexity", "mine.py:scalar", "--shape", "scalar", "--box", "-1", "3", "--json", "--html",
                         "r.html", "--plot", "r.png", "--budget", "500")
    data = json.loads(out)
    assert code == 0 and data["verdict"] == "NOT_CONVEX" and data["domain"] == "the box [-1, 3]"
    assert "r.html" in err and "r.png" in err and (here / "r.png").stat().st_size > 0
    page = (here / "r.html").read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>") and "NOT CONVEX" in page and "from mine import scalar as f" in page


def test_convexity_says_what_can_be_asked(run, monkeypatch):
    monkeypatch.setenv("COLUMNS", "400")
    out = " ".join(run("convexity", "--help")[1].split())
    assert "log-convex" in out and "--html FILE" in out and "-2 2, or -2,2" in out


def test_problems_lists_them_all(run):
    import problems
    code, out, _ = run("problems")
    names = [line.split()[0] for line in out.split("\n\n")[0].splitlines()[2:]]
    assert code == 0 and names == list(problems.names()) and re.search(r"rosenbrock +n=2", out)


@pytest.mark.parametrize("words, message", [
    (["minimize", "rosenbrok"], "no problem is called 'rosenbrok'; near ones: rosenbrock"),
    (["minimize", "mine.py:f"], "--x0: a function of your own needs a start"),
    (["minimize", "mine.py:f", "--x0", "a,b"], "--x0: need numbers like 1,2,3, or zeros:10 or ones:10, got 'a,b'"),
    (["minimize", "mine.py:f", "--x0", "zeros:0"], "--x0: need numbers like 1,2,3"),
    (["minimize", "mine.py:g", "--x0", "1"], "mine.py has no function 'g'; it has f, concave, scalar, broken, vector"),
    (["minimize", "mine.py:constant", "--x0", "1"], "no function 'constant'"),
    (["minimize", "gone.py:f", "--x0", "1"], "no file 'gone.py'"),
    (["minimize", "no_such_module:f", "--x0", "1"], "ModuleNotFoundError: No module named 'no_such_module'"),
    (["minimize", "mine.py:f", "--x0", "1", "--size", "n=3"], "--size: is for named problems"),
    (["minimize", "rosenbrock", "--size", "m=3"], "no option 'm'; it takes n"),
    (["minimize", "rosenbrock", "--method", "nwton-cg"], "unknown 'nwton-cg'; did you mean"),
    (["minimize", "rosenbrock", "--option", "gtl=1"], "unknown option 'gtl'"),
    (["minimize", "rosenbrock", "--option", "gtol"], "need NAME=VALUE, got 'gtol'"),
    (["minimize", "mine.py:broken", "--x0", "1"], "mine.py:broken failed: NameError: name 'undefined'"),
    (["minimize", "mine.py:vector", "--x0", "1,2"], "must return one number"),
    (["convexity", "rosenbrock", "--box", "1"], "--box: need two numbers, lower and upper, got 1"),
    (["convexity", "rosenbrock", "--box", "1", "2", "3"], "unrecognized arguments: 3"),
    (["convexity", "mine.py:f", "--shape", "0"], "--shape: need sizes such as 10 or 3,4, or scalar, got '0'"),
    (["convexity", "mine.py:f", "--shape", "a"], "need sizes such as 10 or 3,4"),
    (["convexity", "mine.py:f", "--shape", "2", "--x0", "1,2"], "by --shape or by --x0, not by both"),
    (["convexity", "mine.py:f"], "--x0: a function of your own needs a start"),
    (["convexity", "mine.py:f", "--shape", "2", "--html", "nowhere/x.html"], "no directory 'nowhere'"),
    (["convexity", "mine.py:f", "--shape", "2", "--property", "convexe"], "properties must be some of convex"),
    (["minimize", "rosenbrock", "--bounds", "1"], "--bounds: need two numbers, lower and upper, got 1"),
    (["compare", "rosenbrock", "--bounds", "2,1"], "lower <= upper"),
    (["compare", "beale", "--plot", "nowhere/x.png"], "no directory 'nowhere' to write 'nowhere/x.png' to"),
    (["minimise"], "invalid choice"), ([], "command")])
def test_misuse_is_exit_code_2_and_one_clear_line(run, words, message):
    code, _, err = run(*words, *(["--quiet"] if words[:1] in (["minimize"], ["compare"]) else []))
    assert code == 2 and message in err and "Traceback" not in err


def test_an_error_in_the_users_function_names_his_line(run):
    err = run("minimize", "mine.py:broken", "--x0", "1", "--quiet")[2]
    assert f"(mine.py, line {MINE.splitlines().index('    return undefined + x[0]') + 1})" in err


def test_an_import_that_fails_names_the_line(run, here):
    (here / "half.py").write_text("x = 1\ny = x / 0\n")
    assert "ZeroDivisionError: division by zero (half.py, line 2)" in run("minimize", "half.py:f", "--x0", "1")[2]


def test_our_own_mistakes_are_not_hidden(here, monkeypatch):
    def fail(*args, **kwargs):
        raise RuntimeError("a bug")
    monkeypatch.setattr(optkit, "minimize", fail)
    with pytest.raises(RuntimeError, match="a bug"):
        cli.main(["minimize", "rosenbrock"])


def test_bounds_follow_the_structure_of_x0():
    bound = targets.filled({"W": np.zeros((2, 3)), "b": 0.0}, -1.0)
    assert bound["W"].shape == (2, 3) and bound["W"].min() == bound["W"].max() == bound["b"] == -1.0
