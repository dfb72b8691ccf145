package escpos

import (
	"fmt"
	"strings"
)

// codeSettings are those of barcodes and two-dimensional codes.
type codeSettings struct {
	width, height int  // GS w, GS h
	text          bool // GS H
	module        int  // GS ( k fn 67
	level         string
	data          map[byte]string // stored for printing, by the code's number
}

// init registers the commands for machine-readable codes, and all that wants an answer.
func init() {
	register(gs, map[byte]command{
		'w': set(func(m *Machine, n byte) { m.code.width = int(n) }), 'h': set(func(m *Machine, n byte) { m.code.height = int(n) }),
		'H': set(func(m *Machine, n byte) { m.code.text = n != 0 && n != '0' }), 'f': {args: 1},
		'k': {size: barcodeSize, run: (*Machine).barcode}, '(': {size: counted(3, 1), run: (*Machine).gsBlock},
		'r': fixed(1, request("GS r")), 'I': fixed(1, request("GS I")), 'a': fixed(1, request("GS a")), 'j': fixed(1, request("GS j")),
	})
	register(dle, map[byte]command{
		0x04: fixed(1, request("DLE EOT")), 0x05: fixed(1, nil), 0x14: {size: realTimeSize, run: (*Machine).realTime},
	})
}

func request(name string) func(*Machine, []byte) {
	return func(m *Machine, args []byte) { m.event(Request, name, args, "") }
}

// realTimeSize is the size of DLE DC4 fn ...; fn 8 clears buffers and has seven fixed bytes.
func realTimeSize(b []byte) int {
	if len(b) >= 3 && b[2] == 8 {
		return 10
	}
	return 5
}

// realTime is DLE DC4: fn 1 is a pulse.
func (m *Machine) realTime(args []byte) {
	if args[0] == 1 {
		m.event(Drawer, "DLE DC4", args, "")
		return
	}
	m.event(Known, "DLE DC4", args, "")
}

// barcodeKinds are those of GS k, form A from 0 and form B from 65.
var barcodeKinds = []string{
	"UPC-A", "UPC-E", "EAN13", "EAN8", "CODE39", "ITF", "CODABAR", "CODE93", "CODE128", "GS1-128", "GS1 DataBar Omnidirectional",
	"GS1 DataBar Truncated", "GS1 DataBar Limited", "GS1 DataBar Expanded", "CODE128",
}

// barcodeSize: form A ends with NUL, form B has a length.
func barcodeSize(b []byte) int {
	switch {
	case len(b) < 4:
		return 0
	case b[2] <= 6:
		return upTo(3, 0)(b)
	default:
		return 4 + int(b[3])
	}
}

// barcode is GS k.
func (m *Machine) barcode(args []byte) {
	kind, data := int(args[0]), args[1:]
	if kind <= 6 {
		data = data[:len(data)-1]
	} else {
		kind, data = kind-65, data[1:]
	}
	if kind < 0 || kind >= len(barcodeKinds) {
		m.event(Unknown, "GS k", args, "no such kind of barcode")
		return
	}
	s := Symbol{Kind: barcodeKinds[kind], Data: string(data), Module: m.code.width, Height: m.code.height, Text: m.code.text}
	if kind == 8 {
		s.Data = m.code128(string(data))
	}
	m.symbol(s)
}

// code128 reads the data of GS k 73: {A, {B and {C choose the code set, {1 to {4 are functions, {{ is one brace; in set C
// a byte is two digits.
func (m *Machine) code128(data string) string {
	if !strings.HasPrefix(data, "{A") && !strings.HasPrefix(data, "{B") && !strings.HasPrefix(data, "{C") {
		m.event(Trouble, "GS k", []byte(data), "CODE128 data without a code set")
	}
	var out strings.Builder
	pairs := false
	for i := 0; i < len(data); i++ {
		switch {
		case data[i] == '{' && i+1 < len(data):
			i++
			switch data[i] {
			case '{':
				out.WriteByte('{')
			case 'A', 'B', 'C':
				pairs = data[i] == 'C'
			}
		case pairs:
			fmt.Fprintf(&out, "%02d", data[i])
		default:
			out.WriteByte(data[i])
		}
	}
	return out.String()
}

// symbol prints a code on a line of its own. The line that was begun is lost on some printers and printed by others.
func (m *Machine) symbol(s Symbol) {
	m.flush()
	if s.Height == 0 {
		s.Height = 1
	}
	m.add(Line{Align: m.mode.align, Symbol: &s})
}

// gsBlock is GS ( X pL pH ....
func (m *Machine) gsBlock(args []byte) {
	body := args[3:]
	switch {
	case args[0] == 'k' && len(body) >= 2:
		m.twoDimensional(body[0], body[1], body[2:])
	case args[0] == 'L' && len(body) >= 2:
		m.graphics(body)
	case args[0] == 'H' && len(body) == 6 && body[0] == '0' && body[1] == '0':
		m.event(Process, "GS ( H", body[2:], "")
	default:
		m.event(Known, "GS ( "+string(args[:1]), body, "")
	}
}

// twoDimensionalKinds are the codes of GS ( k by cn.
var twoDimensionalKinds = map[byte]string{
	48: "PDF417", 49: "QR", 50: "MaxiCode", 51: "GS1 DataBar", 52: "Composite", 53: "Aztec", 54: "DataMatrix",
}

// twoDimensional is GS ( k: cn is which code, fn 67 its module, fn 69 its level, fn 80 stores data, fn 81 prints.
func (m *Machine) twoDimensional(cn, fn byte, args []byte) {
	switch {
	case fn == 67 && len(args) > 0:
		m.code.module = int(args[0])
	case fn == 69 && cn == 49 && len(args) > 0:
		m.code.level = string("LMQH"[args[0]&3])
	case fn == 80 && len(args) > 0:
		m.code.data[cn] = string(args[1:])
	case fn == 81:
		kind, ok := twoDimensionalKinds[cn]
		if !ok {
			m.event(Unknown, "GS ( k", []byte{cn, fn}, "no such code")
			return
		}
		m.symbol(Symbol{Kind: kind, Data: m.code.data[cn], Module: m.code.module, Level: m.code.level})
	}
}
