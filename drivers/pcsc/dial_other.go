//go:build !windows

package pcsc

import "context"

// noService is what ErrNoService says here.
const noService = "pcscd does not answer; install and start it (apt-get install pcscd)"

func dial(ctx context.Context, path string) (service, error) { return dialSocket(ctx, path) }
