package iso8583_test

import (
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"posd/iso8583"
)

func TestBrokenDialectsNameLineAndKey(t *testing.T) {
	text, err := os.ReadFile("testdata/other.toml")
	if err != nil {
		t.Fatal(err)
	}
	whole := string(text)
	for name, c := range map[string]struct{ old, broken, key, says string }{
		"syntax":            {`length       = "ascii4"`, `length       = `, "", ""},
		"unknown key":       {`max          = 2000`, `maximum = 2000`, "frame.maximum", "unknown key"},
		"wrong type":        {`max          = 2000`, `max = "much"`, "frame.max", ""},
		"unknown length":    {`"ascii4"`, `"ascii3"`, "frame.length", "bin2, bcd2, ascii4"},
		"frame too long":    {`max          = 2000`, `max = 20000`, "frame.max", "9999"},
		"TPDU":              {`header_bytes = 4`, "header_bytes = 4\ntpdu_bytes = 4", "frame.tpdu_bytes", "5 bytes"},
		"header":            {`"49534F31"`, `"ISO1"`, "frame.header", "8 hex digits"},
		"duration":          {`"45s"`, `"45"`, "in_flight_max", "120s"},
		"no format":         {`"n..19 LL"`, `"n..19"`, "fields.2.format", "n..19 LL"},
		"beyond LL":         {`"n..19 LL"`, `"n..119 LL"`, "fields.2.format", "99"},
		"field 65":          {`90  = { format`, `65  = { format`, "fields.65", "bitmaps"},
		"unknown class":     {`class = "masked"`, `class = "hidden"`, "fields.2.class", "public"},
		"public card":       {`class = "masked"`, `class = "public"`, "fields.2.class", "holds pan"},
		"MAC of 4 bytes":    {`128 = { format = "b8"`, `128 = { format = "b4"`, "fields.128", "b8"},
		"MAC field":         {`field             = 128`, `field = 63`, "mac.field", "64 or 128"},
		"algorithm":         {`"x9.19"`, `"x9.20"`, "mac.algorithm", "unionpay-ecb"},
		"override":          {`[override.0810]`, `[override.810]`, "override.810", "0810"},
		"match":             {`[11, 41]`, `[11, 43]`, "match.fields", "no field 43"},
		"role":              {`"60:1-4"`, `"60:4-1"`, "reply.roles.batch", "60:3-8"},
		"unknown role":      {`batch = "60:1-4"`, `bunch = "60:1-4"`, "reply.roles.bunch", "batch"},
		"placeholder":       {`"{amount}"`, `"{amuont}"`, "transaction.sale.set.4", "{amuont}"},
		"open placeholder":  {`"{amount}"`, `"{amount"`, "transaction.sale.set.4", "lacks its }"},
		"no such field":     {`22  = "0{entry}1"`, `24  = "0{entry}1"`, "transaction.sale.set.24", "no such field"},
		"literal":           {`"003000"`, `"3000"`, "transaction.sale.set.3", "length 4, 6 wanted"},
		"MAC elsewhere":     {`"{terminal}"`, `"{mac}"`, "transaction.sale.set.41", "alone"},
		"track in reversal": {`drop = [35]`, `drop = [22]`, "transaction.sale.reversal", "track2"},
		"MTI":               {`mti  = "0420"`, `mti  = "420"`, "transaction.sale.reversal.mti", "0200"},
		"nothing confirms":  {`final   = ["400"]`, ``, "reversal.final", "missing"},
		"reason":            {`bad_mac   = "063"`, ``, "reversal.reasons.bad_mac", "missing"},
		"two lists":         {`["480"]`, `["400"]`, "reversal.refused", "two lists"},
		"action":            {`"approve"`, `"approved"`, "answers.000.action", "decline"},
	} {
		t.Run(name, func(t *testing.T) {
			if !strings.Contains(whole, c.old) {
				t.Fatalf("the file lacks %q", c.old)
			}
			d, err := iso8583.Load("other.toml", []byte(strings.Replace(whole, c.old, c.broken, 1)))
			var fault *iso8583.DialectError
			if d != nil || !errors.As(err, &fault) {
				t.Fatalf("got %v, %v, want a DialectError", d, err)
			}
			if fault.File != "other.toml" || fault.Line == 0 || !strings.Contains(err.Error(), c.key) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want line, %s and %q", err, c.key, c.says)
			}
		})
	}
}

func TestEveryFaultIsNamedAtOnceInTheOrderOfLines(t *testing.T) {
	_, err := iso8583.Load("x.toml", []byte("in_flight_max = \"x\"\n[frame]\nlength = \"y\"\n[codec]\nmti = \"z\"\nbitmap = \"w\"\n"))
	var lines []string
	for line := range strings.Lines(err.Error()) {
		place, _, _ := strings.Cut(line, ": ")
		lines = append(lines, place)
	}
	want := []string{"x.toml", "x.toml", "x.toml:1", "x.toml:3", "x.toml:5", "x.toml:6"}
	if !slices.Equal(lines, want) {
		t.Errorf("got %v, want %v\n%v", lines, want, err)
	}
}

func TestPresetsLoadAndUnknownOnesNameTheKnown(t *testing.T) {
	for _, name := range iso8583.Presets() {
		d, err := iso8583.Preset(name)
		if err != nil || d.Name() != name || d.Title() == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := iso8583.Preset("unionbay"); err == nil || !strings.Contains(err.Error(), "unionpay") {
		t.Errorf("got %v", err)
	}
}

// vars of a swiped sale with a test card number.
func vars() iso8583.VarMap {
	return iso8583.VarMap{
		"amount": "000000001999", "trace": "000123", "batch": "000007", "terminal": "10000001", "merchant": "100000000000001",
		"entry": "02", "pan": "4111111111111111", "track2": "4111111111111111D30122010000000000000", "reason": "no_answer",
		"original.trace": "000100", "original.batch": "000006", "original.rrn": "123456789012", "original.approval": "A1B2C3",
	}
}

func TestUnionPaySaleAndItsReversal(t *testing.T) {
	d := unionpay(t)
	sale, err := d.Build("sale", vars())
	if err != nil {
		t.Fatal(err)
	}
	expect(t, sale, "0200", map[int]string{
		3: "000000", 4: "000000001999", 11: "000123", 22: "022", 25: "00", 35: "4111111111111111D30122010000000000000",
		41: "10000001", 42: "100000000000001", 49: "156", 60: "22000007000500", 64: "hex:0000000000000000",
	})
	undo, err := d.BuildReversal("sale", vars())
	if err != nil {
		t.Fatal(err)
	}
	expect(t, undo, "0400", map[int]string{
		3: "000000", 4: "000000001999", 11: "000123", 22: "022", 25: "00", 39: "98",
		41: "10000001", 42: "100000000000001", 49: "156", 60: "22000007000500", 64: "hex:0000000000000000",
	})
	if needs := d.ReversalNeeds("sale"); slices.Contains(needs, "pan") || slices.Contains(needs, "track2") || !slices.Contains(needs, "trace") {
		t.Errorf("a sale's reversal needs %v", needs)
	}
	if d.MatchKey(sale) == d.MatchKey(undo) {
		t.Error("sale and reversal have one match key")
	}
}

func TestUnionPayVoidRefundAndSignOn(t *testing.T) {
	d := unionpay(t)
	v := vars()
	void, err := d.Build("void", v)
	if err != nil {
		t.Fatal(err)
	}
	if void.Text(3) != "200000" || void.Text(37) != "123456789012" || void.Text(61) != "000006000100" || void.Has(35) {
		t.Errorf("void: %s, F3 %s, F61 %s", void, void.Text(3), void.Text(61))
	}
	refund, err := d.Build("refund", v)
	if err != nil {
		t.Fatal(err)
	}
	if refund.MTI != "0220" || refund.Text(61) != "0000060001000000" {
		t.Errorf("refund: %s, F61 %s, want the date 0000 when it is unknown", refund, refund.Text(61))
	}
	if _, err := d.BuildReversal("refund", v); !errors.Is(err, iso8583.ErrNoReversal) {
		t.Errorf("reversal of a refund: got %v", err)
	}
	if _, err := d.Build("loan", v); !errors.Is(err, iso8583.ErrNoTransaction) {
		t.Errorf("unknown transaction: got %v", err)
	}
	signOn, err := d.Build("sign-on", v)
	if err != nil {
		t.Fatal(err)
	}
	expect(t, signOn, "0800", map[int]string{11: "000123", 41: "10000001", 42: "100000000000001", 60: "00000007003", 63: "01 "})
}

func TestMissingAndWrongValuesStopATransaction(t *testing.T) {
	d := unionpay(t)
	for name, value := range map[string]string{"amount": "", "trace": "", "terminal": "", "batch": "", "original.trace": ""} {
		v := vars()
		v[name] = value
		if _, err := d.Build("void", v); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s empty: got %v", name, err)
		}
	}
	v := vars()
	v["amount"] = "1999"
	if _, err := d.Build("sale", v); err == nil || strings.Contains(err.Error(), "1999") {
		t.Errorf("short amount: got %v", err)
	}
	v = vars()
	v["pan"], v["original.rrn"] = "", ""
	if m, err := d.Build("void", v); err != nil || m.Has(2) || m.Has(37) {
		t.Errorf("void without card number and reference: %v, %v", m, err)
	}
}

func TestAnotherAcquirersSaleAndReversal(t *testing.T) {
	d := other(t)
	v := vars()
	v["terminal"], v["amount.original"] = "T000000001", "000000001999"
	sale, err := d.Build("sale", v)
	if err != nil {
		t.Fatal(err)
	}
	if sale.Header != "49534F31" || sale.Text(60) != "000007SALE" {
		t.Errorf("header %s, F60 %s", sale.Header, sale.Text(60))
	}
	undo, err := d.BuildReversal("sale", v)
	if err != nil {
		t.Fatal(err)
	}
	if undo.MTI != "0420" || undo.Text(39) != "068" || undo.Text(90) != "0100000123000000001999" || undo.Has(35) || undo.Text(2) != v["pan"] {
		t.Errorf("reversal %s, F39 %s", undo, undo.Text(39))
	}
	if !slices.Contains(d.ReversalNeeds("sale"), "pan") {
		t.Error("this reversal needs the card number")
	}
	if d.InFlightMax() != 45*time.Second || !d.DeclineNeedsMAC() {
		t.Errorf("in flight %v, decline needs MAC %v", d.InFlightMax(), d.DeclineNeedsMAC())
	}
}

func expect(t *testing.T, m *iso8583.Message, mti string, want map[int]string) {
	t.Helper()
	if m.MTI != mti || len(m.Fields()) != len(want) {
		t.Errorf("got %s, want %s with %d fields", m, mti, len(want))
	}
	for n, v := range want {
		if m.Text(n) != v {
			t.Errorf("%s F%s: got %q, want %q", mti, strconv.Itoa(n), m.Text(n), v)
		}
	}
}
