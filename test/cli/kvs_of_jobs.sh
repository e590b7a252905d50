# Each instance has keys of its own, and each job a namespace; what a job is made of is read like a
# key.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance -S resource.fake=nodes=4,cores=4 <<'END'
# A child has other keys than its parent, at every depth, and they end with it.
hactor kvs put k=top only.top=1
inner='echo "$(hactor kvs ls)|"; hactor kvs put k=deep; hactor kvs get k'
middle='hactor kvs put k=child; hactor run -N 1 hactor start sh -c "$INNER"; hactor kvs get k; hactor kvs ls'
child=$(INNER=$inner hactor run -N 2 -n 2 hactor start sh -c "$middle")
check_equal "in a child and its child" "| deep child k" "$(echo $child)"
check_equal "at the top" "top k only" "$(hactor kvs get k) $(echo $(hactor kvs ls))"
check_equal "the parent's" top "$(hactor run -N 2 hactor start sh -c 'HACTOR_URI=${HACTOR_URI%/*} hactor kvs get k')"
again=$(hactor run -N 2 -n 2 hactor start hactor kvs ls)
check_equal "another child begins anew" "" "$again"

# From outside, while it lives.
mkfifo up down
id=$(hactor submit -N 2 -n 2 hactor start sh -c 'hactor kvs put k=lives; echo up >up; read -r line <down')
read -r line <up
check_equal "looked into" lives "$(HACTOR_URI=$HACTOR_URI/$id hactor kvs get k)"
check_equal "beside it" top "$(hactor kvs get k)"
echo end >down
hactor job status "$id"

# Two jobs, the same key: each has its own, which is there after its end.
a=$(hactor submit sh -c 'hactor kvs put result=a; hactor kvs get result')
b=$(hactor submit sh -c 'hactor kvs put result=b; hactor kvs get result')
hactor job status "$a" "$b"
check_equal "as the jobs saw it" "a b" "$(hactor job attach "$a") $(hactor job attach "$b")"
check_equal "afterwards" "a b" "$(hactor kvs get -N "job-$a" result) $(hactor kvs get -N "job-$b" result)"
under=$(hactor job id --to=kvs "$a")
check_equal "below the job" "a" "$(hactor kvs get "$under.guest.result")"
check_equal "list below the job" "result" "$(hactor kvs ls "$under.guest")"
fails_with 1 hactor kvs get result
hactor run hactor kvs put -N primary shared=1
check_equal "for all" 1 "$(hactor kvs get shared)"

# What a job is made of.
for key in jobspec R eventlog; do
  check_equal "$key" "$(hactor job info "$a" $key)" "$(hactor kvs get "$under.$key")"
done
check_equal "names" "R eventlog guest jobspec" "$(echo $(hactor kvs ls "$under"))"
fails_with 1 hactor kvs put "$under.R={}"
check_contains "$output" "belongs to the job"
fails_with 1 hactor kvs get job.0000.0000.0000.0001.R
fails_with 1 hactor kvs put -N job-fABCD x=1
check_contains "$output" "does not exist"

# Who waits for a key of another job makes no file and asks for nothing again and again.
reader=$(hactor submit hactor kvs get -N primary --waitcreate mark)
hactor run hactor kvs put -N primary mark=set
hactor job status "$reader" && check_equal "the mark" set "$(hactor job attach "$reader")"
END
