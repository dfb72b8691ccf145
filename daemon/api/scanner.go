package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"posd/drivers"
)

// tellLimit is how long a scanner may take to do what it is told: it answers within two seconds, once its turn has come.
const tellLimit = 5 * time.Second

// scannerInput tells a scanner something.
type scannerInput struct {
	Command string `json:"command"`
	Device  string `json:"device"`
}

func (*scannerInput) names() []string { return []string{"command", "device"} }

// tellScanner has a scanner look for a code, beep, or change its mode, and waits until it has said that it did.
func (a *API) tellScanner(c *call) error {
	var in scannerInput
	if err := c.read(&in); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.r.Context(), tellLimit)
	defer cancel()
	if err := a.o.Scanner(ctx, in.Device, in.Command); err != nil {
		return a.scannerRefusal(in.Device, err)
	}
	a.answer(c, http.StatusOK, struct {
		Result string `json:"result"`
	}{"done"})
	return nil
}

// scannerRefusal says why a scanner was not told, or did not do it. What the till wrote is not repeated.
func (a *API) scannerRefusal(device string, err error) error {
	silent := refusal{
		status: http.StatusServiceUnavailable, code: "scanner_silent", detail: "the scanner did not answer; it may have done it all the same",
		hint: "look at the scanner's cable and mode, and order it again",
	}
	switch {
	case errors.Is(err, drivers.ErrNoCommand):
		return badField("command", "is no command of a scanner", "use trigger, release, beep, on-command or presentation")
	case errors.Is(err, drivers.ErrNoDevice):
		return badField("device", "names no scanner", "use a name of GET /v1/devices, or leave it out for the first scanner")
	case errors.Is(err, drivers.ErrNoCommands), errors.Is(err, drivers.ErrUnsupported):
		return &refusal{
			status: http.StatusUnprocessableEntity, code: "scanner_cannot", detail: "this scanner's driver has no such command",
			hint: "drivers newland, honeywell and ssi have commands; DRIVERS.md says which",
		}
	case errors.Is(err, drivers.ErrNotTaken):
		return &refusal{
			status: http.StatusConflict, code: "scanner_refuses", detail: "the scanner refuses the command",
			hint: "look at the scanner's mode: its manual says in which one it takes commands",
		}
	case errors.Is(err, drivers.ErrNotOnline):
		silent.code, silent.detail = "scanner_offline", "the scanner is not connected"
		if why, remedy := a.scannerTrouble(device); remedy != "" {
			silent.detail, silent.hint = "the scanner is not connected: "+why, remedy
		}
		return &silent
	case errors.Is(err, drivers.ErrNoAnswer), errors.Is(err, context.DeadlineExceeded):
		return &silent
	default:
		return err
	}
}

// scannerTrouble is why a scanner is offline, and what to do.
func (a *API) scannerTrouble(device string) (why, remedy string) {
	for _, d := range a.o.Devices() {
		if d.Kind == drivers.Scanner && (device == "" || d.Name == device) {
			return d.Why, d.Remedy
		}
	}
	return "", ""
}
