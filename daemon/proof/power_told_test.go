//go:build proof && linux

package proof

import (
	"bytes"
	"fmt"
	"net/url"
	"regexp"
	"strconv"

	"posd/iso8583"
)

// claim is something that was told outside: from its place on the journal must hold it, whatever happens.
type claim struct {
	place int
	text  string
	holds func(*kept) bool
}

// listener is who is at the other end of a connection.
type listener int

const (
	nobody listener = iota
	theTill
	theHost
	theGateway
	thePaper // the printer's
)

// claims finds out what a program has told, and whom.
type claims struct {
	who     func(conn string) listener
	dialect *iso8583.Dialect
	partial map[string][]byte // by connection: what is not a whole message yet
	streams map[string]bool   // connections on which events are told
	known   map[string]bool   // claims by their text: who repeats something told it before
	found   []claim

	sockets  map[listener]int // what was sent to whom, in calls
	claimed  map[listener]int // and what was understood of it
	followed int              // events that the till followed
	slips    int
}

// claimsOf reads everything that was sent. who tells connections apart.
func claimsOf(r *record, who func(conn string) listener) (*claims, error) {
	dialect, err := iso8583.Preset("unionpay")
	if err != nil {
		return nil, err
	}
	c := &claims{
		who: who, dialect: dialect, partial: map[string][]byte{}, streams: map[string]bool{}, known: map[string]bool{},
		sockets: map[listener]int{}, claimed: map[listener]int{},
	}
	for _, s := range r.sent {
		to, before := who(s.conn), len(c.found)
		c.sockets[to]++
		if err := c.hear(to, s); err != nil {
			return nil, fmt.Errorf("what was sent over %s cannot be read: %w", s.conn, err)
		}
		c.claimed[to] += len(c.found) - before
	}
	return c, nil
}

func (c *claims) hear(to listener, s sentBytes) (err error) {
	text := append(c.partial[s.conn], s.data...)
	switch to {
	case theTill:
		text, err = c.hearAnswers(s, text)
	case theHost:
		text, err = c.hearMessages(s.place, text)
	case theGateway:
		text, err = c.hearRequests(s.place, text)
	case thePaper:
		text = c.hearPaper(s.place, text)
	default:
		text = nil
	}
	c.partial[s.conn] = text
	return err
}

func (c *claims) add(place int, text string, holds func(*kept) bool) {
	if !c.known[text] {
		c.known[text] = true
		c.found = append(c.found, claim{place, text, holds})
	}
}

// holdsFact claims an event about a subject.
func (c *claims) holdsFact(place int, who, subject, kind string) {
	c.add(place, fmt.Sprintf("%s heard of %s of %s", who, kind, subject), func(k *kept) bool { return k.has(subject, kind) })
}

// hearMessages takes the ISO 8583 messages out of what a host was sent, and leaves the rest.
func (c *claims) hearMessages(place int, text []byte) ([]byte, error) {
	for {
		n, payload, err := c.dialect.SplitFrame(text, false)
		if err != nil || n == 0 {
			return text, err
		}
		text = text[n:]
		if len(payload) == 0 {
			continue
		}
		m, _, err := c.dialect.Unpack(payload)
		if err != nil {
			return text, err
		}
		trace, err := strconv.ParseUint(m.Text(11), 10, 32)
		if err != nil {
			return text, fmt.Errorf("message %s has no trace number: %w", m.MTI, err)
		}
		c.message(place, m.MTI, uint32(trace))
	}
}

// message claims what must be in the journal before a message leaves: of a financial request its intent (I1), of a
// reversal that it is due, of every message its number (I8).
func (c *claims) message(place int, mti string, trace uint32) {
	text := fmt.Sprintf("the host was sent %s with trace number %06d", mti, trace)
	c.add(place, text, func(k *kept) bool {
		switch mti {
		case "0100", "0200", "0220":
			return k.has(k.sent[trace], "attempt.sent")
		case "0400":
			return k.has(k.sent[trace], "attempt.reversing")
		default:
			return k.traces[trace]
		}
	})
}

var (
	orderNumber = regexp.MustCompile(`(?:out_trade_no|out_request_no|out_refund_no)(?:"\s*:\s*"|><!\[CDATA\[|>)([0-9A-Z]+)`)
	undoing     = regexp.MustCompile(`method=alipay\.trade\.cancel|/secapi/pay/reverse`)
)

// hearRequests takes the order numbers out of what a gateway was sent. A request comes in one piece or in two, head
// and body.
func (c *claims) hearRequests(place int, text []byte) ([]byte, error) {
	head, body, whole := bytes.Cut(text, []byte("\r\n\r\n"))
	if !whole || len(body) < contentLength(head) {
		return text, nil
	}
	form := string(text)
	if plain, err := url.QueryUnescape(form); err == nil {
		form = plain
	}
	undo := undoing.MatchString(form)
	for _, m := range orderNumber.FindAllStringSubmatch(form, -1) {
		order := m[1]
		text := fmt.Sprintf("the gateway was sent order %s, undoing it: %t", order, undo)
		c.add(place, text, func(k *kept) bool {
			subject := k.orders[order]
			return k.has(subject, "attempt.sent") && (!undo || k.has(subject, "attempt.reversing"))
		})
	}
	return body[contentLength(head):], nil
}

var lengthLine = regexp.MustCompile(`(?i)\r\ncontent-length: *(\d+)`)

func contentLength(head []byte) int {
	m := lengthLine.FindSubmatch(head)
	if m == nil {
		return 0
	}
	n, _ := strconv.Atoi(string(m[1])) // digits
	return n
}

// broken gives which of the first claims are not in the journal.
func (c *claims) broken(told int, k *kept) []string {
	var out []string
	for _, cl := range c.found[:told] {
		if !cl.holds(k) {
			out = append(out, cl.text)
		}
	}
	return out
}
