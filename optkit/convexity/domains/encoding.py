"""Regions as JSON and back: the class, and the arguments it was made from."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .ball import Ball
from .box import Box, PositiveOrthant
from .intersection import Intersection
from .matrices import PositiveDefinite, SymmetricMatrices
from .membership import Domain
from .polyhedron import AffineSubspace, Polyhedron
from .product import Product
from .reduced import Reduced
from .region import Region
from .simplex import Simplex

KINDS: dict[str, Callable[..., Region]] = {
    "Box": Box, "Ball": Ball, "Simplex": Simplex, "AffineSubspace": AffineSubspace, "Polyhedron": Polyhedron,
    "PositiveOrthant": PositiveOrthant, "SymmetricMatrices": SymmetricMatrices, "PositiveDefinite": PositiveDefinite,
    "Product": Product, "Intersection": Intersection, "Reduced": Reduced}
SPREAD_OUT = {"Product": "parts", "Intersection": "parts"}     # which argument is given one by one


def encode(region: Region) -> dict[str, Any]:
    """{"kind": class, argument: value, ...}, of what JSON has; infinite numbers are the words "inf" and "-inf"."""
    if isinstance(region, Domain) or type(region).__name__ not in KINDS:
        raise TypeError(f"to_json: {region.label} is given by functions, which JSON cannot hold; "
                        "describe the set by a geometric region")
    return {"kind": type(region).__name__, **{name: _packed(value) for name, value in region.spec.items()}}


def from_json(data: str | dict[str, Any]) -> Region:
    """The region that `to_json` described, from the dict or its JSON text. Raises ValueError on another kind."""
    given = dict(json.loads(data) if isinstance(data, str) else data)
    kind = given.pop("kind", None)
    if kind not in KINDS:
        raise ValueError(f"from_json: kind must be one of {', '.join(KINDS)}, got {kind!r:.60}")
    arguments = {name: _unpacked(value) for name, value in given.items()}
    one_by_one = SPREAD_OUT.get(kind)
    if one_by_one is None:
        return KINDS[kind](**arguments)
    parts = arguments[one_by_one]
    return KINDS[kind](parts) if kind == "Product" else KINDS[kind](*parts)


def _packed(value: Any) -> Any:
    if isinstance(value, Region):
        return {"region": encode(value)}
    if isinstance(value, dict):
        return {"dict": [[key, _packed(v)] for key, v in value.items()]}
    if isinstance(value, (list, tuple)):
        return {"list" if isinstance(value, list) else "tuple": [_packed(v) for v in value]}
    if isinstance(value, np.ndarray):
        return {"array": [_packed(float(v)) for v in value.ravel()], "shape": list(value.shape)}
    if isinstance(value, (float, np.floating)):
        return float(value) if math.isfinite(value) else str(float(value))
    return value


def _unpacked(value: Any) -> Any:
    if isinstance(value, str):
        return float(value)
    if not isinstance(value, dict):
        return value
    if "region" in value:
        return from_json(value["region"])
    if "dict" in value:
        return {key: _unpacked(v) for key, v in value["dict"]}
    if "array" in value:
        return np.array([_unpacked(v) for v in value["array"]], dtype=np.float64).reshape(value["shape"])
    kind, parts = next(iter(value.items()))
    return (list if kind == "list" else tuple)(_unpacked(v) for v in parts)
