from __future__ import annotations

import numpy as np

from cloud_trainer.music_emotion.metrics import quadrant_accuracy, sign_accuracy


def test_a_quadrant_counts_when_both_signs_agree():
    truth = np.float32([[1, 1], [1, -1], [-1, 1], [-1, -1]])
    predicted = np.float32([[0.1, 0.2], [0.1, 0.2], [0.3, 0.2], [-1, -0.1]])
    assert quadrant_accuracy(truth, predicted) == 0.5
    assert sign_accuracy(truth[:, 1], predicted[:, 1]) == 0.75
