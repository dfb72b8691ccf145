package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"time"

	"posd/config"
	"posd/daemon/acquirer"
	"posd/daemon/payment"
	"posd/daemon/wallet"
	"posd/drivers"
	"posd/iso8583"
	"posd/iso8583/link"
)

// cardTender is the acquirer and the line to it.
type cardTender struct {
	*acquirer.Acquirer
	link *link.Link
}

// sealerOf reads the sealing key; without one nothing can be sealed, and a dialect that needs it says so.
func sealerOf(key config.Secret) (*payment.Sealer, error) {
	if key.Empty() {
		return nil, nil
	}
	raw, err := hex.DecodeString(key.Reveal())
	if err != nil {
		return nil, fmt.Errorf("journal.seal_key_file: not hex digits")
	}
	defer clear(raw)
	return payment.NewSealer(raw)
}

func rulesOf(p config.Payment) payment.Rules {
	return payment.Rules{
		BackoffMin: p.BackoffMin.Duration, BackoffMax: p.BackoffMax.Duration,
		AlarmTries: p.AlarmTries, AlarmAge: p.AlarmAge.Duration,
		GateTries: p.GateTries, GateAge: p.GateAge.Duration,
		AcceptPartial: p.AcceptPartial, ConfirmMode: p.ConfirmMode, ConfirmWithin: p.ConfirmWithin.Duration,
		DuplicateAge: p.DuplicateWindow.Duration, CodeAge: p.CodeWindow.Duration, CollectWithin: p.CollectWithin.Duration,
		BatchCloseAt: p.BatchCloseAt, BatchWait: p.BatchWait.Duration,
	}
}

// dialectOf gives the acquirer's own dialect file, or the preset.
func dialectOf(a config.Acquirer) (*iso8583.Dialect, error) {
	d, err := writtenDialect(a)
	if err != nil {
		return nil, err
	}
	if _, err = d.Addressed(a.TPDU, ""); err != nil {
		return nil, fmt.Errorf("acquirer.tpdu: %w", err)
	}
	if d, err = d.Addressed(a.TPDU, a.Header); err != nil {
		return nil, fmt.Errorf("acquirer.header: %w", err)
	}
	if err := numbersFit(d, a); err != nil {
		return nil, err
	}
	return d, nil
}

// numbersFit tries whether the dialect has room for the acquirer's numbers.
func numbersFit(d *iso8583.Dialect, a config.Acquirer) error {
	const one = "000001"
	m, err := d.Build("sign-on", iso8583.VarMap{"terminal": a.Terminal, "merchant": a.Merchant, "batch": one, "trace": one})
	if err == nil {
		_, err = d.Pack(nil, m)
	}
	if err == nil {
		return nil
	}
	key := "dialect"
	switch field, ok := errors.AsType[*iso8583.FieldError](err); {
	case ok && field.Field == 41:
		key = "terminal"
	case ok && field.Field == 42:
		key = "merchant"
	case a.DialectFile != "":
		key = "dialect_file"
	}
	return fmt.Errorf("acquirer.%s: %w", key, err)
}

func writtenDialect(a config.Acquirer) (*iso8583.Dialect, error) {
	if a.DialectFile == "" {
		d, err := iso8583.Preset(a.Dialect)
		if err != nil {
			return nil, fmt.Errorf("acquirer.dialect: %w", err)
		}
		return d, nil
	}
	text, err := os.ReadFile(a.DialectFile)
	if err != nil {
		return nil, fmt.Errorf("acquirer.dialect_file: %w", err)
	}
	d, err := iso8583.Load(a.DialectFile, text)
	if err != nil {
		return nil, fmt.Errorf("acquirer.dialect_file: %w", err)
	}
	return d, nil
}

// openCard makes the card tender; nil if no acquirer is enabled. Nothing is dialled yet.
func (h *house) openCard() (payment.Tender, error) {
	c := h.cfg.Acquirer
	if !c.Enabled {
		return nil, nil
	}
	dialect, noDialect := dialectOf(c)
	keys, noKeys := terminalKeys(h.secrets.TMK)
	line, noLine := h.hostLine()
	if err := errors.Join(noDialect, noKeys, noLine); err != nil {
		return nil, err
	}
	t := &cardTender{}
	line.Dialect, line.Late = dialect, func(p []byte) { t.Late(p) }
	t.link = link.New(line)
	var err error
	t.Acquirer, err = acquirer.New(acquirer.Options{
		Dialect: dialect, Link: t.link, Keys: keys, Scribe: h.book, Reader: h.reader(),
		Terminal: c.Terminal, Merchant: c.Merchant, Currency: h.cfg.Till.Currency,
		TimeOut: c.Timeout.Duration, ReverseTimeOut: c.ReverseTimeout.Duration, InFlightMax: c.InFlightMax.Duration,
		EchoEvery: c.EchoEvery.Duration, SignOff: c.SignOff, Now: h.w.Now, Log: h.w.Log,
	})
	if errors.Is(err, acquirer.ErrCurrency) {
		return nil, fmt.Errorf("till.currency: %w", err)
	}
	if err != nil {
		return nil, fmt.Errorf("acquirer: %w", err)
	}
	h.acq = t
	return t, nil
}

// terminalKeys holds the terminal's master key, and what the host sends under it.
func terminalKeys(master config.Secret) (*iso8583.Keys, error) {
	tmk, err := hex.DecodeString(master.Reveal())
	if err != nil {
		return nil, fmt.Errorf("acquirer.tmk_file: not hex digits")
	}
	defer clear(tmk)
	keys, err := iso8583.NewKeys(tmk)
	if err != nil {
		return nil, fmt.Errorf("acquirer.tmk_file: %w", err)
	}
	return keys, nil
}

// reader brings cards; nil if no card reader is configured, so that no payment waits for a card that nobody can read.
func (h *house) reader() acquirer.Reader {
	if !h.has(drivers.Reader) {
		return nil
	}
	return h.cards
}

// scanner brings codes; nil likewise.
func (h *house) scanner() wallet.Scanner {
	if !h.has(drivers.Scanner) {
		return nil
	}
	return h.scans
}

func (h *house) has(kind drivers.Kind) bool {
	return slices.ContainsFunc(h.cfg.Devices, func(d config.Device) bool { return d.Kind == string(kind) })
}

// closeAcquirer signs off where that is wanted, keeps the late answers that were not journaled yet, and hangs up.
func (h *house) closeAcquirer() {
	if h.acq == nil {
		return
	}
	h.acq.SignOff(context.Background())
	h.acq.Flush(context.Background())
	_ = h.acq.link.Close()
}

// hostLine is how the acquirer's hosts are reached: through the world's door, with TLS as configured.
func (h *house) hostLine() (link.Options, error) {
	c := h.cfg.Acquirer
	conf, err := hostTLS(c.TLS, h.secrets.AcquirerKey)
	if err != nil {
		return link.Options{}, fmt.Errorf("acquirer.tls: %w", err)
	}
	if conf != nil {
		conf.Time = h.w.Now
	}
	dial := wallet.FailClosed(h.w.Dial, h.journal.Blocked)
	o := link.Options{
		Dial:         link.Dialer(dial, c.Address, conf, c.ConnectTimeout.Duration),
		PrimaryRetry: c.PrimaryRetry.Duration, Each: c.Connection == "each", Outstanding: c.Outstanding, Poll: c.PollEvery.Duration,
		Rand: h.w.Luck, Log: h.w.Log,
	}
	if c.BackupAddress != "" {
		o.Backup = link.Dialer(dial, c.BackupAddress, conf, c.ConnectTimeout.Duration)
	}
	return o, nil
}

// hostTLS is nil where there is none. Without a server name each host's own is expected.
func hostTLS(c config.TLS, key config.Secret) (*tls.Config, error) {
	if !c.Enabled {
		return nil, nil
	}
	conf, err := tlsWith(c.CAFile, c.CertFile, key)
	if err != nil {
		return nil, err
	}
	conf.ServerName = c.ServerName
	if len(c.Pins) > 0 {
		pins, err := link.ParsePins(c.Pins)
		if err != nil {
			return nil, fmt.Errorf("pins: %w", err)
		}
		conf.VerifyConnection = pins.Verify
	}
	return conf, nil
}

// hostConcerns says what is wrong with the line to the acquirer, or with what it answers.
func (h *house) hostConcerns() []payment.Concern {
	if h.acq == nil {
		return nil
	}
	out := h.lineConcerns()
	if c, doubtful := h.acq.Suspect(); doubtful {
		out = append(out, c)
	}
	return out
}

// lineConcerns says what is wrong with the line, or with the sign-on. A line that nobody needed yet is no concern.
func (h *house) lineConcerns() []payment.Concern {
	s, p := h.acq.link.Status(), h.acq.Trouble()
	switch {
	case s.Failures > 0:
		return []payment.Concern{{
			Code:   "acquirer_offline",
			Detail: fmt.Sprintf("the card host has not been reached for %s: %s", s.For.Round(time.Second), s.LastError),
			Remedy: "check the network and acquirer.address; wallet payments may still work",
		}}
	case p != nil:
		return []payment.Concern{{Code: p.Code, Detail: p.Detail, Remedy: p.Remedy}}
	case s.Up && s.Host == link.Backup:
		return []payment.Concern{{
			Code: "acquirer_backup", Detail: fmt.Sprintf("cards go to the backup host, for %s now", s.For.Round(time.Second)),
			Remedy: "cards work; tell the acquirer if it lasts, and check acquirer.address",
		}}
	default:
		return nil
	}
}

// tlsWith is a client's TLS with its own roots and certificate, where given.
func tlsWith(caFile, certFile string, key config.Secret) (*tls.Config, error) {
	conf := &tls.Config{MinVersion: tls.VersionTLS12}
	if caFile != "" {
		pem, err := os.ReadFile(caFile)
		if err != nil {
			return nil, fmt.Errorf("ca_file: %w", err)
		}
		conf.RootCAs = x509.NewCertPool()
		if !conf.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("ca_file: no certificate in %s", caFile)
		}
	}
	if certFile != "" {
		pem, err := os.ReadFile(certFile)
		if err != nil {
			return nil, fmt.Errorf("cert_file: %w", err)
		}
		pair, err := tls.X509KeyPair(pem, []byte(key.Reveal()))
		if err != nil {
			return nil, fmt.Errorf("cert_file: with key_file: %w", err)
		}
		conf.Certificates = []tls.Certificate{pair}
	}
	return conf, nil
}

// openWallet makes the wallet tender; nil if no provider is enabled.
func (h *house) openWallet() (*wallet.Wallet, error) {
	c := h.cfg.Wallet
	providers, err := wallet.Open(c.Providers, h.walletSetup)
	if err != nil {
		return nil, err
	}
	terminals, err := h.walletTerminals()
	if err != nil {
		return nil, fmt.Errorf("wallet.unionpay.enabled: %w", err)
	}
	if len(providers) == 0 && len(terminals) == 0 {
		return nil, nil
	}
	return wallet.New(wallet.Options{
		Providers: providers, Terminals: terminals, Routes: routesOf(c), Scanner: h.scanner(), Now: h.w.Now, Log: h.w.Log,
		CodeAge: c.CodeAge.Duration, ConfirmGap: c.ConfirmGap.Duration, InFlightMax: c.InFlightMax.Duration, SuspectAfter: c.SuspectAfter,
	})
}

// walletTerminals lets the card tender, if there is one, take the codes that travel through the acquirer.
func (h *house) walletTerminals() (map[string]wallet.Terminal, error) {
	if !h.cfg.Wallet.UnionPay.Enabled || h.acq == nil {
		return nil, nil
	}
	q, err := h.acq.QR(wallet.UnionPay, h.cfg.Wallet.CodeAge.Duration)
	if err != nil {
		return nil, err
	}
	return map[string]wallet.Terminal{wallet.UnionPay: q}, nil
}

// routesOf says whose code is whose: as configured, else as published.
func routesOf(c config.Wallet) []wallet.Route {
	if len(c.Routes) == 0 {
		return wallet.DefaultRoutes()
	}
	var routes []wallet.Route
	for _, r := range c.Routes {
		routes = append(routes, wallet.Route{Wallet: r.Provider, Prefixes: r.Prefixes, Min: r.Min(), Max: r.Max()})
	}
	return routes
}

// walletSetup is what the provider of a section gets to be opened with.
func (h *house) walletSetup(name string, common *config.Gateway) wallet.Setup {
	return wallet.Setup{
		Shop: h.shopName(), Now: h.w.Now,
		Secret: func(key string) config.Secret { return h.secrets.Wallet[name+"."+key] },
		Transport: func(certFile string, key config.Secret) (http.RoundTripper, error) {
			return h.transport(common, certFile, key)
		},
	}
}

// transport is the way to a gateway, through the world's door.
func (h *house) transport(to *config.Gateway, certFile string, key config.Secret) (http.RoundTripper, error) {
	u, err := url.Parse(to.URL)
	if err != nil {
		return nil, fmt.Errorf("url: %w", err)
	}
	if u.Scheme == "http" { // config allows it on loopback only
		return wallet.NewTransport(wallet.FailClosed(h.w.Dial, h.journal.Blocked), nil), nil
	}
	conf, err := tlsWith(to.CAFile, certFile, key)
	if err != nil {
		return nil, err
	}
	return wallet.NewTransport(wallet.FailClosed(h.w.Dial, h.journal.Blocked), conf), nil
}

// shopName is what the customer's bill says.
func (h *house) shopName() string {
	if h.cfg.Till.ShopNameZH != "" {
		return h.cfg.Till.ShopNameZH
	}
	return h.cfg.Till.ShopNameEN
}
