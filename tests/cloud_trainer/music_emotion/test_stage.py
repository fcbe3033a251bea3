"""The real stage on tiny data: rendering, training, conversion, evaluation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cloud_trainer.artefact import BuildContext, ModelArtefact, TableArtefact
from cloud_trainer.data import emotify
from cloud_trainer.data.emotify import GENRES
from cloud_trainer.music_emotion.network import NetworkSize, build_network, emotion_map
from cloud_trainer.music_emotion.stage import MusicEmotionStage, metadata_of
from cloud_trainer.progress import LogProgress
from cloud_trainer.quantisation import check_operators, run_tflite
from models.metadata import value_key


def _metadata_table() -> TableArtefact:
    keys = np.sort(np.array([value_key("genre", genre) for genre in GENRES], np.uint64))
    vectors = np.eye(len(GENRES), 32, dtype=np.float32)
    return TableArtefact(name="metadata", arrays={"key": keys, "vector": vectors}, description="", training_data=[])


def _context(data: Path, work: Path) -> BuildContext:
    artefacts = {"metadata": _metadata_table()}
    return BuildContext(data=data, work=work, scale="tiny", seed=1, progress=LogProgress(), artefacts=artefacts)


@pytest.fixture(scope="module")
def built(tiny_data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[ModelArtefact, TableArtefact, Path]:
    work = tmp_path_factory.mktemp("work")
    model, table = MusicEmotionStage().build(_context(tiny_data, work))
    assert isinstance(model, ModelArtefact)
    assert isinstance(table, TableArtefact)
    return model, table, work


def test_the_tensors_are_those_of_the_model_contract(built: tuple[ModelArtefact, TableArtefact, Path]):
    model, _, _ = built
    assert {spec.name: spec.shape for spec in model.inputs} == {"log_mel": (1, 128, 640, 1), "metadata": (1, 32)}
    assert {spec.name: spec.shape for spec in model.outputs} == {"emotion": (1, 2), "embedding": (1, 128)}
    for content in model.variants.values():
        assert check_operators(content).get("FULLY_CONNECTED", 0) <= 9


def test_layers_have_the_same_names_however_many_networks_the_process_has_built():
    built = [build_network(NetworkSize(stem=8, stages=(8, 8)), {"valence": 1}).inference for _ in range(2)]
    assert [layer.name for layer in built[0].layers] == [layer.name for layer in built[1].layers]
    assert {model.name for model in built} == {"music_emotion"}


def test_every_figure_of_a_data_set_stands_beside_a_baseline(built: tuple[ModelArtefact, TableArtefact, Path]):
    model, _, _ = built
    for name in ("emopia.quadrant_accuracy", "vgmidi.arousal_r2", "emotify.valence_ccc", "int8.vgmidi.arousal_r2"):
        assert model.metrics[name].baseline is not None
        assert model.metrics[name].count > 0


def test_metadata_is_scored_beside_the_same_pieces_without_it(built: tuple[ModelArtefact, TableArtefact, Path]):
    model, _, _ = built
    told = {name: figure for name, figure in model.metrics.items() if name.endswith("_with_metadata")}
    assert "emotify.arousal_r2_with_metadata" in told
    assert not any("emopia" in name for name in told)
    assert all(figure.baseline_name == "without metadata" for figure in told.values())


def test_without_a_table_no_piece_has_metadata(tiny_data: Path, tmp_path: Path):
    context = BuildContext(data=tiny_data, work=tmp_path, scale="tiny", seed=1, progress=LogProgress())
    assert not any(metadata_of(context)(track).any() for track in emotify.load(tiny_data, seed=1))


def test_golden_inputs_give_the_golden_outputs_again(built: tuple[ModelArtefact, TableArtefact, Path]):
    model, _, _ = built
    golden = model.golden[0]
    for variant, content in model.variants.items():
        outputs = run_tflite(content, [golden.inputs]).outputs
        for name, expected in golden.outputs[variant].items():
            assert np.abs(outputs[name] - expected).max() <= golden.tolerance[variant]


def test_embeddings_have_length_one_and_their_map_gives_the_emotion(built: tuple[ModelArtefact, TableArtefact, Path]):
    model, _, _ = built
    outputs = model.golden[0].outputs["float32"]
    embedding = outputs["embedding"][0]
    assert np.linalg.norm(embedding) == pytest.approx(1.0, abs=1e-3)
    recovered = np.tanh(np.append(embedding, 1.0) @ model.extras["emotion_map"])
    assert recovered == pytest.approx(outputs["emotion"][0], abs=1e-4)


def test_what_was_trained_on_is_listed_with_checksum_and_licence(built: tuple[ModelArtefact, TableArtefact, Path]):
    model, _, _ = built
    assert {source.name for source in model.training_data} == {"emopia", "vgmidi", "emotify"}
    assert all(len(source.sha256) == 64 and source.licence and source.rows for source in model.training_data)


def test_descriptors_get_a_mean_and_a_positive_scale(built: tuple[ModelArtefact, TableArtefact, Path]):
    _, table, _ = built
    assert table.name == "descriptors"
    assert len(table.arrays["name"]) == len(table.arrays["mean"]) == len(table.arrays["scale"])
    assert (table.arrays["scale"] > 0).all()


def test_a_second_training_goes_on_from_the_checkpoint_and_the_cached_sound(
    built: tuple[ModelArtefact, TableArtefact, Path], tiny_data: Path
):
    _, _, work = built
    before = {file: file.stat().st_mtime_ns for file in work.rglob("*") if file.is_file()}
    _, _, network = MusicEmotionStage().trained(_context(tiny_data, work))
    assert {file: file.stat().st_mtime_ns for file in before} == before
    assert np.isfinite(emotion_map(network)).all()
