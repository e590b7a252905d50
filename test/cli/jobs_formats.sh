# Formats of hactor jobs: prefixes, conversions, names, and those of people's own files.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

mkdir -p own/hactor site/hactor
cat >site/hactor/jobs.toml <<'END'
[formats.mine]
format = "site {id}"
[formats.sites]
description = "of the site"
format = "{name} of site"
END
cat >own/hactor/jobs.toml <<'END'
[formats.mine]
format = "own {name}"
END
export XDG_CONFIG_HOME=$PWD/own XDG_CONFIG_DIRS=$PWD/site
instance <<'END'
hactor job status "$(hactor submit -n 1 -J a-long-name-of-a-job true)"
list() { hactor jobs -a -n -o "$1"; }
check_equal "own wins" "own a-long-name-of-a-job" "$(list mine)"
check_equal "site" "a-long-name-of-a-job of site" "$(list sites)"
check_contains "$(hactor jobs -o help)" "sites: of the site"
check_contains "$(hactor jobs -o help)" "cute: "
check_contains "$(hactor jobs --format=help)" "id.f58"
check_equal "by default" "own a-long-name-of-a-job" "$(HACTOR_JOBS_FORMAT_DEFAULT=mine hactor jobs -a -n)"
check_contains "$(list cute)" "✅"
check_equal "widened" "[a-long-name-of-a-job]" "$(list '[+:{name:<3.3}]')"
check_equal "cut" "[a-lon+]" "$(list '[{name:<6.6+}]')"
check_equal "dropped" "[0]" "$(list '?:{queue:>9}[{returncode}]')"
check_equal "dash" "[  -]" "$(list '[{exception.note:>3h}]')"
check_equal "share" "[0%]" "$(list '[{returncode!P}]')"
check_equal "hours" "[0:00:00]" "$(list '[{returncode!H}]')"
check_contains "$(list '{t_submit!D}')" T
hactor submit --wait -B purse -J banked true >/dev/null
check_equal "a bank" "purse" "$(hactor jobs -a -n -o '{bank}' --name=banked)"
fails_with 2 hactor jobs -o '{id!Q}'
check_contains "$output" "!P"
fails_with 2 hactor jobs -o sitse
check_contains "$output" "did you mean"
echo 'formats = 3' >own/hactor/jobs.toml
fails_with 2 hactor jobs -o mine
check_contains "$output" "own/hactor/jobs.toml"
END
