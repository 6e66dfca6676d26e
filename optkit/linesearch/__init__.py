"""Line searches: how far to go along a direction. Adding one is a file and a line here."""

from optkit.linesearch.armijo import Armijo
from optkit.linesearch.hager_zhang import HagerZhang
from optkit.linesearch.ray import LineSearch, Ray, Trial
from optkit.linesearch.strong_wolfe import StrongWolfe

SEARCHES: dict[str, type] = {
    "armijo": Armijo,
    "strong-wolfe": StrongWolfe,
    "hager-zhang": HagerZhang,
}

__all__ = ["SEARCHES", "Armijo", "HagerZhang", "LineSearch", "Ray", "StrongWolfe", "Trial"]
