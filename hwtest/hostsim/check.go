package hostsim

import (
	"slices"
	"strconv"
	"strings"

	"posd/iso8583"
)

// refusal gives the code of a message that never reaches the business, in the order in which a host looks; "" for none.
func (h *Host) refusal(t *terminal, packed []byte, q *request, r Rule) string {
	switch {
	case t == nil:
		return h.codes.Terminal
	case q.merchant != t.Merchant:
		return h.codes.Merchant
	case r.Do == KeyLoss:
		t.forget()
		return orElse(r.Code, h.codes.SignOn)
	case r.Do == BatchMismatch:
		t.Batch = nextBatch(t.Batch)
		return h.codes.Batch
	case q.shape == nil:
		return h.codes.Unsupported
	}
	if h.check(q); len(q.faults) > 0 {
		for _, f := range q.faults {
			h.log.Warn("message refused for its form", "kind", q.kind(), "trace", q.trace, "field", f.path, "fault", f.rule)
		}
		return h.codes.Format
	}
	switch {
	case !h.afterSignOn(q):
		return ""
	case !t.on, q.shape.signed && h.dialect.CheckMAC(packed, t.keys) != nil:
		return h.codes.SignOn
	case !q.reversal && !q.closes() && q.batch != "" && q.batch != t.Batch:
		return h.codes.Batch
	default:
		return ""
	}
}

// afterSignOn tells whether a terminal must have signed on before it asks for this.
func (h *Host) afterSignOn(q *request) bool {
	return q.name != KindSignOn && q.name != KindSignOff && q.name != KindEcho
}

// check looks at the values of a message that has its shape.
func (h *Host) check(q *request) {
	field := func(role string) string { return h.roles.path[role] }
	if n, err := strconv.Atoi(q.trace); err != nil || n <= 0 || len(q.trace) != 6 {
		q.blame(field("trace"), "is no trace number")
	}
	if q.batch != "" && (len(q.batch) != 6 || !allDigits(q.batch)) {
		q.blame(q.shape.at["batch"].path, "is no batch number")
	}
	if q.nii != "" && q.network != "" && q.nii != q.network {
		q.blame(q.shape.at["nii"].path, "is not the network of the TPDU")
	}
	if q.currency != "" && h.currency != "" && q.currency != h.currency {
		q.blame(field("currency"), "is not the host's currency")
	}
	if q.reversal && field("code") != "" && !slices.Contains(h.reasons, q.reason) {
		q.blame(field("code"), "is no reason for a reversal")
	}
	t, money := q.trade()
	if money && !q.reversal && len(t.of) == 0 && q.card == "" && !q.sealed {
		q.blame("2", "is missing: neither it nor a track names the card")
	}
}

func allDigits(s string) bool { return strings.Trim(s, digits) == "" }

// reasonsOf lists the reasons that the dialect's reversals give.
func reasonsOf(d *iso8583.Dialect, t Terminal) []string {
	var list []string
	for _, name := range transactions {
		if d.ReversalNeeds(name) == nil {
			continue
		}
		for _, reason := range []string{"no_answer", "bad_mac", "other"} {
			vars := iso8583.VarMap{"reason": reason}
			for hole, v := range samplesFor(t) {
				if hole != "reason" {
					vars[hole] = v[0]
				}
			}
			if m, err := d.BuildReversal(name, vars); err == nil {
				list = append(list, d.Role(m, "code"))
			}
		}
	}
	return list
}
