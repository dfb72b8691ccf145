package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"posd/daemon/payment"
)

// timeline writes what happened as people read it, a line for each event. It remembers of each attempt what later lines
// refer to: its currency, when it was sent, and how often its reversal was tried.
type timeline struct {
	w        io.Writer
	messages bool // show the messages to hosts, too
	known    map[payment.Key]*course
	lent     *course // of the attempt that the line is about
}

// course is what is remembered of an attempt, or of a sale.
type course struct {
	currency string
	sent     time.Time
	undoing  time.Time
	tries    int
}

// maxCourses bounds what is remembered while a journal is followed.
const maxCourses = 10_000

func newTimeline(w io.Writer, messages bool) *timeline {
	return &timeline{w: w, messages: messages, known: map[payment.Key]*course{}}
}

// happening is what a line says of an event.
type happening struct {
	about, word, detail string
	messages            []payment.Message
}

// show writes one event.
func (t *timeline) show(r payment.Record) error {
	h := t.read(r)
	_, err := fmt.Fprintf(t.w, "%s  %-16s  %-13s %s\n", r.Time.Local().Format("2006-01-02 15:04:05.000"), h.about, h.word, h.detail)
	if !t.messages {
		return err
	}
	for _, m := range h.messages {
		arrow := map[string]string{"out": "-->"}[m.Direction]
		if arrow == "" {
			arrow = "<--"
		}
		if _, err := fmt.Fprintf(t.w, "    %s %s %s %s\n", m.Time.Local().Format("15:04:05.000"), arrow, m.Name, m.Fields); err != nil {
			return err
		}
	}
	return err
}

// read makes of an event what people want to know. One that cannot be read, or that another version wrote, is shown by its
// kind.
func (t *timeline) read(r payment.Record) happening {
	if id, ours := strings.CutPrefix(r.Subject, "print/"); ours {
		return slipHappening(id, r)
	}
	h := happening{about: r.Subject, word: r.Kind}
	f, err := payment.ReadFact(r)
	if err != nil {
		return h
	}
	h.messages = f.Messages
	if f.Key.Sale != "" {
		h.about = strings.TrimSuffix(f.Key.String(), "/")
	} else if f.Terminal != "" {
		h.about = "terminal " + f.Terminal
	}
	t.remember(r, f)
	if tell, ok := tellings[r.Kind]; ok {
		h.word = tell.word
		h.detail = tell.detail(t, r, f)
	}
	return h
}

// remember notes what later lines refer to.
func (t *timeline) remember(r payment.Record, f payment.Fact) {
	if len(t.known) > maxCourses {
		clear(t.known)
	}
	c := t.known[f.Key]
	if c == nil {
		c = &course{}
		if sale := t.known[payment.Key{Client: f.Key.Client, Sale: f.Key.Sale}]; sale != nil {
			c.currency = sale.currency
		}
		t.known[f.Key] = c
	}
	switch r.Kind {
	case "sale.opened":
		c.currency = f.Sale.Currency
	case "attempt.created":
		c.currency = f.Created.Currency
	case "attempt.sent":
		c.sent = r.Time
	case "attempt.reversing":
		c.undoing, c.tries = r.Time, 0
	case "reversal.tried", "attempt.reversed", "attempt.stuck":
		c.tries++
	case "batch.closing":
		c.currency = f.Close.Currency
	}
	t.lent = c
}

// money writes an amount in the currency of what the line is about.
func (t *timeline) money(amount payment.Cents) string { return money(int64(amount), t.lent.currency) }

// took says how long something took; nothing when its beginning was not shown.
func took(from time.Time, r payment.Record, what string) string {
	if from.IsZero() || r.Time.Before(from) {
		return ""
	}
	return fmt.Sprintf("%s %s", span(r.Time.Sub(from)), what)
}

// span writes a duration as short as people say it.
func span(d time.Duration) string {
	if d < time.Second {
		return d.Round(time.Millisecond).String()
	}
	if d < time.Minute {
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return d.Round(time.Second).String()
}

// phrase joins what there is to say.
func phrase(parts ...string) string {
	var out []string
	for _, p := range parts {
		if p = strings.TrimSpace(p); p != "" {
			out = append(out, p)
		}
	}
	return strings.Join(out, ", ")
}

// named puts a name before a value, if there is one.
func named(name, value string) string {
	if value == "" {
		return ""
	}
	return name + " " + value
}

// slipWords are the words for what happens to a slip.
var slipWords = map[string]string{
	"print_queued": "waits for the printer", "print_started": "is being printed", "print_stopped": "could not be printed",
	"print_unsure": "may have come out", "print_done": "is printed", "print_held": "is held, until somebody asks for it",
	"print_released": "may be printed late",
}

func slipHappening(id string, r payment.Record) happening {
	h := happening{about: id, word: "slip", detail: slipWords[r.Kind]}
	if h.detail == "" {
		h.detail = r.Kind
	}
	var why struct {
		Why string `json:"why"`
	}
	_ = json.Unmarshal(r.Body, &why) // what cannot be read says nothing
	h.detail = phrase(h.detail, why.Why)
	if part := strings.Split(id, "/"); len(part) >= 4 && part[0] != "batch" { // client, sale, attempt, wording
		h.about, h.detail = part[1]+"/"+part[2], phrase(strings.Join(part[3:], " ")+" "+h.detail)
	}
	return h
}
