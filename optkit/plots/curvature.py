"""The extreme eigenvalue of the Hessian over a domain that decides, with what was certified and what refutes."""

import time
from collections.abc import Iterator
from itertools import islice, product
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import Colormap, LinearSegmentedColormap, SymLogNorm
from numpy.typing import NDArray

from optkit.convexity.bending import Bending, spectra
from optkit.convexity.natural import coordinate

from .style import COLOURS, INK, figure_of

_LARGEST = 32                                   # unknowns for which Hessians are formed on a grid
_SIDE = ((2, 61), (4, 41), (12, 31), (32, 17))  # (unknowns up to which, points a side)
_LINE = 401                                     # points along one unknown
_SECONDS = 5.0                                  # for Hessians, if they are slow: fewer points then
_BOXES = 4000                                   # that are drawn, at most
_USUAL = 0.95                                   # of the eigenvalues, which the colours tell apart; the rest is darkest
_LINEAR = 1e-6                                  # of the largest of them: below it the colours are linear in any case
_SPREAD = 100.0                                 # largest over median second derivative, for a linear axis
_GOOD = LinearSegmentedColormap.from_list("curvature", [COLOURS[1], "#ffffff", COLOURS[0]])


class _Slice(NamedTuple):
    """Points origin + D·s of the domain. D : (n, 1 or 2); ranges : of each s; labels : of the axes."""

    origin: NDArray
    D: NDArray
    ranges: tuple[tuple[float, float], ...]
    labels: tuple[str, ...]


def mapped(report: Any) -> bool:
    """Whether there is a map to draw: few unknowns, and Hessians at the points where they were looked at."""
    return getattr(report, "f", None) is not None and report.domain.n <= _LARGEST and report.bending is not None


def curvature(ax: Axes, report: Any) -> None:
    """A curve for one unknown, else an image. Blue is the right sign, vermilion the wrong one."""
    found = report.bending
    assert found is not None
    place = _slice(report, found)
    (_curve if len(place.ranges) == 1 else _image)(ax, report, found, place)
    if ax.get_legend_handles_labels()[0]:
        ax.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.17), ncols=2, handlelength=2.5)


# --- where ------------------------------------------------------------------------------------------------------------


def _slice(report: Any, found: Bending) -> _Slice:
    """All of the domain where it has one or two dimensions, else a plane through the witness or the worst point."""
    domain = report.domain
    plain = domain.subspace is None
    Z = np.eye(domain.n) if plain else domain.subspace[1]
    if Z.shape[1] <= 2:
        origin = domain.center - Z @ (Z.T @ domain.center)
        low, high = domain.extent(Z)
        names = [coordinate(domain, i) if plain else f"direction {i + 1} in the domain" for i in range(Z.shape[1])]
        return _Slice(origin, Z, tuple(zip(low, high, strict=True)), tuple(names))
    return _plane(report, found)


def _plane(report: Any, found: Bending) -> _Slice:
    """Through the witness, along it and across: by the eigenvectors of the Hessian there, first the deciding one."""
    domain, w = report.domain, report.witness
    origin, along = found.worst, []
    if hasattr(w, "weights"):
        x, y = (domain.flatten(p) for p in w.points)
        origin, along = domain.flatten(w.middle), [y - x]
    _, vectors = spectra(report.f, domain)(origin)
    order = vectors if found.sign > 0 else vectors[:, ::-1]
    names = ["along the witness"] * len(along) + ["along the lowest eigenvector" if found.sign > 0 else
                                                  "along the highest eigenvector", "along the next eigenvector"]
    D: list[NDArray] = []
    labels = []
    for name, d in zip([*names, names[-1]], [*along, *order.T[:3]], strict=False):
        rest = d / np.linalg.norm(d) - sum((e * (e @ d) / np.linalg.norm(d) for e in D), np.zeros(domain.n))
        if len(D) < 2 and np.linalg.norm(rest) > 1e-3:
            D.append(rest / np.linalg.norm(rest))
            labels.append(name)
    return _Slice(origin, np.array(D).T, tuple(domain.chord(origin, d) for d in D), tuple(labels))


def _deciding(report: Any, found: Bending, X: NDArray) -> NDArray:
    """The least (or for concavity the largest) eigenvalue at points (k, n), NaN outside the domain."""
    domain = report.domain
    with np.errstate(all="ignore"):
        spectrum = spectra(report.f, domain)
        return np.array([spectrum(x)[0][0 if found.sign > 0 else -1] if domain.contains(x) else np.nan for x in X])


def _affordable(report: Any, found: Bending) -> int:
    """How many Hessians fit in _SECONDS, by the time of one (the second: the first records f)."""
    spectrum = spectra(report.f, report.domain)
    with np.errstate(all="ignore"):
        spectrum(found.worst)
        began = time.perf_counter()
        spectrum(found.worst)
    return int(_SECONDS / max(time.perf_counter() - began, 1e-9))


def _cells(report: Any) -> list[tuple[NDArray, NDArray, bool]]:
    """(lower, upper, whether certified) of a proof's boxes within the window; boxes outside the domain left out."""
    def boxes() -> Iterator[tuple[NDArray, NDArray, bool]]:
        proof = next((p for p in report.proofs.values() if p.covers and p.of == "f"), None)
        if proof is None or not proof.weight == 0:
            return
        window = report.domain.lower, report.domain.upper
        for parts in product(*(list(islice(c.leaves(proof.lower, proof.upper), _BOXES)) for c in proof.covers)):
            low, high = np.max([p[0] for p in parts], axis=0), np.min([p[1] for p in parts], axis=0)
            if not any(p[2].outside for p in parts):
                yield np.clip(low, *window), np.clip(high, *window), all(p[2].low >= 0 for p in parts)
    return list(islice(boxes(), _BOXES))


# --- drawing ----------------------------------------------------------------------------------------------------------


def _curve(ax: Axes, report: Any, found: Bending, place: _Slice) -> None:
    """f'' along the axis, where it has the wrong sign, the certified bounds, and the boxes they were shown on."""
    s = np.linspace(*place.ranges[0], min(_LINE, max(33, _affordable(report, found))))
    values = _deciding(report, found, place.origin + s[:, None] * place.D[:, 0])
    ax.plot(s, values, color=COLOURS[0], label="f″")
    wrong = found.sign * values < 0
    if wrong.any():
        ax.fill_between(s, 0.0, values, where=wrong.tolist(), color=COLOURS[1], alpha=0.3, linewidth=0,
                        label="bends the wrong way")
    ax.axhline(0.0, color=INK, linewidth=0.8)
    sure = [v for v, known in ((report.mu.lower, report.mu.certified_lower), (report.L.upper, report.L.certified_upper))
            if known and np.isfinite(v)]
    for k, value in enumerate(sure):
        ax.axhline(value, color=COLOURS[2], linestyle=(0, (4, 2)), linewidth=1.3, label="certified bounds" * (k == 0))
    if len(place.D) == 1:
        _ends(ax, [(low[0], high[0]) for low, high, certified in _cells(report) if certified])
    sizes = np.abs(values[np.isfinite(values) & (values != 0)])
    if sizes.size and sizes.max() > _SPREAD * np.median(sizes):
        ax.set_yscale("symlog", linthresh=float(np.median(sizes)))
    ax.set(title="second derivative", xlabel=place.labels[0], ylabel="f″")


def _ends(ax: Axes, cells: list[tuple[float, float]]) -> None:
    """Ticks above the axis where certified boxes of one unknown meet."""
    edges = np.unique(cells)
    if edges.size:
        ax.plot(edges, np.zeros(edges.size), "|", color=COLOURS[2], markersize=11, transform=ax.get_xaxis_transform(),
                clip_on=False, label=f"ends of {len(cells)} certified box" + "es" * (len(cells) > 1))


def _image(ax: Axes, report: Any, found: Bending, place: _Slice) -> None:
    side = min(next(k for n, k in _SIDE if report.domain.n <= n), max(9, int(_affordable(report, found) ** 0.5)))
    s, t = (np.linspace(*ends, side) for ends in place.ranges)
    grid = np.stack(np.meshgrid(s, t), axis=-1).reshape(-1, 2)
    values = _deciding(report, found, place.origin + grid @ place.D.T).reshape(side, side)
    shown = np.ma.masked_invalid(values)
    norm, ticks = _scale(values[np.isfinite(values)], found.sign)
    colours: Colormap = _GOOD if found.sign > 0 else _GOOD.reversed()
    mesh = ax.pcolormesh(s, t, shown, shading="nearest", cmap=colours, norm=norm, alpha=0.8, linewidth=0,
                         rasterized=True)
    bar = figure_of(ax).colorbar(mesh, ax=ax, ticks=ticks, format="%.2g")
    bar.ax.minorticks_off()
    bar.ax.set_ylim(ticks[0], ticks[-1])
    if shown.count() and shown.min() < 0 < shown.max():
        ax.contour(s, t, shown, levels=[0.0], colors=INK, linewidths=1.4)
    _marks(ax, report, found, place)
    kind = "least" if found.sign > 0 else "largest"
    cut = ", on a plane" * place.labels[0].startswith("along")
    ax.set(title=f"{kind} eigenvalue of the Hessian{cut}", xlabel=place.labels[0], ylabel=place.labels[1],
           xlim=place.ranges[0], ylim=place.ranges[1])
    ax.grid(False)


def _scale(values: NDArray, sign: float) -> tuple[SymLogNorm, list[float]]:
    """Colours from the bulk of the values, fine enough for the faintest wrong one; ticks, of the signs that occur."""
    sizes = np.abs(values)
    largest = float(np.quantile(sizes, _USUAL)) if sizes.size else 0.0
    largest = largest or float(sizes.max(initial=0.0)) or 1.0
    wrong = float(np.max(-sign * values, initial=0.0))
    largest = max(largest, wrong)
    faint = wrong / 3 if wrong else float(np.median(sizes)) if sizes.size else largest
    faint = float(np.clip(faint, _LINEAR * largest, largest if not wrong else 0.1 * largest))
    ends = [-largest] * bool((values < 0).any()) + [largest] * bool((values > 0).any())
    ticks = {0.0, *ends, *(end * part for end in ends for part in (0.1, 0.01) if abs(end * part) > 0.3 * faint)}
    return SymLogNorm(faint, vmin=-largest, vmax=largest), sorted(ticks)


def _marks(ax: Axes, report: Any, found: Bending, place: _Slice) -> None:
    """Boxes and refuting points where the axes are the unknowns, and the witness where it lies in the picture."""
    if len(place.D) == 2:
        for certified, colour, label in ((True, INK, "certified"), (False, COLOURS[3], "open")):
            lines = [_outline(low, high) for low, high, sure in _cells(report) if sure is certified]
            if lines:
                ax.add_collection(LineCollection(lines, colors=colour, linewidths=0.6,
                                                 label=f"{len(lines)} {label} box" + "es" * (len(lines) > 1)))
        if found.wrong.any():
            ax.plot(*found.X[found.wrong].T, "x", color=COLOURS[6], markersize=4.5, markeredgewidth=1.1,
                    label="bends the wrong way")
    if hasattr(report.witness, "weights"):
        ends = np.array([report.domain.flatten(p) for p in report.witness.points])
        ax.plot(*((ends - place.origin) @ place.D).T, color=COLOURS[4], marker="o", markersize=5, linewidth=2,
                markeredgecolor=INK, clip_on=False, zorder=5, label="witness")


def _outline(low: NDArray, high: NDArray) -> NDArray:
    return np.array([low, (high[0], low[1]), high, (low[0], high[1]), low])
