"""check_grads: what it accepts, what it refuses, and what it says."""

import numpy as np
import pytest

import autodiff as ad

X = np.array([0.3, -1.2, 0.8])
MODES = ("forward", "reverse")


def wrong(factor=1.001, first=None):
    """sin, with a derivative off by a factor in its partial (or in that of its derivative)."""
    slope = ad.elementwise(np.cos, lambda y, x: -np.sin(x) * (1.0 if first else factor))
    return ad.elementwise(np.sin, lambda y, x: slope(x) * (first or 1.0))


@pytest.mark.parametrize("mode", MODES)
def test_first_order(mode):
    ad.check_grads(np.sin, (X,), 1, (mode,))
    ad.check_grads(wrong(), (X,), 1, (mode,))
    with pytest.raises(AssertionError, match=rf"order 1, {mode} mode, with respect to args\[0\]"):
        ad.check_grads(wrong(first=1.001), (X,), 1, (mode,))


@pytest.mark.parametrize("mode", MODES)
def test_second_order(mode):
    with pytest.raises(AssertionError, match=f"order 2, {mode} mode over {mode}"):
        ad.check_grads(wrong(), (X,), 2, (mode,))


@pytest.mark.parametrize("mode", MODES)
def test_third_order(mode):
    """sin' = cos, cos' = −sin, and a sin that has the wrong derivative."""
    sine = wrong(first=1.001)
    cosine = ad.elementwise(np.cos, lambda y, x: -sine(x))
    f = ad.elementwise(np.sin, lambda y, x: cosine(x))
    ad.check_grads(f, (X,), 2, (mode,))
    with pytest.raises(AssertionError, match=f"order 3, {mode} mode over {mode} over {mode}"):
        ad.check_grads(f, (X,), 3, (mode,))


def test_modes_over_each_other():
    """The pullback of a rule that is right at first order: its own derivative, and its transpose, are checked too."""
    row = ad.primitive.Primitive("tilted", lambda x: 2.0 * x, lambda x: (x.shape, x.dtype), registered=False,
                                 transpose=(lambda ct, x: 2.001 * ct,))
    f = ad.custom_vjp(lambda x: 2.0 * np.sin(x))
    f.defvjps(lambda ct, out, x: row(ct) * np.cos(x))
    ad.check_grads(f, (X,), 1, ("reverse",))
    with pytest.raises(AssertionError, match="order 2, reverse mode over reverse, with respect to the cotangent"):
        ad.check_grads(f, (X,), 2, ("reverse",))
    g = ad.custom_jvp(lambda x: 2.0 * np.sin(x))
    g.defjvps(lambda t, out, x: row(t) * np.cos(x))
    ad.check_grads(g, (X,), 2, ("forward",))
    with pytest.raises(AssertionError, match="order 1, reverse mode"):
        ad.check_grads(g, (X,), 2)


def test_a_rule_for_one_mode_alone_meets_the_dot_product_test():
    """sin whose transpose is wrong: forward mode agrees with differences, reverse with neither."""
    row = ad.primitive.Primitive("tilted", lambda x: 2.0 * x, lambda x: (x.shape, x.dtype), registered=False,
                                 transpose=(lambda ct, x: 2.001 * ct,))
    ad.check_grads(row, (X,), 1, ("forward",))
    with pytest.raises(AssertionError, match=r"reverse mode, .*⟨ct, Jv⟩ = .* but ⟨Jᵀct, v⟩ = .*; the cotangent"):
        ad.check_grads(row, (X,), 1)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("size", (1e-30, 1e-12, 1e-6, 1.0, 1e8))
def test_tolerance_is_relative(size, mode):
    f, g = wrong(first=1.001), np.tanh
    ad.check_grads(lambda x: size * g(x), (X,), 2, (mode,))
    with pytest.raises(AssertionError):
        ad.check_grads(lambda x: size * f(x), (X,), 1, (mode,))


def test_terms_that_cancel_are_no_error():
    ad.check_grads(lambda x: np.sin(x) ** 2 + np.cos(x) ** 2, (X,), 3)
    ad.check_grads(np.linalg.det, (np.outer(X, X),), 2)
    ad.check_grads(lambda x: (x + 1e6) - 1e6, (X,), 2)


def test_a_small_argument_beside_a_large_one():
    f = wrong(first=1.001)
    with pytest.raises(AssertionError, match=r"args\[1\]"):
        ad.check_grads(lambda x, y: 1e6 * np.sin(x) + f(y), (X, X), 1)


@pytest.mark.parametrize("mode", MODES)
def test_the_argument_and_the_entry_are_named(mode):
    f = wrong(first=-1.0)

    def g(p, name, flag):
        assert name == "static" and flag is True
        return {"out": np.sin(p["a"]), "other": [f(p["b"][0]) + np.sum(p["a"])]}
    args = ({"a": X, "b": [np.array([0.1, 1.5])]}, "static", True)
    entry = r"output\[1\]\[0\] is" if mode == "forward" else r"the cotangent of args\[0\]\['b'\]\[0\]\[0\] is"
    with pytest.raises(AssertionError, match=rf"{mode} mode, with respect to args\[0\]\['b'\]\[0\]: .*{entry}"):
        ad.check_grads(g, args, 1, (mode,))


def test_complex_inputs_and_outputs():
    z = np.array([0.3 + 0.2j, 1.0 - 0.7j])
    for f in (lambda z: z * np.exp(z), lambda z: np.abs(z) ** 2, lambda z: np.real(z) * z, np.conj, np.angle):
        ad.check_grads(f, (z,), 2)
    ad.check_grads(lambda x: np.exp(1j * x), (X,), 2)
    ad.check_grads(lambda x, z: x[0] * z, (X, z), 2)
    conjugated = ad.custom_vjp(lambda z: z * z)
    conjugated.defvjps(lambda ct, out, z: np.conj(2 * z) * ct)
    with pytest.raises(AssertionError, match="reverse mode"):
        ad.check_grads(conjugated, (z,), 1, ("reverse",))


def test_small_arguments_are_stepped_by_their_size():
    ad.check_grads(np.log, (1e-6 * np.abs(X),), 2)
    with pytest.raises(AssertionError):
        ad.check_grads(ad.elementwise(np.log, lambda y, x: 1.001 / x), (1e-6 * np.abs(X),), 1)


@pytest.mark.parametrize("x", (0.4, np.float32(0.4), np.zeros((0, 3)), np.ones((2, 1, 2)), np.arange(6.0)[::2], 3))
def test_awkward_arguments(x):
    ad.check_grads(lambda x: np.tanh(x) * 2.0, (x,), 2)


def test_integer_outputs_have_no_derivative():
    ad.check_grads(lambda x: (np.argmax(x), x**2, x > 0), (X,), 2)


def test_wrong_modes():
    with pytest.raises(ValueError, match="'forward' and 'reverse'"):
        ad.check_grads(np.sin, (X,), modes=("fwd",))
    with pytest.raises(ValueError, match="'forward' and 'reverse'"):
        ad.check_grads(np.sin, (X,), modes=())
