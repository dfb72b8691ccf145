package iso8583_test

import (
	"slices"
	"strings"
	"testing"

	"posd/iso8583"
)

// faultsOf gives the lines of what is wrong with a file; warnings count where there is nothing worse.
func faultsOf(text string) (lines []string) {
	s, err := iso8583.Inspect("own.toml", []byte(text))
	if err != nil {
		return strings.Split(err.Error(), "\n")
	}
	for _, w := range s.Warnings {
		lines = append(lines, w.Error())
	}
	return lines
}

// sayThese wants one line of faults for each prefix and rule, and no more.
func sayThese(t *testing.T, text string, want ...string) {
	t.Helper()
	got := faultsOf(text)
	if len(got) != len(want) {
		t.Errorf("%s\ngot %q, want %q", text, got, want)
		return
	}
	for i, line := range got {
		place, rule, _ := strings.Cut(want[i], "…")
		if !strings.HasPrefix(line, place) || !strings.Contains(line, rule) {
			t.Errorf("%s\ngot  %s\nwant %s", text, line, want[i])
		}
	}
}

func TestAFileDropsTheMACOfItsBase(t *testing.T) {
	for _, base := range iso8583.Presets() {
		d := load(t, "base = \""+base+"\"\n[mac]\nalgorithm = \"none\"\n")
		if r := d.MACRule(); r.Field != 0 || d.DeclineNeedsMAC() {
			t.Errorf("%s: there is a MAC by %+v, a decline needs one: %t", base, r, d.DeclineNeedsMAC())
		}
		for _, name := range d.Transactions() {
			m, err := d.Build(name, valuesFor(t, d, name))
			if err != nil || m.Has(64) || m.Has(128) {
				t.Errorf("%s: %s has a MAC, or %v", base, name, err)
			}
		}
		if m, err := d.BuildReversal("sale", everyVar()); err != nil || m.Has(64) || m.Has(128) {
			t.Errorf("%s: a reversal has a MAC, or %v", base, err)
		}
		if lines := faultsOf("base = \"" + base + "\"\n[mac]\nalgorithm = \"none\"\n"); len(lines) > 0 {
			t.Errorf("%s: %q", base, lines)
		}
	}
	sayThese(t, `base = "iso87-bcd"
mac.algorithm = "none"
[transaction.echo]
mti = "0800"
set = { 11 = "{trace}", 64 = "{mac}" }`, "own.toml:5: transaction.echo.set.64: {mac} stands alone")
}

func TestAFileDropsTransactionsOfItsBase(t *testing.T) {
	d := load(t, "base = \"iso87-bcd\"\ndrop_transactions = [\"pre-auth\", \"pre-auth-void\"]\n")
	if d.HasTransaction("pre-auth") || d.HasTransaction("pre-auth-void") || !d.HasTransaction("completion") {
		t.Errorf("there are %v", d.Transactions())
	}
	if base, _ := iso8583.Preset("iso87-bcd"); !base.HasTransaction("pre-auth") {
		t.Error("the preset has changed")
	}
	sayThese(t, `base = "iso87-bcd"
drop_transactions = ["echo", "qr-sale"]
[transaction.echo]
mti = "0800"
set = { 11 = "{trace}" }`,
		`own.toml:2: drop_transactions: "echo" is given in this file`,
		`own.toml:2: drop_transactions: the base has no transaction "qr-sale"; it has: balance, `)
	sayThese(t, least+"drop_transactions = [\"sale\"]", "own.toml:…the base has no transaction")
}

// least is a dialect without a base.
const least = `
name = "least"
fields = { 11 = { format = "n6", class = "public" } }
`

func TestASettlementThatNothingBalancesIsAFault(t *testing.T) {
	const closes = least + "[transaction.settlement]\nmti = \"0500\"\nset = { 11 = \"{trace}\" }\n[settlement]\n"
	sayThese(t, closes+`result = "11:1-1"`, "own.toml:7: settlement.balanced: is missing")
	if _, err := iso8583.Load("own.toml", []byte(closes+`balanced = ["00"]`)); err != nil {
		t.Error(err)
	}
}

func TestOddLimitsOfTheBaseAreRoundedUpWhereLengthsCountBytes(t *testing.T) {
	for _, base := range iso8583.Presets() {
		d := load(t, "base = \""+base+"\"\n[codec]\ncount = \"bytes\"\nnumbers = \"bcd\"\n[override.0210]\n32 = { name = \"own\" }\n")
		m := &iso8583.Message{MTI: "0200"}
		m.Set(2, "6228480000000000003")
		packed, err := d.Pack(nil, m)
		if err != nil {
			t.Errorf("%s: %v", base, err)
			continue
		}
		if back, _, err := d.Unpack(packed); err != nil || strings.TrimSuffix(back.Text(2), "0") != "6228480000000000003" {
			t.Errorf("%s: a card number of 19 digits comes back as %d, %v", base, len(back.Text(2)), err)
		}
	}
	sayThese(t, "base = \"iso87-bcd\"\ncodec.count = \"bytes\"\nfields.32 = { format = \"n..11 LL\" }", "own.toml:3: fields.32.format: a length that counts bytes wants an even limit")
	sayThese(t, `base = "iso87-bcd"
codec.count = "bytes"
[[sub]]
field  = "48"
layout = "positions"
parts  = [
	{ format = "n..11 LL", class = "public", numbers = "bcd" },
]`, "own.toml:7: sub[0].parts.1.format: a length that counts bytes wants an even limit")
}

func TestValuesOfTheWrongKindAreSaidInTheWordsOfTheFile(t *testing.T) {
	for text, want := range map[string]string{
		"[transaction.echo.set]\n11 = \"{trace}\"\n48.01 = \"{batch}\"": `own.toml:4: transaction.echo.set.48: is a table, want a string, in quotes; hint: a path stands in quotes: "48.01" = ...`,
		"[fields]\n2 = \"n6\"":           "own.toml:3: fields.2: is a string, want { format = ... }",
		"[fields]\n2 = { format = 6 }":   "own.toml:3: fields.2.format: is a number, want a string",
		"[answers]\n00 = \"approve\"":    "own.toml:3: answers.00: is a string, want { action = ... }",
		"[transaction]\nsale = \"0200\"": "own.toml:3: transaction.sale: is a string, want { mti = ..., set = { ... } }",
		"frame = 5":                      "own.toml:2: frame: is a number, want a table",
		"match.fields = \"11\"":          "own.toml:2: match.fields: is a string, want a list",
	} {
		_, err := iso8583.Load("own.toml", []byte("base = \"iso87-bcd\"\n"+text))
		if err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "iso8583.") || strings.Contains(err.Error(), "base") {
			t.Errorf("%q:\ngot  %v\nwant %s", text, err, want)
		}
	}
}

func TestAMistakeInASecondBlockHasItsLine(t *testing.T) {
	const first = "base = \"iso87-bcd\"\n[[sub]]\nfield = \"48\"\nlayout = \"positions\"\nparts = [ { format = \"n2\", class = \"public\" } ]\n[[sub]]\n"
	for second, want := range map[string]string{
		"field = 60":                   "own.toml:7: sub[1].field: is a number, want a string, in quotes",
		"layout = 2026-01-01":          "own.toml:7: sub[1].layout: is a date, want a string, in quotes",
		"layout = 12:00:00":            "own.toml:7: sub[1].layout: is a date, want a string, in quotes",
		"\nparts = [ { format = 5 } ]": "own.toml:8: sub[1].parts.format: is a number, want a string, in quotes",
		"\n[sub.tags]\n82 = \"b2\"":    "own.toml:9: sub[1].tags.82: is a string, want { format = ... }",
		"field = \"60\"\nlayout = \"positions\"\nparts = [ { format = \"n2\", klass = \"public\" } ]": "own.toml:9: sub[1].parts.klass: unknown key",
		"field = \"60\"\nlayot = \"positions\"":                                                       "own.toml:8: sub[1].layot: unknown key",
	} {
		_, err := iso8583.Load("own.toml", []byte(first+second))
		if err == nil || !strings.Contains("\n"+err.Error()+"\n", "\n"+want+"\n") {
			t.Errorf("%q:\ngot  %v\nwant %s", second, err, want)
		}
	}
}

func TestTransactionsThatPosdNeverAsksForAreWarnedOf(t *testing.T) {
	const own = "base = \"iso87-bcd\"\n[transaction.%]\nmti = \"0200\"\nset = { 11 = \"{trace}\" }"
	sayThese(t, strings.Replace(own, "%", "pre_auth", 1), `own.toml:2: transaction.pre_auth: posd never asks for it (is "pre-auth" meant?); it knows: sign-on, …batch-end`)
	sayThese(t, strings.Replace(own, "%", "purchase", 1), "own.toml:2: transaction.purchase: posd never asks for it; it knows: …sale, void")
}

func TestFaultsSayWhenTheyStandInTheBase(t *testing.T) {
	sayThese(t, `base = "iso87-bcd"
[transaction.echo]
mti = "0800"
set = { 3 = "99" }
[fields]
63 = { format = "b..99 LLL" }
`,
		"own.toml:4: transaction.echo.set.3: F3: length 2, 6 wanted; hint: numbers are written with all their digits",
	)
	lines := faultsOf("base = \"iso87-bcd\"\n[fields]\n41 = { format = \"ans10\" }\n62 = { count = \"bytes\", numbers = \"bcd\", format = \"n6\" }\n11 = { holds = \"pan\" }\n")
	if len(lines) != 1 || lines[0] != `own.toml:5: fields.11.class: a field that holds pan cannot be public (in the base iso87-ascii)` {
		t.Errorf("got %q", lines)
	}
	lines = faultsOf("base = \"unionpay\"\ntitle = \"mine\"\n[codec]\ntext = \"ebcdic\"\n")
	if !slices.ContainsFunc(lines, func(s string) bool {
		return s == `own.toml:1: codec.charset: gbk goes with text = "ascii" (in the base unionpay)`
	}) {
		t.Errorf("got %.500q", lines)
	}
}
