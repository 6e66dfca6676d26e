"""Reading and writing parts of arrays: x[index], its adjoint scatter, in-place writes and the views they reach."""

import operator
import weakref

import numpy as np

from ..errors import TraceError
from ..graph import INPUT, Static
from ..primitive import Primitive, Tracer, bind, implements, shape_of
from ..trace import concretise
from .elementwise import astype, same_type
from .shape import array, broadcast_to, reshape

VECTOR, REPEATED = np.array([0.5, 1.5, -2.0, 3.0]), Static((np.array([0, 2, 2]),))


def normal_index(index) -> tuple:
    """An index as a tuple of ints, slices, None, Ellipsis and constant arrays; traced parts are guarded."""
    return tuple(_normal_part(i) for i in (index if isinstance(index, tuple) else (index,)))


def _normal_part(i):
    if type(i) is Tracer:
        if i.dtype.kind not in "iub":
            raise TraceError(f"a traced array of {i.dtype} is used as an index", "index with integers or booleans")
        i = concretise(i)
        return int(i) if not i.shape and i.dtype.kind in "iu" else np.asarray(i)
    if isinstance(i, slice):
        return slice(*(None if s is None else operator.index(s) for s in (i.start, i.stop, i.step)))
    if i is None or i is Ellipsis or isinstance(i, (bool, np.bool_)):
        return i
    if isinstance(i, (list, np.ndarray)):
        return np.array(i, dtype=np.intp) if isinstance(i, list) and not i else np.array(i)
    return operator.index(i)


def is_basic(index: tuple) -> bool:
    return not any(isinstance(i, (np.ndarray, bool, np.bool_)) for i in index)


def _index_shape(x, index):
    probe = np.broadcast_to(np.empty((), dtype=np.bool_), shape_of(x))
    return np.shape(probe[index.value]), x.dtype


GETITEM = Primitive("getitem", lambda x, index: x[index.value], _index_shape, view=True,
                    transpose=(lambda ct, x, index: bind(SCATTER, (ct,), {"indices": (index,), "shape": shape_of(x),
                                                                         "based": False}),),
                    samples=(((VECTOR,), {"index": Static((slice(1, 3),))}), ((VECTOR,), {"index": Static((2,))}),
                             ((VECTOR,), {"index": REPEATED}),
                             ((VECTOR,), {"index": Static((slice(None, None, -2), None))})))


def add_at(out: np.ndarray, index: tuple, part) -> None:
    """out[index] += part, repeated indices counted as often as they occur."""
    if is_basic(index):
        out[index] += part
    else:
        np.add.at(out, index, part)


def _scatter(*parts, indices, shape, based):
    dtype = same_type(*parts)
    if based:
        out, parts = np.array(np.broadcast_to(parts[0], shape), dtype=dtype), parts[1:]
    else:
        out = np.zeros(shape, dtype)
    for index, part in zip(indices, parts, strict=True):
        add_at(out, index.value, part)
    return out


class _ScatterParts:
    def __getitem__(self, number):
        def part(ct, *parts, indices, shape, based):
            if based and number == 0:
                return ct
            return bind(GETITEM, (ct,), {"index": indices[number - based]})
        return part


SCATTER = Primitive("scatter", _scatter, lambda *parts, indices, shape, based: (shape, same_type(*parts)),
                    transpose=_ScatterParts(),
                    samples=(((VECTOR[:2], VECTOR[:3]), {"indices": (Static((slice(1, 3),)), REPEATED), "shape": (4,),
                                                        "based": False}),
                             ((VECTOR, np.float64(2.0)), {"indices": (Static((1,)),), "shape": (4,), "based": True})))


def _assign(x, value, index):
    out = np.array(x, dtype=same_type(x, value) if np.asarray(x).dtype.kind == "f" else None)
    out[index.value] = value
    return out


SETITEM = Primitive("setitem", _assign, lambda x, value, index: (shape_of(x), same_type(x, value)),
                    transpose=(lambda ct, x, value, index: bind(SETITEM, (ct, 0.0), {"index": index}),
                               lambda ct, x, value, index: bind(GETITEM, (ct,), {"index": index})),
                    samples=(((VECTOR, VECTOR[:2]), {"index": Static((slice(0, 2),))}),
                             ((VECTOR, VECTOR[2:]), {"index": Static((np.array([0, 3]),))})))


def getitem(x: Tracer, index):
    parts = normal_index(index)
    key = Static(parts)
    out = bind(GETITEM, (x,), {"index": key})
    if is_basic(parts):
        share(x, out, lambda new: bind(SETITEM, (x, new), {"index": key}))
    return out


# --- in-place writes: a tracer is a handle; a write gives it (and every view of the same memory) a new node -----------


def share(base: Tracer, out: Tracer, writeback) -> None:
    """`out` is a view of `base` if NumPy made one; writeback(new view) is the base with that view's entries replaced.

    Only while recording: rules and scalars never write. The base knows its views weakly, so nothing is kept alive.
    """
    if type(out) is not Tracer or out.value is None or not out.shape or out is base:
        return
    if not np.may_share_memory(base.value, out.value):       # reshaping what is not contiguous copies
        return
    out.base, out.writeback = base, writeback
    if base.views is None:
        base.views = []
    elif len(base.views) % 32 == 31:
        base.views = [known for known in base.views if known[0]() is not None]
    base.views.append((weakref.ref(out), out.node.prim, out.node.params))


def setitem(x: Tracer, index, value) -> None:
    parts = normal_index(index)
    value = array(value)
    if type(value) is Tracer and value.dtype.kind == "f" and x.dtype.kind != "f":
        raise TraceError(f"a traced float is written into an array of {x.dtype}, which would cut it off",
                         "create the array with a float dtype")
    if type(value) is Tracer:
        shape = np.shape(np.broadcast_to(np.empty((), np.bool_), x.shape)[parts])
        extra = len(value.shape) - len(shape)
        if extra > 0:
            value = reshape(value, value.shape[extra:])
        value = broadcast_to(value, shape)
        if not is_basic(parts) and not distinct(parts, x.shape):
            write(x, astype(_last_writes(x, parts, value), x.dtype))
            return
    out = bind(SETITEM, (x, value), {"index": Static(parts)})
    write(x, astype(out, x.dtype))


def _last_writes(x: Tracer, parts: tuple, value: Tracer):
    """x[parts] = value where parts repeat an entry: only the last write to it counts."""
    places = np.arange(x.size).reshape(x.shape)[parts].ravel()
    last = np.zeros(x.size, np.intp)
    last[places] = np.arange(places.size)
    kept = np.flatnonzero(last[places] == np.arange(places.size))
    flat = bind(SETITEM, (reshape(x, (-1,)), reshape(value, (-1,))[kept]), {"index": Static((places[kept],))})
    return reshape(flat, x.shape)


def write(x: Tracer, new: Tracer) -> None:
    """Replace the contents of the memory that x shows."""
    root, value = x, new
    while root.base is not None:
        value, root = root.writeback(value), root.base
    if root.node.prim is INPUT:
        raise TraceError("the function writes into its own argument", "work on a copy: x = x.copy()")
    if value.graph is not root.graph:
        raise TraceError("a traced value is written into an array of an enclosing trace", "return the value instead")
    _refresh(root, value)


def _refresh(handle: Tracer, new: Tracer) -> None:
    handle.node, handle.value = new.node, new.value
    for reference, prim, params in handle.views or ():
        view = reference()
        if view is not None:
            _refresh(view, bind(prim, (handle,), params))


def in_place(operation):
    """a += b and the like: arrays are written (all views see it), 0-d values rebound, as in NumPy."""
    def update(self: Tracer, other):
        out = operation(self, other)
        if not self.shape:
            return out
        if out.shape != self.shape:
            raise ValueError(f"non-broadcastable output operand with shape {self.shape} doesn't match {out.shape}")
        write(self, astype(out, self.dtype))
        return self
    return update


def copy_of(x: Tracer, order="C") -> Tracer:
    """A handle with memory of its own."""
    return Tracer(x.graph, x.node, x.value) if x.node.prim is not INPUT else bind(COPY, (x,))


COPY = Primitive("copy", lambda x: np.array(x), lambda x: (shape_of(x), x.dtype), transpose=(lambda ct, x: ct,),
                 samples=((VECTOR,),))


@implements(np.take)
def _np_take(a, indices, axis=None, out=None, mode="raise"):
    if mode != "raise":
        raise TraceError(f"np.take: mode={mode!r} is not supported on traced values", "wrap or clip the indices first")
    if axis is None:
        return reshape(a, (-1,))[indices]
    return a[(slice(None),) * (axis % a.ndim) + (indices,)]


@implements(np.flip)
def _np_flip(m, axis=None):
    gone = range(m.ndim) if axis is None else [a % m.ndim for a in (axis if isinstance(axis, tuple) else (axis,))]
    return m[tuple(slice(None, None, -1) if i in gone else slice(None) for i in range(m.ndim))]


@implements(np.diagonal)
def _np_diagonal(a, offset=0, axis1=0, axis2=1):
    if a.ndim != 2 or (axis1 % 2, axis2 % 2) != (0, 1):
        raise TraceError("np.diagonal is supported for matrices", "move the two axes to the end and index them")
    n = min(a.shape[0] + min(offset, 0), a.shape[1] - max(offset, 0))
    i = np.arange(max(n, 0))
    return a[i + max(-offset, 0), i + max(offset, 0)]


@implements(np.diag)
def _np_diag(v, k=0):
    if v.ndim == 2:
        return _np_diagonal(v, k)
    n = v.shape[0] + abs(k)
    i = np.arange(v.shape[0])
    index = Static((i + max(-k, 0), i + max(k, 0)))
    return bind(SCATTER, (v,), {"indices": (index,), "shape": (n, n), "based": False})


@implements(np.trace)
def _np_trace(a, offset=0, axis1=0, axis2=1, dtype=None, out=None):
    return _np_diagonal(a, offset, axis1, axis2).sum()


@implements(np.tril)
def _np_tril(m, k=0):
    return np.where(np.tri(*m.shape[-2:], k=k, dtype=bool), m, 0.0)


@implements(np.triu)
def _np_triu(m, k=0):
    return np.where(np.tri(*m.shape[-2:], k=k - 1, dtype=bool), 0.0, m)




def distinct(index: tuple, shape: tuple[int, ...]) -> bool:
    """Whether an index with arrays names no entry twice (so that += on it adds every part)."""
    count = np.zeros(shape, dtype=np.intp)
    np.add.at(count, index, 1)
    return bool(count.max(initial=0) <= 1)
