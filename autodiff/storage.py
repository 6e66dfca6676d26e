"""Buffers of a generated program: lines that make them, and which are free to be written into."""

from __future__ import annotations

import bisect
import math
from collections.abc import Iterable

import numpy as np

LARGE = 1 << 16      # bytes from which a buffer is shared by arrays of almost the same size
SLACK = 1.25         # how much larger than needed it may be


def buffer(shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """An array that starts at a cache line: wide vector loads and stores then never straddle two."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    raw = np.empty(size + 64, np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start:start + size].view(dtype).reshape(shape)


class Storage:
    """Named buffers by shape and dtype; `lines` make them, once a workspace. sizes : of the arrays that will come."""

    def __init__(self, lines: list[str], sizes: Iterable[int]):
        self.lines, self.sizes = lines, sorted(set(sizes))
        self.free: dict[tuple, list[str]] = {}
        self.key: dict[str, tuple] = {}               # of a buffer: its shape and dtype
        self.whole: dict[str, str] = {}               # of a part: the buffer it is a part of
        self.parts: dict[tuple, str] = {}             # (buffer, shape) -> that part of it

    def take(self, shape: tuple[int, ...], dtype: np.dtype) -> str:
        size = math.prod(shape)
        if size * dtype.itemsize < LARGE:
            return self._take(shape, dtype)
        roof = self.sizes[bisect.bisect_right(self.sizes, SLACK * size) - 1]      # n − 1 entries, where n will come too
        whole = self._take((roof,), dtype)
        return whole if (roof,) == shape else self._part(whole, shape)

    def _take(self, shape: tuple[int, ...], dtype: np.dtype) -> str:
        key = shape, dtype
        spare = self.free.get(key)
        if spare:
            return spare.pop()
        name = f"b{len(self.lines)}"
        self.lines.append(f"{name} = buffer({shape}, '{dtype.str}')")
        self.key[name] = key
        return name

    def _part(self, name: str, shape: tuple[int, ...]) -> str:
        part = self.parts.get((name, shape))
        if part is None:
            part = self.parts[name, shape] = f"b{len(self.lines)}"
            self.lines.append(f"{part} = {name}[:{math.prod(shape)}].reshape({shape})")
            self.whole[part] = name
        return part

    def release(self, name: str) -> None:
        name = self.whole.get(name, name)
        self.free.setdefault(self.key[name], []).append(name)
