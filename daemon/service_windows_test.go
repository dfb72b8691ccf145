package main

import (
	"context"
	"path/filepath"
	"testing"

	"golang.org/x/sys/windows/svc"
)

func TestAServiceThatEndsByItselfIsAFailureToWindows(t *testing.T) {
	g := &globals{ConfigFile: filepath.Join(t.TempDir(), "posd.toml")} // there is none
	told := make(chan svc.Status, 10)
	specific, code := managed{&program{run: g.run}}.Execute(nil, make(chan svc.ChangeRequest), told)
	if !specific || code != 1 {
		t.Errorf("ends with %v, %d; want true, 1: after that Windows starts it anew", specific, code)
	}
	if first, second := <-told, <-told; first.State != svc.StartPending || second.State != svc.Running {
		t.Errorf("told states %d and %d, want that it starts and that it runs", first.State, second.State)
	}
}

func TestAServiceThatIsToldToStopEndsWell(t *testing.T) {
	p := &program{run: func(ctx context.Context) error { <-ctx.Done(); return nil }}
	asked := make(chan svc.ChangeRequest, 1)
	asked <- svc.ChangeRequest{Cmd: svc.Stop}
	if specific, code := (managed{p}).Execute(nil, asked, make(chan svc.Status, 10)); specific || code != 0 {
		t.Errorf("ends with %v, %d; want false, 0", specific, code)
	}
}
