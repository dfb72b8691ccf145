package iso8583

import (
	"bytes"
	"cmp"
	"fmt"
)

// WithMAC gives the dialect with another MAC rule, to try what an acquirer may mean; where rule.Field is 0 the MAC stays
// in its field. It fails where the rule cannot be, or the dialect has no field of eight bytes there.
func (d *Dialect) WithMAC(rule MACRule) (*Dialect, error) {
	if err := rule.Check(); err != nil {
		return nil, err
	}
	rule.Field = cmp.Or(rule.Field, d.mac.Field)
	if s := d.spec("", rule.Field); s == nil || s.prefix != 0 || s.max != macBytes {
		return nil, fmt.Errorf("field: dialect %s has no MAC in field %d", d.name, rule.Field)
	}
	out := *d
	out.mac = rule
	return &out, nil
}

// FittingMACs lists every rule under which key makes the MAC that a packed message carries. It is for the bench: an
// acquirer who says "X9.9" may mean any of several, and a sample message with its key tells which. Errors are those of
// CheckMAC; a MAC that nothing explains gives an empty list.
func (d *Dialect) FittingMACs(packed, key []byte) ([]MACRule, error) {
	at, err := d.findMAC(packed)
	if err != nil {
		return nil, err
	}
	var fit []MACRule
	for _, rule := range everyMAC(len(key)) {
		if d.sameRange(rule.Range) {
			continue
		}
		result, err := rule.Compute(key, packed[d.rangeStart(rule.Range):at.Start])
		if err != nil {
			continue // the key is too long or too short for it
		}
		want := rule.written(nil, [macBytes]byte(result), d.base[at.Field])
		if rule.Field = at.Field; bytes.Equal(want, packed[at.Value:at.End]) {
			fit = append(fit, rule)
		}
	}
	return fit, nil
}

// sameRange tells whether a range begins where a plainer one does: without a header there is none that begins with it.
func (d *Dialect) sameRange(first string) bool {
	return first == RangeHeader && d.frame.headerBytes == 0 || first == RangeTPDU && d.frame.tpduBytes == 0
}

// everyMAC lists all rules that a key of so many bytes may serve, the plain ones first.
func everyMAC(size int) []MACRule {
	var all []MACRule
	for _, first := range []string{RangeMTI, RangeHeader, RangeTPDU} {
		for i := range algorithms {
			all = append(all, algorithms[i].rules(first, size)...)
		}
	}
	return all
}

func (a *algorithm) rules(first string, size int) []MACRule {
	var all []MACRule
	for _, n := range a.keys {
		for _, padding := range []string{PadZero, Pad80} {
			for _, output := range []string{OutputText, OutputBinary} {
				rule := MACRule{Algorithm: a.name, Padding: padding, Output: output, Range: first, KeyBytes: n}
				if n <= size && rule.Check() == nil {
					all = append(all, rule)
				}
			}
		}
	}
	return all
}
