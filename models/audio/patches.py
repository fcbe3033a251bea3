"""Log-mel patches: the fixed-size pieces of a track that `music_emotion` takes, at even positions over its length.

A patch is the normalised log-mel spectrogram of 639 × 512 samples (14.84 s), which gives exactly 640 centred frames.
Each patch is computed from its own samples alone (so is its 80 dB floor): cutting a patch out of a whole track in
training and seeking to it in a file on the device give the same numbers.

With `count` patches of length P in a track of length T, patch i is centred on (i + ½) T / count, moved inwards where it
would reach past an end. What is shorter than one patch is repeated until it fills one: silence would be read as music.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from models.audio.log_mel import DYNAMIC_RANGE_DB, HOP, MELS, SAMPLE_RATE, WINDOW, log_mel, require_mono
from models.errors import BundleError, Reason

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

__all__ = [
    "FRONT_END",
    "PATCH_FRAMES",
    "PATCH_SAMPLES",
    "PATCH_SECONDS",
    "FrontEnd",
    "fill_patch",
    "patch",
    "patch_starts",
    "patches",
]

PATCH_FRAMES: Final = 640
PATCH_SAMPLES: Final = (PATCH_FRAMES - 1) * HOP
PATCH_SECONDS: Final = PATCH_SAMPLES / SAMPLE_RATE
"""14.84 s."""


@dataclass(frozen=True)
class FrontEnd:
    """The parameters of the log-mel front end as they stand in a bundle's manifest.

    All but the last two are fixed by this code: a bundle that states others needs another program. `mean` and `scale`
    are the bundle's own: the model's input is (dB - mean) / scale.
    """

    sample_rate: int = SAMPLE_RATE
    window: str = "hamming"
    window_length: int = WINDOW
    hop: int = HOP
    mels: int = MELS
    frames: int = PATCH_FRAMES
    dynamic_range_db: float = DYNAMIC_RANGE_DB
    # About the mean and spread over cells of recorded music at usual levels; they only have to keep inputs near ±2.
    mean: float = -20.0
    scale: float = 20.0

    def as_manifest(self) -> dict[str, Any]:
        """Returns the parameters as the manifest's JSON object."""
        return asdict(self)

    @classmethod
    def from_manifest(cls, stated: Mapping[str, float | int | str]) -> FrontEnd:
        """Returns the front end that a manifest states; what it leaves out is as in `FRONT_END`.

        Raises:
            BundleError: it states one that this code does not compute; a parameter of another name may be one.
        """
        names = {field.name for field in fields(cls)}
        known = {name: value for name, value in stated.items() if name in names}
        front_end = cls(**known)  # type: ignore[arg-type]  # a wrong type is not equal to what is_computable demands
        if len(known) < len(stated) or not front_end.is_computable():
            raise BundleError(
                f"the audio front end of the bundle is {dict(stated)}, which this program does not compute",
                reason=Reason.INCOMPATIBLE,
                remedy="Update Attune or use an older bundle",
            )
        return front_end

    def is_computable(self) -> bool:
        """Tells whether this code computes such a front end: all but `mean` and `scale` are the fixed ones."""
        numbers = isinstance(self.mean, int | float) and isinstance(self.scale, int | float)
        return numbers and self == FrontEnd(mean=self.mean, scale=self.scale) and self.scale > 0.0


FRONT_END: Final = FrontEnd()
"""The parameters of a bundle that states none of its own."""


def patches(samples: NDArray[np.float32], *, count: int, front_end: FrontEnd = FRONT_END) -> NDArray[np.float32]:
    """Cuts normalised patches out of a track at even positions.

    Args:
        samples: float32[n], mono at 22.05 kHz, n > 0.
        count: how many patches; the patches of a track that is shorter than `count` patches overlap.
        front_end: normalisation.

    Returns:
        float32[count, 128, 640]

    Raises:
        AudioError: the input is empty, not one-dimensional or not finite.
    """
    samples = require_mono(samples)
    result = np.empty((count, MELS, PATCH_FRAMES), dtype=np.float32)
    starts = patch_starts(samples.size, count)
    for index, start in enumerate(starts):
        if index > 0 and start == starts[index - 1]:
            result[index] = result[index - 1]
        else:
            result[index] = patch(samples[start : start + PATCH_SAMPLES], front_end=front_end)
    return result


def patch(samples: NDArray[np.float32], *, front_end: FrontEnd = FRONT_END) -> NDArray[np.float32]:
    """Returns one normalised patch float32[128, 640] of up to 327,168 samples; fewer are repeated, more are cut off.

    Raises:
        AudioError: the input is empty, not one-dimensional or not finite.
    """
    spectrogram = log_mel(fill_patch(samples))
    spectrogram -= np.float32(front_end.mean)
    spectrogram *= np.float32(1.0 / front_end.scale)
    return spectrogram


def patch_starts(sample_count: int, count: int) -> list[int]:
    """Returns where `count` patches begin in a track of so many samples, in samples at 22.05 kHz, in order."""
    last = max(sample_count - PATCH_SAMPLES, 0)
    centres = [(index + 0.5) * sample_count / count for index in range(count)]
    return [min(max(round(centre - PATCH_SAMPLES / 2), 0), last) for centre in centres]


def fill_patch(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns exactly one patch's samples: the first ones, or all of them over and over.

    Raises:
        AudioError: the input is empty, not one-dimensional or not finite.
    """
    samples = require_mono(samples)
    if samples.size >= PATCH_SAMPLES:
        return samples[:PATCH_SAMPLES]
    return np.resize(samples, PATCH_SAMPLES)
