-- Seconds are since the epoch, in columns that end in _t; paths are the bytes that the file system has, since names
-- need not be text; arrays are little-endian.

CREATE TABLE tracks (
    id TEXT PRIMARY KEY,             -- 16 hex digits; survives renaming and retagging
    path BLOB NOT NULL UNIQUE,       -- absolute
    size INTEGER NOT NULL,           -- bytes, and
    mtime_ns INTEGER NOT NULL,       -- modification time: a file with both unchanged is not opened again
    fingerprint BLOB NOT NULL,       -- of size and content samples: finds a file again that was moved
    missing INTEGER NOT NULL DEFAULT 0,  -- 1: the file is gone; all that is known of it stays
    error TEXT NOT NULL DEFAULT '',  -- why the file cannot be used; '' if it can
    error_reason TEXT NOT NULL DEFAULT '',
    title TEXT NOT NULL DEFAULT '',
    artist TEXT NOT NULL DEFAULT '',
    album TEXT NOT NULL DEFAULT '',
    album_artist TEXT NOT NULL DEFAULT '',
    tags TEXT NOT NULL DEFAULT '{}', -- JSON: the other tags, name to list of texts
    identity_keys BLOB NOT NULL DEFAULT x'',  -- uint64[]: models.identity.ladder, strongest first
    value_keys BLOB NOT NULL DEFAULT x'',     -- uint64[]: models.metadata.value_key of each value
    duration_s REAL NOT NULL DEFAULT 0,
    valence REAL,
    arousal REAL,
    embedding BLOB,                  -- float32[128], unit length
    descriptors BLOB,                -- float32[78], models.audio.descriptors
    embedding_space TEXT NOT NULL DEFAULT '', -- what the four columns above were computed with; '' for not yet
    analysed_t REAL
) STRICT;
CREATE INDEX tracks_by_fingerprint ON tracks (fingerprint);

CREATE TABLE plays (
    id INTEGER PRIMARY KEY,
    track_id TEXT NOT NULL REFERENCES tracks (id),
    started_t REAL NOT NULL,
    ended_t REAL NOT NULL,
    played_s REAL NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN ('completed', 'skipped', 'stopped'))
) STRICT;
CREATE INDEX plays_by_time ON plays (ended_t);

CREATE TABLE feedback (
    id INTEGER PRIMARY KEY,
    track_id TEXT NOT NULL REFERENCES tracks (id),
    t REAL NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('liked', 'disliked'))
) STRICT;
CREATE INDEX feedback_by_time ON feedback (t);

CREATE TABLE commands (
    id INTEGER PRIMARY KEY,
    t REAL NOT NULL,
    verb TEXT NOT NULL,
    payload TEXT NOT NULL            -- JSON
) STRICT;
CREATE INDEX commands_by_time ON commands (t);

CREATE TABLE affect_history (
    t REAL PRIMARY KEY,
    valence REAL NOT NULL,
    arousal REAL NOT NULL,
    sd_valence REAL NOT NULL,
    sd_arousal REAL NOT NULL,
    rho REAL NOT NULL,
    quality REAL NOT NULL,
    calibrated INTEGER NOT NULL,
    model TEXT NOT NULL              -- version of the bundle that estimated it
) STRICT;

CREATE TABLE profile (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL,             -- JSON
    saved_t REAL NOT NULL
) STRICT;

-- Raw sensor data: stays empty unless the listener turns retention on.
CREATE TABLE samples (
    t REAL NOT NULL,
    wearable TEXT NOT NULL,
    quantity TEXT NOT NULL,
    channel TEXT NOT NULL,           -- '' or the axis of an acceleration
    value REAL NOT NULL
) STRICT;
CREATE INDEX samples_by_time ON samples (t);
