//go:build proof && linux

package proof

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"strings"

	"posd/hwtest/hostsim"
	"posd/hwtest/walletsim"
)

// sim is a simulator that runs beside posd: where it is reached, and where its control interface is.
type sim struct {
	process *process
	address string
	control string
}

// The files of the ledgers. Every entry of the first two is on disk before its answer leaves, and so is every slip.
const (
	hostLedger   = "ledgers/host.jsonl"
	walletLedger = "ledgers/wallet.jsonl"
	slipFile     = "ledgers/slips.txt"
)

func (s *shop) startSims(ctx context.Context) (err error) {
	if !s.plan.noCard {
		notFound := s.plan.notFound
		if notFound == "" {
			notFound = "00"
		}
		if s.host, err = s.simulate(ctx, "host", "--terminal", terminal, "--merchant", merchant,
			"--tmk-file", s.path("keys/tmk.key"), "--ledger", hostLedger, "--not-found", notFound, "--already", "00", "--failed", "00"); err != nil {
			return err
		}
	}
	if !s.plan.noWallet {
		if s.gateway, err = s.simulate(ctx, "wallet", "--keys", "keys", "--ledger", walletLedger, "--wechat-reverse-not-before", "300ms"); err != nil {
			return err
		}
	}
	if s.plan.bare {
		return nil
	}
	for name, m := range map[string]**sim{"printer": &s.printer, "scanner": &s.scanner, "reader": &s.reader} {
		args := []string{"--link", "dev/" + name}
		if name == "printer" {
			args = append(args, "--slips", slipFile)
		}
		if *m, err = s.simulate(ctx, name, args...); err != nil {
			return err
		}
	}
	return nil
}

// simulate starts "hwtest sim NAME" and waits for the line that says where it is reached.
func (s *shop) simulate(ctx context.Context, name string, args ...string) (*sim, error) {
	hwtest, err := bench(ctx)
	if err != nil {
		return nil, err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	argv := append([]string{hwtest, "sim", name, "--stdin-lifeline"}, args...)
	p, err := s.launch(launching{name: name, log: s.path("logs/" + name + ".log"), argv: argv, stdout: w})
	_ = w.Close() // the process has its own
	if err != nil {
		return nil, err
	}
	m := &sim{process: p}
	// Reading ends with the line, with the process, or with ctx, which closes the pipe.
	defer context.AfterFunc(ctx, func() { _ = r.Close() })()
	line, err := bufio.NewReader(r).ReadString('\n')
	words := strings.Fields(line)
	if err != nil || len(words) < 4 || words[0] != "ready" {
		return m, fmt.Errorf("simulator %s says %q (%w)\n%s", name, line, err, p.tail())
	}
	m.address, m.control = words[2], strings.TrimPrefix(words[3], "control=")
	return m, nil
}

// do asks a simulator's control interface for something.
func (m *sim) do(ctx context.Context, method, path string, body, into any) error {
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, m.control+"/control/"+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	switch {
	case err != nil:
		return err
	case resp.StatusCode != http.StatusOK:
		return fmt.Errorf("%s control/%s: %d %s", m.process.name, path, resp.StatusCode, bytes.TrimSpace(answer))
	case into == nil:
		return nil
	}
	return json.Unmarshal(answer, into)
}

// hostDoes says what the host does wrong from now on; with no rule it does everything right.
func (s *shop) hostDoes(ctx context.Context, rules ...hostsim.Rule) error {
	s.refuse(rules)
	return s.host.do(ctx, http.MethodPut, "rules", map[string][]hostsim.Rule{"rule": append([]hostsim.Rule{}, rules...)}, nil)
}

// gatewayDoes is hostDoes for the wallets' gateway.
func (s *shop) gatewayDoes(ctx context.Context, rules ...walletsim.Rule) error {
	return s.gateway.do(ctx, http.MethodPut, "rules", append([]walletsim.Rule{}, rules...), nil)
}

// calm ends every fault.
func (s *shop) calm(ctx context.Context) (err error) {
	if s.host != nil {
		err = s.hostDoes(ctx)
	}
	if s.gateway != nil {
		err = errors.Join(err, s.gatewayDoes(ctx))
	}
	return err
}

// hostBook reads the payments of the host's ledger from its file.
func (s *shop) hostBook() ([]hostsim.Entry, error) {
	return book(hostsim.ReadLedger(s.path(hostLedger)))
}

// walletBook reads the gateway's.
func (s *shop) walletBook() ([]walletsim.Entry, error) {
	return book(walletsim.ReadLedger(s.path(walletLedger)))
}

// book gives an empty ledger for one that has no file yet.
func book[E any](entries []E, err error) ([]E, error) {
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return entries, err
}

// slips reads what came out of the printer, in order.
func (s *shop) slips() ([]string, error) {
	text, err := os.ReadFile(s.path(slipFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	slips := strings.Split(string(text), "--- cut ---\n")
	return slips[:len(slips)-1], err
}

// The prefixes of online codes; the routes of the shop's configuration have them.
var prefixes = map[string]string{walletsim.AlipayName: "90", walletsim.WeChatName: "92"}

// code gives the code on the phone of a new customer with money.
func (s *shop) code(ctx context.Context, wallet string) (string, error) {
	var phone struct{ Phone string }
	o := walletsim.PhoneOptions{Balance: 1 << 40, Prefix: prefixes[wallet]}
	if err := s.gateway.do(ctx, http.MethodPost, "phones", o, &phone); err != nil {
		return "", err
	}
	var screen struct{ Code string }
	err := s.gateway.do(ctx, http.MethodGet, "phones/"+phone.Phone+"/online", nil, &screen)
	return screen.Code, err
}
