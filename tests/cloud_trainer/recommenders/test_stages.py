"""The real stages of the recommenders on tiny data: contract, tables, goldens, and the device's arithmetic."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cloud_trainer.artefact import Artefact, BuildContext, ModelArtefact, TableArtefact
from cloud_trainer.progress import LogProgress
from cloud_trainer.quantisation import check_operators, run_tflite
from cloud_trainer.recommenders.factors import ncf_forward
from cloud_trainer.recommenders.hybrid_network import Frozen, initial_weights, score_block
from cloud_trainer.recommenders.hybrid_stage import HybridStage
from cloud_trainer.recommenders.layout import SIZE, SLICES
from cloud_trainer.recommenders.sequence_stage import SequenceStage
from models import identity


def _music_emotion() -> ModelArtefact:
    return ModelArtefact(
        name="music_emotion",
        variants={},
        preferred="float32",
        inputs=(),
        outputs=(),
        metrics={},
        training_data=(),
        golden=(),
        cost_s=0,
        extras={"emotion_map": np.random.default_rng(0).normal(0, 1, (129, 2)).astype(np.float32)},
    )


@pytest.fixture(scope="module")
def built(listener_data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Artefact]:
    artefacts: dict[str, Artefact] = {"music_emotion": _music_emotion()}
    for stage in (SequenceStage(), HybridStage()):
        context = BuildContext(
            data=listener_data,
            work=tmp_path_factory.mktemp("work"),
            scale="tiny",
            seed=1,
            progress=LogProgress(),
            artefacts=artefacts,
        )
        artefacts |= {artefact.name: artefact for artefact in stage.build(context)}
    return artefacts


def _model(built: dict[str, Artefact], name: str) -> ModelArtefact:
    artefact = built[name]
    assert isinstance(artefact, ModelArtefact)
    return artefact


def test_the_tensors_are_those_of_the_model_contract(built: dict[str, Artefact]):
    sequence, hybrid = _model(built, "sequence"), _model(built, "hybrid")
    assert {spec.name: spec.shape for spec in sequence.inputs} == {"items": (1, 50, 64), "mask": (1, 50)}
    assert {spec.name: spec.shape for spec in sequence.outputs} == {"user": (1, 64), "attention": (1, 50)}
    assert {spec.name: spec.shape for spec in hybrid.inputs} == {
        "user_pooled": (1, 161),
        "user_sequence": (1, 64),
        "candidates": (1, 256, 161),
        "candidates_audio": (1, 256, 128),
        "user_audio": (1, 128),
        "affect": (1, 5),
        "situation": (1, 8),
    }
    assert {spec.name: spec.shape for spec in hybrid.outputs} == dict.fromkeys(("svdpp", "ncf", "fused"), (1, 256))


@pytest.mark.parametrize("name", ["sequence", "hybrid"])
def test_every_variant_runs_on_a_device_and_repeats_its_golden_outputs(built: dict[str, Artefact], name: str):
    model = _model(built, name)
    assert set(model.variants) == {"float32", "int8"}
    for variant, content in model.variants.items():
        assert check_operators(content).get("FULLY_CONNECTED", 0) <= 9
        run = run_tflite(content, [golden.inputs for golden in model.golden])
        for row, golden in enumerate(model.golden):
            for output, expected in golden.outputs[variant].items():
                assert run.outputs[output][row] == pytest.approx(expected[0], abs=golden.tolerance[variant])


def test_padding_gets_no_attention_and_the_rest_sums_to_one(built: dict[str, Artefact]):
    golden = _model(built, "sequence").golden[0]
    attention, mask = golden.outputs["float32"]["attention"][0], golden.inputs["mask"][0]
    assert attention[mask == 0] == pytest.approx(0, abs=1e-6)
    assert attention.sum() == pytest.approx(1, abs=1e-5)


def test_the_table_has_what_the_agent_reads(built: dict[str, Artefact]):
    table = built["items"]
    assert isinstance(table, TableArtefact)
    keys, vectors = table.arrays["key"], table.arrays["vector"]
    assert keys.dtype == np.uint64
    assert np.all(keys[1:] > keys[:-1])
    assert identity.key("artist", "Artist 3") in keys
    assert vectors.shape == (len(keys), SIZE)
    assert table.arrays["from_audio"].shape == (129, SIZE)
    assert table.arrays["slice_names"].tolist() == list(SLICES)
    assert table.arrays["slice_bounds"].tolist() == [[part.start, part.stop] for part in SLICES.values()]
    assert 0 <= table.arrays["popularity"].min() < table.arrays["popularity"].max() == 1


def test_the_table_and_the_pooled_history_give_the_scores_of_the_model(built: dict[str, Artefact]):
    golden = _model(built, "hybrid").golden[0]
    pooled, candidates = golden.inputs["user_pooled"][0], golden.inputs["candidates"][0]
    by_hand = candidates[:, SLICES["svdpp_q"]] @ pooled[SLICES["svdpp_y"]] + candidates[:, SLICES["svdpp_bias"].start]
    assert golden.outputs["float32"]["svdpp"][0] == pytest.approx(by_hand, abs=1e-4)
    fused = golden.outputs["float32"]["fused"]
    assert fused.min() >= 0
    assert fused.max() <= 1


def test_figures_stand_beside_popularity(built: dict[str, Artefact]):
    metrics = _model(built, "hybrid").metrics
    for name in ("hetrec.svdpp.ndcg_at_10", "hetrec.ncf.recall_at_10", "hetrec.fused.ndcg_at_10"):
        assert metrics[name].baseline is not None
        assert metrics[name].count > 0
    assert "int8.hetrec.block_fused_ndcg_at_10" in metrics
    assert "situnes.fused_auc" in metrics


def test_what_was_trained_on_is_listed(built: dict[str, Artefact]):
    names = {source.name for source in _model(built, "hybrid").training_data}
    assert names == {"hetrec-lastfm", "situnes", "deezer-mood"}


def test_one_listener_of_numpy_and_a_block_of_tensorflow_agree():
    generator = np.random.default_rng(4)

    def draw(*shape: int) -> np.ndarray:
        return generator.normal(0, 0.3, shape).astype(np.float32)

    ncf = {
        "user_kernel": draw(32, 32),
        "user_bias": draw(32),
        "mlp1_item": draw(16, 32),
        "mlp1_user": draw(16, 32),
        "mlp1_bias": draw(32),
        "mlp2": draw(32, 16),
        "mlp2_bias": draw(16),
        "out_gmf": draw(16, 1),
        "out_mlp": draw(16, 1),
    }
    inputs = {
        "user_pooled": draw(1, SIZE),
        "user_sequence": draw(1, 64),
        "candidates": draw(1, 256, SIZE),
        "candidates_audio": draw(1, 256, 128),
        "user_audio": draw(1, 128),
        "affect": draw(1, 5),
        "situation": draw(1, 8),
    }
    frozen = Frozen(ncf, draw(129, 2))
    answer = score_block(initial_weights(generator), frozen, inputs)
    pooled, items = inputs["user_pooled"][0, SLICES["ncf"]], inputs["candidates"][0, :, SLICES["ncf"]]
    assert answer["ncf"].numpy()[0] == pytest.approx(ncf_forward(ncf, pooled, items), abs=1e-4)
