package hostsim

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

func add(t *testing.T, l *ledger, e Entry) Entry {
	t.Helper()
	e.Time = noon
	e, err := l.add(e)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// saleVoidedAndBack books a sale, its void, the void's reversal, a refund of a part, and a declined sale.
func saleVoidedAndBack(t *testing.T, l *ledger) {
	t.Helper()
	s := add(t, l, Entry{Kind: KindSale, Trace: "000001", Amount: 1999, Captured: 1999, Code: "00", Approved: true})
	v := add(t, l, Entry{Kind: KindVoid, Original: s.Seq, Trace: "000002", Amount: 1999, Captured: 1999, Code: "00", Approved: true})
	add(t, l, Entry{Kind: KindReversal, Of: KindVoid, Original: v.Seq, Trace: "000002", Amount: 1999, Code: "00", Approved: true})
	add(t, l, Entry{Kind: KindRefund, Original: s.Seq, Trace: "000003", Amount: 500, Captured: 500, Code: "00", Approved: true})
	add(t, l, Entry{Kind: KindSale, Trace: "000004", Amount: 700, Code: "51"})
}

func left(entries []Entry) (sum int64) {
	for _, e := range entries {
		sum += e.Net()
	}
	return sum
}

func TestNetCountsWhatIsLeftCaptured(t *testing.T) {
	l, err := openLedger("")
	if err != nil {
		t.Fatal(err)
	}
	saleVoidedAndBack(t, l)
	if got := left(l.all()); got != 1499 {
		t.Errorf("net after a reversed void and a refund of 500 = %d, want 1499", got)
	}
	if s := l.all()[0]; s.Voided || s.Refunded != 500 || s.Reversed {
		t.Errorf("sale is %+v, want not voided, 500 refunded", s)
	}
}

func TestLedgerFileReadsBackEqual(t *testing.T) {
	path := filepath.Join(t.TempDir(), "host.jsonl")
	l, err := openLedger(path)
	if err != nil {
		t.Fatal(err)
	}
	saleVoidedAndBack(t, l)
	want := l.all()
	if err := l.close(); err != nil {
		t.Fatal(err)
	}
	got, err := ReadLedger(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != len(want) {
		t.Fatalf("%d entries read back, want %d", len(got), len(want))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("entry %d = %+v, want %+v", i+1, got[i], want[i])
		}
	}
}

func TestLedgerDropsALineCutShortAndGoesOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "host.jsonl")
	l, err := openLedger(path)
	if err != nil {
		t.Fatal(err)
	}
	add(t, l, Entry{Kind: KindSale, Captured: 1, Approved: true})
	if _, err := l.file.WriteString(`{"seq":2,"ki`); err != nil {
		t.Fatal(err)
	}
	_ = l.close()

	if l, err = openLedger(path); err != nil {
		t.Fatal(err)
	}
	if e := add(t, l, Entry{Kind: KindSale, Captured: 2, Approved: true}); e.Seq != 2 {
		t.Errorf("next entry has seq %d, want 2", e.Seq)
	}
	_ = l.close()
	if got, err := ReadLedger(path); err != nil || left(got) != 3 {
		t.Errorf("left = %d, %v; want 3", left(got), err)
	}
}

func TestDamagedLedgerIsNamedWithItsLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "host.jsonl")
	if err := os.WriteFile(path, []byte("{\"seq\":1}\n{broken\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := openLedger(path); err == nil {
		t.Error("a damaged ledger was opened")
	}
}

func TestACompletionThatIsVoidedOrReversedGivesTheReservationBack(t *testing.T) {
	l, err := openLedger("")
	if err != nil {
		t.Fatal(err)
	}
	card := "411111******1111"
	state := func() [4]int64 {
		all := l.all()
		return [4]int64{left(all), all[0].Hold(), all[0].Completed, l.balance(card, 1000)}
	}
	pre := add(t, l, Entry{Kind: KindPreAuth, Card: card, Amount: 500, Held: 500, Approved: true})
	done := add(t, l, Entry{Kind: KindCompletion, Card: card, Original: pre.Seq, Amount: 300, Captured: 300, Approved: true})
	want := func(what string, wanted [4]int64) {
		t.Helper()
		if got := state(); got != wanted {
			t.Errorf("%s: captured, held, completed and balance are %v, want %v", what, got, wanted)
		}
	}
	want("completed", [4]int64{300, 200, 300, 500})
	void := add(t, l, Entry{Kind: KindCompletionVoid, Card: card, Original: done.Seq, Amount: 300, Captured: 300, Approved: true})
	want("voided", [4]int64{0, 500, 0, 500})
	add(t, l, Entry{Kind: KindReversal, Of: KindCompletionVoid, Card: card, Original: void.Seq, Approved: true})
	want("the void reversed", [4]int64{300, 200, 300, 500})
	add(t, l, Entry{Kind: KindReversal, Of: KindCompletion, Card: card, Original: done.Seq, Approved: true})
	want("reversed", [4]int64{0, 500, 0, 500})
}
