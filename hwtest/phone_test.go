package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"posd/hwtest/walletsim"
)

// handset is a phone whose gateway is "hwtest sim wallet".
type handset struct {
	t   *testing.T
	dir string
	sim *station
}

func newHandset(t *testing.T) *handset {
	t.Helper()
	h := &handset{t: t, dir: t.TempDir()}
	if err := os.WriteFile(h.path("pw"), []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	h.sim = start(t, "sim", "wallet", "--keys", h.path("keys"), "--customer", "name=ann,password=secret,balance=100000,ask_above=5000",
		"--customer", "name=ben,password=secret,balance=5")
	return h
}

func (h *handset) path(name string) string { return filepath.Join(h.dir, name) }

// types runs "hwtest phone ARGS" with keys typed, and gives what it shows and how it ended.
func (h *handset) types(keys string, args ...string) (string, int) {
	h.t.Helper()
	var out, complaint bytes.Buffer
	args = append([]string{"phone"}, args...)
	g := &globals{In: io.MultiReader(strings.NewReader(keys)), Out: &out, Err: &complaint}
	code := hwtest(h.t.Context(), g, append(args, "--store", h.path("phone.json")))
	return out.String() + complaint.String(), code
}

func (h *handset) does(keys string, args ...string) string {
	h.t.Helper()
	text, code := h.types(keys, args...)
	if code != success {
		h.t.Fatalf("phone %v ends with %d: %s", args, code, text)
	}
	return text
}

func (h *handset) login() {
	h.t.Helper()
	h.does("", "login", "--wallet", h.sim.phones, "--keys", h.path("keys"), "--account", "ann", "--password-file", h.path("pw"))
}

func TestPhoneShowsCodesOnceForScripts(t *testing.T) {
	h := newHandset(t)
	h.login()
	online, offline := h.does("", "show", "--once", "--digits"), h.does("", "show", "--once", "--digits", "--offline", "--svg", h.path("code.svg"))
	if !strings.HasPrefix(online, "90") || len(online) != 19 || !strings.HasPrefix(offline, "93") || len(offline) != 19 {
		t.Errorf("the codes do not begin with 90 and 93, or have not 18 digits")
	}
	if svg, err := os.ReadFile(h.path("code.svg")); err != nil || !bytes.HasPrefix(svg, []byte("<svg")) {
		t.Errorf("no picture: %v", err)
	}
	if text := h.does("", "show", "--account", "ann", "--once"); !strings.Contains(text, "ann   online code, good until ") || !strings.Contains(text, "▌") {
		t.Errorf("the screen shows\n%s", text)
	}
	if text := h.does("", "account"); !strings.Contains(text, "balance ¥1000.00   offline codes ready") {
		t.Errorf("account says %s", text)
	}
	h.does("", "clone", h.path("thief.json"))
	h.does("", "logout")
	if text, code := h.types("", "show", "--once"); code != problem || !strings.Contains(text, "log in first") {
		t.Errorf("after the logout %d: %s", code, text)
	}
}

func TestPhoneObeysKeys(t *testing.T) {
	h := newHandset(t)
	text := h.does("secret\n"+"onarp"+"secret\r"+"q", "--wallet", h.sim.phones, "--keys", h.path("keys"), "--account", "ann")
	for _, want := range []string{
		"ann   online code", "ann   offline code", keysOfPage, "balance ¥1000.00, waiting for the password: 0",
		"nothing waits for the password",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the screen lacks %q:\n%s", want, text)
		}
	}
	if strings.Contains(text, "secret") {
		t.Error("the password is shown")
	}
	if n := strings.Count(text, "code, good until"); n != 3 {
		t.Errorf("%d codes were shown, want 3", n)
	}
}

// TestPhoneForgivesAMistypedPassword: a wrong one counts, and the fifth locks the account for ten minutes.
func TestPhoneForgivesAMistypedPassword(t *testing.T) {
	h := newHandset(t)
	h.login()
	for _, typed := range []string{"secrex\x7ft\r", "oops\x15secret\r", "\b\bsecret\r"} {
		if text := h.does("p"+typed+"q", "show", "--offline"); !strings.Contains(text, "nothing waits for the password") {
			t.Errorf("%q: the screen shows\n%s", typed, text)
		}
	}
	if text := h.does("psecret\x1bq", "show", "--offline"); !strings.Contains(text, "no password was typed") {
		t.Errorf("Escape: the screen shows\n%s", text)
	}
}

func TestPhoneSaysWhatIsMissing(t *testing.T) {
	h := newHandset(t)
	if text, code := h.types("q", "show"); code != problem || !strings.Contains(text, "hwtest phone login --wallet") {
		t.Errorf("nobody is logged in: %d: %s", code, text)
	}
	h.login()
	if text, code := h.types("q", "show", "--digits"); code != problem || !strings.Contains(text, "--once") {
		t.Errorf("--digits alone: %d: %s", code, text)
	}
}

// TestPhoneIsPutAwayWhileItWaitsForACode: on a bad network, too.
func TestPhoneIsPutAwayWhileItWaitsForACode(t *testing.T) {
	h := newHandset(t)
	h.login()
	for _, key := range []string{"q", "\x03"} { // Ctrl-C at once, q after a while, since it comes from no terminal
		if text := h.does(key, "show", "--slow", "24h"); strings.Contains(text, "good until") {
			t.Errorf("key %q: the screen shows\n%s", key, text)
		}
	}
	if text := h.does("oq", "show", "--slow", "24h"); !strings.Contains(text, "offline code, good until") {
		t.Errorf("the phone that goes offline shows\n%s", text)
	}
}

// TestNobodyUsesThePhoneAfterItsWatchWasStopped: it is used by one at a time, on a bad network, too.
func TestNobodyUsesThePhoneAfterItsWatchWasStopped(t *testing.T) {
	h := newHandset(t)
	h.login()
	p, err := phoneStore{Store: h.path("phone.json"), Slow: 24 * time.Hour}.open()
	if err != nil {
		t.Fatal(err)
	}
	s := &screen{p: p, out: io.Discard}
	for range 3 {
		account, stop := s.watch(t.Context())
		stop()
		stop()
		select {
		case a, ok := <-account:
			if ok {
				t.Errorf("it goes on, and says %+v", a)
			}
		default:
			t.Error("it goes on")
		}
	}
	s.offline = true
	if account, stop := s.watch(t.Context()); account != nil {
		t.Error("a phone that is offline asks the wallet")
		stop()
	}
}

func TestPhoneTellsWhatHappensToItsAccount(t *testing.T) {
	was := walletsim.PhoneAnswer{Balance: 1000_00}
	for _, c := range []struct {
		name string
		now  walletsim.PhoneAnswer
		want []string
	}{
		{"nothing", was, nil},
		{"paid", walletsim.PhoneAnswer{Balance: 980_01}, []string{"paid ¥19.99, balance ¥980.01; n shows a new code"}},
		{"given back", walletsim.PhoneAnswer{Balance: 1019_99}, []string{"¥19.99 came back, balance ¥1019.99"}},
		{"asked for the password", walletsim.PhoneAnswer{Balance: 1000_00, Waiting: []int64{600_00}}, []string{"¥600.00 waits for the password: p pays it, r refuses it"}},
	} {
		if got := news(was, c.now); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	waits := walletsim.PhoneAnswer{Balance: 1000_00, Waiting: []int64{600_00}}
	if got := news(waits, was); !slices.Equal(got, []string{"nothing waits for the password any more"}) {
		t.Errorf("cancelled: %q", got)
	}
	if got := news(waits, walletsim.PhoneAnswer{Balance: 400_00}); len(got) != 1 || !strings.HasPrefix(got[0], "paid ¥600.00") {
		t.Errorf("paid by password: %q", got)
	}
}

func TestPhoneFitsATerminalOf80By24(t *testing.T) {
	h := newHandset(t)
	h.login()
	text := h.does("q", "show", "--offline")
	if n := strings.Count(text, "\n"); n > 23 {
		t.Errorf("the screen has %d lines", n)
	}
	for line := range strings.Lines(text) {
		if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > 80 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
}

func TestPhoneOfAnotherCustomerLogsInAnew(t *testing.T) {
	h := newHandset(t)
	h.login()
	args := []string{"show", "--once", "--digits", "--offline", "--wallet", h.sim.phones, "--keys", h.path("keys"), "--password-file", h.path("pw"), "--old-app", "--account", "ben"}
	if code := h.does("", args...); !strings.HasPrefix(code, "91") {
		t.Error("an old app's code does not begin with 91")
	}
	if text := h.does("", "account"); !strings.Contains(text, "account ben") {
		t.Errorf("account says %s", text)
	}
	if text, code := h.types("", "login", "--account", "ann"); code != problem || !strings.Contains(text, "--wallet, --keys and --account") {
		t.Errorf("a login without a wallet ends with %d: %s", code, text)
	}
	if text, code := h.types("wrong\n", "confirm"); code != problem || !strings.Contains(text, "do not fit") {
		t.Errorf("a wrong password ends with %d: %s", code, text)
	}
	h.does("", "refuse")
}

func TestSimWalletRefusesCustomersItCannotRead(t *testing.T) {
	for _, customer := range []string{"name=ann", "name=ann,password=p,colour=red", "ann", "name=ann,password=p,balance=much"} {
		var complaint bytes.Buffer
		code := hwtest(context.Background(), &globals{In: strings.NewReader(""), Out: io.Discard, Err: &complaint},
			[]string{"sim", "wallet", "--keys", t.TempDir(), "--customer", customer, "--stdin-lifeline"})
		if code != problem {
			t.Errorf("%s: ends with %d: %s", customer, code, &complaint)
		}
	}
}
