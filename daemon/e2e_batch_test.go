package main

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"posd/hwtest/devicesim"
	"posd/hwtest/hostsim"
)

// cardBy shows a card for an attempt that is no plain sale, and gives its outcome.
func (c *caller) cardBy(sale, attempt, kind string, card devicesim.Card) said {
	c.s.t.Helper()
	body := map[string]any{"rail": "card", "kind": kind, "print": true}
	c.begin(sale, attempt, body)
	c.collected(sale, attempt, func() error { return c.s.reader.Swipe(card) })
	return c.pay(sale, attempt, body)
}

// refundBy gives the rest of attempt a back, for which the customer shows the card once more.
func (c *caller) refundBy(sale, attempt string, card devicesim.Card) said {
	c.s.t.Helper()
	if a := c.begin(sale, attempt, undo("refund", "a")); a.Inner != "created" {
		c.s.t.Fatalf("the refund does not wait for the card: %+v", a)
	}
	c.swipe(sale, attempt, card)
	return c.pay(sale, attempt, undo("refund", "a"))
}

// day is a shop's day of every kind: the host holds 1500 by a completion and 700 of a sale that was partly refunded.
func (s *store) day() {
	s.t.Helper()
	s.till.open("S-1", 2000)
	if b := s.want(s.till.cardBy("S-1", "b", "balance", testCard(1)), "approved"); !strings.Contains(strings.Join(b.Slip, "\n"), "BALANCE") {
		s.t.Errorf("the slip of the balance is %q", b.Slip)
	}
	p := s.want(s.till.cardBy("S-1", "p", "pre-auth", testCard(1)), "approved")
	if on := strings.Join(p.Slip, "\n"); !strings.Contains(on, "PRE-AUTHORISED") || !strings.Contains(on, "NOT A RECEIPT") {
		s.t.Errorf("the slip of the pre-auth is\n%s", on)
	}
	s.holds(0, 0)
	part := undo("completion", "p")
	part["amount"] = 1500
	s.want(s.till.pay("S-1", "c", part), "approved")
	s.till.open("S-2", 1000)
	s.want(s.till.payCard("S-2", "a", testCard(2)), "approved")
	back := undo("refund", "a")
	back["amount"] = 300
	s.want(s.till.pay("S-2", "r", back), "approved")
	s.till.open("S-3", 400)
	s.want(s.till.payCard("S-3", "a", testCard(3)), "approved")
	s.want(s.till.pay("S-3", "v", undo("void", "a")), "approved")
	s.holds(2200, 0)
}

// closes runs the verb and gives what it prints.
func (s *store) closes(cmd batchCloseCmd) (string, error) {
	s.t.Helper()
	var out bytes.Buffer
	api := &client{base: "http://" + s.cfg.API.Listen, token: s.supervisor.token, http: s.supervisor.http}
	err := cmd.close(s.t.Context(), api.patient(longest), &globals{Out: &out})
	return out.String(), err
}

func TestTheDaysBatchIsClosedByTheVerbAndItsSlipPrinted(t *testing.T) {
	for name, rules := range map[string][]hostsim.Rule{
		"balanced":   nil,
		"unbalanced": {{Kind: "settlement", Times: 1, Do: hostsim.Unbalanced}},
		"silent":     {{Kind: "settlement", Times: 2, Do: hostsim.CommitSilent}},
	} {
		t.Run(name, func(t *testing.T) {
			s := openStore(t, plan{patience: "3s"})
			s.day()
			s.rules(rules...)
			if said, err := s.closes(batchCloseCmd{By: "Li Na"}); err != nil || said != "batch 000007 is closed with CNY 22.00; the next one is 000008\n" {
				t.Fatalf("the verb says %q, %v", said, err)
			}
			if all := s.host.Batches(); len(all) != 1 || !all[0].Closed || !all[0].Healed() {
				t.Errorf("the host has %+v", all)
			}
			slips := s.slips(8)
			for _, want := range []string{"BATCH CLOSED", "Li Na", "000008", "CNY 22.00"} {
				if !strings.Contains(slips[7], want) {
					t.Errorf("the slip lacks %q:\n%s", want, slips[7])
				}
			}
			s.refused(s.till.pay("S-2", "v", undo("void", "a")), http.StatusConflict, "batch_closed")
			s.want(s.till.refundBy("S-2", "r2", testCard(7)), "not_paid") // the card's data is gone with the batch
			s.want(s.till.refundBy("S-2", "r3", testCard(2)), "approved")
			s.holds(1500, 0)
		})
	}
}

func TestACloseOutlivesARestart(t *testing.T) {
	s := openStore(t, plan{patience: "3s"})
	s.day()
	s.rules(hostsim.Rule{Kind: "settlement", Do: hostsim.CommitSilent})
	if a := s.till.send(http.MethodPost, "/v1/batches/close", nil); a.HTTP != http.StatusAccepted || a.State != "closing" {
		t.Fatalf("the close is %+v", a)
	}
	s.refused(s.till.pay("S-1", "v", undo("void", "c")), http.StatusConflict, "batch_closing")
	s.stop()
	s.launch()
	s.rules()
	s.eventually("the batch is closed", func() bool {
		_, text := s.till.raw(http.MethodGet, "/v1/batches", nil)
		return strings.Contains(string(text), `"state":"closed"`)
	})
	if all := s.host.Batches(); len(all) != 1 || !all[0].Closed || !all[0].Balanced {
		t.Errorf("the host has %+v", all)
	}
}
