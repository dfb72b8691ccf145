package journal

import (
	"context"
	"time"

	sqlite3 "modernc.org/sqlite/lib"
)

// quiet is how long nothing must be written before the log is written back.
const quiet = 2 * time.Second

// startKeeper starts the goroutine that writes the log back when nothing else is going on. Close ends it.
func (j *Journal) startKeeper() {
	ctx, cancel := context.WithCancel(unbound)
	j.stop = cancel
	if !j.opt.Memory && !j.opt.ReadOnly {
		j.keeper.Go(func() { j.keep(ctx) })
	}
}

func (j *Journal) keep(ctx context.Context) {
	timer := time.NewTimer(quiet)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-j.idle:
			timer.Reset(quiet)
		case <-timer.C:
			if j.acquire(ctx) != nil {
				return
			}
			if j.usable() == nil && j.commits > 0 {
				j.checkpoint()
			}
			j.release()
		}
	}
}

// checkpoint writes the log back. A full disk is no harm here, since the log keeps everything; any other failure
// blocks: the file's pages may be lost in memory and look clean. The caller has the turn.
func (j *Journal) checkpoint() {
	j.commits, j.parts = 0, 0
	err := j.store.checkpoint(keepLength)
	switch {
	case err == nil:
	case primaryCode(err) == sqlite3.SQLITE_FULL:
		j.opt.Log.Warn("journal's log cannot be written back", "err", err)
		j.ballast.release()
	default:
		j.opt.Log.Error("journal's log cannot be written back", "err", err)
		_ = j.block(err)
	}
}
