package api_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"
)

// Rule 9 under load: whoever repeats a request, and however often, it moves money once, and all hear the same.
func TestAThousandClientsWhoRepeatTenTimesCaptureOnceEachAndHearTheSame(t *testing.T) {
	const clients, repeats = 1000, 10
	inShop(t, func(t *testing.T, s *shop) {
		var all sync.WaitGroup
		for n := range clients {
			all.Go(func() {
				id := fmt.Sprint("s", n)
				s.patient(http.MethodPut, "/v1/sales/"+id, fmt.Sprintf(`{"amount":%d,"currency":"CNY"}`, 100+n))
				heard := make(chan string, repeats)
				for range repeats {
					go func() {
						heard <- s.patient(http.MethodPut, "/v1/sales/"+id+"/attempts/a", walletSale(fmt.Sprintf("28%016d", n)))
					}()
				}
				first := <-heard
				for range repeats - 1 {
					if again := <-heard; again != first {
						t.Errorf("sale %s is told %s, and %s", id, first, again)
					}
				}
			})
		}
		all.Wait()
		if got := s.wallet.calls(); got != clients {
			t.Errorf("the gateway was asked %d times for %d attempts", got, clients)
		}
		if a := s.want(http.StatusOK, s.ask(http.MethodGet, "/v1/sales/s7", "")); a.Paid != 107 {
			t.Errorf("sale s7 has %d paid", a.Paid)
		}
		s.refused(http.StatusUnprocessableEntity, "attempt_differs", s.ask(http.MethodPut, "/v1/sales/s7/attempts/a", cardSale))
	})
}

// patient asks until there is room, and gives the answer.
func (s *shop) patient(method, path, body string) string {
	for {
		w := s.ask(method, path, body, waiting)
		switch w.Code {
		case http.StatusOK, http.StatusCreated:
			return w.Body.String()
		case http.StatusServiceUnavailable:
			time.Sleep(time.Second)
		default:
			s.t.Errorf("%s: %d %s", path, w.Code, w.Body)
			return ""
		}
	}
}
