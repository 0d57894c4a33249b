#!/bin/bash
# Once, when the database is made: callmon's user and its database, and the boards' user, who sees views alone
# (dashboards/grafana/reader.sql, by the service `reader`).
set -euo pipefail
psql -v ON_ERROR_STOP=1 --no-psqlrc --username "$POSTGRES_USER" \
    -v callmon="$(cat /run/secrets/postgres_callmon)" -v boards="$(cat /run/secrets/postgres_boards)" <<'SQL'
CREATE ROLE callmon LOGIN PASSWORD :'callmon';
CREATE ROLE callmon_boards LOGIN PASSWORD :'boards';
CREATE DATABASE callmon OWNER callmon TEMPLATE template0 ENCODING 'UTF8';
REVOKE ALL ON DATABASE callmon FROM PUBLIC;
GRANT CONNECT ON DATABASE callmon TO callmon_boards;
SQL
