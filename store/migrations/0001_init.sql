-- +goose Up

-- One text for every database: BIGINT, TEXT and BYTEA are types in PostgreSQL and just names to
-- SQLite. Times are Unix milliseconds, lists are JSON. PostgreSQL is told to compare texts byte by
-- byte, and to leave room where rows are updated "in place".

CREATE TABLE users (
    id            TEXT   NOT NULL PRIMARY KEY,
    username      TEXT   NOT NULL,
    username_key  TEXT   NOT NULL UNIQUE, -- without letter case
    email         TEXT   NOT NULL,
    email_key     TEXT   UNIQUE,          -- NULL: none
    full_name     TEXT   NOT NULL,
    password_hash TEXT   NOT NULL,
    scopes        TEXT   NOT NULL,        -- null: all
    created_at    BIGINT NOT NULL,
    disabled_at   BIGINT                  -- NULL: enabled
);

CREATE TABLE clients (
    id             TEXT   NOT NULL PRIMARY KEY,
    name           TEXT   NOT NULL,
    secret_hash    BYTEA,                 -- NULL: public
    grants         TEXT   NOT NULL,
    scopes         TEXT   NOT NULL,
    default_scopes TEXT   NOT NULL,
    redirect_uris  TEXT   NOT NULL,
    introspect     BIGINT NOT NULL,       -- 0 or 1
    created_at     BIGINT NOT NULL
);

-- A row is one authorization. Each refresh updates it in place, so nothing that a refresh
-- changes may be in an index.
CREATE TABLE grants (
    id             TEXT   NOT NULL PRIMARY KEY,
    client_id      TEXT   NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    user_id        TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    scope          TEXT   NOT NULL,
    generation     BIGINT NOT NULL,
    auth_time      BIGINT NOT NULL,
    created_at     BIGINT NOT NULL,
    rotated_at     BIGINT NOT NULL,
    expires_at     BIGINT NOT NULL,
    max_expires_at BIGINT NOT NULL,
    revoked_at     BIGINT                 -- NULL: live
) /*in place*/;
CREATE INDEX grants_by_client ON grants (client_id, id);
CREATE INDEX grants_by_user ON grants (user_id, id);

-- What replicas poll. A row outlives what it revokes, so it refers to nothing.
CREATE TABLE revocations (
    kind       TEXT   NOT NULL,           -- grant, token or client
    id         TEXT   NOT NULL,
    revoked_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (kind, id)
);
CREATE INDEX revocations_by_time ON revocations (revoked_at);

CREATE TABLE signing_keys (
    id         TEXT   NOT NULL PRIMARY KEY,
    alg        TEXT   NOT NULL,
    first_of   TEXT   UNIQUE,             -- alg, if added as the first: of two such, one fails
    public     BYTEA,
    sealed     BYTEA  NOT NULL,
    created_at BIGINT NOT NULL,
    sign_from  BIGINT NOT NULL
);

CREATE TABLE items (
    user_id    TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    id         TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, id)
);

-- Written to find out whether the database can be written.
CREATE TABLE readiness (
    probes BIGINT NOT NULL
) /*in place*/;
INSERT INTO readiness (probes) VALUES (0);
