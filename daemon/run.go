package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"posd/config"
	"posd/daemon/api"
	"posd/daemon/journal"
	"posd/daemon/payment"
	"posd/daemon/prints"
	"posd/daemon/step"
	"posd/daemon/wallet"
	"posd/drivers"
	"posd/drivers/cardreader"
	"posd/drivers/port"
	"posd/drivers/scanner"
)

// world is everything outside posd: its doors. main fills in the real ones.
type world struct {
	Log    *slog.Logger
	Now    func() time.Time
	Open   port.Opener
	Watch  drivers.Watcher // of what is plugged in; nil: devices are looked for
	Dial   wallet.Dialer   // to hosts and gateways
	Listen func(ctx context.Context, network, address string) (net.Listener, error)
	Disk   func(*journal.Options) // may change how the journal is opened; nil on a real machine
	Luck   rand.Source            // of the waits between dials; nil is the program's own
}

// keepAlive lets a connection notice within a minute that its far end is dead: a host's line is quiet between sales.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 30 * time.Second, Interval: 10 * time.Second, Count: 3}

// realWorld is the machine that posd runs on.
func realWorld(log *slog.Logger) world {
	return world{
		Log: log, Now: time.Now, Open: port.Open, Watch: drivers.Watch,
		Dial:   step.Door((&net.Dialer{KeepAliveConfig: keepAlive}).DialContext),
		Listen: (&net.ListenConfig{}).Listen,
	}
}

// house is posd's parts, joined.
type house struct {
	cfg     *config.Config
	secrets config.Secrets
	w       world

	journal *journal.Journal
	ended   time.Time // when the run before this one wrote its last event; zero if there was none
	book    *payment.Book
	scans   *scanner.Hub
	cards   *cardreader.Hub
	devices *drivers.Set
	acq     *cardTender    // nil without cards
	purse   *wallet.Wallet // nil without wallets
	desk    *payment.Desk
	slips   *slips                       // nil without a printer
	lost    []string                     // attempts whose sealed data the key does not open
	queue   atomic.Pointer[prints.Queue] // the slips', for the devices' callbacks; nil until it is there
	front   atomic.Pointer[api.API]      // likewise
}

// run is posd from start to stop: it returns when ctx ends, or with what keeps it from running. It is the only place
// where the parts are joined. Recovery of open payments runs behind it.
func run(ctx context.Context, cfg *config.Config, w world) error {
	err := whole(ctx, cfg, w)
	if ctx.Err() != nil && errors.Is(err, context.Canceled) { // it was stopped before it was ready
		w.Log.Info("posd stops")
		return nil
	}
	return err
}

// whole is run, and says so when a stop came before it was ready.
func whole(ctx context.Context, cfg *config.Config, w world) error {
	h := &house{cfg: cfg, w: w}
	var err error
	if h.secrets, err = cfg.Secrets(); err != nil {
		return err
	}
	if err := h.openJournal(ctx); err != nil {
		return err
	}
	defer h.closeJournal()
	if err := h.openDevices(ctx); err != nil {
		return err
	}
	defer h.devices.Close()
	if err := h.openDesk(); err != nil {
		return err
	}
	defer h.closeAcquirer()
	for _, warning := range h.warnings() {
		w.Log.Warn("configuration", "err", warning)
	}
	listener, err := w.Listen(ctx, "tcp", cfg.API.Listen)
	if err != nil {
		return fmt.Errorf("open the API (api.listen): %w; is another posd running? else choose another port", err)
	}
	w.Log.Info("posd runs", "version", version(), "listen", listener.Addr().String(), "journal", cfg.Journal.Path,
		"card", h.acq != nil, "wallet", h.purse != nil)
	err = h.serve(ctx, listener)
	w.Log.Info("posd stops")
	return err
}

// folderRemedy is of a folder that posd may not make.
const folderRemedy = "let the folder above belong to the user that posd runs as, or name another one"

func (h *house) openJournal(ctx context.Context) error {
	if err := journal.MakeFolder(filepath.Dir(h.cfg.Journal.Path)); err != nil {
		return h.cfg.Problem("journal.path", "its folder cannot be made: "+err.Error(), folderRemedy)
	}
	o := journal.Options{
		Path: h.cfg.Journal.Path, Now: h.w.Now, Owner: "posd", Ballast: int64(h.cfg.Journal.BallastMiB) << 20, Log: h.w.Log,
		Projections: []journal.Projection{payment.Projection(), prints.Projection()},
		KeepDamaged: true, // the API stays up and says what is wrong; no money moves
		Restored:    payment.Leap,
	}
	if h.w.Disk != nil {
		h.w.Disk(&o)
	}
	var err error
	if h.journal, err = journal.Open(ctx, o); err != nil {
		return fmt.Errorf("open the journal %s: %w", h.cfg.Journal.Path, err)
	}
	h.ended = lastWritten(ctx, h.journal)
	seal, err := sealerOf(h.secrets.SealKey)
	if err != nil {
		return errors.Join(err, h.journal.Close())
	}
	h.book = payment.NewBook(h.journal, seal, h.w.Now, h.w.Log)
	if h.lost = h.book.Unopenable(ctx); len(h.lost) > 0 {
		h.w.Log.Error("the sealing key does not open what was sealed", "attempts", h.lost)
	}
	return nil
}

// lastWritten is when a journal's last event was written; zero if it has none, or cannot be read.
func lastWritten(ctx context.Context, j *journal.Journal) time.Time {
	last, err := j.Newest(ctx, 1, "")
	if err != nil || len(last) == 0 {
		return time.Time{}
	}
	return last[0].Time
}

func (h *house) closeJournal() {
	if err := h.journal.Close(); err != nil {
		h.w.Log.Error("journal could not be closed", "err", err)
	}
}

func (h *house) openDesk() error {
	card, noCard := h.openCard()
	purse, noPurse := h.openWallet()
	if err := h.cfg.All(noCard, noPurse); err != nil {
		return err
	}
	o := payment.Options{Book: h.book, Card: card, Rules: rulesOf(h.cfg.Payment), Now: h.w.Now, Log: h.w.Log}
	o.LetGo = func(k payment.Key, r payment.Rail) { h.tell(func(a *api.API) { a.LetGo(k, r) }) }
	if h.purse = purse; purse != nil {
		o.Wallet = purse
	}
	if p, ok := h.devices.Printer(""); ok {
		h.slips = newSlips(h, p)
		h.queue.Store(h.slips.queue)
		o.Slip, o.BatchSlip = h.slips.offer, h.slips.offerBatch
	}
	h.desk = payment.NewDesk(o)
	return h.openAPI()
}

func (h *house) openAPI() error {
	var tokens []api.Token
	for _, t := range h.secrets.Tokens {
		token, err := api.NewToken(t.Client, api.Scope(t.Scope), []byte(t.Value.Reveal()))
		if err != nil {
			return err
		}
		tokens = append(tokens, token)
	}
	h.front.Store(api.New(api.Options{
		Prints: h.queue.Load(), Look: lookOf(h.cfg),
		Desk: h.desk, Hosts: append(api.LocalHosts(h.cfg.API.Listen), h.cfg.API.Hosts...), Origins: h.cfg.API.Origins, Tokens: tokens,
		SlipLines: h.slipLines, PrintSlip: h.printSlip, Devices: h.devices.Status, Scanner: h.devices.Tell, Concerns: h.concerns, Currency: h.cfg.Till.Currency, Version: version(), Now: h.w.Now, Log: h.w.Log,
	}))
	return nil
}

// serve runs the parts until ctx ends, and waits for all of them, for a while each: what they were at is taken up at the next
// start. Without its API posd is of no use: then it ends, and whoever started it does so again.
func (h *house) serve(until context.Context, listener net.Listener) error {
	ctx, end := context.WithCancel(until)
	defer end()
	server := h.front.Load().Server()
	var parts sync.WaitGroup
	var fault error
	parts.Go(func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			fault = fmt.Errorf("the API has stopped: %w", err)
			end()
		}
	})
	parts.Go(func() {
		if err := h.desk.Run(ctx); err != nil {
			h.w.Log.Error("the desk has stopped", "err", err)
		}
	})
	if h.acq != nil {
		parts.Go(func() { h.acq.Run(ctx) })
	}
	if h.slips != nil {
		parts.Go(func() { h.slips.run(ctx) })
		parts.Go(func() { h.slips.queue.Run(ctx) })
	}
	<-ctx.Done()
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := server.Shutdown(last); err != nil {
		_ = server.Close() // a till that follows the events never lets go by itself
	}
	parts.Wait()
	return fault
}
