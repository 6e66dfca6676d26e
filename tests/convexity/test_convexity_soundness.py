"""Functions that look convex where the way they are examined forgets something: none of them may be proved."""

import numpy as np
import pytest
import scipy.special as sp

from optkit.convexity import Box
from optkit.convexity.prove import prove

pytestmark = pytest.mark.nan_ok

SHORT = 0.1                     # seconds: one box shows what is wrong
TABLE, EDGES = np.array([0.0, 1.0, 5.0, 3.0]), np.array([-0.5, 0.2, 1.0])
PAIR, AROUND = Box(0, 2, shape=2), Box(-1, 2, shape=2)
E23 = np.exp(23.0)


def q(x):
    return x @ x


JUMPS = {                       # name -> (function, domain): not continuous on the domain
    "floor to whole": (lambda x: np.sum(np.floor(x).astype(int)) + q(x), PAIR),
    "whole": (lambda x: x.astype(int).sum() + q(x), AROUND),
    "whole of a product": (lambda x: (x[0] * x[1]).astype(int) + 3 * q(x), AROUND),
    "rounded to whole": (lambda x: np.round(x).astype(int) @ np.array([1.0, 2.0]) + q(x), AROUND),
    "sign to whole": (lambda x: np.sum(np.sign(x).astype(int)) + q(x), AROUND),
    "eight bits": (lambda x: np.sum(x.astype(np.int8)) + q(x), AROUND),
    "unsigned": (lambda x: np.sum(x.astype(np.uint8)) + q(x), PAIR),
    "sum as whole": (lambda x: np.sum(x, dtype=int) + q(x), PAIR),
    "array of whole": (lambda x: np.array(x, dtype=int).sum() + q(x), PAIR),
    "truth": (lambda x: np.sum(x.astype(bool).astype(float)) + q(x), AROUND),
    "truth of steps": (lambda x: np.sum(np.floor(x).astype(bool) * 1.0) + q(x), AROUND),
    "truth in a root": (lambda x: q(x) - np.sum(np.sqrt(x.astype(bool) + 1.0)), AROUND),
    "truth as a choice": (lambda x: np.where(x[0].astype(bool), 0.0, 1.0) + q(x), AROUND),
    "single precision": (lambda x: x.astype(np.float32).sum() + q(x), PAIR),
    "half precision": (lambda x: x.astype(np.float16).astype(float).sum() + q(x), PAIR),
    "sum in single precision": (lambda x: np.sum(x, dtype=np.float32) + q(x), PAIR),
    "taken": (lambda x: q(x) - np.take(TABLE, np.clip(np.floor(x).astype(int), 0, 3)).sum(), PAIR),
    "looked up": (lambda x: TABLE[x.astype(int)].sum() + q(x), PAIR),
    "looked up by a step": (lambda x: TABLE[np.heaviside(x, 0.0).astype(int)].sum() + q(x), AROUND),
    "chosen": (lambda x: np.choose(x.astype(int) % 2, [x, -x]).sum() + q(x), PAIR),
    "entry of x": (lambda x: np.take(x, np.floor(x[0]).astype(int) % 2) + q(x), AROUND),
    "bin": (lambda x: TABLE[np.digitize(x, EDGES)].sum() + q(x), AROUND),
    "place": (lambda x: np.searchsorted(EDGES, x).sum() + q(x), AROUND),
    "order": (lambda x: np.argsort(x) @ np.array([1.0, 2.0]) + q(x), AROUND),
    "place of the largest": (lambda x: np.argmax(x) * 1.0 + q(x), AROUND),
    "number of entries": (lambda x: np.count_nonzero(x > 0) * 1.0 + q(x), AROUND),
    "step times x": (lambda x: np.rint(x) @ x * 0.01 + q(x), AROUND),
    "truncated times x": (lambda x: np.trunc(x) @ x * 0.01 + q(x), AROUND),
    "sign of another": (lambda x: np.copysign(x[0], x[1]) + q(x), AROUND),
    "remainder": (lambda x: np.mod(x, 1.0).sum() + q(x), AROUND),
    "quotient": (lambda x: (x // 1.0).sum() + q(x), AROUND),
    "whole part": (lambda x: np.modf(x)[1].sum() + q(x), AROUND),
    "exponent": (lambda x: np.frexp(x)[1].sum() * 1.0 + q(x), AROUND),
    "mantissa": (lambda x: np.frexp(x)[0].sum() + q(x), AROUND),
    "power of two": (lambda x: np.ldexp(1.0, np.floor(x).astype(int)).sum() + q(x), AROUND),
    "sign of the gamma function": (lambda x: sp.gammasgn(x).sum() + q(x), AROUND),
    "sign bit": (lambda x: np.signbit(x).sum() + q(x), AROUND)}


@pytest.mark.parametrize("name", JUMPS)
def test_jumps_are_seen(name):
    f, domain = JUMPS[name]
    proof = prove(f, domain, maxtime=SHORT)
    assert not proof.proved, str(proof)


def test_a_staircase_is_not_affine():
    for f in (lambda x: x.astype(int).sum() * 1.0, lambda x: np.sum(np.floor(x).astype(int)),
              lambda x: x.astype(np.float32).sum() * 1.0):
        assert not prove(f, Box(-5, 5, shape=2), "affine", maxtime=SHORT).proved


@pytest.mark.parametrize("f", [
    lambda x: (x + 200).astype(np.int8).sum() * q(x), lambda x: ((x + 100).astype(np.int8) * np.int8(2)).sum() * q(x),
    lambda x: ((x > 0) + (x > 0)).astype(float).sum() * q(x) - 3 * q(x)])
def test_types_that_wrap_around(f):
    """−56 for 200 in eight bits; true + true is true."""
    at = np.array([[0.15, 0.15], [0.45, 0.45]])
    assert f(at.mean(axis=0)) > 0.5 * (f(at[0]) + f(at[1]))
    assert not prove(f, Box(0.1, 0.5, shape=2), maxtime=SHORT).proved


SINGLE, RIGHT = Box(-1, 1, shape=1), Box(0, 2, shape=1)
HOLES = {                       # the switch is not decided where its argument is not defined
    "isfinite of log": (lambda x: np.where(np.isfinite(np.log(x[0])), x[0] ** 2, 5.0), SINGLE),
    "isfinite of 1/x": (lambda x: np.where(np.isfinite(1 / x[0]), x[0] ** 2, 5.0), SINGLE),
    "isinf of log": (lambda x: np.where(np.isinf(np.log(x[0])), 5.0, x[0] ** 2), RIGHT),
    "isnan of a root": (lambda x: np.where(np.isnan(np.sqrt(x[0] - 1)), 5.0, x[0] ** 2), RIGHT),
    "isnan of a root of a product": (lambda x: np.where(np.isnan(np.sqrt(x[0] * x[1])), 5.0, q(x)), AROUND),
    "comparison of a root": (lambda x: np.where(np.sqrt(x[0]) >= 0, x[0] ** 2, 5.0), SINGLE),
    "comparison of x/|x|": (lambda x: np.where(x[0] / np.abs(x[0]) < 2, x[0] ** 2, 5.0), SINGLE),
    "comparison of a tangent": (lambda x: np.where(np.tan(x[0]) > -1e9, x[0] ** 2, 1.0), Box(-1, 2, shape=1)),
    "step of a root": (lambda x: 5 * np.heaviside(np.sqrt(x[0]), 1.0) + x[0] ** 2, SINGLE),
    "larger, or defined": (lambda x: np.fmax(np.log(x[0]) - 9, x[0] ** 2), SINGLE),
    "x log(1 + y)": (lambda x: x[0] ** 2 - sp.xlog1py(1.0, x[0]), Box(-2, 2, shape=1)),
    "pseudo-Huber of a negative δ": (lambda x: sp.pseudo_huber(-1.0, x).sum(), AROUND)}


@pytest.mark.parametrize("name", HOLES)
def test_arguments_of_switches_must_be_defined(name):
    f, domain = HOLES[name]
    proof = prove(f, domain, maxtime=SHORT)
    assert not proof.proved, str(proof)


def test_what_is_not_chosen_need_not_be_defined():
    proof = prove(lambda x: np.where(x[0] < 0, x[0] ** 2, np.where(np.sqrt(x[0]) >= 0, x[0] ** 2, 5.0)),
                  Box(-2, -1, shape=1), maxtime=1.0)
    assert proof.proved


@pytest.mark.parametrize("f, domain", [
    (lambda x: x[0] ** 2 + 5 * np.where(np.logical_and(np.exp(x[0]) > E23 * (1 - 5e-16), np.exp(x[0]) < E23 * (
        1 + 5e-16)), 1.0, 0.0), Box(22, 24, shape=1)),
    (lambda x: x[0] ** 2 + np.where(np.logical_and(x[0] * x[0] > 2, x[0] ** 3 < 2.8284271247461903), -1.0, 0.0),
     Box(1, 2, shape=1))], ids=["exponentials", "powers"])
def test_switches_that_floats_do_not_tell_apart(f, domain):
    assert not prove(f, domain, maxtime=SHORT).proved


@pytest.mark.parametrize("f", [
    lambda x: (((x[0] - 0.16) ** 4) ** 2) ** -2.0 + x[0] ** 2, lambda x: np.sum((3 * x - x * x) ** -1e10),
    lambda x: np.sum(np.exp(1e-6 * x) - np.exp(x)),
    lambda x: np.sum((x * 1e300) ** 3 / (1 + (x * 1e300) ** 2))])
def test_extreme_bodies_are_open_and_no_error(f):
    assert not prove(f, Box(-0.25, 1 / 3, shape=1), maxtime=SHORT).proved


@pytest.mark.parametrize("f", [
    lambda x: x.astype(int).sum() + q(x), lambda x: x.astype(bool).astype(float).sum() + q(x),
    lambda x: TABLE[np.floor(x).astype(int)].sum() + q(x), lambda x: np.floor(x) @ x + q(x),
    lambda x: np.where(np.isfinite(np.log(x)), x * x, 5.0).sum(), lambda x: np.where(np.sqrt(x) >= 0, x * x, 5.).sum()])
def test_settled_switches_do_not_stand_in_the_way(f):
    assert prove(f, Box(1.1, 1.9, shape=2), maxtime=1.0).proved


def test_a_jump_inside_a_function_of_one_variable_is_named():
    proof = prove(lambda x: np.sum(np.floor(x) + x * x), PAIR, maxtime=SHORT)
    assert not proof.proved and "may jump" in proof.undecided
