package porttest_test

import (
	"runtime"
	"testing"

	"posd/drivers/port/porttest"
)

// ended notes how a test was ended.
type ended struct {
	testing.TB
	how string
}

func (e *ended) Helper() {}

func (e *ended) Skipf(string, ...any) { e.how = "skipped" }

func (e *ended) Fatalf(string, ...any) {
	e.how = "failed"
	runtime.Goexit()
}

func TestAComparisonIsSkippedWithoutItsProgramButNotInCI(t *testing.T) {
	for ci, want := range map[string]string{"": "skipped", "1": "failed"} {
		t.Setenv("CI", ci)
		e, done := &ended{TB: t}, make(chan struct{})
		go func() { defer close(done); porttest.NothingToCompare(e, "zbarimg is not installed") }()
		<-done
		if e.how != want {
			t.Errorf("with CI=%q it is %s, want %s", ci, e.how, want)
		}
	}
}
