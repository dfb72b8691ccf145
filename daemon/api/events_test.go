package api_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"posd/daemon/payment"
	"posd/drivers"
)

// listener is a till that listens to the events.
type listener struct {
	t      *testing.T
	head   http.Header
	status int
	lines  chan string
	w      *io.PipeWriter
	hangUp context.CancelFunc
	gone   chan struct{}
}

func (l *listener) Header() http.Header         { return l.head }
func (l *listener) WriteHeader(status int)      { l.status = status }
func (l *listener) Write(p []byte) (int, error) { return l.w.Write(p) }
func (l *listener) Flush()                      {}

// listen opens a stream.
func (s *shop) listen(changes ...func(*http.Request)) *listener {
	ctx, hangUp := context.WithCancel(s.t.Context())
	r, w := io.Pipe()
	l := &listener{t: s.t, head: http.Header{}, lines: make(chan string, 1000), w: w, hangUp: hangUp, gone: make(chan struct{})}
	go func() {
		defer close(l.gone)
		s.http.ServeHTTP(l, request(http.MethodGet, "/v1/events", "", changes...).WithContext(ctx))
		w.Close()
	}()
	go func() {
		defer close(l.lines)
		for scan := bufio.NewScanner(r); scan.Scan(); {
			l.lines <- scan.Text()
		}
	}()
	synctest.Wait()
	return l
}

// heard gives the lines since the last call, without the empty ones.
func (l *listener) heard() (lines []string) {
	synctest.Wait()
	for {
		select {
		case line, ok := <-l.lines:
			if !ok {
				return lines
			}
			if line != "" {
				lines = append(lines, line)
			}
		default:
			return lines
		}
	}
}

func (l *listener) close() {
	l.hangUp()
	<-l.gone
}

// ids gives the numbers of the journal's events among lines.
func ids(lines []string) (out []string) {
	for _, line := range lines {
		if id, ok := strings.CutPrefix(line, "id: "); ok {
			out = append(out, id)
		}
	}
	return out
}

func TestEventsFollowASaleAndResumeWhereTheTillLeftOff(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		s.opened("0")
		l := s.listen()
		if first := strings.Join(l.heard(), "\n"); first != "retry: 2000" || l.head.Get("Content-Type") != "text/event-stream" {
			t.Errorf("a new stream begins with %q", first)
		}
		s.opened("1")
		s.card.shown <- struct{}{}
		s.want(http.StatusOK, s.ask(http.MethodPut, "/v1/sales/1/attempts/a", cardSale, waiting))
		lines := l.heard()
		l.close()
		text := strings.Join(lines, "\n")
		for _, want := range []string{
			"event: sale\n", `"sale":"1","what":"opened","amount":1999,"currency":"CNY"`, "event: attempt\n",
			`"sale":"1","attempt":"a","what":"created"`, `"what":"sent"`, `"what":"approved","state":"approved","kind":"sale","rail":"card","amount":1999`,
		} {
			if !strings.Contains(text, want) {
				t.Errorf("the stream lacks %q:\n%s", want, text)
			}
		}
		for _, never := range []string{"technicians", "messages", "fingerprint", "411111"} {
			if strings.Contains(text, never) {
				t.Errorf("the stream tells %q", never)
			}
		}
		all := ids(lines)
		if len(all) != 4 {
			t.Fatalf("%d events, want opened, created, sent, approved:\n%s", len(all), text)
		}
		for i, id := range all {
			again := s.listen(header("Last-Event-ID", id))
			if got := ids(again.heard()); strings.Join(got, " ") != strings.Join(all[i+1:], " ") {
				t.Errorf("after %s come %q, want %q", id, got, all[i+1:])
			}
			again.close()
		}
	})
}

// The journal may be an older copy that was put back, or a new one: a browser repeats its last number by itself.
func TestAStreamThatResumesBehindTheJournalsEndHearsWhatIsNew(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		s.opened("0")
		l := s.listen(header("Last-Event-ID", "999999"))
		if first := strings.Join(l.heard(), "\n"); first != "retry: 2000\nid: 1" {
			t.Errorf("it begins with %q, want the number to go on from", first)
		}
		s.opened("1")
		if text := strings.Join(l.heard(), "\n"); !strings.Contains(text, `"sale":"1","what":"opened"`) {
			t.Errorf("of a new sale it hears %q", text)
		}
		l.close()
	})
}

func TestLongStoryIsResumedWhole(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		const sales = 250 // more than is read at once
		for i := range sales {
			s.want(http.StatusCreated, s.ask(http.MethodPut, fmt.Sprintf("/v1/sales/s%d", i), fmt.Sprintf(`{"amount":%d,"currency":"CNY"}`, i+1)))
		}
		l := s.listen(header("Last-Event-ID", "0"))
		if got := len(ids(l.heard())); got != sales {
			t.Errorf("%d events, want %d", got, sales)
		}
		l.close()
	})
}

func TestTillHearsNothingOfAnotherTillAndASupervisorHearsAll(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		till, other, super := s.listen(), s.listen(as(otherToken)), s.listen(as(superToken))
		s.opened("1")
		for name, row := range map[string]struct {
			l    *listener
			want int
		}{"till": {till, 1}, "other": {other, 0}, "supervisor": {super, 1}} {
			if got := len(ids(row.l.heard())); got != row.want {
				t.Errorf("%s hears %d events, want %d", name, got, row.want)
			}
			row.l.close()
		}
	})
}

func TestDevicesAndScansAreEventsWithoutANumber(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		l := s.listen()
		l.heard()
		s.api.Scanned("counter", "6901234567892\r\ndata: x", "]E0")
		s.api.DeviceChanged(drivers.DeviceStatus{Name: "slips", Kind: drivers.Printer, Why: "cover is open", Remedy: "close it"})
		s.api.Refused("swipe", errors.New("the card could not be read"))
		s.api.LetGo(payment.Key{Client: "till", Sale: "1", Attempt: "a"}, payment.RailWallet)
		text := strings.Join(l.heard(), "\n")
		for _, want := range []string{
			"event: scan\ndata: {\"device\":\"counter\",\"data\":\"6901234567892\\r\\ndata: x\",\"aim\":\"]E0\"", `"why":"cover is open","remedy":"close it"`,
			"event: refused\ndata: {\"device\":\"swipe\"", "event: let_go\ndata: {\"client\":\"till\",\"sale\":\"1\",\"attempt\":\"a\",\"rail\":\"wallet\"",
		} {
			if !strings.Contains(text, want) {
				t.Errorf("the stream lacks %q:\n%s", want, text)
			}
		}
		if strings.Contains(text, "id:") {
			t.Errorf("a notice has a number:\n%s", text)
		}
		l.close()
	})
}

// early does something in the moment in which the till hears that its stream is open.
type early struct {
	*httptest.ResponseRecorder
	do func()
}

func (e early) WriteHeader(status int) {
	e.ResponseRecorder.WriteHeader(status)
	e.do()
}

func TestStreamMissesNothingFromItsFirstByteOn(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		ctx, hangUp := context.WithCancel(t.Context())
		defer hangUp()
		w := early{httptest.NewRecorder(), func() { s.api.Scanned("scanner", "6901234567892", "") }}
		go s.http.ServeHTTP(w, request(http.MethodGet, "/v1/events", "").WithContext(ctx))
		synctest.Wait()
		if !strings.Contains(w.Body.String(), "6901234567892") {
			t.Errorf("the stream is %q, want the scan in it", w.Body)
		}
	})
}

func TestStreamShowsThatItLivesAndEndsWithPosd(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		l := s.listen()
		l.heard()
		time.Sleep(31 * time.Second)
		if got := strings.Join(l.heard(), "|"); got != ": still here|: still here" {
			t.Errorf("in 31 s: %q", got)
		}
		s.api.Close()
		<-l.gone
	})
}

func TestWaitEndsWithPosdAndIsNoHangUp(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		s.opened("1")
		time.AfterFunc(time.Second, s.api.Close)
		w := s.ask(http.MethodPut, "/v1/sales/1/attempts/a", cardSale, waiting)
		s.refused(http.StatusServiceUnavailable, "stopping", w)
	})
}

func TestSlowTillLosesNoticesAndHoldsUpNobody(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		r, w := io.Pipe() // nobody reads
		ctx, hangUp := context.WithCancel(t.Context())
		l := &listener{t: t, head: http.Header{}, w: w}
		done := make(chan struct{})
		go func() {
			defer close(done)
			s.http.ServeHTTP(l, request(http.MethodGet, "/v1/events", "").WithContext(ctx))
		}()
		synctest.Wait()
		for range 1000 {
			s.api.Scanned("counter", "1", "")
		}
		hangUp()
		r.Close()
		<-done
	})
}

func TestOnlySoManyStreamsAreOpen(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		var open []*listener
		for range 32 {
			open = append(open, s.listen())
		}
		s.refused(http.StatusServiceUnavailable, "busy", s.ask(http.MethodGet, "/v1/events", ""))
		for _, l := range open {
			l.close()
		}
	})
}

func TestAnEventTellsHowTheAttemptStoodAfterIt(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		s.opened("1")
		s.card.shown <- struct{}{}
		s.want(http.StatusOK, s.ask(http.MethodPut, "/v1/sales/1/attempts/a", cardSale, waiting))
		for _, refund := range []string{"r1", "r2"} {
			body := `{"rail":"any","kind":"refund","original":"a"}`
			if refund == "r1" {
				body = `{"rail":"any","kind":"refund","original":"a","amount":999}`
			}
			s.want(http.StatusOK, s.ask(http.MethodPut, "/v1/sales/1/attempts/"+refund, body, waiting))
		}
		l := s.listen(header("Last-Event-ID", "0"))
		defer l.close()
		text := strings.Join(l.heard(), "\n")
		for _, want := range []string{
			`"attempt":"a","what":"created","state":"in_progress","now":"refunded"`, `"attempt":"a","what":"approved","state":"approved","now":"refunded"`,
			`"attempt":"a","what":"refunded","state":"approved","now":"refunded"`, `"attempt":"a","what":"refunded","state":"refunded","kind"`,
			`"attempt":"r2","what":"approved","state":"approved","kind":"refund"`,
		} {
			if !strings.Contains(text, want) {
				t.Errorf("the stream lacks %s:\n%s", want, text)
			}
		}
	})
}
