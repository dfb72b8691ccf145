//go:build !unix

package port

// lockLine has nothing to do: Windows opens a COM port for one program only.
func lockLine(string) (unlock func(), err error) { return func() {}, nil }
