"""Reading and writing parts of arrays: x[index], its adjoint scatter, in-place writes and the views they reach."""

import operator
import weakref

import numpy as np

from ..errors import TraceError
from ..graph import CONSTANT, INPUT, Static
from ..primitive import Primitive, Tracer, bind, shape_of
from ..trace import concretise
from .elementwise import astype, same_type
from .gather import ASSIGN_AT, GATHER, PLACE, part_shape
from .shape import array, as_array, broadcast_to, reshape

VECTOR, REPEATED = np.array([0.5, 1.5, -2.0, 3.0]), Static((np.array([0, 2, 2]),))


def normal_index(index) -> tuple[tuple, tuple]:
    """An index as a tuple of ints, slices, None, Ellipsis, constant arrays and PLACEs, and the traced integers that go
    to the PLACEs. Traced booleans (and integers in slices) are guarded."""
    places: list[Tracer] = []
    return tuple([_normal_part(i, places) for i in (index if isinstance(index, tuple) else (index,))]), tuple(places)


def _normal_part(i, places: list):
    if type(i) is Tracer:
        return _traced_part(i, places)
    if isinstance(i, slice):
        return slice(*(None if s is None else operator.index(s) for s in (i.start, i.stop, i.step)))
    if i is None or i is Ellipsis or isinstance(i, (bool, np.bool_)):
        return i
    if isinstance(i, (list, tuple)):                  # a tuple inside the index tuple is a list of integers
        i = array(i)
        return _traced_part(i, places) if type(i) is Tracer else np.array(i, dtype=None if i.size else np.intp)
    return np.array(i) if isinstance(i, np.ndarray) else operator.index(i)


def _traced_part(i: Tracer, places: list):
    if i.dtype.kind not in "iub":
        raise TraceError(f"a traced array of {i.dtype} is used as an index", "index with integers or booleans")
    if i.dtype.kind == "b" or i.node.prim is CONSTANT:
        i = concretise(i)
        return int(i) if not i.shape and i.dtype.kind in "iu" else np.asarray(i)
    places.append(i)
    return PLACE


def is_basic(index: tuple) -> bool:
    return not any(isinstance(i, (np.ndarray, bool, np.bool_)) for i in index)


def _index_shape(x, index):
    probe = np.broadcast_to(np.empty((), dtype=np.bool_), shape_of(x))
    return np.shape(probe[index.value]), x.dtype


GETITEM = Primitive("getitem", lambda x, index: (x if hasattr(x, "shape") else np.asarray(x))[index.value],
    _index_shape,
                    view=True,
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
    parts, places = normal_index(index)
    key = Static(parts)
    out = bind(GATHER if places else GETITEM, (x, *places), {"index": key})
    if places:
        if is_basic(parts) and not any(p.shape for p in places):
            share(x, out, lambda new: bind(ASSIGN_AT, (x, new, *places), {"index": key}), True, places)
    elif is_basic(parts):
        share(x, out, lambda new: bind(SETITEM, (x, new), {"index": key}), made=(GETITEM, {"index": key}))
    return out


def gathered(x, index: tuple, writeback):
    """x[index] with arrays of integers, where NumPy's own function gives a view of x."""
    out = x[index]
    if type(x) is Tracer:
        share(x, out, writeback, True, made=(GETITEM, {"index": Static(index)}))
    return out


# --- in-place writes: a tracer is a handle; a write gives it (and every view of the same memory) a new node -----------


def share(base: Tracer, out: Tracer, writeback, certain: bool = False, places: tuple = (), made: tuple = ()) -> None:
    """`out` is a view of `base` if NumPy made one; writeback(new view) is the base with that view's entries replaced.
    made : (primitive, params) of the view, which the node of a constant does not tell.

    Only while recording: rules and scalars never write. The base knows its views weakly, so nothing is kept alive.
    """
    if type(out) is not Tracer or type(out.value) is not np.ndarray or out is base:      # (a scalar is no view)
        return
    if not certain and not np.may_share_memory(base.value, out.value):       # reshaping what is not contiguous copies
        return
    out.base, out.writeback, out.boxed = base, writeback, True
    if base.views is None:
        base.views = []
    elif len(base.views) % 32 == 31:
        base.views = [known for known in base.views if known[0]() is not None]
    prim, params = made or (out.node.prim, out.node.params)
    base.views.append((weakref.ref(out), prim, places, params))


def setitem(x: Tracer, index, value) -> None:
    value = as_array(value) if isinstance(value, (list, tuple)) else value
    if type(value) is Tracer and (value.dtype.kind, x.dtype.kind) in _CUTS:
        kind = "complex number" if value.dtype.kind == "c" else "float"
        raise TraceError(f"a traced {kind} is written into an array of {x.dtype}, which would cut it off",
                         f"create the array with a {kind.split()[0]} dtype")
    if _is_mask(x, index) and not shape_of(value):
        mask = reshape(index, index.shape + (1,) * (x.ndim - index.ndim))
        write(x, astype(np.where(mask, astype(value, x.dtype) if type(value) is Tracer else value, x), x.dtype))
        return
    parts, places = normal_index(index)
    if type(value) is Tracer:
        shape = part_shape(x.shape, Static(parts), places)
        extra = len(value.shape) - len(shape)
        if extra > 0:
            value = reshape(value, value.shape[extra:])
        value = broadcast_to(value, shape)
        if not places and not is_basic(parts) and not distinct(parts, x.shape):
            write(x, astype(_last_writes(x, parts, value), x.dtype))
            return
    out = bind(ASSIGN_AT if places else SETITEM, (x, value, *places), {"index": Static(parts)})
    write(x, astype(out, x.dtype))


_CUTS = {(value, array) for value, arrays in (("f", "iub"), ("c", "iubf")) for array in arrays}


def _is_mask(x: Tracer, index) -> bool:
    """Whether an index is a traced mask over leading axes: a scalar written there is a choice entry by entry."""
    return (type(index) is Tracer and index.dtype.kind == "b" and index.ndim > 0
            and index.shape == x.shape[:index.ndim] and index.node.prim is not CONSTANT)


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
    for reference, prim, places, params in handle.views or ():
        view = reference()
        if view is not None:
            _refresh(view, bind(prim, (handle, *places), params))


def in_place(operation):
    """a += b and the like: arrays are written (all views see it), numbers rebound, as in NumPy."""
    def update(self: Tracer, other):
        out = operation(self, other)
        if not self.shape and not self.boxed:
            return out
        if out.shape != self.shape:
            raise ValueError(f"non-broadcastable output operand with shape {self.shape} doesn't match {out.shape}")
        write(self, astype(out, self.dtype))
        return self
    return update


def copy_of(x: Tracer, order="C") -> Tracer:
    """A handle with memory of its own."""
    out = Tracer(x.graph, x.node, x.value) if x.node.prim is not INPUT else bind(COPY, (x,))
    out.boxed = x.boxed
    return out


def boxed(x: Tracer) -> Tracer:
    """x as an array: np.array of a traced number has memory of its own."""
    out = x if x.boxed or x.shape else copy_of(x)
    out.boxed = True
    return out


COPY = Primitive("copy", lambda x: np.array(x), lambda x: (shape_of(x), x.dtype), transpose=(lambda ct, x: ct,),
                 samples=((VECTOR,),))


def distinct(index: tuple, shape: tuple[int, ...]) -> bool:
    """Whether an index with arrays names no entry twice (so that += on it adds every part)."""
    count = np.zeros(shape, dtype=np.intp)
    np.add.at(count, index, 1)
    return bool(count.max(initial=0) <= 1)
