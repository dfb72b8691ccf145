package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"posd/config"
)

// client talks to the posd that runs on this machine, with a supervisor's rights.
type client struct {
	base  string // http://host:port
	token string
	http  *http.Client
	wait  time.Duration // how long posd may take for an answer that it has to wait for itself; 0 for none
}

// answerLimit is more than any list of the API holds.
const answerLimit = 16 << 20

func newClient(cfg *config.Config) (*client, error) {
	token, err := os.ReadFile(cfg.API.SupervisorTokenFile)
	if err != nil {
		return nil, fmt.Errorf("read the supervisor's token (api.supervisor_token_file): %w", err)
	}
	return &client{
		base:  "http://" + cfg.API.Listen,
		token: config.SecretText(token),
		http:  &http.Client{Timeout: 30 * time.Second},
	}, nil
}

// patient is a client that lets posd wait for an outcome.
func (c *client) patient(wait time.Duration) *client {
	longer := *c.http
	longer.Timeout = c.http.Timeout + wait
	return &client{base: c.base, token: c.token, http: &longer, wait: wait}
}

// do asks for one thing; in and out may be nil. A refusal is a *refusal.
func (c *client) do(ctx context.Context, method, path string, in, out any) error {
	resp, err := c.send(ctx, method, path, in)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if out == nil {
		return nil
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, answerLimit)).Decode(out); err != nil {
		return fmt.Errorf("read posd's answer: %w", err)
	}
	return nil
}

// fetch copies an answer of any length.
func (c *client) fetch(ctx context.Context, path string, to io.Writer) error {
	resp, err := c.send(ctx, http.MethodGet, path, nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(to, resp.Body); err != nil {
		return fmt.Errorf("read posd's answer: %w", err)
	}
	return nil
}

// send asks, and gives an answer that is no refusal.
func (c *client) send(ctx context.Context, method, path string, in any) (*http.Response, error) {
	var body io.Reader = http.NoBody
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return nil, fmt.Errorf("write the question: %w", err)
		}
		body = strings.NewReader(string(text))
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return nil, fmt.Errorf("ask posd: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.wait > 0 {
		req.Header.Set("Prefer", fmt.Sprintf("wait=%d", int(c.wait.Seconds())))
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("posd does not answer at %s; does it run? posd start or posd run starts it: %w", c.base, err)
	}
	if resp.StatusCode/100 != 2 {
		defer resp.Body.Close()
		return nil, readRefusal(resp.Status, io.LimitReader(resp.Body, answerLimit))
	}
	return resp, nil
}

// refusal is a problem+json answer: what is wrong, and what to do.
type refusal struct {
	Title  string `json:"title"`
	Detail string `json:"detail"`
	Code   string `json:"code"`
	Remedy string `json:"remedy"`

	OpenItems []listedItem `json:"open_items"`
}

func (r *refusal) Error() string {
	text := r.Detail
	if text == "" {
		text = r.Title
	}
	if r.Code != "" {
		text = r.Code + ": " + text
	}
	if r.Remedy != "" {
		text += "; " + r.Remedy
	}
	return text
}

func readRefusal(status string, answer io.Reader) error {
	var r refusal
	if err := json.NewDecoder(answer).Decode(&r); err != nil || r.Error() == "" {
		return errors.New("posd answers " + status)
	}
	return &r
}

// attemptPath is where a verb of an attempt is, which a person names as SALE/ATTEMPT; client is whose sale it is, where it is
// not the caller's.
func attemptPath(name, verb, client string) (string, error) {
	sale, attempt, ok := strings.Cut(name, "/")
	if !ok || sale == "" || attempt == "" {
		return "", errors.New("name the attempt as SALE/ATTEMPT")
	}
	path := "/v1/sales/" + url.PathEscape(sale) + "/attempts/" + url.PathEscape(attempt) + "/" + verb
	if client != "" {
		path += "?client=" + url.QueryEscape(client)
	}
	return path, nil
}
