# A program in Go holds resources through REAPI's package: of a graph of its own, and of a running
# instance. The package is built from what was installed, without any network.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

command -v go >/dev/null || skip "there is no go"
command -v cc >/dev/null || skip "there is no compiler of C, which Go needs for the package"
cmake --install "$HACTOR_TEST_BUILD" --prefix "$scratch/prefix" >/dev/null
mkdir "$scratch/program"
cd "$scratch/program"
cat >go.mod <<END
module program

go 1.19

require hactor/reapi v0.0.0

replace hactor/reapi => $scratch/prefix/share/hactor/go
END
cat >main.go <<'END'
package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"

	"hactor/reapi"
)

func must(what string, err error) {
	if err != nil {
		fmt.Printf("%s: %v\n", what, err)
		os.Exit(1)
	}
}

func check(what string, ok bool) {
	if !ok {
		fmt.Println("not so:", what)
		os.Exit(1)
	}
}

// refused: err has the number, and the part in its sentence.
func refused(what string, err error, number syscall.Errno, part string) {
	if !errors.Is(err, number) || !strings.Contains(err.Error(), part) {
		fmt.Printf("%s: expected %v (%s), found %v\n", what, number, part, err)
		os.Exit(1)
	}
}

func spec(nodes int) string {
	return fmt.Sprintf(`{"version":1,"resources":[{"type":"node","count":%d,"with":[{"type":"slot",
		"count":1,"label":"s","with":[{"type":"core","count":4}]}]}],
		"tasks":[{"command":["app"],"slot":"s","count":{"per_slot":1}}],
		"attributes":{"system":{"duration":3600}}}`, nodes)
}

const rank1 = `{"version":1,"execution":{"R_lite":[{"rank":"1","children":{"core":"0-3"}}]}}`

func isRank1(r string) bool {
	return strings.Contains(strings.ReplaceAll(r, " ", ""), `"rank":"1"`)
}

func own() {
	cli := reapi.NewReapiClient()
	defer cli.Destroy()
	refused("no graph", cli.InitContext("{}", `{"load_format":"none"}`), syscall.EPROTO, "none")
	graph := `{"version":1,"execution":{"R_lite":[{"rank":"0-1","children":{"core":"0-3"}}],
		"nodelist":["a[0-1]"]}}`
	must("init", cli.InitContext(graph, `{"load_format":"rv1exec","match_format":"rv1_nosched"}`))
	_, r, _, _, id, err := cli.MatchAllocate(false, spec(1))
	must("match", err)
	check("R", strings.Contains(r, "R_lite") && id == 1)
	_, _, _, _, _, err = cli.MatchAllocate(false, spec(2))
	refused("two", err, syscall.EBUSY, "no room")
	_, _, _, _, err = cli.Match(reapi.MatchAllocateWSatisfiability, spec(3), 7)
	refused("three", err, syscall.ENODEV, "never")
	_, _, _, _, err = cli.Match("nonsense", spec(1), 7)
	refused("nonsense", err, syscall.EINVAL, "match operation")
	_, _, _, _, err = cli.Match(reapi.MatchSatisfiability, spec(2), 7)
	must("satisfiable", err)
	sat, _, err := cli.MatchSatisfy(spec(3))
	check("never", err == nil && !sat)
	twin, err := cli.Clone()
	must("clone", err)
	reserved, _, at, _, _, err := twin.MatchAllocate(true, spec(2))
	check("reserved", err == nil && reserved && at == 3600)
	twin.Destroy()
	check("ended", !twin.HasContext())
	_, _, _, mode, err := cli.Info(id)
	check("info", err == nil && mode == "ALLOCATED")
	full, err := cli.PartialCancel(id, r, false)
	check("part", err == nil && full)
	refused("cancel", cli.Cancel(id, false), syscall.ENOENT, "job 1")
	_, _, out, err := cli.UpdateAllocate(9, rank1)
	check("update", err == nil && isRank1(out))
	found, err := cli.Find("jobid-alloc=9", "rv1_nosched")
	check("find", err == nil && isRank1(found))
	found, err = cli.Find("status=down", "")
	check("find nothing", err == nil && found == "")
	v, _, jobs, _, _, _, _, err := cli.Stat()
	check("stat", err == nil && v == 11 && jobs == 2)
	must("down", cli.SetStatus("/cluster0/a0", false))
	up, err := cli.GetStatus("/cluster0/a0")
	check("is down", err == nil && !up)
	must("remove", cli.RemoveSubgraph("/cluster0/a0"))
	refused("again", cli.RemoveSubgraph("/cluster0/a0"), syscall.ENOENT, "no /cluster0/a0")
	check("messages", strings.Contains(cli.GetErrMsg(), "job 1"))
	cli.ClearErrMsg()
	check("no messages", cli.GetErrMsg() == "")
}

func instance() {
	_, err := reapi.NewReapiModule("local:///nowhere", false)
	refused("nowhere", err, syscall.ENOTCONN, "no instance")
	m, err := reapi.NewReapiModule("", true)
	must("open", err)
	defer m.Destroy()
	_, r, _, _, err := m.MatchAllocate(false, spec(1), 1)
	check("match", err == nil && strings.Contains(r, `"rank":"0"`))
	_, _, _, _, err = m.MatchAllocate(false, spec(2), 2)
	refused("two", err, syscall.EBUSY, "")
	_, err = m.MatchSatisfy(spec(3))
	refused("three", err, syscall.ENODEV, "")
	_, err = m.MatchSatisfy(spec(2))
	must("satisfiable", err)
	reserved, _, at, _, err := m.MatchAllocate(true, spec(2), 2)
	check("reserved", err == nil && reserved)
	reserved, when, _, err := m.Info(2)
	check("info", err == nil && reserved && when == at)
	must("cancel", m.Cancel(2, false))
	refused("cancel again", m.Cancel(2, false), syscall.ENOENT, "2")
	must("none is fine", m.Cancel(2, true))
	_, _, r, err = m.UpdateAllocate(3, rank1)
	check("update", err == nil && isRank1(r))
	found, err := m.Find("jobid-alloc=3", "")
	check("find", err == nil && isRank1(found))
	full, err := m.PartialCancel(3, rank1, false)
	check("part", err == nil && full)
	v, e, _, _, _, _, _, err := m.Stat()
	check("stat", err == nil && v == 11 && e == 10)
}

func main() {
	if len(os.Args) > 1 {
		instance()
	} else {
		own()
	}
}
END
HOME=$scratch GOFLAGS=-mod=mod GOPROXY=off GOTOOLCHAIN=local GOCACHE=$scratch/cache
export HOME GOFLAGS GOPROXY GOTOOLCHAIN GOCACHE
deadline 150 go vet ./... hactor/reapi
deadline 150 go build -o "$scratch/holds" . || fail "it cannot be built"
cd "$scratch"
deadline 30 ./holds || fail "a graph of its own"
instance -S resource.fake=nodes=2,cores=4 <<'END'
deadline 30 "$HACTOR_TEST_SCRATCH/holds" instance
check_equal "what is kept" "1 4" "$(hactor resource claims -n -o '{number} {ncores}')"
END
