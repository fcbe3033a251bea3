"""WESAD's windows: heart-rate variability from wrist pulse (120 s) and spreads of the E4's channels (30 s).

Both files hold each subject's windows in the order of the session, condition by condition, without times.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from cloud_trainer.data.tables import Kind, floats, read_table
from models.errors import DataError, Reason

__all__ = ["CONDITIONS", "Wesad", "Windows", "load"]

CONDITIONS = ("amusement", "baseline", "stress")
"""Names of the labels 0, 1, 2."""
_REMEDY = "Run 'attune-trainer data check' to see whether the file was changed"
_SAMPLES_PER_MINUTE = 4 * 60


@dataclass(frozen=True)
class Windows:
    """Windows of one file, one value per window in each column.

    Attributes:
        subject: WESAD's number of the person.
        condition: index into `CONDITIONS`.
        columns: by name, see `Wesad`.
    """

    subject: npt.NDArray[np.int64]
    condition: npt.NDArray[np.int64]
    columns: dict[str, npt.NDArray[np.float32]]


@dataclass(frozen=True)
class Wesad:
    """The two files.

    Attributes:
        pulse: `heart_rate` (beat/min), `rmssd`, `sdnn` (ms; inflated by motion, see the trainer's use of them).
        skin: `phasic` and `sudomotor` (standard deviations of cvxEDA's phasic component and of its sudomotor nerve
            activity), `tonic` (of the tonic component), `temperature_slope` (°C/min).
    """

    pulse: Windows
    skin: Windows


def load(data: Path) -> Wesad:
    """Read both files.

    Raises:
        DataError: a file is missing or damaged.
    """
    folder = data / "wesad-features"
    pulse = _windows(folder / "ppg_hrv_120s.csv.gz", {"HR_mean": "heart_rate", "RMSSD": "rmssd", "SDNN": "sdnn"})
    skin = _windows(
        folder / "e4_resp_std.csv.gz",
        {
            "EDA_phasic_std": "phasic",
            "EDA_smna_std": "sudomotor",
            "EDA_tonic_std": "tonic",
            "TEMP_slope": "temperature_slope",
        },
    )
    # The source gives the slope per sample of the 4 Hz signal.
    skin.columns["temperature_slope"] *= _SAMPLES_PER_MINUTE
    return Wesad(pulse, skin)


def _windows(path: Path, columns: dict[str, str]) -> Windows:
    kinds: dict[str, Kind] = dict.fromkeys(columns, "float")
    table = read_table(path, kinds | {"subject": "int", "label": "int"})
    wrong = np.flatnonzero((table["label"] < 0) | (table["label"] >= len(CONDITIONS)))
    if len(wrong):
        raise DataError(
            f"row {wrong[0] + 2} of {path}: label {table['label'][wrong[0]]} is none of 0, 1, 2",
            reason=Reason.WRONG_VALUE,
            remedy=_REMEDY,
        )
    return Windows(
        subject=table["subject"],
        condition=table["label"],
        columns={ours: floats(table[theirs]) for theirs, ours in columns.items()},
    )
