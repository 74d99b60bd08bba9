-- +goose Up

-- What was decided, in two chains: decisions, and the routine of every day. Each row's hash covers the row and the
-- hash before it, so that what was changed, taken out or put in between shows. A server seals the rows that it writes
-- with a key that the database does not have.
CREATE TABLE audit_events (
    chain       TEXT   NOT NULL, -- decisions or routine
    seq         BIGINT NOT NULL, -- from 1, without a gap
    at          BIGINT NOT NULL,
    type        TEXT   NOT NULL,
    outcome     TEXT   NOT NULL,
    request_id  TEXT   NOT NULL,
    actor       TEXT   NOT NULL,
    subject     TEXT   NOT NULL,
    client_id   TEXT   NOT NULL,
    grant_id    TEXT   NOT NULL,
    address     TEXT   NOT NULL,
    detail      TEXT   NOT NULL, -- a JSON object, or empty
    hash        BYTEA  NOT NULL, -- SHA-256 of the hash before and of all the columns above
    sealed_from BIGINT NOT NULL, -- of the last row of a server's batch: seq of its first row; otherwise 0
    seal        BYTEA,           -- of the same: HMAC of hash and batch; otherwise NULL
    PRIMARY KEY (chain, seq)
) WITHOUT ROWID;
-- Only decisions are searched, so the routine costs one insert into one tree.
CREATE INDEX audit_events_by_request ON audit_events (request_id) WHERE chain = 'decisions' AND request_id <> '';
CREATE INDEX audit_events_by_subject ON audit_events (subject, seq) WHERE chain = 'decisions' AND subject <> '';

-- Where each chain begins, after rows were pruned, and ends. Whoever appends holds the row.
CREATE TABLE audit_chains (
    chain      TEXT   NOT NULL PRIMARY KEY,
    seq        BIGINT NOT NULL, -- of the last row
    hash       BYTEA  NOT NULL, -- of the same
    first_seq  BIGINT NOT NULL, -- of the first row that is kept
    first_hash BYTEA  NOT NULL, -- of the row before that
    first_seal BYTEA            -- HMAC of both by the server that pruned; NULL: nothing was pruned
) /*in place*/;

-- Events are never changed, and go only when they were pruned from the front. A copy that has not ended yet may be
-- corrected.
-- +goose StatementBegin
/*PostgreSQL
CREATE FUNCTION audit_events_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (TG_OP = 'DELETE' AND OLD.seq < (SELECT first_seq FROM audit_chains WHERE chain = OLD.chain))
        OR EXISTS (SELECT 1 FROM copies WHERE role = 'target' AND state = 'begun') THEN
        RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
    END IF;
    RAISE EXCEPTION 'audit events are only ever added';
END $$;
CREATE TRIGGER audit_events_stay BEFORE UPDATE OR DELETE ON audit_events FOR EACH ROW EXECUTE FUNCTION audit_events_stay();
*/
/*SQLite*/
CREATE TRIGGER audit_events_unchanged BEFORE UPDATE ON audit_events
WHEN NOT EXISTS (SELECT 1 FROM copies WHERE role = 'target' AND state = 'begun')
BEGIN SELECT RAISE(ABORT, 'audit events are only ever added'); END;
CREATE TRIGGER audit_events_stay BEFORE DELETE ON audit_events
WHEN COALESCE(OLD.seq >= (SELECT first_seq FROM audit_chains WHERE chain = OLD.chain), 1)
    AND NOT EXISTS (SELECT 1 FROM copies WHERE role = 'target' AND state = 'begun')
BEGIN SELECT RAISE(ABORT, 'audit events are only ever added'); END;
/*end*/
-- +goose StatementEnd
