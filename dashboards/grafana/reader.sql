-- A role for boards and reports that read callmon's PostgreSQL by themselves: it sees views, and no number.
--
--     psql callmon -f reader.sql        once, and after each `callmon db upgrade`; then give the role a password
--
-- The views have no column of a caller's number, of its token or of a channel, and callmon's own tables stay closed.
-- Test calls are in no count. A day is the ministry's: where `timezone` in callmon's configuration is another, change
-- it in boards.zone() below.
--
-- A viewer of Grafana can send any query as this role. What the role may hold is bounded at the end of this file:
-- * callmon's right to write is a row that this role cannot read, lock or change;
-- * ten connections at most, which the role cannot raise. Keep `max_connections` well above ten;
-- * time limits for a query and for idle sessions. They are defaults: a query can switch them off for its session, and
--   the role for itself (`ALTER ROLE`); running this file again restores them;
-- * no temporary tables: that takes the owner of the database. No advisory locks and no large objects: these are
--   PostgreSQL's own functions, which every role may call until a superuser says otherwise. Run this file as a superuser
--   once, where you can; a managed PostgreSQL has none. Without it the role can fill the server's lock table and the disk
--   with large objects, and the file says so in a warning. Other programs with roles of their own in this database that
--   need these functions or temporary tables must be granted them.

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'callmon_boards') THEN
        CREATE ROLE callmon_boards LOGIN;
    END IF;
END $$;

DROP SCHEMA IF EXISTS boards CASCADE;
CREATE SCHEMA boards;

-- ── time, and how a share is told ──

CREATE FUNCTION boards.zone() RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT 'America/Toronto' $$;

CREATE FUNCTION boards.moment(microseconds bigint) RETURNS timestamptz LANGUAGE sql IMMUTABLE
    AS $$ SELECT to_timestamp(microseconds / 1e6) $$;

CREATE FUNCTION boards.day(at timestamptz) RETURNS date LANGUAGE sql STABLE
    AS $$ SELECT (at AT TIME ZONE boards.zone())::date $$;

CREATE FUNCTION boards.today() RETURNS date LANGUAGE sql STABLE AS $$ SELECT boards.day(now()) $$;

CREATE FUNCTION boards.midnight(day date) RETURNS timestamptz LANGUAGE sql STABLE
    AS $$ SELECT day::timestamp AT TIME ZONE boards.zone() $$;

-- When a half hour of the clock (0 is midnight) began, on the day that the clocks change, too: one that a night has twice
-- is one, and began the first time. PostgreSQL takes the second.
CREATE FUNCTION boards.clock(day date, half_hour int) RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN (later - interval '1 hour') AT TIME ZONE boards.zone() = wall THEN later - interval '1 hour' ELSE later END
    FROM (SELECT day::timestamp + half_hour * interval '30 minutes' AS wall) AS told,
         LATERAL (SELECT wall AT TIME ZONE boards.zone() AS later) AS at_last $$;

CREATE FUNCTION boards.hours(in_hours boolean) RETURNS text LANGUAGE sql IMMUTABLE
    AS $$ SELECT CASE WHEN in_hours THEN 'open' WHEN NOT in_hours THEN 'closed' ELSE 'unknown' END $$;

-- A share of at least 20; null below that. Cut, not rounded: 99.96 % is 99.9 %, and only all is 100 %, only none 0 %.
CREATE FUNCTION boards.share(part numeric, whole numeric) RETURNS float8 LANGUAGE sql IMMUTABLE
    AS $$ SELECT CASE WHEN whole < 20 THEN NULL WHEN part > 0 THEN greatest(floor(part * 1000 / whole) / 1000, 0.001)
                      ELSE 0 END::float8 $$;

-- ── single calls, verdicts, callbacks, disruptions, gaps ──

CREATE VIEW boards.calls AS
SELECT "call", exchange, line, direction, language, in_hours, outcome, rings, rings_estimated, heard,
       boards.moment(arrived) AS arrived, boards.moment(answered) AS answered,
       boards.moment(ended) AS ended, (waited / 1e6)::float8 AS waited_seconds,
       is_test, (data::jsonb ->> 'relay')::boolean IS TRUE AS is_relay,
       boards.day(boards.moment(arrived)) AS day, boards.hours(in_hours) AS hours
FROM "call";

-- `day` is that of the call which the verdict is about: of a callback, the day of the message.
CREATE VIEW boards.verdicts AS
SELECT f."call", f.exchange, f.standard, f.line, f.language, f.in_hours, f.verdict, f.reason_key AS reason, f.cause,
       f.number, boards.moment(f.at) AS at, boards.hours(f.in_hours) AS hours,
       boards.moment(coalesce(c.arrived, f.at)) AS arrived, boards.day(boards.moment(coalesce(c.arrived, f.at))) AS day
FROM finding f LEFT JOIN "call" c ON c."call" = f."call" AND c.exchange = f.exchange;

CREATE VIEW boards.obligations AS
SELECT id, exchange, kind, opening, line, service, language, state, hidden, reason, attempts, is_soon, is_overdue,
       other IS NULL AND hidden IS NOT NULL AS is_to_listen_to, is_live,
       boards.moment(opened) AS opened, boards.moment(due) AS due,
       boards.moment(actionable) AS actionable, boards.moment(settled) AS settled,
       CASE WHEN state = 'paid' THEN ((settled - opened) / 1e6)::float8 END AS delay_seconds,
       boards.day(boards.moment(opened)) AS day
FROM obligation;

CREATE VIEW boards.unheard AS
SELECT exchange, boards.moment(began) AS began, boards.moment(ended) AS ended,
       ((ended - began) / 1e6)::float8 AS unheard_seconds, boards.day(boards.moment(began)) AS day
FROM gap;

-- One row for each line that it hit. Its texts are the notice that the public was given.
CREATE VIEW boards.disruptions AS
SELECT id, d.source, exchange, l.line, boards.moment(began) AS began, boards.moment(until) AS until,
       boards.moment(announced) AS announced, boards.moment(d.ended) AS ended, how,
       CASE WHEN announced IS NOT NULL THEN greatest(announced - began, 0) / 1e6 END::float8 AS notice_seconds,
       ((coalesce(d.ended, extract(epoch FROM now()) * 1e6) - began) / 1e6)::float8 AS lasted_seconds,
       data::jsonb #>> '{notice,reason_fr}' AS reason_fr, data::jsonb #>> '{notice,reason_en}' AS reason_en,
       data::jsonb #>> '{notice,alternative_fr}' AS alternative_fr,
       data::jsonb #>> '{notice,alternative_en}' AS alternative_en,
       boards.day(boards.moment(began)) AS day
FROM disruption d, unnest(string_to_array(btrim(d.lines), ' ')) AS l(line)
WHERE counts;

CREATE VIEW boards.figures AS
SELECT figure, value FROM counter;

-- ── the public's calls, counted ──

-- Also those of which the end was not heard: a call in progress has no row yet.
CREATE VIEW boards.offered AS
SELECT * FROM boards.calls WHERE direction = 'inbound' AND NOT is_test AND line IS NOT NULL;

CREATE VIEW boards.calls_per_day AS
SELECT day, line, language, hours, outcome, heard, count(*) AS calls
FROM boards.offered GROUP BY day, line, language, hours, outcome, heard;

CREATE VIEW boards.verdicts_per_day AS
SELECT day, line, language, hours, standard, verdict, reason, cause, number, count(*) AS calls
FROM boards.verdicts GROUP BY day, line, language, hours, standard, verdict, reason, cause, number;

-- What a person answered, by the ring; as `callmon_rings_before_answer`.
CREATE VIEW boards.rings_per_day AS
SELECT day, line, language, hours, extract(hour FROM arrived AT TIME ZONE boards.zone())::int AS hour, rings,
       count(*) AS calls
FROM boards.offered WHERE outcome = 'answered' AND rings IS NOT NULL
GROUP BY day, line, language, hours, hour, rings;

-- For planning staff: each half hour of a day (0 is midnight). `at_once`: the most calls up at one moment, of those that
-- came in it.
CREATE VIEW boards.half_hours AS
WITH edges AS (
    SELECT "call", exchange, day, line, arrived AS at, 1 AS step FROM boards.offered
    UNION ALL SELECT "call", exchange, day, line, coalesce(ended, arrived + interval '1 microsecond'), -1 FROM boards.offered),
up AS (
    SELECT "call", exchange, step, sum(step) OVER (PARTITION BY day, line ORDER BY at, step) AS at_once FROM edges),
came AS (
    SELECT o.*, extract(hour FROM o.arrived AT TIME ZONE boards.zone())::int * 2
                + (extract(minute FROM o.arrived AT TIME ZONE boards.zone()) >= 30)::int AS half_hour, up.at_once
    FROM boards.offered o JOIN up ON up."call" = o."call" AND up.exchange = o.exchange AND up.step = 1)
SELECT came.day, came.line, came.language, came.half_hour, count(*) AS offered,
       count(*) FILTER (WHERE came.outcome = 'answered') AS answered,
       count(*) FILTER (WHERE v.verdict = 'met') AS by_third_ring,
       count(*) FILTER (WHERE v.cause = 'nobody_free') AS nobody_free,
       max(came.at_once) AS at_once
FROM came LEFT JOIN boards.verdicts v
     ON v."call" = came."call" AND v.exchange = came.exchange AND v.standard = 'answer_by_third_ring'
GROUP BY came.day, came.line, came.language, came.half_hour;

-- How many came in each half hour. Read from callmon's roll-ups, a row for each day and line, however many calls there are;
-- what these do not hold (they are being made anew, in another time zone, or by another version) is counted call by call.
CREATE VIEW boards.offered_per_half_hour AS
WITH held AS (
    SELECT coalesce(max(until), 0) AS until FROM rollup_state WHERE version = 3 AND zone = boards.zone())
SELECT r.day::date AS day, r.line, r.language,
       left(half.hour, 2)::int * 2 + (right(half.hour, 2) = '30')::int AS half_hour, half.offered::bigint AS offered
FROM rollup r, jsonb_each_text(r.cell::jsonb #> '{counts,half_hour.offered}') AS half (hour, offered)
WHERE (SELECT until FROM held) > 0
UNION ALL
SELECT boards.day(boards.moment(arrived)), line, language,
       extract(hour FROM boards.moment(arrived) AT TIME ZONE boards.zone())::int * 2
       + (extract(minute FROM boards.moment(arrived) AT TIME ZONE boards.zone()) >= 30)::int, 1
FROM "call"
WHERE arrived >= (SELECT until FROM held) AND direction = 'inbound' AND NOT is_test AND line IS NOT NULL;

GRANT USAGE ON SCHEMA boards TO callmon_boards;
GRANT SELECT ON ALL TABLES IN SCHEMA boards TO callmon_boards;
ALTER ROLE callmon_boards SET search_path = boards;
ALTER ROLE callmon_boards SET default_transaction_read_only = on;

-- ── what the role may hold ──

ALTER ROLE callmon_boards CONNECTION LIMIT 10;
ALTER ROLE callmon_boards SET statement_timeout = '30s';
ALTER ROLE callmon_boards SET lock_timeout = '5s';
ALTER ROLE callmon_boards SET idle_in_transaction_session_timeout = '30s';

-- What every role of PostgreSQL may use, this one too: taken from all, and granted to the owner of callmon's tables.
DO $$
DECLARE
    owner name := (SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = 'writer'::regclass);
    one record;
    kept text[] := '{}';
BEGIN
    IF current_setting('idle_session_timeout', true) IS NOT NULL THEN  -- PostgreSQL 14
        ALTER ROLE callmon_boards SET idle_session_timeout = '10min';
    END IF;
    FOR one IN
        SELECT 'temporary tables' AS what, 'TEMPORARY' AS privilege, format('DATABASE %I', datname) AS thing, datdba AS of
        FROM pg_database
        WHERE datname = current_database() AND has_database_privilege('callmon_boards', oid, 'TEMPORARY')
        UNION ALL
        SELECT 'tables in schema public', 'CREATE', 'SCHEMA public', nspowner FROM pg_namespace
        WHERE nspname = 'public' AND has_schema_privilege('callmon_boards', oid, 'CREATE')
        UNION ALL
        SELECT CASE WHEN proname ~ 'advisory' THEN 'advisory locks' ELSE 'large objects' END, 'EXECUTE',
               format('FUNCTION %s', oid::regprocedure), proowner FROM pg_proc
        WHERE pronamespace = 'pg_catalog'::regnamespace AND has_function_privilege('callmon_boards', oid, 'EXECUTE')
        AND proname ~ '^(pg_(try_)?advisory_.*|lo_(creat|create|from_bytea|open|put|truncate|truncate64|unlink)|lowrite)$'
        ORDER BY 1
    LOOP
        IF pg_has_role(one.of, 'USAGE') THEN
            EXECUTE format('REVOKE %s ON %s FROM PUBLIC', one.privilege, one.thing);
            EXECUTE format('GRANT %s ON %s TO %I', one.privilege, one.thing, owner);
        ELSIF one.what <> ALL (kept) THEN
            kept := kept || one.what;
        END IF;
    END LOOP;
    IF kept <> '{}' THEN
        RAISE WARNING 'callmon_boards can still use what every role can: %', array_to_string(kept, ', ')
            USING HINT = 'A superuser who runs this file takes it away.';
    END IF;
END $$;
