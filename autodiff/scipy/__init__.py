"""SciPy's names for those who bind them early: `from autodiff.scipy.special import logsumexp`."""

from ..mirror import mirror

__getattr__, __dir__ = mirror(
    "scipy", globals(), ("fft", "integrate", "linalg", "signal", "sparse", "special", "stats"))
