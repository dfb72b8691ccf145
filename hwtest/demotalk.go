package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

const (
	patience  = 45 * time.Second      // for anything that must happen; a slow machine needs a part of it
	lookEvery = 20 * time.Millisecond // how often it is looked whether it has
)

// until waits until done, or says what did not happen.
func until(ctx context.Context, what string, done func(context.Context) (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		ok, err := done(ctx)
		if ok || err != nil && ctx.Err() == nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return fmt.Errorf("waited %s for: %s", patience, what)
			}
			return ctx.Err()
		}
	}
}

// ask makes one HTTP exchange of JSON. status is 0 when there was no answer.
func ask(ctx context.Context, method, url, token string, body any) (status int, answer []byte, err error) {
	var text []byte
	if body != nil {
		if text, err = json.Marshal(body); err != nil {
			return 0, nil, err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(text))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	answer, err = io.ReadAll(resp.Body)
	return resp.StatusCode, answer, err
}

// control is the control interface of a simulator.
type control struct{ base, token string }

func (c control) do(ctx context.Context, method, path string, body, into any) error {
	status, answer, err := ask(ctx, method, c.base+"/control/"+path, c.token, body)
	switch {
	case err != nil:
		return err
	case status != http.StatusOK:
		return fmt.Errorf("control/%s: %d %s", path, status, bytes.TrimSpace(answer))
	case into == nil:
		return nil
	default:
		return json.Unmarshal(answer, into)
	}
}

// posdClient is a till's software and its supervisor.
type posdClient struct{ base, sell, supervisor string }

// tillSale is a sale as posd tells it.
type tillSale struct {
	ID       string        `json:"id"`
	Amount   int64         `json:"amount"`
	Paid     int64         `json:"paid"`
	Attempts []tillAttempt `json:"attempts"`
}

// tillAttempt is an attempt as posd tells it.
type tillAttempt struct {
	Attempt    string `json:"attempt"`
	ShortID    string `json:"short_id"`
	Rail       string `json:"rail"`
	Kind       string `json:"kind"`
	State      string `json:"state"`
	InnerState string `json:"inner_state"`
	System     bool   `json:"system"`
	Instrument string `json:"instrument"`
	Numbers    struct {
		Terminal string `json:"terminal"`
		Batch    string `json:"batch"`
		Trace    string `json:"trace"`
		Order    string `json:"order"`
	} `json:"numbers"`
	Host struct {
		Reference string `json:"reference"`
		Approval  string `json:"approval"`
	} `json:"host"`
	Code     string   `json:"code"`
	Text     string   `json:"text"`
	Original string   `json:"original"`
	Problem  *refusal `json:"problem"`
	Slip     []string `json:"slip"`
	Reversal struct {
		Reason string `json:"reason"`
		Tries  int    `json:"tries"`
		Code   string `json:"code"`
		Text   string `json:"text"`
	} `json:"reversal"`
}

// open tells that posd is not done with the attempt.
func (a tillAttempt) open() bool { return a.State == "in_progress" || a.State == "reversing" }

// refusal is a problem as posd tells it: what is wrong, and what the cashier may do.
type refusal struct {
	Status int    `json:"status"`
	Code   string `json:"code"`
	Detail string `json:"detail"`
	Remedy string `json:"remedy"`
}

// Error gives all of it.
func (r *refusal) Error() string {
	return fmt.Sprintf("%d %s: %s; %s", r.Status, r.Code, r.Detail, r.Remedy)
}

// do asks posd; a refusal is a *refusal.
func (c *posdClient) do(ctx context.Context, token, method, path string, body, into any) error {
	status, answer, err := ask(ctx, method, c.base+path, token, body)
	if err != nil {
		return err
	}
	if status/100 != 2 {
		r := &refusal{Status: status}
		_ = json.Unmarshal(answer, r) // what is no problem+json has its status to say
		return r
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(answer, into)
}

func (c *posdClient) openSale(ctx context.Context, id string, amount int64, reference string) error {
	return c.do(ctx, c.sell, http.MethodPut, "/v1/sales/"+id,
		map[string]any{"amount": amount, "currency": "CNY", "reference": reference}, nil)
}

// attemptAsk is the body of a new attempt.
type attemptAsk struct {
	Rail     string    `json:"rail"`
	Kind     string    `json:"kind"`
	Code     string    `json:"code,omitempty"`
	Language string    `json:"language"`
	Print    bool      `json:"print"`
	Override *override `json:"override,omitempty"`
}

type override struct {
	By     string `json:"by"`
	Reason string `json:"reason"`
}

func attemptPath(sale, attempt string) string { return "/v1/sales/" + sale + "/attempts/" + attempt }

func (c *posdClient) begin(ctx context.Context, token, sale, attempt string, in attemptAsk) error {
	return c.do(ctx, token, http.MethodPut, attemptPath(sale, attempt), in, nil)
}

func (c *posdClient) attempt(ctx context.Context, sale, attempt string) (a tillAttempt, err error) {
	err = c.do(ctx, c.sell, http.MethodGet, attemptPath(sale, attempt), nil, &a)
	return a, err
}

// outcome waits until posd is done with an attempt.
func (c *posdClient) outcome(ctx context.Context, sale, attempt string) (a tillAttempt, err error) {
	err = until(ctx, "the outcome of "+sale+"/"+attempt, func(ctx context.Context) (bool, error) {
		a, err = c.attempt(ctx, sale, attempt)
		return err == nil && !a.open(), err
	})
	return a, err
}

// sales are all sales, oldest first, as a supervisor sees them.
func (c *posdClient) sales(ctx context.Context) ([]tillSale, error) {
	var list struct {
		Sales []tillSale `json:"sales"`
	}
	err := c.do(ctx, c.supervisor, http.MethodGet, "/v1/sales?limit=500", nil, &list)
	for i, j := 0, len(list.Sales)-1; i < j; i, j = i+1, j-1 {
		list.Sales[i], list.Sales[j] = list.Sales[j], list.Sales[i]
	}
	return list.Sales, err
}
