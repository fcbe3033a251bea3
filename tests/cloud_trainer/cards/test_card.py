"""Model cards: they are those of the bundle that ships, and name what it was made from."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from cloud_trainer import cli
from cloud_trainer.build import WEIGHTS_LICENCE
from cloud_trainer.cards.card import cards, wilson
from cloud_trainer.cards.texts import texts
from models.bundle.manifest import MODELS, Manifest
from models.bundle.reader import Bundle, default_bundle

LICENCE_LINK = "https://creativecommons.org/licenses/by-nc-sa/4.0/"


@pytest.fixture(scope="module")
def shipped() -> Manifest:
    return Bundle.open(default_bundle()).manifest


def test_every_model_has_a_written_part():
    assert set(texts().models) == set(MODELS)


def test_the_cards_in_the_documentation_are_those_of_the_shipped_bundle(shipped: Manifest, repository: Path):
    folder = repository / "docs" / "cards"
    wanted = cards(shipped)
    assert {path.name for path in folder.iterdir()} == set(wanted)
    for name, text in wanted.items():
        assert (folder / name).read_text("utf-8") == text, f"run 'attune-trainer cards' to write {name} anew"


@pytest.mark.parametrize("name", MODELS)
def test_a_card_names_data_licences_figures_tensors_and_wrong_uses(shipped: Manifest, name: str):
    text, model = cards(shipped)[f"{name}.md"], shipped.models[name]
    for source in model.training_data:
        assert source.licence in text
        assert source.sha256[:16] in text
    for tensor in (*model.inputs, *model.outputs):
        assert f"`{tensor.name}`" in text
    for line in (*texts().models[name].wrong, *texts().models[name].limits, *texts().for_all, texts().non_commercial):
        assert line in text
    assert all(f"| {figure} |" in text for figure in model.metrics)


def test_the_shipped_weights_carry_their_own_licence(shipped: Manifest):
    licence = (default_bundle() / shipped.licence.path).read_text("utf-8")
    assert licence == WEIGHTS_LICENCE
    assert LICENCE_LINK in licence
    assert "Attribution-NonCommercial-ShareAlike 4.0" in " ".join(licence.split())


def test_an_interval_of_a_share_never_leaves_it():
    low, high = wilson(46 / 65, 65)
    assert (round(low, 3), round(high, 3)) == (0.588, 0.804)
    assert 0.0 <= wilson(0.0, 5)[0] <= wilson(1.0, 5)[1] <= 1.0


def test_the_command_writes_what_it_tells(tmp_path: Path):
    result = CliRunner().invoke(cli.app, ["cards", "--out", str(tmp_path)])
    assert result.exit_code == 0
    assert sorted(Path(line).name for line in result.stdout.split()) == sorted(path.name for path in tmp_path.iterdir())


def test_an_interval_in_the_protocol_stands_beside_the_figure(shipped: Manifest):
    figure = shipped.models["user_emotion"].metrics["situnes_before.valence_r2"]
    low, _, high = figure.protocol.rpartition("persons ")[2].partition(" to ")
    assert f"| situnes_before.valence_r2 | {figure.value:.3f} ({low} to {high}) |" in cards(shipped)["user_emotion.md"]
    assert "95 % interval over" not in cards(shipped)["user_emotion.md"]


def test_a_free_bundle_may_be_used_commercially(shipped: Manifest):
    free = msgspec.structs.replace(shipped, producer={**shipped.producer, "weights_licence": "CC BY 4.0"})
    assert texts().non_commercial not in cards(free)["sequence.md"]
    assert "Weights: CC BY 4.0" in cards(free)["sequence.md"]
