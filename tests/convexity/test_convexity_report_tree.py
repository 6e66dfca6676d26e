"""The tree of a proof: shared parts once, whatever the depth; its text, and its JSON there and back."""

import json

import numpy as np
import pytest

from optkit.convexity import Box, prove
from optkit.convexity.proof import Proof
from optkit.convexity.steps import SOURCE, Step, located, shortened
from optkit.convexity.tree import COMBINATION, worst_step


def leaf(reason="u", low=0.0, high=1.0, line=""):
    return Step(reason, line, (1.0, 1.0), (low, high))


def chain(depth):
    """Each step has the one before it as both parts: 2^depth paths."""
    step = leaf("bottom")
    for k in range(depth):
        step = Step(f"level {k}", f"f.py:{k}  source {k}", (1.0, 1.0), (0.0, 1.0), (step, leaf(f"beside {k}"), step))
    return step


def test_a_walk_meets_each_step_once_parts_first():
    steps = chain(200).walk()
    places = {id(step): k for k, step in enumerate(steps)}
    assert len(steps) == len(places) == 401
    assert all(places[id(part)] < places[id(step)] for step in steps for part in step.parts)


def test_shared_parts_are_written_once_and_referred_to():
    lines = list(chain(60).lines())
    assert len(lines) == 1 + 60 * 3                      # each of its parts below each step, each of these once in full
    assert sum("as above" in line for line in lines) == 59              # the bottom one has no parts: told again
    first = next(k for k, line in enumerate(lines) if "(1) as above" in line)
    assert any("(1) convex" in line for line in lines[:first])
    again = list(leaf().lines())
    assert again == ["convex   u  [0, 1]"]


def test_branches_are_drawn_to_what_they_hold():
    a = Step("a", "", (1.0, 1.0), (0.0, 1.0), (leaf("b"), leaf("c")))
    e = Step("e", "", (1.0, 1.0), (0.0, 1.0), (leaf("g"),))
    lines = list(Step("top", "", (1.0, 1.0), (-1.0, 1.0), (e, a, leaf("d"))).lines())
    assert [line[:9] for line in lines] == ["neither  ", "├─ convex", "│  └─ con", "├─ convex", "│  ├─ con",
                                            "│  └─ con", "└─ convex"]


def test_a_step_says_its_sign_and_what_it_adds():
    assert [str(leaf("u", *w)).split()[0] for w in ((0, 2), (-2, 0), (-1, 1))] == ["convex", "concave", "neither"]
    assert leaf("u", 0.0, 0.0).sign == "adds nothing"
    assert str(leaf("u", -np.inf, np.inf)) == "neither  u" and "[-0.25, inf]" in str(leaf("u", -0.25, np.inf))


def test_a_line_of_source_is_quoted_once_and_cut():
    source = "return " + "+ x" * 40
    a, b = leaf("a", line=f"f.py:3  {source}"), leaf("b", line=f"f.py:3  {source}")
    top, first, second = Step("t", "", (1.0, 1.0), (0.0, 1.0), (a, b)).lines()
    assert first.endswith("…") and len(first) < SOURCE + 40 and second.endswith("f.py:3") and "f.py" not in top
    assert shortened("f.py:3  x + 1") == "f.py:3  x + 1" and shortened("f.py:3") == "f.py:3"
    assert located(None) == "" and located((__file__, 1)).startswith("test_convexity_report_tree.py:1  \"\"\"The tree")


@pytest.mark.parametrize("depth", [0, 1, 3, 60, 3000])
def test_json_is_linear_in_the_steps_and_comes_back(depth):
    step = chain(depth)
    data = json.loads(json.dumps(step.to_json(), allow_nan=False))
    assert len(data) == 2 * depth + 1
    back = Step.from_json(data)
    assert back.to_json() == data and len(back.walk()) == 2 * depth + 1
    assert [(s.reason, s.line, s.adjoint, s.weight) for s in back.walk()] == [
        (s.reason, s.line, s.adjoint, s.weight) for s in step.walk()]
    assert depth == 0 or back.parts[0] is back.parts[2]


def test_infinite_bounds_survive_json():
    step = Step.from_json(json.loads(json.dumps(leaf("u", -np.inf, np.inf).to_json(), allow_nan=False)))
    assert step.weight == (-np.inf, np.inf)


def test_the_worst_step_is_an_operation_of_lowest_weight():
    low = leaf("low", -3.0, 0.0)
    group = Step(COMBINATION, "", (1.0, 1.0), (-3.0, 1.0), (leaf("x", -1.0), low))
    tree = Step(f"f, {COMBINATION}", "", (1.0, 1.0), (-3.0, 1.0), (group, leaf("y", -2.0)))
    assert worst_step(tree) is low
    assert worst_step(leaf("fine")) is None
    assert worst_step(leaf("alone", -1.0)).reason == "alone"


def squares(x):
    v = x[0] * x[1]
    for _ in range(12):
        v = v * v + v * x[1] + v                    # each reads the last one four times
    return v + x[0] ** 2


def sums(x):
    s, total = 0.0 * x[0], 0.0 * x[0]
    for k in range(30):
        s = s + np.exp(x[0] * x[1] * (k + 1.0) / 30)
        total = total + s * x[1]                    # reads all the terms so far
    return total


@pytest.mark.parametrize("f", [squares, sums])
def test_the_tree_of_a_program_is_no_larger_than_the_program(f):
    proof = prove(f, Box(-0.01, 0.01, shape=2), constants=False, maxtime=0.5)
    steps = proof.tree.walk()
    operations = 12 * 5 + 3 if f is squares else 30 * 6
    assert 12 <= len(steps) <= operations + 3 and sum(len(s.parts) for s in steps) <= 3 * operations
    assert len(list(proof.tree.lines())) <= 1 + sum(len(s.parts) for s in steps)
    assert len(str(proof)) < 200 * operations


def test_every_curved_operation_is_in_the_tree_with_its_line():
    proof = prove(lambda x: np.exp(x[0]) + np.sqrt(1 + x @ x), Box(-1, 1, shape=2))
    text = "\n".join(proof.tree.lines())
    assert "exp" in text and text.count("test_convexity_report_tree.py:") == len(list(proof.tree.lines())) - 1
    assert Proof.from_json(proof.to_json()).tree.to_json() == proof.tree.to_json()


def test_the_operations_of_a_concave_function_stand_on_its_lines():
    proof = prove(lambda x: -(np.sin(x) + 0.6 * x * x), Box(-3, 3), "concave")
    assert "-(np.sin(x) + 0.6" in proof.tree.line
