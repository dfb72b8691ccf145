package main

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"posd/hwtest/hostsim"
	"posd/hwtest/walletsim"
)

// paidTwicePage is the page about the case that nobody has solved.
const paidTwicePage = "payment/PAID-TWICE.md"

// quotes are what the page says that posd says: the lines of its blocks that are marked so.
func quotes(t *testing.T) (lines []string) {
	t.Helper()
	text, err := os.ReadFile(paidTwicePage)
	if err != nil {
		t.Fatal(err)
	}
	in := false
	for line := range strings.Lines(string(text)) {
		switch line = strings.TrimSpace(line); {
		case line == "```said":
			in = true
		case line == "```":
			in = false
		case in && line != "":
			lines = append(lines, line)
		}
	}
	return lines
}

// inWords is a text without regard to how it was broken into lines.
func inWords(text string) string { return strings.Join(strings.Fields(text), " ") }

// hasSaid tells whether a text holds a quote, of which "…" stands for whatever is another time.
func hasSaid(text, quote string) bool {
	for part := range strings.SplitSeq(quote, "…") {
		_, rest, ok := strings.Cut(text, strings.TrimSpace(part))
		if !ok {
			return false
		}
		text = rest
	}
	return true
}

// refusal409 is what the till hears of a refused attempt, on one line.
func (s *store) refusal409(a said) string {
	s.t.Helper()
	if a.HTTP != http.StatusConflict {
		s.t.Fatalf("not refused: %+v", a)
	}
	return fmt.Sprintf("%d %s: %s; %s", a.HTTP, a.Code, a.Detail, a.Remedy)
}

// playPaidTwice plays the page's case in a language and gives what posd says, in order.
func (s *store) playPaidTwice(sale, language string) (out []string) {
	s.t.Helper()
	says := func(text string) { out = append(out, inWords(text)) }
	in := func(body map[string]any) map[string]any {
		body["language"] = language
		return body
	}
	s.rules(hostsim.Rule{Kind: "sale", Do: hostsim.CommitSilent}, hostsim.Rule{Kind: "reversal", Do: hostsim.ReverseCode, Code: "96"})
	s.till.open(sale, 9900)
	s.till.begin(sale, "card", in(saleBy("card")))
	s.till.swipe(sale, "card", testCard(1))
	s.eventually("it is being reversed", func() bool { return s.till.get(pathOf(sale, "card")).State == "reversing" })
	says(s.refusal409(s.till.pay(sale, "purse", in(by(s.code(walletsim.AlipayName))))))
	s.rules(hostsim.Rule{Kind: "reversal", Do: hostsim.ReverseCode, Code: "01"})
	s.eventually("it is stuck", func() bool { return s.till.get(pathOf(sale, "card")).State == "needs_attention" })
	s.rules()
	says(s.refusal409(s.till.pay(sale, "purse", in(by(s.code(walletsim.AlipayName))))))
	over := in(by(s.code(walletsim.AlipayName)))
	over["override"] = map[string]any{"by": "supervisor 1", "reason": "the customer has to catch a train"}
	s.want(s.supervisor.pay(sale, "purse", over), "approved")
	says(s.works("owed"))
	_, problems := s.supervisor.health()
	for _, p := range problems {
		says(p.Code + ": " + p.Detail + "; " + p.Remedy)
	}
	s.write("out/batch.csv", string(s.host.Bill(hostsim.Bill{})))
	says(s.complains("rows want a person", "reconcile", "--provider", "acquirer", "--bill", s.path("out/batch.csv"), "--by", "supervisor 1"))
	says(s.works("settle", sale+"/card", "--as", "paid", "--by", "supervisor 1", "--reason", "the acquirer's bill has it"))
	s.eventually("the wallet is refunded", func() bool { return s.till.get(pathOf(sale, "purse")).State == "refunded" })
	s.write("out/batch.csv", string(s.host.Bill(hostsim.Bill{})))
	says(s.works("reconcile", "--provider", "acquirer", "--bill", s.path("out/batch.csv")))
	return out
}

func TestThePageOnPayingTwiceQuotesWhatPosdSays(t *testing.T) {
	s := newStore(t, plan{patience: "3s", ownSocket: true})
	s.startProcess()
	out := append(s.playPaidTwice("0009", "en"), s.playPaidTwice("0010", "zh")...)
	for _, slip := range s.slips(10) {
		out = append(out, inWords(slip))
	}

	s.rules(hostsim.Rule{Kind: "sale", Do: hostsim.CommitSilent}, hostsim.Rule{Kind: "reversal", Do: hostsim.ReverseCode, Code: "01"})
	s.till.open("0011", 9900)
	s.want(s.till.payCard("0011", "card", testCard(2)), "needs_attention")
	s.till.open("0012", 9900)
	s.want(s.till.pay("0012", "purse", by(s.code(walletsim.AlipayName))), "approved")
	out = append(out, inWords(s.works("owed")))
	_, problems := s.supervisor.health()
	for _, p := range problems {
		out = append(out, p.Code+": "+p.Detail+"; "+p.Remedy)
	}
	log, err := os.ReadFile(s.cfg.Log.File)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(log)) {
		out = append(out, inWords(line))
	}
	lines := quotes(t)
	if len(lines) < 10 {
		t.Errorf("the page quotes %d lines only", len(lines))
	}
	for _, quote := range lines {
		found := false
		for _, text := range out {
			found = found || hasSaid(text, inWords(quote))
		}
		if !found {
			t.Errorf("posd does not say %q", quote)
		}
	}
	if t.Failed() {
		t.Logf("it says:\n%s", strings.Join(out[:40], "\n"))
	}
}
