package plug_test

import (
	"context"
	"testing"

	"posd/drivers/plug"
)

func TestAWatchEndsWithItsContextOrSaysThatTheMachineTellsNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := plug.Watch(ctx, func(plug.Event) {}); err == nil {
		t.Error("it ends without an error")
	}
}

func TestWhatIsPluggedInCanBeListed(t *testing.T) {
	for _, d := range plug.Live() {
		if len(d.Faces) == 0 {
			t.Errorf("%+v has nothing to be opened", d)
		}
	}
}
