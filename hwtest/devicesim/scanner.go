package devicesim

import "strings"

// Scanner is a barcode scanner on a serial line. The zero value sends bare codes.
type Scanner struct {
	emitter
	Prefix string // before each code, "\x02" on some
	Suffix string // after it: "\r", "\n", "\r\n" or nothing
	AIM    bool   // send the AIM identifier that Emit is given
}

// NewScanner gives a scanner as most come from the shop: codes end with CR.
func NewScanner() *Scanner { return &Scanner{Suffix: "\r"} }

// Emit scans a code. aim is its symbology, such as "]Q1"; it is sent only by a scanner set to.
func (s *Scanner) Emit(aim, code string) error {
	var b strings.Builder
	b.WriteString(s.Prefix)
	if s.AIM {
		b.WriteString(aim)
	}
	b.WriteString(code)
	b.WriteString(s.Suffix)
	return s.emit([]byte(b.String()))
}
