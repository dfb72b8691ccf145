package port_test

import (
	"errors"
	"strings"
	"testing"

	"posd/drivers/port"
)

func TestADeviceServerThatListensToNobodyIsMissing(t *testing.T) {
	a, err := port.ParseAddress("tcp://127.0.0.1:1") // the system gives this port to nobody
	if err != nil {
		t.Fatal(err)
	}
	_, err = port.Open(t.Context(), a)
	if !errors.Is(err, port.ErrMissing) || !strings.Contains(err.Error(), "nobody listens there") {
		t.Errorf("got %v", err)
	}
}
