-- +goose Up

-- The lives of access tokens that servers give out. A token that was issued under another setting
-- may still be out, and what revokes it must be published for as long.
CREATE TABLE access_lives (
    id         TEXT   NOT NULL PRIMARY KEY, -- the life, for people
    ttl        BIGINT NOT NULL,             -- the same in milliseconds
    used_until BIGINT NOT NULL              -- none is issued later, unless this is put off before
);
