"""Prepares TensorFlow once per process: Keras 2, threads, seeds."""

from __future__ import annotations

import logging
import os

__all__ = ["prepare_tensorflow"]

_log = logging.getLogger("attune.trainer")


def prepare_tensorflow(*, threads: int, seed: int) -> None:
    """Set what must be set before TensorFlow runs its first operation; later calls set the seeds alone.

    Args:
        threads: how many threads an operation may use.
        seed: of Python, NumPy and TensorFlow.
    """
    # Keras 3 converts recurrent layers to loops that cannot be quantised.
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow as tf
    import tf_keras

    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    except RuntimeError:
        # A stage before this one, in the same process, has set them.
        _log.debug("TensorFlow has been prepared before")
    tf_keras.utils.set_random_seed(seed)
