-- +goose Up

-- Secrets of the server itself, each sealed under the master key.
CREATE TABLE sealed_keys (
    id         TEXT   NOT NULL PRIMARY KEY,
    kind       TEXT   NOT NULL, -- what it is for
    sealed     BYTEA  NOT NULL,
    sealed_by  TEXT   NOT NULL, -- the name of the master key: no secret
    created_at BIGINT NOT NULL,
    expires_at BIGINT           -- NULL: never
);

-- While a client goes over to its new secret, the old one is good, too.
ALTER TABLE clients ADD COLUMN old_secret_hash BYTEA;
ALTER TABLE clients ADD COLUMN old_secret_until BIGINT;
