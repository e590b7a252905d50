// Module mode: the scheduler of a running instance. See cli.go.
// SPDX-License-Identifier: LGPL-3.0-or-later

package reapi

// #include <stdlib.h>
// #include <hactor/reapi/reapi_module.h>
import "C"

import (
	"unsafe"
)

// ReapiModule holds resources of a running instance, which no job gets. It is for one goroutine at a
// time. Job ids are the program's own, less than 2^62.
type ReapiModule struct {
	handle unsafe.Pointer
	ctx    *C.reapi_module_ctx_t
}

// NewReapiModule connects to an instance; "" means HACTOR_URI. What is held ends with Destroy or the
// program, unless keep is true: then it stays until somebody cancels it.
func NewReapiModule(uri string, keep bool) (*ReapiModule, error) {
	where := optional(uri)
	defer C.free(unsafe.Pointer(where))
	flags := C.int(0)
	if keep {
		flags = C.HACTOR_REAPI_KEEP
	}
	handle, cause := C.hactor_reapi_open(where, flags)
	if handle == nil {
		return nil, failure(cause, "no instance can be asked at '"+uri+"': "+cause.Error())
	}
	ctx, cause := C.reapi_module_new()
	if ctx == nil {
		C.hactor_reapi_close(handle)
		return nil, failure(cause, "")
	}
	C.reapi_module_set_handle(ctx, handle)
	return &ReapiModule{handle, ctx}, nil
}

// HasContext tells whether the module is not destroyed.
func (m *ReapiModule) HasContext() bool { return m.ctx != nil }

// Destroy ends the module and its connection; a second time does nothing.
func (m *ReapiModule) Destroy() {
	C.reapi_module_destroy(m.ctx)
	C.hactor_reapi_close(m.handle)
	m.ctx, m.handle = nil, nil
}

func (m *ReapiModule) refused(cause error) error {
	return failure(cause, C.GoString(C.hactor_reapi_error(m.handle)))
}

// Match finds resources for a jobspec by any operation, and holds them unless that only asks.
func (m *ReapiModule) Match(op string, jobspec string, jobid uint64) (
	reserved bool, allocated string, at int64, overhead float64, err error) {
	spec := C.CString(jobspec)
	defer C.free(unsafe.Pointer(spec))
	var r *C.char
	rc, cause := C.reapi_module_match(m.ctx, operation(op), spec, C.uint64_t(jobid),
		(*C.bool)(&reserved), &r, (*C.int64_t)(&at), (*C.double)(&overhead))
	if rc != 0 {
		return false, "", 0, 0, m.refused(cause)
	}
	return reserved, take(r), at, overhead, nil
}

// MatchAllocate finds and holds resources, now or, orelseReserve, as early as possible.
func (m *ReapiModule) MatchAllocate(orelseReserve bool, jobspec string, jobid uint64) (
	reserved bool, allocated string, at int64, overhead float64, err error) {
	if orelseReserve {
		return m.Match(MatchAllocateOrelseReserve, jobspec, jobid)
	}
	return m.Match(MatchAllocate, jobspec, jobid)
}

// MatchSatisfy returns an error (syscall.ENODEV) when an idle instance could not meet the jobspec.
func (m *ReapiModule) MatchSatisfy(jobspec string) (overhead float64, err error) {
	spec := C.CString(jobspec)
	defer C.free(unsafe.Pointer(spec))
	rc, cause := C.reapi_module_match_satisfy(m.ctx, spec, (*C.double)(&overhead))
	if rc != 0 {
		return 0, m.refused(cause)
	}
	return overhead, nil
}

// UpdateAllocate holds for a job what R says.
func (m *ReapiModule) UpdateAllocate(jobid uint64, r string) (
	at int64, overhead float64, out string, err error) {
	text := C.CString(r)
	defer C.free(unsafe.Pointer(text))
	var found *C.char
	rc, cause := C.reapi_module_update_allocate(m.ctx, C.uint64_t(jobid), text, (*C.int64_t)(&at),
		(*C.double)(&overhead), &found)
	if rc != 0 {
		return 0, 0, "", m.refused(cause)
	}
	return at, overhead, take(found), nil
}

// Cancel releases what a job has or will have. noentOk: no such job is no error.
func (m *ReapiModule) Cancel(jobid uint64, noentOk bool) error {
	if rc, cause := C.reapi_module_cancel(m.ctx, C.uint64_t(jobid), C.bool(noentOk)); rc != 0 {
		return m.refused(cause)
	}
	return nil
}

// PartialCancel releases the part that R names, and tells whether the job has nothing left.
func (m *ReapiModule) PartialCancel(jobid uint64, r string, noentOk bool) (full bool, err error) {
	text := C.CString(r)
	defer C.free(unsafe.Pointer(text))
	rc, cause := C.reapi_module_partial_cancel(m.ctx, C.uint64_t(jobid), text, C.bool(noentOk),
		(*C.bool)(&full))
	if rc != 0 {
		return false, m.refused(cause)
	}
	return full, nil
}

// Info tells when what a job has begins, and whether that is later than now.
func (m *ReapiModule) Info(jobid uint64) (reserved bool, at int64, overhead float64, err error) {
	rc, cause := C.reapi_module_info(m.ctx, C.uint64_t(jobid), (*C.bool)(&reserved),
		(*C.int64_t)(&at), (*C.double)(&overhead))
	if rc != 0 {
		return false, 0, 0, m.refused(cause)
	}
	return reserved, at, overhead, nil
}

// Find returns the vertices for which the criteria are true, "" when there are none. An empty format
// is R.
func (m *ReapiModule) Find(criteria string, format string) (string, error) {
	what, how := C.CString(criteria), optional(format)
	defer C.free(unsafe.Pointer(what))
	defer C.free(unsafe.Pointer(how))
	var found *C.char
	if rc, cause := C.reapi_module_find(m.ctx, what, how, &found); rc != 0 {
		return "", m.refused(cause)
	}
	return take(found), nil
}

// Stat counts vertices, edges and jobs matched, and gives the seconds that loading and matching took.
func (m *ReapiModule) Stat() (
	v int64, e int64, jobs int64, load float64, min float64, max float64, avg float64, err error) {
	rc, cause := C.reapi_module_stat(m.ctx, (*C.int64_t)(&v), (*C.int64_t)(&e), (*C.int64_t)(&jobs),
		(*C.double)(&load), (*C.double)(&min), (*C.double)(&max), (*C.double)(&avg))
	if rc != 0 {
		err = m.refused(cause)
	}
	return v, e, jobs, load, min, max, avg, err
}
