"""Hand-written derivatives against finite differences; mu, L and convexity against eigenvalues."""

import numpy as np
import pytest

import problems

INSTANCES = {
    **{name: (name, {}) for name in problems.names()},
    "least-squares": ("least-squares", {"m": 12, "n": 5}),
    "least-squares wide": ("least-squares", {"m": 4, "n": 6}),
    "ridge": ("ridge", {"m": 12, "n": 5, "lam": 0.3}),
    "ridge wide": ("ridge", {"m": 4, "n": 6}),
    "logistic intercept": ("logistic-regression", {"m": 40, "n": 4, "intercept": True, "lam": 0.1}),
    "logistic sparse": ("logistic-regression", {"m": 60, "n": 8, "density": 0.3}),
    "logistic sparse intercept": ("logistic-regression", {"m": 60, "n": 8, "density": 0.3, "intercept": True}),
    "logistic unpenalised": ("logistic-regression", {"m": 40, "n": 4, "lam": 0.0}),
    "softmax-regression": ("softmax-regression", {"m": 30, "n": 4, "k": 3}),
    "huber-regression": ("huber-regression", {"m": 30, "n": 4}),
    "poisson-regression": ("poisson-regression", {"m": 30, "n": 4}),
    "quadratic": ("quadratic", {"n": 7, "condition": 1e3}),
    "log-sum-exp": ("log-sum-exp", {"m": 9, "n": 4}),
    "log-det": ("log-det", {"n": 3}),
    "rosenbrock 7": ("rosenbrock", {"n": 7}),
    "matrix-factorisation": ("matrix-factorisation", {"m": 5, "n": 4, "rank": 2}),
    "tanh-network": ("tanh-network", {"m": 20, "inputs": 3, "hidden": 4, "outputs": 2}),
}


@pytest.fixture(params=INSTANCES, scope="module")
def problem(request):
    name, sizes = INSTANCES[request.param]
    return problems.get(name, **sizes)


def flatten(x):
    return np.concatenate([np.ravel(leaf) for leaf in x.values()]) if isinstance(x, dict) else np.ravel(x)


def unflatten(flat, like):
    if not isinstance(like, dict):
        return flat.reshape(like.shape)
    ends = np.cumsum([leaf.size for leaf in like.values()])[:-1]
    return {key: part.reshape(like[key].shape) for key, part in zip(like, np.split(flat, ends), strict=True)}


def hessian(problem, x):
    hv = problem.hv_at(x)
    return np.stack([flatten(hv(unflatten(row, problem.x0))) for row in np.eye(problem.n)])


def points(problem, count, spread=1.0, seed=1):
    """Points of the domain around x0, x0 first."""
    rng = np.random.default_rng(seed)
    yield problem.x0
    for _ in range(count):
        step = spread * rng.standard_normal(problem.n)
        if problem.name == "log-det":
            root = step.reshape(problem.x0.shape)
            yield root @ root.T + 0.1 * problem.x0
        else:
            yield unflatten(flatten(problem.x0) + step, problem.x0)


def test_value_agrees_with_f(problem):
    for x in points(problem, 5):
        np.testing.assert_allclose(problem.value_and_grad(x)[0], problem.f(x), rtol=1e-13, atol=1e-13)


def test_gradient_against_central_differences(problem):
    for x in points(problem, 3):
        flat, h = flatten(x), 1e-6
        differences = [
            (problem.f(unflatten(flat + h * e, x)) - problem.f(unflatten(flat - h * e, x))) / (2 * h)
            for e in np.eye(problem.n)
        ]
        gradient = flatten(problem.grad(x))
        np.testing.assert_allclose(gradient, differences, rtol=1e-6, atol=1e-6 * np.abs(gradient).max() + 1e-8)


def test_hessian_products_against_differences_of_the_gradient(problem):
    rng = np.random.default_rng(2)
    for x in points(problem, 3):
        flat, h, v = flatten(x), 1e-6, rng.standard_normal(problem.n)
        ahead, behind = (flatten(problem.grad(unflatten(flat + s * h * v, x))) for s in (1, -1))
        product = flatten(problem.hvp(x, unflatten(v, x)))
        scale = np.abs(product).max()
        np.testing.assert_allclose(product, (ahead - behind) / (2 * h), rtol=1e-5, atol=1e-6 * scale + 1e-8)


def test_hessian_is_symmetric(problem):
    for x in points(problem, 2):
        H = hessian(problem, x)
        np.testing.assert_allclose(H, H.T, rtol=1e-12, atol=1e-12 * np.abs(H).max())


def test_derivatives_leave_their_arguments_alone(problem):
    x = problem.x0
    before = flatten(x).copy()
    v = unflatten(np.ones(problem.n), x)
    hv = problem.hv_at(x)
    first, again = flatten(hv(v)), flatten(hv(v))
    assert np.array_equal(first, again)
    assert np.array_equal(flatten(problem.grad(x)), flatten(problem.grad(x)))
    assert np.array_equal(flatten(x), before) and np.all(flatten(v) == 1)


def test_mu_and_L_enclose_the_spectrum(problem):
    for spread in (0.1, 1.0, 5.0):
        for x in points(problem, 4, spread):
            eigenvalues = np.linalg.eigvalsh(hessian(problem, x))
            slack = 1e-9 * np.abs(eigenvalues).max()
            assert problem.mu <= eigenvalues[0] + slack
            assert eigenvalues[-1] - slack <= problem.L


@pytest.mark.parametrize("name", ["least-squares", "least-squares wide", "ridge", "ridge wide", "quadratic"])
def test_quadratics_attain_mu_and_L(name):
    name, sizes = INSTANCES[name]
    problem = problems.get(name, **sizes)
    eigenvalues = np.linalg.eigvalsh(hessian(problem, problem.x0))
    np.testing.assert_allclose([problem.mu, problem.L], eigenvalues[[0, -1]], rtol=1e-10, atol=1e-10 * problem.L)


@pytest.mark.parametrize(
    "sizes",
    [
        {},
        {"lam": 0.1, "intercept": True},
        {"m": 60, "n": 8, "density": 0.3},
        {"m": 60, "n": 8, "density": 0.3, "intercept": True},
    ],
)
def test_logistic_mu_and_L_are_tight(sizes):
    problem = problems.get("logistic-regression", **sizes)
    assert np.linalg.eigvalsh(hessian(problem, problem.x0))[-1] == pytest.approx(problem.L, rel=1e-10)
    far = 1e6 * np.random.default_rng(0).standard_normal(problem.n)
    with np.errstate(under="ignore"):
        lowest = np.linalg.eigvalsh(hessian(problem, far))[0]
    assert lowest == pytest.approx(problem.mu, rel=1e-8, abs=1e-12)


def test_bounds_on_curvature_are_the_published_ones():
    """Softmax: at W = 0 the curvature is 2/k of Böhning's bound. Log-sum-exp: max ‖aᵢ‖²."""
    softmax = problems.get("softmax-regression", m=30, n=4, k=6, lam=0.1)
    at_zero = np.linalg.eigvalsh(hessian(softmax, softmax.x0))[-1]
    assert softmax.L - 0.1 == pytest.approx(3 * (at_zero - 0.1), rel=1e-10)
    problem = problems.get("log-sum-exp", m=9, n=4)
    assert problem.L == pytest.approx(max(a @ a for a in problem.data["A"]), rel=1e-12)


def test_other_infima_are_approached():
    rng = np.random.default_rng(0)
    for name in ("softmax-regression", "log-sum-exp", "huber-regression"):
        problem = problems.get(*INSTANCES[name][:1], **INSTANCES[name][1])
        far = 1e5 * rng.standard_normal(problem.x0.shape)
        with np.errstate(under="ignore"):
            lowest = np.linalg.eigvalsh(hessian(problem, far))[0]
        assert lowest == pytest.approx(problem.mu, rel=1e-9, abs=1e-9), name
    huber = problems.get("huber-regression", m=30, n=4, delta=1e4)
    assert np.linalg.eigvalsh(hessian(huber, huber.x0))[-1] == pytest.approx(huber.L, rel=1e-12)


def test_infinite_constants_are_infinite(problem):
    """Somewhere curvature falls below -1e4 where mu is -inf, and rises above 1e4 where L is inf."""
    lowest, highest = np.inf, -np.inf
    with np.errstate(under="ignore"):
        for scale in (1e2, 1e3, 1e4):
            for x in _stretched(problem, scale):
                eigenvalues = np.linalg.eigvalsh(hessian(problem, x))
                lowest, highest = min(lowest, eigenvalues[0]), max(highest, eigenvalues[-1])
    assert (problem.mu == -np.inf) == (lowest < -1e4)
    assert (problem.L == np.inf) == (highest > 1e4)


def _stretched(problem, scale):
    """Points far out, where the domain allows: along one axis and in random directions."""
    if problem.name == "log-det":
        yield problem.x0 / scale
    elif problem.name == "tanh-network":
        yield {**problem.x0, "W2": scale * problem.x0["W2"]}
    elif problem.name == "poisson-regression":
        yield 5 * np.log(scale) * problem.x_star / np.linalg.norm(problem.x_star)
    else:
        for axis in np.eye(problem.n)[:4]:
            yield unflatten(scale * axis, problem.x0)
            yield unflatten(-scale * axis, problem.x0)
        yield from points(problem, 5, scale)


def test_convexity_column(problem):
    """Along the most negative curvature found, plain f rises above its chord for the nonconvex and for no other."""
    spectra = [(x, *np.linalg.eigh(hessian(problem, x))) for x in points(problem, 40, 3.0, seed=3)]
    gaps = []
    for x, _, vectors in spectra:
        step = 1e-2 * vectors[:, 0]
        ahead, behind = (problem.f(unflatten(flatten(x) + s * step, x)) for s in (1, -1))
        gaps.append((problem.f(x) - 0.5 * ahead - 0.5 * behind) / (1 + abs(ahead)))
    assert (max(gaps) > 1e-9) == (problem.convexity == "nonconvex")
    lowest = min(values[0] for _, values, _ in spectra[:10])
    if problem.convexity in ("strictly convex", "strongly convex"):
        assert lowest > 0
    if problem.convexity != "nonconvex":
        assert (problem.mu > 0) == (problem.convexity == "strongly convex")
