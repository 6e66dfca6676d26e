"""The nonlinear regressions of NIST's Statistical Reference Datasets: 27 models, two starts each, certified solutions.

for model in problems.nist.models().values():
    residual = model.residual                     # b -> y − model(b, x), certified: ‖residual(model.b)‖² == model.rss
    starts = model.starts                         # the first is far from the solution, the second near

NIST/ITL StRD, https://www.itl.nist.gov/div898/strd/nls/nls_main.shtml. Certified values have eleven digits; they
were computed in 128-bit arithmetic. The data are in data/nist_strd.csv, which data/README.md describes.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import numpy as np

from problems.case import Case, squares
from problems.problem import read_only

Vector = np.ndarray


@dataclass(frozen=True, eq=False, repr=False)
class Regression:
    """y = model(b, x) + error, to be fitted by least squares.

    level : NIST's difficulty, "lower", "average" or "higher". x : (m,) float64, or (2, m) with two predictors.
    y : (m,) as the model predicts it (Nelson's is log y). starts : Start 1 and Start 2. b, rss : the certified
    parameters and residual sum of squares.
    """

    name: str
    level: str
    model: Callable[[Any, Vector], Any]
    x: Vector
    y: Vector
    starts: tuple[Vector, Vector]
    b: Vector
    rss: float

    def residual(self, b: Any) -> Any:
        return self.y - self.model(b, self.x)

    def digits(self, b: Any) -> float:
        """The worst number of correct digits (NIST's LRE): −log₁₀ of the relative error, 0 to 11."""
        error = np.max(np.abs(np.asarray(b) - self.b) / np.abs(self.b))
        return float(np.clip(-np.log10(max(error, 1e-300)), 0, 11)) if np.isfinite(error) else 0.0

    def case(self, start: int) -> Case:
        """The least-squares problem from start 1 or 2."""
        return squares(f"{self.name}-{start}", self.residual, self.starts[start - 1],
                       f"NIST StRD {self.name}, start {start}", f_star=self.rss, x_star=self.b)

    def __repr__(self) -> str:
        return f"<Regression {self.name}: {self.b.size} parameters, {self.y.size} observations, {self.level}>"


def _chwirut(b, x):
    return np.exp(-b[0] * x) / (b[1] + b[2] * x)


def _cubic_ratio(b, x):
    return (b[0] + b[1] * x + b[2] * x**2 + b[3] * x**3) / (1 + b[4] * x + b[5] * x**2 + b[6] * x**3)


def _enso(b, x):
    year, second, third = (2 * np.pi * x / period for period in (12, b[3], b[6]))
    return (b[0] + b[1] * np.cos(year) + b[2] * np.sin(year) + b[4] * np.cos(second) + b[5] * np.sin(second)
            + b[7] * np.cos(third) + b[8] * np.sin(third))


def _gauss(b, x):
    """Two Gaussian peaks on an exponential decay."""
    return (b[0] * np.exp(-b[1] * x) + b[2] * np.exp(-((x - b[3]) ** 2) / b[4] ** 2)
            + b[5] * np.exp(-((x - b[6]) ** 2) / b[7] ** 2))


def _lanczos(b, x):
    return b[0] * np.exp(-b[1] * x) + b[2] * np.exp(-b[3] * x) + b[4] * np.exp(-b[5] * x)


def _quadratic_ratio(b, x):
    return (b[0] + b[1] * x + b[2] * x**2) / (1 + b[3] * x + b[4] * x**2)


def _roszman(b, x):
    return b[0] - b[1] * x - np.arctan(b[2] / (x - b[3])) / np.pi


def _saturation(b, x):
    return b[0] * (1 - np.exp(-b[1] * x))


# Name -> (level, data set, model, start 1, start 2, certified parameters, certified residual sum of squares).
TABLE: dict[str, tuple] = {
    "Misra1a": ("lower", "misra1", _saturation, [500, 1e-4], [250, 5e-4],
                [2.3894212918e2, 5.5015643181e-4], 1.2455138894e-1),
    "Chwirut2": ("lower", "chwirut2", _chwirut, [0.1, 0.01, 0.02], [0.15, 0.008, 0.01],
                 [1.6657666537e-1, 5.1653291286e-3, 1.2150007096e-2], 5.1304802941e2),
    "Chwirut1": ("lower", "chwirut1", _chwirut, [0.1, 0.01, 0.02], [0.15, 0.008, 0.01],
                 [1.9027818370e-1, 6.1314004477e-3, 1.0530908399e-2], 2.3844771393e3),
    "Lanczos3": ("lower", "lanczos3", _lanczos, [1.2, 0.3, 5.6, 5.5, 6.5, 7.6], [0.5, 0.7, 3.6, 4.2, 4, 6.3],
                 [8.6816414977e-2, 9.5498101505e-1, 8.4400777463e-1, 2.9515951832, 1.5825685901, 4.9863565084],
                 1.6117193594e-8),
    "Gauss1": ("lower", "gauss1", _gauss, [97, 0.009, 100, 65, 20, 70, 178, 16.5],
               [94, 0.0105, 99, 63, 25, 71, 180, 20],
               [9.8778210871e1, 1.0497276517e-2, 1.0048990633e2, 6.7481111276e1, 2.3129773360e1, 7.1994503004e1,
                1.7899805021e2, 1.8389389025e1], 1.3158222432e3),
    "Gauss2": ("lower", "gauss2", _gauss, [96, 0.009, 103, 106, 18, 72, 151, 18],
               [98, 0.0105, 103, 105, 20, 73, 150, 20],
               [9.9018328406e1, 1.0994945399e-2, 1.0188022528e2, 1.0703095519e2, 2.3578584029e1, 7.2045589471e1,
                1.5327010194e2, 1.9525972636e1], 1.2475282092e3),
    "DanWood": ("lower", "danwood", lambda b, x: b[0] * x ** b[1], [1, 5], [0.7, 4],
                [7.6886226176e-1, 3.8604055871], 4.3173084083e-3),
    "Misra1b": ("lower", "misra1", lambda b, x: b[0] * (1 - (1 + b[1] * x / 2) ** -2), [500, 1e-4], [300, 2e-4],
                [3.3799746163e2, 3.9039091287e-4], 7.5464681533e-2),
    "Kirby2": ("average", "kirby2", _quadratic_ratio, [2, -0.1, 0.003, -0.001, 1e-5],
               [1.5, -0.15, 0.0025, -0.0015, 2e-5],
               [1.6745063063, -1.3927397867e-1, 2.5961181191e-3, -1.7241811870e-3, 2.1664802578e-5], 3.9050739624),
    "Hahn1": ("average", "hahn1", _cubic_ratio, [10, -1, 0.05, -1e-5, -0.05, 0.001, -1e-6],
              [1, -0.1, 0.005, -1e-6, -0.005, 1e-4, -1e-7],
              [1.0776351733, -1.2269296921e-1, 4.0863750610e-3, -1.4262662514e-6, -5.7609940901e-3, 2.4053735503e-4,
               -1.2314450199e-7], 1.5324382854),
    "Nelson": ("average", "nelson", lambda b, x: b[0] - b[1] * x[0] * np.exp(-b[2] * x[1]), [2, 1e-4, -0.01],
               [2.5, 5e-9, -0.05], [2.5906836021, 5.6177717026e-9, -5.7701013174e-2], 3.7976833176),
    "MGH17": ("average", "mgh17", lambda b, x: b[0] + b[1] * np.exp(-x * b[3]) + b[2] * np.exp(-x * b[4]),
              [50, 150, -100, 1, 2], [0.5, 1.5, -1, 0.01, 0.02],
              [3.7541005211e-1, 1.9358469127, -1.4646871366, 1.2867534640e-2, 2.2122699662e-2], 5.4648946975e-5),
    "Lanczos1": ("average", "lanczos1", _lanczos, [1.2, 0.3, 5.6, 5.5, 6.5, 7.6], [0.5, 0.7, 3.6, 4.2, 4, 6.3],
                 [9.5100000027e-2, 1.0000000001, 8.6070000013e-1, 3.0000000002, 1.5575999998, 5.0000000001],
                 1.4307867721e-25),
    "Lanczos2": ("average", "lanczos2", _lanczos, [1.2, 0.3, 5.6, 5.5, 6.5, 7.6], [0.5, 0.7, 3.6, 4.2, 4, 6.3],
                 [9.6251029939e-2, 1.0057332849, 8.6424689056e-1, 3.0078283915, 1.5529016879, 5.0028798100],
                 2.2299428125e-11),
    "Gauss3": ("average", "gauss3", _gauss, [94.9, 0.009, 90.1, 113, 20, 73.8, 140, 20],
               [96, 0.0096, 80, 110, 25, 74, 139, 25],
               [9.8940368970e1, 1.0945879335e-2, 1.0069553078e2, 1.1163619459e2, 2.3300500029e1, 7.3705031418e1,
                1.4776164251e2, 1.9668221230e1], 1.2444846360e3),
    "Misra1c": ("average", "misra1", lambda b, x: b[0] * (1 - (1 + 2 * b[1] * x) ** -0.5), [500, 1e-4], [600, 2e-4],
                [6.3642725809e2, 2.0813627256e-4], 4.0966836971e-2),
    "Misra1d": ("average", "misra1", lambda b, x: b[0] * b[1] * x / (1 + b[1] * x), [500, 1e-4], [450, 3e-4],
                [4.3736970754e2, 3.0227324449e-4], 5.6419295283e-2),
    "Roszman1": ("average", "roszman1", _roszman, [0.1, -1e-5, 1000, -100], [0.2, -5e-6, 1200, -150],
                 [2.0196866396e-1, -6.1953516256e-6, 1.2044556708e3, -1.8134269537e2], 4.9484847331e-4),
    "ENSO": ("average", "enso", _enso, [11, 3, 0.5, 40, -0.7, -1.3, 25, -0.3, 1.4],
             [10, 3, 0.5, 44, -1.5, 0.5, 26, -0.1, 1.5],
             [1.0510749193e1, 3.0762128085, 5.3280138227e-1, 4.4311088700e1, -1.6231428586, 5.2554493756e-1,
              2.6887614440e1, 2.1232288488e-1, 1.4966870418], 7.8853978668e2),
    "MGH09": ("higher", "mgh09", lambda b, x: b[0] * (x**2 + x * b[1]) / (x**2 + x * b[2] + b[3]), [25, 39, 41.5, 39],
              [0.25, 0.39, 0.415, 0.39], [1.9280693458e-1, 1.9128232873e-1, 1.2305650693e-1, 1.3606233068e-1],
              3.0750560385e-4),
    "Thurber": ("higher", "thurber", _cubic_ratio, [1000, 1000, 400, 40, 0.7, 0.3, 0.03],
                [1300, 1500, 500, 75, 1, 0.4, 0.05],
                [1.2881396800e3, 1.4910792535e3, 5.8323836877e2, 7.5416644291e1, 9.6629502864e-1, 3.9797285797e-1,
                 4.9727297349e-2], 5.6427082397e3),
    "BoxBOD": ("higher", "boxbod", _saturation, [1, 1], [100, 0.75], [2.1380940889e2, 5.4723748542e-1], 1.1680088766e3),
    "Rat42": ("higher", "rat42", lambda b, x: b[0] / (1 + np.exp(b[1] - b[2] * x)), [100, 1, 0.1], [75, 2.5, 0.07],
              [7.2462237576e1, 2.6180768402, 6.7359200066e-2], 8.0565229338),
    "MGH10": ("higher", "mgh10", lambda b, x: b[0] * np.exp(b[1] / (x + b[2])), [2, 400000, 25000], [0.02, 4000, 250],
              [5.6096364710e-3, 6.1813463463e3, 3.4522363462e2], 8.7945855171e1),
    "Eckerle4": ("higher", "eckerle4", lambda b, x: b[0] / b[1] * np.exp(-0.5 * ((x - b[2]) / b[1]) ** 2), [1, 10, 500],
                 [1.5, 5, 450], [1.5543827178, 4.0888321754, 4.5154121844e2], 1.4635887487e-3),
    "Rat43": ("higher", "rat43", lambda b, x: b[0] / (1 + np.exp(b[1] - b[2] * x)) ** (1 / b[3]), [100, 10, 1, 1],
              [700, 5, 0.75, 1.3], [6.9964151270e2, 5.2771253025, 7.5962938329e-1, 1.2792483859], 8.7864049080e3),
    "Bennett5": ("higher", "bennett5", lambda b, x: b[0] * (b[1] + x) ** (-1 / b[2]), [-2000, 50, 0.8],
                 [-1500, 45, 0.85], [-2.5235058043e3, 4.6736564644e1, 9.3218483193e-1], 5.2404744073e-4),
}
TRANSFORMED = {"Nelson": np.log}  # of y, where the model is one of log y


def models() -> dict[str, Regression]:
    """name -> Regression, in NIST's order of difficulty."""
    return {name: _regression(name, *row) for name, row in TABLE.items()}


def _regression(name, level, dataset, model, first, second, b, rss) -> Regression:
    y, x = _data()[dataset]
    y = read_only(TRANSFORMED[name](y)) if name in TRANSFORMED else y
    far, near, b = (read_only(np.array(v, dtype=float)) for v in (first, second, b))
    return Regression(name, level, model, x, y, (far, near), b, rss)


@cache
def _data() -> dict[str, tuple[Vector, Vector]]:
    """Data set -> (y, x)."""
    rows: dict[str, list[list[float]]] = {}
    with resources.files("problems").joinpath("data", "nist_strd.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            rows.setdefault(row["dataset"], []).append([float(v) for v in (row["y"], row["x1"], row["x2"]) if v])
    columns = {name: np.array(table).T for name, table in rows.items()}
    return {name: (read_only(c[0].copy()), read_only(c[1].copy() if len(c) == 2 else c[1:].copy()))
            for name, c in columns.items()}
