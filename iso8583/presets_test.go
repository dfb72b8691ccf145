package iso8583_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"posd/iso8583"
)

// everyVar has a value for each placeholder, as long as the true one.
func everyVar() iso8583.VarMap {
	v := vars()
	maps.Copy(v, map[string]string{
		"time": "193800", "date": "1122", "year": "26", "expiry": "3012", "track3": "", "currency": "156", "approval": "A1B2C3", "code": "284412345678901234", "order": "ORDER-1",
		"original.date": "1121", "original.year": "25", "original.time": "120000", "original.kind": "sale", "amount.original": "000000001999",
		"debit.amount": "000000012345", "debit.count": "007", "credit.amount": "000000000100", "credit.count": "001", "batch.count": "0008",
	})
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

func TestPublicPaymentByCodeIsReadByItsTagsAndBuiltAlike(t *testing.T) {
	d := unionpay(t)
	for _, v := range messageVectors(t) {
		if !strings.Contains(v.Name, "QR") {
			continue
		}
		m, _, _, err := d.UnpackPasted(unhex(t, v.Hex))
		if err != nil {
			t.Fatal(err)
		}
		for path, want := range map[string]string{"62.5F01": "284412345678901234", "62.5F03": "160036", "62.5F04": "200826", "62.5C": "01", "60.1": "26", "60.2": "000001", "60.4": "6", "60.7": "000"} {
			if got, ok := d.Part(m, path); !ok || got != want {
				t.Errorf("%s: got %q, want %q", path, got, want)
			}
		}
		own, err := d.Build("qr-sale", everyVar())
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range []int{3, 22, 25} {
			if own.Text(n) != m.Text(n) {
				t.Errorf("F%d: got %q, the public message has %q", n, own.Text(n), m.Text(n))
			}
		}
		if got, want := own.Text(62), m.Text(62)[:len("hex:5F0112")+36]; got != want {
			t.Errorf("F62: got %q, the public message begins with %q", got, want)
		}
		return
	}
	t.Error("there is no such vector")
}

func TestUnionPaySettlementAndUploadHaveTheLayoutsOfTheReference(t *testing.T) {
	d := unionpay(t)
	totals, err := d.Build("settlement", everyVar())
	if err != nil {
		t.Fatal(err)
	}
	if got, want := totals.Text(48), "000000012345"+"007"+"000000000100"+"001"+"0"+strings.Repeat("0", 31); got != want {
		t.Errorf("totals: got %q, want %q", got, want)
	}
	reply := &iso8583.Message{MTI: "0510"}
	reply.Set(39, "00")
	reply.Set(48, totals.Text(48)[:30]+"2"+totals.Text(48)[31:])
	if balanced, unbalanced := d.SettlementResult(reply); balanced || !unbalanced {
		t.Errorf("result 2: got balanced %v, unbalanced %v", balanced, unbalanced)
	}
	if got, _ := d.Part(reply, "48.5"); got != "2" {
		t.Errorf("48.5: got %q", got)
	}
	scanned := batchItem()
	scanned["item.pan"] = ""
	v, err := d.WithItems(everyVar(), []iso8583.Vars{batchItem(), scanned})
	if err != nil {
		t.Fatal(err)
	}
	upload, err := d.Build("batch-upload", v)
	if err != nil {
		t.Fatal(err)
	}
	want := "02" + "00" + "000123" + "00004111111111111111" + "000000001999" + "00" + "000123" + strings.Repeat("0", 20) + "000000001999"
	if got := upload.Text(48); got != want || upload.Text(60) != "00000007201" {
		t.Errorf("upload: got %q, F60 %q", got, upload.Text(60))
	}
	end, err := d.Build("batch-end", everyVar())
	if err != nil || end.Text(48) != "0008" || end.Text(60) != "00000007202" {
		t.Errorf("end: %v, F48 %q, F60 %q", err, end.Text(48), end.Text(60))
	}
}

func TestUnionPayReversalsNameTheOriginalAsTheReferenceHasIt(t *testing.T) {
	d := unionpay(t)
	unknown := everyVar()
	unknown["original.date"] = ""
	for transaction, want := range map[string]string{
		"sale": "", "pre-auth": "", "void": "000006000100",
		"pre-auth-void": "0000060001000000", "completion": "0000060001000000", "completion-void": "0000060001000000",
	} {
		undo, err := d.BuildReversal(transaction, unknown)
		if err != nil {
			t.Fatal(err)
		}
		if undo.Text(61) != want || undo.Text(39) != "98" || undo.Text(60)[2:8] != "000007" {
			t.Errorf("%s: F61 %q, F39 %q, F60 %q", transaction, undo.Text(61), undo.Text(39), undo.Text(60))
		}
	}
	for _, transaction := range []string{"balance", "refund", "qr-refund", "settlement", "sign-off"} {
		if d.ReversalNeeds(transaction) != nil {
			t.Errorf("something reverses %s", transaction)
		}
	}
}

func TestHeaderAsksForASignOn(t *testing.T) {
	d := unionpay(t)
	request, signOn := d.HeaderRequest(&iso8583.Message{Header: "602200000000"})
	if request != "" || signOn {
		t.Errorf("no request: got %q, %v", request, signOn)
	}
	if request, signOn = d.HeaderRequest(&iso8583.Message{Header: "602203000000"}); request != "sign on again" || !signOn {
		t.Errorf("digit 3: got %q, %v", request, signOn)
	}
}

// The sample of the public iso_8583 codecs, field 127.25 apart from its length.
const postilionChip = "7E1E5F7C0000000000000000500000000000000014A00000000310105C000128FF0061F379D43D5AEEBC8002800000000000000001E0302031F00" +
	"0203001406010A03A09000008CE0D0C840421028004880040417091180000014760BAC24959"

func TestPostilionReadsThePublicSample(t *testing.T) {
	d, err := iso8583.Preset("postilion")
	if err != nil {
		t.Fatal(err)
	}
	m := &iso8583.Message{MTI: "0100"}
	m.SetBytes(127, append(unhex(t, "0000008000000000"), "0192"+postilionChip...))
	m.Set(123, "91010151134C101")
	for path, want := range map[string]string{
		"127.25.2": "000000005000", "127.25.3": "000000000000", "127.25.4": "A0000000031010", "127.25.5": "5C00", "127.25.6": "0128", "127.25.7": "FF00",
		"127.25.12": "61F379D43D5AEEBC", "127.25.13": "80", "127.25.14": "00000000000000001E0302031F00", "127.25.15": "020300",
		"127.25.18": "06010A03A09000", "127.25.20": "008C", "127.25.21": "E0D0C8", "127.25.22": "404", "127.25.23": "21", "127.25.24": "0280048800",
		"127.25.26": "404", "127.25.27": "170911", "127.25.28": "00000147", "127.25.29": "60", "127.25.30": "BAC24959", "123.7": "5", "123.14": "01",
	} {
		if got, ok := d.Part(m, path); !ok || got != want {
			t.Errorf("%s: got %q, %v, want %q", path, got, ok, want)
		}
	}
	was := m.Text(127)
	if err := d.SetPart(m, "127.25.28", "00000147"); err != nil || m.Text(127) != was {
		t.Errorf("set to itself: %v", err)
	}
	parts, err := d.Parts(m, 127)
	if err != nil || len(parts) != 22 {
		t.Errorf("got %d parts, %v", len(parts), err)
	}
}

func Test1993SaysTimeFunctionAndOriginalInItsOwnWay(t *testing.T) {
	d, err := iso8583.Preset("iso93-ascii")
	if err != nil {
		t.Fatal(err)
	}
	undo, err := d.BuildReversal("sale", everyVar())
	if err != nil {
		t.Fatal(err)
	}
	for n, want := range map[int]string{12: "261122193800", 24: "400", 25: "4021", 56: "120000012326112219380000"} {
		if undo.Text(n) != want {
			t.Errorf("F%d: got %q, want %q", n, undo.Text(n), want)
		}
	}
	if undo.MTI != "1420" || d.Role(undo, "time") != "193800" || d.Role(undo, "date") != "1122" {
		t.Errorf("%v at %q %q", undo, d.Role(undo, "date"), d.Role(undo, "time"))
	}
}
