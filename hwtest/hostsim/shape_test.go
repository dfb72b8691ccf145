package hostsim

import (
	"testing"
	"time"

	"posd/iso8583"
)

// rest gives every placeholder a value that is no sample.
var rest = iso8583.VarMap{
	"amount": "000000001999", "trace": "000042", "batch": "000007", "terminal": "10000001", "merchant": "898000000000001",
	"currency": "156", "entry": "02", "pan": "6228480000000000018", "expiry": "3012", "track2": "6228480000000000018D3012101",
	"time": "101112", "date": "0304", "reason": "other", "approval": "123456",
	"original.trace": "000041", "original.batch": "000006", "original.rrn": "260304000001", "original.approval": "654321",
}

func TestHostRecognisesEveryTransactionAndReversalOfTheDialect(t *testing.T) {
	d, err := iso8583.Preset("unionpay")
	if err != nil {
		t.Fatal(err)
	}
	shapes, err := learnShapes(d, Terminal{ID: "10000001", Merchant: "898000000000001"})
	if err != nil {
		t.Fatal(err)
	}
	for name, reversible := range map[string]bool{"sign-on": false, "echo": false, "sale": true, "void": true, "refund": false} {
		m, err := d.Build(name, rest)
		recogniseIt(t, d, shapes, m, err, name)
		if reversible {
			m, err = d.BuildReversal(name, rest)
			recogniseIt(t, d, shapes, m, err, name+"-reversal")
		}
	}
}

// recogniseIt sends a message through bytes and asks what it is.
func recogniseIt(t *testing.T, d *iso8583.Dialect, shapes []shape, m *iso8583.Message, err error, want string) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	packed, err := d.Pack(nil, m)
	if err != nil {
		t.Fatal(err)
	}
	if m, _, err = d.Unpack(packed); err != nil {
		t.Fatal(err)
	}
	h := &Host{dialect: d, shapes: shapes, clock: time.Now, ledger: &ledger{book: newBook()}}
	q := h.understand(m)
	if q.kind() != want || len(q.faults) > 0 || q.trace != "000042" || q.batch != "000007" || q.terminal != "10000001" {
		t.Errorf("%s is read as %s: %+v", want, q.kind(), q)
	}
	if q.name == KindVoid && !q.reversal && q.original != (original{batch: "000006", trace: "000041", rrn: "260304000001", approval: "654321"}) {
		t.Errorf("original of %s is %+v", want, q.original)
	}
	if q.name == KindVoid && q.card != "622848*********0018" {
		t.Errorf("card of %s is %q", want, q.card)
	}
}
