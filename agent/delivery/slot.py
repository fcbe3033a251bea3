"""The bundle that runs: the one that the settings name, or the one that ships where that is refused."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from models.bundle.reader import Bundle, default_bundle
from models.errors import BundleError
from models.interpreter import Runtime
from models.wire.messages import BundleStatus

__all__ = ["Slot", "open_slot"]


@dataclass(frozen=True, slots=True)
class Slot:
    """A bundle in use.

    Attributes:
        bundle: verified and self-tested.
        channel: from which new ones are taken.
        refused: why the bundle of the settings is not the one in use.
    """

    bundle: Bundle
    channel: str
    refused: BundleError | None = None

    def status(self, now: float) -> BundleStatus:
        """The message on `D/bundle`."""
        manifest = self.bundle.manifest
        return BundleStatus(
            t=now,
            version=manifest.version,
            embedding_space=manifest.embedding_space,
            runtime=self.bundle.model("user_emotion").runtime,
            precision={name: model.preferred for name, model in manifest.models.items()},
            channel=self.channel,
            outcome="refused" if self.refused else "none",
            reason=str(self.refused or ""),
        )


def open_slot(folder: Path | None, *, channel: str, runtime: Runtime) -> Slot:
    """Open the bundle of the settings; where it is refused, the one that ships stays.

    Args:
        folder: from the settings; None for the bundle that ships.
        channel: name of the channel, for the status.
        runtime: which TFLite runtime to use.

    Raises:
        BundleError: the bundle that ships is refused too.
    """
    refused = None
    if folder is not None:
        try:
            return Slot(_tested(folder, runtime), channel)
        except BundleError as error:
            refused = error
    return Slot(_tested(default_bundle(), runtime), channel, refused)


def _tested(folder: Path, runtime: Runtime) -> Bundle:
    bundle = Bundle.open(folder, runtime=runtime)
    bundle.self_test()
    return bundle
