package iso8583_test

import (
	"slices"
	"strings"
	"testing"

	"posd/iso8583"
)

// everyVar has a value for each placeholder, as long as the true one.
func everyVar() iso8583.VarMap {
	v := vars()
	for name, value := range map[string]string{
		"time": "193800", "date": "1122", "year": "26", "expiry": "3012", "track3": "", "currency": "156", "approval": "A1B2C3", "code": "284412345678901234", "order": "ORDER-1",
		"original.date": "1121", "original.time": "120000", "original.kind": "sale", "amount.original": "000000001999",
		"debit.amount": "000000012345", "debit.count": "007", "credit.amount": "000000000100", "credit.count": "001", "batch.count": "0008",
	} {
		v[name] = value
	}
	return v
}

// batchItem is one payment of a batch upload.
func batchItem() iso8583.VarMap {
	return iso8583.VarMap{
		"item.trace": "000123", "item.amount": "000000001999", "item.pan": "4111111111111111", "item.expiry": "3012", "item.rrn": "123456789012",
		"item.approval": "A1B2C3", "item.date": "1122", "item.time": "193800", "item.kind": "sale",
	}
}

// valuesFor adds a batch's items where the dialect uploads any.
func valuesFor(t *testing.T, d *iso8583.Dialect, transaction string) iso8583.Vars {
	t.Helper()
	if transaction != "batch-upload" {
		return everyVar()
	}
	items := slices.Repeat([]iso8583.Vars{batchItem()}, d.Settlement().ItemsPerMessage)
	v, err := d.WithItems(everyVar(), items)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestEveryPresetBuildsPacksAndReadsEveryTransactionAndItsReversal(t *testing.T) {
	for _, name := range iso8583.Presets() {
		d, err := iso8583.Preset(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, must := range []string{"sign-on", "echo", "sale", "void", "refund"} {
			if !d.HasTransaction(must) {
				t.Errorf("%s has no %s", name, must)
			}
		}
		for _, transaction := range d.Transactions() {
			m, err := d.Build(transaction, valuesFor(t, d, transaction))
			if err != nil {
				t.Errorf("%s: %s: %v", name, transaction, err)
				continue
			}
			comesBack(t, d, transaction, m)
			if d.ReversalNeeds(transaction) == nil {
				continue
			}
			undo, err := d.BuildReversal(transaction, everyVar())
			if err != nil {
				t.Errorf("%s: reversal of %s: %v", name, transaction, err)
				continue
			}
			comesBack(t, d, transaction+" reversal", undo)
			if undo.Text(11) != m.Text(11) || undo.Has(35) || undo.Has(52) {
				t.Errorf("%s: reversal of %s is %v", name, transaction, undo)
			}
		}
	}
}

// comesBack packs, unpacks and packs again, and looks into every field that has parts.
func comesBack(t *testing.T, d *iso8583.Dialect, what string, m *iso8583.Message) {
	t.Helper()
	packed, err := d.Pack(nil, m)
	if err != nil {
		t.Errorf("%s: %s: %v", d.Name(), what, err)
		return
	}
	again, trailing, err := d.Unpack(packed)
	if err != nil || trailing != 0 || again.MTI != m.MTI || !slices.Equal(again.Fields(), m.Fields()) {
		t.Errorf("%s: %s: %v, %d trailing; got %v, want %v", d.Name(), what, err, trailing, again, m)
		return
	}
	for _, n := range m.Fields() {
		if got, want := strings.TrimRight(again.Text(n), " "), strings.TrimRight(m.Text(n), " "); got != want {
			t.Errorf("%s: %s: F%d: got %q, want %q", d.Name(), what, n, got, want)
		}
		if _, err := d.Parts(again, n); err != nil {
			t.Errorf("%s: %s: %v", d.Name(), what, err)
		}
	}
	for n, shown := range d.Masked(again) {
		if strings.Contains(shown, "4111111") || strings.Contains(shown, "2844123") {
			t.Errorf("%s: %s: the journal would keep F%s", d.Name(), what, n)
		}
	}
	for _, l := range d.Describe(again, false) {
		if strings.Contains(l.Value, "4111111") || strings.Contains(l.Value, "2844123") || strings.Contains(l.Value, "32383434") {
			t.Errorf("%s: %s: the bench would show F%d", d.Name(), what, l.Field)
		}
	}
}

func TestEveryPresetSaysWhatItsAnswersMeanInTwoLanguages(t *testing.T) {
	for _, name := range iso8583.Presets() {
		d, err := iso8583.Preset(name)
		if err != nil {
			t.Fatal(err)
		}
		approved := map[bool]string{true: "000", false: "00"}[name == "iso93-ascii"]
		if a := d.Action(approved); a.Action != iso8583.ActionApprove {
			t.Errorf("%s: %s is %v", name, approved, a.Action)
		}
		for _, code := range []string{"00", "01", "04", "05", "51", "54", "55", "91", "94", "96", "000", "100", "116", "117", "200", "909", "913"} {
			a := d.Action(code)
			if a.TextEN == "" || a.TextZH == "" {
				t.Errorf("%s: %s has no text: %+v", name, code, a)
			}
		}
		if d.MACRule().Field == 0 || d.RoleField("keys") == 0 || d.Title() == "" {
			t.Errorf("%s: no MAC, no keys or no title", name)
		}
	}
}
