package payment

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestWhoWaitsIsWokenByHisOwnSaleOnly(t *testing.T) {
	withDesk(t, &script{}, nil, Rules{}, func(b *bench) {
		b.open("1", 100)
		b.open("2", 200)
		looks := 0
		over := make(chan time.Time)
		ended := make(chan struct{})
		key := Key{"till", "1", "a"}
		create := func(sale, attempt string, amount Cents) {
			r := request(sale, attempt, RailCard)
			r.Amount = amount
			if err := b.desk.create(b.ctx, r); err != nil {
				b.t.Fatal(err)
			}
		}
		create("1", "a", 100)
		go func() {
			defer close(ended)
			_, _ = b.desk.book.follow(b.ctx, key, over, func(Attempt) bool { looks++; return false })
		}()
		synctest.Wait()
		create("2", "b", 200)
		synctest.Wait()
		if err := b.desk.Told(b.ctx, Attempt{Key: key, State: Created}); err != nil {
			b.t.Fatal(err)
		}
		synctest.Wait()
		if looks != 2 {
			b.t.Errorf("looked %d times, want at once and after its own change", looks)
		}
		close(over)
		<-ended
		if n := len(b.desk.book.watches); n != 0 {
			b.t.Errorf("%d sales are still watched", n)
		}
	})
}
