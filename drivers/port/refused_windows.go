package port

import "golang.org/x/sys/windows"

// refused is what a machine says where nobody listens: syscall's number is one that Windows never gives.
const refused = windows.WSAECONNREFUSED
