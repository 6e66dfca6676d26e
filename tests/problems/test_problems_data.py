"""The breast cancer table is the published one."""

import numpy as np
import pytest

import problems
from problems.datasets import FEATURE_NAMES, breast_cancer, standardise


def test_shape_and_class_counts():
    X, y = breast_cancer()
    assert X.shape == (569, 30)
    assert (np.sum(y == 1), np.sum(y == -1)) == (212, 357)  # malignant, benign: UCI documentation
    assert np.isfinite(X).all() and len(FEATURE_NAMES) == 30


@pytest.mark.parametrize(
    ("feature", "low", "high"),
    [
        ("mean radius", 6.981, 28.11),
        ("mean texture", 9.71, 39.28),
        ("mean perimeter", 43.79, 188.5),
        ("mean area", 143.5, 2501.0),
        ("mean smoothness", 0.053, 0.163),
        ("mean concavity", 0.0, 0.427),
        ("mean fractal_dimension", 0.05, 0.097),
        ("error radius", 0.112, 2.873),
        ("error area", 6.802, 542.2),
        ("worst radius", 7.93, 36.04),
        ("worst area", 185.2, 4254.0),
        ("worst symmetry", 0.156, 0.664),
        ("worst fractal_dimension", 0.055, 0.208),
    ],
)
def test_ranges_are_those_of_the_documentation(feature, low, high):
    column = breast_cancer()[0][:, FEATURE_NAMES.index(feature)]
    assert (column.min(), column.max()) == pytest.approx((low, high), abs=5.1e-4)


def test_published_moments():
    """Means of radius and area, and the share of variance of the first principal component, 44.27%."""
    X, _ = breast_cancer()
    assert X[:, 0].mean() == pytest.approx(14.127, abs=5e-4)
    assert X[:, 3].mean() == pytest.approx(654.889, abs=5e-4)
    correlation = np.corrcoef(X, rowvar=False)
    assert np.linalg.eigvalsh(correlation)[-1] / 30 == pytest.approx(0.4427, abs=5e-5)


def test_malignant_cells_are_larger():
    X, y = breast_cancer()
    assert X[y == 1, 0].mean() > X[y == -1, 0].mean()


def test_standardised_columns():
    A = problems.get("logistic-regression").data["A"]
    np.testing.assert_allclose(A.mean(axis=0), 0, atol=1e-13)
    np.testing.assert_allclose(A.std(axis=0), 1, rtol=1e-13)
    np.testing.assert_allclose(A, standardise(breast_cancer()[0]))


def test_table_agrees_with_scikit_learn():
    datasets = pytest.importorskip("sklearn.datasets")
    theirs = datasets.load_breast_cancer()
    X, y = breast_cancer()
    assert np.array_equal(X, theirs.data) and np.array_equal(y, 1 - 2 * theirs.target)
    ours = [name.replace("_", " ").replace("error ", "", 1) for name in FEATURE_NAMES]
    assert [n.split(maxsplit=1)[-1] for n in ours[:10]] == [n.split(maxsplit=1)[-1] for n in theirs.feature_names[:10]]


def test_the_table_is_shared_and_cannot_be_changed():
    X, y = breast_cancer()
    assert breast_cancer()[0] is X
    with pytest.raises(ValueError, match="read-only"):
        X[0, 0] = 0.0
    with pytest.raises(ValueError, match="read-only"):
        y[0] = 0.0


def test_sparse_design_has_the_density_asked_for():
    problem = problems.get("logistic-regression", m=300, n=50, density=0.02)
    A = problem.data["A"]
    assert A.format == "csr" and A.nnz == 300
