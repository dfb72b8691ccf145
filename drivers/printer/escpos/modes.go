package escpos

// init registers the commands that set how is printed, and those that feed, cut and open the drawer.
func init() {
	register(esc, map[byte]command{
		'!': set((*Machine).printMode), 'E': set(func(m *Machine, n byte) { m.mode.style.Bold = on(n) }),
		'G': set(func(m *Machine, n byte) { m.mode.style.Bold = on(n) }),
		'-': set(func(m *Machine, n byte) { m.mode.style.Underline = n != 0 && n != '0' }),
		'M': set(func(m *Machine, n byte) { m.mode.style.FontB = on(n) }),
		'a': set((*Machine).setAlign), 't': set(func(m *Machine, n byte) { m.mode.page = n }),
		'R': set(func(m *Machine, n byte) { m.mode.country = n }), '@': fixed(0, (*Machine).initialise),
		'{': set(func(m *Machine, n byte) { m.mode.style.UpsideDown = on(n) }),
		'V': set(func(m *Machine, n byte) { m.mode.style.Rotated = n != 0 && n != '0' }),
		'r': set(func(m *Machine, n byte) { m.mode.style.Red = on(n) }),
		' ': set(func(m *Machine, n byte) { m.mode.gap = int(n) }),
		'2': fixed(0, func(m *Machine, _ []byte) { m.mode.spacing = DotsPerLine }),
		'3': set(func(m *Machine, n byte) { m.mode.spacing = int(n) }),
		'D': {size: upTo(2, 0), run: (*Machine).setTabs},
		'd': set(func(m *Machine, n byte) { m.feed(int(n)) }), 'J': set((*Machine).feedDots),
		'K': set(backwards("ESC K")), 'e': set(backwards("ESC e")), 'i': fixed(0, func(m *Machine, _ []byte) { m.cut(CutFull) }),
		'm': fixed(0, func(m *Machine, _ []byte) { m.cut(CutPartial) }), 'p': fixed(3, (*Machine).pulse),
		'$':  fixed(2, func(m *Machine, a []byte) { m.x = min(word(a), m.area.width) }),
		'\\': fixed(2, (*Machine).moveX), '%': {args: 1}, '=': {args: 1}, '?': {args: 1}, 'U': {args: 1}, 'T': {args: 1},
		'L': {}, 'S': {}, 0x0C: {}, 'W': {args: 8}, 'c': {args: 2}, 'u': fixed(1, request("ESC u")),
		'v': fixed(0, request("ESC v")), '<': {}, '&': {size: fontSize}, '(': {size: counted(3, 1)},
	})
	register(gs, map[byte]command{
		'!': set((*Machine).setSize), 'B': set(func(m *Machine, n byte) { m.mode.style.Invert = on(n) }),
		'L': fixed(2, func(m *Machine, a []byte) { m.setArea(word(a), m.area.width) }),
		'W': fixed(2, func(m *Machine, a []byte) { m.setArea(m.area.left, word(a)) }),
		'V': {size: cutSize, run: (*Machine).cutCommand}, 'P': {args: 2}, 'b': {args: 1}, 'T': fixed(1, func(m *Machine, _ []byte) { m.flush() }),
		'$': {args: 2}, '\\': {args: 2}, ':': {}, '^': {args: 3}, '/': fixed(1, (*Machine).printDefined), 'E': {args: 1},
		'z': {args: 3}, 'c': {}, 'g': {size: byArg(map[byte]int{'0': 6, '1': 6, '2': 6})},
		'C': {size: byArg(map[byte]int{'0': 5, '1': 9, '2': 5, 0: 5, 1: 9, 2: 5})},
	})
	register(fs, map[byte]command{
		'&': fixed(0, func(m *Machine, _ []byte) { m.mode.wide = true }),
		'.': fixed(0, func(m *Machine, _ []byte) { m.mode.wide = false }),
		'!': set((*Machine).wideMode), '-': set(func(m *Machine, n byte) { m.mode.style.Underline = n != 0 && n != '0' }),
		'W': set(func(m *Machine, n byte) { m.mode.wideDouble = [2]bool{on(n), on(n)} }),
		'S': {args: 2}, 'C': {args: 1}, '?': {args: 2}, 'p': {args: 2}, '2': {args: 74}, 'q': {size: nvSize},
		'g': {size: memorySize}, '(': {size: counted(3, 1), run: (*Machine).fsBlock},
	})
}

func on(n byte) bool { return n&1 != 0 }

func backwards(name string) func(*Machine, byte) {
	return func(m *Machine, n byte) { m.event(Known, name, []byte{n}, "feeds backwards: not shown") }
}

func (m *Machine) initialise(_ []byte) {
	m.reset()
	m.event(Reset, "ESC @", nil, "")
}

// printMode is ESC ! n.
func (m *Machine) printMode(n byte) {
	m.mode.style.FontB, m.mode.style.Bold, m.mode.style.Underline = n&0x01 != 0, n&0x08 != 0, n&0x80 != 0
	m.mode.height, m.mode.width = double(1, n&0x10 != 0), double(1, n&0x20 != 0)
}

// wideMode is FS ! n.
func (m *Machine) wideMode(n byte) {
	m.mode.wideDouble = [2]bool{n&0x04 != 0, n&0x08 != 0}
	m.mode.style.Underline = n&0x80 != 0
}

// setSize is GS ! n.
func (m *Machine) setSize(n byte) {
	m.mode.width, m.mode.height = int(n>>4&7)+1, int(n&7)+1
}

// setAlign works at the start of a line only (ESC a).
func (m *Machine) setAlign(n byte) {
	if m.begun() {
		m.event(Trouble, "ESC a", []byte{n}, "in the middle of a line does nothing")
		return
	}
	m.mode.align = Left
	if n &= 3; n <= 2 {
		m.mode.align = Align(n)
	}
}

// setTabs is ESC D n1 ... NUL.
func (m *Machine) setTabs(args []byte) { m.mode.tabs = append([]byte{}, args[:len(args)-1]...) }

// setArea is GS L and GS W: where is printed.
func (m *Machine) setArea(left, width int) {
	left = min(left, m.Dots-1)
	m.area = area{left: left, width: max(1, min(width, m.Dots-left))}
}

// moveX is ESC \ nL nH, a signed distance.
func (m *Machine) moveX(args []byte) {
	m.x = max(0, min(m.x+int(int16(word(args))), m.area.width)) //nolint:gosec // two bytes are a signed number here
}

// feed prints the line and feeds n lines.
func (m *Machine) feed(n int) {
	if m.begun() {
		m.printLine()
		n--
	}
	m.feedLines(n)
}

// feedDots is ESC J n: prints the line and feeds n dots.
func (m *Machine) feedDots(n byte) {
	if m.begun() {
		spacing := m.mode.spacing
		m.mode.spacing = int(n)
		m.printLine()
		m.mode.spacing = spacing
		return
	}
	if n > 0 {
		m.add(Line{Height: int(n), Feed: int(n) / DotsPerLine})
	}
}

// pulse is ESC p m t1 t2.
func (m *Machine) pulse(args []byte) { m.event(Drawer, "ESC p", args, "") }

// cutSize: GS V m, and with a feed GS V m n.
func cutSize(b []byte) int {
	switch {
	case len(b) < 3:
		return 0
	case b[2] >= 65:
		return 4
	default:
		return 3
	}
}

// cutCommand is GS V: 0, 48, 65, 97, 103 cut off, all others leave a corner.
func (m *Machine) cutCommand(args []byte) {
	switch args[0] {
	case 0, '0', 65, 97, 103:
		m.cut(CutFull)
	default:
		m.cut(CutPartial)
	}
}

// fsBlock is FS ( X pL pH ...; FS ( C chooses how characters are coded.
func (m *Machine) fsBlock(args []byte) {
	body := args[3:]
	if args[0] == 'C' && len(body) == 2 && body[0] == 0x30 {
		m.mode.utf8 = body[1] == 2 || body[1] == '2'
		return
	}
	m.event(Known, "FS ( "+string(args[:1]), body, "")
}

// fontSize is the size of ESC & y c1 c2 [x1 d1...]...: user-defined characters.
func fontSize(b []byte) int {
	if len(b) < 5 {
		return 0
	}
	n := 5
	for c := int(b[3]); c <= int(b[4]); c++ {
		if len(b) <= n {
			return 0
		}
		n += 1 + int(b[2])*int(b[n])
	}
	return n
}

// nvSize is the size of FS q n [xL xH yL yH d1...dk]...: pictures kept in the printer.
func nvSize(b []byte) int {
	if len(b) < 3 {
		return 0
	}
	n := 3
	for range b[2] {
		if len(b) < n+4 {
			return 0
		}
		n += 4 + 8*word(b[n:])*word(b[n+2:])
	}
	return n
}

// memorySize is the size of FS g 1 (write, with data) and FS g 2 (read).
func memorySize(b []byte) int {
	if len(b) < 10 {
		return 0
	}
	if b[2] == '1' || b[2] == 1 {
		return 10 + word(b[8:])
	}
	return 10
}
