package main

import (
	"context"
	"log/slog"

	"posd/config"
)

// world is everything outside posd.
type world struct {
	Log *slog.Logger
}

// run is posd from start to stop: it returns when ctx ends, or with what keeps it from running.
func run(ctx context.Context, _ *config.Config, w world) error {
	w.Log.Info("posd runs")
	<-ctx.Done()
	w.Log.Info("posd stops")
	return nil
}
