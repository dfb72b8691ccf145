package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"posd/hwtest/walletsim"
)

// watchEvery is how often a phone that is online looks after its account.
const watchEvery = 2 * time.Second

// watched is what the phone has last heard of its account.
type watched struct {
	heard bool
	last  walletsim.PhoneAnswer
}

// watch looks after the account until stop, or the end of ctx, while the phone is online. What it cannot learn it asks again. A
// phone is used by one at a time: stop waits until it is free, and may be called again. Then answers are closed.
func (s *screen) watch(ctx context.Context) (answers <-chan walletsim.PhoneAnswer, stop func()) {
	if s.offline {
		return nil, func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	heard := make(chan walletsim.PhoneAnswer)
	var looking sync.WaitGroup
	looking.Go(func() {
		defer close(heard)
		s.look(ctx, heard)
	})
	return heard, func() { cancel(); looking.Wait() }
}

// look asks again and again, until ctx ends.
func (s *screen) look(ctx context.Context, heard chan<- walletsim.PhoneAnswer) {
	every := time.NewTicker(watchEvery)
	defer every.Stop()
	for ctx.Err() == nil {
		if a, err := s.p.Stands(ctx); err == nil {
			select {
			case heard <- a:
			case <-ctx.Done():
			}
		}
		select {
		case <-every.C:
		case <-ctx.Done():
		}
	}
}

// tell says what has happened to the account since it was last heard of.
func (s *screen) tell(a walletsim.PhoneAnswer) {
	if s.watched.heard {
		for _, line := range news(s.watched.last, a) {
			fmt.Fprintln(s.out, line)
		}
	}
	s.watched = watched{true, a}
}

// news is what a customer would like to read.
func news(was, now walletsim.PhoneAnswer) (lines []string) {
	switch moved := now.Balance - was.Balance; {
	case moved < 0:
		lines = append(lines, fmt.Sprintf("paid %s, balance %s; n shows a new code", yuanText(-moved), yuanText(now.Balance)))
	case moved > 0:
		lines = append(lines, fmt.Sprintf("%s came back, balance %s", yuanText(moved), yuanText(now.Balance)))
	case len(now.Waiting) == 0 && len(was.Waiting) > 0:
		lines = append(lines, "nothing waits for the password any more")
	}
	for i, amount := range now.Waiting {
		if i >= len(was.Waiting) {
			lines = append(lines, yuanText(amount)+" waits for the password: p pays it, r refuses it")
		}
	}
	return lines
}

// counted says what became of the payments that waited for the password.
func counted(n int, done string) string {
	if n == 0 {
		return "nothing waits for the password"
	}
	return fmt.Sprintf("%s: %d", done, n)
}
