-- +goose Up

-- How often passwords may be guessed. A row is an allowance from which something was taken: of an
-- account, of an account at a place, of an address. It is gone when all is back.
CREATE TABLE limits (
    key TEXT   NOT NULL PRIMARY KEY, -- what is counted; nothing that somebody typed
    tat BIGINT NOT NULL              -- when all is back: the theoretical arrival time of GCRA
) /*in place*/;
CREATE INDEX limits_by_end ON limits (tat);

-- Where users have logged in: addresses (of IPv6 the /64) and browsers. A browser is the SHA-256 of
-- what its cookie holds.
CREATE TABLE known_places (
    user_id TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    place   TEXT   NOT NULL,
    seen_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, place)
);
CREATE INDEX known_places_by_time ON known_places (seen_at);
