package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"posd/hwtest/hostsim"
	"posd/hwtest/walletsim"
)

// built makes posd and hwtest, side by side as make does, and gives hwtest.
func built(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("builds and runs the programs")
	}
	dir := t.TempDir()
	ext := ""
	if runtime.GOOS == "windows" {
		ext = ".exe"
	}
	for name, pkg := range map[string]string{"posd": "../daemon", "hwtest": "."} {
		cmd := exec.Command("go", "build", "-o", filepath.Join(dir, name+ext), pkg)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("build %s: %v\n%s", pkg, err, out)
		}
	}
	return filepath.Join(dir, "hwtest"+ext)
}

// lastLine is what scripts look at.
func lastLine(out []byte) string {
	text := strings.TrimRight(string(out), "\n")
	return text[strings.LastIndexByte(text, '\n')+1:]
}

func TestDemoEndsWithLedgersThatAgree(t *testing.T) {
	program := built(t)
	dir := filepath.Join(t.TempDir(), "left")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, "demo", "--once", "--dir", dir)
	cmd.Cancel = func() error { return askToEnd(cmd.Process) }
	cmd.WaitDelay = 30 * time.Second
	out, err := cmd.CombinedOutput()
	if err != nil || lastLine(out) != "ledgers agree: 10 sales" {
		t.Fatalf("%v; the demo said:\n%s", err, out)
	}
	for _, want := range []string{
		"F39=98", "kill -9", "CANCELLED", "取消未确认", "409 sale_needs_attention", "退货成功", "paper is out", "0 hits",
	} {
		if !bytes.Contains(out, []byte(want)) {
			t.Errorf("the demo does not show %q", want)
		}
	}
	for _, name := range []string{demoJournalName, "logs/posd.json", hostLedgerFile, walletLedger, "slips.txt", demoConfig} {
		if info, err := os.Stat(filepath.Join(dir, filepath.FromSlash(name))); err != nil || info.Size() == 0 {
			t.Errorf("%s is not left, or empty: %v", name, err)
		}
	}
	again := exec.CommandContext(ctx, program, "demo", "--once", "--dir", dir)
	if out, err := again.CombinedOutput(); err == nil || !bytes.Contains(out, []byte("is not empty")) {
		t.Errorf("an old showing's folder is taken: %v\n%s", err, out)
	}
}

func TestDemoFailsWithAPosdThatEnds(t *testing.T) {
	program, dir := built(t), t.TempDir()
	ends := filepath.Join(dir, "posd") // it can be asked for the example, and no more
	if err := os.WriteFile(ends, []byte("#!/bin/sh\ntest \"$1\" = check\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	dir = filepath.Join(dir, "left")
	out, err := exec.CommandContext(t.Context(), program, "demo", "--once", "--dir", dir, "--posd", ends).CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != problem || !bytes.Contains(out, []byte("posd has ended")) {
		t.Errorf("%v; the demo said:\n%s", err, out)
	}
}

// books are two sales and the ledgers that agree with them: a card that was charged and one that was reversed, and a
// wallet that was refunded for a card that stays charged.
func books() ([]tillSale, []hostsim.Entry, []walletsim.Entry) {
	card := func(trace, state string) tillAttempt {
		a := tillAttempt{Attempt: "a", Rail: "card", Kind: "sale", State: state}
		a.Numbers.Terminal, a.Numbers.Batch, a.Numbers.Trace, a.Numbers.Order = "T", "B", trace, "ORDER"+trace
		return a
	}
	wallet := tillAttempt{Attempt: "b", Rail: "wallet", Kind: "sale", State: "refunded"}
	wallet.Numbers.Order = "W1"
	sales := []tillSale{
		{ID: "1", Amount: 100, Paid: 100, Attempts: []tillAttempt{card("1", "reversed"), card("2", "approved")}},
		{ID: "2", Amount: 200, Paid: 200, Attempts: []tillAttempt{card("3", "settled_paid"), wallet}},
	}
	charge := func(seq int, trace string, cents int64) hostsim.Entry {
		return hostsim.Entry{
			Seq: seq, Kind: hostsim.KindSale, Terminal: "T", Batch: "B", Trace: trace, Amount: cents, Captured: cents, Approved: true,
		}
	}
	host := []hostsim.Entry{charge(1, "1", 100), charge(2, "2", 100), charge(3, "3", 200)}
	host[0].Reversed = true
	ledger := []walletsim.Entry{
		{Seq: 1, Kind: walletsim.Capture, Order: "W1", Amount: 200}, {Seq: 2, Kind: walletsim.Return, Order: "W1", Amount: 200},
	}
	return sales, host, ledger
}

func TestComparisonFindsWhatDoesNotAgree(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(s []tillSale, h []hostsim.Entry, w []walletsim.Entry) ([]hostsim.Entry, []walletsim.Entry)
		says  string // empty: nothing is wrong
	}{
		"agree": {func(_ []tillSale, h []hostsim.Entry, w []walletsim.Entry) ([]hostsim.Entry, []walletsim.Entry) {
			return h, w
		}, ""},
		"reversal never came": {func(_ []tillSale, h []hostsim.Entry, w []walletsim.Entry) ([]hostsim.Entry, []walletsim.Entry) {
			h[0].Reversed = false
			return h, w
		}, "the ledgers hold ¥2.00"},
		"paid twice": {func(_ []tillSale, h []hostsim.Entry, w []walletsim.Entry) ([]hostsim.Entry, []walletsim.Entry) {
			return h, w[:1]
		}, "the ledgers hold ¥4.00"},
		"refunded twice": {func(_ []tillSale, h []hostsim.Entry, w []walletsim.Entry) ([]hostsim.Entry, []walletsim.Entry) {
			return h[:2], w
		}, "sale 2: posd says ¥2.00"},
		"posd says too little": {func(s []tillSale, h []hostsim.Entry, w []walletsim.Entry) ([]hostsim.Entry, []walletsim.Entry) {
			s[0].Paid = 0
			return h, w
		}, "sale 1: posd says ¥0.00"},
		"charge that posd does not know": {func(s []tillSale, h []hostsim.Entry, w []walletsim.Entry) ([]hostsim.Entry, []walletsim.Entry) {
			s[0].Attempts = s[0].Attempts[:1]
			return h, w
		}, "trace 2"},
		"order that posd does not know": {func(_ []tillSale, h []hostsim.Entry, w []walletsim.Entry) ([]hostsim.Entry, []walletsim.Entry) {
			return h, append(w, walletsim.Entry{Seq: 3, Kind: walletsim.Closed, Order: "W9"})
		}, "order W9"},
		"more given back than taken": {func(_ []tillSale, h []hostsim.Entry, w []walletsim.Entry) ([]hostsim.Entry, []walletsim.Entry) {
			return h[:2], append(w, walletsim.Entry{Seq: 3, Kind: walletsim.Return, Order: "W1", Amount: 1})
		}, "the ledgers hold -¥0.01"},
	} {
		t.Run(name, func(t *testing.T) {
			sales, host, wallet := books()
			host, wallet = c.spoil(sales, host, wallet)
			rows, wrong := compare(sales, host, wallet)
			for _, r := range rows {
				if r.verdict != "" {
					wrong = append(wrong, r.verdict)
				}
			}
			said := strings.Join(wrong, "; ")
			if c.says == "" && said != "" || !strings.Contains(said, c.says) {
				t.Errorf("got %q, want %q in it", said, c.says)
			}
		})
	}
}

func TestSearchFindsNumbersInEveryFormAndNamesNone(t *testing.T) {
	number := strings.Repeat("0123456789", 2)[:18]
	bcd, _ := hex.DecodeString(number)
	odd, _ := hex.DecodeString("D" + number + "F")
	wide := strings.Join(strings.Split(number, ""), "\x00")
	for name, text := range map[string]string{
		"text": "pan=" + number + ";", "hex": hex.EncodeToString([]byte(number)), "BCD": "\x00" + string(bcd) + "\xff",
		"BCD from an odd nibble": string(odd), "UTF-16": wide,
	} {
		dir := t.TempDir()
		if err := os.MkdirAll(filepath.Join(dir, "deep"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "deep", "file"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "clean"), []byte(number[:17]), 0o600); err != nil {
			t.Fatal(err)
		}
		files, hits, err := searchFiles(dir, map[string]string{number: "a number"})
		if err != nil || files != 2 || len(hits) != 1 || !strings.HasSuffix(hits[0], "a number as "+name) {
			t.Errorf("%s: %d files, %q, %v", name, files, hits, err)
		}
		if len(hits) > 0 && strings.Contains(hits[0], number) {
			t.Errorf("%s: the hit tells the number", name)
		}
	}
}

func TestStageShowsSlipsAsWideAsTheyAre(t *testing.T) {
	var out bytes.Buffer
	rule := strings.Repeat("-", 12)
	stage{out: &out}.slip("  示例店\n" + rule + "\n  PAID\n" + rule + "\n  PAID\namount 1.00\n")
	want := `
              ┌──────────────┐
              │   示例店     │
              │ ------------ │
              │     PAID     │
              │ ------------ │
              │     PAID     │
              │ amount 1.00  │
              └──────────────┘
`
	if got := "\n" + out.String(); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}
