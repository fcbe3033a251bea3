from __future__ import annotations

import hashlib
import os
import signal
from dataclasses import replace
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from cloud_trainer.progress import LogProgress
from cloud_trainer.tables.deam import DEAM
from cloud_trainer.tables.frame import Answer, Fold, Problem, Row, Table
from cloud_trainer.tables.provenance import LIBRARIES, library_versions
from cloud_trainer.tables.results import TableResult
from cloud_trainer.tables.running import evaluate
from models.errors import AttuneError, DataError, Reason, StorageError

forks = pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
"""From Python 3.12 on a process with threads is warned; the rows of these tests use none."""


def write_songs(root: Path, tracks: range, *, listed: bool = True) -> Path:
    random = np.random.default_rng(tracks.start)
    folder = root / "deam-features"
    folder.mkdir(parents=True, exist_ok=True)
    rows = ["track_id,loudness,pace,valence_mean,valence_std,arousal_mean,arousal_std"]
    for track in tracks:
        loudness, pace = random.normal(size=2)
        rows.append(f"{track},{loudness},{pace},{5 + pace},1,{5 + loudness},1")
    path = folder / "features_74.csv.gz"
    import gzip

    path.write_bytes(gzip.compress(("\n".join(rows) + "\n").encode(), mtime=0))
    if listed:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        (root / "SHA256SUMS").write_text(f"{digest}  ./deam-features/features_74.csv.gz\n")
    return root


@pytest.fixture
def songs(tmp_path: Path) -> Path:
    return write_songs(tmp_path / "data", range(60))


class Counting:
    """A row that counts how often it is asked, and fails on one fold as long as it is told to."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.fails_on = ""

    def __call__(self, problem: Problem[object], fold: Fold) -> Answer:
        if fold.name == self.fails_on:
            raise KeyboardInterrupt
        self.asked.append(fold.name)
        return Answer(np.tile(problem.truth[fold.train].mean(axis=0), (len(fold.test), 1)), {"setting": np.float64(1)})


def table(*rows: Row[object]) -> Table[object]:
    return replace(DEAM, rows=rows, reference=rows[0].name, ours=rows[-1].name)


def run(posed: Table[object], root: Path, data: Path, exam: Path | None = None, *, jobs: int = 1) -> TableResult:
    return evaluate(
        posed,
        data=data,
        exam=exam,
        seed=1,
        work=root / "work",
        results=root / "results",
        progress=LogProgress(),
        jobs=jobs,
    )


def test_an_interrupted_table_goes_on_with_the_fold_where_it_stopped(songs: Path, tmp_path: Path):
    counting = Counting()
    posed = table(Row(name="counted", what="counts", answer=counting))
    counting.fails_on = "fold-3"
    with pytest.raises(KeyboardInterrupt):
        run(posed, tmp_path, songs)
    counting.fails_on = ""
    run(posed, tmp_path, songs)
    assert counting.asked == [f"fold-{number}" for number in range(5)]


def test_a_table_of_which_nothing_changed_is_not_computed_again(songs: Path, tmp_path: Path):
    counting = Counting()
    posed = table(Row(name="counted", what="counts", answer=counting))
    first = run(posed, tmp_path, songs)
    assert run(posed, tmp_path, songs) == first
    assert len(counting.asked) == 5


def test_a_damaged_checkpoint_is_computed_again(songs: Path, tmp_path: Path):
    counting = Counting()
    posed = table(Row(name="counted", what="counts", answer=counting))
    first = run(posed, tmp_path, songs)
    (tmp_path / "results" / "deam.json").unlink()
    next((tmp_path / "work").rglob("fold-2.json")).write_text("{")
    again = run(posed, tmp_path, songs)
    assert counting.asked[5:] == ["fold-2"]
    assert again.rows[0].figures == first.rows[0].figures


def threads() -> int:
    return max(int(pool["num_threads"]) for pool in threadpool_info())


def test_one_thread_sums_so_that_the_last_digits_do_not_depend_on_the_machine(songs: Path, tmp_path: Path):
    seen: list[int] = []

    def load(data: Path, exam: Path | None, seed: int) -> Problem[object]:
        seen.append(threads())
        return DEAM.load(data, exam, seed)

    def answer(problem: Problem[object], fold: Fold) -> Answer:
        seen.append(threads())
        return Answer(np.zeros((len(fold.test), problem.truth.shape[1])))

    run(replace(table(Row(name="counted", what="counts threads", answer=answer)), load=load), tmp_path, songs)
    assert seen == [1] * 6


@forks
def test_several_processes_find_the_figures_of_one(songs: Path, tmp_path: Path):
    rows = [row for row in DEAM.rows if row.name in ("mean", "ridge")]
    alone = run(table(*rows), tmp_path / "alone", songs)
    together = run(table(*rows), tmp_path / "together", songs, jobs=2)
    assert [row.figures for row in together.rows] == [row.figures for row in alone.rows]
    assert [row.chosen for row in together.rows] == [row.chosen for row in alone.rows]


@forks
def test_what_a_process_finds_wrong_is_told_as_it_was_raised(songs: Path, tmp_path: Path):
    def answer(_: Problem[object], fold: Fold) -> Answer:
        raise DataError(f"{fold.name} is bent", reason=Reason.CORRUPT, remedy="Straighten it")

    with pytest.raises(DataError, match=r"fold-\d is bent\. Straighten it"):
        run(table(Row(name="bent", what="fails", answer=answer)), tmp_path, songs, jobs=2)


@forks
def test_an_unforeseen_error_of_a_process_is_told_with_its_traceback(songs: Path, tmp_path: Path):
    def answer(_: Problem[object], fold: Fold) -> Answer:
        raise ZeroDivisionError(fold.name)

    with pytest.raises(RuntimeError, match=r"(?s)Traceback.*ZeroDivisionError: fold-"):
        run(table(Row(name="wrong", what="fails", answer=answer)), tmp_path, songs, jobs=2)


@forks
def test_finished_folds_of_a_process_that_was_killed_are_kept(songs: Path, tmp_path: Path):
    def answer(problem: Problem[object], fold: Fold) -> Answer:
        if fold.name == "fold-3":
            os.kill(os.getpid(), signal.SIGKILL)
        return Answer(np.zeros((len(fold.test), problem.truth.shape[1])))

    with pytest.raises(AttuneError, match=r"ended with -9\. Finished folds are kept"):
        run(table(Row(name="counted", what="dies", answer=answer)), tmp_path, songs, jobs=2)

    counting = Counting()
    run(table(Row(name="counted", what="dies", answer=counting)), tmp_path, songs)
    assert "fold-1" not in counting.asked
    assert "fold-3" in counting.asked


def test_an_exam_is_scored_once_and_its_songs_are_never_trained_on(songs: Path, tmp_path: Path):
    seen: list[Fold] = []

    def answer(problem: Problem[object], fold: Fold) -> Answer:
        seen.append(fold)
        assert not set(problem.group[fold.train]) & set(problem.group[fold.test])
        return Answer(problem.truth[fold.test] + 0.1)

    exam = write_songs(tmp_path / "exam", range(50, 75), listed=False)
    result = run(table(Row(name="told", what="knows", answer=answer)), tmp_path, songs, exam)
    assert [fold.name for fold in seen] == ["exam"]
    assert result.exam
    assert result.groups == 25
    assert result.unchecked == ["exam/deam-features"]
    assert (tmp_path / "results" / "deam-exam.json").is_file()


def test_learned_rows_beat_the_mean_where_the_features_tell(songs: Path, tmp_path: Path):
    mean, ridge = DEAM.rows[0], next(row for row in DEAM.rows if row.name == "ridge")
    result = run(table(mean, ridge), tmp_path, songs)
    told = result.rows[1].figures["valence R²"]
    assert told.value.value is not None
    assert told.value.value > 0.9
    assert told.difference is not None
    assert told.difference.low is not None
    assert told.difference.low > 0.5
    assert set(result.rows[1].chosen) == {f"fold-{number}" for number in range(5)}


def test_a_file_that_is_not_the_recorded_one_is_refused_by_name(songs: Path, tmp_path: Path):
    (songs / "deam-features" / "features_74.csv.gz").write_bytes(b"changed")
    with pytest.raises(DataError, match=r"features_74\.csv\.gz is not the file") as refused:
        run(table(DEAM.rows[0]), tmp_path, songs)
    assert refused.value.reason is Reason.CORRUPT


@pytest.mark.parametrize("missing", ["folder", "set"])
def test_an_empty_or_absent_folder_is_refused(missing: str, tmp_path: Path):
    data = tmp_path / "data"
    if missing == "set":
        data.mkdir()
    with pytest.raises(DataError, match="does not exist" if missing == "folder" else "holds no file"):
        run(table(DEAM.rows[0]), tmp_path, data)


def test_a_missing_number_is_refused_with_its_row(tmp_path: Path):
    data = write_songs(tmp_path / "data", range(20), listed=False)
    import gzip

    path = data / "deam-features" / "features_74.csv.gz"
    lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    lines[4] = "3,nan,0.1,5,1,5,1"
    path.write_bytes(gzip.compress("\n".join(lines).encode()))
    with pytest.raises(DataError, match=r"row 5 of .*loudness is 'nan'"):
        run(table(DEAM.rows[0]), tmp_path, data)


def test_an_exam_with_other_features_is_refused(songs: Path, tmp_path: Path):
    exam = write_songs(tmp_path / "exam", range(70, 90), listed=False)
    import gzip

    path = exam / "deam-features" / "features_74.csv.gz"
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()).replace(b"pace", b"gait")))
    with pytest.raises(DataError, match="gait, pace"):
        run(table(DEAM.rows[0]), tmp_path, songs, exam)


def test_an_exam_that_leaves_nothing_to_train_on_is_refused(songs: Path, tmp_path: Path):
    with pytest.raises(DataError, match="0 rows to train on"):
        run(table(DEAM.rows[0]), tmp_path, songs, songs)


def test_a_disk_that_refuses_is_told_with_a_remedy(songs: Path, tmp_path: Path):
    (tmp_path / "results").write_text("a file where the folder should be")
    with pytest.raises(StorageError, match="cannot write"):
        run(table(DEAM.rows[0]), tmp_path, songs)


def test_a_table_of_networks_names_the_library_that_trained_them() -> None:
    plain = library_versions(("cloud_trainer.tables.deam",))
    networks = library_versions(("cloud_trainer.tables.music.networks",))

    assert set(plain) == set(LIBRARIES)
    assert networks == plain | {name: metadata.version(name) for name in ("tensorflow", "tf-keras")}
