//go:build proof && linux

package proof

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"posd/hwtest/hostsim"
)

// plan is what is special about a shop. The zero value is a shop like any other, with short time-outs.
type plan struct {
	posd     string   // the binary; empty: the one that ships
	wrap     []string // a command that posd runs under, such as a tracer
	bare     bool     // no devices on the counter: codes come in requests
	noCard   bool     // no acquirer
	noWallet bool     // no gateway
	notFound string   // the host's answer to the reversal of what never arrived: 00 unless said
	timeOut  string   // for the host's answer to a card sale: 1s unless said
	deadline string   // of the wallets: 1s unless said
	ballast  int      // MiB held back for a full disk
	language string   // of slips: en unless said
	payment  string   // more lines of the configuration's [payment]
}

// shop is a store of real processes on loopback: posd, a card host, a gateway with its customers' phones, and the devices
// of the counter, each with what it keeps below dir. Its methods may be called by many goroutines, but for those that
// start and end posd.
type shop struct {
	dir    string
	plan   plan
	listen string // of posd's API: an address that no other shop has

	host, gateway            *sim // nil where the plan has none
	printer, scanner, reader *sim // likewise
	till, supervisor         *caller

	posd    *process // nil before the first start; owned by who starts and ends posd
	started int      // how often; for the names of its logs

	lacks   string     // a slip that is due and was not out at the last look; of who lets the shop rest
	reading sync.Mutex // one customer at the card reader

	last []said // how the newest sales stood at the last look when nothing was owed; likewise

	mu      sync.Mutex
	told    []heard                // guarded by mu: what the till was told of its attempts, in the order of the answers
	acks    map[string][]time.Time // guarded by mu: when the till asked for the acknowledgements that posd has taken, by sale
	refused []hostsim.Rule         // guarded by mu: the reversals that the host was told to refuse
}

// shops counts the shops of this process.
var shops atomic.Int64

// newShop opens a shop in a folder that exists. posd does not run yet. Whatever it returns is to be closed.
func newShop(ctx context.Context, dir string, p plan) (*shop, error) {
	n := shops.Add(1)
	pid := os.Getpid()
	s := &shop{
		dir: dir, plan: p,
		// A network of its own for each test process, and a host for each shop: nobody takes posd's port while it is down.
		listen: fmt.Sprintf("127.%d.%d.%d:8320", 1+pid>>8%250, pid&0xff, 1+n%250),
	}
	for _, sub := range []string{"keys", "logs", "ledgers", "journal", "dev"} {
		if err := os.Mkdir(s.path(sub), 0o700); err != nil {
			return s, err
		}
	}
	if err := s.makeKeys(); err != nil {
		return s, err
	}
	if err := s.startSims(ctx); err != nil {
		return s, err
	}
	if err := s.configure(); err != nil {
		return s, err
	}
	s.till, s.supervisor = newCaller(s, tillToken, true), newCaller(s, supervisorToken, false)
	return s, nil
}

// openShop opens a shop for a test, with posd running in it.
func openShop(t *testing.T, p plan) *shop {
	t.Helper()
	s, err := newShop(t.Context(), t.TempDir(), p)
	t.Cleanup(s.close)
	if err == nil {
		err = s.start(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *shop) path(name string) string { return filepath.Join(s.dir, filepath.FromSlash(name)) }

// close ends every process of the shop.
func (s *shop) close() {
	s.posd.kill()
	for _, m := range []*sim{s.reader, s.scanner, s.printer, s.gateway, s.host} {
		if m != nil {
			m.process.stop()
		}
	}
	for _, c := range []*caller{s.till, s.supervisor} {
		if c != nil {
			c.http.CloseIdleConnections()
		}
	}
}

const (
	patience  = 60 * time.Second // for anything that must happen; a slow machine needs a part of it
	lookEvery = 10 * time.Millisecond
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
			return errors.Join(fmt.Errorf("waited in vain for: %s: %w", what, ctx.Err()), err)
		}
	}
}
