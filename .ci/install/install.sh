#!/bin/sh
# Installs callmon from this folder, without the Internet:   sh install.sh [FOLDER]      (/opt/callmon)
# Needs Python 3.11 to 3.14 with venv (Debian: python3-venv). Adds nothing outside FOLDER.
# Installe callmon de ce dossier, sans Internet; n'ajoute rien hors de FOLDER.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
folder=${1:-/opt/callmon}

(cd "$here" && sha256sum --quiet --check SHA256SUMS) || {
    echo "A file is not as it was packed; fetch the archive again. / Un fichier a changé; reprenez l'archive." >&2
    exit 1
}
is_other() {
    [ -e "$folder" ] && [ -n "$(ls -A "$folder")" ] && ! { [ -f "$folder/pyvenv.cfg" ] && [ -e "$folder/bin/callmon" ]; }
}
if is_other; then
    echo "$folder is not empty, and no callmon is installed there: name another folder. /" \
        "$folder n'est pas vide, et callmon n'y est pas installé : nommez un autre dossier." >&2
    exit 1
fi
for version in 3.14 3.13 3.12 3.11; do
    if "python$version" -c 'import ensurepip' 2> /dev/null; then python=python$version; break; fi
done
[ -n "${python:-}" ] || {
    echo "Needs Python 3.11 to 3.14 with venv. / Il faut Python 3.11 à 3.14 avec venv." >&2
    exit 1
}
# What is installed stays until the new one works.
kept=
restore() {
    [ -z "$kept" ] || { rm -rf "$folder" && mv "$kept/before" "$folder" && rmdir "$kept"; }
}
if [ -e "$folder/pyvenv.cfg" ]; then
    kept=$(mktemp -d "$folder.XXXXXX")
    mv "$folder" "$kept/before"
    trap restore EXIT
fi
"$python" -m venv "$folder"
"$folder/bin/python" -m pip install --quiet --disable-pip-version-check --no-index --find-links "$here/wheels" \
    --require-hashes -r "$here/requirements.txt"
"$folder/bin/callmon" --version
trap - EXIT
[ -z "$kept" ] || rm -rf "$kept"
