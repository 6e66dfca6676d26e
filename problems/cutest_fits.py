"""Curve fits from CUTEst, by their SIF names, with their data tables and the minima the SIF files print."""

from __future__ import annotations

import numpy as np

from problems.case import Case, squares
from problems.problem import read_only


def _data(*values: float) -> np.ndarray:
    return read_only(np.array(values))


def _fit(name: str, residual, x0, **columns) -> Case:
    return squares(name, residual, x0, f"CUTEst {name.upper()}", **columns)


# Ben-Akiva & Lerman 1985, Discrete Choice Analysis: minutes by car and by transit, and who took transit.
BY_CAR = _data(52.9, 4.1, 4.1, 56.2, 51.8, 0.2, 27.6, 89.9, 41.5, 95.0, 99.1, 18.5, 82.0, 8.6, 22.5, 51.4, 81.0, 51.0,
               62.2, 95.1, 41.6)
BY_TRANSIT = _data(4.4, 28.5, 86.9, 31.6, 20.2, 91.2, 79.7, 2.2, 24.5, 43.5, 8.4, 84.0, 38.0, 1.6, 74.1, 83.8, 19.2,
                   85.0, 90.1, 22.2, 91.5)
TOOK_TRANSIT = _data(1, 1, 0, 1, 1, 0, 0, 1, 1, 1, 1, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0)
GROWTH_N = _data(8, 9, 10, 11, 12, 13, 14, 15, 16, 18, 20, 25)
GROWTH = _data(8.0, 8.4305, 9.5294, 10.4627, 12.0, 13.0205, 14.5949, 16.1078, 18.0596, 20.4569, 24.25, 32.9863)
HATFLDD_T = _data(0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9)
HATFLDD = _data(1.751, 1.561, 1.391, 1.239, 1.103, 0.981, 0.925, 0.8721, 0.8221, 0.7748)
HATFLDE_T = read_only(0.3 + 0.05 * np.arange(21))
HATFLDE = _data(1.561, 1.473, 1.391, 1.313, 1.239, 1.169, 1.103, 1.04, 0.981, 0.925, 0.8721, 0.8221, 0.7748, 0.73,
                0.6877, 0.6477, 0.6099, 0.5741, 0.5403, 0.5084, 0.4782)
HIMMELBF_A = _data(0.0, 0.000428, 0.001, 0.00161, 0.00209, 0.00348, 0.00525)
HIMMELBF_B = _data(7.391, 11.18, 16.44, 16.20, 22.20, 24.02, 31.32)
PALMER1_X = _data(1.788963, 1.745329, 1.658063, 1.570796, 1.483530, 1.396263, 1.308997, 1.218612, 1.134464, 1.047198,
                  0.872665, 0.698132, 0.523599, 0.349066, 0.174533, 1.8762289, 1.8325957)  # and their negatives
PALMER1 = _data(78.596218, 65.77963, 43.96947, 27.038816, 14.6126, 6.2614, 1.538330, 0.0, 1.188045, 4.6841, 16.9321,
                33.6988, 52.3664, 70.1630, 83.4221, 108.18086, 92.733676)
PALMER1_AT_0 = 88.3995
PALMER5_X = _data(0.0, 1.570796, 1.396263, 1.308997, 1.221730, 1.125835, 1.047198, 0.872665, 0.698132, 0.523599,
                  0.349066, 0.174533)
PALMER5 = _data(83.57418, 81.007654, 18.983286, 8.051067, 2.044762, 0.0, 1.170451, 10.479881, 25.785001, 44.126844,
                62.822177, 77.719674)
BEAM_X = _data(39.1722, 53.9707, 47.9829, 12.5925, 16.5414, 18.9548, 27.7168, 31.9201, 45.6830, 22.2524, 33.9805,
               6.8425, 35.1677, 33.5682, 43.3659, 13.3835, 25.7273, 21.0230, 10.9755, 1.5323, 45.4416, 14.5431, 22.4313,
               29.0144, 25.2675, 15.5095, 9.6297, 8.3009, 30.8694, 43.3299)
BEAM_V = _data(-1.2026, 1.7053, 0.5410, 1.1477, 1.2447, 0.9428, -0.1360, -0.7542, -0.3396, 0.7057, -0.8509, -0.1201,
               -1.2193, -1.0448, -0.7723, 0.4342, 0.1154, 0.2868, 0.3558, -0.5090, -0.0842, 0.6021, 0.1197, -0.1827,
               0.1806, 0.5395, 0.2072, 0.1466, -0.2672, -0.3038)
BEAM_P = _data(2.5736, 2.7078, 2.6613, 2.0374, 2.1553, 2.2195, 2.4077, 2.4772, 2.6409, 2.2981, 2.5073, 1.8380, 2.5236,
               2.5015, 2.6186, 0.4947, 0.6062, 0.5588, 0.4772, 0.4184, 0.9051, 0.5035, 0.5723, 0.6437, 0.6013, 0.5111,
               0.4679, 0.4590, 0.6666, 0.8630)
YFIT = _data(21.158931, 17.591719, 14.046854, 10.519732, 7.0058392, 3.5007293, 0.0, -3.5007293, -7.0058392, -10.519732,
             -14.046854, -17.591719, -21.158931, -24.753206, -28.379405, -32.042552, -35.747869)


def _akiva(x):
    """Minus the log-likelihood of a binary logit model."""
    advantage = x[0] * (BY_CAR - BY_TRANSIT) + x[1]
    return np.sum(np.logaddexp(0, advantage) - (1 - TOOK_TRANSIT) * advantage)


def _expfit(x):
    t = 0.25 * np.arange(1, 11)
    return x[0] * np.exp(t * x[1]) - t


def _growth(x):
    return x[0] * np.exp(np.log(GROWTH_N) * (x[1] + np.log(GROWTH_N) * x[2])) - GROWTH


def _exponentials(t, y):
    return lambda x: x[0] * np.exp(t * x[1]) - np.exp(t * x[2]) - y


def _himmelbf(x):
    a = HIMMELBF_A
    return 100 * ((x[0] ** 2 + a * x[1] ** 2 + (a * x[2]) ** 2) / (HIMMELBF_B * (1 + a * x[3] ** 2)) - 1)


def _palmer1c(x):
    t = np.concatenate([-PALMER1_X, PALMER1_X, [0.0]])
    return t[:, None] ** (2 * np.arange(8)) @ x - np.concatenate([PALMER1, PALMER1, [PALMER1_AT_0]])


def _palmer5c(x):
    """In even Chebyshev polynomials."""
    angle = np.arccos(PALMER5_X / PALMER5_X[1])
    return np.cos(2 * np.arange(6) * angle[:, None]) @ x - PALMER5


def _vibrbeam(x):
    powers = BEAM_X[:, None] ** np.arange(4)
    return (powers @ x[:4]) * np.cos(powers @ x[4:] - BEAM_P) - BEAM_V


def _yfitu(x):
    share = np.arange(17) / 16
    return x[2] * np.tan(x[0] * (1 - share) + x[1] * share) - YFIT


CUTEST_FITS: tuple[Case, ...] = (
    Case("akiva", _akiva, np.zeros(2), "CUTEst AKIVA", f_star=6.1660422124),
    _fit("expfit", _expfit, np.zeros(2)),
    _fit("growthls", _growth, [100, 0, 0]),
    _fit("hatfldd", _exponentials(HATFLDD_T, HATFLDD), [1, -1, 0], f_star=6.615114e-8),
    _fit("hatflde", _exponentials(HATFLDE_T, HATFLDE), [1, -1, 0], f_star=5.120377e-7),
    _fit("himmelbf", _himmelbf, [2.7, 90, 1500, 10], f_star=318.572),
    _fit("palmer1c", _palmer1c, np.ones(8), f_star=9.7605048e-2),
    _fit("palmer5c", _palmer5c, np.ones(6)),
    _fit("vibrbeam", _vibrbeam, [-3.5, 1, 0, 0, 1.7, 0, 0, 0], f_star=0.15644607137),
    _fit("yfitu", _yfitu, [0.6, -0.6, 20], f_star=0),
)
