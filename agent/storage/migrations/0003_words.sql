-- What the words of a track say. They have nothing to do with an embedding space: a track has them once. Without a row
-- they were never read.

CREATE TABLE words (
    track_id TEXT PRIMARY KEY REFERENCES tracks (id) ON DELETE CASCADE,
    lexicon TEXT NOT NULL,           -- version of the values of words; where it is another, these are computed anew
    source TEXT NOT NULL,            -- 'lyrics'; 'tags' (genres) where too few words of lyrics are known; '' for neither
    valence REAL,                    -- -1..1, NULL where there is no source; dominance also where few words are known
    arousal REAL,
    dominance REAL,
    known INTEGER NOT NULL,          -- words behind these, each as often as it occurs
    language TEXT NOT NULL,          -- in which they were looked up, ISO 639-1
    lyrics TEXT NOT NULL,            -- where lyrics were found: 'tags', 'file' (.lrc beside the track), '' for nowhere
    lyrics_size INTEGER,             -- bytes of the file beside the track, NULL where there was none, and
    lyrics_mtime_ns INTEGER,         -- its modification time: with both unchanged it is not opened again
    problem TEXT NOT NULL,           -- what is wrong with the lyrics, as a clause; '' if nothing
    problem_reason TEXT NOT NULL
) STRICT;
