package link_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"posd/iso8583/link"
)

func TestTimeOutWhileWritingMayHaveArrived(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t)
		got := h.exchange(5*time.Second, h.message("0200", "000001"))
		<-h.ends // and nobody reads
		mustBeUnknown(t, <-got)
	})
}

func TestMessageThatWaitsToBeWrittenUntilTheTimeOutWasNotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, outstanding(2))
		first := h.exchange(time.Minute, h.message("0200", "000001"))
		<-h.ends // nobody reads, so the first holds the pen
		synctest.Wait()
		mustBeUnsent(t, <-h.exchange(time.Second, h.message("0200", "000002")))
		mustBeUnknown(t, <-first)
	})
}

func TestEndedContextAndSecondExchangeOfAKeyAreNotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, outstanding(2))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := h.link.Exchange(ctx, h.message("0200", "000001"), "key")
		mustBeUnsent(t, result{nil, err})

		first := h.exchange(time.Minute, h.message("0200", "000001"))
		c := <-h.ends
		h.take(c)
		mustBeUnsent(t, <-h.exchange(time.Minute, h.message("0200", "000001")))
		h.give(c, h.message("0210", "000001"))
		mustArrive(t, <-first, h.message("0210", "000001"))
	})
}

func TestMessageLongerThanTheDialectsLimitWasNotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t)
		_, err := h.link.Exchange(t.Context(), make([]byte, 5000), "key")
		mustBeUnsent(t, result{nil, err})
		if h.dialled() != 0 {
			t.Error("dialled for a message that cannot be framed")
		}
	})
}

func TestHostSilentTwiceIsDialledAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t)
		for i := range 2 {
			got := h.exchange(time.Second, h.message("0200", "00000"+string(rune('1'+i))))
			if i == 0 {
				c := <-h.ends
				go func() {
					for {
						if _, err := c.Read(make([]byte, 100)); err != nil {
							return
						}
					}
				}()
			}
			mustBeUnknown(t, <-got)
		}
		got := h.exchange(time.Minute, h.message("0400", "000001"))
		c := <-h.ends
		h.take(c)
		h.give(c, h.message("0410", "000001"))
		mustArrive(t, <-got, h.message("0410", "000001"))
	})
}

func TestIdleConnectionIsClosedButNotUnderAnExchange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, func(o *link.Options) { o.Idle = 10 * time.Second })
		got := h.exchange(time.Minute, h.message("0200", "000001"))
		c := <-h.ends
		h.take(c)
		time.Sleep(30 * time.Second)
		h.give(c, h.message("0210", "000001"))
		mustArrive(t, <-got, h.message("0210", "000001"))
		time.Sleep(11 * time.Second)
		if _, err := c.Read(make([]byte, 1)); err == nil {
			t.Error("the idle connection is still open")
		}
	})
}

func TestCloseEndsWhoWaitsAndRefusesWhoComesAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t)
		got := h.exchange(time.Minute, h.message("0200", "000001"))
		h.take(<-h.ends)
		if err := h.link.Close(); err != nil {
			t.Fatal(err)
		}
		r := <-got
		mustBeUnknown(t, r)
		if !errors.Is(r.err, link.ErrClosed) {
			t.Errorf("got %v, want ErrClosed in it", r.err)
		}
		mustBeUnsent(t, <-h.exchange(time.Minute, h.message("0200", "000002")))
	})
}
