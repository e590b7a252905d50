# With nothing configured, jobs get their cores first come, first served.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance -S resource.fake=nodes=1,cores=4 <<'END'
hactor submit -n 3 --setattr=exec.test.run_duration=50ms true >ids
hactor submit -n 4 --setattr=exec.test.run_duration=50ms true >>ids
hactor submit --cc=1-8 --setattr=exec.test.run_duration=10ms true >>ids
xargs hactor job wait --all <ids
hactor events --since 0 --no-follow --names=alloc |
  python3 -c 'import json, sys; [print(json.loads(line)["id"]) for line in sys.stdin]' >order
cmp ids order
END
