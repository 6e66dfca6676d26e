"""NumPy's names for those who bind them early: `from autodiff.numpy import array, zeros`. Plain arrays see NumPy."""

from ..mirror import mirror

__getattr__, __dir__ = mirror("numpy", globals(), ("fft", "linalg", "random"))
