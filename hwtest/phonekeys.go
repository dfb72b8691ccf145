package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"posd/hwtest/phone"
)

// Keys that mean something while a password is typed, or at any time.
const (
	interrupt = 3 // Ctrl-C on a terminal that hands every key over
	backspace = 8
	erase     = 127 // what most terminals send for the same key
	eraseAll  = 21  // Ctrl-U
	escape    = 27
)

// errPutAway ends the waiting for a code.
var errPutAway = errors.New("the phone is put away")

// maxEarly bounds the keys that are kept while the phone waits.
const maxEarly = 1024

// await gives a code. Keys that are pressed meanwhile are kept for later, but for Ctrl-C and q, which put the phone away, and
// o, which goes offline: at once on a terminal, else after a while, so that keys from a pipe find the codes they are meant for.
func (s *screen) await(ctx context.Context) (c phone.Code, err error) {
	if s.offline {
		return s.code(ctx)
	}
	ctx, cancel := context.WithCancel(ctx)
	came := make(chan struct{})
	go func() {
		defer close(came)
		c, err = s.p.Online(ctx)
	}()
	key := s.hurried(came)
	cancel()
	<-came
	switch key {
	case 'o':
		s.offline = true
		return s.code(ctx)
	case 'q':
		return phone.Code{}, errPutAway
	default:
		return c, err
	}
}

// hurried keeps keys until came; it gives the one that ends the waiting, 0 for none.
func (s *screen) hurried(came <-chan struct{}) byte {
	patience := time.NewTimer(s.patience)
	defer patience.Stop()
	for keys, patient := s.keys, true; ; {
		if key := s.head(); !patient && key != 0 {
			s.early = s.early[1:]
			return key
		}
		select {
		case <-came:
			return 0
		case <-patience.C:
			patient = false
		case key, ok := <-keys:
			switch {
			case !ok:
				keys = nil
			case key == interrupt:
				s.early = []byte{'q'}
				patient = false
			case len(s.early) < maxEarly:
				s.early = append(s.early, key)
			}
		}
	}
}

// head is the first key that was kept, if it is one that ends the waiting for a code; else 0.
func (s *screen) head() byte {
	if len(s.early) > 0 && (s.early[0] == 'q' || s.early[0] == 'o') {
		return s.early[0]
	}
	return 0
}

// patienceOfPipes is how long keys that come from no terminal wait for a code.
const patienceOfPipes = 2 * time.Second

// next is the next key; false when there is none any more.
func (s *screen) next(ctx context.Context) (key byte, ok bool) {
	if len(s.early) > 0 {
		key = s.early[0]
		s.early = s.early[1:]
		return key, true
	}
	select {
	case <-ctx.Done():
		return 0, false
	case key, ok = <-s.keys:
		return key, ok
	}
}

// password reads a password up to Enter, without showing it; false when the customer gives up.
func (s *screen) password(ctx context.Context) (text string, ok bool) {
	fmt.Fprint(s.out, "password and Enter (Esc: not now): ")
	defer fmt.Fprintln(s.out)
	for typed := []byte{}; len(typed) <= maxPassword; {
		key, ok := s.next(ctx)
		switch {
		case !ok, key == interrupt, key == escape:
			return "", false
		case key == '\r', key == '\n':
			return string(typed), len(typed) > 0
		case key == backspace, key == erase:
			typed = typed[:max(0, len(typed)-1)]
		case key == eraseAll:
			typed = typed[:0]
		default:
			typed = append(typed, key)
		}
	}
	return "", false
}
