package payment

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
)

func TestEachReversalGoesOnceBeforeANewPaymentThatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &lane{}
		ctx, stop := context.WithCancel(t.Context())
		turns := make(chan string)
		enter := func(name string, place int64, again bool) {
			go func() {
				for l.enter(ctx, place) == nil {
					select {
					case turns <- name:
					case <-ctx.Done():
					}
					l.leave()
					if !again {
						return
					}
				}
			}()
			synctest.Wait()
		}
		if err := l.enter(ctx, newcomer); err != nil {
			t.Fatal(err)
		}
		enter("first", newcomer, false)
		enter("second", newcomer, false)
		for _, place := range []int64{7, 5, 6} { // hosts that never answer: they are back at once
			enter(fmt.Sprint(place), place, true)
		}
		l.leave()
		var got []string
		for !slices.Contains(got, "second") && len(got) < 100 {
			got = append(got, <-turns)
			synctest.Wait()
		}
		want := []string{"5", "6", "7", "first", "second"}
		if !slices.Equal(got, want) {
			t.Errorf("turns %v, want %v", got, want)
		}
		stop()
	})
}

func TestAReversalThatWasInTheLaneWhenAPaymentCameGoesNotBeforeItAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &lane{}
		turns := make(chan string, 4)
		enter := func(name string, place int64) {
			go func() {
				_ = l.enter(t.Context(), place)
				turns <- name
			}()
			synctest.Wait()
		}
		enter("reversal", 5)
		enter("first", newcomer)
		enter("second", newcomer)
		l.leave() // the reversal came to nothing, and is back at once
		enter("reversal again", 5)
		for range 2 {
			l.leave()
			synctest.Wait()
		}
		var got []string
		for range cap(turns) {
			got = append(got, <-turns)
		}
		if want := []string{"reversal", "first", "second", "reversal again"}; !slices.Equal(got, want) {
			t.Errorf("turns %v, want %v", got, want)
		}
	})
}
