#!/bin/sh
# The first step: makes the passwords of the stack in .docker/secrets, once. What is there stays as it is.
# The folder is yours alone; the files in it must be readable for the users of the containers. So must be what the
# containers are given of this repository, also where it was cloned with umask 077.
set -eu
folder=$(dirname "$0")/secrets
umask 077
for given in "$(dirname "$0")" "$(dirname "$0")/../asterisk" "$(dirname "$0")/../dashboards"; do
    find "$given" -name secrets -prune -o ! -perm -044 -exec chmod go+rX {} +
done
mkdir -p "$folder"
cd "$folder"

word() { # 32 letters and digits
    LC_ALL=C tr -dc 'A-Za-z0-9' < /dev/urandom | head -c 32
}

keep() { # keep NAME: its text comes from standard input
    [ -s "$1" ] || { cat > "$1.new"; mv "$1.new" "$1"; }
    chmod 0444 "$1"
}

for name in ami phones postgres postgres_callmon postgres_boards mqtt_callmon mqtt_board grafana_admin; do
    word | keep "$name"
done
printf '[callmon](+)\nsecret = %s\n' "$(cat ami)" | keep asterisk_manager.conf
for phone in 101 102 103 104 105 106; do
    printf '[%s](+type=auth)\npassword = %s\n' "$phone" "$(cat phones)"
done | keep asterisk_phones.conf
