package port

// KeyEvent is one event of a keyboard (linux/input-event-codes.h).
type KeyEvent struct {
	Type  uint16
	Code  uint16
	Value int32
}

// Types of events, their codes and values that matter here.
const (
	evSyn      = 0
	evKey      = 1
	synReport  = 0
	synDropped = 3
	released   = 0
	pressed    = 1

	keyLeftCtrl   = 29
	keyLeftShift  = 42
	keyRightShift = 54
	keyLeftAlt    = 56
	keyCapsLock   = 58
	keyNumLock    = 69
	keyRightCtrl  = 97
	keyRightAlt   = 100
)

// Keyboard turns the keys of a scanner or reader in keyboard mode into the characters that it means, by the US layout.
// It knows Shift, Ctrl with a letter (how scanners send control characters), Caps Lock of this very keyboard, and
// characters by Alt and digits of the keypad. The zero value is a keyboard with nothing pressed.
type Keyboard struct {
	shift, ctrl, alt uint8 // a bit for each of the two keys
	caps             bool
	lost             bool // events are missing until the next report
	code             int  // typed on the keypad while Alt is held
	digits           int
}

// Lost is what stands in the text for what is not known: keys that the kernel had no room for, a key beside the keypad while Alt
// is held (AltGr gives other characters in every country), a number that is no byte. It is a control character, so that a driver
// refuses the code or the card instead of believing a part of it.
const Lost byte = 0

// Type appends what an event adds to the text: mostly nothing or one byte.
func (k *Keyboard) Type(text []byte, e KeyEvent) []byte {
	switch {
	case e.Type == evSyn && e.Code == synDropped:
		*k = Keyboard{caps: k.caps, lost: true}
		return append(text, Lost)
	case e.Type == evSyn && e.Code == synReport:
		k.lost = false
		return text
	case e.Type != evKey || k.lost || k.hold(e):
		return k.altDone(text)
	case e.Value != pressed: // released, or the kernel's own repetition, which no scanner means
		return text
	case k.alt != 0:
		return k.digit(text, e.Code)
	}
	if c := k.char(e.Code); c != 0 {
		return append(text, c)
	}
	return text
}

// hold keeps account of the keys that change what others mean, and tells whether e was one.
func (k *Keyboard) hold(e KeyEvent) bool {
	held, bit := &k.shift, uint8(1)
	switch e.Code {
	case keyLeftShift:
	case keyRightShift:
		bit = 2
	case keyLeftCtrl:
		held = &k.ctrl
	case keyRightCtrl:
		held, bit = &k.ctrl, 2
	case keyLeftAlt:
		held = &k.alt
	case keyRightAlt:
		held, bit = &k.alt, 2
	case keyCapsLock:
		k.caps = k.caps != (e.Value == pressed)
		return true
	default:
		return false
	}
	if e.Value == released {
		*held &^= bit
	} else {
		*held |= bit
	}
	return true
}

// mostDigits and largest are what Alt and the keypad may give: a byte, mostly with zeros in front.
const mostDigits, largest = 4, 255

// digit takes a key while Alt is held.
func (k *Keyboard) digit(text []byte, code uint16) []byte {
	d, ok := keypad[code]
	switch {
	case code == keyNumLock: // types nothing; some scanners switch it for the digits
		return text
	case !ok:
		return append(text, Lost)
	case k.digits <= mostDigits: // one more than there may be is enough to know
		k.code, k.digits = k.code*10+d, k.digits+1
	}
	return text
}

// altDone ends a character that was typed by its number.
func (k *Keyboard) altDone(text []byte) []byte {
	if k.alt != 0 || k.digits == 0 {
		return text
	}
	c := byte(k.code)
	if k.digits > mostDigits || k.code > largest {
		c = Lost
	}
	k.code, k.digits = 0, 0
	return append(text, c)
}

// char is what a key means now; 0 for nothing.
func (k *Keyboard) char(code uint16) byte {
	if int(code) >= len(usPlain) {
		return 0
	}
	plain, shifted := usPlain[code], usShift[code]
	letter := plain >= 'a' && plain <= 'z'
	switch {
	case k.ctrl != 0:
		return controlOf(plain)
	case (k.shift != 0) != (letter && k.caps):
		return shifted
	default:
		return plain
	}
}

// controlOf is the control character of a key: Ctrl+M is CR, Ctrl+] the group separator of GS1 codes.
func controlOf(plain byte) byte {
	switch {
	case plain >= 'a' && plain <= 'z':
		return plain - 'a' + 1
	case plain >= '[' && plain <= ']':
		return plain - '@'
	default:
		return 0
	}
}

// keypad is the digits by which Alt gives characters.
var keypad = map[uint16]int{82: 0, 79: 1, 80: 2, 81: 3, 75: 4, 76: 5, 77: 6, 71: 7, 72: 8, 73: 9}

// usPlain and usShift are the US layout by key code. Both Enter keys are CR.
var usPlain, usShift = layout(
	row{2, "1234567890-=", "!@#$%^&*()_+"}, row{15, "\t", "\t"},
	row{16, "qwertyuiop[]\r", "QWERTYUIOP{}\r"},
	row{30, "asdfghjkl;'`", `ASDFGHJKL:"~`},
	row{43, `\zxcvbnm,./`, `|ZXCVBNM<>?`},
	row{55, "*", "*"}, row{57, " ", " "}, row{71, "789-456+1230.", "789-456+1230."},
	row{86, `\`, "|"}, row{96, "\r", "\r"}, row{98, "/", "/"},
)

// row is keys whose codes follow one another.
type row struct {
	first          int
	plain, shifted string
}

func layout(rows ...row) (plain, shifted [128]byte) {
	for _, r := range rows {
		copy(plain[r.first:], r.plain)
		copy(shifted[r.first:], r.shifted)
	}
	return plain, shifted
}
