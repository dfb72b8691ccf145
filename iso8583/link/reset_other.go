//go:build !windows

package link

import "syscall"

// reset is what a machine says of a line that its far end has torn.
const reset = syscall.ECONNRESET
