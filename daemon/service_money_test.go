//go:build service && linux

package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"

	"posd/hwtest/hostsim"
)

// purse is what the container's shop takes money with: an acquirer's host and a card reader, both programs of their own,
// and the till.
type purse struct {
	till1
	host, reader sim
	store        *store // posd as the till sees it; nil until it runs
}

// sim is a simulator that runs beside posd: where it is reached, and where its control interface is.
type sim struct{ address, control string }

// lostAlways is the amount of which the host never gives the answer.
const lostAlways = 666

func (s till1) openMoney() *purse {
	s.t.Helper()
	return &purse{
		till1:  s,
		host:   s.simulate("host", "--fault", fmt.Sprintf("amount=%d,kind=sale,do=commit-silent", lostAlways)),
		reader: s.simulate("reader"),
	}
}

// simulate starts a simulator and waits until it is ready.
func (s till1) simulate(name string, args ...string) sim {
	s.t.Helper()
	cmd := exec.Command("/opt/posd-test/hwtest", append([]string{"sim", name}, args...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // that it was killed is no news
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	words := strings.Fields(line)
	if err != nil || len(words) < 4 || words[0] != "ready" {
		s.t.Fatalf("simulator %s says %q (%v)", name, line, err)
	}
	return sim{words[2], strings.TrimPrefix(words[3], "control=")}
}

// configuration fills the example in.
func (m *purse) configuration(example string) string {
	m.t.Helper()
	off := "[acquirer]\nenabled = false\n"
	if !strings.Contains(example, off) {
		m.t.Fatal("the example has no acquirer to enable")
	}
	on := fmt.Sprintf("[acquirer]\nenabled = true\naddress = %q\nterminal = \"10000001\"\nmerchant = \"898000000000001\"\ntmk_file = \"tmk.key\"\n", m.host.address)
	device := fmt.Sprintf("\n[[device]]\nname = \"reader\"\nkind = \"reader\"\nport = %q\n", m.reader.address)
	return strings.Replace(example, off, on, 1) + device
}

// serve waits until posd, which was just started, takes payments.
func (m *purse) serve() {
	m.t.Helper()
	cfg, err := load("/etc/posd/posd.toml")
	if err != nil {
		m.t.Fatal(err)
	}
	m.store = &store{t: m.t, dir: "/etc/posd", cfg: cfg}
	m.store.reach(cfg.API.Listen)
	m.store.whenListening(func() {})
	m.store.whenOpen()
}

// swipe begins a card sale and has the reader read a card.
func (m *purse) swipe(sale string, amount int64) {
	m.t.Helper()
	till := m.store.till
	till.open(sale, amount)
	if a := till.begin(sale, "a", saleBy("card")); a.HTTP != http.StatusAccepted {
		m.t.Fatalf("attempt: %+v", a)
	}
	till.collected(sale, "a", func() error {
		return m.control(http.MethodPost, m.reader.control+"/control/swipe", `{"range":"620000","card":7}`, nil)
	})
}

func (m *purse) approved(sale string, amount int64) {
	m.t.Helper()
	m.swipe(sale, amount)
	m.store.want(m.store.till.pay(sale, "a", saleBy("card")), "approved")
	m.charged(amount)
	m.mark(markApproved, "")
}

// lost is a sale that the host has booked, and whose answer posd waits for in vain.
func (m *purse) lost(sale string) {
	m.t.Helper()
	before := m.net()
	m.swipe(sale, lostAlways)
	m.store.eventually("the host has booked it", func() bool { return m.net() == before+lostAlways })
	if a := m.store.till.get(pathOf(sale, "a")); a.Inner != "sent" {
		m.t.Fatalf("attempt is %q, want sent", a.Inner)
	}
	m.mark(markSent, "")
}

// reversed waits until the posd that came after has undone the lost sale, and asks the host's own ledger.
func (m *purse) reversed(sale string, left int64) {
	m.t.Helper()
	m.serve()
	m.store.eventually("the sale is reversed", func() bool { return m.store.till.get(pathOf(sale, "a")).State == "reversed" })
	if owed := m.store.supervisor.get("/v1/owed"); len(owed.Open)+len(owed.Stuck) != 0 {
		m.t.Fatalf("owed is %+v, want nothing", owed)
	}
	reversals := 0
	for _, e := range m.ledger() {
		if e.Kind == hostsim.KindReversal && e.Approved && e.Amount == lostAlways {
			reversals++
		}
	}
	if reversals != 1 {
		m.t.Fatalf("the host has reversed it %d times, want once", reversals)
	}
	m.charged(left)
	m.mark(markReversed, "")
}

func (m *purse) charged(want int64) {
	m.t.Helper()
	if got := m.net(); got != want {
		m.t.Fatalf("the host holds %d, want %d", got, want)
	}
}

// net is what the host holds by its own ledger.
func (m *purse) net() (sum int64) {
	m.t.Helper()
	for _, e := range m.ledger() {
		sum += e.Net()
	}
	return sum
}

func (m *purse) ledger() []hostsim.Entry {
	m.t.Helper()
	var book struct {
		Entries []hostsim.Entry `json:"entries"`
	}
	if err := m.control(http.MethodGet, m.host.control+"/control/ledger", "", &book); err != nil {
		m.t.Fatal(err)
	}
	return book.Entries
}

// control asks a simulator for something.
func (m *purse) control(method, url, body string, out any) error {
	req, err := http.NewRequestWithContext(m.t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	switch {
	case err != nil:
		return err
	case resp.StatusCode != http.StatusOK:
		return fmt.Errorf("%s %s: %s", method, url, text)
	case out == nil:
		return nil
	default:
		return json.Unmarshal(text, out)
	}
}
