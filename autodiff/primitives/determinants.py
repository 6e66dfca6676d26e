"""Determinants: det with derivatives of every order at singular matrices too, log|det| and its sign."""

import itertools

import numpy as np

from ..primitive import Primitive, bind, implements
from .complex import imag, is_complex, real
from .elementwise import float_type
from .linalg import (
    DEFINITE,
    INV,
    SINGULAR,
    SQUARE,
    STACKED,
    arrays,
    mT,
    per_matrix,
    real_type,
    square_shape,
    trace_product,
)
from .shape import _Parts


def _products_without(s, count: int):
    """P[i₁ … i_count] = Π σ_l over all l but i₁ … i_count; 0 where two of these are equal. Right at zeros."""
    n, zero = s.shape[-1], s == 0
    safe = np.where(zero, 1.0, s)
    kept = np.prod(safe, axis=-1).reshape(s.shape[:-1] + (1,) * count)
    zeros_left = np.sum(zero, axis=-1).reshape(kept.shape)
    places = np.indices((n,) * count, sparse=True)
    for own in places:
        kept, zeros_left = kept / safe[..., own], zeros_left - zero[..., own]
    distinct = np.ones((n,) * count, bool)
    for i, j in itertools.combinations(places, 2):
        distinct &= i != j
    return np.where((zeros_left == 0) & distinct, kept, 0.0)


def _sign(permutation) -> int:
    return (-1) ** sum(a > b for a, b in itertools.combinations(permutation, 2))


def _adjugate_value(a, *directions):
    """The derivative of adj at A along H₁ … H_k: V G Uᴴ det U det Vᴴ, where A = UΣVᴴ, M_j = UᴴH_jV and G the gradient
    of the part of det(Σ + ΣtⱼMⱼ) that is linear in each tⱼ: sums over permutations π of
    sgn π P[i₀ … i_k] Π M_j[i_j, i_π(j)], polynomials in σ, so right at singular A (Leibniz' formula)."""
    u, s, vt = np.linalg.svd(a)
    v, uh = np.swapaxes(vt, -1, -2).conj(), np.swapaxes(u, -1, -2).conj()
    moved = [uh @ h @ v for h in directions]
    count = len(directions) + 1
    letters = "abcdefghijklmn"[:count]
    products = _products_without(s, count)
    dtype = np.result_type(a, *directions)
    out = np.zeros(np.broadcast_shapes(a.shape, *(h.shape for h in directions)), dtype)
    for permutation in itertools.permutations(range(count)):
        terms = [f"...{letters[j]}{letters[permutation[j]]}" for j in range(1, count)]
        first = letters[permutation[0]]
        own = f"...{'a' if first == 'a' else first + 'a'}"
        part = np.einsum(f"{','.join(['...' + letters, *terms])}->{own}", products, *moved, optimize=count > 2)
        out = out + _sign(permutation) * (part[..., None] * np.eye(s.shape[-1]) if first == "a" else part)
    sign = (np.linalg.det(u) * np.linalg.det(vt))[..., None, None]
    return (sign * (v @ out @ uh)).astype(dtype, copy=False)


def _adjugate_shape(a, *directions):
    square_shape(a)
    return np.broadcast_shapes(a.shape, *(h.shape for h in directions)), float_type(a, *directions)


def _adjugate_tangent(out, inputs, tangents):
    """One more direction along A; linear in each of the others."""
    a, *directions = inputs
    total = None if tangents[0] is None else ADJUGATE(a, tangents[0], *directions)
    for k, t in enumerate(tangents[1:]):
        if t is not None:
            part = ADJUGATE(a, *directions[:k], t, *directions[k + 1:])
            total = part if total is None else total + part
    return total


def _adjugate_part(number: int):
    """⟨C, D adj[H₁ …]⟩ is a derivative of det along Cᵀ, H₁, …: symmetric in them."""
    if number == 0:
        return None

    def part(ct, a, *directions):
        return mT(ADJUGATE(a, mT(ct), *directions[:number - 1], *directions[number:]))
    return part


ADJUGATE = Primitive("adjugate", _adjugate_value, _adjugate_shape, jvp=_adjugate_tangent,
                     transpose=_Parts(_adjugate_part),
                     samples=((SQUARE,), (SQUARE, DEFINITE), (STACKED, STACKED[::-1])))
DET = Primitive("det", np.linalg.det, per_matrix, samples=((SQUARE,), (SINGULAR,), (STACKED,)),
                jvp=lambda out, inputs, tangents: trace_product(ADJUGATE(inputs[0]), tangents[0]))


def adjugate(a):
    return bind(ADJUGATE, (a,))


# --- logarithm and sign -----------------------------------------------------------------------------------------------


def _sign_tangent(out, inputs, tangents):
    """Of complex matrices the sign turns: d sign = i sign Im tr(A⁻¹ dA); of real ones it is constant."""
    return 1j * out * imag(trace_product(INV(inputs[0]), tangents[0])) if is_complex(inputs[0]) else None


LOGABSDET = Primitive("logabsdet", lambda a: np.linalg.slogdet(a)[1],
                      lambda a: (per_matrix(a)[0], real_type(a)), samples=((SQUARE,), (STACKED,)),
                      jvp=lambda out, inputs, tangents: real(trace_product(INV(inputs[0]), tangents[0])))
SIGNDET = Primitive("signdet", lambda a: np.linalg.slogdet(a)[0], per_matrix, samples=((SQUARE,),), jvp=_sign_tangent)


@implements(np.linalg.det)
def _det(a):
    return DET(*arrays(a))


@implements(np.linalg.slogdet)
def _slogdet(a):
    return type(np.linalg.slogdet(np.eye(1)))(SIGNDET(a), LOGABSDET(a))
