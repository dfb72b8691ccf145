package iso8583

// BER-TLV as chips use it: EMV 4.3 book 3, annex B. Tags of up to four bytes, lengths of definite form.
const (
	longestTag       = 4    // bytes; EMV uses two, some terminals three
	longestTLVLength = 4    // bytes of a length behind its 8x
	constructedBit   = 0x20 // of a tag's first byte: its value is data objects again
	moreTag          = 0x1F // a tag's first byte ends so: more follow
	moreBit          = 0x80 // of a later byte of a tag, or of a length: more follow
)

// tlvObject is one data object of a buffer by its offsets, or a run of padding, which has no tag.
type tlvObject struct {
	start, value, end int
	tag               []byte
}

// constructed tells whether the value is data objects again.
func (o tlvObject) constructed() bool { return len(o.tag) > 0 && o.tag[0]&constructedBit != 0 }

// nextTLV reads the object at b[pos:], of which there is at least one byte. Bytes 00 and FF where a tag belongs are
// padding (EMV 4.3 book 3, B1), so that a private tag FFxx is not one. Where it breaks off, o.tag is what was read of
// the tag, o.value the offset of the fault.
func nextTLV(b []byte, pos int) (o tlvObject, rule string) {
	o = tlvObject{start: pos, value: pos, end: pos}
	for o.end < len(b) && (b[o.end] == 0x00 || b[o.end] == 0xFF) {
		o.end++
	}
	if o.value = o.end; o.end > pos {
		return o, ""
	}
	size := tagSize(b[pos:])
	if size == 0 {
		return o, "the tag is cut short, or longer than four bytes"
	}
	o.tag, o.value = b[pos:pos+size], pos+size
	n, head, rule := readTLVLength(b[o.value:])
	if rule != "" {
		return o, rule
	}
	if n > len(b)-o.value-head {
		return o, "the length is more than what is left"
	}
	o.value += head
	o.end = o.value + n
	return o, ""
}

// tagSize is how many bytes the tag at the start of b has; 0 for one that is cut short or too long.
func tagSize(b []byte) int {
	if len(b) == 0 {
		return 0
	}
	if b[0]&moreTag != moreTag {
		return 1
	}
	for i := 1; i < len(b) && i < longestTag; i++ {
		if b[i]&moreBit == 0 {
			return i + 1
		}
	}
	return 0
}

// readTLVLength reads a length of definite form and tells how many bytes it takes itself.
func readTLVLength(b []byte) (n, head int, rule string) {
	switch {
	case len(b) == 0:
		return 0, 0, "the length is missing"
	case b[0] < moreBit:
		return int(b[0]), 1, ""
	case b[0] == moreBit:
		return 0, 0, "a length of indefinite form (80)"
	}
	more := int(b[0] &^ moreBit)
	if more > longestTLVLength || more >= len(b) {
		return 0, 0, "the length is cut short, or longer than four bytes"
	}
	for _, c := range b[1 : 1+more] {
		n = n<<8 | int(c)
	}
	return n, 1 + more, ""
}

// appendTLV appends a data object, its length in the shortest form.
func appendTLV(dst, tag, value []byte) []byte {
	dst = append(dst, tag...)
	switch n := len(value); {
	case n < 0x80:
		dst = append(dst, byte(n))
	case n < 0x100:
		dst = append(dst, 0x81, byte(n))
	case n < 0x10000:
		dst = append(dst, 0x82, byte(n>>8), byte(n))
	default:
		dst = append(dst, 0x83, byte(n>>16), byte(n>>8), byte(n))
	}
	return append(dst, value...)
}

// isTag tells whether key is the hex text of one whole tag that is no padding.
func isTag(key string) bool {
	b, err := decodeHex(key)
	return err == nil && len(b) > 0 && len(key) == 2*len(b) && upperHex(b) == key && tagSize(b) == len(b) && b[0] != 0x00 && b[0] != 0xFF
}
