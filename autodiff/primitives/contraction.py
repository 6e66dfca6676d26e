"""Products that contract axes: matmul of every rank, sparse products, einsum, and NumPy's names for them."""

import math
import string
import warnings

import numpy as np
import scipy.sparse

from ..errors import TraceError
from ..graph import Static
from ..primitive import UFUNCS, Primitive, Tracer, bind, implements, shape_of
from .elementwise import SCALE, astype, same_type
from .indexing import SETITEM, gathered
from .reductions import SUM
from .shape import FULL, as_array, one_axis, reshape, store, transpose
from .sparse import MATRIX, SPARSE, VECTOR, product_by_rows  # noqa: F401 - forms.py asks for the last one here


def _matmul_shape(a, b):
    if not a.shape or not b.shape or a.shape[-1] != b.shape[-2 if len(b.shape) > 1 else 0]:
        raise ValueError(f"matmul: shapes {a.shape} and {b.shape} do not match")
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    return batch + a.shape[-2:-1] + (b.shape[-1:] if len(b.shape) > 1 else ()), same_type(a, b)


def _swap(a):
    ndim = len(shape_of(a))
    return transpose(a, (*range(ndim - 2), ndim - 1, ndim - 2))


def _outer(a, b):
    return SCALE(reshape(a, (*shape_of(a), 1)), reshape(b, (1, *shape_of(b))))


def _left(ct, a, b):
    """Adjoint of A ↦ A B; batch axes are summed back by the caller."""
    if len(shape_of(b)) == 1:
        if len(shape_of(a)) == 1:
            return SCALE(ct, b)
        return _outer(ct, b) if len(shape_of(ct)) == 1 else SCALE(reshape(ct, (*shape_of(ct), 1)), b)
    if len(shape_of(a)) == 1:                      # ct (..., n), b (..., m, n)
        if len(shape_of(b)) == 2:
            return MATMUL(b, ct)
        return batch_sum(MATMUL(b, reshape(ct, (*shape_of(ct), 1)))[..., 0], 1)
    return batch_sum(MATMUL(ct, _swap(b)), len(shape_of(a)), shape_of(a))


def _right(ct, a, b):
    """Adjoint of B ↦ A B."""
    if len(shape_of(a)) == 1:
        if len(shape_of(b)) == 1:
            return SCALE(ct, a)
        if len(shape_of(ct)) == 1:
            return _outer(a, ct)
        return SCALE(reshape(a, (-1, 1)), reshape(ct, (*shape_of(ct)[:-1], 1, -1)))
    if len(shape_of(b)) == 1:                      # ct (..., m), a (..., m, n)
        if len(shape_of(a)) == 2:
            return MATMUL(ct, a)
        return batch_sum(MATMUL(reshape(ct, (*shape_of(ct)[:-1], 1, -1)), a)[..., 0, :], 1)
    return batch_sum(MATMUL(_swap(a), ct), len(shape_of(b)), shape_of(b))


def batch_sum(x, ndim: int, shape: tuple[int, ...] | None = None):
    """Sum leading batch axes until x has `ndim` axes (and the broadcast ones of `shape`)."""
    extra = len(shape_of(x)) - ndim
    if extra > 0:
        x = SUM(x, axis=tuple(range(extra)), keepdims=False)
    if shape is not None and shape_of(x) != shape:
        x = SUM(x, axis=tuple(i for i, s in enumerate(shape) if s == 1 != shape_of(x)[i]), keepdims=True)
    return x


BATCH = np.arange(12.0).reshape(2, 2, 3) / 7.0
MATMUL = Primitive("matmul", np.matmul, _matmul_shape, transpose=(_left, _right), multilinear=True, samples=(
    (MATRIX, VECTOR), (VECTOR, MATRIX.T.copy()), (VECTOR, VECTOR), (MATRIX, MATRIX.T.copy()), (BATCH, MATRIX.T.copy()),
    (BATCH, VECTOR), (MATRIX[0, :2], BATCH), (BATCH, BATCH[:1].transpose(0, 2, 1).copy()),
    (MATRIX, BATCH.transpose(0, 2, 1).copy())))
UFUNCS[np.matmul] = MATMUL


def matmul(a, b):
    """a @ b where either may be a SciPy sparse matrix."""
    if _is_sparse(a):
        return bind(SPARSE, (a, b), {"transposed": False})
    if _is_sparse(b):
        return a @ b if type(a) is not Tracer else _sparse_right(a, b)
    return bind(MATMUL, (a, b))


def _is_sparse(a) -> bool:
    return type(a) is not Tracer and type(a) is not np.ndarray and scipy.sparse.issparse(a)


def _sparse_right(a, b):
    if a.ndim == 1:
        return bind(SPARSE, (b, a), {"transposed": True})
    return transpose(bind(SPARSE, (b, transpose(a)), {"transposed": True}))


def _einsum_axes(spec):
    """'ij,jk->ik' as (('i','j'), ('j','k')), ('i','k')."""
    left, right = spec.split("->")
    return [tuple(term) for term in left.split(",")], tuple(right)


def _einsum_shape(*inputs, spec):
    terms, out = _einsum_axes(spec)
    sizes = {}
    for term, x in zip(terms, inputs, strict=True):
        for letter, size in zip(term, shape_of(x), strict=True):
            sizes[letter] = size if sizes.get(letter, 1) == 1 else sizes[letter]
    return tuple(sizes[letter] for letter in out), same_type(*inputs)


class _EinsumParts:
    """The adjoint of einsum in one operand is the einsum of the cotangent with the others."""

    def __getitem__(self, number):
        def part(ct, *inputs, spec):
            terms, out = _einsum_axes(spec)
            mine, others = terms[number], [t for i, t in enumerate(terms) if i != number]
            if len(set(mine)) < len(mine):
                raise TraceError(f"np.einsum: a repeated index in one operand ({spec!r}) has no derivative rule",
                                 "take np.diagonal of that operand first")
            rest = [x for i, x in enumerate(inputs) if i != number]
            known = set(out).union(*others)
            kept = tuple(letter for letter in mine if letter in known)
            if known <= set(mine):               # nothing is summed: a product of the cotangent and the other operands
                result = _aligned(ct, out, mine)
                for x, term in zip(rest, others, strict=True):
                    result = SCALE(result, _aligned(x, term, mine))
            else:
                result = _aligned(_contract([ct, *rest], [out, *others], kept), kept, mine)
            own, full = shape_of(inputs[number]), shape_of(result)
            stretched = tuple(i for i, size in enumerate(own) if size == 1 != full[i])
            return SUM(result, axis=stretched, keepdims=True) if stretched else result
        return part


def _aligned(x, term, letters):
    """x, with axes named by `term`, to broadcast against axes named `letters`."""
    order = [letter for letter in letters if letter in term]
    sizes = iter([shape_of(x)[term.index(letter)] for letter in order])
    return reshape(_contract([x], [term], order), tuple(next(sizes) if letter in order else 1 for letter in letters))


def _contract(operands, terms, out):
    """The row, except where no more than a transpose is asked for (of which NumPy would return a view)."""
    if len(terms) == 1 and sorted(terms[0]) == sorted(out):
        return transpose(operands[0], tuple(terms[0].index(letter) for letter in out))
    return bind(EINSUM, tuple(operands), {"spec": f"{','.join(map(''.join, terms))}->{''.join(out)}"})


EINSUM = Primitive("einsum", lambda *inputs, spec: np.einsum(spec, *inputs, optimize=len(inputs) > 2), _einsum_shape,
                   transpose=_EinsumParts(), multilinear=True,
                   samples=(((MATRIX, FULL.T.copy()), {"spec": "ij,jk->ik"}), ((MATRIX, VECTOR), {"spec": "ij,j->"}),
                            ((MATRIX,), {"spec": "ij->j"}), ((MATRIX, MATRIX, VECTOR), {"spec": "ij,kj,j->ik"})))


@implements(np.einsum)
def _np_einsum(*operands, out=None, optimize=False, dtype=None, **kwargs):
    spec, operands = _subscripts(operands)
    made = einsum(spec, *operands)
    return store("einsum", out, made if dtype is None else astype(made, dtype))


def _subscripts(operands: tuple) -> tuple[str, tuple]:
    """The string form from either form: ("ij,jk->ik", a, b) or (a, [0, 1], b, [1, 2], [0, 2])."""
    if isinstance(operands[0], str):
        return "".join(operands[0].split()), operands[1:]

    def letters(labels) -> str:
        return "".join("..." if k is Ellipsis else _LETTERS[k] for k in labels)
    pairs = list(zip(operands[::2], operands[1::2], strict=False))
    spec = ",".join(letters(labels) for _, labels in pairs)
    return spec + (f"->{letters(operands[-1])}" if len(operands) % 2 else ""), tuple(a for a, _ in pairs)


_LETTERS = string.ascii_uppercase + string.ascii_lowercase       # NumPy's own order of labels


@implements(np.einsum_path)
def _np_einsum_path(*operands, optimize="greedy", einsum_call=False):
    """A plan for the contraction: it depends on shapes alone."""
    spec, operands = _subscripts(operands)
    return np.einsum_path(spec, *[np.broadcast_to(0.0, shape_of(as_array(a))) for a in operands], optimize=optimize)


def einsum(spec: str, *operands):
    """Canonical form (no ellipsis, explicit output, no repeated letter in one operand), then the row."""
    operands = [as_array(a) for a in operands]
    left, arrow, right = spec.partition("->")
    terms = left.split(",")
    if len(terms) != len(operands):
        raise ValueError(f"einsum: {len(terms)} terms in {spec!r} for {len(operands)} operands")
    if "..." in spec:
        spare = [c for c in string.ascii_uppercase if c not in spec]
        extra = [a.ndim - len(t.replace("...", "")) for t, a in zip(terms, operands, strict=True)]
        longest = max(n for n, t in zip(extra, terms, strict=True) if "..." in t)
        terms = [t.replace("...", "".join(spare[longest - n:longest])) for t, n in zip(terms, extra, strict=True)]
        right = right.replace("...", "".join(spare[:longest]))
        if not arrow:
            right = "".join(spare[:longest])
    if not arrow:
        letters = [c for t in terms for c in t]
        right += "".join(sorted(c for c in set(letters) - set(right) if letters.count(c) == 1))
    for i, term in enumerate(terms):
        for letter in term:
            if terms[i].count(letter) > 1:
                operands[i], terms[i] = _take_diagonal(operands[i], terms[i], letter)
    if len(terms) == 1 and sorted(terms[0]) == sorted(right):                # a view, as NumPy's
        return np.transpose(operands[0], tuple(terms[0].index(letter) for letter in right))
    return _contract(operands, terms, right)


def _take_diagonal(a, term: str, letter: str):
    """Replace two axes of the same letter by their diagonal (placed first)."""
    i = term.index(letter)
    j = term.index(letter, i + 1)
    rest = [k for k in range(a.ndim) if k not in (i, j)]
    step = np.arange(a.shape[i])
    turned, key = np.transpose(a, (i, j, *rest)), (step, step)
    out = gathered(turned, key, lambda new: bind(SETITEM, (turned, new), {"index": Static(key)}))
    return out, letter + "".join(term[k] for k in rest)


@implements(np.dot)
def _np_dot(a, b, out=None):
    if _is_sparse(a) or _is_sparse(b):
        return matmul(a, b)
    a, b = as_array(a), as_array(b)
    if not a.shape or not b.shape:
        made = a * b
    else:
        made = matmul(a, b) if b.ndim <= 2 else np.tensordot(a, b, axes=((a.ndim - 1,), (b.ndim - 2,)))
    return store("dot", out, made)


@implements(scipy.sparse.coo_array.dot)
def _coo_dot(self, other):
    return matmul(self, other)


@implements(np.vdot)
def _np_vdot(a, b):
    return MATMUL(np.conjugate(np.ravel(as_array(a))), np.ravel(as_array(b)))


@implements(np.inner)
def _np_inner(a, b):
    a, b = as_array(a), as_array(b)
    if not a.shape or not b.shape:
        return a * b
    return np.tensordot(a, b, axes=(-1, -1))


@implements(np.outer)
def _np_outer(a, b, out=None):
    return store("outer", out, reshape(as_array(a), (-1, 1)) * reshape(as_array(b), (1, -1)))


@implements(np.tensordot)
def _np_tensordot(a, b, axes=2):
    a, b = as_array(a), as_array(b)
    if isinstance(axes, (int, np.integer)):
        left, right = tuple(range(a.ndim - axes, a.ndim)), tuple(range(axes))
    else:
        left, right = (tuple(np.atleast_1d(part).tolist()) for part in axes)
    left, right = [one_axis(i, a.ndim) for i in left], [one_axis(i, b.ndim) for i in right]
    if [a.shape[i] for i in left] != [b.shape[i] for i in right]:
        raise ValueError("shape-mismatch for sum")
    keep_a, keep_b = ([i for i in range(v.ndim) if i not in gone] for v, gone in ((a, left), (b, right)))
    rows, inner = (math.prod(a.shape[i] for i in part) for part in (keep_a, left))
    flat_a = reshape(transpose(a, (*keep_a, *left)), (rows, inner))
    flat_b = reshape(transpose(b, (*right, *keep_b)), (inner, math.prod(b.shape[i] for i in keep_b)))
    return reshape(MATMUL(flat_a, flat_b), tuple(a.shape[i] for i in keep_a) + tuple(b.shape[i] for i in keep_b))


@implements(np.kron)
def _np_kron(a, b):
    a, b = as_array(a), as_array(b)
    ndim = max(a.ndim, b.ndim)
    a, b = (reshape(v, (1,) * (ndim - v.ndim) + v.shape) for v in (a, b))
    product = reshape(a, a.shape + (1,) * ndim) * b
    order = tuple(i for pair in zip(range(ndim), range(ndim, 2 * ndim), strict=True) for i in pair)
    return reshape(transpose(product, order), tuple(i * j for i, j in zip(a.shape, b.shape, strict=True)))


@implements(np.cross)
def _np_cross(a, b, axisa=-1, axisb=-1, axisc=-1, axis=None):
    """Vectors of length 3, or 2 (whose third entry is 0; of two such, that entry of the product)."""
    axisa, axisb, axisc = (axisa, axisb, axisc) if axis is None else (axis,) * 3
    a, b = as_array(a), as_array(b)
    a, b = np.moveaxis(a, one_axis(axisa, a.ndim), -1), np.moveaxis(b, one_axis(axisb, b.ndim), -1)
    if {a.shape[-1], b.shape[-1]} - {2, 3}:
        raise ValueError("incompatible dimensions for cross product\n(dimension must be 2 or 3)")
    if 2 in (a.shape[-1], b.shape[-1]):
        warnings.warn("Arrays of 2-dimensional vectors are deprecated. Use arrays of 3-dimensional vectors instead.",
                      DeprecationWarning, stacklevel=3)
    a0, a1, a2 = _components(a)
    b0, b1, b2 = _components(b)
    last = a0 * b1 - a1 * b0
    if a2 is None and b2 is None:
        return last
    parts = (_difference(a1, b2, a2, b1), _difference(a2, b0, a0, b2), last)
    made = np.stack(parts, axis=-1)
    return np.moveaxis(made, -1, one_axis(axisc, made.ndim))


def _components(v):
    return [v[..., i] if i < v.shape[-1] else None for i in range(3)]


def _difference(p, q, r, s):
    """pq − rs, where None is 0."""
    if p is None or q is None:
        return -(r * s)
    return p * q if r is None or s is None else p * q - r * s
