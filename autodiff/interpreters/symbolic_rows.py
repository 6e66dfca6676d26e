"""What SymPy has for the engine's rows: a formula for each, on expressions or on object arrays of them.

The module of SymPy is the first argument `sp` of each rule, so that it is imported only where an export is asked for.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

_KNOWN = {math.pi: "pi", math.e: "E"}
_DENOMINATOR = 64


def exact(sp, value):
    """A float as the number that was meant: π, e, an integer, a fraction of small denominator; else as it is."""
    if isinstance(value, (bool, np.bool_)):
        return sp.true if value else sp.false
    if isinstance(value, (int, np.integer)):
        return sp.Integer(int(value))
    if isinstance(value, (complex, np.complexfloating)):
        return exact(sp, value.real) + sp.I * exact(sp, value.imag)
    value = float(value)
    if not math.isfinite(value):
        return sp.nan if math.isnan(value) else sp.oo if value > 0 else -sp.oo
    if abs(value) in _KNOWN:
        return int(math.copysign(1, value)) * getattr(sp, _KNOWN[abs(value)])
    top, bottom = value.as_integer_ratio()
    return sp.Rational(top, bottom) if bottom <= _DENOMINATOR else sp.Float(value)


def filled(shape: tuple[int, ...], entries: Sequence) -> np.ndarray:
    out = np.empty(shape, dtype=object)
    out.reshape(-1)[...] = _flat(entries)
    return out


def _flat(entries: Sequence) -> np.ndarray:
    flat = np.empty(len(entries), dtype=object)
    for k, entry in enumerate(entries):              # (NumPy would take an expression with a length apart)
        flat[k] = entry
    return flat


def as_array(value) -> Any:
    if isinstance(value, (tuple, np.ndarray)):
        return value
    return filled((), [value])


def _truth(sp, x):
    """A number as a condition: what np.logical_and reads."""
    return x if x in (sp.true, sp.false) or getattr(x, "is_Boolean", False) or getattr(
        x, "is_Relational", False) else sp.Ne(x, 0)


def _number(sp, x):
    """A condition as a number, where arithmetic meets it."""
    if x == sp.true or x == sp.false:
        return sp.Integer(int(bool(x)))
    return sp.Piecewise((1, x), (0, True)) if getattr(x, "is_Boolean", False) else x


def _numeric(rule: Callable) -> Callable:
    return lambda sp, *xs: rule(sp, *[_number(sp, x) for x in xs])


def _logic(rule: Callable) -> Callable:
    return lambda sp, *xs: rule(sp, *[_truth(sp, x) for x in xs])


def _select(sp, condition, x, y):
    return sp.Piecewise((_number(sp, x), _truth(sp, condition)), (_number(sp, y), True))


def _xlog(sp, x, y):
    """x log y, 0 at x = 0."""
    return sp.Integer(0) if x == 0 else x * sp.log(y)


def _log_gamma(sp, x):
    """log |Γ(x)|."""
    return sp.Piecewise((sp.loggamma(x), x > 0), (sp.log(sp.Abs(sp.gamma(x))), True))


# NumPy's and SciPy's names of functions that SymPy has, under its own name.
_NAMES = {
    "sqrt": "sqrt", "absolute": "Abs", "fabs": "Abs", "exp": "exp", "log": "log", "sin": "sin", "cos": "cos",
    "tan": "tan", "arcsin": "asin", "arccos": "acos", "arctan": "atan", "arctan2": "atan2", "sinh": "sinh",
    "cosh": "cosh", "tanh": "tanh", "arcsinh": "asinh", "arccosh": "acosh", "arctanh": "atanh", "maximum": "Max",
    "minimum": "Min", "fmax": "Max", "fmin": "Min", "sign": "sign", "floor": "floor", "ceil": "ceiling",
    "heaviside": "Heaviside", "erf": "erf", "erfc": "erfc", "gamma": "gamma", "psi": "digamma",
    "zeta": "zeta", "jv": "besselj", "yv": "bessely", "iv": "besseli", "kv": "besselk", "equal": "Eq",
    "not_equal": "Ne", "less": "Lt", "less_equal": "Le", "greater": "Gt", "greater_equal": "Ge", "real": "re",
    "imag": "im", "conjugate": "conjugate", "yn": "bessely", "kn": "besselk", "loggamma": "loggamma", "poch": "rf",
    "binom": "binomial", "riemann_zeta": "zeta", "ellipk": "elliptic_k", "ellipe": "elliptic_e",
    "ellipkinc": "elliptic_f", "ellipeinc": "elliptic_e", "erfi": "erfi", "erfinv": "erfinv",
    "expi": "Ei", "expn": "expint", "eval_legendre": "legendre", "eval_chebyt": "chebyshevt",
    "eval_chebyu": "chebyshevu", "eval_hermite": "hermite",
    "eval_genlaguerre": "assoc_laguerre", "eval_gegenbauer": "gegenbauer", "eval_jacobi": "jacobi"}
_LOGIC = {"logical_and": "And", "logical_or": "Or", "logical_xor": "Xor", "logical_not": "Not", "bitwise_and": "And",
          "bitwise_or": "Or", "bitwise_xor": "Xor", "invert": "Not"}
_FORMULAS: dict[str, Callable] = {
    "add": lambda sp, x, y: x + y, "subtract": lambda sp, x, y: x - y, "multiply": lambda sp, x, y: x * y,
    "scale": lambda sp, x, y: x * y, "divide": lambda sp, x, y: x / y, "negative": lambda sp, x: -x,
    "positive": lambda sp, x: x, "power": lambda sp, x, y: x ** y, "float_power": lambda sp, x, y: x ** y,
    "square": lambda sp, x: x ** 2, "reciprocal": lambda sp, x: 1 / x, "cbrt": lambda sp, x: sp.real_root(x, 3),
    "exp2": lambda sp, x: 2 ** x, "expm1": lambda sp, x: sp.exp(x) - 1, "log2": lambda sp, x: sp.log(x, 2),
    "log10": lambda sp, x: sp.log(x, 10), "log1p": lambda sp, x: sp.log(1 + x),
    "logaddexp": lambda sp, x, y: sp.log(sp.exp(x) + sp.exp(y)),
    "logaddexp2": lambda sp, x, y: sp.log(2 ** x + 2 ** y, 2), "hypot": lambda sp, x, y: sp.sqrt(x ** 2 + y ** 2),
    "deg2rad": lambda sp, x: x * sp.pi / 180, "radians": lambda sp, x: x * sp.pi / 180,
    "rad2deg": lambda sp, x: x * 180 / sp.pi, "degrees": lambda sp, x: x * 180 / sp.pi,
    "trunc": lambda sp, x: sp.sign(x) * sp.floor(sp.Abs(x)), "floor_divide": lambda sp, x, y: sp.floor(x / y),
    "remainder": lambda sp, x, y: x - y * sp.floor(x / y), "expit": lambda sp, x: 1 / (1 + sp.exp(-x)),
    "log_expit": lambda sp, x: -sp.log(1 + sp.exp(-x)), "logit": lambda sp, x: sp.log(x / (1 - x)),
    "erfcx": lambda sp, x: sp.exp(x ** 2) * sp.erfc(x), "ndtr": lambda sp, x: sp.erfc(-x / sp.sqrt(2)) / 2,
    "log_ndtr": lambda sp, x: sp.log(sp.erfc(-x / sp.sqrt(2)) / 2),
    "ndtri": lambda sp, x: sp.sqrt(2) * sp.erfinv(2 * x - 1), "xlogy": _xlog,
    "xlog1py": lambda sp, x, y: _xlog(sp, x, 1 + y), "entr": lambda sp, x: -_xlog(sp, x, x),
    "rel_entr": lambda sp, x, y: _xlog(sp, x, x / y), "kl_div": lambda sp, x, y: _xlog(sp, x, x / y) - x + y,
    "huber": lambda sp, d, r: sp.Piecewise((r ** 2 / 2, sp.Abs(r) <= d), (d * (sp.Abs(r) - d / 2), True)),
    "pseudo_huber": lambda sp, d, r: d ** 2 * (sp.sqrt(1 + (r / d) ** 2) - 1),
    "j0": lambda sp, x: sp.besselj(0, x), "j1": lambda sp, x: sp.besselj(1, x), "y0": lambda sp, x: sp.bessely(0, x),
    "y1": lambda sp, x: sp.bessely(1, x), "i0": lambda sp, x: sp.besseli(0, x), "i1": lambda sp, x: sp.besseli(1, x),
    "k0": lambda sp, x: sp.besselk(0, x), "k1": lambda sp, x: sp.besselk(1, x),
    "beta": lambda sp, x, y: sp.gamma(x) * sp.gamma(y) / sp.gamma(x + y),
    "gammaln": lambda sp, x: _log_gamma(sp, x),
    "betaln": lambda sp, x, y: _log_gamma(sp, x) + _log_gamma(sp, y) - _log_gamma(sp, x + y),
    "sigmoid": lambda sp, value, x: 1 / (1 + sp.exp(-x)),
    "softplus": lambda sp, value, x, decay: sp.log(1 + sp.exp(x)),
    "special_cbrt": lambda sp, x: sp.real_root(x, 3), "special_exp2": lambda sp, x: 2 ** x,
    "exp10": lambda sp, x: 10 ** x, "special_expm1": lambda sp, x: sp.exp(x) - 1,
    "special_log1p": lambda sp, x: sp.log(1 + x), "cosm1": lambda sp, x: sp.cos(x) - 1,
    "powm1": lambda sp, x, y: x ** y - 1, "rgamma": lambda sp, x: 1 / sp.gamma(x),
    "gammainc": lambda sp, a, x: sp.lowergamma(a, x) / sp.gamma(a),
    "gammaincc": lambda sp, a, x: sp.uppergamma(a, x) / sp.gamma(a), "exp1": lambda sp, x: sp.expint(1, x),
    "erfcinv": lambda sp, x: sp.erfinv(1 - x),
    "dawsn": lambda sp, x: sp.sqrt(sp.pi) / 2 * sp.exp(-x ** 2) * sp.erfi(x),
    "spence": lambda sp, x: sp.polylog(2, 1 - x), "copysign": lambda sp, x, y: sp.Abs(x) * sp.sign(y),
    "fmod": lambda sp, x, y: x - y * sp.sign(x / y) * sp.floor(sp.Abs(x / y)),
    "boxcox": lambda sp, x, lam: sp.Piecewise(((x ** lam - 1) / lam, sp.Ne(lam, 0)), (sp.log(x), True)),
    "isnan": lambda sp, x: sp.false, "isinf": lambda sp, x: sp.false, "isfinite": lambda sp, x: sp.true,
    "norm_root": lambda sp, x: sp.sqrt(x),
    "reciprocal_or_zero": lambda sp, x: 1 / x}


def _called(name: str) -> Callable:
    return lambda sp, *xs: getattr(sp, name)(*xs)


ELEMENTWISE: dict[str, Callable] = {
    **{name: _numeric(_called(theirs)) for name, theirs in _NAMES.items()},
    **{name: _numeric(formula) for name, formula in _FORMULAS.items()},
    **{name: _logic(_called(theirs)) for name, theirs in _LOGIC.items()}, "where": _select}

# Rows that move entries, or add and multiply them, do so with expressions as they do with numbers.
MOVES = frozenset({"reshape", "transpose", "broadcast_to", "concatenate", "getitem", "copy", "stop_gradient",
                   "matmul", "cumsum", "cumprod", "item", "constant"})


def _folded(combine: Callable) -> Callable:
    """A reduction over axes by a rule for all entries of a group."""
    def rule(sp, x, axis, keepdims):
        where = axis if isinstance(axis, tuple) else tuple(range(x.ndim)) if axis is None else (axis % x.ndim,)
        rest = [i for i in range(x.ndim) if i not in where]
        groups = x.transpose(*rest, *where).reshape([x.shape[i] for i in rest] + [-1])
        made = filled(groups.shape[:-1], [combine(sp, [_number(sp, e) for e in groups[k]])
                                           for k in np.ndindex(groups.shape[:-1])])
        return made.reshape([1 if i in where else s for i, s in enumerate(x.shape)]) if keepdims else made
    return rule


def _scattered(sp, *parts, indices, shape, based):
    out = filled(shape, [sp.Integer(0)] * math.prod(shape))
    if based:
        out, parts = np.array(np.broadcast_to(parts[0], shape)), parts[1:]
    places = np.arange(out.size).reshape(shape)
    for index, part in zip(indices, parts, strict=True):
        where = places[index.value]
        for place, entry in zip(np.ravel(where), np.broadcast_to(part, np.shape(where)).ravel(), strict=True):
            out.reshape(-1)[place] += entry
    return out


def _assigned(sp, x, value, index):
    out = np.array(x)
    out[index.value] = value[()] if not value.shape else value
    return out


def _cast(sp, x, dtype):
    if np.dtype(dtype).kind in "fc":
        return filled(x.shape, [_number(sp, e) for e in x.ravel()])
    rule = ELEMENTWISE["trunc"] if np.dtype(dtype).kind in "iu" else lambda sp, e: _truth(sp, e)
    return filled(x.shape, [rule(sp, e) for e in x.ravel()])


def _per_matrix(rule: Callable) -> Callable:
    """A function of a matrix (and more) over batch axes."""
    def apply(sp, a, *more, **params):
        if a.ndim > 2:
            return np.stack([as_array(apply(sp, part, *[m[k] if m.ndim > 2 else m for m in more], **params))
                             for k, part in enumerate(a)])
        out = rule(sp, sp.Matrix(a.tolist()), *[sp.Matrix(m.tolist()) for m in more])
        return filled(out.shape, list(out)) if isinstance(out, sp.MatrixBase) else out
    return apply


def _adjugate(sp, a, *directions):
    """The derivative of adj at A along each of the directions."""
    steps = sp.symbols(f"t:{len(directions)}", cls=sp.Dummy)
    out = sum((t * h for t, h in zip(steps, directions, strict=True)), a).adjugate()
    for t in steps:
        out = out.diff(t)
    return out.subs(dict.fromkeys(steps, 0))


def _solved(sp, a, b):
    out = _per_matrix(lambda sp, a, b: a.LUsolve(b))(sp, a, b[..., None] if b.ndim == 1 else b)
    return out[..., 0] if b.ndim == 1 else out


def _einsum(sp, *parts, spec):
    """Σ over the letters that are not in the output."""
    lower, _, upper = spec.partition("->")
    letters = lower.split(",")
    sizes = {c: n for word, part in zip(letters, parts, strict=True) for c, n in zip(word, part.shape, strict=True)}
    summed = [c for c in sizes if c not in upper]

    def entry(at):
        here = dict(zip(upper, at, strict=True))
        terms = []
        for inner in itertools.product(*[range(sizes[c]) for c in summed]):
            full = here | dict(zip(summed, inner, strict=True))
            terms.append(sp.Mul(*[part[tuple([full[c] for c in word])]
                                  for word, part in zip(letters, parts, strict=True)]))
        return sp.Add(*terms)
    shape = tuple(sizes[c] for c in upper)
    return filled(shape, [entry(at) for at in np.ndindex(shape)])


ARRAYS: dict[str, Callable] = {
    "guard": lambda sp, x, expected: x,
    "sum": _folded(lambda sp, e: sp.Add(*e)), "prod": _folded(lambda sp, e: sp.Mul(*e)),
    "max": _folded(lambda sp, e: sp.Max(*e)), "min": _folded(lambda sp, e: sp.Min(*e)),
    "logsumexp": _folded(lambda sp, e: sp.log(sp.Add(*map(sp.exp, e)))),
    "any": _folded(lambda sp, e: sp.Or(*[_truth(sp, v) for v in e])),
    "all": _folded(lambda sp, e: sp.And(*[_truth(sp, v) for v in e])),
    "pack": lambda sp, *entries: filled((len(entries),), [e[()] for e in entries]),
    "scatter": _scattered, "setitem": _assigned, "astype": _cast, "einsum": _einsum,
    "sparse_matmul": lambda sp, a, x, transposed: np.matmul(a.T if transposed else a, x),
    "convolve": lambda sp, a, v: np.convolve(a, v),
    "det": _per_matrix(lambda sp, a: a.det()), "inv": _per_matrix(lambda sp, a: a.inv()), "solve": _solved,
    "adjugate": _per_matrix(_adjugate), "norm_power": lambda sp, s, power: filled(
        s.shape, [e ** exact(sp, power) for e in s.ravel()]),
    "logabsdet": _per_matrix(lambda sp, a: sp.log(sp.Abs(a.det()))),
    "signdet": _per_matrix(lambda sp, a: sp.sign(a.det())),
    "cholesky": _per_matrix(lambda sp, a: sp.Matrix(*a.shape, lambda i, j: a[max(i, j), min(i, j)]).cholesky(False)),
}
