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
