# hactor multi-prog: each task of a job becomes the program that a file names for its rank.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

cat >roles <<'END'
# who does what
0    echo "the lead" %t
1-2  sh -c 'echo worker %o of %t; exit %o'
*    echo other %t%%
END
instance -S resource.fake=nodes=1,cores=8 <<'END'
fails_with 1 hactor run -n 5 hactor multi-prog roles
check_equal "output" "other 3%,other 4%,the lead 0,worker 0 of 1,worker 1 of 2" \
  "$(echo "$output" | grep -v hactor-run | sort | paste -sd,)"
check_equal "dry" "2: sh -c echo worker 1 of 2; exit 1" "$(hactor multi-prog -n 2 roles)"
fails_with 2 hactor multi-prog roles
check_contains "$output" "hactor run"
echo '0 true' >one
fails_with 2 hactor run -n 2 hactor multi-prog one
check_contains "$output" "no line means rank 1"
echo 'x true' >bad
fails_with 2 hactor multi-prog -n 0 bad
check_contains "$output" "bad:1: 'x' is neither ranks"
printf '\033[2Jx\a true\n' >bad
fails_with 2 hactor multi-prog -n 0 bad
check_contains "$output" "bad:1: '\x1b[2Jx\x07' is neither"
END
