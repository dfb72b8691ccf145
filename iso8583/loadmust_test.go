package iso8583_test

import (
	"slices"
	"strings"
	"testing"

	"posd/iso8583"
)

func TestDialectsThatCannotWorkAreRefused(t *testing.T) {
	const sale = "[transaction.sale]\nmti = \"0200\"\n[transaction.sale.set]\n3 = \"000000\"\n"
	for text, want := range map[string]string{
		sale + "4 = \"{amount}\"\n41 = \"{terminal}\"":                                                                             `own.toml:2: transaction.sale: does not set field 11, by which its answer is known (match.fields); hint: 11 = "{trace}"`,
		sale + "11 = \"{trace}\"\n41 = \"{terminal}\"":                                                                             `own.toml:2: transaction.sale: no amount; hint: 4 = "{amount}"`,
		"fields.39 = { format = \"n3\" }\nanswers.000 = { action = \"approve\" }":                                                  `own.toml:1: reversal.final: field 39 can hold none of the codes (its format is n3): no reversal would ever end (in the base iso87-bcd)`,
		"[reversal]\nfinal = [\"000\", \"0\"]":                                                                                     `own.toml:3: reversal.final: field 39 can hold none of the codes (its format is an2): no reversal would ever end`,
		"fields.39 = { format = \"n3\" }\nreversal.final = [\"000\"]":                                                              `own.toml:1: answers: field 39 can hold none of the codes that approve (its format is n3): every answer would be a decline`,
		sale + "4 = \"{amount}\"\n11 = \"{trace}\"\n41 = \"{terminal}\"\n[transaction.sale.reversal]\nmti = \"0400\"\ndrop = [11]": `own.toml:9: transaction.sale.reversal: does not set field 11, by which`,
	} {
		_, err := iso8583.Load("own.toml", []byte("base = \"iso87-bcd\"\n"+text))
		if err == nil || !strings.Contains("\n"+err.Error(), "\n"+want) {
			t.Errorf("%q:\ngot  %v\nwant %s", text, err, want)
		}
	}
}

func TestDialectsWithCodesOfAnotherLengthAreTaken(t *testing.T) {
	for _, text := range []string{
		"drop_transactions = [\"batch-upload\"]\nfields.39 = { format = \"n3\" }\nanswers.000 = { action = \"approve\" }\nreversal.final = [\"000\"]\nreversal.in_doubt = []\nreversal.refused = []\nreversal.sign_on = []",
		"override.0210.39 = { format = \"n3\" }\nanswers.000 = { action = \"approve\" }",
		"fields.39 = { format = \"an..3 LL\" }\nanswers.000 = { action = \"approve\" }",
		"reply.roles.code = \"60:1-3\"\nanswers.000 = { action = \"approve\" }\nreversal.final = [\"000\"]",
	} {
		if _, err := iso8583.Load("own.toml", []byte("base = \"iso87-bcd\"\n"+text)); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestWhatLiesIdleInADialectThatWorksIsWarnedOf(t *testing.T) {
	const sale = "[transaction.sale]\nmti = \"0200\"\n[transaction.sale.set]\n3 = \"000000\"\n4 = \"{amount}\"\n11 = \"{trace}\"\n"
	for text, want := range map[string]string{
		"iso87-bcd\"\n[reversal]\nfinal = [\"00\", \"000\"]":                                                     `own.toml:3: reversal.final: field 39 cannot hold the code "000" (its format is an2): no answer will have it`,
		"iso93-ascii\"\n[reversal]\nfinal = [\"400\", \"00\"]":                                                   `own.toml:3: reversal.final: field 39 cannot hold the code "00"`,
		"iso87-bcd\"\n[reversal]\nin_doubt = [\"12\", \"025\"]":                                                  `own.toml:3: reversal.in_doubt: field 39 cannot hold the code "025"`,
		"iso87-bcd\"\n[answers]\n000 = { action = \"approve\" }":                                                 `own.toml:3: answers.000: field 39 cannot hold the code "000"`,
		"iso87-bcd\"\n[answers]\n0 = { action = \"approve\" }":                                                   `own.toml:3: answers.0: field 39 cannot hold the code "0"`,
		"iso87-bcd\"\n" + sale:                                                                                   `own.toml:2: transaction.sale: does not set field 41, by which its answer is known (match.fields); hint: 41 = "{terminal}"`,
		"iso87-bcd\"\nmatch.fields = [11, 37]":                                                                   `own.toml:1: transaction.sale: does not set field 37, by which its answer is known (match.fields) (in the base iso87-bcd)`,
		"iso87-bcd\"\n" + sale + "41 = \"{terminal}\"\n[transaction.sale.reversal]\nmti = \"0400\"\ndrop = [41]": `own.toml:9: transaction.sale.reversal: does not set field 41`,
	} {
		s, err := iso8583.Inspect("own.toml", []byte("base = \""+text))
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if !slices.ContainsFunc(s.Warnings, func(w *iso8583.DialectError) bool { return strings.HasPrefix(w.Error(), want) }) {
			t.Errorf("%q:\ngot  %v\nwant %s", text, s.Warnings, want)
		}
	}
}

func TestAnEchoWhoseAnswerIsHardlyKnownIsWarnedOf(t *testing.T) {
	sayThese(t, "base = \"iso87-bcd\"\n[transaction.echo]\nmti = \"0800\"\nset = { 11 = \"{trace}\" }", "own.toml:2: transaction.echo: does not set field 41, by which its answer is known (match.fields)…41 = \"{terminal}\"")
}
