# Lines are labelled at their beginning alone; what cannot be written to a file is told by its job,
# and a wrong file is no error of the broker.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance <<'END'
# Lines that are long, or have no end.
long='head -c 300000 /dev/zero | tr "\\0" x; echo; printf end'
hactor run -n 2 -l -o long.out sh -c "$long"
hactor run -n 2 -l sh -c "$long" >shown.out
for file in long.out shown.out; do
  check_equal "bytes of $file" $((2 * (300004 + 7))) "$(wc -c <$file)"
  check_equal "lines of $file" "0: end 1: end" "$(echo $(grep end $file | sort))"
  check_equal "long lines of $file" 2 "$(grep -c '^[01]: x*$' $file)"
done

# What cannot be written.
fails_with 0 hactor run -l -o /dev/full echo hi
check_contains "$output" "output is lost"
check_contains "$output" "/dev/full"
fails_with 0 hactor submit --wait -l -o /dev/full echo hi
check_contains "$output" "No space left on device"
id=$(hactor jobs -a -n -c 1 -o '{id}')
check_contains "$(hactor job eventlog "$id")" 'severity=1 type="output"'
check_contains "$(hactor jobs -a -n -c 1 -o '{inactive_reason}')" "output is lost"

# The mistakes of one job are no errors of the broker.
for words in "-o /proc/1/xx" "-o ." "--input nothing/here" "-o $(printf '%0300d' 7)"; do
  fails_with 126 hactor run $words true
  check_contains "$output" "file"
done
check_lacks "$(hactor dmesg)" "err: shell"

# A FIFO makes its task wait, and nobody else.
mkfifo unread fifo
for words in "-o unread" "-e unread" "--input unread" "-l -o unread"; do
  fails_with 126 deadline 20 hactor run $words echo hi
  check_contains "$output" "unread is a FIFO"
done
exec 4<>fifo # for those who open it, until its reader is there
cat fifo >read 4>&- &
reader=$!
deadline 20 hactor run -n 2 -o fifo sh -c 'yes | head -c 200000'
exec 4>&-
wait "$reader"
check_equal "bytes through the FIFO" 400000 "$(wc -c <read)"
END
