package main

import (
	"context"
	"encoding/binary"
	"flag"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"posd/drivers/pcsc"
	"posd/hwtest/devicesim"
)

// realPcscd lets a test start the machine's own pcscd with a virtual reader (Debian's pcscd and vsmartcard-vpcd; root).
var realPcscd = flag.Bool("pcscd", false, "start pcscd with vsmartcard's virtual reader, and pay by chip through it")

// vpcdAddress is where the virtual reader waits for its card (/etc/reader.conf.d/vpcd).
const vpcdAddress = "127.0.0.1:35963"

// TestAChipPaysThroughTheRealPcscd holds the client against pcsc-lite itself, of which the other tests only have a copy.
func TestAChipPaysThroughTheRealPcscd(t *testing.T) {
	if !*realPcscd {
		t.Skip("starts a service of the machine: go test ./hwtest -run RealPcscd -pcscd")
	}
	if _, err := os.Stat(pcsc.Socket); err == nil {
		t.Fatalf("%s is there: pcscd runs already, or was killed; stop it, and take that away", pcsc.Socket)
	}
	ctx, cancel := context.WithCancel(context.Background())
	service := exec.CommandContext(ctx, "pcscd", "--foreground")
	service.Cancel = func() error { return service.Process.Signal(syscall.SIGTERM) } // it takes its socket away
	service.WaitDelay = 10 * time.Second
	if err := service.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); _ = service.Wait() })
	card := devicesim.TestCard("620000", 7)
	chip := devicesim.NewChip(card)
	putIn(t, chip)
	eventually(t, "the card is listed", func() bool {
		code, out, _ := verb(t, "chip")
		return code == success && strings.Contains(out, "card, ATR 3b80800101")
	})
	code, out, errs := verb(t, "chip", "--pay", "1999")
	if code != success || !strings.HasPrefix(out, card.PAN[:6]+"******"+card.PAN[12:]) {
		t.Errorf("exit %d, %q%s", code, out, errs)
	}
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	limit, every := time.NewTimer(20*time.Second), time.NewTicker(50*time.Millisecond)
	defer limit.Stop()
	defer every.Stop()
	for !holds() {
		select {
		case <-every.C:
		case <-limit.C:
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// putIn puts a chip into the virtual reader (vsmartcard's protocol: a length of two bytes in front of each message; one byte is a
// command to the card's contacts).
func putIn(t *testing.T, chip *devicesim.Chip) {
	t.Helper()
	var line net.Conn
	eventually(t, "the virtual reader listens", func() bool {
		var err error
		line, err = (&net.Dialer{}).DialContext(t.Context(), "tcp", vpcdAddress)
		return err == nil
	})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			head := make([]byte, 2)
			if _, err := io.ReadFull(line, head); err != nil {
				return
			}
			message := make([]byte, binary.BigEndian.Uint16(head))
			if _, err := io.ReadFull(line, message); err != nil {
				return
			}
			answer := onContacts(chip, message)
			if answer == nil {
				continue
			}
			if _, err := line.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...)); err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() { _ = line.Close(); <-ended })
}

// onContacts gives what the card answers; nil for nothing.
func onContacts(chip *devicesim.Chip, message []byte) []byte {
	const askATR = 4
	switch {
	case len(message) > 1:
		return chip.Transmit(message)
	case len(message) == 1 && message[0] == askATR:
		return []byte{0x3B, 0x80, 0x80, 0x01, 0x01}
	default: // power and reset
		return nil
	}
}
