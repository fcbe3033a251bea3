-- What was heard of a track, apart for each embedding space: a bundle with a new audio model embeds the catalogue beside
-- the one in use, and vectors of two spaces never meet.

CREATE TABLE analyses (
    track_id TEXT NOT NULL REFERENCES tracks (id) ON DELETE CASCADE,
    embedding_space TEXT NOT NULL,
    fingerprint BLOB NOT NULL,       -- of the content that was heard; where the track's is another, it holds no more
    valence REAL,
    arousal REAL,
    embedding BLOB,                  -- float32[128], unit length
    descriptors BLOB,                -- float32[78], models.audio.descriptors
    analysed_t REAL,
    PRIMARY KEY (track_id, embedding_space)
) STRICT;

INSERT INTO analyses
    SELECT id, embedding_space, fingerprint, valence, arousal, embedding, descriptors, analysed_t
    FROM tracks WHERE embedding_space <> '';

ALTER TABLE tracks DROP COLUMN valence;
ALTER TABLE tracks DROP COLUMN arousal;
ALTER TABLE tracks DROP COLUMN embedding;
ALTER TABLE tracks DROP COLUMN descriptors;
ALTER TABLE tracks DROP COLUMN embedding_space;
ALTER TABLE tracks DROP COLUMN analysed_t;
