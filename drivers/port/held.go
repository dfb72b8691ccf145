package port

// HeldError is ErrBusy with what is known of who has the device.
type HeldError struct {
	File string // the device file; "" when nothing names one
	By   string // in words, "hwtest (pid 12)"; "" when this user may not see it
}

// Error says that the port is in use, and by whom.
func (h *HeldError) Error() string {
	if h.By == "" {
		return ErrBusy.Error()
	}
	return ErrBusy.Error() + " by " + h.By
}

// Unwrap is ErrBusy.
func (h *HeldError) Unwrap() error { return ErrBusy }

// held is the error for a device file that somebody else has.
func held(file string) *HeldError { return &HeldError{File: file, By: heldBy(file)} }
