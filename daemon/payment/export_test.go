package payment

// plant replaces a part of the pure core by one with a fault, so that a test can show that the fault is caught.
func (d *Desk) plant(wrap func(decideFunc) decideFunc, lock func(Sale) (Attempt, bool)) {
	if wrap != nil {
		d.core.decide = wrap(d.core.decide)
	}
	if lock != nil {
		d.core.lock = lock
	}
}

type decideFunc = func(Attempt, event, Policy, Rules) decision
