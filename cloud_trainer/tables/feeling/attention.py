"""The paper's figure 8 from the model that ships: what it looks back at, in a person that it was not trained on.

SiTunes' lab sessions are the paper's setting: some twenty songs one after the other, each a step, the mood after each
reported. At the end of a song the model says how somebody feels, and its output `attention` tells what it looked at.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from cloud_trainer.data import situnes
from cloud_trainer.quantisation import run_tflite
from cloud_trainer.user_emotion.examples import Examples, concatenate, split_people
from cloud_trainer.user_emotion.situnes_examples import situnes_examples
from models.bundle.reader import Bundle, default_bundle
from models.errors import DataError, Reason

__all__ = ["AttentionMap", "attention_maps", "picture", "strongest_gain"]

_LAB: Final = "situnes_lab"
_FEWEST: Final = 10
_EARLY: Final = 5
"""Songs before which a session says nothing of a choice."""
_BRIGHTEST: Final = 2.0
"""Times an even share at which the colours end; 1 is in their middle."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class AttentionMap:
    """One session.

    Attributes:
        person: as the examples name it.
        weights: what song `i` (row) gives to song `j` (column), `(songs, songs)`, 0 above the diagonal; rows sum to 1.
        felt: valence and arousal reported after each song, `(songs, 2)`.
        answered: what the model says at the end of each, before it is told, `(songs, 2)`.
    """

    person: str
    weights: Floats
    felt: Floats
    answered: Floats


def attention_maps(data: Path, bundle: Path | None = None, *, seed: int = 1) -> list[AttentionMap]:
    """Return the lab sessions of the people that the build with this seed held out.

    Args:
        data: root of the data sets.
        bundle: folder of the bundle; the one that ships unless given.
        seed: of the build that made the bundle.

    Raises:
        DataError: SiTunes is missing or damaged, or nobody held out has a session.
        BundleError: the bundle is damaged.
    """
    opened = Bundle.open(bundle or default_bundle())
    entry = opened.manifest.models["user_emotion"]
    content = (opened.folder / entry.variants[entry.preferred].path).read_bytes()
    examples = situnes_examples(situnes.load(data))
    side = split_people([str(person) for person in np.unique(examples.person)], seed=seed)
    sessions = [
        examples.take((examples.person == person) & (examples.kind == _LAB))
        for person in sorted(name for name, where in side.items() if where == "test")
    ]
    found = [session for session in sessions if len(session) >= _FEWEST]
    if not found:
        raise DataError(
            f"no person held out of {data / 'situnes'} has a lab session of {_FEWEST} songs",
            reason=Reason.EMPTY,
            remedy="Give stage 1 of SiTunes",
        )
    steps, mask = concatenate(found).normalised()
    rows = [{"steps": steps[row : row + 1], "mask": mask[row : row + 1]} for row in range(len(steps))]
    # In a process of its own: the device's runtime and TensorFlow do not share one.
    outputs = run_tflite(content, rows).outputs
    ends = np.cumsum([len(session) for session in found])[:-1]
    parts = zip(found, np.split(outputs["attention"], ends), np.split(outputs["mean"], ends), strict=True)
    return [_map(session, attention, mean) for session, attention, mean in parts]


def _map(session: Examples, attention: npt.NDArray[np.float32], mean: npt.NDArray[np.float32]) -> AttentionMap:
    count = len(session)
    weights = np.zeros((count, count))
    for song in range(count):
        seen = min(song + 1, attention.shape[1])
        weights[song, song + 1 - seen : song + 1] = attention[song, -seen:]
    return AttentionMap(str(session.person[0]), weights, session.label, mean.astype(np.float64))


def strongest_gain(maps: list[AttentionMap]) -> float:
    """Return how much more attention the more strongly felt half of the earlier songs gets than the other, as a ratio.

    The paper says that emotionally strong interactions get more; 1 means that they do not. Strength is the distance of
    the mood after a song from the session's mean so far.
    """
    ratios = []
    for one in maps:
        for song in range(_EARLY, len(one.weights)):
            strength = np.linalg.norm(one.felt[:song] - one.felt[:song].mean(axis=0), axis=1)
            strong = strength > np.median(strength)
            weights = one.weights[song, :song]
            ratios.append(float(np.log(weights[strong].mean() / weights[~strong].mean())))
    return float(np.exp(np.mean(ratios)))


def picture(shown: AttentionMap) -> bytes:
    """Return a PNG: what was felt after each song, and the map, as multiples of an even share."""
    import matplotlib as mpl
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    count = len(shown.weights)
    # A row of the map is spread over as many songs as were heard, so that its weights fall with their number.
    times = np.where(np.tri(count, dtype=bool), shown.weights * np.arange(1, count + 1)[:, None], np.nan)
    with mpl.rc_context({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}):
        figure = Figure(figsize=(7.6, 8.0), layout="constrained")
        top, below = figure.subplots(2, 1, height_ratios=(1, 3), sharex=True)
        places = np.arange(1, count + 1)
        for axis, (name, colour) in enumerate((("valence", "#0b6e4f"), ("arousal", "#c0392b"))):
            top.plot(places, shown.felt[:, axis], color=colour, marker="o", markersize=3, label=f"{name}, reported")
            top.plot(places, shown.answered[:, axis], color=colour, linestyle=":", label=f"{name}, the model's answer")
        top.axhline(0, color="#bbbbbb", linewidth=0.6)
        top.set_ylim(-1, 1)
        top.legend(ncols=4, fontsize=7, frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.0))
        extent = (0.5, count + 0.5, count + 0.5, 0.5)
        drawn = below.imshow(times, cmap="PuOr_r", vmin=0, vmax=_BRIGHTEST, extent=extent, aspect="auto")
        below.set_xlabel("song that is looked at, in order")
        below.set_ylabel("song at whose end the model answers")
        below.xaxis.set_major_locator(MaxNLocator(integer=True))
        below.yaxis.set_major_locator(MaxNLocator(integer=True))
        figure.colorbar(drawn, ax=below, label="attention, times an even share", shrink=0.7, extend="max")
        figure.suptitle(f"What the user-emotion model looks back at: {shown.person}, held out", fontsize=10)
        stream = io.BytesIO()
        figure.savefig(stream, format="png", dpi=140)
    return stream.getvalue()
