"""numpy.fft for traced values too."""

from ..mirror import mirror

__getattr__, __dir__ = mirror("numpy.fft", globals())
