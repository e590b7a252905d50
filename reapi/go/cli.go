// Package reapi is Fluxion's resource API (REAPI) in Go, over libhactor_reapi.so. A ReapiClient
// asks a resource graph in its own process, a ReapiModule (module.go) the scheduler of a running
// instance; hactor/reapi/reapi_cli.h and reapi_module.h say what the functions do. Names and
// results are those of Fluxion's packages fluxcli and fluxmodule, with two differences: job ids are
// uint64, and a match that finds nothing is an error (syscall.EBUSY: not now; ENODEV: never).
//
// It is installed as share/hactor/go below the prefix, and finds headers and library from there. A
// program's go.mod names it so:
//
//	require hactor/reapi v0.0.0
//	replace hactor/reapi => /PREFIX/share/hactor/go
//
// SPDX-License-Identifier: LGPL-3.0-or-later
package reapi

// #cgo CFLAGS: -I${SRCDIR}/../../../include
// #cgo LDFLAGS: -L${SRCDIR}/../../../lib -Wl,-rpath,${SRCDIR}/../../../lib -lhactor_reapi
// #include <stdlib.h>
// #include <hactor/reapi/reapi_cli.h>
import "C"

import (
	"errors"
	"strings"
	"syscall"
	"unsafe"
)

// The operations of Match, by Fluxion's names.
const (
	MatchAllocate                = "allocate"
	MatchAllocateWSatisfiability = "allocate_with_satisfiability"
	MatchAllocateOrelseReserve   = "allocate_orelse_reserve"
	MatchSatisfiability          = "satisfiability"
	MatchWithoutAllocating       = "without_allocating"
	MatchWithoutAllocatingFuture = "without_allocating_future"
	MatchReserve                 = "reserve"
)

// Error is what the library refused. errors.Is(err, syscall.ENOENT) tells by its number.
type Error struct {
	Errno syscall.Errno
	Text  string // The library's sentence.
}

func (e *Error) Error() string { return e.Text }

// Unwrap gives the number.
func (e *Error) Unwrap() error { return e.Errno }

// failure makes an Error of what a function left in errno, and of its sentence.
func failure(cause error, text string) error {
	number := syscall.EINVAL
	errors.As(cause, &number)
	if text == "" {
		text = number.Error()
	}
	return &Error{number, text}
}

// notFound is the error of a match that was not refused and found nothing.
func notFound(cause error) error {
	if errors.Is(cause, syscall.ENODEV) {
		return &Error{syscall.ENODEV, "there never is room for it"}
	}
	return &Error{syscall.EBUSY, "there is no room for it now"}
}

// take copies a text of the library and frees it.
func take(text *C.char) string {
	defer C.free(unsafe.Pointer(text))
	return C.GoString(text)
}

func operation(name string) C.match_op_t {
	word := C.CString(name)
	defer C.free(unsafe.Pointer(word))
	return C.match_op_from_string(word)
}

// ReapiClient is a resource graph with its jobs. It is for one goroutine at a time.
type ReapiClient struct {
	ctx *C.reapi_cli_ctx_t
}

// NewReapiClient makes a client without a graph. Destroy ends it.
func NewReapiClient() *ReapiClient { return &ReapiClient{C.reapi_cli_new()} }

// HasContext tells whether there was memory for the client, and it is not destroyed.
func (cli *ReapiClient) HasContext() bool { return cli.ctx != nil }

// Destroy ends the client; a second time does nothing.
func (cli *ReapiClient) Destroy() {
	C.reapi_cli_destroy(cli.ctx)
	cli.ctx = nil
}

// GetErrMsg returns what went wrong since the last clear, a line each.
func (cli *ReapiClient) GetErrMsg() string { return take(C.reapi_cli_get_err_msg(cli.ctx)) }

// ClearErrMsg forgets it.
func (cli *ReapiClient) ClearErrMsg() { C.reapi_cli_clear_err_msg(cli.ctx) }

// refused makes the error of a function that returned -1: the last line of the messages.
func (cli *ReapiClient) refused(cause error) error {
	lines := strings.Split(strings.TrimSpace(cli.GetErrMsg()), "\n")
	return failure(cause, lines[len(lines)-1])
}

// InitContext gives the client a graph: its text, and options in JSON ("{}" for the defaults).
func (cli *ReapiClient) InitContext(graph string, options string) error {
	g, o := C.CString(graph), C.CString(options)
	defer C.free(unsafe.Pointer(g))
	defer C.free(unsafe.Pointer(o))
	if rc, cause := C.reapi_cli_initialize(cli.ctx, g, o); rc != 0 {
		return cli.refused(cause)
	}
	return nil
}

// Clone makes another client with the same graph and jobs, which goes its own way from now on.
func (cli *ReapiClient) Clone() (*ReapiClient, error) {
	ctx, cause := C.reapi_cli_clone(cli.ctx)
	if ctx == nil {
		return nil, cli.refused(cause)
	}
	return &ReapiClient{ctx}, nil
}

// Match finds resources for a jobspec by any operation, for a job whose number is the caller's.
func (cli *ReapiClient) Match(op string, jobspec string, jobid uint64) (
	reserved bool, allocated string, at int64, overhead float64, err error) {
	spec := C.CString(jobspec)
	defer C.free(unsafe.Pointer(spec))
	var r *C.char
	rc, cause := C.reapi_cli_match_with_jobid(cli.ctx, operation(op), spec, C.uint64_t(jobid),
		(*C.bool)(&reserved), &r, (*C.int64_t)(&at), (*C.double)(&overhead))
	if rc != 0 {
		return false, "", 0, 0, cli.refused(cause)
	}
	allocated = take(r)
	if allocated == "" && (op != MatchSatisfiability || cause != nil) {
		err = notFound(cause)
	}
	return reserved, allocated, at, overhead, err
}

// MatchAllocate finds and holds resources for a new job, now or, orelseReserve, as early as possible.
func (cli *ReapiClient) MatchAllocate(orelseReserve bool, jobspec string) (
	reserved bool, allocated string, at int64, overhead float64, jobid uint64, err error) {
	spec := C.CString(jobspec)
	defer C.free(unsafe.Pointer(spec))
	var r *C.char
	rc, cause := C.reapi_cli_match_allocate(cli.ctx, C.bool(orelseReserve), spec,
		(*C.uint64_t)(&jobid), (*C.bool)(&reserved), &r, (*C.int64_t)(&at), (*C.double)(&overhead))
	if rc != 0 {
		return false, "", 0, 0, 0, cli.refused(cause)
	}
	allocated = take(r)
	if allocated == "" {
		err = notFound(cause)
	}
	return reserved, allocated, at, overhead, jobid, err
}

// MatchSatisfy tells whether an idle graph could meet the jobspec.
func (cli *ReapiClient) MatchSatisfy(jobspec string) (sat bool, overhead float64, err error) {
	spec := C.CString(jobspec)
	defer C.free(unsafe.Pointer(spec))
	rc, cause := C.reapi_cli_match_satisfy(cli.ctx, spec, (*C.bool)(&sat), (*C.double)(&overhead))
	if rc != 0 {
		return false, 0, cli.refused(cause)
	}
	return sat, overhead, nil
}

// UpdateAllocate holds for a job what R says.
func (cli *ReapiClient) UpdateAllocate(jobid uint64, r string) (
	at int64, overhead float64, out string, err error) {
	text := C.CString(r)
	defer C.free(unsafe.Pointer(text))
	var found *C.char
	rc, cause := C.reapi_cli_update_allocate(cli.ctx, C.uint64_t(jobid), text, (*C.int64_t)(&at),
		(*C.double)(&overhead), &found)
	if rc != 0 {
		return 0, 0, "", cli.refused(cause)
	}
	return at, overhead, take(found), nil
}

// Cancel releases what a job has or will have. noentOk: no such job is no error.
func (cli *ReapiClient) Cancel(jobid uint64, noentOk bool) error {
	if rc, cause := C.reapi_cli_cancel(cli.ctx, C.uint64_t(jobid), C.bool(noentOk)); rc != 0 {
		return cli.refused(cause)
	}
	return nil
}

// PartialCancel releases the part that R names, and tells whether the job has nothing left.
func (cli *ReapiClient) PartialCancel(jobid uint64, r string, noentOk bool) (full bool, err error) {
	text := C.CString(r)
	defer C.free(unsafe.Pointer(text))
	rc, cause := C.reapi_cli_partial_cancel(cli.ctx, C.uint64_t(jobid), text, C.bool(noentOk),
		(*C.bool)(&full))
	if rc != 0 {
		return false, cli.refused(cause)
	}
	return full, nil
}

// Info tells what a job has; mode is "ALLOCATED", "RESERVED" or "CANCELED".
func (cli *ReapiClient) Info(jobid uint64) (
	reserved bool, at int64, overhead float64, mode string, err error) {
	var word *C.char
	rc, cause := C.reapi_cli_info(cli.ctx, C.uint64_t(jobid), &word, (*C.bool)(&reserved),
		(*C.int64_t)(&at), (*C.double)(&overhead))
	if rc != 0 {
		return false, 0, 0, "", cli.refused(cause)
	}
	return reserved, at, overhead, take(word), nil
}

// Find returns the vertices for which the criteria are true, "" when there are none. An empty format
// is that of matches.
func (cli *ReapiClient) Find(criteria string, format string) (string, error) {
	what, how := C.CString(criteria), optional(format)
	defer C.free(unsafe.Pointer(what))
	defer C.free(unsafe.Pointer(how))
	var found *C.char
	if rc, cause := C.reapi_cli_find(cli.ctx, what, how, &found); rc != 0 {
		return "", cli.refused(cause)
	}
	return take(found), nil
}

// optional is a null pointer for an empty text.
func optional(text string) *C.char {
	if text == "" {
		return nil
	}
	return C.CString(text)
}

// Stat counts vertices, edges and jobs matched, and gives the seconds that loading and matching took.
func (cli *ReapiClient) Stat() (
	v int64, e int64, jobs int64, load float64, min float64, max float64, avg float64, err error) {
	rc, cause := C.reapi_cli_stat(cli.ctx, (*C.int64_t)(&v), (*C.int64_t)(&e), (*C.int64_t)(&jobs),
		(*C.double)(&load), (*C.double)(&min), (*C.double)(&max), (*C.double)(&avg))
	if rc != 0 {
		err = cli.refused(cause)
	}
	return v, e, jobs, load, min, max, avg, err
}

// AddSubgraph adds the vertices of a JGF that are new.
func (cli *ReapiClient) AddSubgraph(jgf string) error {
	text := C.CString(jgf)
	defer C.free(unsafe.Pointer(text))
	if rc, cause := C.reapi_cli_add_subgraph(cli.ctx, text); rc != 0 {
		return cli.refused(cause)
	}
	return nil
}

// RemoveSubgraph takes a vertex out, with all below it.
func (cli *ReapiClient) RemoveSubgraph(path string) error {
	text := C.CString(path)
	defer C.free(unsafe.Pointer(text))
	if rc, cause := C.reapi_cli_remove_subgraph(cli.ctx, text); rc != 0 {
		return cli.refused(cause)
	}
	return nil
}

// SetStatus marks a vertex, by its path, up or down.
func (cli *ReapiClient) SetStatus(path string, up bool) error {
	text := C.CString(path)
	defer C.free(unsafe.Pointer(text))
	status := C.resource_status_t(C.RESOURCE_UP)
	if !up {
		status = C.RESOURCE_DOWN
	}
	if rc, cause := C.reapi_cli_set_status(cli.ctx, text, status); rc != 0 {
		return cli.refused(cause)
	}
	return nil
}

// GetStatus tells whether a vertex is up.
func (cli *ReapiClient) GetStatus(path string) (up bool, err error) {
	text := C.CString(path)
	defer C.free(unsafe.Pointer(text))
	var status C.resource_status_t
	if rc, cause := C.reapi_cli_get_status(cli.ctx, text, &status); rc != 0 {
		return false, cli.refused(cause)
	}
	return status == C.RESOURCE_UP, nil
}
