package printer

import (
	"errors"
	"testing"

	"posd/drivers/port/porttest"
)

func TestEncodeSwitchesTheChineseFontPerRun(t *testing.T) {
	job, missing := encode(Document{Lines: []Line{
		{Runs: []Run{{Text: "a中b"}, {Text: "B", Bold: true}, {Text: "D", Double: true}}}, {Kind: Cut},
	}}, 48, cutFull)
	want := "\x1b@\x1c." + "a\x1c&\xd6\xd0\x1c.b" + "\x1bE\x01B" + "\x1bE\x00\x1d!\x11D" + "\x1d!\x00\n" + "\x1dVA\x00"
	if string(job) != want || len(missing) > 0 {
		t.Errorf("got %q, missing %q, want %q", job, string(missing), want)
	}
}

func TestStatusBytesAreReadAsTheManualSays(t *testing.T) {
	cases := map[string]struct {
		reply [4]byte
		want  Status
		err   error
	}{
		"well":        {[4]byte{0x12, 0x12, 0x12, 0x12}, Status{Online: true}, nil},
		"drawer high": {[4]byte{0x16, 0x12, 0x12, 0x12}, Status{Online: true, DrawerPin: true}, nil},
		"near end":    {[4]byte{0x12, 0x12, 0x12, 0x1E}, Status{Online: true, PaperLow: true}, nil},
		"paper end":   {[4]byte{0x1A, 0x32, 0x12, 0x7E}, Status{PaperOut: true, PaperLow: true}, ErrPaperOut},
		"cover":       {[4]byte{0x1A, 0x16, 0x12, 0x12}, Status{CoverOpen: true}, ErrCoverOpen},
		"offline":     {[4]byte{0x1A, 0x12, 0x12, 0x12}, Status{}, ErrOffline},
		"cutter":      {[4]byte{0x1A, 0x52, 0x1A, 0x12}, Status{Fault: "cutter"}, ErrFault},
		"broken": {
			[4]byte{0x1A, 0x52, 0x32, 0x12},
			Status{Fault: "unrecoverable: switch it off and on, else call service"},
			ErrFault,
		},
		"hot": {
			[4]byte{0x1A, 0x52, 0x52, 0x12}, Status{Fault: "print head too hot, or stopped for a moment"}, ErrFault,
		},
		"recovery": {
			[4]byte{0x3A, 0x12, 0x12, 0x12}, Status{Fault: "mechanical: open and close the cover"}, ErrFault,
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := decodeStatus(c.reply)
			if got != c.want || !errors.Is(got.Err(), c.err) {
				t.Errorf("%x: got %+v, %v, want %+v, %v", c.reply, got, got.Err(), c.want, c.err)
			}
		})
	}
}

func TestRepliesAreToldApart(t *testing.T) {
	stream := []byte("\x12" + "\x11" + "\x10\x00\x00\x0f" + "\x37\x22" + "0042\x00" + "\xff\xfe" + "\x5fCHINA GB18030\x00" + "\x0c" + "\x37\x12")
	want := []string{"\x12", "\x11", "\x10\x00\x00\x0f", "\x37\x220042\x00", "\x5fCHINA GB18030\x00", "\x0c", "\x12"}
	got := porttest.Frames(t, splitReply, stream, 3)
	if len(got) != len(want) {
		t.Fatalf("got %q, want %q", got, want)
	}
	for i := range want {
		if string(got[i]) != want[i] {
			t.Errorf("reply %d: got %q, want %q", i, got[i], want[i])
		}
	}
	if id, ok := processID([]byte("\x37\x220042\x00")); !ok || id != "0042" {
		t.Errorf("process id %q, %v", id, ok)
	}
}

func FuzzReplies(f *testing.F) {
	porttest.FuzzSplit(f, splitReply, "\x12\x10\x00\x00\x0f\x37\x220042\x00\xff\x5fX\x00", "\x37\x12\x10\x00\xff")
}

func TestEveryDriverIsComplete(t *testing.T) {
	for _, d := range Drivers() {
		for _, o := range d.Options {
			if o.Doc == "" || o.Name == "" {
				t.Errorf("driver %s: option %q explains nothing", d.Name, o.Name)
			}
		}
	}
}
