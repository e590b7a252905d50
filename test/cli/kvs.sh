# Values under keys: what one rank writes all ranks read; directories, links, namespaces, watches.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance <<'END'
export HACTOR_KVS_NAMESPACE=
kvs() { hactor kvs "$@"; }

# One rank writes, all read; each rank writes, one reads.
kvs put a.b.c=42 a.text='two words' empty=
for rank in $(hactor exec -r all hactor kvs get a.b.c); do
  check_equal "as a rank sees it" 42 "$rank"
done
hactor exec -r all sh -c 'hactor kvs put "by.$$=$(hactor kvs get a.text)"'
check_equal "written by each rank" "$ranks" "$(kvs ls by | wc -l)"
check_equal "what they wrote" "two words" "$(kvs dir by | sed 's/.* = //' | sort -u)"

# Bytes come back as they are.
head -c 200000 /dev/urandom >bytes
kvs put --raw blob=- <bytes
kvs get --raw blob | cmp - bytes || fail "200,000 bytes have changed"
check_equal "no value" "" "$(kvs get --raw empty)"
check_equal "with a label" "a.b.c=42" "$(kvs get -l a.b.c)"
kvs put -j json='{"x": [1, 2]}' && check_equal "json" '{"x":[1,2]}' "$(kvs get -j json)"
fails_with 2 hactor kvs put -j json='{'
fails_with 1 hactor kvs get -j a.text

# All or nothing, and what is wrong is said.
fails_with 1 hactor kvs put new=1 a.b.c.d=2
check_contains "$output" "a.b.c"
fails_with 1 hactor kvs get new
check_contains "$output" "does not exist"
for wrong in "get a" "get none.at.all" "put .=1" "unlink a" "unlink none" "readlink a" "ls none" \
  "get -N nowhere a" "put -N nowhere a=1" "namespace remove primary" "namespace create primary" \
  "put -t x={}" "get --at [] a" "get --at sha256-0 a"; do
  fails_with 1 hactor kvs $wrong
done
for wrong in "put novalue" "put =1" "get" "frobnicate" "namespace frobnicate" "namespace" "wait x" \
  "get -c 1 a" "readlink -o -k a"; do
  fails_with 2 hactor kvs $wrong
done
head -c 16777217 /dev/zero >large
fails_with 1 sh -c 'hactor kvs put -r large=- <large'
check_contains "$output" 16777216

# Directories and links.
kvs mkdir d.e && kvs mkdir d.e
check_equal "directory" "d.e." "$(kvs dir d)"
fails_with 1 hactor kvs put d=5
check_contains "$output" "key 'd': is a directory with 1 name; a value would take its place"
check_equal "it is still there" "d.e." "$(kvs dir d)"
odd=$(printf '\377') even=$(printf '\376') # both would become the same sign
for wrong in "put $odd=1" "put $even=1" "get $odd" "dir $odd" "mkdir $odd" "unlink $odd" "link a $odd" \
  "copy a $odd" "getroot -N $odd" "namespace create $odd"; do
  fails_with 2 hactor kvs $wrong
  check_contains "$output" "is not UTF-8"
done
kvs put any="$odd"
check_equal "a value of any bytes" "$odd" "$(kvs get any)"
kvs unlink any
kvs link a.b link && kvs link -T primary a.text over
check_equal "through a link" 42 "$(kvs get link.c)"
check_equal "link" "a.b" "$(kvs readlink link)"
check_equal "link into a namespace" "primary::a.text primary a.text" \
  "$(kvs readlink over) $(kvs readlink -o over) $(kvs readlink -k over)"
check_equal "marks" "a. blob by. d. empty json link@ over@" "$(echo $(kvs ls -F -1))"
check_equal "all below a" "a.b.c = 42|a.text = two words" "$(kvs dir -R a | paste -sd'|')"
check_equal "names alone" "a.b.c a.text" "$(echo $(kvs dir -R -d a))"
kvs copy a kept && kvs put a.b.c=43 && kvs move a.text a.words
check_equal "a copy stays" "42 two words" "$(kvs get kept.b.c) $(kvs get kept.text)"
check_equal "moved" "two words" "$(kvs get a.words)"
fails_with 1 hactor kvs get a.text
fails_with 1 hactor kvs move a a.b.inside
fails_with 1 hactor kvs move a.b a
check_contains "$output" "has 'a.b' in it"
kvs unlink -R kept && kvs unlink -f kept
kvs put --treeobj same="$(kvs get --treeobj a)"
check_equal "by a tree object" 43 "$(kvs get same.b.c)"

# Roots and versions.
then=$(kvs getroot) ref=$(kvs getroot -b) version=$(kvs version)
kvs put a.b.c=44
check_equal "as it was" "43 43" "$(kvs get --at "$then" a.b.c) $(kvs get --at "$ref" a.b.c)"
check_equal "version" "$((version + 1))" "$(kvs getroot -s)"
check_equal "version that a put tells" "$((version + 2))" "$(kvs put -s x=1)"
check_equal "owner" "$(id -u)" "$(kvs getroot -o)"
deadline 30 hactor kvs wait "$version"
deadline 30 hactor kvs wait $((version + 3)) &
waits=$!
kvs put x=2
wait "$waits" || fail "a version was not waited for"

# A thousand keys, by a hundred at once.
seq 1000 | sed 's/.*/many.k&=&/' | xargs -n 100 hactor kvs put
check_equal "names" 1000 "$(kvs ls many | wc -l)"
check_equal "their sum" 500500 "$(kvs dir many | awk '{ s += $3 } END { print s }')"
seq 2 1000 | sed 's/.*/many.k&/' | xargs hactor kvs unlink
check_equal "what is left" "many.k1 = 1" "$(kvs dir many)"

# Watches: every value in order, and no other.
hactor kvs get --watch --waitcreate --count=21 counter >seen &
watch=$!
kvs put counter=0
eventually 20 test -s seen # who comes later than this has missed nothing either
for i in $(seq 20); do
  kvs put "other=$i" "counter=$i"
done
wait "$watch" || fail "the watch ended with $?"
sort -n -u seen | cmp - seen || fail "not in order: $(cat seen)"
check_equal "the last" 20 "$(tail -n1 seen)"
hactor kvs get --waitcreate late >late &
watch=$!
hactor kvs put late=here
wait "$watch" && check_equal "waited for" here "$(cat late)"
kvs put log=
hactor kvs get --append --count=51 log >log &
watch=$!
for i in $(seq 50); do
  kvs put -A log="line $i
"
done
seq 50 | sed 's/^/line /' >expected
deadline 40 sh -c 'until cmp -s log expected; do hactor kvs wait 1; done' || fail "appended: $(cat log)"
kill "$watch" 2>/dev/null || true
hactor kvs get -w other >other 2>gone &
watch=$!
deadline 40 sh -c 'until [ -s other ]; do hactor kvs wait 1; done'
kvs unlink other
found=0 && wait "$watch" || found=$?
check_equal "the key has gone" 1 "$found"
check_contains "$(cat gone)" removed

# Namespaces.
kvs namespace create one two
kvs put -N one a=1 && HACTOR_KVS_NAMESPACE=two hactor kvs put a=2
check_equal "apart" "1 2" "$(kvs get -N one a) $(kvs get -N two a)"
kvs copy -S one -D two a from_one && check_equal "copied over" 1 "$(kvs get -N two from_one)"
kvs move -S two -D one from_one back && check_equal "moved over" "1 a" "$(kvs get -N one back) $(kvs ls -N two)"
kvs namespace create -r "$(kvs getroot -N one -b)" three && check_equal "begun as another" 1 "$(kvs get -N three a)"
check_equal "list" "one primary three two" "$(echo $(kvs namespace list | awk 'NR > 1 { print $1 }'))"
kvs namespace remove one three
fails_with 1 hactor kvs get -N one a
check_equal "list then" "primary two" "$(echo $(kvs namespace list | awk 'NR > 1 { print $1 }'))"
check_contains "$(hactor stats)" '"namespaces": 2'
END
