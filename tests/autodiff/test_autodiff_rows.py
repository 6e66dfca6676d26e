"""Every row of the tables: shape rule, derivative in both modes at first and second order, generated code."""

import numpy as np
import pytest

import autodiff as ad
from autodiff.compile import Program
from autodiff.derive import primal
from autodiff.primitive import PRIMITIVES, bind
from autodiff.primitives.linalg import ITEM

WITHOUT_SAMPLES = {     # structural, or covered by tests of their own
    "barrier", "checkpoint", "custom_jvp", "custom_vjp", "implicit_root", "implicit_solve",
    "input", "constant", "guard", "item", "stop_gradient", "lambertw", "chndtridf",
    "bitwise_and", "bitwise_or", "bitwise_xor", "invert",
    "heaviside", "spacing", "softplus", "sigmoid", "qr", "svd", "eig", "eigvals", "lu"}


def _cases():
    for name, prim in PRIMITIVES.items():
        for k, sample in enumerate(prim.samples):
            args, params = sample if len(sample) == 2 and isinstance(sample[1], dict) else (sample, {})
            yield pytest.param(prim, args, params, id=f"{name}-{k}")


CASES = list(_cases())


def _is_float(a) -> bool:
    return isinstance(a, np.ndarray) and a.dtype.kind in "fc" or isinstance(a, float)


def _varying(prim, args, params):
    """The row as a function of its float arguments."""
    floats = [k for k, a in enumerate(args) if _is_float(a)]

    def f(*values):
        full = list(args)
        for k, v in zip(floats, values, strict=True):
            full[k] = v
        out = bind(prim, tuple(full), params)
        if not isinstance(prim.shape(*args, **params)[1], tuple):
            return out
        parts = [ITEM(out, number=k) for k in range(1 if "eigh" in prim.name else len(prim.shape(*args, **params)[1]))]
        return np.concatenate([np.reshape(part, -1) for part in parts])      # (eigenvectors have tests of their own)
    return f, [np.asarray(args[k], dtype=np.result_type(float, args[k])) for k in floats]


def test_every_row_has_samples():
    assert {name for name, prim in PRIMITIVES.items() if not prim.samples} == WITHOUT_SAMPLES


@pytest.mark.parametrize("prim, args, params", CASES)
def test_shape_rule(prim, args, params):
    out = prim.evaluate(*args, **params)
    shape, dtype = prim.shape(*args, **params)
    if isinstance(out, tuple):
        assert shape == tuple(o.shape for o in out) and dtype == tuple(o.dtype for o in out)
    else:
        assert shape == np.shape(out)
        assert dtype == np.asarray(out).dtype


@pytest.mark.parametrize("prim, args, params", CASES)
def test_derivatives(prim, args, params):
    f, values = _varying(prim, args, params)
    if np.asarray(f(*values)).dtype.kind not in "fc":
        if not values:
            return                                        # of integers
        x = values[0]                                     # piecewise constant: a factor without a derivative
        found = ad.grad(lambda z: np.sum(np.sum(z) * f(z, *values[1:])))(x)
        np.testing.assert_allclose(found, np.full(x.shape, np.sum(f(*values), dtype=float)))
        return
    if any(np.iscomplexobj(v) for v in values):
        parts = [part for v in values for part in (v.real, v.imag)]
        ad.check_grads(lambda *p: _apart(f(*[a + 1j * b for a, b in zip(p[::2], p[1::2])])), parts, order=2, rtol=2e-5)
    elif values:
        ad.check_grads(lambda *p: _apart(f(*p)), values, order=2, rtol=2e-5)


def _apart(value):
    """Complex values as real ones."""
    return np.stack([np.real(value), np.imag(value)]) if np.iscomplexobj(value) else value


@pytest.mark.parametrize("prim, args, params", CASES)
def test_generated_code(prim, args, params):
    f, values = _varying(prim, args, params)
    if not values:
        return
    g = primal(ad.trace(f, *values))
    out, = Program(g, g.inputs, g.outputs)(*values)
    np.testing.assert_allclose(out, f(*values), rtol=1e-12, atol=1e-14)


def test_a_wrong_rule_is_caught():
    from autodiff.primitives.elementwise import TANH
    right = TANH.partials
    for wrong in (lambda y, x: 1.0 + y * y, lambda y, x: 1.0 - y, lambda y, x: -(1.0 - y * y)):
        TANH.partials = (wrong,)
        try:
            with pytest.raises(AssertionError, match="forward mode"):
                ad.check_grads(np.tanh, (np.array([0.3, -1.2]),))
        finally:
            TANH.partials = right
