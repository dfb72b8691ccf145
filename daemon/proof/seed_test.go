//go:build proof && linux

package proof

import (
	"flag"
	"testing"
	"time"
)

// seed makes what the harnesses draw the same again.
var seed = flag.Uint64("proof.seed", 0, "of everything that is drawn; 0 takes one from the clock")

// drawnSeed is the seed of a test, said in its log.
func drawnSeed(t *testing.T) uint64 {
	t.Helper()
	s := *seed
	if s == 0 {
		s = uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d", s)
	return s
}
