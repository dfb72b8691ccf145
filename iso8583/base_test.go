package iso8583_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"posd/iso8583"
)

func load(t testing.TB, text string) *iso8583.Dialect {
	t.Helper()
	d, err := iso8583.Load("own.toml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestWhatAFileSaysWinsOverItsBaseKeyByKey(t *testing.T) {
	base := unionpay(t)
	d := load(t, `
base  = "unionpay"
title = "my acquirer"
[frame]
header = "603100000000"
[fields]
60 = { class = "private" }
48 = { format = "ans..100 LLL" }
[override.0320]
48 = { name = "the items" }
[transaction.echo]
mti = "0800"
[transaction.echo.set]
11 = "{trace}"
[reply]
equal = [11]
[reply.roles]
batch = "60:1-6"
[answers]
51 = { en = "no money" }
99 = { action = "decline" }
[reversal]
in_doubt = ["12", "25", "30"]
`)
	if d.Name() != "unionpay" || d.Title() != "my acquirer" || d.InFlightMax() != base.InFlightMax() {
		t.Errorf("got %s, %s", d.Name(), d.Title())
	}
	if d.Class(60, "0200") != iso8583.Secret || d.Class(48, "0320") != iso8583.Secret || d.Class(11, "0200") != iso8583.Public {
		t.Error("classes of 60, 48, 11")
	}
	m := &iso8583.Message{MTI: "0200"}
	m.Set(48, "text")
	m.Set(60, "000123")
	if packed, err := d.Pack(nil, m); err != nil || !strings.Contains(string(packed), "\x00\x04text\x00\x06\x00\x01\x23") || packed[5] != 0x60 || packed[6] != 0x31 {
		t.Errorf("packed as %X, %v", packed, err)
	}
	if d.Role(m, "batch") != "000123" || !slices.Equal(d.Transactions(), base.Transactions()) || !slices.Equal(d.Needs("echo"), []string{"trace"}) {
		t.Errorf("batch %q, echo needs %v", d.Role(m, "batch"), d.Needs("echo"))
	}
	if a := d.Action("51"); a.TextEN != "no money" || a.TextZH != base.Action("51").TextZH || d.Action("99").Action != iso8583.ActionDecline {
		t.Errorf("answers: %+v", a)
	}
	if d.ReversalAction("30") != iso8583.ReversalInDoubt || d.ReversalAction("00") != iso8583.ReversalFinal {
		t.Error("the lists of reversal codes")
	}
	if base.Class(60, "0200") != iso8583.Public || base.Action("51").TextEN == "no money" {
		t.Error("the preset has changed")
	}
}

func TestAFaultInAFileWithABaseIsOneOfTheFile(t *testing.T) {
	for text, says := range map[string]string{
		"base = \"unionbay\"": "own.toml:1: base: no dialect preset",
		"base = \"unionpay\"\n[fields]\n2 = { format = \"n\" }":    "own.toml:3: fields.2.format",
		"base = \"unionpay\"\n[fields]\n2 = { colour = \"red\" }":  "own.toml:3: fields.2.colour: unknown key",
		"base = \"unionpay\"\n[fields]\n2 = { class = \"public\"}": "own.toml:3: fields.2.class: a field that holds pan",
		"base = \"unionpay\"\n[frame]\nmax = \"much\"":             "own.toml:3: frame.max",
		"base = 5": "base",
	} {
		_, err := iso8583.Load("own.toml", []byte(text))
		var fault *iso8583.DialectError
		if !errors.As(err, &fault) || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: got %v, want %q", text, err, says)
		}
	}
}

const batchDialect = `
name = "batch"
[codec]
[fields]
3  = { format = "n6", class = "public" }
11 = { format = "n6", class = "public" }
39 = { format = "an2", class = "public" }
48 = { format = "n..322 LLL", class = "secret" }
60 = { format = "n..99 LLL", class = "public" }
[settlement]
items      = 2
item       = "00{item.trace}{item.pan:20}{item.amount}"
voids      = "net"
result     = "48:1-1"
balanced   = ["1"]
unbalanced = ["2"]
kinds      = { sale = "000000", refund = "200000" }
[transaction.batch-upload]
mti = "0320"
[transaction.batch-upload.set]
11 = "{trace}"
48 = "{items.count}{items}"
60 = "{batch.count:8}"
[transaction.one]
mti = "0320"
[transaction.one.set]
3  = "{item.kind}"
11 = "{item.trace}"
[answers]
00 = { action = "approve" }
51 = { action = "decline" }
`

func TestItemsOfABatchAreWrittenAsTheDialectWants(t *testing.T) {
	d := load(t, batchDialect)
	if s := d.Settlement(); s.ItemsPerMessage != 2 || s.VoidsCredit {
		t.Errorf("got %+v", s)
	}
	if want := []string{"batch.count", "item.amount", "item.pan", "item.trace", "items", "items.count", "trace"}; !slices.Equal(d.Needs("batch-upload"), want) {
		t.Errorf("needs %v", d.Needs("batch-upload"))
	}
	item := func(trace string) iso8583.Vars {
		return iso8583.VarMap{"item.trace": trace, "item.pan": "4111111111111111", "item.amount": "000000001999", "item.kind": "refund"}
	}
	v := iso8583.VarMap{"trace": "000009", "batch.count": "17"}
	all, err := d.WithItems(v, []iso8583.Vars{item("000001"), item("000002")})
	if err != nil {
		t.Fatal(err)
	}
	m, err := d.Build("batch-upload", all)
	if err != nil {
		t.Fatal(err)
	}
	expect(t, m, "0320", map[int]string{
		11: "000009", 60: "00000017",
		48: "02" + "00" + "000001" + "00004111111111111111" + "000000001999" + "00" + "000002" + "00004111111111111111" + "000000001999",
	})
	one, err := d.WithItems(v, []iso8583.Vars{item("000001")})
	if err != nil {
		t.Fatal(err)
	}
	if m, err = d.Build("one", one); err != nil || m.Text(3) != "200000" || m.Text(11) != "000001" {
		t.Errorf("one item: %v, %v", m, err)
	}
	if _, err := d.WithItems(v, []iso8583.Vars{item("1"), item("2"), item("3")}); err == nil {
		t.Error("three items where two have room")
	}
	_, err = d.WithItems(v, []iso8583.Vars{iso8583.VarMap{"item.trace": "000001", "item.amount": "1", "item.pan": "411111111111111111111"}})
	if err == nil || strings.Contains(err.Error(), "4111") || !strings.Contains(err.Error(), "item.pan") {
		t.Errorf("a long number: %v", err)
	}
}

func TestAnswersToASettlementSayWhetherTheTotalsAgree(t *testing.T) {
	byCode := load(t, strings.NewReplacer("result     = \"48:1-1\"", "", `["1"]`, `["00"]`, `["2"]`, `["95"]`).Replace(batchDialect))
	byField := load(t, batchDialect)
	for _, c := range []struct {
		d                    *iso8583.Dialect
		code, totals         string
		balanced, unbalanced bool
	}{
		{byField, "00", "1", true, false},
		{byField, "00", "2", false, true},
		{byField, "00", "3", false, false},
		{byField, "00", "", false, false},
		{byField, "51", "1", false, false},
		{byCode, "00", "", true, false},
		{byCode, "95", "", false, true},
		{byCode, "51", "", false, false},
		{byCode, "", "", false, false},
	} {
		m := &iso8583.Message{MTI: "0510"}
		if c.code != "" {
			m.Set(39, c.code)
		}
		m.Set(48, c.totals)
		if balanced, unbalanced := c.d.SettlementResult(m); balanced != c.balanced || unbalanced != c.unbalanced {
			t.Errorf("code %q, totals %q: got %v, %v", c.code, c.totals, balanced, unbalanced)
		}
	}
}

func TestTheNewKeysOfADialectAreChecked(t *testing.T) {
	for _, c := range []struct{ key, text, says string }{
		{"codec.bitmap_bits", "[codec]\nbitmap_bits = 100", "64, 128, 192"},
		{"codec.third_bitmap", "[codec]\nthird_bitmap = \"back\"", "front, field"},
		{"codec.text", "[codec]\ntext = \"utf8\"", "ascii, ebcdic"},
		{"codec.charset", "[codec]\ntext = \"ebcdic\"\ncharset = \"gbk\"", "gbk goes with"},
		{"frame.trailer", "[frame]\ntrailer = \"0\"", "hex"},
		{"frame.trailer", "[frame]\ntrailer = \"010203040506070809\"", "8 bytes"},
		{"frame.keep_alive", "[frame]\nkeep_alive = \"maybe\"", "ignore, echo, refuse"},
		{"frame.tpdu_reply", "[frame]\ntpdu_reply = \"none\"", "swap, fixed, echo"},
		{"frame.max", "[frame]\nlength = \"ascii4\"\nlength_includes_itself = true\nmax = 9996", "9995"},
		{"frame.request.digit", "[frame]\n[frame.request]\ndigit = 3\nsign_on = [\"1\"]", "within"},
		{"frame.request.sign_on", "[frame]\nheader_bytes = 6\n[frame.request]\ndigit = 6\nsign_on = [\"33\"]", "hex digit"},
		{"frame.request.words.x", "[frame]\nheader_bytes = 6\n[frame.request]\ndigit = 6\nwords = { x = \"y\" }", "hex digit"},
		{"mac.range", "[mac]\nalgorithm = \"x9.9\"\nfield = 64\nrange = \"all\"", "mti"},
		{"fields.129", "[fields]\n129 = { format = \"n4\" }", "bitmap_bits"},
		{"fields.193", "[codec]\nbitmap_bits = 192\n[fields]\n193 = { format = \"n4\" }", "192"},
		{"fields.4.format", "[fields]\n4 = { format = \"x+n..8 LL\" }", "x+n8"},
		{"fields.4.format", "[fields]\n4 = { format = \"n..10 L\" }", "exceeds 9"},
		{"fields.4.format", "[fields]\n4 = { format = \"b..256 LL\", lengths = \"binary\" }", "exceeds 255"},
		{"fields.4.format", "[fields]\n4 = { format = \"b..60 LL\", binary = \"hex\", count = \"characters\" }", "exceeds 49"},
		{"fields.4.fill", "[fields]\n4 = { format = \"an4\", fill = \"ab\" }", "single"},
		{"fields.4.charset", "[fields]\n4 = { format = \"an4\", text = \"ebcdic\", charset = \"gbk\" }", "gbk goes with"},
		{"settlement.items", "[settlement]\nitems = 100", "99"},
		{"settlement.items", "[settlement]\nitem = \"{item.trace}\"", "missing"},
		{"settlement.item", "[settlement]\nitems = 1\nitem = \"{trace}\"", "nothing that an item has"},
		{"settlement.voids", "[settlement]\nvoids = \"none\"", "credit, net"},
		{"settlement.result", "[settlement]\nresult = \"x\"", "no field"},
		{"settlement.unbalanced", "[settlement]\nbalanced = [\"1\"]\nunbalanced = [\"1\"]", "both"},
		{"transaction.t.set.3", "[transaction.t]\nmti = \"0200\"\n[transaction.t.set]\n3 = \"{trace:0}\"", "width"},
		{"transaction.t.set.3", "[transaction.t]\nmti = \"0200\"\n[transaction.t.set]\n3 = \"{trace:x}\"", "width"},
		{"transaction.t.set.3.1", "[transaction.t]\nmti = \"0200\"\n[transaction.t.set]\n\"3.1\" = \"{trace}\"", "inside of field 3"},
		{"reply.roles.keys", "[reply.roles]\nkeys = \"3.1\"", "inside of field 3"},
		{"reply.roles.keys", "[reply.roles]\nkeys = \"3.1:1-2\"", "no field"},
		{"transaction.t.reversal", "[transaction.t]\nmti = \"0200\"\n[transaction.t.set]\n3 = \"{code}\"\n[transaction.t.reversal]\nmti = \"0400\"", "{code}, which may not be stored"},
	} {
		text := "name = \"x\"\n" + c.text
		if !strings.Contains(text, "[fields]") {
			text += "\n[fields]\n3 = { format = \"n6\" }\n"
		}
		_, err := iso8583.Load("x.toml", []byte(text))
		if err == nil || !strings.Contains(err.Error(), ": "+c.key+": ") || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%q: got %v, want %s with %q", c.text, err, c.key, c.says)
		}
		if err != nil && strings.Contains(err.Error(), "x.toml: "+c.key) && c.says != "missing" {
			t.Errorf("%q: no line in %v", c.text, err)
		}
	}
}
