package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// standIn answers like posd's API and keeps what it was asked.
type standIn struct {
	answers map[string]string // "GET /v1/sales" -> JSON; what is not here is a problem
	asked   []string
}

func (s *standIn) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	asked := r.Method + " " + r.URL.RequestURI()
	if r.Header.Get("Authorization") != "Bearer s3cret" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if r.Body != http.NoBody {
		if body, err := io.ReadAll(r.Body); err == nil {
			asked += " " + string(body)
		}
	}
	s.asked = append(s.asked, asked)
	answer, ok := s.answers[r.Method+" "+r.URL.Path]
	if !ok {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusConflict)
		answer = `{"title":"Conflict","code":"not_stuck","detail":"attempt a1 is approved","remedy":"look at posd sales"}`
	}
	_, _ = w.Write([]byte(answer))
}

func ask(t *testing.T, s *standIn, do func(context.Context, *client, *globals) error) (string, error) {
	t.Helper()
	srv := httptest.NewServer(s)
	defer srv.Close()
	var out bytes.Buffer
	c := &client{base: srv.URL, token: "s3cret", http: srv.Client()}
	err := do(t.Context(), c, &globals{Out: &out})
	return out.String(), err
}

const anAttempt = `{"client":"till-3","sale":"S-1","attempt":"a1","rail":"card","kind":"sale","state":"needs_attention","amount":1999,
"currency":"CNY","short_id":"K7M2QX","instrument":"622848******1234","reversal":{"tries":3,"code":"64","text":"refused"}}`

func TestSalesListsAttempts(t *testing.T) {
	s := &standIn{answers: map[string]string{"GET /v1/sales": `{"sales":[{"id":"S-1","amount":1999,"currency":"CNY","reference":"till 3 / 0042","attempts":[` + anAttempt +
		`]},{"id":"S-2","amount":5,"currency":"JPY"}]}`}}
	got, err := ask(t, s, func(ctx context.Context, c *client, g *globals) error { return salesCmd{}.list(ctx, c, g) })
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(got, "\n")
	want := []string{"S-1|a1|K7M2QX|card|sale|CNY|19.99|needs_attention|622848******1234|till|3|/|0042", "S-2|JPY|5|open"}
	for i, w := range want {
		if cells := strings.Join(strings.Fields(lines[i+1]), "|"); cells != w {
			t.Errorf("line %d: got %s, want %s", i+1, cells, w)
		}
	}
}

func TestOwedSaysWhatAPersonMustDo(t *testing.T) {
	s := &standIn{answers: map[string]string{"GET /v1/owed": `{"open":[],"stuck":[` + anAttempt + `],"pairs":[],"look_alikes":[]}`}}
	got, err := ask(t, s, func(ctx context.Context, c *client, g *globals) error { return owedCmd{}.list(ctx, c, g) })
	if err != nil || !strings.Contains(got, "S-1/a1") || !strings.Contains(got, "64 refused") || !strings.Contains(got, "posd settle SALE/ATTEMPT") {
		t.Errorf("got %v:\n%s", err, got)
	}
}

func TestOwedSaysWhenNothingIs(t *testing.T) {
	s := &standIn{answers: map[string]string{"GET /v1/owed": `{"open":[],"stuck":[],"pairs":[],"look_alikes":[]}`}}
	got, err := ask(t, s, func(ctx context.Context, c *client, g *globals) error { return owedCmd{}.list(ctx, c, g) })
	if err != nil || got != "nothing is owed\n" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestSettleSendsTheVerdict(t *testing.T) {
	for _, row := range []struct {
		cmd        settleCmd
		body, says string
	}{
		{settleCmd{As: "paid", Amount: 1500}, `{"amount":1500,"as":"paid","by":"Chen","reason":"acquirer's list"}`, "S 1/a1 is settled as paid by Chen\n"},
		{settleCmd{As: "not-paid"}, `{"as":"not-paid","by":"Chen","reason":"acquirer's list"}`, "S 1/a1 is settled as not-paid by Chen\n"},
		{settleCmd{As: "retry"}, `{"as":"retry","by":"Chen","reason":"acquirer's list"}`, "S 1/a1 is being reversed again, as told by Chen\n"},
	} {
		s := &standIn{answers: map[string]string{"POST /v1/sales/S 1/attempts/a1/settle": `{}`}}
		row.cmd.Attempt, row.cmd.By, row.cmd.Reason = "S 1/a1", "Chen", "acquirer's list"
		got, err := ask(t, s, func(ctx context.Context, c *client, g *globals) error { return row.cmd.settle(ctx, c, g) })
		if err != nil || got != row.says {
			t.Errorf("%s: got %q, %v", row.cmd.As, got, err)
		}
		if want := "POST /v1/sales/S%201/attempts/a1/settle " + row.body; len(s.asked) != 1 || s.asked[0] != want {
			t.Errorf("%s: asked %q, want %q", row.cmd.As, s.asked, want)
		}
	}
}

func TestSettleTakesAnAmountForWhatWasPaidOnly(t *testing.T) {
	for _, cmd := range []settleCmd{{As: "not-paid", Amount: 5}, {As: "retry", Amount: 5}, {As: "paid", Amount: -5}} {
		cmd.Attempt = "S-1/a1"
		s := &standIn{}
		_, err := ask(t, s, func(ctx context.Context, c *client, g *globals) error { return cmd.settle(ctx, c, g) })
		if err == nil || !strings.Contains(err.Error(), "--amount") || len(s.asked) > 0 {
			t.Errorf("as %s with %d: %v, asked %q", cmd.As, cmd.Amount, err, s.asked)
		}
	}
}

func TestARefusalSaysWhyAndWhatToDo(t *testing.T) {
	cmd := settleCmd{Attempt: "S-1/a1", As: "paid", By: "Chen", Reason: "x"}
	_, err := ask(t, &standIn{}, func(ctx context.Context, c *client, g *globals) error { return cmd.settle(ctx, c, g) })
	if err == nil || err.Error() != "not_stuck: attempt a1 is approved; look at posd sales" {
		t.Errorf("got %v", err)
	}
}

func TestAPosdThatIsDownIsSaid(t *testing.T) {
	c := &client{base: "http://127.0.0.1:1", http: &http.Client{Timeout: 5 * time.Second}}
	if err := c.do(t.Context(), http.MethodGet, "/v1/sales", nil, nil); err == nil || !strings.Contains(err.Error(), "does it run?") {
		t.Errorf("got %v", err)
	}
}

func TestCommandLineTellsUsageFromProblems(t *testing.T) {
	for line, want := range map[string]int{
		"bogus":                        usageError,
		"settle S-1/a1 --as maybe":     usageError,
		"settle S-1/a1 --as paid":      usageError,
		"log --since yesterday":        usageError,
		"check -c /nowhere/posd.toml":  problem,
		"sales -c /nowhere/posd.toml":  problem,
		"check --example":              success,
		"version":                      success,
		"run --config /nowhere/p.toml": problem,
	} {
		var out, errs bytes.Buffer
		g := &globals{Out: &out, Err: &errs, Now: time.Now}
		if got := posd(t.Context(), g, strings.Fields(line)); got != want {
			t.Errorf("posd %s: exit %d, want %d; %s", line, got, want, errs.String())
		}
		if want != success && !strings.HasPrefix(errs.String(), "posd: ") {
			t.Errorf("posd %s says %q", line, errs.String())
		}
	}
}

func TestAWrongCommandLineIsToldWithTheHelpOfItsVerb(t *testing.T) {
	for line, want := range map[string]string{
		"bogus": "see posd --help", "settle S-1/a1 --as maybe": "see posd settle --help", "settle S-1/a1 --bogus": "see posd settle --help",
		"batch": "see posd batch --help", "batch close": "see posd batch close --help",
	} {
		var out, errs bytes.Buffer
		g := &globals{Out: &out, Err: &errs, Now: time.Now}
		if posd(t.Context(), g, strings.Fields(line)); !strings.HasSuffix(errs.String(), want+"\n") {
			t.Errorf("posd %s says %q, want %s", line, errs.String(), want)
		}
	}
}
