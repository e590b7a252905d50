# What a task leaves behind, also out of its session, is gone when the instance has ended.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance -S exec.kill_timeout=0.3s <<'END'
hactor run -n "$ranks" sh -c 'sleep 1000 & exit 0'
hactor run -n "$ranks" sh -c 'setsid sleep 1000 >/dev/null 2>&1 </dev/null & exit 0'
hactor run -n "$ranks" sh -c '(setsid sh -c "trap \"\" TERM; while :; do sleep 1000; done" >/dev/null 2>&1 </dev/null &)'
# A background process that holds the output does not hold the job.
deadline 20 hactor run sh -c 'sleep 1000 & echo done'
END
