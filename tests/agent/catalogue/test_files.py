from __future__ import annotations

import os
from pathlib import Path

import pytest

from agent.catalogue.files import FoundFile, Problem, find_audio, fingerprint, new_id, survey
from agent.storage.records import KnownFile
from models.errors import Reason


def touch(path: Path, content: bytes = b"x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def found_in(*folders: Path) -> list[str]:
    return [str(each.path.relative_to(folders[0])) for each in find_audio(folders) if isinstance(each, FoundFile)]


def found(path: str, *, size: int = 1, mtime_ns: int = 1) -> FoundFile:
    return FoundFile(Path(path), path.encode(), size, mtime_ns)


def known(path: str, **changes: object) -> KnownFile:
    columns: dict[str, object] = {
        "id": path,
        "path": path.encode(),
        "size": 1,
        "mtime_ns": 1,
        "fingerprint": b"",
        "missing": False,
        "error": "",
        "error_reason": "",
        "embedding_space": "space",
    }
    return KnownFile(**{**columns, **changes})  # type: ignore[arg-type]


def test_music_files_are_found_in_order_and_nothing_hidden(tmp_path: Path):
    for name in ("b/2.mp3", "b/1.FLAC", "a.ogg", "cover.jpg", ".hidden.mp3", ".git/x.mp3", "c/.x/y.wav"):
        touch(tmp_path / name)
    assert found_in(tmp_path) == ["a.ogg", "b/1.FLAC", "b/2.mp3"]


def test_loops_of_links_end_and_no_file_is_taken_twice(tmp_path: Path):
    touch(tmp_path / "music" / "a.mp3")
    (tmp_path / "music" / "loop").symlink_to(tmp_path)
    (tmp_path / "music" / "same.mp3").symlink_to(tmp_path / "music" / "a.mp3")
    (tmp_path / "music" / "broken.mp3").symlink_to(tmp_path / "nowhere")
    assert found_in(tmp_path) == ["music/a.mp3"]
    assert found_in(tmp_path, tmp_path / "music") == ["music/a.mp3"]


def test_a_folder_that_is_not_there_is_a_problem_and_no_end(tmp_path: Path):
    touch(tmp_path / "a.mp3")
    seen = list(find_audio([tmp_path / "gone", tmp_path]))
    assert isinstance(seen[0], Problem)
    assert seen[0].reason is Reason.MISSING
    assert isinstance(seen[1], FoundFile)


def test_only_what_is_new_or_changed_is_to_be_examined():
    files = [found("/m/new"), found("/m/same"), found("/m/grown", size=2), found("/m/touched", mtime_ns=2)]
    plan = survey(
        files,
        [known("/m/same"), known("/m/grown"), known("/m/touched"), known("/m/gone"), known("/elsewhere/x")],
        folders=[Path("/m")],
        embedding_space="space",
    )
    assert [file.path.name for file in plan.new] == ["new"]
    assert [file.path.name for file, _ in plan.changed] == ["grown", "touched"]
    assert plan.unchanged == 1
    assert plan.gone == ["/m/gone"]


@pytest.mark.parametrize(
    ("changes", "changed"),
    [
        ({"embedding_space": "other"}, 1),
        ({"error": "damaged", "error_reason": "corrupt", "embedding_space": ""}, 0),
        ({"error": "no permission", "error_reason": "unreadable", "embedding_space": ""}, 1),
    ],
)
def test_another_space_is_examined_again_and_damage_is_not(changes: dict[str, object], changed: int):
    plan = survey([found("/m/a")], [known("/m/a", **changes)], folders=[Path("/m")], embedding_space="space")
    assert len(plan.changed) == changed
    assert len(plan.standing) == (0 if changed else 1)


def test_a_missing_file_that_is_back_is_returned_and_missing_ones_are_not_gone_again():
    plan = survey(
        [found("/m/back")],
        [known("/m/back", missing=True), known("/m/still away", missing=True)],
        folders=[Path("/m")],
        embedding_space="space",
    )
    assert plan.returned == ["/m/back"]
    assert plan.gone == []
    assert plan.changed == []


def test_a_rescan_examines_everything():
    plan = survey([found("/m/a")], [known("/m/a")], folders=[Path("/m")], embedding_space="space", rescan=True)
    assert len(plan.changed) == 1


def test_a_folder_is_not_taken_for_one_whose_name_begins_alike():
    plan = survey([], [known("/music2/a")], folders=[Path("/music")], embedding_space="space")
    assert plan.gone == []


def test_a_fingerprint_tells_contents_apart_wherever_they_differ(tmp_path: Path):
    size = 100_000
    contents = [bytearray(size) for _ in range(4)]
    contents[1][10] = contents[2][size // 2 + 10] = contents[3][size - 1] = 1
    prints = {fingerprint(touch(tmp_path / f"{i}.mp3", bytes(each)), size) for i, each in enumerate(contents)}
    assert len(prints) == 4
    assert fingerprint(touch(tmp_path / "copy.mp3", bytes(size)), size) in prints


def test_ids_are_16_hex_digits_stable_and_never_given_twice():
    first = new_id(b"a/b.flac", b"12345678", set())
    assert first == new_id(b"a/b.flac", b"12345678", set())
    assert len(first) == 16
    int(first, 16)
    assert new_id(b"a/b.flac", b"12345678", {first}) != first


def test_names_that_are_no_text_are_found(tmp_path: Path):
    touch(tmp_path / os.fsdecode(b"caf\xe9.mp3"))
    assert [os.fsencode(name) for name in found_in(tmp_path)] == [b"caf\xe9.mp3"]
