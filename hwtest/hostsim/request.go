package hostsim

import (
	"strconv"
	"strings"

	"posd/iso8583"
)

// request is what the host understood of a message. It holds no card number but a masked one.
type request struct {
	mti      string
	name     string // the dialect's transaction
	reversal bool   // it reverses a transaction of that name
	terminal string
	merchant string
	batch    string
	trace    string
	amount   int64
	currency string
	card     string
	reason   string // of a reversal
	original original
}

// original is how a void or refund names what it undoes; empty parts are not told.
type original struct{ batch, trace, rrn string }

// kind is what rules call it.
func (q *request) kind() string {
	if q.reversal {
		return q.name + "-reversal"
	}
	return q.name
}

// money tells whether it is about money, and so goes into the ledger.
func (q *request) money() bool {
	return q.name == KindSale || q.name == KindVoid || q.name == KindRefund
}

// read makes a request of a message; s is nil for a transaction that the dialect does not have.
func read(d *iso8583.Dialect, s *shape, m *iso8583.Message) *request {
	q := &request{
		mti:      m.MTI,
		terminal: strings.TrimRight(d.Role(m, "terminal"), " "),
		merchant: strings.TrimRight(d.Role(m, "merchant"), " "),
		batch:    d.Role(m, "batch"),
		trace:    d.Role(m, "trace"),
		currency: d.Role(m, "currency"),
		card:     maskedCard(m),
	}
	// An amount that is no number stays 0, which no sale has.
	q.amount, _ = strconv.ParseInt(d.Role(m, "amount"), 10, 64)
	if s != nil {
		q.name, q.reversal = s.name, s.reversal
		if q.reversal {
			q.reason = d.Role(m, "code")
		}
		q.original = original{
			batch: s.get(m, "original.batch"), trace: s.get(m, "original.trace"),
			rrn: strings.TrimRight(s.get(m, "original.rrn"), " "),
		}
	}
	return q
}

// maskedCard is the card number of field 2 or of track 2 or 3 as first 6 and last 4; "" without a card.
func maskedCard(m *iso8583.Message) string {
	pan := cardNumber(m)
	if len(pan) < 11 { // nothing to hide in between
		return ""
	}
	return pan[:6] + strings.Repeat("*", len(pan)-10) + pan[len(pan)-4:]
}

// cardNumber finds the card number; ISO 8583 fixes these field numbers in every dialect.
func cardNumber(m *iso8583.Message) string {
	if m.Has(2) {
		return m.Text(2)
	}
	track := m.Text(35)
	if end := strings.IndexAny(track, "D=d"); end > 0 {
		return track[:end]
	}
	return ""
}
