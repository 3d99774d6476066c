// Added to Go's runtime by build.sh, in the place of its own beforeIdle for wasip1: the bindings' scheduler gets to know
// when nothing can run, and then goes back to the host. Not while a timer is pending: the host would not wake it.

package runtime

import _ "unsafe" // for go:linkname

var onIdle func() bool

//go:linkname wasiOnIdle
func wasiOnIdle(callback func() bool) {
	onIdle = callback
}

func beforeIdle(now, pollUntil int64) (*g, bool) {
	return nil, pollUntil == 0 && onIdle != nil && onIdle()
}
