package acquirer_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"posd/daemon/payment"
	"posd/iso8583"
)

// sent is what the dialects make of each transaction, MAC, time and date apart.
var sent = map[string]map[string]want{"harbour": harbourSent, "unionpay": unionpaySent}

// undoneBy is what they make of its reversal.
var undoneBy = map[string]map[string]want{"harbour": harbourUndone, "unionpay": unionpayUndone}

var harbourSent = map[string]want{
	"sale": {
		0: "0200", 3: "003000", 4: "000000000700", 11: "{trace}", 14: testExpiry, 22: "020", 35: "{track2}",
		41: "{terminal}", 42: "{merchant}", 49: "156", 57: "P{batch}",
	},
	"void": {
		0: "0200", 2: testPAN, 3: "023000", 4: "000000000700", 11: "{trace}", 14: testExpiry, 22: "010",
		41: "{terminal}", 42: "{merchant}", 49: "156", 57: "P{batch}", 90: "0200{o.trace}{o.batch}00000000000000000000000000",
	},
	"refund": {
		0: "0220", 3: "203000", 4: "000000000700", 11: "{trace}", 37: "{o.rrn}", 41: "{terminal}", 42: "{merchant}", 49: "156", 57: "P{batch}",
	},
	"pre-auth": {
		0: "0100", 3: "033000", 4: "000000000700", 11: "{trace}", 14: testExpiry, 22: "020", 35: "{track2}",
		41: "{terminal}", 42: "{merchant}", 49: "156", 57: "P{batch}",
	},
	"pre-auth-void": {
		0: "0100", 2: testPAN, 3: "223000", 4: "000000000700", 11: "{trace}", 14: testExpiry, 22: "010", 38: "{o.approval}",
		41: "{terminal}", 42: "{merchant}", 49: "156", 57: "P{batch}", 90: "0100{o.trace}{o.batch}{o.date}0000000000000000000000",
	},
	"completion": {
		0: "0200", 2: testPAN, 3: "005000", 4: "000000000700", 11: "{trace}", 14: testExpiry, 22: "010", 38: "{o.approval}",
		41: "{terminal}", 42: "{merchant}", 49: "156", 57: "P{batch}", 90: "0100{o.trace}{o.batch}{o.date}0000000000000000000000",
	},
	"completion-void": {
		0: "0200", 2: testPAN, 3: "025000", 4: "000000000700", 11: "{trace}", 14: testExpiry, 22: "010", 37: "{o.rrn}", 38: "{o.approval}",
		41: "{terminal}", 42: "{merchant}", 49: "156", 57: "P{batch}", 90: "0200{o.trace}{o.batch}{o.date}0000000000000000000000",
	},
	"refund of a completion": {
		0: "0220", 3: "203000", 4: "000000000700", 11: "{trace}", 37: "{o.rrn}", 41: "{terminal}", 42: "{merchant}", 49: "156", 57: "P{batch}",
	},
}

var harbourUndone = map[string]want{
	"sale":            harbourReversal("sale", want{2: testPAN}, 35),
	"void":            harbourReversal("void", nil),
	"pre-auth":        harbourReversal("pre-auth", want{2: testPAN}, 35),
	"pre-auth-void":   harbourReversal("pre-auth-void", nil),
	"completion":      harbourReversal("completion", nil),
	"completion-void": harbourReversal("completion-void", nil),
}

// harbourReversal is a request as its reversal repeats it.
func harbourReversal(name string, own want, drop ...int) want {
	w := maps.Clone(harbourSent[name])
	maps.Copy(w, own)
	w[0], w[39] = "0420", "68"
	for _, n := range drop {
		delete(w, n)
	}
	return w
}

// unionpay is a message of a card that the dialect repeats in all kinds: processing code, condition and type make the
// difference (reference: table of transactions by MTI, F3, F25 and F60.1).
func unionpay(mti, code, condition, kind string, own want) want {
	w := want{
		0: mti, 3: code, 4: "000000000700", 11: "{trace}", 25: condition, 41: "{terminal}", 42: "{merchant}", 49: "156", 60: kind + "{batch}000500",
	}
	maps.Copy(w, own)
	return w
}

// keyed is a card from the record of its original.
func keyed(own want) want {
	w := want{2: testPAN, 14: testExpiry, 22: "012"}
	maps.Copy(w, own)
	return w
}

var unionpaySent = map[string]want{
	"sale":            unionpay("0200", "000000", "00", "22", want{22: "022", 35: "{track2}"}),
	"void":            unionpay("0200", "200000", "00", "23", keyed(want{37: "{o.rrn}", 38: "{o.approval}", 61: "{o.batch}{o.trace}"})),
	"refund":          unionpay("0220", "200000", "00", "25", keyed(want{37: "{o.rrn}", 38: "{o.approval}", 61: "{o.batch}{o.trace}{o.date}"})),
	"pre-auth":        unionpay("0100", "030000", "06", "10", want{22: "022", 35: "{track2}"}),
	"pre-auth-void":   unionpay("0100", "200000", "06", "11", keyed(want{38: "{o.approval}", 61: "{o.batch}{o.trace}{o.date}"})),
	"completion":      unionpay("0200", "000000", "06", "20", keyed(want{38: "{o.approval}", 61: "{o.batch}{o.trace}{o.date}"})),
	"completion-void": unionpay("0200", "200000", "06", "21", keyed(want{37: "{o.rrn}", 38: "{o.approval}", 61: "{o.batch}{o.trace}{o.date}"})),
	"refund of a completion": unionpay("0220", "200000", "00", "25",
		keyed(want{37: "{o.rrn}", 38: "{o.approval}", 61: "{o.batch}{o.trace}{o.date}"})),
}

var unionpayUndone = map[string]want{
	"sale":            unionpayReversal("sale", 35),
	"void":            unionpayReversal("void", 37),
	"pre-auth":        unionpayReversal("pre-auth", 35),
	"pre-auth-void":   unionpayReversal("pre-auth-void", 37),
	"completion":      unionpayReversal("completion", 37),
	"completion-void": unionpayReversal("completion-void", 37),
}

// unionpayReversal is a request as its reversal repeats it; the reference counts F37 among what is not repeated.
func unionpayReversal(name string, drop ...int) want {
	w := maps.Clone(unionpaySent[name])
	w[0], w[39] = "0400", "98"
	for _, n := range drop {
		delete(w, n)
	}
	return w
}

// unionpayDigit is the processing request in the header of UnionPay's answers.
const unionpayDigit = 6

// qrSent is what the dialects make of a scanned code.
var qrSent = map[string]map[string]want{
	"harbour": {
		"qr-sale": {
			0: "0200", 3: "003900", 4: "000000000700", 11: "{trace}", 22: "030", 41: "{terminal}", 42: "{merchant}", 49: "156",
			57: "P{batch}", 59: testCode,
		},
		"reversal": {
			0: "0420", 3: "003900", 4: "000000000700", 11: "{trace}", 22: "030", 39: "68", 41: "{terminal}", 42: "{merchant}", 49: "156",
			57: "P{batch}",
		},
		"qr-void": {
			0: "0200", 3: "023900", 4: "000000000700", 11: "{trace}", 22: "010", 37: "{o.rrn}", 41: "{terminal}", 42: "{merchant}", 49: "156",
			57: "P{batch}", 90: "0200{o.trace}{o.batch}{o.date}0000000000000000000000",
		},
		"qr-refund": {
			0: "0220", 3: "203900", 4: "000000000700", 11: "{trace}", 37: "{o.rrn}", 41: "{terminal}", 42: "{merchant}", 49: "156", 57: "P{batch}",
		},
	},
	"unionpay": {
		"qr-sale": {
			0: "0200", 3: "000000", 4: "000000000700", 11: "{trace}", 22: "030", 25: "99", 41: "{terminal}", 42: "{merchant}", 49: "156",
			60: "26{batch}000600", 62: "hex:5F0113" + fmt.Sprintf("%X", testCode),
		},
		"reversal": {
			0: "0400", 3: "000000", 4: "000000000700", 11: "{trace}", 22: "030", 25: "99", 39: "98", 41: "{terminal}", 42: "{merchant}", 49: "156",
			60: "26{batch}000600",
		},
		"qr-void": {
			0: "0200", 3: "200000", 4: "000000000700", 11: "{trace}", 22: "030", 25: "99", 37: "{o.rrn}", 38: "{o.approval}",
			41: "{terminal}", 42: "{merchant}", 49: "156", 60: "23{batch}000600", 61: "{o.batch}{o.trace}",
		},
		"qr-refund": {
			0: "0220", 3: "200000", 4: "000000000700", 11: "{trace}", 22: "030", 25: "99", 37: "{o.rrn}", 38: "{o.approval}",
			41: "{terminal}", 42: "{merchant}", 49: "156", 60: "25{batch}000600", 61: "{o.batch}{o.trace}{o.date}",
		},
	},
}

// totalsAre is what the dialects make of batchOf: voids are credits, or count nowhere.
var totalsAre = map[string]want{
	"harbour": {
		0: "0500", 3: "920000", 11: "{trace}", 41: "{terminal}", 42: "{merchant}", 57: "P{batch}",
		60: "000000001200" + "002" + "000000000200" + "001",
	},
	"unionpay": {
		0: "0500", 11: "{trace}", 41: "{terminal}", 42: "{merchant}", 49: "156", 60: "00{batch}201", 63: "01",
		48: "000000001500" + "003" + "000000000500" + "002" + strings.Repeat("0", 32),
	},
}

// balance makes the answer to a settlement say that the totals agree, as the dialect says it.
func (s setup) balance(req, reply *iso8583.Message) {
	if s.dialect.Name() == "unionpay" {
		result := req.Text(48)
		reply.Set(48, result[:30]+"1"+result[31:])
	}
}

// unbalance makes the answer to a settlement say that the totals differ, as the dialect says it.
func (s setup) unbalance(req, reply *iso8583.Message) {
	if req.MTI != "0500" {
		return
	}
	if s.dialect.Name() == "harbour" {
		reply.Set(39, "95")
		return
	}
	result := req.Text(48)
	reply.Set(48, result[:30]+"2"+result[31:])
}

// uploaded holds the upload messages and the end against the items of batchOf.
func (s setup) uploaded(t *testing.T, got []map[int]string, items []payment.Attempt) {
	t.Helper()
	net := s.dialect.Name() == "harbour"
	kinds := map[payment.Kind]string{payment.KindSale: "00", payment.KindCompletion: "10", payment.KindRefund: "20"}
	var all strings.Builder
	for _, m := range got[:len(got)-1] {
		if net {
			all.WriteString(m[62])
		} else {
			all.WriteString(m[48][2:])
		}
	}
	count := 0
	for _, it := range items {
		if net && (it.Voided || it.Kind == payment.KindVoid) {
			continue
		}
		kind := "00"
		if net {
			kind = kinds[it.Kind]
		}
		count++
		if one := fmt.Sprintf("%s%s%020s%012d", kind, it.Numbers.Trace, testPAN, it.Approved); !strings.Contains(all.String(), one) {
			t.Errorf("the upload lacks the %s of %d", it.Kind, it.Approved)
		}
	}
	if want := 40 * count; all.Len() != want {
		t.Errorf("%d characters of items came, want %d", all.Len(), want)
	}
	end := want{0: "0320", 11: "{trace}", 41: "{terminal}", 42: "{merchant}", 48: fmt.Sprintf("%04d", count), 60: "00{batch}202"}
	if net {
		end = want{0: "0320", 3: "960000", 11: "{trace}", 41: "{terminal}", 42: "{merchant}", 57: "P{batch}", 63: fmt.Sprintf("%04d", count)}
	}
	last := got[len(got)-1]
	for n, value := range end {
		if !strings.Contains(value, "{") && last[n] != value {
			t.Errorf("field %d of the end is %q, want %q", n, last[n], value)
		}
	}
}
