// Package access tells what every account of a Windows machine may do with a file, and keeps folders from all of them but the
// machine's administrators. Elsewhere modes do that, and it finds nothing.
package access

import (
	"crypto/sha1"
	"encoding/binary"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
)

// Rights are an access mask of Windows (winnt.h), here of files and folders.
type Rights uint32

// What the check is about: to read a secret; to change a program, or what stands beside it.
const (
	Read  Rights = 0x1 | genericRead | genericAll
	Write Rights = 0x2 | 0x4 | 0x40 | del | writeDAC | writeOwner | genericWrite | genericAll // data, append, delete a child

	del          = 0x10000
	writeDAC     = 0x40000
	writeOwner   = 0x80000
	genericAll   = 0x10000000
	genericWrite = 0x40000000
	genericRead  = 0x80000000
)

// everybody are the groups that every account of a machine is in, or may be: Everyone, Authenticated Users, who sits at it,
// and Users (learn.microsoft.com, "SID Strings" and "Well-known SIDs").
var everybody = map[string]string{"WD": "S-1-1-0", "AU": "S-1-5-11", "IU": "S-1-5-4", "BU": "S-1-5-32-545"}

// System and Administrators may do all.
const (
	System         = "S-1-5-18"
	Administrators = "S-1-5-32-544"
)

// entry is one of a list's entries: type (allowed, denied), flags, rights, two of objects, who ("ACE Strings"). Entries of other
// types, such as those with conditions, are passed over: what is refused is sure.
var entry = regexp.MustCompile(`\((A|D);([A-Z]*);([0-9A-Za-z]*);;;([-0-9A-Z]+)\)`)

// Open gives the groups of everybody that have one of the rights, by their SIDs, from a security descriptor in Windows' text
// form (SDDL). Without a list everybody has all.
func Open(sddl string, want Rights) []string {
	if strings.Contains(sddl, "NO_ACCESS_CONTROL") {
		return []string{everybody["WD"]}
	}
	var open []string
	denied := map[string]Rights{} // an entry counts for what stands behind it
	for _, m := range entry.FindAllStringSubmatch(sddl, -1) {
		who, ok := group(m[4])
		rights := rightsOf(m[3])
		switch {
		case !ok || slices.Contains(pairs(m[2]), "IO"): // for what will stand in the folder
		case m[1] == "D":
			denied[who] |= rights
		case rights&want&^denied[who] != 0 && !slices.Contains(open, who):
			open = append(open, who)
		}
	}
	return open
}

// group gives the SID of a group of everybody.
func group(name string) (string, bool) {
	if sid, ok := everybody[name]; ok {
		return sid, true
	}
	for _, sid := range everybody {
		if sid == name {
			return sid, true
		}
	}
	return "", false
}

// letters are the words for rights.
var letters = map[string]Rights{
	"FA": 0x1f01ff, "FR": 0x120089, "FW": 0x120116, "FX": 0x1200a0,
	"GA": genericAll, "GR": genericRead, "GW": genericWrite, "GX": 0x20000000,
	"CC": 0x1, "DC": 0x2, "LC": 0x4, "SW": 0x8, "RP": 0x10, "WP": 0x20, "DT": 0x40, "LO": 0x80, "CR": 0x100,
	"SD": del, "RC": 0x20000, "WD": writeDAC, "WO": writeOwner,
}

// rightsOf reads a number or words of two letters.
func rightsOf(text string) Rights {
	if n, err := strconv.ParseUint(text, 0, 32); err == nil {
		return Rights(n)
	}
	var all Rights
	for _, word := range pairs(text) {
		all |= letters[word]
	}
	return all
}

// pairs cuts a text into words of two letters.
func pairs(text string) []string {
	var all []string
	for ; len(text) >= 2; text = text[2:] {
		all = append(all, text[:2])
	}
	return all
}

// List is what Protect puts on a folder: all for the system, for administrators and for the owners, handed down to what stands
// in it, and nothing that comes from above.
func List(owners ...string) string {
	const head = "(A;OICI;FA;;;"
	return "D:PAI" + head + strings.Join(append([]string{System, Administrators}, owners...), ")"+head) + ")"
}

// Remedy is the command that closes a file to the groups that have it open, and leaves it to the system, to administrators and
// to the account with the SID user.
func Remedy(path, user string, open []string) string {
	all := `icacls "` + path + `" /inheritance:r /grant:r *` + System + ":F *" + Administrators + ":F"
	if user != "" && user != System {
		all += " *" + user + ":F"
	}
	return all + " /remove:g *" + strings.Join(open, " *")
}

// ServiceSID is the SID of the account NT SERVICE\name, also before there is such a service: S-1-5-80 and the SHA-1 of the name
// in upper case and UTF-16 (learn.microsoft.com, "RtlCreateServiceSid").
func ServiceSID(name string) string {
	var text []byte
	for _, unit := range utf16.Encode([]rune(strings.ToUpper(name))) {
		text = binary.LittleEndian.AppendUint16(text, unit)
	}
	sum := sha1.Sum(text)
	part := func(i int) uint32 { return binary.LittleEndian.Uint32(sum[4*i:]) }
	return fmt.Sprintf("S-1-5-80-%d-%d-%d-%d-%d", part(0), part(1), part(2), part(3), part(4))
}
