package emv

import "fmt"

// fill builds the data that a data object list asks for (book 3, 5.4): tags and lengths, no values. What nobody has is zeros. A value
// is cut or filled by its format: numbers at the left, all else at the right.
func fill(dol []byte, have objects) (data []byte, err error) {
	for at := 0; at < len(dol); {
		tag, n := readTag(dol[at:])
		if n == 0 || at+n >= len(dol) {
			return nil, fmt.Errorf("%w: a data object list breaks off at byte %d of %d", ErrCard, at, len(dol))
		}
		size := int(dol[at+n])
		at += n + 1
		data = append(data, fit(have[tag], size, numeric(tag))...)
	}
	if len(data) > mostData {
		return nil, fmt.Errorf("%w: a data object list asks for %d bytes, at most %d fit into a command", ErrCard, len(data), mostData)
	}
	return data, nil
}

// numeric tells which data objects of a terminal are numbers in BCD.
func numeric(tag Tag) bool {
	switch tag {
	case tagAmount, tagOther, tagCurrency, tagCountry, tagDate, tagTime, tagSequence, tagType, tagTerminalType:
		return true
	default:
		return false
	}
}

// fit makes a value as long as it is asked for, of bytes of its own.
func fit(value []byte, size int, number bool) []byte {
	out := make([]byte, size)
	switch {
	case number && len(value) > size:
		copy(out, value[len(value)-size:])
	case number:
		copy(out[size-len(value):], value)
	default:
		copy(out, value)
	}
	return out
}
