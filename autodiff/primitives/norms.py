"""Norms of vectors and matrices of every order, the condition number and the rank; d‖x‖/dx(0) = 0."""

import numpy as np

from ..primitive import Primitive, bind, implements, shape_of
from .complex import imag, is_complex, real
from .decompositions import NUCLEAR, svdvals
from .elementwise import POSITIVE as ABOVE
from .elementwise import astype, float_type
from .linalg import INV, RECIPROCAL_OR_ZERO, SINGULAR, arrays, fixed, plain, square_shape
from .reductions import SUM
from .shape import axes, one_axis, reshape

# √s and s^(1/p) for norms: at 0 all derivatives are 0, as the convention for ‖x‖ has it (√ itself has infinite ones).
NORM_ROOT = Primitive("norm_root", np.sqrt, lambda s: (shape_of(s), float_type(s)), samples=ABOVE,
                      partials=(lambda y, s: 0.5 * RECIPROCAL_OR_ZERO(y),))


def _root_tangent(out, inputs, tangents, power):
    return tangents[0] * (power * out * RECIPROCAL_OR_ZERO(inputs[0]))


NORM_POWER = Primitive("norm_power", lambda s, power: s ** power, lambda s, power: (shape_of(s), float_type(s)),
                       jvp=_root_tangent, samples=tuple((args, {"power": 1 / 3}) for args in ABOVE))


def _squares(x):
    return np.square(real(x)) + np.square(imag(x)) if is_complex(x) else np.square(x)


def _vector_norm(x, ord, where, keepdims):
    if ord is None or ord == 2:
        return NORM_ROOT(SUM(_squares(x), axis=where, keepdims=keepdims))
    size = np.abs(x)
    if ord in (np.inf, -np.inf):
        return (np.max if ord > 0 else np.min)(size, axis=where, keepdims=keepdims)
    if ord == 0:
        return SUM(np.multiply(1.0, x != 0), axis=where, keepdims=keepdims)
    if isinstance(ord, str):
        raise ValueError(f"Invalid norm order '{ord}' for vectors")
    total = SUM(size if ord == 1 else size ** ord, axis=where, keepdims=keepdims)
    return total if ord == 1 else NORM_POWER(total, power=1.0 / ord)


def _matrix_norm(x, ord, where, keepdims):
    rows, columns = where
    if ord in (None, "fro", "f"):
        return NORM_ROOT(SUM(_squares(x), axis=tuple(sorted(where)), keepdims=keepdims))
    if ord in (1, -1, np.inf, -np.inf):
        other, along = (rows, columns) if ord in (np.inf, -np.inf) else (columns, rows)
        sums = SUM(np.abs(x), axis=(along,), keepdims=True)
        out = (np.max if ord > 0 else np.min)(sums, axis=other, keepdims=True)
        return out if keepdims else np.squeeze(out, axis=where)
    if ord not in (2, -2, "nuc"):
        raise ValueError("Invalid norm order for matrices.")
    x = np.moveaxis(x, where, (-2, -1))
    if ord == "nuc":
        out = NUCLEAR(x)
    else:
        values = svdvals(x)
        out = (np.max if ord == 2 else np.min)(values, axis=len(shape_of(values)) - 1)
    return np.expand_dims(out, tuple(sorted(where))) if keepdims else out


@implements(np.linalg.norm)
def norm(x, ord=None, axis=None, keepdims=False):
    x, = arrays(x)
    x = x if x.dtype.kind in "fc" else astype(x, np.float64)
    ord, keepdims = fixed(ord), bool(keepdims)
    if axis is None and ord is None:
        return _vector_norm(x, None, axes(None, x.ndim), keepdims)
    given = tuple(range(x.ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    where = tuple(one_axis(a, x.ndim) for a in given)
    if len(where) not in (1, 2):
        raise ValueError("Improper number of dimensions to norm.")
    if len(set(where)) < len(where):
        raise ValueError("Duplicate axes given.")
    return (_vector_norm if len(where) == 1 else _matrix_norm)(x, ord, where, keepdims)


@implements(np.linalg.matrix_norm)
def _matrix_norm_of(x, /, *, keepdims=False, ord="fro"):
    return norm(x, ord, (-2, -1), keepdims)


@implements(np.linalg.vector_norm)
def _vector_norm_of(x, /, *, axis=None, keepdims=False, ord=2):
    x, = arrays(x)
    x = x if x.dtype.kind in "fc" else astype(x, np.float64)
    where = axes(axis, x.ndim)
    if len(where) != 1:                          # the norm of all entries along several axes
        rest = [i for i in range(x.ndim) if i not in where]
        flat = reshape(np.transpose(x, (*rest, *where)), (*[x.shape[i] for i in rest], -1))
        out = _vector_norm(flat, fixed(ord), (flat.ndim - 1,), False)
        return np.expand_dims(out, where) if keepdims else out
    return _vector_norm(x, fixed(ord), where, bool(keepdims))


@implements(np.linalg.cond)
def _cond(x, p=None):
    x, p = arrays(x)[0], fixed(p)
    if p in (None, 2, -2):
        values = svdvals(x)
        return values[..., -1] / values[..., 0] if p == -2 else values[..., 0] / values[..., -1]
    square_shape(x)
    return norm(x, p, (-2, -1)) * norm(INV(x), p, (-2, -1))


def _rank_value(a, tol, rtol, hermitian):
    tolerance = {"rtol": plain(rtol)} if rtol is not None else {"tol": plain(tol)}
    return np.asarray(np.linalg.matrix_rank(a, hermitian=hermitian, **tolerance))[()]


RANK = Primitive("matrix_rank", _rank_value, lambda a, tol, rtol, hermitian: (a.shape[:-2], np.dtype(np.int64)),
                 partials=(None,), samples=(((SINGULAR,), {"tol": None, "rtol": None, "hermitian": False}),))


@implements(np.linalg.matrix_rank)
def matrix_rank(A, tol=None, hermitian=False, *, rtol=None):
    """Piecewise constant: derivative 0."""
    return bind(RANK, (A,), {"tol": fixed(tol), "rtol": fixed(rtol), "hermitian": bool(hermitian)})
