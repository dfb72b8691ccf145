package hostsim

import (
	"crypto/hmac"
	"crypto/sha256"
	"slices"
	"strconv"
	"strings"
	"time"

	"posd/iso8583"
)

// request is what the host understood of a message. It holds no card number but a masked one.
type request struct {
	at       time.Time
	mti      string
	name     string // the dialect's transaction; "" for one that it does not have
	reversal bool   // it reverses a transaction of that name
	terminal string
	merchant string
	batch    string // "" where the transaction tells none
	nii      string // likewise
	network  string // what the TPDU is addressed to; "" where it does not say
	trace    string
	amount   int64
	priced   bool // it tells an amount
	currency string
	card     string // masked card number or code of a wallet
	code     string // keyed hash of a wallet's code
	sealed   bool   // an encrypted track names the card: nobody here opens it
	reason   string // of a reversal
	original original
	close    *Closing
	shape    *shape  // nil where name is ""
	faults   []fault // what is wrong with its form
}

// original is how a void, refund or completion names what it is about; empty parts are not told.
type original struct{ batch, trace, rrn, approval, date, time, amount, kind string }

// kind is what rules call it.
func (q *request) kind() string {
	if q.reversal {
		return q.name + "-" + KindReversal
	}
	return q.name
}

// trade is what the request does with money; ok is false where it is about none.
func (q *request) trade() (t trade, ok bool) {
	t, ok = trades[q.name]
	return t, ok
}

// closes tells whether it is part of the close of a batch.
func (q *request) closes() bool {
	return q.name == KindSettlement || q.name == KindUpload || q.name == KindBatchEnd
}

// blame notes a fault.
func (q *request) blame(path, rule string) { q.faults = append(q.faults, fault{path, rule}) }

// understand makes a request of a message.
func (h *Host) understand(m *iso8583.Message) *request {
	c, odd := spell(h.dialect, m)
	fits := recognise(h.shapes, m.MTI, c)
	if len(fits) == 0 || slices.ContainsFunc(fits[0].faults, func(f fault) bool { return f.path == processingCode }) {
		return h.read(fit{}, m, c)
	}
	requests := make([]*request, len(fits))
	for i, f := range fits {
		requests[i] = h.read(f, m, c)
		for _, path := range odd {
			requests[i].blame(path, "cannot be read inside")
		}
	}
	if i := slices.IndexFunc(requests, h.knows); i >= 0 {
		return requests[i]
	}
	return requests[0]
}

// processingCode is the field that tells the transactions of a type apart. A code that the dialect does not have is no
// wrong message but another transaction.
const processingCode = "3"

// knows tells whether the ledger has what a request is about: it decides between transactions that look alike.
func (h *Host) knows(q *request) bool {
	var ok bool
	switch t, _ := q.trade(); {
	case q.reversal:
		_, ok = h.reversed(q)
	case len(t.of) > 0:
		_, ok = h.original(q)
	}
	return ok
}

// read takes what the host needs out of a message that has a shape, or none.
func (h *Host) read(f fit, m *iso8583.Message, c contents) *request {
	d := h.dialect
	q := &request{
		at: h.now(), mti: m.MTI, shape: f.shape, faults: f.faults, network: iso8583.NII(m.TPDU),
		terminal: trimmed(d, m, "terminal"),
		merchant: trimmed(d, m, "merchant"),
		trace:    d.Role(m, "trace"),
		currency: d.Role(m, "currency"),
		card:     masked(cardNumber(m)),
	}
	if f.shape == nil {
		return q
	}
	get := func(hole string) string { return f.shape.get(c, hole) }
	q.name, q.reversal = f.shape.name, f.shape.reversal
	q.batch, q.nii = get("batch"), get("nii")
	if text := d.Role(m, "amount"); f.shape.has("amount") || text != "" {
		q.priced = true
		q.amount = h.digits(q, "amount", text)
	}
	if q.reversal {
		q.reason = d.Role(m, "code")
	}
	if code := get("code"); code != "" {
		q.card, q.code = masked(code), h.hash(code)
	}
	h.readSealed(q, get)
	h.readChip(q, c)
	q.original = original{
		batch: get("original.batch"), trace: get("original.trace"), rrn: strings.TrimRight(get("original.rrn"), " "),
		approval: strings.TrimRight(get("original.approval"), " "), date: get("original.date"), time: get("original.time"),
		amount: get("amount.original"), kind: get("original.kind"),
	}
	h.readClose(q, get)
	return q
}

// readSealed looks at what an encrypting reader gave. Its ciphertext is whole blocks, and is worth nothing without the number of
// its key.
func (h *Host) readSealed(q *request, get func(string) string) {
	for _, hole := range []string{"encrypted.track1", "encrypted.track2", "encrypted.track3"} {
		text := get(hole)
		if text == "" {
			continue
		}
		q.sealed = true
		if len(text)%16 != 0 {
			q.blame(q.shape.at[hole].path, "is no whole blocks of ciphertext")
		}
		if len(get("encrypted.ksn")) != 20 {
			q.blame(q.shape.at[hole].path, "is ciphertext without the number of its key")
		}
	}
}

// readChip wants a chip's data whole: what an issuer needs to look at the cryptogram, and the amount that was asked for.
func (h *Host) readChip(q *request, c contents) {
	if !slices.ContainsFunc(c.paths(), func(path string) bool { return strings.HasPrefix(path, chipData) }) {
		return
	}
	for _, tag := range []string{"9F26", "9F27", "9F10", "9F37", "9F36", "95", "9A", "9C", "9F02", "5F2A", "82", "9F1A"} {
		if c[chipData+"."+tag] == "" {
			q.blame(chipData+"."+tag, "is missing: an issuer needs it")
		}
	}
	if told, err := strconv.ParseInt(c[chipData+".9F02"], 10, 64); err == nil && told != q.amount {
		q.blame(chipData+".9F02", "is not the amount of the request")
	}
}

// hash tells a secret from others without keeping it. Its key ends with the host.
func (h *Host) hash(secret string) string {
	mac := hmac.New(sha256.New, h.secret)
	_, _ = mac.Write([]byte(secret)) // a hash never fails to write
	return string(mac.Sum(nil))
}

// digits reads a number that a role holds. What is none counts as 0 and is a fault of the message.
func (h *Host) digits(q *request, role, text string) int64 {
	n, err := strconv.ParseUint(text, 10, 62)
	if err != nil {
		q.blame(h.roles.path[role], "is no number")
	}
	return int64(n)
}

// masked is a card number as first 6 and last 4; "" for what is too short to be one.
func masked(pan string) string {
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
