package escpos

import (
	"strconv"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
	"golang.org/x/text/width"
)

// pages are the code pages that can be read and written, by their names in escpos-printer-db.
var pages = map[string]*charmap.Charmap{
	"CP437": charmap.CodePage437, "CP850": charmap.CodePage850, "CP852": charmap.CodePage852, "CP855": charmap.CodePage855,
	"CP858": charmap.CodePage858, "CP860": charmap.CodePage860, "CP862": charmap.CodePage862, "CP863": charmap.CodePage863,
	"CP865": charmap.CodePage865, "CP866": charmap.CodePage866, "CP874": charmap.Windows874,
	"CP1250": charmap.Windows1250, "CP1251": charmap.Windows1251, "CP1252": charmap.Windows1252, "CP1253": charmap.Windows1253,
	"CP1254": charmap.Windows1254, "CP1255": charmap.Windows1255, "CP1256": charmap.Windows1256, "CP1257": charmap.Windows1257,
	"CP1258": charmap.Windows1258, "ISO_8859-1": charmap.ISO8859_1, "ISO_8859-2": charmap.ISO8859_2,
	"ISO_8859-3": charmap.ISO8859_3, "ISO_8859-4": charmap.ISO8859_4, "ISO_8859-5": charmap.ISO8859_5,
	"ISO_8859-6": charmap.ISO8859_6, "ISO_8859-7": charmap.ISO8859_7, "ISO_8859-8": charmap.ISO8859_8,
	"ISO_8859-9": charmap.ISO8859_9, "ISO_8859-15": charmap.ISO8859_15,
}

// CodePage gives a code page by its name in escpos-printer-db. Not every page that a printer has is known here.
func CodePage(name string) (*charmap.Charmap, bool) {
	c, ok := pages[name]
	return c, ok
}

// epsonPages is what ESC t n chooses on Epson's printers (ESC/POS Command Reference, ESC t), as far as it can be read.
var epsonPages = map[byte]string{
	0: "CP437", 1: "KATAKANA", 2: "CP850", 3: "CP860", 4: "CP863", 5: "CP865", 13: "CP857", 14: "CP737", 15: "ISO_8859-7",
	16: "CP1252", 17: "CP866", 18: "CP852", 19: "CP858", 33: "CP775", 34: "CP855", 35: "CP861", 36: "CP862", 37: "CP864",
	38: "CP869", 39: "ISO_8859-2", 40: "ISO_8859-15", 45: "CP1250", 46: "CP1251", 47: "CP1253", 48: "CP1254", 49: "CP1255",
	50: "CP1256", 51: "CP1257", 52: "CP1258", 53: "RK1048",
}

func pageName(n byte, name string) string {
	if name == "" {
		return strconv.Itoa(int(n))
	}
	return strconv.Itoa(int(n)) + ", " + name
}

// countryPlaces are the characters that ESC R replaces; countries has what stands in their places (ESC/POS Command
// Reference, "International character set"). 15 is China's.
const countryPlaces = "#$@[\\]^`{|}~"

var countries = map[byte][]rune{
	1: []rune("#$à°ç§^`éùè¨"), 2: []rune("#$§ÄÖÜ^`äöüß"), 3: []rune("£$@[\\]^`{|}~"), 4: []rune("#$@ÆØÅ^`æøå~"),
	5: []rune("#¤ÉÄÖÅÜéäöåü"), 6: []rune("#$@°\\é^ùàòèì"), 7: []rune("₧$@¡Ñ¿^`¨ñ}~"), 8: []rune("#$@[¥]^`{|}~"),
	9: []rune("#¤ÉÆØÅÜéæøåü"), 10: []rune("#$ÉÆØÅÜéæøåü"), 11: []rune("#$á¡Ñ¿é`íñóú"), 12: []rune("#$á¡Ñ¿éüíñóú"),
	13: []rune("#$@[₩]^`{|}~"), 15: []rune("#¥@[\\]^`{|}~"),
}

// Wide is a set of two-byte characters. The zero value is GB18030.
type Wide string

// The sets of two-byte characters.
const (
	GB18030  Wide = "gb18030" // with its four-byte characters
	GB2312   Wide = "gb2312"  // of GB18030, what was there first
	ShiftJIS Wide = "shift-jis"
	Big5     Wide = "big5"
	EUCKR    Wide = "euc-kr"
)

func (w Wide) name() Wide {
	if w == "" {
		return GB18030
	}
	return w
}

func (w Wide) encoding() encoding.Encoding {
	switch w {
	case ShiftJIS:
		return japanese.ShiftJIS
	case Big5:
		return traditionalchinese.Big5
	case EUCKR:
		return korean.EUCKR
	case GB18030, GB2312:
	}
	return simplifiedchinese.GB18030
}

// length is how many bytes the character has that b begins with; 0 when that cannot be told yet.
func (w Wide) length(b []byte) int {
	n := 2
	switch {
	case w == ShiftJIS && b[0] >= 0xA0 && b[0] < 0xE0, b[0] == 0x80, b[0] == 0xFF:
		return 1 // a half-width kana, or nothing
	case w.name() == GB18030 && len(b) > 1 && b[1] >= '0' && b[1] <= '9':
		n = 4
	}
	if len(b) < n {
		return 0
	}
	return n
}

func (w Wide) decode(b []byte) (rune, bool) {
	out, err := w.encoding().NewDecoder().Bytes(b)
	r := []rune(string(out))
	if err != nil || len(r) != 1 {
		return utf8.RuneError, false
	}
	return r[0], r[0] != utf8.RuneError
}

// Encode gives the two bytes of r; false when the set has none. GB18030's four-byte characters are left out: few printers
// have them.
func (w Wide) Encode(r rune) ([]byte, bool) {
	if r < 0x80 {
		return nil, false
	}
	b, err := w.encoding().NewEncoder().Bytes([]byte(string(r)))
	return b, err == nil && len(b) == 2 && (w != GB2312 || inGB2312(b))
}

// inGB2312 tells whether two bytes are in the rows of GB2312: signs up to A9, characters of Chinese from B0 to F7. The others, and
// second bytes below A1, came with GBK.
func inGB2312(b []byte) bool {
	lead, trail := b[0], b[1]
	return trail >= 0xA1 && (lead >= 0xA1 && lead <= 0xA9 || lead >= 0xB0 && lead <= 0xF7)
}

// Columns is how many columns r takes by Unicode's East Asian Width (UAX #11), with ambiguous characters narrow.
func Columns(r rune) int {
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	default:
		return 1
	}
}
