"""Colourings: valid on random patterns, few colours on known ones, entries read back exactly."""

import numpy as np
import pytest
import scipy.sparse

from autodiff.coloring import color_columns, color_symmetric, read_symmetric

SEEDS = range(40)


def _random(seed, symmetric):
    rng = np.random.default_rng(seed)
    m, n = rng.integers(1, 25, 2)
    m = n if symmetric else m
    full = rng.random((m, n)) < rng.choice([0.05, 0.15, 0.4])
    if seed % 4 == 0:
        full[0] = full[:, 0] = True                              # an arrow's hub
    return scipy.sparse.csr_array(full | full.T if symmetric else full), rng


def _four_paths(full):
    off = full & ~np.eye(len(full), dtype=bool)
    near = [np.flatnonzero(row) for row in off]
    for b in range(len(off)):
        for c in near[b]:
            for a in near[b]:
                for d in near[c]:
                    if len({a, b, c, d}) == 4:
                        yield a, b, c, d


@pytest.mark.parametrize("seed", SEEDS)
def test_columns_of_one_colour_share_no_row(seed):
    pattern, _ = _random(seed, False)
    colors, full = color_columns(pattern), pattern.toarray()
    np.testing.assert_array_equal(colors == -1, ~full.any(axis=0))
    for color in range(colors.max(initial=-1) + 1):
        assert full[:, colors == color].sum(axis=1).max(initial=0) <= 1


@pytest.mark.parametrize("seed", SEEDS)
def test_star_colouring_and_its_entries(seed):
    pattern, rng = _random(seed, True)
    colors, full = color_symmetric(pattern), pattern.toarray()
    i, j = np.nonzero(full & ~np.eye(len(full), dtype=bool))
    assert np.all(colors[i] != colors[j])
    assert all(len({int(colors[v]) for v in path}) > 2 for path in _four_paths(full))
    values = full * rng.standard_normal(full.shape)
    values = values + values.T
    products = np.stack([values @ (colors == c) for c in range(max(colors.max(initial=-1) + 1, 1))])
    read = scipy.sparse.csr_array(
        (products.reshape(-1)[read_symmetric(pattern, colors)], pattern.indices, pattern.indptr), pattern.shape)
    np.testing.assert_allclose(read.toarray(), values, rtol=1e-14)


def _band(n, width):
    offsets = range(-width, width + 1)
    return scipy.sparse.diags_array([1.0] * len(offsets), offsets=offsets, shape=(n, n)).tocsr().astype(bool)


def _grid(k):
    line = _band(k, 1).astype(float)
    eye = scipy.sparse.eye_array(k)
    return scipy.sparse.csr_array(scipy.sparse.kron(line, eye) + scipy.sparse.kron(eye, line), dtype=bool)


def _count(colors):
    return int(colors.max(initial=-1)) + 1


@pytest.mark.parametrize("width", [1, 2, 5])
def test_bands(width):
    """Columns: the width of the band, which is the fewest there can be. Symmetric: no more."""
    band = _band(200, width)
    assert _count(color_columns(band)) == 2 * width + 1
    assert width + 1 <= _count(color_symmetric(band)) <= 2 * width + 1


def test_known_patterns():
    arrow = scipy.sparse.lil_array((50, 50), dtype=bool)
    arrow[0] = arrow[:, [0]] = True
    arrow.setdiag(True)
    assert _count(color_symmetric(arrow.tocsr())) == 2
    assert _count(color_symmetric(arrow.tocsr()[::-1, ::-1])) == 2
    assert _count(color_columns(arrow.tocsr())) == 50
    assert _count(color_symmetric(_grid(20))) <= 6
    assert _count(color_columns(_grid(20))) <= 8
    assert _count(color_symmetric(scipy.sparse.csr_array(np.ones((7, 7), bool)))) == 7
    assert _count(color_symmetric(scipy.sparse.eye_array(9, format="csr", dtype=bool))) == 1
    empty = scipy.sparse.csr_array((4, 4), dtype=bool)
    assert _count(color_symmetric(empty)) == _count(color_columns(empty)) == 0


def test_a_hub_costs_linear_time():
    """Neighbours of neighbours are never walked: at 10⁵ leaves that would be 10¹⁰ steps."""
    n = 100_000
    hub, leaves = np.zeros(n - 1, int), np.arange(1, n)
    places = (np.concatenate([hub, leaves]), np.concatenate([leaves, hub]))
    arrow = scipy.sparse.coo_array((np.ones(2 * n - 2, bool), places), shape=(n, n)).tocsr()
    assert _count(color_symmetric(arrow)) == 2
