"""Progressive functions: Jacobian recursion, backpropagation by hand and grad() agree; what the two orders cost.

A network is z^(i+1) = g_i(w^i; z^i), i = 1 … L, with its weights ordered w = (w^L; …; w^1). With A_i = ∂g_i/∂w^i and
B_i = ∂g_i/∂z^i its Jacobian is J_i = (A_i, B_i J_(i−1)), J_1 = A_1: products of matrices. The gradient of a loss needs
products of a matrix and a vector only, p^i = A_iᵀ q^(i+1) and q^i = B_iᵀ q^(i+1), from the last layer to the first.
Neither computes B_1, nor backpropagation q^1: nobody asks for the derivative with respect to the data.
"""

import numpy as np
import scipy.special

import autodiff as ad

SIZES = (4, 6, 5, 3)                                # z^1 has 4 entries, the output one for each of 3 classes
rng = np.random.default_rng(0)
samples, labels = rng.standard_normal((8, SIZES[0])), np.eye(SIZES[-1])[rng.integers(0, SIZES[-1], 8)]      # one-hot
counts = [m * n + m for n, m in zip(SIZES, SIZES[1:], strict=False)]                         # entries of w^1 … w^L
w = rng.standard_normal(sum(counts)) / 2


def layers(w):
    """(matrix, shift) of layers 1 … L from w = (w^L; …; w^1)."""
    stops = np.cumsum([0, *counts[::-1]])
    parts = [w[a:b] for a, b in zip(stops, stops[1:], strict=False)][::-1]
    return [(part[:m * n].reshape(m, n), part[m * n:])
            for part, n, m in zip(parts, SIZES, SIZES[1:], strict=False)]


def output(w, z):
    *hidden, (last, shift) = layers(w)
    for matrix, c in hidden:
        z = np.tanh(matrix @ z + c)
    return last @ z + shift


def loss(w):
    """Cross-entropy of the softmax of the output against one-hot labels, averaged over the samples."""
    return np.mean([-y @ scipy.special.log_softmax(output(w, z)) for z, y in zip(samples, labels, strict=True)])


class Calculator:
    """Products that are counted in floating-point operations."""

    def __init__(self):
        self.flops = 0

    def __call__(self, a, b):
        self.flops += 2 * a.size * (b.shape[1] if b.ndim == 2 else 1)
        return a @ b


def forward_pass(w, z):
    """[(A_i, B_i)] at each layer, B_1 left out, and the output."""
    factors = []
    for i, (matrix, shift) in enumerate(layers(w)):
        activated = np.tanh(matrix @ z + shift) if i < len(SIZES) - 2 else matrix @ z + shift
        slope = 1 - activated ** 2 if i < len(SIZES) - 2 else np.ones(len(shift))
        A = slope[:, None] * np.hstack([np.kron(np.eye(len(shift)), z), np.eye(len(shift))])
        factors.append((A, slope[:, None] * matrix if i else None))
        z = activated
    return factors, z


def jacobian(factors, multiply):
    """J_L by J_i = (A_i, B_i J_(i−1))."""
    J = factors[0][0]
    for A, B in factors[1:]:
        J = np.hstack([A, multiply(B, J)])
    return J


def backward_pass(factors, q, multiply):
    """(p^L; …; p^1) from q^(L+1), the derivative of the loss with respect to the output."""
    parts = []
    for A, B in factors[::-1]:
        parts.append(multiply(A.T, q))
        q = multiply(B.T, q) if B is not None else None
    return np.concatenate(parts)


def gradients(w):
    """(by the recursion, by hand backpropagation, flops of each)."""
    by_recursion, by_hand = np.zeros_like(w), np.zeros_like(w)
    matrices, vectors = Calculator(), Calculator()
    for z, y in zip(samples, labels, strict=True):
        factors, out = forward_pass(w, z)
        q = (scipy.special.softmax(out) - y) / len(samples)
        by_recursion += matrices(jacobian(factors, matrices).T, q)
        by_hand += backward_pass(factors, q, vectors)
    return by_recursion, by_hand, matrices.flops, vectors.flops


if __name__ == "__main__":
    by_recursion, by_hand, matrices, vectors = gradients(w)
    value, by_grad = ad.value_and_grad(loss)(w)
    print(f"loss {value:.6f}, {w.size} weights in {len(SIZES) - 1} layers")
    print(f"grad() against the recursion   {np.max(np.abs(by_grad - by_recursion)):.1e}")
    print(f"grad() against backpropagation {np.max(np.abs(by_grad - by_hand)):.1e}")
    network = np.max(np.abs(ad.jacobian(lambda w: output(w, samples[0]))(w) - jacobian(forward_pass(w, samples[0])[0],
                                                                                     np.matmul)))
    print(f"jacobian() against the recursion {network:.1e}")
    print(f"flops in products: recursion {matrices}, backpropagation {vectors}: {matrices / vectors:.1f} times")
