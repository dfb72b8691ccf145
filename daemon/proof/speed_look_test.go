//go:build proof && linux

package proof

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"
)

// whileLookedAt opens sales, each a durable commit of its own, while somebody has the whole journal verified and then
// exported, and tells how long the till waited for them. posd runs.
func (s *shop) whileLookedAt(t *testing.T, events int) {
	t.Helper()
	quiet := s.opensUntil(t, "quiet", func() { time.Sleep(2 * time.Second) })
	looks := newCaller(s, supervisorToken, false)
	looks.http.Timeout = 0 // a long journal takes as long as it takes
	defer looks.http.CloseIdleConnections()
	for _, what := range []string{"verify", "export"} {
		start := time.Now()
		waits := s.opensUntil(t, what, func() {
			status, text, err := looks.send(t.Context(), ask{method: http.MethodGet, path: "/v1/journal/" + what})
			if err != nil || status != http.StatusOK {
				t.Errorf("%s: %v, %d %.300s", what, err, status, text)
			}
		})
		t.Logf("proof | what a till waits for a commit while somebody has the journal looked at: %s | %d events, %.1f s, %d commits meanwhile | median %s, worst %s; when nobody looks median %s, worst %s",
			what, events, time.Since(start).Seconds(), len(waits), ms(median(waits)), ms(slices.Max(waits)), ms(median(quiet)), ms(slices.Max(quiet)))
	}
}

// opensUntil opens sales one after the other until something is done, and gives how long each took.
func (s *shop) opensUntil(t *testing.T, name string, something func()) (took []time.Duration) {
	t.Helper()
	ctx, done := context.WithCancel(t.Context())
	go func() { defer done(); something() }()
	for n := 0; n == 0 || ctx.Err() == nil; n++ {
		start := time.Now()
		a, err := s.till.openSale(t.Context(), fmt.Sprintf("L-%s-%d", name, n), 100)
		if err != nil || a.refused() {
			t.Fatalf("open: %v %s", err, a.Raw)
		}
		took = append(took, time.Since(start))
	}
	return took
}
