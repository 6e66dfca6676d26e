"""The verifier: what is proved is shown again, what was tampered with is not; wrong rules break it and are seen."""

import json
from dataclasses import replace

import numpy as np
import pytest

from autodiff.curvature import second as second_order
from autodiff.curvature.rows import CURVED, Piece
from optkit.convexity import AffineSubspace, Box
from optkit.convexity.proof import Cover, Leaf, Proof, Split
from optkit.convexity.prove import prove
from optkit.convexity.verdict import Bound, Verdict
from optkit.convexity.verifier import _dominant, _exactly, _factorised, _norm, at_least, verify

pytestmark = pytest.mark.nan_ok     # claims of nothing are infinite
DATA = np.array([[1.0, 2.0, -1.0], [0.5, -1.0, 2.0], [3.0, 0.0, 1.0]])
BOX = Box(-1, 1, 3)


def smooth(x):
    return np.sum(np.logaddexp(0, DATA @ x)) + 0.1 * np.sum(x**2)


def waved(x):
    """Needs cuts: its terms pull in turn."""
    return x[0] ** 4 - x[0] ** 3 * x[1] + 4 * x[0] ** 2 + 4 * x[1] ** 2 + 2 * x[2] ** 2


def apart(x):
    return np.exp(x[0]) + x[1] ** 4 + x[1] ** 2 + 3 * x[2] ** 2


@pytest.fixture(scope="module")
def proofs():
    return {f: prove(f, BOX, maxtime=60.0) for f in (smooth, waved, apart)}


@pytest.mark.parametrize("f", [smooth, waved, apart])
def test_what_is_proved_is_shown_again(proofs, f):
    assert proofs[f].verdict is Verdict.PROVED_STRONGLY_CONVEX
    again = Proof.from_json(proofs[f].to_json())
    assert verify(again, f, BOX) and "verified" in str(verify(again, f, BOX))
    concave = prove(lambda x: -f(x), BOX, "concave", maxtime=60.0)
    assert concave.proved and verify(concave, lambda x: -f(x), BOX) and not verify(concave, f, BOX)


# --- tampered with ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("f", [smooth, waved, apart])
def test_a_claim_that_is_raised_is_not_shown(proofs, f):
    proof = proofs[f]
    for mu, L in ((1.2 * proof.mu.upper, proof.L.upper), (proof.mu.lower, 0.8 * proof.L.lower)):
        raised = replace(proof, mu=Bound(mu, np.inf, True), L=Bound(-np.inf, L, False, True))
        assert not verify(raised, f, BOX)                                     # boxes claim less
        covers = tuple(Cover(c.variables, claiming(c.tree, mu, L)) for c in proof.covers)
        assert not verify(replace(raised, covers=covers), f, BOX)             # boxes claim it, and it does not hold


def claiming(tree, low, high):
    return tree._replace(low=low, high=high) if isinstance(tree, Leaf) else tree._replace(
        left=claiming(tree.left, low, high), right=claiming(tree.right, low, high))


def test_other_functions_data_and_domains_are_not_covered(proofs):
    proof = proofs[smooth]
    other = DATA.copy()
    other[1, 2] += 1e-12
    assert not verify(proof, lambda x: np.sum(np.logaddexp(0, other @ x)) + 0.1 * np.sum(x**2), BOX)
    assert not verify(proof, lambda x: np.sum(np.logaddexp(0, DATA @ x)) + 0.2 * np.sum(x**2), BOX)
    assert not verify(proof, waved, BOX)
    assert not verify(proof, smooth, Box(-1, 1.001, 3))
    assert verify(proof, smooth, Box(-0.5, 0.5, 3))


def test_a_box_that_is_dropped_is_missed(proofs):
    proof = proofs[waved]
    k, tree = next((k, cover.tree) for k, cover in enumerate(proof.covers) if isinstance(cover.tree, Split))
    text = json.loads(proof.to_json())
    del text["covers"][k]["tree"][-1]
    with pytest.raises((ValueError, IndexError)):
        Proof.from_json(json.dumps(text))
    gone = Cover(proof.covers[k].variables, Split(tree.axis, tree.at, tree.left, Leaf(-np.inf, np.inf, True)))
    assert not verify(replace(proof, covers=(gone, *proof.covers[:k], *proof.covers[k + 1:])), waved, BOX)


def test_the_covers_name_each_variable_once(proofs):
    proof = proofs[apart]
    assert len(proof.covers) == 3
    for covers in (proof.covers[:2], proof.covers + proof.covers[:1], ()):
        assert not verify(replace(proof, covers=covers), apart, BOX)


def test_covers_that_f_couples_are_not_looked_at_one_by_one():
    """x² + y² + 3xy has the diagonal 2, 2 and the eigenvalue −1."""
    def f(x): return x[0] ** 2 + x[1] ** 2 + 3 * x[0] * x[1]
    proof = prove(lambda x: x[0] ** 2 + x[1] ** 2, Box(-1, 1, 2))
    claimed = replace(proof, graph=prove(f, Box(-1, 1, 2)).graph)
    assert len(proof.covers) == 2 and not verify(claimed, f, Box(-1, 1, 2))


def test_a_verdict_needs_its_constants(proofs):
    proof = prove(lambda x: np.sum(x**4), BOX)
    assert proof.verdict is Verdict.PROVED_CONVEX and verify(proof, lambda x: np.sum(x**4), BOX)
    for verdict in (Verdict.PROVED_STRONGLY_CONVEX, Verdict.PROVED_AFFINE, Verdict.PROVED_CONCAVE):
        assert not verify(replace(proof, verdict=verdict), lambda x: np.sum(x**4), BOX)
    with pytest.raises(ValueError, match="UNDECIDED"):
        verify(prove(lambda x: np.sum(np.sin(x)), BOX), lambda x: np.sum(np.sin(x)), BOX)


def test_equations_are_part_of_the_proof():
    def f(x): return x[0] * x[1]
    domain = AffineSubspace(np.array([[1.0, -1.0]]), np.zeros(1))
    proof = prove(f, domain, maxtime=0.5)
    assert not proof.proved or verify(proof, f, domain)
    if proof.weight:
        assert not verify(proof, f, Box(-1, 1, 2))


# --- wrong on purpose -------------------------------------------------------------------------------------------------


def broken(monkeypatch, f, change):
    prims = {node.prim for node in second_order.SecondOrder(second_order_of(f)).curved}
    for prim in prims:
        rule = CURVED[prim]
        monkeypatch.setitem(CURVED, prim, lambda a, y, *xs, rule=rule, **known: change(rule(a, y, *xs, **known)))


def second_order_of(f):
    from autodiff.curvature.prepare import prepare
    return prepare(f, np.zeros(3))


def narrowed(piece):
    """The radius dropped."""
    middle = 0.5 * (piece.low + piece.high)
    entries = piece.entries
    if entries is not None:
        w = 0.5 * (entries.w.lo + entries.w.hi)
        entries = entries._replace(w=type(entries.w)(w, w))
    return Piece(middle, middle, entries)


def shrunk(piece):
    entries = piece.entries
    if entries is not None:
        entries = entries._replace(w=type(entries.w)(0.5 * entries.w.lo, 0.5 * entries.w.hi))
    return Piece(0.5 * piece.low, 0.5 * piece.high, entries)


@pytest.mark.parametrize("change", [narrowed, shrunk])
def test_a_proof_by_wrong_rules_is_not_shown_by_right_ones(monkeypatch, change):
    broken(monkeypatch, smooth, change)
    wrong = prove(smooth, BOX)
    monkeypatch.undo()
    assert wrong.proved and not verify(wrong, smooth, BOX)


@pytest.mark.parametrize("change", [shrunk])
def test_a_right_proof_is_not_shown_by_wrong_rules(monkeypatch, proofs, change):
    broken(monkeypatch, smooth, change)
    assert not verify(proofs[smooth], smooth, BOX)


# --- matrices ---------------------------------------------------------------------------------------------------------


def members(lo, hi, rng, k=200):
    """Symmetric matrices between lo and hi, corners among them."""
    M = lo + (hi - lo) * rng.integers(0, 2, (k, *lo.shape))
    M[::3] = lo + (hi - lo) * rng.random((len(M[::3]), *lo.shape))
    return np.tril(M) + np.tril(M, -1).swapaxes(1, 2)


@pytest.mark.parametrize("n", [1, 2, 3, 5, 8, 12, 20])
def test_no_bound_is_shown_that_a_member_breaks(n):
    rng = np.random.default_rng(n)
    for scale in (0.0, 1e-3, 0.1, 1.0):
        A, R = rng.standard_normal((n, n)), scale * rng.random((n, n))
        A, R = A + A.T, R + R.T
        lo, hi = A - R, A + R
        met = np.linalg.eigvalsh(members(lo, hi, rng))[:, 0].min()
        for room in (1e-12, 1e-6, 1e-2):
            assert not at_least(lo, hi, met + room * (1 + abs(met)))
        assert at_least(lo, hi, np.linalg.eigvalsh(A)[0] - R.max() - 1.05 * np.linalg.norm(R, 2) - 1e-9 * n)


@pytest.mark.parametrize("n", [3, 6, 8])
def test_the_vertices_show_what_holds_for_all_members(n):
    """A + t·R with R of mixed signs: centre and radius alone leave a gap that the vertices close."""
    rng = np.random.default_rng(n)
    A = np.diag(np.arange(1.0, n + 1)) + 0.2 * np.ones((n, n))
    R = 0.2 * (rng.random((n, n)) < 0.5)
    R = np.triu(R, 1) + np.triu(R, 1).T
    least = min(np.linalg.eigvalsh(np.where(np.outer(z, z) > 0, A - R, A + R))[0]
                for z in (1 - 2 * ((np.arange(2**n)[:, None] >> np.arange(n)) & 1)))
    assert at_least(A - R, A + R, least - 1e-9) and not at_least(A - R, A + R, least + 1e-9)


def test_singular_matrices_are_decided_exactly():
    v = np.array([1.0, 2.0, -3.0])
    assert at_least(np.outer(v, v), np.outer(v, v), 0.0)
    off = np.outer(v, v) - np.diag([2.0**-40, 0, 0])
    assert not at_least(off, off, 0.0)
    assert _exactly(np.eye(2), 1.0) and not _exactly(np.eye(2), np.nextafter(1, 2))


def test_badly_scaled_matrices_are_shown():
    d = np.array([1.0, 1e4, 1e-4, 1e6])
    A = (np.eye(4) + 0.2) * np.outer(d, d)
    R = 0.01 * np.abs(A)
    assert at_least(A - R, A + R, 0.0) and not at_least(A - R, A + R, 1.0)


@pytest.mark.parametrize("bad", [np.nan, -np.inf])
def test_what_is_unknown_is_not_shown(bad):
    lo, hi = np.eye(2), np.eye(2)
    lo[0, 0] = bad
    assert not at_least(lo, hi, -1e300)
    hi[0, 0] = np.inf
    assert at_least(np.eye(2), hi, 0.5)


def test_parts_of_the_linear_algebra():
    rng = np.random.default_rng(0)
    R = rng.random((6, 6))
    R = R + R.T
    assert np.linalg.norm(R, 2) <= _norm(R) <= 1.01 * np.linalg.norm(R, 2) and _norm(np.zeros((2, 2))) == 0
    A = np.diag([1.0, 2.0])
    assert _factorised(A, A, 1 - 1e-9) and not _factorised(A, A, 1.0)
    ones = np.ones(2)
    assert _dominant(A, A, 1.0, np.eye(2), ones) and not _dominant(A, A, 1.0, np.zeros((2, 2)), ones)
    mixed = np.array([[1.0, 2.0], [2.0, 16.0]])
    assert _dominant(mixed, mixed, 0.0, np.eye(2), ones) and not _dominant(mixed, mixed, 0.9, np.eye(2), ones)
