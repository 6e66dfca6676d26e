"""The mirrors autodiff.numpy and autodiff.scipy: NumPy's and SciPy's names, which answer for traced values for good.

A name bound early (`from autodiff.numpy import array, zeros`) or called from an installed package is out of reach of
the scoped patch of creators.py; these are not. Whatever a protocol reaches is NumPy's and SciPy's own object.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable
from typing import Any

from .creators import everywhere


def mirror(name: str, namespace: dict[str, Any], submodules: Iterable[str] = ()) -> tuple[Callable, Callable]:
    """(__getattr__, __dir__) of a module that mirrors the module `name`; `submodules` have mirrors of their own."""
    original, own = importlib.import_module(name), tuple(submodules)

    def __getattr__(attribute: str) -> Any:
        if attribute in own:
            return importlib.import_module(f"{namespace['__name__']}.{attribute}")
        value = namespace[attribute] = everywhere(getattr(original, attribute))
        return value

    def __dir__() -> list[str]:
        return sorted({*dir(original), *own})
    return __getattr__, __dir__
