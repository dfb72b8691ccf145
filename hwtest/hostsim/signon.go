package hostsim

import (
	"errors"
	"fmt"
	"io"

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

// newKeys makes working keys, loads them, and gives the block that tells them to the terminal.
func (h *Host) newKeys(t *terminal) ([]byte, error) {
	pik, mak := make([]byte, 16), make([]byte, makBytes(h.dialect.MACRule()))
	if err := errors.Join(readKey(h.rand, pik), readKey(h.rand, mak)); err != nil {
		return nil, err
	}
	block, err := iso8583.WrapWorkingKeys(h.tmk, pik, mak, nil)
	if err != nil {
		return nil, err
	}
	return block, t.keys.LoadWorkingKeys(block)
}

func readKey(r io.Reader, key []byte) error {
	if _, err := io.ReadFull(r, key); err != nil {
		return fmt.Errorf("make key: %w", err)
	}
	return nil
}

// makBytes is the length of a MAC key: as the dialect says, else as its algorithm needs.
func makBytes(rule iso8583.MACRule) int {
	switch {
	case rule.KeyBytes != 0:
		return rule.KeyBytes
	case rule.Algorithm == iso8583.UnionPayECB || rule.Algorithm == iso8583.X99 || rule.Algorithm == "":
		return 8
	default:
		return 16
	}
}
