package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// station is a simulator that runs within the test as its program would.
type station struct {
	t        *testing.T
	address  string
	control  string
	phones   string // of the wallet: where phones log in
	backup   string // of the wallet: its second host
	token    string
	lifeline *io.PipeWriter
	ended    chan int // the exit code
	complain *bytes.Buffer
}

// start runs "hwtest sim ARGS" and reads its ready line. The test's end cuts its lifeline.
func start(t *testing.T, args ...string) *station {
	t.Helper()
	in, lifeline := io.Pipe()
	out, ready := io.Pipe()
	b := &station{t: t, lifeline: lifeline, ended: make(chan int, 1), complain: &bytes.Buffer{}}
	go func() {
		b.ended <- hwtest(context.Background(), &globals{In: in, Out: ready, Err: b.complain}, append(args, "--stdin-lifeline"))
		_ = ready.Close()
	}()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("hwtest %v: no ready line: %v", args, err)
	}
	t.Cleanup(b.stop)
	words := strings.Fields(line)
	if len(words) < 4 || words[0] != "ready" || words[1] != args[1] {
		t.Fatalf("ready line is %q", line)
	}
	b.address = words[2]
	b.control, _ = strings.CutPrefix(words[3], "control=")
	for _, word := range words[4:] {
		if at, ok := strings.CutPrefix(word, "phones="); ok {
			b.phones = at
		}
		if at, ok := strings.CutPrefix(word, "backup="); ok {
			b.backup = at
		}
	}
	return b
}

// stop cuts the lifeline and waits for the end.
func (b *station) stop() {
	b.t.Helper()
	_ = b.lifeline.Close()
	select {
	case code := <-b.ended:
		b.ended <- code
		if code != success {
			b.t.Errorf("exit code %d", code)
		}
	case <-time.After(time.Minute):
		b.t.Error("the simulator outlives its lifeline")
	}
}

// call asks the control interface and gives status and answer.
func (b *station) call(method, path, body string) (int, string) {
	b.t.Helper()
	req, err := http.NewRequest(method, b.control+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	if b.token != "" {
		req.Header.Set("Authorization", "Bearer "+b.token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return resp.StatusCode, strings.TrimSpace(string(text))
}

// must is call for what has to work.
func (b *station) must(method, path, body string) string {
	b.t.Helper()
	code, text := b.call(method, path, body)
	if code != http.StatusOK {
		b.t.Errorf("%s %s: %d %s", method, path, code, text)
	}
	return text
}

func TestSimHostIsReachedAndControlled(t *testing.T) {
	dir := t.TempDir()
	b := start(t, "sim", "host", "--ledger", filepath.Join(dir, "host.jsonl"), "--fault", "amount=666,do=silent")
	c, err := net.Dial("tcp", b.address)
	if err != nil {
		t.Fatal(err)
	}
	_ = c.Close()
	if got := b.must("GET", "/control/ledger", ""); got != `{"entries":[]}` {
		t.Errorf("ledger is %s", got)
	}
	b.must("PUT", "/control/rules", `{"rule":[{"kind":"sale","do":"commit-silent"}]}`)
	b.must("POST", "/control/forget-keys", `{}`)
	b.must("PUT", "/control/batch", `{"terminal":"10000001","batch":"000002"}`)
	if code, said := b.call("PUT", "/control/rules", `{"rule":[{"do":"explode"}]}`); code == 200 || !strings.Contains(said, "explode") {
		t.Errorf("a wrong rule gives %d %s", code, said)
	}
	if _, err := os.Stat(filepath.Join(dir, "host.jsonl")); err != nil {
		t.Error(err)
	}
}

func TestSimWalletMakesKeysOnceAndKeepsThem(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	start(t, "sim", "wallet", "--keys", dir).stop()
	before := texts(t, dir)
	b := start(t, "sim", "wallet", "--keys", dir, "--tls")
	if after := texts(t, dir); fmt.Sprint(before) != fmt.Sprint(after) || len(before) < 10 {
		t.Errorf("keys change: %d files before, %d after", len(before), len(after))
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(before[walletCA]))
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
	defer client.CloseIdleConnections()
	for path, want := range map[string]int{"/gateway.do": 200, "/control/ledger": 404} {
		resp, err := client.Post("https://"+b.address+path, "application/x-www-form-urlencoded", strings.NewReader("a=b"))
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("the merchants' door answers %s with %d, want %d", path, resp.StatusCode, want)
		}
	}
	if _, err := tls.LoadX509KeyPair(filepath.Join(dir, wechatCert), filepath.Join(dir, wechatCertKey)); err != nil {
		t.Error(err)
	}
}

// texts are the files of a folder; private ones must be closed to others.
func texts(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, name)
		all[rel] = string(text)
		if info, err := e.Info(); err != nil || runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s is open to others", rel)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestSimWalletPlaysACustomer(t *testing.T) {
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("open-sesame\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b := start(t, "sim", "wallet", "--keys", t.TempDir(), "--token-file", token, "--fault", "call=pay,fault=silence,commit=true", "--clock", "61s")
	if code, _ := b.call("POST", "/control/phones", `{"balance":5000}`); code != http.StatusUnauthorized {
		t.Errorf("without the token: %d", code)
	}
	b.token = "open-sesame"
	var phone struct{ Phone, Code string }
	parse(t, b.must("POST", "/control/phones", `{"balance":5000,"prefix":"92"}`), &phone)
	parse(t, b.must("GET", "/control/phones/"+phone.Phone+"/online", ""), &phone)
	if !strings.HasPrefix(phone.Code, "92") {
		t.Errorf("the phone shows no code that begins with 92")
	}
	b.must("PUT", "/control/clock", `{"offset":"0s"}`)
}

func parse(t *testing.T, text string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Fatal(err)
	}
}

func TestSimDevicesSpeakOverTCP(t *testing.T) {
	p := start(t, "sim", "printer", "--slips", filepath.Join(t.TempDir(), "slips.txt"))
	c, err := net.Dial("tcp", strings.TrimPrefix(p.address, "tcp://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	p.must("POST", "/control/paper", `{"in":false}`)
	if _, err := c.Write([]byte("hello\n\x1bi")); err != nil {
		t.Fatal(err)
	}
	p.must("POST", "/control/cover", `{"open":true}`)
	p.must("POST", "/control/paper", `{"in":true}`)
	if slips := p.must("GET", "/control/slips", ""); strings.Contains(slips, "hello") {
		t.Errorf("printed with the cover open: %s", slips)
	}
	p.must("POST", "/control/cover", `{"open":false}`)
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		slips := p.must("GET", "/control/slips", "")
		if strings.Contains(slips, `"slips":["hello\n"]`) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("not printed: %s", slips)
		}
	}
}

func TestSimScannerAndReaderSendWhatTheyAreTold(t *testing.T) {
	for name, c := range map[string]struct {
		args       []string
		path, body string
		want       string
	}{
		"scanner": {[]string{"--suffix", "lf", "--prefix", "02", "--aim"}, "/control/scan", `{"code":"6901234567892","aim":"]E0"}`, "\x02]E06901234567892\n"},
		"reader":  {[]string{"--no-lrc"}, "/control/swipe", `{"tracks":[";000000=3012?"]}`, ";000000=3012?\r"},
	} {
		t.Run(name, func(t *testing.T) {
			b := start(t, append([]string{"sim", name}, c.args...)...)
			if code, said := b.call("POST", c.path, c.body); code != http.StatusConflict || !strings.Contains(said, "nobody") {
				t.Errorf("with nobody at the other end: %d %s", code, said)
			}
			line, err := net.Dial("tcp", strings.TrimPrefix(b.address, "tcp://"))
			if err != nil {
				t.Fatal(err)
			}
			defer line.Close()
			for code := 0; code != http.StatusOK; code, _ = b.call("POST", c.path, c.body) {
				time.Sleep(5 * time.Millisecond)
			}
			got := make([]byte, len(c.want))
			if _, err := io.ReadFull(line, got); err != nil || string(got) != c.want {
				t.Errorf("got %q, %v, want %q", got, err, c.want)
			}
		})
	}
}

func TestSimReaderRefusesWhatIsNoTestCard(t *testing.T) {
	b := start(t, "sim", "reader")
	for _, body := range []string{`{"range":"","card":1}`, `{"range":"620000","card":-1}`, `{"range":"62000000000","card":1}`, `{"tracks":[""]}`, `{"pan":"1"}`} {
		if code, _ := b.call("POST", "/control/swipe", body); code != http.StatusConflict {
			t.Errorf("%s: %d", body, code)
		}
	}
}

func TestSimControlIsNotForWebPages(t *testing.T) {
	b := start(t, "sim", "printer")
	req, err := http.NewRequest(http.MethodGet, b.control+"/control/slips", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Origin", "http://shop.example")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusForbidden {
		t.Errorf("a web page gets %d", resp.StatusCode)
	}
}

func TestSimRefusesWrongFlagsWithTheReason(t *testing.T) {
	keys := t.TempDir()
	for name, c := range map[string]struct {
		args []string
		says string
	}{
		"fault without equals": {[]string{"sim", "host", "--fault", "silent"}, "key=value"},
		"fault amount":         {[]string{"sim", "host", "--fault", "amount=6.66,do=silent"}, "minor units"},
		"fault action":         {[]string{"sim", "host", "--fault", "do=explode"}, "explode"},
		"fault key":            {[]string{"sim", "wallet", "--keys", keys, "--fault", "fault=silence,colour=red"}, "colour"},
		"open to others":       {[]string{"sim", "host", "--listen", "0.0.0.0:0"}, "other machines"},
		"control to others":    {[]string{"sim", "printer", "--control", "0.0.0.0:0"}, "other machines"},
		"master key":           {[]string{"sim", "host", "--tmk-file", filepath.Join(keys, "none")}, "tmk-file"},
		"scanner prefix":       {[]string{"sim", "scanner", "--prefix", "zz"}, "hex"},
		"no keys":              {[]string{"sim", "wallet"}, "--keys"},
	} {
		t.Run(name, func(t *testing.T) {
			var complain bytes.Buffer
			code := hwtest(t.Context(), &globals{In: strings.NewReader(""), Out: io.Discard, Err: &complain}, c.args)
			if code == success || !strings.Contains(complain.String(), c.says) {
				t.Errorf("exit %d, says %q; want %q in it", code, complain.String(), c.says)
			}
		})
	}
}

func TestASimulatedPrinterLacksOnlyCommandsThatThereAre(t *testing.T) {
	for _, given := range []string{"GS v", "GS v 0", "GS ( k, GS V", "ESC p,FS &"} {
		if err := (&simPrinterCmd{Lacks: given}).known(); err != nil {
			t.Errorf("--lacks %q: %v", given, err)
		}
	}
	for _, given := range []string{"FOO", "GS (", "gs v", "GS k,GS ( ?", ","} {
		err := (&simPrinterCmd{Lacks: given}).known()
		if err == nil || !strings.Contains(err.Error(), "GS ( k, ") || !strings.Contains(err.Error(), "GS v") {
			t.Errorf("--lacks %q: %v, want a refusal that lists the commands", given, err)
		}
	}
	if got := (&simPrinterCmd{Lacks: "GS v 0, GS k"}).options().Lacks; !slices.Equal(got, []string{"GS v", "GS k"}) {
		t.Errorf("it lacks %q", got)
	}
}
