#!/bin/sh
# A Python program is the driver: it submits a job for each file of a folder and waits for them.
# SPDX-License-Identifier: LGPL-3.0-or-later
set -eu
here=$(cd "$(dirname "$0")" && pwd)
files=$(mktemp -d "${TMPDIR:-/tmp}/files.XXXXXX")
trap 'rm -rf "$files"' EXIT
for i in 1 2 3 4 5 6; do
  head -c "$((i * 300000))" /dev/zero >"$files/data$i"
done
PYTHONPATH="$here/../../workflow/python${PYTHONPATH:+:$PYTHONPATH}"
export PYTHONPATH
PYTHONDONTWRITEBYTECODE=1 python3 "$here/archive.py" "$files"
for i in 1 2 3 4 5 6; do
  tar -tf "$files/data$i.tar" >/dev/null
done
