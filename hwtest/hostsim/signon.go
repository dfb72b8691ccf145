package hostsim

import (
	"fmt"
	"io"
	"strings"

	"posd/iso8583"
)

// bookLine does what is about the line and no payment: sign-on, sign-off, echo.
func (h *Host) bookLine(reply *iso8583.Message, q *request, t *terminal) (Entry, error) {
	e := h.entry(q)
	e.Code, e.Approved = h.codes.Line, true
	switch q.name {
	case KindSignOn:
		if err := h.signOn(reply, q, t); err != nil {
			return e, err
		}
	case KindSignOff:
		t.forget()
	}
	return h.ledger.add(e)
}

// forget makes a terminal sign on again.
func (t *terminal) forget() {
	t.on = false
	_ = t.keys.Set(iso8583.MAK, nil) // to empty a slot never fails
	_ = t.keys.Set(iso8583.PIK, nil)
}

// signOn gives the terminal new working keys, if the dialect has a place for them, and its batch number.
func (h *Host) signOn(reply *iso8583.Message, q *request, t *terminal) error {
	if h.roles.path["keys"] != "" {
		block, err := h.newKeys(t)
		if err != nil {
			return err
		}
		h.putBytes(reply, "keys", block)
	}
	t.on = true
	if at, ok := q.shape.at["batch"]; ok {
		h.set(reply, at, t.Batch)
	}
	return nil
}

// keyBlock is how the working keys are told: so many bytes for each key, and whether there is one for tracks. There are
// four such blocks (reference: UnionPay, field 62 of a 0810).
type keyBlock struct {
	place int
	track bool
}

var keyBlocks = map[int]keyBlock{24: {8, false}, 40: {16, false}, 60: {16, true}, 84: {24, true}}

// usualBlock is the length of the block that holds a MAC key of so many bytes where nobody wants another.
func usualBlock(mak int) int {
	if mak > 16 {
		return 84
	}
	return 40
}

// blockFor chooses the block, or says why a MAC key has no room in the one that is wanted.
func blockFor(rule iso8583.MACRule, want int) (keyBlock, error) {
	mak := rule.StandardKey()
	if want == 0 {
		want = usualBlock(mak)
	}
	b, ok := keyBlocks[want]
	switch {
	case !ok:
		return b, fmt.Errorf("no key block has %d bytes: 24, 40, 60 or 84", want)
	case mak > b.place:
		return b, fmt.Errorf("a key block of %d bytes has no room for a MAC key of %d", want, mak)
	}
	return b, nil
}

// newKeys makes working keys, loads them, and gives the block that tells them to the terminal.
func (h *Host) newKeys(t *terminal) ([]byte, error) {
	rule := h.dialect.MACRule()
	mak := rule.StandardKey()
	if mak == 0 { // the dialect has no MAC; the block has a key for it all the same
		mak = 8
	}
	keys := [][]byte{make([]byte, h.block.place), make([]byte, mak), nil}
	if h.block.track {
		keys[2] = make([]byte, h.block.place)
	}
	for _, key := range keys {
		if _, err := io.ReadFull(h.rand, key); err != nil {
			return nil, fmt.Errorf("make key: %w", err)
		}
	}
	wrap := iso8583.WrapWorkingKeys
	if strings.Contains(rule.Algorithm, "sm4") && len(h.tmk) == 16 && h.block.place == 16 {
		wrap = iso8583.WrapWorkingKeysSM4 // which has keys of that length only
	}
	block, err := wrap(h.tmk, keys[0], keys[1], keys[2])
	if err != nil {
		return nil, err
	}
	return block, t.keys.LoadWorkingKeys(block)
}
