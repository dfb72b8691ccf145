package api_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// pipes is a listener whose connections are in memory, so that the real server runs in virtual time.
type pipes struct {
	conns chan net.Conn
	end   chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.end:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { close(p.end); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8320} }

func (p *pipes) dial() net.Conn {
	ours, theirs := net.Pipe()
	p.conns <- theirs
	return ours
}

// onTheWire runs a test against the real server.
func onTheWire(t *testing.T, test func(t *testing.T, s *shop, server *http.Server, p *pipes)) {
	t.Helper()
	inShop(t, func(t *testing.T, s *shop) {
		p := &pipes{conns: make(chan net.Conn), end: make(chan struct{})}
		server := s.api.Server()
		done := make(chan error, 1)
		go func() { done <- server.Serve(p) }()
		test(t, s, server, p)
		server.Close()
		<-done
	})
}

// send makes a request over the wire.
func send(ctx context.Context, p *pipes, method, path, body string, changes ...func(*http.Request)) (*http.Response, error) {
	tr := &http.Transport{DisableKeepAlives: true, DialContext: func(context.Context, string, string) (net.Conn, error) { return p.dial(), nil }}
	r := request(method, path, body, changes...).WithContext(ctx)
	r.RequestURI, r.URL.Scheme, r.URL.Host = "", "http", host
	return tr.RoundTrip(r)
}

func status(t *testing.T, want int, resp *http.Response, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil || resp.StatusCode != want {
		t.Fatalf("%d, want %d: %s %v", resp.StatusCode, want, text, err)
	}
}

func TestWaitOutlivesTheTimeThatABodyMayTake(t *testing.T) {
	onTheWire(t, func(t *testing.T, s *shop, _ *http.Server, p *pipes) {
		s.opened("1")
		time.AfterFunc(80*time.Second, func() { s.card.shown <- struct{}{} })
		resp, err := send(t.Context(), p, http.MethodPut, "/v1/sales/1/attempts/a", cardSale, waiting)
		status(t, http.StatusOK, resp, err)
	})
}

func TestConnectionThatIsCutIsAHangUp(t *testing.T) {
	onTheWire(t, func(t *testing.T, s *shop, _ *http.Server, p *pipes) {
		s.opened("1")
		ctx, cut := context.WithCancel(t.Context())
		time.AfterFunc(20*time.Second, cut)
		if _, err := send(ctx, p, http.MethodPut, "/v1/sales/1/attempts/a", cardSale, waiting); err == nil {
			t.Error("a request that was cut was answered")
		}
		time.Sleep(6 * time.Second)
		if a := s.want(http.StatusOK, s.ask(http.MethodGet, "/v1/sales/1/attempts/a", "")); a.InnerState != "cancelled" {
			t.Errorf("answer %+v", a)
		}
	})
}

func TestStoppingEndsStreamsAndWaitsAtOnce(t *testing.T) {
	onTheWire(t, func(t *testing.T, s *shop, server *http.Server, p *pipes) {
		s.opened("1")
		events, err := send(t.Context(), p, http.MethodGet, "/v1/events", "")
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() {
			_, err := io.ReadAll(events.Body)
			ended <- err
		}()
		waited := make(chan struct{})
		go func() {
			defer close(waited)
			resp, err := send(t.Context(), p, http.MethodPut, "/v1/sales/1/attempts/a", cardSale, waiting)
			status(t, http.StatusServiceUnavailable, resp, err)
		}()
		synctest.Wait()
		start := time.Now()
		if err := server.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		<-waited
		if err := <-ended; err != nil {
			t.Errorf("the stream did not end well: %v", err)
		}
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("stopping took %v", took)
		}
	})
}

func TestRequestThatDoesNotComeInTimeIsGivenUp(t *testing.T) {
	const head = "PUT /v1/sales/1 HTTP/1.1\r\nHost: " + host + "\r\nAuthorization: Bearer " + tillToken + "\r\n"
	for name, row := range map[string]struct {
		sent, answer string
		limit        time.Duration
	}{
		"body":              {head + "Content-Type: application/json\r\nContent-Length: 40\r\n\r\n{", "too_slow", 11 * time.Second},
		"header":            {head, "", 6 * time.Second},
		"body nobody reads": {strings.Replace(head, tillToken, "x", 1) + "Content-Length: 40\r\n\r\n{", "", 11 * time.Second},
	} {
		onTheWire(t, func(t *testing.T, _ *shop, _ *http.Server, p *pipes) {
			conn := p.dial()
			defer conn.Close()
			start := time.Now()
			go io.WriteString(conn, row.sent)
			text, _ := io.ReadAll(conn)
			if took := time.Since(start); !strings.Contains(string(text), row.answer) || took > row.limit {
				t.Errorf("%s: after %v: %s", name, took, text)
			}
		})
	}
}
