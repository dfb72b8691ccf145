package access

import (
	"regexp"
	"slices"
	"strings"
)

// Account gives the SID of an account that a service may run as without a password, as Windows' tools name it; "" is LocalSystem.
func Account(name, service string) (sid string, ok bool) {
	switch strings.ToLower(name) {
	case "", "localsystem", `nt authority\system`:
		return System, true
	case `nt authority\localservice`:
		return "S-1-5-19", true
	case strings.ToLower(`NT SERVICE\` + service):
		return ServiceSID(service), true
	default:
		return "", false
	}
}

// aRoot is a drive.
var aRoot = regexp.MustCompile(`^[A-Za-z]:$`)

// Shared tells of a folder of Windows that no program may take for itself: a drive, one of the machine's own folders or one
// above them, or one in a private folder, which Windows keeps closed as it is.
func Shared(dir string, machines, private []string) bool {
	clean := func(path string) string {
		return strings.ToLower(strings.TrimRight(strings.ReplaceAll(path, "/", `\`), `\`))
	}
	at := clean(dir)
	in := func(folder string) bool { return folder != "" && strings.HasPrefix(at+`\`, clean(folder)+`\`) }
	above := func(folder string) bool { return strings.HasPrefix(clean(folder)+`\`, at+`\`) }
	return aRoot.MatchString(at) || slices.ContainsFunc(append(machines, private...), above) || slices.ContainsFunc(private, in)
}
