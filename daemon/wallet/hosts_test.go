package wallet_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"posd/daemon/wallet"
)

// twoHosts is a transport with two hosts behind it, each of which can be down, silent or broken; it keeps who was asked what.
type twoHosts struct {
	down, silent, broken map[string]bool
	asked                []string
}

// RoundTrip answers as the host of the request would.
func (h *twoHosts) RoundTrip(r *http.Request) (*http.Response, error) {
	trace := httptrace.ContextClientTrace(r.Context())
	if trace != nil {
		trace.GetConn(r.URL.Host)
	}
	if h.down[r.URL.Host] {
		return nil, errors.New("no route")
	}
	if trace != nil {
		trace.GotConn(httptrace.GotConnInfo{})
	}
	body, _ := io.ReadAll(r.Body)
	h.asked = append(h.asked, r.URL.Host+" "+string(body))
	if h.silent[r.URL.Host] {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	status := http.StatusOK
	if h.broken[r.URL.Host] {
		status = http.StatusBadGateway
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("ok")), Request: r}, nil
}

func (h *twoHosts) say(t *testing.T, p *wallet.Poster, body string) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	_, err := p.Post(ctx, "https://main.test/gateway.do?charset=utf-8", "text/plain", bytes.Clone([]byte(body)))
	return err
}

func TestTheBackupHostIsAskedOnceTheMainOneFails(t *testing.T) {
	only := func(host string) map[string]bool { return map[string]bool{host: true} }
	for name, c := range map[string]struct {
		hosts *twoHosts
		asked string // who hears pay, query and later
	}{
		"both are well":                       {&twoHosts{}, "main pay, main query, main later"},
		"nothing left: the backup is asked":   {&twoHosts{down: only("main.test")}, "backup pay, backup query, backup later"},
		"no answer: pay is never sent again":  {&twoHosts{silent: only("main.test")}, "main pay, backup query, main later"},
		"an error page: pay is not repeated":  {&twoHosts{broken: only("main.test")}, "main pay, backup query, main later"},
		"both are down: nobody hears":         {&twoHosts{down: map[string]bool{"main.test": true, "backup.test": true}}, ""},
		"the backup is down: no harm is done": {&twoHosts{down: only("backup.test")}, "main pay, main query, main later"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPoster(t, c.hosts, "https://backup.test")
				_ = c.hosts.say(t, p, "pay")
				_ = c.hosts.say(t, p, "query")
				time.Sleep(5 * time.Minute)
				_ = c.hosts.say(t, p, "later")
				if got := strings.ReplaceAll(strings.Join(c.hosts.asked, ", "), ".test", ""); got != c.asked {
					t.Errorf("asked %q, want %q", got, c.asked)
				}
			})
		})
	}
}

func TestACallerWhoHangsUpTurnsNoHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &twoHosts{silent: map[string]bool{"main.test": true}}
		p := newPoster(t, h, "https://backup.test")
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			time.Sleep(time.Second)
			cancel()
		}()
		_, _ = p.Post(ctx, "https://main.test/", "text/plain", []byte("pay"))
		h.silent = nil
		_ = h.say(t, p, "query")
		if got := strings.Join(h.asked, ", "); got != "main.test pay, main.test query" {
			t.Errorf("asked %q", got)
		}
	})
}

func TestABackupThatIsNoAddressIsRefused(t *testing.T) {
	if _, err := wallet.NewPoster(http.DefaultTransport, "api2"); err == nil {
		t.Error("taken")
	}
}
