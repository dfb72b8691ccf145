package main

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"

	"posd/hwtest/devicesim"
)

// configure writes the configuration as a technician would, and reads it.
func (s *store) configure(host, gateway string) {
	s.t.Helper()
	at := map[string]string{"printer": "serial://printer", "scanner": "serial://scanner", "reader": "serial://reader"}
	listenAt := "127.0.0.1:8320" // posd's door gives another one
	if s.plan.ownSocket {
		for name, device := range map[string]devicesim.Device{"printer": s.printer, "scanner": s.scanner, "reader": s.reader} {
			at[name] = "tcp://" + s.onSocket(device)
		}
		listenAt = addressOfItsOwn()
	} else {
		s.bench.Attach("printer", s.printer)
		s.bench.Attach("scanner", s.scanner)
		s.bench.Attach("reader", s.reader)
	}
	text := strings.NewReplacer(
		"{listen}", listenAt, "{host}", host, "{gateway}", gateway, "{dialect}", s.plan.dialect,
		"{terminal}", s.plan.terminal, "{merchant}", s.plan.merchant, "{patience}", s.plan.patience, "{in_flight}", s.plan.inFlight,
		"{printer}", at["printer"], "{scanner}", at["scanner"], "{reader}", at["reader"],
	).Replace(configuration)
	s.write("posd.toml", text)
	s.reload()
}

// change replaces a part of the configuration file.
func (s *store) change(old, with string) {
	s.t.Helper()
	text, err := os.ReadFile(s.path("posd.toml"))
	if err != nil || !strings.Contains(string(text), old) {
		s.t.Fatalf("the configuration has no %q (%v)", old, err)
	}
	s.write("posd.toml", strings.Replace(string(text), old, with, 1))
	s.reload()
}

// reload reads the configuration file.
func (s *store) reload() {
	s.t.Helper()
	cfg, err := load(s.path("posd.toml"))
	if err != nil {
		s.t.Fatal(err)
	}
	s.cfg = cfg
}

// configuration is that of a whole shop. Its time-outs are short; everything else is as in a real one.
const configuration = `
[api]
listen = "{listen}"
[till]
id = "till-3"
shop_name_zh = "测试商店"
shop_name_en = "Test Shop"
language = "en"
[journal]
path = "data/journal.db"
ballast_mib = 0
[acquirer]
enabled = true
address = "{host}"
dialect_file = "{dialect}"
terminal = "{terminal}"
merchant = "{merchant}"
tmk_file = "tmk.key"
timeout = "{patience}"
reverse_timeout = "3s"
connect_timeout = "30s"
in_flight_max = "{in_flight}"
[wallet]
confirm_gap = "50ms"
in_flight_max = "1s"
[wallet.alipay]
enabled = true
url = "{gateway}/gateway.do"
app_id = "2021000000000001"
seller_id = "2088100000000001"
private_key_file = "alipay.key"
gateway_public_key_file = "alipay.pub"
deadline = "{patience}"
query_every = "100ms"
[wallet.wechat]
enabled = true
url = "{gateway}"
appid = "wx0000000000000001"
mch_id = "1900000001"
api_key_file = "wechat-api.key"
cert_file = "wechat.pem"
key_file = "wechat-key.pem"
deadline = "{patience}"
query_every = "100ms"
reverse_not_before = "100ms"
[[wallet.route]]
provider = "alipay"
prefixes = ["90", "91", "93"]
lengths = [18]
[[wallet.route]]
provider = "wechat"
prefixes = ["92"]
lengths = [18]
[payment]
backoff_min = "50ms"
backoff_max = "200ms"
[[device]]
name = "printer"
kind = "printer"
port = "{printer}"
[[device]]
name = "scanner"
kind = "scanner"
port = "{scanner}"
[[device]]
name = "reader"
kind = "reader"
port = "{reader}"
[log]
file = "log/posd.log"
level = "debug"
`

// begin runs posd in this process and gives what it ends with. ready is told the address of its API.
func (s *store) begin(ctx context.Context, ready chan<- string) error {
	log, closer, err := newLogger(logSettings{
		File: s.cfg.Log.File, Level: slog.LevelDebug, MaxSizeMiB: s.cfg.Log.MaxSizeMiB, MaxFiles: s.cfg.Log.MaxFiles,
	})
	if err != nil {
		return err
	}
	defer closer.Close()
	w := realWorld(log)
	w.Open = s.open
	w.Listen = func(ctx context.Context, network, _ string) (net.Listener, error) {
		ln, err := (&net.ListenConfig{}).Listen(ctx, network, "127.0.0.1:0")
		if err == nil {
			ready <- ln.Addr().String()
		}
		return ln, err
	}
	return run(ctx, s.cfg, w)
}

// start runs posd in this process until stop, and waits until it takes payments.
func (s *store) start() {
	s.t.Helper()
	s.launch()
	s.whenOpen()
}

// launch runs posd in this process until stop.
func (s *store) launch() {
	s.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ready, ended := make(chan string, 1), make(chan error, 1)
	go func() { ended <- s.begin(ctx, ready) }()
	s.stop = func() {
		s.stop = func() {}
		cancel()
		if err := <-ended; err != nil {
			s.t.Errorf("posd ended with: %v", err)
		}
	}
	select {
	case address := <-ready:
		s.reach(address)
	case err := <-ended:
		cancel()
		s.stop = func() {}
		s.t.Fatalf("posd does not start: %v", err)
	}
}

// fails runs posd and gives the error with which it refuses to run.
func (s *store) fails() error {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), longest)
	defer cancel()
	err := s.begin(ctx, make(chan string, 1))
	if err == nil {
		s.t.Fatal("posd runs")
	}
	return err
}

// reach makes the callers of a posd whose API listens at an address.
func (s *store) reach(address string) {
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}
	with := func(tokenFile string) *caller {
		token, err := os.ReadFile(s.path(tokenFile))
		if err != nil {
			s.t.Fatal(err)
		}
		transport := &http.Transport{DialContext: dial, DisableKeepAlives: true}
		return &caller{s: s, token: string(token), http: &http.Client{Transport: transport, Timeout: 2 * longest}}
	}
	s.till, s.supervisor = with("sell.token"), with("supervisor.token")
}

// whenOpen waits until every device is online and the desk is open.
func (s *store) whenOpen() {
	s.t.Helper()
	s.eventually("devices and desk are ready", func() bool {
		devices := s.till.get("/v1/devices")
		for _, d := range devices.Devices {
			if !d.Online {
				return false
			}
		}
		// An attempt at no sale is refused in any case; a desk that is not open says so.
		return s.till.send(http.MethodPut, "/v1/sales/none/attempts/a", saleBy("card")).Code == "not_found"
	})
}

// restart stops posd and starts it anew.
func (s *store) restart() {
	s.t.Helper()
	s.stop()
	s.start()
}
