package hostsim

import (
	"posd/iso8583"
)

// result is where the answer to a settlement says whether the totals agree; with no path it says so by code.
type result struct {
	place
	balanced, unbalanced string
}

// learnResult finds it by trying what the dialect reads out of an answer: one character anywhere in the fields that m, a
// settlement, has, or one or two alone in a field that it does not have.
func learnResult(d *iso8583.Dialect, m *iso8583.Message) result {
	m.MTI = answerMTI(m.MTI)
	c, _ := spell(d, m)
	for _, path := range c.paths() {
		if text := c[path]; path != pathOf(d, "code") {
			for off := range len(text) {
				if r := tryWords(d, m, place{path, off, 1}, text); r.path != "" {
					return r
				}
			}
			_ = setPath(d, m, path, text) // it held this before
		}
	}
	for n := 2; n <= iso8583.MaxField; n++ {
		for size := 1; size <= 2 && !m.Has(n); size++ {
			r := tryWords(d, m, place{number(n), 0, size}, "**"[:size])
			if m.Unset(n); r.path != "" {
				return r
			}
		}
	}
	return result{}
}

// tryWords writes every word of the place's length there and asks what the dialect makes of it.
func tryWords(d *iso8583.Dialect, m *iso8583.Message, at place, text string) result {
	r := result{place: at}
	set := digits + letters
	if at.n > 1 {
		set = digits
	}
	for _, word := range codesOfLength(at.n, set) {
		if setPath(d, m, at.path, text[:at.off]+word+text[at.off+at.n:]) != nil {
			continue
		}
		yes, no := d.SettlementResult(m)
		if yes && r.balanced == "" {
			r.balanced = word
		}
		if no && r.unbalanced == "" {
			r.unbalanced = word
		}
	}
	if r.balanced == "" || r.unbalanced == "" { // the place says nothing
		return result{}
	}
	return r
}

// tellResult writes it into an answer.
func (h *Host) tellResult(reply *iso8583.Message, balanced bool) {
	if h.result.path == "" {
		return
	}
	word := h.result.unbalanced
	if balanced {
		word = h.result.balanced
	}
	if c, _ := spell(h.dialect, reply); c[h.result.path] == "" {
		h.write(reply, h.result.path, word)
		return
	}
	h.set(reply, h.result.place, word)
}

// settlementCodes gives the codes by which the dialect says it; "" where it does not say it by code.
func settlementCodes(d *iso8583.Dialect, size int) (balanced, unbalanced string) {
	field := pathOf(d, "code")
	for _, code := range codesOfLength(size, digits) {
		m := &iso8583.Message{MTI: "0510"}
		if setPath(d, m, field, code) != nil {
			continue
		}
		yes, no := d.SettlementResult(m)
		if yes && balanced == "" {
			balanced = code
		}
		if no && unbalanced == "" {
			unbalanced = code
		}
	}
	return balanced, unbalanced
}
