package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"posd/daemon/payment"
	"posd/daemon/prints"
	"posd/drivers"
)

const (
	heartbeat = 15 * time.Second
	// backlog is how many notices a stream may be behind. One that is further behind loses notices, never moves of money.
	backlog = 64
	// atOnce is how many events of the journal are looked at in one go.
	atOnce = 100
)

// notice is something that is not in the journal: a device changed, goods were scanned. Who is not there misses it.
type notice struct {
	event  string
	data   any
	client string // whose it is; "" for everybody's
}

// notices hands notices to the streams that are open. The zero value has none.
type notices struct {
	mu      sync.Mutex
	streams map[chan notice]struct{} // guarded by mu
}

func (n *notices) open() (stream chan notice, shut func()) {
	stream = make(chan notice, backlog)
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.streams == nil {
		n.streams = map[chan notice]struct{}{}
	}
	n.streams[stream] = struct{}{}
	return stream, func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		delete(n.streams, stream)
	}
}

// say never waits: it is called by those who serve the devices.
func (n *notices) say(event string, data any) { n.sayTo("", event, data) }

// sayTo is say for the streams of one client, and of supervisors.
func (n *notices) sayTo(client, event string, data any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for s := range n.streams {
		select {
		case s <- notice{event, data, client}:
		default:
		}
	}
}

// DeviceChanged tells the tills that a device has come or gone. It returns at once, and fits drivers.World.OnChange.
func (a *API) DeviceChanged(d drivers.DeviceStatus) { a.notices.say("device", viewDevice(d)) }

// Printed tells a till that its print job has ended, well or not. It returns at once.
func (a *API) Printed(j prints.Job) {
	if j.Client != "" && j.Result() != prints.StillWaits {
		a.notices.sayTo(j.Client, "print", a.viewPrint(j.Name(), j))
	}
}

// scanView is a scan that is no wallet code.
type scanView struct {
	Device string    `json:"device"`
	Data   string    `json:"data"`
	AIM    string    `json:"aim,omitempty"` // the symbology, as the scanner told it
	Time   time.Time `json:"time"`
}

// Scanned tells the tills of a scan that nobody claimed: goods, a voucher, a badge. The caller makes sure that it is no
// wallet code. It returns at once.
func (a *API) Scanned(device, data, aim string) {
	a.notices.say("scan", scanView{device, data, aim, a.o.Now()})
}

// refusedView is a swipe or a scan that was no use.
type refusedView struct {
	Device string    `json:"device"`
	Why    string    `json:"why"`
	Time   time.Time `json:"time"`
}

// Refused tells the tills of a swipe or scan that was no use, so that the cashier may say "once more". It returns at
// once, and fits drivers.World.OnRefused.
func (a *API) Refused(device string, err error) {
	a.notices.say("refused", refusedView{device, err.Error(), a.o.Now()})
}

// letGoView is a card or code that the customer has shown and that was not needed: the other one was first.
type letGoView struct {
	Client  string       `json:"client"`
	Sale    string       `json:"sale"`
	Attempt string       `json:"attempt"`
	Rail    payment.Rail `json:"rail"`
	Time    time.Time    `json:"time"`
}

// LetGo tells the till that nothing was taken from a card or code, so that the cashier may say so. It returns at once, and
// fits payment.Options.LetGo.
func (a *API) LetGo(k payment.Key, r payment.Rail) {
	a.notices.sayTo(k.Client, "let_go", letGoView{k.Client, k.Sale, k.Attempt, r, a.o.Now()})
}

// stream is one open event stream (server-sent events, WHATWG HTML 9.2).
type stream struct {
	c       *call
	client  string // "" for a supervisor: everybody's
	after   int64  // number of the last event that was looked at
	control *http.ResponseController
}

// getEvents sends what happens until the till hangs up. Last-Event-ID resumes after the event of that number; without
// it the stream begins with what comes next.
func (a *API) getEvents(c *call) error {
	s := &stream{c: c, control: http.NewResponseController(c.w)}
	if c.who.Scope != Supervisor {
		s.client = c.who.Client
	}
	asked, err := a.resumeAt(c, s)
	if err != nil {
		return err
	}
	select {
	case a.streams <- struct{}{}:
		defer func() { <-a.streams }()
	default:
		return &refusal{
			status: http.StatusServiceUnavailable, code: "busy", detail: "too many event streams are open",
			hint: "close some of them", header: "Retry-After", headerValue: "10",
		}
	}
	news, shut := a.notices.open() // before the till hears that it is there
	defer shut()
	c.w.Header().Set("Content-Type", "text/event-stream")
	c.w.WriteHeader(http.StatusOK)
	if err := s.write(opening(asked, s.after)); err == nil {
		err = a.follow(s, news)
		a.o.Log.Debug("event stream ended", "client", c.who.Client, "err", err)
	}
	return nil
}

// resumeAt finds the event after which a stream begins, and gives the one after which the till wants to go on. A journal that
// cannot be read now may know that one.
func (a *API) resumeAt(c *call, s *stream) (asked int64, err error) {
	newest, unread := a.desk.Seq(c.r.Context())
	last := c.r.Header.Get("Last-Event-ID")
	if last == "" {
		s.after = newest
		return newest, unread
	}
	if asked, err = strconv.ParseInt(last, 10, 64); err != nil || asked < 0 {
		return 0, bad("bad_header", "Last-Event-ID is no event number", "send the last id that the stream gave, or 0 for everything")
	}
	if s.after = asked; unread == nil {
		s.after = min(asked, newest)
	}
	return asked, nil
}

// opening begins a stream. A till that asks for what this journal does not have yet was told of it by one that is gone: it
// gets the number from which it hears all that is new, else it would hear nothing until that is reached.
func opening(asked, after int64) string {
	if asked > after {
		return fmt.Sprintf("retry: 2000\nid: %d\n\n", after)
	}
	return "retry: 2000\n\n"
}

// errEnding ends a stream because posd does.
var errEnding = errors.New("posd is stopping")

// follow sends events until the till is gone or posd stops. A journal that cannot be read is tried again with the next
// heartbeat.
func (a *API) follow(s *stream, news <-chan notice) error {
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		changed := a.desk.Changed()
		if err := a.catchUp(s); err != nil {
			return err
		}
		var err error
		select {
		case <-changed:
		case n := <-news:
			if n.client == "" || s.client == "" || n.client == s.client {
				err = s.send("", n.event, n.data)
			}
		case <-beat.C:
			err = s.write(": still here\n\n")
		case <-a.ending.Done():
			return errEnding
		case <-s.c.r.Context().Done():
			return s.c.r.Context().Err()
		}
		if err != nil {
			return err
		}
	}
}

// catchUp sends what the journal has beyond the last event. Its error means that the till is gone.
func (a *API) catchUp(s *stream) error {
	for {
		moves, next, err := a.desk.Moves(s.c.r.Context(), s.client, s.after, atOnce)
		if err != nil {
			a.o.Log.Warn("events could not be read", "client", s.c.who.Client, "err", err)
			return s.c.r.Context().Err()
		}
		if next == s.after {
			return nil
		}
		for _, m := range moves {
			if err := s.send(strconv.FormatInt(m.Seq, 10), eventOf(m), m); err != nil {
				return err
			}
			a.toldBy(s, m)
		}
		s.after = next
	}
}

// toldBy notes that the till has heard by its stream that it is paid: of two payments the one it knows of stays.
func (a *API) toldBy(s *stream, m payment.Move) {
	if m.State != payment.SaidApproved || m.Attempt == "" || m.Client != s.client {
		return
	}
	at, err := a.desk.Attempt(s.c.r.Context(), payment.Key{Client: m.Client, Sale: m.Sale, Attempt: m.Attempt})
	if err != nil {
		a.o.Log.Warn("what the till was told could not be read", "sale", m.Sale, "attempt", m.Attempt, "err", err)
		return
	}
	if at.Said() == m.State { // else a later event tells
		a.told(s.c, at)
	}
}

// eventOf is what an event of the stream is about.
func eventOf(m payment.Move) string {
	switch {
	case m.Batch != "":
		return "batch"
	case m.Attempt == "":
		return "sale"
	default:
		return "attempt"
	}
}

// send writes one event. What is not in the journal has no id: nobody can resume after it.
func (s *stream) send(id, event string, data any) error {
	text, err := json.Marshal(data) // has no line break in it
	if err != nil {
		return err
	}
	if id != "" {
		id = "id: " + id + "\n"
	}
	return s.write(fmt.Sprintf("%sevent: %s\ndata: %s\n\n", id, event, text))
}

func (s *stream) write(text string) error {
	if err := s.control.SetWriteDeadline(time.Now().Add(answerTime)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	if _, err := s.c.w.Write([]byte(text)); err != nil {
		return err
	}
	return s.control.Flush()
}
