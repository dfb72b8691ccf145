package iso8583

import bin "encoding/binary"

// mtiKey is the four characters of a message type as one number.
type mtiKey uint32

// mtiKeyOf gives the key of a message type; ok is false for what is none: version 0, 1, 2, 8 or 9 and a class that is
// not 0.
func mtiKeyOf(s string) (key mtiKey, ok bool) {
	if len(s) != 4 {
		return 0, false
	}
	key = mtiKey(s[0])<<24 | mtiKey(s[1])<<16 | mtiKey(s[2])<<8 | mtiKey(s[3])
	return key, key.valid()
}

func (k mtiKey) valid() bool {
	const versions = 1<<0 | 1<<1 | 1<<2 | 1<<8 | 1<<9
	x := uint32(k) ^ zeros4
	return (x+0x76*ones4|x)&tops4 == 0 && versions>>(x>>24)&1 != 0 && x>>16&15 != 0
}

// text is the message type. It is a part of a string that is there already, so that reading one allocates nothing.
func (k mtiKey) text() string {
	i := 4 * (1000*(k>>24&15) + 100*(k>>16&15) + 10*(k>>8&15) + k&15)
	return everyMTI[i : i+4]
}

// everyMTI is all of them in a row.
var everyMTI = func() string {
	text := make([]byte, 0, 4*10000)
	for n := range 10000 {
		text = append(text, '0'+byte(n/1000), '0'+byte(n/100%10), '0'+byte(n/10%10), '0'+byte(n%10))
	}
	return string(text)
}()

func isMTI(s string) bool {
	_, ok := mtiKeyOf(s)
	return ok
}

// readMTI gives the key of the message type at the start of b; ok is false for what is none.
func (c coding) readMTI(b []byte) (key mtiKey, ok bool) {
	switch {
	case len(b) < c.size():
		return 0, false
	case c == codingBCD:
		x := uint32(bin.BigEndian.Uint16(b))
		x = (x | x<<8) & 0x00FF00FF
		key = mtiKey((x|x<<4)&(15*ones4) + zeros4)
	case c == codingASCII:
		key = mtiKey(bin.BigEndian.Uint32(b))
	default:
		key = mtiKey(bin.BigEndian.Uint32(b) ^ 0xC0*ones4) // F0 is 30 then
	}
	return key, key.valid()
}
