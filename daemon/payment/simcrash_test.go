package payment

import (
	"fmt"
	"slices"
)

// crashKinds are the events before and after whose commit the power fails.
var crashKinds = []string{
	factSaleOpened, factSaleAcked, factCreated, factSent, factAsked, factApproved, factDeclined, factUnsent, factCancelled,
	factReversing, factTried, factReversed, factStuck, factSettled, factTold, factVoided, factRefunded, factPair, factPairMoved,
	factBatchStep, factBatchTried, factBatchClosed, factBatchRefused, factBatch,
}

// rareKinds come up in few days: a crash is planned for them more often.
var rareKinds = []string{factSettled, factPair, factPairMoved, factPairMoved, factPairMoved, factBatchRefused, factBatchRefused, factBatch, factBatchTried, factBatchClosed, factVoided}

// plan draws the next crash.
func (d *day) plan() {
	d.w.mu.Lock()
	defer d.w.mu.Unlock()
	d.started++
	rng := d.w.draw("plan", fmt.Sprint(d.started))
	if d.started > 3 || d.w.calm {
		return
	}
	at, skip := (5*int(d.w.seed)+d.started)%(2*len(crashKinds)), rng.IntN(2) // each point has its turn
	if rng.IntN(2) == 0 {                                                    // and what is rare gets more
		at, skip = slices.Index(crashKinds, rareKinds[rng.IntN(len(rareKinds))])+len(crashKinds)*rng.IntN(2), 0
	}
	side := "before "
	if at >= len(crashKinds) {
		side = "after "
	}
	d.w.crashAt, d.w.skip = side+crashKinds[at%len(crashKinds)], skip
}
