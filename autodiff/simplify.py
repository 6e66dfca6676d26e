"""Rewrites applied as operations are appended: equal nodes that cost less. Rounding may differ in the last digits,
never by cancellation: sums are split only where both parts are nonnegative."""

import math
import operator
from collections.abc import Callable
from fractions import Fraction

import numpy as np

from .graph import REWRITES, Graph, Node
from .primitive import Primitive
from .primitives import contraction, elementwise, indexing, reductions, shape
from .primitives.elementwise import ABSOLUTE, ADD, DIVIDE, EXP, MULTIPLY, NEGATIVE, POWER, SCALE, SQRT, SQUARE, SUBTRACT
from .primitives.norms import NORM_ROOT

MATMUL, SUM = contraction.MATMUL, reductions.SUM


def rewrites(*prims):
    def register(rule):
        for prim in prims:
            REWRITES[prim] = rule
        return rule
    return register


def is_literal(a) -> bool:
    return isinstance(a, (float, int))          # np.float64 is a float too


def is_op(a, prim) -> bool:
    return type(a) is Node and a.prim is prim


def is_scalar(a) -> bool:
    return type(a) is Node and a.shape == () and a.dtype.kind == "f"


def combined(g: Graph, operation: Callable, a, b):
    """operation(a, b) of two literals; None where the graph is exact and the result rounds."""
    value = operation(a, b)
    if g.exact and not (all(map(math.isfinite, (a, b, value)))
                        and operation(Fraction(a), Fraction(b)) == Fraction(value)):
        return None
    return value


def factor(a):
    """(literal, rest) with a = literal·rest; rest None for a literal."""
    if is_literal(a):
        return a, None
    if is_op(a, MULTIPLY) and is_literal(a.inputs[0]):
        return a.inputs
    if is_op(a, NEGATIVE):
        return -1.0, a.inputs[0]
    return 1.0, a


def floating(*inputs) -> bool:
    return all(is_literal(i) or not isinstance(i, complex) and i.dtype == np.float64 for i in inputs)


def size_of(a) -> int:
    return math.prod(shape.shape_of(a))


def _drop_broadcast(inputs):
    """Elementwise operations broadcast by themselves: drop an operand's broadcast where another has the full shape."""
    a, b = inputs
    if not (is_op(a, shape.BROADCAST) or is_op(b, shape.BROADCAST)):
        return None
    full = elementwise.broadcast(a, b)
    if is_op(a, shape.BROADCAST) and shape.shape_of(b) == full:
        return a.inputs[0], b
    if is_op(b, shape.BROADCAST) and shape.shape_of(a) == full:
        return a, b.inputs[0]
    return None


@rewrites(MULTIPLY)
def _multiply(g: Graph, inputs, params):
    a, b = inputs
    if is_literal(a) and is_literal(b):
        return combined(g, operator.mul, float(a), float(b))
    if not floating(a, b):
        return None
    slim = _drop_broadcast(inputs)
    if slim:
        return g.emit(MULTIPLY, slim)
    (la, ra), (lb, rb) = factor(a), factor(b)
    both = combined(g, operator.mul, float(la), float(lb))
    if both is None:
        return None
    if ra is None or rb is None:
        return _literal_times(g, both, rb if ra is None else ra, is_literal(a) and b is rb)
    if la != 1.0 or lb != 1.0:
        return g.emit(MULTIPLY, (both, g.emit(MULTIPLY, (ra, rb))))
    if a is b:
        return g.emit(SQUARE, (a,))
    for s, other in ((a, b), (b, a)):
        if is_op(other, DIVIDE) and is_literal(other.inputs[0]) and other.inputs[0] == 1.0:
            return g.emit(DIVIDE, (s, other.inputs[1]))
        if is_scalar(s) and is_op(other, MULTIPLY) and is_scalar(other.inputs[0]) and not is_scalar(other):
            return g.emit(MULTIPLY, (g.emit(MULTIPLY, (s, other.inputs[0])), other.inputs[1]))
    return g.emit(MULTIPLY, (b, a)) if is_scalar(b) and not is_scalar(a) else None


def _literal_times(g: Graph, literal, rest, done: bool):
    if literal == 1.0:
        return rest
    if literal == -1.0:
        return g.emit(NEGATIVE, (rest,))
    return None if done else g.emit(MULTIPLY, (float(literal), rest))


@rewrites(SCALE)
def _scale(g: Graph, inputs, params):
    """Plain products outside safe mode (a derivative taken inside f records them safe), and by finite numbers."""
    if not g.safe or any(is_literal(a) and math.isfinite(a) and a != 0 for a in inputs):
        return g.emit(MULTIPLY, inputs)
    return None


@rewrites(NEGATIVE)
def _negative(g: Graph, inputs, params):
    a, = inputs
    if is_literal(a):
        return -a
    if is_op(a, SUBTRACT):
        return g.emit(SUBTRACT, a.inputs[::-1]) if floating(a) else None
    literal, rest = factor(a)
    return g.emit(MULTIPLY, (-literal, rest)) if literal != 1.0 and floating(a) else None


@rewrites(ADD)
def _add(g: Graph, inputs, params):
    a, b = inputs
    if is_literal(a) and is_literal(b):
        return combined(g, operator.add, a, b)
    if not floating(a, b):
        return None
    slim = _drop_broadcast(inputs)
    if slim:
        return g.emit(ADD, slim)
    for zero, other in ((a, b), (b, a)):
        if is_literal(zero) and zero == 0:
            return other
    if is_op(b, NEGATIVE):
        return g.emit(SUBTRACT, (a, b.inputs[0]))
    if is_op(a, NEGATIVE):
        return g.emit(SUBTRACT, (b, a.inputs[0]))
    return _common_factor(g, ADD, a, b)


@rewrites(SUBTRACT)
def _subtract(g: Graph, inputs, params):
    a, b = inputs
    if is_literal(a) and is_literal(b):
        return combined(g, operator.sub, a, b)
    if not floating(a, b):
        return None
    slim = _drop_broadcast(inputs)
    if slim:
        return g.emit(SUBTRACT, slim)
    if is_literal(b) and b == 0:
        return a
    if is_literal(a) and a == 0:
        return g.emit(NEGATIVE, (b,))
    if is_op(b, NEGATIVE):
        return g.emit(ADD, (a, b.inputs[0]))
    return _common_factor(g, SUBTRACT, a, b)


def _common_factor(g: Graph, prim, a, b):
    (la, ra), (lb, rb) = factor(a), factor(b)
    if type(ra) is not Node or type(rb) is not Node or ra.shape != rb.shape:
        return None
    if ra is rb:
        literal = combined(g, operator.add if prim is ADD else operator.sub, la, lb)
        return g.emit(MULTIPLY, (float(literal), ra)) if literal else None
    if la != 1.0 and la == lb:
        return g.emit(MULTIPLY, (la, g.emit(prim, (ra, rb))))
    if la != 1.0 != lb and la * lb != 0 and not g.exact:
        shared = _known_multiple(g, lb / la, rb)
        if shared is not None:                                   # la·(ra ± (r·c)∘d) where r·c is there already
            return g.emit(MULTIPLY, (la, g.emit(prim, (ra, shared))))
        shared = _known_multiple(g, la / lb, ra)
        if shared is not None:
            return g.emit(MULTIPLY, (lb, g.emit(prim, (shared, rb))))
    return None


def _known_multiple(g: Graph, ratio: float, product):
    """ratio·(c∘d) as (ratio·c)∘d, if ratio·c is in the graph."""
    if is_op(product, MULTIPLY):
        for c, d in (product.inputs, product.inputs[::-1]):
            scaled = g.find(MULTIPLY, (ratio, c))
            if scaled is not None:
                return g.share(MULTIPLY, (scaled, d))
    return None


@rewrites(DIVIDE)
def _divide(g: Graph, inputs, params):
    a, b = inputs
    if is_literal(a) and is_literal(b) and b != 0:
        return combined(g, operator.truediv, a, b)
    if is_literal(b) and b == 1 and floating(a):
        return a
    return None


@rewrites(SQUARE)
def _square(g: Graph, inputs, params):
    a, = inputs
    if is_literal(a):
        return combined(g, operator.mul, a, a)
    if is_op(a, NEGATIVE) or is_op(a, ABSOLUTE):
        return g.emit(SQUARE, a.inputs)
    if is_op(a, NORM_ROOT) or is_op(a, SQRT) and nonnegative(a.inputs[0]):      # ‖x‖² is smooth where ‖x‖ is not
        return a.inputs[0]
    if is_op(a, elementwise.HYPOT):                                              # so is |z|² of a complex number
        return g.emit(ADD, tuple([g.emit(SQUARE, (i,)) for i in a.inputs]))
    literal, rest = factor(a)
    size = combined(g, operator.mul, literal, literal)
    return g.emit(MULTIPLY, (size, g.emit(SQUARE, (rest,)))) if literal != 1.0 and size and floating(a) else None


@rewrites(POWER)
def _power(g: Graph, inputs, params):
    x, p = inputs
    if not is_literal(p) or is_literal(x) or x.dtype.kind != "f":
        return None
    if p == 1:
        return x
    if p == 2:
        return g.emit(SQUARE, (x,))
    if p == 3:
        return g.emit(MULTIPLY, (x, g.emit(SQUARE, (x,))))
    if p == 4:
        return g.emit(SQUARE, (g.emit(SQUARE, (x,)),))
    if p == -1:
        return g.emit(DIVIDE, (1.0, x))
    return g.emit(SQRT, (x,)) if p == 0.5 else None


@rewrites(elementwise.LOGADDEXP)
def _logaddexp(g: Graph, inputs, params):
    """log(1 + eᵗ) = max(t, 0) + log1p(e^−|t|): a fifth of logaddexp, and the derivative shares the exponential."""
    zero, t = inputs if is_literal(inputs[0]) else inputs[::-1]
    if not is_literal(zero) or zero != 0 or not floating(t) or is_literal(t):
        return None
    t = g.handle(t)
    decay = np.exp(-np.absolute(t))
    value = np.fmax(t, 0.0) + np.log1p(decay)          # (fmax is twice as fast as maximum; decay carries a NaN)
    return g.emit(SOFTPLUS, (value.node, t.node, decay.node))


def _sigmoid(t, decay):
    """1/(1 + e^−t) from e^−|t|, without overflow."""
    return SIGMOID(np.exp(np.fmin(t, 0.0)) / (1.0 + decay), t)


def _as_value(value, *_):
    return value


def _like_value(value, *_):
    return shape.shape_of(value), value.dtype


SIGMOID = Primitive("sigmoid", _as_value, _like_value, alias=True, partials=(None, lambda y, value, t: y * (1.0 - y)),
                    samples=())     # its value is the first input; as a function it depends on t alone
SOFTPLUS = Primitive("softplus", _as_value, _like_value, alias=True, samples=(),
                     partials=(None, lambda y, value, t, decay: _sigmoid(t, decay), None))


def nonnegative(a) -> bool:
    if is_literal(a):
        return a >= 0
    if type(a) is not Node:
        return False
    if a.prim in (SQUARE, ABSOLUTE, EXP, SQRT, NORM_ROOT) or a.prim is MATMUL and a.inputs[0] is a.inputs[1]:
        return True
    if a.prim is SUM:
        return nonnegative(a.inputs[0])
    return a.prim in (MULTIPLY, ADD) and all(map(nonnegative, a.inputs))


@rewrites(SUM)
def _sum(g: Graph, inputs, params):
    x, = inputs
    axis = params["axis"]
    if axis == ():
        return x
    if type(x) is not Node or x.dtype != np.float64:
        return None
    literal, rest = factor(x)
    if rest is None:
        return None
    if literal != 1.0 and type(rest) is Node:
        return g.emit(MULTIPLY, (literal, g.emit(SUM, (rest,), params)))
    if x.prim is MULTIPLY and is_scalar(x.inputs[0]):
        return g.emit(MULTIPLY, (x.inputs[0], g.emit(SUM, (x.inputs[1],), params)))
    if len(axis) < len(x.shape) or params["keepdims"]:
        return None
    if x.prim is ADD and all(type(i) is Node and i.shape == x.shape and nonnegative(i) for i in x.inputs):
        return g.emit(ADD, tuple([g.emit(SUM, (i,), params) for i in x.inputs]))
    if x.prim is SQUARE or x.prim is MULTIPLY:
        a, b = x.inputs if x.prim is MULTIPLY else x.inputs * 2
        return _dot(g, a, b)
    return None


def _dot(g: Graph, a, b):
    """Σ a∘b as one dot product of contiguous vectors."""
    sa = shape.shape_of(a)
    if sa != shape.shape_of(b) or not sa or not floating(a, b):
        return None
    if len(sa) > 1:
        if not all(type(i) is Node and not i.prim.view for i in (a, b)):
            return None
        a, b = (g.emit(shape.RESHAPE, (i,), {"shape": (math.prod(sa),)}) for i in (a, b))
    return g.emit(MATMUL, (a, b))


def _literals_out(product):
    """Literals move to the smaller side of a product."""
    def rule(g: Graph, inputs, params):
        for k, x in enumerate(inputs):
            literal, rest = factor(x)
            if type(rest) is Node and literal != 1.0 and floating(*inputs):
                out, _ = product.shape(*inputs, **params)
                if math.prod(out) <= rest.size:
                    plain = (*inputs[:k], rest, *inputs[k + 1:])
                    return g.emit(MULTIPLY, (literal, g.emit(product, plain, params)))
        return None
    return rule


for _product in (MATMUL, contraction.SPARSE):
    REWRITES[_product] = _literals_out(_product)


@rewrites(shape.RESHAPE)
def _reshape(g: Graph, inputs, params):
    x, = inputs
    if is_op(x, shape.RESHAPE):
        return g.emit(shape.RESHAPE, x.inputs, params)
    return x if shape.shape_of(x) == params["shape"] else None


@rewrites(shape.BROADCAST)
def _broadcast(g: Graph, inputs, params):
    x, = inputs
    if is_op(x, shape.BROADCAST):
        return g.emit(shape.BROADCAST, x.inputs, params)
    return x if shape.shape_of(x) == params["shape"] else None


@rewrites(shape.TRANSPOSE)
def _transpose(g: Graph, inputs, params):
    x, = inputs
    perm = params["perm"]
    if is_op(x, shape.TRANSPOSE):
        inner = x.params["perm"]
        return g.emit(shape.TRANSPOSE, x.inputs, {"perm": tuple(inner[p] for p in perm)})
    return x if perm == tuple(range(len(perm))) else None


@rewrites(indexing.GETITEM)
def _getitem(g: Graph, inputs, params):
    x, = inputs
    index = params["index"].value
    if is_op(x, shape.PACK) and len(index) == 1 and type(index[0]) is int:
        return x.inputs[index[0]]
    return None


@rewrites(indexing.SCATTER)
def _scatter(g: Graph, inputs, params):
    """Parts that are zero add nothing."""
    first = int(params["based"])
    kept = [k for k in range(first, len(inputs)) if not _is_zero(inputs[k])]
    if len(kept) == len(inputs) - first or not (kept or first):
        return None
    if not kept:
        return inputs[0]
    indices = tuple([params["indices"][k - first] for k in kept])
    return g.emit(indexing.SCATTER, (*inputs[:first], *[inputs[k] for k in kept]), {**params, "indices": indices})


def _is_zero(a) -> bool:
    """A literal 0, or one 0 broadcast."""
    if is_literal(a):
        return a == 0
    return isinstance(a, np.ndarray) and a.size > 0 and not any(a.strides) and not a.any()


@rewrites(indexing.COPY)
def _copy(g: Graph, inputs, params):
    return inputs[0]
