"""A session goes over to another bundle and back, on a real catalogue of two embedding spaces."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
from bundles import changed_bundle
from models_gone_wrong import mapped
from stand_in_library import track_rows

from agent.affect.station import AffectStation
from agent.delivery.installing.swapping import Prepared, prepare
from agent.sensing.station import Sensing
from agent.session import Session
from agent.storage import AnalysisRow, Database, Feedback, Play
from models.bundle.reader import default_bundle, read_manifest
from models.errors import BundleError, Reason
from models.wire.messages import Queue

NOW = 1_767_225_600.0
OLD, NEW, TRACKS = read_manifest(default_bundle()).embedding_space, "new-space", 60


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """A catalogue of which all but the last ten tracks are embedded in a second space, the other way round."""
    rows = track_rows(TRACKS, OLD)
    async with await Database.open(tmp_path) as opened:
        await opened.upsert_tracks(rows)
        await opened.put_analyses(
            [
                AnalysisRow(
                    track_id=row.id,
                    embedding_space=NEW,
                    fingerprint=row.fingerprint,
                    valence=-(row.valence or 0.0),
                    arousal=row.arousal or 0.0,
                    embedding=np.roll(row.embedding, 1) if row.embedding is not None else np.zeros(128, np.float32),
                    descriptors=np.zeros(78, np.float32),
                    analysed_t=0.0,
                )
                for row in rows[: TRACKS - 10]
            ]
        )
        yield opened


@pytest.fixture
def new_bundle(tmp_path: Path) -> Path:
    changed_bundle(
        tmp_path / "new",
        version="2099.1.1",
        manifest=lambda plain: plain.update({"embedding_space": NEW}),
    )
    return tmp_path / "new"


async def prepared(database: Database, folder: Path) -> Prepared:
    return await prepare(folder, database, channel="stable", queue_length=10, runtime="auto")


def session_on(bundle: Prepared) -> Session:
    return Session(
        sensing=Sensing("me"),
        affect=AffectStation(bundle.slot.bundle.model("user_emotion"), None, now=NOW),
        repertoire=bundle.repertoire,
        plays=bundle.plays,
        now=NOW,
    )


def queue(session: Session, now: float) -> Queue:
    found = session.evaluate(session.observe(now=now), "command", since=now).queue
    assert found is not None
    return found


async def test_a_session_ranks_with_the_vectors_of_the_new_space_alone_and_comes_back(
    database: Database, new_bundle: Path
):
    old, new = await prepared(database, default_bundle()), await prepared(database, new_bundle)
    session = session_on(old)
    before = queue(session, NOW)
    new.take_over(session, now=NOW + 1)
    during = queue(session, NOW + 1)
    emotion = dict(zip(new.repertoire.catalogue.ids, new.repertoire.tracks.emotion.tolist(), strict=True))
    assert all(track.valence == pytest.approx(emotion[track.id][0], abs=1e-4) for track in during.tracks)
    assert len(session.repertoire.tracks) == TRACKS - 10
    assert session.evaluate(session.observe(now=NOW + 2), "bundle", since=NOW + 2).affect.model == "2099.1.1"
    (await prepared(database, default_bundle())).take_over(session, now=NOW + 3)
    after = queue(session, NOW + 3)
    assert [track.id for track in after.tracks] == [track.id for track in before.tracks]


async def test_history_and_what_plays_survive_the_swap(database: Database, new_bundle: Path):
    track = track_rows(TRACKS, OLD)[3].id
    await database.record_play(Play(track_id=track, started_t=NOW, ended_t=NOW + 60, played_s=60, outcome="completed"))
    await database.record_feedback(Feedback(track_id=track, t=NOW + 30, kind="liked"))
    session = session_on(await prepared(database, default_bundle()))
    session.started(5, now=NOW + 61)
    evidence, playing = session.taste.evidence, session.repertoire.catalogue.ids[5]
    new = await prepared(database, new_bundle)
    session.judge(7, "liked", now=NOW + 62)  # heard between the two steps
    new.take_over(session, now=NOW + 63)
    assert session.playing is not None
    assert session.repertoire.catalogue.ids[session.playing] == playing
    assert session.taste.evidence == pytest.approx(evidence + 1.0, abs=0.01)


async def test_a_track_that_the_new_bundle_has_not_heard_plays_on(database: Database, new_bundle: Path):
    session = session_on(await prepared(database, default_bundle()))
    session.started(TRACKS - 1, now=NOW)
    (await prepared(database, new_bundle)).take_over(session, now=NOW + 1)
    assert session.playing is None
    queue(session, NOW + 1)
    assert session.take_next() is not None


async def test_a_bundle_that_fails_when_it_is_loaded_leaves_the_session_as_it_was(database: Database, tmp_path: Path):
    old = await prepared(database, default_bundle())
    session = session_on(old)
    audio = read_manifest(default_bundle()).models["user_emotion"]
    changed_bundle(tmp_path / "bad", files={audio.variants[audio.preferred].path: mapped("mean", -1.0)})
    with pytest.raises(BundleError) as caught:
        await prepared(database, tmp_path / "bad")
    assert caught.value.reason is Reason.FAILED
    assert session.repertoire is old.repertoire
    assert len(queue(session, NOW).tracks) == 10
