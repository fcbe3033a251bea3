from __future__ import annotations

import errno
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cloud_trainer import store
from cloud_trainer.artefact import (
    Artefact,
    BuildContext,
    Figure,
    Golden,
    ModelArtefact,
    Scale,
    Stage,
    TableArtefact,
    TensorSpec,
    TrainingData,
)
from cloud_trainer.build import bundle_contents, embedding_space
from cloud_trainer.data.sources import SOURCES, fingerprint
from cloud_trainer.progress import LogProgress
from cloud_trainer.search import frozen
from cloud_trainer.search.log import write
from cloud_trainer.settings import MusicEmotionSection, TrainerSettings
from cloud_trainer.stages import STAGES, in_order, stages
from cloud_trainer.workshop import Workshop, run_stages, train_stage
from models.bundle.reader import default_bundle, read_manifest
from models.errors import BundleError, DataError, Reason, SettingsError, StorageError

TOLERANCE = {"float32": 0.1, "int8": 0.2}
SOURCE = TrainingData(name="emopia", sha256="0" * 64, licence="free", rows=3)


def _table(name: str = "numbers") -> TableArtefact:
    return TableArtefact(
        name=name,
        arrays={"vector": np.arange(6, dtype=np.float32).reshape(2, 3), "name": np.array(["a", "b"])},
        description="two vectors",
        training_data=[SOURCE],
        metrics={"recall": Figure(value=0.4, baseline=0.1, baseline_name="popularity", count=7)},
    )


def _model(name: str = "model") -> ModelArtefact:
    row = {"x": np.ones((1, 4), np.float32)}
    answer = {"y": np.full((1, 2), 0.5, np.float32)}
    return ModelArtefact(
        name=name,
        variants={"float32": b"float", "int8": b"int"},
        preferred="int8",
        inputs=[TensorSpec(name="x", shape=(1, 4), unit="1", description="in")],
        outputs=[TensorSpec(name="y", shape=(1, 2), unit="-1..1", description="out")],
        metrics={"r2": Figure(value=0.5, baseline=0.0)},
        training_data=[SOURCE],
        golden=[
            Golden(inputs=row, outputs={"float32": answer, "int8": answer}, tolerance={"float32": 0.1, "int8": 0.2})
        ],
        cost_s=12.5,
        front_end={"mean": -20.0},
        extras={"map": np.eye(3, dtype=np.float32)},
        description="a model",
    )


@dataclass
class CountingStage:
    """Hands over two artefacts and counts how often it was built."""

    name: str = "counting"
    needs: Sequence[str] = ()
    sources: Sequence[str] = ("emopia",)
    packages: Sequence[str] = ("cloud_trainer.artefact",)
    configuration: Mapping[str, Any] = field(default_factory=dict)
    built: int = 0
    seen: list[str] = field(default_factory=list)

    def build(self, context: BuildContext) -> list[Artefact]:
        self.built += 1
        self.seen = sorted(context.artefacts)
        return [_model(f"{self.name}_model"), _table(f"{self.name}_table")]


def _run(stage: CountingStage, data: Path, work: Path, seed: int = 1, scale: Scale = "tiny"):
    return run_stages([stage], Workshop(data=data, work=work, progress=LogProgress(), seed=seed, scale=scale))


def test_artefacts_come_back_from_disk_as_they_were(tmp_path: Path):
    store.save(tmp_path / "key", [_model(), _table()])
    model, table = store.load(tmp_path / "key") or []
    assert isinstance(model, ModelArtefact)
    assert isinstance(table, TableArtefact)
    for name in ("name", "variants", "preferred", "inputs", "outputs", "metrics", "training_data", "cost_s"):
        assert getattr(model, name) == getattr(_model(), name)
    assert (model.extras["map"] == np.eye(3)).all()
    assert (model.golden[0].outputs["int8"]["y"] == 0.5).all()
    assert model.golden[0].tolerance == TOLERANCE
    assert table.arrays["name"].tolist() == ["a", "b"]
    assert table.metrics == _table().metrics


def test_a_folder_without_index_holds_nothing(tmp_path: Path):
    assert store.load(tmp_path) is None


def test_an_interrupted_save_is_never_taken_for_a_result(tmp_path: Path):
    (tmp_path / ".key.new").mkdir()
    (tmp_path / ".key.new" / "0.npz").write_bytes(b"half")
    assert store.load(tmp_path / "key") is None
    store.save(tmp_path / "key", [_table()])
    assert store.load(tmp_path / "key") is not None


def test_a_finished_stage_is_not_built_again(tiny_data: Path, tmp_path: Path):
    stage = CountingStage()
    first = _run(stage, tiny_data, tmp_path)
    second = _run(stage, tiny_data, tmp_path)
    assert stage.built == 1
    assert (list(first.resumed), list(second.resumed)) == ([], ["counting"])
    assert set(second.artefacts) == {"counting_model", "counting_table"}


@pytest.mark.parametrize("change", [{"seed": 2}, {"scale": "full"}])
def test_another_seed_or_scale_builds_again(tiny_data: Path, tmp_path: Path, change: dict[str, Any]):
    stage = CountingStage()
    _run(stage, tiny_data, tmp_path)
    _run(stage, tiny_data, tmp_path, **change)
    assert stage.built == 2


def test_another_configuration_builds_again(tiny_data: Path, tmp_path: Path):
    stage = CountingStage()
    _run(stage, tiny_data, tmp_path)
    stage.configuration = {"epochs": 3}
    _run(stage, tiny_data, tmp_path)
    assert stage.built == 2


def test_a_stage_sees_what_the_stages_before_it_handed_over(tiny_data: Path, tmp_path: Path):
    first, second = CountingStage(), CountingStage(name="second", needs=("counting",))
    shop = Workshop(data=tiny_data, work=tmp_path, scale="tiny", seed=1, progress=LogProgress())
    run_stages([first, second], shop)
    assert second.seen == ["counting_model", "counting_table"]


def test_stages_come_after_what_they_need():
    chosen = [CountingStage(name="b", needs=("a",)), CountingStage(name="a")]
    assert [stage.name for stage in in_order(chosen)] == ["a", "b"]


def test_every_stage_of_the_table_is_there_under_its_name():
    chosen = stages(STAGES, TrainerSettings())
    assert sorted(stage.name for stage in chosen) == sorted(STAGES)
    for stage in chosen:
        assert isinstance(stage, Stage)
        assert set(stage.needs) <= STAGES.keys()
        assert set(stage.sources) <= SOURCES.keys()


def test_an_unknown_stage_is_refused_with_the_known_ones():
    with pytest.raises(SettingsError, match="music_emotion"):
        stages(["dance"], TrainerSettings())


def test_a_stage_whose_data_is_not_listed_is_refused(tiny_data: Path, tmp_path: Path):
    with pytest.raises(DataError, match="hku956"):
        _run(CountingStage(sources=("hku956",)), tiny_data, tmp_path)


def test_a_bundle_without_all_models_is_refused():
    with pytest.raises(BundleError, match="user_emotion"):
        bundle_contents({"music_emotion": _model("music_emotion")})


def test_the_embedding_space_is_named_after_the_file_that_a_device_runs():
    assert embedding_space(b"a model") == embedding_space(b"a model") != embedding_space(b"another")
    shipped = read_manifest(default_bundle())
    audio = shipped.models["music_emotion"]
    content = (default_bundle() / audio.variants[audio.preferred].path).read_bytes()
    assert shipped.embedding_space == embedding_space(content)


def test_an_object_array_is_refused_where_it_is_made():
    with pytest.raises(ValueError, match="object array"):
        TableArtefact(name="t", arrays={"x": np.array([{}])}, description="", training_data=[])


def test_another_way_to_convert_asks_for_no_new_training(tiny_data: Path):
    stage = CountingStage(packages=("cloud_trainer.evaluation", "cloud_trainer.quantisation"))
    other = CountingStage(packages=("cloud_trainer.evaluation", "cloud_trainer.tflite_child"))

    def key(of: CountingStage, without: Sequence[str] = ()) -> str:
        return store.stage_key(of, data=tiny_data, scale="tiny", seed=1, needed=[], without=without)

    assert key(stage) != key(other)
    assert key(stage, store.CONVERSION) == key(other, store.CONVERSION)


def test_a_changed_data_file_is_refused_before_anything_is_trained(tiny_data: Path, tmp_path: Path):
    data = Path(shutil.copytree(tiny_data, tmp_path / "data"))
    (data / "emopia" / "labels.csv").write_text("changed", "utf-8")
    stage = CountingStage()
    with pytest.raises(DataError, match=r"emopia/labels\.csv is not the file that SHA256SUMS records"):
        _run(stage, data, tmp_path / "work")
    assert stage.built == 0


def test_a_full_disk_is_told_and_nothing_half_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(StorageError) as refused:
        store.save(tmp_path / "key", [_model()])
    assert refused.value.reason is Reason.DISK_FULL
    assert list(tmp_path.iterdir()) == []


class StudentStage(CountingStage):
    """Trains two epochs, and can be interrupted after the first."""

    interrupted = False

    def train(self, context: BuildContext) -> None:
        first = context.work / "first"
        for epoch in range(int(first.exists()), 2):
            first.touch()
            context.progress.measured(epoch, {"validation": 0.1 * epoch, "loss": 1.0})
            if self.interrupted:
                raise KeyboardInterrupt


def _shop(data: Path, work: Path, *, tensorboard: bool = False) -> Workshop:
    return Workshop(
        data=data, work=work, scale="tiny", seed=1, progress=LogProgress(), threads=1, tensorboard=tensorboard
    )


def test_a_run_folder_tells_settings_data_versions_and_every_epoch(tiny_data: Path, tmp_path: Path):
    stage = StudentStage(configuration={"epochs": 2})
    trained = train_stage([CountingStage(name="before"), stage], _shop(tiny_data, tmp_path))
    told = json.loads((trained.run / "run.json").read_text("utf-8"))
    assert told["settings"] == {"epochs": 2}
    assert told["configuration"] == trained.key
    assert told["data"]["emopia"] == fingerprint(tiny_data, "emopia")
    assert told["libraries"] == store.libraries()
    assert told["ended"] == "done"
    lines = (trained.run / "epochs.csv").read_text("utf-8").split()
    assert lines == ["epoch,figure,value", "0,validation,0.0", "0,loss,1.0", "1,validation,0.1", "1,loss,1.0"]
    assert stage.built == 0


def test_an_interrupted_training_is_recorded_and_goes_on(tiny_data: Path, tmp_path: Path):
    stage = StudentStage()
    stage.interrupted = True
    with pytest.raises(KeyboardInterrupt):
        train_stage([stage], _shop(tiny_data, tmp_path))
    [run] = (tmp_path / "tiny" / "runs").iterdir()
    assert json.loads((run / "run.json").read_text("utf-8"))["ended"] == "interrupted"
    stage.interrupted = False
    assert list(train_stage([stage], _shop(tiny_data, tmp_path)).epochs) == [1]


def test_event_files_are_what_tensorboard_reads(tiny_data: Path, tmp_path: Path):
    import tensorflow as tf
    from tensorflow.core.util import event_pb2

    trained = train_stage([StudentStage()], _shop(tiny_data, tmp_path, tensorboard=True))
    [file] = trained.run.glob("events.out.tfevents.*")
    events = [event_pb2.Event.FromString(record.numpy()) for record in tf.data.TFRecordDataset(str(file))]
    assert events[0].file_version == "brain.Event:2"
    assert [(event.step, event.summary.value[0].tag) for event in events[1:]] == [(0, "validation"), (1, "validation")]


def test_a_stage_takes_the_frozen_winner_where_the_settings_stand_at_their_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    won = frozen.Winner({"dropout": 0.4, "epochs": 9}, 0.5, None, 3, 1.0, "0")
    write(tmp_path / "music_emotion.json", frozen.Frozen(1, "music_emotion", {"music_emotion": won}))
    monkeypatch.setattr(frozen, "folder", lambda: tmp_path)
    frozen.read.cache_clear()
    chosen = TrainerSettings(music_emotion=MusicEmotionSection(epochs=30))
    [stage] = [one for one in stages(["music_emotion"], chosen) if one.name == "music_emotion"]
    frozen.read.cache_clear()
    assert (stage.configuration["dropout"], stage.configuration["epochs"]) == (0.4, 30)
