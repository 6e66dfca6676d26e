"""The curve fits among the 35 problems of Moré, Garbow & Hillstrom, with their data tables."""

from __future__ import annotations

import numpy as np

from problems.case import Case, squares
from problems.problem import read_only


def _fit(number: int, name: str, residual, x0, **columns) -> Case:
    return squares(name, residual, x0, f"MGH {number}", **columns)


def _data(*values: float) -> np.ndarray:
    return read_only(np.array(values))


BARD = _data(0.14, 0.18, 0.22, 0.25, 0.29, 0.32, 0.35, 0.39, 0.37, 0.58, 0.73, 0.96, 1.34, 2.10, 4.39)
GAUSSIAN = _data(0.0009, 0.0044, 0.0175, 0.0540, 0.1295, 0.2420, 0.3521, 0.3989, 0.3521, 0.2420, 0.1295, 0.0540,
                 0.0175, 0.0044, 0.0009)
MEYER = _data(34780, 28610, 23650, 19630, 16370, 13720, 11540, 9744, 8261, 7030, 6005, 5147, 4427, 3820, 3307, 2872)
KOWALIK_U = _data(4, 2, 1, 0.5, 0.25, 0.167, 0.125, 0.1, 0.0833, 0.0714, 0.0625)
KOWALIK_Y = _data(0.1957, 0.1947, 0.1735, 0.1600, 0.0844, 0.0627, 0.0456, 0.0342, 0.0323, 0.0235, 0.0246)
OSBORNE_1 = _data(0.844, 0.908, 0.932, 0.936, 0.925, 0.908, 0.881, 0.850, 0.818, 0.784, 0.751, 0.718, 0.685, 0.658,
                  0.628, 0.603, 0.580, 0.558, 0.538, 0.522, 0.506, 0.490, 0.478, 0.467, 0.457, 0.448, 0.438, 0.431,
                  0.424, 0.420, 0.414, 0.411, 0.406)
OSBORNE_2 = _data(1.366, 1.191, 1.112, 1.013, 0.991, 0.885, 0.831, 0.847, 0.786, 0.725, 0.746, 0.679, 0.608, 0.655,
                  0.616, 0.606, 0.602, 0.626, 0.651, 0.724, 0.649, 0.649, 0.694, 0.644, 0.624, 0.661, 0.612, 0.558,
                  0.533, 0.495, 0.500, 0.423, 0.395, 0.375, 0.372, 0.391, 0.396, 0.405, 0.428, 0.429, 0.523, 0.562,
                  0.607, 0.653, 0.672, 0.708, 0.633, 0.668, 0.645, 0.632, 0.591, 0.559, 0.597, 0.625, 0.739, 0.710,
                  0.729, 0.720, 0.636, 0.581, 0.428, 0.292, 0.162, 0.098, 0.054)


def _jennrich_sampson(x):
    i = np.arange(1, 11)
    return 2 + 2 * i - (np.exp(i * x[0]) + np.exp(i * x[1]))


def _bard(x):
    u = np.arange(1, 16)
    v = 16 - u
    return BARD - (x[0] + u / (v * x[1] + np.minimum(u, v) * x[2]))


def _gaussian(x):
    t = (8 - np.arange(1, 16)) / 2
    return x[0] * np.exp(-0.5 * x[1] * (t - x[2]) ** 2) - GAUSSIAN


def _meyer(x):
    return x[0] * np.exp(x[1] / (45 + 5 * np.arange(1, 17) + x[2])) - MEYER


def _gulf(x):
    """With |yᵢ − x₂|, for the |yᵢ m i x₂| that the paper prints."""
    t = np.arange(1, 100) / 100
    y = 25 + (-50 * np.log(t)) ** (2 / 3)
    return np.exp(-np.abs(y - x[1]) ** x[2] / x[0]) - t


def _box_3(x):
    t = 0.1 * np.arange(1, 11)
    return np.exp(-t * x[0]) - np.exp(-t * x[1]) - x[2] * (np.exp(-t) - np.exp(-10 * t))


def _kowalik_osborne(x):
    u = KOWALIK_U
    return KOWALIK_Y - x[0] * (u**2 + u * x[1]) / (u**2 + u * x[2] + x[3])


def _brown_dennis(x):
    t = np.arange(1, 21) / 5
    return (x[0] + t * x[1] - np.exp(t)) ** 2 + (x[2] + x[3] * np.sin(t) - np.cos(t)) ** 2


def _osborne_1(x):
    t = 10 * np.arange(33)
    return OSBORNE_1 - (x[0] + x[1] * np.exp(-t * x[3]) + x[2] * np.exp(-t * x[4]))


def _biggs_exp6(x):
    t = 0.1 * np.arange(1, 14)
    y = np.exp(-t) - 5 * np.exp(-10 * t) + 3 * np.exp(-4 * t)
    return x[2] * np.exp(-t * x[0]) - x[3] * np.exp(-t * x[1]) + x[5] * np.exp(-t * x[4]) - y


def _osborne_2(x):
    t = np.arange(65) / 10
    peaks = [x[k] * np.exp(-x[k + 4] * (t - x[k + 7]) ** 2) for k in (1, 2, 3)]
    return OSBORNE_2 - (x[0] * np.exp(-t * x[4]) + peaks[0] + peaks[1] + peaks[2])


FITS: tuple[Case, ...] = (
    _fit(6, "jennrich-sampson", _jennrich_sampson, [0.3, 0.4], f_star=124.362, x_star=[0.2578, 0.2578]),
    _fit(8, "bard", _bard, [1, 1, 1], f_star=8.21487e-3, minima=(17.4286,)),
    _fit(9, "gaussian", _gaussian, [0.4, 1, 0], f_star=1.12793e-8),
    _fit(10, "meyer", _meyer, [0.02, 4000, 250], f_star=87.9458),
    _fit(11, "gulf", _gulf, [5, 2.5, 0.15], f_star=0, x_star=[50, 25, 1.5]),
    _fit(12, "box-3", _box_3, [0, 10, 20], f_star=0, x_star=[1, 10, 1]),
    _fit(15, "kowalik-osborne", _kowalik_osborne, [0.25, 0.39, 0.415, 0.39], f_star=3.07505e-4, minima=(1.02734e-3,)),
    _fit(16, "brown-dennis", _brown_dennis, [25, 5, -5, -1], f_star=85822.2),
    _fit(17, "osborne-1", _osborne_1, [0.5, 1.5, -1, 0.01, 0.02], f_star=5.46489e-5),
    _fit(18, "biggs-exp6", _biggs_exp6, [1, 2, 1, 1, 1, 1], f_star=0, x_star=[1, 10, 1, 5, 4, 3], minima=(5.65565e-3,)),
    _fit(19, "osborne-2", _osborne_2, [1.3, 0.65, 0.65, 0.7, 0.6, 3, 5, 7, 2, 4.5, 5.5], f_star=4.01377e-2),
)
