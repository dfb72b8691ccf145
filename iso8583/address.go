package iso8583

import (
	"encoding/hex"
	"fmt"
	"strings"
)

// Addressed gives the dialect with another TPDU and header for the messages it builds: both are hex text, and an empty
// one leaves the dialect's own. Their lengths are the dialect's (UnionPay: 10 and 12 digits).
func (d *Dialect) Addressed(tpdu, header string) (*Dialect, error) {
	out := *d
	for _, part := range []struct {
		name, text string
		to         *string
	}{{"TPDU", tpdu, &out.frame.tpdu}, {"header", header, &out.frame.header}} {
		if part.text == "" {
			continue
		}
		if _, err := hex.DecodeString(part.text); err != nil || len(part.text) != len(*part.to) {
			return nil, fmt.Errorf("%s: want %d hex digits in dialect %s", part.name, len(*part.to), d.name)
		}
		*part.to = strings.ToUpper(part.text)
	}
	out.frame.standard, _ = hex.DecodeString(out.frame.tpdu + out.frame.header) // both were checked
	return &out, nil
}

// NII gives the network that a TPDU (hex) is addressed to: the last three digits of its destination. It is "" where
// there is no TPDU, or one without an address.
func NII(tpdu string) string {
	if len(tpdu) != 10 || tpdu[2:6] == "0000" {
		return ""
	}
	return tpdu[3:6]
}
