"""Every interval rule against independent truth: extended precision, SymPy at 40 digits, and the rows' own samples."""

import math

import numpy as np
import pytest
import scipy.sparse

import autodiff as ad  # noqa: F401 - registers all rows
from autodiff.interpreters.interval import DOMAINS, RULES, UNKNOWN
from autodiff.interpreters.interval_monotone import CURVES, EVEN, GAMMAS, STEADY, TURNING
from autodiff.intervals import Interval
from autodiff.primitive import PRIMITIVES

INF = np.inf
WIDE = np.finfo(np.longdouble).eps < 1e-18
EDGES = np.array([0.0, -0.0, 5e-324, -5e-324, 1e-310, 1e-200, 1e200, -1e200, 1.7e308, 1.0, -1.0, 0.5, 2.0, 3.0, 700.0,
                  -700.0, math.pi, 1 + 2.0**-52, 1 - 2.0**-53])


def rule(name):
    return RULES[PRIMITIVES[name]]


def at(*ends, name, **params) -> Interval:
    """The rule at boxes that are the last axis."""
    with np.errstate(all="ignore"):
        return rule(name)(*(Interval(lo[None, :], hi[None, :]) for lo, hi in ends), **params)


def points(domain, count: int, seed: int) -> np.ndarray:
    """Numbers of all sizes, near 1 and 0, and edges, inside a domain."""
    rng = np.random.default_rng(seed)
    near = [rng.standard_normal(count), 10 * rng.standard_normal(count), 1 + 1e-4 * rng.standard_normal(count)]
    far = np.exp(rng.uniform(-40, 5, count)) * rng.choice([-1, 1], count)
    x = np.concatenate([*near, far, rng.uniform(-1, 1, count), EDGES])
    box = Interval(x, x)
    return x[domain.holds(box)] if domain is not None else x


# --- extended precision ----------------------------------------------------------------------------------------------

LONG = {name: getattr(np, name) for name in (
    "exp exp2 expm1 log log2 log10 log1p cbrt sinh cosh tanh arcsin arccos arctan arcsinh arccosh arctanh sin cos tan "
    "sqrt floor ceil trunc rint").split()} | {"fabs": np.fabs, "square": np.square, "reciprocal": np.reciprocal}


def domain_of(name):
    for table in (CURVES, TURNING, EVEN):
        if name in table:
            return table[name].domain
    if name in GAMMAS:
        return CURVES["log"].domain
    return {"sqrt": CURVES["log"].domain, "reciprocal": CURVES["log"].domain}.get(name)


@pytest.mark.skipif(not WIDE, reason="long double is double here")
@pytest.mark.parametrize("name", LONG)
def test_rows_of_numpy_contain_extended_precision_and_are_tight(name):
    x = points(domain_of(name), 1500, 1)
    if name in ("sin", "cos", "tan"):
        x = x[np.abs(x) < 1e6]
    out = at((x, x), name=name)
    with np.errstate(all="ignore"):
        truth = LONG[name](x.astype(np.longdouble))
    fine = np.isfinite(truth)
    assert np.all(out.lo[0][fine] <= truth[fine]) and np.all(truth[fine] <= out.hi[0][fine])
    size = np.abs(truth)
    normal = fine & (size > 1e-290) & (size < 1e300)
    assert np.all((out.hi[0] - out.lo[0])[normal] <= 25 * np.finfo(float).eps * size[normal])


@pytest.mark.skipif(not WIDE, reason="long double is double here")
@pytest.mark.parametrize("name", LONG)
def test_rows_of_numpy_contain_all_values_of_random_boxes(name):
    rng = np.random.default_rng(2)
    x = points(domain_of(name), 400, 3)
    x = x[np.abs(x) < 1e5]
    lo, hi = np.sort([x, rng.permutation(x)], axis=0)
    near = rng.random(x.size) < 0.5
    with np.errstate(under="ignore"):
        hi = np.where(near, np.minimum(hi, lo + np.abs(lo) * 0.3 + 1e-3), hi)
    out = at((lo, hi), name=name)
    share = np.concatenate([np.linspace(0, 1, 33), rng.random(30)])[:, None].astype(np.longdouble)
    with np.errstate(all="ignore"):
        inner = np.clip(lo + share * (hi.astype(np.longdouble) - lo), lo, hi)
        truth = LONG[name](inner)
    truth = np.where(np.isfinite(truth), truth, out.lo)
    assert np.all(out.lo <= truth) and np.all(truth <= out.hi)


# --- SymPy at 40 digits -----------------------------------------------------------------------------------------------

SYMPY = {
    "exp10": "10**x", "exp": "exp(x)", "log": "log(x)", "tanh": "tanh(x)", "sin": "sin(x)", "cos": "cos(x)",
    "arctan": "atan(x)", "expit": "1/(1 + exp(-x))", "log_expit": "-log(1 + exp(-x))", "logit": "log(x) - log(1 - x)",
    "erf": "erf(x)", "erfc": "erfc(x)", "erfcx": "exp(x**2)*erfc(x)", "erfi": "erfi(x)", "erfinv": "erfinv(x)",
    "erfcinv": "erfinv(1 - x)", "ndtr": "erfc(-x/sqrt(2))/2", "ndtri": "sqrt(2)*erfinv(2*x - 1)",
    "exprel": "(exp(x) - 1)/x", "exp1": "expint(1, x)", "ellipk": "elliptic_k(x)", "ellipkm1": "elliptic_k(1 - x)",
    "ellipe": "elliptic_e(x)", "k0": "besselk(0, x)", "k1": "besselk(1, x)", "k0e": "exp(x)*besselk(0, x)",
    "k1e": "exp(x)*besselk(1, x)", "i0": "besseli(0, x)", "i1": "besseli(1, x)", "i0e": "exp(-Abs(x))*besseli(0, x)",
    "i1e": "exp(-Abs(x))*besseli(1, x)", "entr": "-x*log(x)", "gammaln": "loggamma(x)", "loggamma": "loggamma(x)",
    "gamma": "gamma(x)", "rgamma": "1/gamma(x)", "psi": "digamma(x)", "j0": "besselj(0, x)", "j1": "besselj(1, x)",
    "dawsn": "sqrt(pi)/2*exp(-x**2)*erfi(x)", "cosm1": "cos(x) - 1", "sindg": "sin(pi*x/180)",
    "cosdg": "cos(pi*x/180)", "deg2rad": "pi*x/180", "rad2deg": "180*x/pi", "log_ndtr": "log(erfc(-x/sqrt(2))/2)",
    "spence": "re(polylog(2, 1 - x))",
}


@pytest.mark.parametrize("name", SYMPY)
def test_rows_contain_sympy_at_40_digits(name):
    sympy = pytest.importorskip("sympy")
    mpmath = pytest.importorskip("mpmath")
    symbol = sympy.Symbol("x", real=True)
    exact = sympy.lambdify(symbol, sympy.sympify(SYMPY[name], {"x": symbol}), "mpmath")
    domain = domain_of(name)
    x = points(domain, 12, 5)
    x = x[(np.abs(x) < 25) & (np.abs(x) > 1e-15)]
    out = at((x, x), name=name)
    with mpmath.workdps(250 if "ndtr" in name else 60):      # (SymPy writes erfc(−x) as 2 − erfc(x))
        for value, lo, hi in zip(x, out.lo[0], out.hi[0], strict=True):
            truth = mpmath.re(exact(mpmath.mpf(float(value))))
            assert mpmath.mpf(float(lo)) <= truth <= mpmath.mpf(float(hi)), (value, lo, hi, truth)
            assert hi - lo <= 3e-12 * abs(float(truth)) + 5e-14, (value, lo, hi)


# --- what rises, falls and turns --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*CURVES, *TURNING, *GAMMAS, *EVEN, *STEADY])
def test_special_rows_contain_all_values_of_random_boxes(name):
    rng = np.random.default_rng(6)
    function = PRIMITIVES[name].evaluate
    domain = domain_of(name)
    x = points(domain, 300, 7)
    x = x[np.abs(x) < 30]
    lo, hi = np.sort([x, rng.permutation(x)], axis=0)
    near = rng.random(x.size) < 0.6
    with np.errstate(under="ignore"):
        hi = np.where(near, np.minimum(hi, lo + np.abs(lo) * 0.3 + 1e-3), hi)
    out = at((lo, hi), name=name)
    with np.errstate(all="ignore"):
        inner = np.clip(lo + np.linspace(0, 1, 65)[:, None] * (hi - lo), lo, hi)
        truth = function(inner)
        slack, known = 1e-13 * np.abs(truth), np.isfinite(truth)        # the truth is rounded itself
        assert not np.isnan(out).any()
        assert np.all((out.lo <= truth + slack)[known]) and np.all((truth - slack <= out.hi)[known])
    if name not in STEADY and CURVES.get(name, CURVES["exp"]).ulps:
        fine = known.all(axis=0) & (np.abs(out.lo[0]) < 1e300) & (np.abs(out.hi[0]) < 1e300)
        truth, lo, hi = truth[:, fine], out.lo[0, fine], out.hi[0, fine]
        least, most = truth.min(axis=0), truth.max(axis=0)
        size = 1e-11 + np.abs(least) + np.abs(most)
        spread = np.abs(np.diff(truth, axis=0)).max(axis=0)             # a turning point may lie between samples
        assert np.all(least - lo <= 1e-10 * size + spread) and np.all(hi - most <= 1e-10 * size + spread)


def test_turning_points_are_met_exactly():
    for name, least in (("gamma", 0.8856031944108887), ("gammaln", -0.12148629053584961)):
        out = at((np.array([0.3, 1.4, 1.47]), np.array([4.0, 1.5, 1.5])), name=name)
        assert np.allclose(out.lo[0, :2], least, rtol=1e-14) and out.lo[0, 2] > least
    out = at((np.array([0.1, 0.5, 0.0]), np.array([0.9, 0.9, 0.2])), name="entr")
    assert abs(out.hi[0, 0] - math.exp(-1)) < 1e-15 and out.hi[0, 1] < 0.35 and out.lo[0, 2] == 0
    out = at((np.array([0.1, 1.5, 3.0, -4.0]), np.array([3.0, 1.6, 4.0, 4.0])), name="sin")
    assert out.hi[0, 0] == 1 and out.hi[0, 1] == 1 and out.hi[0, 2] < 0.15
    assert (out.lo[0, 3], out.hi[0, 3]) == (-1, 1)
    out = at((np.array([-1.0, 2.0]), np.array([2.0, 3.0])), name="cosh")
    assert out.lo[0, 0] == 1 and out.lo[0, 1] > 3.7
    out = at((np.array([-1.0]), np.array([2.0])), name="square")
    assert (out.lo, out.hi) == (0, 4)


@pytest.mark.parametrize(("name", "ends", "expected"), [
    ("exp", (-INF, INF), (0, INF)), ("exp", (800.0, INF), (1.7976931348623e308, INF)), ("exp", (-INF, 0.0), (0, 1)),
    ("exp", (-800.0, -800.0), (0, 1e-300)), ("log", (0.0, 1.0), (-INF, 0)), ("log", (1.0, INF), (0, INF)),
    ("log", (-1.0, 1.0), (-INF, 0)), ("sqrt", (-1.0, 4.0), (0, 2)), ("arctanh", (-1.0, 1.0), (-INF, INF)),
    ("tanh", (-INF, INF), (-1, 1)), ("cosh", (-INF, INF), (1, INF)), ("sin", (-INF, INF), (-1, 1)),
    ("tan", (1.0, 2.0), (-INF, INF)), ("erf", (-INF, INF), (-1, 1)), ("expit", (-INF, INF), (0, 1)),
    ("reciprocal", (0.0, 4.0), (0.25, INF)), ("square", (-INF, 2.0), (0, INF)), ("gamma", (0.0, INF), (0.885, INF)),
    ("j0", (-INF, INF), (-0.40276, 1)), ("reciprocal_or_zero", (0.0, 0.0), (0, 0))])
def test_ends_at_infinity_and_at_the_edge_of_the_domain(name, ends, expected):
    out = at((np.array([ends[0]]), np.array([ends[1]])), name=name)
    lo, hi = out.lo.item(), out.hi.item()
    assert lo == pytest.approx(expected[0], rel=1e-3) and hi == pytest.approx(expected[1], rel=1e-3, abs=1e-300)


@pytest.mark.parametrize(("name", "x", "inside"), [
    ("log", (0.0, 1.0), False), ("log", (1e-300, 1.0), True), ("sqrt", (0.0, 1.0), True),
    ("sqrt", (-1e-300, 1.0), False), ("rgamma", (-1.0, 1.0), True), ("gamma", (-0.9, -0.1), True),
    ("arcsin", (-1.0, 1.0), True), ("arccosh", (0.5, 2.0), False),
    ("reciprocal", (0.0, 1.0), False), ("tan", (1.0, 2.0), False), ("gammaln", (0.5, 2.0), True),
    ("psi", (0.0, 1.0), False)])
def test_domains(name, x, inside):
    box, domain = Interval(np.array([[x[0]]]), np.array([[x[1]]])), DOMAINS.get(PRIMITIVES[name])
    assert (domain is None or domain(box).all()) == inside


def test_powers():
    x = (np.array([-2.0, 0.0, 1.5, -3.0]), np.array([3.0, 2.0, 2.0, -1.0]))

    def power(p):
        exponent = np.full(4, float(p))
        one = Interval(exponent[None], exponent[None])
        with np.errstate(all="ignore"):
            return rule("power")(Interval(x[0][None], x[1][None]), Interval(one.lo, one.lo))
    for p, lo, hi in ((2, [0, 0, 2.25, 1], [9, 4, 4, 9]), (3, [-8, 0, 3.375, -27], [27, 8, 8, -1]),
                      (0, [1] * 4, [1] * 4), (-1, [-INF, 0.5, 0.5, -1], [INF, INF, 2 / 3, -1 / 3]),
                      (-2, [1 / 9, 0.25, 0.25, 1 / 9], [INF, INF, 4 / 9, 1])):
        out = power(p)
        assert np.allclose(out.lo[0], lo, rtol=1e-14) and np.allclose(out.hi[0], hi, rtol=1e-14), p
    half = power(0.5)
    assert half.lo[0, 0] == 0 and np.isnan(half.lo[0, 3]) and half.hi[0, 1] >= math.sqrt(2)
    with np.errstate(all="ignore"):
        exponents = Interval(np.array([[1.5, -0.5, 0.0, 2.5]]), np.array([[2.5, 0.5, 1.0, 2.5]]))
        out = rule("power")(Interval(np.array([[0.5] * 4]), np.array([[2.0] * 4])), exponents)
    for k in range(4):
        grid = np.linspace(0.5, 2, 41)[:, None] ** np.linspace(exponents.lo[0, k], exponents.hi[0, k], 41)
        assert out.lo[0, k] <= grid.min() and grid.max() <= out.hi[0, k] <= grid.max() * (1 + 1e-13)


@pytest.mark.parametrize(("name", "x", "y"), [
    ("rel_entr", (0.01, 2.0), (0.5, 3.0)), ("rel_entr", (0.0, 0.1), (0.5, 0.5)), ("kl_div", (0.1, 2.0), (0.5, 3.0)),
    ("kl_div", (0.1, 0.4), (0.5, 3.0)), ("kl_div", (3.0, 5.0), (0.5, 1.5)), ("xlogy", (-1.0, 2.0), (0.5, 3.0)),
    ("hypot", (-1.0, 2.0), (-3.0, 1.0)), ("arctan2", (-1.0, 2.0), (0.5, 1.0)), ("arctan2", (0.5, 2.0), (-1.0, 1.0)),
    ("huber", (0.5, 1.5), (-2.0, 1.0)), ("pseudo_huber", (0.5, 1.5), (-2.0, 1.0)),
    ("soft_ramp", (0.5, 1.5), (-2.0, 1.0)), ("logaddexp", (-3.0, 2.0), (-1.0, 4.0)), ("betaln", (0.5, 2.0), (1.0, 3.0)),
    ("copysign", (-1.0, 2.0), (-1.0, -0.5))])
def test_rows_of_two_arguments_have_the_range_of_a_fine_grid(name, x, y):
    out = at(*((np.array([ends[0]]), np.array([ends[1]])) for ends in (x, y)), name=name)
    grid = np.meshgrid(np.linspace(*x, 401), np.linspace(*y, 401))
    with np.errstate(all="ignore"):
        values = PRIMITIVES[name].evaluate(*grid)
    assert out.lo.item() <= values.min() + 1e-14 and values.max() - 1e-14 <= out.hi.item()
    assert values.min() - out.lo.item() <= 0.02 and out.hi.item() - values.max() <= 0.02


# --- the whole table --------------------------------------------------------------------------------------------------


def test_every_primitive_has_a_rule_or_is_unknown_on_purpose():
    ruled = {prim.name for prim in RULES if PRIMITIVES.get(prim.name) is prim}
    assert ruled | UNKNOWN | {"input", "checkpoint"} == set(PRIMITIVES)
    assert not ruled & UNKNOWN


def _cases():
    for name, prim in PRIMITIVES.items():
        if prim in RULES:
            for k, sample in enumerate(prim.samples):
                args, params = sample if isinstance(sample[-1], dict) and isinstance(sample[0], tuple) else (sample, {})
                yield pytest.param(prim, args, params, id=f"{name}-{k}")


WHOLE = {"exp_moment", "log_moment", "scaled_erfc", "zeta_change", "kn", "expn", "kv", "kve", "gather", "scatter_at",
         "assign_at", "last_write", "zeta"}         # leading or trailing inputs are orders and places, and stay


def _moves(prim, k: int, a) -> bool:
    if scipy.sparse.issparse(a) or np.asarray(a).dtype.kind in "iub":
        return False
    return not (prim.name in WHOLE and (k == 0) == (prim.name not in ("gather", "scatter_at", "assign_at")) and
                np.ndim(a) == 0)


@pytest.mark.parametrize(("prim", "args", "params"), list(_cases()))
@pytest.mark.parametrize("radius", [0.0, 1e-3, 0.1])
def test_values_at_points_of_boxes_around_the_samples_are_contained(prim, args, params, radius):
    """Three boxes; the value of the row itself, which is rounded, at corners and at random points of each."""
    if any(np.asarray(a).dtype.kind == "c" for a in args if not scipy.sparse.issparse(a)):
        pytest.skip("complex")
    rng = np.random.default_rng(8)
    moving = [_moves(prim, k, a) for k, a in enumerate(args)]
    shifts = [rng.uniform(-1e-3, 1e-3, 3) if m else np.zeros(3) for m in moving]

    def box(a, shift, moves):
        if scipy.sparse.issparse(a):
            return a
        a = np.asarray(a)
        if not moves:
            end = (a if a.dtype == bool else a.astype(float))[..., None, None]
            return Interval(end, end)
        centre = a[..., None, None] + shift
        return Interval(centre - radius, centre + radius)
    with np.errstate(all="ignore"):
        out = RULES[prim](*map(box, args, shifts, moving), **params)
    outs = [out] if type(out) is Interval else list(out)
    shapes = prim.shape(*[a if hasattr(a, "shape") else np.asarray(a) for a in args], **params)[0]
    for part, shape in zip(outs, [shapes] if type(out) is Interval else shapes, strict=True):
        assert np.broadcast_shapes(part.shape[:-2], shape) == shape
    for b in range(3):
        for trial in range(8):
            corner = rng.choice([-1.0, 1.0]) if trial < 4 else None
            inner = [np.asarray(a) + s[b] + radius * (
                rng.choice([-1.0, 1.0], np.shape(a)) if corner else rng.uniform(-1, 1, np.shape(a))) if m else a
                for a, s, m in zip(args, shifts, moving, strict=True)]
            if prim.name in ("cholesky", "eigh"):
                half = np.triu if params.get("uplo") == "U" else np.tril
                inner = [half(inner[0]) + np.swapaxes(half(inner[0], 1 if half is np.triu else -1), -1, -2)]
            with np.errstate(all="ignore"):
                value = prim.evaluate(*inner, **params)
            for part, truth in zip(outs, [value] if type(out) is Interval else value, strict=True):
                lo, hi = (np.broadcast_to(end, (*end.shape[:-1], 3))[..., 0, b] for end in part)
                truth = np.asarray(truth, float)
                slack = 1e-9 * np.abs(truth) + 1e-12
                fine = np.isfinite(truth)
                assert np.all((lo <= truth + slack) | ~fine) and np.all((truth - slack <= hi) | ~fine)
                if radius == 0 and prim.name not in ("eigh", "argpartition", "lexsort", *GAMMAS):
                    assert np.all(((hi - lo if lo.dtype == float else hi ^ lo) <= 1e-8 * (1 + np.abs(truth))) | ~fine)
