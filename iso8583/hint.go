package iso8583

import (
	"bytes"
	"fmt"
)

// mtiHint names the usual reasons why there is no MTI where one should be.
func (d *Dialect) mtiHint(b []byte, pos int) string {
	f := &d.frame
	if size := f.length.size(); len(b) >= size {
		if _, right := f.unframe(b); right {
			return "the length prefix is still in front"
		}
	}
	for _, other := range []coding{codingBCD, codingASCII, codingEBCDIC} {
		if _, ok := other.readMTI(b[pos:]); ok {
			return fmt.Sprintf("the MTI looks like %s; this dialect has %s", other, d.mti)
		}
	}
	_, first := d.mti.readMTI(b)
	switch {
	case f.tpduBytes > 0 && len(b) >= 2*f.tpduBytes && bytes.Equal(b[:f.tpduBytes], b[f.tpduBytes:2*f.tpduBytes]):
		return "the TPDU seems to be there twice"
	case first && pos > 0:
		return "the message seems to start with its MTI: no TPDU and header here"
	default:
		return fmt.Sprintf("the dialect has %d bytes of TPDU and %d of header", f.tpduBytes, f.headerBytes)
	}
}

// afterField says what a fault behind that field often means.
func (d *Dialect) afterField(b []byte, before int) string {
	at := d.frame.tpduBytes + d.frame.headerBytes + d.mti.size()
	switch {
	case !d.bitmapText && len(b) >= at+2*bitmapBytes && indexNotHex(b[at:at+2*bitmapBytes]) < 0:
		return "the bitmap looks like hex text; this dialect has a binary one"
	case before == 0:
		return "bitmap or header may be off: check the dialect's frame"
	default:
		return fmt.Sprintf("F%d ended here; check the format of the fields before this one", before)
	}
}
