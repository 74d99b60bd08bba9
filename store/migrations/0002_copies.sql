-- +goose Up

-- What "grantd store copy" knows of the two ends of a copy. Never copied itself.
CREATE TABLE copies (
    role  TEXT NOT NULL PRIMARY KEY, -- source: this database was copied; target: it is a copy
    id    TEXT NOT NULL,             -- random, made for the source, the same at both ends
    state TEXT NOT NULL              -- of a target: begun, verified or served; of a source: empty
);
