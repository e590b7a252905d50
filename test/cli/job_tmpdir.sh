# HACTOR_JOB_TMPDIR is a folder of the job alone, there before its first task and gone after its last,
# with whatever is in it, also when the job was killed.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance <<'END'
hactor run sh -c 'stat -c "%a %F" "$HACTOR_JOB_TMPDIR"; ls -A "$HACTOR_JOB_TMPDIR" | wc -l
  mkdir -p "$HACTOR_JOB_TMPDIR/a/b"; echo x >"$HACTOR_JOB_TMPDIR/a/b/c"; echo "$HACTOR_JOB_TMPDIR"' >said
check_equal "mode and content" "700 directory 0" "$(head -2 said | xargs)"
where=$(tail -1 said)
[ ! -e "$where" ] || fail "$where is left"
test -d "${where%/*}" || fail "the folder above went with it"

# Two at the same time have not the same; where there is one core only, they come one after the other.
hactor submit --cc=1-2 sh -c 'touch "$HACTOR_JOB_TMPDIR/mine"; sleep 0.3; ls "$HACTOR_JOB_TMPDIR" | wc -l >n.{cc}
  echo "$HACTOR_JOB_TMPDIR" >p.{cc}' | xargs hactor job wait --all
check_equal "files in the folders" "1 1" "$(cat n.1 n.2 | xargs)"
[ "$(cat p.1)" != "$(cat p.2)" ] || fail "two jobs shared $(cat p.1)"

id=$(hactor submit sh -c 'echo x >"$HACTOR_JOB_TMPDIR/x"; echo "$HACTOR_JOB_TMPDIR" >>at; exec sleep 300')
until [ -s at ]; do sleep 0.05; done
test -e "$(cat at)/x"
hactor cancel "$id"
deadline 20 hactor job wait "$id" || true
[ ! -e "$(cat at)" ] || fail "a killed job left $(cat at)"
END
