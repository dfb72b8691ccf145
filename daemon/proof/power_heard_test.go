//go:build proof && linux

package proof

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// hearAnswers takes the answers out of what a till was sent, and the events out of a stream of them.
func (c *claims) hearAnswers(s sentBytes, text []byte) ([]byte, error) {
	if c.streams[s.conn] || bytes.Contains(text, []byte("text/event-stream")) {
		c.streams[s.conn] = true
		return c.hearEvents(s.place, text)
	}
	for {
		head, body, whole := bytes.Cut(text, []byte("\r\n\r\n"))
		n := contentLength(head)
		if !whole || len(body) < n {
			return text, nil
		}
		text = body[n:]
		if status, _, _ := bytes.Cut(head, []byte("\r\n")); n == 0 || !bytes.Contains(status, []byte(" 20")) {
			continue
		}
		var answer any
		if err := json.Unmarshal(body[:n], &answer); err != nil {
			return text, err
		}
		c.answer(s.place, answer)
	}
}

// answer looks for sales, attempts and batches everywhere in an answer.
func (c *claims) answer(place int, v any) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			c.answer(place, e)
		}
	case map[string]any:
		c.object(place, v)
		for _, e := range v {
			c.answer(place, e)
		}
	}
}

// stateFacts are the events that a state in an answer stands for. Told of an original it is the void or refund that
// makes the word.
var stateFacts = map[string]string{
	"created": "attempt.created", "sent": "attempt.sent", "unsent": "attempt.unsent", "cancelled": "attempt.cancelled",
	"approved": "attempt.approved", "declined": "attempt.declined", "reversing": "attempt.reversing", "reversed": "attempt.reversed",
	"stuck": "attempt.stuck", "settled_paid": "attempt.settled", "settled_not_paid": "attempt.settled",
	"voided": "attempt.voided", "refunded": "attempt.refunded",
}

func (c *claims) object(place int, v map[string]any) {
	word := func(name string) string { s, _ := v[name].(string); return s }
	switch {
	case word("inner_state") != "" && word("sale") != "":
		subject := "sale/" + word("client") + "/" + word("sale") + "/" + word("attempt")
		for _, state := range []string{word("inner_state"), word("state")} {
			if kind := stateFacts[state]; kind != "" {
				c.holdsFact(place, "the till", subject, kind)
			}
		}
	case word("opened_at") != "" && word("id") != "":
		subject := "sale/" + word("client") + "/" + word("id")
		c.holdsFact(place, "the till", subject, "sale.opened")
		if word("acked_at") != "" {
			c.holdsFact(place, "the till", subject, "sale.acked")
		}
	case word("terminal") != "" && slices.Contains([]string{"closing", "closed", "refused", "superseded"}, word("state")):
		c.holdsFact(place, "the till", "terminal/"+word("terminal"), "batch."+word("state"))
	}
}

// streamed is an event as the till follows it.
type streamed struct {
	Seq      int64  `json:"seq"`
	Client   string `json:"client"`
	Sale     string `json:"sale"`
	Attempt  string `json:"attempt"`
	Terminal string `json:"terminal"`
	What     string `json:"what"`
}

var streamData = regexp.MustCompile(`(?s)id: \d+\nevent: \w+\ndata: (\{.*?\})\n\n`)

// hearEvents takes whole events: the till knows then that the journal has so many, and what that one is.
func (c *claims) hearEvents(place int, text []byte) ([]byte, error) {
	for {
		m := streamData.FindSubmatchIndex(text)
		if m == nil {
			return text, nil
		}
		var e streamed
		if err := json.Unmarshal(text[m[2]:m[3]], &e); err != nil {
			return text, err
		}
		text = text[m[1]:]
		c.followed++
		subject := strings.TrimSuffix("sale/"+e.Client+"/"+e.Sale+"/"+e.Attempt, "/")
		if e.Terminal != "" {
			subject = "terminal/" + e.Terminal
		}
		c.add(place, fmt.Sprintf("the till followed event %d: %s of %s", e.Seq, e.What, subject), func(k *kept) bool {
			if e.Seq > int64(len(k.events)) {
				return false
			}
			at := k.events[e.Seq-1]
			return at.Seq == e.Seq && at.Subject == subject && strings.HasSuffix(at.Kind, "."+e.What)
		})
	}
}

var (
	slipTitle  = regexp.MustCompile(`\x1d!\x11([A-Z ]+)\x1b`) // in big letters
	slipNumber = regexp.MustCompile(`\n(Trace|Order) +(\w+)\n`)
	paperCut   = []byte("\x1dV")
)

// titleFacts are what slips stand for.
var titleFacts = map[string]string{
	"PAID": "attempt.approved", "NOT PAID YET": "attempt.reversing", "CANCELLED": "attempt.reversed", "VOIDED": "attempt.approved", "REFUNDED": "attempt.approved",
}

// hearPaper takes whole slips from what a printer was sent.
func (c *claims) hearPaper(place int, text []byte) []byte {
	slip, rest, cut := bytes.Cut(text, paperCut)
	if !cut {
		return text
	}
	title, number := slipTitle.FindSubmatch(slip), slipNumber.FindSubmatch(slip)
	if title == nil || number == nil || titleFacts[string(title[1])] == "" {
		return rest
	}
	kind := titleFacts[string(title[1])]
	c.slips++
	c.add(place, fmt.Sprintf("paper says %s of %s %s", title[1], number[1], number[2]), func(k *kept) bool {
		if trace, err := strconv.ParseUint(string(number[2]), 10, 32); err == nil && string(number[1]) == "Trace" {
			return k.has(k.sent[uint32(trace)], kind)
		}
		return k.has(k.orders[string(number[2])], kind)
	})
	return rest
}
