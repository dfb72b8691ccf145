// Package sign makes and checks the signatures of wallet gateways, for both ends: the client in posd and a gateway.
//
// It holds RSA2 of the Alipay open API, MD5 and HMAC-SHA256 of WeChat Pay v2, the header signatures of v3, and the wire forms
// that they lie over: the raw value of a JSON member, and a flat XML map. It does no I/O and knows no payment.
package sign

import (
	"errors"
	"slices"
	"strings"
)

// What can be wrong with a signature. An answer with either is not to be believed, neither its yes nor its no.
var (
	ErrMissing = errors.New("signature is missing")
	ErrWrong   = errors.New("signature is wrong")
)

// Content joins params as k=v with & in ASCII order of the keys, values raw and not URL-encoded. Empty values and the
// keys named in skip take no part.
func Content(params map[string]string, skip ...string) string {
	keys := make([]string, 0, len(params))
	for k, v := range params {
		if v != "" && !slices.Contains(skip, k) {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	var b strings.Builder
	for i, k := range keys {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(k)
		b.WriteByte('=')
		b.WriteString(params[k])
	}
	return b.String()
}
