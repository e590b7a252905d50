#!/bin/sh
# Builds the plugin in C and runs two tasks with it: by an option, then by a start file in Lua.
# SPDX-License-Identifier: LGPL-3.0-or-later
set -eu
here=$(cd "$(dirname "$0")" && pwd)
EXAMPLE_FOLDER=$(mktemp -d "${TMPDIR:-/tmp}/plugin.XXXXXX")
export EXAMPLE_FOLDER
trap 'rm -rf "$EXAMPLE_FOLDER"' EXIT
cc -shared -fPIC -Wall -Wextra -I"${HACTOR_INCLUDE:-/usr/local/include}" \
  -o "$EXAMPLE_FOLDER/rank_files.so" "$here/rank_files.c"

hactor run -n 2 -l -O plugins="$EXAMPLE_FOLDER/rank_files.so" \
  sh -c 'cd "$RANK_FOLDER" && echo "in ${PWD##*/}"; exit "$HACTOR_TASK_RANK"' && exit 1
hactor run -n 2 -l -O userrc="$here/greet.lua" \
  sh -c 'echo "$GREETING, ${MY_FOLDER##*/}, $TURN, {{color}}"'
