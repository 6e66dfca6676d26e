"""Who may import whom (docs/adding.md has the reasons): read from the source with `ast`, nothing is executed."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("autodiff", "optkit", "problems")
ALLOWED = {"autodiff": {"numpy", "scipy", "autodiff"},
           "problems": {"numpy", "scipy", "autodiff", "problems"},
           "optkit": {"numpy", "scipy", "autodiff", "optkit", "problems", "matplotlib", "tqdm"}}


class Edge(NamedTuple):
    """Module `importer` imports `target` (both absolute and dotted) at `line`; `late` when inside a function."""

    importer: str
    target: str
    line: int
    late: bool

    @property
    def root(self) -> str:
        return self.target.partition(".")[0]


def edges(importer: str, source: str, *, package: bool) -> Iterator[Edge]:
    """All imports in one module; `from a import b` counts as importing `a.b`."""
    base = importer.split(".") if package else importer.split(".")[:-1]
    tree = ast.parse(source)
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    late = {id(inner) for function in functions for inner in ast.walk(function)}
    for node in ast.walk(tree):
        for target in _targets(node, base):
            yield Edge(importer, target, node.lineno, id(node) in late)


def _targets(node: ast.AST, base: list[str]) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        prefix = base[:len(base) - node.level + 1] if node.level else []
        module = ".".join(prefix + (node.module.split(".") if node.module else []))
        return [f"{module}.{alias.name}" for alias in node.names]
    if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name in ("import_module", "__import__") and isinstance(node.args[0].value, str):
            return [node.args[0].value]
    return []


def inside(name: str, *packages: str) -> bool:
    return any(name == package or name.startswith(package + ".") for package in packages)


def own_imports_only(edge: Edge) -> str | None:
    if edge.importer == "autodiff.interpreters.symbolic" and edge.root == "sympy" and edge.late:
        return None                      # optional: asked for only where an export is
    allowed = ALLOWED[edge.importer.partition(".")[0]]
    if edge.root not in allowed | set(sys.stdlib_module_names):
        return f"may import only the standard library and {', '.join(sorted(allowed))}"
    return None


def solvers_are_independent(edge: Edge) -> str | None:
    registry = edge.importer == "optkit.solvers"
    if inside(edge.importer, "optkit.solvers") and not registry and inside(edge.target, "optkit.solvers"):
        return "a solver imports no other solver: move what is shared out of optkit/solvers/"
    return None


def parts_do_not_know_solvers(edge: Edge) -> str | None:
    if inside(edge.importer, "optkit.linesearch", "optkit.subproblems") and inside(edge.target, "optkit.solvers"):
        return "line searches and subproblem solvers never import solvers"
    return None


HAVE_PLOT = ("optkit.result", "optkit.compare", "optkit.multistart", "optkit.convexity.report")


def plots_are_at_the_edge(edge: Edge) -> str | None:
    if not inside(edge.target, "optkit.plots") or inside(edge.importer, "optkit.plots", "optkit.cli"):
        return None
    if inside(edge.importer, *HAVE_PLOT) and edge.late:
        return None
    return "plots is imported by the cli and, inside the function, by the .plot method of a result or report"


def matplotlib_only_in_plots(edge: Edge) -> str | None:
    if edge.root == "matplotlib" and not inside(edge.importer, "optkit.plots"):
        return "matplotlib is imported only in optkit/plots"
    return None


MEET_THE_ENGINE = ("optkit.derivatives", "optkit.sources", "optkit.residual_sources", "optkit.implicit",
                   "optkit.nesting", "optkit.convexity", "optkit.constrained.constraints")


def autodiff_behind_the_objective(edge: Edge) -> str | None:
    allowed = inside(edge.importer, *MEET_THE_ENGINE) or \
        (edge.importer == "optkit.inputs" and inside(edge.target, "autodiff.pytree")) or \
        (edge.importer == "optkit.plots.graph" and inside(edge.target, "autodiff.interpreters.draw"))
    if edge.importer.startswith("optkit") and edge.root == "autodiff" and not allowed:
        return ("in optkit, autodiff is imported only by sources.py, derivatives.py, implicit.py, nesting.py, "
                "constrained/constraints.py and convexity/ (its "
                "pytree by inputs.py, its interpreters.draw by plots/graph.py)")
    return None


def problems_only_in_the_cli(edge: Edge) -> str | None:
    if edge.importer.startswith("optkit") and edge.root == "problems" and not inside(edge.importer, "optkit.cli"):
        return "in optkit, problems is imported only by the cli"
    return None


RULES = (own_imports_only, solvers_are_independent, parts_do_not_know_solvers, plots_are_at_the_edge,
         matplotlib_only_in_plots, autodiff_behind_the_objective, problems_only_in_the_cli)


def violations(imports: list[Edge]) -> list[str]:
    return [f"{edge.importer}:{edge.line} imports {edge.target}: {reason}"
            for edge in imports for rule in RULES if (reason := rule(edge))]


def repository() -> list[Edge]:
    found: list[Edge] = []
    for path in sorted(p for package in PACKAGES for p in (ROOT / package).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        package = parts[-1] == "__init__"
        found += edges(".".join(parts[:-1] if package else parts), path.read_text(), package=package)
    return found


def test_the_repository_keeps_the_rules():
    imports = repository()
    assert {edge.importer.split(".")[0] for edge in imports} == set(PACKAGES)
    assert not violations(imports), "\n".join(violations(imports))


BAD = [
    ("autodiff.graph", "import optkit", own_imports_only),
    ("autodiff.graph", "from problems import get", own_imports_only),
    ("autodiff.graph", "import sympy", own_imports_only),
    ("problems.newton", "from optkit.minimize import minimize", own_imports_only),
    ("problems.newton", "def f():\n    import optkit", own_imports_only),
    ("problems.newton", "import importlib\nimportlib.import_module('optkit')", own_imports_only),
    ("optkit.solvers.lbfgs", "from .newton_cg import NewtonCG", solvers_are_independent),
    ("optkit.solvers.lbfgs", "from . import newton_cg", solvers_are_independent),
    ("optkit.solvers.lbfgs", "import optkit.solvers.newton_cg", solvers_are_independent),
    ("optkit.linesearch.armijo", "from ..solvers import lbfgs", parts_do_not_know_solvers),
    ("optkit.subproblems.steihaug", "from optkit import solvers", parts_do_not_know_solvers),
    ("optkit.loop", "from . import plots", plots_are_at_the_edge),
    ("optkit.loop", "def show():\n    from .plots import convergence", plots_are_at_the_edge),
    ("optkit.result", "from .plots import convergence", plots_are_at_the_edge),
    ("optkit.result", "import matplotlib.pyplot as plt", matplotlib_only_in_plots),
    ("optkit.cli", "def show():\n    import matplotlib", matplotlib_only_in_plots),
    ("optkit.solvers.lbfgs", "import autodiff as ad", autodiff_behind_the_objective),
    ("optkit.inputs", "from autodiff import grad, pytree", autodiff_behind_the_objective),
    ("optkit.plots.graph", "from autodiff import grad", autodiff_behind_the_objective),
    ("optkit.plots.contours", "from autodiff.interpreters import draw", autodiff_behind_the_objective),
    ("autodiff.interpreters.symbolic", "import sympy", own_imports_only),
    ("optkit.minimize", "from problems import names", problems_only_in_the_cli),
]

GOOD = [
    ("autodiff.graph", "import numpy as np\nfrom . import trace\nfrom scipy import sparse\nimport ast"),
    ("problems.newton", "import autodiff as ad\nfrom .problem import Problem"),
    ("optkit.solvers.lbfgs", "from ..linesearch import wolfe\nfrom ..point import Point"),
    ("optkit.result", "def plot(self):\n    from .plots import convergence"),
    ("optkit.cli", "import problems\nfrom . import plots\nfrom tqdm import tqdm"),
    ("optkit.derivatives", "import autodiff as ad"),
    ("optkit.inputs", "from autodiff import pytree"),
    ("optkit.convexity.criteria.second_order", "import autodiff as ad"),
    ("optkit.plots.convergence", "import matplotlib\nfrom .style import COLOURS"),
    ("optkit.plots.graph", "from autodiff.interpreters import draw"),
    ("autodiff.interpreters.symbolic", "def export():\n    import sympy"),
]


@pytest.mark.parametrize("importer, source, rule", BAD)
def test_a_violation_is_found(importer, source, rule):
    assert any(rule(edge) for edge in edges(importer, source, package=False))


@pytest.mark.parametrize("importer, source", GOOD)
def test_what_is_allowed_is_not_reported(importer, source):
    assert violations(list(edges(importer, source, package=False))) == []


def test_registry_of_solvers_may_import_them():
    assert violations(list(edges("optkit.solvers", "from .lbfgs import LBFGS", package=True))) == []


@pytest.mark.parametrize("package", PACKAGES)
def test_importing_a_package_does_not_import_matplotlib(package):
    code = f"import sys, {package}; sys.exit('matplotlib' in sys.modules or 'tqdm' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
