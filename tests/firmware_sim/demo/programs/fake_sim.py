"""The simulator in the demo's tests: its music is a sidecar without sound, the rest is real."""

import sys
from pathlib import Path

from firmware_sim.cli import main
from firmware_sim.music.sidecar import Intended, encode_intended

PIECES = {"Calm 1": (0.4, -0.6), "Calm 2": (0.5, -0.7), "Lively 1": (0.6, 0.6), "Lively 2": (0.5, 0.8)}

if sys.argv[1] == "music":
    folder = Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    tracks = {f"{title}.flac": Intended(title, "us", *emotion) for title, emotion in PIECES.items()}
    (folder / ".intended.json").write_bytes(encode_intended(tracks, {}))
else:
    main()
