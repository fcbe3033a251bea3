"""Bundles that are not what they should be, tried in a real child process; nothing of the device may change by it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bundles import changed_bundle
from installing_helpers import assert_runs
from models_gone_wrong import crashing, mapped, remeasured, slower
from sounding_library import shipped_analyser, write_sounds
from stand_in_library import track_table

from agent.delivery.installing.children.child import Child
from agent.delivery.installing.examination import examining
from agent.delivery.installing.examination.examining import CatalogueSample, Examined, ExamineLimits, examine
from agent.delivery.installing.slots.slots import Slots
from agent.storage.records import TrackTable
from models.bundle.manifest import FORMAT
from models.bundle.reader import Bundle, default_bundle, read_manifest
from models.delivery.offer import Offer, Phase, Rollout
from models.errors import BundleError, DeliveryError, Reason
from models.interpreter import available_runtimes
from models.physiology.schema import SCHEMA_VERSION

SHIPPED = read_manifest(default_bundle())
NEW = "2099.1.1"
PATIENT = ExamineLimits(seconds=120.0)
PREFERRED = {name: model.variants[model.preferred].path for name, model in SHIPPED.models.items()}


def offer(**changes: Any) -> Offer:
    fields = {
        "channel": "stable",
        "version": NEW,
        "bytes": 1,
        "bundle_format": FORMAT,
        "feature_schema": SCHEMA_VERSION,
        "rollout": Rollout(id="r1", phases=[Phase()]),
    }
    return Offer(**{**fields, **changes})


@pytest.fixture
def device(tmp_path: Path) -> Slots:
    """A device that runs the bundle that ships, and has begun to take another one."""
    slots = Slots.open(tmp_path / "slots", default_bundle())
    slots.boot()
    return slots


@pytest.fixture(scope="module")
def sample() -> CatalogueSample:
    return CatalogueSample.of(track_table(100, SHIPPED.embedding_space), 48)


async def examined(
    device: Slots,
    sample: CatalogueSample,
    *,
    limits: ExamineLimits = PATIENT,
    **changes: Any,
) -> Examined:
    """Take a changed bundle as far as the examination, as the delivery does."""
    folder = device.begin(NEW, "d" * 64, "r1")
    folder.rmdir()
    changed_bundle(folder, version=NEW, **changes)
    device.proceed("testing")
    return await examine(folder, offer=offer(), running=device.running, sample=sample, limits=limits)


async def refused(device: Slots, sample: CatalogueSample, **changes: Any) -> BundleError:
    """See the bundle refused, and the device as it was."""
    with pytest.raises(BundleError) as caught:
        await examined(device, sample, **changes)
    error = caught.value
    assert error.remedy
    device.refuse(NEW, "d" * 64, "r1", str(error), error.reason)
    assert_runs(device, "2026.11.1")
    assert (device.state.ended.outcome, device.state.ended.code) == ("refused", str(error.reason))
    assert Bundle.open(device.running).self_test()
    return error


async def test_a_good_bundle_passes_and_its_speed_and_memory_are_told(device: Slots, sample: CatalogueSample):
    found = await examined(device, sample)
    assert (found.version, found.embedding_space, found.is_new_space) == (NEW, SHIPPED.embedding_space, False)
    assert set(found.latency_ms) == set(SHIPPED.models)
    assert all(candidate > 0.0 and running > 0.0 for candidate, running in found.latency_ms.values())
    assert found.tracks_heard == 48
    assert found.memory_bytes >= 0


async def test_an_empty_catalogue_is_no_reason_to_refuse(device: Slots):
    found = await examined(device, CatalogueSample.of(track_table(0, SHIPPED.embedding_space)))
    assert found.tracks_heard == 0


async def test_a_catalogue_that_is_all_alike_is_no_reason_to_refuse(device: Slots):
    table = track_table(20, SHIPPED.embedding_space)
    table.emotion[:], table.embedding[:] = 0.0, table.embedding[0]
    assert (await examined(device, CatalogueSample(table))).tracks_heard == 0


async def test_a_bundle_whose_model_answers_wrongly_is_refused(device: Slots, sample: CatalogueSample):
    error = await refused(device, sample, files={PREFERRED["user_emotion"]: mapped("mean", -1.0)})
    assert error.reason is Reason.FAILED
    assert "user_emotion" in str(error)


async def test_a_bundle_that_answers_with_no_number_is_refused_whatever_its_golden_outputs_say(
    device: Slots, sample: CatalogueSample, tmp_path: Path
):
    model = tmp_path / PREFERRED["hybrid"]
    model.write_bytes(mapped("fused", float("nan"))((default_bundle() / PREFERRED["hybrid"]).read_bytes()))
    error = await refused(
        device,
        sample,
        files={PREFERRED["hybrid"]: lambda _: model.read_bytes(), "golden/hybrid.npz": remeasured(model)},
    )
    assert error.reason is Reason.FAILED


async def test_a_bundle_that_finds_the_opposite_in_every_listener_is_refused_whatever_its_golden_outputs_say(
    device: Slots, sample: CatalogueSample, tmp_path: Path
):
    model = tmp_path / PREFERRED["user_emotion"]
    model.write_bytes(mapped("mean", -1.0)((default_bundle() / PREFERRED["user_emotion"]).read_bytes()))
    error = await refused(
        device,
        sample,
        files={PREFERRED["user_emotion"]: lambda _: model.read_bytes(), "golden/user_emotion.npz": remeasured(model)},
    )
    assert error.reason is Reason.FAILED
    assert "in the valence of a listener" in str(error)


async def test_a_bundle_with_a_model_ten_times_slower_is_refused(device: Slots, sample: CatalogueSample):
    roomy = ExamineLimits(seconds=120.0, larger_floor_bytes=1 << 30)
    error = await refused(device, sample, files={PREFERRED["user_emotion"]: slower(120, 512)}, limits=roomy)
    assert error.reason is Reason.WORSE
    assert "user_emotion takes" in str(error)


@pytest.mark.skipif("tflite" not in available_runtimes(), reason="only tflite-runtime follows a wrong offset")
async def test_a_bundle_that_crashes_the_interpreter_crashes_a_child_alone(device: Slots, sample: CatalogueSample):
    error = await refused(device, sample, files={PREFERRED["sequence"]: crashing})
    assert error.reason is Reason.FAILED
    assert "crashes (SIGSEGV) at its golden inputs" in str(error)


async def test_a_bundle_that_hangs_is_ended(device: Slots, sample: CatalogueSample):
    error = await refused(
        device,
        sample,
        files={PREFERRED["sequence"]: slower(2000, 1024)},
        limits=ExamineLimits(seconds=1.5),
    )
    assert error.reason is Reason.TIMED_OUT


async def test_a_bundle_that_eats_memory_is_refused(device: Slots, sample: CatalogueSample):
    error = await refused(
        device, sample, files={PREFERRED["sequence"]: slower(1, 2600)}, limits=ExamineLimits(memory_bytes=24 << 20)
    )
    assert error.reason in {Reason.FAILED, Reason.INCOMPATIBLE}  # as the runtime takes it that memory is refused


async def test_a_bundle_much_larger_in_memory_is_refused(device: Slots, sample: CatalogueSample):
    error = await refused(
        device,
        sample,
        files={PREFERRED["sequence"]: slower(1, 2000)},
        limits=ExamineLimits(larger=0.5, larger_floor_bytes=1 << 20),
    )
    assert error.reason is Reason.WORSE
    assert "MiB of memory" in str(error)


async def test_another_audio_model_under_the_name_of_the_same_space_is_refused(device: Slots, sample: CatalogueSample):
    error = await refused(device, sample, files={PREFERRED["music_emotion"]: slower(1, 8)})
    assert error.reason is Reason.INCOMPATIBLE
    assert "embedding space" in str(error)


async def test_a_bundle_with_an_altered_file_is_refused(device: Slots, sample: CatalogueSample):
    def alter(manifest: dict[str, Any]) -> None:
        manifest["tables"]["items"]["file"]["sha256"] = "0" * 64

    assert (await refused(device, sample, manifest=alter)).reason is Reason.TAMPERED


@pytest.mark.parametrize(
    "change",
    [
        {"feature_schema": SCHEMA_VERSION + 1},
        {"format": FORMAT + 1},
        {"version": "2099.1.2"},
    ],
)
async def test_a_bundle_that_is_not_the_one_of_its_offer_is_refused(
    device: Slots, sample: CatalogueSample, change: dict[str, Any]
):
    assert (await refused(device, sample, manifest=lambda plain: plain.update(change))).reason is Reason.INCOMPATIBLE


# A new audio model


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> TrackTable:
    """Sixteen sounds, as the bundle that ships hears them."""
    paths = write_sounds(tmp_path_factory.mktemp("music"), 16)
    heard = [shipped_analyser().analyse(path, []) for path in paths]
    table = track_table(len(paths), SHIPPED.embedding_space)
    columns = {
        "path": tuple(map(str, paths)),
        "emotion": np.array([(each.valence, each.arousal) for each in heard], np.float32),
        "embedding": np.array([each.embedding for each in heard], np.float32),
    }
    return replace(table, **columns)


def new_audio_model(change: Callable[[bytes], bytes], tmp_path: Path) -> dict[str, Any]:
    """Changes of a bundle: another audio model with golden outputs of its own, in a space of its own."""
    path = PREFERRED["music_emotion"]
    (tmp_path / path).write_bytes(change((default_bundle() / path).read_bytes()))

    def rename(manifest: dict[str, Any]) -> None:
        manifest["embedding_space"] = "another-space"

    return {
        "files": {
            path: lambda _: (tmp_path / path).read_bytes(),
            "golden/music_emotion.npz": remeasured(tmp_path / path),
        },
        "manifest": rename,
    }


async def test_a_new_audio_model_that_hears_alike_passes_and_wants_its_own_space(
    device: Slots, music: TrackTable, tmp_path: Path
):
    found = await examined(device, CatalogueSample(music), **new_audio_model(mapped("emotion", 0.9), tmp_path))
    assert (found.embedding_space, found.is_new_space, found.tracks_heard) == ("another-space", True, 16)


async def test_a_new_audio_model_that_hears_the_opposite_is_refused(device: Slots, music: TrackTable, tmp_path: Path):
    error = await refused(device, CatalogueSample(music), **new_audio_model(mapped("emotion", -1.0), tmp_path))
    assert error.reason is Reason.FAILED
    assert "hears another order (rank correlation -" in str(error)


async def test_a_new_audio_model_that_hears_the_same_in_everything_is_refused(
    device: Slots, music: TrackTable, tmp_path: Path
):
    error = await refused(device, CatalogueSample(music), **new_audio_model(mapped("emotion", 0.0), tmp_path))
    assert error.reason is Reason.FAILED
    assert "hears no differences in the valence of your music" in str(error)


async def test_music_on_a_disk_that_is_not_there_is_no_reason_to_refuse(device: Slots, tmp_path: Path):
    sample = CatalogueSample.of(track_table(50, SHIPPED.embedding_space))
    found = await examined(device, sample, **new_audio_model(mapped("emotion", 0.9), tmp_path))
    assert found.tracks_heard == 0


# What is not the bundle's fault, and a child that says what it should not


async def test_a_running_bundle_that_is_damaged_does_not_keep_a_good_one_out(
    device: Slots, sample: CatalogueSample, tmp_path: Path
):
    changed_bundle(tmp_path / "c", version=NEW)
    (tmp_path / "nowhere").mkdir()
    found = await examine(tmp_path / "c", offer=offer(), running=tmp_path / "nowhere", sample=sample)
    assert found.is_new_space
    assert found.latency_ms["hybrid"][1] == 0.0
    assert_runs(device, "2026.11.1")


STEP = 'print(\'{"step":"x"}\', flush=True)'
PROGRAMS = {
    "nonsense": ("print('hello')", BundleError, Reason.FAILED),
    "endless line": ("while True: print('x' * 65536, end='')", BundleError, Reason.FAILED),
    "endless lines": ('while True: print(\'{"step":"x"}\')', BundleError, Reason.TIMED_OUT),
    "silence": ("time.sleep(60)", BundleError, Reason.TIMED_OUT),
    "nothing": ("", DeliveryError, Reason.FAILED),
    "no answer": ('print(\'{"step":"x"}\')', BundleError, Reason.FAILED),
    "killed": ('import os; print(\'{"step":"x"}\', flush=True); os.kill(os.getpid(), 9)', DeliveryError, Reason.FAILED),
    "computing": (
        'import os; print(\'{"step":"x"}\', flush=True); os.kill(os.getpid(), 24)',
        BundleError,
        Reason.TIMED_OUT,
    ),
    "closed ears": (
        'import os; os.close(0); print(\'{"step":"x"}\', flush=True); os.abort()',
        BundleError,
        Reason.FAILED,
    ),
}


@pytest.mark.parametrize("name", PROGRAMS)
async def test_a_child_that_misbehaves_never_hurts_the_parent(
    device: Slots, sample: CatalogueSample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
):
    program, kind, reason = PROGRAMS[name]
    started: list[Child] = []

    async def start(_module: str, job: bytes) -> Child:
        started.append(await Child.of_command([sys.executable, "-S", "-c", f"import os, signal, time\n{program}"], job))
        return started[0]

    monkeypatch.setattr(examining.Child, "start", start)
    changed_bundle(tmp_path / "c", version=NEW)
    with pytest.raises(kind) as caught:
        await examine(
            tmp_path / "c",
            offer=offer(),
            running=device.running,
            sample=sample,
            limits=ExamineLimits(seconds=1.0 if reason is Reason.TIMED_OUT else 60.0),
        )
    assert caught.value.reason is reason
    assert started[0].returncode is not None
    assert_runs(device, "2026.11.1")


async def test_a_cancelled_examination_leaves_no_child(
    device: Slots, sample: CatalogueSample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    started: list[Child] = []
    is_started = asyncio.Event()

    async def start(_module: str, job: bytes) -> Child:
        started.append(await Child.of_command([sys.executable, "-S", "-c", "import time; time.sleep(60)"], job))
        is_started.set()
        return started[0]

    monkeypatch.setattr(examining.Child, "start", start)
    changed_bundle(tmp_path / "c", version=NEW)
    task = asyncio.create_task(examine(tmp_path / "c", offer=offer(), running=device.running, sample=sample))
    await is_started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert started[0].returncode == -9
    device.abandon()
    assert_runs(device, "2026.11.1")


def test_a_child_ends_with_its_parent():
    program = "from agent.delivery.installing.children.inside import read_job\nread_job()\nwhile True: pass"
    child = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE)
    child.communicate(b"3\njob")
    assert child.returncode == 1
