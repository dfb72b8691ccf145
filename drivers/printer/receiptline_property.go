package printer

import (
	"encoding/base64"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"posd/drivers/printer/symbol"
)

// properties reads what stands between braces.
func (m *markup) properties(text string, align Align) {
	for _, member := range splitAt(text, ';') {
		key, value, _ := strings.Cut(member, ":")
		value = strings.TrimSpace(value)
		switch strings.ToLower(strings.TrimSpace(key)) {
		case "image", "i":
			m.add(Line{Kind: Image, Align: standing(align), Data: unescape(value)})
		case "code", "c":
			m.symbol(unescape(value), align)
		case "option", "o":
			m.option(value)
		case "align", "a":
			m.setAlign(value)
		case "width", "w":
			m.setWidths(value)
		case "border", "b":
			m.setBorder(value)
		case "text", "t":
			m.nowrap = strings.EqualFold(value, "nowrap")
		case "command", "x":
			m.add(Line{Kind: Raw, Data: base64.StdEncoding.EncodeToString(latin1(unescape(value)))})
		}
	}
}

// standing is an alignment for what would stand in the center if nothing was said.
func standing(a Align) Align {
	if a == Left {
		return AtLeft
	}
	return a
}

func latin1(s string) []byte {
	var b []byte
	for _, r := range s {
		b = append(b, byte(min(r, 0xFF)))
	}
	return b
}

func (m *markup) symbol(data string, align Align) {
	l := Line{Kind: Barcode, Align: standing(align), Code: m.code, Data: data}
	if m.qr {
		l.Kind, l.Code = QR, Code{Kind: symbol.QR, Module: m.cell, Level: m.level}
	}
	switch digits := len(data); {
	case l.Code.Kind == symbol.EAN13 && digits < 12:
		l.Code.Kind = symbol.EAN8
	case l.Code.Kind == symbol.UPCA && digits < 11:
		l.Code.Kind = symbol.UPCE
	}
	m.add(l)
}

var blanks = regexp.MustCompile(`[\s,]+`)

func words(value string) []string {
	return slices.DeleteFunc(blanks.Split(value, -1), func(s string) bool { return s == "" })
}

// codeNames are the kinds of codes.
var codeNames = map[string]string{
	"upc": symbol.UPCA, "ean": symbol.EAN13, "jan": symbol.EAN13, "code39": symbol.Code39, "itf": symbol.ITF,
	"codabar": symbol.Codabar, "nw7": symbol.Codabar, "code93": symbol.Code93, "code128": symbol.Code128, "qrcode": symbol.QR,
}

// option reads the look of codes. A number is a module when it is small, a height when it is not.
func (m *markup) option(value string) {
	m.code, m.qr, m.cell, m.level = Code{Kind: symbol.Code128, Module: 2, Height: 72}, false, 3, "L"
	for _, word := range words(strings.ToLower(value)) {
		n, err := strconv.Atoi(word)
		switch kind := codeNames[word]; {
		case kind == symbol.QR:
			m.qr = true
		case kind != "":
			m.code.Kind, m.qr = kind, false
		case word == "hri" || word == "nohri":
			m.code.Text = word == "hri"
		case len(word) == 1 && strings.Contains("lmqh", word):
			m.level = strings.ToUpper(word)
		case err == nil && n >= 24 && n <= 240:
			m.code.Height = n
		case err == nil && n >= 2 && n <= 8:
			m.code.Module, m.cell = min(n, 4), max(n, 3)
		}
	}
}

func (m *markup) setAlign(value string) {
	switch strings.ToLower(value) {
	case "left":
		m.align = Left
	case "right":
		m.align = Right
	default:
		m.align = Center
	}
}

func (m *markup) setWidths(value string) {
	m.widths = nil
	all := words(strings.ToLower(value))
	if len(all) == 0 || len(all) == 1 && (all[0] == "auto" || all[0] == "*") {
		return
	}
	m.widths = []int{}
	for _, word := range all {
		n, err := strconv.Atoi(word)
		switch {
		case word == "*" || err != nil:
			m.widths = append(m.widths, 0)
		case n <= 0:
			m.widths = append(m.widths, -1)
		default:
			m.widths = append(m.widths, n)
		}
	}
}

func (m *markup) setBorder(value string) {
	want, ok := map[string]Border{
		"line": BorderLine, "space": BorderSpace, "none": BorderNone, "0": BorderNone, "1": BorderSpace, "2": BorderWide,
	}[strings.ToLower(value)]
	if !ok || want == m.border {
		return
	}
	m.close()
	m.border = want
	m.top = want == BorderLine
}
