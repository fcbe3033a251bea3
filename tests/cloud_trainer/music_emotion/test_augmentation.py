from __future__ import annotations

import numpy as np
import pytest

from cloud_trainer.music_emotion.augmentation import augmented, mixed, sound_summary, summary_width
from models.audio.patches import FrontEnd

FRONT_END = FrontEnd()


@pytest.fixture
def batch() -> np.ndarray:
    random = np.random.default_rng(3)
    return random.normal(0.0, 0.5, (4, 128, 640)).astype(np.float16)


def test_augmentation_differs_each_time_and_leaves_the_original_alone(batch: np.ndarray):
    before = batch.copy()
    random = np.random.default_rng(1)
    first, second = (augmented(batch, random=random, front_end=FRONT_END) for _ in range(2))
    assert (batch == before).all()
    assert (first != second).any()
    assert first.shape == batch.shape
    assert first.dtype == np.float32


def test_augmented_patches_keep_the_front_ends_dynamic_range(batch: np.ndarray):
    quiet = batch - np.float16(1.0)
    quiet[:, :64] -= np.float16(20.0)
    for patch in augmented(quiet, random=np.random.default_rng(2), front_end=FRONT_END):
        assert patch.max() - patch.min() <= FRONT_END.dynamic_range_db / FRONT_END.scale + 1e-4


def test_a_summary_does_not_depend_on_loudness(batch: np.ndarray):
    mel = batch.astype(np.float32)
    summary = sound_summary(mel)
    assert summary.shape == (4, summary_width())
    assert sound_summary(mel + 0.7) == pytest.approx(summary, abs=1e-4)


def _columns() -> dict[str, np.ndarray]:
    value = np.float32([[0.0], [1.0], [0.0], [1.0], [5.0], [np.nan]])
    return {"log_mel": np.arange(6, dtype=np.float32)[:, None, None] * np.ones((6, 2, 3), np.float32), "value": value}


GROUPS = np.array([0, 0, 0, 0, 1, 1])


def test_blends_stay_within_their_group_and_between_its_values():
    for seed in range(20):
        blended = mixed(_columns(), GROUPS, share=1.0, random=np.random.default_rng(seed))
        assert blended["log_mel"][:4].max() <= 3.0
        assert blended["log_mel"][4:].min() >= 4.0
        assert ((blended["value"][:4] >= 0.0) & (blended["value"][:4] <= 1.0)).all()


def test_an_unknown_target_makes_the_blends_unknown_and_leaves_others_alone():
    blended = mixed(_columns(), GROUPS, share=0.0, random=np.random.default_rng(1))
    assert blended["value"][4] == 5.0
    assert np.isnan(blended["value"][5])
