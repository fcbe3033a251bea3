from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_sim.recordings import e4, exam_stress
from models.errors import DataError, Reason

T = 1539435366.0
FILES = {
    "EDA": f"{T:.6f}\n4.000000\n0.000000\n0.250000\n0.5\n0.25\n",
    "TEMP": f"{T:.6f}\n4.000000\n32.13\n32.15\n",
    "BVP": f"{T:.2f}\n64.000000\n-0.00\n-1.25\n3.5\n",
    "HR": f"{T + 10:.6f}\n1.000000\n84.00\n85.00\n",
    "ACC": f"{T:.6f}, {T:.6f}, {T:.6f}\n32.000000, 32.000000, 32.000000\n-3,-62,12\n64,0,0\n",
    "IBI": f"{T:.6f}, IBI\n166.788885,0.390643\n167.257656,0.468771\n",
    "tags": f"{T + 5:.2f}\n",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / f"{name}.csv").write_text(text)
    return tmp_path


def refused(folder: Path) -> DataError:
    with pytest.raises(DataError) as caught:
        e4.read(folder)
    assert str(folder) in str(caught.value)
    return caught.value


def test_every_file_becomes_its_quantity_in_the_wires_unit(folder: Path) -> None:
    recording = e4.read(folder)
    series = recording.series
    assert set(series) == {"eda", "temp", "ppg", "hr", "acc", "rr"}
    np.testing.assert_allclose(series["eda"].values, [0.0, 0.25e-6, 0.5e-6, 0.25e-6])
    assert series["eda"].times.tolist() == [T, T + 0.25, T + 0.5, T + 0.75]
    assert series["hr"].times.tolist() == [T + 10, T + 11]
    np.testing.assert_allclose(series["acc"].values[1], [9.80665, 0.0, 0.0])
    assert series["ppg"].values.tolist() == [0.0, -1.25, 3.5]
    np.testing.assert_allclose(series["rr"].times, [T + 166.788885, T + 167.257656])
    assert series["rr"].values.tolist() == [0.390643, 0.468771]
    assert recording.marks == (T + 5,)


def test_a_beat_stands_at_the_end_of_its_interval(folder: Path) -> None:
    beats = e4.read(folder).series["rr"]
    np.testing.assert_allclose(np.diff(beats.times), beats.values[1:], atol=1e-6)


def test_compressed_files_are_read_as_plain_ones(folder: Path) -> None:
    plain = e4.read(folder)
    for path in folder.glob("*.csv"):
        path.with_suffix(".csv.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    packed = e4.read(folder)
    for quantity, series in plain.series.items():
        np.testing.assert_array_equal(series.values, packed.series[quantity].values)


def test_what_is_absent_is_left_out(folder: Path) -> None:
    for name in ("ACC", "BVP", "tags"):
        (folder / f"{name}.csv").unlink()
    recording = e4.read(folder)
    assert set(recording.series) == {"eda", "temp", "hr", "rr"}
    assert recording.marks == ()


def test_a_wristband_that_doubted_every_beat_has_no_intervals(folder: Path) -> None:
    (folder / "IBI.csv").write_text(f"{T:.6f}, IBI\n")
    (folder / "tags.csv").write_text("")
    recording = e4.read(folder)
    assert "rr" not in recording.series
    assert recording.marks == ()


@pytest.mark.parametrize(
    ("name", "text", "reason", "named"),
    [
        ("EDA", "", Reason.EMPTY, "EDA.csv"),
        ("EDA", f"{T}\n4.0\n", Reason.EMPTY, "EDA.csv"),
        ("IBI", "", Reason.EMPTY, "IBI.csv"),
        ("EDA", f"{T}\n4.0\n0.1\nnan\n", Reason.MALFORMED, "line 4"),
        ("EDA", f"{T}\n4.0\n0.1\ninf\n", Reason.MALFORMED, "line 4"),
        ("TEMP", f"{T}\n4.0\n0.1\n\nwarm\n", Reason.MALFORMED, "'warm'"),
        ("TEMP", f"{T}\n0.0\n30.1\n", Reason.WRONG_VALUE, "0.0 samples"),
        ("TEMP", f"{T}\n-4\n30.1\n", Reason.WRONG_VALUE, "-4.0 samples"),
        ("ACC", f"{T}, {T}, {T}\n32, 32, 32\n1,2\n", Reason.MALFORMED, "2 columns in line 3"),
        ("ACC", f"{T}\n32\n1\n2\n", Reason.MALFORMED, "1 columns in line 1"),
        ("EDA", FILES["ACC"], Reason.MALFORMED, "3 columns in line 1"),
        ("IBI", FILES["HR"], Reason.MALFORMED, "IBI"),
        ("IBI", "noon, IBI\n1,0.8\n", Reason.MALFORMED, "'noon'"),
        ("IBI", f"{T}, IBI\n2.0,0.8\n1.0,0.8\n", Reason.MALFORMED, "line 3"),
        ("IBI", f"{T}, IBI\n2.0\n", Reason.MALFORMED, "line 2"),
        ("tags", "now\n", Reason.MALFORMED, "tags.csv"),
    ],
)
def test_a_wrong_file_is_named_with_its_line(folder: Path, name: str, text: str, reason: Reason, named: str) -> None:
    (folder / f"{name}.csv").write_text(text)
    error = refused(folder)
    assert error.reason is reason
    assert named in str(error)
    assert f"{name}.csv" in str(error)


def test_a_compressed_file_that_is_cut_or_damaged_is_refused(folder: Path) -> None:
    (folder / "EDA.csv").unlink()
    content = gzip.compress(("\n".join([str(T), "4.0", *("0.1" for _ in range(5000))])).encode())
    damaged = bytearray(content)
    damaged[-6] ^= 1
    for bad in (content[:-9], bytes(damaged), b"\x1f\x8b\x08", b"no gzip at all"):
        (folder / "EDA.csv.gz").write_bytes(bad)
        assert refused(folder).reason is Reason.CORRUPT


def test_a_binary_file_is_no_text(folder: Path) -> None:
    (folder / "EDA.csv").write_bytes(b"\x89PNG\xff\xfe")
    assert refused(folder).reason is Reason.MALFORMED


def test_a_folder_without_a_wristbands_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing")
    assert refused(tmp_path).reason is Reason.MISSING
    assert refused(tmp_path / "nowhere").reason is Reason.MISSING


@settings(max_examples=60, deadline=None)
@given(content=st.binary(max_size=60), name=st.sampled_from(sorted(FILES)))
def test_any_content_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes, name: str) -> None:
    folder = tmp_path_factory.mktemp("any")
    (folder / f"{name}.csv").write_bytes(content)
    try:
        recording = e4.read(folder)
    except DataError as error:
        assert str(folder) in str(error)
    else:
        assert all(np.isfinite(series.values).all() for series in recording.series.values())


def test_a_whole_exam_is_read(shared_data: Path) -> None:
    recording = exam_stress.read(shared_data / "exam-stress-e4", "S3", "Final")
    assert set(recording.series) == {"eda", "temp", "hr", "rr"}
    assert len(recording.series["hr"].times) == 25_812
    assert recording.licence == "ODC-By 1.0"


def test_an_exam_that_is_not_there_names_those_that_are(tmp_path: Path) -> None:
    (tmp_path / "S1" / "Final").mkdir(parents=True)
    with pytest.raises(DataError, match="S1 Final"):
        exam_stress.read(tmp_path, "S2", "Final")
    with pytest.raises(DataError, match="--data"):
        exam_stress.read(tmp_path / "nowhere", "S2", "Final")
