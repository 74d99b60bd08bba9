-- +goose Up

-- What "grantd store copy" knows of the two ends of a copy. Never copied itself.
CREATE TABLE copies (
    role  TEXT NOT NULL PRIMARY KEY, -- source: this database was copied; target: it is a copy, or is served
    id    TEXT NOT NULL,             -- random, made for the source, the same at both ends; empty if no copy
    state TEXT NOT NULL,             -- of a target: begun, verified or served; of a source: empty
    run   TEXT NOT NULL DEFAULT ''   -- of a target: random, made for the last copy that wrote to it
);
