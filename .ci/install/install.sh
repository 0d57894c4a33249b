#!/bin/sh
# Installs callmon from this folder, without the Internet:   sh install.sh [FOLDER]      (/opt/callmon)
# Needs Python 3.11, 3.12 or 3.13 with venv (Debian: python3-venv). Adds nothing outside FOLDER.
# Installe callmon de ce dossier, sans Internet; n'ajoute rien hors de FOLDER.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
folder=${1:-/opt/callmon}

(cd "$here" && sha256sum --quiet --check SHA256SUMS) || {
    echo "A file is not as it was packed; fetch the archive again. / Un fichier a changé; reprenez l'archive." >&2
    exit 1
}
for version in 3.13 3.12 3.11; do
    if "python$version" -c 'import ensurepip' 2> /dev/null; then python=python$version; break; fi
done
[ -n "${python:-}" ] || {
    echo "Needs Python 3.11, 3.12 or 3.13 with venv. / Il faut Python 3.11, 3.12 ou 3.13 avec venv." >&2
    exit 1
}
"$python" -m venv --clear "$folder"
"$folder/bin/python" -m pip install --quiet --disable-pip-version-check --no-index --find-links "$here/wheels" \
    --require-hashes -r "$here/requirements.txt"
"$folder/bin/callmon" --version
