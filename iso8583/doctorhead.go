package iso8583

import (
	"bytes"
	"fmt"
)

// headTried is a dialect with another head, and what is wrong for that.
type headTried struct {
	d      *Dialect
	b      []byte // the message with its bitmap as the dialect writes it, where that is not so; as long as it was
	skip   int    // bytes in front that are too many
	faults []Fault
	weight int
}

func (h headTried) faultsAt(base int) []Fault {
	out := make([]Fault, len(h.faults))
	for i, f := range h.faults {
		f.Offset += base
		out[i] = f
	}
	return out
}

func (h headTried) with(name FaultName, path string, offset int, detail string) headTried {
	d := *h.d
	h.d = &d
	h.faults = append(h.faults[:len(h.faults):len(h.faults)], Fault{Name: name, Path: path, Offset: h.skip + offset, Detail: detail})
	h.weight += faultsKnown[name].weight
	return h
}

// headsTried gives the dialect's head, and heads that differ from it in at most two things.
func (d *Dialect) headsTried(b []byte) []headTried {
	list := d.tpdusTried(b)
	for _, h := range list {
		if d.frame.headerBytes > 0 {
			v := h.with(FaultNoHeader, "header", h.d.frame.tpduBytes, fmt.Sprintf("the message type stands where the %d bytes of header belong", d.frame.headerBytes))
			v.d.frame.headerBytes = 0
			list = append(list, v)
		}
	}
	for _, h := range list {
		if len(h.faults) < 2 {
			list = append(list, h.mtiTried(b)...)
		}
	}
	for _, h := range list {
		if len(h.faults) < 2 {
			list = append(list, h.bitmapTried(b)...)
		}
	}
	return list
}

func (d *Dialect) tpdusTried(b []byte) []headTried {
	plain := headTried{d: d}
	list := []headTried{plain}
	switch size := d.frame.tpduBytes; {
	case size > 0:
		v := plain.with(FaultNoTPDU, "tpdu", 0, fmt.Sprintf("what follows a TPDU stands where its %d bytes belong", size))
		v.d.frame.tpduBytes = 0
		list = append(list, v)
		if len(b) > 2*size && b[0] == b[size] {
			two := plain.with(FaultTwoTPDUs, "tpdu", size, fmt.Sprintf("after the TPDU come %d bytes that look like a TPDU again", size))
			two.skip = size
			list = append(list, two)
		}
	case len(b) > 5 && b[0] == 0x60:
		v := plain.with(FaultStrayTPDU, "tpdu", 0, "five bytes that look like a TPDU stand before the message")
		v.skip = 5
		list = append(list, v)
	}
	return list
}

// mtiTried reads the message type in another coding, if one is there in it.
func (h headTried) mtiTried(b []byte) (list []headTried) {
	at := h.d.frame.tpduBytes + h.d.frame.headerBytes
	if len(b) < h.skip+at {
		return nil
	}
	for _, c := range []coding{codingBCD, codingASCII, codingEBCDIC} {
		if _, ok := c.readMTI(b[h.skip+at:]); !ok || c == h.d.mti || (c == codingBCD) == (h.d.mti == codingBCD) {
			continue
		}
		name := FaultTextMTI
		if c == codingBCD {
			name = FaultBCDMTI
		}
		v := h.with(name, "mti", at, fmt.Sprintf("%d bytes of %s stand where the dialect has %d of %s", c.size(), c, h.d.mti.size(), h.d.mti))
		v.d.mti = c
		list = append(list, v)
	}
	return list
}

// bitmapTried reads the bitmap in another form.
func (h headTried) bitmapTried(b []byte) (list []headTried) {
	at := h.d.frame.tpduBytes + h.d.frame.headerBytes + h.d.mti.size()
	if h.d.bitmapText {
		v := h.with(FaultBinaryBitmap, "bitmap", at, "eight bytes stand where the dialect has sixteen hex characters")
		v.d.bitmapText = false
		list = append(list, v)
	}
	text, said := h.bitmapAsText(b, h.skip+at)
	switch {
	case text == nil:
	case !h.d.bitmapText:
		v := h.with(FaultTextBitmap, "bitmap", at, "sixteen hex characters"+said+" stand where the dialect has eight bytes")
		v.d.bitmapText, v.b = true, text
		list = append(list, v)
	case said != "":
		v := h.with(FaultBitmapForm, "bitmap", at, "its hex characters are written"+said)
		v.b = text
		list = append(list, v)
	}
	return list
}

// bitmapAsText gives the message with the hex characters of its bitmaps as the dialect would write them; nil where
// there are none. said tells how they are written, if that is in lower case or in another character set.
func (h headTried) bitmapAsText(b []byte, at int) (out []byte, said string) {
	for _, c := range []coding{codingASCII, codingEBCDIC} {
		digits := bitmapDigits(b, at, c)
		if len(digits) == 0 {
			continue
		}
		said = " in lower case"
		if (c == codingEBCDIC) != (h.d.mti == codingEBCDIC) {
			said = " in " + c.String()
		}
		if h.d.mti == codingEBCDIC {
			translate(digits, &toEBCDIC)
		}
		if bytes.Equal(digits, b[at:at+len(digits)]) {
			return b, ""
		}
		out = bytes.Clone(b)
		copy(out[at:], digits)
		return out, said
	}
	return nil, ""
}

// bitmapDigits gives the hex characters of the bitmaps that begin at an offset, as upper-case ASCII.
func bitmapDigits(b []byte, at int, c coding) (digits []byte) {
	const size = 2 * bitmapBytes
	for more := true; more && at+size <= len(b) && len(digits) < 3*size; at += size {
		part := bytes.Clone(b[at : at+size])
		if c == codingEBCDIC {
			translate(part, &fromEBCDIC)
		}
		for i, c := range part {
			if c >= 'a' && c <= 'f' {
				part[i] = c - 'a' + 'A'
			}
		}
		if indexNotHex(part) >= 0 {
			break
		}
		digits, more = append(digits, part...), part[0] >= '8'
	}
	return digits
}
