"""Every public function of NumPy: differentiable, piecewise constant, refused with a remedy, or not numeric."""

import warnings

import numpy as np
import pytest

from .coverage import (
    Tables,
    behaviour,
    check_constant,
    check_differentiable,
    check_refused,
    complete,
    public,
    unclassified,
)

RNG = np.random.default_rng(3)
V = np.array([0.7, -1.2, 0.4])
X = np.array([0.55, 1.45, -2.2, 0.3])
M = np.array([[0.5, -1.0, 2.0], [1.5, 0.3, -0.7]])
S = np.array([[2.0, 0.3, -0.5], [0.1, 1.5, 0.4], [-0.2, 0.6, 3.0]])
T = RNG.standard_normal((2, 3, 4))
POINT = np.float64(0.8)
HOLE = np.array([[0.0, np.nan, 1.0], [0.0, 0.0, np.nan]])
UNIT, ABOVE = np.array([-0.6, 0.2, 0.7]), np.array([1.2, 1.9, 3.3])


def written(write):
    """A function that makes a buffer of x, writes into it, and returns it."""
    def f(x, *more):
        y = x * 2.0
        write(y, x, *more)
        return y
    return f


def each(names, make):
    """name -> the case that `make` makes of the function."""
    return {name: make(getattr(np, name)) for name in names.split()}


def quiet(f):
    """The same without the warnings of what is deprecated."""
    def g(x):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return f(x)
    return g


ELEMENTWISE = {
    **each("absolute arctan arcsinh cbrt conjugate cos cosh deg2rad degrees exp exp2 expm1 fabs negative "
           "positive rad2deg radians reciprocal sin sinh square tan tanh i0 sinc", lambda f: (f, V)),
    **each("log log10 log1p log2 sqrt", lambda f: (f, np.abs(V))), **each("arccos arcsin arctanh", lambda f: (f, UNIT)),
    "arccosh": (np.arccosh, ABOVE),
    **each("add arctan2 copysign divide fmax fmin hypot logaddexp logaddexp2 maximum minimum multiply subtract",
           lambda f: (f, M, V[::-1] + 0.17)),
    **each("power float_power", lambda f: (f, np.abs(M), V + 2)),
    **each("remainder fmod", lambda f: (f, 3.37 * M, np.array([0.9]))),
    "divmod": (np.divmod, 3.37 * M, np.array([0.9])), "modf": (np.modf, 1.3 * M),
    "frexp": (lambda x: np.frexp(x)[0], 1.3 * M),
    "ldexp": (lambda x: np.ldexp(x, [1, 0, -3]), V), "nextafter": (lambda x: np.nextafter(x, 2.0), V),
    "heaviside": (lambda h: np.heaviside(np.array([-1.0, 0.0, 2.0]), h), V), "matmul": (np.matmul, M, S),
    "vecdot": (np.vecdot, M, V), "matvec": (np.matvec, M, V), "vecmat": (np.vecmat, V[:2], M),
    "nan_to_num": (lambda x: np.nan_to_num(x + HOLE, nan=7.0), M),
    "clip": (lambda x: np.clip(x, -0.8, [1.2, 0.2, 1.0]), M),
    "real": (np.real, V), "real_if_close": (np.real_if_close, V)}
REDUCTIONS = {
    **each("sum prod max amax min amin mean var std median ptp", lambda f: [
        (f, M), (lambda x: f(x, axis=(0, -1), keepdims=True), T), (lambda x: f(x, axis=1, keepdims=False), T)]),
    "average": [(lambda a, w: np.average(a, 1, w, returned=True), M, V + 3),
                (lambda a, w: np.average(a, axis=(0, 2), weights=w), T, np.abs(T[:, 0]) + 1),
                (lambda a: np.average(a, axis=0, returned=True, keepdims=True), M)],
    **each("nansum nanprod nanmax nanmin nanmean nanvar nanstd nanmedian", lambda f: [
        (lambda x: f(x + HOLE), M), (lambda x: f(x + HOLE, axis=1, keepdims=True), M)]),
    **each("quantile percentile", lambda f: [
        (lambda x: f(x, 0.3), M), (lambda x: f(x, [[0.1, 0.9]]), M),
        (lambda x: f(x, [0.2, 0.61], 1, keepdims=True), M)]),
    **each("nanquantile nanpercentile", lambda f: [
        (lambda x: f(x, 0.3), M), (lambda x: f(x + HOLE, [0.2, 0.61], axis=1, keepdims=True), M)]),
    **{f"{name}: {method}": (lambda x, method=method: np.quantile(x, [0.0, 0.2, 0.61, 1.0], method=method), X)
       for name in ("quantile",) for method in (
           "inverted_cdf averaged_inverted_cdf closest_observation interpolated_inverted_cdf hazen weibull linear "
           "median_unbiased normal_unbiased lower higher midpoint nearest").split()},
    **each("cumsum cumprod nancumsum nancumprod", lambda f: [(f, M), (lambda x: f(x, axis=1), T)]),
    **each("cumulative_sum cumulative_prod", lambda f: (lambda x: f(x, axis=1, include_initial=True), M)),
    "cov": [(np.cov, M), (lambda a, b: np.cov(a, b, rowvar=False, ddof=0), M, M[:, :1] * 2),
            (lambda a, w: np.cov(a, aweights=w, fweights=[1, 2, 1]), M, V + 3), (np.cov, V)],
    "corrcoef": [(np.corrcoef, RNG.standard_normal((3, 5))), (lambda a: np.corrcoef(a, rowvar=False), S)]}
PRODUCTS = {
    "dot": [(np.dot, M, V), (np.dot, M, T.transpose(2, 1, 0))], "vdot": (np.vdot, M, M + 1), "inner": (np.inner, M, V),
    "outer": (np.outer, V, M), "tensordot": (np.tensordot, M, T.transpose(0, 1, 2)), "kron": (np.kron, M, V),
    "cross": [(np.cross, M, V), (lambda a, b: np.cross(a, b, axis=0), M.T[:, :1] * V[:1], M.T[:, 1:])],
    "einsum": [(lambda a, b: np.einsum("ij,kj->ik", a, b, optimize=True), M, S),
               (lambda a, b: np.einsum(a, [Ellipsis, 1, 0], b, [0], [Ellipsis, 1]), M, V)],
    "trace": [(np.trace, S), (lambda x: np.trace(x, 1, 2, 0), T)], "convolve": [
        (lambda a, b, m=m: np.convolve(a, b, m), X, V) for m in ("full", "same", "valid")],
    "correlate": [(lambda a, b, m=m: np.correlate(a, b, m), a, b) for m in ("full", "same", "valid")
                  for a, b in ((X, V), (V, X), (V, V[:2]), (V[:2], V))]}
LAYOUT = {
    "reshape": (lambda x: np.reshape(x, (3, 2), order="F"), M),
    "ravel": [(np.ravel, M), (lambda x: np.ravel(x, "F"), M)],
    "transpose": (lambda x: np.transpose(x, (2, 0, 1)), T), "matrix_transpose": (np.matrix_transpose, T),
    "swapaxes": (lambda x: np.swapaxes(x, 0, -1), T), "moveaxis": (lambda x: np.moveaxis(x, (0, 1), (-1, 0)), T),
    "rollaxis": (lambda x: np.rollaxis(x, 2, 1), T), "squeeze": (lambda x: np.squeeze(x[None]), M),
    "expand_dims": (lambda x: np.expand_dims(x, (0, 2)), M), "broadcast_to": (lambda x: np.broadcast_to(x, (2, 3)), V),
    "broadcast_arrays": (lambda x, y: np.broadcast_arrays(x, y), M, V), "atleast_1d": (np.atleast_1d, POINT),
    "atleast_2d": (lambda x, y: np.atleast_2d(x, y), V, M), "atleast_3d": [(np.atleast_3d, V), (np.atleast_3d, M)],
    "concatenate": (lambda x, y: np.concatenate([x, y], axis=None), M, V),
    "stack": (lambda x: np.stack([x, x ** 2], -1), V),
    "vstack": (lambda x, y: np.vstack([x, y]), M, V), "hstack": (lambda x: np.hstack([x, x[:, :1]]), M),
    "dstack": (lambda x: np.dstack([x, x ** 2]), V), "column_stack": (lambda x: np.column_stack([x, x ** 2]), V),
    "block": [(lambda x, y: np.block([[x, y[:2, None]], [y[None, :], 2.0]]), M, V),
        (lambda x: np.block([x, 1.0, x[:1]]), V)],
    "append": (lambda x, y: np.append(x, y), M, V), "split": (lambda x: np.split(x, [1, 3]), X),
    "array_split": (lambda x: np.array_split(x, 3), X), "hsplit": (lambda x: np.hsplit(x, 3), M),
    "vsplit": (lambda x: np.vsplit(x, 2), M), "dsplit": (lambda x: np.dsplit(x, [1]), T), "unstack": (np.unstack, M),
    "insert": [(lambda x, y: np.insert(x, [0, -1], y, axis=1), M, V[:2]), (lambda x: np.insert(x, 2, 5.0), X),
               (lambda x: np.insert(x, slice(0, 2), x[:2]), X),
               (lambda x: np.insert(x, [1], [[7.0], [8.0]], axis=1), M)],
    "delete": [(lambda x: np.delete(x, [0, -1]), X), (lambda x: np.delete(x, slice(0, 3, 2), axis=1), M)],
    "repeat": (lambda x: np.repeat(x, [1, 0, 2], axis=1), M), "tile": (lambda x: np.tile(x, (2, 1, 2)), M),
    "resize": (lambda x: np.resize(x, (3, 3)), M), "flip": (np.flip, M), "fliplr": (np.fliplr, M),
    "flipud": (np.flipud, M),
    "rot90": [(lambda x, k=k: np.rot90(x, k, (1, 2)), T) for k in range(4)],
    "roll": (lambda x: np.roll(x, (1, 2), (0, 1)), M),
    "diag": [(np.diag, V), (lambda x: np.diag(x, 1), S)], "diagflat": (np.diagflat, M),
    "diagonal": (lambda x: np.diagonal(x, 1, 2, 0), T), "tril": [(lambda x: np.tril(x, 1), T), (np.tril, V)],
    "triu": (np.triu, S), "vander": (lambda x: np.vander(x, 4, increasing=True), V),
    "meshgrid": (lambda x, y: np.meshgrid(x, y, indexing="ij"), V, X), "ix_": (lambda x: np.ix_(x, x)[1], V),
    "pad": [(lambda x: np.pad(x, ((1, 2), (0, 1)), constant_values=((3.0, 4.0),)), M)] + [
        (lambda x, m=m: np.pad(x, ((1, 2), (4, 5)), m), M)
        for m in ("edge", "linear_ramp", "maximum", "mean", "median", "minimum", "reflect", "symmetric", "wrap")] + [
        (lambda x, m=m: np.pad(x, (7, 5), m, reflect_type="odd"), V) for m in ("reflect", "symmetric")],
    "trim_zeros": (lambda x: np.trim_zeros(np.maximum(x, 0.0)), np.array([-1.0, 2.0, -1.0, 3.0, -0.5])),
    "copy": (np.copy, M), "astype": (lambda x: np.astype(x, np.float64), M),
    "full_like": (lambda x: np.full_like(M, x[0]), V),
    "full": (lambda x: np.full((2, 2), x[0]), V), "array": (lambda x: np.array([[x[0], 1.0], [x[1], x[2]]]), V),
    "asarray": (lambda x: np.asarray(x), V), "asanyarray": (lambda x: np.asanyarray(x), V),
    "ascontiguousarray": (lambda x: np.ascontiguousarray(x), V),
    "asarray_chkfinite": (lambda x: np.asarray_chkfinite(x), V),
    "fromiter": (lambda x: np.fromiter((v * v for v in x), float), V),
    "asfortranarray": (lambda x: np.asfortranarray(x).ravel("F"), M),
    "require": (lambda x: np.require(x, float, "C"), V),
    **({"row_stack": (quiet(lambda x: np.__dict__["row_stack"]([x, x ** 2])), V)} if hasattr(np, "row_stack") else {}),
    "r_": (lambda x: np.r_[x, 1.0, x[0]], V), "c_": (lambda x: np.c_[x, x ** 2], V)}
GATHERS = {
    "take": [(lambda x, m=m: np.take(x, [2, -1, 0], axis=1, mode=m), M) for m in ("raise", "wrap", "clip")] + [
        (lambda x: np.take(x, np.argsort(x)), X)],
    "take_along_axis": (lambda x: np.take_along_axis(x, np.argsort(x, 1), 1), M),
    "compress": (lambda x: np.compress([True, False, True], x, axis=1), M),
    "extract": (lambda x: np.extract(x > 0, x), M),
    "choose": (lambda x, y: np.choose([0, 1, 1, 0], [x, y]), X, X ** 2),
    "select": (lambda x: np.select([x > 1, x > 0], [x ** 2, x ** 3], -x), M),
    "piecewise": [(lambda x: np.piecewise(x, [x < 0, x > 1], [lambda t: t ** 2, 7.0, np.sin]), M),
                  (lambda x: np.piecewise(x, x < 0, [np.sin, np.cos]), V),
                  (lambda x: np.piecewise(x, [x < 0, x > 0], [np.sin, np.cos]), POINT)],
    "where": (lambda x: np.where(x > 0, x, -2 * x), M), "sort": [(np.sort, X), (lambda x: np.sort(x, axis=0), M)],
    "partition": (lambda x: np.partition(x, 2), X), "unique": (np.unique, X), "unique_values": (np.unique_values, X),
    "unique_all": (lambda x: np.unique_all(x).values, X), "unique_counts": (lambda x: np.unique_counts(x)[0], X),
    "unique_inverse": (lambda x: np.unique_inverse(x)[0], X), "union1d": (lambda x, y: np.union1d(x, y), X, V),
    "intersect1d": (lambda x: np.intersect1d(x, np.concatenate([x[:2], V])), X), "setdiff1d": (np.setdiff1d, X, V),
    "setxor1d": (np.setxor1d, X, V), "put": (written(lambda y, x: np.put(y, [0, 2], x[1:])), X),
    "put_along_axis": (written(lambda y, x: np.put_along_axis(y, np.argsort(x, 1)[:, :1], x[:, :1] ** 2, 1)), M),
    "place": (written(lambda y, x: np.place(y, x > 0, x[:1, :2] ** 2)), M), "copyto": (
        written(lambda y, x: np.copyto(y, x ** 2, where=x > 0)), M),
    "putmask": (written(lambda y, x: np.putmask(y, x > 0, x ** 2)), M),
    "fill_diagonal": (written(lambda y, x: np.fill_diagonal(y, x[0] ** 2)), S)}
SEQUENCES = {
    "diff": (lambda x: np.diff(x, 2, axis=1, prepend=0.0), M), "trapezoid": [
        (lambda y, x: np.trapezoid(y, x), M, np.array([0.0, 0.3, 1.1])),
        (lambda y: np.trapezoid(y, dx=0.3, axis=1), T)],
    "ediff1d": (lambda x: np.ediff1d(x, to_begin=x[:1], to_end=[1.0, 2.0]), X), "gradient": [
        (np.gradient, T), (lambda f, h: np.gradient(f, h, axis=1, edge_order=2), S, np.array([0.0, 0.3, 1.1])),
        (lambda f, h: np.gradient(f, h, [0.0, 0.3, 1.1], axis=(2, 1)), T, POINT)],
    "interp": [(lambda x, a, b: np.interp(x, a, b), X, np.array([-1.0, 0.2, 1.0]), V),
               (lambda x, b: np.interp(x, [-0.9, 0.2, 0.8], b, period=2.0), X, V),
               (lambda x, c: np.interp(x, [-1.0, 0.2, 1.0], V, left=c, right=c ** 2), X, POINT)],
    "unwrap": [(np.unwrap, np.array([0.0, 3.0, 7.0, 1.0, -4.0, 8.0])), (lambda x: np.unwrap(x, 0.7, 0, period=1.0), T)],
    "linspace": [(lambda a, b: np.linspace(a, b, 5, retstep=True), POINT, V),
        (lambda a: np.linspace(0.0, a, 4, False), POINT)],
    "logspace": (lambda a, b: np.logspace(a, 2.0, 4, base=b), V, POINT), "geomspace": (
        lambda a, b: np.geomspace(a, b, 4, axis=1), -np.abs(V), -np.array([3.0, 5.0, 1.0])),
    "histogram": [(lambda x: np.histogram(x, 3)[1], X),
        (lambda x, w: np.histogram(x, [-3.0, 0.0, 0.5, 2.0], weights=w), X, X ** 2),
                  (lambda x, w: np.histogram(x, 3, weights=w, density=True), X, X ** 2)],
    "histogram_bin_edges": (lambda x: np.histogram_bin_edges(x, 3), X),
    "histogram2d": (lambda x, y, w: np.histogram2d(x, y, 3, weights=w), X, X[::-1] ** 2, X ** 2),
    "histogramdd": (lambda x, w: np.histogramdd(x, (2, 3, 2), weights=w, density=True), T.reshape(-1, 3),
        RNG.random(8) + 1),
    "bincount": (lambda w: np.bincount([0, 2, 2, 1], w, minlength=5), X),
    "kaiser": (lambda b: np.kaiser(5, b), POINT),
    "apply_along_axis": [(lambda x: np.apply_along_axis(lambda r: np.outer(r, r), 1, x), T),
                         (lambda x: np.apply_along_axis(np.sum, 0, x), T)],
    "apply_over_axes": (lambda x: np.apply_over_axes(np.sum, x, [0, 2]), T),
    "vectorize": [(lambda x: np.vectorize(lambda t, u: t ** 2 + u)(x, 1.0), M),
        (lambda x: np.vectorize(divmod)(x, 0.73), M)],
    "ndenumerate": (lambda x: sum((i + 2 * j) * v for (i, j), v in np.ndenumerate(x)), M)}
POLYNOMIALS = {
    "polyval": (np.polyval, V, X), "poly1d": (lambda p: np.poly1d(p).deriv()(p[0]), V), "polyadd": (np.polyadd, V, X),
    "polysub": (np.polysub, X, V), "polymul": (np.polymul, V, X),
    "polydiv": (np.polydiv, X, V[:2]), "polyder": (lambda p: np.polyder(p, 2), X), "polyint": (
        lambda p, k: np.polyint(p, 2, k), X, V[:2]), "poly": (np.poly, V),
        "roots": (np.roots, np.array([1.0, -0.5, -2.0, 0.3])),
    "polyfit": [(lambda x, y: np.polyfit(x, y, 2), X, np.cos(X)),
                (lambda y: np.polyfit(X, y, 1, w=[1.0, 2.0, 1.0, 0.5], cov=True), np.cos(X))]}
DIFFERENTIABLE = ELEMENTWISE | REDUCTIONS | PRODUCTS | LAYOUT | GATHERS | SEQUENCES | POLYNOMIALS

CONSTANT = {
    **each("ceil floor trunc rint sign signbit spacing isfinite isinf isnan logical_not isposinf isneginf "
           "fix round around any all argmax argmin argsort nanargmax nanargmin count_nonzero nonzero "
           "argwhere flatnonzero isreal iscomplex isrealobj iscomplexobj imag angle zeros_like ones_like",
           lambda f: (f, V)),
    **each("equal greater greater_equal less less_equal not_equal logical_and logical_or logical_xor floor_divide",
           lambda f: (lambda x: f(x, 0.3), V)),
    **each("bitwise_and bitwise_or bitwise_xor", lambda f: (lambda x: f(x > 0, x < 0.5), V)),
    "invert": (lambda x: np.invert(x > 0), V),
    **each("gcd lcm left_shift right_shift", lambda f: (lambda x: f(np.floor(x).astype(int), np.array([1, 2, 3])),
        ABOVE)),
    "bitwise_count": (lambda x: np.bitwise_count(np.floor(x).astype(int)), ABOVE),
    "argpartition": (lambda x: np.argpartition(x, 1), V), "lexsort": (lambda x: np.lexsort((x, x > 0)), V),
    "searchsorted": (lambda x: np.searchsorted([0.0, 0.5], x, "right"), V), "digitize": [
        (lambda x: np.digitize(x, [0.0, 0.5]), V), (lambda x: np.digitize(V, np.sort(x)[::-1], right=True), V)],
    "isin": (lambda x: np.isin(x, [0.7, 0.4]), V), "isclose": (lambda x: np.isclose(x, 0.7), V),
    "allclose": (lambda x: np.allclose(x, V, equal_nan=True) * 2.0, V),
    "array_equal": (lambda x: np.array_equal(x, V) * 2.0, V),
    "array_equiv": (lambda x: np.array_equiv(x, V[None]) * 2.0, V),
    "empty_like": (lambda x: np.empty_like(x).shape[0], V),
    "heaviside: step": (lambda x: np.heaviside(x, 0.5), V), "frexp: exponent": (lambda x: np.frexp(x)[1], V),
    "ravel_multi_index": (lambda x: np.ravel_multi_index((np.argsort(x), np.argsort(-x)), (3, 3)), V),
    "unravel_index": (lambda x: np.unravel_index(np.argmax(x), (3, 1)), V),
    "diag_indices_from": (lambda x: np.diag_indices_from(x), S),
    "tril_indices_from": (lambda x: np.tril_indices_from(x), S),
    "triu_indices_from": (lambda x: np.triu_indices_from(x), S), "packbits": (lambda x: np.packbits(x > 0), V),
    "unpackbits": (lambda x: np.unpackbits(np.packbits(x > 0)), V)}

REFUSED = {
    "sort_complex": (np.sort_complex, V, r"np\.sort"), "arange": (lambda x: np.arange(x[0]), V, r"np\.linspace"),
    "packbits: floats": (np.packbits, V, "do not depend on x"),
    "bitwise_count: floats": (np.bitwise_count, V, r"np\.floor"),
    "array2string": (np.array2string, V, "print"), "array_repr": (np.array_repr, V, "print"),
    "array_str": (np.array_str, V, "print"), "save": (lambda x: np.save("nowhere", x), V, "stop_gradient"),
    "savetxt": (lambda x: np.savetxt("nowhere", x), V, "stop_gradient"),
    "savez": (lambda x: np.savez("nowhere", x), V, "stop_gradient"),
    "savez_compressed": (lambda x: np.savez_compressed("nowhere", x), V, "stop_gradient"),
    "frompyfunc": (lambda x: np.frompyfunc(lambda t: t * 2, 1, 1)(x), V, "NumPy operations"),
    "nditer": (lambda x: sum(v for v in np.nditer(x)), V, "ndindex"),
    "broadcast": (lambda x: np.broadcast(x, x), V, "broadcast_arrays"),
    "nested_iters": (lambda x: np.nested_iters(x, [[0], [1]]), M, "ndindex"),
    "matrix": (quiet(lambda x: np.matrix(x)), S, "two-dimensional"),
    "asmatrix": (quiet(lambda x: np.asmatrix(x)), S, "two-dimensional"),
    "bmat": (quiet(lambda x: np.bmat([[x, x]])), S, "np.block"), "bincount: floats": (np.bincount, V, r"np\.floor"),
    "pad: function": (lambda x: np.pad(x, 1, lambda *a: None), V, "constant"),
    "quantile: weights": (lambda x: np.quantile(x, 0.5, weights=V + 2, method="inverted_cdf"), V, "argsort"),
    "histogram: rule": (lambda x: np.histogram(x, "auto")[1], V, "number of bins"),
    "add: out": (lambda x: np.add(x, 1, out=np.arange(3.0)), V, "np.zeros")}
NOT_NUMERIC = {
    "shapes, slices and buffers":
        "broadcast_shapes diag_indices empty eye fromfunction identity index_exp indices isfortran isscalar "
        "iterable mask_indices mgrid ndim ndindex ogrid ones s_ shape size tri tril_indices triu_indices "
        "zeros may_share_memory shares_memory einsum_path",
    "windows of a given length":
        "bartlett blackman hamming hanning",
    "kinds of numbers":
        "bool bool_ byte bytes_ cdouble character clongdouble complex128 complex256 complex64 complexfloating "
        "csingle double flexible float128 float16 float32 float64 floating generic half inexact int16 int32 "
        "int64 int8 int_ intc integer intp long longdouble longlong number object_ short signedinteger single "
        "str_ ubyte uint uint16 uint32 uint64 uint8 uintc uintp ulong ulonglong unsignedinteger ushort void",
    "dtype tools":
        "can_cast common_type dtype finfo iinfo isdtype issubdtype min_scalar_type mintypecode promote_types "
        "result_type typename",
    "dates":
        "busday_count busday_offset busdaycalendar datetime64 datetime_as_string datetime_data is_busday "
        "isnat timedelta64",
    "classes":
        "flatiter memmap ndarray recarray record ufunc",
    "text, files and bytes":
        "base_repr binary_repr format_float_positional format_float_scientific from_dlpack frombuffer "
        "fromfile fromregex fromstring genfromtxt load loadtxt",
    "settings":
        "errstate get_include get_printoptions getbufsize geterr geterrcall info printoptions "
        "set_printoptions setbufsize seterr seterrcall show_config show_runtime test"}
TABLES = Tables(DIFFERENTIABLE, CONSTANT, REFUSED, NOT_NUMERIC)
test_complete = complete(np, TABLES)
test_differentiable, test_constant, test_refused = behaviour(TABLES)


def test_a_new_function_is_missed():
    fewer = Tables({k: v for k, v in DIFFERENTIABLE.items() if k != "cumsum"}, CONSTANT, REFUSED, NOT_NUMERIC)
    assert unclassified(np, fewer) == ["cumsum"]
    assert {"sum", "sin", "r_", "poly1d"} <= public(np).keys() and not {"pi", "linalg"} & public(np).keys()


def test_a_wrong_class_is_noticed():
    with pytest.raises(AssertionError, match="zero"):
        check_differentiable(np.floor, V)
    with pytest.raises(AssertionError, match="Not equal"):
        check_constant(np.sin, V)
    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        check_refused(np.sin, V, "")
