"""Yes or no, where, and how often: comparisons of arrays, masks, and the places they name. Piecewise constant."""

import numpy as np

from ..primitive import Tracer, bind, implements
from ..trace import concretise
from .elementwise import WHERE
from .shape import array, as_array, store


@implements(np.where)
def _np_where(condition, x=None, y=None):
    if x is None and y is None:
        return _np_nonzero(condition)
    if x is None or y is None:
        raise ValueError("either both or neither of x and y should be given")
    condition, x, y = (array(v) if isinstance(v, (list, tuple)) else v for v in (condition, x, y))
    return bind(WHERE, (condition, x, y))


def mask_of(a) -> np.ndarray:
    """Which entries are not zero, guarded."""
    a = as_array(a)
    if type(a) is not Tracer:
        return a != 0
    return np.asarray(concretise(a if a.dtype.kind == "b" else a != 0))


implements(np.argwhere)(lambda a: np.argwhere(mask_of(a)))
implements(np.flatnonzero)(lambda a: np.flatnonzero(mask_of(a)))


@implements(np.nonzero)
def _np_nonzero(a):
    return np.nonzero(mask_of(a))


@implements(np.isclose)
def isclose(a, b, rtol=1e-05, atol=1e-08, equal_nan=False):
    a, b = as_array(a), as_array(b)
    near = np.absolute(a - b) <= atol + rtol * np.absolute(b)
    out = np.logical_or(np.logical_and(near, np.isfinite(b)), a == b)
    return np.logical_or(out, np.logical_and(np.isnan(a), np.isnan(b))) if equal_nan else out


@implements(np.allclose)
def _np_allclose(a, b, rtol=1e-05, atol=1e-08, equal_nan=False):
    return bool(np.all(isclose(a, b, rtol, atol, equal_nan)))


@implements(np.array_equal)
def array_equal(a1, a2, equal_nan=False):
    a1, a2 = as_array(a1), as_array(a2)
    if a1.shape != a2.shape:
        return False
    same = a1 == a2
    if equal_nan:
        same = np.logical_or(same, np.logical_and(np.isnan(a1), np.isnan(a2)))
    return bool(np.all(same))


@implements(np.array_equiv)
def _np_array_equiv(a1, a2):
    a1, a2 = as_array(a1), as_array(a2)
    try:
        np.broadcast_shapes(a1.shape, a2.shape)
    except ValueError:
        return False
    return bool(np.all(a1 == a2))


implements(np.isposinf)(lambda x, out=None: store("isposinf", out, as_array(x) == np.inf))
implements(np.isneginf)(lambda x, out=None: store("isneginf", out, as_array(x) == -np.inf))


@implements(np.clip)
def _np_clip(a, a_min=None, a_max=None, out=None, *, min=None, max=None, **kwargs):
    a = as_array(a)
    low, high = (a_min if min is None else min), (a_max if max is None else max)
    low, high = (array(v) if isinstance(v, (list, tuple)) else v for v in (low, high))
    if low is not None:
        a = np.maximum(a, low)
    return store("clip", out, a if high is None else np.minimum(a, high))


@implements(np.nan_to_num)
def _np_nan_to_num(x, copy=True, nan=0.0, posinf=None, neginf=None):
    a = as_array(x)
    info = np.finfo(a.dtype if a.dtype.kind in "fc" else float)
    high, low = (info.max if posinf is None else posinf), (info.min if neginf is None else neginf)
    out = np.where(np.isnan(a), nan, np.where(a == np.inf, high, np.where(a == -np.inf, low, a)))
    if copy or type(x) is not Tracer:
        return out
    x[...] = out
    return x


@implements(np.round, np.around)
def round(a, decimals=0, out=None):
    a = as_array(a)
    scale = 10.0 ** abs(decimals)
    if decimals == 0:
        done = np.rint(a)
    else:
        done = np.rint(a * scale) / scale if decimals > 0 else np.rint(a / scale) * scale
    return store("round", out, done)


@implements(np.fix)
def _np_fix(x, out=None):
    return store("fix", out, np.trunc(as_array(x)))


@implements(np.select)
def _np_select(condlist, choicelist, default=0):
    """The first choice whose condition holds, entry by entry."""
    if len(condlist) != len(choicelist) or not len(condlist):
        raise ValueError("list of cases must be same length as list of conditions, and not empty")
    out = as_array(default)
    for condition, choice in list(zip(condlist, choicelist, strict=True))[::-1]:
        condition = as_array(condition)
        if condition.dtype.kind != "b":
            raise TypeError("invalid entry in condlist: should be boolean ndarray")
        out = np.where(condition, as_array(choice), out)
    return out


@implements(np.piecewise)
def _np_piecewise(x, condlist, funclist, *args, **kw):
    """Each function on the entries where its condition holds (guarded); the last of one more where none does."""
    x = as_array(x)
    masks = as_array(condlist)
    masks = masks[None] if masks.ndim == 0 or x.ndim and masks.ndim == 1 else masks      # one condition
    masks = [np.broadcast_to(mask_of(mask), x.shape) for mask in masks]
    if len(funclist) == len(masks) + 1:
        masks.append(~np.any(masks, axis=0))
    elif len(funclist) != len(masks):
        raise ValueError(f"with {len(masks)} condition(s), {len(masks)} or {len(masks) + 1} functions are expected")
    y = np.zeros_like(x)
    for mask, function in zip(masks, funclist, strict=True):
        if not callable(function):
            y = np.where(mask, function, y)
        elif np.any(mask):
            if not x.shape:
                y = function(x, *args, **kw)
            else:
                y[mask] = function(x[mask], *args, **kw)
    return y
