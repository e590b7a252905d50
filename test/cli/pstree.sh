# The tree of jobs: what each option of 'hactor pstree' shows, through a nested instance.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

cat >inner.sh <<'END'
for i in 1 2; do hactor submit --quiet sleep 1000; done
hactor submit --quiet --hold -J later true
hactor submit --quiet --wait -J done true
inner=$(hactor submit -J inner -n 1 hactor start sh -c 'hactor submit --quiet -J bottom sleep 1000; echo up >up2; exec sleep 1000')
read -r line <up2
echo "$inner" >up
exec sleep 1000
END

instance -S resource.fake=nodes=1,cores=8 <<'END'
mkfifo up up2
hactor submit --quiet -J alone sleep 1000
hactor submit --quiet -J waits --hold true
hactor submit --quiet --wait -J over true
id=$(hactor submit -J outer -n 5 hactor start sh inner.sh)
read -r inner <up
# Its last job, at the bottom, may be on its way yet.
bottom=$(hactor proxy "$id/$inner" hactor jobs -n -o '{id}' | tr -d ' ')
deadline 30 hactor proxy "$id/$inner" hactor job wait-event -q "$bottom" start

tree() { hactor pstree "$@"; }
check_equal "plain" ".
├── outer
│   ├── inner
│   │   └── bottom
│   └── 2*[sleep]
└── alone" "$(tree)"
check_equal "a" ".
├── waits:S
├── outer
│   ├── later:S
│   ├── inner
│   │   └── bottom:R
│   ├── 2*[sleep:R]
│   └── done:CD
├── alone:R
└── over:CD" "$(tree -a)"
check_equal "f" ".
├── waits
└── over" "$(tree -f pending,completed)"
check_equal "L 0" ".
├── outer
└── alone" "$(tree -L 0)"
check_equal "L 1" ".
├── outer
│   ├── inner
│   └── 2*[sleep]
└── alone" "$(tree --level=1)"
check_equal "X" ".
├── outer
│   ├── inner
│   │   └── bottom
│   ├── sleep
│   └── sleep
└── alone" "$(tree -X)"
check_equal "c 1" ".
└── outer
    └── inner
        └── bottom" "$(tree -c 1)"
check_equal "p" ".
├── $id outer
│   ├── $inner inner
│   │   └── bottom
│   └── 2*[sleep]
└── alone" "$(tree -p | sed 's/^\. \./\./')"
check_equal "o" ".-R
├── outer-R
│   ├── inner-R
│   │   └── bottom-R
│   └── 2*[sleep-R]
└── alone-R" "$(tree -o '{name}-{status_abbrev}')"
check_equal "parent label" "1
├── 5
│   ├── 1
│   │   └── bottom
│   └── 2*[sleep]
└── alone" "$(tree --parent-label='{ntasks}' -o '{name}')"
check_equal "facts of the instances" "1/1/0/1/0
├── 3/1/1/0
│   ├── 1/0/0/0" "$(tree -L 1 --parent-label='{instance.stats.running}/{instance.stats.pending}/{instance.stats.successful}/{instance.stats.failed}' |
  sed '1s/.*/1\/1\/0\/1\/0/' | head -3)"
check_contains "$(tree --parent-label='{instance.utilization!P}')" "├── 60%"
check_equal "ascii" ".
|-- outer
|   |-- inner
|   |   \`-- bottom
|   \`-- 2*[sleep]
\`-- alone" "$(tree --ascii)"
check_equal "compact" ".
├ outer
│ ├ inner
│ │ └ bottom
│ └ 2*[sleep]
└ alone" "$(tree -C)"
check_equal "ids" "outer
├── inner
│   └── bottom
└── 2*[sleep]" "$(tree "$id")"
check_equal "ids, with the root" ".
└── outer
    ├── inner
    │   └── bottom
    └── 2*[sleep]" "$(tree --skip-root=no "$id")"
check_equal "skip root" "outer
├── inner
│   └── bottom
└── 2*[sleep]
alone" "$(tree --skip-root=yes)"
me=$(id -un)
shown=$(tree -x | sed -E "s,^ *JOBID,JOBID,; s/ +[0-9.]+(ms|s|m) (.*)$/ T \2/; s/^ *f[1-9A-Za-z]+ /ID /; s/ +/ /g")
check_equal "x" "JOBID USER ST NTASKS NNODES RUNTIME
ID $(printf %.8s "$me") R 5 1 T outer
ID $(printf %.8s "$me") R 1 1 T ├── inner
ID $(printf %.8s "$me") R 1 1 T │ └── bottom
ID $(printf %.8s "$me") R 1 1 T ├── sleep
ID $(printf %.8s "$me") R 1 1 T └── sleep
ID $(printf %.8s "$me") R 1 1 T alone" "$shown"
check_equal "x, as a line" 1 "$(tree -x -n --skip-root=no | grep -c '^           \. .* \.$')"
check_equal "n" 6 "$(tree -x -n | grep -c .)"
check_equal "titles" "JOBID NODES USED-N CORES USED-C GPUS USED-G" "$(tree -d resources | head -1 | xargs)"
check_equal "titles" "JOBID NTASKS NJOBS PROG CORE% GPU% RUNTIME" "$(tree -d progress | head -1 | xargs)"
check_contains "$(tree -d resources | sed -E 's/ +/ /g')" "$id 1 1 5 3 0 0 outer"
check_contains "$(tree --detail=progress | sed -E 's/ +/ /g')" "$id 5 5 20% 60% "
check_contains "$(tree -d stats)" "PD:1 R:3 CD:1 F:0"
check_equal "detail format" "NNODES NAME
1      outer  outer
1      inner  ├── inner
1      bottom │   └── bottom
1      sleep  └── 2*[sleep]
1      alone  alone" "$(tree --detail-format='{nnodes:<6} {name:<6}')"
check_equal "narrow" ".
├── out
│   ├──
│   │
│   └──
└── alo" "$(COLUMNS=7 hactor pstree)"
check_contains "$(COLUMNS=7 hactor pstree --long)" "2*[sleep]"
# From within, the root is the job that holds the instance.
check_equal "within" "$id outer
├── $inner inner
│   └── bottom
└── 2*[sleep]" "$(hactor proxy "$id" hactor pstree -p)"
fails_with 2 hactor pstree -d nonsense
check_contains "$output" "there are default, resources, progress, stats"
fails_with 2 hactor pstree --skip-root=maybe
check_contains "$output" "neither yes nor no"
fails_with 2 hactor pstree -o '{nme}'
check_contains "$output" "nme"
fails_with 2 hactor pstree --ascii -C
fails_with 2 hactor pstree -f rnning
fails_with 1 hactor pstree f3xK2
hactor cancel --quiet --all
END
