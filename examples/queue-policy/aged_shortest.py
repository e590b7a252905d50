"""A queue policy in Python: short jobs first, but nobody is passed for ever.

    hactor start -S sched.policy=./aged_shortest.py script

For each hour of its time limit a job lets shorter ones pass that are submitted up to three hours
later; what comes after that stays behind it, however short it is. The first job that does not fit
is promised a time, and what does not delay it starts before.
SPDX-License-Identifier: LGPL-3.0-or-later
"""

GIVES_WAY = 3
LONGEST = 24 * 3600  # seconds; also what jobs without a limit count as


class Policy:
    name = "aged-shortest"
    reservation_depth = 1
    stop_at_blocked = False

    def key(self, job):
        limit = min(job.duration_s, LONGEST)
        return -job.urgency, job.submit_ns / 1e9 + GIVES_WAY * limit
