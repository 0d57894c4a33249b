-- A role for boards and reports that read callmon's PostgreSQL by themselves: it sees views, and no number.
--
--     psql callmon -f reader.sql        once, and after each `callmon db upgrade`; then give the role a password
--
-- The views have no column of a caller's number, of its token or of a channel, and callmon's own tables stay closed.

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'callmon_boards') THEN
        CREATE ROLE callmon_boards LOGIN;
    END IF;
END $$;

DROP SCHEMA IF EXISTS boards CASCADE;
CREATE SCHEMA boards;

CREATE VIEW boards.calls AS
SELECT "call", exchange, line, direction, language, in_hours, outcome, rings, rings_estimated, heard,
       to_timestamp(arrived / 1e6) AS arrived, to_timestamp(answered / 1e6) AS answered,
       to_timestamp(ended / 1e6) AS ended, (waited / 1e6)::float8 AS waited_seconds
FROM "call";

CREATE VIEW boards.verdicts AS
SELECT "call", exchange, standard, line, language, in_hours, verdict, reason_key AS reason, cause,
       to_timestamp(at / 1e6) AS at
FROM finding;

CREATE VIEW boards.obligations AS
SELECT id, exchange, kind, line, service, language, state, attempts, is_soon, is_overdue,
       to_timestamp(opened / 1e6) AS opened, to_timestamp(due / 1e6) AS due,
       to_timestamp(actionable / 1e6) AS actionable, to_timestamp(settled / 1e6) AS settled
FROM obligation;

CREATE VIEW boards.unheard AS
SELECT exchange, to_timestamp(began / 1e6) AS began, to_timestamp(ended / 1e6) AS ended
FROM gap;

CREATE VIEW boards.figures AS
SELECT figure, value FROM counter;

GRANT USAGE ON SCHEMA boards TO callmon_boards;
GRANT SELECT ON ALL TABLES IN SCHEMA boards TO callmon_boards;
ALTER ROLE callmon_boards SET search_path = boards;
ALTER ROLE callmon_boards SET default_transaction_read_only = on;
