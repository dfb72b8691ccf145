package scanner

import (
	"bytes"
	"errors"
	"fmt"
	"hash/maphash"
	"time"

	"posd/drivers/port"
)

// Why a scan gives no code. Neither tells anything of what was scanned.
var (
	ErrRefused  = errors.New("scan refused")          // cut off, too long, or with control characters in it
	ErrRepeated = errors.New("same code still there") // the scanner saw it a moment ago
)

// maxCode limits a code; the largest QR code holds 2953 bytes.
const maxCode = 4 << 10

// groupMark separates fields in GS1 codes: the only control character that every code may have.
const groupMark = 0x1D

// Options that all scanners have.
var (
	aimOption = port.Option{
		Name: "aim", Default: "yes", Kind: port.YesNo, Doc: "take off an AIM identifier such as ]Q1 where there is one",
	}
	repeatOption = port.Option{
		Name: "repeat", Default: "700ms", Kind: port.Duration, Max: 60_000,
		Doc: "the same code again within this time counts as the same scan; 0s lets every one through",
	}
	prefixOption = port.Option{
		Name: "prefix", Default: "", Kind: port.Hex, Doc: "bytes before each code that are taken off, such as 02",
	}
)

// intake makes codes of what a scanner sent. It is owned by the caller of Next.
type intake struct {
	prefix []byte
	aim    bool
	lines  bool // a code may hold line ends and tabs: its own end is not one of them
	window time.Duration

	seed   maphash.Seed // of this scanner only: no hash of a code is worth anything elsewhere
	last   uint64       // hash of the last code
	lastAt time.Time
}

func newIntake(s port.Settings) intake {
	return intake{prefix: s.Bytes("prefix"), aim: s.Yes("aim"), window: s.Time("repeat"), seed: maphash.MakeSeed()}
}

// take makes a code of a frame, which it owns and wipes. ok is false for an empty one. A symbology identifier that came
// beside the code is aim; one in front of it is looked for where aim is empty.
func (i *intake) take(b []byte, aim string) (c Code, ok bool, err error) {
	defer clear(b)
	data := bytes.TrimPrefix(bytes.Trim(b, "\r\n"), i.prefix)
	if len(data) == 0 {
		return Code{}, false, nil
	}
	if why := fault(data, i.lines); why != "" {
		return Code{}, false, fmt.Errorf("%w: %s", ErrRefused, why)
	}
	if i.repeated(data) {
		return Code{}, false, ErrRepeated
	}
	if aim == "" && i.aim && hasAIM(data) {
		aim, data = string(data[:3]), data[3:]
	}
	return Code{Data: port.NewSecret(bytes.Clone(data)), AIM: aim}, true, nil
}

// fault says what is wrong with a code, without its content.
func fault(data []byte, lines bool) string {
	if len(data) > maxCode {
		return fmt.Sprintf("%d bytes, at most %d are taken", len(data), maxCode)
	}
	for i, c := range data {
		line := lines && (c == '\r' || c == '\n' || c == '\t')
		if (c < ' ' && c != groupMark && !line) || c == 0x7F {
			return fmt.Sprintf("control character %02X at byte %d", c, i)
		}
	}
	return ""
}

// repeated tells whether the scanner saw the same code a moment ago; holding a code in view goes on extending it.
func (i *intake) repeated(data []byte) bool {
	sum := maphash.Bytes(i.seed, data)
	now := time.Now()
	again := sum == i.last && !i.lastAt.IsZero() && now.Sub(i.lastAt) < i.window
	i.last, i.lastAt = sum, now
	return again
}

// hasAIM tells whether data begins with an AIM identifier and goes on: "]", a letter, a letter or digit (ISO/IEC 15424).
func hasAIM(data []byte) bool { return len(data) > 3 && isAIM(data[:3]) }

func isAIM(b []byte) bool {
	letter := func(c byte) bool { return c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' }
	return len(b) == 3 && b[0] == ']' && letter(b[1]) && (letter(b[2]) || b[2] >= '0' && b[2] <= '9')
}
