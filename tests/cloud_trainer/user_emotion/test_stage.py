"""The real stage of `user_emotion` on tiny data: training, conversion, evaluation."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import numpy as np
import pytest

from cloud_trainer.artefact import BuildContext, ModelArtefact
from cloud_trainer.data.tables import read_table
from cloud_trainer.progress import LogProgress
from cloud_trainer.quantisation import check_operators, run_tflite
from cloud_trainer.user_emotion.stage import UserEmotionStage
from models.errors import DataError
from models.physiology.schema import FEATURES


def _context(data: Path, work: Path) -> BuildContext:
    return BuildContext(data=data, work=work, scale="tiny", seed=1, progress=LogProgress())


@pytest.fixture(scope="module")
def built(listener_data: Path, tmp_path_factory: pytest.TempPathFactory) -> ModelArtefact:
    (model,) = UserEmotionStage().build(_context(listener_data, tmp_path_factory.mktemp("work")))
    assert isinstance(model, ModelArtefact)
    return model


def test_the_tensors_are_those_of_the_model_contract(built: ModelArtefact):
    size = len(FEATURES)
    assert {spec.name: spec.shape for spec in built.inputs} == {"steps": (1, 32, size), "mask": (1, 32, size)}
    assert {spec.name: spec.shape for spec in built.outputs} == {
        "mean": (1, 2),
        "log_variance": (1, 2),
        "attention": (1, 32),
    }


def test_every_variant_runs_on_a_device_and_repeats_its_golden_outputs(built: ModelArtefact):
    for variant, content in built.variants.items():
        assert check_operators(content).get("FULLY_CONNECTED", 0) <= 9
        run = run_tflite(content, [golden.inputs for golden in built.golden])
        for row, golden in enumerate(built.golden):
            for output, expected in golden.outputs[variant].items():
                assert run.outputs[output][row] == pytest.approx(expected[0], abs=golden.tolerance[variant])


def test_figures_stand_beside_the_running_mean_and_the_nominal_coverage(built: ModelArtefact):
    assert built.metrics["situnes_before.arousal_r2"].baseline_name == "running mean of one's own reports"
    assert built.metrics["hku956.arousal_coverage_90"].baseline == 0.9
    assert 0 <= built.metrics["wesad.stress_auc"].value <= 1
    assert np.isfinite([figure.value for figure in built.metrics.values()]).all()


def test_what_was_trained_on_is_listed(built: ModelArtefact):
    assert {source.name for source in built.training_data} == {"hku956", "situnes", "wesad-features"}


def test_too_few_persons_are_refused_before_training(listener_data: Path, tmp_path: Path):
    data = Path(shutil.copytree(listener_data, tmp_path / "data"))
    path = data / "wesad-features" / "ppg_hrv_120s.csv.gz"
    table = read_table(path, {"HR_mean": "float", "RMSSD": "float", "SDNN": "float", "subject": "int", "label": "int"})
    rows = [",".join(map(str, row)) for row in zip(*table.values(), strict=True) if row[3] < 4]
    path.write_bytes(gzip.compress("\n".join([",".join(table), *rows]).encode()))
    with pytest.raises(DataError, match="2 persons"):
        UserEmotionStage().build(_context(data, tmp_path))
