package api_test

import (
	"net/http"
	"testing"
	"testing/synctest"
)

func TestASaleThatTheTillCannotTakeIsRefusedWhenItIsOpened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openShop(t, nil)
		s.refused(http.StatusUnprocessableEntity, "bad_request", s.ask(http.MethodPut, "/v1/sales/s", `{"amount":1999,"currency":"USD"}`))
	})
}
