package acquirer_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"posd/daemon/payment"
	"posd/iso8583"
)

// quietLine boots an acquirer that tries its line every minute, and keeps it running for the test.
func quietLine(t *testing.T, b *bench) {
	t.Helper()
	b.echo = time.Minute
	b.boot(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		b.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
}

func TestEchoKeepsAQuietLineAndOnlyAQuietOne(t *testing.T) {
	scripted(t, func(t *testing.T, b *bench, h *script) {
		quietLine(t, b)
		time.Sleep(5 * time.Minute)
		if n := len(h.requests("0820")); n != 0 {
			t.Errorf("%d echoes before the sign-on, want none", n)
		}
		b.ready(t)
		time.Sleep(50 * time.Second)
		b.approved(t, payment.KindSale, 700, nil)
		time.Sleep(50 * time.Second)
		synctest.Wait()
		if n := len(h.requests("0820")); n != 0 {
			t.Errorf("%d echoes within a minute of a sale, want none", n)
		}
		time.Sleep(135 * time.Second)
		synctest.Wait()
		if n := len(h.requests("0820")); n != 3 {
			t.Errorf("%d echoes in three quiet minutes, want 3", n)
		}
		if n := count(b.scribe.names(), "in 0830"); n != 3 {
			t.Errorf("%d echoes' answers on record, want 3", n)
		}
	})
}

func TestEchoWithoutAnAnswerDropsReadinessAndNothingElse(t *testing.T) {
	scripted(t, func(t *testing.T, b *bench, h *script) {
		quietLine(t, b)
		b.ready(t)
		h.answers(func(req, _ *iso8583.Message) func([]byte) []byte {
			if req.MTI == "0820" {
				return silent
			}
			return nil
		})
		time.Sleep(4 * time.Minute)
		synctest.Wait()
		if n := len(h.requests("0820")); n != 1 {
			t.Errorf("%d echoes, want 1: after it the line is tried when somebody needs it", n)
		}
		b.approved(t, payment.KindSale, 700, nil)
		if n := len(h.requests("0800")); n != 2 {
			t.Errorf("%d sign-ons, want a second one before the sale", n)
		}
	})
}

func TestPaymentDoesNotWaitForAnEcho(t *testing.T) {
	scripted(t, func(t *testing.T, b *bench, h *script) {
		quietLine(t, b)
		b.ready(t)
		h.answers(func(req, _ *iso8583.Message) func([]byte) []byte {
			if req.MTI == "0820" {
				return silent
			}
			return nil
		})
		time.Sleep(61 * time.Second)
		begin := time.Now()
		b.approved(t, payment.KindSale, 700, nil)
		if took := time.Since(begin); took > time.Second {
			t.Errorf("the sale took %v behind an echo", took)
		}
		if len(h.requests("0820")) != 1 || len(h.requests("0800")) != 1 {
			t.Error("want one echo, given up for the sale, and no second sign-on")
		}
	})
}

func TestEchoThatIsToldToSignOnDoes(t *testing.T) {
	scripted(t, func(t *testing.T, b *bench, h *script) {
		quietLine(t, b)
		b.ready(t)
		h.answers(func(req, reply *iso8583.Message) func([]byte) []byte {
			if req.MTI == "0820" {
				reply.Set(39, "99")
			}
			return nil
		})
		time.Sleep(61 * time.Second)
		b.ready(t)
		if n := len(h.requests("0800")); n != 2 {
			t.Errorf("%d sign-ons, want 2", n)
		}
	})
}

func TestSignOffComesOnceAndWaitsForNobody(t *testing.T) {
	scripted(t, func(t *testing.T, b *bench, h *script) {
		b.SignOff(t.Context())
		if n := len(h.requests("0820")); n != 0 {
			t.Errorf("%d sign-offs of a terminal that never signed on", n)
		}
		b.ready(t)
		h.answers(func(req, _ *iso8583.Message) func([]byte) []byte { return silent })
		begin := time.Now()
		b.SignOff(t.Context())
		b.SignOff(t.Context())
		if took := time.Since(begin); took > 5*time.Second {
			t.Errorf("sign-off took %v", took)
		}
		if n := len(h.requests("0820")); n != 1 {
			t.Errorf("%d sign-offs, want 1", n)
		}
		if !slices.Contains(b.scribe.names(), "out 0820") {
			t.Error("the sign-off is not on record")
		}
		h.answers(nil)
		b.approved(t, payment.KindSale, 700, nil)
		if n := len(h.requests("0800")); n != 2 {
			t.Errorf("%d sign-ons, want a second one before the sale", n)
		}
	})
}

func TestSignOffTellsOfAnAnswerThatIsNotItsOwn(t *testing.T) {
	scripted(t, func(t *testing.T, b *bench, h *script) {
		b.ready(t)
		h.answers(func(_, reply *iso8583.Message) func([]byte) []byte {
			reply.Set(42, strings.Repeat("9", len(reply.Text(42))))
			return nil
		})
		b.SignOff(t.Context())
		if !strings.Contains(b.log.String(), "fields [42] differ") {
			t.Errorf("the log says nothing of it: %s", b.log)
		}
	})
}
