package iso8583

import (
	"bytes"
	"io"
	"strconv"
)

// frameSpec is what surrounds a message.
type frameSpec struct {
	length      lengthKind
	inclusive   bool // the length counts itself
	trailer     []byte
	counted     bool // the length counts the trailer
	keepAlive   string
	max         int // bytes of a payload
	tpduBytes   int
	headerBytes int
	tpdu        string // standard values, hex
	header      string
	standard    []byte // both of them
	ownHeader   bool   // an answer has the standard header, else the request's
	tpduReply   string // what an answer's TPDU is
	request     headerRequest
}

// What a dialect does with a frame that has no payload, and with the TPDU of an answer.
const (
	keepAliveIgnore = "ignore"
	keepAliveEcho   = "echo"
	keepAliveRefuse = "refuse"

	tpduSwap  = "swap"
	tpduFixed = "fixed"
	tpduEcho  = "echo"
)

// lengthKind is the form of the length in front of a payload.
type lengthKind string

const (
	lengthBin2   lengthKind = "bin2"   // 2 bytes, big-endian
	lengthBCD2   lengthKind = "bcd2"   // 2 bytes, 4 BCD digits
	lengthASCII4 lengthKind = "ascii4" // 4 ASCII digits
	lengthHex4   lengthKind = "hex4"   // 4 hex characters
)

func (k lengthKind) size() int {
	if k == lengthBin2 || k == lengthBCD2 {
		return 2
	}
	return 4
}

// limit is the most that the prefix can say.
func (k lengthKind) limit() int {
	if k == lengthBin2 || k == lengthHex4 {
		return 0xFFFF
	}
	return 9999
}

func (k lengthKind) read(b []byte) (int, bool) {
	switch k {
	case lengthBin2:
		return lengthBinary.read(b)
	case lengthBCD2:
		return lengthBCD.read(b)
	case lengthASCII4:
		return lengthASCII.read(b)
	default:
		n := 0
		for _, c := range b {
			v := hexValue(c)
			if v == noDigit {
				return 0, false
			}
			n = n<<4 | int(v)
		}
		return n, true
	}
}

func (k lengthKind) write(p []byte, n int) {
	switch k {
	case lengthBin2:
		lengthBinary.write(p, n)
	case lengthBCD2:
		lengthBCD.write(p, n)
	case lengthASCII4:
		lengthASCII.write(p, n)
	default:
		unpackDigits(p, []byte{byte(n >> 8), byte(n)})
	}
}

// said is what the length of a frame with n bytes of payload says. A frame without payload has no trailer.
func (f *frameSpec) said(n int) int {
	if f.counted && n > 0 {
		n += len(f.trailer)
	}
	if f.inclusive {
		n += f.length.size()
	}
	return n
}

// payload is the reverse of said: how long the payload and the trailer are. It is negative for a length that no frame
// has. Zero is an empty frame even where the length counts itself.
func (f *frameSpec) payload(said int) (size, trailer int) {
	if f.inclusive && said > 0 {
		said -= f.length.size()
	}
	if said <= 0 {
		return said, 0
	}
	if f.counted {
		said -= len(f.trailer)
	}
	return said, len(f.trailer)
}

// AppendFrame appends payload with its length prefix, and the trailer if the dialect has one, to dst. An empty payload
// makes the frame by which a line is kept alive.
func (d *Dialect) AppendFrame(dst, payload []byte) ([]byte, error) {
	f := &d.frame
	n := len(payload)
	if n > f.max {
		return dst, faultAt("frame", -1, "%d bytes exceed the dialect's limit of %d", n, f.max)
	}
	at := len(dst)
	dst = extend(dst, f.length.size())
	f.length.write(dst[at:], f.said(n))
	if n == 0 {
		return dst, nil
	}
	return append(append(dst, payload...), f.trailer...), nil
}

// SplitFrame is a bufio.SplitFunc that gives payloads without their length prefix and trailer. An empty payload is a poll
// by which some hosts keep a line alive. A length that no message has is a *FieldError: the stream has lost its step.
func (d *Dialect) SplitFrame(data []byte, atEOF bool) (int, []byte, error) {
	f := &d.frame
	size := f.length.size()
	if len(data) < size {
		return 0, nil, incomplete(data, atEOF)
	}
	said, ok := f.length.read(data[:size])
	n, tail := f.payload(said)
	switch {
	case !ok:
		return 0, nil, faultAt("frame", 0, "length is not %s", f.length).hint(lostStep)
	case n > f.max:
		return 0, nil, faultAt("frame", 0, "length %d exceeds the dialect's limit of %d", n, f.max).hint(lostStep)
	case n < 0:
		return 0, nil, faultAt("frame", 0, "length %d is less than the length itself and the trailer have", said).hint(lostStep)
	case n == 0 && f.keepAlive == keepAliveRefuse:
		return 0, nil, faultAt("frame", 0, "length 0, and the dialect knows no empty frames").hint(lostStep)
	case len(data) < size+n+tail:
		return 0, nil, incomplete(data, atEOF)
	case !bytes.Equal(data[size+n:size+n+tail], f.trailer[:tail]):
		return 0, nil, faultAt("frame", size+n, "the trailer is another one").hint(lostStep)
	}
	return size + n + tail, data[size : size+n : size+n], nil
}

const lostStep = "the stream has lost its step, or the length has another form"

func incomplete(data []byte, atEOF bool) error {
	if atEOF && len(data) > 0 {
		return io.ErrUnexpectedEOF
	}
	return nil
}

// EchoesEmptyFrames tells whether an empty frame wants one back.
func (d *Dialect) EchoesEmptyFrames() bool { return d.frame.keepAlive == keepAliveEcho }

// Reply gives TPDU and header of the answer to req: TPDU addresses swapped, the dialect's own, or as they came; header
// as the dialect wants.
func (d *Dialect) Reply(req *Message) (tpdu, header string) {
	tpdu, header = req.TPDU, req.Header
	switch {
	case d.frame.tpduReply == tpduFixed:
		tpdu = d.frame.tpdu
	case d.frame.tpduReply == tpduSwap && len(tpdu) == 10: // id, destination, source
		tpdu = tpdu[:2] + tpdu[6:] + tpdu[2:6]
	}
	if d.frame.ownHeader {
		header = d.frame.header
	}
	return tpdu, header
}

// headerRequest is what one digit of an answer's header asks the terminal to do.
type headerRequest struct {
	digit  int    // counted from 1 in the header's hex digits; 0 for none
	signOn string // the digits that ask to sign on
	words  map[string]string
}

// HeaderRequest tells what the header of an answer asks the terminal to do, in the dialect file's words, and whether
// that is to sign on. It is "" where it asks nothing: the digit is 0, or the dialect has none.
func (d *Dialect) HeaderRequest(m *Message) (request string, signOn bool) {
	r := d.frame.request
	if r.digit == 0 || len(m.Header) < r.digit || m.Header[r.digit-1] == '0' {
		return "", false
	}
	digit := m.Header[r.digit-1]
	request = r.words[string(digit)]
	if request == "" {
		request = "request " + strconv.Quote(string(digit))
	}
	for i := range len(r.signOn) {
		signOn = signOn || r.signOn[i] == digit
	}
	return request, signOn
}
