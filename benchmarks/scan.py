"""Scan time per track beside playback, and the log-mel front end beside librosa, on one core.

The promises: a scan is at least 20 times faster than playback; log-mel is at least twice as fast as librosa's, and
equal to it within 1e-3 relative. Everything runs on one core and one thread, librosa too; its import and first call,
which compile, are left out. The scan is the real one: tags, four pieces decoded and resampled, `music_emotion` of the
bundle, descriptors, SQLite.

    python -m benchmarks.scan [--json] [--folder DIR] [--bundle DIR] [--tracks N]
"""

from __future__ import annotations

import os

# One thread, for us and for librosa alike; must be set before NumPy is loaded.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("NUMBA_NUM_THREADS", "1")

import argparse
import asyncio
import json
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.catalogue.analysis import Analyser
from agent.catalogue.scan import scan
from agent.storage import Database
from models.audio.descriptors import descriptors
from models.audio.log_mel import HOP, MELS, SAMPLE_RATE, WINDOW, log_mel
from models.bundle.reader import Bundle, default_bundle

CLIP_SECONDS = 30
TRACK_SECONDS = 180
PROMISED_SCAN = 20.0
PROMISED_LOG_MEL = 2.0
PROMISED_DIFFERENCE = 1e-3


def music(seconds: float, rate: int, *, seed: int = 0) -> NDArray[np.float32]:
    """Chords with decaying partials over noise, float32[n]: spectra as full as those of recorded music."""
    generator = np.random.default_rng(seed)
    moment = np.arange(int(seconds * rate)) / rate
    result = generator.normal(scale=0.01, size=moment.size)
    for pitch in generator.choice(np.arange(45, 80), size=8, replace=False):
        frequency = 440.0 * 2.0 ** ((pitch - 69) / 12)
        decay = np.exp(-3.0 * ((moment + pitch / 7) % 1.0))
        for partial in range(1, 6):
            result += 0.03 / partial * decay * np.sin(2 * np.pi * frequency * partial * moment)
    return result.astype(np.float32)


def milliseconds(*calls: Callable[[], object], repeats: int = 40) -> list[float]:
    """Median CPU time of each call, in turns, after one that warms up: other programs on the core count for none."""
    for call in calls:
        call()
    taken: list[list[float]] = [[] for _ in calls]
    for _ in range(repeats):
        for call, times in zip(calls, taken, strict=True):
            start = time.process_time()
            call()
            times.append(time.process_time() - start)
    return [float(np.median(times)) * 1e3 for times in taken]


def measure_log_mel() -> dict[str, float]:
    """Our front end and librosa's on the same half minute."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # librosa's dependencies warn about themselves
        import librosa

    samples = music(CLIP_SECONDS, SAMPLE_RATE)

    def theirs() -> NDArray[np.float32]:
        power = librosa.feature.melspectrogram(
            y=samples, sr=SAMPLE_RATE, n_fft=WINDOW, hop_length=HOP, n_mels=MELS, window="hamming"
        )
        result: NDArray[np.float32] = librosa.power_to_db(power, ref=1.0, top_db=80.0)
        return result

    ours_db, theirs_db = log_mel(samples), theirs()
    power, reference = 10.0 ** (ours_db / 10.0), 10.0 ** (theirs_db / 10.0)
    ours_ms, theirs_ms, descriptors_ms = milliseconds(
        lambda: log_mel(samples), theirs, lambda: descriptors(samples[: SAMPLE_RATE * 15])
    )
    return {
        "ours_ms": ours_ms,
        "librosa_ms": theirs_ms,
        "ratio": theirs_ms / ours_ms,
        "largest_relative_difference": float(np.abs(power / reference - 1.0).max()),
        "largest_difference_db": float(np.abs(ours_db - theirs_db).max()),
        "descriptors_of_15_s_ms": descriptors_ms,
    }


def write_tracks(folder: Path, count: int) -> None:
    """Writes stereo FLAC of three minutes at 44.1 kHz, the usual ripped CD."""
    import soundfile

    for number in range(count):
        left = music(TRACK_SECONDS, 44_100, seed=number)
        soundfile.write(folder / f"{number}.flac", np.stack([left, np.roll(left, 200)], axis=1), 44_100)


async def measure_scan(folder: Path, bundle: Bundle) -> dict[str, float]:
    """A first scan of a folder into an empty database, and a second one that finds nothing to do."""
    with tempfile.TemporaryDirectory() as data:
        async with await Database.open(Path(data)) as database:
            analyser = Analyser.of_bundle(bundle)
            start, start_cpu = time.perf_counter(), time.process_time()
            report = await scan([folder], database, analyser, clock=time.time)
            seconds, cpu_s = time.perf_counter() - start, time.process_time() - start_cpu
            start = time.perf_counter()
            await scan([folder], database, analyser, clock=time.time)
            again_s = time.perf_counter() - start
    count = max(report.new, 1)
    return {
        "tracks": report.new,
        "unusable": len(report.unusable),
        "audio_s": report.audio_s,
        "seconds_per_track": seconds / count,
        "cpu_seconds_per_track": cpu_s / count,
        "times_playback": report.audio_s / seconds,
        "second_scan_s": again_s,
    }


def lines(result: dict[str, Any]) -> list[str]:
    """The table: what, figure, and what was promised or measured beside it."""
    front, whole = result["log_mel"], result["scan"]
    ratio, difference, speed = front["ratio"], front["largest_relative_difference"], whole["times_playback"]
    tracks = f"{whole['tracks']} tracks, {whole['audio_s']:.0f} s of audio"
    rows = [
        ("log-mel of 30 s", f"{front['ours_ms']:.2f} ms", f"librosa {front['librosa_ms']:.2f} ms"),
        (
            "  faster than librosa",
            f"{ratio:.2f} ×",
            promised(f"{PROMISED_LOG_MEL:g} ×", kept=ratio >= PROMISED_LOG_MEL),
        ),
        (
            "  largest relative difference",
            f"{difference:.1e}",
            promised(f"{PROMISED_DIFFERENCE:g}", kept=difference <= PROMISED_DIFFERENCE),
        ),
        ("descriptors of 15 s", f"{front['descriptors_of_15_s_ms']:.2f} ms", ""),
        ("scan, per track", f"{whole['seconds_per_track']:.3f} s", tracks),
        ("  of that CPU time", f"{whole['cpu_seconds_per_track']:.3f} s", ""),
        ("  faster than playback", f"{speed:.0f} ×", promised(f"{PROMISED_SCAN:g} ×", kept=speed >= PROMISED_SCAN)),
        ("second scan of all tracks", f"{whole['second_scan_s']:.3f} s", ""),
    ]
    return [f"{what:32} {figure:>10}   {beside}".rstrip() for what, figure, beside in rows]


def promised(what: str, *, kept: bool) -> str:
    """What stands beside a figure that has a promise."""
    return f"promised {what}: {'kept' if kept else 'MISSED'}"


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--folder", type=Path, help="music to scan instead of synthetic tracks")
    parser.add_argument("--bundle", type=Path, default=default_bundle(), help="bundle to listen with")
    parser.add_argument("--tracks", type=int, default=6, help="how many synthetic tracks")
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    bundle = Bundle.open(options.bundle)
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.folder or Path(scratch)
        if options.folder is None:
            write_tracks(folder, options.tracks)
        scanned = asyncio.run(measure_scan(folder, bundle))
    result = {"log_mel": measure_log_mel(), "scan": scanned}
    print(json.dumps(result, indent=2) if options.json else "\n".join(lines(result)))


if __name__ == "__main__":
    main()
