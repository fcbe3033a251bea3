"""What is published of a bundle: its files as TUF targets, in chunks, and the offer."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tuf.api.metadata import TargetFile, Targets

from cloud_trainer.publishing.folder import ChannelFolder
from models.bundle.manifest import Manifest
from models.bundle.reader import Bundle
from models.delivery.chunks import MOST_CHUNKS, ChunkList, pieces
from models.delivery.offer import MANIFEST, Offer, Shipment, read_custom, write_custom
from models.errors import BundleError, Reason

__all__ = ["Content", "chunks_of", "offer_of", "read_bundle", "store", "targets_for"]


@dataclass(frozen=True, slots=True)
class Content:
    """A bundle that is whole.

    Attributes:
        folder: where it lies.
        manifest: what it says of itself.
        paths: of its files in the folder, the manifest first.
    """

    folder: Path
    manifest: Manifest
    paths: tuple[str, ...]

    @property
    def bytes(self) -> int:
        """Size of all files."""
        return sum((self.folder / path).stat().st_size for path in self.paths)


def read_bundle(folder: Path, *, tested: bool = True) -> Content:
    """Make sure that a bundle is whole and, unless told otherwise, that its models answer as its manifest says.

    Raises:
        BundleError: MISSING, MALFORMED, INCOMPATIBLE, TAMPERED or FAILED; the message names the file.
    """
    if not folder.is_dir():
        raise BundleError(
            f"{folder} is no folder of a bundle",
            reason=Reason.MISSING,
            remedy="Name the folder that attune-trainer build has written: it holds manifest.json",
        )
    bundle = Bundle.open(folder)
    if tested:
        bundle.self_test()
    paths = [MANIFEST, *sorted(file.path for file in bundle.manifest.files)]
    return Content(folder, bundle.manifest, tuple(dict.fromkeys(paths)))


def store(content: Content, folder: ChannelFolder, chunk_bytes: int) -> dict[str, TargetFile]:
    """Put a bundle's chunks into the channel's folder and describe its files; none bears the offer yet.

    Args:
        content: the bundle.
        folder: of the channel.
        chunk_bytes: size of a chunk.

    Raises:
        BundleError: OVERSIZED: a file has more chunks than a player reads.
        DeliveryError: READ_ONLY or DISK_FULL.
    """
    targets: dict[str, TargetFile] = {}
    for path in content.paths:
        data = (content.folder / path).read_bytes()
        if len(data) > chunk_bytes * MOST_CHUNKS:
            raise BundleError(
                f"{path} of {content.folder} has {len(data)} bytes, more than {MOST_CHUNKS} chunks of {chunk_bytes}",
                reason=Reason.OVERSIZED,
                remedy="Publish with a higher [publishing] chunk_bytes",
            )
        chunks = ChunkList(chunk_bytes, [folder.put_chunk(piece) for piece in pieces(data, chunk_bytes)])
        digest = hashlib.sha256(data).hexdigest()
        targets[path] = TargetFile(len(data), {"sha256": digest}, path, {"custom": write_custom(Shipment(chunks))})
    return targets


def targets_for(targets: dict[str, TargetFile], offer: Offer) -> dict[str, TargetFile]:
    """The same files with this offer at the manifest."""
    manifest = targets[MANIFEST]
    custom = write_custom(Shipment(read_custom(manifest.custom, MANIFEST).chunks, offer))
    changed = TargetFile(manifest.length, dict(manifest.hashes), MANIFEST, {"custom": custom})
    return {**targets, MANIFEST: changed}


def offer_of(targets: Targets) -> Offer | None:
    """The offer in signed targets; None where nothing was published yet.

    Raises:
        DeliveryError: MALFORMED.
    """
    manifest = targets.targets.get(MANIFEST)
    return None if manifest is None else read_custom(manifest.custom, MANIFEST).offer


def chunks_of(targets: Targets) -> Iterator[str]:
    """Addresses of all chunks of the files in signed targets, the manifest's first; some come more than once.

    Raises:
        DeliveryError: MALFORMED.
    """
    for path in sorted(targets.targets, key=lambda path: (path != MANIFEST, path)):
        yield from read_custom(targets.targets[path].custom, path).chunks.sha256
