package printer

import (
	"errors"
	"testing"

	"posd/drivers/port/porttest"
	"posd/drivers/printer/profile"
)

func TestEncodeSwitchesTheChineseFontPerRun(t *testing.T) {
	china, _ := profile.Lookup(profile.Default)
	got := encode(Document{Lines: []Line{
		{Runs: []Run{{Text: "a中b"}, {Text: "B", Bold: true}, {Text: "D", Double: true}}}, {Kind: Cut},
	}}, look{columns: 48, cut: cutFull, face: defaultFace(), profile: china})
	want := "\x1b@\x1c." + "a\x1c&\xd6\xd0\x1c.b" + "\x1bE\x01B" + "\x1bE\x00\x1d!\x11D" + "\x1d!\x00\n" + "\x1dVA\x00"
	if string(got.bytes) != want || len(got.missing) > 0 {
		t.Errorf("got %q, missing %q, want %q", got.bytes, string(got.missing), want)
	}
}

func TestAJapanesePrinterIsToldThatItIsShiftJIS(t *testing.T) {
	epson, _ := profile.Lookup("TM-T20III")
	got := encode(Document{Lines: []Line{Plain("日本")}}, look{columns: 48, cut: cutFull, face: newFace(profile.ShiftJIS, nil), profile: epson})
	if want := "\x1b@\x1c.\x1cC\x01\x1c&\x93\xfa\x96\x7b\x1c.\n"; string(got.bytes) != want {
		t.Errorf("got %q, want %q", got.bytes, want)
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
			got := DecodeStatus(c.reply)
			if got != c.want || !errors.Is(got.Err(), c.err) {
				t.Errorf("%x: got %+v, %v, want %+v, %v", c.reply, got, got.Err(), c.want, c.err)
			}
		})
	}
}

func TestRepliesAreToldApart(t *testing.T) {
	stream := []byte("\x12" + "\x11" + "\x10\x00\x00\x0f" + "\x37\x22" + "0042\x00" + "\xff\xfe" + "\x5fCHINA GB18030\x00" + "\x0c" + "\x37\x12")
	want := []string{"\x12", "\x11", "\x10\x00\x00\x0f", "\x37\x220042\x00", "\x5fCHINA GB18030\x00", "\x0c", "\x12"}
	got := porttest.Frames(t, SplitReply, stream, 3)
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

func TestFlowControlWithinAReplyDoesNotTearIt(t *testing.T) {
	stream := []byte("\x10\x13\x00\x11\x0c\x0f" + "\x37\x13\x220042\x11\x00" + "\x12")
	want := []string{"\x10\x00\x0c\x0f", "\x37\x220042\x00", "\x12"}
	got := porttest.Frames(t, SplitReply, stream, 1)
	if len(got) != len(want) {
		t.Fatalf("got %q, want %q", got, want)
	}
	for i := range want {
		if string(got[i]) != want[i] {
			t.Errorf("reply %d: got %q, want %q", i, got[i], want[i])
		}
	}
	if r := ReadReply(got[0]); r.Kind != ReplyAuto || !r.Status.PaperOut || r.Status.PaperLow || !r.Status.Online {
		t.Errorf("ASB says %+v", r)
	}
}

func TestRepliesAreReadAsTheManualSays(t *testing.T) {
	cases := map[string]struct {
		bytes string
		want  Reply
	}{
		"process id":      {"\x37\x220042\x00", Reply{Kind: ReplyProcess, Text: "0042"}},
		"offline answer":  {"\x37\x23A\x00", Reply{Kind: ReplyBlock, Bits: 0x37}},
		"buffer cleared":  {"\x37\x25\x00", Reply{Kind: ReplyBlock, Bits: 0x37}},
		"model":           {"_TM-T88V\x00", Reply{Kind: ReplyInfo, Text: "TM-T88V"}},
		"type":            {"=!CB\x00", Reply{Kind: ReplyBlock, Bits: '='}},
		"fence":           {"\x0c", Reply{Kind: ReplyFence, Bits: 0x0C}},
		"status now":      {"\x16", Reply{Kind: ReplyStatus, Bits: 0x16}},
		"XOFF":            {"\x13", Reply{Kind: ReplyFlow, Bits: xoff}},
		"ASB: well":       {"\x10\x00\x00\x0f", Reply{Kind: ReplyAuto, Bits: 0x10, Status: Status{Online: true}}},
		"ASB: drawer":     {"\x14\x00\x00\x0f", Reply{Kind: ReplyAuto, Bits: 0x14, Status: Status{Online: true, DrawerPin: true}}},
		"ASB: cover":      {"\x38\x00\x00\x0f", Reply{Kind: ReplyAuto, Bits: 0x38, Status: Status{CoverOpen: true}}},
		"ASB: cutter":     {"\x18\x08\x00\x0f", Reply{Kind: ReplyAuto, Bits: 0x18, Status: Status{Fault: FaultCutter}}},
		"ASB: hot":        {"\x18\x40\x00\x0f", Reply{Kind: ReplyAuto, Bits: 0x18, Status: Status{Fault: FaultHot}}},
		"ASB: broken":     {"\x18\x20\x00\x0f", Reply{Kind: ReplyAuto, Bits: 0x18, Status: Status{Fault: FaultBroken}}},
		"ASB: mechanical": {"\x18\x04\x00\x0f", Reply{Kind: ReplyAuto, Bits: 0x18, Status: Status{Fault: FaultMechanical}}},
		"ASB: waiting":    {"\x18\x01\x00\x0f", Reply{Kind: ReplyAuto, Bits: 0x18, Status: Status{Fault: FaultMechanical}}},
		"ASB: near end":   {"\x10\x00\x03\x0f", Reply{Kind: ReplyAuto, Bits: 0x10, Status: Status{Online: true, PaperLow: true}}},
		"ASB: end": {
			"\x18\x00\x0f\x0f",
			Reply{Kind: ReplyAuto, Bits: 0x18, Status: Status{PaperOut: true, PaperLow: true}},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			frames := porttest.Frames(t, SplitReply, []byte(c.bytes), 1)
			if len(frames) != 1 {
				t.Fatalf("%q is %d replies", c.bytes, len(frames))
			}
			if got := ReadReply(frames[0]); got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

func TestTheFontOfLanguageIsUnderstood(t *testing.T) {
	for text, want := range map[string]profile.Wide{
		"CHINA GB2312": profile.GB2312, "CHINA GB18030": profile.GB18030, "TAIWAN BIG-5": profile.Big5,
		"KANJI JAPANESE": profile.ShiftJIS, "KOREA": profile.EUCKR, "THAI": profile.WideNone, "": profile.WideNone,
	} {
		if got := wideOf(text); got != want {
			t.Errorf("%q is %s, want %s", text, got, want)
		}
	}
}

// FuzzReadReply shows that whatever a printer sends is read without harm, and that an id or a text comes only from a block.
func FuzzReadReply(f *testing.F) {
	f.Add([]byte("\x12\x10\x13\x00\x00\x0f\x37\x220042\x00\xff\x5fX\x00=!CB\x00"))
	f.Add([]byte("\x5f\x00\x37\x00\x37\x22\x00"))
	f.Fuzz(func(t *testing.T, stream []byte) {
		for _, frame := range porttest.Frames(t, SplitReply, stream, 1) {
			r := ReadReply(frame)
			if r.Text != "" && frame[len(frame)-1] != 0 {
				t.Errorf("%q gives the text %q", frame, r.Text)
			}
			if r.Kind == ReplyProcess && len(r.Text) != 4 {
				t.Errorf("%q gives the process id %q", frame, r.Text)
			}
			if r.Kind == ReplyAuto && r.Status.Err() == nil && len(r.Status.Conditions()) > 1 {
				t.Errorf("%x would print, and has %d conditions", frame, len(r.Status.Conditions()))
			}
		}
	})
}

func FuzzReplies(f *testing.F) {
	porttest.FuzzSplit(f, SplitReply, "\x12\x10\x00\x00\x0f\x37\x220042\x00\xff\x5fX\x00", "\x37\x12\x10\x00\xff")
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
