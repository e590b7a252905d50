# hactor archive: files, folders, links and holes come back as they were, on every rank; what is wrong
# is said, and leaves neither half an archive nor half a file.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance <<'END'
archive() { hactor archive "$@"; }
keys() { echo $(hactor kvs ls archive | sort); }

# One of each: a large file of bytes, a small one, an empty one, one with a hole of 30 MB, odd modes.
mkdir -p in/tree/sub in/tree/empty
head -c 3500000 /dev/urandom >in/tree/large
cp in/tree/large in/tree/sub/copy
printf 'small\n' >in/tree/small
printf 'a\0\377' >in/tree/bytes
: >in/tree/none
printf start >in/tree/hole
printf end | dd of=in/tree/hole bs=1 seek=30000000 conv=notrunc status=none
ln -s small in/tree/link
ln -s /nowhere/at/all in/tree/sub/dangling
chmod 750 in/tree/sub
chmod 640 in/tree/small
chmod 500 in/tree/empty
touch -d '2001-02-03 04:05:06 UTC' in/tree/large in/tree/empty
touch -h -d '2002-02-03 04:05:06 UTC' in/tree/link
archive create -v -C in tree 2>said
check_equal "said" "$(cd in && find tree | sort)" "$(sort said)"
check_equal "listed" "$(cd in && find tree | sort)" "$(archive list | sort)"
check_contains "$(archive list -l)" "-rw-r-----            6 tree/small"
check_contains "$(archive list -l)" "lrwxrwxrwx            0 tree/link -> small"
check_contains "$(archive list -l)" "dr-x------            0 tree/empty"
check_equal "chosen" "tree/sub/copy tree/sub/dangling" "$(echo $(archive list 'tree/sub/*'))"
check_contains "$(archive list --raw tree/small)" '"encoding":"utf-8"'
check_contains "$(archive list --raw tree/bytes)" '"encoding":"base64"'
check_contains "$(archive list --raw tree/large)" '[1048576,1048576,"sha256-'
check_equal "keys" "main main_blobs" "$(keys)"
# Equal content once: 4 blobs of the large file, and the two ends of the one with a hole.
check_equal "blobs" 6 "$(hactor kvs ls -1 archive.main_blobs | wc -l)"

facts() { (cd "$1" && find tree -printf '%p %y %m %l\n' | sort && find tree -type f | sort | xargs sha256sum); }
hactor exec -r all sh -c 'mkdir "out.$HACTOR_RANK" && hactor archive extract -C "out.$HACTOR_RANK"'
check_equal "folders" "$ranks" "$(ls -d out.* | wc -l)"
for out in out.*; do
  check_equal "what is in $out" "$(facts in)" "$(facts "$out")"
  check_equal "times" "$(stat -c %Y in/tree/large in/tree/empty in/tree/link)" \
    "$(stat -c %Y "$out/tree/large" "$out/tree/empty" "$out/tree/link")"
  [ "$(du -k "$out/tree/hole" | cut -f1)" -lt 1000 ] || fail "the hole was filled"
done
out=$(ls -d out.* | head -1)

# What was extracted is extracted again with no other end, also when some of it is missing.
before=$(find "$out" -printf '%p %i %m %T@\n' | sort)
archive extract -C "$out"
check_equal "the same again" "$before" "$(find "$out" -printf '%p %i %m %T@\n' | sort)"
rm -r "$out/tree/large" "$out/tree/sub" "$out/tree/link"
archive extract -C "$out"
check_equal "what was missing" "$(facts in)" "$(facts "$out")"

# What is there is kept, unless it is said otherwise; there is no other file beside it.
echo mine >"$out/tree/small"
fails_with 1 hactor archive extract -C "$out" tree/small
check_contains "$output" "hactor-archive-extract: $out/tree/small: is there already, a file; --overwrite"
check_equal "kept" mine "$(cat "$out/tree/small")"
archive extract -C "$out" --overwrite -v tree/small 2>said
check_equal "replaced" "small tree/small" "$(cat "$out/tree/small") $(cat said)"
check_equal "nothing else" "" "$(find "$out" -name '.hactor*')"
check_equal "only listed" "tree/none" "$(archive extract -C "$out" -t '*/none')"
fails_with 1 hactor archive extract -C "$out" '*.nothing'
check_contains "$output" "pattern '*.nothing': no file has such a path"
fails_with 1 hactor archive extract -C nowhere
check_contains "$output" "nowhere: No such file"

# Nothing is put through a link, nor outside.
mkdir away trap && ln -s ../away trap/tree
fails_with 1 hactor archive extract -C trap --overwrite
check_contains "$output" "is there already, a symbolic link"
mkdir -p trap/dir/tree/small
fails_with 1 hactor archive extract -C trap/dir tree/small
check_equal "not promised" "hactor-archive-extract: trap/dir/tree/small: is there already, a folder" "$output"
fails_with 1 hactor archive extract -C trap --overwrite tree/small
check_contains "$output" "'tree' is a symbolic link, through which nothing is put"
for path in ../up /abs a/../b; do
  hactor kvs put "archive.evil=[{\"path\": \"$path\", \"mode\": 33188, \"size\": 0}]"
  fails_with 1 hactor archive extract -n evil -C away
  check_contains "$output" "archive.evil.$path: must be a path below the folder"
done
hactor kvs put archive.evil='[{"path": "l", "mode": 41471, "data": "../in"},
  {"path": "l/new", "mode": 33188, "encoding": "utf-8", "data": "x"}]'
fails_with 1 hactor archive extract -n evil -C trap
check_contains "$output" "'l' is a symbolic link"
check_equal "left alone" "" "$(ls away)"
[ ! -e in/new ] || fail "in/new was put through a link"
hactor kvs put archive.evil='{'
fails_with 1 hactor archive list -n evil
check_contains "$output" "archive.evil"
archive remove -n evil

# More than one: replace, add, remove.
fails_with 1 hactor archive create in
check_contains "$output" "archive 'main': is there already; --overwrite replaces it, --append adds"
echo new >in/tree/small
head -c 2000 /dev/urandom >in/tree/large
archive create --append -C in tree/small tree/large ./tree//none
check_equal "as many files" "$(cd in && find tree | wc -l)" "$(archive list | wc -l)"
mkdir again && archive extract -C again
check_equal "added" "new" "$(cat again/tree/small)"
cmp in/tree/large again/tree/large && cmp out.*0*/tree/sub/copy again/tree/sub/copy 2>/dev/null ||
  cmp "$out/tree/sub/copy" again/tree/sub/copy
archive create --overwrite "$PWD/in/tree/small"
check_equal "leading slashes are left out" "${PWD#/}/in/tree/small" "$(archive list)"
check_equal "no blobs" 0 "$(hactor kvs ls -1 archive.main_blobs | sed '/^$/d' | wc -l)"
archive create -n other --small-file-threshold=0 --chunksize=1k -C in/tree small large
check_equal "in blobs" 3 "$(hactor kvs ls -1 archive.other_blobs | wc -l)"
mkdir both && archive extract -n main,other -C both
check_equal "of both" "new new" "$(cat both/small "both/$PWD/in/tree/small" | xargs)"
fails_with 1 hactor archive list -n oter
check_contains "$output" "archive 'oter': does not exist; did you mean other?"
archive remove && fails_with 1 hactor archive remove
check_contains "$output" "archive 'main': does not exist"
archive remove -f
check_equal "keys" "other other_blobs" "$(keys)"

# What was a folder is a file or a link now, and the other way; what was added before its folder.
mkdir -p turn/x/y turn/v
echo a >turn/x/y/f && echo b >turn/z && ln -s z turn/w && echo c >turn/v/g
chmod 750 turn/v
archive create -n turn -C turn x z w v/g
rm -r turn/x turn/z turn/w
mkdir turn/z turn/w && echo file >turn/x && echo d >turn/z/f && echo e >turn/w/f
archive create -n turn --append -C turn x z/f w v
check_equal "one below the other" "v v/g w w/f x z/f" "$(echo $(archive list -n turn))"
mkdir turned && archive extract -n turn -C turned
diff -r turn turned
check_equal "mode and time" "$(stat -c '%a %Y' turn/v turn/w)" "$(stat -c '%a %Y' turned/v turned/w)"
archive remove -n turn

# While a create has begun and waits for who reads what it says, others do theirs.
mkdir slow && (cd slow && seq -f '%060.0f' 1500 | xargs touch)
begin_slowly() { # OPTIONS
  rm -f told && mkfifo told
  hactor archive create -v "$@" slow 2>told &
  creating=$!
  exec 3<told
  read -r line <&3
}
goes_on() { # STATUS: with which it ends; what it says then is in 'rest'
  cat <&3 >rest
  exec 3<&-
  status=0
  wait "$creating" || status=$?
  check_equal "create: $(grep hactor rest)" "$1" "$status"
}
archive create -n grows -C in/tree large
begin_slowly -n grows --append
archive create -n grows --overwrite -C in/tree small
goes_on 0
mkdir grown && archive extract -n grows -C grown large
cmp in/tree/large grown/large
check_equal "of one version" 1502 "$(archive list -n grows | wc -l)"
begin_slowly -n grows --append
archive remove -n grows
goes_on 1
check_contains "$(cat rest)" "archive 'grows': was removed meanwhile"
begin_slowly -n first
archive remove -n first
goes_on 1
check_contains "$(cat rest)" "archive 'first': was removed meanwhile"
for how in "" --append; do
  begin_slowly -n first $how
  archive create -n first -C in/tree small
  goes_on 1
  check_contains "$(cat rest)" "archive 'first': is there already; --overwrite"
  check_equal "who ended first" small "$(archive list -n first)"
  archive remove -n first
done
begin_slowly -n first
kill -9 "$creating"
goes_on 137
check_contains "$(keys)" "first_new-"
archive remove -n first
fails_with 1 hactor archive remove -n first
check_contains "$output" "archive 'first': does not exist"
check_equal "keys" "other other_blobs" "$(keys)"

# A list that gets too large ends it at once.
mkdir heap
for name in 1 2 3 4 5; do head -c 5000000 /dev/urandom >heap/$name; done
fails_with 1 hactor archive create -v -n heap --small-file-threshold=8M heap
check_contains "$output" "archive 'heap': its list, with small files in it, may have 16777216 bytes"
check_equal "until there" "heap heap/1 heap/2 heap/3" "$(echo $(echo "$output" | grep '^heap'))"
yes | head -c 4000000 >heap/1 # one blob, 250,000 times
fails_with 1 hactor archive create -n heap --chunksize=16 heap/1
check_contains "$output" "which is too little after 0 files: make several archives"
yes | head -c 1800000 >heap/1
archive create -n heap --chunksize=16 heap/1
archive create -n heap --append --chunksize=16 heap/1 # in its own place there is room
archive remove -n heap
check_equal "keys" "other other_blobs" "$(keys)"

# What cannot be archived: nothing is left of it.
mkfifo in/tree/fifo
for wrong in in nowhere in/tree/fifo; do
  fails_with 1 hactor archive create -n wrong --small-file-threshold=0 "$wrong"
done
check_contains "$output" "in/tree/fifo: is a fifo; an archive has files, folders and symbolic links"
fails_with 1 hactor archive create -n wrong --append in/tree/large nowhere
check_contains "$output" "nowhere: No such file"
fails_with 2 hactor archive create ../in
check_contains "$output" "leads out of the folder"
for wrong in "create" "create -n a.b x" "create -n x_blobs x" "create --chunksize=x x" "create --overwrite --append x" \
  "list a b" "extract -n , x" "remove x" "frobnicate" ""; do
  fails_with 2 hactor archive $wrong
done
rm in/tree/fifo
if [ "$(id -u)" != 0 ]; then
  : >in/tree/secret && chmod 0 in/tree/secret
  fails_with 1 hactor archive create -n wrong in
  check_contains "$output" "in/tree/secret: Permission denied"
fi
check_equal "keys" "other other_blobs" "$(keys)"

# Within a job it is the instance's, not the job's own, unless that is asked for.
hactor run sh -c 'hactor archive list -n other' >listed
check_equal "in a job" "large small" "$(echo $(cat listed))"
hactor run sh -c 'hactor archive create --no-force-primary -n own in/tree/small && hactor archive list --no-force-primary -n own' >listed
check_equal "of a job" in/tree/small "$(cat listed)"
fails_with 1 hactor archive list -n own

# Who is ended leaves nothing.
mkdir many && head -c 100000000 /dev/urandom >many/file
hactor archive create -n many many 2>said &
eventually 20 sh -c 'hactor kvs ls archive | grep -q many_new'
kill "$!" && wait "$!" && fail "create was not ended"
check_contains "$(cat said)" "was ended by signal 15"
check_equal "keys" "other other_blobs" "$(keys)"
END
