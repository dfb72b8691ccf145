package wallet

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
)

// CPM is the name under which EMVCo consumer-presented codes are recognised.
const CPM = "emv-cpm"

// maxCode bounds what is looked at as a code. EMVCo CPM text has at most 512 characters.
const maxCode = 512

// Route sends codes to a wallet: ASCII digits only, beginning with one of Prefixes, Min to Max long.
type Route struct {
	Wallet   string
	Prefixes []string
	Min, Max int
}

// Router tells whose code a scanned text is. It is constant and keeps nothing of what it is asked.
type Router struct {
	routes []Route
	hidden []Route // what looks like one of their codes is shown to nobody: routes, and all that are published
}

// NewRouter refuses routes that are malformed and routes of which two could take the same code.
func NewRouter(routes []Route) (*Router, error) {
	for i, r := range routes {
		if err := r.check(); err != nil {
			return nil, err
		}
		for _, other := range routes[:i] {
			if p := r.overlap(other); p != "" {
				return nil, fmt.Errorf("wallet.route: %s and %s both take codes that begin with %s", other.Wallet, r.Wallet, p)
			}
		}
	}
	return &Router{routes: routes, hidden: slices.Concat(routes, DefaultRoutes())}, nil
}

func (r Route) check() error {
	if r.Wallet == "" || len(r.Prefixes) == 0 || r.Min < 1 || r.Max < r.Min || r.Max > maxCode {
		return fmt.Errorf("wallet.route: %q: a name, prefixes and a range of lengths are needed", r.Wallet)
	}
	for i, p := range r.Prefixes {
		if !digits([]byte(p)) || len(p) > r.Min {
			return fmt.Errorf("wallet.route: %q: prefix %q is not digits, or longer than the code", r.Wallet, p)
		}
		if slices.Contains(r.Prefixes[:i], p) {
			return fmt.Errorf("wallet.route: %q: prefix %q comes twice", r.Wallet, p)
		}
	}
	return nil
}

// overlap gives a prefix that both routes take, if there are codes that both would take.
func (r Route) overlap(o Route) string {
	if r.Max < o.Min || o.Max < r.Min {
		return ""
	}
	for _, p := range r.Prefixes {
		for _, q := range o.Prefixes {
			if strings.HasPrefix(p, q) || strings.HasPrefix(q, p) {
				return max(p, q)
			}
		}
	}
	return ""
}

// Route tells the wallet of a code as it was scanned; ok is false for what is no wallet code.
func (r *Router) Route(text []byte) (wallet string, ok bool) {
	code := Normalise(text)
	if len(code) > maxCode {
		return "", false
	}
	if isCPM(code) {
		return CPM, true
	}
	if !digits(code) {
		return "", false
	}
	for _, route := range r.routes {
		if len(code) >= route.Min && len(code) <= route.Max && route.begins(code) {
			return route.Wallet, true
		}
	}
	return "", false
}

func (r Route) begins(code []byte) bool {
	for _, p := range r.Prefixes {
		if bytes.HasPrefix(code, []byte(p)) {
			return true
		}
	}
	return false
}

// Normalise takes a scanner's suffix (CR, LF, Tab) off. The result shares text's memory.
func Normalise(text []byte) []byte { return bytes.TrimRight(text, "\r\n\t") }

func digits(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(b) > 0
}

// cpmStart is the Base64 of tag 85, length 5, "CPV", which every EMVCo consumer-presented code begins with.
const cpmStart = "hQVDUFY"

// isCPM tells whether text is an EMVCo consumer-presented code of version 01: Base64 of BER-TLV, tag 85 first, then
// templates 61 and 62 that end where the text ends (EMVCo QR CPM specification 1.1, section 4).
func isCPM(text []byte) bool {
	if !bytes.HasPrefix(text, []byte(cpmStart)) {
		return false
	}
	b, err := base64.StdEncoding.DecodeString(string(text))
	if err != nil {
		return false
	}
	defer clear(b)
	rest, ok := bytes.CutPrefix(b, []byte("\x85\x05CPV01"))
	for ok && len(rest) > 0 {
		rest, ok = skipTemplate(rest)
	}
	return ok
}

// skipTemplate goes over one template with a length of one byte, or two after 81.
func skipTemplate(b []byte) ([]byte, bool) {
	if len(b) < 2 || b[0] != 0x61 && b[0] != 0x62 {
		return nil, false
	}
	n, at := int(b[1]), 2
	if n == 0x81 && len(b) > 2 {
		n, at = int(b[2]), 3
	} else if n > 0x7F {
		return nil, false
	}
	if len(b) < at+n {
		return nil, false
	}
	return b[at+n:], true
}
