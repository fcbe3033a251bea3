"""Generated data: in the formats that the loaders read, with its own licence, and following the rules it claims."""

from __future__ import annotations

import io
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pretty_midi
import pytest

from cloud_trainer.build import FREE_LICENCE
from cloud_trainer.data import deezer, emopia, emotify, hetrec, hku956, situnes, vgmidi, wesad
from cloud_trainer.data.schemas import problems, schemas
from cloud_trainer.data.sources import sources, training_data, verify
from cloud_trainer.generated.listeners import ListenerSizes, write_listeners
from cloud_trainer.generated.music import Emotion, compose
from cloud_trainer.generated.root import LICENCE, generated_data
from cloud_trainer.generated.tastes import TasteSizes, write_tastes
from cloud_trainer.progress import LogProgress
from models.errors import DataError

NEEDED = ("emopia", "vgmidi", "emotify", "hku956", "situnes", "wesad-features", "hetrec-lastfm", "deezer-mood")


@pytest.fixture(scope="module")
def generated(tiny_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    work = tmp_path_factory.mktemp("generated")
    return generated_data(work, piano=tiny_data, scale="tiny", seed=1, progress=LogProgress())


def test_every_set_that_a_build_reads_is_there_and_as_the_schemas_say(generated: Path):
    verify(generated, (*NEEDED, "piano-samples"))
    for name in NEEDED:
        assert list(problems(generated / name, schemas()[name])) == []


def test_every_loader_reads_it(generated: Path):
    for module in (emopia, vgmidi, emotify):
        assert {piece.split for piece in module.load(generated, seed=1)} == {"train", "validation", "test"}
    assert len(hku956.load(generated)) == 8
    assert len(situnes.load(generated).daily.user) == 48
    assert len(wesad.load(generated).pulse.subject)
    assert hetrec.load(generated).users == 60
    assert len(deezer.load(generated).artist) == 60


def test_it_says_of_itself_that_it_is_generated_and_under_which_licence(generated: Path):
    told = sources(generated)
    assert {told[name].licence for name in NEEDED} == {LICENCE}
    assert "generated, in the format of hku956" in told["hku956"].description
    assert training_data(generated, "emopia", rows=3).licence == LICENCE
    assert training_data(generated, "piano-samples", rows=30).licence == "CC BY 3.0"


def test_no_norms_and_no_research_data_are_among_it(generated: Path):
    assert {path.name for path in generated.iterdir() if path.is_dir()} == {*NEEDED, "piano-samples"}
    assert "generated data alone" in " ".join(FREE_LICENCE.split())
    assert "https://creativecommons.org/licenses/by/4.0/" in FREE_LICENCE


def test_it_is_written_once(generated: Path, tiny_data: Path):
    before = (generated / "SHA256SUMS").stat().st_mtime_ns
    again = generated_data(generated.parent, piano=tiny_data, scale="tiny", seed=1, progress=LogProgress())
    assert again == generated
    assert (generated / "SHA256SUMS").stat().st_mtime_ns == before


def test_another_piano_than_the_recorded_one_is_refused(tiny_data: Path, tmp_path: Path):
    data = Path(shutil.copytree(tiny_data, tmp_path / "data"))
    (data / "piano-samples" / "A4.ogg").write_bytes(b"another")
    with pytest.raises(DataError, match=r"A4\.ogg is not the file"):
        generated_data(tmp_path / "work", piano=data, scale="tiny", seed=1, progress=LogProgress())


def _notes(valence: float, arousal: float, seed: int) -> list[pretty_midi.Note]:
    content = compose(Emotion(valence, arousal), np.random.default_rng(seed), 20.0)
    return pretty_midi.PrettyMIDI(io.BytesIO(content)).instruments[0].notes


def test_aroused_music_is_faster_louder_and_happier_music_is_in_major():
    calm, aroused = ([note for seed in range(8) for note in _notes(0.0, arousal, seed)] for arousal in (-0.9, 0.9))
    assert len(aroused) > 1.5 * len(calm)
    assert np.mean([note.velocity for note in aroused]) > np.mean([note.velocity for note in calm]) + 20

    def thirds(valence: float) -> float:
        """Share of major thirds above the lowest note of bars, among thirds."""
        found: Counter[int] = Counter()
        for seed in range(12):
            notes = _notes(valence, 0.0, seed)
            tonic = min(note.pitch for note in notes[:1])
            found.update((note.pitch - tonic) % 12 for note in notes)
        return found[4] / (found[3] + found[4])

    assert thirds(0.9) > thirds(-0.9) + 0.3


def test_the_same_seed_gives_the_same_people_and_tastes(tmp_path: Path):
    for name in ("a", "b"):
        tastes = write_tastes(tmp_path / name, TasteSizes(20, 10, 5, 3, 12), seed=4, progress=LogProgress())
        write_listeners(
            tmp_path / name, ListenerSizes(2, 2, 9, 3), tastes.names, tastes.emotions, seed=4, progress=LogProgress()
        )
    files = sorted(path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*.csv*"))
    assert len(files) == 14
    assert all((tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes() for file in files)


def test_bodies_follow_arousal(generated: Path):
    listenings = [one for session in hku956.load(generated).values() for one in session]
    arousal = np.array([one.felt[1] for one in listenings])
    own = {
        one.person: np.mean([other.signals["HR"].mean() for other in listenings if other.person == one.person])
        for one in listenings
    }
    rate = np.array([one.signals["HR"].mean() - own[one.person] for one in listenings])
    assert np.corrcoef(arousal, rate)[0, 1] > 0.4
