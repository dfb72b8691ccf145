package link

import "golang.org/x/sys/windows"

// reset is what a machine says of a line that its far end has torn: syscall's number is one that Windows never gives.
const reset = windows.WSAECONNRESET
