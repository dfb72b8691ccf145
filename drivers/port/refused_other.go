//go:build !windows

package port

import "syscall"

// refused is what a machine says where nobody listens.
const refused = syscall.ECONNREFUSED
