package api_test

import (
	"net/http"
	"testing"
)

func TestOnlyASupervisorEndsABatchByHand(t *testing.T) {
	inShop(t, func(_ *testing.T, s *shop) {
		s.paid("1")
		const byHand = `{"by_hand":true,"by":"Wang","reason":"cleared with the acquirer"}`
		s.refused(http.StatusForbidden, "supervisor_only", s.ask(http.MethodPost, "/v1/batches/close", byHand))
		s.refused(http.StatusUnprocessableEntity, "bad_request", s.ask(http.MethodPost, "/v1/batches/close", `{"by_hand":true}`, as(superToken)))
		s.refused(http.StatusConflict, "batch_not_refused", s.ask(http.MethodPost, "/v1/batches/close", byHand, as(superToken)))
	})
}
