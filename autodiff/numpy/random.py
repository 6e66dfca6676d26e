"""numpy.random for traced values too."""

from ..mirror import mirror

__getattr__, __dir__ = mirror("numpy.random", globals())
