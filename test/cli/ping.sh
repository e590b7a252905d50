# A probe reaches every rank, shows its route, and fails for what is not there.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance <<'END'
for rank in $(seq 0 $((ranks - 1))); do
  output=$(hactor ping -r "$rank" -c 2 -i 1ms --pad 1000 exec)
  check_equal "lines" 2 "$(echo "$output" | wc -l)"
  echo "$output" | grep -Eqx "exec.ping pad=1000 seq=1 time=[0-9.]+ ms \((0!)?$rank\)" || fail "$output"
  hactor ping -r "$rank" -c 1 broker >route
done
fails_with 1 hactor ping -c 1 no-such-service
check_contains "$output" "job-manager"
fails_with 1 hactor ping -r "$ranks" -c 1 broker
check_contains "$output" "ranks 0 to $((ranks - 1))"
END
