package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"posd/hwtest/hostsim"
)

// hostControl is the host's control interface.
func hostControl(h *hostsim.Host) http.Handler {
	mux := http.NewServeMux()
	show := func(path, name string, what func() any) {
		mux.HandleFunc("GET /control/"+path, onGet(func() map[string]any { return map[string]any{name: what()} }))
	}
	show("ledger", "entries", func() any { return append([]hostsim.Entry{}, h.Ledger()...) })
	show("messages", "entries", func() any { return append([]hostsim.Entry{}, h.Messages()...) })
	show("batches", "batches", func() any { return h.Batches() })
	show("terminals", "terminals", func() any { return h.Terminals() })
	show("accounts", "accounts", func() any { return h.Accounts() })
	mux.HandleFunc("GET /control/bill", func(w http.ResponseWriter, r *http.Request) { getHostBill(h, w, r) })
	show("rules", "rule", func() any { return h.Rules() })
	mux.HandleFunc("PUT /control/accounts", onBody(func(in struct {
		Card    string
		Balance int64
	},
	) error {
		return h.SetBalance(in.Card, in.Balance)
	}))
	mux.HandleFunc("PUT /control/rules", func(w http.ResponseWriter, r *http.Request) {
		text, err := io.ReadAll(r.Body)
		if err == nil {
			err = setHostRules(h, text)
		}
		answerJSON(w, struct{}{}, err)
	})
	mux.HandleFunc("POST /control/forget-keys", onBody(func(struct{}) error {
		h.ForgetKeys()
		return nil
	}))
	mux.HandleFunc("PUT /control/batch", onBody(func(in struct{ Terminal, Batch string }) error {
		return openBatch(h, in.Terminal, in.Batch)
	}))
	mux.HandleFunc("PUT /control/clock", onBody(func(in struct{ Ahead string }) error {
		ahead, err := time.ParseDuration(in.Ahead)
		if err != nil {
			return errors.New(`ahead is a span of time, such as "24h"`)
		}
		h.SetAhead(ahead)
		return nil
	}))
	return mux
}

// getHostBill gives the bill of a batch, or of all, with the faults that are asked for.
func getHostBill(h *hostsim.Host, w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	b := hostsim.Bill{Terminal: q.Get("terminal"), Batch: q.Get("batch"), Missing: q["missing"], Amounts: map[string]int64{}}
	for _, a := range q["amount"] {
		trace, text, _ := strings.Cut(a, ":")
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n <= 0 {
			answerJSON(w, nil, errors.New("amount is TRACE:MINOR-UNITS"))
			return
		}
		b.Amounts[trace] = n
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	_, _ = w.Write(h.Bill(b)) // who has hung up needs no answer
}

func openBatch(h *hostsim.Host, terminal, batch string) error {
	if len(batch) != 6 || strings.Trim(batch, "0123456789") != "" {
		return errors.New("a batch has six digits")
	}
	if !slices.ContainsFunc(h.Terminals(), func(t hostsim.Terminal) bool { return t.ID == terminal }) {
		return fmt.Errorf("the host has no terminal %q", terminal)
	}
	h.SetBatch(terminal, batch)
	return nil
}

func setHostRules(h *hostsim.Host, text json.RawMessage) error {
	rules, err := hostsim.ParseRulesJSON("body", text)
	if err != nil {
		return err
	}
	return h.SetRules(rules...)
}
