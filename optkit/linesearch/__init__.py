"""Line searches: how far to go along a direction. Adding one is a file and a line here."""

from optkit.linesearch.armijo import Armijo
from optkit.linesearch.as_proposed import AsProposed
from optkit.linesearch.hager_zhang import HagerZhang
from optkit.linesearch.nonmonotone import MaxOfWindow, RunningMean
from optkit.linesearch.ray import LineSearch, Ray, Trial, downhill
from optkit.linesearch.strong_wolfe import StrongWolfe

SEARCHES: dict[str, type] = {
    "armijo": Armijo,
    "strong-wolfe": StrongWolfe,
    "hager-zhang": HagerZhang,
    "max-of-window": MaxOfWindow,
    "running-mean": RunningMean,
}

__all__ = ["SEARCHES", "Armijo", "AsProposed", "HagerZhang", "LineSearch", "MaxOfWindow", "Ray", "RunningMean",
           "StrongWolfe", "Trial", "downhill"]
