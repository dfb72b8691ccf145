package main

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"encoding/pem"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"posd/iso8583"
	"posd/iso8583/link"
)

const (
	testMAK  = "0123456789ABCDEF"
	echoJSON = `{"mti":"0820","fields":{"11":"000001","41":"10000001","42":"898000000000001","60":"00000001301"}}`
)

// oneHost answers one message as reply says, over TLS where config is not nil. It gives the address.
func oneHost(t *testing.T, config *tls.Config, reply func(d *iso8583.Dialect, m *iso8583.Message) []byte) string {
	t.Helper()
	d, err := iso8583.Preset("unionpay")
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if config != nil {
		ln = tls.NewListener(ln, config)
	}
	done := make(chan struct{})
	t.Cleanup(func() { ln.Close(); <-done })
	go func() {
		defer close(done)
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		frames := bufio.NewScanner(conn)
		frames.Split(d.SplitFrame)
		for frames.Scan() {
			m, _, err := d.Unpack(frames.Bytes())
			if err != nil {
				return
			}
			if _, err := conn.Write(reply(d, m)); err != nil {
				return
			}
		}
	}()
	return ln.Addr().String()
}

// framed packs, signs where there is a MAC, and frames.
func framed(d *iso8583.Dialect, m *iso8583.Message) []byte {
	packed, err := d.Pack(nil, m)
	if err != nil {
		panic(err)
	}
	if m.Has(64) {
		if err := d.Sign(packed, plainKey{0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF}); err != nil {
			panic(err)
		}
	}
	out, err := d.AppendFrame(nil, packed)
	if err != nil {
		panic(err)
	}
	return out
}

// approves answers a request with 00.
func approves(d *iso8583.Dialect, m *iso8583.Message) []byte {
	m.MTI = m.MTI[:2] + string(m.MTI[2]+1) + "0"
	m.Set(39, "00")
	return framed(d, m)
}

func TestSendShowsTheAnswerAndJudgesIt(t *testing.T) {
	out, complaint, code := bench(t, echoJSON, "iso", "send", "--to", oneHost(t, nil, approves), "-")
	if code != success || complaint != "" {
		t.Fatalf("exit %d, %s\n%s", code, complaint, out)
	}
	for _, want := range []string{"0820  network management advice", "answer after ", "0830  network management answer", "-> approve", "match key  the request's", "the answer has none"} {
		if !strings.Contains(out, want) {
			t.Errorf("lacks %q:\n%s", want, out)
		}
	}
}

func TestSendSignsAndChecksTheMAC(t *testing.T) {
	signed := func(d *iso8583.Dialect, m *iso8583.Message) []byte {
		packed, err := d.Pack(nil, m)
		if err != nil || d.CheckMAC(packed, plainKey{0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF}) != nil {
			m.Set(39, "A0")
		}
		return approves(d, m)
	}
	out, complaint, code := bench(t, saleJSON, "iso", "send", "--to", oneHost(t, nil, signed), "--mak", testMAK, "--financial", "--json", "-")
	var got struct {
		Request, Answer struct {
			MTI    string
			Fields map[string]string
		}
		Differs []int
		MAC     string
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil || code != success {
		t.Fatalf("exit %d, %v, %s\n%s", code, err, complaint, out)
	}
	if got.MAC != "right" || got.Answer.MTI != "0210" || got.Answer.Fields["39"] != "00" || len(got.Differs) != 0 {
		t.Errorf("got %s", out)
	}
	mustMask(t, out)

	out, complaint, code = bench(t, saleJSON, "iso", "send", "--to", oneHost(t, nil, approves), "--mak", "FEDCBA9876543210", "--financial", "-")
	if code != problem || !strings.Contains(out, "WRONG") || !strings.Contains(complaint, "MAC is wrong") {
		t.Errorf("wrong key: exit %d, %s\n%s", code, complaint, out)
	}
	mustMask(t, out)
}

func TestSendRefusesMoneyWithoutAWord(t *testing.T) {
	for _, mti := range []string{"0100", "0200", "0220", "0400", "1200"} {
		in := strings.Replace(echoJSON, "0820", mti, 1)
		out, complaint, code := bench(t, in, "iso", "send", "--to", "127.0.0.1:1", "-")
		if code != problem || out != "" || !strings.Contains(complaint, "--financial") || !strings.Contains(complaint, "nothing was sent") {
			t.Errorf("%s: exit %d, %s%s", mti, code, complaint, out)
		}
	}
}

func TestSendSaysWhyNothingMatched(t *testing.T) {
	other := func(d *iso8583.Dialect, m *iso8583.Message) []byte {
		m.Set(11, "000002")
		return approves(d, m)
	}
	out, complaint, code := bench(t, echoJSON, "iso", "send", "--to", oneHost(t, nil, other), "--timeout", "3s", "-")
	if code != problem || !strings.Contains(out, "field 11 is another") || !strings.Contains(complaint, "is above") {
		t.Errorf("exit %d, %s\n%s", code, complaint, out)
	}
	garbage := func(*iso8583.Dialect, *iso8583.Message) []byte { return []byte{0, 3, 1, 2, 3} }
	out, _, code = bench(t, echoJSON, "iso", "send", "--to", oneHost(t, nil, garbage), "--timeout", "3s", "-")
	if code != problem || !strings.Contains(out, "3 bytes that are no message") {
		t.Errorf("garbage: exit %d\n%s", code, out)
	}
	silent := func(*iso8583.Dialect, *iso8583.Message) []byte { return nil }
	_, complaint, code = bench(t, echoJSON, "iso", "send", "--to", oneHost(t, nil, silent), "--timeout", "1s", "-")
	if code != problem || !strings.Contains(complaint, "no answer within 1s") || !strings.Contains(complaint, "hint") {
		t.Errorf("silent: exit %d, %s", code, complaint)
	}
	_, complaint, code = bench(t, echoJSON, "iso", "send", "--to", "127.0.0.1:1", "--timeout", "2s", "-")
	if code != problem || !strings.Contains(complaint, "nothing was sent") {
		t.Errorf("no host: exit %d, %s", code, complaint)
	}
}

func TestSendSaysWhatTheAnswerDoesNotRepeat(t *testing.T) {
	other := func(d *iso8583.Dialect, m *iso8583.Message) []byte {
		m.Set(3, "300000")
		return approves(d, m)
	}
	in := strings.Replace(echoJSON, `"11"`, `"3":"000000","11"`, 1)
	out, complaint, code := bench(t, in, "iso", "send", "--to", oneHost(t, nil, other), "-")
	if code != problem || !strings.Contains(complaint, "field 3 is another") || !strings.Contains(out, "WRONG") {
		t.Errorf("exit %d, %s\n%s", code, complaint, out)
	}
}

func TestSendSpeaksTLSWithOwnRootsAndPins(t *testing.T) {
	web := httptest.NewUnstartedServer(nil) // for its certificate
	web.StartTLS()
	defer web.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: web.Certificate().Raw})
	if err := os.WriteFile(ca, text, 0o600); err != nil {
		t.Fatal(err)
	}
	pin := link.PinOf(web.Certificate())
	stranger := "sha256/" + strings.Repeat("A", 43) + "="
	host := func() string { return oneHost(t, &tls.Config{Certificates: web.TLS.Certificates}, approves) }
	for name, c := range map[string]struct {
		args []string
		says string
	}{
		"own root":     {[]string{"--ca", ca}, ""},
		"pinned":       {[]string{"--ca", ca, "--pin", stranger, "--pin", pin}, ""},
		"unknown root": {[]string{"--tls"}, "no known authority"},
		"another pin":  {[]string{"--ca", ca, "--pin", stranger}, "pinned"},
		"no pin":       {[]string{"--ca", ca, "--pin", "sha1/x"}, "--pin"},
		"no PEM":       {[]string{"--ca", os.Args[0]}, "must be PEM"},
	} {
		_, complaint, code := bench(t, echoJSON, append([]string{"iso", "send", "--to", host(), "--timeout", "5s", "-"}, c.args...)...)
		if (c.says == "") != (code == success) || !strings.Contains(complaint, c.says) {
			t.Errorf("%s: exit %d, %s", name, code, complaint)
		}
	}
}

func TestSendSpeaksOfItsFlags(t *testing.T) {
	plain := oneHost(t, nil, approves)
	server := httptest.NewTLSServer(nil)
	t.Cleanup(server.Close)
	secure := server.Listener.Addr().String()
	for name, c := range map[string]struct {
		args []string
		says string
	}{
		"TLS to a plain host": {[]string{"--to", plain, "--tls"}, "whether the host speaks TLS at all"},
		"unknown authority":   {[]string{"--to", secure, "--tls"}, "with --ca"},
		"plain to TLS":        {[]string{"--to", secure}, "--tls"},
		"no port":             {[]string{"--to", "127.0.0.1"}, "HOST:PORT"},
		"no time":             {[]string{"--to", plain, "--timeout", "0s"}, "--timeout"},
		"half a pair":         {[]string{"--to", plain, "--cert", "client.pem"}, "--cert and --key"},
	} {
		t.Run(name, func(t *testing.T) {
			_, complaint, code := bench(t, "", append([]string{"iso", "send", echoJSON}, c.args...)...)
			if code != problem || !strings.Contains(complaint, c.says) || strings.Contains(complaint, "[acquirer") {
				t.Errorf("exit %d, %s", code, complaint)
			}
		})
	}
}
