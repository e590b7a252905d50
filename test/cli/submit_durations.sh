# A time limit is minutes when bare, and says its unit otherwise.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance <<'END'
limit() { hactor submit --dry-run -t "$1" true | python3 -c '
import json, sys
print(json.load(sys.stdin)["attributes"]["system"]["duration"])'; }
check_equal "2m" 120 "$(limit 2m)"
check_equal "30" 1800 "$(limit 30)"
check_equal "30s" 30 "$(limit 30s)"
check_equal "1:30:00" 5400 "$(limit 1:30:00)"
check_equal "1.5h" 5400 "$(limit 1.5h)"
for wrong in soon -1 5x ''; do
  fails_with 2 hactor submit -t "$wrong" true
  check_contains "$output" "--time-limit"
done
END

# Jobs that say nothing have the instance's default.
instance -S policy.jobspec.defaults.system.duration=90s <<'END'
limit() { hactor jobs -n -o '{duration}' "$(hactor submit --wait "$@" true)"; }
check_equal "default" 90 "$(limit)"
check_equal "own" 60 "$(limit -t 1)"
check_equal "none" 0 "$(limit -t 0)"
check_equal "none" 0 "$(limit -t unlimited)"
check_contains "$(hactor job info "$(hactor submit true)" jobspec)" '"duration":90'
END
instance -S policy.jobspec.defaults.system.duration=0.3s <<'END'
fails_with 142 hactor run sleep 50
END
instance <<'END'
check_equal "no default" 0 "$(hactor jobs -n -o '{duration}' "$(hactor submit --wait true)")"
END
for wrong in soon -1 5x; do
  fails_with 2 start -S "policy.jobspec.defaults.system.duration=$wrong" true
  check_contains "$output" "policy.jobspec.defaults.system.duration"
done

# Instances within have none of that, but may have their own.
instance -S policy.jobspec.defaults.system.duration=90s <<'END'
in='limit() { hactor jobs -n -o "{duration}" "$(hactor submit --wait "$@" true)"; }; limit; limit -t 1'
check_equal "within" "0 60" "$(hactor run hactor start sh -c "$in" | xargs)"
check_equal "its own" "7 60" \
  "$(hactor run hactor start -S policy.jobspec.defaults.system.duration=7s sh -c "$in" | xargs)"
END
