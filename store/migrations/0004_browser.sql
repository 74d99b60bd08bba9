-- +goose Up

-- What people do in a browser: sessions, what they allowed which app, and authorization codes.

ALTER TABLE clients ADD COLUMN kind TEXT NOT NULL DEFAULT '';
ALTER TABLE clients ADD COLUMN first_party BIGINT NOT NULL DEFAULT 0;
ALTER TABLE clients ADD COLUMN pkce_optional BIGINT NOT NULL DEFAULT 0;
ALTER TABLE clients ADD COLUMN required_scopes TEXT NOT NULL DEFAULT 'null';
ALTER TABLE clients ADD COLUMN origins TEXT NOT NULL DEFAULT 'null';
ALTER TABLE clients ADD COLUMN logout_uris TEXT NOT NULL DEFAULT 'null';
ALTER TABLE clients ADD COLUMN backchannel_uri TEXT NOT NULL DEFAULT '';
ALTER TABLE clients ADD COLUMN id_token_alg TEXT NOT NULL DEFAULT '';

ALTER TABLE grants ADD COLUMN session_id TEXT NOT NULL DEFAULT '';
ALTER TABLE grants ADD COLUMN audience TEXT NOT NULL DEFAULT 'null';
ALTER TABLE grants ADD COLUMN claims TEXT NOT NULL DEFAULT '';
ALTER TABLE grants ADD COLUMN used_from TEXT NOT NULL DEFAULT '';

CREATE TABLE sessions (
    id             TEXT   NOT NULL PRIMARY KEY, -- the sid of ID tokens: no secret
    cookie         TEXT   NOT NULL UNIQUE,      -- SHA-256 of the secret in the browser
    user_id        TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    auth_time      BIGINT NOT NULL,
    created_at     BIGINT NOT NULL,
    seen_at        BIGINT NOT NULL,
    expires_at     BIGINT NOT NULL,
    max_expires_at BIGINT NOT NULL,
    agent          TEXT   NOT NULL,
    address        TEXT   NOT NULL
) /*in place*/;
CREATE INDEX sessions_by_user ON sessions (user_id, id);
CREATE INDEX sessions_by_end ON sessions (expires_at);

-- The clients that were told of a session and are to be told of its end.
CREATE TABLE session_clients (
    session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    client_id  TEXT NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    PRIMARY KEY (session_id, client_id)
);

CREATE TABLE consents (
    user_id    TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    client_id  TEXT   NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    granted    TEXT   NOT NULL, -- scopes
    asked      TEXT   NOT NULL, -- the scopes that were last asked for
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, client_id)
);

-- A code is kept for a while after its use: a second one ends the authorization that came from the first.
CREATE TABLE codes (
    id           TEXT   NOT NULL PRIMARY KEY, -- SHA-256 of the code
    client_id    TEXT   NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    user_id      TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    grant_id     TEXT   NOT NULL,             -- of the authorization that it becomes
    scope        TEXT   NOT NULL,
    audience     TEXT   NOT NULL,
    redirect_uri TEXT   NOT NULL,             -- empty: the request had none
    challenge    TEXT   NOT NULL,             -- empty: none
    nonce        TEXT   NOT NULL,
    claims       TEXT   NOT NULL,
    session_id   TEXT   NOT NULL,
    auth_time    BIGINT NOT NULL,
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    used_at      BIGINT                       -- NULL: not yet
);
CREATE INDEX codes_by_user ON codes (user_id);
CREATE INDEX codes_by_end ON codes (expires_at);
