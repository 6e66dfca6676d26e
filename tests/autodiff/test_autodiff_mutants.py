"""Each row's derivative, made wrong on purpose in every way we can think of: check_grads notices."""

import numpy as np
import pytest

import autodiff as ad
from autodiff.interpreters.forward import bind_item
from autodiff.primitive import PRIMITIVES, bind

UNUSED = {"getitem", "item", "scale", "copy", "barrier"}     # whose rules reverse mode knows, or simplified away
SLOW = {"betainc", "betaincc", "betaincinv", "betainccinv", "betainc_shape", "gammainc_shape", "bdtrik", "bdtrin",
        "btdtria", "btdtrib", "carlson", "fdtr", "fdtrc", "fdtri", "fdtridfd", "nbdtrik", "nbdtrin", "stdtr",
        "stdtridf", "stdtrit", "elliprj", "elliprd"}      # a quadrature or a series an entry: their tests have them
FACTOR = 1.001                    # whoever notices this notices a wrong sign


def _sample(prim):
    """(args, params, numbers of the float arguments) of the first sample with float arguments."""
    for sample in prim.samples:
        args, params = sample if len(sample) == 2 and isinstance(sample[1], dict) else (sample, {})
        floats = [k for k, a in enumerate(args)
                  if isinstance(a, float | np.ndarray) and np.asarray(a).dtype == np.float64]
        if floats and all(np.size(args[k]) for k in floats):
            return args, params, floats
    return None


def _function(prim, args, params, floats):
    def f(*values):
        full = list(args)
        for k, value in zip(floats, values, strict=True):
            full[k] = value
        out = bind(prim, tuple(full), params)
        if prim.name == "eigh":                       # vectors up to a sign
            return np.linalg.eigh(full[0])[0]
        several = isinstance(getattr(out, "dtype", None), tuple)
        return [bind_item(out, k) for k in range(len(out.dtype))] if several else out
    return f, [np.asarray(args[k], dtype=float)[()] for k in floats]


def _times(factor, made):
    if isinstance(made, tuple):
        return tuple([_times(factor, part) for part in made])
    return None if made is None else factor * made


def _scaled(rule, factor):
    return lambda *args, **params: _times(factor, rule(*args, **params))


def _without(rule, k):
    def dropped(out, inputs, tangents, **params):
        left = [None if i == k else t for i, t in enumerate(tangents)]
        if any(t is not None for t in left):
            return rule(out, inputs, left, **params)
        return (None,) * len(out) if isinstance(out, tuple) else None
    return dropped


class _Replaced:
    """Rules by input, one of them another."""

    def __init__(self, rules, k, rule):
        self.rules, self.k, self.rule = rules, k, rule

    def __getitem__(self, number):
        return self.rule if number == self.k else self.rules[number]

    def __len__(self):
        return len(self.rules)


def _partial_mutants(prim, args, floats):
    """Partials whose value at the sample is another than the right one."""
    out = prim.evaluate(*args)
    right = {k: np.asarray(prim.partials[k](out, *args)) for k in floats if prim.partials[k] is not None}
    for k, value in right.items():
        if np.any(value):
            yield f"factor of partial {k}", tuple(_Replaced(prim.partials, k, _scaled(prim.partials[k], FACTOR)))
            yield f"no partial {k}", tuple(_Replaced(prim.partials, k, None))
    if len(right) == 2 and not np.allclose(*np.broadcast_arrays(*right.values()), rtol=1e-3):
        yield "swapped partials", prim.partials[::-1]


def _mutants(prim, args, floats):
    """(what is wrong, column, its value, the arguments that vary)"""
    if prim.partials is not None:
        yield from ((what, "partials", rules, floats) for what, rules in _partial_mutants(prim, args, floats))
    if prim.transpose is not None:
        for k in floats:
            rule = prim.transpose[k]
            if rule is not None:
                wrong = {"factor of": _scaled(rule, FACTOR), "no": lambda *_, **__: None}
                for name, other in wrong.items():
                    yield f"{name} transpose {k}", "transpose", _Replaced(prim.transpose, k, other), [k]
    if prim.jvp is not None:
        yield "factor of the tangent", "jvp", _scaled(prim.jvp, FACTOR), floats
        for k in floats:
            yield f"no tangent of input {k}", "jvp", _without(prim.jvp, k), floats
    if prim.expand is not None:
        yield "factor of the definition", "expand", _scaled(prim.expand, FACTOR), floats


ROWS = {name: prim for name, prim in PRIMITIVES.items() if name not in UNUSED | SLOW and _sample(prim) is not None}


def _noticed(f, values) -> bool:
    try:
        ad.check_grads(f, values, order=1, directions=1)
    except (AssertionError, ad.TraceError):
        return True
    return False


@pytest.mark.parametrize("name", ROWS)
def test_mutants_of_a_rule_are_caught(name):
    prim = ROWS[name]
    args, params, floats = _sample(prim)
    if not _varies(prim, args, params, floats):
        return
    assert not _noticed(*_function(prim, args, params, floats)), f"{name}: the rule itself"
    survivors = []
    for what, column, wrong, varied in _mutants(prim, args, floats):
        right, (f, values) = getattr(prim, column), _function(prim, args, params, varied)
        setattr(prim, column, wrong)
        try:
            if not _noticed(f, values):
                survivors.append(what)
        finally:
            setattr(prim, column, right)
    assert not survivors, f"{name}: not noticed: {survivors}"


def _varies(prim, args, params, floats) -> bool:
    """Whether the derivative at the sample is not zero."""
    f, values = _function(prim, args, params, floats)
    tangent = ad.jvp(f, values, [np.cos(np.arange(np.size(v), dtype=float)).reshape(np.shape(v)) for v in values])[1]
    return any(np.any(part) for part in ad.pytree.flatten(tangent)[0])


@pytest.mark.parametrize("name", ("matmul", "solve"))
def test_a_transposed_adjoint_is_caught(name):
    """Aᵀ forgotten: at square samples every shape fits."""
    a, b = np.array([[2.0, 0.3], [-0.5, 1.4]]), np.array([[0.4, 1.0], [-1.1, 0.2]])
    prim, right = PRIMITIVES[name], PRIMITIVES[name].transpose
    f, values = _function(prim, (a, b), {}, [1])
    assert not _noticed(f, values)
    prim.transpose = _Replaced(right, 1, lambda ct, x, y, **params: right[1](ct, x.T, y, **params))
    try:
        assert _noticed(f, values)
    finally:
        prim.transpose = right


def test_the_table_is_broad():
    kinds = {column for prim in ROWS.values() for column in ("partials", "transpose", "jvp", "expand")
             if getattr(prim, column) is not None}
    assert len(ROWS) > 100 and kinds >= {"partials", "transpose", "jvp"}
