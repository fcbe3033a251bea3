"""The reliability curves as a picture, with the course of reports and of forgetting beside them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from benchmarks.calibration.people import KINDS
from benchmarks.calibration.scores import coverage_curve, over_people, score
from benchmarks.calibration.studies import AFTER_S, Found
from benchmarks.calibration.tables import told_rows

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw"]

Array = npt.NDArray[np.float64]
NOMINAL: Final = np.array([*np.arange(0.10, 1.0, 0.05), 0.99])
_BAND: Final = (0.85, 0.95)
_BLUE, _ORANGE, _GREEN, _GREY = "#1f5fa8", "#d2691e", "#2e8b57", "#777777"


def draw(found: Found, path: Path) -> None:
    """Draw the figure into a PNG."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, panels = plt.subplots(2, 3, figsize=(13.5, 8.6), layout="constrained")
    places = [panels[0, 0], panels[0, 1], panels[1, 0], panels[1, 1]]
    for place, (kind, (_, title)) in zip(places, KINDS.items(), strict=True):
        _reliability(place, found, kind, title)
    _reports(panels[0, 2], found)
    _forgetting(panels[1, 2], found)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _reliability(place: Axes, found: Found, kind: str, title: str) -> None:
    rows = found.filter.kind == kind
    truth, person = found.filter.truth[rows], found.filter.person[rows]
    place.plot([0, 1], [0, 1], color=_GREY, lw=0.8)
    place.plot([0.9, 0.9], _BAND, color="black", lw=5, alpha=0.25, solid_capstyle="butt", label="85–95 % at 90 %")
    for name, label, colour in (
        ("prior", "personal prior, ellipse", _GREY),
        ("silent", "filter without reports, ellipse", _GREEN),
    ):
        curve = coverage_curve(score(truth, *(part[rows] for part in found.forecast(name))), NOMINAL)
        place.plot(NOMINAL, curve[:, 2], color=colour, ls="--", lw=1.3, label=label)
    ours = score(truth, *(part[rows] for part in found.forecast("filter")))
    curve = coverage_curve(ours, NOMINAL)
    place.plot(NOMINAL, curve[:, 2], color=_BLUE, lw=2.2, label="filter with reports, ellipse")
    place.plot(NOMINAL, curve[:, 0], color=_BLUE, lw=1, ls=":", label="… valence")
    place.plot(NOMINAL, curve[:, 1], color=_ORANGE, lw=1, ls=":", label="… arousal")
    low, high = _region_band(person, ours.distance)
    place.fill_between(NOMINAL, low, high, color=_BLUE, alpha=0.15, lw=0)
    place.set(title=f"{title} (n = {int(rows.sum())})", xlabel="nominal", ylabel="observed", xlim=(0, 1), ylim=(0, 1))
    place.legend(fontsize=7, loc="upper left", frameon=False)


def _region_band(person: npt.NDArray[np.str_], distance: Array) -> tuple[Array, Array]:
    from scipy.stats import chi2

    intervals = [over_people(person, (distance <= chi2.ppf(level, 2)).astype(float)) for level in NOMINAL]
    return np.array([one.low for one in intervals]), np.array([one.high for one in intervals])


def _reports(place: Axes, found: Found) -> None:
    told = found.told["daily"]
    rows, counts = told_rows(told), list(told)
    errors = {count: np.linalg.norm(played.truth[rows] - played.mean[rows], axis=1) for count, played in told.items()}
    person = told[counts[0]].person[rows]
    gains = [over_people(person, errors[count] - errors[0]) for count in counts]
    place.axhline(0.0, color=_GREY, lw=0.8)
    place.errorbar(
        range(len(counts)),
        [gain.value for gain in gains],
        yerr=[[gain.value - gain.low for gain in gains], [gain.high - gain.value for gain in gains]],
        color=_BLUE,
        marker="o",
        capsize=3,
    )
    place.set_xticks(range(len(counts)), [str(count) for count in counts])
    place.set(
        title=f"SiTunes: first reports of daily life (n = {int(rows.sum())})",
        xlabel="told, and none later",
        ylabel="change of the mean error in later daily life",
    )


def _forgetting(place: Axes, found: Found) -> None:
    minutes = np.array(AFTER_S) / 60.0
    middle = np.median(found.relaxed, axis=0)
    for column, label, colour in ((0, "sd of valence", _BLUE), (1, "sd of arousal", _ORANGE)):
        low, high = np.quantile(found.relaxed[:, :, column], (0.1, 0.9), axis=0)
        place.plot(minutes, middle[:, column], color=colour, marker=".", label=label)
        place.fill_between(minutes, low, high, color=colour, alpha=0.15, lw=0)
        place.axhline(middle[0, 2 + column], color=colour, ls="--", lw=0.8)
    place.plot(minutes, middle[:, 4], color=_GREY, marker=".", label="distance to the prior's mean left (share)")
    place.set_xscale("symlog", linthresh=1.0)
    place.set_xticks([0, 1, 2, 5, 10, 30, 60, 180], ["0", "1", "2", "5", "10", "30", "60", "180"])
    place.set(title="HKU956: the wristband comes off", xlabel="minutes after the last report", ylim=(0, 1.02))
    place.legend(fontsize=7, frameon=False)
