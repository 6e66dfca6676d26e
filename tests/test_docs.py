"""Every Python block of the README and the docs runs, and so does every example."""

import os
import re
import runpy
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from optkit import cli

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
FENCE = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
# Warnings are errors in what a page does, not in how other packages import each other.
RUN = """import runpy, sys, warnings, optkit.plots
warnings.simplefilter("error")
runpy.run_path(sys.argv[1], run_name="__main__")"""

pytestmark = pytest.mark.nan_ok      # a reader runs them under NumPy's defaults; warnings are still errors


def blocks(text: str) -> list[tuple[int, str]]:
    """(line number of its first line, code) of each ```python block."""
    return [(text.count("\n", 0, match.start(1)) + 1, match[1]) for match in FENCE.finditer(text)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_block_of_a_page_runs(page, tmp_path):
    """In a process of its own, since pages may register things, in an empty directory; a failure names the line."""
    lines = [""] * len(page.read_text().splitlines())
    for first, code in blocks(page.read_text()):
        lines[first - 1:first - 1 + code.count("\n")] = code.splitlines()
    (tmp_path / page.name).write_text("\n".join(lines))
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), str(ROOT)]))}
    done = subprocess.run([sys.executable, "-c", RUN, page.name], cwd=tmp_path, env=environment, timeout=300,
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("script", EXAMPLES, ids=lambda script: script.name)
def test_every_example_runs_and_says_something(script, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(script)])
    runpy.run_path(str(script), run_name="__main__")
    assert capsys.readouterr().out.strip()


def test_there_is_something_to_run():
    assert len(EXAMPLES) >= 4
    assert all(blocks(page.read_text()) for page in PAGES[:1])


def test_the_commands_of_the_readme_exist():
    """Each `optkit` line is one the command line can parse, each `make` line names a target."""
    shell = "\n".join(re.findall(r"^```sh\n(.*?)^```", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL))
    lines = [words for line in shell.splitlines() if (words := shlex.split(line, comments=True))]
    for words in lines:
        if words[0] == "optkit":
            cli._parser().parse_args(cli._join_values(words[1:]))
        else:
            assert words[0] == "make" and re.search(rf"^{words[1]}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert {words[0] for words in lines} == {"make", "optkit"}


def test_local_links_lead_somewhere():
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#\s]+)", page.read_text()):
            assert target.startswith(("http:", "https:")) or (page.parent / target).exists(), f"{page.name}: {target}"


def test_blocks_are_found_with_their_line_numbers():
    text = "# title\n\n```python\nx = 1\n```\nprose\n```text\nnot code\n```\n```python\ny = x\n```\n"
    assert blocks(text) == [(4, "x = 1\n"), (11, "y = x\n")]


def test_every_public_name_of_the_engine_is_in_the_docs():
    import autodiff
    pages = "\n".join(page.read_text() for page in PAGES)
    assert [name for name in autodiff.__all__ if not re.search(rf"(`|ad\.|autodiff\.){name}\b", pages)] == []
