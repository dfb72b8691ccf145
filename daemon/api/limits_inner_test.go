package api

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"posd/daemon/payment"
	"posd/daemon/prints"
)

func TestThePageTellsTheLimitsThatHold(t *testing.T) {
	page, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		fmt.Sprintf("(%d at most, then 202)", int(maxWait.Seconds())),
		"| `as` of a verdict | `" + strings.Join(verdicts, "`, `") + "`",
		fmt.Sprintf("of sales 1 to %d (left out: %d), of the journal's events up to %d, of its sales up to %d", maxListed, listed, payment.MaxRecords, payment.MaxSales),
		fmt.Sprintf("who decides up to %d bytes, and why up to %d", longestWord, longestReason),
		fmt.Sprintf("| `code` | 1 to %d characters", longestCode),
		fmt.Sprintf("| %d KiB, of a print %d MiB; one JSON object in UTF-8, within %d s", bodyLimit>>10, prints.MaxContent>>20, int(bodyTime.Seconds())),
		fmt.Sprintf("%d requests, %d that wait for their turn up to %d s; %d event streams", maxRequests, maxQueued, int(queueTime.Seconds()), maxStreams),
	} {
		if !strings.Contains(string(page), want) {
			t.Errorf("README.md lacks %q", want)
		}
	}
}
